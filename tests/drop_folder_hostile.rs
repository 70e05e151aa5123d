//! What nobody should put into the drop folder: each file is moved once and told, none is lost, and the daemon goes on reminding.

mod support;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use support::daemon::{Daemon, message_of};
use support::site::{Site, text};

const GOOD: &str = "Behörde;Meldepflicht;Monatslauf;Meldestand\nStadt Bonn;planning;2026-12;gemeldet\n";
const READ: &str = "a list in the drop folder was read";
const FILES_A_LOOK: usize = 20;

/// A site whose planning reminder is due.
fn site() -> Site {
    let mut site = Site::small("2026-12-08 08:00:00");
    site.set("INTAKE__FOLDER", "eingang");
    site.set("INTAKE__SETTLE_SECONDS", "1");
    let cycles = site.read("cycles.toml").replace("# first_cycle = \"2026-12\"", "first_cycle = \"2026-12\"");
    site.write("cycles.toml", &cycles);
    fs::create_dir(site.path("eingang")).unwrap();
    site
}

/// The plain files in a folder below the drop folder.
fn files(site: &Site, below: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(site.path("eingang").join(below)).unwrap().map(|entry| entry.unwrap());
    let plain = entries.filter(|entry| entry.file_type().unwrap().is_file());
    plain.map(|entry| entry.file_name().as_bytes().to_vec()).collect()
}

#[test]
fn odd_names_and_huge_files_are_moved_once_and_others_are_reminded() {
    let site = site();
    let folder = site.path("eingang");
    let names: [&[u8]; 5] = [
        "\u{fc}".repeat(127).as_bytes(),
        "\u{1f4c4}".repeat(63).as_bytes(),
        &[&b"m\xe4rz\xff"[..], b".csv"].concat(),
        b"x..\n..\x1b[2Jetc.csv",
        "-rf \u{202e}vsc.csv".as_bytes(),
    ]
    .map(|name| name.to_vec().leak() as &[u8]);
    for name in names {
        fs::write(folder.join(OsStr::from_bytes(name)), GOOD).unwrap();
    }
    File::create(folder.join("loch.csv")).unwrap().set_len(2 << 30).unwrap();
    let mut daemon = site.run().ready();
    let mut fates = BTreeSet::new();
    for _ in 0..=names.len() {
        let line = daemon.wait_for_message(READ);
        let file = text(&line["fields"]["file"]);
        assert!(!file.contains(['\n', '\u{1b}', '\u{202e}']), "{file:?}");
        assert!(fates.insert((file, text(&line["fields"]["fate"]))), "read twice: {line}");
    }
    daemon.pass_round_after(site.set_clock("2026-12-08 08:30:00"));
    let peak_mib = daemon.peak_memory_mib();
    assert!(peak_mib < 200, "{peak_mib} MiB");
    let log = daemon.stop();
    assert!(!log.iter().any(|line| message_of(line).contains("cannot be used")), "{log:?}");
    assert_eq!(files(&site, ""), Vec::<Vec<u8>>::new());
    assert_eq!(files(&site, "done").len(), 2 * names.len(), "each with its report");
    assert_eq!(files(&site, "refused").len(), 2);
    let receipts = site.query("SELECT authority, COUNT(*) FROM receipts GROUP BY authority");
    assert_eq!(receipts, [("abh-bonn".to_owned(), 1)]);
    assert_eq!(site.query("SELECT 'lists', COUNT(*) FROM lists"), [("lists".to_owned(), names.len() as i64 + 1)]);
    assert!(site.mailboxes("reminder-5", "accepted").contains(&"rueckkehr@essen.example".to_owned()));
}

#[test]
fn a_folder_full_of_files_is_worked_off_between_rounds() {
    let site = site();
    let count = 2 * FILES_A_LOOK + 5;
    for number in 0..count {
        fs::write(site.path(&format!("eingang/liste-{number}.csv")), GOOD).unwrap();
    }
    let mut daemon = site.run().ready();
    let mut in_a_round = 0;
    let mut read = 0;
    while read < count {
        let line =
            daemon.wait_for("a list or the end of a round", |line| [READ, "round done"].contains(&message_of(line)));
        in_a_round = if message_of(&line) == READ { in_a_round + 1 } else { 0 };
        read += usize::from(message_of(&line) == READ);
        assert!(in_a_round <= FILES_A_LOOK, "others wait for their reminders meanwhile");
    }
    daemon.wait_for_message("round done");
    daemon.stop();
    assert_eq!((files(&site, "").len(), files(&site, "done").len()), (0, 2 * count));
    assert_eq!(site.query("SELECT 'lists', COUNT(DISTINCT stamp) FROM lists"), [("lists".to_owned(), count as i64)]);
}

#[test]
fn a_refused_list_that_could_not_be_moved_at_once_comes_with_its_whole_report_later() {
    let site = site();
    let bad = format!("{GOOD}Stadt Nirgends;planning;2026-12;gemeldet\n");
    fs::create_dir(site.path("eingang/done")).unwrap();
    fs::create_dir(site.path("eingang/refused")).unwrap();
    // what is in the way of the report, which is written before the list is moved
    let report = site.path("eingang/refused/2026-12-08_080000_liste.csv.bericht.txt.tmp");
    let in_the_way = |minute: u32| {
        report.with_file_name(format!("2026-12-08_08{:02}{:02}_liste.csv.bericht.txt.tmp", minute / 60, minute % 60))
    };
    (0..120).for_each(|second| fs::create_dir(in_the_way(second)).unwrap());
    fs::write(site.path("eingang/liste.csv"), &bad).unwrap();
    let mut daemon = site.run().ready();
    daemon.wait_for_message("the drop folder cannot be used; lists in it wait");
    assert_eq!(files(&site, "").len(), 1, "it is still there");
    (0..120).for_each(|second| fs::remove_dir(in_the_way(second)).unwrap());
    site.set_clock("2026-12-08 09:00:00");
    let again = daemon.wait_for_message(READ);
    assert!(text(&again["fields"]["fate"]).starts_with("ReadBefore"), "{again}");
    daemon.wait_for_message("round done");
    daemon.stop();
    let mut moved: Vec<String> =
        files(&site, "refused").into_iter().map(|name| String::from_utf8(name).unwrap()).collect();
    moved.sort();
    assert_eq!(moved.len(), 3, "{moved:?}");
    let report = fs::read_to_string(site.path("eingang/refused").join(&moved[2])).unwrap();
    for piece in ["abgelehnt", "Zeile 3, Spalte „Behörde“ „Stadt Nirgends“: steht nicht in authorities.csv"] {
        assert!(report.contains(piece), "no {piece:?} in\n{report}");
    }
    let rows = fs::read_to_string(site.path("eingang/refused").join(&moved[1])).unwrap();
    assert!(rows.contains("Stadt Nirgends"), "{rows}");
    assert_eq!(site.query("SELECT 'lists', COUNT(*) FROM lists"), [("lists".to_owned(), 1)]);
    assert_eq!(site.query("SELECT duty, COUNT(*) FROM receipts GROUP BY duty"), []);
}

#[test]
fn a_disk_that_is_full_while_a_list_is_moved_leaves_no_half_report() {
    let site = site();
    let rows = "Stadt Nirgends;planning;2026-12;gemeldet\n".repeat(20_000);
    fs::write(site.path("eingang/liste.csv"), format!("{GOOD}{rows}")).unwrap();
    fs::rename(site.path("eingang/liste.csv"), site.path("liste.csv")).unwrap();
    let mut daemon = site.run();
    daemon.delivered(); // the database is there, and has little left to do
    daemon.stop();
    fs::rename(site.path("liste.csv"), site.path("eingang/liste.csv")).unwrap();
    let mut daemon = Daemon::spawn(with_small_files(&site.command(&["run", "--log", "json"])));
    let line = daemon.wait_for_message("the drop folder cannot be used; lists in it wait");
    daemon.wait_for_message("round done");
    daemon.stop();
    assert_eq!(files(&site, "").len(), 1, "{line}");
    let there = files(&site, "refused");
    assert!(there.iter().all(|name| name.ends_with(b".bericht.txt")), "the rows did not fit: {there:?}");
    assert!(site.mailboxes("reminder-5", "accepted").contains(&"rueckkehr@essen.example".to_owned()));
    site.set_clock("2026-12-08 10:00:00");
    let mut daemon = site.run().ready();
    daemon.wait_for_message(READ);
    daemon.wait_for_message("round done");
    daemon.stop();
    let there = files(&site, "refused");
    assert_eq!((files(&site, "").len(), there.len()), (0, 3), "{there:?}");
    let rows = there.iter().find(|name| name.ends_with(b".abgelehnt.csv")).expect("the refused rows");
    let rows = fs::read_to_string(site.path("eingang/refused").join(OsStr::from_bytes(rows))).unwrap();
    assert_eq!(rows.lines().count(), 20_001, "the heading and every refused row");
    assert_eq!(site.query("SELECT 'lists', COUNT(*) FROM lists"), [("lists".to_owned(), 1)]);
}

/// The same command, but no file of it can grow beyond a mebibyte: as on a full disk, and without being root.
fn with_small_files(command: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\""]);
    limited.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited
}
