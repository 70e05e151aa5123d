//! `fristd pause` and `fristd resume`: all sending (N8). Never loses a notice.

use clap::Args;

use crate::daemon::database_of;
use crate::store::{Durability, Store};

use super::{Ending, Shell, actor, print_line};

/// Stops all sending at once; what becomes due meanwhile is queued.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fristd pause\n  fristd resume")]
pub(super) struct Pause {}

/// Lets sending go on.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fristd resume\n\nOf what waited, only what is still called for is sent.")]
pub(super) struct Resume {}

impl Pause {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        set_paused(shell, true, "sending is paused; `fristd resume` lets it go on", "sending was paused already").await
    }
}

impl Resume {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        set_paused(shell, false, "sending goes on", "sending was not paused").await
    }
}

async fn set_paused(shell: &Shell, paused: bool, done: &str, nothing: &str) -> anyhow::Result<Ending> {
    // fristd.toml alone: this must work while somebody is in the middle of editing the other files
    let database = database_of(&crate::settings::load_service(&shell.source()?)?);
    let store = Store::open(database, Durability::Full, shell.clock.now()).await?;
    let mut tx = store.write().await?;
    let changed = tx.set_paused(paused, &actor(), shell.clock.now()).await?;
    tx.commit().await?;
    print_line(if changed { done } else { nothing })?;
    Ok(Ending::Done)
}
