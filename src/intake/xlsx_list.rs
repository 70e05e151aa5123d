//! Reads a list from a workbook as Excel and LibreOffice write it. Never takes what is hidden, merged or computed for a statement.

use std::borrow::Cow;
use std::io::Cursor;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, ExcelDateTime, Reader, Xlsx, XlsxError};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use super::ReadOptions;
use super::fault::{Faults, shown};
use super::headings::ColumnNames;
use super::table::{Cell, Table};
use super::xlsx_guard::{self, Sheet};
use crate::domain::list::{Columns, List};

const UNREADABLE: &str =
    "kann nicht gelesen werden; bitte in Excel oder LibreOffice öffnen und neu als XLSX oder CSV speichern";

/// Reads a list from a workbook.
pub(super) fn read(bytes: &[u8], columns: &Columns, options: &ReadOptions) -> Result<List, Faults> {
    let sheets = xlsx_guard::inspect(bytes)?;
    let sheet = chosen(&sheets, options.sheet.as_deref()).map_err(|what| Faults::one(None, what))?;
    let read = || read_sheet(bytes, sheet, columns, options);
    // The library is given arbitrary bytes from a mail. The guard refuses what is known to make it panic; should there be
    // more, a panic ends this file and not the daemon. Nothing outside is touched from within.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(Faults::one(None, UNREADABLE)))
}

/// The sheet that is named, or the only visible one with something in it. Hidden ones are passed over: they hold lists to
/// choose from, or what nobody sees and nobody meant to send.
fn chosen<'a>(sheets: &'a [Sheet], named: Option<&str>) -> Result<&'a Sheet, String> {
    let candidates: Vec<&Sheet> = sheets.iter().filter(|sheet| !sheet.is_hidden && sheet.has_content).collect();
    let known = || xlsx_guard::names(&sheets.iter().filter(|sheet| !sheet.is_hidden).collect::<Vec<_>>());
    if let Some(named) = named {
        return match sheets.iter().find(|sheet| sheet.name == named) {
            Some(sheet) if sheet.is_hidden => {
                Err(format!("das Tabellenblatt „{}“ ist ausgeblendet; bitte einblenden", shown(named)))
            }
            Some(sheet) => Ok(sheet),
            None => Err(format!("hat kein Tabellenblatt „{}“; vorhanden: {}", shown(named), known())),
        };
    }
    match candidates[..] {
        [] => Err("hat kein sichtbares Tabellenblatt, in dem etwas steht".to_owned()),
        [sheet] => Ok(sheet),
        _ => Err(format!(
            "hat mehrere Tabellenblätter, in denen etwas steht ({}); bitte alle bis auf eines löschen oder das richtige angeben",
            xlsx_guard::names(&candidates)
        )),
    }
}

fn read_sheet(bytes: &[u8], sheet: &Sheet, columns: &Columns, options: &ReadOptions) -> Result<List, Faults> {
    // what the library says may hold a cell's text, so it is not told
    let unreadable = |_: XlsxError| Faults::one(None, UNREADABLE);
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(unreadable)?;
    let mut reader = workbook.worksheet_cells_reader(&sheet.name).map_err(unreadable)?;
    let mut rows = Rows {
        table: Table::new(columns, options, ColumnNames::Letters, sheet.hidden_columns.clone()),
        hidden_rows: &sheet.hidden_rows,
        line: 0,
        cells: Vec::new(),
    };
    // cell by cell, because a sheet may claim to have 17 billion
    while let Some(found) = reader.next_cell_with_formula_metadata().map_err(unreadable)? {
        let line = usize::try_from(found.pos.0).unwrap_or(usize::MAX).saturating_add(1);
        let column = usize::try_from(found.pos.1).unwrap_or(usize::MAX);
        let is_in_order =
            line > rows.line || line == rows.line && rows.cells.last().is_none_or(|(last, _)| *last < column);
        if !is_in_order {
            return Err(Faults::one(Some(line), UNREADABLE));
        }
        if line > rows.line && rows.end_row(line).is_err() {
            break;
        }
        if found.formula.is_some() {
            let place = format!(
                "die Zelle {}{line} enthält eine Formel; bitte Formeln durch ihre Werte ersetzen \
                                 (Inhalte einfügen, nur Werte)",
                ColumnNames::Letters.of(column)
            );
            rows.table.complain(line, &place);
        }
        if let Some(cell) = cell(found.value) {
            rows.cells.push((column, cell));
        }
    }
    // after a stop it takes nothing more
    let _ = rows.end_row(usize::MAX);
    let mut table = rows.table;
    if let Some(heading_line) = table.heading_line() {
        for (range, last_row) in sheet.merged.iter().filter(|(_, last_row)| *last_row >= heading_line) {
            let what =
                format!("die Zellen {range} sind verbunden; bitte die Verbindung aufheben und jede Zelle ausfüllen");
            table.complain(*last_row, &what);
        }
    }
    table.finish()
}

/// The row that is being read.
struct Rows<'a> {
    table: Table<'a>,
    hidden_rows: &'a [RangeInclusive<usize>],
    line: usize,
    cells: Vec<(usize, Cell<'a>)>,
}

impl Rows<'_> {
    /// Hands the row on and begins the next one.
    fn end_row(&mut self, next_line: usize) -> Result<(), super::table::Stop> {
        let line = std::mem::replace(&mut self.line, next_line);
        let at = self.hidden_rows.partition_point(|range| *range.end() < line);
        let is_hidden = self.hidden_rows.get(at).is_some_and(|range| range.contains(&line));
        if is_hidden && !self.cells.is_empty() {
            let what = "ist ausgeblendet; bitte den Filter aufheben oder die Zeile einblenden oder löschen";
            self.table.complain(line, what);
        }
        let taken = self.table.take_row(line, &self.cells);
        self.cells.clear();
        taken
    }
}

/// What stands in a cell; `None` if nothing does.
fn cell(value: DataRef<'_>) -> Option<Cell<'_>> {
    match value {
        DataRef::Empty => None,
        DataRef::String(value) => text(Cow::Owned(value)),
        DataRef::SharedString(value) => text(Cow::Borrowed(value)),
        DataRef::Int(value) => Some(Cell::Number(value as f64)),
        DataRef::Float(value) => Some(Cell::Number(value)),
        DataRef::Bool(value) => Some(Cell::YesNo(value)),
        DataRef::DateTime(value) if value.is_datetime() => Some(date(value).map_or(Cell::Broken, Cell::Date)),
        DataRef::DateTime(_) | DataRef::DurationIso(_) | DataRef::Error(_) => Some(Cell::Broken),
        DataRef::DateTimeIso(value) => Some(iso_date(&value).map_or(Cell::Text(Cow::Owned(value)), Cell::Date)),
    }
}

fn text(text: Cow<'_, str>) -> Option<Cell<'_>> {
    (!text.trim().is_empty()).then_some(Cell::Text(text))
}

/// The date of a serial number, to the second: a time like 09:12 is no finite fraction of a day.
fn date(value: ExcelDateTime) -> Option<NaiveDateTime> {
    let (year, month, day, hour, minute, second, milli) = value.to_ymd_hms_milli();
    let date = NaiveDate::from_ymd_opt(year.into(), month.into(), day.into())?;
    let time = NaiveTime::from_hms_opt(hour.into(), minute.into(), second.into())?;
    let rounding = TimeDelta::seconds(i64::from(milli >= 500));
    date.and_time(time).checked_add_signed(rounding)
}

fn iso_date(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim().trim_end_matches('Z');
    let midnight = || text.parse::<NaiveDate>().ok().map(|date| date.and_time(NaiveTime::MIN));
    text.parse::<NaiveDateTime>().ok().or_else(midnight)
}

#[cfg(test)]
#[path = "xlsx_list_tests.rs"]
mod tests;
