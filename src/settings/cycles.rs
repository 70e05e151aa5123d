//! Reads cycles.toml, the ZRK's file. Never stops at the first broken entry.

use std::sync::Arc;

use chrono::NaiveTime;

use super::calendars::Calendars;
use super::complaint::Report;
use super::duties::{self, Duties, FileCalendar};
use super::entries::{self, Entries};
use super::intake;
use super::offices::{self, Offices};
use super::reader::{Field, Fields};
use super::source_text::SourceText;
use super::values::{self, NAME_LENGTH_MAX};
use crate::domain::list::IntakeRules;
use crate::domain::rulebook::{Announce, DocumentFormat, ImportRule, Letterhead, SendingHours};
use crate::domain::{Calendar, Month};

const IMPORT_WORKING_DAY_MAX: i64 = 15; // no calendar in use has a month with fewer working days
const IMPORT_DAY_MAX: i64 = 28; // every month has it
const LETTER_LINES_MAX: usize = 20; // an address or a signature, not a letter

/// What cycles.toml says; `None` where it was complained about.
pub(super) struct CyclesFile<'a> {
    pub(super) calendar: Option<Arc<Calendar>>,
    pub(super) first_cycle: Option<Month>,
    pub(super) import: Option<ImportRule>,
    pub(super) announce: Option<Announce>,
    pub(super) sending: Option<SendingHours>,
    pub(super) letterhead: Option<Letterhead>,
    pub(super) offices: Offices<'a>,
    pub(super) duties: Duties<'a>,
    pub(super) entries: Entries<'a>,
    pub(super) intake: Option<IntakeRules>,
}

/// Reads the parsed file.
pub(super) fn read<'a>(
    source: &'a SourceText,
    table: &'a toml::de::DeTable<'a>,
    calendars: &Calendars,
    report: &'a Report,
) -> CyclesFile<'a> {
    let file = Fields::of_file(source, table, report);
    let calendar = match file.required("calendar", r#"calendar = "nrw", by which mail goes out and import rules count"#)
    {
        Some(field) => calendars.named_by(&field).map_or(FileCalendar::Broken, FileCalendar::Good),
        None => FileCalendar::Missing,
    };
    let first_cycle = file.optional("first_cycle").and_then(|field| field.month());
    let (import, announce) = read_import(&file);
    let sending = match file.optional("sending") {
        Some(field) => field.table().and_then(|table| read_sending(&table)),
        None => Some(SendingHours { from: default_from(), until: default_until() }),
    };
    let letterhead = match file.optional("letter") {
        Some(field) => field.table().and_then(|table| read_letter(&table)),
        None => Some(Letterhead::default()),
    };
    let offices = offices::read(&file);
    let duties = duties::read(&file, &calendar, calendars, &offices);
    let entries = entries::read(&file, &duties);
    let intake = intake::read(&file, &duties);
    file.finish();
    let calendar = if let FileCalendar::Good(calendar) = calendar { Some(calendar) } else { None };
    CyclesFile { calendar, first_cycle, import, announce, sending, letterhead, offices, duties, entries, intake }
}

fn read_import(file: &Fields) -> (Option<ImportRule>, Option<Announce>) {
    const EXAMPLE: &str = "rule = { working_day = 1 } or { day = 3 }";
    let Some(table) = file.required("import", &format!("[import] with {EXAMPLE}")).and_then(|field| field.table())
    else {
        return (None, None);
    };
    let rule = table.required("rule", EXAMPLE).and_then(|field| read_import_rule(&field.table()?));
    let words = [("on-date", Announce::OnDate), ("on-signal", Announce::OnSignal)];
    let announce = table.optional("announce").map_or(Some(Announce::OnDate), |field| field.word(&words));
    table.finish();
    (rule, announce)
}

fn read_import_rule(table: &Fields) -> Option<ImportRule> {
    let (working_day, day) = (table.optional("working_day"), table.optional("day"));
    table.finish();
    match (working_day, day) {
        (Some(field), None) => {
            field.integer(1..=IMPORT_WORKING_DAY_MAX).map(|number| ImportRule::WorkingDay(number as u32))
        }
        (None, Some(field)) => field.integer(1..=IMPORT_DAY_MAX).map(|number| ImportRule::Day(number as u32)),
        _ => {
            table.spot.complain("says none or both of working_day and day; write { working_day = 1 } or { day = 3 }");
            None
        }
    }
}

fn read_sending(table: &Fields) -> Option<SendingHours> {
    let from = table.optional("from").map_or(Some(default_from()), |field| field.time());
    let until = table.optional("until").map_or(Some(default_until()), |field| field.time());
    table.finish();
    let (from, until) = (from?, until?);
    if from >= until {
        let shown = |time: NaiveTime| time.format("%H:%M").to_string();
        table.spot.complain(format!(
            "from {} is not before until {}; no mail could ever go out: write for example from = \"07:00\", until = \"18:00\"",
            shown(from),
            shown(until)
        ));
        return None;
    }
    Some(SendingHours { from, until })
}

fn default_from() -> NaiveTime {
    values::time("07:00").expect("a time of day")
}

fn default_until() -> NaiveTime {
    values::time("18:00").expect("a time of day")
}

fn read_letter(table: &Fields) -> Option<Letterhead> {
    let line = |key| table.optional(key).map_or(Some(String::new()), |field: Field| field.line(NAME_LENGTH_MAX));
    let (file_number, contact, system) = (line("file_number"), line("contact"), line("system"));
    let (sender, signature) = (read_lines(table, "sender"), read_lines(table, "signature"));
    let attach = table.optional("attach").map_or(Some(DocumentFormat::ALL.to_vec()), |field| read_attach(&field));
    table.finish();
    Some(Letterhead {
        sender: sender?,
        file_number: file_number?,
        signature: signature?,
        contact: contact?,
        system: system?,
        attach: attach?,
    })
}

fn read_lines(table: &Fields, key: &'static str) -> Option<Vec<String>> {
    let Some(field) = table.optional(key) else { return Some(Vec::new()) };
    let lines = field.list()?;
    if lines.len() > LETTER_LINES_MAX {
        field.spot.complain(format!("has {} lines; at most {LETTER_LINES_MAX} are accepted", lines.len()));
        return None;
    }
    // all lines are read before one of them ends it, so that each is complained about
    let lines: Vec<_> = lines.iter().map(|line| line.line(NAME_LENGTH_MAX)).collect();
    lines.into_iter().collect()
}

/// The files that go with an escalation.
fn read_attach(field: &Field) -> Option<Vec<DocumentFormat>> {
    let words = DocumentFormat::ALL.map(|format| (format.as_str(), format));
    let read: Vec<_> = field.list()?.iter().map(|word| word.word(&words)).collect();
    let formats: Vec<DocumentFormat> = read.into_iter().collect::<Option<_>>()?;
    if let Some(twice) = formats.iter().enumerate().find(|(index, format)| formats[..*index].contains(format)) {
        field.spot.complain(format!("names {:?} twice; once is enough", twice.1.as_str()));
        return None;
    }
    Some(formats)
}
