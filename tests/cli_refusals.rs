//! Hostile input: what is wrong is refused by `fristd check` with file, place, value and what is accepted, all at once.
//! Nothing here may panic, search without end, or be taken over in part.

mod support;

use std::fs;

use support::answer::Answer;
use support::site::Site;

const NOW: &str = "2026-11-20 12:00:00";
const MIB: usize = 1024 * 1024;

/// What is done to a good site.
enum Change {
    /// The first occurrence is replaced; nothing to replace means that the text is added.
    Edit(&'static str, &'static str, &'static str),
    /// A file is written, in a folder that is made if it is missing.
    Write(&'static str, Vec<u8>),
}
use Change::{Edit, Write};

fn add(file: &'static str, text: &'static str) -> Change {
    Edit(file, "", text)
}

fn template(file: &'static str, text: &str) -> Change {
    Write(file, text.as_bytes().to_vec())
}

fn apply(site: &Site, changes: &[Change]) {
    for change in changes {
        match change {
            Edit(file, "", text) => site.append(file, text),
            Edit(file, from, to) => {
                let text = site.read(file);
                assert!(text.contains(from), "{file} does not contain {from:?}");
                site.write(file, &text.replacen(from, to, 1));
            }
            Write(file, bytes) => {
                let path = site.path(file);
                fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
                fs::write(path, bytes).expect("a file can be written");
            }
        }
    }
}

/// Checks that a site with these changes is refused in one line with these pieces.
#[track_caller]
fn check(label: &str, changes: Vec<Change>, pieces: &[&str]) {
    let site = Site::small(NOW);
    apply(&site, &changes);
    let Answer { code, said, complained } = Answer::at(&site, &["check"]);
    assert_eq!((code, said.as_str()), (2, ""), "{label}: {complained}");
    let is_it = |line: &&str| pieces.iter().all(|piece| line.contains(piece));
    assert!(complained.lines().any(|line| is_it(&line)), "{label}: no line with {pieces:?}:\n{complained}");
    assert!(!complained.contains("panicked"), "{label}: {complained}");
}

const CYCLES: &str = "cycles.toml";
const CONTACTS: &str = "contacts.csv";
const AUTHORITIES: &str = "authorities.csv";
const SERVICE: &str = "fristd.toml";

#[test]
fn wrong_settings_are_refused_with_place_value_and_remedy() {
    check(
        "unknown key",
        vec![Edit(CYCLES, "[import]", "kalender = 1\n[import]")],
        &["cycles.toml:", "unknown key \"kalender\"; known: calendar"],
    );
    check("unknown key", vec![add(SERVICE, "\nbogus = 3\n")], &["fristd.toml:", "unknown key \"bogus\""]);
    check("no TOML", vec![Edit(CYCLES, "[import]", "[import")], &["cycles.toml:", "not TOML:", ">>"]);
    let cycle = |text| vec![add(CYCLES, text)];
    check(
        "a day that does not exist",
        cycle("\n[[cycle]]\nmonth = \"2026-02\"\nimport = 2026-02-30\n"),
        &["cycles.toml:", "2026-02-30", "expected day between 01 and 28"],
    );
    check(
        "import in a wrong month",
        cycle("\n[[cycle]]\nmonth = \"2026-12\"\nimport = 2027-01-04\n"),
        &["cycle 2026-12, import: import date in a wrong month: 2027-01-04; a date in 2026-12 is accepted"],
    );
    check(
        "two cycles of a month",
        cycle("\n[[cycle]]\nmonth = \"2026-12\"\n[[cycle]]\nmonth = \"2026-12\"\n"),
        &["cycle 2026-12: another entry (line", "write one"],
    );
    check("no month", cycle("\n[[cycle]]\nmonth = \"2026-13\"\n"), &["\"2026-13\" is not a month; accepted: YYYY-MM"]);
    check(
        "an own date that is too early (F4)",
        cycle("\n[[cycle]]\nmonth = \"2026-12\"\ndeadline = { planning = 2026-12-08 }\n"),
        &["cycle 2026-12, deadline, planning: 2026-12-08 leaves 6 Werktage", "2026-12-14 or later is accepted"],
    );
    check(
        "a reminder to users (N5)",
        vec![Edit(CYCLES, "to   = [\"missing\"]", "to   = [\"users\"]")],
        &["duty \"planning\", step 2: audience \"users\": a reminder or overdue notice goes to the missing only"],
    );
    check(
        "a reminder to an office",
        vec![Edit(CYCLES, "to   = [\"missing\"]", "to   = [\"missing\", \"rrk\"]")],
        &["duty \"planning\", step 2: audience \"rrk\":", "to the missing only"],
    );
    check(
        "an escalation to users (N7)",
        vec![Edit(CYCLES, "to   = [\"rrk\"]", "to   = [\"users\"]")],
        &["step 6: audience \"users\": an escalation, summary or long silence goes to offices only"],
    );
    check(
        "a line break in what every subject says",
        vec![Edit(CYCLES, "\"523-26.19.01-000001\"", "\"523\\r\\nBcc: a@b.example\"")],
        &["letter, file_number: \"523\\r\\nBcc: a@b.example\" holds a line break"],
    );
    check(
        "a line break in the sender's name",
        vec![Edit(SERVICE, "from_name       = \"Zentrale", "from_name       = \"Z\\nBcc: a@b.example")],
        &["fristd.toml:", "mail.from_name", "line break"],
    );
    let password = "transport   = \"smtp\"\nhost = \"relay.example\"\nusername = \"fristd\"\npassword_file = \"none\"";
    check(
        "no password file",
        vec![Edit(SERVICE, "transport   = \"directory\"", password)],
        &["none: cannot read", "name a file that holds the password in mail.password_file"],
    );
    check(
        "a password file of two lines",
        vec![Edit(SERVICE, "transport   = \"directory\"", password), template("none", "open\nsesame\n")],
        &["none: password: holds a line break", "in one line"],
    );
    check(
        "a mail relay in the clear (M5)",
        vec![Edit(
            SERVICE,
            "transport   = \"directory\"",
            "transport = \"smtp\"\nhost = \"relay.example\"\ntls = \"none\"",
        )],
        &["mail.tls: mail to \"relay.example\" would go unprotected", "write \"starttls\" or \"implicit\""],
    );
}

#[test]
fn wrong_lists_are_refused_with_line_value_and_remedy() {
    let contact = |text| vec![add(CONTACTS, text)];
    let authority = |text| vec![add(AUTHORITIES, text)];
    check(
        "no district",
        authority("abh-neu,Neu,abh,,05\n"),
        &["authorities.csv:6: district: is empty; known: arnsberg"],
    );
    check("unknown district", authority("abh-neu,Neu,abh,lippe,05\n"), &["\"lippe\"", "known: arnsberg, detmold"]);
    check("unknown kind", authority("abh-neu,Neu,amt,koeln,05\n"), &["kind", "\"amt\"", "known: abh, zab"]);
    check("twice", authority("abh-bonn,Bonn,abh,koeln,05\n"), &["\"abh-bonn\" stands there twice (line 4)"]);
    check(
        "a name with a break",
        authority("abh-neu,\"Neu\nBcc: x\",abh,koeln,05\n"),
        &["\"Neu\\nBcc: x\" holds a line break"],
    );
    check("case data (S3)", vec![Edit(AUTHORITIES, "ags", "ags,geburtsdatum")], &["unknown column \"geburtsdatum\""]);
    check(
        "unknown owner",
        contact("abh-foo,a@b.example,X,,,\n"),
        &["contacts.csv:10: owner: unknown owner \"abh-foo\"; accepted:"],
    );
    check("no owner", contact(",a@b.example,X,,,\n"), &["contacts.csv:10: owner: is empty"]);
    check("no address", contact("abh-bonn,,X,,,\n"), &["contacts.csv:10: email: is empty; write a mail address"]);
    check(
        "no @",
        contact("abh-bonn,post,X,,,\n"),
        &["\"post\" is not a mail address: it has no @; accepted: name@domain.tld"],
    );
    check("a list of addresses", contact("abh-bonn,\"a@b.example, c@d.example\",X,,,\n"), &["is not a mail address"]);
    check("a name beside it", contact("abh-bonn,X <a@b.example>,X,,,\n"), &["is not a mail address"]);
    check(
        "a break in it",
        contact("abh-bonn,\"a@b.example\nBcc: c@d.example\",X,,,\n"),
        &["contacts.csv:10: email:", "is not a mail address"],
    );
    check(
        "a break in a name",
        contact("abh-bonn,a@b.example,\"X\r\nBcc: y\",,,\n"),
        &["name: \"X\\r\\nBcc: y\" holds a line break"],
    );
    check(
        "a day that does not exist",
        contact("abh-bonn,a@b.example,X,2026-02-30,,\n"),
        &["valid_from: 2026-02-30 is no day of the calendar"],
    );
    check(
        "ends before it begins",
        contact("abh-bonn,a@b.example,X,2026-03-01,2026-02-01,\n"),
        &["2026-02-01 is before valid_from"],
    );
    check(
        "too many cells",
        contact("abh-bonn,a@b.example,X,,,,,y\n"),
        &["contacts.csv:10: \"y\" is beyond the 6 columns"],
    );
    check(
        "one mailbox for two RRK (N7)",
        contact("rrk-koeln,rrk@duesseldorf.example,X,,,\n"),
        &["contacts.csv:10: mailbox \"rrk@duesseldorf.example\" serves the RRK of two districts"],
    );
    check("empty", vec![Write(CONTACTS, Vec::new())], &["contacts.csv: is empty; its first line is owner,email"]);
}

#[test]
fn files_that_are_no_text_or_too_large_are_named() {
    for file in [SERVICE, CYCLES, AUTHORITIES, CONTACTS] {
        check(
            "Latin-1",
            vec![Write(file, b"\nM\xFCnster\n".to_vec())],
            &[&format!("{file}:2: byte 0xfc is not UTF-8")],
        );
        check("20 MB", vec![Write(file, vec![b'#'; 20 * MIB])], &[&format!("{file}: "), "larger than 16 MiB"]);
    }
    check("zeros", vec![Write(CONTACTS, vec![0; 1000])], &["contacts.csv:1: header:", "unknown column"]);
    let site = Site::small(NOW);
    fs::remove_file(site.path(CYCLES)).expect("it is there");
    Answer::at(&site, &["check"])
        .refused(2, &["cycles.toml: cannot read", "or write a set of files with: fristd init DIR"]);
    fs::create_dir(site.path(CYCLES)).expect("a folder");
    Answer::at(&site, &["check"]).refused(2, &["cycles.toml", "is no file"]);
}

#[test]
fn a_calendar_that_closes_every_day_is_refused_and_not_searched() {
    let mut text = "title = \"zu\"\nworking_week = [\"mon\"]\npublic_holidays = \"none\"\n".to_owned();
    for (month, days) in (1..).zip([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) {
        for day in 1..=days {
            text += &format!("[[closed]]\nyearly = \"{month:02}-{day:02}\"\nwhy = \"zu\"\n");
        }
    }
    let site = Site::small(NOW);
    apply(&site, &[template("calendars/zu.toml", &text), Edit(CYCLES, "calendar = \"nrw\"", "calendar = \"zu\"")]);
    for arguments in [&["check"][..], &["explain", "2026-12"], &["timetable"], &["status"], &["run"]] {
        let words = ["calendars/zu.toml: calendar \"zu\" closes every day of 1995; each year needs a working day"];
        Answer::at(&site, arguments).refused(2, &words);
    }
    check(
        "no weekday",
        vec![template("calendars/zu.toml", &text.replace("\"mon\"", ""))],
        &["calendars/zu.toml:2: working_week: no weekday is worked"],
    );
    // a few working days in a century are too few for a window
    let rare = "title = \"x\"\nworking_week = [\"mon\"]\npublic_holidays = \"none\"\n[[closed]]\nyearly = \"02-29\"\nwhy = \"x\"\n";
    let site = Site::small(NOW);
    apply(&site, &[template("calendars/x.toml", rare), Edit(CYCLES, "working_days = 10,", "working_days = 250,")]);
    let late = ["explain", "2098-12", "--duty", "planning", "--calendar", "x"];
    Answer::at(&site, &late).refused(2, &["calendar \"x\": working day 250 after 2098-12-", "outside 1995 to 2100"]);
}

#[test]
fn check_finds_templates_that_would_fail_on_the_day() {
    let reminder = "templates/reminder.txt";
    check(
        "syntax",
        vec![template(reminder, "a\n{{ b }\n")],
        &["templates/reminder.txt:2: syntax error", "accepted: minijinja"],
    );
    check(
        "unknown variable",
        vec![template(reminder, "{{ foo }}")],
        &["templates/reminder.txt:1: unknown variable \"foo\"; accepted: authorities"],
    );
    check("unknown field", vec![template(reminder, "{{ matter.foo }}")], &["templates/reminder.txt:1:", "foo"]);
    check(
        "unknown include",
        vec![template(reminder, "{% include \"zz.txt\" %}")],
        &["templates/reminder.txt:1:", "zz.txt"],
    );
    check("unknown filter", vec![template(reminder, "{{ month|frob }}")], &["templates/reminder.txt:1:", "frob"]);
    check(
        "an endless loop",
        vec![template(reminder, "{% include \"reminder.txt\" %}")],
        &["templates/reminder.txt:1:"],
    );
    check(
        "not a template",
        vec![template("templates/brief.txt", "x")],
        &["templates/brief.txt: no template has this name"],
    );
    check("Latin-1", vec![Write(reminder, b"M\xFCnster".to_vec())], &["templates/reminder.txt", "not UTF-8"]);
    check(
        "one for another kind",
        vec![Edit(CYCLES, "kind = \"reminder\"", "kind = \"reminder\"\n  template = \"overdue\"")],
        &["template \"overdue\" is one for overdue"],
    );
    check(
        "none of that name",
        vec![Edit(CYCLES, "kind = \"reminder\"", "kind = \"reminder\"\n  template = \"reminder-x\"")],
        &["template \"reminder-x\" does not exist; put reminder-x.txt"],
    );
    let site = Site::small(NOW);
    apply(&site, &[template("templates/reminder.subject.txt", "Erinnerung\r\nBcc: a@b.example\r\n")]);
    let mail = Answer::at(&site, &["preview", "2026-12", "--step", "reminder"]).done();
    assert!(mail.contains("Betreff: Erinnerung Bcc: a@b.example\n"), "a subject is one line: {mail}");
}

#[test]
fn scenarios_with_nonsense_are_refused_with_their_lines() {
    let site = Site::small(NOW);
    let small = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/small");
    let head = format!("files {small}\nfrom 2026-12-01 00:00\nuntil 2026-12-01 08:00\n");
    let name = site.path("story.txt").display().to_string();
    let refused = |text: &[u8], words: &[&str]| {
        fs::write(&name, text).expect("a scenario");
        Answer::without_settings(&site.path(""), &["simulate", &name]).refused(2, words);
    };
    let with = |line: &str| format!("{head}{line}\n").into_bytes();
    refused(b"", &["no line \"files\"", "no line \"from\"", "no line \"until\"", "fristd: 3 complaints"]);
    refused(b"hello\n\xFF", &["story.txt: line 2 is not UTF-8"]);
    refused(&vec![b'#'; 20 * MIB], &["larger than 4 MiB; is it a scenario?"]);
    refused(
        &with("2026-12-01 07:00 explode"),
        &["story.txt:4: \"explode\": is not understood; accepted: record MONTH"],
    );
    refused(&with("2026-02-30 07:00 stop"), &["story.txt:4: \"2026-02-30 07:00\": is no date with a time"]);
    refused(&with("2027-12-01 07:00 stop"), &["story.txt:4: 2027-12-01 07:00:00 lies outside 2026-12-01"]);
    refused(&with("2026-12-01 07:00 smtp 250"), &["story.txt:4: smtp \"250\": accepted: a code from 400 to 599"]);
    refused(&with("2026-12-01 07:00 smtp 451 for nobody"), &["line 4: \"nobody\": is no authority, office or address"]);
    refused(
        &with("2026-12-01 07:00 record 2026-12 planning abh-x complete"),
        &["line 4: authority \"abh-x\": is not in"],
    );
    refused(&with("2026-12-01 07:00 record 2026-12 planing abh-05113-essen complete"), &["line 4: duty \"planing\""]);
    refused(&with(&"x".repeat(3000)), &["story.txt:4: is longer than 2000 characters"]);
    refused(
        b"files nowhere\nfrom 2026-12-01 00:00\nuntil 2026-12-02 00:00\n",
        &["files nowhere: there is no such folder"],
    );
    refused(
        b"files .\nfrom 2026-12-02 00:00\nuntil 2026-12-01 00:00\n",
        &["until 2026-12-01 00:00:00 is not after from"],
    );
    Answer::without_settings(&site.path(""), &["simulate", "none.txt"]).refused(2, &["none.txt: cannot be read"]);
    Answer::without_settings(&site.path(""), &["simulate", "."]).refused(2, &["cannot be read"]);
}

#[test]
fn several_complaints_appear_at_once_in_the_order_of_the_files() {
    let mut site = Site::small(NOW);
    apply(
        &site,
        &[
            Edit(SERVICE, "\"Europe/Berlin\"", "\"Europe/Bielefeld\""),
            Edit(CYCLES, "[import]", "kalender = 1\n[import]"),
            add(CYCLES, "\n[[cycle]]\nmonth = \"2026-12\"\nimport = 2027-01-04\n[[cycle]]\nmonth = \"2026-12\"\n"),
            add(AUTHORITIES, "abh-neu,Neu,abh,,05\n"),
            add(CONTACTS, "abh-foo,a@b.example,X,,,\nabh-bonn,post,X,,,\n"),
        ],
    );
    site.set("MAIL__HOTS", "relay.example");
    let Answer { code, said, complained } = Answer::at(&site, &["check"]);
    assert_eq!((code, said.as_str()), (2, ""), "{complained}");
    let begins: Vec<&str> = complained.lines().map(|line| line.split(':').next().unwrap_or_default()).collect();
    let wanted = ["environment", SERVICE, CYCLES, CYCLES, CYCLES, AUTHORITIES, CONTACTS, CONTACTS, "fristd"];
    assert_eq!(begins, wanted, "{complained}");
    assert!(complained.ends_with("\nfristd: 8 complaints\n"), "{complained}");
    for arguments in
        [&["status"][..], &["explain"], &["timetable"], &["run"], &["record", "2026-12", "planning", "abh-bonn", "nil"]]
    {
        let same = Answer::at(&site, arguments);
        assert_eq!((same.code, same.complained.as_str()), (2, complained.as_str()), "{arguments:?}");
    }
    assert!(!site.path("data").exists(), "nothing is made before the settings are right");
}
