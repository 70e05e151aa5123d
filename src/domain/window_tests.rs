//! F2 and F6: a window against a count of days that knows nothing of the calendar's tables.

use chrono::{Datelike, Days, NaiveDate};
use proptest::prelude::*;

use super::super::calendar::{CalendarSpec, Exception, Land, When};
use super::super::test_support::{day, nrw, spec};
use super::*;

/// NRW's public holidays by the law (K3), with Easter by Gauß's rule as completed by Lichtenberg.
fn is_nrw_holiday(date: NaiveDate) -> bool {
    let year = date.year();
    let (a, k) = (year % 19, year / 100);
    let m = 15 + (3 * k + 3) / 4 - (8 * k + 13) / 25;
    let d = (19 * a + m) % 30;
    let r = (d + a / 11) / 29;
    let og = 21 + d - r;
    let sz = 7 - (year + year / 4 + 2 - (3 * k + 3) / 4) % 7;
    let easter = og + 7 - (og - sz).rem_euclid(7);
    let sunday = NaiveDate::from_ymd_opt(year, 3, 1).unwrap() + chrono::TimeDelta::days(i64::from(easter) - 1);
    let fixed = [(1, 1), (5, 1), (10, 3), (11, 1), (12, 25), (12, 26)];
    fixed.contains(&(date.month(), date.day()))
        || [-2, 1, 39, 50, 60].contains(&(date - sunday).num_days())
        || (year == 2017 && (date.month(), date.day()) == (10, 31))
}

#[derive(Clone, Debug)]
struct Case {
    week: [bool; 7],
    has_holidays: bool,
    closed: Vec<NaiveDate>,
    opened: Vec<NaiveDate>,
    import_on: NaiveDate,
    working_days: u32,
    count_import_day: bool,
}

impl Case {
    fn is_worked(&self, date: NaiveDate) -> bool {
        let in_week = self.week[date.weekday().num_days_from_monday() as usize];
        let is_free = (self.has_holidays && is_nrw_holiday(date)) || self.closed.contains(&date);
        in_week && (!is_free || self.opened.contains(&date))
    }

    fn calendar(&self) -> Calendar {
        let on = |dates: &[NaiveDate]| -> Vec<Exception> {
            let exception = |date: &NaiveDate| Exception {
                when: When::On(*date),
                why: "Betriebsruhe".into(),
                first_year: None,
                last_year: None,
            };
            dates.iter().map(exception).collect()
        };
        let land = if self.has_holidays { Land::parse("NW") } else { None };
        let (closed, opened) = (on(&self.closed), on(&self.opened));
        Calendar::new(CalendarSpec { working_week: self.week, land, closed, opened, ..spec("drawn") }).unwrap()
    }

    fn naive_last_day(&self) -> NaiveDate {
        let mut date = self.import_on;
        let mut counted = u32::from(self.count_import_day && self.is_worked(date));
        while counted < self.working_days {
            date = date + Days::new(1);
            counted += u32::from(self.is_worked(date));
        }
        date
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let start = day("2009-06-01");
    let date = move |range: std::ops::Range<u64>| range.prop_map(move |days| start + Days::new(days));
    let week = any::<[bool; 7]>().prop_filter("a week needs a day", |week| week.contains(&true));
    let dates = || prop::collection::vec(date(0..6000), 0..40);
    (week, any::<bool>(), dates(), dates(), date(0..5000), 1..=WORKING_DAYS_MAX, any::<bool>()).prop_map(
        |(week, has_holidays, closed, opened, import_on, working_days, count_import_day)| Case {
            week,
            has_holidays,
            closed,
            opened,
            import_on,
            working_days,
            count_import_day,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_window_ends_where_a_count_day_by_day_ends(case in cases()) {
        let calendar = case.calendar();
        let (import_on, count, counted) = (case.import_on, case.working_days, case.count_import_day);
        let last = last_day(&calendar, import_on, count, counted).unwrap();
        prop_assert_eq!(last, case.naive_last_day());

        let days = derive(&calendar, import_on, count, counted).unwrap();
        let first = if counted { import_on } else { import_on + Days::new(1) };
        prop_assert_eq!(days.first().map(|day| day.date), Some(first));
        let mut number = 0;
        for pair in days.windows(2) {
            prop_assert_eq!(pair[0].date + Days::new(1), pair[1].date);
        }
        for day in &days {
            match &day.verdict {
                Verdict::Counts(found) => {
                    number += 1;
                    prop_assert_eq!(*found, number);
                    prop_assert!(case.is_worked(day.date), "{} counts", day.date);
                }
                Verdict::Skipped(why) => {
                    prop_assert!(!case.is_worked(day.date) && !why.is_empty(), "{} skipped: {}", day.date, why);
                }
            }
        }
        prop_assert_eq!(days.last().map(|day| (day.date, day.verdict.clone())), Some((last, Verdict::Counts(count))));
    }

    #[test]
    fn before_and_after_are_each_others_mirror(case in cases()) {
        let calendar = case.calendar();
        let later = calendar.nth_after(case.import_on, case.working_days).unwrap();
        let up_to_later = calendar.count_between(case.import_on, later).unwrap();
        prop_assert_eq!(up_to_later, case.working_days);
        // the n-th before the n-th after is the day itself, or the working day before a free one
        let back = calendar.nth_before(later, case.working_days);
        match calendar.same_or_previous(case.import_on) {
            Ok(same) => prop_assert_eq!(back, Ok(same)),
            Err(_) => prop_assert!(back.is_err()),
        }
    }
}

#[test]
fn windows_of_the_shipped_calendar_end_where_a_clerk_would_say() {
    let check = |label: &str, import_on: &str, working_days, count_import_day, want: &str| {
        let last = last_day(&nrw(), day(import_on), working_days, count_import_day).unwrap();
        assert_eq!(last, day(want), "{label}");
    };
    check("no holiday between", "2026-12-01", 10, false, "2026-12-15");
    check("import day counted", "2026-12-01", 10, true, "2026-12-14");
    check("over Christmas and New Year", "2026-12-17", 10, false, "2027-01-04");
    check("24 and 31 December are worked", "2026-12-23", 5, false, "2026-12-31");
    check("over Easter", "2027-03-25", 1, false, "2027-03-30");
    check("over Ascension Day and Pentecost", "2027-05-03", 10, false, "2027-05-19");
    check("import on a Saturday is not counted", "2026-12-05", 1, false, "2026-12-07");
    check("import on a Saturday cannot be counted", "2026-12-05", 1, true, "2026-12-07");
    check("one day, counted on itself", "2026-12-01", 1, true, "2026-12-01");
    check("Rosenmontag 2027 is worked", "2027-02-05", 1, false, "2027-02-08");
    check("Reformationstag 2017 was free", "2017-10-30", 1, false, "2017-11-02");
    check("Reformationstag 2018 was worked", "2018-10-30", 1, false, "2018-10-31");
}

#[test]
fn a_derivation_says_of_each_day_whether_it_counts_and_why_not() {
    let days = derive(&nrw(), day("2026-12-23"), 3, false).unwrap();
    let words: Vec<String> = days
        .iter()
        .map(|day| match &day.verdict {
            Verdict::Counts(number) => format!("{} {number}", day.short_date()),
            Verdict::Skipped(why) => format!("{} {why}", day.short_date()),
        })
        .collect();
    let want = [
        "Do 24.12.2026 1",
        "Fr 25.12.2026 1. Weihnachtstag",
        "Sa 26.12.2026 2. Weihnachtstag",
        "So 27.12.2026 Sonntag",
        "Mo 28.12.2026 2",
        "Di 29.12.2026 3",
    ];
    assert_eq!(words, want);
}
