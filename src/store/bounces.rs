//! What came back, appended; and the key by which a returned mail proves itself. Never decides what a report means.

use chrono::{DateTime, Utc};

use crate::domain::bounce::{Consequence, Proof, ReturnFacts, Verdict};
use crate::domain::delivery::State;
use crate::domain::{Alert, Mailbox};

use super::engine::{execute, fetch_all, fetch_one, fetch_optional};
use super::outbox::{OutboxFilter, OutboxNotice};
use super::retention::without_addresses;
use super::{StoreError, Tx};

const KEY_BYTES: usize = 32; // as many as HMAC-SHA256 makes use of (RFC 2104, 3)
const KEY_NAME: &str = "return address";

/// A notice to which something came back.
#[derive(Clone, Debug)]
pub struct ReturnedNotice {
    /// The notice.
    pub notice: OutboxNotice,
    /// Whether it is just being handed over, so that nobody can say yet what became of it.
    pub is_in_hand: bool,
    /// When it was last handed over; none if it never was.
    pub handed_over_at: Option<DateTime<Utc>>,
    /// When a person last took the flag from its mailbox.
    pub cleared_at: Option<DateTime<Utc>>,
    /// How many reports on it are recorded.
    pub reports: usize,
}

impl ReturnedNotice {
    /// What its proof hangs on.
    pub fn facts(&self, has_token: bool, needs_token: bool) -> ReturnFacts {
        ReturnFacts { handed_over_at: self.handed_over_at, cleared_at: self.cleared_at, has_token, needs_token }
    }
}

/// A report on a notice, to be recorded.
#[derive(Clone, Debug)]
pub struct NewBounce<'a> {
    /// The notice.
    pub notice: &'a OutboxNotice,
    /// What it amounts to.
    pub verdict: Verdict,
    /// Why it is believed, or not.
    pub proof: Proof,
    /// What it changes.
    pub consequence: Consequence,
    /// The status code.
    pub status: Option<String>,
    /// The remote system's words; bounded, in one line.
    pub diagnostic: &'a str,
    /// The SHA-256 of the message, in hexadecimal.
    pub sha256: &'a str,
    /// Why the notice was not delivered, if it was not.
    pub reason: &'a str,
    /// What the ZRK is told if the mailbox is flagged now.
    pub alert: Alert,
}

/// What recording a report did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BounceEffect {
    /// The mailbox is flagged since now.
    pub has_flagged: bool,
    /// The notice counts as not delivered since now.
    pub is_returned: bool,
}

/// A report as it was recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bounce {
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// `hard`, `soft` or `delayed`.
    pub verdict: String,
    /// `token`, `recipient` or `none`.
    pub proof: String,
    /// What it changed, or why nothing.
    pub effect: String,
    /// The status code.
    pub status: Option<String>,
    /// The remote system's words.
    pub diagnostic: String,
    /// The SHA-256 of the message, in hexadecimal.
    pub sha256: String,
}

impl Tx {
    /// Makes the key for return addresses, once a store.
    pub(super) async fn create_return_key(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(|cause| StoreError::Random { cause: cause.to_string() })?;
        execute!(
            self,
            sqlx::query("INSERT INTO secrets (name, value, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind(KEY_NAME)
                .bind(&key[..])
                .bind(now)
        )?;
        Ok(())
    }

    /// The key for return addresses. It leaves the process nowhere.
    pub async fn return_key(&mut self) -> Result<Vec<u8>, StoreError> {
        let (key,): (Vec<u8>,) =
            fetch_one!(self, sqlx::query_as("SELECT value FROM secrets WHERE name = $1").bind(KEY_NAME))?;
        Ok(key)
    }

    /// The notice of this id, as far as a report on it needs to know it.
    pub async fn returned_notice(&mut self, id: &str) -> Result<Option<ReturnedNotice>, StoreError> {
        type Row = (Option<DateTime<Utc>>, DateTime<Utc>, i64, i64);
        let row: Option<Row> =
            fetch_optional!(self, sqlx::query_as(
            "SELECT handed_over_at, changed_at, uncertain, (SELECT COUNT(*) FROM bounces WHERE notice = notices.id)
             FROM notices WHERE id = $1",
        )
        .bind(id))?;
        let Some((handed_over_at, changed_at, uncertain, reports)) = row else { return Ok(None) };
        let filter = OutboxFilter { id: Some(id.to_owned()), ..OutboxFilter::default() };
        let Some(notice) = self.outbox(&filter).await?.into_iter().next() else { return Ok(None) };
        // the text of an instant orders as the instant does; the newest is the last number
        let cleared: Option<(DateTime<Utc>,)> = fetch_optional!(
            self,
            sqlx::query_as("SELECT cleared_at FROM clearances WHERE mailbox = $1 ORDER BY number DESC LIMIT 1")
                .bind(notice.mailbox.as_str())
        )?;
        Ok(Some(ReturnedNotice {
            is_in_hand: notice.state == State::Claimed && handed_over_at.is_some(),
            // accepted, or perhaps sent: what was refused never left
            handed_over_at: notice.accepted_at.or((uncertain > 0).then(|| handed_over_at.unwrap_or(changed_at))),
            cleared_at: cleared.map(|(at,)| at),
            reports: usize::try_from(reports).unwrap_or_default(),
            notice,
        }))
    }

    /// Whether this very message was recorded before.
    pub async fn knows_bounce(&mut self, sha256: &str) -> Result<bool, StoreError> {
        let row: Option<(i64,)> =
            fetch_optional!(self, sqlx::query_as("SELECT number FROM bounces WHERE sha256 = $1").bind(sha256))?;
        Ok(row.is_some())
    }

    /// Records a report and what it changes: the notice goes from accepted or uncertain to rejected, its mailbox is flagged,
    /// and the ZRK is told if it was not flagged before.
    pub async fn record_bounce(
        &mut self,
        bounce: &NewBounce<'_>,
        now: DateTime<Utc>,
    ) -> Result<BounceEffect, StoreError> {
        let NewBounce { notice, verdict, proof, consequence, sha256, .. } = *bounce;
        // what was taken away for a person must not come back with a mail system's words (M8)
        let kept = |words: &str| if notice.mailbox.is_removed() { without_addresses(words) } else { words.to_owned() };
        let (diagnostic, reason) = (&kept(bounce.diagnostic), &kept(bounce.reason));
        let words = match (consequence, proof) {
            (Consequence::Flag, _) => "not delivered; the mailbox is flagged",
            (Consequence::NotDelivered, _) => "not delivered",
            (Consequence::Nothing, Proof::None(why)) => why,
            (Consequence::Nothing, _) => "still being tried",
        };
        execute!(self, sqlx::query(
            "INSERT INTO bounces (number, received_at, notice, mailbox, verdict, proof, effect, status, diagnostic, sha256)
             VALUES ((SELECT COALESCE(MAX(number), 0) + 1 FROM bounces), $1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(now)
        .bind(&notice.id)
        .bind(notice.mailbox.as_str())
        .bind(verdict.as_str())
        .bind(proof.as_str())
        .bind(words)
        .bind(&bounce.status)
        .bind(diagnostic)
        .bind(sha256))?;
        let mut effect = BounceEffect::default();
        if consequence != Consequence::Nothing {
            effect.is_returned = self.return_notice(&notice.id, reason, now).await?;
        }
        let facts = serde_json::json!({
            "notice": notice.id, "verdict": verdict.as_str(), "proof": proof.as_str(), "effect": words,
            "returned": effect.is_returned, "status": bounce.status, "sha256": sha256,
        });
        self.append_log(now, "fristd", "came back", &facts).await?;
        if consequence == Consequence::Nothing {
            return Ok(effect);
        }
        if consequence == Consequence::Flag {
            effect.has_flagged = self.flag(&notice.mailbox, reason, &notice.id, now).await?;
            if effect.has_flagged {
                self.raise_alert(&bounce.alert, now).await?;
            }
        }
        self.touch().await?;
        Ok(effect)
    }

    /// The reports on a notice, oldest first.
    pub async fn bounces_of(&mut self, notice: &str) -> Result<Vec<Bounce>, StoreError> {
        type Row = (DateTime<Utc>, String, String, String, Option<String>, String, String);
        let rows: Vec<Row> = fetch_all!(
            self,
            sqlx::query_as(
                "SELECT received_at, verdict, proof, effect, status, diagnostic, sha256 FROM bounces
             WHERE notice = $1 ORDER BY number",
            )
            .bind(notice)
        )?;
        let bounce = |(received_at, verdict, proof, effect, status, diagnostic, sha256): Row| Bounce {
            received_at,
            verdict,
            proof,
            effect,
            status,
            diagnostic,
            sha256,
        };
        Ok(rows.into_iter().map(bounce).collect())
    }

    /// A notice that was handed over was not delivered. One that was sent again since, or never, stays as it is.
    async fn return_notice(&mut self, id: &str, reason: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let touched =
            execute!(self, sqlx::query(
            "UPDATE notices SET state = 'rejected', reason = $2, next_at = NULL, returned_at = $3, changed_at = $3
             WHERE id = $1 AND state IN ('accepted', 'uncertain')",
        )
        .bind(id)
        .bind(reason)
        .bind(now))?;
        Ok(touched == 1)
    }

    /// Keeps when a person took the flag from a mailbox.
    pub(super) async fn append_clearance(
        &mut self,
        mailbox: &Mailbox,
        actor: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        execute!(
            self,
            sqlx::query(
                "INSERT INTO clearances (number, mailbox, cleared_at, actor)
             VALUES ((SELECT COALESCE(MAX(number), 0) + 1 FROM clearances), $1, $2, $3)",
            )
            .bind(mailbox.as_str())
            .bind(now)
            .bind(actor)
        )?;
        Ok(())
    }
}
