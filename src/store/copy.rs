//! Moves a whole store to another database, of either engine, and compares each row. Never leaves half a copy behind.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row as _};

use super::copy_tables::{Kind, TABLES, Table};
use super::engine::{Engine, EngineTransaction, execute, execute_built, fetch_one, on_engine};
use super::{Database, Durability, Replica, Store, StoreError, Tx};

const PAGE_ROWS: usize = 500; // mails of a few KB each: some megabytes
// who signs before each round and has not for so long is gone, or in a long round, whose next mail will not go
const SILENT_AFTER: TimeDelta = TimeDelta::minutes(3);

/// Why a store could not be copied; the target is as it was before.
#[derive(thiserror::Error, Debug)]
pub enum CopyError {
    /// There is a store already.
    #[error("the target has a store already ({0} rows in table {1}); name a database that is empty")]
    NotEmpty(u64, &'static str),
    /// A service works by the source.
    #[error(
        "`fristd run` is at work on the source (replica {0}); stop it first, so that nothing is lost between the two"
    )]
    AtWork(String),
    /// A row arrived as another one, or not at all.
    #[error("table {table}, row {row}: the copy differs from what was read; nothing was kept of it")]
    Differs {
        /// The table.
        table: &'static str,
        /// Its key.
        row: String,
    },
    /// One of the stores failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for CopyError {
    fn from(cause: sqlx::Error) -> Self {
        Self::Store(cause.into())
    }
}

/// A column's value, of whatever engine.
#[derive(Clone, PartialEq, Debug)]
enum Cell {
    Text(Option<String>),
    Number(Option<i64>),
    Instant(Option<DateTime<Utc>>),
    Date(Option<NaiveDate>),
    Switch(Option<bool>),
    Json(Option<Value>),
    Bytes(Option<Vec<u8>>),
}

type Cells = Vec<Cell>;

/// Pushes a cell into a list of values.
macro_rules! push {
    ($values:expr, $cell:expr) => {
        match $cell.clone() {
            Cell::Text(value) => $values.push_bind(value),
            Cell::Number(value) => $values.push_bind(value),
            Cell::Instant(value) => $values.push_bind(value),
            Cell::Date(value) => $values.push_bind(value),
            Cell::Switch(value) => $values.push_bind(value),
            Cell::Json(value) => $values.push_bind(value.map(Json)),
            Cell::Bytes(value) => $values.push_bind(value),
        }
    };
}

/// A row's cells, or the error.
macro_rules! cells {
    ($row:expr, $table:expr) => {
        $table
            .columns
            .iter()
            .enumerate()
            .map(|(index, (_, kind))| {
                Ok(match kind {
                    Kind::Text => Cell::Text($row.try_get(index)?),
                    Kind::Number => Cell::Number($row.try_get(index)?),
                    Kind::Instant => Cell::Instant($row.try_get(index)?),
                    Kind::Date => Cell::Date($row.try_get(index)?),
                    Kind::Switch => Cell::Switch($row.try_get(index)?),
                    Kind::Json => Cell::Json($row.try_get::<Option<Json<Value>>, _>(index)?.map(|Json(value)| value)),
                    Kind::Bytes => Cell::Bytes($row.try_get(index)?),
                })
            })
            .collect()
    };
}

impl Store {
    /// Moves everything to an empty store, which `name` names, and compares it row by row. From then on nothing works by this one,
    /// also no service that is at work now. `progress` gets the table and how many of its rows were copied. Returns
    /// the rows of each table.
    ///
    /// # Errors
    /// If a service works by the source, the target is not empty, a row differs, or one of the stores fails.
    pub async fn copy_whole_to(
        &self,
        target: &Store,
        name: &str,
        actor: &str,
        now: DateTime<Utc>,
        mut progress: impl FnMut(&'static str, u64),
    ) -> Result<Vec<(&'static str, u64)>, CopyError> {
        let server_time = self.server_time().await?.unwrap_or(now);
        let mut from = self.write().await?; // nobody writes meanwhile
        from.may_idle().await?; // while the other database makes everything durable
        let is_at_work = |replica: &Replica| {
            replica.stopped_at.is_none() && (server_time - replica.last_seen()).abs() < SILENT_AFTER
        };
        let replicas = match self.engine {
            Engine::Sqlite { .. } => Vec::new(), // the lock beside the file says more
            Engine::Postgres(_) => from.replicas().await?,
        };
        if let Some(replica) = replicas.into_iter().find(is_at_work) {
            return Err(CopyError::AtWork(replica.name));
        }
        let mut to = target.write().await?;
        to.may_idle().await?;
        to.empty().await?;
        let mut copied = Vec::new();
        for table in &TABLES {
            let mut count = 0;
            let mut last: Option<Cells> = None;
            loop {
                let rows = from.page(table, last.as_deref()).await?;
                let Some(row) = rows.last() else { break };
                last = Some(row[..table.keys].to_vec());
                to.insert(table, &rows).await?;
                to.compare(table, &rows).await?;
                count += rows.len() as u64;
                progress(table.name, count);
            }
            if to.rows_of(table).await? != count {
                return Err(CopyError::Differs { table: table.name, row: "count of rows".to_owned() });
            }
            copied.push((table.name, count));
        }
        let rows: u64 = copied.iter().map(|(_, rows)| rows).sum();
        to.append_log(now, actor, "store copied", &serde_json::json!({ "rows": rows })).await?;
        to.commit().await?;
        // the target is durable: only now the source is put aside
        from.touch().await?;
        execute!(
            from,
            sqlx::query("UPDATE service SET moved_at = $1, moved_to = $2 WHERE id = 1").bind(now).bind(name)
        )?;
        from.append_log(now, actor, "store moved", &serde_json::json!({ "rows": rows })).await?;
        from.commit().await?;
        Ok(copied)
    }

    /// Lets services work again by a store that was moved away, because what it was moved to is lost. It counts as a copy of that
    /// instant then: what may have been sent since is held (N9). Returns whether it had been moved.
    ///
    /// # Errors
    /// If the store cannot be opened or written.
    pub async fn reopen(database: impl Into<Database>, actor: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let store = Self::open_even_if_moved(database.into(), Durability::Full, now).await?;
        let mut tx = store.write().await?;
        let reopened = execute!(
            tx,
            sqlx::query(
                "UPDATE service SET copied_at = COALESCE(copied_at, moved_at), moved_at = NULL, moved_to = NULL
                 WHERE id = 1 AND moved_at IS NOT NULL"
            )
        )?;
        if reopened == 1 {
            tx.touch().await?;
            tx.append_log(now, actor, "store reopened", &serde_json::json!({})).await?;
        }
        tx.commit().await?;
        store.close().await;
        Ok(reopened == 1)
    }
}

impl Tx {
    /// Takes away what opening a new store has put there; refuses one that holds anything else.
    async fn empty(&mut self) -> Result<(), CopyError> {
        for table in TABLES.iter().filter(|table| !table.is_made_with_the_store) {
            let rows = self.rows_of(table).await?;
            // the entry that a store was made
            if rows > u64::from(table.name == "log") {
                return Err(CopyError::NotEmpty(rows, table.name));
            }
        }
        for table in TABLES.iter().rev() {
            execute!(self, sqlx::query(AssertSqlSafe(format!("DELETE FROM {}", table.name))))?;
        }
        Ok(())
    }

    /// Lets a server's transaction wait for as long as the other database takes to make everything durable.
    async fn may_idle(&mut self) -> Result<(), CopyError> {
        if let EngineTransaction::Postgres(_) = self.tx {
            execute!(self, sqlx::query("SET LOCAL idle_in_transaction_session_timeout = 0"))?;
        }
        Ok(())
    }

    async fn rows_of(&mut self, table: &Table) -> Result<u64, CopyError> {
        let statement = format!("SELECT COUNT(*) FROM {}", table.name);
        let (count,): (i64,) = fetch_one!(self, sqlx::query_as(AssertSqlSafe(statement.clone())))?;
        Ok(count.max(0) as u64)
    }

    /// The rows after a key, in the order of the keys.
    async fn page(&mut self, table: &Table, after: Option<&[Cell]>) -> Result<Vec<Cells>, CopyError> {
        let (keys, columns) = (table.key_names(), table.names());
        let rows: Result<Vec<Cells>, sqlx::Error> = on_engine!(self, |connection| {
            let mut builder = sqlx::QueryBuilder::new(format!("SELECT {columns} FROM {}", table.name));
            if let Some(after) = after {
                builder.push(format!(" WHERE ({keys}) > ("));
                let mut list = builder.separated(", ");
                for cell in after {
                    push!(list, cell);
                }
                builder.push(")");
            }
            builder.push(format!(" ORDER BY {keys} LIMIT {PAGE_ROWS}"));
            let rows = builder.build().fetch_all(connection).await?;
            rows.iter().map(|row| cells!(row, table)).collect()
        });
        Ok(rows?)
    }

    async fn insert(&mut self, table: &Table, rows: &[Cells]) -> Result<(), CopyError> {
        let begins = format!("INSERT INTO {} ({}) ", table.name, table.names());
        execute_built!(self, begins.clone(), |builder| {
            builder.push_values(rows, |mut values, row| {
                for cell in row {
                    push!(values, cell);
                }
            });
        })?;
        Ok(())
    }

    /// Reads rows back by their keys.
    async fn compare(&mut self, table: &Table, rows: &[Cells]) -> Result<(), CopyError> {
        let begins = format!("SELECT {} FROM {} WHERE ({}) IN (", table.names(), table.name, table.key_names());
        let found: Result<Vec<Cells>, sqlx::Error> = on_engine!(self, |connection| {
            let mut builder = sqlx::QueryBuilder::new(begins.clone());
            builder.push_values(rows, |mut values, row| {
                for cell in &row[..table.keys] {
                    push!(values, cell);
                }
            });
            builder.push(")");
            let rows = builder.build().fetch_all(connection).await?;
            rows.iter().map(|row| cells!(row, table)).collect()
        });
        let name = |row: &Cells| format!("{:?}", &row[..table.keys]);
        let mut found: HashMap<String, Cells> = found?.into_iter().map(|row| (name(&row), row)).collect();
        match rows.iter().find(|row| found.remove(&name(row)).as_ref() != Some(*row)) {
            None => Ok(()),
            Some(row) => Err(CopyError::Differs { table: table.name, row: name(row) }),
        }
    }
}
