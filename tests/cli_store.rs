//! The commands that look into the database or write to it: receipts, standings, the queue. Never sends a mail to a relay.

mod support;

use serde_json::{Value, json};
use support::answer::{Answer, assert_keys};
use support::site::{SMALL_ANNOUNCED, SMALL_ZRK, Site, text};

const NOW: &str = "2026-12-09 09:12:00";

/// What `status --json` says of an authority.
fn standing(site: &Site, arguments: &[&str], authority: &str) -> Value {
    let status = Answer::at(site, &[&["status", "2026-12", "--json"], arguments].concat()).json();
    let duties = status["duties"].as_array().expect("duties");
    let authorities = duties[0]["authorities"].as_array().expect("authorities");
    authorities.iter().find(|line| line["id"] == authority).cloned().unwrap_or(Value::Null)
}

#[test]
fn status_before_there_is_a_database_says_what_makes_one() {
    let site = Site::small(NOW);
    Answer::at(&site, &["status", "2026-12"])
        .refused(1, &["fristd.sqlite", "no database yet", "`fristd run` makes it"]);
    assert!(!site.path("data").exists(), "asking makes nothing");
    Answer::at(&site, &["record", "2026-12", "planning", "abh-bonn", "complete"]).done();
    let status = Answer::at(&site, &["status", "2026-12", "--json"]).json();
    assert_keys(&status, &["month", "duties"]);
    let duties = status["duties"].as_array().expect("duties");
    assert_eq!(duties.iter().map(|duty| text(&duty["duty"])).collect::<Vec<_>>(), ["planning", "statistics"]);
    for duty in duties {
        assert_keys(duty, &["duty", "stated_on", "ends_on", "authorities"]);
        for authority in duty["authorities"].as_array().expect("authorities") {
            assert_keys(authority, &["id", "district", "standing", "missing", "since", "in_time"]);
        }
    }
    assert_eq!(duties[0]["ends_on"], "2026-12-15");
    let bonn = json!({
        "id": "abh-bonn", "district": "koeln", "standing": "complete", "missing": [], "in_time": true,
        "since": standing(&site, &[], "abh-bonn")["since"],
    });
    assert_eq!(standing(&site, &[], "abh-bonn"), bonn);
    assert!(text(&bonn["since"]).starts_with("2026-12-09T09:12:"), "with the local offset: {bonn}");
    let silent = standing(&site, &["--duty", "statistics"], "abh-bonn");
    assert_eq!(silent["missing"], json!(["reag-garp", "without-funding", "returns"]));
    assert_eq!((&silent["since"], &silent["in_time"]), (&Value::Null, &Value::Null), "open until the end");
}

#[test]
fn all_seven_states_are_recorded_and_shown() {
    let site = Site::small(NOW);
    let all = ["reag-garp", "without-funding", "returns"];
    for (options, standing_after, missing, shown) in [
        (&["complete"][..], "complete", &[][..], "complete  Stadt Bonn [abh-bonn] since 2026-12-09 09:12"),
        (&["missing"], "missing", &all, "missing   Stadt Bonn [abh-bonn]"),
        (&["partial", "--parts", "reag-garp"], "partial", &all[1..], ", missing: without-funding, returns"),
        (&["partial", "--missing", "returns,reag-garp"], "partial", &[all[0], all[2]], ", missing: reag-garp, returns"),
        (&["extended", "--until", "2026-12-22", "--reason", "IT"], "extended", &[], ", until 2026-12-22: IT"),
        (&["nil"], "nil", &[], "nil       Stadt Bonn"),
        (&["excused", "--reason", "Hochwasser"], "excused", &[], ": Hochwasser"),
        (&["exempt", "--reason", "keine Zuständigkeit"], "exempt", &[], ": keine Zuständigkeit"),
        (&["missing"], "missing", &all, "missing   Stadt Bonn"),
    ] {
        let record = [&["record", "2026-12", "statistics", "abh-bonn"], options].concat();
        let said = Answer::at(&site, &record).done();
        assert!(said.starts_with(&format!("2026-12 statistics abh-bonn: {standing_after}")), "{said}");
        assert_eq!(said.matches("missing").count(), usize::from(said.contains("missing")), "said once: {said}");
        let found = standing(&site, &["--duty", "statistics"], "abh-bonn");
        assert_eq!((&found["standing"], &found["missing"]), (&json!(standing_after), &json!(missing)), "{options:?}");
        let words = Answer::at(&site, &["status", "2026-12", "--duty", "statistics"]).done();
        let line = words.lines().find(|line| line.contains("abh-bonn")).unwrap_or_default();
        assert!(line.contains(shown), "{options:?}: {line}");
    }
    let of_all = ["status", "2026-12", "--duty", "statistics", "--missing"];
    assert!(Answer::at(&site, &of_all).done().contains("  4 missing\n"), "the counts");
    for authority in ["abh-bonn", "abh-essen", "abh-krefeld", "abh-mettmann"] {
        Answer::at(&site, &["record", "2026-12", "statistics", authority, "nil"]).done();
    }
    assert_eq!(Answer::at(&site, &of_all).code, 3, "nobody is missing");
    // S4: the past stays as it was known
    let past = standing(&site, &["--duty", "statistics", "--at", "2026-12-09 09:00"], "abh-bonn");
    assert_eq!(past["standing"], "missing");
}

#[test]
fn who_owes_no_report_stands_beside_the_others_and_gets_no_receipt() {
    let site = Site::small(NOW);
    site.write(
        "authorities.csv",
        "id,name,kind,district,ags,valid_from,valid_to,reported_by\n\
         abh-essen,Stadt Essen,abh,duesseldorf,05113,,,\n\
         abh-krefeld,Stadt Krefeld,abh,duesseldorf,05114,,2026-12-31,abh-essen\n\
         abh-bonn,Stadt Bonn,abh,koeln,05314,,2026-12-31,\n\
         abh-mettmann,Kreis Mettmann,abh,duesseldorf,05158,,,\n",
    );
    let record = |month: &str| Answer::at(&site, &["record", month, "planning", "abh-krefeld", "complete"]);
    record("2026-12").done();
    record("2027-01").refused(
        2,
        &["\"abh-krefeld\": owes no report that is due on 2027-01-18; record it for abh-essen, which reports for it"],
    );
    Answer::at(&site, &["record", "2027-01", "planning", "abh-bonn", "complete"])
        .refused(2, &["owes no report that is due on 2027-01-18; see valid_from and valid_to in authorities.csv"]);
    assert_eq!(standing(&site, &[], "abh-krefeld")["standing"], "complete");
    let words = Answer::at(&site, &["status", "2026-12", "--duty", "planning"]).done();
    assert!(words.contains("complete  Stadt Krefeld") && !words.contains("owing no report"), "{words}");

    let words = Answer::at(&site, &["status", "2027-01", "--duty", "planning"]).done();
    let want = "  owing no report (2)\n    Stadt Krefeld [abh-krefeld]: Stadt Essen [abh-essen] reports for it\n    \
                Stadt Bonn [abh-bonn]\n";
    assert!(words.contains("  2 missing\n") && words.ends_with(want), "{words}");
    let january = Answer::at(&site, &["status", "2027-01", "--duty", "planning", "--json"]).json();
    let duty = &january["duties"][0];
    assert_keys(duty, &["duty", "stated_on", "ends_on", "authorities", "not_owing"]);
    assert_eq!(duty["authorities"].as_array().map(Vec::len), Some(2));
    let not_owing =
        json!([{ "id": "abh-krefeld", "reported_by": "abh-essen" }, { "id": "abh-bonn", "reported_by": null }]);
    assert_eq!(duty["not_owing"], not_owing);

    let preview = |authority: &str| {
        Answer::at(&site, &["preview", "2027-01", "--step", "announcement", "--authority", authority])
    };
    preview("abh-krefeld").refused(2, &["owes no report that is due on 2027-01-18; abh-essen reports for it"]);
    let mail = preview("abh-essen").done();
    assert!(mail.contains("Die Meldung der Behörde „Stadt Essen“ schließt „Stadt Krefeld“ ein;"), "{mail}");
}

#[test]
fn what_cannot_be_recorded_is_refused_with_value_and_remedy() {
    let site = Site::small(NOW);
    let table: [(&[&str], &[&str]); 15] = [
        (&["2026-12", "statistics", "abh-bonn", "done"], &["state \"done\": unknown; accepted: missing, partial"]),
        (&["2026-12", "statistics", "abh-bonn", "partial"], &["say which parts are there, or which are missing"]),
        (
            &["2026-12", "statistics", "abh-bonn", "partial", "--parts", "retruns"],
            &["part \"retruns\"", "known: reag-garp, without-funding, returns"],
        ),
        (
            &["2026-12", "statistics", "abh-bonn", "partial", "--parts", "returns", "--missing", "returns"],
            &["cannot be used with"],
        ),
        (&["2026-12", "planning", "abh-bonn", "partial", "--missing", "confirmation"], &["record \"missing\""]),
        (&["2026-12", "planning", "abh-bonn", "complete", "--parts", "confirmation"], &["with \"partial\" only"]),
        (&["2026-12", "planning", "abh-bonn", "extended", "--reason", "IT"], &["needs the last day, as YYYY-MM-DD"]),
        (&["2026-12", "planning", "abh-bonn", "extended", "--until", "2026-12-22"], &["needs a reason"]),
        (&["2026-12", "planning", "abh-bonn", "extended", "--until", "2026-02-30", "--reason", "IT"], &["is no date"]),
        (&["2026-12", "planning", "abh-bonn", "extended", "--until", "2026-12-15", "--reason", "IT"], &["a later day"]),
        (&["2026-12", "planning", "abh-bonn", "excused", "--reason", "a\nb"], &["line break"]),
        (&["2026-12", "planning", "bonn", "complete"], &["authority \"bonn\": is not in the roster; near: abh-bonn"]),
        (&["2026-12", "statistik", "abh-bonn", "complete"], &["duty \"statistik\"", "known: planning, statistics"]),
        (&["2031-01", "planning", "abh-bonn", "complete"], &["cycle 2031-01: too far from today, 2026-12-09"]),
        (&["2026-12", "planning", "abh-bonn", "complete", "--reported-at", "gestern"], &["YYYY-MM-DD HH:MM"]),
    ];
    for (arguments, words) in table {
        Answer::at(&site, &[&["record"], arguments].concat()).refused(2, words);
    }
    let late = ["record", "2026-12", "planning", "abh-bonn", "complete", "--reported-at", "2026-12-09 10:00"];
    Answer::at(&site, &late).refused(2, &["that is in the future"]);
    let early = ["record", "2026-12", "planning", "abh-bonn", "complete", "--reported-at", "2026-12-08 15:30"];
    Answer::at(&site, &early).done();
    assert_eq!(standing(&site, &[], "abh-bonn")["since"], "2026-12-08T15:30:00+01:00");
    site.set_clock("2026-12-28 09:00:00");
    let over = ["record", "2026-12", "planning", "abh-essen", "extended", "--until", "2026-12-22", "--reason", "IT"];
    let said = Answer::at(&site, &over).done();
    assert!(said.contains("abh-essen: missing\n") && said.contains("its last day, 2026-12-22, is over"), "{said}");
    let words = Answer::at(&site, &["status", "2026-12", "--duty", "planning"]).done();
    assert!(words.contains("[abh-essen], overdue") && words.contains("(never announced)"), "{words}");
}

#[test]
fn cycle_imported_records_the_signal_and_says_what_follows() {
    let site = Site::small("2026-12-02 09:00:00");
    let said = Answer::at(&site, &["cycle", "imported", "2026-12"]).done();
    assert!(said.contains("data import recorded for Mittwoch, 2. Dezember 2026"), "{said}");
    assert!(said.contains("planning: deadline Mittwoch, 16. Dezember 2026") && !said.contains("statistics"), "{said}");
    let status = Answer::at(&site, &["status", "2026-12", "--json"]).json();
    assert_eq!(status["duties"][0]["ends_on"], "2026-12-16");
    for (arguments, words) in [
        (&["2026-12", "--on", "2026-11-30"][..], "lies in the wrong month; accepted: a day of 2026-12"),
        (&["2026-12", "--on", "2026-02-30"], "is no date; accepted: YYYY-MM-DD"),
        (&["2027-12"], "too far from today"),
    ] {
        Answer::at(&site, &[&["cycle", "imported"], arguments].concat()).refused(2, &[words]);
    }
}

#[test]
fn pause_works_while_files_are_being_edited_and_status_says_so() {
    let site = Site::small(NOW);
    site.append("cycles.toml", "half a li");
    assert_eq!(Answer::at(&site, &["pause"]).done(), "sending is paused; `fristd resume` lets it go on\n");
    assert_eq!(Answer::at(&site, &["pause"]).done(), "sending was paused already\n");
    site.write("cycles.toml", &site.read("cycles.toml").replace("half a li", ""));
    let status = Answer::at(&site, &["status", "2026-12"]).done();
    assert!(status.starts_with("sending is paused since 2026-12-09 09:12 by zrk-person\n"), "{status}");
    assert_eq!(Answer::at(&site, &["resume"]).done(), "sending goes on\n");
    assert_eq!(Answer::at(&site, &["resume"]).done(), "sending was not paused\n");
    assert!(Answer::at(&site, &["status", "2026-12"]).done().starts_with("Dezember 2026"));
}

#[test]
fn outbox_shows_the_proof_of_dispatch() {
    let site = Site::small("2026-12-01 09:00:00");
    let mut daemon = site.run();
    assert_eq!(daemon.delivered()["sent"], SMALL_ANNOUNCED.len());
    daemon.stop();
    let at = |arguments: &[&str]| Answer::at(&site, &[&["outbox"], arguments].concat());
    let listed = at(&["list", "--month", "2026-12", "--state", "accepted"]).done();
    assert!(listed.ends_with("\n7 notices\n") && listed.lines().count() == 8, "{listed}");
    let columns: Vec<Option<usize>> = listed.lines().take(7).map(|line| line.find("2026-12 planning")).collect();
    assert!(columns.iter().all(|column| column == &columns[0]), "in columns:\n{listed}");
    let notices = at(&["list", "--to", "RRK@Duesseldorf.example", "--json"]).json();
    assert_eq!(notices.as_array().map(Vec::len), Some(1), "an address in any case");
    let id = text(&notices[0]["id"]);
    let shown = at(&["show", &id[..8]]).done();
    for piece in
        ["state        accepted", "office       rrk-duesseldorf", "attempt 1", "SHA-256 of the mail", "Message-ID"]
    {
        assert!(shown.contains(piece), "{piece}\n{shown}");
    }
    let as_json = at(&["show", &id, "--json"]).json();
    assert_eq!(
        (&as_json["attempts"][0]["outcome"], &as_json["to"]),
        (&json!("accepted"), &json!("rrk@duesseldorf.example"))
    );
    let mail = at(&["show", &id, "--mail"]).done();
    assert!(
        mail.contains("\r\nTo: ") && mail.contains(&format!("\r\nMessage-ID: <{id}@zrk-nrw.example>\r\n")),
        "{mail}"
    );
    assert_eq!(as_json["attempts"][0]["bytes"], mail.len());
    for (arguments, code, words) in [
        (&["show", "zzz"][..], 3, "no notice begins with \"zzz\"; see `fristd outbox list`"),
        (&["show", ""], 2, "7 notices begin with \"\"; give more of the id"),
        (&["list", "--state", "lost"], 2, "state \"lost\": unknown; accepted: queued, claimed, accepted"),
        (&["list", "--month", "2026-13"], 2, "is not a month"),
        (&["retry"], 2, "say which notices: an id, --month, --state, --step or --to"),
        (&["release"], 2, "say which notices"),
        (&["discard"], 2, "say which notices"),
        (&["retry", "--month", "2026-12"], 3, "no notice that is meant is rejected"),
        (&["discard", "--month", "2026-12"], 3, "no notice that is meant is held"),
    ] {
        at(arguments).refused(code, &[words]);
    }
    let none = at(&["list", "--step", "reminder-9"]);
    assert_eq!((none.code, none.said.as_str()), (3, "0 notices\n"));
    assert_eq!(at(&["list", "--step", "reminder-9", "--json"]).said.trim(), "[]", "JSON also of nothing");
}

#[test]
fn held_notices_are_released_discarded_and_tried_again() {
    let mut site = Site::small("2026-12-01 09:00:00");
    site.set("LIMITS__NOTICES_A_TICK_MAX", "3");
    let mut daemon = site.run();
    daemon.delivered();
    daemon.stop();
    let at = |arguments: &[&str]| Answer::at(&site, &[&["outbox"], arguments].concat());
    assert_eq!(site.mailboxes("announcement", "held"), SMALL_ANNOUNCED);
    let said = at(&["list", "--state", "held"]).done();
    assert!(said.contains("  held       2026-12 planning   announcement"), "{said}");
    at(&["show", &text(&site.outbox()[0]["id"]), "--mail"]).refused(3, &["no mail of it was handed over yet"]);
    let said = at(&["discard", "--to", SMALL_ANNOUNCED[0]]).done();
    assert!(said.starts_with("1 notice discarded; kept as withdrawn, or as uncertain"), "{said}");
    assert_eq!(site.mailboxes("announcement", "withdrawn"), SMALL_ANNOUNCED[..1]);
    let said = at(&["release", "--month", "2026-12"]).done();
    assert!(said.starts_with("6 notices released; what is still called for"), "{said}");
    assert_eq!(site.mailboxes("announcement", "queued"), SMALL_ANNOUNCED[1..]);
    at(&["release", "--month", "2026-12"]).refused(3, &["no notice that is meant is held"]);
    site.execute("UPDATE notices SET state = 'rejected' WHERE state = 'queued'");
    let said = at(&["retry", "--to", SMALL_ANNOUNCED[1]]).done();
    assert!(said.starts_with("1 notice to be tried again with the daemon's next round"), "{said}");
    assert_eq!(site.mailboxes("announcement", "retry"), SMALL_ANNOUNCED[1..2]);
    assert!(site.outbox().iter().any(|notice| notice["to"] == SMALL_ZRK), "the ZRK was told of the hold");
}

#[test]
fn a_database_of_a_newer_version_is_refused_by_every_command() {
    let site = Site::small(NOW);
    Answer::at(&site, &["record", "2026-12", "planning", "abh-bonn", "complete"]).done();
    site.execute(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of the future', TRUE, x'00', 1)",
    );
    for arguments in [
        &["status", "2026-12"][..],
        &["record", "2026-12", "planning", "abh-bonn", "nil"],
        &["cycle", "imported", "2026-12"],
        &["outbox", "list"],
        &["pause"],
        &["resume"],
    ] {
        Answer::at(&site, arguments).refused(1, &["was made by a newer fristd (it has migration 9999)"]);
    }
    let told = site.query("SELECT state, COUNT(*) FROM receipts GROUP BY state");
    assert_eq!(told, [("complete".to_owned(), 1)], "left alone");
}
