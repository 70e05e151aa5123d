//! Where lists meet the rest: arrangements, other sources, events out of order, reminders on their way. Never sleeps.

mod support;

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
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

#[test]
fn the_past_stays_as_it_was_told_whatever_lists_and_arrangements_come_later() {
    let site = site("2026-12-02 10:00:00");
    tick(&site);
    let snapshot = ["--kind", "snapshot"];
    import(&site, STANDS, &["Stadt Bonn;planning;2026-12;Fehlanzeige;28.02.2027;keine Fälle"], &snapshot).done();
    let at = |instant: &str| Answer::at(&site, &["status", "2026-12", "--at", instant, "--json"]).json();
    site.set_clock("2026-12-09 10:00:00");
    let instants = ["2026-12-02T09:00:00+01:00", "2026-12-02T12:00:00+01:00", "2026-12-08T10:00:00+01:00"];
    let before = instants.map(at);
    assert_ne!(before[0], before[1], "the list is seen from then on");
    import(
        &site,
        STANDS,
        &["Stadt Bonn;planning;2026-12;gemeldet;;", "Stadt Essen;planning;2026-12;teilweise;;"],
        &snapshot,
    );
    import(&site, STANDS, &["Stadt Bonn;planning;2026-12;gemeldet;;"], &snapshot).done();
    Answer::at(&site, &["arrangement", "end", "abh-bonn", "planning", "--from", "2026-12", "--reason", "Irrtum"])
        .done();
    tick(&site);
    assert_eq!(instants.map(at), before);
    assert_eq!(standing(&site, "2026-12", "abh-bonn"), "complete", "what the list said stands");
}

/// Of what waits or was sent: duty, cycle, step, revision and how many mailboxes.
type Told = BTreeMap<(String, String, String, u64), u64>;

fn told(of: &[Value], count: impl Fn(&Value) -> u64) -> Told {
    let mut told = Told::new();
    for one in of.iter().filter(|one| one["kind"] != "zrk-notice") {
        let key = (text(&one["duty"]), text(&one["month"]), text(&one["step"]), one["revision"].as_u64().unwrap_or(0));
        *told.entry(key).or_default() += count(one);
    }
    told
}

#[test]
fn what_is_foreseen_is_what_the_next_tick_does_with_lists_arrangements_flags_and_holds() {
    let site = site("2026-12-01 09:00:00");
    tick(&site);
    let snapshot = ["--kind", "snapshot"];
    site.set_clock("2026-12-02 10:00:00");
    import(&site, STANDS, &["Stadt Bonn;planning;2026-12;Fehlanzeige;31.01.2027;keine Fälle"], &snapshot).done();
    let exempt =
        ["record", "2026-12", "statistics", "abh-krefeld", "exempt", "--until", "2026-12-31", "--reason", "Umbau"];
    Answer::at(&site, &exempt).done();
    site.execute(
        "INSERT INTO flags (mailbox, flagged_at, reply, notice)
         VALUES ('leitung@essen.example', '2026-12-02T09:00:00+00:00', '550', '')",
    );
    site.execute("UPDATE service SET changes = changes + 1");
    let mut seen = 0;
    for now in [
        "2026-12-08 08:00:00",
        "2026-12-14 08:00:00",
        "2026-12-15 08:00:00",
        "2026-12-16 08:00:00",
        "2026-12-17 08:00:00",
        "2026-12-28 08:00:00",
        "2027-01-04 09:00:00",
        "2027-01-11 08:00:00",
        "2027-01-15 08:00:00",
        "2027-02-01 09:00:00",
        "2027-02-08 08:00:00",
    ] {
        site.set_clock(now);
        if now.starts_with("2026-12-14") {
            import(&site, STANDS, &["Kreis Mettmann;planning;2026-12;gemeldet;;"], &snapshot).done();
            site.append("contacts.csv", "abh-essen,neu@essen.example,Neu,,,\n");
        }
        let foreseen = Answer::at(&site, &["check", "--diff", "--json"]).json();
        let foreseen = told(foreseen["told"].as_array().unwrap(), |group| group["mailboxes"].as_u64().unwrap());
        let before = told(&site.outbox(), |_| 1);
        tick(&site);
        let mut new = told(&site.outbox(), |_| 1);
        for (key, count) in before {
            *new.entry(key).or_default() -= count;
        }
        new.retain(|_, count| *count > 0);
        assert_eq!(foreseen, new, "{now}");
        seen += new.len();
    }
    assert!(seen > 10, "only {seen}");
}

#[test]
fn a_database_of_the_first_version_opens_and_takes_lists() {
    let site = site("2026-12-02 10:00:00");
    let first = site.path("migrations");
    fs::create_dir(&first).unwrap();
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/0001_initial.sql");
    fs::copy(source, first.join("0001_initial.sql")).unwrap();
    fs::create_dir(site.path("data")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let migrator = sqlx::migrate::Migrator::new(first).await.unwrap();
        let options = SqliteConnectOptions::new().filename(site.database()).create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        migrator.run(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    for statement in [
        "INSERT INTO service (id, created_at, first_cycle, changes) VALUES (1, '2026-11-30T08:00:00+00:00', '2026-12', 7)",
        "INSERT INTO duty_starts (duty, first_cycle) VALUES ('planning', '2026-12'), ('statistics', '2026-12')",
        "INSERT INTO receipts (number, month, duty, authority, state, missing, source, actor, received_at, reported_at)
         VALUES (1, '2026-12', 'planning', 'abh-essen', 'complete', '[]', 'manual', 'x', '2026-12-01T08:00:00+00:00', '2026-12-01T08:00:00+00:00')",
        "INSERT INTO notices (id, month, duty, step, revision, mailbox, kind, authorities, due_at, queued_at, state, attempts, uncertain,
                              lease, changed_at, accepted_at)
         VALUES ('0123456789abcdef0123456789abcdef', '2026-12', 'planning', 'announcement', 1, 'rueckkehr@essen.example', 'announcement',
                 '[\"abh-essen\"]', '2026-12-01T08:00:00+00:00', '2026-12-01T08:00:00+00:00', 'accepted', 1, 0, 1,
                 '2026-12-01T08:00:00+00:00', '2026-12-01T08:00:00+00:00')",
        "INSERT INTO flags (mailbox, flagged_at, reply, notice) VALUES ('leitung@essen.example', '2026-12-01T08:00:00+00:00', '550', 'x')",
    ] {
        site.execute(statement);
    }
    import(&site, STANDS, &["Stadt Bonn;planning;2026-12;gemeldet;;"], &["--kind", "snapshot"]).done();
    tick(&site);
    assert_eq!(
        (standing(&site, "2026-12", "abh-essen"), standing(&site, "2026-12", "abh-bonn")),
        ("complete".into(), "complete".into())
    );
    assert_eq!(
        site.query("SELECT mailbox, COUNT(*) FROM flags GROUP BY mailbox"),
        [("leitung@essen.example".to_owned(), 1)]
    );
    Answer::at(&site, &["contact", "clear", "leitung@essen.example"]).done();
    Answer::at(&site, &["check", "--diff"]).done();
    let mut announced = site.outbox();
    announced.retain(|notice| notice["to"] == "rueckkehr@essen.example" && notice["step"] == "announcement");
    assert_eq!(announced.len(), 1, "told before, and not again: {announced:?}");
}
