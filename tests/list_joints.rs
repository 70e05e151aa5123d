//! Where lists meet the rest: arrangements, other sources, events out of order, reminders on their way. Never sleeps.

mod support;

use std::fs;

use support::answer::Answer;
use support::peer::Peer;
use support::scripted_smtp::{Act, Phase};
use support::site::{Site, text};

/// Imports rows of a list and returns what was said.
fn import(site: &Site, headings: &str, rows: &[&str], more: &[&str]) -> Answer {
    site.write("stand.csv", &format!("{headings}\n{}\n", rows.join("\n")));
    let file = site.path("stand.csv").display().to_string();
    Answer::at(site, &[&["import", &file], more].concat())
}

/// The standing of an authority's planning report.
fn standing(site: &Site, month: &str, authority: &str) -> String {
    let status = Answer::at(site, &["status", month, "--duty", "planning", "--json"]).json();
    let lines = status["duties"][0]["authorities"].as_array().cloned().unwrap_or_default();
    lines.iter().find(|line| line["id"] == authority).map(|line| text(&line["standing"])).unwrap_or_default()
}

/// A tick, by a daemon that is stopped after it.
fn tick(site: &Site) {
    let mut daemon = site.run().ready();
    daemon.wait_for_message("round done");
    daemon.stop();
}

const STANDS: &str = "Behörde;Meldepflicht;Monatslauf;Meldestand;Gilt bis;Begründung";

fn site(now: &str) -> Site {
    let site = Site::small(now);
    let cycles = site.read("cycles.toml").replace("# first_cycle = \"2026-12\"", "first_cycle = \"2026-12\"");
    site.write("cycles.toml", &cycles);
    site
}

#[test]
fn a_standing_nil_report_of_a_list_is_said_once_and_ended_for_good() {
    let site = site("2026-12-02 10:00:00");
    tick(&site);
    let snapshot = ["--kind", "snapshot"];
    let row = |month: &str| format!("Stadt Bonn;planning;{month};Fehlanzeige;31.03.2027;keine Fälle");
    import(&site, STANDS, &[&row("2026-12")], &snapshot).done();
    assert_eq!(standing(&site, "2026-12", "abh-bonn"), "nil");
    site.set_clock("2027-01-04 10:00:00");
    tick(&site);
    assert_eq!(standing(&site, "2027-01", "abh-bonn"), "nil");
    // a list of this month in which nothing stands yet does not undo it
    let blank = import(&site, STANDS, &["Stadt Bonn;planning;2027-01;;;"], &snapshot).done();
    assert!(blank.contains("0 Eingänge übernommen, 1 unverändert"), "{blank}");
    assert_eq!(standing(&site, "2027-01", "abh-bonn"), "nil");
    let ended = ["arrangement", "end", "abh-bonn", "planning", "--from", "2027-01", "--reason", "wieder Fälle"];
    Answer::at(&site, &ended).done();
    assert_eq!(standing(&site, "2027-01", "abh-bonn"), "missing");
    // the list still has it, month by month: it says what it has said before, which a person has ended since (S6)
    for month in ["2026-12", "2027-01"] {
        let again = import(&site, STANDS, &[&row(month)], &snapshot).done();
        assert!(again.contains("0 Eingänge übernommen, 1 unverändert"), "{month}: {again}");
    }
    tick(&site);
    assert_eq!(
        (standing(&site, "2026-12", "abh-bonn"), standing(&site, "2027-01", "abh-bonn")),
        ("nil".into(), "missing".into())
    );
    // a new word of the list counts
    import(&site, STANDS, &["Stadt Bonn;planning;2027-01;gemeldet;;"], &snapshot).done();
    assert_eq!(standing(&site, "2027-01", "abh-bonn"), "complete");
}

#[test]
fn what_a_list_says_of_several_months_holds_at_once_and_not_only_after_the_next_tick() {
    let site = site("2026-12-02 10:00:00");
    tick(&site);
    site.set_clock("2027-01-05 10:00:00");
    tick(&site);
    let row = "Stadt Bonn;planning;2026-12;Fehlanzeige;28.02.2027;keine Fälle";
    import(&site, STANDS, &[row], &["--kind", "snapshot"]).done();
    assert_eq!(
        (standing(&site, "2026-12", "abh-bonn"), standing(&site, "2027-01", "abh-bonn")),
        ("nil".into(), "nil".into())
    );
    let receipts = "SELECT month || ' ' || source, COUNT(*) FROM receipts GROUP BY month, source ORDER BY month";
    let wanted = [("2026-12 list:APS".to_owned(), 1), ("2027-01 arrangement".to_owned(), 1)];
    assert_eq!(site.query(receipts), wanted);
    tick(&site);
    assert_eq!(site.query(receipts), wanted);
}

#[test]
fn events_that_overlap_or_come_in_the_wrong_order_do_not_turn_the_standing_back() {
    let site = site("2026-12-14 10:00:00");
    let headings = "Behörde;Meldepflicht;Monatslauf;Meldestand;Gemeldet am";
    let event = |state: &str, at: &str| format!("Stadt Bonn;planning;2026-12;{state};{at}");
    let told = |rows: &[String]| {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        import(&site, headings, &rows, &["--kind", "events"])
    };
    let (missing, complete) = (event("fehlt", "03.12.2026 08:00"), event("gemeldet", "07.12.2026 09:12"));
    told(&[complete.clone(), missing.clone()]).done();
    assert_eq!(standing(&site, "2026-12", "abh-bonn"), "complete", "in the order of time, not of the file");
    let overlapping = told(&[complete.clone(), event("gemeldet", "08.12.2026 09:12"), missing]).done();
    assert!(overlapping.contains("1 Eingang übernommen, 2 unverändert"), "{overlapping}");
    // one that happened before, in a list that comes after
    let late = told(&[event("fehlt", "05.12.2026 08:00")]);
    assert_eq!(late.code, 1, "{late:?}");
    for piece in
        ["Zeile 2, Spalte „Gemeldet am“", "älter als der jüngste erfasste Eingang derselben Quelle", "fristd record"]
    {
        assert!(late.said.contains(piece), "no {piece:?} in\n{}", late.said);
    }
    assert_eq!(standing(&site, "2026-12", "abh-bonn"), "complete");
    // one that changes nothing now but tells that it was in time is taken
    told(&[event("gemeldet", "04.12.2026 08:00")]).done();
    // two states in one minute: nobody knows which was last
    let both = told(&[event("gemeldet", "09.12.2026 09:12"), event("fehlt", "09.12.2026 09:12")]);
    assert!(both.code == 1 && both.said.contains("nur eine der Zeilen kann stimmen"), "{both:?}");
    assert_eq!(standing(&site, "2026-12", "abh-bonn"), "complete");
}

#[test]
fn each_source_is_compared_with_itself_alone() {
    let site = site("2026-12-14 10:00:00");
    let list = |state: &str, source: &[&str]| {
        let row = format!("Stadt Bonn;planning;2026-12;{state}");
        let more = [&["--kind", "snapshot"], source].concat();
        import(&site, "Behörde;Meldepflicht;Monatslauf;Meldestand", &[&row], &more).done();
        standing(&site, "2026-12", "abh-bonn")
    };
    let other = ["--source", "Fachverfahren"];
    assert_eq!(list("gemeldet", &[]), "complete");
    assert_eq!(list("fehlt", &other), "complete", "it never said anything else");
    Answer::at(&site, &["record", "2026-12", "planning", "abh-bonn", "missing"]).done();
    assert_eq!(list("gemeldet", &[]), "missing", "the telephone was later, and the list says what it said");
    assert_eq!(list("gemeldet", &other), "complete");
    assert_eq!(list("fehlt", &[]), "missing", "now APS has changed its mind");
    assert_eq!(list("gemeldet", &other), "missing");
    assert_eq!(list("fehlt", &other), "missing");
    assert_eq!(list("gemeldet", &["--source", "list:APS"]), "complete", "a source of that name is another one");
    assert_eq!(list("fehlt", &["--source", "manual"]), "complete", "and one called manual is not the telephone");
}

#[test]
fn who_is_in_a_list_while_the_relay_puts_reminders_off_gets_none() {
    let busy = Peer::start((0..100).map(|_| (Phase::Rcpt, Act::Say("451 4.3.0 later"))));
    let mut site = site("2026-12-08 08:00:00");
    site.mail_to(busy.port());
    site.set("INTAKE__FOLDER", "eingang");
    site.set("INTAKE__SETTLE_SECONDS", "1");
    fs::create_dir(site.path("eingang")).unwrap();
    let mut daemon = site.run().ready();
    daemon.delivered();
    let list = "Behörde;Meldepflicht;Monatslauf;Meldestand\n\
        Stadt Bonn;planning;2026-12;gemeldet\nStadt Krefeld;planning;2026-12;Fehlanzeige\nKreis Mettmann;planning;2026-12;\n";
    fs::write(site.path("eingang/stand.csv"), list).unwrap();
    daemon.wait_for_message("a list in the drop folder was read");
    daemon.stop();
    let good = Peer::start([]);
    site.mail_to(good.port());
    site.set_clock("2026-12-08 12:00:00");
    let mut daemon = site.run();
    daemon.delivered();
    daemon.stop();
    let outbox = site.outbox();
    let of = |state: &str| {
        let planning = outbox.iter().filter(|notice| notice["duty"] == "planning" && notice["step"] == "reminder-5");
        let mut to: Vec<String> =
            planning.filter(|notice| notice["state"] == state).map(|notice| text(&notice["to"])).collect();
        to.sort();
        to
    };
    assert_eq!(of("accepted"), ["gemeinsam@mettmann.example", "leitung@essen.example", "rueckkehr@essen.example"]);
    assert_eq!(of("withdrawn"), ["rueckkehr@bonn.example", "rueckkehr@krefeld.example"]);
}
