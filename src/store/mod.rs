//! Keeps what fristd knows; holds the only SQL. Never decides what is due.

mod arrangements;
mod attention;
mod audit;
mod audit_tables;
mod backup;
mod batches;
mod bounces;
mod chain;
mod claims;
mod copy;
mod copy_tables;
mod cycles;
mod deliveries;
mod engine;
mod entry;
mod error;
mod file_writer;
mod lists;
mod log;
mod notices;
mod outbox;
mod pace;
mod queued_lately;
mod readable;
mod receipts;
mod replicas;
mod retention;
mod roster;
mod rows;
mod run_lock;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::migrate::{MigrateError, Migrator};

use crate::fault::{self, Point};
use engine::{Engine, EngineTransaction, Unsent, fetch_all, fetch_one};

pub use attention::Flag;
pub use audit::Audit;
pub use audit_tables::{TableFault, TableFaultKind, TableReport};
pub use backup::BackupError;
pub use bounces::{Bounce, BounceEffect, NewBounce, ReturnedNotice};
pub use chain::{ChainChecker, ChainFault, ChainFaultKind, ChainReport, Head};
pub use claims::{ClaimedNotice, StaleClaims};
pub use copy::CopyError;
pub use cycles::ServiceState;
pub use deliveries::{Delivery, DeliveryState, HandedOver};
pub use engine::{Database, Durability};
pub use entry::{LogEntry, LogHead};
pub use error::StoreError;
pub use lists::ReadList;
pub use log::LogRow;
pub use notices::notice_id;
pub use outbox::{Attempt, OutboxFilter, OutboxNotice};
pub use replicas::Replica;
pub use retention::{ForgetError, Removal};
pub use roster::TakenRoster;
pub use run_lock::RunLock;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// What fristd knows: many can read it at the same time, and one can write.
#[derive(Clone, Debug)]
pub struct Store {
    engine: Engine,
    /// Under which name it claims; none where no other process can be at work.
    replica: Option<Arc<str>>,
}

impl Store {
    /// Opens a database and brings its tables up to date. A SQLite file that is missing is created.
    ///
    /// # Errors
    /// If the folder or file cannot be written, the server cannot be reached, it is no database, was made by a newer fristd, or was
    /// moved to another database.
    pub async fn open(
        database: impl Into<Database>,
        durability: Durability,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let store = Self::open_even_if_moved(database.into(), durability, now).await?;
        let is_here = store.read().await?.service().await?.is_here(); // the transaction ends here, before the connections
        match is_here {
            Ok(()) => Ok(store),
            Err(moved) => {
                store.close().await;
                Err(moved)
            }
        }
    }

    async fn open_even_if_moved(
        database: Database,
        durability: Durability,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let engine = Engine::open(&database, durability).await?;
        let migrated = match &engine {
            Engine::Sqlite { writer, .. } => {
                let mut lent = writer.lend().await.map_err(|cause| StoreError::open(&database, cause))?;
                let migrated = MIGRATIONS.run(&mut *lent).await;
                lent.give_back();
                migrated
            }
            Engine::Postgres(pool) => MIGRATIONS.run(pool).await, // under a lock, so that replicas can start together
        };
        migrated.map_err(|cause| migration_error(&database, cause))?;
        let store = Self { engine, replica: None };
        let mut tx = store.write().await?;
        tx.create_service_row(now).await?;
        tx.create_return_key(now).await?;
        tx.commit().await?;
        Ok(store)
    }

    /// Opens a database that is there, only to look: nothing is made, brought up to date or written.
    ///
    /// # Errors
    /// If it is no database of fristd, or was made by an older or newer one.
    pub async fn open_to_look(database: impl Into<Database>) -> Result<Self, StoreError> {
        let database = database.into();
        let store = Self { engine: Engine::open_to_look(&database).await?, replica: None };
        let versions = store.read().await?.migrations().await.map_err(|cause| StoreError::open(&database, cause))?;
        if let Some(version) = versions.iter().find(|version| !MIGRATIONS.version_exists(**version)) {
            return Err(StoreError::Newer { database, version: *version });
        }
        if !MIGRATIONS.iter().all(|migration| versions.contains(&migration.version)) {
            return Err(StoreError::Older { database });
        }
        Ok(store)
    }

    /// Whether there is a store: the file, or the tables on the server.
    ///
    /// # Errors
    /// If the server cannot be asked.
    pub async fn exists(database: impl Into<Database>) -> Result<bool, StoreError> {
        let database = database.into();
        if let Database::File(path) = &database {
            return Ok(path.exists());
        }
        let store = Self { engine: Engine::open_to_look(&database).await?, replica: None };
        let found = store.read().await?.has_tables().await;
        store.close().await;
        found
    }

    /// Whether it is a file of this machine, and not on a server.
    pub fn is_in_file(&self) -> bool {
        matches!(self.engine, Engine::Sqlite { .. })
    }

    /// The same store, on which this replica claims under its name.
    pub fn working_as(self, replica: &str) -> Self {
        Self { replica: Some(replica.into()), ..self }
    }

    /// Begins a transaction that writes. It waits for others to end and cannot fail halfway for their sake.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        fault::pass_or_fail(Point::Beginning).await.map_err(sqlx::Error::from)?;
        Ok(self.transaction(self.engine.write().await?))
    }

    /// Begins a transaction that reads one state of things.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        Ok(self.transaction(self.engine.read().await?))
    }

    fn transaction(&self, tx: EngineTransaction) -> Tx {
        Tx { tx, unsent: Unsent::default(), log_head: None, replica: self.replica.clone() }
    }

    /// Ends all connections.
    pub async fn close(&self) {
        self.engine.close().await;
    }
}

/// A transaction. Dropped without [`Tx::commit`], it changes nothing.
#[derive(Debug)]
pub struct Tx {
    tx: EngineTransaction,
    unsent: Unsent,
    /// The log's last entry, once this transaction has asked.
    log_head: Option<LogHead>,
    replica: Option<Arc<str>>,
}

impl Tx {
    /// Makes the changes durable.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        self.send_unsent().await?;
        fault::pass_or_fail(Point::Committing).await.map_err(sqlx::Error::from)?;
        self.tx.commit().await?;
        fault::pass_or_fail(Point::Committed).await.map_err(sqlx::Error::from)?;
        Ok(())
    }

    async fn send_unsent(&mut self) -> Result<(), sqlx::Error> {
        self.unsent.send(&mut self.tx).await
    }

    async fn migrations(&mut self) -> Result<Vec<i64>, sqlx::Error> {
        let rows: Vec<(i64,)> = fetch_all!(self, sqlx::query_as("SELECT version FROM _sqlx_migrations WHERE success"))?;
        Ok(rows.into_iter().map(|(version,)| version).collect())
    }

    /// On a server.
    async fn has_tables(&mut self) -> Result<bool, StoreError> {
        let (has,): (bool,) = fetch_one!(self, sqlx::query_as("SELECT to_regclass('_sqlx_migrations') IS NOT NULL"))?;
        Ok(has)
    }
}

fn migration_error(database: &Database, cause: MigrateError) -> StoreError {
    match cause {
        MigrateError::VersionMissing(version) => StoreError::Newer { database: database.clone(), version },
        MigrateError::VersionMismatch(version) => StoreError::Changed { database: database.clone(), version },
        MigrateError::Execute(cause) => StoreError::open(database, cause),
        other => StoreError::Migration { database: database.clone(), cause: Box::new(other) },
    }
}
