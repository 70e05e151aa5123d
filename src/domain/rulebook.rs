//! All rules that settings choose, in one value. Never knows what has happened; the store does.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use super::calendar::{Calendar, CalendarError};
use super::dates::{Month, instant_on, local_date};
use super::duty::{Duty, DutyId};

/// What `cycles.toml` and the calendars say, checked.
#[derive(Clone, Debug)]
pub struct Rulebook {
    /// The zone of all local dates and times.
    pub zone: Tz,
    /// The calendar by which mail goes out and import rules count.
    pub calendar: Arc<Calendar>,
    /// When mail may go out (N8).
    pub sending: SendingHours,
    /// The default import date (F1).
    pub import: ImportRule,
    /// Whether an import date holds by itself or must be confirmed.
    pub announce: Announce,
    /// What is owed, in the order of the file.
    pub duties: Vec<Duty>,
    /// Months that differ from the rule.
    pub entries: BTreeMap<Month, CycleEntry>,
    /// The first cycle of a new store, if settings name one (N11).
    pub first_cycle: Option<Month>,
    /// The most notices that one tick may queue without being held (N9).
    pub notices_a_tick_max: usize,
    /// How letters present themselves.
    pub letterhead: Letterhead,
}

impl Rulebook {
    /// The duty of that id.
    pub fn duty(&self, id: &str) -> Option<&Duty> {
        self.duties.iter().find(|duty| &*duty.id == id)
    }
}

/// One month's entry in `cycles.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CycleEntry {
    /// The import date, if it differs from the rule.
    pub import_on: Option<NaiveDate>,
    /// Dates that the ZRK sets itself (F4).
    pub own_dates: BTreeMap<DutyId, NaiveDate>,
    /// Why an announced deadline is to be changed (F5).
    pub correction: Option<String>,
}

/// The default import date of a month (F1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportRule {
    /// The n-th working day, from 1.
    WorkingDay(u32),
    /// The n-th day, 1 to 28, worked or not.
    Day(u32),
}

impl ImportRule {
    /// The import date of a month.
    ///
    /// # Errors
    /// If the calendar does not reach so far.
    pub fn import_on(self, calendar: &Calendar, month: Month) -> Result<NaiveDate, CalendarError> {
        match self {
            Self::WorkingDay(number) => calendar.nth_after(month.first_day() - chrono::Days::new(1), number),
            Self::Day(day) => Ok(month.day(day).unwrap_or(month.first_day())),
        }
    }
}

/// What opens the planning window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announce {
    /// The import date by itself.
    OnDate,
    /// The import date once it has been signalled; the ZRK is asked if that is late.
    OnSignal,
}

/// Local times between which mail goes out on working days (N8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendingHours {
    /// From this time on.
    pub from: NaiveTime,
    /// Up to, and not including, this time.
    pub until: NaiveTime,
}

impl SendingHours {
    /// Whether mail may go out at that instant.
    pub fn are_open(&self, calendar: &Calendar, zone: Tz, at: DateTime<Utc>) -> bool {
        let local = at.with_timezone(&zone);
        calendar.is_working(local.date_naive()) && self.from <= local.time() && local.time() < self.until
    }

    /// The next instant after `at` at which the hours open.
    ///
    /// # Errors
    /// If the calendar ends before that.
    pub fn next_opening(
        &self,
        calendar: &Calendar,
        zone: Tz,
        at: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, CalendarError> {
        let today = local_date(at, zone);
        let opens_today = instant_on(zone, today, self.from);
        if calendar.is_working(today) && at < opens_today {
            return Ok(opens_today);
        }
        Ok(instant_on(zone, calendar.nth_after(today, 1)?, self.from))
    }
}

/// What all letters share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letterhead {
    /// Who writes, line by line, on top of documents: name, authority, postal address. The signature if empty.
    pub sender: Vec<String>,
    /// The file number (Aktenzeichen); no `Az.` in subjects if empty.
    pub file_number: String,
    /// The name under a letter, line by line.
    pub signature: Vec<String>,
    /// Where recipients can ask.
    pub contact: String,
    /// The system in which authorities report, as letters call it.
    pub system: String,
    /// The files that go with an escalation, in order, each at most once.
    pub attach: Vec<DocumentFormat>,
}

impl Letterhead {
    /// Who writes, line by line.
    pub fn sender(&self) -> &[String] {
        if self.sender.is_empty() { &self.signature } else { &self.sender }
    }
}

/// Nothing but the files that go along unless settings say otherwise.
impl Default for Letterhead {
    fn default() -> Self {
        Self {
            sender: Vec::new(),
            file_number: String::new(),
            signature: Vec::new(),
            contact: String::new(),
            system: String::new(),
            attach: DocumentFormat::ALL.to_vec(),
        }
    }
}

/// A kind of file that goes with an escalation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentFormat {
    /// A letter to be put on file.
    Pdf,
    /// A table to work with.
    Xlsx,
}

impl DocumentFormat {
    /// Both, as they are attached unless settings say otherwise.
    pub const ALL: [Self; 2] = [Self::Pdf, Self::Xlsx];

    /// The word in settings, and the ending of the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Xlsx => "xlsx",
        }
    }
}

#[cfg(test)]
#[path = "rulebook_tests.rs"]
mod tests;
