//! Notices from queueing to the reply. Never sends one and never decides whether it is called for.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::QueryBuilder;
use sqlx::types::Json;

use crate::domain::delivery::{Outcome, State, reply_code};
use crate::domain::notice::Said;
use crate::domain::{Alert, Mailbox, Month, NewNotice};

use super::claims::{ClaimedNotice, held_by};
use super::engine::{execute, fetch_all, fetch_optional, on_engine};
use super::entry::hex;
use super::rows::{Place, ids};
use super::{StoreError, Tx};

const INSERT_ROWS_MAX: usize = 500; // times 15 bound values a row stays below SQLite's 32,766 bound values

/// One attempt to deliver, as it ended.
#[derive(Clone, Debug)]
pub struct Delivery<'a> {
    /// What became of the notice.
    pub outcome: Outcome,
    /// The relay's words, or what went wrong.
    pub reply: &'a str,
    /// The mail's subject.
    pub subject: &'a str,
    /// The SHA-256 of the mail, in hexadecimal; empty if there was no mail, or it is known from the hand-over.
    pub sha256: &'a str,
    /// Whether [`Tx::record_hand_over`] came before, and has kept the mail.
    pub was_handed_over: bool,
    /// What the ZRK must look at because of it.
    pub alert: Option<Alert>,
}

/// A mail at the moment in which it is handed over.
#[derive(Clone, Copy, Debug)]
pub struct HandedOver<'a> {
    /// Its subject.
    pub subject: &'a str,
    /// Its SHA-256, in hexadecimal.
    pub sha256: &'a str,
    /// The mail, byte for byte.
    pub mail: &'a [u8],
}

/// A notice's id: the same for the same key (N4), so that its Message-ID outlives even the loss of the database.
pub fn notice_id(notice: &NewNotice) -> String {
    let (month, revision) = (notice.month.to_string(), notice.revision.to_string());
    id_of_key([&month, duty_column(notice), &notice.step, &revision, notice.mailbox.as_str()])
}

/// The id of the notice whose month, duty, step, revision and mailbox these are.
pub(super) fn id_of_key(key: [&str; 5]) -> String {
    const ID_BYTES: usize = 16; // as many as a UUID has
    let mut hasher = Sha256::new();
    for field in key {
        hasher.update(field.as_bytes());
        hasher.update(b"\n");
    }
    hex(&hasher.finalize()[..ID_BYTES])
}

impl Tx {
    /// Queues notices. One whose key is there already stays as it is (N4), unless it was withdrawn before it was ever handed
    /// over, and not by a person: then it is called for again. Returns how many were queued.
    pub async fn queue_notices(&mut self, notices: &[NewNotice], now: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut added = HashSet::new();
        let ids: Vec<String> = notices.iter().map(notice_id).collect();
        let removed = self.removed_among(&ids).await?;
        let notices: Vec<&NewNotice> =
            notices.iter().zip(&ids).filter(|(_, id)| !removed.contains(id)).map(|(notice, _)| notice).collect();
        for rows in notices.chunks(INSERT_ROWS_MAX) {
            let rows: Vec<(String,)> = on_engine!(self, |connection| {
                let mut builder = QueryBuilder::new(
                    "INSERT INTO notices (id, month, duty, step, revision, mailbox, kind, office, authorities, due_at,
                 queued_at, state, reason, next_at, attempts, uncertain, lease, changed_at) ",
                );
                builder.push_values(rows, |mut row, notice| {
                    let state = if notice.hold.is_some() { State::Held } else { State::Queued };
                    row.push_bind(notice_id(notice))
                        .push_bind(notice.month.to_string())
                        .push_bind(duty_column(notice))
                        .push_bind(&notice.step)
                        .push_bind(i64::from(notice.revision))
                        .push_bind(notice.mailbox.as_str())
                        .push_bind(notice.kind.as_str())
                        .push_bind(notice.office.as_deref())
                        .push_bind(Json(&*notice.authorities.iter().map(|id| &**id).collect::<Vec<&str>>()))
                        .push_bind(notice.due_at)
                        .push_bind(now)
                        .push_bind(state.as_str())
                        .push_bind(&notice.hold)
                        .push_bind(notice.hold.is_none().then_some(now))
                        .push("0, 0, 0")
                        .push_bind(now);
                });
                builder.push(
                    " ON CONFLICT (month, duty, step, revision, mailbox) DO UPDATE SET
                     state = excluded.state, reason = excluded.reason, next_at = excluded.next_at,
                     authorities = excluded.authorities, office = excluded.office, changed_at = excluded.changed_at
                  WHERE notices.state = 'withdrawn' AND notices.reason NOT LIKE 'discarded by %' RETURNING id",
                );
                builder.build_query_as().fetch_all(connection).await
            })?;
            added.extend(rows.into_iter().map(|(id,)| id));
        }
        if !added.is_empty() {
            self.log_queued(&notices, &added, now).await?;
            self.touch().await?;
        }
        Ok(added.len() as u64)
    }

    /// All notices of a duty's cycle, as planning and reports need them.
    pub async fn said(&mut self, month: Month, duty: &str) -> Result<Vec<Said>, StoreError> {
        type Row = (
            String,
            String,
            String,
            i64,
            String,
            Option<String>,
            Json<Vec<String>>,
            DateTime<Utc>,
            String,
            Option<DateTime<Utc>>,
            Option<DateTime<Utc>>,
            bool,
            bool,
        );
        let rows: Vec<Row> = fetch_all!(self, sqlx::query_as(
            "SELECT id, step, kind, revision, mailbox, office, authorities, due_at, state, accepted_at, returned_at,
                    uncertain > 0, COALESCE(reason LIKE 'discarded by %', FALSE)
             FROM notices WHERE month = $1 AND duty = $2 ORDER BY due_at, mailbox",
        )
        .bind(month.to_string())
        .bind(duty))?;
        rows.into_iter()
            .map(
                |(
                    id,
                    step,
                    kind,
                    revision,
                    mailbox,
                    office,
                    Json(authorities),
                    due_at,
                    state,
                    accepted_at,
                    returned_at,
                    was_uncertain,
                    discarded,
                )| {
                    let place = Place { table: "notices", row: &id };
                    Ok(Said {
                        step,
                        kind: place.kind(&kind)?,
                        revision: place.number("revision", revision)?,
                        mailbox: place.mailbox(&mailbox)?,
                        office: office.map(Into::into),
                        authorities: ids(authorities),
                        due_at,
                        state: place.state(&state)?,
                        accepted_at,
                        returned_at,
                        was_uncertain,
                        is_discarded: discarded,
                    })
                },
            )
            .collect()
    }

    /// The id of the announcement that a mailbox got in a duty's cycle, to which later mails refer (M3).
    pub async fn announcement(
        &mut self,
        month: Month,
        duty: &str,
        mailbox: &Mailbox,
    ) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> = fetch_optional!(
            self,
            sqlx::query_as(
                "SELECT id FROM notices WHERE month = $1 AND duty = $2 AND mailbox = $3 AND kind = 'announcement'
               AND state IN ('accepted', 'uncertain') ORDER BY revision LIMIT 1",
            )
            .bind(month.to_string())
            .bind(duty)
            .bind(mailbox.as_str())
        )?;
        Ok(row.map(|(id,)| id))
    }

    /// Ends a notice that is not to be sent, with the reason (N5).
    pub async fn end_unsent(
        &mut self,
        id: &str,
        state: State,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        execute!(self, sqlx::query("UPDATE notices SET state = $2, reason = $3, next_at = NULL, lease_until = NULL, changed_at = $4 WHERE id = $1")
            .bind(id)
            .bind(state.as_str())
            .bind(reason)
            .bind(now))?;
        let facts = serde_json::json!({ "notice": id, "reason": reason });
        self.append_log(now, "fristd", state.as_str(), &facts).await?;
        self.touch().await
    }

    /// Records that the mail is about to be handed over: from here on its fate is uncertain until the reply (M6), and the
    /// mail is kept, so that it can be shown whatever happens (M7).
    pub async fn record_hand_over(
        &mut self,
        claimed: &ClaimedNotice,
        handed_over: HandedOver<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let touched = execute!(self, sqlx::query(
            "UPDATE notices SET handed_over_at = $3, subject = $4 WHERE id = $1 AND lease = $2 AND state = 'claimed'",
        )
        .bind(&claimed.id)
        .bind(claimed.lease)
        .bind(now)
        .bind(handed_over.subject))?;
        held_by(touched, &claimed.id)?;
        execute!(
            self,
            sqlx::query(
                "INSERT INTO attempts (notice, number, at, outcome, reply, sha256, mail, handed_over_at, size_bytes)
             VALUES ($1, $2, $3, 'claimed', 'handed over; no reply was recorded', $4, $5, $3, $6)",
            )
            .bind(&claimed.id)
            .bind(i64::from(claimed.attempts) + 1)
            .bind(now)
            .bind(handed_over.sha256)
            .bind(handed_over.mail)
            .bind(i64::try_from(handed_over.mail.len()).unwrap_or(i64::MAX))
        )?;
        let notice = &claimed.notice;
        let facts = serde_json::json!({
            "notice": claimed.id, "attempt": claimed.attempts + 1, "month": notice.month.to_string(),
            "duty": notice.duty.as_deref(), "step": notice.step, "revision": notice.revision,
            "authorities": notice.authorities.iter().map(|id| &**id).collect::<Vec<_>>(),
            "office": notice.office.as_deref(), "sha256": handed_over.sha256, "bytes": handed_over.mail.len(),
        });
        self.append_log(now, "fristd", "handed over", &facts).await
    }

    /// Records how an attempt ended (M6, M7).
    pub async fn record_reply(
        &mut self,
        claimed: &ClaimedNotice,
        delivery: &Delivery<'_>,
        now: DateTime<Utc>,
    ) -> Result<State, StoreError> {
        let (state, next_at) = match delivery.outcome {
            Outcome::Accepted => (State::Accepted, None),
            Outcome::RetryAt(at) => (State::Retry, Some(at)),
            Outcome::Rejected => (State::Rejected, None),
            Outcome::UncertainResendAt(at) => (State::Uncertain, Some(at)),
            Outcome::Uncertain => (State::Uncertain, None),
        };
        let touched = execute!(
            self,
            sqlx::query(
                "UPDATE notices SET state = $3, next_at = $4, reply = $5,
                 subject = CASE WHEN $6 = '' THEN subject ELSE $6 END, attempts = attempts + 1,
                 uncertain = uncertain + $7, lease_until = NULL, changed_at = $8,
                 accepted_at = CASE WHEN $3 = 'accepted' THEN $8 ELSE accepted_at END,
                 returned_at = CASE WHEN $3 = 'accepted' THEN NULL ELSE returned_at END
             WHERE id = $1 AND lease = $2 AND state = 'claimed'",
            )
            .bind(&claimed.id)
            .bind(claimed.lease)
            .bind(state.as_str())
            .bind(next_at)
            .bind(delivery.reply)
            .bind(delivery.subject)
            .bind(i64::from(state == State::Uncertain))
            .bind(now)
        )?;
        held_by(touched, &claimed.id)?;
        self.append_attempt(claimed, state, delivery, now).await?;
        if state == State::Rejected {
            self.flag(&claimed.notice.mailbox, delivery.reply, &claimed.id, now).await?;
        }
        if let Some(alert) = &delivery.alert {
            self.raise_alert(alert, now).await?;
        }
        self.touch().await?;
        Ok(state)
    }

    async fn append_attempt(
        &mut self,
        claimed: &ClaimedNotice,
        state: State,
        delivery: &Delivery<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let statement = if delivery.was_handed_over {
            // the attempt and its mail stand there since the hand-over; only how it ended is added
            "UPDATE attempts SET at = $3, outcome = $4, reply = $5, sha256 = CASE WHEN $6 = '' THEN sha256 ELSE $6 END
             WHERE notice = $1 AND number = $2 AND outcome = 'claimed' RETURNING sha256"
        } else {
            "INSERT INTO attempts (notice, number, at, outcome, reply, sha256) VALUES ($1, $2, $3, $4, $5, $6)
             RETURNING sha256"
        };
        let kept: Option<(String,)> = fetch_optional!(
            self,
            sqlx::query_as(statement)
                .bind(&claimed.id)
                .bind(i64::from(claimed.attempts) + 1)
                .bind(now)
                .bind(state.as_str())
                .bind(delivery.reply)
                .bind(delivery.sha256)
        )?;
        held_by(u64::from(kept.is_some()), &claimed.id)?;
        // relays repeat the address in their words: these stay in the table, from which they can be removed
        let facts = serde_json::json!({
            "notice": claimed.id, "attempt": claimed.attempts + 1, "handed_over": delivery.was_handed_over,
            "code": reply_code(delivery.reply), "sha256": kept.map(|(sha256,)| sha256),
        });
        self.append_log(now, "fristd", state.as_str(), &facts).await
    }

    /// Logs what was really queued, step by step, each notice by its id.
    async fn log_queued(
        &mut self,
        notices: &[&NewNotice],
        added: &HashSet<String>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut steps: Vec<(&NewNotice, Vec<String>)> = Vec::new();
        for notice in notices {
            let id = notice_id(notice);
            if !added.contains(&id) {
                continue;
            }
            let same = |other: &NewNotice| {
                (other.month, &other.duty, &other.step, other.revision, other.hold.is_some())
                    == (notice.month, &notice.duty, &notice.step, notice.revision, notice.hold.is_some())
            };
            match steps.iter_mut().find(|(first, _)| same(first)) {
                Some((_, ids)) => ids.push(id),
                None => steps.push((notice, vec![id])),
            }
        }
        for (first, ids) in steps {
            let event = if first.hold.is_some() { "held" } else { "queued" };
            let facts = serde_json::json!({
                "month": first.month.to_string(), "duty": first.duty.as_deref(), "step": first.step,
                "revision": first.revision, "kind": first.kind.as_str(), "notices": ids, "reason": first.hold,
            });
            self.append_log(now, "fristd", event, &facts).await?;
        }
        Ok(())
    }
}

fn duty_column(notice: &NewNotice) -> &str {
    notice.duty.as_deref().unwrap_or("")
}
