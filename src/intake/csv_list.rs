//! Reads a list from CSV as Excel, LibreOffice and other programs write it. Never takes a broken quotation for a cell.

use csv::{ReaderBuilder, StringRecord};

use super::ReadOptions;
use super::fault::Faults;
use super::headings::{self, ColumnNames};
use super::table::{Cell, HEADINGS_MIN, Table};
use super::text::{self, LineCounter};
use crate::domain::list::{Columns, List};

/// What may stand between cells; the first is what Excel writes in Germany.
const DELIMITERS: [u8; 3] = [b';', b'\t', b','];
/// Most columns; Excel's own bound.
const COLUMNS_MAX: usize = 16_384;
/// How much of a file is looked at to find what stands between cells.
const SAMPLE_RECORDS: usize = 40;
const SAMPLE_BYTES: usize = 1024 * 1024; // forty lines of a list have a few thousand; each cell of them is held in memory

/// Reads a list from CSV.
pub(super) fn read(bytes: &[u8], columns: &Columns, options: &ReadOptions) -> Result<List, Faults> {
    let text = text::decode(bytes).map_err(|what| Faults::one(None, what))?;
    if let Some(line) = text::line_of_control(&text) {
        let what = "enthält ein Steuerzeichen, wie es keine Textdatei hat; bitte neu als CSV UTF-8 speichern";
        return Err(Faults::one(Some(line), what));
    }
    let (told, rows_text, first_line) = told_delimiter(&text);
    let delimiter = told.unwrap_or_else(|| likely_delimiter(rows_text, columns));
    check_quotes(rows_text, delimiter, first_line)?;

    let mut table = Table::new(columns, options, ColumnNames::Numbers, Vec::new());
    let mut lines = LineCounter::new(rows_text, first_line);
    let mut reader = reader(rows_text, delimiter);
    let mut record = StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(_) => {
                table.complain(lines.line_behind_blank_ones(usize::MAX), "ab hier kein lesbares CSV mehr");
                break;
            }
        }
        let start = record.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX));
        let line = lines.line_behind_blank_ones(start);
        let cells = record.iter().enumerate().filter(|(_, cell)| !cell.trim().is_empty());
        let cells: Vec<(usize, Cell<'_>)> = cells.map(|(column, cell)| (column, Cell::Text(cell.into()))).collect();
        if table.take_row(line, &cells).is_err() {
            break;
        }
    }
    table.finish()
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes())
}

/// The delimiter that a first line `sep=;` names, as Excel understands it; the text behind that line, and its number.
fn told_delimiter(text: &str) -> (Option<u8>, &str, usize) {
    let first = text.split(['\r', '\n']).next().unwrap_or_default();
    let told = first.trim().trim_matches('"').to_lowercase();
    let told =
        told.strip_prefix("sep=").and_then(|mark| DELIMITERS.into_iter().find(|known| mark.as_bytes() == [*known]));
    // a tab at the end of the line was trimmed away
    let told = told.or((first.to_lowercase() == "sep=\t").then_some(b'\t'));
    if told.is_none() {
        return (None, text, 1);
    }
    let behind = &text[first.len()..];
    let behind = behind.strip_prefix("\r\n").or(behind.strip_prefix(['\r', '\n'])).unwrap_or(behind);
    (told, behind, 2)
}

/// The delimiter by which most headings are known; if by none they are, the one that most often stands in the first line.
fn likely_delimiter(text: &str, columns: &Columns) -> u8 {
    let sample = &text[..text.floor_char_boundary(SAMPLE_BYTES)];
    let known = |delimiter: u8| {
        let records = reader(sample, delimiter).into_records().take(SAMPLE_RECORDS).filter_map(Result::ok);
        let counts = records.map(|record| {
            let cells: Vec<(usize, String)> = record.iter().map(str::to_owned).enumerate().collect();
            headings::known(columns, &cells)
        });
        counts.max().filter(|known| *known >= HEADINGS_MIN)
    };
    let first = text.split(['\r', '\n']).find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |delimiter: u8| first.bytes().filter(|byte| *byte == delimiter).count();
    // of several that are best the first counts, which is the last that max_by_key sees
    let best = DELIMITERS.into_iter().rev().max_by_key(|delimiter| (known(*delimiter), count(*delimiter)));
    best.unwrap_or(DELIMITERS[0])
}

/// Refuses a quotation mark that is never closed, or is followed by more text: the library takes all that follows, perhaps
/// many rows, for one cell.
fn check_quotes(text: &str, delimiter: u8, first_line: usize) -> Result<(), Faults> {
    enum At {
        CellStart,
        Plain,
        Quoted { opened: usize },
        QuoteEnd { opened: usize },
    }
    let mut at = At::CellStart;
    let mut lines = LineCounter::new(text, first_line);
    let mut columns = 1;
    for (offset, byte) in text.bytes().enumerate() {
        let is_end = byte == b'\r' || byte == b'\n';
        at = match at {
            At::Quoted { opened } if byte != b'"' => At::Quoted { opened },
            At::Quoted { opened } => At::QuoteEnd { opened },
            At::CellStart if byte == b'"' => At::Quoted { opened: offset },
            At::QuoteEnd { opened } if byte == b'"' => At::Quoted { opened },
            At::CellStart | At::Plain | At::QuoteEnd { .. } if is_end || byte == delimiter => {
                columns = if is_end { 1 } else { columns + 1 };
                At::CellStart
            }
            At::CellStart | At::Plain => At::Plain,
            At::QuoteEnd { .. } => {
                let what = "hinter einem schließenden Anführungszeichen steht noch Text; Anführungszeichen im Text bitte \
                            verdoppeln";
                return Err(Faults::one(Some(lines.line_at(offset)), what));
            }
        };
        if columns > COLUMNS_MAX {
            let what = "hat mehr als 16.384 Spalten; bitte prüfen, ob es die richtige Datei ist";
            return Err(Faults::one(Some(lines.line_at(offset)), what));
        }
    }
    match at {
        At::Quoted { opened } => {
            let what = "ein Anführungszeichen wird nicht wieder geschlossen; ist die Datei vollständig?";
            Err(Faults::one(Some(lines.line_at(opened)), what))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "csv_list_tests.rs"]
mod tests;
