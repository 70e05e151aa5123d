//! M8: what is taken away after its time or for a person, what stays, and that nobody is told twice because of it.

mod support;

use std::fs;

use serde_json::json;
use support::answer::Answer;
use support::daemon::message_of;
use support::mail_server::MailServer;
use support::site::{SMALL_ANNOUNCED, Site};

const LEFT: &str = "leitung@essen.example"; // who has left
const LINE: &str = "abh-essen,leitung@essen.example,Leitung,,,\n";

/// A site whose daemon has announced December to all mailboxes.
fn announced() -> (Site, MailServer) {
    let server = MailServer::start();
    let mut site = Site::small("2026-12-01 09:00:01");
    site.mail_to(server.port());
    let mut daemon = site.run().ready();
    assert_eq!(daemon.delivered()["sent"], SMALL_ANNOUNCED.len());
    daemon.stop();
    (site, server)
}

/// Whether a word stands anywhere in the database, also in what SQLite keeps beside it or has not overwritten.
fn database_holds(site: &Site, word: &str) -> bool {
    let has_word =
        |bytes: Vec<u8>| bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()));
    let files = fs::read_dir(site.path("data")).expect("the data folder").map(|entry| entry.expect("an entry").path());
    files.filter(|file| file.is_file()).any(|file| has_word(fs::read(file).expect("a file of the site")))
}

#[test]
fn what_is_older_than_settings_keep_goes_and_the_rest_stays() {
    let (site, _server) = announced();
    let removed = "SELECT mailbox, 0 FROM notices WHERE mailbox LIKE 'removed-%@removed.invalid'";
    let mails = "SELECT sha256, LENGTH(mail) FROM attempts WHERE mail IS NOT NULL AND sha256 <> ''";
    site.set_clock("2028-12-31 23:00:00");
    Answer::at(&site, &["retention"])
        .refused(3, &["nothing is old enough to go; everything from 2026-12 on stays (24 months before this one)"]);

    site.set_clock("2029-01-01 08:00:00");
    let dry = Answer::at(&site, &["retention", "--json"]).json();
    assert_eq!(dry["applied"], false);
    assert_eq!((&dry["kept_from"], &dry["removed"][0]["month"]), (&json!("2027-01"), &json!("2026-12")));
    assert_eq!((&dry["removed"][0]["notices"], &dry["removed"][0]["mails"]), (&json!(7), &json!(7)));
    let words = site.done(&["retention"]);
    for part in ["2026-12         7        7", "would go: 7 mailboxes of notices, 7 mails", "fristd retention --apply"]
    {
        assert!(words.contains(part), "{part} in\n{words}");
    }
    assert_eq!((site.query(removed).len(), site.query(mails).len()), (0, 7), "a dry run changes nothing");

    let before = site.query("SELECT sha256, 0 FROM attempts ORDER BY sha256");
    let instants = "SELECT id || accepted_at || state, attempts FROM notices ORDER BY id";
    let (told, receipts) = (site.query(instants), site.query("SELECT authority, number FROM receipts"));
    assert!(site.done(&["retention", "--apply"]).contains("taken away: 7 mailboxes of notices, 7 mails"));
    assert_eq!((site.query(removed).len(), site.query(mails).len()), (7, 0));
    assert_eq!(
        site.query("SELECT sha256, 0 FROM attempts ORDER BY sha256"),
        before,
        "what was sent can be proved still"
    );
    assert_eq!((site.query(instants), site.query("SELECT authority, number FROM receipts")), (told, receipts));
    assert_eq!(site.query("SELECT event, COUNT(*) FROM log WHERE event = 'retention'"), [("retention".to_owned(), 1)]);
    Answer::at(&site, &["retention", "--apply"]).refused(3, &["nothing is old enough"]);
    assert_eq!(
        site.query("SELECT event, COUNT(*) FROM log WHERE event = 'retention'")[0].1,
        1,
        "nothing, nothing logged"
    );
    assert!(site.done(&["audit", "verify"]).contains("intact"));
}

#[test]
fn the_service_takes_old_mails_away_once_a_day_unless_told_otherwise() {
    let (mut site, _server) = announced();
    let mails = "SELECT 'mails', COUNT(*) FROM attempts WHERE mail IS NOT NULL AND notice IN
                     (SELECT id FROM notices WHERE month = '2026-12')";
    site.set("RETENTION__DAILY", "false");
    let new_year = site.set_clock("2029-01-02 03:00:00");
    let mut daemon = site.run().ready();
    daemon.pass_round_after(new_year);
    daemon.stop();
    assert_eq!(site.query(mails)[0].1, 7);
    site.set("RETENTION__DAILY", "true");
    let mut daemon = site.run().ready();
    let line = daemon.wait_for("the removal", |line| message_of(line).starts_with("mails and addresses taken away"));
    assert_eq!((&line["fields"]["notices"], &line["fields"]["mails"]), (&json!(7), &json!(7)), "{line}");
    daemon.stop();
    assert_eq!(site.query(mails)[0].1, 0);
}

#[test]
fn a_person_who_has_left_is_forgotten_by_a_dry_run_first() {
    let (site, server) = announced();
    Answer::at(&site, &["forget", "--contact", "leitung"]).refused(2, &["not a mail address", "name@domain.tld"]);
    Answer::at(&site, &["forget", "--contact", LEFT])
        .refused(2, &[LEFT, "still has it as a contact of abh-essen", "take its line out first"]);
    let contacts = site.read("contacts.csv");
    site.write("contacts.csv", &contacts.replace(LINE, ""));
    let words = site.done(&["forget", "--contact", "Leitung@Essen.example"]);
    for part in ["would go: 1 mailbox of a notice, 1 mail, 1 mark of a mailbox", "fristd forget --contact", "--apply"] {
        assert!(words.contains(part), "{part} in\n{words}");
    }
    assert!(database_holds(&site, LEFT), "a dry run changes nothing");
    assert!(site.done(&["forget", "--contact", LEFT, "--apply"]).contains("taken away: 1 mailbox of a notice, 1 mail"));
    assert!(!database_holds(&site, LEFT), "nothing in the files of the database names it");
    assert!(database_holds(&site, "rueckkehr@essen.example"), "the other mailbox of the authority stays");
    Answer::at(&site, &["forget", "--contact", LEFT, "--apply"]).refused(3, &["nothing names leitung@essen.example"]);

    // who comes back in the same month is not told twice, and is told what is new
    site.write("contacts.csv", &contacts);
    let mut daemon = site.run().ready();
    daemon.pass_round_after(site.set_clock("2026-12-01 10:00:00"));
    assert_eq!(server.received().len(), SMALL_ANNOUNCED.len());
    site.set_clock("2026-12-08 08:00:00");
    daemon.delivered();
    daemon.stop();
    assert!(site.mailboxes("reminder-5", "accepted").contains(&LEFT.to_owned()));
}

#[test]
fn whom_mail_was_rejected_for_is_forgotten_with_the_flag_and_the_alert() {
    let (site, server) = announced();
    site.execute(
        "INSERT INTO flags (mailbox, flagged_at, reply, notice)
         SELECT mailbox, queued_at, '550 5.1.1 <leitung@essen.example> unknown', id FROM notices
         WHERE mailbox = 'leitung@essen.example'",
    );
    site.execute(
        "INSERT INTO alerts (key, raised_at, headline, detail) VALUES
         ('rejected:x', '2026-12-01T08:00:00+00:00', 'Postfach leitung@essen.example nimmt keine Post an', 'a@b.example')",
    );
    site.execute(
        "UPDATE attempts SET reply = '250 2.1.5 <leitung@essen.example> ok'
                  WHERE notice = (SELECT id FROM notices WHERE mailbox = 'leitung@essen.example')",
    );
    site.execute(
        "UPDATE notices SET state = 'rejected', reason = 'came back: 550 5.1.1 <leitung@essen.example>: unknown'
                  WHERE mailbox = 'leitung@essen.example'",
    );
    site.execute("UPDATE service SET changes = changes + 1");
    let mut daemon = site.run().ready();
    daemon.delivered(); // the ZRK is told about the alert
    daemon.stop();
    let told = server.received().pop().expect("the notice to the ZRK");
    assert!(told.body().contains(LEFT), "{}", told.body());
    site.write("contacts.csv", &site.read("contacts.csv").replace(LINE, ""));
    let words = site.done(&["forget", "--contact", LEFT, "--apply"]);
    // the mail to it and the one that told the ZRK; the flag and the line in the roster that was taken
    assert!(words.contains("1 mailbox of a notice, 2 mails, 1 alert, 2 marks of mailboxes"), "{words}");
    assert!(!database_holds(&site, LEFT), "nor does anything else");
}

#[test]
fn a_mail_that_comes_back_after_its_mailbox_was_forgotten_does_not_bring_the_address_back() {
    let server = MailServer::start();
    let mut site = Site::small("2026-12-01 09:00:01");
    site.mail_to(server.port());
    site.set("MAIL__BOUNCE_TOKENS", "true");
    let mut daemon = site.run().ready();
    assert_eq!(daemon.delivered()["sent"], SMALL_ANNOUNCED.len());
    daemon.stop();
    let (id, token) = {
        let mails = server.received();
        let mail = mails.iter().find(|mail| mail.envelope_to == LEFT).expect("the mail to it");
        let notice = site.outbox().into_iter().find(|notice| notice["to"] == LEFT).expect("its notice");
        (notice["id"].as_str().expect("an id").to_owned(), mail.envelope_from.clone())
    };
    site.write("contacts.csv", &site.read("contacts.csv").replace(LINE, ""));
    site.done(&["forget", "--contact", LEFT, "--apply"]);
    for recipient in [format!("Final-Recipient: rfc822; {LEFT}\n"), String::new()] {
        let report = format!(
            "From: MAILER-DAEMON@relay.example\nTo: {token}\nSubject: Undelivered\nMIME-Version: 1.0\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\
             Content-Type: message/delivery-status\n\nReporting-MTA: dns; relay.example\n\n{recipient}Action: failed\n\
             Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <{LEFT}>: unknown\n\n\
             --b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{id}@zrk-nrw.example>\n\n--b--\n"
        );
        site.write("report.eml", &report);
        let path = site.path("report.eml");
        site.done(&["bounce", path.to_str().expect("UTF-8")]);
    }
    let shown = Answer::at(&site, &["outbox", "show", &id]).done();
    assert!(shown.contains("550 5.1.1 <(entfernt)>: unknown") && shown.contains("state        rejected"), "{shown}");
    assert!(!database_holds(&site, LEFT), "the mail system's words are kept without it");
    assert_eq!(Answer::at(&site, &["contact", "list"]).code, 3, "there is no mailbox left to flag");
    assert!(site.done(&["audit", "verify"]).contains("\nintact"));
}
