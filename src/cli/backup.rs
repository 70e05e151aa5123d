//! `fristd backup`: a copy of the database while the service is at work. Never overwrites a file.

use std::path::PathBuf;

use clap::Args;

use crate::store::BackupError;

use super::{Ending, Shell, WrongInput, actor, print_line};

/// Copies the database to a new file while the service is at work.
///
/// The copy is one file, holds everything as it stands at one instant, and knows that it is a copy: a service that is started on it
/// holds what may have been sent since, until a person releases it (docs/backup.md).
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fristd backup /srv/backup/fristd-$(date +%F).sqlite\n\n\
    The file holds addresses and mails; it is made readable for its owner alone. It must not be there yet.")]
pub(super) struct Backup {
    /// The file to make.
    file: PathBuf,
}

impl Backup {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        let charter = shell.charter()?;
        let store = shell.existing_store(&charter).await?;
        let made = store.back_up(&self.file, &actor(), shell.clock.now()).await;
        store.close().await;
        match made {
            Ok(bytes) => {
                print_line(&format!("{}: {} KiB, checked", self.file.display(), bytes.div_ceil(1024)))?;
                Ok(Ending::Done)
            }
            Err(cause @ BackupError::Exists(_)) => Err(WrongInput(cause.to_string()).into()),
            Err(cause) => Err(cause.into()),
        }
    }
}
