//! Counts what goes within a minute, as the store knows it of all replicas. Never decides how much that may be.

use chrono::{DateTime, Utc};

use crate::domain::pace::{Minute, Room};
use crate::store::{StoreError, Tx};

/// What was handed over within the last minute.
pub(super) async fn handed_over(tx: &mut Tx, now: DateTime<Utc>) -> Result<Minute, StoreError> {
    let mut minute = Minute::default();
    for (at, domain, mails) in tx.handed_over_lately(now).await? {
        minute.record(&domain, at, mails);
    }
    Ok(minute)
}

/// Takes the places of what is claimed and not handed over yet.
pub(super) async fn hold_claimed(tx: &mut Tx, room: &mut Room<'_>) -> Result<(), StoreError> {
    for mailbox in tx.mailboxes_in_hand().await? {
        room.hold(mailbox.domain(), 1);
    }
    Ok(())
}
