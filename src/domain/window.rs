//! Counts the working days of a window and shows the count day by day (F2, F6). Never looks at settings.

use chrono::NaiveDate;

use super::calendar::{Calendar, CalendarError, day_after};
use super::dates::weekday_in_words;

/// The most working days that a window may have (F2).
pub const WORKING_DAYS_MAX: u32 = 250;

/// One day of a derivation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerivedDay {
    /// The day.
    pub date: NaiveDate,
    /// What it is in the count.
    pub verdict: Verdict,
}

/// What a day is in a count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Counted, with its number from 1.
    Counts(u32),
    /// Skipped, with the reason in German.
    Skipped(String),
}

impl DerivedDay {
    /// `Do 17.12.2026` for tables.
    pub fn short_date(&self) -> String {
        format!("{} {}", &weekday_in_words(self.date)[..2], self.date.format("%d.%m.%Y"))
    }
}

/// The last day of a window of `working_days` after the import date (F2).
///
/// The import day is not counted (§ 187 Abs. 1 BGB) unless `count_import_day`, and then only if it is a working day.
///
/// # Errors
/// If the calendar's table ends before the count does.
pub fn last_day(
    calendar: &Calendar,
    import_on: NaiveDate,
    working_days: u32,
    count_import_day: bool,
) -> Result<NaiveDate, CalendarError> {
    calendar.nth_after(day_before_first(import_on, count_import_day), working_days)
}

/// Every day from the first that may count to the last of the window, each with its number or the reason why not.
///
/// # Errors
/// As [`last_day`].
pub fn derive(
    calendar: &Calendar,
    import_on: NaiveDate,
    working_days: u32,
    count_import_day: bool,
) -> Result<Vec<DerivedDay>, CalendarError> {
    let last = last_day(calendar, import_on, working_days, count_import_day)?;
    Ok(derive_between(calendar, day_before_first(import_on, count_import_day), last))
}

/// Every day strictly after `after` up to `last`, counted by the calendar.
pub fn derive_between(calendar: &Calendar, after: NaiveDate, last: NaiveDate) -> Vec<DerivedDay> {
    let mut number = 0;
    day_after(after)
        .iter_days()
        .take_while(|date| *date <= last)
        .map(|date| {
            let verdict = match calendar.why_free(date) {
                Some(why) => Verdict::Skipped(why),
                None => {
                    number += 1;
                    Verdict::Counts(number)
                }
            };
            DerivedDay { date, verdict }
        })
        .collect()
}

fn day_before_first(import_on: NaiveDate, count_import_day: bool) -> NaiveDate {
    if count_import_day { import_on.pred_opt().unwrap_or(import_on) } else { import_on }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
