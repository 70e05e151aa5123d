//! Runs the daemon as a process with a clock that is turned: what it says, to whom, and that it says it once.

mod support;

use std::collections::BTreeSet;

use support::daemon::message_of;
use support::mail_server::{MailServer, ReceivedMail};
use support::peer::{Peer, header};
use support::site::{SMALL_ANNOUNCED, Site, text};

const ANNOUNCED: usize = 256; // 258 contacts without the ZRK's two

#[test]
fn december_is_announced_at_nine_to_every_mailbox_once() {
    let server = MailServer::start();
    let mut site = Site::example("2026-12-01 08:59:57");
    site.mail_to(server.port());

    let mut daemon = site.run().ready();
    let before_nine = site.set_clock("2026-12-01 08:59:58");
    daemon.wait_for("a round before nine", |line| message_of(line) == "round done");
    assert!(site.outbox().is_empty(), "nothing is queued before nine");
    assert_eq!(daemon.delivered()["sent"], ANNOUNCED);
    let mails = server.wait_for(ANNOUNCED);
    check_announcements(&site, &mails);
    daemon.stop();

    let mut daemon = site.run().ready();
    daemon.pass_round_after(before_nine);
    daemon.pass_round_after(site.set_clock("2026-12-01 09:17:00"));
    daemon.stop();

    let friday = site.set_clock("2026-12-04 08:30:00");
    let mut daemon = site.run().ready();
    daemon.pass_round_after(friday);
    daemon.stop();
    assert_eq!(server.received().len(), ANNOUNCED, "nothing but the announcement is live on 4 December");
}

/// M2, M3, N2: one mail a mailbox, with the headers that every mail has.
fn check_announcements(site: &Site, mails: &[ReceivedMail]) {
    let contacts = site.read("contacts.csv");
    let wanted: BTreeSet<&str> = contacts
        .lines()
        .skip(1)
        .filter(|line| !line.starts_with("zrk,"))
        .filter_map(|line| line.split(',').nth(1))
        .collect();
    let told: BTreeSet<&str> = mails.iter().map(|mail| mail.envelope_to.as_str()).collect();
    assert_eq!((mails.len(), &told), (wanted.len(), &wanted), "each mailbox but the ZRK's, once");
    for office in ["rrk@bezirksregierung-koeln.example", "zfa@zfa-nrw.example"] {
        assert!(told.contains(office), "{office} gets a copy");
    }
    let ids: BTreeSet<String> = mails.iter().filter_map(|mail| mail.header("Message-ID")).collect();
    assert_eq!(ids.len(), mails.len(), "each mail has its own Message-ID");
    for mail in mails {
        let header = |name: &str| mail.header(name).unwrap_or_default();
        assert_eq!(mail.envelope_from, "fristen@zrk-nrw.example");
        assert!(
            header("To").contains(&format!("<{}>", mail.envelope_to)) || header("To") == mail.envelope_to,
            "{}",
            header("To")
        );
        assert_eq!(header("Auto-Submitted"), "auto-generated");
        assert_eq!(header("X-Auto-Response-Suppress"), "OOF, AutoReply");
        assert!(header("Date").starts_with("Tue, 01 Dec 2026 0"), "{}", header("Date"));
        assert!(header("From").ends_with("<fristen@zrk-nrw.example>"), "{}", header("From"));
        assert_eq!(mail.header("References"), None, "an announcement refers to nothing");
        assert_eq!((mail.header("Cc"), mail.header("Bcc")), (None, None));
    }
}

#[test]
fn on_monday_after_a_standstill_only_the_live_reminder_goes_out_and_only_to_the_missing() {
    let server = MailServer::start();
    let mut site = Site::small("2026-12-01 09:00:00");
    site.mail_to(server.port());
    let mut daemon = site.run();
    assert_eq!(daemon.delivered()["sent"], SMALL_ANNOUNCED.len());
    daemon.stop();

    site.set_clock("2026-12-04 10:00:00");
    site.done(&["record", "2026-12", "planning", "abh-krefeld", "complete"]);
    site.done(&["record", "2026-12", "statistics", "abh-krefeld", "nil"]);
    site.done(&["record", "2026-12", "planning", "abh-bonn", "complete"]);
    site.done(&["record", "2026-12", "statistics", "abh-bonn", "partial", "--missing", "returns"]);

    // the reminder of 8 December is live on Saturday 12 December, but no mail goes out on a Saturday
    let saturday = site.set_clock("2026-12-12 10:00:00");
    let mut daemon = site.run();
    daemon.pass_round_after(saturday);
    assert_eq!(server.received().len(), SMALL_ANNOUNCED.len(), "nothing is sent on a Saturday");
    let (essen, mettmann) = (["leitung@essen.example", "rueckkehr@essen.example"], "gemeinsam@mettmann.example");
    let both = [mettmann, mettmann, essen[0], essen[0], "rueckkehr@bonn.example", essen[1], essen[1]];
    assert_eq!(site.mailboxes("reminder-5", "queued"), both, "Bonn for the statistics only, Krefeld for nothing");

    site.set_clock("2026-12-14 08:00:00");
    let delivered = daemon.delivered();
    daemon.stop();
    assert_eq!((&delivered["sent"], &delivered["expired"]), (&both.len().into(), &both.len().into()), "{delivered}");
    assert_eq!(site.mailboxes("reminder-5", "expired"), both, "its time was over when the hours of sending opened");
    assert_eq!(site.mailboxes("reminder-1", "accepted"), both);
    let mails = server.wait_for(SMALL_ANNOUNCED.len() + both.len());
    let (announcements, reminders) = mails.split_at(SMALL_ANNOUNCED.len());
    let of_planning: Vec<&ReceivedMail> = reminders.iter().filter(|mail| mail.header("References").is_some()).collect();
    assert_eq!(of_planning.len(), 3, "only planning was announced, so only its reminders refer to something (M3)");
    for mail in of_planning {
        let announcement = announcements.iter().find(|announcement| announcement.envelope_to == mail.envelope_to);
        assert_eq!(mail.header("References"), announcement.and_then(|announcement| announcement.header("Message-ID")));
    }
}

#[test]
fn a_reminder_that_a_standstill_swallowed_is_recorded_as_skipped_with_the_reason() {
    let site = Site::small("2026-12-01 09:00:00");
    let mut daemon = site.run();
    daemon.delivered();
    daemon.stop();
    site.set_clock("2026-12-14 08:00:00");
    let mut daemon = site.run();
    for duty in ["planning", "statistics"] {
        let is_skipped =
            |line: &serde_json::Value| line["fields"]["event"] == "skipped" && line["fields"]["duty"] == duty;
        let line = daemon.wait_for("a step that was skipped", is_skipped);
        assert_eq!(line["fields"]["step"], "reminder-5");
        assert_eq!(line["fields"]["reason"], "superseded by reminder-1 on 2026-12-14 08:00");
    }
    assert_eq!(daemon.delivered()["sent"], 10, "five mailboxes, two duties");
    daemon.stop();
    let steps: BTreeSet<String> = site.outbox().iter().map(|notice| text(&notice["step"])).collect();
    assert_eq!(steps, ["announcement".to_owned(), "reminder-1".to_owned()].into());
}

#[test]
fn a_clock_that_is_put_forward_or_set_back_neither_stops_the_daemon_nor_repeats_a_mail() {
    let site = Site::small("2026-12-01 08:00:00");
    let mut daemon = site.run().ready();
    site.set_clock("2026-12-01 09:00:00");
    assert_eq!(daemon.delivered()["sent"], SMALL_ANNOUNCED.len(), "put forward by an hour");
    site.set_clock("2026-12-01 08:30:00");
    for round in ["a round after the clock was set back", "another one"] {
        let is_before_nine = |line: &serde_json::Value| text(&line["timestamp"]).starts_with("2026-12-01T07:3");
        daemon.wait_for(round, |line| message_of(line) == "round done" && is_before_nine(line));
    }
    daemon.pass_round_after(site.set_clock("2026-12-01 09:30:00"));
    daemon.stop();
    assert_eq!(site.outbox().len(), SMALL_ANNOUNCED.len());
    assert_eq!(site.query("SELECT 'attempts', COUNT(*) FROM attempts"), [("attempts".to_owned(), 7)]);
}

#[test]
fn a_second_daemon_on_the_same_database_is_refused_and_the_first_goes_on() {
    let site = Site::small("2026-12-01 08:30:00");
    let mut first = site.run().ready();
    let (code, words) = site.run().end();
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("another `fristd run` is at work on it") && words.contains("fristd.sqlite"), "{words}");
    site.set_clock("2026-12-01 09:00:00");
    assert_eq!(first.delivered()["sent"], SMALL_ANNOUNCED.len());
    first.stop();
    site.run().ready().stop(); // and the lock is free again
}

#[test]
fn pause_stops_sending_in_the_middle_and_resume_lets_it_go_on() {
    let peer = Peer::start([]);
    let mut site = Site::example("2026-12-01 09:00:00");
    site.mail_to(peer.port());
    let mut daemon = site.run();
    peer.wait_for(3);
    assert_eq!(site.done(&["pause"]).trim(), "sending is paused; `fristd resume` lets it go on");
    let sent = daemon.delivered()["sent"].as_u64().expect("a count") as usize;
    assert!((3..ANNOUNCED).contains(&sent), "{sent} mails went out before the pause");
    daemon.pass_round_after(site.set_clock("2026-12-01 09:10:00"));
    assert_eq!(peer.received().len(), sent, "nothing more goes out");
    assert_eq!(site.mailboxes("announcement", "queued").len(), ANNOUNCED - sent, "and nothing is lost");
    daemon.stop();

    let mut daemon = site.run().ready(); // a pause outlives the daemon
    daemon.pass_round_after(site.set_clock("2026-12-01 09:20:00"));
    assert_eq!(peer.received().len(), sent);
    site.done(&["resume"]);
    assert_eq!(daemon.delivered()["sent"], ANNOUNCED - sent);
    daemon.stop();
    let ids: BTreeSet<Option<String>> = peer.received().iter().map(|mail| header(mail, "Message-ID")).collect();
    assert_eq!((peer.received().len(), ids.len()), (ANNOUNCED, ANNOUNCED));
}
