//! Flagged mailboxes and what the ZRK must look at. Never tells anybody; a notice does.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::domain::{Alert, Mailbox};

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
        let rows: Vec<(String,)> = sqlx::query_as("SELECT mailbox FROM flags").fetch_all(&mut *self.tx).await?;
        rows.into_iter().map(|(mailbox,)| Place { table: "flags", row: &mailbox }.mailbox(&mailbox)).collect()
    }

    /// The flagged mailboxes in full, in order of time.
    pub async fn flags(&mut self) -> Result<Vec<Flag>, StoreError> {
        let rows: Vec<(String, DateTime<Utc>, String, String)> =
            sqlx::query_as("SELECT mailbox, flagged_at, reply, notice FROM flags ORDER BY flagged_at, mailbox")
                .fetch_all(&mut *self.tx)
                .await?;
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
        let added = sqlx::query(
            "INSERT INTO flags (mailbox, flagged_at, reply, notice) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(mailbox.as_str())
        .bind(now)
        .bind(reply)
        .bind(notice)
        .execute(&mut *self.tx)
        .await?
        .rows_affected();
        if added == 1 {
            let facts = serde_json::json!({ "mailbox": mailbox.as_str(), "reply": reply, "notice": notice });
            self.append_log(now, "fristd", "mailbox flagged", &facts).await?;
        }
        Ok(added == 1)
    }

    /// Takes the flag from a mailbox, which then gets what is live (M6). Says whether it had one.
    pub async fn unflag(&mut self, mailbox: &Mailbox, actor: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let removed = sqlx::query("DELETE FROM flags WHERE mailbox = $1")
            .bind(mailbox.as_str())
            .execute(&mut *self.tx)
            .await?
            .rows_affected();
        if removed == 1 {
            let facts = serde_json::json!({ "mailbox": mailbox.as_str() });
            self.append_log(now, actor, "mailbox unflagged", &facts).await?;
            self.append_clearance(mailbox, actor, now).await?;
            self.touch().await?;
        }
        Ok(removed == 1)
    }

    /// Raises an alert, once a key. Says whether it was new.
    pub async fn raise_alert(&mut self, alert: &Alert, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let added = sqlx::query(
            "INSERT INTO alerts (key, raised_at, headline, detail) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(&alert.key)
        .bind(now)
        .bind(&alert.headline)
        .bind(&alert.detail)
        .execute(&mut *self.tx)
        .await?
        .rows_affected();
        if added == 1 {
            let facts = serde_json::json!({ "key": alert.key, "headline": alert.headline });
            self.append_log(now, "fristd", "alert", &facts).await?;
            self.touch().await?;
        }
        Ok(added == 1)
    }

    /// Whether an alert of that key was raised before.
    pub async fn has_alert(&mut self, key: &str) -> Result<bool, StoreError> {
        let row: Option<(i64,)> =
            sqlx::query_as("SELECT 1 FROM alerts WHERE key = $1").bind(key).fetch_optional(&mut *self.tx).await?;
        Ok(row.is_some())
    }

    /// Takes alerts whose notices were all withdrawn before they were sent, other than by a person, as not told.
    pub async fn tell_withdrawn_alerts_again(&mut self) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE alerts SET told_in = NULL WHERE told_in IS NOT NULL AND NOT EXISTS (
                 SELECT 1 FROM notices WHERE notices.duty = '' AND notices.step = alerts.told_in
                   AND (notices.state <> 'withdrawn' OR notices.reason LIKE 'discarded by %'))",
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
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
    pub async fn mark_alerts_told(&mut self, alerts: &[Alert], step: &str) -> Result<(), StoreError> {
        for alert in alerts {
            sqlx::query("UPDATE alerts SET told_in = $1 WHERE key = $2")
                .bind(step)
                .bind(&alert.key)
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(())
    }

    async fn alerts(&mut self, statement: &'static str, step: &str) -> Result<Vec<Alert>, StoreError> {
        let rows: Vec<(String, String, String)> = sqlx::query_as(statement).bind(step).fetch_all(&mut *self.tx).await?;
        Ok(rows.into_iter().map(|(key, headline, detail)| Alert { key, headline, detail }).collect())
    }
}
