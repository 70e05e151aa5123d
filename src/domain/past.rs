//! Cycles that have closed, and who missed how many of them (F7, N7). Never loads them and never asks what time it is.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::dates::Month;
use super::roster::{AuthorityId, Roster};
use super::standing::{Receipt, standing_at};

/// A duty's cycle in which a deadline was told; of others a store knows nothing (N11). [`missed`] takes closed ones only,
/// [`super::punctuality`] open ones as well.
#[derive(Clone, Debug)]
pub struct PastCycle {
    /// The cycle.
    pub month: Month,
    /// The last day on which a report was in time, by the last revision: who was valid then owed it.
    pub ends_on: NaiveDate,
    /// When the cycle closes (F7).
    pub closes_at: DateTime<Utc>,
    /// All receipts of the cycle in the order in which they were recorded, as far as standings hang on them; of one that is not
    /// named there is none.
    pub receipts: HashMap<AuthorityId, Vec<Receipt>>,
}

impl PastCycle {
    /// Whether an authority had not settled when the cycle closed. Whether it owed is not asked.
    pub fn is_missed_by(&self, authority: &AuthorityId, zone: Tz) -> bool {
        let of_authority = self.receipts.get(authority).into_iter().flatten();
        !standing_at(of_authority, self.closes_at, zone).is_settled()
    }
}

/// What a store knows of a duty in a month.
#[derive(Clone, Debug)]
pub enum Known {
    /// Nothing: it began later, or nobody was told a deadline before that was over (N11).
    Nothing,
    /// The deadline is still to be told.
    Ahead,
    /// A deadline was told.
    Told(PastCycle),
}

/// Who missed what of the cycles before this one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Missed {
    /// How many cycles are known.
    pub known: u32,
    /// How many of them an authority missed; one that is not named missed none.
    pub total: HashMap<AuthorityId, u32>,
    /// How many it missed one after the other up to the month before this one; one that is not named missed none there.
    pub running: HashMap<AuthorityId, u32>,
}

/// Counts who missed the cycles that came before `month`. A cycle that is not known, or in which an authority owed nothing,
/// ends a run.
///
/// ```
/// # use fristd::domain::{past::missed, Roster, dates::Month};
/// let nobody = Roster::new(Vec::new(), Vec::new(), Vec::new());
/// let counts = missed(&[], Month::parse("2026-12").unwrap(), &nobody, chrono_tz::Europe::Berlin);
/// assert_eq!(counts.known, 0);
/// ```
pub fn missed(cycles: &[PastCycle], month: Month, roster: &Roster, zone: Tz) -> Missed {
    let mut newest_first: Vec<&PastCycle> = cycles.iter().filter(|cycle| cycle.month < month).collect();
    newest_first.sort_by_key(|cycle| std::cmp::Reverse(cycle.month));
    let mut counts = Missed { known: newest_first.len() as u32, ..Missed::default() };
    let mut unbroken = 0;
    for cycle in newest_first {
        let is_next = cycle.month == month.plus(-(unbroken + 1));
        for authority in roster.owing(cycle.ends_on).filter(|authority| cycle.is_missed_by(&authority.id, zone)) {
            *counts.total.entry(authority.id.clone()).or_default() += 1;
            let run = counts.running.get(&authority.id).copied().unwrap_or(0);
            if is_next && run == unbroken as u32 {
                counts.running.insert(authority.id.clone(), run + 1);
            }
        }
        if is_next {
            unbroken += 1;
        }
    }
    counts
}

#[cfg(test)]
#[path = "past_tests.rs"]
mod tests;
