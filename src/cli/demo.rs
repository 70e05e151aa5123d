//! `fristd demo`: a whole month on the shipped example in seconds. Never sends a mail; writes each as a file.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::daemon::clock::Clock;
use crate::daemon::scenario::Scenario;
use crate::daemon::simulation::Simulation;
use crate::daemon::{Charter, database_of};
use crate::domain::dates::instant;
use crate::mail::DirectoryTransport;
use crate::settings::{EXAMPLE_FILES, Source};
use crate::store::{Durability, Store};

use super::simulate::progress_bar;
use super::story::Story;
use super::{Ending, print_line};

const SCENARIO: &str = include_str!("../../deploy/example/demo.txt");
/// Tells a folder of the demo from one that is somebody's.
const MARK: &str = "made-by-fristd-demo";

/// Plays a whole month on the shipped example in seconds: simulated time, real files, a real database.
///
/// It writes every mail as an .eml file that a mail program opens, then tells what was sent to whom, and why each deadline is
/// what it is. Nothing leaves this machine.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fristd demo\n\nAfterwards, on its database:\n  \
    fristd --config fristd-demo/settings/fristd.toml status 2026-12\n  \
    fristd --config fristd-demo/settings/fristd.toml outbox list --state rejected")]
pub(super) struct Demo {
    /// The folder for settings, mails and database; an earlier demo in it is replaced.
    #[arg(long, value_name = "DIR", default_value = "fristd-demo")]
    out: PathBuf,
}

impl Demo {
    pub(super) async fn execute(self) -> anyhow::Result<Ending> {
        let settings = self.prepare_folder()?;
        let mut charter = Charter::load(&Source::Folder(settings.clone()), 1)?;
        let scenario = Scenario::parse("demo.txt", SCENARIO)?;
        let zone = charter.settings.rulebook.zone;
        let (from, until) = (instant(zone, scenario.from), instant(zone, scenario.until));
        // the database lies where the example's settings say, so that all commands can look at it afterwards
        let database = database_of(&charter.settings.service);
        let store = Store::open(&database, Durability::Scratch, from).await?;
        charter.generation = 1;
        let mails = self.out.join("mails");
        let transport = DirectoryTransport::new(mails.clone());
        let folders = vec![self.out.clone()];
        let mut story = Story::new(charter.clone());
        let bar = progress_bar((until - from).num_hours().unsigned_abs());
        let simulation =
            Simulation { store: &store, charter: charter.clone(), clock: Clock::virtual_at(from), transport, folders };
        simulation
            .play(
                &scenario,
                |event, _| story.add(event),
                |now| {
                    bar.set_position((now - from).num_hours().unsigned_abs());
                    bar.set_message(now.with_timezone(&zone).format("%Y-%m-%d").to_string());
                },
            )
            .await?;
        bar.finish_and_clear();
        let text = story.tell(&scenario, &store).await?;
        store.close().await;
        print_line(&text)?;
        let config = settings.join("fristd.toml");
        print_line(&format!(
            "The mails lie in {mails}, one .eml file each; a mail program opens them.\n\
             To look further:\n  \
             fristd --config {config} status 2026-12 --missing\n  \
             fristd --config {config} outbox list --month 2026-12 --state rejected\n  \
             fristd --config {config} explain 2026-12\n\
             To begin in earnest:  fristd init my-settings",
            mails = mails.display(),
            config = config.display(),
        ))?;
        Ok(Ending::Done)
    }

    /// Makes the folder with the example's settings in it; replaces an earlier demo and nothing else.
    fn prepare_folder(&self) -> anyhow::Result<PathBuf> {
        let name = self.out.display();
        let mark = self.out.join(MARK);
        if self.out.exists() {
            let is_empty = self.out.read_dir().with_context(|| format!("{name}: cannot be read"))?.next().is_none();
            anyhow::ensure!(
                mark.exists() || is_empty,
                "{name}: is there already and not of an earlier demo; give another folder with --out"
            );
            std::fs::remove_dir_all(&self.out).with_context(|| format!("{name}: cannot be replaced"))?;
        }
        let settings = self.out.join("settings");
        std::fs::create_dir_all(&settings).with_context(|| format!("{name}: cannot be made"))?;
        std::fs::write(&mark, "Everything in this folder is replaced by the next `fristd demo`.\n")
            .with_context(|| format!("{name}: cannot be written"))?;
        for (file, text) in EXAMPLE_FILES {
            let path = settings.join(file);
            std::fs::write(&path, text).with_context(|| format!("{}: cannot be written", path.display()))?;
        }
        Ok(settings)
    }
}
