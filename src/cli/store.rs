//! `fristd store`: moves a store from one database to another. Never overwrites one.

use clap::{Args, Subcommand};
use indicatif::ProgressBar;

use crate::daemon::database_named;
use crate::settings::Database as Named;
use crate::store::{CopyError, Durability, RunLock, Store};

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
    /// Afterwards the new one is what `database` in fristd.toml should name. The old one counts as a copy: a service that is started on
    /// it by mistake sends nothing that waits, until a person releases it (docs/postgresql.md).
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
}

impl StoreCommand {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        let Command::Copy { from, to } = self.command;
        let password = std::env::var("FRISTD_STORE_PASSWORD").ok(); // not an option: those are seen by everybody on the machine
        let named = |what: &str, text: &str| {
            let database = Named::parse(text).map_err(|why| WrongInput(format!("{what}: {why}")))?;
            Ok::<_, WrongInput>(database_named(&database, password.as_deref()))
        };
        let (from, to) = (named("the database to read", &from)?, named("the database to fill", &to)?);
        if from == to {
            return Err(WrongInput(format!("{from}: is both; name another database to fill")).into());
        }
        anyhow::ensure!(Store::exists(&from).await?, "{from}: there is no database");
        let now = shell.clock.now();
        let _alone = RunLock::take(&from, "store copy").await?;
        let source = Store::open(&from, Durability::Full, now).await?;
        let target = Store::open(&to, Durability::Full, now).await?;
        let bar = if is_watched() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        let watch = |table, rows| {
            bar.set_message(format!("{table}: {rows}"));
            bar.tick();
        };
        let copied = source.copy_whole_to(&target, &actor(), now, watch).await;
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
        print_line(&format!("now let `database` in fristd.toml name {to}; {from} counts as a copy from now on"))?;
        Ok(Ending::Done)
    }
}
