//! `fristd store`: moves a store from one database to another. Never overwrites one.

use std::path::Path;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use indicatif::ProgressBar;

use crate::daemon::database_named;
use crate::settings::Database as Named;
use crate::store::{CopyError, Database, Durability, RunLock, Store};

use super::{Ending, Shell, WrongInput, actor, counted, is_watched, print_line};

/// Moves the store to another database, SQLite or PostgreSQL.
#[derive(Debug, Args)]
pub(super) struct StoreCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Copies everything from one database to an empty one, and compares each row.
    ///
    /// Afterwards the new one is what `database` in fristd.toml should name. Nothing works by the old one any more
    /// (docs/postgresql.md).
    #[command(after_help = "Examples:\n  \
        fristd store copy data/fristd.sqlite \"postgres://fristd@db.example/fristd?sslrootcert=db-ca.pem\"\n  \
        fristd store copy postgres://fristd@localhost/fristd back.sqlite\n\n\
        A password that is not in the address is taken from FRISTD_STORE_PASSWORD. Stop `fristd run` first.")]
    Copy {
        /// The database to read: the path of an SQLite file, or postgres://…
        from: String,
        /// The database to fill; empty, or not there yet if it is a file.
        to: String,
    },
    /// Lets services work again by a database that was copied from, because the one that was filled is lost.
    ///
    /// What may have been sent since is held, as after a restoration (docs/backup.md).
    Reopen {
        /// The database that was copied from: the path of an SQLite file, or postgres://…
        database: String,
    },
}

impl StoreCommand {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        match self.command {
            Command::Copy { from, to } => {
                let (from, to) = (named("the database to read", &from)?, named("the database to fill", &to)?);
                copy(shell, &from, &to).await
            }
            Command::Reopen { database } => reopen(shell, &named("the database", &database)?).await,
        }
    }
}

fn named(what: &str, text: &str) -> Result<Database, WrongInput> {
    let password = std::env::var("FRISTD_STORE_PASSWORD").ok(); // not an option: those are seen by everybody on the machine
    // what is written into the old database is read from anywhere
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let database = Named::parse(text, absolute).map_err(|why| WrongInput(format!("{what}: {why}")))?;
    Ok(database_named(&database, password.as_deref()))
}

async fn reopen(shell: &Shell, database: &Database) -> anyhow::Result<Ending> {
    anyhow::ensure!(Store::exists(database).await?, "{database}: there is no database");
    let _alone = RunLock::take(database, "store reopen").await?;
    if !Store::reopen(database, &actor(), shell.clock.now()).await? {
        return Err(WrongInput(format!("{database}: was not moved away; services work by it")).into());
    }
    print_line(&format!("services work by {database} again; what may have been sent since is held (docs/backup.md)"))?;
    Ok(Ending::Done)
}

async fn copy(shell: &Shell, from: &Database, to: &Database) -> anyhow::Result<Ending> {
    if from == to {
        return Err(WrongInput(format!("{from}: is both; name another database to fill")).into());
    }
    anyhow::ensure!(Store::exists(from).await?, "{from}: there is no database");
    let now = shell.clock.now();
    let _alone = RunLock::take(from, "store copy").await?;
    let source =
        Store::open(from, Durability::Full, now).await.with_context(|| format!("the database to read, {from}"))?;
    let target = Store::open(to, Durability::Full, now).await.with_context(|| format!("the database to fill, {to}"))?;
    let bar = if is_watched() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    let watch = |table, rows| {
        bar.set_message(format!("{table}: {rows}"));
        bar.tick();
    };
    let copied = source.copy_whole_to(&target, &to.to_string(), &actor(), now, watch).await;
    bar.finish_and_clear();
    source.close().await;
    target.close().await;
    let tables = copied.map_err(|cause| match cause {
        cause @ (CopyError::NotEmpty(..) | CopyError::AtWork(_)) => WrongInput(cause.to_string()).into(),
        cause => anyhow::Error::from(cause),
    })?;
    for (table, rows) in tables.iter().filter(|(_, rows)| *rows > 0) {
        print_line(&format!("{table:<16} {}, compared", counted(*rows as usize, "row")))?;
    }
    print_line(&format!("now let `database` in fristd.toml name {to}; no service works by {from} any more"))?;
    Ok(Ending::Done)
}
