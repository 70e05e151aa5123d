//! The drop folder of a running daemon: each list once, whatever happens in between. Waits for the log, never sleeps.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use chrono::TimeDelta;
use fristd::daemon::Charter;
use fristd::daemon::drop_folder::DropFolder;
use fristd::settings::Source;
use fristd::store::{Durability, Store};
use serde_json::Value;
use support::site::Site;

const NOW: &str = "2026-12-14 09:12:00";
const GOOD: &str = "Behörde;Meldepflicht;Monatslauf;Meldestand\nStadt Bonn;planning;2026-12;gemeldet\n";
const BAD: &str = "Behörde;Meldepflicht;Monatslauf;Meldestand\nStadt Bonn;planning;2026-12;gemeldet\nStadt Nirgends;planning;2026-12;gemeldet\n";
const READ: &str = "a list in the drop folder was read";

fn site() -> Site {
    let mut site = Site::small(NOW);
    site.set("INTAKE__FOLDER", "eingang");
    site.set("INTAKE__SETTLE_SECONDS", "1");
    let cycles = site.read("cycles.toml").replace("# first_cycle = \"2026-12\"", "first_cycle = \"2026-12\"");
    site.write("cycles.toml", &cycles);
    fs::create_dir(site.path("eingang")).unwrap();
    site
}

/// The names in a folder below the drop folder, without the time before them.
fn names(site: &Site, below: &str) -> Vec<String> {
    let folder = site.path("eingang").join(below);
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .map(|name| name.get("2026-12-14_091200_".len()..).filter(|_| !below.is_empty()).unwrap_or(&name).to_owned())
        .collect();
    names.sort();
    names
}

fn put(site: &Site, name: &str, text: &str) -> PathBuf {
    let path = site.path("eingang").join(name);
    fs::write(&path, text).unwrap();
    path
}

fn receipts(site: &Site) -> Vec<(String, i64)> {
    site.query("SELECT authority, COUNT(*) FROM receipts GROUP BY authority ORDER BY authority")
}

fn fact<'a>(line: &'a Value, key: &str) -> &'a str {
    line["fields"][key].as_str().unwrap_or_default()
}

#[test]
fn a_list_is_imported_once_and_moved_with_its_report_and_a_refused_one_is_told_to_the_zrk() {
    let site = site();
    put(&site, "gut.csv", GOOD);
    put(&site, "schlecht.csv", BAD);
    put(&site, "~$gut.xlsx", "Excel has it open");
    put(&site, "halb.csv.part", "a browser is still loading it");
    let mut daemon = site.run().ready();
    let mut read = vec![daemon.wait_for_message(READ), daemon.wait_for_message(READ)];
    read.sort_by_key(|line| fact(line, "file").to_owned());
    assert_eq!((fact(&read[0], "fate"), fact(&read[1], "fate")), ("Taken", "Refused"), "{read:?}");
    daemon.pass_round_after(site.set_clock("2026-12-14 09:20:00"));
    assert_eq!(names(&site, ""), ["halb.csv.part", "~$gut.xlsx"]);
    assert_eq!(names(&site, "done"), ["gut.csv", "gut.csv.bericht.txt"]);
    assert_eq!(names(&site, "refused"), ["schlecht.csv", "schlecht.csv.abgelehnt.csv", "schlecht.csv.bericht.txt"]);
    assert_eq!(receipts(&site), [("abh-bonn".to_owned(), 1)]);
    let told = site.query("SELECT headline, COUNT(*) FROM alerts WHERE key LIKE 'list-refused:%' GROUP BY headline");
    assert_eq!(told, [("Liste schlecht.csv abgelehnt".to_owned(), 1)]);
    let mails = site.outbox().into_iter().filter(|notice| notice["kind"] == "zrk-notice").count();
    assert_eq!(mails, 1, "{:?}", site.outbox());
    // the same content again, as a new file: read, and nothing is new
    put(&site, "gut.csv", GOOD);
    assert_eq!(fact(&daemon.wait_for_message(READ), "fate"), "Taken");
    assert_eq!(receipts(&site), [("abh-bonn".to_owned(), 1)]);
}

#[test]
fn what_a_killed_daemon_had_imported_and_not_moved_is_moved_and_not_imported_again() {
    let site = site();
    put(&site, "liste.csv", GOOD);
    // nothing can be moved into a folder that is none: as if it was killed in between
    fs::write(site.path("eingang/done"), "in the way").unwrap();
    fs::create_dir(site.path("eingang/refused")).unwrap();
    let mut daemon = site.run().ready();
    daemon.wait_for_message("the drop folder cannot be used; lists in it wait");
    daemon.pass_round_after(site.set_clock("2026-12-14 09:13:00"));
    assert_eq!(receipts(&site), [], "a folder that cannot be used is not half used");
    fs::remove_file(site.path("eingang/done")).unwrap();
    fs::create_dir(site.path("eingang/done")).unwrap();
    assert_eq!(fact(&daemon.wait_for_message(READ), "fate"), "Taken");
    daemon.pass_round_after(site.set_clock("2026-12-14 09:14:00"));
    drop(daemon); // killed
    // back where it was: as if the kill had come before the move
    let [moved, report] = &names(&site, "done")[..] else { panic!("{:?}", names(&site, "done")) };
    assert_eq!((moved.as_str(), report.as_str()), ("liste.csv", "liste.csv.bericht.txt"));
    let done = fs::read_dir(site.path("eingang/done")).unwrap().map(|entry| entry.unwrap().path());
    let done = done.filter(|path| path.extension().is_some_and(|ending| ending == "csv")).collect::<Vec<_>>();
    fs::rename(&done[0], site.path("eingang/liste.csv")).unwrap();
    site.set_clock("2026-12-14 10:00:00");
    let mut daemon = site.run().ready();
    assert!(fact(&daemon.wait_for_message(READ), "fate").starts_with("ReadBefore"));
    daemon.pass_round_after(site.set_clock("2026-12-14 10:05:00"));
    assert_eq!(names(&site, "done"), ["liste.csv", "liste.csv.bericht.txt"]);
    assert_eq!(receipts(&site), [("abh-bonn".to_owned(), 1)]);
    assert_eq!(site.query("SELECT file, COUNT(*) FROM lists GROUP BY file"), [("liste.csv".to_owned(), 1)]);
}

#[test]
fn a_file_that_grows_is_left_alone_until_it_is_whole() {
    let site = site();
    let mut daemon = site.run().ready();
    let growing = put(&site, "liste.csv", &GOOD[..40]);
    for length in [50, 60, 70] {
        daemon.wait_for_message("round done");
        fs::write(&growing, &GOOD[..length]).unwrap();
    }
    fs::write(&growing, GOOD).unwrap();
    assert_eq!(fact(&daemon.wait_for_message(READ), "fate"), "Taken");
    assert_eq!(receipts(&site), [("abh-bonn".to_owned(), 1)]);
}

#[test]
fn odd_names_links_and_what_is_no_file_do_no_harm() {
    let site = site();
    let line_break = put(&site, "zeile\num\u{7}bruch.csv", GOOD);
    let long = put(&site, &"l".repeat(250), GOOD);
    let outside = site.path("outside.csv");
    fs::write(&outside, GOOD).unwrap();
    std::os::unix::fs::symlink(&outside, site.path("eingang/link.csv")).unwrap();
    fs::create_dir(site.path("eingang/ordner.csv")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(site.path("eingang/rohr.csv")).status().unwrap().success());
    let mut daemon = site.run().ready();
    for _ in 0..2 {
        daemon.wait_for_message(READ);
    }
    daemon.pass_round_after(site.set_clock("2026-12-14 09:20:00"));
    assert!(!line_break.exists() && !long.exists() && outside.exists());
    assert!(site.path("eingang/link.csv").is_symlink() && site.path("eingang/rohr.csv").exists());
    let done = names(&site, "done");
    assert!(done.contains(&"zeile_um_bruch.csv".to_owned()), "{done:?}");
    assert_eq!((done.len(), names(&site, "refused")), (4, vec![]), "{done:?}");
}

#[test]
fn a_folder_without_permission_is_told_once_a_day_and_used_when_it_can_be() {
    let site = site();
    put(&site, "liste.csv", GOOD);
    let set = |mode: u32| fs::set_permissions(site.path("eingang"), fs::Permissions::from_mode(mode)).unwrap();
    if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
        // permissions do not stop root: a file in the folder's place does
        fs::rename(site.path("eingang"), site.path("weg")).unwrap();
        fs::write(site.path("eingang"), "no folder").unwrap();
    } else {
        set(0o000);
    }
    let mut daemon = site.run().ready();
    for _ in 0..2 {
        daemon.wait_for_message("the drop folder cannot be used; lists in it wait");
    }
    assert_eq!(
        site.query("SELECT headline, COUNT(*) FROM alerts GROUP BY headline"),
        [("Eingangsordner nicht benutzbar".to_owned(), 1)]
    );
    if site.path("weg").exists() {
        fs::remove_file(site.path("eingang")).unwrap();
        fs::rename(site.path("weg"), site.path("eingang")).unwrap();
    } else {
        set(0o755);
    }
    assert_eq!(fact(&daemon.wait_for_message(READ), "fate"), "Taken");
}

#[test]
fn a_list_that_was_put_there_during_a_standstill_is_read_before_anybody_is_reminded() {
    let mut site = site();
    site.set("INTAKE__SETTLE_SECONDS", "600");
    let list = put(
        &site,
        "liste.csv",
        "Behörde;Meldepflicht;Monatslauf;Meldestand\nStadt Bonn;planning;2026-12;gemeldet\nStadt Essen;planning;2026-12;gemeldet\n",
    );
    let long_ago = std::process::Command::new("touch").args(["-d", "2026-12-11 18:00"]).arg(&list).status().unwrap();
    assert!(long_ago.success());
    let mut daemon = site.run().ready();
    daemon.wait_for_message(READ);
    daemon.delivered();
    let reminded = site.mailboxes("reminder-1", "accepted");
    assert!(reminded.contains(&"rueckkehr@krefeld.example".to_owned()), "{reminded:?}");
    let of_planning = site
        .query("SELECT mailbox, COUNT(*) FROM notices WHERE duty = 'planning' AND kind = 'reminder' GROUP BY mailbox");
    let mailboxes: Vec<&str> = of_planning.iter().map(|(mailbox, _)| mailbox.as_str()).collect();
    assert_eq!(mailboxes, ["gemeinsam@mettmann.example", "rueckkehr@krefeld.example"]);
}

/// Two services that look into one folder at the same time, as replicas do, without the lock that keeps two off one SQLite file.
#[test]
fn two_services_at_one_folder_import_each_list_once() {
    let site = site();
    let lists: Vec<String> = (0..10).map(|number| format!("liste-{number}.csv")).collect();
    for name in &lists {
        put(&site, name, GOOD);
    }
    let service = "[intake]\nfolder = \"eingang\"\nsettle_seconds = 1\n";
    site.write("fristd.toml", service);
    let charter = Charter::load(&Source::File(site.path("fristd.toml")), 1).expect("good settings");
    let mut now = site.set_clock(NOW);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(Store::open(&site.database(), Durability::Full, now)).unwrap();
    let (mut first, mut second) = (DropFolder::default(), DropFolder::default());
    for _ in 0..4 {
        runtime.block_on(async {
            let (one, other) = tokio::join!(first.look(&store, &charter, now), second.look(&store, &charter, now));
            one.and(other).expect("the store works");
        });
        now += TimeDelta::seconds(61); // whoever was second may move what the first has left
    }
    assert_eq!(names(&site, ""), Vec::<String>::new());
    let done = names(&site, "done");
    let moved = done.iter().filter(|name| name.ends_with(".csv")).count();
    assert_eq!((moved, done.len()), (lists.len(), 2 * lists.len()), "{done:?}");
    let read = site.query("SELECT file, COUNT(*) FROM lists GROUP BY file");
    assert_eq!(read, lists.iter().map(|name| (name.clone(), 1)).collect::<Vec<_>>());
    assert_eq!(receipts(&site), [("abh-bonn".to_owned(), 1)]);
}
