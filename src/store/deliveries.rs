//! What deliverers write, many notices in one statement: claims, hand-overs, replies. Never sends and never decides.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;

use crate::domain::delivery::{Outcome, State, reply_code};
use crate::domain::{Alert, AuthorityId};

use super::claims::ClaimedNotice;
use super::engine::{execute_built, fetch_built, fetch_one, write_built};
use super::entry::LogHead;
use super::readable::Readable;
use super::{StoreError, Tx};

/// One attempt to deliver, as it ended.
#[derive(Clone, Debug)]
pub struct Delivery<'a> {
    /// What became of the notice.
    pub outcome: Outcome,
    /// The relay's words, or what went wrong.
    pub reply: &'a str,
    /// The mail's subject.
    pub subject: &'a str,
    /// The SHA-256 of the mail, in hexadecimal; empty if there was no mail, or only the store knows it, from the hand-over.
    pub sha256: &'a str,
    /// Whether [`Tx::record_hand_overs`] came before, and has kept the mail.
    pub was_handed_over: bool,
    /// What the ZRK must look at because of it.
    pub alert: Option<Alert>,
}

impl Delivery<'_> {
    /// The state in which it leaves the notice, and when that is tried again.
    fn leaves(&self) -> (State, Option<DateTime<Utc>>) {
        match self.outcome {
            Outcome::Accepted => (State::Accepted, None),
            Outcome::RetryAt(at) => (State::Retry, Some(at)),
            Outcome::Rejected => (State::Rejected, None),
            Outcome::UncertainResendAt(at) => (State::Uncertain, Some(at)),
            Outcome::Uncertain => (State::Uncertain, None),
        }
    }
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

/// What a deliverer looks at before each hand-over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeliveryState {
    /// Whether all sending is paused (N8), or the store was moved away.
    pub is_paused: bool,
    /// Rises with every change on which verdicts can hang, deliverers' own work left out.
    pub verdict_changes: i64,
}

impl Tx {
    /// What a deliverer looks at before each hand-over.
    pub async fn delivery_state(&mut self) -> Result<DeliveryState, StoreError> {
        let (is_paused, verdict_changes): (bool, i64) = fetch_one!(
            self,
            sqlx::query_as(
                "SELECT paused_at IS NOT NULL OR moved_at IS NOT NULL, verdict_changes FROM service WHERE id = 1"
            )
        )?;
        Ok(DeliveryState { is_paused, verdict_changes })
    }

    /// Claims notices for sending, each about its authorities.
    ///
    /// # Errors
    /// If one of them is not as it was when [`Tx::due_notices`] found it in this transaction, then or at the commit.
    pub async fn claim(&mut self, claims: &[ClaimedNotice], now: DateTime<Utc>) -> Result<(), StoreError> {
        if claims.is_empty() {
            return Ok(());
        }
        let replica = self.replica.clone();
        let replica = replica.as_deref();
        write_built!(self, claims.len(), "WITH claimed (notice, claim, about, ends_at) AS (", |builder| {
            builder.push_values(claims, |mut row, claimed| {
                row.push_bind(&claimed.id)
                    .push_bind(claimed.lease)
                    .push_bind(authorities_column(&claimed.notice.authorities))
                    .push_bind(claimed.lease_until);
            });
            builder.push(
                ") UPDATE notices SET state = 'claimed', authorities = about, lease = claim, lease_until = ends_at,
                   next_at = ends_at, handed_over_at = NULL, claimed_by = ",
            );
            builder.push_bind(replica).push(", changed_at = ").push_bind(now);
            builder.push(
                " FROM claimed WHERE id = notice AND lease = claim - 1 AND state IN ('queued', 'retry', 'uncertain')",
            );
        })?;
        Ok(())
    }

    /// Says of which authorities claimed notices really speak.
    ///
    /// # Errors
    /// If one of them is no longer this deliverer's ([`Tx::delivery_state_for`]), then or at the commit.
    pub async fn set_authorities(&mut self, claims: &[(&ClaimedNotice, &[AuthorityId])]) -> Result<(), StoreError> {
        if claims.is_empty() {
            return Ok(());
        }
        write_built!(self, claims.len(), "WITH spoken_of (notice, claim, about) AS (", |builder| {
            builder.push_values(claims, |mut row, (claimed, authorities)| {
                row.push_bind(&claimed.id).push_bind(claimed.lease).push_bind(authorities_column(authorities));
            });
            builder.push(
                ") UPDATE notices SET authorities = about FROM spoken_of
               WHERE id = notice AND lease = claim AND state = 'claimed'",
            );
        })?;
        Ok(())
    }

    /// Gives claimed notices back unsent, each to be claimed again from an instant on. One whose lease was lost stays as it is.
    pub async fn give_back(&mut self, claims: &[(&ClaimedNotice, DateTime<Utc>)]) -> Result<(), StoreError> {
        if claims.is_empty() {
            return Ok(());
        }
        execute_built!(self, "WITH unsent (notice, claim, kept, from_at) AS (", |builder| {
            builder.push_values(claims, |mut row, (claimed, next_at)| {
                let state = if claimed.was_uncertain { State::Uncertain } else { State::Queued };
                row.push_bind(&claimed.id).push_bind(claimed.lease).push_bind(state.as_str()).push_bind(*next_at);
            });
            builder.push(
                ") UPDATE notices SET state = kept, next_at = from_at, lease_until = NULL FROM unsent
               WHERE id = notice AND lease = claim AND state = 'claimed'",
            );
        })?;
        Ok(())
    }

    /// What a deliverer looks at before each hand-over, and which of its claims it has lost, by the notices' ids; with each claim
    /// whether the mail was handed over.
    pub async fn delivery_state_for(
        &mut self,
        claims: &[(&ClaimedNotice, bool)],
    ) -> Result<(DeliveryState, HashSet<String>), StoreError> {
        if claims.is_empty() {
            return Ok((self.delivery_state().await?, HashSet::new()));
        }
        // a row for each that was lost, and always one; with the log's head, because entries will follow
        type Row = (bool, i64, Readable<i64>, Readable<String>, Option<String>);
        let rows: Vec<Row> = fetch_built!(self, "WITH asked (notice, claim, is_handed_over) AS (", |builder| {
            builder.push_values(claims, |mut row, (claimed, is_handed_over)| {
                row.push_bind(&claimed.id).push_bind(claimed.lease).push_bind(*is_handed_over);
            });
            builder.push(
                ") SELECT paused_at IS NOT NULL OR moved_at IS NOT NULL, verdict_changes, log_head.number, log_head.hash, notice
                   FROM service LEFT JOIN log_head ON log_head.id = 1 LEFT JOIN asked
                   ON NOT EXISTS (SELECT 1 FROM notices WHERE notices.id = notice AND lease = claim AND state = 'claimed'
                                  AND (handed_over_at IS NOT NULL) = is_handed_over)
                   WHERE service.id = 1",
            );
        })?;
        let (is_paused, verdict_changes, number, hash, _) = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let state = DeliveryState { is_paused: *is_paused, verdict_changes: *verdict_changes };
        self.log_head = number.0.zip(hash.0.clone()).map(|(number, hash)| LogHead { number, hash });
        Ok((state, rows.into_iter().filter_map(|(.., id)| id).collect()))
    }

    /// Records that mails are about to be handed over: from here on their fate is uncertain until the reply (M6), and the
    /// mails are kept, so that they can be shown whatever happens (M7).
    ///
    /// # Errors
    /// If one of them is no longer this deliverer's ([`Tx::delivery_state_for`]) or was handed over before, then or at the commit.
    pub async fn record_hand_overs(
        &mut self,
        mails: &[(&ClaimedNotice, HandedOver<'_>)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if mails.is_empty() {
            return Ok(());
        }
        write_built!(self, mails.len(), "WITH handed (notice, claim, title) AS (", |builder| {
            builder.push_values(mails, |mut row, (claimed, mail)| {
                row.push_bind(&claimed.id).push_bind(claimed.lease).push_bind(mail.subject);
            });
            builder.push(") UPDATE notices SET handed_over_at = ").push_bind(now);
            builder.push(
                ", subject = title FROM handed
               WHERE id = notice AND lease = claim AND state = 'claimed' AND handed_over_at IS NULL",
            );
        })?;
        let begins =
            "INSERT INTO attempts (notice, number, at, outcome, reply, sha256, mail, handed_over_at, size_bytes) ";
        write_built!(self, mails.len(), begins, |builder| {
            builder.push_values(mails, |mut row, (claimed, mail)| {
                row.push_bind(&claimed.id)
                    .push_bind(i64::from(claimed.attempts) + 1)
                    .push_bind(now)
                    .push("'claimed', 'handed over; no reply was recorded'")
                    .push_bind(mail.sha256)
                    .push_bind(mail.mail)
                    .push_bind(now)
                    .push_bind(i64::try_from(mail.mail.len()).unwrap_or(i64::MAX));
            });
        })?;
        let entries: Vec<_> = mails
            .iter()
            .map(|(claimed, mail)| (now, "fristd", "handed over", hand_over_facts(claimed, mail)))
            .collect();
        self.append_log_entries(&entries).await
    }

    /// Records how attempts ended (M6, M7). A late reply, of one that lost its lease, changes nothing and is logged.
    ///
    /// # Errors
    /// If one of them that is not among the lost ([`Tx::delivery_state_for`]) is no longer this deliverer's, then or at the commit.
    pub async fn record_replies(
        &mut self,
        replies: &[(&ClaimedNotice, Delivery<'_>)],
        lost: &HashSet<String>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (late, kept): (Vec<_>, Vec<_>) = replies.iter().partition(|(claimed, _)| lost.contains(&claimed.id));
        if !kept.is_empty() {
            self.end_deliveries(&kept, now).await?;
            self.end_attempts(&kept, now).await?;
        }
        let digests = self.digests_of(&kept).await?;
        let mut entries = Vec::new();
        for (claimed, delivery) in &kept {
            let sha256 = digests.get(&claimed.id).map_or(delivery.sha256, String::as_str);
            // relays repeat the address in their words: these stay in the table, from which they can be removed
            let facts = serde_json::json!({
                "notice": claimed.id, "attempt": claimed.attempts + 1, "handed_over": delivery.was_handed_over,
                "code": reply_code(delivery.reply), "sha256": sha256,
            });
            entries.push((now, "fristd", delivery.leaves().0.as_str(), facts));
        }
        entries.extend(late.iter().map(|(claimed, delivery)| {
            let facts = serde_json::json!({
                "notice": claimed.id, "lease": claimed.lease, "code": reply_code(delivery.reply),
            });
            (now, "fristd", "late reply", facts)
        }));
        self.append_log_entries(&entries).await?;
        for (claimed, delivery) in &kept {
            if delivery.outcome == Outcome::Rejected
                && self.flag(&claimed.notice.mailbox, delivery.reply, &claimed.id, now).await?
            {
                self.touch_verdicts().await?;
            }
            if let Some(alert) = &delivery.alert {
                self.raise_alert(alert, now).await?;
            }
        }
        if !kept.is_empty() {
            self.touch_by_delivery().await?;
        }
        Ok(())
    }

    /// Brings notices into the states in which their attempts leave them.
    async fn end_deliveries(
        &mut self,
        replies: &[&(&ClaimedNotice, Delivery<'_>)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let begins = "WITH replied (notice, claim, became, try_at, words, title, accepted_now, in_doubt) AS (";
        write_built!(self, replies.len(), begins, |builder| {
            builder.push_values(replies, |mut row, (claimed, delivery)| {
                let (state, next_at) = delivery.leaves();
                row.push_bind(&claimed.id)
                    .push_bind(claimed.lease)
                    .push_bind(state.as_str())
                    .push_bind(next_at)
                    .push_bind(delivery.reply)
                    .push_bind(delivery.subject)
                    .push_bind((state == State::Accepted).then_some(now))
                    .push_bind(i64::from(state == State::Uncertain));
            });
            builder.push(
                ") UPDATE notices SET state = became, next_at = try_at, reply = words,
                   subject = CASE WHEN title = '' THEN subject ELSE title END, attempts = attempts + 1,
                   uncertain = uncertain + in_doubt, lease_until = NULL, accepted_at = COALESCE(accepted_now, accepted_at),
                   returned_at = CASE WHEN became = 'accepted' THEN NULL ELSE returned_at END, changed_at = ",
            );
            builder.push_bind(now);
            builder.push(" FROM replied WHERE id = notice AND lease = claim AND state = 'claimed'");
        })?;
        Ok(())
    }

    /// Adds how attempts ended: to those that stand there since the hand-over, else as attempts of their own.
    async fn end_attempts(
        &mut self,
        replies: &[&(&ClaimedNotice, Delivery<'_>)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (handed_over, refused): (Vec<_>, Vec<_>) =
            replies.iter().copied().partition(|(_, delivery)| delivery.was_handed_over);
        if !handed_over.is_empty() {
            let begins = "WITH ended (attempt_of, attempt, became, words) AS (";
            write_built!(self, handed_over.len(), begins, |builder| {
                builder.push_values(&handed_over, |mut row, (claimed, delivery)| {
                    row.push_bind(&claimed.id)
                        .push_bind(i64::from(claimed.attempts) + 1)
                        .push_bind(delivery.leaves().0.as_str())
                        .push_bind(delivery.reply);
                });
                builder.push(") UPDATE attempts SET at = ").push_bind(now);
                builder.push(
                    ", outcome = became, reply = words
                      FROM ended WHERE notice = attempt_of AND number = attempt AND outcome = 'claimed'",
                );
            })?;
        }
        if !refused.is_empty() {
            let begins = "INSERT INTO attempts (notice, number, at, outcome, reply, sha256) ";
            write_built!(self, refused.len(), begins, |builder| {
                builder.push_values(&refused, |mut row, (claimed, delivery)| {
                    row.push_bind(&claimed.id)
                        .push_bind(i64::from(claimed.attempts) + 1)
                        .push_bind(now)
                        .push_bind(delivery.leaves().0.as_str())
                        .push_bind(delivery.reply)
                        .push_bind(delivery.sha256);
                });
            })?;
        }
        Ok(())
    }

    /// The SHA-256 of mails that were handed over by one that died, of which nobody else knows it.
    async fn digests_of(
        &mut self,
        replies: &[&(&ClaimedNotice, Delivery<'_>)],
    ) -> Result<HashMap<String, String>, StoreError> {
        let mut unknown =
            replies.iter().filter(|(_, delivery)| delivery.was_handed_over && delivery.sha256.is_empty()).peekable();
        if unknown.peek().is_none() {
            return Ok(HashMap::new());
        }
        let rows: Vec<(String, String)> = fetch_built!(self, "WITH asked (attempt_of, attempt) AS (", |builder| {
            builder.push_values(unknown, |mut row, (claimed, _)| {
                row.push_bind(&claimed.id).push_bind(i64::from(claimed.attempts) + 1);
            });
            builder.push(") SELECT notice, sha256 FROM attempts, asked WHERE notice = attempt_of AND number = attempt");
        })?;
        Ok(rows.into_iter().collect())
    }
}

fn hand_over_facts(claimed: &ClaimedNotice, mail: &HandedOver<'_>) -> Value {
    let notice = &claimed.notice;
    serde_json::json!({
        "notice": claimed.id, "attempt": claimed.attempts + 1, "month": notice.month.to_string(),
        "duty": notice.duty.as_deref(), "step": notice.step, "revision": notice.revision,
        "authorities": notice.authorities.iter().map(|id| &**id).collect::<Vec<_>>(),
        "office": notice.office.as_deref(), "sha256": mail.sha256, "bytes": mail.mail.len(),
    })
}

fn authorities_column(authorities: &[AuthorityId]) -> Json<Vec<String>> {
    Json(authorities.iter().map(|id| id.to_string()).collect())
}
