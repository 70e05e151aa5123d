//! The one connection that writes to a SQLite file, lent to one transaction after the other. Never knows a table.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Has the connection while no transaction has it. Not a pool of one: that asks the connection how it is each time that it comes
/// back, which takes as long as a statement.
#[derive(Clone, Debug)]
pub(super) struct FileWriter {
    options: Arc<SqliteConnectOptions>,
    place: Arc<Mutex<Option<SqliteConnection>>>,
}

/// The connection in use. Dropped without [`Lent::give_back`] it is closed, and what it did is rolled back; the next one is
/// another.
#[derive(Debug)]
pub(super) struct Lent {
    connection: SqliteConnection,
    place: OwnedMutexGuard<Option<SqliteConnection>>,
}

impl FileWriter {
    /// Connects.
    pub(super) async fn open(options: SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        let connection = options.connect().await?;
        Ok(Self { options: Arc::new(options), place: Arc::new(Mutex::new(Some(connection))) })
    }

    /// The connection, once nobody else has it.
    pub(super) async fn lend(&self) -> Result<Lent, sqlx::Error> {
        let mut place = Arc::clone(&self.place).lock_owned().await;
        let connection = match place.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        Ok(Lent { connection, place })
    }

    /// Begins a transaction that writes.
    pub(super) async fn begin(&self) -> Result<Lent, sqlx::Error> {
        let mut lent = self.lend().await?;
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *lent).await?;
        Ok(lent)
    }

    /// Ends the connection.
    pub(super) async fn close(&self) {
        if let Some(connection) = self.place.lock().await.take() {
            let _ = connection.close().await; // nothing is open on it
        }
    }
}

impl Lent {
    /// Ends the transaction.
    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        sqlx::raw_sql("COMMIT").execute(&mut *self).await?;
        self.give_back();
        Ok(())
    }

    /// Gives the connection back as it is.
    pub(super) fn give_back(self) {
        let Self { connection, mut place } = self;
        *place = Some(connection);
    }
}

impl Deref for Lent {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}
