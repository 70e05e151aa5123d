//! What can go wrong with the store, with place and remedy. Never hides a cause.

use std::io;
use std::path::{Path, PathBuf};

use sqlx::error::DatabaseError;

use super::Database;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A folder or file cannot be used.
    #[error("{path}: cannot be used: {cause}; give fristd a folder that it may write (`data` in fristd.toml)")]
    Folder {
        /// Which one.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The database cannot be opened.
    #[error(
        "{database}: cannot be opened: {}; {}", words(.cause), remedy(.database)
    )]
    Open {
        /// Which one.
        database: Database,
        /// Why.
        cause: sqlx::Error,
    },
    /// The database was made by a newer fristd.
    #[error("{database}: was made by a newer fristd (it has migration {version}); install that version, or a backup")]
    Newer {
        /// Which one.
        database: Database,
        /// The migration that this version does not know.
        version: i64,
    },
    /// The database was made by an older fristd, and is only to be looked at.
    #[error("{database}: was made by an older fristd; `fristd run` of this version brings it up to date")]
    Older {
        /// Which one.
        database: Database,
    },
    /// A migration that ran is not the one of this version.
    #[error("{database}: migration {version} differs from this fristd's; was it made by a build of your own?")]
    Changed {
        /// Which one.
        database: Database,
        /// The migration.
        version: i64,
    },
    /// The tables could not be brought up to date.
    #[error("{database}: its tables cannot be brought up to date: {cause}")]
    Migration {
        /// Which one.
        database: Database,
        /// Why.
        cause: Box<sqlx::migrate::MigrateError>,
    },
    /// The row that keeps the log's last number is not what it must be, so that no entry can be chained to it.
    #[error(
        "the log's head (table log_head) {what}: the database was changed by other means than fristd; nothing was written; \
         `fristd audit verify` says what is wrong, docs/audit.md what to do"
    )]
    LogHead {
        /// In what way.
        what: &'static str,
    },
    /// Another daemon runs on the same file.
    #[error("{database}: another `fristd run` is at work on it; stop that one, or give this one its own `data` folder")]
    AlreadyRunning {
        /// Which one.
        database: Database,
    },
    /// Another daemon runs under the same name.
    #[error(
        "{database}: another `fristd run` is at work under the name {replica:?}; stop that one, or give each a name of its own \
         (`replica` in fristd.toml, FRISTD__REPLICA)"
    )]
    NameTaken {
        /// The database.
        database: Database,
        /// The name.
        replica: String,
    },
    /// This machine's clock is not the server's.
    #[error(
        "this machine's clock is {} s {} that of the database server; nothing is planned or sent by it: set the clocks right \
         (at most {seconds_max} s apart: `limits.clock_seconds_max`)",
        .ahead.num_seconds().abs(), if *.ahead > chrono::TimeDelta::zero() { "ahead of" } else { "behind" }
    )]
    WrongClock {
        /// How far it is ahead.
        ahead: chrono::TimeDelta,
        /// How far it may be.
        seconds_max: u32,
    },
    /// A value that fristd did not write.
    #[error(
        "table {table}, row {row}: column {column} holds {value:?}, which is no {wanted}; restore it from a backup"
    )]
    Corrupt {
        /// The table.
        table: &'static str,
        /// Its key.
        row: String,
        /// The column.
        column: &'static str,
        /// What it holds.
        value: String,
        /// What it should hold.
        wanted: &'static str,
    },
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {cause}; is /dev/urandom there?")]
    Random {
        /// Why.
        cause: String,
    },
    /// Nothing of that name.
    #[error("{what}: there is none; {remedy}")]
    NotFound {
        /// What was asked for.
        what: String,
        /// How to find what there is.
        remedy: &'static str,
    },
    /// Everything in it was moved to another database.
    #[error(
        "everything in this database was moved to {to} on {}; let `database` in fristd.toml name that one; only if it is lost: \
         `fristd store reopen DATABASE`, after which a person releases what may have been sent since",
        .at.format("%Y-%m-%d %H:%M UTC")
    )]
    Moved {
        /// When.
        at: chrono::DateTime<chrono::Utc>,
        /// To which database.
        to: String,
    },
    /// Any other failure of the database, a full disk among them.
    #[error("the database refused: {}; is the disk full, the database locked, or another user's?", words(.0))]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(cause: sqlx::Error) -> Self {
        // SQLite names the column, PostgreSQL the constraint
        let is_of_log = |error: &dyn DatabaseError| {
            error.message().contains("log.number") || error.constraint() == Some("log_pkey")
        };
        match cause.as_database_error() {
            Some(error) if error.is_unique_violation() && is_of_log(error) => {
                Self::LogHead { what: "is behind the log" }
            }
            _ => Self::Database(cause),
        }
    }
}

impl StoreError {
    pub(super) fn folder(path: &Path, cause: io::Error) -> Self {
        Self::Folder { path: path.to_owned(), cause }
    }

    pub(super) fn open(database: &Database, cause: sqlx::Error) -> Self {
        Self::Open { database: database.clone(), cause }
    }
}

/// A server's own words, without the line of its sources that the library adds.
fn words(cause: &sqlx::Error) -> String {
    match cause.as_database_error() {
        Some(error) => error.message().to_owned(),
        None => cause.to_string(),
    }
}

fn remedy(database: &Database) -> &'static str {
    match database {
        Database::File(_) => "is it a SQLite file of fristd that this user may write, and has the disk room?",
        Database::Server { .. } => {
            "does the server run, may this user use the database, is a password needed, and the certificate trusted?"
        }
    }
}
