//! Who has a notice in hand: claims, leases, and what is taken over from the dead. Never sends and never decides.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use sqlx::types::Json;

use crate::domain::delivery::State;
use crate::domain::{AuthorityId, NewNotice};

use super::engine::{execute, fetch_all, fetch_optional};
use super::rows::{Place, ids};
use super::{StoreError, Tx};

const LEASE_MINUTES: i64 = 20; // a batch takes seconds; a relay that hangs ends the batch at its first time-out

/// Which claims are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaleClaims {
    /// Those whose lease has ended.
    LeaseEnded,
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
    /// Notices whose turn has come: corrections before what states their date as known, else oldest first.
    pub async fn due_notices(
        &mut self,
        now: DateTime<Utc>,
        count_max: usize,
    ) -> Result<Vec<ClaimedNotice>, StoreError> {
        let rows: Vec<NoticeRow> = fetch_all!(self, sqlx::query_as(
            "SELECT id, month, duty, step, revision, mailbox, kind, office, authorities, due_at, attempts, uncertain, lease
             FROM notices WHERE next_at <= $1 AND state IN ('queued', 'retry', 'uncertain')
             ORDER BY CASE WHEN kind = 'correction' THEN 0 ELSE 1 END, due_at, step, mailbox LIMIT $2",
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

    /// Whether a lease has ended without a reply.
    pub async fn has_stale_claims(&mut self, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = fetch_optional!(
            self,
            sqlx::query_as("SELECT CAST(1 AS BIGINT) FROM notices WHERE next_at <= $1 AND state = 'claimed' LIMIT 1")
                .bind(now)
        )?;
        Ok(row.is_some())
    }

    /// Claims a notice for sending, about these authorities.
    pub async fn claim(
        &mut self,
        claimed: &ClaimedNotice,
        authorities: &[AuthorityId],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let touched =
            execute!(self, sqlx::query(
            "UPDATE notices SET state = 'claimed', authorities = $3, lease = $2, lease_until = $4, next_at = $4,
                                handed_over_at = NULL, changed_at = $5
             WHERE id = $1 AND lease = $2 - 1 AND state IN ('queued', 'retry', 'uncertain')",
        )
        .bind(&claimed.id)
        .bind(claimed.lease)
        .bind(Json(authorities.iter().map(|id| &**id).collect::<Vec<&str>>()))
        .bind(claimed.lease_until)
        .bind(now))?;
        held_by(touched, &claimed.id)
    }

    /// Says of which authorities a claimed notice really speaks.
    pub async fn set_authorities(
        &mut self,
        claimed: &ClaimedNotice,
        authorities: &[AuthorityId],
    ) -> Result<(), StoreError> {
        let touched = execute!(
            self,
            sqlx::query("UPDATE notices SET authorities = $3 WHERE id = $1 AND lease = $2 AND state = 'claimed'")
                .bind(&claimed.id)
                .bind(claimed.lease)
                .bind(Json(authorities.iter().map(|id| &**id).collect::<Vec<&str>>()))
        )?;
        held_by(touched, &claimed.id)
    }

    /// Gives a claimed notice back unsent.
    pub async fn give_back(&mut self, claimed: &ClaimedNotice, next_at: DateTime<Utc>) -> Result<(), StoreError> {
        let state = if claimed.was_uncertain { State::Uncertain } else { State::Queued };
        execute!(self, sqlx::query(
            "UPDATE notices SET state = $3, next_at = $4, lease_until = NULL WHERE id = $1 AND lease = $2 AND state = 'claimed'",
        )
        .bind(&claimed.id)
        .bind(claimed.lease)
        .bind(state.as_str())
        .bind(next_at))?;
        Ok(())
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
            StaleClaims::LeaseEnded => now,
            StaleClaims::All => last_instant(),
        };
        let unsent: Vec<(String,)> =
            fetch_all!(self, sqlx::query_as(
            "UPDATE notices SET state = CASE WHEN uncertain > 0 THEN 'uncertain' ELSE 'queued' END, next_at = $2,
                 lease_until = NULL, changed_at = $2
             WHERE state = 'claimed' AND lease_until <= $1 AND handed_over_at IS NULL RETURNING id",
        )
        .bind(lease_ended_by)
        .bind(now))?;
        if !unsent.is_empty() {
            let ids: Vec<String> = unsent.into_iter().map(|(id,)| id).collect();
            self.append_log(now, "fristd", "claims taken over", &serde_json::json!({ "notices": ids })).await?;
        }
        let rows: Vec<NoticeRow> = fetch_all!(self, sqlx::query_as(
            "SELECT id, month, duty, step, revision, mailbox, kind, office, authorities, due_at, attempts, uncertain, lease - 1
             FROM notices WHERE state = 'claimed' AND lease_until <= $1 ORDER BY due_at, mailbox",
        )
        .bind(lease_ended_by))?;
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

/// A lease that was lost touches no row.
pub(super) fn held_by(touched: u64, notice: &str) -> Result<(), StoreError> {
    if touched == 1 { Ok(()) } else { Err(StoreError::LeaseLost { notice: notice.to_owned() }) }
}
