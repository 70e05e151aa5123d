//! Punctuality, corner by corner (`docs/punctuality.md`).

use std::collections::HashMap;

use chrono_tz::Europe::Berlin;

use super::super::ReceiptState::{Complete, Excused, Exempt, Missing, Nil};
use super::super::past::missed;
use super::super::test_support::{at, authority, backdated, day, extended, month, partial, receipt};
use super::*;

const DEADLINE: &str = "2026-09-15";
const CLOSE: &str = "2026-10-16 00:00"; // the end of October's deadline

/// September, told to end on the 15th, closed with October's deadline.
fn september(receipts: Vec<Receipt>) -> Known {
    let mut by_authority: HashMap<AuthorityId, Vec<Receipt>> = HashMap::new();
    for receipt in receipts {
        by_authority.entry(receipt.authority.clone()).or_default().push(receipt);
    }
    let ends_on = day(DEADLINE);
    Known::Told(PastCycle { month: month("2026-09"), ends_on, closes_at: at(CLOSE), receipts: by_authority })
}

fn excused() -> ReceiptState {
    Excused { reason: "Hochwasser".into() }
}

fn exempt() -> ReceiptState {
    Exempt { reason: "Aufgabe abgegeben".into() }
}

/// The cell of `a` in September.
fn cell_of(receipts: Vec<Receipt>, now: &str) -> (Mark, Option<i32>) {
    let roster = Roster::new(vec![authority("a", District::Koeln)], Vec::new(), Vec::new());
    let judged = punctuality(month("2026-09"), &[september(receipts)], &roster, at(now), Berlin);
    let cell = judged.authorities[0].cells[0];
    (cell.mark, cell.days)
}

const AFTER: &str = "2026-12-01 08:00"; // long after the close
const BETWEEN: &str = "2026-09-30 08:00"; // after the deadline, before the close

#[test]
fn a_closed_month_is_judged_by_what_was_known_when_it_closed() {
    let check = |label: &str, receipts: Vec<Receipt>, want| assert_eq!(cell_of(receipts, AFTER), want, "{label}");
    let a = |state, when| receipt("a", state, when);
    check("nothing came", vec![], (Mark::Missed, None));
    check("complete two days before", vec![a(Complete, "2026-09-13 23:59")], (Mark::InTime, Some(-2)));
    check("in the last minute of the last day", vec![a(Complete, "2026-09-15 23:59")], (Mark::InTime, Some(0)));
    check("in the first minute after it", vec![a(Complete, "2026-09-16 00:00")], (Mark::Late, Some(1)));
    check("in the last minute before the close", vec![a(Complete, "2026-10-15 23:59")], (Mark::Late, Some(30)));
    check("after the close", vec![a(Complete, "2026-10-16 00:01")], (Mark::Missed, None));
    check(
        "reported before the deadline, recorded after the close",
        vec![backdated("a", Complete, "2026-09-10 09:00", "2026-10-20 09:00")],
        (Mark::Missed, None),
    );
    check(
        "reported before the deadline, recorded between",
        vec![backdated("a", Complete, "2026-09-10 09:00", "2026-09-20 09:00")],
        (Mark::InTime, Some(-5)),
    );
    check("nil", vec![a(Nil, "2026-09-15 10:00")], (Mark::Nil, Some(0)));
    check("nil, late", vec![a(Nil, "2026-09-17 10:00")], (Mark::Late, Some(2)));
    check("partial at the close", vec![a(partial(&["p"]), "2026-09-10 10:00")], (Mark::Missed, None));
    check(
        "partial, completed late: the day of completion counts",
        vec![a(partial(&["p"]), "2026-09-10 10:00"), a(Complete, "2026-09-18 10:00")],
        (Mark::Late, Some(3)),
    );
    check("excused in time", vec![a(excused(), "2026-09-15 10:00")], (Mark::Excused, None));
    check("excused afterwards", vec![a(excused(), "2026-09-16 10:00")], (Mark::Late, None));
    check(
        "excused in time, reported afterwards: in time, and no days",
        vec![a(excused(), "2026-09-10 10:00"), a(Complete, "2026-09-20 10:00")],
        (Mark::InTime, None),
    );
    check("exempt", vec![a(exempt(), "2026-09-20 10:00")], (Mark::Exempt, None));
    check(
        "a correction after completion changes neither the mark nor the day",
        vec![a(Complete, "2026-09-14 10:00"), a(Complete, "2026-09-25 10:00")],
        (Mark::InTime, Some(-1)),
    );
    check(
        "complete corrected to nil",
        vec![a(Complete, "2026-09-14 10:00"), a(Nil, "2026-09-25 10:00")],
        (Mark::Nil, Some(-1)),
    );
    check(
        "withdrawn before the deadline, and nothing after",
        vec![a(Complete, "2026-09-10 10:00"), a(Missing, "2026-09-14 10:00")],
        (Mark::Missed, None),
    );
    check(
        "withdrawn after the deadline, and nothing after",
        vec![a(Complete, "2026-09-10 10:00"), a(Missing, "2026-09-20 10:00")],
        (Mark::Missed, None),
    );
    check(
        "withdrawn after the deadline and reported again: it was settled at the end of the deadline",
        vec![a(Complete, "2026-09-10 10:00"), a(Missing, "2026-09-20 10:00"), a(Complete, "2026-09-22 10:00")],
        (Mark::InTime, Some(-5)),
    );
}

#[test]
fn an_extension_moves_the_day_from_which_days_count() {
    let check = |label: &str, receipts: Vec<Receipt>, want| assert_eq!(cell_of(receipts, AFTER), want, "{label}");
    let a = |state, when| receipt("a", state, when);
    let granted = || a(extended("2026-09-22"), "2026-09-14 10:00");
    check("kept", vec![granted(), a(Complete, "2026-09-20 10:00")], (Mark::InTime, Some(-2)));
    check("not kept", vec![granted(), a(Complete, "2026-09-24 10:00")], (Mark::Late, Some(2)));
    check("nothing came", vec![granted()], (Mark::Missed, None));
    check(
        "granted after the deadline",
        vec![a(extended("2026-09-22"), "2026-09-17 10:00"), a(Complete, "2026-09-22 23:00")],
        (Mark::InTime, Some(0)),
    );
    check(
        "beyond the close, and reported before it",
        vec![a(extended("2026-10-30"), "2026-09-14 10:00"), a(Complete, "2026-10-10 10:00")],
        (Mark::InTime, Some(-20)),
    );
    check("beyond the close", vec![a(extended("2026-10-30"), "2026-09-14 10:00")], (Mark::Extended, None));
    check(
        "beyond the close, and reported after it",
        vec![a(extended("2026-10-30"), "2026-09-14 10:00"), a(Complete, "2026-10-20 10:00")],
        (Mark::Extended, None),
    );
    check(
        "shorter than the deadline, it shortens nothing",
        vec![a(extended("2026-09-10"), "2026-09-02 10:00"), a(Complete, "2026-09-15 10:00")],
        (Mark::InTime, Some(0)),
    );
}

#[test]
fn an_open_month_is_judged_as_far_as_it_is_decided() {
    let check = |label: &str, now, receipts: Vec<Receipt>, want| assert_eq!(cell_of(receipts, now), want, "{label}");
    let a = |state, when| receipt("a", state, when);
    let running = "2026-09-15 23:59";
    check("the deadline runs", running, vec![], (Mark::Open, None));
    check("the deadline runs, reported already", running, vec![a(Complete, "2026-09-10 10:00")], (Mark::Open, None));
    check("the deadline runs, exempt", running, vec![a(exempt(), "2026-09-10 10:00")], (Mark::Exempt, None));
    check("the deadline is over", "2026-09-16 00:00", vec![], (Mark::Overdue, None));
    check("partial", BETWEEN, vec![a(partial(&["p"]), "2026-09-10 10:00")], (Mark::Overdue, None));
    check("in time", BETWEEN, vec![a(Complete, "2026-09-10 10:00")], (Mark::InTime, Some(-5)));
    check("late", BETWEEN, vec![a(Complete, "2026-09-29 10:00")], (Mark::Late, Some(14)));
    check("the extension runs", BETWEEN, vec![a(extended("2026-09-30"), "2026-09-10 10:00")], (Mark::Extended, None));
    check("the extension is over", BETWEEN, vec![a(extended("2026-09-29"), "2026-09-10 10:00")], (Mark::Overdue, None));
    check(
        "withdrawn after the deadline: in time or missed, the close will show",
        BETWEEN,
        vec![a(Complete, "2026-09-10 10:00"), a(Missing, "2026-09-20 10:00")],
        (Mark::Open, None),
    );
    check("the last instant before the close", "2026-10-15 23:59", vec![], (Mark::Overdue, None));
    check("the close", CLOSE, vec![], (Mark::Missed, None));
}

/// A closed month in which `a` has this to show: `i` in time, `l` late, `m` missed, `e` exempt, `n` not known, `v` ahead.
fn played(index: i32, word: char, days: i64) -> Known {
    let month = month("2026-01").plus(index);
    let ends_on = month.day(15).unwrap();
    let reported = |days| end_of_day(Berlin, ends_on) - chrono::TimeDelta::hours(1) + chrono::TimeDelta::days(days);
    let state = |state: ReceiptState, days| {
        let at = reported(days);
        let mut one = receipt("a", state, "2026-01-01 00:00");
        (one.reported_at, one.received_at) = (at, at);
        vec![one]
    };
    let receipts = match word {
        'i' => state(Complete, -days),
        'l' => state(Complete, days.max(1)),
        'e' => state(exempt(), 0),
        'm' => vec![],
        'n' => return Known::Nothing,
        'v' => return Known::Ahead,
        other => panic!("{other}"),
    };
    let closes_at = end_of_day(Berlin, month.next().day(15).unwrap());
    Known::Told(PastCycle { month, ends_on, closes_at, receipts: HashMap::from([("a".into(), receipts)]) })
}

fn figures_of(months: &str) -> Figures {
    let roster = Roster::new(vec![authority("a", District::Koeln)], Vec::new(), Vec::new());
    let known: Vec<Known> = months.chars().enumerate().map(|(index, word)| played(index as i32, word, 1)).collect();
    punctuality(month("2026-01"), &known, &roster, at("2028-01-01 00:00"), Berlin).all
}

#[test]
fn a_run_is_of_months_that_follow_each_other() {
    let check = |months: &str, in_time, missed| {
        let figures = figures_of(months);
        assert_eq!((figures.longest_in_time, figures.longest_missed), (in_time, missed), "{months}");
    };
    check("", 0, 0);
    check("iii", 3, 0);
    check("iilii", 2, 0);
    check("iimmmi", 2, 3);
    check("iieii", 2, 0); // an exempt month breaks a run
    check("mmemm", 0, 2);
    check("iinii", 2, 0); // one that is not known breaks a run
    check("mnm", 0, 1);
    check("mlm", 0, 1); // late is not missed
    check("iiv", 2, 0);
    check("nnn", 0, 0);
}

#[test]
fn the_share_is_of_those_that_are_judged() {
    let check = |months: &str, want: Option<f64>| assert_eq!(figures_of(months).share_in_time(), want, "{months}");
    check("", None);
    check("nve", None);
    check("iiii", Some(1.0));
    check("iiiinve", Some(1.0));
    check("ilm", Some(1.0 / 3.0));
    check("m", Some(0.0));
}

#[test]
fn a_median_lies_in_the_middle_or_between_the_two_in_the_middle() {
    let check = |label: &str, days: &[i32], want: Option<&str>| {
        assert_eq!(median(days.to_vec()).map(|days| days.to_string()).as_deref(), want, "{label}");
    };
    check("none", &[], None);
    check("one", &[-3], Some("-3"));
    check("odd", &[9, -3, 1], Some("1"));
    check("even, alike", &[2, 2], Some("2"));
    check("even, between two days", &[-3, -2, 0, 7], Some("-1"));
    check("even, half a day", &[-2, 1], Some("-0.5"));
    check("even, one and a half", &[1, 2], Some("1.5"));
    check("even, two and a half before", &[-3, -2], Some("-2.5"));
    assert_eq!(HalfDays(-1).days(), -0.5);
}

#[test]
fn who_owed_in_a_month_is_asked_of_the_roster_with_its_last_day() {
    let check = |label: &str, change: &dyn Fn(&mut Authority), want: &str| {
        let mut one = authority("a", District::Koeln);
        change(&mut one);
        let roster = Roster::new(vec![one, authority("b", District::Koeln)], Vec::new(), Vec::new());
        let months: Vec<Known> = (0..3).map(|index| played(index, 'm', 1)).collect();
        let judged = punctuality(month("2026-01"), &months, &roster, at("2028-01-01 00:00"), Berlin);
        let of_a = judged.authorities.iter().find(|line| &*line.id == "a");
        let marks: String = of_a.map_or_else(String::new, |line| {
            line.cells.iter().map(|cell| if cell.mark == Mark::NotOwing { '-' } else { 'm' }).collect()
        });
        assert_eq!(marks, want, "{label}");
        assert_eq!(judged.owed_nothing.is_empty(), of_a.is_some(), "{label}");
        assert_eq!(judged.all.judged(), 3 + want.chars().filter(|mark| *mark == 'm').count() as u32, "{label}");
    };
    check("always", &|_| {}, "mmm");
    check("from the last day of February's deadline", &|one| one.valid_from = Some(day("2026-02-15")), "-mm");
    check("from the day after", &|one| one.valid_from = Some(day("2026-02-16")), "--m");
    check("up to the last day", &|one| one.valid_to = Some(day("2026-02-15")), "mm-");
    check("up to the day before", &|one| one.valid_to = Some(day("2026-02-14")), "m--");
    let merged = |one: &mut Authority| (one.valid_to, one.reported_by) = (Some(day("2026-02-20")), Some("b".into()));
    check("merged: b does not get its months, nor it those of b", &merged, "mm-");
    check("always reported by another", &|one| one.reported_by = Some("b".into()), "");
}

#[test]
fn a_district_counts_the_months_of_its_authorities_together() {
    let months: Vec<Known> = "iml".chars().enumerate().map(|(index, word)| played(index as i32, word, 3)).collect();
    let others = [authority("a", District::Koeln), authority("b", District::Koeln), authority("d", District::Detmold)];
    let roster = Roster::new(others.to_vec(), Vec::new(), Vec::new());
    let judged = punctuality(month("2026-01"), &months, &roster, at("2028-01-01 00:00"), Berlin);
    let names: Vec<District> = judged.districts.iter().map(|(district, _)| *district).collect();
    assert_eq!(names, [District::Detmold, District::Koeln], "and none without an authority");
    let koeln = &judged.districts[1].1;
    // a: in time, missed, late; b: missed three times
    assert_eq!((koeln.judged(), koeln.in_time()), (6, 1));
    assert_eq!((koeln.longest_in_time, koeln.longest_missed), (0, 3), "b misses also when a does not");
    assert_eq!(koeln.median_days, Some(HalfDays(0)), "of -3 and 3");
    assert_eq!((judged.all.judged(), judged.all.count(Mark::Missed)), (9, 7));
    let january = &judged.months[0];
    assert_eq!((january.phase, january.figures.judged(), january.figures.in_time()), (Phase::Closed, 3, 1));
}

#[test]
fn who_has_left_the_roster_is_named_and_counted_nowhere() {
    let roster = Roster::new(vec![authority("b", District::Koeln)], Vec::new(), Vec::new());
    let judged = punctuality(month("2026-01"), &[played(0, 'i', 1)], &roster, at("2028-01-01 00:00"), Berlin);
    assert_eq!(judged.not_in_roster, ["a".into()]);
    assert_eq!((judged.all.judged(), judged.all.count(Mark::Missed)), (1, 1));
    assert!(
        !judged.is_empty() && punctuality(month("2026-01"), &[Known::Ahead], &roster, at(AFTER), Berlin).is_empty()
    );
}

#[test]
fn months_missed_are_as_many_as_escalations_say() {
    for months in ["mmm", "imm", "mim", "mem", "lmm", "nmm", "mnm"] {
        let known: Vec<Known> = months.chars().enumerate().map(|(index, word)| played(index as i32, word, 2)).collect();
        let cycles: Vec<PastCycle> = known
            .iter()
            .filter_map(|known| match known {
                Known::Told(cycle) => Some(cycle.clone()),
                _ => None,
            })
            .collect();
        let roster = Roster::new(vec![authority("a", District::Koeln)], Vec::new(), Vec::new());
        let said = missed(&cycles, month("2026-04"), &roster, Berlin);
        let total = said.total.get("a").copied().unwrap_or(0);
        assert_eq!(figures_of(months).count(Mark::Missed), total, "{months}");
    }
}
