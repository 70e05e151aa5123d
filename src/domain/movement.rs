//! What moved about an authority between two reports of which both concern it. Never says whether it still owes.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::duty::Duty;
use super::standing::{Receipt, ReceiptState, RunningStanding, Standing, standing_at};

/// What moved about a missing authority since an earlier report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Movement {
    /// A part came that was missing then.
    PartCame,
    /// A part that was there then was taken back, and none came.
    PartTakenBack,
    /// It had reported everything or was excused meanwhile, and that was taken back.
    TakenBack,
    /// It was given more time, and that has run out.
    ExtensionEnded,
    /// It stood in a report before the last one, and not in the last.
    BackAgain,
}

impl Movement {
    /// What moved between `before` and the instant of `standing`, which is what all `receipts`, in the order in which they were
    /// recorded, amount to. None if nothing did: the same said once more is no movement.
    ///
    /// Compared is what fristd knew then and knows now (S4), so that a report that was recorded late counts when it came to be
    /// known.
    pub fn since(
        before: DateTime<Utc>,
        receipts: &[Receipt],
        standing: &Standing,
        duty: &Duty,
        zone: Tz,
    ) -> Option<Self> {
        let then = standing_at(receipts, before, zone);
        let mut running = RunningStanding::default();
        let was_settled_meanwhile = receipts.iter().any(|receipt| {
            running.add(receipt);
            receipt.received_at > before && is_over(&running.standing(receipt.received_at, zone))
        });
        if was_settled_meanwhile || is_over(&then) {
            return Some(Self::TakenBack);
        }
        let (lacked, lacks) = (then.missing_parts(duty), standing.missing_parts(duty));
        let has_part_of_its_own = |one: &[String], other: &[String]| one.iter().any(|part| !other.contains(part));
        if has_part_of_its_own(&lacked, &lacks) {
            return Some(Self::PartCame);
        }
        if has_part_of_its_own(&lacks, &lacked) {
            return Some(Self::PartTakenBack);
        }
        let was_extended = matches!(then.state, ReceiptState::Extended { .. });
        let is_extended_since = standing.extended_to.is_some() && standing.extended_to != then.extended_to;
        (was_extended || is_extended_since).then_some(Self::ExtensionEnded)
    }

    /// For a table, in German.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::PartCame => "teilweise eingegangen",
            Self::PartTakenBack => "Teil zurückgenommen",
            Self::TakenBack => "zwischenzeitlich erledigt, wieder offen",
            Self::ExtensionEnded => "Fristverlängerung abgelaufen",
            Self::BackAgain => "erneut ausstehend",
        }
    }
}

/// Whether nothing more is owed, for good.
fn is_over(standing: &Standing) -> bool {
    standing.is_settled() && !matches!(standing.state, ReceiptState::Extended { .. })
}

#[cfg(test)]
#[path = "movement_tests.rs"]
mod tests;
