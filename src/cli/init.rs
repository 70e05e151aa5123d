//! `fristd init`: a set of commented files to start from. Never overwrites one.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::settings::EXAMPLE_FILES;

use super::{Ending, print_line};

/// Writes a commented set of files to start from.
///
/// The files are their own manual: fristd.toml for the administrator, cycles.toml for the ZRK, and the two lists. Addresses in
/// them are examples; until you say otherwise, mails are written to a folder and not sent.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fristd init my-settings\n  fristd check --config my-settings/fristd.toml")]
pub(super) struct Init {
    /// The folder; it is made if it is missing.
    dir: PathBuf,
}

impl Init {
    pub(super) fn execute(self) -> anyhow::Result<Ending> {
        let taken: Vec<_> =
            EXAMPLE_FILES.iter().map(|(name, _)| self.dir.join(name)).filter(|path| path.exists()).collect();
        if let Some(first) = taken.first() {
            anyhow::bail!("{}: is there already, and nothing was written; choose another folder", first.display());
        }
        std::fs::create_dir_all(&self.dir).with_context(|| format!("{}: cannot be made", self.dir.display()))?;
        for (name, text) in EXAMPLE_FILES {
            let path = self.dir.join(name);
            // made anew or not at all, whatever happened since it was looked for
            let written = File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes()));
            written.with_context(|| format!("{}: cannot be written", path.display()))?;
            print_line(&format!("wrote {}", path.display()))?;
        }
        print_line(&format!(
            "\nNext: edit them, then `fristd check --config {}`",
            self.dir.join("fristd.toml").display()
        ))?;
        Ok(Ending::Done)
    }
}
