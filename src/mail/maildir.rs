//! A Maildir as a letter box: what waits in it, what it says, and putting it away. Never follows a link, never deletes.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const LISTED_MAX: usize = 10_000; // names of a flood; the rest is seen when these are put away
const NAMES_TRIED_MAX: u32 = 100; // Maildir names are unique; that one is taken is a mistake already

/// How a mail is put away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// Done with: nobody needs to look at it.
    Seen,
    /// For people: it stays unread.
    Unread,
    /// For people, and something is wrong with it.
    Flagged,
}

impl Mark {
    /// The flags of a Maildir's file name.
    fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "S",
            Self::Unread => "",
            Self::Flagged => "F",
        }
    }
}

/// The files in `new`, in order of their names, which begin with the time; at most so many. What is no plain file, or hidden,
/// is left alone.
///
/// # Errors
/// If `new` cannot be read.
pub fn waiting(maildir: &Path, count_max: usize) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(maildir.join("new"))? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_hidden && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            files.push(entry.path());
        }
        if files.len() >= LISTED_MAX {
            break;
        }
    }
    files.sort();
    files.truncate(count_max);
    Ok(files)
}

/// The beginning of a mail, at most so many bytes.
///
/// # Errors
/// If it cannot be read, or is no plain file.
pub fn read(file: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
    let named = fs::symlink_metadata(file)?;
    if !named.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is no plain file"));
    }
    let opened = File::open(file)?;
    let found = opened.metadata()?;
    if (found.dev(), found.ino()) != (named.dev(), named.ino()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "was replaced while it was opened"));
    }
    let mut bytes = Vec::new();
    opened.take(bytes_max as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Moves a mail from `new` to `cur`, under a name that is free there.
///
/// # Errors
/// If it cannot be moved; it stays in `new` then.
pub fn put_away(maildir: &Path, file: &Path, mark: Mark) -> io::Result<()> {
    let name = file.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "has no name"))?;
    let name = name.to_string_lossy(); // a name that is no text gets one
    let unique = name.split(':').next().unwrap_or_default();
    let folder = maildir.join("cur");
    for attempt in 0..NAMES_TRIED_MAX {
        let number = if attempt == 0 { String::new() } else { format!("-{attempt}") };
        let target = folder.join(format!("{unique}{number}:2,{}", mark.as_str()));
        // nobody else writes to `cur` under names of `new`, so looking first is enough
        if fs::symlink_metadata(&target).is_err() {
            return fs::rename(file, target);
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "its name is taken in cur"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    fn maildir() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["new", "cur", "tmp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        folder
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn only_plain_files_wait_and_links_pipes_and_folders_are_left_alone() {
        let maildir = maildir();
        let new = maildir.path().join("new");
        for name in ["2.b", "1.a", ".hidden"] {
            fs::write(new.join(name), name).unwrap();
        }
        fs::write(new.join(OsStr::from_bytes(b"3.\xff")), "odd").unwrap();
        symlink("/etc/hostname", new.join("0.link")).unwrap();
        fs::create_dir(new.join("0.folder")).unwrap();
        assert!(Command::new("mkfifo").arg(new.join("0.pipe")).status().unwrap().success());
        let files = waiting(maildir.path(), 10).unwrap();
        assert_eq!(files.len(), 3, "{files:?}");
        assert_eq!(waiting(maildir.path(), 1).unwrap(), [new.join("1.a")]);
        assert_eq!(read(&files[0], 2).unwrap(), b"1.");
        assert!(read(&new.join("0.link"), 10).is_err() && read(&new.join("0.pipe"), 10).is_err());
        for file in files {
            put_away(maildir.path(), &file, Mark::Seen).unwrap();
        }
        assert_eq!(names(&maildir.path().join("cur")), ["1.a:2,S", "2.b:2,S", "3.\u{fffd}:2,S"]);
        assert_eq!(names(&new).len(), 4);
    }

    #[test]
    fn what_is_put_away_overwrites_nothing() {
        let maildir = maildir();
        let check = |name: &str, mark: Mark, want: &[&str]| {
            let file = maildir.path().join("new").join(name);
            fs::write(&file, "new").unwrap();
            put_away(maildir.path(), &file, mark).unwrap();
            assert_eq!(names(&maildir.path().join("cur")), want, "{name}");
        };
        check("1.a", Mark::Unread, &["1.a:2,"]);
        check("1.a", Mark::Unread, &["1.a-1:2,", "1.a:2,"]);
        check("1.a:2,S", Mark::Flagged, &["1.a-1:2,", "1.a:2,", "1.a:2,F"]);
        fs::remove_dir_all(maildir.path().join("cur")).unwrap();
        let file = maildir.path().join("new/2.b");
        fs::write(&file, "stays").unwrap();
        assert!(put_away(maildir.path(), &file, Mark::Seen).is_err() && file.exists());
    }
}
