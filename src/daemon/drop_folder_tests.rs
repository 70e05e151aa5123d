//! Moving a file away: under what name, and what was put in its place meanwhile.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;

use super::super::take_list::TakenList;
use super::{DONE, Mark, NAME_BYTES_MAX, REFUSED, file_name, free, move_away, prepare};
use crate::domain::list_report::{Fate, ListReport};

fn taken() -> TakenList {
    let report = ListReport {
        file: "liste.csv".to_owned(),
        at: "2026-12-14T08:12:00Z".parse().unwrap(),
        kind: None,
        source: "APS".to_owned(),
        rows: 1,
        fate: Fate::Taken,
        changes: vec![],
        unchanged: 1,
        refused: vec![],
        faults: vec![],
        not_listed: vec![],
    };
    TakenList { report, refused: None }
}

#[test]
fn a_file_is_moved_under_a_name_that_every_file_system_takes() {
    let check = |name: &[u8], wanted: &str| {
        let found = file_name(OsStr::from_bytes(name));
        assert!(found.len() <= NAME_BYTES_MAX && !found.contains(['/', '\n']), "{found}");
        assert!(found.starts_with(wanted) || found == wanted, "{found}");
    };
    check(b"liste.csv", "liste.csv");
    check(b"zeile\num\x1bbruch.csv", "zeile_um_bruch.csv");
    check(b"M\xe4rz.csv", "M_rz.csv"); // as Windows-1252 writes it
    check("stand\u{202e}vsc.exe".as_bytes(), "stand_vsc.exe");
    check(b"..", "..");
    check("\u{fc}".repeat(127).as_bytes(), "\u{fc}\u{fc}"); // 254 bytes
    check("\u{1f4c4}".repeat(63).as_bytes(), "\u{1f4c4}\u{1f4c4}");
    let long = format!("{}.xlsx", "\u{fc}".repeat(120));
    assert!(file_name(OsStr::new(&long)).ends_with(".xlsx"), "{}", file_name(OsStr::new(&long)));
}

#[test]
fn what_was_put_in_the_place_of_a_file_after_it_was_read_is_not_taken_for_it() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path()).unwrap();
    let names = |below: &str| {
        let entries = fs::read_dir(folder.path().join(below)).unwrap().map(|entry| entry.unwrap());
        let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
        let mut names: Vec<OsString> = files.map(|entry| entry.file_name()).collect();
        names.sort();
        names
    };
    let path = folder.path().join("liste.csv");
    fs::write(&path, "as it was read").unwrap();
    let mark = Mark::of(&fs::symlink_metadata(&path).unwrap());
    fs::write(folder.path().join("new"), "put there later").unwrap();
    fs::rename(folder.path().join("new"), &path).unwrap();
    move_away(folder.path(), (OsStr::new("liste.csv"), mark), &taken(), chrono_tz::Europe::Berlin).unwrap();
    assert_eq!(names(""), ["liste.csv"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "put there later");
    assert_eq!(names(DONE), ["2026-12-14_091200_liste.csv.bericht.txt"]);
    let mark = Mark::of(&fs::symlink_metadata(&path).unwrap());
    move_away(folder.path(), (OsStr::new("liste.csv"), mark), &taken(), chrono_tz::Europe::Berlin).unwrap();
    let none: [&str; 0] = [];
    assert_eq!((names("").as_slice(), names(REFUSED).as_slice()), (&[][..], &[][..]), "{none:?}");
    assert_eq!(names(DONE).len(), 2);
}

#[test]
fn nothing_that_lies_there_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    for wanted in ["a.csv", "a.csv-2", "a.csv-3"] {
        let path = free(folder.path(), "a.csv");
        assert_eq!(path, folder.path().join(wanted));
        fs::write(path, "there").unwrap();
    }
}
