//! Tests what cycles.toml may say.

use super::*;
use crate::domain::Month;
use crate::domain::duty::{Audience, DeadlineRule, OnFreeDay, Period};
use crate::domain::rulebook::{Announce, DocumentFormat, ImportRule};

const PLANNING: &str = "deadline = { working_days = 10, after = \"import\", count_import_day = false }";
const STATISTICS: &str = "deadline = { day = 15, on_free_day = \"next\" }";
const REMINDER: &str = "at   = { from = \"end\", working_days = -5, time = \"08:00\" }";
const ANNOUNCED: &str = "to   = [\"users\", \"rrk\", \"zfa\"]";

#[test]
fn what_is_wrong_is_refused_with_value_and_remedy() {
    let check = |label: &str, from: &str, to: &str, pieces: &[&str]| {
        Site::example().edit("cycles.toml", from, to).refuses(label, pieces);
    };
    // the file
    check(
        "unknown key",
        "[import]",
        "kalender = 1\n[import]",
        &["cycles.toml:", "unknown key \"kalender\"", "known: calendar"],
    );
    check("unknown calendar", "\"nrw\"\n", "\"nwr\"\n", &["calendar: unknown calendar \"nwr\"", "nrw-verwaltung"]);
    check(
        "first cycle",
        "# first_cycle = \"2026-12\"",
        "first_cycle = \"2026-1\"",
        &["first_cycle: \"2026-1\" is not a month"],
    );
    check(
        "import rule",
        "{ working_day = 1 }\n",
        "{ working_day = 0 }\n",
        &["import, rule, working_day: 0", "1 to 15"],
    );
    check("two rules", "{ working_day = 1 }\n", "{ working_day = 1, day = 3 }\n", &["none or both"]);
    check("no rule", "rule     =", "# rule =", &["import: \"rule\" is missing", "{ working_day = 1 }"]);
    check("announce", "\"on-date\"\n", "\"at-once\"\n", &["unknown value \"at-once\"", "on-date, on-signal"]);
    check("sending", "until = \"18:00\"", "until = \"07:00\"", &["sending: from 07:00 is not before until 07:00"]);
    check("time", "until = \"18:00\"", "until = \"24:00\"", &["sending, until: \"24:00\" is not a time of day"]);
    check(
        "letter line",
        "\"523-26.19.01-000001\"",
        "\"523\\r\\nBcc: x\"",
        &["letter, file_number: \"523\\r\\nBcc: x\" holds a line break"],
    );
    check("sender", "\"Musterstraße 1", "\"Musterstraße\\t1", &["letter, sender", "control character"]);
    check(
        "attach",
        "[\"pdf\", \"xlsx\"]",
        "[\"pdf\", \"docx\"]",
        &["letter, attach: unknown value \"docx\"; known: pdf, xlsx"],
    );
    check("attach twice", "[\"pdf\", \"xlsx\"]", "[\"pdf\", \"pdf\"]", &["letter, attach: names \"pdf\" twice"]);
    check(
        "attach no list",
        "[\"pdf\", \"xlsx\"]",
        "\"pdf\"",
        &["letter, attach: \"pdf\" is not accepted here; accepted: a list"],
    );
    check("signature", "als Zentrale R", "als\\nZentrale R", &["letter, signature", "line break"]);
    check(
        "long name",
        "Arnsberg\"\nkind",
        &format!("{}\"\nkind", "x".repeat(201)),
        &["office \"rrk-arnsberg\", name", "at most 200"],
    );
    check(
        "wrong type",
        "file_number = \"523-26.19.01-000001\"",
        "file_number = 523",
        &["523 is not accepted here; accepted: a text"],
    );
    // offices
    check("second zrk", "kind = \"copy\"", "kind = \"zrk\"", &["office \"zfa\": \"zrk\" already is the ZRK"]);
    check(
        "second rrk",
        "district = \"detmold\"",
        "district = \"arnsberg\"",
        &["district \"arnsberg\" already has the RRK \"rrk-arnsberg\""],
    );
    check("no district", "district = \"detmold\"", "", &["office \"rrk-detmold\": \"district\" is missing"]);
    check(
        "unknown district",
        "district = \"detmold\"",
        "district = \"lippe\"",
        &["arnsberg, detmold, duesseldorf, koeln, muenster"],
    );
    check(
        "district of a copy",
        "kind = \"copy\"",
        "kind = \"copy\"\ndistrict = \"koeln\"",
        &["only an office of kind \"rrk\""],
    );
    check("kind", "kind = \"copy\"", "kind = \"cc\"", &["unknown value \"cc\"; known: rrk, zrk, copy"]);
    check(
        "reserved id",
        "# --- Meldepflicht: P",
        "[[office]]\nid = \"users\"\nname = \"x\"\nkind = \"copy\"\n# ",
        &["is an audience of steps"],
    );
    check(
        "id twice",
        "# --- Meldepflicht: P",
        "[[office]]\nid = \"zfa\"\nname = \"x\"\nkind = \"copy\"\n# ",
        &["\"zfa\" is taken"],
    );
    check(
        "an authority's id",
        "# --- Meldepflicht: P",
        "[[office]]\nid = \"abh-05113-essen\"\nname = \"x\"\nkind = \"copy\"\n# ",
        &["the id \"abh-05113-essen\" is an authority's (authorities.csv, line 4)"],
    );
    // duties
    check("duty id", "id       = \"planning\"", "id = \"Planung\"", &["duty 1, id: \"Planung\" is not an id"]);
    check(
        "duty id twice",
        "id       = \"statistics\"",
        "id = \"planning\"",
        &["duty \"planning\": another duty has this id"],
    );
    check("title", "title    = \"Meldung im Planungsmodul\"", "title = \" \"", &["duty \"planning\", title: is empty"]);
    check("period", "\"cycle-month\"", "\"next-month\"", &["known: cycle-month, previous-month"]);
    check(
        "parts",
        "parts    = [{ id = \"confirmation\", title = \"Bestätigung der Aktualisierung\", yes_no = true }]",
        "parts = []",
        &["at least one part"],
    );
    check("part twice", "id = \"returns\"", "id = \"reag-garp\"", &["duty \"statistics\", part 3: another part"]);
    check(
        "part's key",
        "{ id = \"returns\",",
        "{ id = \"returns\", name = \"x\",",
        &["part 3: unknown key \"name\"; known: id, title"],
    );
    check("single brackets", "[letter]", "[[letter]]", &["letter: a list is not accepted here; accepted: a table"]);
    // deadlines: no hidden defaults (F2)
    let check_deadline = |label: &str, from: &str, value: &str, pieces: &[&str]| {
        check(label, from, &format!("deadline = {value}"), pieces)
    };
    check_deadline(
        "no working_days",
        PLANNING,
        "{ after = \"import\", count_import_day = false }",
        &["duty \"planning\", deadline: \"working_days\" is missing", "working_days = 10"],
    );
    check_deadline(
        "no count_import_day",
        PLANNING,
        "{ working_days = 10, after = \"import\" }",
        &["\"count_import_day\" is missing", "count_import_day = false"],
    );
    check_deadline(
        "no after",
        PLANNING,
        "{ working_days = 10, count_import_day = false }",
        &["\"after\" is missing", "after = \"import\""],
    );
    check_deadline(
        "0 days",
        PLANNING,
        "{ working_days = 0, after = \"import\", count_import_day = false }",
        &["0 is out of range", "1 to 250"],
    );
    check_deadline(
        "251 days",
        PLANNING,
        "{ working_days = 251, after = \"import\", count_import_day = false }",
        &["251 is out of range"],
    );
    check_deadline(
        "text",
        PLANNING,
        "{ working_days = \"10\", after = \"import\", count_import_day = false }",
        &["\"10\" is not accepted here"],
    );
    check_deadline(
        "no on_free_day",
        STATISTICS,
        "{ day = 15 }",
        &["duty \"statistics\", deadline: \"on_free_day\" is missing", "on_free_day = \"next\""],
    );
    check_deadline("no day", STATISTICS, "{ on_free_day = \"next\" }", &["\"day\" is missing", "day = 15"]);
    check_deadline("day 29", STATISTICS, "{ day = 29, on_free_day = \"next\" }", &["29 is out of range", "1 to 28"]);
    check_deadline("mixed", STATISTICS, "{ day = 15, on_free_day = \"next\", working_days = 3 }", &["mixes two kinds"]);
    check_deadline("empty", STATISTICS, "{}", &["says nothing; write { working_days"]);
    check_deadline(
        "unknown key",
        STATISTICS,
        "{ day = 15, on_free_day = \"next\", free = 1 }",
        &["unknown key \"free\"; known: working_days"],
    );
    // steps
    check(
        "offset",
        REMINDER,
        "at = { from = \"end\", working_days = -251, time = \"08:00\" }",
        &["duty \"planning\", step 2, at, working_days: -251"],
    );
    check(
        "two offsets",
        REMINDER,
        "at = { from = \"end\", working_days = -5, days = 1, time = \"08:00\" }",
        &["none or both"],
    );
    check("base", REMINDER, "at = { from = \"begin\", days = 1, time = \"08:00\" }", &["known: import, stated, end"]);
    check(
        "step's time",
        REMINDER,
        "at = { from = \"end\", days = 1, time = \"8 Uhr\" }",
        &["step 2, at, time: \"8 Uhr\""],
    );
    check(
        "kind of step",
        "kind = \"reminder\"",
        "kind = \"correction\"",
        &["known: announcement, reminder, overdue, escalation, summary, long-silence"],
    );
    check("unknown audience", ANNOUNCED, "to = [\"users\", \"zfb\"]", &["step 1: unknown audience \"zfb\""]);
    check("nobody", ANNOUNCED, "to = []", &["step 1, to: names nobody"]);
    check("twice", ANNOUNCED, "to = [\"users\", \"users\"]", &["\"users\" stands there twice"]);
    check(
        "announced to the missing",
        ANNOUNCED,
        "to = [\"missing\"]",
        &["audience \"missing\": only a reminder or overdue"],
    );
    check(
        "escalated to users",
        "to   = [\"rrk\"]",
        "to = [\"users\"]",
        &["audience \"users\": an escalation, summary or long silence goes to offices only"],
    );
    check(
        "escalated to the missing",
        "to   = [\"rrk\"]",
        "to = [\"missing\"]",
        &["audience \"missing\": an escalation"],
    );
    let escalated = "kind = \"escalation\"\n  at   = { from = \"end\", working_days = 2, time = \"08:00\" }";
    let long_silence = |rest: &str| format!("kind = \"long-silence\"\n{rest}");
    let at = "at = { from = \"end\", working_days = 2, time = \"08:00\" }";
    check(
        "cycles of long silence",
        escalated,
        &long_silence(at),
        &["step 6: \"cycles\" is missing; write for example cycles = 3"],
    );
    check("one cycle", escalated, &long_silence(&format!("{at}\ncycles = 1")), &["step 6, cycles: 1", "2 to 12"]);
    check(
        "cycles of another kind",
        "kind = \"overdue\"",
        "kind = \"overdue\"\ncycles = 3",
        &["a step of kind overdue counts no cycles; only one of kind \"long-silence\" does"],
    );
    check(
        "long silence before the end",
        escalated,
        &long_silence("cycles = 3\nat = { from = \"end\", working_days = 0, time = \"08:00\" }"),
        &["step 6: a long-silence step comes before the deadline has ended"],
    );
    check(
        "same step",
        "working_days = -1, time",
        "working_days = -5, time",
        &["step 3: the step id \"reminder-5\" is that of step 2 already; give one of them an id"],
    );
    check(
        "step id",
        "kind = \"reminder\"",
        "kind = \"reminder\"\nid = \"../x\"",
        &["step 2, id: \"../x\" is not an id"],
    );
    check(
        "template",
        "kind = \"reminder\"",
        "kind = \"reminder\"\ntemplate = \"a/b\"",
        &["step 2, template: \"a/b\" is not an id"],
    );
    check(
        "key of a step",
        "kind = \"reminder\"",
        "kind = \"reminder\"\nwhen = 1",
        &["step 2: unknown key \"when\"; known: id, kind, at, to, template, cycles"],
    );
}

#[test]
fn a_duty_has_at_most_one_announcement() {
    let second = "kind = \"announcement\"\nat = { from = \"import\", days = 1, time = \"08:00\" }\nto = [\"users\"]";
    let step = format!("{second}\n[[duty.step]]\nkind = \"reminder\"");
    let site = Site::example().edit("cycles.toml", "kind = \"reminder\"", &step);
    site.refuses("second", &["duty \"planning\", step 2: a second announcement, after step 1; a duty has at most one"]);
}

#[test]
fn without_a_zrk_the_file_is_refused() {
    let site = Site::example().edit("cycles.toml", "kind = \"zrk\"", "kind = \"copy\"");
    let shown = site.load().unwrap_err().to_string();
    assert!(shown.contains("office: no office has kind \"zrk\"") && shown.contains("kind = \"zrk\""), "{shown}");
}

#[test]
fn a_duty_without_calendar_is_refused_by_name() {
    let complaints = Site::example().edit("cycles.toml", "calendar = \"nrw\"\n", "").load().unwrap_err().to_string();
    for piece in [
        "cycles.toml: \"calendar\" is missing",
        "duty \"planning\": \"calendar\" is missing",
        "duty \"statistics\": \"calendar\"",
    ] {
        assert!(complaints.contains(piece), "{complaints}");
    }
    assert!(complaints.contains("calendar = \"nrw\""), "{complaints}");
}

#[test]
fn a_broken_cycle_entry_is_refused_with_value_and_remedy() {
    let check = |label: &str, entry: &str, pieces: &[&str]| {
        Site::example().edit("cycles.toml", "", entry).refuses(label, pieces);
    };
    let cycle = |rest: &str| format!("[[cycle]]\nmonth = \"2026-12\"\n{rest}");
    check("month", "[[cycle]]\nmonth = \"2026-13\"", &["cycle 1, month: \"2026-13\" is not a month"]);
    check("no month", "[[cycle]]\nimport = 2026-12-01", &["cycle 1: \"month\" is missing"]);
    check(
        "no such day",
        "[[cycle]]\nmonth = \"2026-02\"\nimport = 2026-02-30",
        &["cycles.toml:", ">>2026-02-30<<", "invalid date"],
    );
    check(
        "no such day, quoted",
        "[[cycle]]\nmonth = \"2026-02\"\nimport = \"2026-02-30\"",
        &["cycle 2026-02, import: 2026-02-30 is no day of the calendar"],
    );
    check("no date", &cycle("import = 20261201"), &["20261201 is not accepted here; accepted: a date like 2026-12-01"]);
    check("a date with time", &cycle("import = 2026-12-01T08:00:00"), &["accepted: a date like 2026-12-01"]);
    check("outside its month", &cycle("import = 2027-01-04"), &["import date in a wrong month: 2027-01-04", "2026-12"]);
    check(
        "unknown key",
        &cycle("imported = 2026-12-01"),
        &["cycle 2026-12: unknown key \"imported\"; known: month, import, correction, deadline"],
    );
    check("empty correction", &cycle("correction = \" \""), &["cycle 2026-12, correction: is empty"]);
    check(
        "two entries",
        &format!("{}{}", cycle("import = 2026-12-01\n"), cycle("")),
        &["cycle 2026-12: another entry (line "],
    );
    check(
        "unknown duty",
        &cycle("deadline = { planing = 2026-12-18 }"),
        &["deadline, planing: unknown duty \"planing\"; known: planning, statistics"],
    );
    check("fixed duty", &cycle("deadline = { statistics = 2026-12-18 }"), &["duty \"statistics\" has a fixed day"]);
    check(
        "free day",
        &cycle("deadline = { planning = 2026-12-25 }"),
        &["deadline, planning: 2026-12-25 is free in calendar \"nrw\": 1. Weihnachtstag"],
    );
    check(
        "too few",
        &cycle("deadline = { planning = 2026-12-11 }"),
        &["leaves 9 Werktage", "import on 2026-12-01", "and 10 are due; 2026-12-14 or later"],
    );
    check(
        "before the import",
        &cycle("import = 2026-12-10\ndeadline = { planning = 2026-12-09 }"),
        &["2026-12-09 is not after the import on 2026-12-10"],
    );
    check(
        "after the close",
        &cycle("deadline = { planning = 2027-12-17 }"),
        &["2027-12-17 is not before the deadline of the next cycle, 2027-01-18"],
    );
}

#[test]
fn an_own_date_with_few_working_days_is_taken_with_a_warning() {
    let entry =
        "[[cycle]]\nmonth = \"2026-12\"\ndeadline = { planning = 2026-12-14 }\ncorrection = \"Auf Bitte der RRK\"";
    let settings = Site::example().edit("cycles.toml", "", entry).load_good();
    let [warning] = &settings.warnings[..] else { panic!("{:?}", settings.warnings) };
    let wanted = "2026-12-14 leaves 9 working days of calendar \"nrw\" after the import on 2026-12-01, fewer than 10";
    assert_eq!((warning.place.as_str(), warning.message.as_str()), ("cycle 2026-12, deadline, planning", wanted));
    let entry = &settings.rulebook.entries[&Month::parse("2026-12").unwrap()];
    assert_eq!(entry.own_dates["planning"].to_string(), "2026-12-14");
    assert_eq!(entry.correction.as_deref(), Some("Auf Bitte der RRK"));
    let enough = "[[cycle]]\nmonth = \"2026-12\"\ndeadline = { planning = \"2026-12-15\" }";
    assert_eq!(Site::example().edit("cycles.toml", "", enough).load_good().warnings, []);
}

#[test]
fn one_broken_entry_does_not_hide_the_others() {
    let site = Site::example()
        .edit("cycles.toml", PLANNING, "deadline = { working_days = 10 }")
        .edit("cycles.toml", "id = \"without-funding\", ", "")
        .edit("cycles.toml", "id       = \"rrk-koeln\"", "id = \"RRK\"")
        .edit(
            "cycles.toml",
            "",
            "[[cycle]]\nmonth = \"2026-02\"\nimport = 2026-02-30\n[[cycle]]\nmonth = \"2026-03\"\nimport = 2026-04-01",
        );
    let complaints = site.load().unwrap_err();
    let shown = complaints.to_string();
    let wanted = [
        "office 4, id: \"RRK\"",
        "duty \"planning\", deadline: \"after\" is missing",
        "duty \"planning\", deadline: \"count_import_day\" is missing",
        "duty \"statistics\", part 2: \"id\" is missing",
        ">>2026-02-30<<",
        "cycle 2026-03, import: import date in a wrong month",
        "contacts.csv", // the owner of two lines is no longer there
    ];
    for piece in wanted {
        assert!(shown.contains(piece), "no {piece:?} in\n{shown}");
    }
}

#[test]
fn what_is_written_arrives_in_the_rulebook() {
    let settings = Site::example()
        .edit("cycles.toml", "# first_cycle = \"2026-12\"", "first_cycle = \"2027-01\"")
        .edit("cycles.toml", "{ working_day = 1 }\n", "{ day = 3 }\n")
        .edit("cycles.toml", "\"on-date\"\n", "\"on-signal\"\n")
        .edit("cycles.toml", "from  = \"07:00\"", "from  = 06:30:00")
        .edit("cycles.toml", "period   = \"cycle-month\"", "calendar = \"nrw-verwaltung\"\nperiod = \"cycle-month\"")
        .edit("cycles.toml", "kind = \"reminder\"", "kind = \"reminder\"\nid = \"first\"\ntemplate = \"nudge\"")
        .edit("cycles.toml", "", "[[cycle]]\nmonth = \"2027-03\"\nimport = 2027-03-04")
        .load_good();
    let rules = &settings.rulebook;
    assert_eq!(rules.first_cycle.map(|month| month.to_string()).as_deref(), Some("2027-01"));
    assert_eq!((rules.import, rules.announce), (ImportRule::Day(3), Announce::OnSignal));
    assert_eq!(rules.sending.from.to_string(), "06:30:00");
    assert_eq!(rules.letterhead.file_number, "523-26.19.01-000001");
    assert_eq!((rules.letterhead.signature.len(), rules.letterhead.sender.len()), (2, 3));
    assert_eq!(rules.letterhead.attach, DocumentFormat::ALL);
    assert_eq!(rules.notices_a_tick_max, 1000);
    let planning = rules.duty("planning").unwrap();
    assert_eq!((planning.calendar.name(), rules.calendar.name()), ("nrw-verwaltung", "nrw"));
    assert_eq!(planning.deadline, DeadlineRule::Window { working_days: 10, count_import_day: false });
    assert_eq!((planning.steps[1].id.as_str(), planning.steps[1].template.as_str()), ("first", "nudge"));
    assert_eq!(planning.steps[0].to, [Audience::Users, Audience::Rrk, Audience::Office("zfa".into())]);
    let statistics = rules.duty("statistics").unwrap();
    assert_eq!((statistics.period, statistics.module.as_str()), (Period::PreviousMonth, "APS-Statistikmodul"));
    assert_eq!(statistics.deadline, DeadlineRule::DayOfMonth { day: 15, on_free_day: OnFreeDay::Next });
    assert_eq!(rules.entries[&Month::parse("2027-03").unwrap()].import_on, "2027-03-04".parse().ok());
}

#[test]
fn the_entry_that_the_example_shows_is_one() {
    let entry = "# [[cycle]]\n# month      = \"2026-12\"\n# import     = 2026-12-02\n# deadline   = { planning = 2026-12-18 }\n# correction =";
    let settings = Site::example().edit("cycles.toml", entry, &entry.replace("# ", "")).load_good();
    assert_eq!((settings.warnings.len(), settings.rulebook.entries.len()), (0, 1));
}

#[test]
fn the_columns_of_lists_are_what_the_file_calls_them_and_their_own_names() {
    use crate::domain::list::{Field, ListKind, Meaning};
    let intake = Site::example().load_good().intake;
    assert_eq!((intake.kind, intake.source.as_str()), (Some(ListKind::Snapshot), "APS"));
    let check = |heading: &str, wanted: Option<&str>| {
        let found = intake.columns.meaning(heading).map(|meaning| match meaning {
            Meaning::Field(field) => field.as_str().to_owned(),
            Meaning::Part(column) => format!("{}.{} {}", column.duty, column.part, column.is_confirmation),
            Meaning::PassedOver => "passed over".to_owned(),
        });
        assert_eq!(found.as_deref(), wanted, "{heading}");
    };
    check("Ausländerbehörde", Some("authority"));
    check("GEMELDET AM", Some("reported_at"));
    check("reported_at", Some("reported_at"));
    check("Bestätigung", Some("planning.confirmation true"));
    check("Rückführungen einschließlich Dublin-Überstellungen", Some("statistics.returns false"));
    check("without-funding", Some("statistics.without-funding false"));
    check("Lfd. Nr.", Some("passed over"));
    check("Name der Person", None);
    assert_eq!(intake.columns.meaning(Field::Ags.as_str()), Some(&Meaning::Field(Field::Ags)));
    assert_eq!(Field::ALL.len(), 11);
}

#[test]
fn a_list_without_settings_is_read_by_the_names_of_fields_and_parts() {
    let text = std::fs::read_to_string(Site::example().path().join("cycles.toml")).unwrap();
    let (before, rest) = text.split_once("[intake]").unwrap();
    let (_, after) = rest.split_once("# --- Monatsläufe").unwrap();
    let intake = Site::example().write("cycles.toml", format!("{before}# --- Monatsläufe{after}")).load_good().intake;
    assert_eq!((intake.kind, intake.source.as_str()), (None, "APS"));
    assert!(intake.columns.meaning("authority").is_some() && intake.columns.meaning("confirmation").is_some());
    assert!(intake.columns.meaning("Behörde").is_none());
}

#[test]
fn a_wrong_column_of_lists_is_refused() {
    let check = |label: &str, from: &str, to: &str, pieces: &[&str]| {
        Site::example().edit("cycles.toml", from, to).refuses(label, pieces);
    };
    check("kind", "kind   = \"snapshot\"", "kind = \"whole\"", &["intake, kind", "\"whole\"", "snapshot, events"]);
    check("key", "ags         =", "agz =", &["intake, columns, agz", "unknown column \"agz\"", "statistics.returns"]);
    check("part", "\"statistics.returns\"", "\"statistics.deaths\"", &["unknown column \"statistics.deaths\""]);
    check("twice", "[\"Rückführungen\", \"Returns\"]", "\"Behörde\"", &["\"Behörde\" stands for another column"]);
    check("empty", "[\"Rückführungen\", \"Returns\"]", "[\"\"]", &["empty heading"]);
    check("number", "[\"Rückführungen\", \"Returns\"]", "[7]", &["7 is not accepted here"]);
    check("ignored twice", "\"Lfd. Nr.\"", "\"Behörde\"", &["intake, ignore", "\"Behörde\""]);
    check("yes_no", ", yes_no = true", ", yes_no = \"ja\"", &["part 1, yes_no", "true or false"]);
}
