//! What becomes of mails when the relay, the disk or the daemon itself fails in the middle: nothing is lost, nothing doubled
//! but out of `uncertain`, and everything can be seen.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use support::daemon::{Daemon, message_of, poll};
use support::mail_server::{DEFERRED, MailServer, REFUSED};
use support::peer::{Peer, header};
use support::scripted_smtp::{Act, Phase};
use support::site::{SMALL_ANNOUNCED, SMALL_ZRK, Site, text};

const ALL: usize = SMALL_ANNOUNCED.len();

#[test]
fn sigterm_while_the_relay_is_silent_ends_it_in_time_and_the_next_start_delivers() {
    let phases = [(Phase::Connect, None), (Phase::Mail, Some("MAIL")), (Phase::Rcpt, Some("RCPT"))];
    std::thread::scope(|scope| {
        for (phase, command) in phases {
            scope.spawn(move || check_silence(phase, command)); // at once, because each takes the whole grace
        }
    });
}

fn check_silence(phase: Phase, command: Option<&str>) {
    let silent = Peer::start([(phase, Act::Hang)]);
    let mut site = Site::small("2026-12-01 09:00:00");
    site.mail_to(silent.port());
    let daemon = site.run().ready();
    match command {
        Some(command) => silent.wait_for_commands(command, 1),
        None => poll("a connection", || (silent.connections() > 0).then_some(())),
    }
    let log = daemon.stop();
    assert!(log.iter().any(|line| message_of(line).starts_with("the mail in hand did not end in time")), "{phase:?}");

    let good = Peer::start([]);
    site.mail_to(good.port());
    let mut daemon = site.run();
    let delivered = daemon.delivered();
    daemon.stop();
    assert_eq!((&delivered["sent"], &delivered["uncertain"]), (&ALL.into(), &0.into()), "{phase:?}");
    assert_eq!(mailboxes(&good), SMALL_ANNOUNCED, "{phase:?}: none was handed over before, so none is uncertain");
}

#[test]
fn sigterm_in_the_middle_of_a_delivery_ends_the_mail_in_hand_and_gives_the_others_back() {
    let peer = Peer::start([]);
    let mut site = Site::example("2026-12-01 09:00:00");
    site.mail_to(peer.port());
    let daemon = site.run();
    peer.wait_for(3);
    let log = daemon.stop();
    let sent = peer.received().len();
    assert!(
        log.iter().any(|line| message_of(line) == "delivered" && line["fields"]["sent"] == sent),
        "{sent} are in the log"
    );
    assert_eq!(site.mailboxes("announcement", "accepted").len(), sent);
    assert_eq!(site.mailboxes("announcement", "queued").len(), 256 - sent, "nobody has to wait for a lease to end");
}

#[test]
fn a_mail_that_was_handed_over_without_an_answer_is_uncertain_and_sent_once_more_as_the_same_mail() {
    let silent = Peer::start([ok(Phase::Rcpt), ok(Phase::Rcpt), ok(Phase::Rcpt), (Phase::Message, Act::Hang)]);
    let mut site = Site::small("2026-12-01 09:00:00");
    site.mail_to(silent.port());
    site.set("LIMITS__CONNECTIONS", "1");
    let daemon = site.run().ready();
    silent.wait_for_commands("DATA", 3);
    wait_for_hand_overs(&site, 3);
    daemon.stop();
    assert_eq!(silent.received().len(), 2);

    let good = Peer::start([]);
    site.mail_to(good.port());
    let mut daemon = site.run();
    let line = daemon.wait_for("an uncertain notice", |line| line["fields"]["event"] == "uncertain");
    assert_eq!(
        line["fields"]["reason"],
        "fristd stopped after the mail was handed over and before the reply was recorded"
    );
    assert_eq!(daemon.delivered()["sent"], ALL - 3, "the rest at once");
    let uncertain = site.outbox().into_iter().find(|notice| notice["state"] == "uncertain").expect("one is uncertain");
    assert_eq!(
        site.query("SELECT 'uncertain', uncertain FROM notices WHERE uncertain > 0"),
        [("uncertain".to_owned(), 1)]
    );

    site.set_clock("2026-12-01 09:05:00");
    assert_eq!(daemon.delivered()["sent"], 1, "and that one once more");
    daemon.pass_round_after(site.set_clock("2026-12-01 11:00:00"));
    daemon.stop();
    let shown = site.done(&["outbox", "show", &text(&uncertain["id"]), "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    let outcomes: Vec<&str> = shown["attempts"]
        .as_array()
        .expect("attempts")
        .iter()
        .filter_map(|attempt| attempt["outcome"].as_str())
        .collect();
    assert_eq!(outcomes, ["uncertain", "accepted"]);
    let again: Vec<_> = good.received().into_iter().filter(|mail| mail.to == text(&uncertain["to"])).collect();
    assert_eq!(again.len(), 1, "once more, not twice");
    assert_eq!(header(&again[0], "Message-ID"), shown["message_id"].as_str().map(str::to_owned));
    let everybody: BTreeSet<String> = mailboxes(&silent).into_iter().chain(mailboxes(&good)).collect();
    assert_eq!(everybody, SMALL_ANNOUNCED.map(str::to_owned).into());
}

#[test]
fn killed_again_and_again_it_loses_nothing_and_doubles_only_what_was_uncertain() {
    const KILLS_AT: [usize; 5] = [2, 51, 77, 120, 201]; // within a batch of fifty, at its end, after it
    let peer = Peer::start([]);
    let mut site = Site::example("2026-12-01 09:00:00");
    site.mail_to(peer.port());
    site.set("LIMITS__CONNECTIONS", "1");
    for (number, count) in KILLS_AT.into_iter().enumerate() {
        // later than the pause before a repetition, and long before a dead daemon's claims would end by themselves
        site.set_clock(&format!("2026-12-01 09:{:02}:00", 2 * number));
        let daemon = site.run();
        peer.wait_for(count);
        daemon.kill();
    }
    site.set_clock("2026-12-01 09:12:00");
    let mut daemon = site.run().ready();
    // a kill may leave one mail uncertain, which is sent once more a minute later
    daemon.delivered();
    daemon.pass_round_after(site.set_clock("2026-12-01 09:15:00"));
    daemon.stop();

    let outbox = site.outbox();
    assert_eq!(outbox.len(), 256);
    assert!(outbox.iter().all(|notice| notice["state"] == "accepted"), "everything was delivered in the end");
    let uncertain: BTreeMap<String, i64> = site.query("SELECT id, uncertain FROM notices").into_iter().collect();
    let mut times: BTreeMap<String, i64> = BTreeMap::new();
    for mail in peer.received() {
        let id = header(&mail, "Message-ID").expect("a Message-ID");
        let id = id.trim_start_matches('<').split('@').next().unwrap_or_default().to_owned();
        assert!(outbox.iter().any(|notice| notice["id"] == id && notice["to"] == mail.to), "{id} to {}", mail.to);
        *times.entry(id).or_default() += 1;
    }
    assert_eq!(times.len(), 256, "every mailbox has its mail");
    for (id, times) in &times {
        assert!(times - 1 <= uncertain[id], "{id} came {times} times and was uncertain {} times", uncertain[id]);
    }
    let doubts: i64 = uncertain.values().sum();
    assert!(
        doubts <= KILLS_AT.len() as i64,
        "at most one mail is in the air when it is killed, but {doubts} were in doubt"
    );
}

#[test]
fn a_delivery_that_takes_long_ends_between_two_mails_and_goes_on_in_the_next_round() {
    let peer = Peer::start([]);
    let mut site = Site::example("2026-12-01 09:00:00");
    site.mail_to(peer.port());
    site.set("LIMITS__CONNECTIONS", "1");
    let mut daemon = site.run();
    peer.wait_for(3);
    site.set_clock("2026-12-01 09:01:30"); // as if these mails had taken a minute and a half
    assert_eq!(daemon.delivered()["sent"], 50, "the batch that was begun is ended, and none is begun");
    peer.wait_for(53);
    site.set_clock("2026-12-01 09:04:00"); // and these more than two
    let sent = daemon.delivered()["sent"].as_u64().expect("a count");
    assert!((3..50).contains(&sent), "{sent}: the rest of the batch is given back");
    assert_eq!(daemon.delivered()["sent"], 256 - 50 - sent);
    daemon.stop();
    let told: BTreeSet<String> = mailboxes(&peer).into_iter().collect();
    assert_eq!((peer.received().len(), told.len()), (256, 256), "each mailbox once");
}

#[test]
fn a_relay_that_refuses_connections_is_waited_for() {
    let mut server = MailServer::start();
    server.stop();
    let mut site = Site::small("2026-12-01 09:00:00");
    site.mail_to(server.port());
    let mut daemon = site.run();
    let delivered = daemon.delivered();
    assert_eq!((&delivered["sent"], &delivered["retry"], &delivered["rejected"]), (&0.into(), &1.into(), &0.into()));
    let listed = site.done(&["outbox", "list", "--state", "retry"]);
    assert!(
        listed.contains("connect to 127.0.0.1:") && listed.contains("refused") && listed.contains("1 notice\n"),
        "{listed}"
    );
    assert_eq!(site.mailboxes("announcement", "queued").len(), ALL - 1, "one attempt tells enough; the others wait");
    assert_eq!(site.query("SELECT 'flags', COUNT(*) FROM flags"), [("flags".to_owned(), 0)], "no mailbox is blamed");

    server.start_again();
    site.set_clock("2026-12-01 09:05:00");
    assert_eq!(daemon.delivered()["sent"], ALL);
    daemon.stop();
    assert_eq!(server.wait_for(ALL).len(), ALL);
}

#[test]
fn a_relay_that_speaks_nonsense_or_too_much_is_no_relay() {
    let nonsense = [
        (Phase::Connect, Act::SayAndClose("HTTP/1.1 400 Bad Request")),
        (Phase::Connect, Act::SayAndClose("421 4.3.2 out of order")),
        (Phase::Connect, Act::Close),
        (Phase::Mail, Act::Say("999 what is this?")),
    ];
    let rounds = nonsense.len();
    let peer = Peer::start(nonsense);
    let mut site = Site::small("2026-12-01 09:00:00");
    site.mail_to(peer.port());
    let mut daemon = site.run();
    for round in 0..rounds {
        let delivered = daemon.delivered();
        assert_eq!((&delivered["sent"], &delivered["retry"]), (&0.into(), &1.into()), "round {round}: {delivered}");
        site.set_clock(&format!("2026-12-01 1{round}:00:00")); // the pauses grow
    }
    assert_eq!(daemon.delivered()["sent"], ALL);
    daemon.stop();
    assert_eq!(mailboxes(&peer), SMALL_ANNOUNCED);
    assert_eq!(site.query("SELECT 'flags', COUNT(*) FROM flags"), [("flags".to_owned(), 0)]);
}

#[test]
fn a_mailbox_that_is_refused_for_good_is_flagged_and_told_to_the_zrk_once_while_the_rest_goes_on() {
    let server = MailServer::start();
    let mut site = Site::small("2026-12-01 09:00:00");
    site.mail_to(server.port());
    let (refused, deferred) = (format!("{REFUSED}@krefeld.example"), format!("{DEFERRED}@bonn.example"));
    let contacts = site.read("contacts.csv").replace("rueckkehr@krefeld.example", &refused);
    site.write("contacts.csv", &contacts.replace("rueckkehr@bonn.example", &deferred));
    let mut daemon = site.run();
    let delivered = daemon.delivered();
    assert_eq!(
        (&delivered["sent"], &delivered["rejected"], &delivered["retry"]),
        (&(ALL - 2).into(), &1.into(), &1.into()),
        "{delivered}"
    );
    assert_eq!(daemon.delivered()["sent"], 1, "the ZRK is told");
    assert_eq!(site.mailboxes("announcement", "rejected"), [refused.as_str()]);
    let listed = site.done(&["outbox", "list", "--state", "rejected"]);
    assert!(listed.contains("550 5.1.1 no such mailbox"), "{listed}");
    assert_eq!(site.mailboxes("announcement", "retry"), [deferred.as_str()]);
    let listed = site.done(&["outbox", "list", "--state", "retry"]);
    assert!(listed.contains("451 4.3.0 try again later"), "{listed}");
    for hour in 10..13 {
        site.set_clock(&format!("2026-12-01 {hour}:00:00"));
        assert_eq!(daemon.delivered()["retry"], 1, "the deferred one is tried again, and only that one");
    }

    // the next reminder leaves the flagged mailbox out
    site.set_clock("2026-12-08 08:00:00");
    daemon.delivered();
    daemon.stop();
    assert!(!site.mailboxes("reminder-5", "accepted").contains(&refused));
    assert_eq!(site.query("SELECT mailbox, 1 FROM flags"), [(refused.clone(), 1)]);
    let mails = server.wait_for(ALL - 1);
    let to_zrk: Vec<_> = mails.iter().filter(|mail| mail.envelope_to == SMALL_ZRK).collect();
    assert_eq!(to_zrk.len(), 1, "told once");
    assert!(site.outbox().iter().any(|notice| notice["to"] == SMALL_ZRK && notice["kind"] == "zrk-notice"));
    assert!(to_zrk[0].body().contains(&refused), "{}", to_zrk[0].body());
}

#[test]
fn the_log_names_no_mailbox_whatever_the_relay_says() {
    const ECHO: &str = "550 5.1.1 <gemeinsam@mettmann.example>: Recipient address rejected: User unknown";
    let peer = Peer::start([(Phase::Rcpt, Act::Say(ECHO))]);
    let to_folder = Site::small("2026-12-01 09:00:00");
    let mut to_peer = Site::small("2026-12-01 09:00:00");
    to_peer.mail_to(peer.port());
    for site in [&to_folder, &to_peer] {
        let mut daemon = site.run();
        daemon.delivered();
        for line in daemon.stop() {
            assert!(!line.to_string().contains('@'), "{line}");
        }
    }
    assert!(to_peer.done(&["outbox", "list", "--state", "rejected"]).contains(ECHO), "the proof keeps the words");
}

#[test]
fn a_folder_that_takes_no_mails_is_waited_for() {
    // a file in the folder's place holds root off as well, whom permissions do not
    let mut site = Site::small("2026-12-01 09:00:00");
    site.set("MAIL__DIRECTORY", "mails");
    fs::write(site.path("mails"), "no folder").expect("a file");
    let mut daemon = site.run();
    assert_eq!(daemon.delivered()["retry"], 1);
    let listed = site.done(&["outbox", "list", "--state", "retry"]);
    assert!(listed.contains("make folder ") && listed.contains("/mails: "), "{listed}");
    fs::remove_file(site.path("mails")).expect("the file can go");
    site.set_clock("2026-12-01 09:05:00");
    assert_eq!(daemon.delivered()["sent"], ALL);
    daemon.stop();
    assert_eq!(fs::read_dir(site.path("mails")).expect("a folder now").count(), ALL);
}

#[test]
fn a_full_disk_stops_neither_the_daemon_nor_loses_a_notice() {
    let site = Site::small("2026-12-01 08:00:00");
    site.run().ready().stop(); // the database is there, with all its tables
    site.set_clock("2026-12-01 09:00:00");
    let mut daemon = Daemon::spawn(support::daemon::with_a_full_disk(&site.command(&["run", "--log", "json"])));
    let line = daemon.wait_for("a tick that failed", |line| message_of(line).starts_with("this tick failed"));
    assert!(line.to_string().contains("is the disk full"), "{line}");
    daemon.wait_for("another try", |line| message_of(line).starts_with("this tick failed"));
    assert!(daemon.is_running());
    assert!(site.outbox().is_empty(), "half a tick leaves nothing");
    daemon.allow_large_files(); // the disk has room again, and nobody has to restart it
    assert_eq!(daemon.delivered()["sent"], ALL);
    daemon.stop();
    assert_eq!(site.mailboxes("announcement", "accepted"), SMALL_ANNOUNCED);
}

fn ok(phase: Phase) -> (Phase, Act) {
    (phase, Act::Say("250 2.1.5 ok"))
}

/// Waits until the database says that a mail is being handed over.
fn wait_for_hand_overs(site: &Site, count: usize) {
    poll("hand-overs", || {
        let handed_over = site.query("SELECT id, 1 FROM notices WHERE handed_over_at IS NOT NULL");
        (handed_over.len() == count).then_some(())
    });
}

fn mailboxes(peer: &Peer) -> Vec<String> {
    let mut mailboxes: Vec<String> = peer.received().into_iter().map(|mail| mail.to).collect();
    mailboxes.sort();
    mailboxes
}
