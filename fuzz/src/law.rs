//! What holds of every list, whatever the file was. Never knows a format.

use std::collections::BTreeSet;

use fristd::domain::list::{Field, List, ListKind, ListRow, Presence};
use fristd::domain::list_entries::Entries;
use fristd::intake::{FileRefused, write_refused};

use crate::desk::{self, ROWS_MAX};

const TEXT_BYTES_MAX: usize = 4_000; // of a cell, as docs/list.schema.json says
const FAULTS_MAX: usize = 51; // fifty, and the count of the others
const FAULT_BYTES_MAX: usize = 4_000; // a place, a few headings, and what to do

/// All that is made of a file.
#[derive(Debug)]
pub struct Made {
    /// The list, or why the file is refused.
    pub read: Result<List, FileRefused>,
    /// What its rows say: as a whole list, then as events.
    pub entries: Vec<Entries>,
    /// The correction files of both.
    pub correction_files: Vec<String>,
}

/// Reads a file as the daemon does and checks everything that can be said of the outcome.
pub fn check(bytes: &[u8]) -> Made {
    let mut made = Made { read: desk::read(bytes), entries: Vec::new(), correction_files: Vec::new() };
    assert_eq!(made.read, desk::read_again(bytes), "the same bytes are read in the same way");
    match &made.read {
        Err(refused) => check_refusal(refused),
        Ok(list) => {
            check_list(list);
            for (_, kind) in ListKind::WORDS {
                let entries = desk::entries(list, kind);
                check_entries(list, &entries);
                made.correction_files.extend(check_correction_file(list, &entries));
                made.entries.push(entries);
            }
            let again = desk::entries(list, ListKind::WORDS[0].1);
            assert_eq!(made.entries[0], again, "the same list says the same");
        }
    }
    made
}

fn check_refusal(refused: &FileRefused) {
    assert!((1..=FAULTS_MAX).contains(&refused.faults.len()), "{refused:?}");
    for fault in &refused.faults {
        let text = fault.to_string();
        assert!(!text.chars().any(char::is_control), "a fault is one line: {text:?}");
        assert!(text.len() <= FAULT_BYTES_MAX, "a fault can be read: {text:?}");
        assert!(!fault.what.is_empty(), "{refused:?}");
    }
}

fn check_list(list: &List) {
    assert!(list.rows.len() <= ROWS_MAX, "{} rows", list.rows.len());
    let headings =
        list.headings.iter().map(|(_, heading)| heading).chain(list.parts.iter().map(|(_, heading)| heading));
    headings.chain(&list.source).for_each(|text| check_text(text));
    check_texts(&list.headings);
    check_texts(&list.everywhere);
    let mut last_line = 0;
    for row in &list.rows {
        assert!(row.line > last_line, "lines rise: {row:?} after {last_line}");
        last_line = row.line;
        assert_eq!(row.parts.len(), list.parts.len(), "{row:?}");
        check_texts(&row.texts);
    }
}

fn check_texts(texts: &[(Field, String)]) {
    let fields: BTreeSet<&str> = texts.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields.len(), texts.len(), "no field twice: {texts:?}");
    texts.iter().for_each(|(_, text)| check_text(text));
}

fn check_text(text: &str) {
    assert!(!text.is_empty() && text.trim() == text, "{text:?}");
    assert!(text.len() <= TEXT_BYTES_MAX, "{} bytes", text.len());
    assert!(!text.chars().any(char::is_control), "one line: {text:?}");
}

fn check_entries(list: &List, entries: &Entries) {
    let lines: BTreeSet<usize> = list.rows.iter().map(|row| row.line).collect();
    let settings = desk::settings();
    for entry in &entries.good {
        assert!(lines.contains(&entry.line), "{entry:?}");
        assert!(settings.roster.authority(&entry.authority).is_some(), "{entry:?}");
        assert!(settings.rulebook.duty(&entry.duty).is_some(), "{entry:?}");
    }
    for refusal in &entries.refused {
        assert!(lines.contains(&refusal.line), "{refusal:?}");
        assert!(!refusal.reason.is_empty() && !refusal.reason.chars().any(char::is_control), "{refusal:?}");
    }
    let judged: BTreeSet<usize> =
        entries.good.iter().map(|entry| entry.line).chain(entries.refused.iter().map(|refusal| refusal.line)).collect();
    assert!(lines.is_empty() || !judged.is_empty(), "rows are taken or refused, or another says the same");
}

/// The refused rows can be read again, and say what they said.
fn check_correction_file(list: &List, entries: &Entries) -> Option<String> {
    let lines: BTreeSet<usize> = entries.refused.iter().map(|refusal| refusal.line).collect();
    let rows: Vec<&ListRow> = list.rows.iter().filter(|row| lines.contains(&row.line)).collect();
    if rows.is_empty() {
        return None;
    }
    let written = String::from_utf8(write_refused(list, &entries.refused)).expect("UTF-8");
    let again = desk::read(written.as_bytes()).unwrap_or_else(|refused| panic!("{refused}\nof\n{written}"));
    let said = |row: &ListRow, field: Field| -> Option<String> {
        let shared = || list.everywhere.iter().find(|(other, _)| *other == field).map(|(_, text)| text.as_str());
        row.text(field).or_else(shared).map(str::to_owned)
    };
    // a row in which nothing stands is passed over in a table, and is one of its own in JSON
    let is_blank = |row: &ListRow| {
        Field::ALL.iter().all(|(_, field)| said(row, *field).is_none())
            && row.parts.iter().all(|part| *part == Presence::Blank)
    };
    let rows: Vec<&ListRow> = rows.into_iter().filter(|row| !is_blank(row)).collect();
    assert_eq!(again.rows.len(), rows.len(), "{written}");
    for (row, again_row) in rows.iter().zip(&again.rows) {
        for ((column, _), presence) in list.parts.iter().zip(&row.parts) {
            let place = again.parts.iter().position(|(other, _)| other == column).expect("the column is there again");
            assert_eq!(again_row.parts[place], *presence, "{written}");
        }
        for (_, field) in Field::ALL {
            assert_eq!(again_row.text(field).map(str::to_owned), said(row, field), "{field:?} in\n{written}");
        }
    }
    Some(written)
}
