//! Reads the duties in cycles.toml. Never fills in a deadline's missing key (F2).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::calendars::Calendars;
use super::offices::Offices;
use super::reader::{Field, Fields};
use super::steps;
use super::values::quoted;
use crate::domain::duty::{DeadlineRule, OnFreeDay, Part, Period};
use crate::domain::window::WORKING_DAYS_MAX;
use crate::domain::{Calendar, Duty};

const DAY_OF_MONTH_MAX: i64 = 28; // every month has it
const WINDOW_EXAMPLE: &str = r#"{ working_days = 10, after = "import", count_import_day = false }"#;
const DAY_EXAMPLE: &str = r#"{ day = 15, on_free_day = "next" }"#;

/// The duties, and the ids that entries may name even if a duty is broken otherwise.
pub(super) struct Duties<'a> {
    pub(super) duties: Vec<Duty>,
    pub(super) ids: BTreeSet<&'a str>,
    /// Whether one is missing in `duties`, which has been complained about.
    pub(super) is_any_broken: bool,
}

/// The calendar of the whole file.
pub(super) enum FileCalendar {
    Good(Arc<Calendar>),
    /// It was complained about: no duty needs to complain again.
    Broken,
    Missing,
}

/// Reads every `[[duty]]`; a broken one does not hide the others.
pub(super) fn read<'a>(
    file: &Fields<'a>,
    default: &FileCalendar,
    calendars: &Calendars,
    offices: &Offices,
) -> Duties<'a> {
    let mut all = Duties { duties: Vec::new(), ids: BTreeSet::new(), is_any_broken: true };
    let Some(field) = file.required("duty", "a [[duty]] with id, title, period, parts and deadline") else {
        return all;
    };
    let Some(tables) = field.tables(&file.spot, "duty") else { return all };
    if tables.is_empty() {
        field.spot.complain("nothing is owed; write a [[duty]] with id, title, period, parts and deadline");
    }
    let written = tables.len();
    for mut table in tables {
        let id = table.required("id", r#"id = "planning""#).and_then(|field| field.id());
        if let Some(id) = id {
            table.spot.place = format!("duty {}", quoted(id));
            if !all.ids.insert(id) {
                table.spot.complain("another duty has this id already; ids must differ");
            }
        }
        all.duties.extend(read_duty(&table, id, default, calendars, offices));
    }
    all.is_any_broken = all.duties.len().min(all.ids.len()) < written;
    all
}

fn read_duty(
    table: &Fields,
    id: Option<&str>,
    default: &FileCalendar,
    calendars: &Calendars,
    offices: &Offices,
) -> Option<Duty> {
    let title = table.required("title", r#"title = "Meldung im Planungsmodul""#).and_then(|field| field.name());
    let module = table.optional("module").map(|field| field.name());
    let words = [("cycle-month", Period::CycleMonth), ("previous-month", Period::PreviousMonth)];
    let period =
        table.required("period", r#"period = "cycle-month" or "previous-month""#).and_then(|field| field.word(&words));
    let calendar = match (table.optional("calendar"), default) {
        (Some(field), _) => calendars.named_by(&field),
        (None, FileCalendar::Good(calendar)) => Some(calendar.clone()),
        (None, FileCalendar::Broken) => None,
        (None, FileCalendar::Missing) => {
            table.spot.complain(
                "\"calendar\" is missing, here and at the top of the file; write for example calendar = \"nrw\"",
            );
            None
        }
    };
    let example = r#"parts = [{ id = "confirmation", title = "Bestätigung der Aktualisierung" }]"#;
    let parts = table.required("parts", example).and_then(|field| read_parts(table, &field));
    let example = format!("deadline = {WINDOW_EXAMPLE} or {DAY_EXAMPLE}");
    let deadline = table.required("deadline", &example).and_then(|field| read_deadline(&field.table()?));
    let steps = steps::read(table, offices);
    table.finish();
    let title = title?;
    let module = module.unwrap_or_else(|| Some(title.clone()))?;
    Some(Duty {
        id: id?.into(),
        title,
        module,
        period: period?,
        parts: parts?,
        deadline: deadline?,
        calendar: calendar?,
        steps,
    })
}

fn read_parts(duty: &Fields, field: &Field) -> Option<Vec<Part>> {
    let tables = field.tables(&duty.spot, "part")?;
    let written = field.list()?.len();
    if written == 0 {
        field.spot.complain("a report needs at least one part; write [{ id = \"confirmation\", title = \"…\" }]");
        return None;
    }
    let mut parts: Vec<Part> = Vec::new();
    for table in &tables {
        let id = table.required("id", r#"id = "confirmation""#).and_then(|field| field.id());
        let title =
            table.required("title", r#"title = "Bestätigung der Aktualisierung""#).and_then(|field| field.name());
        let is_confirmation = table.optional("yes_no").map_or(Some(false), |field| field.boolean());
        table.finish();
        let (Some(id), Some(title), Some(is_confirmation)) = (id, title, is_confirmation) else { continue };
        if parts.iter().any(|part| part.id == id) {
            table
                .spot
                .complain(format!("another part of this duty has the id {} already; ids must differ", quoted(id)));
            continue;
        }
        parts.push(Part { id: id.to_owned(), title, is_confirmation });
    }
    (parts.len() == written).then_some(parts)
}

/// Every key of a deadline is written out: what is left out would be a rule that nobody has read (F2).
fn read_deadline(table: &Fields) -> Option<DeadlineRule> {
    let [working_days, after, count_import_day] =
        ["working_days", "after", "count_import_day"].map(|key| table.optional(key));
    let [day, on_free_day] = ["day", "on_free_day"].map(|key| table.optional(key));
    table.finish();
    let is_window = working_days.is_some() || after.is_some() || count_import_day.is_some();
    let is_day = day.is_some() || on_free_day.is_some();
    if is_window == is_day {
        let what = if is_window { "mixes two kinds of deadline" } else { "says nothing" };
        table.spot.complain(format!("{what}; write {WINDOW_EXAMPLE} or {DAY_EXAMPLE}"));
        return None;
    }
    let there = |field: Option<Field<'_>>, key: &str, example: &str| {
        if field.is_none() {
            table.spot.complain(format!("{key:?} is missing and has no default; write for example {example}"));
        }
        field.is_some()
    };
    if is_window {
        let days = working_days.as_ref().map(|field| field.integer(1..=i64::from(WORKING_DAYS_MAX)));
        let base = after.as_ref().map(|field| field.word(&[("import", ())]));
        let counts = count_import_day.as_ref().map(|field| field.boolean());
        let all_there = [
            there(working_days, "working_days", "working_days = 10"),
            there(after, "after", r#"after = "import""#),
            there(count_import_day, "count_import_day", "count_import_day = false (§ 187 Abs. 1 BGB)"),
        ];
        all_there.iter().all(|there| *there).then_some(())?;
        base??;
        return Some(DeadlineRule::Window { working_days: days?? as u32, count_import_day: counts?? });
    }
    let number = day.as_ref().map(|field| field.integer(1..=DAY_OF_MONTH_MAX));
    let words = [("next", OnFreeDay::Next), ("keep", OnFreeDay::Keep), ("previous", OnFreeDay::Previous)];
    let rule = on_free_day.as_ref().map(|field| field.word(&words));
    let all_there = [
        there(day, "day", "day = 15"),
        there(on_free_day, "on_free_day", r#"on_free_day = "next" (§ 31 Abs. 3 VwVfG), "keep" or "previous""#),
    ];
    all_there.iter().all(|there| *there).then_some(())?;
    Some(DeadlineRule::DayOfMonth { day: number?? as u32, on_free_day: rule?? })
}
