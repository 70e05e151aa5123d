//! Rows of a list: what they say, and why they are refused.

use chrono::{DateTime, Utc};

use super::super::list::{Field, List, ListKind, ListRow, PartColumn, Presence};
use super::super::test_support::{at, day, month, rulebook};
use super::super::{Authority, District, Month, ReceiptState, Roster, Rulebook};
use super::{Entries, Entry, ListReader, Stands, judge_owing, judge_until, read};
use Presence::{AboveZero, Blank, Unreadable, Zero};

fn authority(id: &str, name: &str, ags: &str) -> Authority {
    let base = super::super::test_support::authority(id, District::Duesseldorf);
    Authority { name: name.into(), ags: ags.into(), ..base }
}

/// Two offices of one city, which share its AGS, and one that stands alone.
fn roster() -> Roster {
    let authorities = vec![
        authority("abh-05113-essen", "Stadt Essen", "05113"),
        authority("zab-essen", "ZAB Essen", "05113"),
        authority("abh-05112-duisburg", "Stadt Duisburg", "05112"),
        authority("abh-05170-wesel", "Kreis Wesel", "05170"),
        authority("abh-05170048-wesel", "Stadt Wesel", "05170048"),
    ];
    Roster::new(authorities, vec![], vec![])
}

/// A list with columns of text by key, and part columns by `duty.part`; a row is a line of cells.
fn list(columns: &[&str], rows: &[&[&str]]) -> List {
    let mut list = List::default();
    let fields: Vec<Option<Field>> = columns
        .iter()
        .map(|key| Field::ALL.into_iter().find(|(known, _)| known == key).map(|(_, field)| field))
        .collect();
    for (key, field) in columns.iter().zip(&fields) {
        match (field, key.split_once('.')) {
            (Some(field), _) => list.headings.push((*field, key.to_uppercase())),
            (None, Some((duty, part))) => {
                let column = PartColumn { duty: duty.into(), part: part.into(), is_confirmation: duty == "planning" };
                list.parts.push((column, key.to_uppercase()));
            }
            (None, None) => panic!("{key} is no column"),
        }
    }
    for (index, cells) in rows.iter().enumerate() {
        let mut row = ListRow { line: index + 2, ..ListRow::default() };
        for (cell, field) in cells.iter().zip(&fields) {
            match field {
                Some(field) if !cell.is_empty() => row.texts.push((*field, (*cell).to_owned())),
                Some(_) => {}
                None => row.parts.push(match *cell {
                    "" => Blank,
                    "0" => Zero,
                    "?" => Unreadable,
                    _ => AboveZero,
                }),
            }
        }
        list.rows.push(row);
    }
    list
}

struct Desk {
    rulebook: Rulebook,
    roster: Roster,
    kind: ListKind,
    month: Option<Month>,
    duty: Option<&'static str>,
    now: DateTime<Utc>,
}

impl Desk {
    fn new() -> Self {
        Self {
            rulebook: rulebook(),
            roster: roster(),
            kind: ListKind::Snapshot,
            month: Some(month("2026-12")),
            duty: None,
            now: at("2026-12-14 10:00"),
        }
    }

    fn read(&self, list: &List) -> Entries {
        let reader = ListReader {
            rulebook: &self.rulebook,
            roster: &self.roster,
            kind: self.kind,
            first_cycle: Some(month("2026-06")),
            now: self.now,
            month: self.month,
            duty: self.duty,
        };
        read(reader, list)
    }

    fn one(&self, columns: &[&str], cells: &[&str]) -> Entry {
        let entries = self.read(&list(columns, &[cells]));
        assert_eq!(entries.refused, [], "{cells:?}");
        assert_eq!(entries.good.len(), 1, "{cells:?}: {:?}", entries.good);
        entries.good[0].clone()
    }

    /// Exactly one refusal, in that column, with that piece in its reason.
    fn refuses(&self, columns: &[&str], cells: &[&str], column: &str, piece: &str) {
        let entries = self.read(&list(columns, &[cells]));
        assert_eq!(entries.good, [], "{cells:?}");
        let [refusal] = &entries.refused[..] else { panic!("{cells:?}: {:?}", entries.refused) };
        assert_eq!(
            (refusal.line, refusal.column.to_lowercase().as_str()),
            (2, column),
            "{cells:?}: {}",
            refusal.reason
        );
        assert!(refusal.reason.contains(piece), "{cells:?}: no {piece:?} in {:?}", refusal.reason);
    }
}

const STATISTICS: [&str; 5] =
    ["authority", "statistics.reag-garp", "statistics.without-funding", "statistics.returns", "nil"];

#[test]
fn a_row_names_its_authority_by_id_by_name_or_by_an_ags_that_is_its_alone() {
    let desk = Desk { duty: Some("planning"), ..Desk::new() };
    let columns = ["authority", "ags", "state"];
    let check = |authority: &str, ags: &str, wanted: &str| {
        assert_eq!(&*desk.one(&columns, &[authority, ags, "fehlt"]).authority, wanted, "{authority} {ags}");
    };
    check("abh-05113-essen", "", "abh-05113-essen");
    check("ABH-05113-ESSEN", "", "abh-05113-essen");
    check("stadt  essen", "", "abh-05113-essen");
    check("ZAB Essen", "05113", "zab-essen"); // an AGS that two share may confirm one of them
    check("", "05112", "abh-05112-duisburg");
    check("", "5112", "abh-05112-duisburg"); // a table program drops the zero
    check("", "05170048", "abh-05170048-wesel");
    let refuses = |authority: &str, ags: &str, column: &str, piece: &str| {
        desk.refuses(&columns, &[authority, ags, "fehlt"], column, piece)
    };
    refuses("", "05113", "ags", "abh-05113-essen, zab-essen");
    refuses("", "05999", "ags", "unbekannter AGS");
    refuses("", "", "authority", "nennt keine Behörde");
    refuses("Stadt Wessel", "", "authority", "ähnlich: abh-05170-wesel, abh-05170048-wesel");
    refuses("Stadt Nirgends", "", "authority", "steht nicht in authorities.csv");
    refuses("ABH Wesel", "", "authority", "ähnlich: abh-05170-wesel, abh-05170048-wesel");
    refuses(&format!("{} Wesel", "Nirgends ".repeat(10)), "", "authority", "steht nicht in authorities.csv"); // too long
    refuses("Stadt Essen", "05112", "ags", "widersprechen sich");
}

#[test]
fn a_month_is_that_of_the_cycle_or_the_one_that_is_reported_on() {
    let desk = Desk { month: None, ..Desk::new() };
    let check = |duty: &str, month: &str, period: &str, wanted: &str| {
        let columns = ["authority", "duty", "month", "period", "state"];
        let entry = desk.one(&columns, &["zab-essen", duty, month, period, "vollständig"]);
        assert_eq!((entry.month.to_string().as_str(), &*entry.duty), (wanted, duty), "{duty} {month} {period}");
    };
    check("statistics", "2026-12", "", "2026-12");
    check("statistics", "", "November 2026", "2026-12");
    check("planning", "", "11/2026", "2026-11");
    check("statistics", "12.2026", "2026-11", "2026-12");
    let columns = ["authority", "duty", "month", "period", "state"];
    let refuses = |month: &str, period: &str, column: &str, piece: &str| {
        desk.refuses(&columns, &["zab-essen", "statistics", month, period, "fehlt"], column, piece);
    };
    refuses("", "", "month", "nennt keinen Monat");
    refuses("Dezember", "", "month", "ist kein Monat");
    refuses("2026-12", "2026-12", "month", "gehört zum Lauf 2027-01");
    refuses("2026-05", "", "month", "vor dem ersten Monatslauf dieses Datenbestands, 2026-06");
    refuses("2027-02", "", "month", "gehört zum Lauf 2027-02, und den gibt es noch nicht");
    refuses("", "2027-01", "period", "gehört zum Lauf 2027-02");
}

#[test]
fn blank_is_not_zero_and_a_nil_report_has_no_figure_above_zero() {
    let desk = Desk::new();
    let partial = |missing: &[&str]| ReceiptState::Partial { missing: missing.iter().map(|id| (*id).into()).collect() };
    let check = |cells: [&str; 4], wanted: ReceiptState| {
        let entry = desk.one(&STATISTICS, &["zab-essen", cells[0], cells[1], cells[2], cells[3]]);
        assert_eq!((entry.state, &*entry.duty), (wanted, "statistics"), "{cells:?}");
    };
    check(["7", "0", "3", ""], ReceiptState::Complete);
    check(["0", "0", "0", ""], ReceiptState::Complete); // zeros that were entered are no explicit nil report, but all is there
    check(["0", "0", "0", "ja"], ReceiptState::Nil);
    check(["", "", "", "x"], ReceiptState::Nil);
    check(["", "", "", ""], ReceiptState::Missing);
    check(["", "", "", "nein"], ReceiptState::Missing);
    check(["", "0", "", ""], partial(&["reag-garp", "returns"]));
    check(["1", "2", "", "nein"], partial(&["returns"]));
    let refuses = |cells: [&str; 4], column: &str, piece: &str| {
        desk.refuses(&STATISTICS, &["zab-essen", cells[0], cells[1], cells[2], cells[3]], column, piece);
    };
    refuses(["0", "4", "0", "ja"], "statistics.without-funding", "Zahl über 0");
    refuses(["?", "0", "0", ""], "statistics.reag-garp", "ist nicht lesbar");
    refuses(["0", "0", "0", "vielleicht"], "nil", "ja oder nein");
}

#[test]
fn a_figure_stands_in_no_refusal() {
    let entries = Desk::new()
        .read(&list(&STATISTICS, &[&["zab-essen", "0", "4711", "0", "ja"], &["zab-essen", "?", "", "", ""]]));
    assert_eq!(entries.refused.len(), 2);
    assert!(entries.refused.iter().all(|refusal| refusal.value.is_none()), "{:?}", entries.refused);
}

#[test]
fn a_state_in_a_word_carries_what_belongs_to_it() {
    let desk = Desk { duty: Some("statistics"), ..Desk::new() };
    let columns = ["authority", "state", "until", "reason", "missing"];
    let check = |cells: [&str; 4], wanted: ReceiptState, stands: Stands| {
        let entry = desk.one(&columns, &["zab-essen", cells[0], cells[1], cells[2], cells[3]]);
        assert_eq!((entry.state, entry.stands), (wanted, stands), "{cells:?}");
    };
    let why = || "Ausfall der IT".to_owned();
    let missing = |ids: &[&str]| ReceiptState::Partial { missing: ids.iter().map(|id| (*id).into()).collect() };
    check(["vollständig", "", "", ""], ReceiptState::Complete, Stands::ThisCycle);
    check(["", "", "", ""], ReceiptState::Missing, Stands::ThisCycle); // a whole list has a blank for who has not reported
    check(["teilweise", "", "", "returns"], missing(&["returns"]), Stands::ThisCycle);
    check(["teilweise", "", "", "Teil returns; reag-garp"], missing(&["reag-garp", "returns"]), Stands::ThisCycle);
    check(["entschuldigt", "", "Ausfall der IT", ""], ReceiptState::Excused { reason: why() }, Stands::ThisCycle);
    check(
        ["verlängert", "22.12.2026", "Ausfall der IT", ""],
        ReceiptState::Extended { until: day("2026-12-22"), reason: why() },
        Stands::ThisCycle,
    );
    check(["Fehlanzeige", "", "", ""], ReceiptState::Nil, Stands::ThisCycle);
    check(["Fehlanzeige", "30.06.2027", "Ausfall der IT", ""], ReceiptState::Nil, Stands::Until(day("2027-06-30")));
    check(["befreit", "", "Ausfall der IT", ""], ReceiptState::Exempt { reason: why() }, Stands::ThisCycle);
    check(
        ["befreit", "bis auf Weiteres", "Ausfall der IT", ""],
        ReceiptState::Exempt { reason: why() },
        Stands::FurtherNotice,
    );
    let refuses = |cells: [&str; 4], column: &str, piece: &str| {
        desk.refuses(&columns, &["zab-essen", cells[0], cells[1], cells[2], cells[3]], column, piece);
    };
    refuses(["vielleicht", "", "", ""], "state", "unbekannter Meldestand");
    refuses(["verlängert", "", "Umzug", ""], "until", "fehlt");
    refuses(["verlängert", "bald", "Umzug", ""], "until", "ist kein Tag");
    refuses(["verlängert", "22.12.2026", "", ""], "reason", "braucht einen Grund");
    refuses(["Fehlanzeige", "bis auf Weiteres", "Umzug", ""], "until", "ist kein Tag");
    refuses(["Fehlanzeige", "30.06.2027", "", ""], "reason", "braucht einen Grund");
    refuses(["vollständig", "22.12.2026", "", ""], "until", "gehört nur zu");
    refuses(["vollständig", "", "weil", ""], "reason", "gehört nur zu");
    refuses(["fehlt", "", "", "returns"], "missing", "gehört nur zu");
    refuses(["teilweise", "", "", ""], "missing", "sagt, welche");
    refuses(["teilweise", "", "", "verstorbene"], "missing", "unbekannter Bestandteil");
    refuses(["teilweise", "", "", "reag-garp, without-funding, returns"], "missing", "nennt alle");
    refuses(["", "22.12.2026", "", ""], "until", "gehört zu einem Meldestand");
    refuses(["entschuldigt", "", "eine\nZeile", ""], "reason", "Zeilenumbruch");
}

#[test]
fn a_word_and_the_parts_beside_it_say_the_same() {
    let desk = Desk::new();
    let columns = ["authority", "state", "statistics.reag-garp", "statistics.without-funding", "statistics.returns"];
    assert_eq!(desk.one(&columns, &["zab-essen", "gemeldet", "1", "0", "2"]).state, ReceiptState::Complete);
    let partial = desk.one(&columns, &["zab-essen", "teilweise", "1", "0", ""]).state;
    assert_eq!(partial, ReceiptState::Partial { missing: vec!["returns".into()] });
    desk.refuses(&columns, &["zab-essen", "gemeldet", "1", "0", ""], "state", "widerspricht");
    desk.refuses(&columns, &["zab-essen", "fehlt", "1", "0", ""], "state", "widerspricht");
}

#[test]
fn the_duty_is_that_of_the_row_of_the_command_or_of_the_columns() {
    let both = [
        "authority",
        "planning.confirmation",
        "statistics.reag-garp",
        "statistics.without-funding",
        "statistics.returns",
    ];
    let desk = Desk::new();
    let entries = desk.read(&list(&both, &[&["zab-essen", "ja", "0", "1", ""]]));
    let said: Vec<(&str, &str)> = entries.good.iter().map(|entry| (&*entry.duty, entry.state.as_str())).collect();
    assert_eq!(said, [("planning", "complete"), ("statistics", "partial")]);
    let named = Desk { duty: Some("planning"), ..Desk::new() };
    assert_eq!(named.one(&["authority", "state"], &["zab-essen", "gemeldet"]).duty.as_ref(), "planning");
    assert_eq!(
        desk.one(&["authority", "duty", "state"], &["zab-essen", "APS-Statistikmodul", "gemeldet"]).duty.as_ref(),
        "statistics"
    );
    desk.refuses(
        &["authority", "duty", "state"],
        &["zab-essen", "Lagebild", "gemeldet"],
        "duty",
        "unbekannte Meldepflicht",
    );
    desk.refuses(&["authority", "state"], &["zab-essen", "gemeldet"], "duty", "nennt keine Meldepflicht");
    desk.refuses(
        &["authority", "duty", "reported_at"],
        &["zab-essen", "planning", "01.12.2026"],
        "state",
        "sagt nichts",
    );
}

#[test]
fn an_event_says_when_and_nothing_lies_in_the_future() {
    let columns = ["authority", "duty", "state", "reported_at"];
    let row = |when: &'static str| ["zab-essen", "planning", "gemeldet", when];
    let events = Desk { kind: ListKind::Events, ..Desk::new() };
    let check = |desk: &Desk, when: &'static str, wanted: Option<&str>| {
        assert_eq!(desk.one(&columns, &row(when)).reported_at, wanted.map(at), "{when}");
    };
    check(&events, "04.12.2026 09:12", Some("2026-12-04 09:12"));
    check(&events, "2026-12-04", Some("2026-12-04 00:00"));
    check(&events, "14.12.2026 10:00", Some("2026-12-14 10:00"));
    check(&Desk::new(), "", None);
    events.refuses(&columns, &row(""), "reported_at", "sagt jede Zeile, wann");
    events.refuses(&columns, &row("14.12.2026 10:01"), "reported_at", "in der Zukunft");
    Desk::new().refuses(&columns, &row("15.12.2026"), "reported_at", "in der Zukunft");
    events.refuses(&columns, &row("gestern"), "reported_at", "ist kein Datum");
}

#[test]
fn rows_that_contradict_each_other_are_all_refused_and_a_repeated_row_counts_once() {
    let columns = ["authority", "duty", "state", "reported_at"];
    let snapshot = |rows: &[&[&str]]| {
        let entries = Desk::new().read(&list(&columns, rows));
        let lines = |lines: Vec<usize>| lines;
        (
            lines(entries.good.iter().map(|entry| entry.line).collect()),
            lines(entries.refused.iter().map(|refusal| refusal.line).collect()),
        )
    };
    let complete: &[&str] = &["zab-essen", "planning", "gemeldet", ""];
    let missing: &[&str] = &["ZAB Essen", "planning", "fehlt", ""];
    let of_other_duty: &[&str] = &["zab-essen", "statistics", "fehlt", ""];
    assert_eq!(snapshot(&[complete, missing, of_other_duty]), (vec![4], vec![2, 3]));
    assert_eq!(snapshot(&[complete, of_other_duty, complete]), (vec![2, 3], vec![]));
    assert_eq!(snapshot(&[complete, missing, complete]), (vec![], vec![2, 3]));
    let events = Desk { kind: ListKind::Events, ..Desk::new() };
    let on = |state: &'static str, day: &'static str| ["zab-essen", "planning", state, day];
    let rows = [on("fehlt", "08.12.2026"), on("gemeldet", "04.12.2026"), on("gemeldet", "08.12.2026 12:00")];
    let rows: Vec<&[&str]> = rows.iter().map(|row| &row[..]).collect();
    let entries = events.read(&list(&columns, &rows));
    let lines: Vec<usize> = entries.good.iter().map(|entry| entry.line).collect();
    assert_eq!((lines, entries.refused.len()), (vec![3, 2, 4], 0), "events come in the order of time");
}

#[test]
fn a_report_of_one_that_another_reports_for_is_refused_with_the_other_and_its_blank_is_not() {
    let mut desk = Desk { duty: Some("planning"), ..Desk::new() };
    let merged = Authority {
        valid_to: Some(day("2026-11-30")),
        reported_by: Some("abh-05170-wesel".into()),
        ..authority("abh-05170048-wesel", "Stadt Wesel", "05170048")
    };
    desk.roster = Roster::new(vec![authority("abh-05170-wesel", "Kreis Wesel", "05170"), merged], vec![], vec![]);
    let list = list(&["authority", "state"], &[&["Stadt Wesel", "gemeldet"], &["Kreis Wesel", "gemeldet"]]);
    let entries = desk.read(&list);
    let judge = |entry: &Entry, ends_on: &str| {
        judge_owing(entry, &list, &desk.roster, day(ends_on)).map(|refusal| refusal.reason)
    };
    let reason = judge(&entries.good[0], "2026-12-15").expect("the other one reports");
    assert!(reason.contains("15. Dezember 2026") && reason.contains("Kreis Wesel (abh-05170-wesel)"), "{reason}");
    assert_eq!(judge(&entries.good[0], "2026-11-30"), None, "it still owed what was due then");
    assert_eq!(judge(&entries.good[1], "2026-12-15"), None);
    let blank = Entry { state: ReceiptState::Missing, ..entries.good[0].clone() };
    assert_eq!(judge(&blank, "2026-12-15"), None);
}

#[test]
fn an_extension_ends_after_the_deadline() {
    let desk = Desk { duty: Some("planning"), ..Desk::new() };
    let list = list(&["authority", "state", "until", "reason"], &[&["zab-essen", "verlängert", "15.12.2026", "Umzug"]]);
    let entry = &desk.read(&list).good[0];
    let refusal = judge_until(entry, &list, day("2026-12-15")).expect("no later day");
    assert_eq!((refusal.column.as_str(), refusal.value.as_deref()), ("UNTIL", Some("15.12.2026")));
    assert!(refusal.reason.contains("15. Dezember 2026"), "{}", refusal.reason);
    assert_eq!(judge_until(entry, &list, day("2026-12-14")), None);
}
