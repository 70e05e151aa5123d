//! Reads the months that differ from the rule, and judges own dates (F4). Never changes what was announced (F5).

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use super::complaint::Spot;
use super::duties::Duties;
use super::reader::{Field, Fields};
use super::values::{REASON_LENGTH_MAX, quoted};
use crate::domain::calendar::CalendarError;
use crate::domain::cycle::{self, OwnDateFinding};
use crate::domain::duty::DeadlineRule;
use crate::domain::rulebook::CycleEntry;
use crate::domain::{Duty, Month, Rulebook};

/// An own date with the place where it is written.
pub(super) struct PlacedDate<'a> {
    month: Month,
    duty: &'a str,
    own: NaiveDate,
    spot: Spot<'a>,
}

/// The entries, and the own dates that are still to be judged.
#[derive(Default)]
pub(super) struct Entries<'a> {
    pub(super) by_month: BTreeMap<Month, CycleEntry>,
    own_dates: Vec<PlacedDate<'a>>,
}

/// Reads every `[[cycle]]`; a broken one does not hide the others.
pub(super) fn read<'a>(file: &Fields<'a>, duties: &Duties) -> Entries<'a> {
    let mut all = Entries::default();
    let mut lines: HashMap<Month, Option<usize>> = HashMap::new();
    for mut table in file.optional("cycle").and_then(|field| field.tables(&file.spot, "cycle")).unwrap_or_default() {
        let month = table.required("month", r#"month = "2026-12""#).and_then(|field| field.month());
        if let Some(month) = month {
            table.spot.place = format!("cycle {month}");
            if let Some(first) = lines.insert(month, table.spot.line) {
                let first = first.map(|line| format!(" (line {line})")).unwrap_or_default();
                table.spot.complain(format!("another entry{first} is for this month; write one"));
            }
        }
        let import = table.optional("import").map(|field| read_import(&field, month));
        let correction = table.optional("correction").map(|field| read_correction(&field));
        let dates = table.optional("deadline").and_then(|field| field.table());
        let dates: Vec<_> =
            dates.iter().flat_map(Fields::entries).filter_map(|(duty, field)| read_own(duty, &field, duties)).collect();
        table.finish();
        let Some(month) = month else { continue };
        let own_dates = dates.iter().map(|(duty, own, _)| ((*duty).into(), *own)).collect();
        if import != Some(None) {
            // with a broken import date there is nothing to judge an own date by
            all.own_dates.extend(dates.into_iter().map(|(duty, own, spot)| PlacedDate { month, duty, own, spot }));
        }
        let entry = CycleEntry { import_on: import.flatten(), own_dates, correction: correction.flatten() };
        all.by_month.insert(month, entry);
    }
    all
}

fn read_import(field: &Field, month: Option<Month>) -> Option<NaiveDate> {
    let import_on = field.date()?;
    match month {
        Some(month) if !month.contains(import_on) => {
            field.spot.complain(format!("import date in a wrong month: {import_on}; a date in {month} is accepted"));
            None
        }
        _ => Some(import_on),
    }
}

fn read_correction(field: &Field) -> Option<String> {
    let reason = field.line(REASON_LENGTH_MAX)?;
    if reason.is_empty() {
        field.spot.complain("is empty; write the reason, which the letter will give, or leave the key out");
        return None;
    }
    Some(reason)
}

fn read_own<'a>(duty: &'a str, field: &Field<'a>, duties: &Duties) -> Option<(&'a str, NaiveDate, Spot<'a>)> {
    let own = field.date();
    if !duties.ids.contains(duty) {
        let known: Vec<&str> = duties.ids.iter().copied().collect();
        field.spot.complain(format!("unknown duty {}; known: {}", quoted(duty), known.join(", ")));
        return None;
    }
    if duties.duties.iter().any(|known| &*known.id == duty && !known.follows_import()) {
        let remedy = "an own date is accepted for a duty that follows the import (F4); remove it";
        field.spot.complain(format!("duty {} has a fixed day of the month; {remedy}", quoted(duty)));
        return None;
    }
    Some((duty, own?, field.spot.clone()))
}

/// Judges all own dates, by the import dates of the finished rulebook.
pub(super) fn judge(own_dates: &Entries, rulebook: &Rulebook) {
    for date in &own_dates.own_dates {
        let Some(duty) = rulebook.duty(date.duty) else { continue };
        let DeadlineRule::Window { working_days, .. } = duty.deadline else { continue };
        if let Err(error) = judge_one(date, duty, working_days, rulebook) {
            date.spot.complain(error.to_string());
        }
    }
}

fn judge_one(date: &PlacedDate, duty: &Duty, working_days: u32, rulebook: &Rulebook) -> Result<(), CalendarError> {
    let PlacedDate { month, own, spot, .. } = date;
    let import_on = cycle::import_on(rulebook, *month, None)?;
    if *own <= import_on {
        spot.complain(format!("{own} is not after the import on {import_on}; a later date is accepted"));
        return Ok(());
    }
    let next = cycle::deadline(rulebook, duty, month.next(), None)?.ends_on;
    if *own >= next {
        // the cycle would be closed before its deadline (F7)
        spot.complain(format!(
            "{own} is not before the deadline of the next cycle, {next}; an earlier date is accepted"
        ));
        return Ok(());
    }
    let calendar = quoted(duty.calendar.name());
    match cycle::judge_own_date(duty, import_on, *own, working_days)? {
        None => {}
        Some(OwnDateFinding::FreeDay { why }) => {
            let (before, after) = (duty.calendar.nth_before(*own, 1)?, duty.calendar.nth_after(*own, 1)?);
            spot.complain(format!("{own} is free in calendar {calendar}: {why}; near it are {before} and {after}"));
        }
        Some(OwnDateFinding::TooFewWerktage { found, wanted }) => {
            let first = duty.calendar.monday_to_saturday()?.nth_after(import_on, wanted)?;
            let first = duty.calendar.same_or_next(first)?;
            spot.complain(format!(
                "{own} leaves {found} Werktage (Monday to Saturday) after the import on {import_on}, and {wanted} are due; \
                 {first} or later is accepted"
            ));
        }
        Some(OwnDateFinding::FewWorkingDays { found, wanted }) => spot.warn(format!(
            "{own} leaves {found} working days of calendar {calendar} after the import on {import_on}, fewer than {wanted}"
        )),
    }
    Ok(())
}
