//! From a month to its import date, deadlines and revisions (F1–F7). Never changes a deadline that was announced.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, Utc};

use super::calendar::CalendarError;
use super::dates::{Month, end_of_day, weekday_in_words};
use super::deadline::{Deadline, ImportSignal, Revision};
use super::duty::{DeadlineRule, Duty, OnFreeDay};
use super::rulebook::Rulebook;
use super::window::{self, DerivedDay};

/// The import date of a month: signalled, else from the month's entry, else by the rule (F1).
///
/// # Errors
/// If the calendar does not reach so far.
pub fn import_on(rulebook: &Rulebook, month: Month, signal: Option<&ImportSignal>) -> Result<NaiveDate, CalendarError> {
    if let Some(signal) = signal {
        return Ok(signal.import_on);
    }
    match rulebook.entries.get(&month).and_then(|entry| entry.import_on) {
        Some(date) => Ok(date),
        None => rulebook.import.import_on(&rulebook.calendar, month),
    }
}

/// What a duty's deadline in a month is by settings and signal, not regarding what was told before.
///
/// # Errors
/// If the calendar does not reach so far.
pub fn deadline(
    rulebook: &Rulebook,
    duty: &Duty,
    month: Month,
    signal: Option<&ImportSignal>,
) -> Result<Deadline, CalendarError> {
    let import_on = import_on(rulebook, month, signal)?;
    if let Some(own) = rulebook.entries.get(&month).and_then(|entry| entry.own_dates.get(&duty.id)) {
        return Ok(Deadline { import_on, stated_on: *own, ends_on: *own });
    }
    match duty.deadline {
        DeadlineRule::Window { working_days, count_import_day } => {
            let last = window::last_day(&duty.calendar, import_on, working_days, count_import_day)?;
            Ok(Deadline { import_on, stated_on: last, ends_on: last })
        }
        DeadlineRule::DayOfMonth { day, on_free_day } => {
            let day = month.day(day).unwrap_or(month.first_day());
            let (stated_on, ends_on) = match on_free_day {
                OnFreeDay::Keep => (day, day),
                OnFreeDay::Next => (day, duty.calendar.same_or_next(day)?),
                OnFreeDay::Previous => {
                    let before = duty.calendar.same_or_previous(day)?;
                    (before, before)
                }
            };
            Ok(Deadline { import_on, stated_on, ends_on })
        }
    }
}

/// What is in force: the newest revision, else what settings give.
pub fn in_force(revisions: &[Revision], computed: Deadline) -> (u32, Deadline) {
    revisions.last().map_or((1, computed), |revision| (revision.number, revision.deadline))
}

/// The instant at which a duty's cycle closes (F7): the end of the same duty's deadline in the next cycle.
pub fn closes_at(rulebook: &Rulebook, next: &Deadline) -> DateTime<Utc> {
    end_of_day(rulebook.zone, next.ends_on)
}

/// The derivation of a deadline day by day (F6): for a window all days after the import, for a day of the month that day
/// and those to which it moved.
///
/// # Errors
/// If the calendar does not reach so far.
pub fn derivation(duty: &Duty, month: Month, deadline: &Deadline) -> Result<Vec<DerivedDay>, CalendarError> {
    match duty.deadline {
        DeadlineRule::Window { count_import_day, .. } => {
            let after = if count_import_day { deadline.import_on - chrono::Days::new(1) } else { deadline.import_on };
            Ok(window::derive_between(&duty.calendar, after, deadline.ends_on))
        }
        DeadlineRule::DayOfMonth { day, .. } => {
            let nominal = month.day(day).unwrap_or(month.first_day());
            let first = nominal.min(deadline.ends_on);
            Ok(window::derive_between(&duty.calendar, first - chrono::Days::new(1), nominal.max(deadline.ends_on)))
        }
    }
}

/// What the letter says about a deadline on a free day (F3), as a sentence; none if the day is worked.
pub fn free_day_sentence(duty: &Duty, month: Month, deadline: &Deadline) -> Option<String> {
    let DeadlineRule::DayOfMonth { day, .. } = duty.deadline else { return None };
    let nominal = month.day(day)?;
    let why = duty.calendar.why_free(nominal)?;
    let what = if why == weekday_in_words(nominal) {
        format!("Der {day}. fällt auf einen {why}")
    } else {
        format!("Der {day}. ist ein freier Tag ({why})")
    };
    let end = super::dates::day_in_words(deadline.ends_on);
    // by the deadline and not by the setting, which may have changed since it was told (F5)
    Some(match deadline.ends_on.cmp(&nominal) {
        Ordering::Greater => {
            format!("{what}; die Frist endet deshalb erst mit Ablauf des nächsten Werktags: {end} (§ 31 Abs. 3 VwVfG).")
        }
        Ordering::Equal => format!("{what}; die Frist endet gleichwohl an diesem Tag."),
        Ordering::Less => format!("{what}; die Frist endet deshalb bereits am Arbeitstag davor: {end}."),
    })
}

/// What is wrong, or doubtful, with a date that the ZRK sets itself (F4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OwnDateFinding {
    /// Refused: fewer days of the Monday-to-Saturday count than the window has.
    TooFewWerktage {
        /// How many there are.
        found: u32,
        /// How many there must be.
        wanted: u32,
    },
    /// Refused: a free day.
    FreeDay {
        /// Why it is free.
        why: String,
    },
    /// Taken with a warning: fewer of the calendar's working days than the window has.
    FewWorkingDays {
        /// How many there are.
        found: u32,
        /// How many the window has.
        wanted: u32,
    },
}

/// Judges a date that the ZRK sets itself (F4). Refusals come before warnings.
///
/// # Errors
/// If the calendar does not reach so far.
pub fn judge_own_date(
    duty: &Duty,
    import_on: NaiveDate,
    own: NaiveDate,
    working_days: u32,
) -> Result<Option<OwnDateFinding>, CalendarError> {
    if let Some(why) = duty.calendar.why_free(own) {
        return Ok(Some(OwnDateFinding::FreeDay { why }));
    }
    let counts_import_day = matches!(duty.deadline, DeadlineRule::Window { count_import_day: true, .. });
    let after = if counts_import_day { import_on - chrono::Days::new(1) } else { import_on };
    let werktage = duty.calendar.monday_to_saturday()?.count_between(after, own)?;
    if werktage < working_days {
        return Ok(Some(OwnDateFinding::TooFewWerktage { found: werktage, wanted: working_days }));
    }
    let counted = duty.calendar.count_between(after, own)?;
    Ok((counted < working_days).then_some(OwnDateFinding::FewWorkingDays { found: counted, wanted: working_days }))
}

#[cfg(test)]
#[path = "cycle_tests.rs"]
mod tests;
