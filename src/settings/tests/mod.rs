//! Tests settings as a whole, on edited copies of the example. Never touches the process's environment.

mod calendars;
mod cycles;
mod lists;
mod service;

use std::ffi::OsString;
use std::path::Path;

use super::*;

/// A copy of the example that a test edits.
struct Site {
    folder: tempfile::TempDir,
    environment: Vec<(OsString, OsString)>,
}

impl Site {
    fn example() -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() };
        EXAMPLE_FILES.iter().fold(site, |site, (name, text)| site.write(name, text))
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(self, file: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Replaces the first occurrence; an empty `from` appends.
    fn edit(self, file: &str, from: &str, to: &str) -> Self {
        let text = std::fs::read_to_string(self.path().join(file)).unwrap();
        assert!(text.contains(from), "{file} does not contain {from:?}");
        let text = if from.is_empty() { format!("{text}{to}\n") } else { text.replacen(from, to, 1) };
        self.write(file, text)
    }

    fn remove(self, file: &str) -> Self {
        std::fs::remove_file(self.path().join(file)).unwrap();
        self
    }

    fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    fn load(&self) -> Result<Settings, Complaints> {
        load_with(&Source::Folder(self.path().to_owned()), self.environment.clone())
    }

    fn load_good(&self) -> Settings {
        self.load().unwrap_or_else(|complaints| panic!("{complaints}"))
    }

    /// Exactly one complaint, with all the pieces.
    fn refuses(&self, label: &str, pieces: &[&str]) {
        let complaints = self.load().map(|_| ()).expect_err(label);
        let shown = complaints.to_string();
        assert_eq!(complaints.0.len(), 1, "{label}:\n{shown}");
        for piece in pieces {
            assert!(shown.contains(piece), "{label}: no {piece:?} in\n{shown}");
        }
    }
}

/// The line, from 1, on which a piece of text stands in a file of the example after an edit.
fn line_of(site: &Site, file: &str, piece: &str) -> usize {
    let text = std::fs::read_to_string(site.path().join(file)).unwrap();
    text[..text.find(piece).unwrap()].matches('\n').count() + 1
}

#[test]
fn the_example_loads_with_no_warning_and_holds_what_the_rules_ship() {
    let settings = Site::example().load_good();
    assert_eq!(settings.warnings, []);
    assert_eq!(settings.roster.authorities().len(), 86);
    let offices: Vec<&str> = settings.roster.offices().iter().map(|office| &*office.id).collect();
    assert_eq!(offices, ["rrk-arnsberg", "rrk-detmold", "rrk-duesseldorf", "rrk-koeln", "rrk-muenster", "zrk", "zfa"]);
    assert!(matches!(settings.service.transport, Transport::Directory { .. }));
    assert!(settings.roster.contacts().iter().all(|contact| contact.mailbox.as_str().ends_with(".example")));
    assert!(settings.rulebook.entries.is_empty());
    let ladder = |id: &str| -> Vec<String> {
        let duty = settings.rulebook.duty(id).unwrap();
        let line = |step: &crate::domain::Step| {
            let to: Vec<String> = step.to.iter().map(ToString::to_string).collect();
            format!("{} {:?} {} {}", step.id, step.base, step.time.format("%H:%M"), to.join(" "))
        };
        duty.steps.iter().map(line).collect()
    };
    let after_the_end = [
        "overdue+1 End 08:00 missing",
        "escalation+2 End 08:00 rrk",
        "summary+2 End 08:00 zrk",
        "escalation+7 End 08:00 rrk",
        "summary+7 End 08:00 zrk",
        "escalation+12 End 08:00 rrk",
        "summary+12 End 08:00 zrk",
    ];
    let planning = [
        "announcement Import 09:00 users rrk zfa",
        "reminder-5 End 08:00 missing",
        "reminder-1 End 08:00 missing",
        "reminder-0 End 08:00 missing",
    ];
    let statistics =
        ["reminder-5 Stated 08:00 missing", "reminder-1 Stated 08:00 missing", "reminder-0 Stated 08:00 missing"];
    assert_eq!(ladder("planning"), [&planning[..], &after_the_end].concat());
    assert_eq!(ladder("statistics"), [&statistics[..], &after_the_end].concat());
}

#[test]
fn no_two_authorities_of_the_example_share_a_mailbox_and_each_has_two_to_four() {
    let settings = Site::example().load_good();
    let mut owners = std::collections::HashMap::new();
    for contact in settings.roster.contacts() {
        let other = owners.insert(&contact.mailbox, &contact.owner);
        assert_eq!(other, None, "{}", contact.mailbox);
    }
    let day = "2026-12-01".parse().unwrap();
    for authority in settings.roster.authorities() {
        let owner = crate::domain::Owner::Authority(authority.id.clone());
        let count = settings.roster.contacts_of(&owner, day).count();
        assert!((2..=4).contains(&count), "{}: {count}", authority.id);
    }
}

#[test]
fn complaints_of_several_files_come_at_once_in_the_order_of_files_and_lines() {
    let site = Site::example()
        .edit("fristd.toml", "tick_seconds = 10", "tick_seconds = 0")
        .edit("cycles.toml", r#"kind = "overdue""#, r#"kind = "overdo""#)
        .edit("cycles.toml", "on_free_day = \"next\"", "on_free_day = \"nxt\"")
        .edit("authorities.csv", "Essen,abh", "Essen,abx")
        .edit("contacts.csv", "", "nobody,frist@essen.example")
        .env("FRISTD__MAIL__HOTS", "relay.example");
    let complaints = site.load().unwrap_err();
    let files: Vec<&str> = complaints.0.iter().map(|complaint| complaint.file.as_str()).collect();
    let wanted = ["environment", "fristd.toml", "cycles.toml", "cycles.toml", "authorities.csv", "contacts.csv"];
    assert_eq!(files, wanted, "{complaints}");
    assert_eq!(complaints.to_string().lines().count(), 6, "one a line:\n{complaints}");
}

#[test]
fn a_complaint_reads_as_file_line_place_value_and_what_is_accepted() {
    let site = Site::example().edit("cycles.toml", r#"to   = ["missing"]"#, r#"to   = ["mising"]"#);
    let line = line_of(&site, "cycles.toml", "mising");
    let wanted = format!(
        "cycles.toml:{line}: duty \"planning\", step 2: unknown audience \"mising\"; known: users, missing, rrk, zrk, or an \
         office's id (rrk-arnsberg, rrk-detmold, rrk-duesseldorf, rrk-koeln, rrk-muenster, zrk, zfa)"
    );
    assert_eq!(site.load().unwrap_err().to_string(), wanted);
}

#[test]
fn a_broken_cycles_file_does_not_hide_what_is_wrong_in_the_lists() {
    let site = Site::example().edit("cycles.toml", "[import]", "[import").edit(
        "contacts.csv",
        "rueckkehr@abh-essen.example",
        "rueckkehr",
    );
    let complaints = site.load().unwrap_err();
    let shown = complaints.to_string();
    assert_eq!(complaints.0.len(), 2, "the owners of offices are not known and not complained about:\n{shown}");
    assert!(shown.contains("not TOML") && shown.contains(">>") && shown.contains("\"rueckkehr\""), "{shown}");
}

#[test]
fn files_that_cannot_be_read_as_text_are_named_with_the_remedy() {
    let example = || Site::example();
    example().remove("cycles.toml").refuses("missing", &["cycles.toml: cannot read", "fristd init DIR"]);
    example()
        .write("contacts.csv", b"owner,email,name\nzrk,zrk@zrk.example,R\xFCckkehr\n")
        .refuses("Latin-1", &["contacts.csv:2: byte 0xfc is not UTF-8", "UTF-8"]);
    let huge = vec![b'\n'; 16 * 1024 * 1024 + 1];
    example().write("contacts.csv", huge).refuses("too large", &["contacts.csv: ", "larger than 16 MiB"]);
    let folder = example().remove("contacts.csv").write("contacts.csv/x", "");
    folder.refuses("a folder", &["contacts.csv", "is no file"]);
}

#[test]
fn what_was_read_is_listed_so_that_it_can_be_watched() {
    let site = Site::example().write("calendars/own.toml", include_str!("../../../calendars/nrw.toml"));
    std::fs::create_dir(site.path().join("templates")).unwrap();
    let settings = site.load_good();
    let wanted = [
        "fristd.toml",
        "templates",
        "cycles.toml",
        "authorities.csv",
        "contacts.csv",
        "calendars",
        "calendars/own.toml",
    ];
    assert_eq!(settings.files, wanted.map(|name| site.path().join(name)));
}

#[test]
fn a_file_must_exist_and_a_folder_may_do_without_it() {
    let site = Site::example().remove("fristd.toml");
    let settings = site.load_good();
    assert_eq!(settings.service.data_dir, site.path().join("data"));
    assert_eq!(settings.rulebook.zone, chrono_tz::Europe::Berlin);
    let path = site.path().join("fristd.toml");
    let complaints = load_with(&Source::File(path), []).unwrap_err().to_string();
    assert!(complaints.starts_with("fristd.toml: cannot read"), "{complaints}");
    assert!(complaints.contains("--config"), "{complaints}");
}

#[test]
fn a_line_that_is_left_out_or_cut_is_explained_or_harmless() {
    let small = Site::example()
        .write("authorities.csv", "id,name,kind,district,ags\nabh-x,Stadt X,abh,koeln,05\n")
        .write("contacts.csv", "owner,email\nabh-x,x@y.example\n")
        .edit(
            "cycles.toml",
            "",
            "[[cycle]]\nmonth = \"2026-12\"\nimport = 2026-12-02\ndeadline = { planning = 2026-12-18 }",
        );
    for file in ["cycles.toml", "fristd.toml"] {
        let text = std::fs::read_to_string(small.path().join(file)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            for instead in ["", &line[..line.floor_char_boundary(line.len() / 2)], &line.replace(['"', '1'], "\u{7}")] {
                let edited = [&lines[..index], &[instead], &lines[index + 1..]].concat().join("\n");
                std::fs::write(small.path().join(file), edited).unwrap();
                if let Err(complaints) = small.load() {
                    let shown = complaints.to_string();
                    assert!(!shown.is_empty() && !shown.contains("nothing said why"), "{file}:{}: {shown}", index + 1);
                }
            }
        }
        std::fs::write(small.path().join(file), &text).unwrap();
    }
}
