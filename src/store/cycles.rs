//! The service's own state, import signals, revisions and recorded steps. Never computes a deadline.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

use crate::domain::ladder::DateFacts;
use crate::domain::plan::StepRecord;
use crate::domain::{Deadline, DutyId, ImportSignal, Month, Revision};

use super::engine::{execute, fetch_all, fetch_one, fetch_optional, write_built};
use super::rows::Place;
use super::{StoreError, Tx};

/// Dates by month and duty where a deadline was told, and by month where an import was signalled.
pub type DatesSince = (HashMap<(Month, DutyId), DateFacts>, HashMap<Month, DateFacts>);

/// How sending stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceState {
    /// When this store was made.
    pub created_at: DateTime<Utc>,
    /// The first cycle of this store (N11).
    pub first_cycle: Option<Month>,
    /// Since when, and by whom, all sending is paused (N8).
    pub paused: Option<(DateTime<Utc>, String)>,
    /// Rises with every change that planning must look at.
    pub changes: i64,
    /// When this copy was made, if it is one that no service has worked by.
    pub copied_at: Option<DateTime<Utc>>,
    /// When this store was last restored from a copy.
    pub restored_at: Option<DateTime<Utc>>,
    /// When, and to which database, everything in this store was moved: no service works by it since.
    pub moved: Option<(DateTime<Utc>, String)>,
    /// What stands behind the @ of every Message-ID: the domain of the first sender (M3). None before a relay was used.
    pub message_domain: Option<String>,
}

impl ServiceState {
    /// Whether services may work by this store.
    ///
    /// # Errors
    /// If everything was moved to another one.
    pub fn is_here(&self) -> Result<(), StoreError> {
        match self.moved.clone() {
            None => Ok(()),
            Some((at, to)) => Err(StoreError::Moved { at, to }),
        }
    }
}

impl Tx {
    pub(super) async fn create_service_row(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let added = execute!(
            self,
            sqlx::query("INSERT INTO service (id, created_at, changes) VALUES (1, $1, 0) ON CONFLICT DO NOTHING")
                .bind(now)
        )?;
        if added == 1 {
            let facts = serde_json::json!({ "version": env!("CARGO_PKG_VERSION") });
            self.append_log(now, "fristd", "store made", &facts).await?;
        }
        Ok(())
    }

    /// The service's own state.
    pub async fn service(&mut self) -> Result<ServiceState, StoreError> {
        type Instant = Option<DateTime<Utc>>;
        type Text = Option<String>;
        type Row = (DateTime<Utc>, Text, Instant, Text, i64, Instant, Instant, Instant, Text, Text);
        let row: Row = fetch_one!(
            self,
            sqlx::query_as(
                "SELECT created_at, first_cycle, paused_at, paused_by, changes, copied_at, restored_at, moved_at, moved_to,
                        message_domain
                 FROM service WHERE id = 1",
            )
        )?;
        let (
            created_at,
            first_cycle,
            paused_at,
            paused_by,
            changes,
            copied_at,
            restored_at,
            moved_at,
            moved_to,
            message_domain,
        ) = row;
        let place = Place { table: "service", row: "1" };
        Ok(ServiceState {
            created_at,
            first_cycle: first_cycle.map(|month| place.month(&month)).transpose()?,
            paused: paused_at.map(|at| (at, paused_by.unwrap_or_default())),
            changes,
            copied_at,
            restored_at,
            moved: moved_at.map(|at| (at, moved_to.unwrap_or_default())),
            message_domain,
        })
    }

    /// Sets the first cycle, once (N11).
    pub async fn set_first_cycle(&mut self, month: Month, now: DateTime<Utc>) -> Result<(), StoreError> {
        let set = execute!(
            self,
            sqlx::query("UPDATE service SET first_cycle = $1 WHERE id = 1 AND first_cycle IS NULL")
                .bind(month.to_string())
        )?;
        if set == 1 {
            self.append_log(now, "fristd", "first cycle", &serde_json::json!({ "month": month.to_string() })).await?;
        }
        Ok(())
    }

    /// Sets what stands behind the @ of every Message-ID, once (M3).
    pub async fn set_message_domain(&mut self, domain: &str) -> Result<(), StoreError> {
        execute!(
            self,
            sqlx::query("UPDATE service SET message_domain = $1 WHERE id = 1 AND message_domain IS NULL").bind(domain)
        )?;
        Ok(())
    }

    /// From which cycle on each duty is followed (N11).
    pub async fn duty_starts(&mut self) -> Result<HashMap<DutyId, Month>, StoreError> {
        let rows: Vec<(String, String)> =
            fetch_all!(self, sqlx::query_as("SELECT duty, first_cycle FROM duty_starts"))?;
        let read = |(duty, month): (String, String)| {
            let month = Place { table: "duty_starts", row: &duty }.month(&month)?;
            Ok((duty.into(), month))
        };
        rows.into_iter().map(read).collect()
    }

    /// Sets from which cycle on a duty is followed, once.
    pub async fn set_duty_start(&mut self, duty: &str, month: Month, now: DateTime<Utc>) -> Result<(), StoreError> {
        let added = execute!(
            self,
            sqlx::query("INSERT INTO duty_starts (duty, first_cycle) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(duty)
                .bind(month.to_string())
        )?;
        if added == 1 {
            let facts = serde_json::json!({ "duty": duty, "month": month.to_string() });
            self.append_log(now, "fristd", "duty followed", &facts).await?;
        }
        Ok(())
    }

    /// Pauses all sending, or lets it go on (N8). Says whether that changed anything.
    pub async fn set_paused(&mut self, paused: bool, actor: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let changed = execute!(
            self,
            sqlx::query("UPDATE service SET paused_at = $1, paused_by = $2 WHERE id = 1 AND (paused_at IS NULL) = $3")
                .bind(paused.then_some(now))
                .bind(paused.then_some(actor))
                .bind(paused)
        )?;
        if changed == 1 {
            let event = if paused { "paused" } else { "resumed" };
            self.append_log(now, actor, event, &serde_json::json!({})).await?;
            self.touch().await?;
        }
        Ok(changed == 1)
    }

    /// Tells planning, and every deliverer that has claimed something, that something has changed.
    ///
    /// # Errors
    /// If everything was moved to another database meanwhile: whoever opened this one before must not believe that he was heard.
    pub(super) async fn touch(&mut self) -> Result<(), StoreError> {
        let touched = execute!(
            self,
            sqlx::query(
                "UPDATE service SET changes = changes + 1, verdict_changes = verdict_changes + 1
                 WHERE id = 1 AND moved_at IS NULL"
            )
        )?;
        if touched == 0 { self.service().await?.is_here() } else { Ok(()) }
    }

    /// Tells planning that a delivery has ended; no verdict hangs on that.
    pub(super) async fn touch_by_delivery(&mut self) -> Result<(), StoreError> {
        write_built!(self, 1, "UPDATE service SET changes = changes + 1 WHERE id = 1", |_builder| {})?;
        Ok(())
    }

    /// Tells deliverers of what planning knows already.
    pub(super) async fn touch_verdicts(&mut self) -> Result<(), StoreError> {
        execute!(self, sqlx::query("UPDATE service SET verdict_changes = verdict_changes + 1 WHERE id = 1"))?;
        Ok(())
    }

    /// Records that data were imported (F1).
    pub async fn record_import(&mut self, signal: &ImportSignal) -> Result<(), StoreError> {
        let (number,): (i64,) = fetch_one!(
            self,
            sqlx::query_as(
                "INSERT INTO import_signals (number, month, import_on, received_at, actor)
             VALUES ((SELECT COALESCE(MAX(number), 0) + 1 FROM import_signals), $1, $2, $3, $4) RETURNING number",
            )
            .bind(signal.month.to_string())
            .bind(signal.import_on)
            .bind(signal.received_at)
            .bind(&signal.actor)
        )?;
        let facts =
            serde_json::json!({ "signal": number, "month": signal.month.to_string(), "import": signal.import_on });
        self.append_log(signal.received_at, &signal.actor, "imported", &facts).await?;
        self.touch().await
    }

    /// What the dates of all cycles since a month hang on: by month and duty where a deadline was told, else by month.
    pub async fn dates_since(&mut self, since: Month) -> Result<DatesSince, StoreError> {
        type SignalRow = (String, NaiveDate, DateTime<Utc>, String);
        type RevisionRow = (String, String, i64, NaiveDate, NaiveDate, NaiveDate, Option<String>, DateTime<Utc>);
        let signals: Vec<SignalRow> = fetch_all!(
            self,
            sqlx::query_as(
                "SELECT month, import_on, received_at, actor FROM import_signals WHERE month >= $1 ORDER BY number",
            )
            .bind(since.to_string())
        )?;
        let revisions: Vec<RevisionRow> = fetch_all!(
            self,
            sqlx::query_as(
                "SELECT month, duty, number, import_on, stated_on, ends_on, reason, frozen_at FROM revisions
             WHERE month >= $1 ORDER BY month, duty, number",
            )
            .bind(since.to_string())
        )?;
        let mut by_month: HashMap<Month, DateFacts> = HashMap::new();
        for (month, import_on, received_at, actor) in signals {
            let month = Place { table: "import_signals", row: &month }.month(&month)?;
            let signal = Some(ImportSignal { month, import_on, received_at, actor });
            by_month.insert(month, DateFacts { signal, revisions: Vec::new() });
        }
        let mut by_duty: HashMap<(Month, DutyId), DateFacts> = HashMap::new();
        for (month, duty, number, import_on, stated_on, ends_on, reason, frozen_at) in revisions {
            let place = Place { table: "revisions", row: &duty };
            let (month, number) = (place.month(&month)?, place.number("number", number)?);
            let signal = by_month.get(&month).and_then(|facts| facts.signal.clone());
            let known = by_duty.entry((month, duty.into())).or_insert(DateFacts { signal, revisions: Vec::new() });
            let deadline = Deadline { import_on, stated_on, ends_on };
            known.revisions.push(Revision { number, deadline, reason, frozen_at });
        }
        Ok((by_duty, by_month))
    }

    /// What a duty's dates in a month hang on.
    pub async fn date_facts(&mut self, month: Month, duty: &str) -> Result<DateFacts, StoreError> {
        Ok(DateFacts { signal: self.import_signal(month).await?, revisions: self.revisions(month, duty).await? })
    }

    /// The newest import signal of a month.
    pub async fn import_signal(&mut self, month: Month) -> Result<Option<ImportSignal>, StoreError> {
        let row: Option<(NaiveDate, DateTime<Utc>, String)> = fetch_optional!(self, sqlx::query_as(
            "SELECT import_on, received_at, actor FROM import_signals WHERE month = $1 ORDER BY number DESC LIMIT 1",
        )
        .bind(month.to_string()))?;
        Ok(row.map(|(import_on, received_at, actor)| ImportSignal { month, import_on, received_at, actor }))
    }

    /// The deadlines that were told, oldest first.
    pub async fn revisions(&mut self, month: Month, duty: &str) -> Result<Vec<Revision>, StoreError> {
        type Row = (i64, NaiveDate, NaiveDate, NaiveDate, Option<String>, DateTime<Utc>);
        let rows: Vec<Row> = fetch_all!(
            self,
            sqlx::query_as(
                "SELECT number, import_on, stated_on, ends_on, reason, frozen_at FROM revisions
             WHERE month = $1 AND duty = $2 ORDER BY number",
            )
            .bind(month.to_string())
            .bind(duty)
        )?;
        let row_name = format!("{month} {duty}");
        let place = Place { table: "revisions", row: &row_name };
        rows.into_iter()
            .map(|(number, import_on, stated_on, ends_on, reason, frozen_at)| {
                let deadline = Deadline { import_on, stated_on, ends_on };
                Ok(Revision { number: place.number("number", number)?, deadline, reason, frozen_at })
            })
            .collect()
    }

    /// Freezes a deadline (F5). A revision that is there already stays as it is.
    pub async fn freeze(&mut self, month: Month, duty: &str, revision: &Revision) -> Result<(), StoreError> {
        let Deadline { import_on, stated_on, ends_on } = revision.deadline;
        let added = execute!(
            self,
            sqlx::query(
                "INSERT INTO revisions (month, duty, number, import_on, stated_on, ends_on, reason, frozen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            )
            .bind(month.to_string())
            .bind(duty)
            .bind(i64::from(revision.number))
            .bind(import_on)
            .bind(stated_on)
            .bind(ends_on)
            .bind(&revision.reason)
            .bind(revision.frozen_at)
        )?;
        if added == 1 {
            let event = if revision.number == 1 { "deadline frozen" } else { "deadline corrected" };
            let facts = revision_facts(&month.to_string(), duty, revision);
            self.append_log(revision.frozen_at, "fristd", event, &facts).await?;
            self.touch().await?; // planning too: steps are due at other times now
        }
        Ok(())
    }

    /// Which steps were planned or skipped, with their revision.
    pub async fn recorded_steps(&mut self, month: Month, duty: &str) -> Result<HashSet<(String, u32)>, StoreError> {
        let rows: Vec<(String, i64)> = fetch_all!(
            self,
            sqlx::query_as("SELECT step, revision FROM steps WHERE month = $1 AND duty = $2")
                .bind(month.to_string())
                .bind(duty)
        )?;
        let place = Place { table: "steps", row: duty };
        rows.into_iter().map(|(step, revision)| Ok((step, place.number("revision", revision)?))).collect()
    }

    /// Which steps of all cycles since a month were planned or skipped: month, duty, step, revision.
    pub async fn steps_since(&mut self, since: Month) -> Result<HashSet<(Month, DutyId, String, u32)>, StoreError> {
        let rows: Vec<(String, String, String, i64)> = fetch_all!(
            self,
            sqlx::query_as("SELECT month, duty, step, revision FROM steps WHERE month >= $1").bind(since.to_string())
        )?;
        let read = |(month, duty, step, revision): (String, String, String, i64)| {
            let place = Place { table: "steps", row: &step };
            let (month, revision) = (place.month(&month)?, place.number("revision", revision)?);
            Ok((month, duty.into(), step, revision))
        };
        rows.into_iter().map(read).collect()
    }

    /// The steps of a duty's cycle that were skipped, in order of time.
    pub async fn skipped_steps(&mut self, month: Month, duty: &DutyId) -> Result<Vec<StepRecord>, StoreError> {
        type Row = (String, i64, String, DateTime<Utc>, Option<String>);
        let rows: Vec<Row> = fetch_all!(
            self,
            sqlx::query_as(
                "SELECT step, revision, kind, due_at, skipped FROM steps
             WHERE month = $1 AND duty = $2 AND skipped IS NOT NULL ORDER BY due_at, step",
            )
            .bind(month.to_string())
            .bind(&**duty)
        )?;
        let read = |(step, revision, kind, due_at, skipped): Row| {
            let place = Place { table: "steps", row: &step };
            let (kind, revision) = (place.kind(&kind)?, place.number("revision", revision)?);
            Ok(StepRecord { month, duty: duty.clone(), step, kind, revision, due_at, skipped })
        };
        rows.into_iter().map(read).collect()
    }

    /// Records that a step was planned or skipped. Says whether that was new.
    pub async fn record_step(&mut self, record: &StepRecord, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let added = execute!(
            self,
            sqlx::query(
                "INSERT INTO steps (month, duty, step, revision, kind, due_at, skipped, recorded_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            )
            .bind(record.month.to_string())
            .bind(&*record.duty)
            .bind(&record.step)
            .bind(i64::from(record.revision))
            .bind(record.kind.as_str())
            .bind(record.due_at)
            .bind(&record.skipped)
            .bind(now)
        )?;
        if added == 1 {
            let facts = serde_json::json!({
                "month": record.month.to_string(), "duty": &*record.duty, "step": record.step,
                "revision": record.revision, "due_at": record.due_at, "reason": record.skipped,
            });
            let event = if record.skipped.is_some() { "step skipped" } else { "step planned" };
            self.append_log(now, "fristd", event, &facts).await?;
        }
        Ok(added == 1)
    }
}

/// What the log says of a frozen deadline; by it a row is compared with its entry again.
pub(super) fn revision_facts(month: &str, duty: &str, revision: &Revision) -> Value {
    let Deadline { import_on, stated_on, ends_on } = revision.deadline;
    serde_json::json!({
        "month": month, "duty": duty, "revision": revision.number, "import": import_on, "stated_on": stated_on,
        "ends_on": ends_on, "reason": revision.reason,
    })
}
