//! Months, days and instants, and how German says them. Never reads a clock.

use std::fmt;

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// First year for which calendars and cycles are computed; the holiday crate knows no earlier one.
pub const FIRST_YEAR: i32 = 1995;
/// Last year for which calendars and cycles are computed; `nrw-holidays.csv` checks up to here.
pub const LAST_YEAR: i32 = 2100;

const MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
const WEEKDAYS: [&str; 7] = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"];

/// A calendar month; a cycle is named by the month in which it runs (rules.md, section 1).
///
/// ```
/// use fristd::domain::Month;
/// let cycle = Month::parse("2026-12").unwrap();
/// assert_eq!(cycle.previous().to_string(), "2026-11"); // the period of its statistics
/// assert_eq!(cycle.in_words(), "Dezember 2026");
/// assert!(Month::parse("2026-13").is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Month {
    year: i32,
    month: u32,
}

/// Why a text is not a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthError {
    value: String,
}

impl fmt::Display for MonthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = &self.value;
        write!(
            f,
            "{value:?} is not a month; accepted: YYYY-MM between {FIRST_YEAR}-01 and {LAST_YEAR}-12, like 2026-12"
        )
    }
}

impl std::error::Error for MonthError {}

impl Month {
    /// Reads `YYYY-MM`.
    pub fn parse(text: &str) -> Result<Self, MonthError> {
        let error = || MonthError { value: text.chars().take(40).collect() };
        let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let (year, month) = text.split_once('-').ok_or_else(error)?;
        if year.len() != 4 || month.len() != 2 || !digits_only(year) || !digits_only(month) {
            return Err(error());
        }
        let (year, month) = (year.parse().map_err(|_| error())?, month.parse().map_err(|_| error())?);
        if !(FIRST_YEAR..=LAST_YEAR).contains(&year) || !(1..=12).contains(&month) {
            return Err(error());
        }
        Ok(Self { year, month })
    }

    /// The month in which a date lies.
    pub fn of(date: NaiveDate) -> Self {
        Self { year: date.year(), month: date.month() }
    }

    /// The month `count` months later (earlier, if negative).
    pub fn plus(self, count: i32) -> Self {
        let index = self.year * 12 + self.month as i32 - 1 + count;
        Self { year: index.div_euclid(12), month: index.rem_euclid(12) as u32 + 1 }
    }

    /// The month after this one.
    pub fn next(self) -> Self {
        self.plus(1)
    }

    /// The month before this one.
    pub fn previous(self) -> Self {
        self.plus(-1)
    }

    /// The `day`-th of the month, if it has one.
    pub fn day(self, day: u32) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(self.year, self.month, day)
    }

    /// The first day.
    pub fn first_day(self) -> NaiveDate {
        self.day(1).expect("every month has a first day")
    }

    /// Whether the date lies in this month.
    pub fn contains(self, date: NaiveDate) -> bool {
        Self::of(date) == self
    }

    /// `Dezember 2026`.
    pub fn in_words(self) -> String {
        format!("{} {}", MONTHS[self.month as usize - 1], self.year)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// `Dienstag`.
pub fn weekday_in_words(date: NaiveDate) -> &'static str {
    WEEKDAYS[date.weekday().num_days_from_monday() as usize]
}

/// `Dienstag, 15. Dezember 2026` (M1).
pub fn day_in_words(date: NaiveDate) -> String {
    format!("{}, {}", weekday_in_words(date), date_in_words(date))
}

/// `15. Dezember 2026`, for subjects (M1).
pub fn date_in_words(date: NaiveDate) -> String {
    format!("{}. {} {}", date.day(), MONTHS[date.month0() as usize], date.year())
}

/// `9. Dezember 2026, 09:12 Uhr` in local time.
pub fn instant_in_words(instant: DateTime<Utc>, zone: Tz) -> String {
    let local = instant.with_timezone(&zone);
    format!("{}, {} Uhr", date_in_words(local.date_naive()), local.format("%H:%M"))
}

/// The local date of an instant.
pub fn local_date(instant: DateTime<Utc>, zone: Tz) -> NaiveDate {
    instant.with_timezone(&zone).date_naive()
}

/// The instant of a local date and time. A time that the spring change leaves out becomes the first instant after the
/// gap; one that the autumn change repeats is its first occurrence.
///
/// ```
/// use chrono::NaiveDate;
/// use fristd::domain::dates::instant;
/// let date = NaiveDate::from_ymd_opt(2027, 3, 28).unwrap(); // the night in which 02:00 becomes 03:00
/// let half_past_two = date.and_hms_opt(2, 30, 0).unwrap();
/// assert_eq!(instant(chrono_tz::Europe::Berlin, half_past_two).to_rfc3339(), "2027-03-28T01:00:00+00:00");
/// ```
pub fn instant(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    const GAP_STEP_MINUTES: i64 = 1; // offsets change at whole minutes everywhere since 1995
    const GAP_MAX_MINUTES: i64 = 26 * 60; // the longest jump ever made, a whole day at the date line, and some
    let mut candidate = local;
    for _ in 0..GAP_MAX_MINUTES {
        match zone.from_local_datetime(&candidate) {
            LocalResult::Single(found) | LocalResult::Ambiguous(found, _) => return found.with_timezone(&Utc),
            LocalResult::None => candidate += TimeDelta::minutes(GAP_STEP_MINUTES),
        }
    }
    local.and_utc()
}

/// The instant of a time of day on a date.
pub fn instant_on(zone: Tz, date: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    instant(zone, date.and_time(time))
}

/// 24:00 local time, which is 00:00 of the day after (§ 188 Abs. 1 BGB).
pub fn end_of_day(zone: Tz, date: NaiveDate) -> DateTime<Utc> {
    instant_on(zone, date.checked_add_days(Days::new(1)).unwrap_or(date), NaiveTime::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn month_arithmetic_crosses_years() {
        let check = |from: &str, count: i32, want: &str| {
            assert_eq!(Month::parse(from).unwrap().plus(count).to_string(), want, "{from} {count:+}");
        };
        check("2026-12", 1, "2027-01");
        check("2027-01", -1, "2026-12");
        check("2026-06", -18, "2024-12");
        check("2026-06", 0, "2026-06");
    }

    #[test]
    fn what_is_no_month_is_refused_with_the_accepted_form() {
        for text in
            ["", "2026", "2026-1", "2026-00", "2026-13", "1994-12", "2101-01", "+026-01", "2026-12-01", "Dezember"]
        {
            let error = Month::parse(text).expect_err(text);
            assert!(error.to_string().contains("YYYY-MM"), "{error}");
        }
    }

    #[test]
    fn days_are_said_as_in_a_letter() {
        let date = NaiveDate::from_ymd_opt(2026, 12, 15).unwrap();
        assert_eq!(day_in_words(date), "Dienstag, 15. Dezember 2026");
        let instant = "2026-12-09T08:12:00Z".parse().unwrap();
        assert_eq!(instant_in_words(instant, chrono_tz::Europe::Berlin), "9. Dezember 2026, 09:12 Uhr");
    }

    #[test]
    fn a_day_ends_at_local_midnight_also_when_it_has_23_or_25_hours() {
        let check = |date: &str, want: &str| {
            let date: NaiveDate = date.parse().unwrap();
            assert_eq!(end_of_day(chrono_tz::Europe::Berlin, date).to_rfc3339(), want, "{date}");
        };
        check("2026-12-15", "2026-12-15T23:00:00+00:00");
        check("2027-03-28", "2027-03-28T22:00:00+00:00");
        check("2026-10-25", "2026-10-25T23:00:00+00:00");
    }
}
