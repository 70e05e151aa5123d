//! Keeps what fristd knows; holds the only SQL. Never decides what is due.

mod arrangements;
mod attention;
mod audit;
mod audit_tables;
mod backup;
mod bounces;
mod chain;
mod claims;
mod cycles;
mod entry;
mod error;
mod lists;
mod log;
mod notices;
mod outbox;
mod receipts;
mod retention;
mod roster;
mod rows;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Sqlite, SqlitePool, Transaction};

pub use attention::Flag;
pub use audit::Audit;
pub use audit_tables::{TableFault, TableFaultKind, TableReport};
pub use backup::BackupError;
pub use bounces::{Bounce, BounceEffect, NewBounce, ReturnedNotice};
pub use chain::{ChainChecker, ChainFault, ChainFaultKind, ChainReport, Head};
pub use claims::{ClaimedNotice, StaleClaims};
pub use cycles::ServiceState;
pub use entry::{LogEntry, LogHead};
pub use error::StoreError;
pub use lists::ReadList;
pub use log::LogRow;
pub use notices::{Delivery, HandedOver, notice_id};
pub use outbox::{Attempt, OutboxFilter, OutboxNotice};
pub use retention::{ForgetError, Removal};
pub use roster::TakenRoster;

static MIGRATIONS: Migrator = sqlx::migrate!();

const BUSY_TIMEOUT: Duration = Duration::from_secs(10); // a command waits out a whole tick of ten thousand authorities
const READERS_MAX: u32 = 4; // commands and the deliverer read at the same time; more would only wait for the disk

/// What a commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A loss of power.
    Full,
    /// The end of the process; for simulations, which can be played again.
    Scratch,
}

/// A database: one writing connection and a few that only read.
#[derive(Clone, Debug)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Store {
    /// Opens a SQLite file, creates it if it is missing, and brings its tables up to date.
    ///
    /// # Errors
    /// If the folder or file cannot be written, is no database, or was made by a newer fristd.
    pub async fn open(path: &Path, durability: Durability, now: DateTime<Utc>) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|cause| StoreError::folder(folder, cause))?;
        }
        let options = SqliteConnectOptions::from_str("sqlite:")
            .map_err(|cause| StoreError::open(path, cause))?
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(match durability {
                Durability::Full => SqliteSynchronous::Full,
                Durability::Scratch => SqliteSynchronous::Off,
            })
            .foreign_keys(true)
            // what is taken away (M8) is overwritten, not only left to be found in the file
            .pragma("secure_delete", "ON")
            .busy_timeout(BUSY_TIMEOUT);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            // when the disk is full SQLite rolls back by itself, and the library would count that transaction for ever
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            .connect_with(options.clone())
            .await
            .map_err(|cause| StoreError::open(path, cause))?;
        MIGRATIONS.run(&writer).await.map_err(|cause| migration_error(path, cause))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .connect_lazy_with(options.create_if_missing(false).read_only(true));
        let store = Self { writer, readers };
        let mut tx = store.write().await?;
        tx.create_service_row(now).await?;
        tx.create_return_key(now).await?;
        tx.commit().await?;
        Ok(store)
    }

    /// Opens a SQLite file that is there, only to look: nothing is made, brought up to date or written.
    ///
    /// # Errors
    /// If it is no database of fristd, or was made by an older or newer one.
    pub async fn open_to_look(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY_TIMEOUT);
        let connect = SqlitePoolOptions::new().max_connections(READERS_MAX).connect_with(options);
        let readers = connect.await.map_err(|cause| StoreError::open(path, cause))?;
        let versions: Vec<(i64,)> = sqlx::query_as("SELECT version FROM _sqlx_migrations WHERE success")
            .fetch_all(&readers)
            .await
            .map_err(|cause| StoreError::open(path, cause))?;
        let has = |version| versions.iter().any(|(known,)| *known == version);
        if let Some((version,)) = versions.iter().find(|(version,)| !MIGRATIONS.version_exists(*version)) {
            return Err(StoreError::Newer { database: path.to_owned(), version: *version });
        }
        if !MIGRATIONS.iter().all(|migration| has(migration.version)) {
            return Err(StoreError::Older { database: path.to_owned() });
        }
        Ok(Self { writer: readers.clone(), readers })
    }

    /// Begins a transaction that writes. It waits for others to end and cannot fail halfway for their sake.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        let tx = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(StoreError::from)?;
        Ok(Tx { tx })
    }

    /// Begins a transaction that reads one state of things.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        Ok(Tx { tx: self.readers.begin().await.map_err(StoreError::from)? })
    }

    /// Ends all connections.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// A transaction. Dropped without [`Tx::commit`], it changes nothing.
#[derive(Debug)]
pub struct Tx {
    tx: Transaction<'static, Sqlite>,
}

impl Tx {
    /// Makes the changes durable.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.tx.commit().await?)
    }
}

/// Holds a SQLite file for one `fristd run`.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunLock {
    /// Takes the lock beside the database file.
    ///
    /// # Errors
    /// If another process holds it, or the lock file cannot be written.
    pub fn take(database: &Path) -> Result<Self, StoreError> {
        let path = lock_path(database);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|cause| StoreError::folder(folder, cause))?;
        }
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|cause| StoreError::folder(&path, cause))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::AlreadyRunning { database: database.to_owned() }),
            Err(TryLockError::Error(cause)) => Err(StoreError::folder(&path, cause)),
        }
    }
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    database.with_file_name(name)
}

fn migration_error(path: &Path, cause: MigrateError) -> StoreError {
    match cause {
        MigrateError::VersionMissing(version) => StoreError::Newer { database: path.to_owned(), version },
        MigrateError::VersionMismatch(version) => StoreError::Changed { database: path.to_owned(), version },
        MigrateError::Execute(cause) => StoreError::open(path, cause),
        other => StoreError::Migration { database: path.to_owned(), cause: Box::new(other) },
    }
}
