//! `fristd simulate`: plays a scenario on a virtual clock. Never sends a mail.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::daemon::Charter;
use crate::daemon::clock::Clock;
use crate::daemon::event::Event;
use crate::daemon::scenario::Scenario;
use crate::daemon::simulation::{NoMailSystem, Simulation, find};
use crate::domain::dates::instant;
use crate::settings::Source;
use crate::store::{Durability, Store};

use super::{Ending, WrongInput, print_line};

const SCENARIO_MIB_MAX: u64 = 4; // some fifty thousand lines; more is no story

/// Plays a scenario with the shipped code on a virtual clock, and prints each mail that it would send.
///
/// A scenario is a text file: `files FOLDER`, `from DATE TIME`, `until DATE TIME`, and lines that begin with a local date and
/// time and say what happens then: record, end-arrangement, imported, import, stop, start, pause, resume, release, discard,
/// files, smtp, bounce, clear.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fristd simulate tests/scenarios/month.txt\n\n\
    A scenario:\n  \
    files   deploy/example\n  \
    from    2026-12-01 00:00\n  \
    until   2027-01-31 00:00\n  \
    2026-12-04 10:00  record 2026-12 statistics abh-05111-duesseldorf complete\n  \
    2026-12-09 00:00  stop\n  \
    2026-12-12 06:00  start\n  \
    2026-12-14 07:59  smtp 451 for abh-05113-essen until 2026-12-14 10:00")]
pub(super) struct Simulate {
    /// The scenario's file.
    scenario: PathBuf,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Simulate {
    pub(super) async fn execute(self) -> anyhow::Result<Ending> {
        let name = self.scenario.display().to_string();
        let scenario =
            Scenario::parse(&name, &read(&self.scenario).map_err(|why| WrongInput(format!("{name}: {why}")))?)?;
        let folders = vec![self.scenario.parent().unwrap_or(Path::new(".")).to_owned(), PathBuf::from(".")];
        let settings = find(&folders, &scenario.files);
        if !settings.is_dir() {
            let files = scenario.files.display();
            let words = format!("{name}: files {files}: there is no such folder, neither beside the scenario nor here");
            return Err(WrongInput(words).into());
        }
        let charter = Charter::load(&Source::Folder(settings), 1)?;
        let scratch = ScratchFolder::new()?;
        let zone = charter.settings.rulebook.zone;
        let from = instant(zone, scenario.from);
        let until = instant(zone, scenario.until);
        let store = Store::open(&scratch.path.join("simulation.sqlite"), Durability::Scratch, from).await?;
        let simulation =
            Simulation { store: &store, charter, clock: Clock::virtual_at(from), transport: NoMailSystem, folders };
        let bar = progress_bar((until - from).num_hours().unsigned_abs());
        let mut count = 0;
        let mut failed = Ok(());
        let unread = tokio::sync::Notify::new();
        let print = |event: &Event, charter: &Charter| {
            count += 1;
            let line = if self.json { as_json(event, charter).to_string() } else { in_words(event, charter) };
            if failed.is_ok() {
                failed = bar.suspend(|| print_line(&line));
                if failed.is_err() {
                    unread.notify_one();
                }
            }
        };
        let play = simulation.play(&scenario, print, |now| bar.set_position((now - from).num_hours().unsigned_abs()));
        let played = tokio::select! {
            played = play => played.with_context(|| name),
            () = unread.notified() => Ok(()), // nobody reads on, so nobody waits for the end
        };
        bar.finish_and_clear();
        store.close().await;
        played?;
        failed?;
        Ok(if count == 0 { Ending::NothingMatched } else { Ending::Done })
    }
}

/// The scenario's text, or why it cannot be one.
fn read(path: &Path) -> Result<String, String> {
    let cannot = |cause: std::io::Error| format!("cannot be read: {cause}");
    let size = std::fs::metadata(path).map_err(cannot)?.len();
    if size > SCENARIO_MIB_MAX * 1024 * 1024 {
        return Err(format!("is larger than {SCENARIO_MIB_MAX} MiB; is it a scenario?"));
    }
    let bytes = std::fs::read(path).map_err(cannot)?;
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8; save the file as UTF-8")
    })
}

/// A progress bar for people; nothing for pipes.
pub(super) fn progress_bar(length: u64) -> ProgressBar {
    if !super::is_watched() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}") {
        bar.set_style(style);
    }
    bar
}

pub(super) fn as_json(event: &Event, charter: &Charter) -> Value {
    let zone = charter.settings.rulebook.zone;
    let mut value = json!({
        "at": event.at.with_timezone(&zone).to_rfc3339(), "event": event.what.as_str(), "kind": event.kind.as_str(),
        "duty": event.duty.as_deref(), "month": event.month.to_string(), "step": event.step, "revision": event.revision,
        "to": event.to.as_ref().map(|mailbox| mailbox.as_str()),
        "authorities": event.authorities.iter().map(|id| &**id).collect::<Vec<_>>(), "office": event.office.as_deref(),
        "subject": event.subject, "message_id": event.message_id,
    });
    if let Some(reason) = &event.reason {
        value["reason"] = json!(reason);
    }
    value
}

fn in_words(event: &Event, charter: &Charter) -> String {
    let at = event.at.with_timezone(&charter.settings.rulebook.zone).format("%Y-%m-%d %H:%M");
    let to = event.to.as_ref().map(|mailbox| format!(" to {mailbox}")).unwrap_or_default();
    let duty = event.duty.as_deref().unwrap_or("service");
    let about = match event.what {
        crate::daemon::event::What::Sent => event.subject.as_deref().unwrap_or_default(),
        _ => event.reason.as_deref().unwrap_or_default(),
    };
    format!("{at}  {:<9} {duty} {} {} r{}{to}: {about}", event.what.as_str(), event.month, event.step, event.revision)
}

/// A folder for one simulation's database, removed afterwards.
struct ScratchFolder {
    path: PathBuf,
}

impl ScratchFolder {
    fn new() -> anyhow::Result<Self> {
        const TRIES_MAX: u32 = 100; // more simulations at once than any machine runs
        let folder = std::env::temp_dir();
        for attempt in 0..TRIES_MAX {
            let path = folder.join(format!("fristd-simulation-{}-{attempt}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(cause).with_context(|| format!("{}: cannot be made", path.display())),
            }
        }
        anyhow::bail!("{}: no folder for the simulation could be made", folder.display())
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        // a folder that stays behind in the temporary folder harms nobody
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
