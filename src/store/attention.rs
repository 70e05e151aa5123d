//! Flagged mailboxes and what the ZRK must look at. Never tells anybody; a notice does.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use crate::domain::delivery::reply_code;
use crate::domain::{Alert, Mailbox};

use super::engine::{execute, fetch_all, fetch_optional};
use super::rows::Place;
use super::{StoreError, Tx};

/// A mailbox to which mail is rejected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flag {
    /// Which one.
    pub mailbox: Mailbox,
    /// Since when.
    pub flagged_at: DateTime<Utc>,
    /// The mail system's words.
    pub reply: String,
    /// The notice that was refused.
    pub notice: String,
}

impl Tx {
    /// The mailboxes to which mail is rejected.
    pub async fn flagged_mailboxes(&mut self) -> Result<HashSet<Mailbox>, StoreError> {
        let rows: Vec<(String,)> = fetch_all!(self, sqlx::query_as("SELECT mailbox FROM flags"))?;
        rows.into_iter().map(|(mailbox,)| Place { table: "flags", row: &mailbox }.mailbox(&mailbox)).collect()
    }

    /// The flagged mailboxes in full, in order of time.
    pub async fn flags(&mut self) -> Result<Vec<Flag>, StoreError> {
        let rows: Vec<(String, DateTime<Utc>, String, String)> = fetch_all!(
            self,
            sqlx::query_as("SELECT mailbox, flagged_at, reply, notice FROM flags ORDER BY flagged_at, mailbox")
        )?;
        let flag = |(mailbox, flagged_at, reply, notice): (String, DateTime<Utc>, String, String)| {
            let mailbox = Place { table: "flags", row: &mailbox }.mailbox(&mailbox)?;
            Ok(Flag { mailbox, flagged_at, reply, notice })
        };
        rows.into_iter().map(flag).collect()
    }

    /// Flags a mailbox, once. Says whether it was not flagged before.
    pub(super) async fn flag(
        &mut self,
        mailbox: &Mailbox,
        reply: &str,
        notice: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let added =
            execute!(self, sqlx::query(
            "INSERT INTO flags (mailbox, flagged_at, reply, notice) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(mailbox.as_str())
        .bind(now)
        .bind(reply)
        .bind(notice))?;
        if added == 1 {
            let whose = self.whose(notice).await?;
            let facts = serde_json::json!({ "notice": notice, "whose": whose, "code": reply_code(reply) });
            self.append_log(now, "fristd", "mailbox flagged", &facts).await?;
        }
        Ok(added == 1)
    }

    /// Takes the flag from a mailbox, which then gets what is live (M6). Says whether it had one.
    pub async fn unflag(&mut self, mailbox: &Mailbox, actor: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let removed: Option<(String,)> = fetch_optional!(
            self,
            sqlx::query_as("DELETE FROM flags WHERE mailbox = $1 RETURNING notice").bind(mailbox.as_str())
        )?;
        if let Some((notice,)) = &removed {
            let facts = serde_json::json!({ "notice": notice, "whose": self.whose(notice).await? });
            self.append_log(now, actor, "mailbox unflagged", &facts).await?;
            self.append_clearance(mailbox, actor, now).await?;
            self.touch().await?;
        }
        Ok(removed.is_some())
    }

    /// The ids of those whose mailbox a notice went to: how the log names a mailbox.
    async fn whose(&mut self, notice: &str) -> Result<Vec<String>, StoreError> {
        let row: Option<(Option<String>, Json<Vec<String>>)> = fetch_optional!(
            self,
            sqlx::query_as("SELECT office, authorities FROM notices WHERE id = $1").bind(notice)
        )?;
        Ok(row.map_or_else(Vec::new, |(office, Json(authorities))| match office {
            Some(office) => vec![office],
            None => authorities,
        }))
    }

    /// Raises an alert, once a key. Says whether it was new.
    pub async fn raise_alert(&mut self, alert: &Alert, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let added =
            execute!(self, sqlx::query(
            "INSERT INTO alerts (key, raised_at, headline, detail) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(&alert.key)
        .bind(now)
        .bind(&alert.headline)
        .bind(&alert.detail))?;
        if added == 1 {
            // its words are those of a mail and may name a mailbox: the key says what it is about
            let facts = serde_json::json!({ "key": alert.key });
            self.append_log(now, "fristd", "alert", &facts).await?;
            self.touch().await?;
        }
        Ok(added == 1)
    }

    /// Whether an alert of that key was raised before.
    pub async fn has_alert(&mut self, key: &str) -> Result<bool, StoreError> {
        let row: Option<(i64,)> =
            fetch_optional!(self, sqlx::query_as("SELECT CAST(1 AS BIGINT) FROM alerts WHERE key = $1").bind(key))?;
        Ok(row.is_some())
    }

    /// Takes alerts as not told whose notices were all withdrawn before they were sent, other than by a person, or rejected by
    /// mailboxes that are flagged since: whom the ZRK names instead must hear of them.
    pub async fn tell_withdrawn_alerts_again(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let rows: Vec<(String,)> = fetch_all!(
            self,
            sqlx::query_as(
                "UPDATE alerts SET told_in = NULL WHERE told_in IS NOT NULL AND NOT EXISTS (
                 SELECT 1 FROM notices WHERE notices.duty = '' AND notices.step = alerts.told_in
                   AND (notices.state <> 'withdrawn' OR notices.reason LIKE 'discarded by %')
                   AND (notices.state <> 'rejected' OR notices.mailbox NOT IN (SELECT mailbox FROM flags)))
             RETURNING key",
            )
        )?;
        if rows.is_empty() {
            return Ok(());
        }
        let keys: Vec<String> = rows.into_iter().map(|(key,)| key).collect();
        self.append_log(now, "fristd", "alerts to be told again", &serde_json::json!({ "keys": keys })).await
    }

    /// Alerts that no notice has told yet, oldest first.
    pub async fn untold_alerts(&mut self) -> Result<Vec<Alert>, StoreError> {
        self.alerts(
            "SELECT key, headline, detail FROM alerts WHERE told_in IS NULL AND $1 = '' ORDER BY raised_at, key",
            "",
        )
        .await
    }

    /// The alerts that a notice's step tells.
    pub async fn alerts_told_in(&mut self, step: &str) -> Result<Vec<Alert>, StoreError> {
        self.alerts("SELECT key, headline, detail FROM alerts WHERE told_in = $1 ORDER BY raised_at, key", step).await
    }

    /// Binds alerts to the step that tells them.
    pub async fn mark_alerts_told(
        &mut self,
        alerts: &[Alert],
        step: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for alert in alerts {
            execute!(self, sqlx::query("UPDATE alerts SET told_in = $1 WHERE key = $2").bind(step).bind(&alert.key))?;
        }
        let keys: Vec<&str> = alerts.iter().map(|alert| alert.key.as_str()).collect();
        self.append_log(now, "fristd", "alerts told", &serde_json::json!({ "step": step, "keys": keys })).await
    }

    async fn alerts(&mut self, statement: &'static str, step: &str) -> Result<Vec<Alert>, StoreError> {
        let rows: Vec<(String, String, String)> = fetch_all!(self, sqlx::query_as(statement).bind(step))?;
        Ok(rows.into_iter().map(|(key, headline, detail)| Alert { key, headline, detail }).collect())
    }
}
