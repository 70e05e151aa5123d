//! F1, F3, F4, F6: import dates, deadlines, their sentences and derivations. F5 is tested where it is planned.

use std::sync::Arc;

use super::super::calendar::{Calendar, Exception, When};
use super::super::rulebook::{CycleEntry, ImportRule};
use super::super::test_support::{MONDAY_TO_FRIDAY, at, day, month, planning, rulebook, spec, statistics};
use super::super::window::Verdict;
use super::*;

fn signalled(import_on: &str) -> ImportSignal {
    let import_on = day(import_on);
    ImportSignal { month: Month::of(import_on), import_on, received_at: at("2026-12-01 10:00"), actor: "zrk".into() }
}

#[test]
fn the_import_date_is_the_signalled_one_else_the_entrys_else_the_rules() {
    let check = |label: &str, rule, entry: Option<&str>, signal: Option<&str>, want: &str| {
        let mut book = Rulebook { import: rule, ..rulebook() };
        let import_on_entry = entry.map(day);
        book.entries.insert(month("2026-11"), CycleEntry { import_on: import_on_entry, ..CycleEntry::default() });
        let signal = signal.map(signalled);
        let found = import_on(&book, month("2026-11"), signal.as_ref()).unwrap();
        assert_eq!(found, day(want), "{label}");
    };
    use ImportRule::{Day, WorkingDay};
    check("first working day; the 1st is Allerheiligen and a Sunday", WorkingDay(1), None, None, "2026-11-02");
    check("third working day", WorkingDay(3), None, None, "2026-11-04");
    check("a fixed day may be free", Day(1), None, None, "2026-11-01");
    check("entry before rule", WorkingDay(1), Some("2026-11-05"), None, "2026-11-05");
    check("signal before rule", WorkingDay(1), None, Some("2026-11-09"), "2026-11-09");
    check("signal before entry", WorkingDay(1), Some("2026-11-05"), Some("2026-11-03"), "2026-11-03");
}

#[test]
fn another_months_entry_says_nothing_about_this_one() {
    let mut book = rulebook();
    book.entries.insert(month("2026-11"), CycleEntry { import_on: Some(day("2026-11-05")), ..CycleEntry::default() });
    assert_eq!(import_on(&book, month("2026-12"), None).unwrap(), day("2026-12-01"));
}

#[test]
fn the_planning_deadline_is_the_tenth_working_day_after_the_import() {
    let check = |label: &str, signal: Option<&str>, of: &str, want: &str| {
        let signal = signal.map(signalled);
        let found = deadline(&rulebook(), &planning(), month(of), signal.as_ref()).unwrap();
        assert_eq!((found.stated_on, found.ends_on), (day(want), day(want)), "{label}");
    };
    check("December 2026 by the rule", None, "2026-12", "2026-12-15");
    check("December 2026, signalled on the 8th", Some("2026-12-08"), "2026-12", "2026-12-22");
    check("January 2027: New Year is a holiday", None, "2027-01", "2027-01-18");
    check("August 2026", None, "2026-08", "2026-08-17");
    check("signalled on a Saturday", Some("2026-12-05"), "2026-12", "2026-12-18");
    check("signalled late over the turn of the year", Some("2026-12-17"), "2026-12", "2027-01-04");
}

fn on_free_day(on_free_day: OnFreeDay) -> Duty {
    Duty { deadline: DeadlineRule::DayOfMonth { day: 15, on_free_day }, ..statistics() }
}

#[test]
fn the_fifteenth_on_a_free_day_ends_as_the_setting_says() {
    use OnFreeDay::{Keep, Next, Previous};
    let check = |label: &str, of: &str, rule, stated_on: &str, ends_on: &str| {
        let found = deadline(&rulebook(), &on_free_day(rule), month(of), None).unwrap();
        assert_eq!((found.stated_on, found.ends_on), (day(stated_on), day(ends_on)), "{label}, {rule:?}");
    };
    for rule in [Next, Keep, Previous] {
        check("a Tuesday", "2026-12", rule, "2026-12-15", "2026-12-15");
    }
    check("Saturday", "2026-08", Next, "2026-08-15", "2026-08-17");
    check("Saturday", "2026-08", Keep, "2026-08-15", "2026-08-15");
    check("Saturday", "2026-08", Previous, "2026-08-14", "2026-08-14");
    check("Sunday", "2026-11", Next, "2026-11-15", "2026-11-16");
    check("Sunday", "2026-11", Keep, "2026-11-15", "2026-11-15");
    check("Sunday", "2026-11", Previous, "2026-11-13", "2026-11-13");
    check("Good Friday", "2033-04", Next, "2033-04-15", "2033-04-19");
    check("Good Friday", "2033-04", Keep, "2033-04-15", "2033-04-15");
    check("Good Friday", "2033-04", Previous, "2033-04-14", "2033-04-14");
    check("Fronleichnam", "2028-06", Next, "2028-06-15", "2028-06-16");
    check("Easter Monday", "2047-04", Previous, "2047-04-11", "2047-04-11");
}

#[test]
fn the_letter_says_in_words_what_a_free_fifteenth_means() {
    use OnFreeDay::{Keep, Next, Previous};
    let check = |of: &str, rule, want: Option<&str>| {
        let duty = on_free_day(rule);
        let found = deadline(&rulebook(), &duty, month(of), None).unwrap();
        assert_eq!(free_day_sentence(&duty, month(of), &found).as_deref(), want, "{of}, {rule:?}");
    };
    check("2026-12", Next, None);
    check("2026-12", Keep, None);
    check("2026-12", Previous, None);
    check(
        "2026-08",
        Next,
        Some(
            "Der 15. fällt auf einen Samstag; die Frist endet deshalb erst mit Ablauf des nächsten Werktags: Montag, \
             17. August 2026 (§ 31 Abs. 3 VwVfG).",
        ),
    );
    check("2026-08", Keep, Some("Der 15. fällt auf einen Samstag; die Frist endet gleichwohl an diesem Tag."));
    check(
        "2026-11",
        Previous,
        Some(
            "Der 15. fällt auf einen Sonntag; die Frist endet deshalb bereits am Arbeitstag davor: Freitag, \
             13. November 2026.",
        ),
    );
    check(
        "2033-04",
        Next,
        Some(
            "Der 15. ist ein freier Tag (Karfreitag); die Frist endet deshalb erst mit Ablauf des nächsten Werktags: \
             Dienstag, 19. April 2033 (§ 31 Abs. 3 VwVfG).",
        ),
    );
    let window = planning();
    let found = deadline(&rulebook(), &window, month("2026-08"), None).unwrap();
    assert_eq!(free_day_sentence(&window, month("2026-08"), &found), None, "a window never ends on a free day");
}

#[test]
fn the_zrks_own_date_takes_the_place_of_the_window() {
    let mut book = rulebook();
    let own_dates = [("planning".into(), day("2026-12-18"))].into();
    book.entries.insert(month("2026-12"), CycleEntry { own_dates, ..CycleEntry::default() });
    let of_planning = deadline(&book, &planning(), month("2026-12"), None).unwrap();
    assert_eq!((of_planning.stated_on, of_planning.ends_on), (day("2026-12-18"), day("2026-12-18")));
    let of_statistics = deadline(&book, &statistics(), month("2026-12"), None).unwrap();
    assert_eq!(of_statistics.ends_on, day("2026-12-15"), "another duty keeps its own");
}

#[test]
fn an_own_date_is_refused_warned_of_or_taken() {
    use OwnDateFinding::{FewWorkingDays, FreeDay, TooFewWerktage};
    let free = |why: &str| Some(FreeDay { why: why.into() });
    let check = |import: &str, own: &str, want: Option<OwnDateFinding>| {
        let found = judge_own_date(&planning(), day(import), day(own), 10).unwrap();
        assert_eq!(found, want, "import {import}, own date {own}");
    };
    // Tuesday 1 December: Monday to Saturday counts 2, 3, 4, 5, 7, 8, 9, 10, 11, 12
    check("2026-12-01", "2026-12-11", Some(TooFewWerktage { found: 9, wanted: 10 }));
    check("2026-12-01", "2026-12-12", free("Samstag"));
    check("2026-12-01", "2026-12-13", free("Sonntag"));
    check("2026-12-01", "2026-12-14", Some(FewWorkingDays { found: 9, wanted: 10 }));
    check("2026-12-01", "2026-12-15", None);
    check("2026-12-01", "2026-12-18", None);
    check("2026-12-01", "2026-12-25", free("1. Weihnachtstag"));
    // over Christmas a holiday on a Friday and one on a Saturday are no Werktage
    check("2026-12-17", "2026-12-30", Some(TooFewWerktage { found: 9, wanted: 10 }));
    check("2026-12-17", "2026-12-31", Some(FewWorkingDays { found: 9, wanted: 10 }));
    check("2026-12-17", "2027-01-04", None);
    check("2026-12-01", "2026-12-01", Some(TooFewWerktage { found: 0, wanted: 10 }));
    check("2026-12-01", "2026-11-27", Some(TooFewWerktage { found: 0, wanted: 10 }));
}

#[test]
fn werktage_do_not_heed_closed_days_but_the_calendars_working_days_do() {
    let closed = ["2026-12-08", "2026-12-09"].map(|date| Exception {
        when: When::On(day(date)),
        why: "Systemwartung".into(),
        first_year: None,
        last_year: None,
    });
    let calendar = Calendar::new(super::super::calendar::CalendarSpec {
        closed: closed.into(),
        working_week: MONDAY_TO_FRIDAY,
        ..spec("closed")
    });
    let duty = Duty { calendar: Arc::new(calendar.unwrap()), ..planning() };
    let judge = |own: &str| judge_own_date(&duty, day("2026-12-01"), day(own), 10).unwrap();
    assert_eq!(judge("2026-12-15"), Some(OwnDateFinding::FewWorkingDays { found: 8, wanted: 10 }));
    assert_eq!(judge("2026-12-09"), Some(OwnDateFinding::FreeDay { why: "Systemwartung".into() }));
    assert_eq!(judge("2026-12-17"), None);
}

fn derived(duty: &Duty, of: &str) -> Vec<String> {
    let found = deadline(&rulebook(), duty, month(of), None).unwrap();
    let days = derivation(duty, month(of), &found).unwrap();
    let words = |day: &DerivedDay| match &day.verdict {
        Verdict::Counts(number) => format!("{} {number}", day.date),
        Verdict::Skipped(why) => format!("{} {why}", day.date),
    };
    days.iter().map(words).collect()
}

#[test]
fn a_derivation_shows_each_day_that_counted_or_why_it_did_not() {
    let days = derived(&planning(), "2026-12");
    assert_eq!(days.len(), 14);
    assert_eq!(days[0], "2026-12-02 1");
    assert_eq!(days[3..6], ["2026-12-05 Samstag", "2026-12-06 Sonntag", "2026-12-07 4"]);
    assert_eq!(days[13], "2026-12-15 10");

    let counted = Duty { deadline: DeadlineRule::Window { working_days: 10, count_import_day: true }, ..planning() };
    let days = derived(&counted, "2026-12");
    assert_eq!((days[0].as_str(), days.last().unwrap().as_str()), ("2026-12-01 1", "2026-12-14 10"));

    let next = derived(&on_free_day(OnFreeDay::Next), "2026-08");
    assert_eq!(next, ["2026-08-15 Samstag", "2026-08-16 Sonntag", "2026-08-17 1"]);
    assert_eq!(derived(&on_free_day(OnFreeDay::Keep), "2026-08"), ["2026-08-15 Samstag"]);
    let previous = derived(&on_free_day(OnFreeDay::Previous), "2026-11");
    assert_eq!(previous, ["2026-11-13 1", "2026-11-14 Samstag", "2026-11-15 Sonntag"]);
    assert_eq!(derived(&statistics(), "2026-12"), ["2026-12-15 1"]);
}

#[test]
fn the_revision_told_last_is_in_force_and_without_one_what_settings_give() {
    let computed = deadline(&rulebook(), &planning(), month("2026-12"), None).unwrap();
    let told = |number, ends_on: &str| Revision {
        number,
        deadline: Deadline { ends_on: day(ends_on), ..computed },
        reason: None,
        frozen_at: at("2026-12-01 09:00"),
    };
    assert_eq!(in_force(&[], computed), (1, computed));
    let revisions = [told(1, "2026-12-14"), told(2, "2026-12-16")];
    assert_eq!(in_force(&revisions, computed), (2, revisions[1].deadline));
}
