//! The two engines behind one store: SQLite in a file, PostgreSQL on a server. Never knows a table.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{
    ConnectOptions as _, Connection as _, PgPool, Postgres, QueryBuilder, Sqlite, SqliteConnection, SqlitePool,
    Transaction,
};

use super::StoreError;
use super::file_writer::{FileWriter, Lent};

const BUSY_TIMEOUT: Duration = Duration::from_secs(10); // a command waits out a whole tick of ten thousand authorities
const WAL_PAGES: &str = "4000"; // 16 MiB: what changes again and again is copied to its place less often
const KEPT_ROWS_MAX: u64 = 100; // what a group of mails writes comes again as the same text; its plan is kept
const READERS_MAX: u32 = 4; // commands and the deliverer read at the same time; more would only wait for the disk
const POSTGRES_CONNECTIONS_MAX: u32 = 6; // readers, the writer, the replica's lock; five replicas stay far below a server's hundred
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10); // a server that restarts is back by then, or the next tick tries again

/// Where a store is kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL database.
    Server {
        /// Its URL, without a password if there is one of its own.
        url: String,
        /// The password that is not in the URL.
        password: Option<String>,
    },
}

impl fmt::Display for Database {
    /// Without password and parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server { url, .. } => {
                let address = url.split(['?', '#']).next().unwrap_or_default();
                let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", address));
                let rest = match rest.rsplit_once('@') {
                    Some((user, place)) => format!("{}@{place}", user.split(':').next().unwrap_or_default()),
                    None => rest.to_owned(),
                };
                write!(f, "{scheme}://{rest}")
            }
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}") // a password has no place in a log
    }
}

impl From<&Path> for Database {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<&PathBuf> for Database {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

impl From<&Database> for Database {
    fn from(database: &Database) -> Self {
        database.clone()
    }
}

/// What a commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A loss of power.
    Full,
    /// The end of the process; for simulations, which can be played again.
    Scratch,
}

/// The connections of a store.
#[derive(Clone, Debug)]
pub(super) enum Engine {
    /// One connection that writes, and a few that only read.
    Sqlite { writer: FileWriter, readers: SqlitePool },
    /// All of one kind.
    Postgres(PgPool),
}

/// A transaction on one of the engines.
#[derive(Debug)]
pub(super) enum EngineTransaction {
    Sqlite(FileTransaction),
    Postgres(Transaction<'static, Postgres>),
}

/// A transaction on a SQLite file.
#[derive(Debug)]
pub(super) enum FileTransaction {
    Reading(Transaction<'static, Sqlite>),
    Writing(Lent),
}

impl Deref for FileTransaction {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Reading(tx) => tx,
            Self::Writing(lent) => lent,
        }
    }
}

impl DerefMut for FileTransaction {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Reading(tx) => tx,
            Self::Writing(lent) => lent,
        }
    }
}

impl Engine {
    /// Connects; the SQLite file is created if it is missing.
    pub(super) async fn open(database: &Database, durability: Durability) -> Result<Self, StoreError> {
        let failed = |cause| StoreError::open(database, cause);
        match database {
            Database::File(path) => {
                if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                    std::fs::create_dir_all(folder).map_err(|cause| StoreError::folder(folder, cause))?;
                }
                // whatever this process's mask: there are addresses and mails in it, and the files beside it are made alike
                if let Err(cause) = private_file(path)
                    && cause.kind() != io::ErrorKind::AlreadyExists
                {
                    return Err(StoreError::folder(path, cause));
                }
                let options = sqlite_options(path)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(match durability {
                        Durability::Full => SqliteSynchronous::Full,
                        Durability::Scratch => SqliteSynchronous::Off,
                    })
                    .foreign_keys(true)
                    // a statement that touches many rows notes how to undo it: in memory, not in a new file each time
                    .pragma("temp_store", "MEMORY")
                    .pragma("wal_autocheckpoint", WAL_PAGES)
                    // what is taken away (M8) is overwritten, not only left to be found in the file
                    .pragma("secure_delete", "ON");
                let writer = FileWriter::open(options.clone()).await.map_err(failed)?;
                let readers = SqlitePoolOptions::new()
                    .max_connections(READERS_MAX)
                    .connect_lazy_with(options.create_if_missing(false).read_only(true));
                Ok(Self::Sqlite { writer, readers })
            }
            Database::Server { .. } => {
                let options = postgres_options(database)?.options([(
                    "synchronous_commit",
                    match durability {
                        Durability::Full => "on", // also where a server's default is less
                        Durability::Scratch => "off",
                    },
                )]);
                Ok(Self::Postgres(postgres_pool(options).await.map_err(failed)?))
            }
        }
    }

    /// Connects only to look.
    pub(super) async fn open_to_look(database: &Database) -> Result<Self, StoreError> {
        let failed = |cause| StoreError::open(database, cause);
        match database {
            Database::File(path) => {
                let options = sqlite_options(path).read_only(true);
                let writer = FileWriter::open(options.clone()).await.map_err(failed)?;
                let readers = SqlitePoolOptions::new().max_connections(READERS_MAX).connect_lazy_with(options);
                Ok(Self::Sqlite { writer, readers })
            }
            Database::Server { .. } => {
                let options = postgres_options(database)?.options([("default_transaction_read_only", "on")]);
                Ok(Self::Postgres(postgres_pool(options).await.map_err(failed)?))
            }
        }
    }

    /// Begins a transaction that writes, alone: others that want to write wait until it ends.
    pub(super) async fn write(&self) -> Result<EngineTransaction, sqlx::Error> {
        Ok(match self {
            Self::Sqlite { writer, .. } => EngineTransaction::Sqlite(FileTransaction::Writing(writer.begin().await?)),
            Self::Postgres(pool) => {
                // whatever the server's default is: under another level a statement would not see what was committed while it waited
                let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
                // each statement after this one sees all that was committed before; one lock a schema
                sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('fristd ' || current_schema(), 0))")
                    .execute(&mut *tx)
                    .await?;
                EngineTransaction::Postgres(tx)
            }
        })
    }

    /// Begins a transaction that reads one state of things.
    pub(super) async fn read(&self) -> Result<EngineTransaction, sqlx::Error> {
        Ok(match self {
            Self::Sqlite { readers, .. } => EngineTransaction::Sqlite(FileTransaction::Reading(readers.begin().await?)),
            Self::Postgres(pool) => {
                EngineTransaction::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        })
    }

    /// Ends all connections.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Statements that a SQLite file has not got yet. The thread that works on the file is woken for each message, which takes longer
/// than most statements: these go in one.
#[derive(Default)]
pub(super) struct Unsent {
    statements: Option<QueryBuilder<Sqlite>>,
    rows: u64,
}

impl Unsent {
    /// A statement after those that are there, which must touch so many rows.
    pub(super) fn begin(&mut self, text: &str, rows: usize) -> &mut QueryBuilder<Sqlite> {
        self.rows += rows as u64;
        match &mut self.statements {
            Some(statements) => statements.push("; ").push(text),
            none => none.insert(QueryBuilder::new(text)),
        }
    }

    /// Runs them all.
    pub(super) async fn send(&mut self, tx: &mut EngineTransaction) -> Result<(), sqlx::Error> {
        let (statements, rows) = (self.statements.take(), std::mem::take(&mut self.rows));
        match (statements, tx) {
            (Some(mut statements), EngineTransaction::Sqlite(tx)) => {
                let all = statements.build().persistent(rows <= KEPT_ROWS_MAX); // the text hangs on how many rows there are
                touched(all.execute(&mut **tx).await?.rows_affected(), rows as usize)
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows", self.rows)
    }
}

/// Whether a statement did what it was to do. That it did not is a fault of fristd, or of who writes beside it.
pub(super) fn touched(rows: u64, expected: usize) -> Result<(), sqlx::Error> {
    if rows == expected as u64 {
        return Ok(());
    }
    Err(sqlx::Error::Protocol(format!(
        "{rows} rows were written and not {expected}; who else writes to this database?"
    )))
}

impl EngineTransaction {
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(FileTransaction::Reading(tx)) => tx.commit().await,
            Self::Sqlite(FileTransaction::Writing(lent)) => lent.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }
}

fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT)
}

/// The options of a server's URL, with bounds on how long anything may wait.
pub(super) fn postgres_options(database: &Database) -> Result<PgConnectOptions, StoreError> {
    let Database::Server { url, password } = database else {
        return Err(StoreError::open(database, sqlx::Error::Configuration("is no URL of PostgreSQL".into())));
    };
    let options = PgConnectOptions::from_str(url).map_err(|cause| StoreError::open(database, cause))?;
    let options = match password {
        Some(password) => options.password(password),
        None => options,
    };
    Ok(options.application_name("fristd").options([
        ("lock_timeout", "30s"), // longer than any tick; who waits longer tries again at the next
        // a replica that hangs in a transaction must not hold up the others for so long that they fail
        ("idle_in_transaction_session_timeout", "15s"),
        ("tcp_keepalives_idle", "30"), // nor one whose machine is gone
        ("tcp_keepalives_interval", "10"),
        ("tcp_keepalives_count", "3"),
    ]))
}

/// One connection comes before the pool, which would try for seconds and then only say that it waited.
async fn postgres_pool(options: PgConnectOptions) -> Result<PgPool, sqlx::Error> {
    let first = tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await;
    first.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??.close().await?;
    let pool = PgPoolOptions::new().max_connections(POSTGRES_CONNECTIONS_MAX).acquire_timeout(CONNECT_TIMEOUT);
    Ok(pool.connect_lazy_with(options))
}

/// A new file that its owner alone can read.
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Runs an expression on a transaction's connection, whichever engine it is of, after what was written before: the same text is
/// compiled for both.
macro_rules! on_engine {
    ($tx:expr, |$connection:ident| $run:expr) => {
        match $tx.send_unsent().await {
            Err(cause) => Err(cause),
            Ok(()) => match &mut $tx.tx {
                $crate::store::engine::EngineTransaction::Sqlite(transaction) => {
                    let $connection = &mut **transaction;
                    $run
                }
                $crate::store::engine::EngineTransaction::Postgres(transaction) => {
                    let $connection = &mut **transaction;
                    $run
                }
            },
        }
    };
}

/// Writes so many rows by a statement that begins with a text and is built on. A SQLite file gets it together with those that
/// follow: before the next query, or the commit. The error, then or now, if it touches another number of rows.
macro_rules! write_built {
    ($tx:expr, $rows:expr, $begins:expr, |$builder:ident| $build:block) => {
        match &mut $tx.tx {
            $crate::store::engine::EngineTransaction::Sqlite(_) => {
                let $builder = $tx.unsent.begin($begins, $rows);
                $build
                Ok::<(), sqlx::Error>(())
            }
            $crate::store::engine::EngineTransaction::Postgres(transaction) => {
                let mut $builder = sqlx::QueryBuilder::new($begins);
                $build
                let done = $builder.build().execute(&mut **transaction).await;
                done.and_then(|done| $crate::store::engine::touched(done.rows_affected(), $rows))
            }
        }
    };
}

/// All rows of a query, or the error.
macro_rules! fetch_all {
    ($tx:expr, $query:expr) => {
        $crate::store::engine::on_engine!($tx, |connection| $query.fetch_all(connection).await)
    };
}

/// The only row of a query, or the error.
macro_rules! fetch_one {
    ($tx:expr, $query:expr) => {
        $crate::store::engine::on_engine!($tx, |connection| $query.fetch_one(connection).await)
    };
}

/// The first row of a query if there is one, or the error.
macro_rules! fetch_optional {
    ($tx:expr, $query:expr) => {
        $crate::store::engine::on_engine!($tx, |connection| $query.fetch_optional(connection).await)
    };
}

/// How many rows a statement has touched, or the error.
macro_rules! execute {
    ($tx:expr, $query:expr) => {
        $crate::store::engine::on_engine!($tx, |connection| $query
            .execute(connection)
            .await
            .map(|done| done.rows_affected()))
    };
}

/// All rows of a query that begins with a text and is built on, or the error.
macro_rules! fetch_built {
    ($tx:expr, $begins:expr, |$builder:ident| $build:block) => {
        $crate::store::engine::on_engine!($tx, |connection| {
            let mut $builder = sqlx::QueryBuilder::new($begins);
            $build
            $builder.build_query_as().fetch_all(connection).await
        })
    };
}

/// How many rows a statement has touched that begins with a text and is built on, or the error.
macro_rules! execute_built {
    ($tx:expr, $begins:expr, |$builder:ident| $build:block) => {
        $crate::store::engine::on_engine!($tx, |connection| {
            let mut $builder = sqlx::QueryBuilder::new($begins);
            $build
            $builder.build().execute(connection).await.map(|done| done.rows_affected())
        })
    };
}

pub(super) use {execute, execute_built, fetch_all, fetch_built, fetch_one, fetch_optional, on_engine, write_built};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_shown_without_password_and_parameters() {
        let check = |url: &str, want: &str| {
            let database = Database::Server { url: url.to_owned(), password: Some("geheim".to_owned()) };
            assert_eq!(database.to_string(), want, "{url}");
            assert_eq!(format!("{database:?}"), want, "{url}");
        };
        check("postgres://u:geheim@db.example:5432/fristd?password=geheim", "postgres://u@db.example:5432/fristd");
        check("postgres://db/fristd", "postgres://db/fristd");
        check("postgresql://u:ge@heim@db/x#geheim", "postgresql://u@db/x");
    }
}
