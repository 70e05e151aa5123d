//! Reads CSV as Excel writes it in Germany: comma or semicolon, any order of columns. Never judges a cell.

use csv::ReaderBuilder;

use super::complaint::{Report, Spot};
use super::source_text::SourceText;
use super::values::quoted;

/// A column that a list may have.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) is_required: bool,
}

/// One line of a list.
pub(super) struct Row<'a> {
    /// Its line.
    pub(super) spot: Spot<'a>,
    cells: Vec<(&'static str, String)>,
}

impl<'a> Row<'a> {
    /// A cell without surrounding spaces; empty if the list has no such column.
    pub(super) fn cell(&self, column: &str) -> &str {
        self.cells.iter().find(|(name, _)| *name == column).map_or("", |(_, cell)| cell)
    }

    /// The cell's place.
    pub(super) fn spot_of(&self, column: &str) -> Spot<'a> {
        self.spot.within(column)
    }

    /// The cell as what it stands for, or a complaint.
    pub(super) fn accept<'r, T>(&'r self, column: &str, read: impl FnOnce(&'r str) -> Result<T, String>) -> Option<T> {
        self.spot_of(column).accept(read(self.cell(column)))
    }
}

/// All lines with something in them; `None` if the header is not understood.
pub(super) fn read<'a>(source: &'a SourceText, columns: &[Column], report: &'a Report) -> Option<Vec<Row<'a>>> {
    let file = Spot::of_file(report, &source.name);
    let header_line = source.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let delimiter = if header_line.matches(';').count() > header_line.matches(',').count() { b';' } else { b',' };
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(source.text.as_bytes());
    let mut header: Option<Vec<&'static str>> = None;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                file.complain(format!("not CSV: {error}"));
                return None;
            }
        };
        let cells: Vec<&str> = record.iter().map(str::trim).collect();
        if cells.iter().all(|cell| cell.is_empty()) {
            continue;
        }
        let spot = Spot { line: record.position().map(|position| line_of(source, position)), ..file.clone() };
        let Some(header) = &header else {
            header = Some(read_header(&cells, columns, &spot.within("header"))?);
            continue;
        };
        if let Some(extra) = cells.iter().skip(header.len()).find(|cell| !cell.is_empty()) {
            let remedy = "put a cell that holds a comma or semicolon in quotes";
            spot.complain(format!("{} is beyond the {} columns of the header; {remedy}", quoted(extra), header.len()));
            continue;
        }
        let cells = header.iter().zip(cells).map(|(name, cell)| (*name, cell.to_owned())).collect();
        rows.push(Row { spot, cells });
    }
    if header.is_none() {
        file.complain(format!("is empty; its first line is {}", accepted_header(columns)));
        return None;
    }
    Some(rows)
}

/// The line on which a record starts; the reader's own count is that of the empty lines before it.
fn line_of(source: &SourceText, position: &csv::Position) -> usize {
    let offset = usize::try_from(position.byte()).unwrap_or(usize::MAX).min(source.text.len());
    let line_breaks = source.text.as_bytes()[offset..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    source.line_at(offset + line_breaks)
}

/// The columns in the order of the file.
fn read_header(cells: &[&str], columns: &[Column], spot: &Spot) -> Option<Vec<&'static str>> {
    let before = spot.report.count();
    // a table program may leave empty columns behind the last one
    let used = cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
    let mut header = Vec::new();
    for cell in &cells[..used] {
        let name = cell.to_lowercase();
        match columns.iter().find(|column| column.name == name) {
            Some(column) if header.contains(&column.name) => {
                spot.complain(format!("the column {} stands there twice; remove one", quoted(cell)));
            }
            Some(column) => header.push(column.name),
            None => spot.complain(format!("unknown column {}; known: {}", quoted(cell), accepted_header(columns))),
        }
    }
    for column in columns.iter().filter(|column| column.is_required && !header.contains(&column.name)) {
        spot.complain(format!(
            "the column {:?} is missing; the first line is {}",
            column.name,
            accepted_header(columns)
        ));
    }
    (spot.report.count() == before).then_some(header)
}

fn accepted_header(columns: &[Column]) -> String {
    columns.iter().map(|column| column.name).collect::<Vec<_>>().join(",")
}
