//! Changed settings while the daemon runs: taken over whole or not at all, by themselves or on SIGHUP, and what follows.

mod support;

use std::collections::BTreeMap;

use serde_json::Value;
use support::daemon::{message_of, poll};
use support::mail_server::MailServer;
use support::site::{SMALL_ANNOUNCED, SMALL_ZRK, Site, text};

const ALL: usize = SMALL_ANNOUNCED.len();
const MOVED: &str = "\n[[cycle]]\nmonth = \"2026-12\"\nimport = 2026-12-03\n";

#[test]
fn a_new_contact_is_noticed_by_itself_and_gets_the_announcement_while_it_is_live() {
    let site = Site::small("2026-12-01 09:00:00");
    let mut daemon = site.run();
    assert_eq!(daemon.delivered()["sent"], ALL);

    let contacts = site.read("contacts.csv");
    site.write("contacts.csv", &format!("{contacts}abh-bonn,neu@bonn.example,Neu,,,\n")); // a new file in the old one's place
    let line = daemon.wait_for_message("settings reloaded");
    assert!(line.to_string().contains("contacts: 1 added, 0 removed"), "{line}");
    assert!(line.to_string().contains("a mailbox of abh-bonn comes") && !line.to_string().contains('@'), "{line}");
    assert_eq!(daemon.delivered()["sent"], 1, "the new one alone");
    let compared = site.done(&["check", "--diff"]);
    assert!(compared.contains("nothing differs"), "what was reloaded is what was taken: {compared}");

    site.set_clock("2026-12-04 09:30:00");
    site.append("contacts.csv", "abh-bonn,neuer@bonn.example,Neuer,,,\n"); // written in place
    daemon.wait_for_message("settings reloaded");
    assert_eq!(daemon.delivered()["sent"], 1);

    // in the middle of the first reminder the announcement is still live for who comes then (N3, N6)
    site.append("contacts.csv", "abh-bonn,spaet@bonn.example,Spät,2026-12-09,,\n");
    daemon.wait_for_message("settings reloaded");
    site.set_clock("2026-12-09 09:00:00");
    daemon.delivered();
    daemon.stop();
    let mut wanted: Vec<String> = SMALL_ANNOUNCED.map(str::to_owned).to_vec();
    wanted.extend(["neu@bonn.example", "neuer@bonn.example", "spaet@bonn.example"].map(str::to_owned));
    wanted.sort();
    assert_eq!(site.mailboxes("announcement", "accepted"), wanted, "each once");
}

#[test]
fn a_new_sender_changes_no_message_id() {
    let server = MailServer::start();
    let mut site = Site::small("2026-12-01 09:00:00");
    site.mail_to(server.port());
    let mut daemon = site.run();
    assert_eq!(daemon.delivered()["sent"], ALL);
    daemon.stop();
    site.set("MAIL__FROM", "frist@neu.example");
    site.set_clock("2026-12-08 09:00:00");
    let mut daemon = site.run();
    daemon.delivered();
    daemon.stop();

    let outbox = site.outbox();
    let reminder = outbox.iter().find(|notice| notice["step"] == "reminder-5").expect("somebody is reminded");
    let is_its_announcement = |notice: &&Value| {
        notice["step"] == "announcement" && ["duty", "to"].iter().all(|key| notice[key] == reminder[key])
    };
    let announcement = outbox.iter().find(is_its_announcement).expect("it was announced");
    let shown = |notice: &Value, how| site.done(&["outbox", "show", &text(&notice["id"]), how]);
    let told: Value = serde_json::from_str(&shown(announcement, "--json")).expect("JSON");
    let message_id = text(&told["message_id"]);
    assert!(shown(announcement, "--mail").contains(&format!("Message-ID: {message_id}\r\n")), "{message_id}");
    let mail = shown(reminder, "--mail");
    assert!(mail.contains("<frist@neu.example>") && mail.contains(&format!("References: {message_id}\r\n")), "{mail}");
}

#[test]
fn settings_with_faults_are_refused_whole_and_the_daemon_goes_on_with_the_old_ones() {
    let site = Site::small("2026-12-01 08:00:00");
    let mut daemon = site.run().ready();
    let (cycles, contacts) = (site.read("cycles.toml"), site.read("contacts.csv"));
    let broken =
        cycles.replace("kind = \"overdue\"", "kind = \"overdew\"").replace("calendar = \"nrw\"", "calendar = \"mond\"");
    // the contact is right, but it comes with what is wrong
    site.write("contacts.csv", &format!("{contacts}abh-bonn,neu@bonn.example,Neu,,,\nabh-bonn,kein Postfach,,,,\n"));
    site.write("cycles.toml", &broken);
    let has_all = |line: &Value| {
        let complaints = line["fields"]["complaints"].as_str().unwrap_or_default();
        let wanted = ["overdew", "mond", "kein Postfach"];
        message_of(line) == "settings refused; the ones before stay in force"
            && wanted.iter().all(|word| complaints.contains(word))
    };
    daemon.wait_for("all complaints at once", has_all);
    site.set_clock("2026-12-01 09:00:00");
    assert_eq!(daemon.delivered()["sent"], ALL, "to those of before");

    site.write("cycles.toml", &cycles);
    site.write("contacts.csv", &format!("{contacts}abh-bonn,neu@bonn.example,Neu,,,\n"));
    daemon.wait_for_message("settings reloaded");
    assert_eq!(daemon.delivered()["sent"], 1, "and to the new one once all is right");
    daemon.stop();
}

#[test]
fn sighup_reloads_and_a_second_database_is_not_taken_in_flight() {
    let site = Site::small("2026-12-01 08:00:00");
    let mut daemon = site.run().ready();
    for _ in 0..2 {
        daemon.signal("HUP");
        let line = daemon.wait_for_message("settings reloaded");
        assert_eq!(line["fields"]["changes"], "[]", "nothing has changed");
    }
    let settings = site.read("fristd.toml").replace("\"data\"  ", "\"other\"");
    assert!(settings.contains("\"other\""), "the example names its data folder");
    site.write("fristd.toml", &settings);
    daemon.wait_for("the refusal", |line| message_of(line).contains("the database cannot change while fristd runs"));
    daemon.stop();
    assert!(!site.path("other").exists());
}

#[test]
fn a_moved_import_date_changes_nothing_without_a_reason_and_with_one_everybody_is_told_once() {
    let site = Site::small("2026-12-01 09:00:00");
    let mut daemon = site.run();
    assert_eq!(daemon.delivered()["sent"], ALL);

    site.append("cycles.toml", MOVED);
    let line = daemon.wait_for_message("settings reloaded");
    assert!(
        line.to_string().contains("import 2026-12-03 was 2026-12-01, deadline 2026-12-17 was 2026-12-15"),
        "{line}"
    );
    assert_eq!(daemon.delivered()["sent"], 1, "the ZRK is told that it deviates");
    assert_eq!(zrk_notices(&site), [SMALL_ZRK]);
    assert_eq!(revisions(&site), 1, "the deadline that was told holds");
    assert!(site.mailboxes("correction", "accepted").is_empty());

    site.append("cycles.toml", "correction = \"Der Datenimport musste verschoben werden.\"\n");
    daemon.wait_for_message("settings reloaded");
    assert_eq!(daemon.delivered()["sent"], ALL);
    assert_eq!(site.mailboxes("correction", "accepted"), SMALL_ANNOUNCED, "all that were told the old date");
    assert_eq!(revisions(&site), 2);
    let status = site.done(&["status", "2026-12", "--duty", "planning"]);
    let corrected =
        "from Dienstag, 15. Dezember 2026 to Donnerstag, 17. Dezember 2026: Der Datenimport musste verschoben werden.";
    assert!(status.contains("(announced, 1 correction)") && status.contains(corrected), "{status}");
    let status: Value = serde_json::from_str(&site.done(&["status", "2026-12", "--json"])).expect("JSON");
    assert_eq!(status["duties"][0]["corrections"][0]["ended_on_before"], "2026-12-15");
    assert_eq!(status["duties"][1]["corrections"], Value::Null);
    let outbox = site.outbox();
    for notice in outbox.iter().filter(|notice| notice["step"] == "correction") {
        assert_eq!(notice["revision"], 2);
        let announced = |other: &&Value| other["step"] == "announcement" && other["to"] == notice["to"];
        let announcement = outbox.iter().find(announced).expect("it was announced");
        let mail = site.done(&["outbox", "show", &text(&notice["id"]), "--mail"]);
        assert!(mail.contains(&format!("References: <{}@", text(&announcement["id"]))), "{mail}");
        assert!(mail.contains("17"), "the new date");
    }

    // on the new import date the announcement goes to nobody that was told, but to who comes then
    daemon.pass_round_after(site.set_clock("2026-12-03 09:00:00"));
    assert_eq!(site.outbox().len(), 2 * ALL + 1);
    daemon.signal("HUP");
    daemon.wait_for_message("settings reloaded");
    daemon.pass_round_after(site.set_clock("2026-12-03 10:00:00"));
    assert_eq!((site.outbox().len(), revisions(&site)), (2 * ALL + 1, 2), "once, however often it is loaded");
    site.append("contacts.csv", "abh-bonn,neu@bonn.example,Neu,,,\n");
    daemon.wait_for_message("settings reloaded");
    assert_eq!(daemon.delivered()["sent"], 1);
    // every step is reckoned from the new date: five working days before 17 December
    daemon.pass_round_after(site.set_clock("2026-12-08 08:00:00"));
    let of_planning = |step: &str| {
        site.outbox().iter().filter(|notice| notice["duty"] == "planning" && notice["step"] == step).count()
    };
    assert_eq!(of_planning("reminder-5"), 0);
    daemon.pass_round_after(site.set_clock("2026-12-10 08:00:00"));
    daemon.stop();
    assert_eq!(of_planning("reminder-5"), 6);
    assert_eq!(zrk_notices(&site), [SMALL_ZRK], "told once");
}

#[test]
fn killed_while_corrections_go_out_it_tells_everybody_the_new_date_and_the_old_one_no_more() {
    const KILLS_AT: [usize; 2] = [20, 55]; // corrections at the relay: within a batch of fifty, and in the next
    let mut server = MailServer::start();
    let mut site = Site::small("2026-12-01 09:00:00");
    for number in 0..70 {
        site.append("contacts.csv", &format!("abh-bonn,amt{number}@bonn.example,Amt,,,\n")); // more than a batch
    }
    site.mail_to(server.port());
    site.set("LIMITS__CONNECTIONS", "1");
    let mut daemon = site.run();
    daemon.delivered();
    let announced = site.outbox().iter().filter(|notice| notice["step"] == "announcement").count();
    poll("all announcements", || (server.received().len() == announced).then_some(()));
    // the reminders of the old date wait: the relay is away in the morning on which they are due
    server.stop();
    site.set_clock("2026-12-08 08:00:00");
    assert_eq!(daemon.delivered()["sent"], 0);
    site.append("cycles.toml", &format!("{MOVED}correction = \"Der Datenimport musste verschoben werden.\"\n"));
    let line = daemon.wait_for("the correction", |line| message_of(line).starts_with("deadline corrected"));
    assert_eq!((&line["fields"]["revision"], &line["fields"]["corrections"]), (&2.into(), &announced.into()), "{line}");
    server.start_again();
    site.set_clock("2026-12-08 08:10:00"); // later than the pause after the attempt that failed
    for count in KILLS_AT {
        poll("corrections at the relay", || (server.received().len() >= announced + count).then_some(()));
        daemon.kill();
        daemon = site.run();
    }
    daemon.delivered();
    // a kill may leave one mail uncertain, which is sent once more a minute later
    daemon.pass_round_after(site.set_clock("2026-12-08 08:30:00"));
    daemon.pass_round_after(site.set_clock("2026-12-08 09:30:00"));
    daemon.stop();

    let outbox = site.outbox();
    let of = |step: &str| -> BTreeMap<String, &Value> {
        let is_meant = |notice: &&Value| notice["duty"] == "planning" && notice["step"] == step;
        outbox.iter().filter(is_meant).map(|notice| (text(&notice["id"]), notice)).collect()
    };
    let (corrections, reminders) = (of("correction"), of("reminder-5"));
    assert_eq!(corrections.len(), announced);
    assert!(corrections.values().all(|notice| notice["state"] == "accepted"));
    assert!(!reminders.is_empty() && reminders.values().all(|notice| notice["state"] == "withdrawn"));
    let uncertain: BTreeMap<String, i64> = site.query("SELECT id, uncertain FROM notices").into_iter().collect();
    let mut times: BTreeMap<String, i64> = BTreeMap::new();
    for mail in server.received() {
        let id = mail.header("Message-ID").expect("a Message-ID");
        let id = id.trim_start_matches('<').split('@').next().unwrap_or_default().to_owned();
        assert!(!reminders.contains_key(&id), "a reminder of the old date went out");
        *times.entry(id).or_default() += 1;
    }
    for id in corrections.keys() {
        let doubts = uncertain[id];
        assert!((1..=1 + doubts).contains(&times[id]), "{id} came {} times, {doubts} in doubt", times[id]);
    }
    assert!(uncertain.values().sum::<i64>() <= KILLS_AT.len() as i64, "at most one mail is in the air at a kill");
    assert_eq!(revisions(&site), 2);
}

fn zrk_notices(site: &Site) -> Vec<String> {
    site.outbox().iter().filter(|notice| notice["kind"] == "zrk-notice").map(|notice| text(&notice["to"])).collect()
}

fn revisions(site: &Site) -> i64 {
    site.query("SELECT duty, COUNT(*) FROM revisions WHERE duty = 'planning' GROUP BY duty")[0].1
}
