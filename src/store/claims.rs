//! Who has a notice in hand: claims, leases, and what is taken over from the dead. Never sends and never decides.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use sqlx::types::Json;

use crate::domain::NewNotice;

use super::engine::{fetch_all, fetch_optional};
use super::rows::{Place, ids};
use super::{StoreError, Tx};

const LEASE_MINUTES: i64 = 20; // a batch takes seconds; a relay that hangs ends the batch at its first time-out
// two clocks may be a minute apart to either side: what one takes over the other has long stopped handing over
const TAKE_OVER_AFTER: TimeDelta = TimeDelta::minutes(2);

/// Which claims are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaleClaims {
    /// Those whose lease has ended more than two minutes ago.
    LeaseEnded,
    /// Those of this replica, of a process before this one: [`super::RunLock`] says that it is alone under its name. All, where
    /// the store has no name.
    Own,
    /// All.
    All,
}

/// A notice in the hands of a deliverer.
#[derive(Clone, Debug)]
pub struct ClaimedNotice {
    /// Its id.
    pub id: String,
    /// What it is.
    pub notice: NewNotice,
    /// How many attempts there were before.
    pub attempts: u32,
    /// Whether it was uncertain before, so that this is the one more (M6).
    pub was_uncertain: bool,
    /// Which claim this is; a reply under another one changes nothing.
    pub lease: i64,
    /// Until when it is this deliverer's.
    pub lease_until: DateTime<Utc>,
}

type NoticeRow = (
    String,
    String,
    String,
    String,
    i64,
    String,
    String,
    Option<String>,
    Json<Vec<String>>,
    DateTime<Utc>,
    i64,
    i64,
    i64,
);

impl Tx {
    /// Notices whose turn has come: corrections before what states their date as known, else oldest first, duty by duty.
    pub async fn due_notices(
        &mut self,
        now: DateTime<Utc>,
        count_max: usize,
    ) -> Result<Vec<ClaimedNotice>, StoreError> {
        let rows: Vec<NoticeRow> = fetch_all!(self, sqlx::query_as(
            "SELECT id, month, duty, step, revision, mailbox, kind, office, authorities, due_at, attempts, uncertain, lease
             FROM notices WHERE next_at <= $1 AND state IN ('queued', 'retry', 'uncertain')
             ORDER BY CASE WHEN kind = 'correction' THEN 0 ELSE 1 END, due_at, step, duty, mailbox LIMIT $2",
        )
        .bind(now)
        .bind(count_max as i64))?;
        rows.into_iter().map(|row| claimable(row, now)).collect()
    }

    /// All notices that still wait to be sent, oldest first, whenever their turn comes; those that are held are not among them.
    pub async fn waiting_notices(&mut self) -> Result<Vec<ClaimedNotice>, StoreError> {
        self.due_notices(last_instant(), i64::MAX as usize).await
    }

    /// The earliest instant at which a waiting notice may be claimed.
    pub async fn next_due_at(&mut self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row: Option<(DateTime<Utc>,)> =
            fetch_optional!(self, sqlx::query_as(
            "SELECT next_at FROM notices WHERE next_at IS NOT NULL AND state IN ('queued', 'retry', 'uncertain')
             ORDER BY next_at LIMIT 1",
        ))?;
        Ok(row.map(|(at,)| at))
    }

    /// Whether a lease has ended without a reply, and long enough ago for its claim to be taken over.
    pub async fn has_stale_claims(&mut self, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = fetch_optional!(
            self,
            sqlx::query_as("SELECT CAST(1 AS BIGINT) FROM notices WHERE next_at <= $1 AND state = 'claimed' LIMIT 1")
                .bind(now - TAKE_OVER_AFTER)
        )?;
        Ok(row.is_some())
    }

    /// Takes over notices whose deliverer has died: those whose lease has ended, or, when no other process can be at work,
    /// all that are claimed. One that was not handed over is queued again; one that was, is uncertain: its claim is returned
    /// for that to be decided.
    pub async fn take_over(
        &mut self,
        claims: StaleClaims,
        now: DateTime<Utc>,
    ) -> Result<Vec<ClaimedNotice>, StoreError> {
        let lease_ended_by = match claims {
            StaleClaims::LeaseEnded => now - TAKE_OVER_AFTER,
            StaleClaims::Own | StaleClaims::All => last_instant(),
        };
        let claimed_by = if claims == StaleClaims::Own { self.replica.clone() } else { None };
        let claimed_by = claimed_by.as_deref();
        let unsent: Vec<(String,)> =
            fetch_all!(self, sqlx::query_as(
            "UPDATE notices SET state = CASE WHEN uncertain > 0 THEN 'uncertain' ELSE 'queued' END, next_at = $2,
                 lease_until = NULL, changed_at = $2
             WHERE state = 'claimed' AND lease_until <= $1 AND handed_over_at IS NULL AND ($3 IS NULL OR claimed_by = $3)
             RETURNING id",
        )
        .bind(lease_ended_by)
        .bind(now)
        .bind(claimed_by))?;
        if !unsent.is_empty() {
            let ids: Vec<String> = unsent.into_iter().map(|(id,)| id).collect();
            self.append_log(now, "fristd", "claims taken over", &serde_json::json!({ "notices": ids })).await?;
        }
        let rows: Vec<NoticeRow> = fetch_all!(self, sqlx::query_as(
            "SELECT id, month, duty, step, revision, mailbox, kind, office, authorities, due_at, attempts, uncertain, lease - 1
             FROM notices WHERE state = 'claimed' AND lease_until <= $1 AND ($2 IS NULL OR claimed_by = $2) ORDER BY due_at, mailbox",
        )
        .bind(lease_ended_by)
        .bind(claimed_by))?;
        rows.into_iter().map(|row| claimable(row, now)).collect()
    }
}

fn claimable(row: NoticeRow, now: DateTime<Utc>) -> Result<ClaimedNotice, StoreError> {
    let (id, month, duty, step, revision, mailbox, kind, office, Json(authorities), due_at, attempts, uncertain, lease) =
        row;
    let place = Place { table: "notices", row: &id };
    let notice = NewNotice {
        month: place.month(&month)?,
        duty: (!duty.is_empty()).then(|| duty.into()),
        step,
        kind: place.kind(&kind)?,
        revision: place.number("revision", revision)?,
        mailbox: place.mailbox(&mailbox)?,
        office: office.map(Into::into),
        authorities: ids(authorities),
        due_at,
        hold: None,
    };
    let attempts = place.number("attempts", attempts)?;
    Ok(ClaimedNotice {
        notice,
        attempts,
        was_uncertain: uncertain > 0,
        lease: lease + 1,
        lease_until: now + TimeDelta::minutes(LEASE_MINUTES),
        id,
    })
}

/// The last instant that both databases order as a text of four-digit years.
fn last_instant() -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or_default().and_time(NaiveTime::MIN).and_utc()
}
