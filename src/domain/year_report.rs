//! A year of all duties, as the yearly report shows it. Never loads it and never asks what time it is.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::dates::Month;
use super::duty::DutyId;
use super::punctuality::{Phase, Punctuality};

/// The punctuality of some duties in the cycles of one year.
#[derive(Clone, PartialEq, Debug)]
pub struct YearReport {
    /// The year in which the cycles run.
    pub year: i32,
    /// What is not closed was judged as known then.
    pub as_of: DateTime<Utc>,
    /// The zone of local dates.
    pub zone: Tz,
    /// One a duty, in the order of settings.
    pub duties: Vec<DutyYear>,
    /// Whose report it is: the lines of the signature.
    pub signature: Vec<String>,
    /// The file number (Aktenzeichen); may be empty.
    pub file_number: String,
}

/// One duty's year.
#[derive(Clone, PartialEq, Debug)]
pub struct DutyYear {
    /// The duty.
    pub duty: DutyId,
    /// Its name in letters.
    pub title: String,
    /// What its twelve months came to.
    pub punctuality: Punctuality,
}

impl DutyYear {
    /// The months that have come so far and no farther.
    pub fn months_in(&self, phase: Phase) -> Vec<Month> {
        self.punctuality.months.iter().filter(|line| line.phase == phase).map(|line| line.month).collect()
    }

    /// Whether no figure can change any more: no month is open or to come.
    pub fn is_over(&self) -> bool {
        self.punctuality.months.iter().all(|line| matches!(line.phase, Phase::Closed | Phase::Unknown))
    }
}

impl YearReport {
    /// Whether nothing is known of the year.
    pub fn is_empty(&self) -> bool {
        self.duties.iter().all(|duty| duty.punctuality.is_empty())
    }

    /// As of a duty.
    pub fn is_over(&self) -> bool {
        self.duties.iter().all(DutyYear::is_over)
    }
}
