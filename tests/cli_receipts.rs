//! Receipts by hand at the command line: what stands for several months, remarks, and the history. Never sends a mail.

mod support;

use serde_json::{Value, json};
use support::answer::{Answer, assert_keys};
use support::site::{Site, text};

const NOW: &str = "2026-12-09 09:12:00";

fn at(site: &Site, arguments: &[&str]) -> Answer {
    Answer::at(site, arguments)
}

#[test]
fn what_stands_for_several_months_is_recorded_listed_and_ended() {
    let site = Site::small(NOW);
    let standing =
        ["record", "2026-12", "statistics", "abh-bonn", "nil", "--until", "2027-06-30", "--reason", "keine Fälle"];
    let said = at(&site, &standing).done();
    let arranged = "arranged: nil for the cycles 2026-12 to 2027-07, about 2026-11 to 2027-06\n";
    assert_eq!(said, format!("2026-12 statistics abh-bonn: nil\n{arranged}"));
    let exempt =
        ["record", "2026-12", "planning", "abh-essen", "exempt", "--until", "further-notice", "--reason", "abgegeben"];
    assert!(at(&site, &exempt).done().contains("arranged: exempt from the cycle 2026-12 on, until further notice\n"));
    let listed = at(&site, &["arrangement", "list"]).done();
    let wanted = "\
in force  planning exempt Stadt Essen [abh-essen], from cycle 2026-12 until further notice
    abgegeben; by zrk-person, 2026-12-09 09:12, manual
in force  statistics nil Stadt Bonn [abh-bonn], cycles 2026-12 to 2027-07 (arranged until 2027-06-30)
    keine Fälle; by zrk-person, 2026-12-09 09:12, manual
2 arrangements
";
    assert_eq!(listed, wanted);
    let as_json = at(&site, &["arrangement", "list", "--json"]).json();
    let nil = &as_json[1];
    let keys = [
        "authority",
        "duty",
        "kind",
        "from",
        "until",
        "last_cycle",
        "state",
        "reason",
        "source",
        "actor",
        "recorded_at",
        "ended_by",
    ];
    assert_keys(nil, &keys);
    assert_eq!((&nil["until"], &nil["last_cycle"]), (&json!("2027-06-30"), &json!("2027-07")));
    assert_eq!((&as_json[0]["until"], &nil["ended_by"]), (&Value::Null, &Value::Null));

    let end = ["arrangement", "end", "abh-bonn", "statistics", "--reason", "wieder zuständig"];
    assert!(
        at(&site, &end)
            .done()
            .starts_with("abh-bonn statistics: what was arranged holds no more from the cycle 2026-12")
    );
    at(&site, &end).refused(3, &["abh-bonn has no standing nil report or exemption for statistics"]);
    let status = at(&site, &["status", "2026-12", "--duty", "statistics", "--json"]).json();
    let bonn =
        status["duties"][0]["authorities"].as_array().expect("authorities").iter().find(|one| one["id"] == "abh-bonn");
    assert_eq!(bonn.map(|bonn| &bonn["standing"]), Some(&json!("missing")), "it is asked again");
    let current = at(&site, &["arrangement", "list", "--current"]).done();
    assert!(current.ends_with("1 arrangement\n") && !current.contains("bonn"), "{current}");
    let all = at(&site, &["arrangement", "list"]).done();
    assert!(
        all.contains("ended     statistics nil Stadt Bonn")
            && all.contains("then ended from 2026-12: wieder zuständig"),
        "{all}"
    );
    assert_eq!(
        at(&site, &[&standing[..], &["--reported-at", "2026-12-08 10:00"]].concat()).code,
        0,
        "and arranged again"
    );
    site.set_clock("2027-09-01 09:00:00");
    let over = at(&site, &["arrangement", "list"]).done();
    assert!(over.contains("over      statistics nil Stadt Bonn"), "{over}");
}

#[test]
fn what_may_not_be_meant_is_said() {
    let site = Site::small(NOW);
    for (arguments, words) in [
        (
            &["extended", "--until", "2026-12-25", "--reason", "IT"][..],
            "the extension ends with 2026-12-25, though that is no working day (1. Weihnachtstag); record it until \
             2026-12-28, the next working day, if that is meant\n",
        ),
        (
            &["nil", "--reason", "am Telefon"],
            "for the cycle 2026-12 only; to let it stand for more, give --until DATE\n",
        ),
        (&["exempt", "--reason", "Umbau"], "give --until DATE or --until further-notice\n"),
    ] {
        let said = at(&site, &[&["record", "2026-12", "statistics", "abh-bonn"], arguments].concat()).done();
        assert!(said.ends_with(words), "{said}");
    }
    for (arguments, words) in [
        (&["nil", "--until", "2027-06-30"][..], "state \"nil\": needs a reason"),
        (&["nil", "--until", "further-notice", "--reason", "x"], "ends on a date"),
        (&["nil", "--until", "2026-11-29", "--reason", "x"], "accepted: 2026-11-30 or later"),
        (&["complete", "--until", "2026-12-30"], "goes with \"extended\", \"nil\" or \"exempt\" only"),
        (&["complete", "--reason", "a\nb"], "line break"),
    ] {
        at(&site, &[&["record", "2026-12", "statistics", "abh-bonn"], arguments].concat()).refused(2, &[words]);
    }
    at(&site, &["arrangement", "end", "abh-bonn", "statistik", "--reason", "x"])
        .refused(2, &["known: planning, statistics"]);
    at(&site, &["arrangement", "end", "abh-bonn", "planning", "--reason", "x", "--from", "2026"])
        .refused(2, &["YYYY-MM"]);
    let none = at(&site, &["arrangement", "list"]);
    assert_eq!((none.code, none.said.as_str()), (3, "0 arrangements\n"));
}

#[test]
fn the_history_tells_who_said_what_when_and_why_and_what_it_came_to() {
    let site = Site::small(NOW);
    let record = |arguments: &[&str]| at(&site, &[&["record", "2026-12"], arguments].concat()).done();
    at(&site, &["status", "--history", "abh-bonn"]).refused(1, &["no database yet"]);
    record(&["statistics", "abh-bonn", "partial", "--missing", "returns"]);
    record(&["planning", "abh-bonn", "complete", "--reported-at", "2026-12-08 16:00", "--reason", "am Telefon"]);
    site.set_clock("2026-12-14 10:00:00");
    record(&["statistics", "abh-bonn", "extended", "--until", "2026-12-22", "--reason", "Ausfall der IT"]);
    site.set_clock("2026-12-28 11:00:00");
    let run_out = at(&site, &["status", "2026-12", "--history", "abh-bonn", "--duty", "statistics"]).done();
    assert!(run_out.ends_with("  2026-12-23 00:00  the extension until 2026-12-22 has run out\n                  → partial since 2026-12-09 09:12, overdue\n"), "{run_out}");
    record(&["statistics", "abh-bonn", "complete"]);
    let told = at(&site, &["status", "--history", "abh-bonn"]).done();
    let wanted = "\
Stadt Bonn [abh-bonn]

planning 2026-12, about 2026-12, deadline Dienstag, 15. Dezember 2026
  2026-12-09 09:12  complete: am Telefon; by zrk-person, manual, reported 2026-12-08 16:00
                  → complete since 2026-12-08 16:00, in time

statistics 2026-12, about 2026-11, deadline Dienstag, 15. Dezember 2026
  2026-12-09 09:12  partial, missing: returns; by zrk-person, manual
                  → partial since 2026-12-09 09:12
  2026-12-14 10:00  extended until 2026-12-22: Ausfall der IT; by zrk-person, manual
                  → extended since 2026-12-14 10:00
  2026-12-23 00:00  the extension until 2026-12-22 has run out
                  → partial since 2026-12-09 09:12, overdue
  2026-12-28 11:00  complete; by zrk-person, manual
                  → complete since 2026-12-28 11:00, late
";
    assert_eq!(told, wanted);
    let past =
        at(&site, &["status", "--history", "abh-bonn", "--duty", "statistics", "--at", "2026-12-22 12:00"]).done();
    assert!(past.ends_with("→ extended since 2026-12-14 10:00\n"), "as it was known then: {past}");
    let as_json = at(&site, &["status", "2026-12", "--history", "abh-bonn", "--duty", "statistics", "--json"]).json();
    assert_keys(&as_json, &["authority", "name", "cycles"]);
    let entries = as_json["cycles"][0]["entries"].as_array().expect("entries");
    let events: Vec<String> = entries.iter().map(|entry| text(&entry["event"])).collect();
    assert_eq!(events, ["receipt", "receipt", "extension-ran-out", "receipt"]);
    assert_eq!((&entries[2]["standing"], &entries[2]["in_time"]), (&json!("partial"), &json!(false)));
    assert_eq!((&entries[1]["until"], &entries[1]["why"]), (&json!("2026-12-22"), &json!("Ausfall der IT")));
    assert_eq!(at(&site, &["status", "2027-01", "--history", "abh-bonn"]).code, 3, "nothing was recorded");
    at(&site, &["status", "--history", "bonn"]).refused(2, &["not in the roster; near: abh-bonn"]);
}

#[test]
fn the_past_stays_as_it_was_known() {
    let site = Site::small(NOW);
    let at_past = |when: &str| {
        let status = at(&site, &["status", "2026-12", "--duty", "planning", "--at", when, "--json"]).json();
        let bonn = status["duties"][0]["authorities"]
            .as_array()
            .and_then(|all| all.iter().find(|one| one["id"] == "abh-bonn"));
        bonn.map(|bonn| (text(&bonn["standing"]), bonn["in_time"].clone())).expect("Bonn is in the roster")
    };
    at(&site, &["record", "2026-12", "planning", "abh-bonn", "extended", "--until", "2026-12-22", "--reason", "IT"])
        .done();
    site.set_clock("2026-12-21 09:00:00");
    at(&site, &["record", "2026-12", "planning", "abh-bonn", "complete", "--reported-at", "2026-12-10 09:00"]).done();
    site.set_clock("2027-04-01 09:00:00");
    for (when, standing, in_time) in [
        ("2026-12-09 09:00", "missing", Value::Null),
        ("2026-12-16 09:00", "extended", Value::Null),
        ("2026-12-21 08:59", "extended", Value::Null),
        ("2026-12-21 09:30", "complete", json!(true)),
        ("2027-03-01 00:00", "complete", json!(true)),
    ] {
        assert_eq!(at_past(when), (standing.to_owned(), in_time), "{when}");
    }
    let signalled = ["cycle", "imported", "2027-04", "--on", "2027-04-08"];
    at(&site, &signalled).done();
    let end = |when: &[&str]| {
        let status = at(&site, &[&["status", "2027-04", "--duty", "planning", "--json"], when].concat()).json();
        text(&status["duties"][0]["ends_on"])
    };
    assert_eq!(end(&[]), "2027-04-22");
    assert_eq!(end(&["--at", "2027-04-01 08:00"]), "2027-04-15", "before the import was signalled");
}
