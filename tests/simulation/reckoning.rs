//! Reckons days, deadlines and ladders once more, naively. Never calls the rules of fristd.

use std::collections::HashSet;
use std::sync::OnceLock;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{Europe::Berlin, Tz};
use fristd::domain::Month;

use super::chronicle::Known;
use super::land::{Deadline, Duty, Import, Land};

pub const ZONE: Tz = Berlin;

/// A deadline with the import that it hangs on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dates {
    pub import_on: NaiveDate,
    pub stated_on: NaiveDate,
    pub ends_on: NaiveDate,
}

/// A ladder with its instants.
#[derive(Clone, Debug)]
pub struct Ladder {
    pub revision: u32,
    pub dates: Dates,
    pub closes_at: DateTime<Utc>,
    /// Nothing is said before the import is signalled.
    pub waits: bool,
    pub rungs: Vec<Rung>,
}

#[derive(Clone, Debug)]
pub struct Rung {
    /// Its place among the duty's steps.
    pub step: usize,
    pub due_at: DateTime<Utc>,
    pub live_until: DateTime<Utc>,
}

pub fn is_working(land: &Land, day: NaiveDate) -> bool {
    static HOLIDAYS: OnceLock<HashSet<NaiveDate>> = OnceLock::new();
    let holidays = HOLIDAYS.get_or_init(|| {
        let lines = include_str!("../fixtures/nrw-holidays.csv").lines().skip(1);
        lines.map(|line| line.split(',').next().unwrap().parse().unwrap()).collect()
    });
    land.is_every_day_worked || (day.weekday().num_days_from_monday() < 5 && !holidays.contains(&day))
}

/// The n-th working day strictly after a day, or before it.
fn nth(land: &Land, day: NaiveDate, count: i32) -> NaiveDate {
    let (mut day, mut left) = (day, count.abs());
    while left > 0 {
        day = if count > 0 { day.succ_opt().unwrap() } else { day.pred_opt().unwrap() };
        left -= i32::from(is_working(land, day));
    }
    day
}

/// The day itself, or the working day before or after.
fn moved(land: &Land, day: NaiveDate, is_back: bool) -> NaiveDate {
    let mut day = day;
    while !is_working(land, day) {
        day = if is_back { day.pred_opt().unwrap() } else { day.succ_opt().unwrap() };
    }
    day
}

/// The instant of a local time. In the spring gap the first instant after it, in the autumn hour the first of both.
pub fn at_local(local: NaiveDateTime) -> DateTime<Utc> {
    match ZONE.from_local_datetime(&local).earliest() {
        Some(found) => found.with_timezone(&Utc),
        None => local.date().and_hms_opt(1, 0, 0).unwrap().and_utc(), // the gap of Central Europe ends at 01:00 UTC
    }
}

pub fn end_of(day: NaiveDate) -> DateTime<Utc> {
    at_local((day + Days::new(1)).and_time(NaiveTime::MIN))
}

pub fn local_day(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&ZONE).date_naive()
}

/// Whether mail may go out at that instant (N8).
pub fn is_open(land: &Land, at: DateTime<Utc>) -> bool {
    let local = at.with_timezone(&ZONE).naive_local();
    is_working(land, local.date()) && land.sending.0 <= local.time() && local.time() < land.sending.1
}

/// The next instant at which mail may go out, `at` itself if it does.
pub fn next_open(land: &Land, at: DateTime<Utc>) -> DateTime<Utc> {
    if is_open(land, at) {
        return at;
    }
    let mut day = local_day(at);
    loop {
        let opens = at_local(day.and_time(land.sending.0));
        if is_working(land, day) && opens >= at {
            return opens;
        }
        day = day.succ_opt().unwrap();
    }
}

/// What settings and signal give, not regarding what was told (F1, F2, F3).
pub fn computed(land: &Land, known: &Known, seq: i64, month: Month, duty: &Duty) -> Dates {
    let signalled = known.signal(seq, month).map(|signal| signal.import_on);
    let entered = || land.entries.get(&month).and_then(|entry| entry.import);
    let by_rule = || match land.import {
        Import::WorkingDay(number) => nth(land, month.first_day().pred_opt().unwrap(), number as i32),
        Import::Day(day) => month.day(day).unwrap(),
    };
    let import_on = signalled.or_else(entered).unwrap_or_else(by_rule);
    match duty.deadline {
        Deadline::Window { working_days, counts_import_day } => {
            let from = if counts_import_day { import_on.pred_opt().unwrap() } else { import_on };
            let last = nth(land, from, working_days as i32);
            Dates { import_on, stated_on: last, ends_on: last }
        }
        Deadline::Day { day, on_free_day } => {
            let day = month.day(day).unwrap();
            match on_free_day {
                "next" => Dates { import_on, stated_on: day, ends_on: moved(land, day, false) },
                "keep" => Dates { import_on, stated_on: day, ends_on: day },
                _ => {
                    let before = moved(land, day, true);
                    Dates { import_on, stated_on: before, ends_on: before }
                }
            }
        }
    }
}

fn in_force(land: &Land, known: &Known, seq: i64, month: Month, duty: &Duty) -> (u32, Dates) {
    match known.revision(seq, month, duty.id) {
        Some(revision) => (revision.number, revision.dates),
        None => (1, computed(land, known, seq, month, duty)),
    }
}

fn waits(land: &Land, known: &Known, seq: i64, month: Month, duty: &Duty) -> bool {
    let is_told = known.signal(seq, month).is_some() || known.revision(seq, month, duty.id).is_some();
    land.waits_for_signal && matches!(duty.deadline, Deadline::Window { .. }) && !is_told
}

/// The ladder of a duty in a month with what was known after the change `seq` (N1, N3, F7).
pub fn ladder(land: &Land, known: &Known, seq: i64, month: Month, duty: &Duty) -> Ladder {
    let (revision, dates) = in_force(land, known, seq, month, duty);
    // a next import that must be signalled and was not may come late: then the month after it is the bound, of which no
    // signal is looked at
    let next_ends_on = match waits(land, known, seq, month.next(), duty) {
        false => in_force(land, known, seq, month.next(), duty).1.ends_on,
        true => computed(land, &Known::default(), 0, month.plus(2), duty).ends_on,
    };
    let closes_at = end_of(next_ends_on).max(end_of(dates.ends_on));
    let mut ladder =
        Ladder { revision, dates, closes_at, waits: waits(land, known, seq, month, duty), rungs: Vec::new() };
    if ladder.waits {
        return ladder;
    }
    let due: Vec<DateTime<Utc>> =
        (0..duty.steps.len()).map(|step| due_at(land, known, seq, month, duty, &dates, step)).collect();
    for (step, due_at) in due.iter().enumerate() {
        let kind = duty.steps[step].kind;
        let successor = (0..due.len())
            .filter(|other| duty.steps[*other].kind == kind && (due[*other], *other) > (*due_at, step))
            .map(|other| due[other])
            .min();
        let live_until = match kind {
            "announcement" => end_of(dates.stated_on),
            "reminder" => successor.map_or(end_of(dates.ends_on), |next| next.min(end_of(dates.ends_on))),
            "escalation" | "summary" => successor.map_or(closes_at, |next| next.min(closes_at)),
            _ => closes_at,
        };
        ladder.rungs.push(Rung { step, due_at: *due_at, live_until });
    }
    ladder
}

fn due_at(
    land: &Land,
    known: &Known,
    seq: i64,
    month: Month,
    duty: &Duty,
    dates: &Dates,
    step: usize,
) -> DateTime<Utc> {
    let step = &duty.steps[step];
    let base = match step.base {
        "import" => dates.import_on,
        "stated" => dates.stated_on,
        _ => dates.ends_on,
    };
    let is_reminder = step.kind == "reminder";
    let day = match (step.working_days, step.offset) {
        (true, 0) => moved(land, base, is_reminder),
        (true, count) => nth(land, base, count),
        (false, days) => moved(land, base + TimeDelta::days(i64::from(days)), is_reminder),
    };
    let due = at_local(day.and_time(step.time));
    let waited =
        known.signal(seq, month).filter(|_| land.waits_for_signal && matches!(duty.deadline, Deadline::Window { .. }));
    match waited {
        Some(signal) if step.kind == "announcement" => due.max(signal.received_at),
        _ => due,
    }
}
