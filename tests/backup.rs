//! A backup of a running service, and what a service does that is started on an old one: nothing is told twice (N9).

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use support::answer::Answer;
use support::mail_server::MailServer;
use support::site::{SMALL_ANNOUNCED, Site};

/// Puts a backup in the place of the database, as docs/backup.md says.
fn restore(site: &Site, backup: &str) {
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(site.path(&format!("data/fristd.sqlite{ending}")));
    }
    fs::copy(site.path(backup), site.database()).expect("the backup can be copied");
}

fn backup(site: &Site, name: &str) {
    let file = site.path(name);
    assert!(site.done(&["backup", file.to_str().expect("UTF-8")]).contains("KiB, checked"));
}

#[test]
fn after_the_restoration_of_an_old_backup_nothing_is_sent_again_without_release() {
    let server = MailServer::start();
    let mut site = Site::small("2026-12-01 08:30:00");
    site.mail_to(server.port());
    let mut daemon = site.run().ready();
    daemon.pass_round_after(site.set_clock("2026-12-01 08:31:00"));
    backup(&site, "eve.sqlite"); // of the running service, before anything is sent
    site.set_clock("2026-12-01 09:00:01");
    assert_eq!(daemon.delivered()["sent"], SMALL_ANNOUNCED.len());
    site.set_clock("2026-12-08 08:00:01");
    let reminded = daemon.delivered()["sent"].as_u64().expect("a count") as usize;
    daemon.stop();
    let told = SMALL_ANNOUNCED.len() + reminded;
    assert_eq!(server.received().len(), told);

    restore(&site, "eve.sqlite");
    site.set_clock("2026-12-08 10:00:00");
    let mut daemon = site.run().ready();
    daemon.delivered(); // the ZRK is told, and nobody else
    daemon.pass_round_after(site.set_clock("2026-12-08 10:01:00"));
    daemon.stop();
    let received = server.received();
    assert_eq!(received.len(), told + 1);
    let to_zrk = received.iter().find(|mail| mail.envelope_to == "zrk@zrk.example").expect("the alert").body();
    assert!(to_zrk.contains("aus einer Sicherung wiederhergestellt"), "{to_zrk}");
    assert_eq!(site.mailboxes("announcement", "held"), SMALL_ANNOUNCED);
    assert_eq!(site.mailboxes("reminder-5", "held").len(), reminded);

    // a person looks and lets the reminders go; what comes later needs no release
    site.done(&["outbox", "discard", "--step", "announcement"]);
    site.done(&["outbox", "release", "--step", "reminder-5"]);
    let mut daemon = site.run().ready();
    assert_eq!(daemon.delivered()["sent"], reminded);
    site.set_clock("2026-12-14 08:00:01");
    assert_eq!(daemon.delivered()["sent"], reminded, "reminder-1");
    daemon.stop();
    assert!(site.done(&["audit", "verify"]).contains("intact"));
}

#[test]
fn what_waited_when_the_backup_was_made_waits_for_a_person_after_the_restoration() {
    let mut site = Site::small("2026-12-01 09:00:01");
    site.mail_to(9); // nobody listens there
    let mut daemon = site.run().ready();
    daemon.wait_for_message("delivered");
    daemon.stop();
    assert_eq!(site.mailboxes("announcement", "retry").len() + site.mailboxes("announcement", "queued").len(), 7);
    backup(&site, "waiting.sqlite");
    restore(&site, "waiting.sqlite");
    let server = MailServer::start();
    site.mail_to(server.port());
    let mut daemon = site.run().ready();
    daemon.pass_round_after(site.set_clock("2026-12-01 11:00:00"));
    daemon.stop();
    assert_eq!(site.mailboxes("announcement", "held"), SMALL_ANNOUNCED);
    assert_eq!(server.received().len(), 0);
}

#[test]
fn a_backup_overwrites_nothing_and_is_its_owners_alone() {
    let site = Site::small("2026-12-01 08:30:00");
    site.done(&["record", "2026-12", "planning", "abh-bonn", "complete"]);
    backup(&site, "one.sqlite");
    let mode = fs::metadata(site.path("one.sqlite")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let check = |name: &str, code: i32, words: &[&str]| {
        let file = site.path(name);
        Answer::at(&site, &["backup", file.to_str().expect("UTF-8")]).refused(code, words);
    };
    check("one.sqlite", 2, &["one.sqlite: is there already", "name another file"]);
    check("data/fristd.sqlite", 2, &["is there already"]);
    check("nowhere/one.sqlite", 1, &["nowhere/one.sqlite", "No such file"]);
    fs::write(site.path("two.sqlite.part"), "somebody's").expect("written");
    check("two.sqlite", 2, &["two.sqlite.part: is there already"]);
    assert_eq!(site.read("two.sqlite.part"), "somebody's");
    assert!(!site.path("two.sqlite").exists());
    assert_eq!(site.query("SELECT event, COUNT(*) FROM log WHERE event = 'backup'"), [("backup".to_owned(), 1)]);
}

#[test]
fn a_backup_for_which_there_is_no_room_leaves_nothing_behind() {
    let site = Site::small("2026-12-01 09:00:01");
    let mut daemon = site.run().ready();
    daemon.delivered();
    daemon.stop();
    fs::create_dir(site.path("backups")).expect("a folder");
    let target = site.path("backups/full.sqlite");
    let backup = site.command(&["backup", target.to_str().expect("UTF-8")]);
    // 100 KiB are enough to open the database, and too few for the copy
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\""]).arg(backup.get_program());
    command.args(backup.get_args());
    for (name, value) in backup.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.output().expect("a shell");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let left: Vec<_> = fs::read_dir(site.path("backups")).expect("the folder").collect();
    assert!(left.is_empty(), "{left:?}");
    site.done(&["backup", target.to_str().expect("UTF-8")]);
}
