//! Reads the steps of a duty's ladder (N1). Never reckons their days; `domain::duty` does.

use std::collections::HashMap;

use super::offices::Offices;
use super::reader::{Field, Fields};
use super::values::quoted;
use crate::domain::duty::{Audience, Base, Offset};
use crate::domain::{NoticeKind, Step};

const OFFSET_MAX: i64 = 250; // as far as the longest window (F2)
const MISSED_CYCLES_MAX: i64 = 12; // as far as reports look back (N7)

/// Reads every `[[duty.step]]`; a broken one does not hide the others.
pub(super) fn read(duty: &Fields, offices: &Offices) -> Vec<Step> {
    let tables = duty.optional("step").and_then(|field| field.tables(&duty.spot, "step")).unwrap_or_default();
    let mut steps: Vec<Step> = Vec::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut announced_in = None;
    for (index, table) in tables.iter().enumerate() {
        let number = index + 1;
        let (kind, step) = read_step(table, offices);
        if kind == Some(NoticeKind::Announcement) {
            if let Some(first) = announced_in {
                table.spot.complain(format!("a second announcement, after step {first}; a duty has at most one"));
            }
            announced_in = announced_in.or(Some(number));
        }
        let Some(step) = step else { continue };
        if let Some(first) = numbers.get(&step.id) {
            let remedy = format!("give one of them an id, like id = \"{}-b\"", step.id);
            table.spot.complain(format!("the step id {} is that of step {first} already; {remedy}", quoted(&step.id)));
            continue;
        }
        numbers.insert(step.id.clone(), number);
        steps.push(step);
    }
    steps
}

/// The kind is told also when something else of the step is broken.
fn read_step(table: &Fields, offices: &Offices) -> (Option<NoticeKind>, Option<Step>) {
    let id = table.optional("id").map(|field| field.id());
    let words: Vec<(&str, NoticeKind)> = NoticeKind::of_steps().iter().map(|kind| (kind.as_str(), *kind)).collect();
    let kind = table.required("kind", r#"kind = "reminder""#).and_then(|field| field.word(&words));
    let at = table
        .required("at", r#"at = { from = "end", working_days = -5, time = "08:00" }"#)
        .and_then(|field| read_at(&field.table()?));
    let to = table.required("to", r#"to = ["missing"]"#).and_then(|field| read_audiences(table, &field, kind, offices));
    let template = table.optional("template").map(|field| field.id());
    let cycles = kind.map(|kind| read_missed_cycles(table, kind));
    table.finish();
    let step = || {
        let (kind, (base, offset, time), missed_cycles) = (kind?, at?, cycles??);
        if kind == NoticeKind::LongSilence && !is_after_end(base, offset) {
            table.spot.complain(
                "a long-silence step comes before the deadline has ended, when nobody has missed it yet; write for example \
                 at = { from = \"end\", working_days = 5, time = \"08:00\" }",
            );
            return None;
        }
        let id = id.map_or_else(|| Some(Step::derived_id(kind, offset, missed_cycles)), |id| id.map(str::to_owned))?;
        let template = template.map_or(Some(kind.as_str()), |name| name)?.to_owned();
        Some(Step { id, kind, base, offset, time, to: to?, template, missed_cycles })
    };
    (kind, step())
}

/// The outer none is a complaint that was made.
fn read_missed_cycles(table: &Fields, kind: NoticeKind) -> Option<Option<u32>> {
    match kind {
        NoticeKind::LongSilence => {
            let cycles =
                table.required("cycles", "cycles = 3").and_then(|field| field.integer(2..=MISSED_CYCLES_MAX))?;
            Some(Some(cycles as u32))
        }
        _ => {
            let Some(field) = table.optional("cycles") else { return Some(None) };
            field
                .spot
                .complain(format!("a step of kind {kind} counts no cycles; only one of kind \"long-silence\" does"));
            None
        }
    }
}

fn is_after_end(base: Base, offset: Offset) -> bool {
    let (Offset::WorkingDays(count) | Offset::CalendarDays(count)) = offset;
    base == Base::End && count > 0
}

fn read_at(at: &Fields) -> Option<(Base, Offset, chrono::NaiveTime)> {
    let words = [("import", Base::Import), ("stated", Base::Stated), ("end", Base::End)];
    let base = at.required("from", r#"from = "import", "stated" or "end""#).and_then(|field| field.word(&words));
    let (working_days, days) = (at.optional("working_days"), at.optional("days"));
    let time = at.required("time", r#"time = "08:00""#).and_then(|field| field.time());
    at.finish();
    let count = |field: &Field| field.integer(-OFFSET_MAX..=OFFSET_MAX).map(|count| count as i32);
    let offset = match (working_days, days) {
        (Some(field), None) => Offset::WorkingDays(count(&field)?),
        (None, Some(field)) => Offset::CalendarDays(count(&field)?),
        _ => {
            at.spot.complain("says none or both of working_days and days; write exactly one, like working_days = -5");
            return None;
        }
    };
    Some((base?, offset, time?))
}

fn read_audiences(step: &Fields, field: &Field, kind: Option<NoticeKind>, offices: &Offices) -> Option<Vec<Audience>> {
    let entries = field.list()?;
    if entries.is_empty() {
        field.spot.complain("names nobody; write for example [\"missing\"]");
        return None;
    }
    let mut audiences: Vec<Audience> = Vec::new();
    let mut all_good = true;
    for mut entry in entries {
        entry.spot.place.clone_from(&step.spot.place);
        match read_audience(&entry, kind, offices) {
            Some(audience) if audiences.contains(&audience) => {
                entry.spot.complain(format!("{} stands there twice; remove one", quoted(&audience.to_string())));
                all_good = false;
            }
            Some(audience) => audiences.push(audience),
            None => all_good = false,
        }
    }
    all_good.then_some(audiences)
}

fn read_audience(entry: &Field, kind: Option<NoticeKind>, offices: &Offices) -> Option<Audience> {
    let word = entry.text()?;
    let audience = match word {
        "users" => Audience::Users,
        "missing" => Audience::Missing,
        "rrk" => Audience::Rrk,
        "zrk" => Audience::Zrk,
        id if offices.ids.contains(&id) => Audience::Office(id.into()),
        _ => {
            let known = "known: users, missing, rrk, zrk, or an office's id";
            let ids = if offices.ids.is_empty() { "none there".to_owned() } else { offices.ids.join(", ") };
            entry.spot.complain(format!("unknown audience {}; {known} ({ids})", quoted(word)));
            return None;
        }
    };
    let refusal = match (&audience, kind?) {
        // these name authorities to each other, which only the offices may see (N7)
        (
            Audience::Users | Audience::Missing,
            NoticeKind::Escalation | NoticeKind::Summary | NoticeKind::LongSilence,
        ) => "an escalation, summary or long silence goes to offices only; known here: rrk, zrk, or an office's id",
        // who has reported gets no reminder (N5), and an office has nothing to report
        (audience, NoticeKind::Reminder | NoticeKind::Overdue) if *audience != Audience::Missing => {
            "a reminder or overdue notice goes to the missing only; known here: missing"
        }
        (Audience::Missing, NoticeKind::Announcement) => {
            "only a reminder or overdue notice goes to the missing; known here: users, rrk, zrk, or an office's id"
        }
        (Audience::Rrk, _) if !offices.has_rrk => "no office has kind \"rrk\"; write an [[office]] for each district",
        _ => return Some(audience),
    };
    entry.spot.complain(format!("audience {}: {refusal}", quoted(word)));
    None
}
