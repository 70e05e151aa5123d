//! `fristd run`: the daemon. Never returns before it is told to stop.

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use super::{Ending, Shell, WrongInput};

const FILTER_VARIABLE: &str = "FRISTD_LOG";
const FILTER_DEFAULT: &str = "info,tokio_cron_scheduler=warn"; // what the scheduler says at info is of no use to anybody

/// Runs the daemon until SIGTERM.
///
/// It ticks every few seconds, queues what is due, delivers it, and reloads its files when they change or on SIGHUP. Files
/// that are not valid change nothing. Stopping it at any time loses nothing.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fristd run --config /etc/fristd/fristd.toml\n\n\
                        More detail, with addresses: FRISTD_LOG=fristd=debug fristd run")]
pub(super) struct Run {
    /// How to write the log.
    #[arg(long, value_enum, default_value_t = LogForm::Text)]
    log: LogForm,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogForm {
    /// Lines for people and the journal.
    Text,
    /// A JSON object a line.
    Json,
}

impl Run {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        let wanted = std::env::var(FILTER_VARIABLE).ok().filter(|text| !text.is_empty());
        let filter = EnvFilter::try_new(wanted.as_deref().unwrap_or(FILTER_DEFAULT)).map_err(|cause| {
            let wanted = wanted.unwrap_or_default();
            WrongInput(format!("{FILTER_VARIABLE} {wanted:?}: {cause}; accepted: for example info or fristd=debug"))
        })?;
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        match self.log {
            LogForm::Text => log.with_ansi(super::is_watched()).init(),
            LogForm::Json => log.json().init(),
        }
        let charter = shell.charter()?;
        for warning in &charter.settings.warnings {
            tracing::warn!("{warning}");
        }
        crate::daemon::run::run(shell.source()?, charter, shell.clock.clone()).await?;
        Ok(Ending::Done)
    }
}
