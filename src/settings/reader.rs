//! Reads TOML tables key by key, with lines. Never loses an unknown key: what nobody asked for becomes a complaint.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use chrono::{NaiveDate, NaiveTime};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::Datetime;

use super::complaint::{Report, Spot};
use super::source_text::SourceText;
use super::values::{self, quoted};
use crate::domain::Month;

/// Parses a file. Every syntax error becomes a complaint with the piece of the line that does not fit.
pub(super) fn parse<'a>(source: &'a SourceText, report: &Report) -> Option<Spanned<DeTable<'a>>> {
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    for error in &errors {
        let spot = Spot::of_file(report, &source.name);
        let Some(span) = error.span() else {
            spot.complain(format!("not TOML: {}", error.message()));
            continue;
        };
        let start = source.text.floor_char_boundary(span.start);
        let line_start = source.text[..start].rfind('\n').map_or(0, |before| before + 1);
        let line = source.text[line_start..].lines().next().unwrap_or_default();
        if line.contains("://") {
            // an address on the net may hold a password or be a secret itself
            let message = format!("not TOML: {}; the line holds an address and is not shown", error.message());
            spot.at_line(source.line_at(start)).complain(message);
            continue;
        }
        let (before, rest) = line.split_at(line.floor_char_boundary(start - line_start));
        let (marked, after) = rest.split_at(rest.floor_char_boundary(span.len().min(rest.len())));
        spot.at_line(source.line_at(start)).complain(format!(
            "not TOML: {} at column {}, marked in: {before}>>{marked}<<{after}",
            error.message(),
            before.chars().count() + 1,
        ));
    }
    // days like 30 February leave the rest of the file intact; other errors may shift what belongs where
    let impossible_dates: usize = table.get_ref().values().map(count_impossible_dates).sum();
    (errors.len() == impossible_dates).then_some(table)
}

fn count_impossible_dates(value: &Spanned<DeValue>) -> usize {
    match value.get_ref() {
        DeValue::Datetime(value) => usize::from(is_impossible(value)),
        DeValue::Array(entries) => entries.iter().map(count_impossible_dates).sum(),
        DeValue::Table(table) => table.values().map(count_impossible_dates).sum(),
        _ => 0,
    }
}

/// Whether the parser has put this in the place of a date or time that does not exist, after complaining.
fn is_impossible(value: &Datetime) -> bool {
    value.date.is_none() && value.time.is_none()
}

/// A table that is being read.
pub(super) struct Fields<'a> {
    /// Where it stands.
    pub(super) spot: Spot<'a>,
    source: &'a SourceText,
    table: &'a DeTable<'a>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Fields<'a> {
    /// The whole file.
    pub(super) fn of_file(source: &'a SourceText, table: &'a DeTable<'a>, report: &'a Report) -> Self {
        Self { spot: Spot::of_file(report, &source.name), source, table, asked: RefCell::default() }
    }

    /// The value of a key, if it is there.
    pub(super) fn optional(&self, key: &'static str) -> Option<Field<'a>> {
        self.asked.borrow_mut().push(key);
        let value = self.table.get(key)?;
        let spot = self.spot.within(key).at_line(self.source.line_at(value.span().start));
        Some(Field { spot, source: self.source, value: value.get_ref() })
    }

    /// The value of a key; a complaint that shows `example` if it is not there.
    pub(super) fn required(&self, key: &'static str, example: &str) -> Option<Field<'a>> {
        let field = self.optional(key);
        if field.is_none() {
            self.spot.complain(format!("{key:?} is missing; write for example {example}"));
        }
        field
    }

    /// Complains about every key that nobody asked for.
    pub(super) fn finish(&self) {
        let asked = self.asked.borrow();
        for (key, _) in self.table.iter().filter(|(key, _)| !asked.contains(&key.get_ref().as_ref())) {
            self.spot.at_line(self.source.line_at(key.span().start)).complain(format!(
                "unknown key {}; known: {}",
                quoted(key.get_ref()),
                asked.join(", ")
            ));
        }
    }

    /// The keys that are there, with their values; for tables whose keys are data.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Field<'a>)> {
        self.table.iter().map(|(key, value)| {
            let key = key.get_ref().as_ref();
            let spot = self.spot.within(key).at_line(self.source.line_at(value.span().start));
            (key, Field { spot, source: self.source, value: value.get_ref() })
        })
    }
}

/// One value that is being read.
pub(super) struct Field<'a> {
    /// Where it stands.
    pub(super) spot: Spot<'a>,
    source: &'a SourceText,
    value: &'a DeValue<'a>,
}

impl<'a> Field<'a> {
    pub(super) fn text(&self) -> Option<&'a str> {
        match self.value {
            DeValue::String(text) => Some(text.as_ref()),
            _ => self.wrong_type("a text in quotes"),
        }
    }

    /// The text, if it is one; no complaint if it is something else.
    pub(super) fn text_if_one(&self) -> Option<&'a str> {
        if let DeValue::String(text) = self.value { Some(text.as_ref()) } else { None }
    }

    pub(super) fn id(&self) -> Option<&'a str> {
        self.spot.accept(values::id(self.text()?))
    }

    pub(super) fn name(&self) -> Option<String> {
        self.spot.accept(values::name(self.text()?))
    }

    pub(super) fn line(&self, length_max: usize) -> Option<String> {
        self.spot.accept(values::line(self.text()?, length_max))
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => self.wrong_type("true or false"),
        }
    }

    pub(super) fn integer(&self, range: RangeInclusive<i64>) -> Option<i64> {
        let (first, last) = (range.start(), range.end());
        let accepted = format!("a whole number from {first} to {last}");
        let DeValue::Integer(number) = self.value else { return self.wrong_type(&accepted) };
        let value = i64::from_str_radix(number.as_str(), number.radix()).ok().filter(|value| range.contains(value));
        if value.is_none() {
            self.spot.complain(format!("{number} is out of range; accepted: {accepted}"));
        }
        value
    }

    /// A date, in TOML's own form or in quotes.
    pub(super) fn date(&self) -> Option<NaiveDate> {
        let accepted = "a date like 2026-12-01";
        let read = match self.value {
            DeValue::String(text) => values::date(text),
            DeValue::Datetime(value) => match (value.date, value.time) {
                (Some(date), None) => values::date_of(i32::from(date.year), u32::from(date.month), u32::from(date.day)),
                _ => return self.wrong_type(accepted),
            },
            _ => return self.wrong_type(accepted),
        };
        self.spot.accept(read)
    }

    /// A time of day, in quotes or in TOML's own form.
    pub(super) fn time(&self) -> Option<NaiveTime> {
        match self.value {
            DeValue::String(text) => self.spot.accept(values::time(text)),
            DeValue::Datetime(value) => {
                let plain = value.time.filter(|_| value.date.is_none() && value.offset.is_none());
                let time = plain.and_then(|time| NaiveTime::from_hms_opt(time.hour.into(), time.minute.into(), 0));
                time.or_else(|| self.wrong_type("a time of day like \"08:00\""))
            }
            _ => self.wrong_type("a time of day like \"08:00\""),
        }
    }

    pub(super) fn month(&self) -> Option<Month> {
        self.spot.accept(Month::parse(self.text()?).map_err(|error| error.to_string()))
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.spot.complain(format!("unknown value {}; known: {}", quoted(text), known.join(", ")));
        }
        found
    }

    pub(super) fn table(&self) -> Option<Fields<'a>> {
        match self.value {
            DeValue::Table(table) => {
                Some(Fields { spot: self.spot.clone(), source: self.source, table, asked: RefCell::default() })
            }
            _ => self.wrong_type("a table"),
        }
    }

    /// The entries of a list; their spots are the list's own with the entry's line.
    pub(super) fn list(&self) -> Option<Vec<Field<'a>>> {
        let DeValue::Array(entries) = self.value else { return self.wrong_type("a list in square brackets") };
        let entry = |value: &'a Spanned<DeValue<'a>>| Field {
            spot: self.spot.at_line(self.source.line_at(value.span().start)),
            source: self.source,
            value: value.get_ref(),
        };
        Some(entries.iter().map(entry).collect())
    }

    /// The tables of a list of tables, each called `title 1`, `title 2` … in complaints within `parent`.
    pub(super) fn tables(&self, parent: &Spot<'a>, title: &str) -> Option<Vec<Fields<'a>>> {
        if !matches!(self.value, DeValue::Array(_)) {
            return self.wrong_type("a list of tables: a header in double brackets, or [{ … }, { … }]");
        }
        let numbered = self.list()?.into_iter().enumerate();
        let table = |(index, mut entry): (usize, Self)| {
            let line = entry.spot.line;
            entry.spot = Spot { line, ..parent.within(format_args!("{title} {}", index + 1)) };
            entry.table()
        };
        Some(numbered.filter_map(table).collect())
    }

    fn wrong_type<T>(&self, accepted: &str) -> Option<T> {
        let shown = match self.value {
            DeValue::String(text) => quoted(text),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Datetime(value) if is_impossible(value) => return None,
            DeValue::Datetime(value) => value.to_string(),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        };
        self.spot.complain(format!("{shown} is not accepted here; accepted: {accepted}"));
        None
    }
}
