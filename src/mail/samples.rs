//! Sample letters of every kind and shape, with invented authorities. Never anything that was or will be sent.
//!
//! Templates are tried with them when they are loaded, and a person who writes a template can look at the result.

use chrono::NaiveDate;
use chrono_tz::Europe::Berlin;

use crate::domain::duty::NoticeKind;
use crate::domain::escalation::{Because, Case, Change, Dispatch, EscalationReport, Gone};
use crate::domain::letter::{AlertLine, AuthorityLine, CorrectionFacts, Letter, Matter};
use crate::domain::movement::Movement;
use crate::domain::roster::District;
use crate::domain::rulebook::{DocumentFormat, Letterhead};
use crate::domain::standing::{ReceiptState, Standing};
use crate::domain::summary::{LongSilence, Outstanding, Summary, Tally};
use crate::domain::{Deadline, Month};

const PARTS_OF_STATISTICS: [&str; 3] = [
    "Freiwillige Ausreisen mit REAG/GARP-Förderung",
    "Freiwillige Ausreisen ohne REAG/GARP-Förderung",
    "Rückführungen (einschließlich Dublin-Überstellungen)",
];

/// All sample letters, the first an announcement to one authority.
pub fn letters() -> Vec<Letter> {
    named_letters().into_iter().map(|(_, letter)| letter).collect()
}

/// All sample letters with a name for what is special about each; every kind at least once.
pub fn named_letters() -> Vec<(&'static str, Letter)> {
    use NoticeKind::{AllClear, Announcement, Correction, Escalation, Overdue, Reminder};
    let musterau = || silent("Kreis Musterau");
    let beispielhausen = || silent("Stadt Beispielhausen");
    let mut letters = vec![
        ("announcement", to_users(Announcement, planning(), &[musterau()])),
        ("announcement-several", to_users(Announcement, planning(), &[musterau(), beispielhausen()])),
        ("announcement-including", to_users(Announcement, planning(), &[including("Kreis Musterau")])),
        ("announcement-copy", to_office(Announcement, planning(), "RRK Köln")),
        ("announcement-own-date", to_users(Announcement, with_own_date(planning()), &[musterau()])),
        ("announcement-free-day", to_users(Announcement, on_a_free_day(statistics()), &[musterau()])),
        ("announcement-of-a-site", to_users(Announcement, of_a_site(), &[musterau()])),
        ("correction", to_users(Correction, corrected(planning()), &[musterau()])),
        ("correction-several", to_users(Correction, corrected(statistics()), &[musterau(), beispielhausen()])),
        ("correction-settled", to_users(Correction, corrected(planning()), &[settled("Kreis Musterau")])),
        (
            "correction-several-settled",
            to_users(Correction, corrected(planning()), &[settled("Kreis Musterau"), settled("Stadt Beispielhausen")]),
        ),
        (
            "correction-one-of-two-settled",
            to_users(
                Correction,
                corrected(statistics()),
                &[settled("Kreis Musterau"), partial("Stadt Beispielhausen")],
            ),
        ),
        ("correction-partial", to_users(Correction, corrected(statistics()), &[partial("Stadt Beispielhausen")])),
        ("correction-extended", extended(to_users(Correction, corrected(planning()), &[musterau()]))),
        ("correction-copy", to_office(Correction, corrected(planning()), "RRK Köln")),
        ("reminder", early(to_users(Reminder, planning(), &[musterau()]))),
        ("reminder-partial", to_users(Reminder, statistics(), &[partial("Kreis Musterau")])),
        (
            "reminder-several-free-day",
            to_users(Reminder, on_a_free_day(statistics()), &[musterau(), partial("Stadt Beispielhausen")]),
        ),
        (
            "reminder-including",
            to_users(Reminder, statistics(), &[including("Kreis Musterau"), partial("Stadt Beispielhausen")]),
        ),
        ("reminder-copy", to_office(Reminder, planning(), "RRK Köln")),
        ("reminder-of-a-site", to_users(Reminder, of_a_site(), &[musterau()])),
        ("overdue", to_users(Overdue, planning(), &[musterau()])),
        ("overdue-partial", to_users(Overdue, statistics(), &[partial("Kreis Musterau")])),
        ("overdue-extended", extended(to_users(Overdue, planning(), &[musterau()]))),
        ("overdue-several", to_users(Overdue, statistics(), &[musterau(), partial("Stadt Beispielhausen")])),
        ("overdue-copy", to_office(Overdue, planning(), "RRK Köln")),
        ("overdue-of-a-site", to_users(Overdue, of_a_site(), &[musterau()])),
        ("escalation", with_report(Escalation, planning(), &[silent_case("Kreis Musterau")])),
        (
            "escalation-repeated",
            repeated(with_report(
                Escalation,
                statistics(),
                &[
                    silent_of_three("Kreis Musterau"),
                    partial_case("Stadt Beispielhausen"),
                    silent_of_three("Zentrale Ausländerbehörde Musterstadt"),
                ],
            )),
        ),
        (
            "long-silence",
            with_silence(
                3,
                &[
                    outstanding(District::Arnsberg, "Stadt Neumuster", 3, 4),
                    outstanding(District::Koeln, "Kreis Musterau", 4, 3),
                ],
                &[outstanding(District::Duesseldorf, "Kreis Altmuster", 0, 5)],
            ),
        ),
        ("long-silence-one", with_silence(2, &[outstanding(District::Koeln, "Kreis Musterau", 4, 2)], &[])),
        (
            "long-silence-unreachable",
            with_silence(2, &[], &[outstanding(District::Duesseldorf, "Kreis Altmuster", 0, 2)]),
        ),
        ("escalation-of-the-state", Letter { kind: Escalation, ..with_summary(summary()) }),
        (
            "escalation-partial",
            carrying(
                DocumentFormat::Xlsx,
                with_report(Escalation, statistics(), &[partial_case("Stadt Beispielhausen")]),
            ),
        ),
        (
            "escalation-extended",
            carrying(DocumentFormat::Pdf, with_report(Escalation, planning(), &[extended_case("Kreis Musterau")])),
        ),
        (
            "escalation-several",
            with_report(
                Escalation,
                statistics(),
                &[silent_of_three("Kreis Musterau"), partial_case("Stadt Beispielhausen")],
            ),
        ),
        (
            "all-clear",
            with_report(AllClear, planning(), &[settled_case("Kreis Musterau"), excused_case("Stadt Beispielhausen")]),
        ),
        (
            "all-clear-repeated",
            repeated(with_report(
                AllClear,
                statistics(),
                &[settled_case("Kreis Musterau"), given_more_time_case("Stadt Beispielhausen")],
            )),
        ),
        ("summary-all-settled", with_summary(summary_settled())),
        ("summary", with_summary(summary())),
        ("summary-of-nobody", with_summary(Summary::default())),
        ("zrk-notice", to_zrk(&[alert()])),
        ("zrk-notice-several", to_zrk(&[alert(), alert_of_import()])),
    ];
    let mut bare = letters[0].1.clone();
    bare.letterhead = Letterhead::default();
    letters.push(("announcement-without-letterhead", bare));
    letters
}

fn letter(kind: NoticeKind, matter: Option<Matter>) -> Letter {
    Letter {
        kind,
        letterhead: Letterhead {
            sender: vec![
                "Zentrale Rückkehrkoordination des Landes NRW".into(),
                "Zentrale Ausländerbehörde Musterstadt".into(),
                "Musterstraße 1, 00000 Musterstadt".into(),
            ],
            file_number: "523-26.19.01-000001".into(),
            signature: vec![
                "Zentrale Rückkehrkoordination des Landes NRW".into(),
                "Zentrale Ausländerbehörde Musterstadt".into(),
            ],
            contact: "Zentrale Rückkehrkoordination (ZRK), zrk@zrk.example, Telefon 0123 4567-89".into(),
            system: "APS auf ZAIPort".into(),
            ..Letterhead::default()
        },
        month: month(2026, 12),
        zone: Berlin,
        matter,
        authorities: Vec::new(),
        office: None,
        report: None,
        summary: None,
        long_silence: None,
        alerts: Vec::new(),
        attachments: Vec::new(),
    }
}

fn to_users(kind: NoticeKind, mut matter: Matter, authorities: &[AuthorityLine]) -> Letter {
    matter.today = match kind {
        NoticeKind::Reminder => matter.deadline.ends_on,
        NoticeKind::Overdue => matter.deadline.ends_on + chrono::Days::new(1),
        _ => matter.deadline.import_on,
    };
    Letter { authorities: authorities.to_vec(), ..letter(kind, Some(matter)) }
}

/// As it goes out five working days before the end.
fn early(mut letter: Letter) -> Letter {
    if let Some(matter) = &mut letter.matter {
        matter.today = date(2026, 12, 8);
    }
    letter
}

/// As it goes out when an extension has run out.
fn extended(mut letter: Letter) -> Letter {
    letter.authorities.iter_mut().for_each(|line| line.extended_to = Some(date(2026, 12, 22)));
    if let Some(matter) = &mut letter.matter {
        matter.today = date(2026, 12, 23);
    }
    letter
}

fn to_office(kind: NoticeKind, matter: Matter, office: &str) -> Letter {
    Letter { office: Some(office.into()), ..letter(kind, Some(matter)) }
}

fn with_report(kind: NoticeKind, mut matter: Matter, cases: &[Case]) -> Letter {
    matter.today = date(2026, 12, if kind == NoticeKind::AllClear { 18 } else { 17 });
    let report = EscalationReport {
        district: District::Koeln,
        authorities_total: 17,
        unreachable_total: 0,
        months_known: 12,
        number: 1,
        before: None,
        cases: cases.to_vec(),
        gone: Vec::new(),
    };
    let attachments = if kind == NoticeKind::Escalation { DocumentFormat::ALL.to_vec() } else { Vec::new() };
    Letter { office: Some("RRK Köln".into()), report: Some(report), attachments, ..letter(kind, Some(matter)) }
}

/// With one of the two files only.
fn carrying(format: DocumentFormat, letter: Letter) -> Letter {
    Letter { attachments: vec![format], ..letter }
}

/// The second report, after things have moved.
fn repeated(mut letter: Letter) -> Letter {
    let gone = |name: &str, because| Gone { authority: "abh-00002-neumuster".into(), name: name.into(), because };
    let settled = Standing::of(ReceiptState::Complete, "2026-12-21T09:12:00Z".parse().ok());
    if let Some(matter) = &mut letter.matter {
        matter.today = date(2026, 12, if letter.kind == NoticeKind::AllClear { 28 } else { 24 });
    }
    if let Some(report) = &mut letter.report {
        report.unreachable_total = 1;
        (report.number, report.before) = (2, "2026-12-17T07:00:02Z".parse().ok());
        let changes = [(Change::Unchanged, None), (Change::Moved, Some(Movement::PartCame)), (Change::New, None)];
        for (case, (change, moved)) in report.cases.iter_mut().zip(changes.into_iter().cycle()) {
            (case.change, case.moved, case.days_overdue) = (change, moved, 9);
        }
        if let Some(case) = report.cases.first_mut() {
            case.also_missing = vec!["APS-Planungsmodul Dezember 2026".into()];
        }
        report.gone = vec![
            gone("Stadt Neumuster", Because::Settled(settled)),
            gone("Kreis Altmuster", Because::Unreachable),
            gone("Stadt Altdorf", Because::NotOwing(Some("Stadt Neudorf".into()))),
            gone("Stadt Altstadt", Because::NotOwing(None)),
            gone("Kreis Neuenmuster", Because::Settled(Standing::of(extended_state(), None))),
        ];
        if letter.kind == NoticeKind::AllClear {
            report.gone.retain(|gone| matches!(gone.because, Because::NotOwing(_)));
        }
    }
    letter
}

fn with_silence(cycles: u32, missing: &[Outstanding], unreachable: &[Outstanding]) -> Letter {
    let silence = LongSilence { cycles, missing: missing.to_vec(), unreachable: unreachable.to_vec() };
    let matter = Matter { today: date(2026, 12, 22), ..statistics() };
    let letter = to_office(NoticeKind::LongSilence, matter, "ZRK");
    Letter { long_silence: Some(silence), ..letter }
}

fn with_summary(summary: Summary) -> Letter {
    let mut matter = planning();
    matter.today = date(2026, 12, 17);
    Letter { office: Some("ZRK".into()), summary: Some(summary), ..letter(NoticeKind::Summary, Some(matter)) }
}

fn to_zrk(alerts: &[AlertLine]) -> Letter {
    Letter { office: Some("ZRK".into()), alerts: alerts.to_vec(), ..letter(NoticeKind::ZrkNotice, None) }
}

fn planning() -> Matter {
    let ends_on = date(2026, 12, 15);
    Matter {
        duty: "planning".into(),
        title: "Meldung im Planungsmodul".into(),
        module: "APS-Planungsmodul".into(),
        parts: vec!["Bestätigung der Aktualisierung".into()],
        period: month(2026, 12),
        deadline: Deadline { import_on: date(2026, 12, 1), stated_on: ends_on, ends_on },
        today: date(2026, 12, 1),
        working_days: Some(10),
        counts_import_day: false,
        own_date: false,
        follows_import: true,
        free_day: None,
        revision: 1,
        correction: None,
    }
}

fn statistics() -> Matter {
    Matter {
        duty: "statistics".into(),
        title: "Ausreisezahlen im Statistikmodul".into(),
        module: "APS-Statistikmodul".into(),
        parts: PARTS_OF_STATISTICS.map(String::from).to_vec(),
        period: month(2026, 11),
        working_days: None,
        follows_import: false,
        ..planning()
    }
}

fn on_a_free_day(matter: Matter) -> Matter {
    let (stated_on, ends_on) = (date(2026, 11, 15), date(2026, 11, 16));
    Matter {
        period: month(2026, 10),
        deadline: Deadline { import_on: date(2026, 11, 2), stated_on, ends_on },
        free_day: Some(
            "Der 15. fällt auf einen Sonntag; die Frist endet deshalb erst mit Ablauf des nächsten Werktags: Montag, \
             16. November 2026 (§ 31 Abs. 3 VwVfG)."
                .into(),
        ),
        ..matter
    }
}

fn with_own_date(matter: Matter) -> Matter {
    Matter { own_date: true, working_days: None, ..matter }
}

/// A duty that a site adds itself, with the settings that the shipped ones do not have.
fn of_a_site() -> Matter {
    Matter {
        duty: "inventory".into(),
        title: "Bestandsmeldung".into(),
        module: "Bestandsmodul".into(),
        counts_import_day: true,
        ..planning()
    }
}

fn corrected(matter: Matter) -> Matter {
    let correction = CorrectionFacts {
        stated_before: date(2026, 12, 13),
        ended_before: date(2026, 12, 14),
        reason: "Der Datenimport hat sich wegen einer Störung verschoben.".into(),
    };
    Matter { revision: 2, correction: Some(correction), ..matter }
}

fn silent(name: &str) -> AuthorityLine {
    AuthorityLine {
        name: name.into(),
        missing: PARTS_OF_STATISTICS.map(String::from).to_vec(),
        is_partial: false,
        settled: None,
        extended_to: None,
        includes: vec![],
    }
}

fn partial(name: &str) -> AuthorityLine {
    AuthorityLine {
        name: name.into(),
        missing: vec![PARTS_OF_STATISTICS[2].into()],
        is_partial: true,
        settled: None,
        extended_to: None,
        includes: vec![],
    }
}

/// One that has reported.
fn settled(name: &str) -> AuthorityLine {
    AuthorityLine { missing: vec![], settled: Some(ReceiptState::Complete), ..silent(name) }
}

/// One that reports for two others, too.
fn including(name: &str) -> AuthorityLine {
    AuthorityLine { includes: vec!["Stadt Altdorf".into(), "Stadt Neudorf".into()], ..silent(name) }
}

fn silent_case(name: &str) -> Case {
    let dispatch = |kind, day: u32, accepted_at: Option<&str>, returned_at: Option<&str>| Dispatch {
        kind,
        due_at: date(2026, 12, day).and_hms_opt(7, 0, 0).expect("a time of day").and_utc(),
        accepted_at: accepted_at.and_then(|at| at.parse().ok()),
        returned_at: returned_at.and_then(|at| at.parse().ok()),
    };
    Case {
        authority: "abh-00001-musterau".into(),
        name: name.into(),
        standing: Standing::silent(),
        missing: vec!["Bestätigung der Aktualisierung".into()],
        days_overdue: 2,
        dispatches: vec![
            dispatch(NoticeKind::Reminder, 8, Some("2026-12-08T07:00:04Z"), None),
            dispatch(NoticeKind::Reminder, 14, None, Some("2026-12-14T07:12:09Z")),
            dispatch(NoticeKind::Overdue, 16, None, None),
        ],
        months_missed: 3,
        missed_running: 3,
        also_missing: Vec::new(),
        change: Change::First,
        moved: None,
    }
}

fn silent_of_three(name: &str) -> Case {
    Case { missing: PARTS_OF_STATISTICS.map(String::from).to_vec(), ..silent_case(name) }
}

fn partial_case(name: &str) -> Case {
    let missing = vec![PARTS_OF_STATISTICS[1].to_owned(), PARTS_OF_STATISTICS[2].to_owned()];
    Case {
        standing: Standing::of(ReceiptState::Partial { missing: missing.clone() }, None),
        missing,
        dispatches: Vec::new(),
        months_missed: 0,
        missed_running: 1,
        days_overdue: 2,
        ..silent_case(name)
    }
}

fn extended_case(name: &str) -> Case {
    let standing = Standing { extended_to: Some(date(2026, 12, 16)), ..Standing::silent() };
    Case { standing, days_overdue: 1, ..silent_case(name) }
}

fn settled_case(name: &str) -> Case {
    let since = "2026-12-18T09:12:00Z".parse().ok();
    let standing = Standing::of(ReceiptState::Complete, since);
    Case { standing, missing: Vec::new(), missed_running: 0, ..silent_case(name) }
}

fn excused_case(name: &str) -> Case {
    let state = ReceiptState::Excused { reason: "Umzug".into() };
    Case { standing: Standing::of(state, None), missing: Vec::new(), missed_running: 0, ..silent_case(name) }
}

fn given_more_time_case(name: &str) -> Case {
    let standing = Standing::of(extended_state(), "2026-12-21T09:12:00Z".parse().ok());
    Case { standing, missing: Vec::new(), missed_running: 0, ..silent_case(name) }
}

fn extended_state() -> ReceiptState {
    ReceiptState::Extended { until: date(2027, 1, 8), reason: "Umzug".into() }
}

fn summary_settled() -> Summary {
    let tally = Tally { total: 86, complete: 80, nil: 4, excused: 2, ..Tally::default() };
    Summary { districts: [(District::Koeln, tally)].into(), ..Summary::default() }
}

fn summary() -> Summary {
    let tally = |total, complete, late, nil, excused, partial, missing, unreachable| Tally {
        total,
        complete,
        late,
        nil,
        excused,
        extended: excused / 2,
        partial,
        missing,
        unreachable,
    };
    Summary {
        districts: [
            (District::Arnsberg, tally(19, 17, 1, 1, 0, 0, 1, 0)),
            (District::Detmold, tally(12, 12, 0, 0, 0, 0, 0, 0)),
            (District::Duesseldorf, tally(21, 16, 0, 1, 3, 0, 1, 1)),
            (District::Koeln, tally(17, 13, 2, 1, 0, 1, 2, 0)),
            (District::Muenster, tally(17, 16, 0, 0, 1, 0, 0, 0)),
        ]
        .into(),
        months_known: 12,
        missing: vec![
            outstanding(District::Arnsberg, "Stadt Neumuster", 3, 1),
            outstanding(District::Koeln, "Kreis Musterau", 4, 3),
            outstanding(District::Koeln, "Stadt Beispielhausen", 2, 2),
            outstanding(District::Koeln, "Zentrale Ausländerbehörde Musterstadt", 0, 1),
        ],
        unreachable: vec![outstanding(District::Duesseldorf, "Kreis Altmuster", 0, 5)],
    }
}

fn outstanding(district: District, name: &str, reminders_delivered: u32, missed_running: u32) -> Outstanding {
    Outstanding {
        district,
        authority: "abh-00001-musterau".into(),
        name: name.into(),
        standing: Standing::silent(),
        reminders_delivered,
        reminders_failed: u32::from(reminders_delivered < 4),
        missed_running,
    }
}

fn alert() -> AlertLine {
    AlertLine {
        headline: "Postfach weist E-Mails ab".into(),
        detail: "Das Postfach abh@musterau.example (Kreis Musterau) weist E-Mails endgültig ab (550 5.1.1 User unknown). Bitte \
                 berichtigen Sie die Adresse im Verzeichnis."
            .into(),
    }
}

fn alert_of_import() -> AlertLine {
    AlertLine {
        headline: "Datenimport noch nicht bestätigt".into(),
        detail:
            "Für Dezember 2026 war der Datenimport am Dienstag, 1. Dezember 2026, vorgesehen. Bitte bestätigen Sie ihn."
                .into(),
    }
}

fn month(year: i32, month: u32) -> Month {
    Month::of(date(year, month, 1))
}

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("sample dates exist")
}
