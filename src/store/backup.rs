//! Copies a SQLite database while it is at work, and tells the copy that it is one. Never overwrites a file.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection};

use super::engine::{Engine, execute, private_file};
use super::{Store, StoreError, Tx};

/// Why a backup could not be made; the file is not there then.
#[derive(thiserror::Error, Debug)]
pub enum BackupError {
    /// There is something under that name already.
    #[error("{}: is there already; a backup overwrites nothing, so name another file", .0.display())]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("{}: {cause}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// What was copied does not hold together.
    #[error("the copy is damaged, so that the database may be as well: {0}")]
    Damaged(String),
    /// The database is no file.
    #[error("the database is on a PostgreSQL server: use its own tools (docs/postgresql.md)")]
    NoFile,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Copies everything, as it stands at one instant, to a new file. Others read and write meanwhile. Returns its bytes.
    ///
    /// # Errors
    /// If the file is there already or cannot be written, or if the copy is damaged.
    pub async fn back_up(&self, file: &Path, actor: &str, now: DateTime<Utc>) -> Result<u64, BackupError> {
        if let Engine::Postgres(_) = self.engine {
            return Err(BackupError::NoFile);
        }
        if file.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(file.to_owned()));
        }
        let part = with_ending(file, ".part");
        let failed = |cause| BackupError::File { file: part.clone(), cause };
        // an empty file of our own first: nobody else may read the addresses in it
        private_file(&part).map_err(|cause| match cause.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists(part.clone()),
            _ => failed(cause),
        })?;
        match self.copy_to(&part, now).await {
            Ok(()) => {}
            Err(cause) => {
                // what is left of it is of no use; a full disk leaves the journal as well
                let _ = std::fs::remove_file(&part);
                let _ = std::fs::remove_file(with_ending(&part, "-journal"));
                return Err(cause);
            }
        }
        let bytes = sync(&part).map_err(failed)?;
        if let Err(cause) = give_name(&part, file) {
            let _ = std::fs::remove_file(&part);
            return Err(match cause.kind() {
                io::ErrorKind::AlreadyExists => BackupError::Exists(file.to_owned()),
                _ => BackupError::File { file: file.to_owned(), cause },
            });
        }
        // the copy is there and good, whatever becomes of the entry: on a full disk it is wanted most
        if let Err(cause) = self.log_backup(bytes, actor, now).await {
            tracing::warn!(%cause, "the backup was made, and could not be entered in the log");
        }
        Ok(bytes)
    }

    async fn log_backup(&self, bytes: u64, actor: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        tx.append_log(now, actor, "backup", &serde_json::json!({ "bytes": bytes })).await?;
        tx.commit().await
    }

    async fn copy_to(&self, part: &Path, now: DateTime<Utc>) -> Result<(), BackupError> {
        let path = part.to_str().ok_or_else(|| BackupError::File {
            file: part.to_owned(),
            cause: io::Error::new(io::ErrorKind::InvalidInput, "the name is not UTF-8"),
        })?;
        let Engine::Sqlite { readers, .. } = &self.engine else { return Err(BackupError::NoFile) };
        sqlx::query("VACUUM INTO $1").bind(path).execute(readers).await.map_err(StoreError::from)?;
        // no journal beside it: the backup is one file
        let options = SqliteConnectOptions::new().filename(part).journal_mode(SqliteJournalMode::Delete);
        let mut copy = options.connect().await.map_err(StoreError::from)?;
        let marked = mark(&mut copy, now).await;
        copy.close().await.map_err(StoreError::from)?;
        match marked.map_err(StoreError::from)? {
            found if found == "ok" => Ok(()),
            found => Err(BackupError::Damaged(found)),
        }
    }
}

impl Tx {
    /// Takes a copy that is now worked by as a restoration: nothing that waits in it is sent until a person says so, because it
    /// may have been sent since the copy was made (N9). Returns when that was, if this is a copy.
    pub async fn take_restored(&mut self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let Some(copied_at) = self.service().await?.copied_at else { return Ok(None) };
        execute!(
            self,
            sqlx::query("UPDATE service SET copied_at = NULL, restored_at = $1, changes = changes + 1 WHERE id = 1")
                .bind(now)
        )?;
        let held =
            execute!(self, sqlx::query(
            "UPDATE notices SET state = 'held', reason = $1, next_at = NULL, lease_until = NULL, changed_at = $2
             WHERE state IN ('queued', 'retry') OR (state = 'claimed' AND handed_over_at IS NULL)",
        )
        .bind(crate::domain::restored::REASON)
        .bind(now))?;
        execute!(
            self,
            sqlx::query(
                "UPDATE notices SET next_at = NULL, reason = $1 WHERE state = 'uncertain' AND next_at IS NOT NULL"
            )
            .bind(crate::domain::restored::REASON)
        )?;
        let facts = serde_json::json!({ "copied_at": copied_at, "held": held });
        self.append_log(now, "fristd", "restored", &facts).await?;
        Ok(Some(copied_at))
    }
}

/// Gives a finished copy its name, never another file's, and makes that durable.
fn give_name(part: &Path, file: &Path) -> io::Result<()> {
    let tidied = match std::fs::hard_link(part, file) {
        Ok(()) => std::fs::remove_file(part),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => return Err(cause),
        // a file system without links: an empty file keeps the name until it is replaced
        Err(_) => {
            private_file(file)?;
            std::fs::rename(part, file).inspect_err(|_| drop(std::fs::remove_file(file)))?;
            Ok(())
        }
    };
    // from here on the backup is there
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Err(cause) = tidied.and(File::open(folder)).and_then(|folder| folder.sync_all()) {
        tracing::warn!(%cause, folder = %folder.display(), "the backup was made, and its folder could not be tidied or synced");
    }
    Ok(())
}

/// Writes into a copy when it was made; says what SQLite thinks of its integrity.
async fn mark(copy: &mut SqliteConnection, now: DateTime<Utc>) -> Result<String, sqlx::Error> {
    sqlx::query("UPDATE service SET copied_at = $1 WHERE id = 1").bind(now).execute(&mut *copy).await?;
    let (found,): (String,) = sqlx::query_as("PRAGMA integrity_check(1)").fetch_one(&mut *copy).await?;
    Ok(found)
}

fn sync(path: &Path) -> io::Result<u64> {
    let file = File::open(path)?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}
