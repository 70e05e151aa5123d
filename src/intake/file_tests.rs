//! Tests what is opened and what is not, on a real folder.

use std::fs::{self, File};

use tempfile::tempdir;

use super::*;

#[track_caller]
fn refuses(path: &Path, piece: &str) {
    let told = read_bounded(path).expect_err(piece).to_string();
    assert!(told.contains(piece), "{piece:?} is not in {told}");
    assert!(told.starts_with(&path.display().to_string()), "{told} names the file");
}

#[test]
fn a_file_is_read_and_everything_else_is_refused_with_place_and_remedy() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("liste.csv"), "Behörde;Stand\n").unwrap();
    assert_eq!(read_bounded(&path("liste.csv")).unwrap(), "Behörde;Stand\n".as_bytes());

    refuses(&path("weg.csv"), "ist nicht (mehr) da");
    refuses(folder.path(), "ist ein Ordner");
    File::create(path("lang.csv")).unwrap().set_len(2 * 1024 * 1024 * 1024).unwrap(); // sparse: takes no room
    refuses(&path("lang.csv"), "ist größer als 32 MiB");
}

#[cfg(unix)]
#[test]
fn links_pipes_and_devices_are_not_opened() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("liste.csv"), "Behörde;Stand\n").unwrap();
    std::os::unix::fs::symlink(path("liste.csv"), path("link.csv")).unwrap();
    refuses(&path("link.csv"), "ist eine Verknüpfung");
    std::os::unix::fs::symlink(path("nichts"), path("leer.csv")).unwrap();
    refuses(&path("leer.csv"), "ist eine Verknüpfung");
    assert!(std::process::Command::new("mkfifo").arg(path("pipe.csv")).status().unwrap().success());
    refuses(&path("pipe.csv"), "ist keine Datei");
    refuses(Path::new("/dev/zero"), "ist keine Datei");
    // even if it took the file's place after it was looked at, opening it would not wait for a writer
    assert!(open(&path("pipe.csv")).is_ok());
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_is_longer_than_it_says_is_refused() {
    refuses(Path::new("/proc/self/status"), "wird gerade noch geschrieben");
}
