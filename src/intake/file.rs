//! Opens a file that somebody laid down and reads it with a bound. Never follows a link and never waits for a writer.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use super::BYTES_MAX;
use super::fault::{FileRefused, TOO_LONG};

/// The bytes of a regular file of at most [`BYTES_MAX`].
///
/// A symbolic link is refused: in a folder that others write to, it could point at any file that fristd may read. One in a
/// folder above the file is the operator's own and is followed. What is opened is checked to be what was looked at.
///
/// # Errors
/// If it is no regular file, is too long, grows while it is read, has vanished or cannot be read.
pub fn read_bounded(path: &Path) -> Result<Vec<u8>, FileRefused> {
    let refuse = |what: String| FileRefused::new(&path.display().to_string(), what);
    let seen = path.symlink_metadata().map_err(|error| refuse(not_readable(&error)))?;
    check_kind(&seen).map_err(|what| refuse(what.to_owned()))?;
    if exceeds(seen.len()) {
        return Err(refuse(TOO_LONG.to_owned()));
    }
    let file = open(path).map_err(|error| refuse(not_readable(&error)))?;
    let opened = file.metadata().map_err(|error| refuse(not_readable(&error)))?;
    if !is_same(&seen, &opened) {
        return Err(refuse("wurde beim Öffnen gegen eine andere Datei getauscht; bitte erneut ablegen".to_owned()));
    }
    let mut bytes = Vec::new();
    // one byte more than is accepted shows that there is more, however long the file says it is
    let bound = u64::try_from(BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    file.take(bound).read_to_end(&mut bytes).map_err(|error| refuse(not_readable(&error)))?;
    if bytes.len() > BYTES_MAX {
        return Err(refuse(TOO_LONG.to_owned()));
    }
    if u64::try_from(bytes.len()).ok() != Some(opened.len()) {
        return Err(refuse("wird gerade noch geschrieben; bitte erneut ablegen, wenn sie vollständig ist".to_owned()));
    }
    Ok(bytes)
}

fn exceeds(length: u64) -> bool {
    usize::try_from(length).map_or(true, |length| length > BYTES_MAX)
}

fn check_kind(seen: &Metadata) -> Result<(), &'static str> {
    if seen.is_file() {
        Ok(())
    } else if seen.is_dir() {
        Err("ist ein Ordner; bitte die Datei darin angeben")
    } else if seen.is_symlink() {
        Err("ist eine Verknüpfung; bitte die Datei selbst angeben oder ablegen")
    } else {
        Err("ist keine Datei, sondern eine Leitung oder ein Gerät; bitte eine Datei angeben")
    }
}

#[cfg(target_os = "linux")]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    /// O_NONBLOCK, the same on all Linux targets of Rust's first two tiers: opening a pipe that somebody put in the file's
    /// place would wait for a writer for ever. For a regular file it means nothing.
    const NEVER_WAIT: i32 = 0o4000;
    OpenOptions::new().read(true).custom_flags(NEVER_WAIT).open(path)
}

#[cfg(not(target_os = "linux"))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

#[cfg(unix)]
fn is_same(seen: &Metadata, opened: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    opened.is_file() && (seen.dev(), seen.ino()) == (opened.dev(), opened.ino())
}

#[cfg(not(unix))]
fn is_same(_seen: &Metadata, opened: &Metadata) -> bool {
    opened.is_file()
}

fn not_readable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "ist nicht (mehr) da; bitte Pfad und Namen prüfen oder erneut ablegen".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "darf nicht gelesen werden; bitte dem Dienstkonto von fristd das Leserecht geben".to_owned()
        }
        _ => format!("kann nicht gelesen werden ({error}); bitte den Datenträger prüfen und erneut ablegen"),
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
