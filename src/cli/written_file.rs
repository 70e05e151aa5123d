//! Writes a file that a person named: whole or not at all. Never through a link and never over what is no regular file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::WrongInput;

/// Whether a file may be written there, before anything is.
///
/// # Errors
/// If something else than a regular file is there, or the folder is not.
pub(super) fn check_target(path: &Path) -> Result<(), WrongInput> {
    let refuse = |why: &str| Err(WrongInput(format!("{}: {why}", path.display())));
    if path.file_name().is_none() {
        return refuse("is no name of a file; name one, for example jahr.html");
    }
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(found) if found.is_symlink() => return refuse("is a link; name the file itself, or another one"),
        Ok(found) if found.is_dir() => return refuse("is a folder; name a file in it"),
        Ok(_) => return refuse("is there and is no regular file; name another one"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return refuse(&format!("cannot be looked at: {error}")),
    }
    match fs::metadata(folder_of(path)) {
        Ok(found) if found.is_dir() => Ok(()),
        _ => refuse("its folder is not there; make it first, or name another one"),
    }
}

/// Whether two paths, of which both may be written, are two ways to say one: `jahr` and `./jahr`.
pub(super) fn names_same_file(one: &Path, other: &Path) -> bool {
    let folders = [one, other].map(|path| fs::canonicalize(folder_of(path)).ok());
    one.file_name() == other.file_name() && folders[0] == folders[1]
}

/// Writes a file under another name beside it, and gives it its name when all of it is on the disk. What was there before is
/// replaced then and not before.
///
/// # Errors
/// As [`check_target`], and if the folder or the disk does not take it; nothing is left behind then.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    check_target(path)?;
    let unfinished = unfinished(path);
    let written = write_and_sync(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&unfinished); // it is our own, and what could not be written is the error to tell
        anyhow::anyhow!("{}: cannot be written: {error}; what was there before is unchanged", path.display())
    })
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(path)?; // never follows a link
    file.write_all(bytes)?;
    file.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.unfinished", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_new_or_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jahr.html");
        for text in ["first, and longer", "second"] {
            write_whole(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(names(folder.path()), ["jahr.html"]);
        }
    }

    #[test]
    fn one_file_is_known_however_its_path_is_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("year")).unwrap();
        let check = |one: &str, other: &str, want: bool| {
            assert_eq!(names_same_file(&folder.path().join(one), &folder.path().join(other)), want, "{one}, {other}");
        };
        check("a", "a", true);
        check("a", "./a", true);
        check("a", "year/../a", true);
        check("a", "b", false);
        check("a", "year/a", false);
        assert!(names_same_file(Path::new("a"), Path::new("./a")));
    }

    #[test]
    fn what_is_no_regular_file_is_neither_replaced_nor_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("victim"), "keep").unwrap();
        fs::create_dir(at("folder")).unwrap();
        std::os::unix::fs::symlink(at("victim"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("nowhere"), at("dangling")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        for (name, words) in [
            ("folder", "is a folder"),
            ("link", "is a link"),
            ("dangling", "is a link"),
            ("socket", "no regular file"),
            ("missing/file", "its folder is not there"),
            ("..", "no name of a file"),
        ] {
            let error = write_whole(&at(name), b"x").expect_err(name).to_string();
            assert!(error.contains(words), "{name}: {error}");
        }
        assert_eq!(fs::read_to_string(at("victim")).unwrap(), "keep");
        assert_eq!(names(folder.path()), ["dangling", "folder", "link", "socket", "victim"]);
    }
}
