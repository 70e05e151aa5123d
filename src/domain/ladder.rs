//! When each step of a cycle is due, and how long it is live (N1, N3, F7). Never knows who gets it; `plan` does.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use super::calendar::CalendarError;
use super::cycle;
use super::dates::{Month, end_of_day, instant_on, local_date};
use super::deadline::{Deadline, ImportSignal, Revision};
use super::duty::{Duty, NoticeKind, Step};
use super::rulebook::{Announce, Rulebook};

/// What the store knows of a duty in one month, as far as dates hang on it.
#[derive(Clone, Debug, Default)]
pub struct DateFacts {
    /// The import, if it was signalled.
    pub signal: Option<ImportSignal>,
    /// The deadlines that were told, oldest first.
    pub revisions: Vec<Revision>,
}

impl DateFacts {
    /// What was known of them at an instant of the past (S4).
    pub fn as_known_at(mut self, at: DateTime<Utc>) -> Self {
        self.signal = self.signal.filter(|signal| signal.received_at <= at);
        self.revisions.retain(|revision| revision.frozen_at <= at);
        self
    }
}

/// A duty's ladder in one cycle, with its instants.
#[derive(Clone, Debug)]
pub struct Ladder<'a> {
    /// The duty.
    pub duty: &'a Duty,
    /// The cycle.
    pub month: Month,
    /// The revision in force; 1 if nothing was told yet.
    pub revision: u32,
    /// The deadline in force.
    pub deadline: Deadline,
    /// When the cycle closes (F7).
    pub closes_at: DateTime<Utc>,
    /// Whether everything waits for the import to be signalled.
    pub awaits_signal: bool,
    /// The steps in the order of settings; none while the signal is awaited.
    pub rungs: Vec<Rung<'a>>,
}

/// A step with its instants.
#[derive(Clone, Debug)]
pub struct Rung<'a> {
    /// The step.
    pub step: &'a Step,
    /// When its time comes.
    pub due_at: DateTime<Utc>,
    /// Up to, and not including, this instant it is live.
    pub live_until: DateTime<Utc>,
    /// What ends its life, in words.
    pub ends_because: String,
}

impl Rung<'_> {
    /// Whether its time has come and is not over (N3).
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.due_at <= now && now < self.live_until
    }

    /// Whether another takes its place before it could ever be live.
    pub fn is_never_live(&self) -> bool {
        self.live_until <= self.due_at
    }
}

impl<'a> Ladder<'a> {
    /// Reckons the ladder of a duty in a month from settings and what was told; `next` are the facts of the month after.
    ///
    /// # Errors
    /// If the calendar does not reach so far.
    pub fn new(
        rulebook: &'a Rulebook,
        duty: &'a Duty,
        month: Month,
        facts: &DateFacts,
        next: &DateFacts,
    ) -> Result<Self, CalendarError> {
        let computed = cycle::deadline(rulebook, duty, month, facts.signal.as_ref())?;
        let (revision, deadline) = cycle::in_force(&facts.revisions, computed);
        // a next import that must be signalled and was not may come late: then the month after it is the bound
        let next_month = if awaits_signal(rulebook, duty, next) { month.plus(2) } else { month.next() };
        let computed_next = cycle::deadline(rulebook, duty, next_month, next.signal.as_ref())?;
        let (_, next_deadline) = cycle::in_force(&next.revisions, computed_next);
        // an import that comes early, or a date of the ZRK's own, must not close a cycle before its own deadline ends
        let closes_at = cycle::closes_at(rulebook, &next_deadline).max(end_of_day(rulebook.zone, deadline.ends_on));
        let awaits_signal = awaits_signal(rulebook, duty, facts);
        let mut ladder = Self { duty, month, revision, deadline, closes_at, awaits_signal, rungs: Vec::new() };
        if !awaits_signal {
            let signalled_at = facts.signal.as_ref().map(|signal| signal.received_at);
            ladder.rungs = rungs(rulebook, &ladder, signalled_at)?;
        }
        Ok(ladder)
    }

    /// The rung of a step's id.
    pub fn rung(&self, step: &str) -> Option<&Rung<'a>> {
        self.rungs.iter().find(|rung| rung.step.id == step)
    }

    /// Whether the cycle has closed (F7).
    pub fn is_closed(&self, now: DateTime<Utc>) -> bool {
        self.closes_at <= now
    }

    /// The next instant after `now` at which a step becomes due or ceases to be live.
    pub fn next_change(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let instants = self.rungs.iter().flat_map(|rung| [rung.due_at, rung.live_until]);
        instants.chain([self.closes_at]).filter(|instant| *instant > now).min()
    }
}

fn awaits_signal(rulebook: &Rulebook, duty: &Duty, facts: &DateFacts) -> bool {
    let is_told = facts.signal.is_some() || !facts.revisions.is_empty();
    duty.follows_import() && rulebook.announce == Announce::OnSignal && !is_told
}

/// The next local midnight: contacts begin and end, and extensions run out, with a day.
pub fn next_midnight(zone: Tz, now: DateTime<Utc>) -> DateTime<Utc> {
    instant_on(zone, local_date(now, zone) + Days::new(1), NaiveTime::MIN)
}

/// How many months back a cycle can still be open.
pub const MONTHS_BACK: i32 = 24;

/// The cycles that may have something to say at an instant, newest first.
///
/// A deadline lies at most 250 working days after the month's import, and its cycle closes with the next one: two years
/// back (a calendar may work three days a week) and the next month (a step may lie before its import date) cover all, so
/// that a tick does not grow with the number of past cycles.
pub fn cycles_in_question(first_cycle: Month, today: NaiveDate) -> impl Iterator<Item = Month> {
    let this_month = Month::of(today);
    (-MONTHS_BACK..=1).rev().map(move |offset| this_month.plus(offset)).filter(move |month| *month >= first_cycle)
}

/// The first cycle of a new store, by this month's import signal if there is one: the one that settings name, else the first whose import date is today or later (N11).
///
/// # Errors
/// If the calendar does not reach so far.
pub fn first_cycle(
    rulebook: &Rulebook,
    today: NaiveDate,
    signal: Option<&ImportSignal>,
) -> Result<Month, CalendarError> {
    if let Some(month) = rulebook.first_cycle {
        return Ok(month);
    }
    let this_month = Month::of(today);
    Ok(if cycle::import_on(rulebook, this_month, signal)? >= today { this_month } else { this_month.next() })
}

fn rungs<'a>(
    rulebook: &'a Rulebook,
    ladder: &Ladder<'a>,
    signalled_at: Option<DateTime<Utc>>,
) -> Result<Vec<Rung<'a>>, CalendarError> {
    let duty = ladder.duty;
    let mut due_at = Vec::with_capacity(duty.steps.len());
    for step in &duty.steps {
        let due = step.due_at(rulebook.zone, &duty.calendar, ladder.deadline.import_on, &ladder.deadline)?;
        let waited_for = signalled_at.filter(|_| rulebook.announce == Announce::OnSignal && duty.follows_import());
        due_at.push(match (step.kind, waited_for) {
            (NoticeKind::Announcement, Some(signalled_at)) => due.max(signalled_at),
            _ => due,
        });
    }
    Ok(duty
        .steps
        .iter()
        .enumerate()
        .map(|(index, step)| {
            let (live_until, ends_because) = life(rulebook, ladder, &due_at, index);
            Rung { step, due_at: due_at[index], live_until, ends_because }
        })
        .collect())
}

/// How long a step is live, and what ends it (N3).
fn life(rulebook: &Rulebook, ladder: &Ladder<'_>, due_at: &[DateTime<Utc>], index: usize) -> (DateTime<Utc>, String) {
    let steps = &ladder.duty.steps;
    let kind = steps[index].kind;
    let successor = steps
        .iter()
        .enumerate()
        .filter(|(other, step)| step.kind == kind && (due_at[*other], *other) > (due_at[index], index))
        .min_by_key(|(other, _)| (due_at[*other], *other))
        .map(|(other, step)| {
            let local = due_at[other].with_timezone(&rulebook.zone).format("%Y-%m-%d %H:%M");
            (due_at[other], format!("superseded by {} on {local}", step.id))
        });
    let closing = (
        ladder.closes_at,
        format!("the cycle closed at {}", ladder.closes_at.with_timezone(&rulebook.zone).format("%Y-%m-%d %H:%M")),
    );
    let end_of = |date: NaiveDate, words: &str| (end_of_day(rulebook.zone, date), format!("{words} {date} is over"));
    let Deadline { stated_on, ends_on, .. } = ladder.deadline;
    match kind {
        NoticeKind::Announcement => end_of(stated_on, "the stated date"),
        NoticeKind::Reminder => earlier(successor, end_of(ends_on, "the deadline of")),
        NoticeKind::Escalation | NoticeKind::Summary => earlier(successor, closing),
        _ => closing,
    }
}

fn earlier(successor: Option<(DateTime<Utc>, String)>, end: (DateTime<Utc>, String)) -> (DateTime<Utc>, String) {
    match successor {
        Some(successor) if successor.0 <= end.0 => successor,
        _ => end,
    }
}

#[cfg(test)]
#[path = "ladder_tests.rs"]
mod tests;
