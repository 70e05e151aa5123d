//! Keeps two services from working under one name: on one SQLite file at all, on PostgreSQL as the same replica.
//! Never decides who has which notice.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::timeout;

use super::engine::{CONNECT_TIMEOUT, postgres_options};
use super::{Database, StoreError};

const TRIES: u32 = 10; // a server notices within a second that a process is gone that it has just lost
const TRY_AGAIN: Duration = Duration::from_millis(300);

/// Holds a name for one `fristd run`, for as long as it lives.
#[derive(Debug)]
pub struct RunLock {
    database: Database,
    replica: String,
    held: Held,
}

#[derive(Debug)]
enum Held {
    File {
        _file: File,
    },
    /// The server frees it when this connection ends.
    Server(Option<PgConnection>),
}

impl RunLock {
    /// Takes the lock beside the database file, or the replica's name on the server.
    ///
    /// # Errors
    /// If another process holds it, the lock file cannot be written, or the server cannot be reached.
    pub async fn take(database: impl Into<Database>, replica: &str) -> Result<Self, StoreError> {
        let database = database.into();
        let held = match &database {
            Database::File(path) => Held::File { _file: lock_file(path, &database)? },
            Database::Server { .. } => Held::Server(Some(lock_name_in_time(&database, replica).await?)),
        };
        Ok(Self { database, replica: replica.to_owned(), held })
    }

    /// Makes sure that it is still held: a server that was restarted has forgotten it, and it is taken anew.
    ///
    /// # Errors
    /// If the server cannot be reached, or another process has taken the name meanwhile. Nothing may be done then.
    pub async fn renew(&mut self) -> Result<(), StoreError> {
        let Held::Server(connection) = &mut self.held else { return Ok(()) };
        // a server that is gone without a word would be waited for until the kernel gives up
        if let Some(held) = connection
            && let Ok(Ok(())) = timeout(CONNECT_TIMEOUT, held.ping()).await
        {
            return Ok(());
        }
        *connection = None;
        *connection = Some(lock_name_in_time(&self.database, &self.replica).await?);
        Ok(())
    }
}

fn lock_file(path: &Path, database: &Database) -> Result<File, StoreError> {
    let lock = lock_path(&real_path(path));
    if let Some(folder) = lock.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|cause| StoreError::folder(folder, cause))?;
    }
    let file = File::options().create(true).truncate(false).write(true).open(&lock);
    let file = file.map_err(|cause| StoreError::folder(&lock, cause))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::AlreadyRunning { database: database.clone() }),
        Err(TryLockError::Error(cause)) => Err(StoreError::folder(&lock, cause)),
    }
}

/// Without links: two names of one file must not be two locks. A hard link is not found out.
fn real_path(path: &Path) -> PathBuf {
    let by_folder = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(by_folder).unwrap_or_else(|| path.to_owned())
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    database.with_file_name(name)
}

async fn lock_name_in_time(database: &Database, replica: &str) -> Result<PgConnection, StoreError> {
    let locked = timeout(CONNECT_TIMEOUT, lock_name(database, replica)).await;
    locked.unwrap_or_else(|_| Err(StoreError::open(database, io::Error::from(io::ErrorKind::TimedOut).into())))
}

/// A connection of its own that holds the name.
async fn lock_name(database: &Database, replica: &str) -> Result<PgConnection, StoreError> {
    let failed = |cause| StoreError::open(database, cause);
    let mut connection = postgres_options(database)?.connect().await.map_err(failed)?;
    for attempt in 1..=TRIES {
        let (is_held,): (bool,) = sqlx::query_as(
            "SELECT pg_try_advisory_lock(hashtextextended('fristd run ' || current_schema() || ' ' || $1, 0))",
        )
        .bind(replica)
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
        if is_held {
            return Ok(connection);
        }
        if attempt < TRIES {
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }
    Err(StoreError::NameTaken { database: database.clone(), replica: replica.to_owned() })
}
