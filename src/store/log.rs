//! The chained log of what happened (M7). Never changes an entry.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{QueryBuilder, Sqlite};

use super::{StoreError, Tx};

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place, from 1.
    pub number: i64,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// Who did it: `fristd`, or a person's name.
    pub actor: String,
    /// What happened.
    pub event: String,
    /// The facts, as JSON text.
    pub facts: String,
    /// The hash of the entry before; 64 zeros for the first.
    pub previous: String,
    /// The SHA-256, in hexadecimal, of this entry and the hash before.
    pub hash: String,
}

const INSERT_ROWS_MAX: usize = 1000; // times 7 bound values a row stays below SQLite's 32,766 bound values
const FIRST_PREVIOUS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl LogEntry {
    /// What the hash must be: SHA-256 over previous, number, time, actor, event and facts, a line feed after each.
    pub fn expected_hash(&self) -> String {
        let mut hasher = Sha256::new();
        let at = self.at.to_rfc3339_opts(SecondsFormat::Micros, true);
        for field in [&self.previous, &self.number.to_string(), &at, &self.actor, &self.event, &self.facts] {
            hasher.update(field.as_bytes());
            hasher.update(b"\n");
        }
        hex(&hasher.finalize())
    }
}

impl Tx {
    /// Appends an entry, chained to the one before.
    pub async fn append_log(
        &mut self,
        at: DateTime<Utc>,
        actor: &str,
        event: &str,
        facts: &Value,
    ) -> Result<(), StoreError> {
        self.append_log_entries(&[(at, actor, event, facts.clone())]).await
    }

    /// Appends entries of instant, actor, event and facts, each chained to the one before.
    pub async fn append_log_entries(
        &mut self,
        entries: &[(DateTime<Utc>, &str, &str, Value)],
    ) -> Result<(), StoreError> {
        let last: Option<(i64, String)> = sqlx::query_as("SELECT number, hash FROM log ORDER BY number DESC LIMIT 1")
            .fetch_optional(&mut *self.tx)
            .await?;
        let (mut last_number, mut previous) = last.unwrap_or_else(|| (0, FIRST_PREVIOUS.to_owned()));
        for rows in entries.chunks(INSERT_ROWS_MAX) {
            let mut builder =
                QueryBuilder::<Sqlite>::new("INSERT INTO log (number, at, actor, event, facts, previous, hash) ");
            builder.push_values(rows, |mut row, (at, actor, event, facts)| {
                let mut entry = LogEntry {
                    number: last_number + 1,
                    at: *at,
                    actor: (*actor).to_owned(),
                    event: (*event).to_owned(),
                    facts: facts.to_string(),
                    previous: std::mem::take(&mut previous),
                    hash: String::new(),
                };
                entry.hash = entry.expected_hash();
                (last_number, previous) = (entry.number, entry.hash.clone());
                row.push_bind(entry.number)
                    .push_bind(entry.at)
                    .push_bind(entry.actor)
                    .push_bind(entry.event)
                    .push_bind(entry.facts)
                    .push_bind(entry.previous)
                    .push_bind(entry.hash);
            });
            builder.build().execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    /// All entries in order.
    pub async fn log(&mut self) -> Result<Vec<LogEntry>, StoreError> {
        type Row = (i64, DateTime<Utc>, String, String, String, String, String);
        let rows: Vec<Row> =
            sqlx::query_as("SELECT number, at, actor, event, facts, previous, hash FROM log ORDER BY number")
                .fetch_all(&mut *self.tx)
                .await?;
        Ok(rows
            .into_iter()
            .map(|(number, at, actor, event, facts, previous, hash)| LogEntry {
                number,
                at,
                actor,
                event,
                facts,
                previous,
                hash,
            })
            .collect())
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
