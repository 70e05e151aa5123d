//! Writes workbooks: tables with typed cells, ready for filters and paper. Never writes a formula or a link.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook as File, Worksheet, XlsxError,
};

use super::DocumentError;
use super::visible::visible;

const A4: u8 = 9; // the format's number for the paper
const HEADER_FILL: u32 = 0xE4E8EE; // light enough for black text on paper and screen
const DATE_FORMAT: &str = "dd.mm.yyyy"; // TT.MM.JJJJ in a German Excel
const INSTANT_FORMAT: &str = "dd.mm.yyyy hh:mm";
const TITLE_POINTS: f64 = 14.0;
const FOOTER_CHARS_MAX: usize = 200; // the format allows 255 with the codes

/// A workbook as values. [`Workbook::to_bytes`] writes it; the same value gives the same bytes.
///
/// ```
/// use chrono::NaiveDate;
/// use fristd::documents::workbook::{Cell, Column, Sheet, Workbook};
/// let written_on = NaiveDate::from_ymd_opt(2026, 12, 17).unwrap();
/// let workbook = Workbook {
///     title: "Pünktlichkeit 2026".into(),
///     subject: "Alle Behörden".into(),
///     author: "ZRK".into(),
///     written_on,
///     sheets: vec![Sheet {
///         name: "2026".into(),
///         notes: vec!["Stand: 17. Dezember 2026".into()],
///         columns: vec![Column::new("Behörde", 40), Column::new("Letzte Meldung", 14)],
///         rows: vec![vec![Cell::text("=Köln"), Cell::Date(written_on)]],
///     }],
/// };
/// assert!(workbook.to_bytes().unwrap().starts_with(b"PK"));
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Workbook {
    /// What it is, above each table and in the properties.
    pub title: String,
    /// What it is about, for the properties.
    pub subject: String,
    /// Who it comes from, for the properties.
    pub author: String,
    /// The day it is written on.
    pub written_on: NaiveDate,
    /// The sheets, at least one.
    pub sheets: Vec<Sheet>,
}

/// One table on a sheet of its own.
#[derive(Clone, PartialEq, Debug)]
pub struct Sheet {
    /// The name on the tab: at most 31 characters, none of `[]:*?/\`.
    pub name: String,
    /// Lines between title and table, one a row.
    pub notes: Vec<String>,
    /// The columns, at least one.
    pub columns: Vec<Column>,
    /// The rows; each has as many cells as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

/// One column of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its heading.
    pub heading: String,
    /// Its width in characters.
    pub width: u16,
}

impl Column {
    /// A column.
    pub fn new(heading: &str, width: u16) -> Self {
        Self { heading: heading.to_owned(), width }
    }
}

/// One cell, typed as what it is, so that it can be sorted and filtered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Text, whatever it looks like: never a formula, never a link.
    Text(String),
    /// Several lines of text in one cell.
    Lines(Vec<String>),
    /// A whole number.
    Number(i64),
    /// A date, shown as TT.MM.JJJJ.
    Date(NaiveDate),
    /// A local date with the time of day.
    Instant(NaiveDateTime),
}

impl Cell {
    /// A text; an empty cell if there is none.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// On how many lines a column of that width shows it.
    fn lines(&self, width: u16) -> usize {
        match self {
            Self::Text(text) => lines_of(text, width),
            Self::Lines(lines) => lines.iter().map(|line| lines_of(line, width)).sum(),
            Self::Empty | Self::Number(_) | Self::Date(_) | Self::Instant(_) => 1,
        }
    }
}

impl Workbook {
    /// The bytes of the XLSX file.
    ///
    /// # Errors
    /// If the library refuses a sheet's name or its size.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DocumentError> {
        self.write().map_err(|cause| DocumentError::Workbook(cause.to_string()))
    }

    fn write(&self) -> Result<Vec<u8>, XlsxError> {
        let mut file = File::new();
        let properties = DocProperties::new()
            .set_title(visible(&self.title))
            .set_subject(visible(&self.subject))
            .set_author(visible(&self.author))
            .set_creation_datetime(&date(self.written_on)?);
        file.set_properties(&properties);
        for sheet in &self.sheets {
            let worksheet = file.add_worksheet();
            worksheet.set_name(&sheet.name)?;
            self.fill(worksheet, sheet)?;
        }
        file.save_to_buffer()
    }

    fn fill(&self, worksheet: &mut Worksheet, sheet: &Sheet) -> Result<(), XlsxError> {
        let formats = Formats::new();
        worksheet.write_string_with_format(0, 0, visible(&self.title), &formats.title)?;
        let mut row = 1;
        for note in &sheet.notes {
            worksheet.write_string_with_format(row, 0, visible(note), &formats.note)?;
            row += 1;
        }
        let header_row = row + 1; // a blank row parts the lines above from the table, so that sorting leaves them alone
        let last_column = sheet.columns.len().saturating_sub(1) as u16;
        for (index, column) in sheet.columns.iter().enumerate() {
            let index = index as u16;
            worksheet.set_column_width(index, f64::from(column.width))?;
            worksheet.write_string_with_format(header_row, index, visible(&column.heading), &formats.header)?;
        }
        worksheet.set_row_height(
            header_row,
            height_of(sheet.columns.iter().map(|column| lines_of(&column.heading, column.width))),
        )?;
        let mut row = header_row;
        for cells in &sheet.rows {
            row += 1;
            let lines = cells.iter().zip(&sheet.columns).map(|(cell, column)| cell.lines(column.width));
            worksheet.set_row_height(row, height_of(lines))?;
            for (index, cell) in cells.iter().enumerate() {
                formats.write(worksheet, row, index as u16, cell)?;
            }
        }
        worksheet.set_freeze_panes(header_row + 1, 0)?;
        worksheet.autofilter(header_row, 0, row, last_column)?;
        worksheet.set_landscape().set_paper_size(A4).set_print_fit_to_pages(1, 0);
        worksheet.set_margins(0.5, 0.5, 0.6, 0.7, 0.3, 0.3);
        worksheet.set_repeat_rows(header_row, header_row)?;
        let footer: String = visible(&self.title).chars().take(FOOTER_CHARS_MAX).collect();
        worksheet.set_footer(format!("&L{}&RSeite &P von &N", footer.replace('&', "&&")));
        Ok(())
    }
}

struct Formats {
    title: Format,
    note: Format,
    header: Format,
    text: Format,
    number: Format,
    date: Format,
    instant: Format,
}

impl Formats {
    fn new() -> Self {
        let cell =
            || Format::new().set_align(FormatAlign::Top).set_border(FormatBorder::Thin).set_border_color(Color::Gray);
        let header = cell().set_bold().set_text_wrap().set_background_color(Color::RGB(HEADER_FILL));
        Self {
            title: Format::new().set_bold().set_font_size(TITLE_POINTS),
            note: Format::new(),
            header,
            text: cell().set_text_wrap().set_num_format("@"),
            number: cell().set_num_format("0").set_align(FormatAlign::Center),
            date: cell().set_num_format(DATE_FORMAT).set_align(FormatAlign::Left),
            instant: cell().set_num_format(INSTANT_FORMAT).set_align(FormatAlign::Left),
        }
    }

    fn write(&self, worksheet: &mut Worksheet, row: u32, column: u16, cell: &Cell) -> Result<(), XlsxError> {
        match cell {
            Cell::Empty => worksheet.write_blank(row, column, &self.text)?,
            // never the library's generic `write`, which makes formulas and links of what looks like one
            Cell::Text(text) => worksheet.write_string_with_format(row, column, visible(text), &self.text)?,
            Cell::Lines(lines) => {
                let lines: Vec<String> = lines.iter().map(|line| visible(line)).collect();
                worksheet.write_string_with_format(row, column, bounded(lines.join("\n")), &self.text)?
            }
            Cell::Number(number) => worksheet.write_number_with_format(row, column, *number as f64, &self.number)?,
            Cell::Date(day) => worksheet.write_datetime_with_format(row, column, &date(*day)?, &self.date)?,
            Cell::Instant(at) => {
                let (hour, minute) = (at.hour() as u16, at.minute() as u8);
                let value = date(at.date())?.and_hms(hour, minute, at.second() as f64)?;
                worksheet.write_datetime_with_format(row, column, &value, &self.instant)?
            }
        };
        Ok(())
    }
}

/// The format holds so many characters in a cell.
fn bounded(text: String) -> String {
    const CELL_CHARS_MAX: usize = 32_767;
    match text.char_indices().nth(CELL_CHARS_MAX / 2) {
        Some((end, _)) => text[..end].to_owned(), // half of it, because the format counts units of UTF-16
        None => text,
    }
}

/// On how many lines a column of that many characters shows a text; words stay whole where they fit.
fn lines_of(text: &str, width: u16) -> usize {
    let width = usize::from(width.saturating_sub(1).max(1)); // a little of the width is margin
    let (mut lines, mut used) = (1, 0);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines += 1;
            used = 0;
        }
        used += length + usize::from(used > 0);
        while used > width {
            lines += 1;
            used -= width;
        }
    }
    lines
}

/// The height of a row in points. It is said rather than left to the program that opens the file, because not all see to it.
fn height_of(lines: impl Iterator<Item = usize>) -> f64 {
    const LINE_POINTS: f64 = 15.0; // the format's default
    const ROW_POINTS_MAX: f64 = 409.0; // and its highest
    (lines.max().unwrap_or(1) as f64 * LINE_POINTS).min(ROW_POINTS_MAX)
}

fn date(day: NaiveDate) -> Result<ExcelDateTime, XlsxError> {
    ExcelDateTime::from_ymd(day.year().clamp(0, 9999) as u16, day.month() as u8, day.day() as u8)
}
