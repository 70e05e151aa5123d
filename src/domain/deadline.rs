//! A deadline, its revisions and the signalled import it may hang on, as values. Never computes one; `cycle` does.

use chrono::{DateTime, NaiveDate, Utc};

use super::dates::Month;

/// An import that was signalled at run time (F1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportSignal {
    /// The cycle.
    pub month: Month,
    /// The import date.
    pub import_on: NaiveDate,
    /// When it was signalled.
    pub received_at: DateTime<Utc>,
    /// Who signalled it.
    pub actor: String,
}

/// A duty's deadline in one cycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadline {
    /// The cycle's import date.
    pub import_on: NaiveDate,
    /// The date that is announced.
    pub stated_on: NaiveDate,
    /// The last day on which a report is in time.
    pub ends_on: NaiveDate,
}

impl Deadline {
    /// Whether the same is told of both: the stated date and the last day.
    pub fn is_told_as(&self, other: &Self) -> bool {
        (self.stated_on, self.ends_on) == (other.stated_on, other.ends_on)
    }
}

/// A deadline as it was told, frozen (F5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revision {
    /// From 1.
    pub number: u32,
    /// What was told.
    pub deadline: Deadline,
    /// Why it replaced the one before; none for the first.
    pub reason: Option<String>,
    /// When it was frozen.
    pub frozen_at: DateTime<Utc>,
}
