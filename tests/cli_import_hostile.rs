//! Lists that nobody should send, at the command line: refused with place and remedy, in little memory and time, and nothing of
//! them is kept (S3).

mod support;

use std::fs::{self, File};
use std::io::{Cursor, Write};
use std::process::Command;

use rust_xlsxwriter::{Format, Workbook, Worksheet};
use support::answer::Answer;
use support::site::Site;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const NOW: &str = "2026-12-14 09:12:00";
const HEADINGS: &str = "Behörde;Meldepflicht;Monatslauf;Meldestand";
const ADDRESS_SPACE_KIB: u32 = 1_200_000; // the process with its threads needs most of it before it reads anything
const CPU_SECONDS: u32 = 60; // a debug build on a busy machine; what must not happen takes minutes

/// `fristd import` of that file, stopped by the system if it takes too much memory or time.
fn import(site: &Site, name: &str, more: &[&str]) -> Answer {
    let file = site.path(name).display().to_string();
    let plain = site.command(&[&["import", &file], more].concat());
    let mut bounded = Command::new("sh");
    let limits = format!("ulimit -v {ADDRESS_SPACE_KIB} && ulimit -t {CPU_SECONDS} && exec \"$0\" \"$@\"");
    bounded.arg("-c").arg(limits).arg(plain.get_program()).args(plain.get_args()).env("MALLOC_ARENA_MAX", "2");
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => bounded.env(name, value),
            None => bounded.env_remove(name),
        };
    }
    Answer::of(assert_cmd::Command::from_std(bounded))
}

#[track_caller]
fn check(label: &str, bytes: &[u8], code: i32, pieces: &[&str]) {
    let site = Site::small(NOW);
    fs::write(site.path("liste"), bytes).unwrap();
    check_refused(&site, label, &import(&site, "liste", &["--kind", "snapshot"]), code, pieces);
}

#[track_caller]
fn check_refused(site: &Site, label: &str, answer: &Answer, code: i32, pieces: &[&str]) {
    let all = format!("{}{}", answer.said, answer.complained);
    assert_eq!(answer.code, code, "{label}: {all}");
    for piece in pieces {
        assert!(all.contains(piece), "{label}: {piece:?} is not in\n{all}");
    }
    if site.database().exists() {
        assert_eq!(site.query("SELECT duty, COUNT(*) FROM receipts GROUP BY duty"), [], "{label}");
        assert_eq!(site.query("SELECT duty, COUNT(*) FROM arrangements GROUP BY duty"), [], "{label}");
    }
}

#[test]
fn rows_that_cannot_be_are_refused_with_line_column_and_remedy() {
    let check = |label: &str, rows: &str, pieces: &[&str]| {
        check(label, format!("{HEADINGS};Gemeldet am;Verlängert bis;Begründung\n{rows}\n").as_bytes(), 1, pieces);
    };
    let good = "Stadt Bonn;planning;2026-12;gemeldet;;;";
    check(
        "unknown",
        &format!("{good}\nStadt Nirgends;planning;2026-12;gemeldet;;;"),
        &["Zeile 3, Spalte „Behörde“ „Stadt Nirgends“"],
    );
    check(
        "two for one",
        &format!("{good}\nStadt Bonn;planning;2026-12;fehlt;;;"),
        &["Zeile 2", "Zeile 3 sagt zu derselben Behörde", "nur eine der Zeilen kann stimmen"],
    );
    check(
        "future",
        "Stadt Bonn;planning;2026-12;gemeldet;24.12.2026;;",
        &["Spalte „Gemeldet am“", "liegt in der Zukunft"],
    );
    check(
        "too late a cycle",
        "Stadt Bonn;planning;2027-02;gemeldet;;;",
        &["Spalte „Monatslauf“", "2027-02", "der nächste Monat"],
    );
    check(
        "too early a cycle",
        "Stadt Bonn;planning;2023-01;gemeldet;;;",
        &["Spalte „Monatslauf“", "zwei Jahre zurück"],
    );
    check("no such month", "Stadt Bonn;planning;2026-13;gemeldet;;;", &["Spalte „Monatslauf“", "ist kein Monat"]);
    // until the middle of the month that the report is about: the nil report would be over before its own cycle
    check(
        "stands for nothing",
        "Stadt Bonn;planning;2026-12;Fehlanzeige;;15.12.2026;keine Fälle",
        &[
            "Zeile 2, Spalte „Verlängert bis“ „15.12.2026“",
            "den ganzen Berichtsmonat Dezember 2026",
            "31.12.2026 oder ein späterer Tag",
        ],
    );
}

#[test]
fn case_data_is_refused_whole_and_told_nowhere() {
    let secret = "Mustermann-4711";
    for (label, bytes) in [
        ("a column", format!("{HEADINGS};Aktenzeichen\nStadt Bonn;planning;2026-12;gemeldet;{secret}\n").into_bytes()),
        ("no heading", format!("{HEADINGS};\nStadt Bonn;planning;2026-12;gemeldet;{secret}\n").into_bytes()),
        ("above", format!("Stand;{secret}\n{HEADINGS}\nStadt Bonn;planning;2026-12;gemeldet\n").into_bytes()),
        ("no headings at all", format!("{secret};{secret}\n{secret};1\n").into_bytes()),
        ("json", format!(r#"{{"rows":[{{"authority":"abh-bonn","fall":"{secret}"}}]}}"#).into_bytes()),
        ("nested", format!(r#"{{"rows":[{{"authority":{{"id":"abh-bonn","person":"{secret}"}}}}]}}"#).into_bytes()),
        ("broken", format!(r#"{{"rows":[{{"authority":"abh-bonn","reason":"{secret}"}}"#).into_bytes()),
    ] {
        let site = Site::small(NOW);
        fs::write(site.path("liste"), bytes).unwrap();
        let answer = import(&site, "liste", &["--kind", "snapshot"]);
        check_refused(&site, label, &answer, 1, &["liste"]);
        assert!(!answer.said.contains(secret) && !answer.complained.contains(secret), "{label}: {answer:?}");
        assert!(!holds(&site, secret), "{label}: it is in the database");
    }
}

fn holds(site: &Site, text: &str) -> bool {
    let files = [site.database(), site.path("data/fristd.sqlite-wal")];
    let contents = files.iter().map(|file| fs::read(file).unwrap_or_default());
    contents.into_iter().any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}

fn workbook(change: impl FnOnce(&mut Workbook)) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, heading) in (0..).zip(HEADINGS.split(';')) {
        sheet.write(0, column, heading).unwrap();
    }
    for (column, cell) in (0..).zip(["Stadt Bonn", "planning", "2026-12", "gemeldet"]) {
        sheet.write(1, column, cell).unwrap();
    }
    change(&mut workbook);
    workbook.save_to_buffer().unwrap()
}

#[test]
fn workbooks_that_are_not_what_they_show_are_refused_with_their_place() {
    fn first(workbook: &mut Workbook) -> &mut Worksheet {
        workbook.worksheet_from_index(0).unwrap()
    }
    let formula = workbook(|book| first(book).write_formula(2, 0, "=A2").map(|_| ()).unwrap());
    check("formula", &formula, 1, &["die Zelle A3 enthält eine Formel", "nur Werte"]);
    let merged = workbook(|book| first(book).merge_range(1, 3, 2, 3, "gemeldet", &Format::new()).map(|_| ()).unwrap());
    check("merged", &merged, 1, &["D2:D3", "verbunden"]);
    let second = workbook(|book| book.add_worksheet().write(0, 0, "auch etwas").map(|_| ()).unwrap());
    check("a sheet too many", &second, 1, &["mehrere Tabellenblätter", "Sheet1", "Sheet2"]);
    let with_macros = repacked(&workbook(|_| {}), &[("xl/vbaProject.bin", b"x")]);
    check("macros", &with_macros, 1, &["enthält Makros", "ohne Makros"]);
}

/// The archive with more parts.
fn repacked(bytes: &[u8], more: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new_append(Cursor::new(bytes.to_vec())).unwrap();
    for (name, content) in more {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A workbook of this sheet, in pieces, so that a test needs no memory for it either.
fn sheet_of(pieces: impl Iterator<Item = String>) -> Vec<u8> {
    const TYPES: &str = r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>"#;
    const RELATIONSHIPS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/"#;
    let to = |kind: &str, target: &str| format!(r#"{RELATIONSHIPS}{kind}" Target="{target}"/></Relationships>"#);
    let book = r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="A" sheetId="1" r:id="r1"/></sheets></workbook>"#;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().large_file(true);
    for (name, content) in [
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", &to("officeDocument", "xl/workbook.xml")),
        ("xl/_rels/workbook.xml.rels", &to("worksheet", "worksheets/sheet1.xml")),
        ("xl/workbook.xml", book),
    ] {
        writer.start_file(name, options).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.start_file("xl/worksheets/sheet1.xml", options).unwrap();
    let frame = ["<worksheet><sheetData>".to_owned()].into_iter().chain(pieces);
    for piece in frame.chain(["</sheetData></worksheet>".to_owned()]) {
        writer.write_all(piece.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn what_would_fill_memory_or_time_is_refused() {
    let site = Site::small(NOW);
    File::create(site.path("loch.xlsx")).unwrap().set_len(2 << 30).unwrap();
    let answer = import(&site, "loch.xlsx", &[]);
    check_refused(&site, "2 GB of holes", &answer, 2, &["loch.xlsx", "ist größer als 32 MiB"]);

    let bomb = sheet_of((0..1_500).map(|_| " ".repeat(26_000)));
    assert!(bomb.len() < 1 << 17, "{} bytes", bomb.len());
    check("much out of few bytes", &bomb, 1, &["ungewöhnlich großem Inhalt", "neue Mappe"]);
    // each cell without a place, so that no reference is too far to the right
    let cells = "<c><v>1</v></c>".repeat(1_000);
    let wide = sheet_of(["<row>".to_owned()].into_iter().chain((0..700).map(|_| cells.clone())));
    check("a row of 700,000 cells", &wide, 1, &["keine lesbare Arbeitsmappe", "neu als XLSX speichern"]);
    let wide = format!("Behörde;Meldestand\n{}", format!("Stadt Bonn;gemeldet{}\n", ";x".repeat(16_300)).repeat(100));
    check(
        "columns without a heading",
        wide.as_bytes(),
        1,
        &["Zeile 2, Spalte 3", "keine Überschrift", "weitere Fehler"],
    );
    let texts = format!(r#"{{"rows":[{{"authority":"abh-bonn","missing":[{}""]}}]}}"#, "\"\",".repeat(1_000_000));
    check("a sea of texts", texts.as_bytes(), 1, &["„missing“", "„missing“: ist länger"]);
    let long = format!("{HEADINGS}\n{}", "Stadt Bonn;planning;2026-12;gemeldet\n".repeat(100_001));
    check("a row too many", long.as_bytes(), 1, &["Zeile 100002", "mehr als 100000 Zeilen", "aufteilen"]);
}

#[test]
fn a_hundred_thousand_events_of_one_authority_are_told_in_time() {
    let site = Site::small(NOW);
    let begin = chrono::NaiveDate::from_ymd_opt(2026, 12, 1).and_then(|day| day.and_hms_opt(0, 0, 0)).unwrap();
    let event = |number: i64| {
        let at = begin + chrono::TimeDelta::seconds(10 * number);
        let state = if number % 2 == 0 { "fehlt" } else { "gemeldet" };
        format!("Stadt Bonn;planning;2026-12;{state};{}\n", at.format("%Y-%m-%d %H:%M:%S"))
    };
    let events: String = (0..100_000).map(event).collect();
    site.write("liste", &format!("{HEADINGS};Gemeldet am\n{events}"));
    let answer = import(&site, "liste", &["--kind", "events", "--dry-run"]).done();
    assert!(answer.contains("100000 Zeilen, 100000 Eingänge neu, 0 unverändert"), "{answer}");
}
