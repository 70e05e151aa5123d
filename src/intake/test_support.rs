//! Builds columns and files for the tests of the readers.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{FileRefused, ReadOptions, read};
use crate::domain::list::{Columns, Field, List, Meaning, PartColumn, Presence};

/// Headings as a site would accept them, two duties with parts, and one column that may be there.
pub(super) fn columns() -> Columns {
    let mut columns = Columns::default();
    for (heading, field) in [
        ("Behörde", Field::Authority),
        ("Ausländerbehörde", Field::Authority),
        ("AGS", Field::Ags),
        ("Monat", Field::Month),
        ("Berichtsmonat", Field::Period),
        ("Meldepflicht", Field::Duty),
        ("Stand", Field::State),
        ("Fehlanzeige", Field::Nil),
        ("Gemeldet am", Field::ReportedAt),
        ("Frist bis", Field::Until),
        ("Grund", Field::Reason),
        ("Es fehlt", Field::Missing),
    ] {
        columns.accept(heading, Meaning::Field(field)).unwrap();
    }
    for (heading, duty, part, is_confirmation) in [
        ("REAG/GARP", "statistics", "reag-garp", false),
        ("ohne Förderung", "statistics", "without-funding", false),
        ("Rückführungen", "statistics", "returns", false),
        ("Bestätigung", "planning", "confirmation", true),
    ] {
        let part = PartColumn { duty: duty.into(), part: part.to_owned(), is_confirmation };
        columns.accept(heading, Meaning::Part(part)).unwrap();
    }
    columns.accept("Bemerkung", Meaning::PassedOver).unwrap();
    columns
}

pub(super) fn read_with(options: &ReadOptions, bytes: &[u8]) -> Result<List, FileRefused> {
    read("liste", bytes, &columns(), options)
}

/// The list, which must be accepted.
#[track_caller]
pub(super) fn accepted(bytes: &[u8]) -> List {
    read_with(&ReadOptions::default(), bytes).unwrap_or_else(|refused| panic!("refused: {refused}"))
}

/// The refusal, which must hold all of these pieces.
#[track_caller]
pub(super) fn refused(label: &str, bytes: &[u8], pieces: &[&str]) -> String {
    let refused = read_with(&ReadOptions::default(), bytes);
    let text = refused.expect_err(label).to_string();
    for piece in pieces {
        assert!(text.contains(piece), "{label}: {piece:?} is not in:\n{text}");
    }
    text
}

/// Each row as its line, texts and presences by name, however the columns stood.
pub(super) fn rows(list: &List) -> Vec<String> {
    let row = |row: &crate::domain::list::ListRow| {
        let mut cells: Vec<String> =
            row.texts.iter().map(|(field, text)| format!("{}={text}", field.as_str())).collect();
        for ((part, _), presence) in list.parts.iter().zip(&row.parts) {
            if *presence != Presence::Blank {
                cells.push(format!("{}={presence:?}", part.part));
            }
        }
        cells.sort();
        cells.join("; ")
    };
    list.rows.iter().map(row).collect()
}

/// An archive of these parts.
pub(super) fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The parts of a workbook beside its sheets, as LibreOffice writes them.
pub(super) const FRAME: [(&str, &[u8]); 4] = [
    (
        "[Content_Types].xml",
        br#"<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>"#,
    ),
    (
        "_rels/.rels",
        br#"<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
    ),
    (
        "xl/_rels/workbook.xml.rels",
        br#"<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
    ),
    (
        "xl/workbook.xml",
        br#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><workbookPr date1904="false"/><sheets><sheet name="Tabelle1" sheetId="1" state="visible" r:id="rId2"/></sheets></workbook>"#,
    ),
];

/// A workbook of one sheet, given what is within `worksheet`, and of more parts.
pub(super) fn workbook_of(worksheet: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let sheet = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{worksheet}</worksheet>"#
    );
    let mut parts = FRAME.to_vec();
    parts.push(("xl/worksheets/sheet1.xml", sheet.as_bytes()));
    parts.extend_from_slice(more);
    archive(&parts)
}

/// A row of inline texts.
pub(super) fn row_of(row: usize, texts: &[&str]) -> String {
    let cell = |(column, text): (usize, &&str)| {
        let letter = char::from(b'A' + u8::try_from(column).unwrap());
        format!(r#"<c r="{letter}{row}" t="inlineStr"><is><t>{text}</t></is></c>"#)
    };
    let cells: String = texts.iter().enumerate().map(cell).collect();
    format!(r#"<row r="{row}">{cells}</row>"#)
}
