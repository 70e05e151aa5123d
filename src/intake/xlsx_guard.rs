//! Looks through a workbook before calamine does: bounds, what calamine does not tell, and what is refused. Never keeps a cell.
//!
//! calamine trusts a workbook: it reserves what `uniqueCount` says, copies a font's name into each cell format, reckons with
//! any reference. What a hostile file could make of that is refused here, read with the same XML reader.

use std::collections::HashMap;
use std::io::{self, BufReader, Cursor, Read};
use std::ops::RangeInclusive;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::fault::{Faults, shown};

/// Most bytes that all parts of a workbook may unpack to, counted as they come out: a list of 100,000 rows has half of it.
const UNPACKED_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// From here on it matters how often a file unpacks to its own size.
const RATIO_FREE_BYTES: u64 = 16 * 1024 * 1024;
/// How often that may be: sheets of equal rows come to about 40, an archive made to do harm to 1,000.
const RATIO_MAX: u64 = 200;
/// Most parts; a workbook of one sheet has about a dozen.
const PARTS_MAX: usize = 1_000;
/// Most sheets.
const SHEETS_MAX: usize = 255;
/// Most texts that all cells share; each costs calamine 24 bytes and more.
const SHARED_TEXTS_MAX: usize = 1_000_000;
/// Most bytes that calamine may copy into the formats of cells: the longest attribute times the formats.
const FORMAT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most fonts, fills, borders and formats together; Excel's own bound for formats.
const FORMATS_MAX: usize = 65_490;
/// Most bytes of one piece of XML: a tag, a text, a comment. It is held in memory whole.
const PIECE_BYTES_MAX: u64 = 1024 * 1024;
/// Most bytes of text in a cell, of however many pieces; Excel's own bound is 32,767 characters, each perhaps escaped.
const CELL_BYTES_MAX: usize = 512 * 1024;
/// Longest attribute; a link's address may have 2,083 characters.
const ATTRIBUTE_BYTES_MAX: usize = 32 * 1024;
/// Deepest nesting of elements; a sheet has about six.
const DEPTH_MAX: usize = 100;
/// Last row and column of a sheet, counted from 1.
const ROW_MAX: u32 = 1_048_576;
const COLUMN_MAX: u32 = 16_384;

const DAMAGED: &str =
    "ist keine lesbare Arbeitsmappe; bitte in Excel oder LibreOffice öffnen und neu als XLSX speichern";
const TOO_LARGE: &str = "entpackt sich zu ungewöhnlich großem Inhalt; bitte die Zeilen in eine neue Mappe kopieren";

/// A sheet and what calamine does not tell of it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) is_hidden: bool,
    pub(super) has_content: bool,
    /// Rows from 1.
    pub(super) hidden_rows: Vec<RangeInclusive<usize>>,
    /// Columns from 0.
    pub(super) hidden_columns: Vec<RangeInclusive<usize>>,
    /// Merged ranges as written, with their last row from 1.
    pub(super) merged: Vec<(String, usize)>,
}

/// The worksheets in the order of the workbook, or why it is refused.
pub(super) fn inspect(bytes: &[u8]) -> Result<Vec<Sheet>, Faults> {
    let refuse = |what: &str| Faults::one(None, what);
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| refuse(DAMAGED))?;
    if archive.len() > PARTS_MAX {
        return Err(refuse("besteht aus mehr als 1.000 Teilen; bitte die Zeilen in eine neue Mappe kopieren"));
    }
    let mut budget = Budget { unpacked: 0, unpacked_max: unpacked_max(bytes.len()) };
    let mut parts: HashMap<String, Part> = HashMap::new();
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|_| refuse(DAMAGED))?;
        let name = part.name().map_err(|_| refuse(DAMAGED))?.replace('\\', "/").to_ascii_lowercase();
        check_name(&name).map_err(refuse)?;
        // calamine reads no others: where it could be led elsewhere, by relationships, the workbook is refused below
        let is_xml = name.ends_with(".xml") || name.ends_with(".rels");
        let found = if is_xml { read_part(part, &mut budget) } else { count_part(part, &mut budget) };
        let found = found.map_err(refuse)?;
        if parts.insert(name, found).is_some() {
            return Err(refuse(DAMAGED));
        }
    }
    if parts.contains_key("content.xml") {
        return Err(refuse("ist eine OpenDocument-Tabelle (.ods); bitte als XLSX oder CSV speichern"));
    }
    worksheets(parts).map_err(refuse)
}

fn unpacked_max(packed: usize) -> u64 {
    let by_ratio = u64::try_from(packed).unwrap_or(u64::MAX).saturating_mul(RATIO_MAX);
    by_ratio.clamp(RATIO_FREE_BYTES, UNPACKED_BYTES_MAX)
}

fn check_name(name: &str) -> Result<(), &'static str> {
    if name.ends_with("vbaproject.bin") || name.contains("macrosheets/") {
        return Err("enthält Makros; bitte als XLSX ohne Makros speichern");
    }
    if name == "word/document.xml" || name == "ppt/presentation.xml" {
        return Err("ist ein Word- oder PowerPoint-Dokument; bitte die Liste als XLSX oder CSV speichern");
    }
    if name.ends_with("workbook.bin") {
        return Err("ist eine binäre Arbeitsmappe (.xlsb); bitte als XLSX speichern");
    }
    Ok(())
}

/// What is left of the bytes that may come out of the archive.
struct Budget {
    unpacked: u64,
    unpacked_max: u64,
}

struct Counted<'a, R> {
    inner: R,
    budget: &'a mut Budget,
    /// Bytes since the last piece of XML began.
    piece: u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let bytes = u64::try_from(count).unwrap_or(u64::MAX);
        self.piece = self.piece.saturating_add(bytes);
        self.budget.unpacked = self.budget.unpacked.saturating_add(bytes);
        if self.budget.unpacked > self.budget.unpacked_max || self.piece > PIECE_BYTES_MAX {
            return Err(io::Error::other(TOO_LARGE));
        }
        Ok(count)
    }
}

/// What a part of the archive says that matters here.
#[derive(Default)]
struct Part {
    is_worksheet: bool,
    facts: Sheet,
    /// Of a workbook: name, whether hidden, relationship.
    sheets: Vec<(String, bool, String)>,
    /// Of relationships: id and target.
    targets: Vec<(String, String)>,
    office_document: Option<String>,
}

fn read_part(part: impl Read, budget: &mut Budget) -> Result<Part, &'static str> {
    let mut reader = Reader::from_reader(BufReader::new(Counted { inner: part, budget, piece: 0 }));
    // as calamine sets it: the same bytes must mean the same to both
    let config = reader.config_mut();
    config.trim_text(false);
    config.check_end_names = false;
    config.check_comments = false;
    config.expand_empty_elements = true;
    let mut look = Look::default();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        reader.get_mut().get_mut().piece = 0;
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => return Ok(look.part),
            Ok(event) => look.at(&event)?,
            Err(quick_xml::Error::Io(error)) if error.to_string() == TOO_LARGE => return Err(TOO_LARGE),
            Err(_) => return Err(DAMAGED),
        }
    }
}

/// Unpacks a part that is no XML, only to count it.
fn count_part(part: impl Read, budget: &mut Budget) -> Result<Part, &'static str> {
    let mut counted = Counted { inner: part, budget, piece: 0 };
    let mut chunk = [0; 8 * 1024];
    loop {
        counted.piece = 0;
        match counted.read(&mut chunk) {
            Ok(0) => return Ok(Part::default()),
            Ok(_) => {}
            Err(error) if error.to_string() == TOO_LARGE => return Err(TOO_LARGE),
            Err(_) => return Err(DAMAGED),
        }
    }
}

/// What was seen of a part so far.
#[derive(Default)]
struct Look {
    part: Part,
    depth: usize,
    has_root: bool,
    in_rows: bool,
    row: u32,
    /// Bytes of text since the cell or shared text began that is being read.
    in_cell: Option<usize>,
    /// The column of the last cell in the row, from 1.
    column: u32,
    cell: Cell,
    shared_texts: usize,
    formats: usize,
    longest_attribute: usize,
}

/// How the value of the cell is written that is being read.
#[derive(Default)]
struct Cell {
    /// Of a text calamine reads all pieces, of anything else the first alone.
    is_text: bool,
    has_value: bool,
    in_value: bool,
}

impl Cell {
    /// Refuses a value of which calamine would read nothing or a piece: what stands there is not blank (S2).
    fn at_value(&self, event: &Event<'_>) -> Result<(), &'static str> {
        match event {
            Event::Text(_) | Event::End(_) => Ok(()),
            Event::GeneralRef(_) if self.is_text => Ok(()),
            _ => Err(DAMAGED),
        }
    }

    fn begin_value(&mut self) -> Result<(), &'static str> {
        self.in_value = true;
        if std::mem::replace(&mut self.has_value, true) { Err(DAMAGED) } else { Ok(()) }
    }
}

impl Look {
    fn at(&mut self, event: &Event<'_>) -> Result<(), &'static str> {
        if self.cell.in_value {
            self.cell.at_value(event)?;
        }
        match event {
            Event::DocType(_) => Err("enthält eine DTD, wie sie keine Arbeitsmappe hat; bitte neu als XLSX speichern"),
            Event::Start(element) => {
                self.depth += 1;
                if self.depth > DEPTH_MAX { Err(DAMAGED) } else { self.at_element(element) }
            }
            Event::End(element) => {
                self.depth = self.depth.saturating_sub(1);
                match element.local_name().as_ref() {
                    "sheetData" => self.in_rows = false,
                    "row" => (self.row, self.column) = (self.row.saturating_add(1), 0),
                    "v" => self.cell.in_value = false,
                    "c" | "si" | "definedName" => self.in_cell = None,
                    _ => {}
                }
                Ok(())
            }
            Event::Text(text) => self.at_text(text.len(), text.as_ref().trim().is_empty()),
            Event::CData(text) => self.at_text(text.len(), false),
            Event::GeneralRef(entity) => self.at_text(entity.len(), false),
            _ => Ok(()),
        }
    }

    fn at_element(&mut self, element: &BytesStart<'_>) -> Result<(), &'static str> {
        let qualified = element.local_name();
        let name = qualified.as_ref();
        if !self.has_root {
            self.has_root = true;
            self.part.is_worksheet = name == "worksheet";
        }
        let attributes = Attributes::of(element)?;
        self.longest_attribute = self.longest_attribute.max(attributes.longest);
        // where a cell begins within another, calamine is still in the outer one
        if matches!(name, "c" | "si" | "definedName") && self.in_cell.is_none() {
            self.in_cell = Some(0);
        }
        match name {
            "sst" => attributes.check_count("uniqueCount")?,
            "si" => {
                self.shared_texts += 1;
                bounded(self.shared_texts, SHARED_TEXTS_MAX)?;
            }
            "xf" | "font" | "fill" | "border" => {
                self.formats += 1;
                bounded(self.formats, FORMATS_MAX)?;
            }
            "sheet" => self.at_sheet(&attributes)?,
            "Relationship" => self.at_relationship(&attributes)?,
            _ if self.part.is_worksheet => self.at_worksheet(name, &attributes)?,
            _ => {}
        }
        bounded(self.formats.saturating_mul(self.longest_attribute), FORMAT_BYTES_MAX)
    }

    fn at_text(&mut self, length: usize, is_blank: bool) -> Result<(), &'static str> {
        self.part.facts.has_content |= self.in_rows && !is_blank;
        if let Some(bytes) = &mut self.in_cell {
            *bytes += length;
            bounded(*bytes, CELL_BYTES_MAX)?;
        }
        Ok(())
    }

    fn at_sheet(&mut self, attributes: &Attributes<'_>) -> Result<(), &'static str> {
        let name = attributes.get("name").unwrap_or_default();
        let name = quick_xml::escape::unescape(name).map_err(|_| DAMAGED)?.into_owned();
        let is_hidden = attributes.get("state").is_some_and(|state| state != "visible");
        let id = attributes.local("id").unwrap_or_default().to_owned();
        self.part.sheets.push((name, is_hidden, id));
        bounded(self.part.sheets.len(), SHEETS_MAX)
    }

    fn at_relationship(&mut self, attributes: &Attributes<'_>) -> Result<(), &'static str> {
        let target = attributes.get("Target").unwrap_or_default();
        let target = quick_xml::escape::unescape(target).map_err(|_| DAMAGED)?.into_owned();
        if attributes.get("Type").is_some_and(|kind| kind.ends_with("/relationships/officeDocument")) {
            self.part.office_document = Some(target.clone());
        }
        // only the workbook's own are looked up, and it has no more than sheets and a few parts besides
        if self.part.targets.len() < 2 * SHEETS_MAX {
            self.part.targets.push((attributes.get("Id").unwrap_or_default().to_owned(), target));
        }
        Ok(())
    }

    fn at_worksheet(&mut self, name: &str, attributes: &Attributes<'_>) -> Result<(), &'static str> {
        let facts = &mut self.part.facts;
        match name {
            "sheetData" => {
                self.in_rows = true;
                self.row = 1;
            }
            "dimension" => {
                range(attributes.get("ref").ok_or(DAMAGED)?)?;
            }
            "mergeCell" => {
                const MERGED_MAX: usize = 1_000; // more need not be told
                let text = attributes.get("ref").ok_or(DAMAGED)?;
                let last_row = range(text)?;
                if facts.merged.len() < MERGED_MAX {
                    facts.merged.push((text.to_owned(), last_row));
                }
            }
            "row" => {
                if let Some(row) = attributes.get("r") {
                    self.row = row.parse().ok().filter(|row| (1..=ROW_MAX).contains(row)).ok_or(DAMAGED)?;
                }
                if attributes.says_yes("hidden") || attributes.is_zero("ht") {
                    let row = usize::try_from(self.row).unwrap_or(usize::MAX);
                    match facts.hidden_rows.last_mut() {
                        Some(last) if *last.end() + 1 == row => *last = *last.start()..=row,
                        _ => facts.hidden_rows.push(row..=row),
                    }
                }
            }
            "c" => {
                self.cell = Cell { is_text: matches!(attributes.get("t"), Some("str" | "d")), ..Cell::default() };
                // a cell that does not say where it stands stands behind the one before
                let (row, column) = match attributes.get("r") {
                    Some(reference) => position(reference)?,
                    None => (self.row, self.column + 1),
                };
                if row != self.row || column > COLUMN_MAX {
                    return Err(DAMAGED);
                }
                self.column = column;
            }
            "v" => self.cell.begin_value()?,
            "f" => {
                facts.has_content |= self.in_rows;
                attributes.get("ref").map_or(Ok(0), range)?;
            }
            "col" if attributes.says_yes("hidden") || attributes.is_zero("width") => {
                let edge = |name| attributes.get(name).and_then(|edge| edge.parse::<usize>().ok()).ok_or(DAMAGED);
                let (first, last) = (edge("min")?, edge("max")?);
                facts.hidden_columns.push(first.saturating_sub(1)..=last.saturating_sub(1));
                bounded(facts.hidden_columns.len(), FORMATS_MAX)?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn bounded(count: usize, max: usize) -> Result<(), &'static str> {
    if count > max { Err(TOO_LARGE) } else { Ok(()) }
}

/// The attributes of an element, raw as calamine reads them.
struct Attributes<'a> {
    pairs: Vec<(&'a str, &'a str)>,
    longest: usize,
}

impl<'a> Attributes<'a> {
    fn of(element: &'a BytesStart<'_>) -> Result<Self, &'static str> {
        let mut found = Self { pairs: Vec::new(), longest: 0 };
        let mut rest = element.attributes_raw().trim_start();
        while !rest.is_empty() {
            let (key, behind) = rest.split_once('=').ok_or(DAMAGED)?;
            let behind = behind.trim_ascii_start();
            let quote = behind.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or(DAMAGED)?;
            let (value, behind) = behind[1..].split_once(quote).ok_or(DAMAGED)?;
            bounded(value.len(), ATTRIBUTE_BYTES_MAX)?;
            found.longest = found.longest.max(value.len());
            found.pairs.push((key.trim(), value));
            rest = behind.trim_ascii_start();
        }
        Ok(found)
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.pairs.iter().find(|(other, _)| *other == key).map(|(_, value)| *value)
    }

    /// The value of `id` or `r:id`, whatever the prefix.
    fn local(&self, key: &str) -> Option<&'a str> {
        let is_it = |other: &str| other.rsplit(':').next() == Some(key);
        self.pairs.iter().rfind(|(other, _)| is_it(other)).map(|(_, value)| *value)
    }

    fn says_yes(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| value == "1" || value == "true")
    }

    fn is_zero(&self, key: &str) -> bool {
        self.get(key).and_then(|value| value.parse::<f64>().ok()) == Some(0.0)
    }

    fn check_count(&self, key: &str) -> Result<(), &'static str> {
        let counts = self.pairs.iter().filter(|(other, _)| *other == key);
        // what is no number is not reserved for
        counts
            .filter_map(|(_, value)| value.parse::<usize>().ok())
            .try_for_each(|count| bounded(count, SHARED_TEXTS_MAX))
    }
}

/// `B4` as row and column from 1, if a sheet has such a cell.
fn position(reference: &str) -> Result<(u32, u32), &'static str> {
    const LETTERS_MAX: usize = 3;
    let digits_at = reference.find(|c: char| c.is_ascii_digit()).ok_or(DAMAGED)?;
    let (letters, digits) = reference.split_at(digits_at);
    if letters.is_empty() || letters.len() > LETTERS_MAX || !letters.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(DAMAGED);
    }
    let digit = |byte: u8| u32::from(byte.to_ascii_uppercase() - b'A') + 1;
    let column = letters.bytes().fold(0, |column, byte| column * 26 + digit(byte));
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let row = digits.parse::<u32>().ok().filter(|row| is_number && (1..=ROW_MAX).contains(row)).ok_or(DAMAGED)?;
    if column > COLUMN_MAX { Err(DAMAGED) } else { Ok((row, column)) }
}

/// The last row of a range like `A1:C3` or `A1`.
fn range(reference: &str) -> Result<usize, &'static str> {
    let (first, last) = reference.split_once(':').unwrap_or((reference, reference));
    let ((first_row, first_column), (last_row, last_column)) = (position(first)?, position(last)?);
    if last_row < first_row || last_column < first_column {
        return Err(DAMAGED);
    }
    usize::try_from(last_row).map_err(|_| DAMAGED)
}

/// The worksheets by way of the relationships, as calamine goes.
fn worksheets(mut parts: HashMap<String, Part>) -> Result<Vec<Sheet>, &'static str> {
    let document = parts.get("_rels/.rels").and_then(|part| part.office_document.clone()).ok_or(DAMAGED)?;
    let document = document.strip_prefix('/').unwrap_or(&document).to_ascii_lowercase();
    let is_looked_at = |path: &str| path.ends_with(".xml");
    if !is_looked_at(&document) {
        return Err(DAMAGED);
    }
    let (folder, name) = document.rfind('/').map_or(("", document.as_str()), |at| document.split_at(at + 1));
    let targets = parts.remove(&format!("{folder}_rels/{name}.rels")).unwrap_or_default().targets;
    let listed = std::mem::take(&mut parts.get_mut(&document).ok_or(DAMAGED)?.sheets);
    let mut sheets: Vec<Sheet> = Vec::new();
    for (name, is_hidden, id) in listed {
        let Some((_, target)) = targets.iter().find(|(other, _)| *other == id) else { return Err(DAMAGED) };
        let path = match target.strip_prefix('/') {
            Some(absolute) => absolute.to_ascii_lowercase(),
            None => format!("{folder}{}", target.to_ascii_lowercase()),
        };
        if !is_looked_at(&path) {
            return Err(DAMAGED);
        }
        // what is no worksheet, like a chart's sheet, holds no rows; a part has one name only
        let Some(part) = parts.remove(&path).filter(|part| part.is_worksheet) else { continue };
        if sheets.iter().any(|sheet| sheet.name == name) {
            return Err(DAMAGED);
        }
        sheets.push(Sheet { name, is_hidden, ..part.facts });
    }
    Ok(sheets)
}

/// Sheet names in a message.
pub(super) fn names(sheets: &[&Sheet]) -> String {
    const NAMES_MAX: usize = 20; // who has more sheets knows them
    let names: Vec<String> = sheets.iter().take(NAMES_MAX).map(|sheet| format!("„{}“", shown(&sheet.name))).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_come_out_of_an_archive_grows_with_it_up_to_a_bound() {
        let check = |packed: usize, want_mib: u64| assert_eq!(unpacked_max(packed), want_mib << 20, "{packed} bytes");
        check(0, 16);
        check(10_000, 16);
        check(1 << 18, 50);
        check(1 << 20, 128);
        check(32 << 20, 128);
    }

    #[test]
    fn the_cap_counts_what_really_comes_out() {
        let mut budget = Budget { unpacked: 0, unpacked_max: 1_000 };
        assert!(count_part(io::repeat(b'a').take(600), &mut budget).is_ok());
        assert_eq!(count_part(io::repeat(b'a').take(600), &mut budget).err(), Some(TOO_LARGE));
        let mut budget = Budget { unpacked: 0, unpacked_max: 1_000 };
        assert_eq!(read_part(io::repeat(b' '), &mut budget).err(), Some(TOO_LARGE));
    }
}
