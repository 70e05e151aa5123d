//! What was recorded of an authority in one cycle, in order, with the standing after each (S4). Never asks what time it is.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::dates::end_of_day;
use super::standing::{Receipt, ReceiptState, Standing, in_time, standing_now};

/// One thing that changed the standing, or left it as it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// When it happened, or became known.
    pub at: DateTime<Utc>,
    /// What.
    pub what: Happened,
    /// The standing after it.
    pub standing: Standing,
    /// Whether the authority was in time, as known then (S5).
    pub in_time: Option<bool>,
}

/// What can happen to a standing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Happened {
    /// A receipt was recorded.
    Recorded(Receipt),
    /// An extension has run out without a report.
    ExtensionRanOut {
        /// Its last day.
        until: NaiveDate,
    },
}

/// The entries up to an instant, from the receipts that are known then, in the order in which they were recorded.
pub fn chronicle(receipts: &[Receipt], ends_on: NaiveDate, at: DateTime<Utc>, zone: Tz) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (index, receipt) in receipts.iter().enumerate() {
        let known = &receipts[..=index];
        // the order is that of recording, and a clock may have been set back in between
        let known_at = known.iter().map(|receipt| receipt.received_at).max().unwrap_or(receipt.received_at);
        let entry = |at, known_at, what| Entry {
            at,
            what,
            standing: standing_now(known, known_at, zone),
            in_time: in_time(known, ends_on, known_at, zone),
        };
        let recorded = entry(receipt.received_at, known_at, Happened::Recorded(receipt.clone()));
        let next_at = receipts.get(index + 1).map_or(at, |next| next.received_at);
        let extension = match recorded.standing.state {
            ReceiptState::Extended { until, .. } => Some((until, end_of_day(zone, until))),
            _ => None,
        };
        entries.push(recorded);
        if let Some((until, end)) = extension.filter(|(_, end)| *end <= next_at) {
            entries.push(entry(end, end, Happened::ExtensionRanOut { until }));
        }
    }
    entries
}

#[cfg(test)]
#[path = "chronicle_tests.rs"]
mod tests;
