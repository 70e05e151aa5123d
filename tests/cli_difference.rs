//! `fristd check --diff`: what edited files change against what the service took, and who would be told what. It writes nothing.

mod support;

use serde_json::{Value, json};
use support::answer::{Answer, assert_keys};
use support::site::{SMALL_ANNOUNCED, Site};

const VALIDITY: &str = "\
id,name,kind,district,ags,valid_from,valid_to,reported_by
abh-essen,Stadt Essen,abh,duesseldorf,05113,,,
abh-krefeld,Stadt Krefeld,abh,duesseldorf,05114,,2026-11-30,abh-mettmann
abh-bonn,Stadt Bonn,abh,koeln,05314,,,
abh-mettmann,Kreis Mettmann,abh,duesseldorf,05158,,,
";
const DEPUTY: &str = "\
owner,email,name,valid_from,valid_to,calendar,instead_of
abh-essen,rueckkehr@essen.example,Rückkehr,,,,
abh-essen,vertretung@essen.example,Vertretung,2026-12-01,2026-12-20,,rueckkehr@essen.example
abh-essen,leitung@essen.example,Leitung,,,,
abh-krefeld,rueckkehr@krefeld.example,Rückkehr,,,,
abh-bonn,rueckkehr@bonn.example,Rückkehr,,,,
abh-bonn,neu@bonn.example,Neu,,,,
abh-mettmann,gemeinsam@mettmann.example,Gemeinsames Postfach,,,,
rrk-duesseldorf,rrk@duesseldorf.example,RRK Düsseldorf,,,,
zrk,zrk@zrk.example,ZRK,,,,
";

/// Announced at nine to all, and stopped.
fn announced() -> Site {
    let site = Site::small("2026-12-01 09:00:00");
    let mut daemon = site.run();
    assert_eq!(daemon.delivered()["sent"], SMALL_ANNOUNCED.len());
    daemon.stop();
    site
}

fn log(site: &Site) -> Vec<(String, i64)> {
    site.query("SELECT event, number FROM log ORDER BY number")
}

#[test]
fn without_a_database_there_is_nothing_to_compare_with_and_the_files_are_validated_all_the_same() {
    let site = Site::small("2026-12-01 08:00:00");
    let said = Answer::at(&site, &["check", "--diff"]).done();
    assert!(said.contains("good: 4 authorities") && said.contains("there is no database yet"), "{said}");
    assert!(!site.path("data").exists(), "asking makes nothing");
    let value = Answer::at(&site, &["check", "--diff", "--json"]).json();
    assert_eq!((&value["taken_at"], &value["database"]), (&Value::Null, &Value::Null));
    site.write("authorities.csv", "id,name\n");
    Answer::at(&site, &["check", "--diff", "--json"]).refused(2, &["the column \"kind\" is missing"]);
    Answer::at(&site, &["check", "--json"]).refused(2, &["--diff"]);
}

#[test]
fn unchanged_files_differ_in_nothing_and_nothing_follows() {
    let site = announced();
    let said = Answer::at(&site, &["check", "--diff"]).done();
    assert!(
        said.contains("compared with what the service took on 1. Dezember 2026, 09:00 Uhr:\n  nothing differs\n"),
        "{said}"
    );
    assert!(said.ends_with("at the next tick:\n  nobody would be told anything, and nothing withdrawn\n"), "{said}");
}

#[test]
fn who_comes_and_goes_and_who_would_be_told_is_said_and_nothing_is_written() {
    let site = announced();
    let before = log(&site);
    site.write("authorities.csv", VALIDITY);
    site.write("contacts.csv", DEPUTY);
    let said = Answer::at(&site, &["check", "--diff"]).done();
    let want = "\
compared with what the service took on 1. Dezember 2026, 09:00 Uhr:
  authority changes: Stadt Krefeld [abh-krefeld]; valid to 30. November 2026, was none; reported by
  abh-mettmann, was none
  mailbox comes: vertretung@essen.example of abh-essen; \"Vertretung\" from 1. Dezember 2026 to 20.
  Dezember 2026 instead of rueckkehr@essen.example
  mailbox comes: neu@bonn.example of abh-bonn; \"Neu\" always valid
  mailbox goes: zfa@zfa.example of zfa
at the next tick:
  would be told: announcement planning 2026-12 to 2 mailboxes of abh-bonn, abh-essen
";
    assert!(said.ends_with(want), "{said}");
    assert!(said.contains("owed by 3 of 4 authorities"), "{said}");

    let value = Answer::at(&site, &["check", "--diff", "--json"]).json();
    assert_keys(&value, &["taken_at", "roster", "rules", "corrected", "told", "withdrawn", "reported", "warnings"]);
    assert_eq!(value["roster"].as_array().map(Vec::len), Some(4));
    let told = json!([{
        "kind": "announcement", "month": "2026-12", "duty": "planning", "step": "announcement", "revision": 1,
        "mailboxes": 2, "authorities": ["abh-bonn", "abh-essen"], "offices": [], "reason": null,
    }]);
    assert_eq!((&value["told"], &value["withdrawn"]), (&told, &json!([])));
    assert_eq!(log(&site), before, "nothing was written");

    // what was foreseen comes to pass, and then nothing differs any more
    let mut daemon = site.run();
    assert_eq!(daemon.delivered()["sent"], 2);
    daemon.stop();
    let said = Answer::at(&site, &["check", "--diff"]).done();
    assert!(said.contains("nothing differs") && said.contains("nobody would be told anything"), "{said}");
    let taken = site.query("SELECT facts, number FROM log WHERE event = 'roster taken' ORDER BY number");
    let facts: Vec<Value> =
        taken.iter().map(|(facts, _)| serde_json::from_str(facts).expect("facts are JSON")).collect();
    assert_eq!(facts[0], json!({ "authorities": 4, "offices": 7, "contacts": 8 }), "at the first start");
    assert_eq!(
        facts[1]["changes"]["mailbox"],
        json!({ "ids": ["abh-essen", "abh-bonn", "zfa"], "comes": 2, "goes": 1, "changes": 0 })
    );
    assert_eq!((facts.len(), facts[1].to_string().contains('@')), (2, false), "no address in the log");
}

#[test]
fn what_waits_and_would_be_withdrawn_is_said_with_the_reason() {
    let site = announced();
    Answer::at(&site, &["pause"]).done();
    site.set_clock("2026-12-08 08:00:00");
    let mut daemon = site.run();
    daemon.wait_for_message("round done");
    daemon.stop();
    site.write("authorities.csv", VALIDITY);
    site.write("contacts.csv", DEPUTY);
    let said = Answer::at(&site, &["check", "--diff"]).done();
    let said = said.split_whitespace().collect::<Vec<_>>().join(" "); // long lines are broken for a terminal
    for line in [
        "would be withdrawn: reminder-5 planning 2026-12 to 1 mailbox of abh-krefeld: abh-krefeld does not owe this report; \
         abh-mettmann reports for it",
        "would be withdrawn: reminder-5 planning 2026-12 to 1 mailbox of abh-essen: a deputy mailbox stands in for it",
        "would be told: reminder-5 statistics 2026-12 to 2 mailboxes of abh-bonn, abh-essen",
    ] {
        assert!(said.contains(line), "{line}:\n{said}");
    }
}

#[test]
fn a_deadline_that_would_move_is_reported_without_a_reason_and_corrected_with_one() {
    let site = announced();
    site.append("cycles.toml", "\n[[cycle]]\nmonth = \"2026-12\"\nimport = 2026-12-03\n");
    let value = Answer::at(&site, &["check", "--diff", "--json"]).json();
    let moved = "planning 2026-12 changes: import Donnerstag, 3. Dezember 2026, deadline Donnerstag, 17. Dezember 2026; \
                 was import Dienstag, 1. Dezember 2026, deadline Dienstag, 15. Dezember 2026";
    assert_eq!(value["rules"], json!([moved]));
    assert_eq!(value["reported"][0]["headline"], "Frist APS-Planungsmodul Dezember 2026 weicht von der Ankündigung ab");
    assert_eq!((&value["told"], &value["corrected"]), (&json!([]), &json!([])));

    site.append("cycles.toml", "correction = \"Der Datenimport musste verschoben werden.\"\n");
    let said = Answer::at(&site, &["check", "--diff"]).done();
    for line in [
        "would be corrected: planning 2026-12 to Donnerstag, 17. Dezember 2026 (Der Datenimport musste",
        "would be told: correction planning 2026-12 to 7 mailboxes of",
    ] {
        assert!(said.contains(line), "{line}:\n{said}");
    }
    assert!(!said.contains("would be reported"), "{said}");
}

#[test]
fn a_database_of_an_older_version_is_not_touched() {
    let site = announced();
    site.execute("DELETE FROM _sqlx_migrations WHERE version = 5");
    let answer = Answer::at(&site, &["check", "--diff"]);
    assert_eq!(answer.code, 1);
    assert!(answer.complained.contains("was made by an older fristd"), "{}", answer.complained);
    assert_eq!(site.query("SELECT 'x', COUNT(*) FROM _sqlx_migrations WHERE version = 5")[0].1, 0);
}
