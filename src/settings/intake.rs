//! Reads `[intake]` of cycles.toml: how lists of receipts speak and what their columns are called. Never reads a list.

use super::duties::Duties;
use super::reader::{Field, Fields};
use super::values::{NAME_LENGTH_MAX, quoted};
use crate::domain::list::{self, Columns, IntakeRules, ListKind, Meaning, PartColumn};

/// Reads the table; without it the keys of the fields, the titles and the ids of the parts are the accepted headings.
pub(super) fn read(file: &Fields, duties: &Duties) -> Option<IntakeRules> {
    let mut rules = IntakeRules { kind: None, source: "APS".to_owned(), columns: own_names(duties) };
    let Some(table) = file.optional("intake") else { return Some(rules) };
    let table = table.table()?;
    let kind = table.optional("kind").map(|field| field.word(&ListKind::WORDS));
    let source = table.optional("source").map(|field| field.name());
    let ignored = table.optional("ignore").map(|field| headings(&field));
    let is_good = table.optional("columns").is_none_or(|field| {
        field.table().is_some_and(|columns| {
            let read: Vec<bool> =
                columns.entries().map(|(key, field)| read_column(key, &field, duties, &mut rules.columns)).collect();
            read.into_iter().all(|good| good)
        })
    });
    let is_good = is_good
        && ignored.is_none_or(|ignored| {
            ignored.is_some_and(|found| accept_all(&table, "ignore", &found, &Meaning::PassedOver, &mut rules.columns))
        });
    table.finish();
    if let Some(kind) = kind {
        rules.kind = Some(kind?);
    }
    if let Some(source) = source {
        rules.source = source?;
    }
    is_good.then_some(rules)
}

/// The headings that need no mapping: the keys of the fields, and of each part its title and its id, if those are no
/// other's as well.
fn own_names(duties: &Duties) -> Columns {
    let mut columns = Columns::default();
    for (key, field) in list::Field::ALL {
        let _ = columns.accept(key, Meaning::Field(field));
    }
    let _ = columns.accept(list::REASON_HEADING, Meaning::PassedOver);
    let parts = || duties.duties.iter().flat_map(|duty| duty.parts.iter().map(move |part| (duty, part)));
    for (duty, part) in parts() {
        for name in [&part.title, &part.id] {
            let is_one = parts().filter(|(_, other)| other.title == *name || other.id == *name).count() == 1;
            if is_one && columns.meaning(name).is_none() {
                let column =
                    PartColumn { duty: duty.id.clone(), part: part.id.clone(), is_confirmation: part.is_confirmation };
                let _ = columns.accept(name, Meaning::Part(column));
            }
        }
    }
    columns
}

fn read_column(key: &str, field: &Field, duties: &Duties, columns: &mut Columns) -> bool {
    let Some(meaning) = meaning(key, duties) else {
        if duties.is_any_broken && key.contains('.') {
            return false; // it may be of the duty that was complained about
        }
        let fields: Vec<&str> = list::Field::ALL.iter().map(|(key, _)| *key).collect();
        let parts: Vec<String> = duties
            .duties
            .iter()
            .flat_map(|duty| duty.parts.iter().map(|part| format!("{}.{}", duty.id, part.id)))
            .collect();
        field.spot.complain(format!(
            "unknown column {}; known: {}, and in quotes \"duty.part\": {}",
            quoted(key),
            fields.join(", "),
            parts.join(", ")
        ));
        return false;
    };
    let Some(found) = headings(field) else { return false };
    accept(field, &found, &meaning, columns)
}

/// What a key of `[intake.columns]` stands for: a field, or `duty.part`.
fn meaning(key: &str, duties: &Duties) -> Option<Meaning> {
    if let Some((_, field)) = list::Field::ALL.into_iter().find(|(known, _)| *known == key) {
        return Some(Meaning::Field(field));
    }
    let (duty, part) = key.split_once('.')?;
    let duty = duties.duties.iter().find(|known| &*known.id == duty)?;
    let part = duty.parts.iter().find(|known| known.id == part)?;
    let is_confirmation = part.is_confirmation;
    Some(Meaning::Part(PartColumn { duty: duty.id.clone(), part: part.id.clone(), is_confirmation }))
}

/// One heading, or a list of them.
fn headings(field: &Field) -> Option<Vec<String>> {
    if let Some(one) = field.text_if_one() {
        return heading(one, field).map(|heading| vec![heading]);
    }
    let read: Vec<Option<String>> = field.list()?.iter().map(|entry| heading(entry.text()?, entry)).collect();
    read.into_iter().collect()
}

fn heading(text: &str, field: &Field) -> Option<String> {
    let heading = field.spot.accept(super::values::line(text, NAME_LENGTH_MAX))?;
    if heading.is_empty() {
        field.spot.complain("is an empty heading; a column without a heading is never accepted");
        return None;
    }
    Some(heading)
}

fn accept_all(table: &Fields, key: &str, found: &[String], meaning: &Meaning, columns: &mut Columns) -> bool {
    table.entries().find(|(known, _)| *known == key).is_none_or(|(_, field)| accept(&field, found, meaning, columns))
}

fn accept(field: &Field, found: &[String], meaning: &Meaning, columns: &mut Columns) -> bool {
    let mut is_good = true;
    for heading in found {
        if columns.accept(heading, meaning.clone()).is_err() {
            field.spot.complain(format!("heading {} stands for another column already; use it once", quoted(heading)));
            is_good = false;
        }
    }
    is_good
}
