//! The chained log of what happened (M7). Never changes an entry, and never keeps an address in one.

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::Value;

use super::engine::{fetch_all, fetch_optional, write_built};
use super::entry::{LogEntry, LogHead};
use super::readable::Readable;
use super::{StoreError, Tx};

const INSERT_ROWS_MAX: usize = 1000; // times 7 bound values a row stays below SQLite's 32,766 bound values
const MICROSECOND_DIGITS: u16 = 6; // what is hashed, and what PostgreSQL keeps
const MASK: &str = "[address]";

type Row = (
    Readable<i64>,
    Readable<DateTime<Utc>>,
    Readable<String>,
    Readable<String>,
    Readable<String>,
    Readable<String>,
    Readable<String>,
);

/// A row of the log as it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogRow {
    /// An entry.
    Entry(LogEntry),
    /// A column holds what no entry can; with the number if that can be read.
    Unreadable(Option<i64>),
}

impl Tx {
    /// Appends an entry, chained to the one before. Addresses in its facts are masked.
    pub async fn append_log(
        &mut self,
        at: DateTime<Utc>,
        actor: &str,
        event: &str,
        facts: &Value,
    ) -> Result<(), StoreError> {
        self.append_log_entries(&[(at, actor, event, facts.clone())]).await
    }

    /// Appends entries of instant, actor, event and facts, each chained to the one before. Addresses in facts are masked, because
    /// what stands in the log can never be removed again (M8).
    pub async fn append_log_entries(
        &mut self,
        entries: &[(DateTime<Utc>, &str, &str, Value)],
    ) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let known = match self.log_head.take() {
            Some(head) => Some(head),
            None => self.log_head().await?,
        };
        let LogHead { number: mut last_number, hash: mut previous } =
            known.ok_or(StoreError::LogHead { what: "is gone" })?;
        for rows in entries.chunks(INSERT_ROWS_MAX) {
            let begins = "INSERT INTO log (number, at, actor, event, facts, previous, hash) ";
            write_built!(self, rows.len(), begins, |builder| {
                builder.push_values(rows, |mut row, (at, actor, event, facts)| {
                    let mut entry = LogEntry {
                        number: last_number + 1,
                        at: at.trunc_subsecs(MICROSECOND_DIGITS),
                        actor: (*actor).to_owned(),
                        event: (*event).to_owned(),
                        facts: without_addresses(facts.clone()).to_string(),
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
            })?;
        }
        write_built!(self, 1, "UPDATE log_head SET number = ", |builder| {
            builder.push_bind(last_number).push(", hash = ").push_bind(previous.clone()).push(" WHERE id = 1");
        })?;
        self.log_head = Some(LogHead { number: last_number, hash: previous });
        Ok(())
    }

    /// The last entry's number and hash as they are kept beside the log; none if the row is gone or cannot be read.
    pub async fn log_head(&mut self) -> Result<Option<LogHead>, StoreError> {
        let row: Option<(Readable<i64>, Readable<String>)> =
            fetch_optional!(self, sqlx::query_as("SELECT number, hash FROM log_head WHERE id = 1"))?;
        Ok(row.and_then(|(number, hash)| Some(LogHead { number: number.0?, hash: hash.0? })))
    }

    /// The first entry's hash, by which one store is told from another; none as long as nothing was logged.
    pub async fn first_log_hash(&mut self) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> = fetch_optional!(self, sqlx::query_as("SELECT hash FROM log WHERE number = 1"))?;
        Ok(row.map(|(hash,)| hash))
    }

    /// The rows after a number in order, at most `count_max`. Without a number from the very beginning.
    pub async fn log_page(&mut self, after: Option<i64>, count_max: usize) -> Result<Vec<LogRow>, StoreError> {
        // what is no entry is read as well, because it has to be named
        let rows: Vec<Row> = fetch_all!(self, sqlx::query_as("SELECT number, at, actor, event, facts, previous, hash FROM log WHERE number > $1 ORDER BY number LIMIT $2",
        )
        .bind(after.unwrap_or(i64::MIN))
        .bind(i64::try_from(count_max).unwrap_or(i64::MAX)))?;
        Ok(rows.into_iter().map(log_row).collect())
    }

    /// All entries in order.
    pub async fn log(&mut self) -> Result<Vec<LogEntry>, StoreError> {
        let rows = self.log_page(None, usize::MAX).await?;
        Ok(rows.into_iter().filter_map(|row| if let LogRow::Entry(entry) = row { Some(entry) } else { None }).collect())
    }
}

fn log_row((number, at, actor, event, facts, previous, hash): Row) -> LogRow {
    let number = number.0;
    let read = || -> Option<LogEntry> {
        let (previous, hash) = (previous.0?, hash.0?);
        Some(LogEntry { number: number?, at: at.0?, actor: actor.0?, event: event.0?, facts: facts.0?, previous, hash })
    };
    read().map_or(LogRow::Unreadable(number), LogRow::Entry)
}

/// Facts in which each word that holds an `@` is masked: a last line, because no caller puts an address there on purpose.
pub(super) fn without_addresses(facts: Value) -> Value {
    match facts {
        Value::String(text) if text.contains('@') => Value::String(mask(&text)),
        Value::Array(values) => Value::Array(values.into_iter().map(without_addresses).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (mask(&name), without_addresses(value))).collect())
        }
        other => other,
    }
}

/// A text in which each word that holds an `@` is masked.
pub(super) fn mask(text: &str) -> String {
    if !text.contains('@') {
        return text.to_owned();
    }
    let ends_word = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | '"' | '„' | '“');
    text.split_inclusive(ends_word)
        .map(|word| {
            let mark = word.chars().next_back().filter(|c| ends_word(*c));
            let is_address = word.contains('@');
            if is_address {
                mark.into_iter().fold(MASK.to_owned(), |said, mark| said + &mark.to_string())
            } else {
                word.to_owned()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_address_is_left_in_facts_however_it_is_written() {
        for (label, facts, want) in [
            ("alone", json!("a@x.example"), json!("[address]")),
            (
                "in words",
                json!("bitte an a.b@x.example, nicht an c@y"),
                json!("bitte an [address], nicht an [address]"),
            ),
            ("in angles", json!("550 <a@x.example>: no"), json!("550 <[address]>: no")),
            ("in a list", json!({ "to": ["a@x", 1, null] }), json!({ "to": ["[address]", 1, null] })),
            ("as a name", json!({ "a@x": true }), json!({ "[address]": true })),
            ("none", json!({ "reason": "am Telefon" }), json!({ "reason": "am Telefon" })),
        ] {
            let masked = without_addresses(facts);
            assert_eq!(masked, want, "{label}");
            assert!(!masked.to_string().contains('@'), "{label}");
        }
    }
}
