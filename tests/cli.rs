//! The commands that need no database: what they print, the JSON that others rely on, exit codes. Never sends a mail.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use chrono::{Datelike, Weekday};
use serde_json::{Value, json};
use support::answer::{Answer, assert_keys};
use support::site::Site;

const NOW: &str = "2026-11-20 12:00:00";

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("an array").as_slice()
}

#[test]
fn help_of_each_command_teaches_with_an_example() {
    let folder = tempfile::tempdir().expect("a folder");
    for command in [
        "",
        "demo",
        "run",
        "init",
        "check",
        "explain",
        "timetable",
        "status",
        "record",
        "cycle",
        "cycle imported",
        "preview",
        "outbox",
        "outbox list",
        "outbox show",
        "outbox retry",
        "outbox release",
        "outbox discard",
        "pause",
        "resume",
        "simulate",
    ] {
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.push("--help");
        let help = Answer::without_settings(folder.path(), &arguments).done();
        let (_, example) = help.split_once("Example").unwrap_or_else(|| panic!("{command}: no example\n{help}"));
        assert!(example.contains(&format!("  fristd {command}")), "{command}: another example\n{help}");
        assert!(help.contains("Usage: fristd") && help.contains("--config <FILE>"), "{command}\n{help}");
    }
}

#[test]
fn exit_codes_tell_wrong_usage_from_failure_and_from_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let without = |arguments: &[&str]| Answer::without_settings(folder.path(), arguments);
    without(&[]).refused(2, &["Usage: fristd"]);
    without(&["frobnicate"]).refused(2, &["unrecognized subcommand 'frobnicate'"]);
    without(&["--config", "none/fristd.toml", "check"]).refused(2, &["fristd.toml: cannot read", "--config"]);
    let mut site = Site::small(NOW);
    site.set_variable("FRISTD_LOG", "===");
    Answer::at(&site, &["run"]).refused(2, &["FRISTD_LOG \"===\"", "accepted: for example info"]);
    let at = |arguments: &[&str]| Answer::at(&site, arguments);
    at(&["explain", "2026-8"]).refused(2, &["\"2026-8\" is not a month; accepted: YYYY-MM"]);
    at(&["explain", "--duty", "statistik"]).refused(2, &["duty \"statistik\": there is none; known: planning"]);
    at(&["explain", "--import", "2026-02-30"]).refused(2, &["'2026-02-30'", "is no date; accepted: YYYY-MM-DD"]);
    at(&["explain", "2026-12", "--import", "2027-01-05"]).refused(2, &["lies in the wrong month", "2026-12"]);
    at(&["timetable", "--months", "121"]).refused(2, &["1..=120"]);
    at(&["timetable", "--from", "2100-06", "--months", "12"]).refused(2, &["lies outside 1995 to 2100"]);
    at(&["timetable", "--ics", "--json"]).refused(2, &["cannot be used with"]);
    at(&["status"]).refused(1, &["fristd.sqlite: there is no database yet", "`fristd run` makes it"]);
    at(&["outbox", "list"]).refused(1, &["there is no database yet"]);
    at(&["preview", "2026-12", "--step", "reminder-9"]).refused(2, &["step \"reminder-9\"", "known: announcement"]);
    site.write(
        "cycles.toml",
        &site.read("cycles.toml").lines().filter(|line| !line.contains("step")).fold(String::new(), |text, line| {
            // without a ladder nothing is ever said
            let of_step = ["  kind", "  at ", "  to "].iter().any(|start| line.starts_with(start));
            if of_step { text } else { text + line + "\n" }
        }),
    );
    assert_eq!(at(&["timetable", "--json"]).code, 3, "no step, no notice");
}

/// Counted without the product, by the list of public holidays in the fixtures.
fn the_nth_working_day_after(date: &str, wanted: usize) -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/nrw-holidays.csv");
    let text = fs::read_to_string(file).expect("the list of holidays");
    let holidays: BTreeSet<&str> = text.lines().filter_map(|line| line.split(',').next()).collect();
    let base: chrono::NaiveDate = date.parse().expect("a date");
    let is_working = |date: &chrono::NaiveDate| {
        !matches!(date.weekday(), Weekday::Sat | Weekday::Sun) && !holidays.contains(date.to_string().as_str())
    };
    let last = base.iter_days().skip(1).filter(is_working).nth(wanted - 1);
    last.expect("a day").to_string()
}

#[test]
fn explain_needs_no_settings_and_says_of_each_day_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let explain = |arguments: &[&str]| {
        let fixed = ["explain", "--import", "2026-12-17", "--calendar", "nrw", "--working-days"];
        Answer::without_settings(folder.path(), &[&fixed, arguments].concat())
    };
    let explained = explain(&["10", "--json"]).json();
    let counted = |date: &str, number: u32| json!({ "date": date, "counts": true, "number": number });
    let skipped = |date: &str, why: &str| json!({ "date": date, "counts": false, "why": why });
    let days = [
        counted("2026-12-18", 1),
        skipped("2026-12-19", "Samstag"),
        skipped("2026-12-20", "Sonntag"),
        counted("2026-12-21", 2),
        counted("2026-12-22", 3),
        counted("2026-12-23", 4),
        counted("2026-12-24", 5),
        skipped("2026-12-25", "1. Weihnachtstag"),
        skipped("2026-12-26", "2. Weihnachtstag"),
        skipped("2026-12-27", "Sonntag"),
        counted("2026-12-28", 6),
        counted("2026-12-29", 7),
        counted("2026-12-30", 8),
        counted("2026-12-31", 9),
        skipped("2027-01-01", "Neujahr"),
        skipped("2027-01-02", "Samstag"),
        skipped("2027-01-03", "Sonntag"),
        counted("2027-01-04", 10),
    ];
    let wanted = json!({
        "import": "2026-12-17", "stated_on": "2027-01-04", "ends_on": "2027-01-04", "calendar": "nrw", "days": days,
    });
    assert_eq!(explained, wanted);
    let words = explain(&["10"]).done();
    for piece in
        ["Donnerstag, 17. Dezember 2026 (not counted, § 187 Abs. 1 BGB)", "Fr 25.12.2026    –  1. Weihnachtstag"]
    {
        assert!(words.contains(piece), "{words}");
    }
    assert!(words.contains("Mo 04.01.2027   10   the deadline; counts to 24:00, § 188 Abs. 1 BGB"), "{words}");
    assert!(words.trim_end().ends_with("deadline  Montag, 4. Januar 2027"), "{words}");

    let year = explain(&["250", "--json"]).json();
    let numbers: Vec<u64> = list(&year["days"]).iter().filter_map(|day| day["number"].as_u64()).collect();
    assert_eq!(numbers, (1..=250).collect::<Vec<u64>>(), "counted without a gap");
    assert_eq!(list(&year["days"]).last().map(|day| &day["date"]), Some(&year["ends_on"]));
    assert_eq!(year["ends_on"], the_nth_working_day_after("2026-12-17", 250));
    let reasons: BTreeSet<&str> = list(&year["days"]).iter().filter_map(|day| day["why"].as_str()).collect();
    for why in ["Karfreitag", "Ostermontag", "Tag der Arbeit", "Christi Himmelfahrt", "Pfingstmontag", "Fronleichnam"] {
        assert!(reasons.contains(why), "{why} is not among {reasons:?}");
    }

    explain(&["0"]).refused(2, &["1..=250"]);
    explain(&["251"]).refused(2, &["1..=250"]);
    let including = explain(&["10", "--count-import-day", "--json"]).json();
    assert_eq!((&including["days"][0], &including["ends_on"]), (&counted("2026-12-17", 1), &json!("2026-12-31")));
    let other = ["explain", "--import", "2026-12-17", "--calendar", "bayern", "--working-days", "10"];
    let known = ["calendar \"bayern\": there is none; known: nrw, nrw-verwaltung, nrw-werktage"];
    Answer::without_settings(folder.path(), &other).refused(2, &known);
    let late = ["explain", "--import", "2100-12-17", "--calendar", "nrw", "--working-days", "250"];
    Answer::without_settings(folder.path(), &late).refused(2, &["lies outside 1995 to 2100"]);
    Answer::without_settings(folder.path(), &["explain", "2026-12"]).refused(2, &["no settings", "fristd init DIR"]);
}

#[test]
fn explain_by_settings_names_duty_month_and_rule() {
    let site = Site::small(NOW);
    let both = Answer::at(&site, &["explain", "2026-08", "--json"]).json();
    let keys = ["duty", "month", "import", "stated_on", "ends_on", "calendar", "days"];
    assert_eq!(list(&both).len(), 2, "one object a duty");
    list(&both).iter().for_each(|explained| assert_keys(explained, &keys));
    let statistics = Answer::at(&site, &["explain", "2026-08", "--duty", "statistics", "--json"]).json();
    let days = json!([
        { "date": "2026-08-15", "counts": false, "why": "Samstag" },
        { "date": "2026-08-16", "counts": false, "why": "Sonntag" },
        { "date": "2026-08-17", "counts": true, "number": 1 },
    ]);
    let wanted = json!({
        "duty": "statistics", "month": "2026-08", "import": "2026-08-03", "stated_on": "2026-08-15",
        "ends_on": "2026-08-17", "calendar": "nrw", "days": days,
    });
    assert_eq!(statistics, wanted);
    let words = Answer::at(&site, &["explain", "2026-08"]).done();
    for piece in [
        "rule      10 working days after the import",
        "rule      day 15 of the month; if that is free: it ends with the next working day, § 31 Abs. 3 VwVfG",
        "stated as Samstag, 15. August 2026, ends Montag, 17. August 2026",
        "Der 15. fällt auf einen Samstag",
    ] {
        assert!(words.contains(piece), "{piece}\n{words}");
    }
    assert!(!words.contains("\n\n\n"), "no two empty lines:\n{words}");
    let ends_on = |arguments: &[&str]| {
        let fixed = ["explain", "2026-12", "--duty", "planning", "--json"];
        Answer::at(&site, &[&fixed, arguments].concat()).json()["ends_on"].clone()
    };
    assert_eq!(ends_on(&[]), "2026-12-15");
    assert_eq!(ends_on(&["--import", "2026-12-17"]), "2027-01-04");
    assert_eq!(ends_on(&["--import", "2026-12-17", "--calendar", "nrw-verwaltung"]), "2027-01-06");
    let all = ["--import", "2026-12-17", "--calendar", "nrw", "--working-days", "3"];
    assert_eq!(ends_on(&all), "2026-12-22", "a month or duty that is named is not passed over");
    assert_eq!(ends_on(&[&all[..], &["--count-import-day"]].concat()), "2026-12-21");
}

#[test]
fn timetable_of_a_year_states_the_free_fifteenth_of_august() {
    let site = Site::example(NOW);
    let entries = Answer::at(&site, &["timetable", "--from", "2026-01", "--months", "12", "--json"]).json();
    let keys = ["at", "month", "duty", "step", "kind", "to", "mails"];
    list(&entries).iter().for_each(|entry| assert_keys(entry, &keys));
    let months: BTreeSet<&str> = list(&entries).iter().filter_map(|entry| entry["month"].as_str()).collect();
    assert_eq!(months.len(), 12);
    let instant = |entry: &Value| {
        chrono::DateTime::parse_from_rfc3339(entry["at"].as_str().expect("an instant")).expect("RFC 3339")
    };
    let instants: Vec<_> = list(&entries).iter().map(instant).collect();
    assert!(instants.is_sorted(), "in order of time");
    assert!(instants.iter().all(|at| [3600, 7200].contains(&at.offset().local_minus_utc())), "with the local offset");
    let of_august = |duty: &str, step: &str| {
        let is_it = |entry: &&Value| entry["month"] == "2026-08" && entry["duty"] == duty && entry["step"] == step;
        let found: Vec<&Value> = list(&entries).iter().filter(is_it).collect();
        assert_eq!(found.len(), 1, "{duty} {step}");
        found[0].clone()
    };
    let wanted = json!({
        "at": "2026-08-03T09:00:00+02:00", "month": "2026-08", "duty": "planning", "step": "announcement",
        "kind": "announcement", "to": ["users", "rrk", "zfa"], "mails": 256,
    });
    assert_eq!(of_august("planning", "announcement"), wanted);
    // the last reminder on the Friday before; overdue after the Monday on which it ends
    assert_eq!(of_august("statistics", "reminder-0")["at"], "2026-08-14T08:00:00+02:00");
    assert_eq!(of_august("statistics", "overdue+1")["at"], "2026-08-18T08:00:00+02:00");
    let words = Answer::at(&site, &["timetable", "--from", "2026-08", "--months", "1"]).done();
    assert!(words.contains("statistics: deadline Samstag, 15. August 2026, ends Montag, 17. August 2026"), "{words}");
    assert!(words.contains("Der 15. fällt auf einen Samstag") && words.contains("≤ 247 to missing"), "{words}");
    assert!(words.lines().all(|line| line.chars().count() <= 100), "fits a terminal:\n{words}");
    let calendar = Answer::at(&site, &["timetable", "--from", "2026-08", "--months", "1", "--ics"]).done();
    let events = calendar.lines().filter(|line| *line == "BEGIN:VEVENT").count();
    let of_the_month = list(&entries).iter().filter(|entry| entry["month"] == "2026-08").count();
    assert_eq!((events, calendar.lines().next()), (of_the_month, Some("BEGIN:VCALENDAR")));
}

#[test]
fn init_writes_four_good_files_and_never_overwrites_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let said = Answer::without_settings(path, &["init", "my-settings"]).done();
    let files = ["fristd.toml", "cycles.toml", "authorities.csv", "contacts.csv"];
    for file in files {
        assert!(said.contains(&format!("wrote my-settings/{file}")), "{said}");
    }
    assert!(said.contains("fristd check --config my-settings/fristd.toml"), "{said}");
    let checked = Answer::without_settings(path, &["check", "--config", "my-settings/fristd.toml"]).done();
    for piece in ["good: 86 authorities (81 lower, 5 central), 7 offices, 258 mailboxes", "not sent", "planning"] {
        assert!(checked.contains(piece), "{checked}");
    }
    for kept in files {
        let other = path.join(format!("with-{kept}"));
        fs::create_dir(&other).expect("a folder");
        fs::write(other.join(kept), "mine").expect("a file");
        let name = other.display().to_string();
        Answer::without_settings(path, &["init", &name])
            .refused(1, &[kept, "is there already, and nothing was written"]);
        assert_eq!(fs::read_to_string(other.join(kept)).expect("still there"), "mine");
        assert_eq!(other.read_dir().expect("a folder").count(), 1, "nothing beside it");
    }
    // a link that leads nowhere does not look as if it were there
    let linked = path.join("linked");
    fs::create_dir(&linked).expect("a folder");
    std::os::unix::fs::symlink(path.join("elsewhere"), linked.join("contacts.csv")).expect("a link");
    let answer = Answer::without_settings(path, &["init", "linked"]);
    assert!(answer.code == 1 && !path.join("elsewhere").exists(), "{answer:?}");
}

#[test]
fn check_says_which_cycle_comes_next_and_how_mail_leaves() {
    let mut site = Site::small("2026-12-01 07:00:00");
    let next = |site: &Site| {
        let said = Answer::at(site, &["check"]).done();
        let line = said.lines().find(|line| line.starts_with("next cycle")).unwrap_or_default().to_owned();
        (line, said)
    };
    assert_eq!(next(&site).0, "next cycle, 2026-12:", "the import is today");
    site.set_clock("2026-12-02 07:00:00");
    assert_eq!(next(&site).0, "next cycle, 2027-01:");
    site.mail_to(2525);
    let said = next(&site).1;
    assert!(said.contains("sent by 127.0.0.1:2525 (without TLS, on this machine)"), "{said}");
}

#[test]
fn preview_writes_the_files_that_would_go_with_a_mail() {
    let site = Site::small(NOW);
    let folder = site.path("files").display().to_string();
    let preview = |step: &str, office: &str| {
        Answer::at(&site, &["preview", "2026-12", "--step", step, "--office", office, "--attachments", &folder]).done()
    };
    let mail = preview("escalation", "rrk-duesseldorf");
    let stem = "Ausstehende-Meldungen_Duesseldorf_Planung_2026-12_2026-12-17";
    assert!(mail.contains(&format!("\nAnlage:  {stem}.pdf\nAnlage:  {stem}.xlsx\n\n")), "{mail}");
    assert!(!preview("summary", "zrk").contains("Anlage"));
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .expect("the folder was made")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, [format!("{stem}.pdf"), format!("{stem}.xlsx")]);
}

#[test]
fn preview_shows_the_mail_to_those_who_would_get_it_and_to_nobody_else() {
    let site = Site::small(NOW);
    let preview = |arguments: &[&str]| Answer::at(&site, &[&["preview", "2026-12", "--step"], arguments].concat());
    let mail = preview(&["announcement"]).done();
    assert!(mail.starts_with("An:      rueckkehr@essen.example\nBetreff: [Frist 15. Dezember 2026] APS-"), "{mail}");
    assert!(mail.contains("„Stadt Essen“") && mail.contains("bis Dienstag, 15. Dezember 2026"), "{mail}");
    let mail = preview(&["reminder", "--duty", "statistics", "--authority", "abh-bonn"]).done();
    assert!(mail.contains("rueckkehr@bonn.example") && mail.contains("November 2026"), "{mail}");
    let html = preview(&["escalation", "--office", "rrk-duesseldorf", "--form", "html"]).done();
    assert!(html.contains("<html lang=\"de\"") && html.contains("Stadt Krefeld") && !html.contains("Bonn"), "{html}");
    preview(&["announcement", "--authority", "abh-foo"]).refused(2, &["authority \"abh-foo\": is not in the roster"]);
    preview(&["escalation", "--office", "rrk-foo"]).refused(2, &["office \"rrk-foo\": there is none; known: rrk-"]);
    preview(&["escalation", "--authority", "abh-bonn"]).refused(2, &["step \"escalation+2\": goes to rrk"]);
    preview(&["reminder", "--office", "zrk"]).refused(2, &["step \"reminder-5\": goes to missing"]);
    preview(&["announcement", "--office", "zrk"]).refused(2, &["goes to users, rrk, zfa"]);

    preview(&["correction"]).refused(2, &["no entry of 2026-12 moves the deadline of planning"]);
    site.append(
        "cycles.toml",
        "\n[[cycle]]\nmonth = \"2026-12\"\nimport = 2026-12-03\ncorrection = \"Störung im Netz\"\n",
    );
    let mail = preview(&["correction", "--authority", "abh-bonn"]).done();
    for words in
        ["rueckkehr@bonn.example", "Donnerstag, 17. Dezember 2026", "Dienstag, 15. Dezember 2026", "Störung im Netz"]
    {
        assert!(mail.contains(words), "{words}: {mail}");
    }
    let copy = preview(&["correction", "--office", "rrk-duesseldorf"]).done();
    assert!(copy.contains("nachrichtlich") && !copy.contains("WAS ZU TUN IST"), "{copy}");
}

#[test]
fn simulate_prints_one_object_a_line_in_order_of_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("story.txt");
    let small = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/small");
    let head = format!("files {small}\nfrom 2026-12-01 00:00\nuntil 2026-12-01 12:00\n");
    let fault = "2026-12-01 07:59  smtp 550 for abh-05114-krefeld\n";
    fs::write(&scenario, format!("{head}{fault}")).expect("a scenario");
    let name = scenario.display().to_string();
    let said = Answer::without_settings(folder.path(), &["simulate", &name, "--json"]).done();
    let events: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let sent: Vec<&Value> = events.iter().filter(|event| event["event"] == "sent").collect();
    assert!(sent.len() > 5 && events.iter().any(|event| event["event"] == "rejected"), "{said}");
    let keys = "at event kind duty month step revision to authorities office subject message_id";
    for event in &events {
        let missing: Vec<&str> = keys.split(' ').filter(|key| event.get(key).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?} of {event}");
    }
    assert!(events.is_sorted_by_key(|event| event["at"].as_str().map(str::to_owned)));
    assert!(sent.iter().all(|event| event["message_id"].as_str().is_some_and(|id| id.starts_with('<'))));
    let words = Answer::without_settings(folder.path(), &["simulate", &name]).done();
    assert_eq!(words.lines().count(), events.len());
    fs::write(&scenario, format!("files {small}\nfrom 2026-12-05 00:00\nuntil 2026-12-05 01:00\n"))
        .expect("a scenario");
    assert_eq!(Answer::without_settings(folder.path(), &["simulate", &name]).code, 3, "a Saturday night");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let site = Site::small(NOW);
    let month = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/everybody-missing.txt");
    for arguments in [
        &["timetable", "--months", "120"][..],
        &["timetable", "--months", "120", "--json"],
        &["timetable", "--months", "120", "--ics"],
        &["explain", "--import", "2026-12-17", "--calendar", "nrw", "--working-days", "250"],
        &["explain", "--help"],
        &["simulate", month],
        &["simulate", month, "--json"],
    ] {
        let mut command = site.command(arguments);
        command.current_dir(env!("CARGO_MANIFEST_DIR")).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the built binary starts");
        let mut first = String::new();
        BufReader::with_capacity(1, child.stdout.take().expect("a pipe")).read_line(&mut first).expect("a line");
        let output = child.wait_with_output().expect("it ends");
        assert!(!first.is_empty(), "{arguments:?} says something");
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{arguments:?}");
    }
}
