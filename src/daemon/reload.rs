//! Notices that files have changed, and says what new settings would change. Never takes them over.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use crate::domain::roster_diff::{self, Change};
use crate::domain::{Month, cycle, dates};
use crate::settings::Settings;

const CHANGES_MAX: usize = 20; // more are not read in one line
const MONTHS_COMPARED: i32 = 3; // this month and the next two: what can be announced before the next look

/// Watches the files that settings were read from.
#[derive(Debug)]
pub struct FileWatch {
    _watcher: Option<RecommendedWatcher>,
}

impl FileWatch {
    /// Wakes `changed` when one of the files changes, appears or goes. Folders are watched rather than files, because editors
    /// put a new file in the place of the old one. If the system cannot watch, SIGHUP still reloads.
    pub fn new(files: &[PathBuf], changed: Arc<Notify>) -> Self {
        let watched: HashSet<PathBuf> = files.iter().map(|file| absolute(file)).collect();
        let folders: BTreeSet<PathBuf> = watched
            .iter()
            .flat_map(|file| [Some(file.as_path()).filter(|path| path.is_dir()), file.parent()])
            .flatten()
            .filter(|folder| folder.is_dir())
            .map(Path::to_owned)
            .collect();
        let concerns = move |path: &PathBuf| {
            let path = absolute(path);
            watched.contains(&path) || path.parent().is_some_and(|folder| watched.contains(folder))
        };
        let on_event = move |event: notify::Result<Event>| match event {
            Ok(Event { kind: EventKind::Access(_), .. }) => {}
            Ok(event) if event.paths.iter().any(&concerns) => changed.notify_one(),
            Ok(_) => {}
            Err(cause) => tracing::warn!(%cause, "watching the settings' files failed; send SIGHUP to reload"),
        };
        match watch(&folders, on_event) {
            Ok(watcher) => Self { _watcher: Some(watcher) },
            Err(cause) => {
                tracing::warn!(%cause, "the settings' files cannot be watched; send SIGHUP to reload");
                Self { _watcher: None }
            }
        }
    }
}

fn watch(
    folders: &BTreeSet<PathBuf>,
    on_event: impl FnMut(notify::Result<Event>) + Send + 'static,
) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(on_event)?;
    for folder in folders {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// What new settings change for people, in words and without addresses: who comes and goes, and which deadlines move.
pub fn difference(old: &Settings, new: &Settings, now: DateTime<Utc>) -> Vec<String> {
    let mut words = Vec::new();
    let contacts = |settings: &Settings| -> HashSet<(String, String)> {
        let pair = |contact: &crate::domain::Contact| (format!("{:?}", contact.owner), contact.mailbox.to_string());
        settings.roster.contacts().iter().map(pair).collect()
    };
    let authorities = |settings: &Settings| -> HashSet<String> {
        settings.roster.authorities().iter().map(|authority| authority.id.to_string()).collect()
    };
    count(&mut words, "contacts", &contacts(old), &contacts(new));
    count(&mut words, "authorities", &authorities(old), &authorities(new));
    let changes = roster_diff::difference(&old.roster, &new.roster);
    words.extend(changes.iter().take(CHANGES_MAX).map(Change::without_address));
    if changes.len() > CHANGES_MAX {
        words.push(format!("and {} more; the log of the database has them all", changes.len() - CHANGES_MAX));
    }
    let this_month = Month::of(dates::local_date(now, new.rulebook.zone));
    for month in (0..MONTHS_COMPARED).map(|ahead| this_month.plus(ahead)) {
        for duty in &new.rulebook.duties {
            let before =
                old.rulebook.duty(&duty.id).and_then(|duty| cycle::deadline(&old.rulebook, duty, month, None).ok());
            let after = cycle::deadline(&new.rulebook, duty, month, None).ok();
            if let (Some(before), Some(after)) = (before, after)
                && before != after
            {
                words.push(format!(
                    "{} {month}: import {} was {}, deadline {} was {}",
                    duty.id, after.import_on, before.import_on, after.stated_on, before.stated_on
                ));
            }
        }
    }
    words
}

fn count<T: Eq + std::hash::Hash>(words: &mut Vec<String>, what: &str, old: &HashSet<T>, new: &HashSet<T>) {
    let (come, gone) = (new.difference(old).count(), old.difference(new).count());
    if come + gone > 0 {
        words.push(format!("{what}: {come} added, {gone} removed"));
    }
}
