//! N8: sending hours, also over the nights in which the clock changes.

use super::super::test_support::{at, local, nrw, spec, time};
use super::*;
use chrono_tz::Europe::Berlin;

fn shipped() -> SendingHours {
    SendingHours { from: time("07:00"), until: time("18:00") }
}

#[test]
fn mail_goes_out_on_working_days_between_seven_and_eighteen() {
    let check = |label: &str, now: &str, is_open, opens: &str| {
        assert_eq!(shipped().are_open(&nrw(), Berlin, at(now)), is_open, "{label}: open");
        let next = shipped().next_opening(&nrw(), Berlin, at(now)).unwrap();
        assert_eq!(local(next), opens, "{label}: next opening");
        assert!(shipped().are_open(&nrw(), Berlin, next), "{label}: is open at the opening");
    };
    check("before seven", "2026-12-01 06:59", false, "2026-12-01 07:00");
    check("at seven", "2026-12-01 07:00", true, "2026-12-02 07:00");
    check("just before eighteen", "2026-12-01 17:59", true, "2026-12-02 07:00");
    check("at eighteen", "2026-12-01 18:00", false, "2026-12-02 07:00");
    check("Friday evening", "2026-12-04 18:30", false, "2026-12-07 07:00");
    check("Saturday noon", "2026-12-05 12:00", false, "2026-12-07 07:00");
    check("Christmas", "2026-12-25 10:00", false, "2026-12-28 07:00");
    check("Christmas Eve is worked", "2026-12-24 10:00", true, "2026-12-28 07:00");
    check("before the autumn change", "2026-10-23 18:00", false, "2026-10-26 07:00");
    check("before the spring change", "2027-03-25 18:00", false, "2027-03-30 07:00");
}

#[test]
fn the_hours_are_local_on_both_sides_of_a_change() {
    let check = |now: &str, want: &str| {
        let next = shipped().next_opening(&nrw(), Berlin, at(now)).unwrap();
        assert_eq!(next.to_rfc3339(), want);
    };
    check("2026-10-23 00:00", "2026-10-23T05:00:00+00:00");
    check("2026-10-25 12:00", "2026-10-26T06:00:00+00:00");
    check("2027-03-25 00:00", "2027-03-25T06:00:00+00:00");
    check("2027-03-28 12:00", "2027-03-30T05:00:00+00:00");
}

#[test]
fn hours_that_begin_in_the_hour_that_is_left_out_or_repeated_open_once() {
    let mut every_day = spec("every day");
    every_day.working_week = [true; 7];
    every_day.land = None;
    let calendar = Calendar::new(every_day).unwrap();
    let hours = SendingHours { from: time("02:30"), until: time("18:00") };
    let check = |now: &str, opens: &str| {
        let now: DateTime<Utc> = now.parse().unwrap();
        let next = hours.next_opening(&calendar, Berlin, now).unwrap();
        assert_eq!(next.to_rfc3339(), opens);
        assert!(hours.are_open(&calendar, Berlin, next));
    };
    check("2027-03-27T23:30:00Z", "2027-03-28T01:00:00+00:00"); // 02:30 does not exist; 03:00 is the first after it
    check("2026-10-24T22:30:00Z", "2026-10-25T00:30:00+00:00"); // 02:30 exists twice; the first counts
}

#[test]
fn an_import_rule_counts_working_days_or_takes_the_day_as_it_is() {
    let check = |rule: ImportRule, of: &str, want: &str| {
        let found = rule.import_on(&nrw(), Month::parse(of).unwrap()).unwrap();
        assert_eq!(found.to_string(), want, "{rule:?} of {of}");
    };
    check(ImportRule::WorkingDay(1), "2026-12", "2026-12-01");
    check(ImportRule::WorkingDay(1), "2027-01", "2027-01-04");
    check(ImportRule::WorkingDay(1), "2027-05", "2027-05-03");
    check(ImportRule::WorkingDay(5), "2026-12", "2026-12-07");
    check(ImportRule::Day(28), "2027-02", "2027-02-28");
    check(ImportRule::Day(1), "2027-01", "2027-01-01");
}
