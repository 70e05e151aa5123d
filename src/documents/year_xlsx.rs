//! The yearly report as a workbook: numbers as numbers, dates as dates, and no text that is taken for a formula. Never counts and
//! never writes a file.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, FormatPattern, Workbook, Worksheet,
    XlsxError,
};

use crate::domain::punctuality::{Figures, Mark};
use crate::domain::year_report::{DutyYear, YearReport};

use super::DocumentError;
use super::year_words::{DEFINITIONS, as_of, cell_in_words, in_brief, notes, phase_in_words, short_month, title};

const A4: u8 = 9; // the number of the paper size in the format
const TEXT_WIDTH: f64 = 100.0; // a line that can be read, in characters
const LINE_HEIGHT: f64 = 15.5; // points, of the format's own letters
const FIGURES: [&str; 12] = [
    "gewertet",
    "rechtzeitig",
    "Anteil rechtzeitig",
    "davon Fehlanzeigen",
    "davon entschuldigt",
    "verspätet",
    "versäumt",
    "überfällig",
    "befreit",
    "Frist verlängert",
    "noch offen",
    "Median der Tage",
];
const RUNS: [&str; 2] = ["längste Folge rechtzeitig", "längste Folge versäumt"];
const RUNS_OF_SEVERAL: [&str; 2] = ["längste Folge: alle rechtzeitig", "längste Folge: mit Versäumnis"];

/// The report as an XLSX workbook in German; the same report gives the same bytes.
///
/// # Errors
/// If a bound of the format is passed: a text of more than 32,767 characters, or more than a million rows.
pub fn year_workbook(report: &YearReport) -> Result<Vec<u8>, DocumentError> {
    let mut workbook = Workbook::new();
    let properties = DocProperties::new()
        .set_title(title(report))
        .set_author(report.signature.join(", "))
        .set_subject(as_of(report))
        .set_creation_datetime(&excel_instant(report.as_of)?);
    workbook.set_properties(&properties);
    let styles = Styles::new();
    overview(&mut Sheet::add(&mut workbook, &styles, "Überblick")?, report)?;
    districts(&mut Sheet::add(&mut workbook, &styles, "Bezirke")?, report)?;
    authorities(&mut Sheet::add(&mut workbook, &styles, "Behörden")?, report)?;
    months(&mut Sheet::add(&mut workbook, &styles, "Monate")?, report)?;
    map(&mut Sheet::add(&mut workbook, &styles, "Karte")?, report)?;
    single_values(&mut Sheet::add(&mut workbook, &styles, "Einzelwerte")?, report)?;
    Ok(workbook.save_to_buffer()?)
}

fn overview(sheet: &mut Sheet<'_>, report: &YearReport) -> Result<(), XlsxError> {
    let styles = sheet.styles;
    sheet.worksheet.set_column_width(0, 34)?.set_column_width(1, TEXT_WIDTH)?;
    sheet.worksheet.set_print_fit_to_pages(1, 0).set_landscape();
    let mut line = |first: &str, format: &Format, second: &str| -> Result<(), XlsxError> {
        sheet.worksheet.write_string_with_format(sheet.row, 0, first, format)?;
        if !second.is_empty() {
            // not every program makes a row as high as its text
            let lines = (second.chars().count() as f64 / TEXT_WIDTH).ceil();
            sheet.worksheet.set_row_height(sheet.row, lines * LINE_HEIGHT)?;
            sheet.worksheet.write_string_with_format(sheet.row, 1, second, styles.text_of(second))?;
        }
        sheet.row += 1;
        Ok(())
    };
    line(&title(report), &styles.title, "")?;
    line(&as_of(report), &styles.plain, "")?;
    for words in report.signature.iter().chain(Some(&report.file_number).filter(|number| !number.is_empty())) {
        line(words, styles.cell_of(words), "")?;
    }
    line("", &styles.plain, "")?;
    if !report.is_over() {
        line(
            "Hinweis",
            &styles.label,
            "Das Jahr ist noch nicht abgeschlossen; gezeigt ist, was bis zum Stand bekannt ist.",
        )?;
    }
    for duty in &report.duties {
        line(&duty.title, &styles.label, &in_brief(&duty.punctuality.all))?;
        for note in notes(duty) {
            line("", &styles.plain, &note)?;
        }
    }
    line("", &styles.plain, "")?;
    for (word, definition) in DEFINITIONS {
        line(word, &styles.label, definition)?;
    }
    for (name, content) in [
        ("Blatt Bezirke", "je Meldepflicht das Land und jeder Regierungsbezirk"),
        ("Blatt Behörden", "je Meldepflicht jede Behörde, in der Reihenfolge des Verzeichnisses"),
        ("Blatt Monate", "je Meldepflicht jeder Monat mit seinem Fristende"),
        ("Blatt Karte", "Behörden nach Monaten, in Worten und Farben"),
        ("Blatt Einzelwerte", "jede Behörde und jeder Monat in einer Zeile, für Filter und eigene Auswertungen"),
    ] {
        line(name, &styles.label, content)?;
    }
    Ok(())
}

fn districts(sheet: &mut Sheet<'_>, report: &YearReport) -> Result<(), XlsxError> {
    sheet.head(&[&["Meldepflicht", "Bezirk"][..], &FIGURES, &RUNS_OF_SEVERAL].concat(), &[30.0, 16.0])?;
    for duty in &report.duties {
        let all = ("Land gesamt", &duty.punctuality.all);
        let districts = duty.punctuality.districts.iter().map(|(district, figures)| (district.in_words(), figures));
        for (name, figures) in districts.chain([all]) {
            sheet.texts(&[&duty.title, name])?;
            sheet.figures(2, figures)?;
            sheet.row += 1;
        }
    }
    sheet.finish(2)
}

fn authorities(sheet: &mut Sheet<'_>, report: &YearReport) -> Result<(), XlsxError> {
    let heads = [&["Meldepflicht", "Behörde", "Bezirk", "Kennung"][..], &FIGURES, &RUNS].concat();
    sheet.head(&heads, &[30.0, 34.0, 14.0, 34.0])?;
    for duty in &report.duties {
        for line in &duty.punctuality.authorities {
            sheet.texts(&[&duty.title, &line.name, line.district.in_words(), &line.id])?;
            sheet.figures(4, &line.figures)?;
            sheet.row += 1;
        }
    }
    sheet.finish(2)
}

fn months(sheet: &mut Sheet<'_>, report: &YearReport) -> Result<(), XlsxError> {
    let heads = [&["Meldepflicht", "Monat", "Stand", "Fristende"][..], &FIGURES].concat();
    sheet.head(&heads, &[30.0, 18.0, 18.0, 12.0])?;
    for duty in &report.duties {
        for line in &duty.punctuality.months {
            sheet.texts(&[&duty.title, &line.month.in_words(), phase_in_words(line.phase)])?;
            if let Some(ends_on) = line.ends_on {
                sheet.date(3, ends_on)?;
                sheet.figures_without_runs(4, &line.figures)?;
            }
            sheet.row += 1;
        }
    }
    sheet.finish(2)
}

fn map(sheet: &mut Sheet<'_>, report: &YearReport) -> Result<(), XlsxError> {
    let months: Vec<String> =
        report.duties.first().map(|duty| duty.punctuality.months.iter().map(short_month).collect()).unwrap_or_default();
    let heads: Vec<&str> =
        ["Meldepflicht", "Behörde", "Bezirk"].into_iter().chain(months.iter().map(String::as_str)).collect();
    let widths = [[30.0, 34.0, 14.0].as_slice(), &[13.0; 12]].concat();
    sheet.head(&heads, &widths)?;
    for duty in &report.duties {
        for line in &duty.punctuality.authorities {
            sheet.texts(&[&duty.title, &line.name, line.district.in_words()])?;
            for (column, cell) in (3..).zip(&line.cells) {
                let format = sheet.styles.mark(cell.mark);
                sheet.worksheet.write_string_with_format(sheet.row, column, cell.mark.in_words(), format)?;
            }
            sheet.row += 1;
        }
    }
    sheet.finish(2)
}

fn single_values(sheet: &mut Sheet<'_>, report: &YearReport) -> Result<(), XlsxError> {
    let heads = ["Meldepflicht", "Behörde", "Bezirk", "Monat", "Fristende", "Ergebnis", "Tage", "in Worten"];
    sheet.head(&heads, &[30.0, 34.0, 14.0, 18.0, 12.0, 24.0, 8.0, 44.0])?;
    for duty in &report.duties {
        single_values_of(sheet, duty)?;
    }
    sheet.finish(2)
}

fn single_values_of(sheet: &mut Sheet<'_>, duty: &DutyYear) -> Result<(), XlsxError> {
    for line in &duty.punctuality.authorities {
        for (month, cell) in duty.punctuality.months.iter().zip(&line.cells) {
            sheet.texts(&[&duty.title, &line.name, line.district.in_words(), &month.month.in_words()])?;
            if let Some(ends_on) = month.ends_on {
                sheet.date(4, ends_on)?;
            }
            sheet.text(5, cell.mark.in_words())?;
            if let Some(days) = cell.days {
                sheet.worksheet.write_number_with_format(sheet.row, 6, days, &sheet.styles.days)?;
            }
            sheet.text(7, &cell_in_words(*cell))?;
            sheet.row += 1;
        }
    }
    Ok(())
}

/// A sheet that is being filled from the top.
struct Sheet<'a> {
    worksheet: &'a mut Worksheet,
    styles: &'a Styles,
    row: u32,
    columns: u16,
}

impl<'a> Sheet<'a> {
    fn add(workbook: &'a mut Workbook, styles: &'a Styles, name: &str) -> Result<Self, XlsxError> {
        let worksheet = workbook.add_worksheet();
        worksheet.set_name(name)?.set_paper_size(A4).set_footer("&LJahresbericht Pünktlichkeit – &A&RSeite &P von &N");
        Ok(Self { worksheet, styles, row: 0, columns: 0 })
    }

    /// Writes the heading's row. Columns without a width of their own are as wide as a figure's heading needs.
    fn head(&mut self, heads: &[&str], widths: &[f64]) -> Result<(), XlsxError> {
        const FIGURE_WIDTH: f64 = 12.0;
        const HEAD_HEIGHT: f64 = 62.0; // three lines, and one for the filter's button
        for (column, head) in (0..).zip(heads) {
            let own_width = widths.get(usize::from(column)).copied();
            let format = if own_width.is_some() { &self.styles.head } else { &self.styles.figure_head };
            self.worksheet.set_column_width(column, own_width.unwrap_or(FIGURE_WIDTH))?;
            self.worksheet.write_string_with_format(0, column, *head, format)?;
            self.columns = column;
        }
        self.worksheet.set_row_height(0, HEAD_HEIGHT)?;
        self.row = 1;
        Ok(())
    }

    /// Keeps the heading and the first columns in place, puts filters on, and lets it print on sheets as wide as it is.
    fn finish(&mut self, frozen_columns: u16) -> Result<(), XlsxError> {
        self.worksheet.set_freeze_panes(1, frozen_columns)?;
        self.worksheet.autofilter(0, 0, self.row.saturating_sub(1).max(1), self.columns)?;
        self.worksheet.set_repeat_rows(0, 0)?;
        self.worksheet.set_landscape().set_print_fit_to_pages(1, 0);
        Ok(())
    }

    fn texts(&mut self, texts: &[&str]) -> Result<(), XlsxError> {
        (0..).zip(texts).try_for_each(|(column, text)| self.text(column, text))
    }

    fn text(&mut self, column: u16, text: &str) -> Result<(), XlsxError> {
        self.worksheet.write_string_with_format(self.row, column, text, self.styles.cell_of(text))?;
        Ok(())
    }

    fn date(&mut self, column: u16, date: NaiveDate) -> Result<(), XlsxError> {
        self.worksheet.write_datetime_with_format(self.row, column, &excel_date(date)?, &self.styles.date)?;
        Ok(())
    }

    fn figures(&mut self, column: u16, figures: &Figures) -> Result<(), XlsxError> {
        self.figures_without_runs(column, figures)?;
        for (column, months) in (column + 12..).zip([figures.longest_in_time, figures.longest_missed]) {
            self.worksheet.write_number_with_format(self.row, column, months, &self.styles.count)?;
        }
        Ok(())
    }

    fn figures_without_runs(&mut self, column: u16, figures: &Figures) -> Result<(), XlsxError> {
        let count = |mark| figures.count(mark);
        let counts = [
            Some(figures.judged()),
            Some(figures.in_time()),
            None, // the share
            Some(count(Mark::Nil)),
            Some(count(Mark::Excused)),
            Some(count(Mark::Late)),
            Some(count(Mark::Missed)),
            Some(count(Mark::Overdue)),
            Some(count(Mark::Exempt)),
            Some(count(Mark::Extended)),
            Some(count(Mark::Open)),
        ];
        for (offset, number) in (0..).zip(counts) {
            if let Some(number) = number {
                self.worksheet.write_number_with_format(self.row, column + offset, number, &self.styles.count)?;
            }
        }
        if let Some(share) = figures.share_in_time() {
            self.worksheet.write_number_with_format(self.row, column + 2, share, &self.styles.share)?;
        }
        if let Some(median) = figures.median_days {
            let format = &self.styles.median;
            self.worksheet.write_number_with_format(self.row, column + 11, median.days(), format)?;
        }
        Ok(())
    }
}

/// How cells look.
struct Styles {
    title: Format,
    label: Format,
    plain: Format,
    text: Format,
    head: Format,
    figure_head: Format,
    cell: Format,
    cell_quoted: Format,
    text_quoted: Format,
    count: Format,
    share: Format,
    median: Format,
    days: Format,
    date: Format,
    marks: Vec<Format>,
}

impl Styles {
    fn new() -> Self {
        let top = || Format::new().set_align(FormatAlign::Top);
        let head = || {
            let bold = top().set_bold().set_text_wrap();
            bold.set_background_color(Color::RGB(0xE3E8EE)).set_border_bottom(FormatBorder::Medium)
        };
        let number = |form: &str| top().set_num_format(form);
        Self {
            title: Format::new().set_bold().set_font_size(16),
            label: top().set_bold().set_text_wrap(),
            plain: top(),
            text: top().set_text_wrap(),
            text_quoted: top().set_text_wrap().set_quote_prefix(),
            figure_head: head().set_align(FormatAlign::Right),
            head: head(),
            cell: top(),
            cell_quoted: top().set_quote_prefix(),
            count: number("[$-407]#,##0"),
            share: number("[$-407]0.0 %"),
            median: number("[$-407]+0.0;-0.0;0.0"),
            days: number("[$-407]+0;-0;0"),
            date: number("[$-407]dd.mm.yyyy"),
            marks: Mark::ALL.into_iter().map(mark_format).collect(),
        }
    }

    /// A text stays one also when somebody edits its cell: then Excel would read what begins like a formula as one.
    fn cell_of(&self, text: &str) -> &Format {
        if begins_like_a_formula(text) { &self.cell_quoted } else { &self.cell }
    }

    fn text_of(&self, text: &str) -> &Format {
        if begins_like_a_formula(text) { &self.text_quoted } else { &self.text }
    }

    fn mark(&self, mark: Mark) -> &Format {
        &self.marks[mark as usize]
    }
}

fn begins_like_a_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A fill and, besides its colour, a pattern or a kind of letters.
fn mark_format(mark: Mark) -> Format {
    const GOOD: Color = Color::RGB(0xCFE8D5);
    const LATE: Color = Color::RGB(0xFFE3A6);
    const BAD: Color = Color::RGB(0x8D0F1A);
    let format = Format::new().set_font_size(9).set_border(FormatBorder::Hair);
    match mark {
        Mark::InTime => format.set_background_color(GOOD),
        Mark::Nil | Mark::Excused => format.set_background_color(GOOD).set_italic(),
        Mark::Late => format
            .set_pattern(FormatPattern::LightUp)
            .set_background_color(LATE)
            .set_foreground_color(Color::RGB(0xE0B85C)),
        Mark::Missed => format.set_background_color(BAD).set_font_color(Color::White).set_bold(),
        Mark::Overdue => format.set_font_color(BAD).set_bold(),
        Mark::Extended | Mark::Exempt => format.set_italic(),
        Mark::Open | Mark::Ahead | Mark::NotOwing | Mark::Unknown => format.set_font_color(Color::RGB(0x555C63)),
    }
}

fn excel_date(date: NaiveDate) -> Result<ExcelDateTime, XlsxError> {
    let year = u16::try_from(date.year()).unwrap_or_default(); // what is no such year, the library refuses
    ExcelDateTime::from_ymd(year, date.month() as u8, date.day() as u8)
}

fn excel_instant(instant: DateTime<Utc>) -> Result<ExcelDateTime, XlsxError> {
    excel_date(instant.date_naive())?.and_hms(instant.hour() as u16, instant.minute() as u8, instant.second())
}
