//! `fristd bounce`: mails that came back (M6, N7). Never answers them.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

use crate::daemon::bounce::{Taken, take_bounce};
use crate::daemon::bounce_folder::take_folder;
use crate::mail::RETURNED_BYTES_MAX;

use super::{Ending, Shell, counted, print_json, print_line};

/// Takes a mail that came back: from standard input, for a mail system's pipe, from a file, or from a Maildir.
///
/// A mailbox from which a mail came back for good is flagged and gets nothing more until `fristd contact clear`; the ZRK is
/// told once. Out-of-office replies, read receipts and reports of success change nothing. docs/bounces.md says how mail
/// systems are connected.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fristd bounce < report.eml\n  \
    fristd bounce report.eml --json\n  \
    fristd bounce --maildir /var/mail/fristd/Maildir\n\n\
    Exit codes differ from other commands, because a mail system reads them:\n  \
    0   taken, or no bounce: nothing is returned once more\n  \
    75  could not be taken (EX_TEMPFAIL): it is given again\n\
    With --maildir they are the usual ones.")]
pub(super) struct Bounce {
    /// The mail; standard input if left out.
    #[arg(conflicts_with = "maildir")]
    file: Option<PathBuf>,
    /// Take all mails in `new` of this Maildir, and move them to `cur`.
    #[arg(long, value_name = "DIR")]
    maildir: Option<PathBuf>,
    /// The address to which it came back, as the mail system says; its headers are looked at otherwise.
    #[arg(long, value_name = "ADDRESS", env = "ORIGINAL_RECIPIENT")]
    recipient: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Print nothing, for mail systems that take any output for a failure.
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
}

impl Bounce {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        if let Some(folder) = &self.maildir {
            return self.take_maildir(shell, folder).await;
        }
        match self.take_one(shell).await {
            Ok(Taken::TooEarly) => Ok(Ending::TryAgain),
            Ok(_) => Ok(Ending::Done),
            Err(error) => {
                super::complain(&error);
                Ok(Ending::TryAgain)
            }
        }
    }

    async fn take_one(&self, shell: &Shell) -> anyhow::Result<Taken> {
        let bytes = match &self.file {
            Some(file) => {
                let opened = std::fs::File::open(file);
                opened.and_then(read_beginning).with_context(|| format!("{}: cannot be read", file.display()))?
            }
            None => read_beginning(io::stdin().lock()).context("standard input cannot be read")?,
        };
        let charter = shell.charter()?;
        let store = shell.existing_store(&charter).await?;
        let taken = take_bounce(&store, &charter, &bytes, self.recipient.as_deref(), shell.clock.now()).await?;
        // it is recorded: that nobody reads about it is no reason to be given it again
        let _ = self.print(None, &taken);
        Ok(taken)
    }

    async fn take_maildir(&self, shell: &Shell, folder: &Path) -> anyhow::Result<Ending> {
        let charter = shell.charter()?;
        let store = shell.existing_store(&charter).await?;
        let mut total = 0;
        let mut printed = Ok(());
        let mut values = Vec::new();
        loop {
            let mut early = 0;
            let watch = |file: &Path, taken: &Taken| {
                early += usize::from(matches!(taken, Taken::TooEarly));
                if self.json {
                    values.push(as_json(Some(file), taken));
                } else if printed.is_ok() {
                    printed = self.print(Some(file), taken);
                }
            };
            let count = take_folder(&store, &charter, folder, &shell.clock, watch).await?;
            total += count;
            if count == early {
                break; // nothing is left but what stays
            }
        }
        printed?;
        if self.json {
            print_json(&Value::Array(values))?;
        } else if !self.quiet {
            print_line(&format!("{} looked at", counted(total, "mail")))?;
        }
        Ok(if total == 0 { Ending::NothingMatched } else { Ending::Done })
    }

    fn print(&self, file: Option<&Path>, taken: &Taken) -> anyhow::Result<()> {
        if self.quiet {
            return Ok(());
        }
        if self.json {
            return print_json(&as_json(file, taken));
        }
        let name = file.map(|file| format!("{}: ", file.display())).unwrap_or_default();
        print_line(&format!("{name}{}", in_words(taken)))
    }
}

/// The beginning, as much as is understood; the rest is read as well, so that no pipe breaks, and dropped.
fn read_beginning(mut source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.by_ref().take(RETURNED_BYTES_MAX as u64).read_to_end(&mut bytes)?;
    io::copy(&mut source, &mut io::sink())?;
    Ok(bytes)
}

fn in_words(taken: &Taken) -> String {
    match taken {
        Taken::Recorded(report) => {
            let notice = &report.notice;
            let status = report.judgement.status.map(|status| format!(" {status}")).unwrap_or_default();
            let words = match report.judgement.diagnostic.as_str() {
                "" => String::new(),
                words => format!(" ({words})"),
            };
            format!(
                "{}{status}: {} of {} {} to {}{words}; {}",
                report.judgement.verdict.as_str(),
                notice.step,
                notice.duty.as_deref().unwrap_or("service"),
                notice.month,
                notice.mailbox,
                report.outcome()
            )
        }
        Taken::Known => "recorded already; the same message counts once".to_owned(),
        Taken::NotABounce(why) => format!("no bounce: {why}"),
        Taken::NotRecorded(why) => format!("not recorded: {why}"),
        Taken::TooEarly => "its notice is being handed over at this moment; give it again in a minute".to_owned(),
        Taken::Unreadable(why) => format!("no bounce: {why}"),
    }
}

fn as_json(file: Option<&Path>, taken: &Taken) -> Value {
    let mut value = match taken {
        Taken::Recorded(report) => json!({
            "taken": "recorded", "verdict": report.judgement.verdict.as_str(), "proof": report.proof.as_str(),
            "outcome": report.outcome(), "flagged": report.effect.has_flagged, "returned": report.effect.is_returned,
            "status": report.judgement.status.map(|status| status.to_string()),
            "diagnostic": report.judgement.diagnostic, "notice": report.notice.id, "mailbox": report.notice.mailbox.as_str(),
        }),
        Taken::Known => json!({ "taken": "known" }),
        Taken::NotABounce(why) => json!({ "taken": "not-a-bounce", "outcome": why }),
        Taken::NotRecorded(why) => json!({ "taken": "not-recorded", "outcome": why }),
        Taken::TooEarly => json!({ "taken": "too-early" }),
        Taken::Unreadable(why) => json!({ "taken": "unreadable", "outcome": why.to_string() }),
    };
    if let Some(file) = file {
        value["file"] = json!(file.display().to_string());
    }
    value
}
