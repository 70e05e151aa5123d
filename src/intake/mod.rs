//! Reads lists of receipts from files: CSV, XLSX, JSON. Never knows who is in the roster and never stores anything.

mod csv_list;
mod fault;
mod file;
mod headings;
mod json_list;
mod json_value;
mod refused;
mod table;
mod text;
mod xlsx_guard;
mod xlsx_list;

#[cfg(test)]
mod test_support;

pub use fault::{Fault, FileRefused};
pub use file::read_bounded;
pub use refused::write_refused;

use crate::domain::list::{Columns, List};
use fault::Faults;

/// Longest file that is read. A list of all authorities has a few thousand bytes; this leaves room for years of them.
pub const BYTES_MAX: usize = 32 * 1024 * 1024;
/// Most rows that are read if a setting does not say otherwise: 86 authorities, two duties, a year is two thousand.
pub const ROWS_MAX: usize = 100_000;

/// How a file is to be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadOptions {
    /// The sheet of a workbook; without it the only visible one with something in it is taken.
    pub sheet: Option<String>,
    /// Most rows below the heading; a longer list is refused whole.
    pub rows_max: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { sheet: None, rows_max: ROWS_MAX }
    }
}

/// Reads a list. What the file is, its content says; its name is only told to people.
///
/// No figure leaves this function (S3), and nothing of a row's content is in an error; headings are.
///
/// ```
/// use fristd::domain::list::{Columns, Field, Meaning};
/// use fristd::intake::{ReadOptions, read};
/// let mut columns = Columns::default();
/// columns.accept("Behörde", Meaning::Field(Field::Authority)).unwrap();
/// columns.accept("Stand", Meaning::Field(Field::State)).unwrap();
/// let list = read("liste.csv", "Behörde;Stand\nStadt Siegen;gemeldet\n".as_bytes(), &columns, &ReadOptions::default());
/// assert_eq!(list.unwrap().rows[0].text(Field::State), Some("gemeldet"));
/// let refused = read("fall.csv", "Behörde;Stand;Geburtsdatum\n".as_bytes(), &columns, &ReadOptions::default());
/// assert!(refused.unwrap_err().to_string().contains("Zeile 1, Spalte 3 („Geburtsdatum“)"));
/// ```
///
/// # Errors
/// If the file as a whole cannot be taken: it is no list, has a column nobody knows (S3), is damaged or hostile.
pub fn read(file_name: &str, bytes: &[u8], columns: &Columns, options: &ReadOptions) -> Result<List, FileRefused> {
    let list = match format_of(bytes) {
        Ok(Format::Csv) => csv_list::read(bytes, columns, options),
        Ok(Format::Json) => json_list::read(bytes, columns, options),
        Ok(Format::Xlsx) => xlsx_list::read(bytes, columns, options),
        Err(what) => Err(Faults::one(None, what)),
    };
    list.map_err(|faults| faults.refuse(file_name))
}

enum Format {
    Csv,
    Json,
    Xlsx,
}

/// What the content is, or why it cannot be a list.
fn format_of(bytes: &[u8]) -> Result<Format, &'static str> {
    const OTHERS: [(&[u8], &str); 7] = [
        (
            b"\xd0\xcf\x11\xe0",
            "ist eine Datei im alten Excel-Format (.xls) oder mit Kennwort geschützt; bitte ohne Kennwort als XLSX oder \
             CSV speichern",
        ),
        (b"%PDF", "ist ein PDF; bitte die Liste als XLSX oder CSV speichern"),
        (b"{\\rtf", "ist ein Textdokument (RTF); bitte die Liste als XLSX oder CSV speichern"),
        (b"<", "ist HTML oder XML, auch wenn die Endung anderes sagt; bitte in Excel öffnen und als XLSX speichern"),
        (b"\x1f\x8b", "ist gepackt (gzip); bitte die Liste selbst schicken"),
        (b"7z\xbc\xaf", "ist gepackt (7z); bitte die Liste selbst schicken"),
        (b"PK\x05\x06", "ist ein leeres ZIP-Archiv; bitte die Liste selbst als XLSX oder CSV schicken"),
    ];
    if bytes.len() > BYTES_MAX {
        return Err(fault::TOO_LONG);
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return Ok(Format::Xlsx);
    }
    let visible = text::without_mark(bytes).trim_ascii_start();
    let other = OTHERS.iter().find(|(start, _)| bytes.starts_with(start) || visible.starts_with(start));
    match (other, visible.iter().find(|byte| **byte != 0)) {
        (Some((_, what)), _) => Err(what),
        (None, None) => Err("ist leer; erwartet wird eine Überschriftenzeile und darunter je Meldung eine Zeile"),
        (None, Some(b'{' | b'[')) => Ok(Format::Json),
        (None, Some(_)) => Ok(Format::Csv),
    }
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
