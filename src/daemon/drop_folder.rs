//! Imports the lists that are put into a folder, each once, and moves them away with a report. Never deletes a file.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::domain::Alert;
use crate::domain::dates::local_date;
use crate::domain::list_report::Fate;
use crate::intake::{Fault, FileRefused, read_bounded, write_refused};
use crate::settings::DropFolderSettings;
use crate::store::Store;

use super::Charter;
use super::take_list::{ListOrder, TakenList, refuse_file, shown_name, take_list};
use super::tick::TickError;

const DONE: &str = "done";
const REFUSED: &str = "refused";
const ACTOR: &str = "drop folder";
const FILES_A_LOOK_MAX: usize = 20; // so that a full folder does not hold up what is to be sent
const FILES_SEEN_MAX: usize = 10_000; // a folder with more is not a drop folder; what is seen later waits
const REPORT_LINES_MAX: usize = 10_000; // the report beside the file shows everything that a person can use
const MOVE_SECONDS: i64 = 60; // within which whoever has read a file moves it, if nothing is wrong
const OLD_MINUTES: i64 = 10; // longer than the clocks of two servers differ
const NAME_BYTES_MAX: usize = 200; // with the time before it and `.abgelehnt.csv` behind below a file system's 255
const TRY_AGAIN_MINUTES: i64 = 10; // a file that cannot be moved is not read every few seconds
const UNFINISHED: [&str; 6] = ["tmp", "part", "partial", "crdownload", "filepart", "swp"]; // as copying programs call them

/// What is known of the files that lie in the folder.
#[derive(Debug, Default)]
pub struct DropFolder {
    seen: HashMap<OsString, Seen>,
}

#[derive(Clone, Debug)]
struct Seen {
    mark: Mark,
    since: DateTime<Utc>,
    not_before: Option<DateTime<Utc>>,
}

/// By what a change of a file is noticed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Mark {
    length: u64,
    modified: (i64, i64),
    inode: u64,
}

impl Mark {
    fn of(metadata: &Metadata) -> Self {
        Self { length: metadata.len(), modified: (metadata.mtime(), metadata.mtime_nsec()), inode: metadata.ino() }
    }
}

impl Mark {
    /// Since when a file that is seen for the first time has not changed: what was put there while the service stood still is
    /// read before anybody is reminded. A file server's clock may be wrong by minutes, so a young file counts from now on.
    fn still_since(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let modified = DateTime::from_timestamp(self.modified.0, 0).unwrap_or(now);
        if modified <= now - TimeDelta::minutes(OLD_MINUTES) { modified } else { now }
    }
}

impl DropFolder {
    /// Looks into the folder and imports every list that has settled.
    ///
    /// # Errors
    /// If the store fails; what was not imported is tried again. A folder or file that cannot be used is logged and told to the
    /// ZRK.
    pub async fn look(&mut self, store: &Store, charter: &Charter, now: DateTime<Utc>) -> Result<(), TickError> {
        let Some(settings) = &charter.settings.service.drop_folder else {
            self.seen.clear();
            return Ok(());
        };
        let found = match prepare(&settings.folder).and_then(|()| lists_in(&settings.folder)) {
            Ok(found) => found,
            Err(cause) => return trouble(store, charter, &settings.folder, &cause, now).await,
        };
        for name in self.settled(found, settings, now).into_iter().take(FILES_A_LOOK_MAX) {
            self.import(store, charter, settings, &name, now).await?;
        }
        Ok(())
    }

    /// The files that have not changed for long enough, the oldest first.
    fn settled(
        &mut self,
        found: Vec<(OsString, Mark)>,
        settings: &DropFolderSettings,
        now: DateTime<Utc>,
    ) -> Vec<OsString> {
        let mut seen = HashMap::new();
        let mut settled = Vec::new();
        for (name, mark) in found.into_iter().take(FILES_SEEN_MAX) {
            let known = self.seen.remove(&name).filter(|known| known.mark == mark && known.since <= now);
            let known = known.unwrap_or(Seen { mark, since: mark.still_since(now), not_before: None });
            let is_settled = now - known.since >= TimeDelta::seconds(i64::from(settings.settle_seconds));
            if is_settled && known.not_before.is_none_or(|not_before| not_before <= now) {
                settled.push((mark.modified, name.clone()));
            }
            seen.insert(name, known);
        }
        self.seen = seen;
        settled.sort();
        settled.into_iter().map(|(_, name)| name).collect()
    }

    async fn import(
        &mut self,
        store: &Store,
        charter: &Charter,
        settings: &DropFolderSettings,
        name: &OsStr,
        now: DateTime<Utc>,
    ) -> Result<(), TickError> {
        let path = settings.folder.join(name);
        let Some(mark) = self.seen.get(name).map(|seen| seen.mark) else { return Ok(()) };
        let reading = path.clone();
        let read = tokio::task::spawn_blocking(move || read_bounded(&reading)).await;
        let read = read.unwrap_or_else(|cause| {
            let what = format!("die Datei konnte nicht gelesen werden: {cause}");
            Err(FileRefused {
                file: shown_name(&name.to_string_lossy()),
                faults: vec![Fault { line: None, column: None, what }],
            })
        });
        // renamed away, or still growing: whoever moved or writes it is not done
        let is_same = fs::symlink_metadata(&path).is_ok_and(|metadata| Mark::of(&metadata) == mark);
        if !is_same {
            self.seen.remove(name);
            return Ok(());
        }
        let shown = name.to_string_lossy();
        let stamp = stamp(name, mark, read.as_deref().unwrap_or_default());
        let refused_folder = settings.folder.join(REFUSED);
        let refused_folder = std::path::absolute(&refused_folder).unwrap_or(refused_folder).display().to_string();
        let order = ListOrder {
            file_name: &shown,
            bytes: read.as_deref().unwrap_or_default(),
            stamp: Some(&stamp),
            told_of_refusal: Some(&refused_folder),
            actor: ACTOR,
            ..ListOrder::default()
        };
        let taken = match &read {
            Ok(_) => take_list(store, charter, order, now).await?,
            Err(why) => refuse_file(store, charter, order, why.clone(), now).await?,
        };
        tracing::info!(
            file = taken.report.file,
            rows = taken.report.rows,
            receipts = taken.report.changes.len(),
            refused = taken.report.refused_rows(),
            fate = ?taken.report.fate,
            "a list in the drop folder was read"
        );
        if let Fate::ReadBefore { at, .. } = taken.report.fate
            && (at..at + TimeDelta::seconds(MOVE_SECONDS)).contains(&now)
        {
            return Ok(()); // another replica has just read it, and moves it with the better report
        }
        let zone = charter.settings.rulebook.zone;
        match move_away(&settings.folder, (name, mark), &taken, zone) {
            Ok(()) => {
                self.seen.remove(name);
                Ok(())
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(&path).is_err() => Ok(()),
            Err(cause) => {
                if let Some(seen) = self.seen.get_mut(name) {
                    seen.not_before = Some(now + TimeDelta::minutes(TRY_AGAIN_MINUTES));
                }
                trouble(store, charter, &path, &cause, now).await
            }
        }
    }
}

/// Makes the folders that are missing.
fn prepare(folder: &Path) -> io::Result<()> {
    [DONE, REFUSED].iter().try_for_each(|below| fs::create_dir_all(folder.join(below)))
}

/// The files of the folder that may be lists, with what changes when they do.
fn lists_in(folder: &Path) -> io::Result<Vec<(OsString, Mark)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        // never through a link: it may point at what only the service can read
        let is_file = |metadata: &Metadata| metadata.file_type().is_file();
        match fs::symlink_metadata(entry.path()) {
            Ok(metadata) if is_file(&metadata) && !is_unfinished(&name) => found.push((name, Mark::of(&metadata))),
            _ => {}
        }
    }
    Ok(found)
}

/// Whether a program that writes or edits a file calls it so meanwhile.
fn is_unfinished(name: &OsStr) -> bool {
    let text = name.to_string_lossy();
    let ending = Path::new(name).extension().map(|ending| ending.to_string_lossy().to_lowercase());
    text.starts_with(['.', '~']) || text.ends_with('~') || ending.is_some_and(|ending| UNFINISHED.contains(&&*ending))
}

/// What tells this file from every other, and from the same content put there again later.
fn stamp(name: &OsStr, mark: Mark, bytes: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(name.as_encoded_bytes());
    hasher.update(format!("\n{}\n{:?}\n", mark.length, mark.modified));
    hasher.update(bytes);
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Moves a file away, its report and refused rows first, so that it never lies there without them. What was put in its place
/// since it was read is put back, to be read as well.
fn move_away(folder: &Path, (name, mark): (&OsStr, Mark), taken: &TakenList, zone: chrono_tz::Tz) -> io::Result<()> {
    let report = &taken.report;
    let (is_taken, at) = match report.fate {
        Fate::ReadBefore { at, was_taken } => (was_taken, at),
        fate => (fate == Fate::Taken, report.at),
    };
    let target = folder.join(if is_taken { DONE } else { REFUSED });
    let stem = format!("{}_{}", at.with_timezone(&zone).format("%Y-%m-%d_%H%M%S"), file_name(name));
    let moved = free(&target, &stem);
    write_new(&beside(&moved, "bericht.txt"), report.in_words(zone, REPORT_LINES_MAX).as_bytes())?;
    if let Some(list) = &taken.refused {
        write_new(&beside(&moved, "abgelehnt.csv"), &write_refused(list, &report.refused))?;
    }
    fs::rename(folder.join(name), &moved)?;
    if Mark::of(&fs::symlink_metadata(&moved)?) != mark {
        fs::rename(&moved, free(folder, &file_name(name)))?;
    }
    Ok(())
}

/// A file's name without what could lead elsewhere or break a line, and not too long; what kind it is can still be seen.
fn file_name(name: &OsStr) -> String {
    const ENDING_BYTES_MAX: usize = 10; // longer ones are no ending
    let text = shown_name(&name.to_string_lossy());
    let text: String = text.chars().map(|c| if matches!(c, '/' | '\u{fffd}') { '_' } else { c }).collect();
    let ending = Path::new(name).extension().and_then(OsStr::to_str).filter(|ending| ending.len() <= ENDING_BYTES_MAX);
    let ending = ending.map(|ending| format!(".{ending}")).filter(|ending| !text.ends_with(ending)).unwrap_or_default();
    let end = (0..=text.len().min(NAME_BYTES_MAX - ending.len())).rfind(|at| text.is_char_boundary(*at));
    format!("{}{ending}", &text[..end.unwrap_or_default()])
}

/// The path of that name in the folder; if it is there already, with a number.
fn free(folder: &Path, name: &str) -> PathBuf {
    let mut path = numbered(folder, name, 1);
    let mut number = 2;
    while fs::symlink_metadata(&path).is_ok() {
        path = numbered(folder, name, number);
        number += 1;
    }
    path
}

fn numbered(folder: &Path, stem: &str, number: usize) -> PathBuf {
    folder.join(if number == 1 { stem.to_owned() } else { format!("{stem}-{number}") })
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{ending}"));
    path.with_file_name(name)
}

/// Writes a file, unless it is there: then an earlier attempt, or another replica, has written it. It is there as a whole or
/// not at all, also when the disk is full.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        return Ok(());
    }
    let unfinished = beside(path, UNFINISHED[0]);
    let written = fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        let _ = fs::remove_file(&unfinished); // it is our own, and what could not be written is the error to tell
    }
    written
}

/// Says, in the log each time and to the ZRK once a day, that the folder cannot be used.
async fn trouble(
    store: &Store,
    charter: &Charter,
    path: &Path,
    cause: &io::Error,
    now: DateTime<Utc>,
) -> Result<(), TickError> {
    tracing::error!(path = %path.display(), %cause, "the drop folder cannot be used; lists in it wait");
    let alert = Alert {
        key: format!("drop-folder:{}", local_date(now, charter.settings.rulebook.zone)),
        headline: "Eingangsordner nicht benutzbar".to_owned(),
        detail: format!(
            "Listen im Eingangsordner werden nicht übernommen, bis das behoben ist: {} ({cause}). Der Dienst braucht dort Lese- und \
             Schreibrechte.",
            path.display()
        ),
    };
    let is_told = store.read().await?.has_alert(&alert.key).await?;
    if !is_told {
        let mut tx = store.write().await?;
        tx.raise_alert(&alert, now).await?;
        tx.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "drop_folder_tests.rs"]
mod tests;
