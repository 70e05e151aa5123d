//! Tests lists in CSV: what is understood, and what refuses the file.

use super::{SAMPLE_BYTES, likely_delimiter};
use crate::domain::list::{Field, Presence};
use crate::intake::test_support::{accepted, columns, refused, rows};

const GOOD: &str = "Behörde;Stand;REAG/GARP\nStadt Köln;gemeldet;0\nStadt Siegen;;\n";

#[test]
fn every_way_to_write_a_csv_comes_to_the_same_rows() {
    let want = ["authority=Stadt Köln; reag-garp=Zero; state=gemeldet", "authority=Stadt Siegen"];
    let check = |label: &str, bytes: &[u8]| assert_eq!(rows(&accepted(bytes)), want, "{label}");
    check("as it is", GOOD.as_bytes());
    check("with a mark", format!("\u{feff}{GOOD}").as_bytes());
    check("comma", GOOD.replace(';', ",").as_bytes());
    check("tab", GOOD.replace(';', "\t").as_bytes());
    check("CR LF", GOOD.replace('\n', "\r\n").as_bytes());
    check("CR", GOOD.replace('\n', "\r").as_bytes());
    check("no end", GOOD.trim_end().as_bytes());
    check("blank lines", GOOD.replace('\n', "\n\r\n;;\n").as_bytes());
    check("sep", format!("sep=;\r\n{GOOD}").as_bytes());
    check("SEP=tab", format!("SEP=\t\n{}", GOOD.replace(';', "\t")).as_bytes());
    check("empty columns behind", GOOD.replace('\n', ";;\n").as_bytes());
    check("quoted", GOOD.replace("Stadt Köln", "\"Stadt\nKöln\"").as_bytes());
    check("spaces", GOOD.replace(';', " ; ").as_bytes());
    check("non-breaking space", GOOD.replace("Stadt Köln", "\u{a0}Stadt\u{a0}\u{a0}Köln").as_bytes());
    check("headings", GOOD.replace("Behörde", "AUSLÄNDERBEHÖRDE:").as_bytes());
    check("a column passed over", GOOD.replace("\n", ";x\n").replacen(";x", ";Bemerkung", 1).as_bytes());
    check("title", format!("Meldestand zum 14.12.2026\n\n{GOOD}").as_bytes());
    check("title with separators in it", format!("Meldestand: a, b, c\n{GOOD}").as_bytes());
    check("Windows-1252", &encoding_rs::WINDOWS_1252.encode(GOOD).0);
    let utf_16: Vec<u8> = format!("\u{feff}{GOOD}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    check("UTF-16 LE", &utf_16);
    let utf_16: Vec<u8> = format!("\u{feff}{GOOD}").encode_utf16().flat_map(u16::to_be_bytes).collect();
    check("UTF-16 BE", &utf_16);
}

#[test]
fn lines_are_those_of_the_file() {
    let check = |text: &str, want: &[usize]| {
        for end in ["\n", "\r\n", "\r"] {
            let list = accepted(text.replace('\n', end).as_bytes());
            assert_eq!(list.rows.iter().map(|row| row.line).collect::<Vec<_>>(), want, "{text:?} with {end:?}");
        }
    };
    check("Behörde;Stand\na;b\nc;d\n", &[2, 3]);
    check("\n\nBehörde;Stand\n\na;b\n\n\nc;d", &[5, 8]);
    check("sep=;\nBehörde;Stand\na;b\n", &[3]);
    check("Behörde;Grund\n\"a\nb\";\"c\n\nd\"\ne;f\n", &[2, 6]);
}

#[test]
fn a_quoted_line_break_becomes_a_blank() {
    let list = accepted("Behörde;Grund\nStadt Siegen;\"Brand;\r\n Umzug \"\"neu\"\"\"\n".as_bytes());
    assert_eq!(list.rows[0].text(Field::Reason), Some("Brand; Umzug \"neu\""));
    assert_eq!(list.heading(Field::Reason), "Grund");
}

#[test]
fn what_cannot_be_told_for_sure_refuses_the_file_with_its_place() {
    let check = |label: &str, text: &str, pieces: &[&str]| drop(refused(label, text.as_bytes(), pieces));
    check("never closed", "Behörde;Stand\na;b\n\"c;d\ne;f\n", &["liste: Zeile 3: ein Anführungszeichen wird nicht"]);
    check("closed too late", "Behörde;Stand\na;\"b\nc;d\ne;\"f\"\n", &["Zeile 4: hinter einem schließenden"]);
    check("NUL", "Behörde;Stand\na;b\nc\0;d\n", &["Zeile 3: enthält ein Steuerzeichen"]);
    check("escape", "Behörde;Stand\r\na;\u{1b}[31m\r\n", &["Zeile 2: enthält ein Steuerzeichen"]);
    check("no heading for a value", "Behörde;Stand\na;b\na;b;12\n", &["Zeile 3, Spalte 3: enthält etwas"]);
    check("no heading between", "Behörde;;Stand\na;x;b\n", &["Zeile 2, Spalte 2: enthält etwas"]);
    let long = format!("Behörde;Grund\na;{}\n", "x".repeat(5_000));
    check("too long a text", &long, &["Zeile 2, Spalte 2 („Grund“): ist länger als 4.000 Zeichen"]);
    check("too many columns", &format!("Behörde;Stand\n{}", ";".repeat(20_000)), &["Zeile 2: hat mehr als 16.384"]);
    let mut utf_16: Vec<u8> = "\u{feff}Behörde;Stand".encode_utf16().flat_map(u16::to_le_bytes).collect();
    utf_16.extend([0x00, 0xd8]);
    refused("half a pair", &utf_16, &["gibt sich als UTF-16 aus"]);
    refused("mark of UTF-8 before Windows-1252", b"\xef\xbb\xbfBeh\xf6rde;Stand\n", &["gibt sich als UTF-8 aus"]);
}

#[test]
fn unknown_headings_refuse_the_file_and_all_of_them_are_named() {
    let text = "Behörde;Gemeldt am;Stand;Geburtsdatum\nStadt Siegen;1;2;03.04.1990\n";
    let told = refused(
        "two of four",
        text.as_bytes(),
        &[
            "Zeile 1, Spalte 2 („Gemeldt am“): unbekannte Überschrift",
            "am ehesten „Gemeldet am“",
            "Zeile 1, Spalte 4 („Geburtsdatum“): unbekannte Überschrift",
        ],
    );
    assert!(!told.contains("Siegen") && !told.contains("1990"), "{told}");

    let check = |label: &str, text: &str, pieces: &[&str]| drop(refused(label, text.as_bytes(), pieces));
    check("one known", "Behörde;Geburtsdatum;Name\na;b;c", &["Spalte 2 („Geburtsdatum“)", "Spalte 3 („Name“)"]);
    check("twice", "Behörde;Stand;Stand\n", &["Zeile 1, Spalte 3 („Stand“): steht schon in einer anderen Spalte"]);
    check("twice by another name", "Behörde;Stand;Ausländerbehörde\n", &["Spalte 3", "(„Behörde“)"]);
    check("a part twice", "Behörde;Rückführungen;rückführungen\n", &["Spalte 3", "(„Rückführungen“)"]);
    check("values above", "Stadt Siegen;gemeldet\nBehörde;Stand\n", &["Zeile 1: steht über der Überschriftenzeile"]);
    let none = refused("none", b"Maria Muster;1990;Siegen\nPaul;1;2\n", &["keine Überschriftenzeile", "„Behörde“"]);
    assert!(!none.contains("Muster") && !none.contains("Paul"), "what may be about a person is not told: {none}");
}

#[test]
fn the_delimiter_is_the_one_by_which_headings_are_known() {
    let check = |text: &str, want: &str| assert_eq!(rows(&accepted(text.as_bytes())), [want], "{text:?}");
    check("Behörde;Grund\n\"a, b, c\";\"d,e,f\"", "authority=a, b, c; reason=d,e,f");
    check("\"Behörde\",\"Grund\"\na;b,c;d", "authority=a;b; reason=c;d");
    check("Liste; Stand: heute; vorläufig\nBehörde,Grund\na,b", "authority=a; reason=b");
}

#[test]
fn a_list_with_too_many_rows_is_refused_whole() {
    use crate::intake::ReadOptions;
    let options = ReadOptions { rows_max: 2, ..ReadOptions::default() };
    let read = |text: &str| crate::intake::test_support::read_with(&options, text.as_bytes());
    assert!(read("Behörde;Stand\na;b\n\nc;d\n\n").is_ok());
    let refused = read("Behörde;Stand\na;b\nc;d\ne;f\n").unwrap_err().to_string();
    assert!(refused.contains("Zeile 4: die Liste hat mehr als 2 Zeilen"), "{refused}");
}

#[test]
fn of_figures_only_presence_is_kept_and_no_message_names_one() {
    let list = accepted("Behörde;REAG/GARP;Rückführungen;Bestätigung\nStadt Siegen;4711;-5;ja\n".as_bytes());
    assert_eq!(list.rows[0].parts, [Presence::AboveZero, Presence::Unreadable, Presence::AboveZero]);
    assert!(!format!("{list:?}").contains("4711"));
    let told = refused("a control character beside", b"Beh\xf6rde;REAG/GARP\n\x02;4711\n", &[]);
    assert!(!told.contains("4711"), "{told}");
}

#[test]
fn what_stands_between_cells_is_looked_for_at_the_beginning_alone() {
    let check = |title: &str, want: u8| {
        let text = format!("Stand; 14.12.\n{title}\nBehörde,Gemeldet am\n");
        assert_eq!(char::from(likely_delimiter(&text, &columns())), char::from(want), "{} bytes", title.len());
    };
    check("Meldungen", b',');
    check(&"ü".repeat(SAMPLE_BYTES / 2), b';'); // the bound falls into the middle of a letter
    check(&";".repeat(SAMPLE_BYTES), b';');
}
