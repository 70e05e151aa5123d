//! Mails that come back: from a real mail server, through a pipe, in a Maildir, and from those who only pretend.

mod support;

use std::fs;
use std::os::unix::fs::symlink;

use assert_cmd::Command;
use serde_json::Value;
use support::answer::Answer;
use support::daemon::{message_of, poll};
use support::mail_server::{MailServer, VANISHED};
use support::peer::Peer;
use support::site::{SMALL_ANNOUNCED, SMALL_ZRK, Site, text};

const KREFELD: &str = "rueckkehr@krefeld.example";

/// `fristd bounce` with a mail on standard input.
fn bounce(site: &Site, arguments: &[&str], mail: &[u8]) -> Answer {
    let mut command = Command::from_std(site.command(&[&["bounce"], arguments].concat()));
    command.write_stdin(mail);
    Answer::of(command)
}

/// A delivery report on a notice, as Postfix writes it.
fn report(notice: &str, recipient: &str, status: &str, to: &str) -> Vec<u8> {
    format!(
        "From: MAILER-DAEMON@relay.example\nTo: {to}\nSubject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/plain\n\n\
         {recipient}: {status}\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; relay.example\n\n\
         Final-Recipient: rfc822; {recipient}\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; 550 {status} no\n\n\
         --b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{notice}@zrk-nrw.example>\n\n--b--\n"
    )
    .into_bytes()
}

/// A site whose announcements were accepted on 1 December, at nine.
fn announced() -> Site {
    let site = Site::small("2026-12-01 09:00:00");
    let mut daemon = site.run();
    assert_eq!(daemon.delivered()["sent"], SMALL_ANNOUNCED.len());
    daemon.stop();
    site
}

/// The id of the notice of a step to a mailbox.
fn notice(site: &Site, step: &str, mailbox: &str) -> String {
    let outbox = site.outbox();
    let found = outbox.iter().find(|notice| notice["step"] == step && notice["to"] == mailbox);
    text(&found.expect("the notice is there")["id"])
}

fn flagged(site: &Site) -> Vec<String> {
    let answer = Answer::at(site, &["contact", "list", "--json"]);
    assert!(matches!(answer.code, 0 | 3), "{}", answer.complained);
    let flags: Value = serde_json::from_str(&answer.said).expect("JSON also of nothing");
    flags.as_array().expect("an array").iter().map(|flag| text(&flag["mailbox"])).collect()
}

#[test]
fn a_report_of_a_real_mail_server_flags_the_mailbox_and_the_authority_is_not_to_be_reached() {
    let server = MailServer::start();
    let mut site = Site::small("2026-12-01 09:00:00");
    let vanished = format!("{VANISHED}@krefeld.example");
    site.write("contacts.csv", &site.read("contacts.csv").replace(KREFELD, &vanished));
    site.mail_to(server.port());
    let mut daemon = site.run();
    assert_eq!(daemon.delivered()["sent"], SMALL_ANNOUNCED.len(), "the server takes them all");
    let mails = server.wait_for(SMALL_ANNOUNCED.len());
    let returned = mails.iter().find(|mail| mail.envelope_from.is_empty()).expect("one comes back, from nobody");
    assert_eq!(returned.envelope_to, "fristen@zrk-nrw.example");
    let said = bounce(&site, &[], &returned.raw).done();
    let words =
        "hard 5.0.0: announcement of planning 2026-12 to vanished@krefeld.example; the notice was not delivered";
    assert!(said.starts_with(words), "{said}");
    assert_eq!(bounce(&site, &[], &returned.raw).done(), "recorded already; the same message counts once\n");
    assert_eq!(flagged(&site), [vanished.as_str()]);
    let shown = Answer::at(&site, &["outbox", "show", &notice(&site, "announcement", &vanished)]).done();
    for piece in
        ["state        rejected", "came back    2026-12-01 09:", "accepted     2026-12-01 09:", "proof: recipient"]
    {
        assert!(shown.contains(piece), "{piece}\n{shown}");
    }
    daemon.delivered();
    let told = poll("the ZRK's mail", || server.received().into_iter().find(|mail| mail.envelope_to == SMALL_ZRK));
    let body = decoded(&told.raw);
    for piece in
        ["kam unzustellbar zurück", "Postfach von: Stadt Krefeld", "fristd contact clear vanished@krefeld.example"]
    {
        assert!(body.contains(piece), "{piece}\n{body}");
    }
    assert!(body.contains("Als nicht erreichbar gilt nun Stadt Krefeld"), "{body}");

    site.set_clock("2026-12-17 08:00:30");
    daemon.wait_for("the escalation", |line| {
        message_of(line) == "notice" && line["fields"]["kind"] == "escalation" && line["fields"]["duty"] == "planning"
    });
    daemon.delivered();
    daemon.stop();
    let bodies: Vec<(String, String)> = server
        .wait_for(SMALL_ANNOUNCED.len() + 1)
        .iter()
        .map(|mail| (mail.envelope_to.clone(), decoded(&mail.raw)))
        .collect();
    let of = |to: &str, kind: &str| {
        bodies.iter().find(|(mailbox, body)| mailbox == to && body.contains(kind)).map(|(_, body)| body.clone())
    };
    let summary = poll("the summary", || of(SMALL_ZRK, "MELDESTAND NACH REGIERUNGSBEZIRKEN"));
    let (_, unreachable) = summary.split_once("NICHT ERREICHBAR").expect("somebody cannot be reached");
    assert!(unreachable.contains("- Stadt Krefeld"), "{summary}");
    let escalation = of("rrk@duesseldorf.example", "AUSSTEHENDE MELDUNGEN").expect("the RRK is told");
    assert!(escalation.contains("Stadt Essen") && !escalation.contains("Krefeld"), "{escalation}");
    assert_eq!(bodies.iter().filter(|(_, body)| body.contains("kam unzustellbar zurück")).count(), 1, "told once");
}

/// A mail's text with its quoted-printable signs resolved, lines joined that were wrapped.
fn decoded(raw: &[u8]) -> String {
    let mail = mail_parser::MessageParser::default().parse(raw).expect("a mail");
    mail.body_text(0).map(|text| text.replace("\r\n", "\n")).unwrap_or_default().replace("\n", " ").replace("  ", " ")
}

#[test]
fn exit_codes_suit_a_mail_system() {
    let site = Site::small("2026-12-01 09:00:00");
    let any = report(&"0".repeat(32), KREFELD, "5.1.1", "fristen@zrk-nrw.example");
    bounce(&site, &[], &any).refused(75, &["there is no database yet"]);
    let site = announced();
    let check = |label: &str, mail: &[u8], words: &str| {
        let said = bounce(&site, &[], mail).done();
        assert!(said.contains(words), "{label}: {said}");
    };
    check("no mail", b"", "no bounce: is no mail");
    check("a stranger's notice", &any, "not recorded: it names no notice of this store");
    check("an answer", b"From: a@b.example\nSubject: AW: Erinnerung\n\nDanke", "no bounce: a mail that somebody wrote");
    let fixture = fs::read("tests/fixtures/returned/out-of-office.eml").expect("the fixture");
    check("out of office", &fixture, "no bounce: an automatic answer");
    let id = notice(&site, "announcement", KREFELD);
    let real = report(&id, KREFELD, "5.1.1", "fristen@zrk-nrw.example");
    assert_eq!(bounce(&site, &["--quiet"], &real).done(), "", "for mail systems that take output for a failure");
    bounce(&site, &["no-such-file.eml"], b"").refused(75, &["no-such-file.eml: cannot be read"]);
    bounce(&site, &["--maildir", "no-such-folder"], b"")
        .refused(1, &["no-such-folder/new", "a Maildir has the folders"]);
    site.append("cycles.toml", "half a li");
    bounce(&site, &[], &any).refused(75, &["cycles.toml"]);
}

#[test]
fn what_proves_nothing_flags_nothing() {
    let site = announced();
    let id = notice(&site, "announcement", KREFELD);
    let check = |label: &str, mail: &[u8], outcome: &str, recorded: bool| {
        let said = bounce(&site, &["--json"], mail).json();
        assert_eq!(
            (&said["taken"] == "recorded", text(&said["outcome"]).as_str()),
            (recorded, outcome),
            "{label}: {said}"
        );
        assert_eq!(flagged(&site), Vec::<String>::new(), "{label}");
    };
    let to = "fristen@zrk-nrw.example";
    let other = "it names another recipient: mail that was forwarded, or a forgery";
    check("another recipient", &report(&id, "rueckkehr@bonn.example", "5.1.1", to), other, true);
    let full = "the notice was not delivered; its mailbox gets the next one";
    check(
        "full",
        &report(&notice(&site, "announcement", "rueckkehr@bonn.example"), "rueckkehr@bonn.example", "5.2.2", to),
        full,
        true,
    );
    site.execute("UPDATE notices SET accepted_at = NULL WHERE mailbox = 'rueckkehr@essen.example'");
    let never = notice(&site, "announcement", "rueckkehr@essen.example");
    check(
        "never handed over",
        &report(&never, "rueckkehr@essen.example", "5.1.1", to),
        "its notice was never handed over",
        false,
    );
    for number in 0..19 {
        let mail = report(&id, &format!("{number}@bonn.example"), "5.1.1", to);
        check("a flood", &mail, other, true);
    }
    let enough = "enough reports on its notice are recorded";
    check("the end of a flood", &report(&id, "20@bonn.example", "5.1.1", to), enough, false);
    site.set_clock("2027-01-01 09:00:00");
    check("a month later", &report(&id, KREFELD, "5.1.1", to), enough, false);
    site.set_clock("2026-12-02 09:00:00");
    let said = bounce(&site, &["--json"], &report(&id, &KREFELD.to_uppercase(), "5.1.1", to)).json();
    assert_eq!(
        (&said["flagged"], text(&said["verdict"]).as_str()),
        (&Value::Bool(true), "hard"),
        "but a real one does"
    );
    let states = site.query("SELECT state, COUNT(*) FROM notices WHERE returned_at IS NOT NULL GROUP BY state");
    assert_eq!(states, [("rejected".to_owned(), 2)]);
}

#[test]
fn with_tokens_only_what_comes_back_to_the_notices_own_address_counts() {
    let peer = Peer::start([]);
    let mut site = Site::small("2026-12-01 09:00:00");
    site.mail_to(peer.port());
    site.set("MAIL__BOUNCE_TOKENS", "true");
    let mut daemon = site.run();
    daemon.delivered();
    daemon.stop();
    let senders = |mailbox: &str| {
        let mails = peer.received();
        mails.iter().find(|mail| mail.to == mailbox).expect("a mail").from.clone()
    };
    let (own, others) = (senders(KREFELD), senders("rueckkehr@bonn.example"));
    let id = notice(&site, "announcement", KREFELD);
    assert!(own.starts_with(&format!("fristen+{id}.")) && own.ends_with("@zrk-nrw.example"), "{own}");
    let json = |arguments: &[&str], mail: &[u8]| bounce(&site, &[&["--json"], arguments].concat(), mail).json();
    let said = json(&[], &report(&id, KREFELD, "5.1.1", "fristen@zrk-nrw.example"));
    assert_eq!(text(&said["outcome"]), "it did not come back to the address that was made for the notice");
    let said = json(&[], &report(&id, KREFELD, "5.1.1", &own.replace(&own[40..42], "zz")));
    assert_eq!(text(&said["proof"]), "none", "a broken token: {said}");
    let said = json(&["--recipient", &others], &report(&id, KREFELD, "5.1.2", "fristen@zrk-nrw.example"));
    assert_eq!(text(&said["mailbox"]), "rueckkehr@bonn.example", "the token says which notice: {said}");
    assert_eq!(text(&said["proof"]), "none", "and Krefeld's failure is none of Bonn's");
    assert_eq!(flagged(&site), Vec::<String>::new());
    let said = json(&[], &report(&"f".repeat(32), KREFELD, "5.1.1", &own));
    assert_eq!((text(&said["proof"]).as_str(), &said["flagged"]), ("token", &Value::Bool(true)), "{said}");
    assert_eq!(flagged(&site), [KREFELD]);
}

#[test]
fn a_maildir_is_emptied_and_what_is_odd_in_it_does_no_harm() {
    let mut site = announced();
    let id = notice(&site, "announcement", KREFELD);
    let maildir = site.path("returned");
    for name in ["new", "tmp"] {
        fs::create_dir_all(maildir.join(name)).expect("a folder");
    }
    site.set("MAIL__BOUNCE_MAILDIR", "returned");
    let put = |name: &str, mail: &[u8]| fs::write(maildir.join("new").join(name), mail).expect("a file");
    let mut daemon = site.run();
    let trouble = "returned mails cannot be taken from the Maildir; tried again";
    put("1.hard", &report(&id, KREFELD, "5.1.1", "fristen@zrk-nrw.example"));
    daemon.wait_for_message(trouble);
    fs::create_dir(maildir.join("cur")).expect("the folder that was missing");
    symlink("/etc/passwd", maildir.join("new/0.link")).expect("a link");
    put("2.answer", b"From: a@b.example\nSubject: AW: Erinnerung\n\nDanke");
    put("3.empty", b"");
    put("4.forged", &report(&id, "rueckkehr@bonn.example", "5.1.1", "fristen@zrk-nrw.example"));
    put("5.large", &[report(&id, KREFELD, "5.1.1", "x@y.example"), vec![b'x'; 5 << 20]].concat());
    let names = |folder: &str| {
        let entries = fs::read_dir(maildir.join(folder)).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    poll("the Maildir is empty", || (names("new") == ["0.link"]).then_some(()));
    assert_eq!(names("cur"), ["1.hard:2,S", "2.answer:2,", "3.empty:2,F", "4.forged:2,", "5.large:2,S"]);
    assert_eq!(flagged(&site), [KREFELD]);
    let log = daemon.stop();
    assert_eq!(log.iter().filter(|line| message_of(line) == trouble).count(), 1, "said once");
    let lines = log.iter().filter(|line| line["level"] == "INFO" || line["level"] == "WARN").map(Value::to_string);
    assert!(lines.into_iter().all(|line| !line.contains(KREFELD)), "no address");
    let events =
        site.query("SELECT event, COUNT(*) FROM log WHERE event IN ('came back', 'mailbox flagged') GROUP BY event");
    assert_eq!(events, [("came back".to_owned(), 3), ("mailbox flagged".to_owned(), 1)]);

    put("6.again", &report(&id, KREFELD, "5.1.1", "fristen@zrk-nrw.example"));
    let folder = maildir.to_string_lossy();
    let said = Answer::at(&site, &["bounce", "--maildir", &folder]).done();
    assert!(said.contains("6.again: recorded already") && said.ends_with("1 mail looked at\n"), "{said}");
    assert_eq!(Answer::at(&site, &["bounce", "--maildir", &folder]).code, 3, "nothing waits");
}

#[test]
fn a_cleared_mailbox_gets_what_is_live_again_and_an_old_report_does_not_flag_it() {
    let site = announced();
    let id = notice(&site, "announcement", KREFELD);
    let other = report(&id, KREFELD, "5.1.2", "fristen@zrk-nrw.example");
    bounce(&site, &[], &report(&id, KREFELD, "5.1.1", "fristen@zrk-nrw.example")).done();
    let listed = Answer::at(&site, &["contact", "list"]).done();
    assert!(
        listed.contains(&format!(
            "2026-12-01 09:00  {KREFELD}  abh-krefeld  (came back on 2026-12-01 09:00: 550 5.1.1 no)"
        )),
        "{listed}"
    );
    assert!(listed.ends_with("\n1 flagged mailbox\n"), "{listed}");
    let clear = |address: &str| Answer::at(&site, &["contact", "clear", address]);
    clear("rueckkehr@krefeld.exampel").refused(3, &["is not flagged; near: rueckkehr@krefeld.example"]);
    clear("leitung@krefeld.example").refused(3, &["is not flagged; near: rueckkehr@krefeld.example"]);
    clear("niemand@bonn.example").refused(3, &["is not flagged; see `fristd contact list`"]);
    clear("krefeld").refused(2, &["is not a mail address"]);

    // a reminder that is queued while the mailbox is flagged elsewhere is withdrawn, and called for again afterwards
    site.set_clock("2026-12-08 08:00:00");
    let mut daemon = site.run();
    daemon.delivered();
    assert!(!site.mailboxes("reminder-5", "accepted").contains(&KREFELD.to_owned()));
    let said = clear(&KREFELD.to_uppercase()).done();
    assert!(
        said.starts_with("rueckkehr@krefeld.example is cleared") && said.contains("1 notice to it was not delivered"),
        "{said}"
    );
    daemon.delivered();
    assert!(site.mailboxes("reminder-5", "accepted").contains(&KREFELD.to_owned()), "what is live");
    daemon.stop();
    assert_eq!(site.mailboxes("announcement", "rejected"), [KREFELD], "what was not delivered waits for a person");
    let said = bounce(&site, &["--json"], &other).json();
    assert_eq!(text(&said["outcome"]), "the mailbox was cleared since");
    assert_eq!(flagged(&site), Vec::<String>::new());
    assert_eq!(Answer::at(&site, &["contact", "list"]).code, 3, "nothing is flagged");
    let cleared = site.query("SELECT actor, COUNT(*) FROM log WHERE event = 'mailbox unflagged' GROUP BY actor");
    assert_eq!(cleared, [("zrk-person".to_owned(), 1)]);

    // queued while all sending is paused, flagged meanwhile, withdrawn when sending goes on, revived by clearing
    site.done(&["pause"]);
    let reminder = notice(&site, "reminder-5", KREFELD);
    let instant = site.set_clock("2026-12-14 08:00:00");
    let mut daemon = site.run();
    daemon.pass_round_after(instant);
    assert!(site.mailboxes("reminder-1", "queued").contains(&KREFELD.to_owned()));
    bounce(&site, &[], &report(&reminder, KREFELD, "5.1.1", "fristen@zrk-nrw.example")).done();
    assert_eq!(flagged(&site), [KREFELD]);
    site.done(&["resume"]);
    daemon.delivered();
    assert_eq!(site.mailboxes("reminder-1", "withdrawn"), [KREFELD, KREFELD], "of both duties");
    clear(KREFELD).done();
    daemon.delivered();
    daemon.stop();
    assert!(site.mailboxes("reminder-1", "accepted").contains(&KREFELD.to_owned()));
}

#[test]
fn what_comes_back_from_a_mailbox_for_which_a_deputy_stands_in_is_told_as_its_owners() {
    let site = announced();
    let contacts = site.read("contacts.csv").replacen("calendar\n", "calendar,instead_of\n", 1);
    let mut contacts = contacts.replace(",,,\n", ",,,,\n");
    contacts.push_str("abh-krefeld,vertretung@krefeld.example,Vertretung,,,,rueckkehr@krefeld.example\n");
    site.write("contacts.csv", &contacts);
    site.set_clock("2026-12-01 10:00:00");
    let mut daemon = site.run();
    assert_eq!(daemon.delivered()["sent"], 1, "the deputy is announced to as well");
    daemon.stop();
    let details = || {
        let alerts = site.query("SELECT detail, 1 FROM alerts WHERE key LIKE 'returned:%' ORDER BY raised_at, key");
        alerts.into_iter().map(|(detail, _)| detail).collect::<Vec<_>>()
    };
    let first = notice(&site, "announcement", KREFELD);
    bounce(&site, &[], &report(&first, KREFELD, "5.1.1", "aps-frist@zrk-nrw.example"));
    let said = details();
    assert!(said.len() == 1 && said[0].contains("Postfach von: Stadt Krefeld."), "{said:?}");
    assert!(!said[0].contains("nicht erreichbar"), "the deputy is: {said:?}");
    site.set_clock("2026-12-01 11:00:00");
    let deputy = notice(&site, "announcement", "vertretung@krefeld.example");
    bounce(&site, &[], &report(&deputy, "vertretung@krefeld.example", "5.1.1", "aps-frist@zrk-nrw.example"));
    let said = details();
    assert!(said.len() == 2 && said[1].contains("Als nicht erreichbar gilt nun Stadt Krefeld"), "{said:?}");
}

#[test]
fn the_zrk_is_told_when_no_mail_reaches_an_rrk_any_more() {
    let site = announced();
    site.append("contacts.csv", "zfa,zfa.zwei@zfa.example,ZFA,,,\n");
    let words = "Es war das letzte erreichbare Postfach dieser Stelle";
    for (mailbox, is_last) in [("rrk@duesseldorf.example", true), ("zfa@zfa.example", false)] {
        let report = report(&notice(&site, "announcement", mailbox), mailbox, "5.1.1", "fristen@zrk-nrw.example");
        bounce(&site, &[], &report).done();
        let alerts = site.query("SELECT detail, 0 FROM alerts WHERE key LIKE 'returned:%' ORDER BY raised_at");
        let of_mailbox = alerts.iter().find(|(detail, _)| detail.contains(&format!("contact clear {mailbox}")));
        assert_eq!(of_mailbox.map(|(detail, _)| detail.contains(words)), Some(is_last), "{alerts:?}");
    }
}
