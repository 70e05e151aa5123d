//! Standing nil reports and exemptions for several cycles, and the receipts that follow from them (S7). Never stores one.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use super::dates::{Month, instant_on};
use super::duty::{Duty, DutyId, Period};
use super::roster::{AuthorityId, Roster};
use super::standing::{Receipt, ReceiptState};

/// The source of the receipts that follow from an arrangement.
pub const SOURCE: &str = "arrangement";

/// What was settled with an authority about a duty for several cycles. Never changed, never deleted; the newest decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arrangement {
    /// The duty.
    pub duty: DutyId,
    /// Whom it is about.
    pub authority: AuthorityId,
    /// What was settled.
    pub kind: ArrangementKind,
    /// The first cycle for which it holds.
    pub from: Month,
    /// A month that the report is about is covered if it ends on this day or before; none until further notice. A standing
    /// nil report always has one (S7).
    pub until: Option<NaiveDate>,
    /// Why.
    pub reason: String,
    /// Where it came from: `manual`, `file:…`.
    pub source: String,
    /// Who recorded it.
    pub actor: String,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}

/// What an arrangement says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArrangementKind {
    /// There is nothing to report, and none of the months needs a report that says so.
    Nil,
    /// The duty is not due at all.
    Exempt,
    /// What was settled before is over.
    Ended,
}

impl ArrangementKind {
    const WORDS: [(&'static str, Self); 3] = [("nil", Self::Nil), ("exempt", Self::Exempt), ("ended", Self::Ended)];

    /// The word in commands, tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Exempt => "exempt",
            Self::Ended => "ended",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|(known, _)| *known == word).map(|(_, kind)| kind)
    }
}

impl Arrangement {
    /// The last cycle that it covers: its report is about the last month that ends by `until`. None until further notice.
    pub fn last_cycle(&self, duty: &Duty) -> Option<Month> {
        self.until.map(|until| last_cycle_until(duty, until))
    }

    /// What it says of a cycle; none if it does not cover it.
    pub fn state_in(&self, duty: &Duty, cycle: Month) -> Option<ReceiptState> {
        if cycle < self.from || self.last_cycle(duty).is_some_and(|last| last < cycle) {
            return None;
        }
        match self.kind {
            ArrangementKind::Nil => Some(ReceiptState::Nil),
            ArrangementKind::Exempt => Some(ReceiptState::Exempt { reason: self.reason.clone() }),
            ArrangementKind::Ended => None,
        }
    }
}

/// The last cycle whose report is about a month that ends by that day.
pub fn last_cycle_until(duty: &Duty, until: NaiveDate) -> Month {
    let month = Month::of(until);
    let is_whole = until.succ_opt().is_none_or(|next| !month.contains(next));
    let last_period = if is_whole { month } else { month.previous() };
    match duty.period {
        Period::CycleMonth => last_period,
        Period::PreviousMonth => last_period.next(),
    }
}

/// The receipts by which arrangements take effect in a cycle that has begun and is not closed, in the order of the roster.
///
/// An authority of which nothing was recorded in the cycle gets what the newest arrangement says. What was said explicitly
/// stands; only what an arrangement has said is changed by a newer one, to `missing` if that covers the cycle no more.
/// `arrangements` are in the order in which they were recorded, `receipts` those of the duty's cycle.
pub fn receipts_due(
    duty: &Duty,
    cycle: Month,
    arrangements: &[Arrangement],
    roster: &Roster,
    receipts: &HashMap<AuthorityId, Vec<Receipt>>,
    (now, zone): (DateTime<Utc>, Tz),
) -> Vec<Receipt> {
    let mut due = Vec::new();
    for authority in roster.authorities() {
        let own: Vec<&Arrangement> = arrangements
            .iter()
            .filter(|arrangement| arrangement.authority == authority.id && arrangement.duty == duty.id)
            .collect();
        let Some(newest) = own.iter().rev().find(|arrangement| arrangement.from <= cycle) else { continue };
        let said = receipts.get(&authority.id).and_then(|receipts| receipts.last());
        if said.is_some_and(|said| !is_arranged(said, cycle, &own)) {
            continue;
        }
        let state = match (newest.state_in(duty, cycle), said) {
            (Some(wanted), _) => wanted,
            (None, Some(_)) => ReceiptState::Missing,
            (None, None) => continue,
        };
        if said.is_some_and(|said| said.state.as_str() == state.as_str()) {
            continue;
        }
        let begins_at = instant_on(zone, cycle.first_day(), NaiveTime::MIN);
        due.push(Receipt {
            authority: authority.id.clone(),
            note: state.reason().is_none().then(|| newest.reason.clone()),
            state,
            source: SOURCE.to_owned(),
            actor: newest.actor.clone(),
            received_at: now,
            // in time also when the service stood still over the deadline
            reported_at: newest.recorded_at.max(begins_at).min(now),
        });
    }
    due
}

/// Whether a receipt came with an arrangement: it followed from one, or was recorded together with it.
fn is_arranged(receipt: &Receipt, cycle: Month, arrangements: &[&Arrangement]) -> bool {
    let came_with = |arrangement: &&Arrangement| {
        (arrangement.from, arrangement.recorded_at, &arrangement.source)
            == (cycle, receipt.received_at, &receipt.source)
            && arrangement.kind.as_str() == receipt.state.as_str()
    };
    receipt.source == SOURCE || arrangements.iter().any(came_with)
}

/// Whether an arrangement says something new: it differs from what the same source last arranged for that authority and duty
/// (S6). A list that repeats it month by month does not, nor does one that still has it after a person has ended it.
pub fn is_news(arranged_before: &[Arrangement], new: &Arrangement) -> bool {
    let is_same_matter =
        |old: &&Arrangement| (&old.duty, &old.authority, &old.source) == (&new.duty, &new.authority, &new.source);
    arranged_before.iter().rfind(is_same_matter).is_none_or(|old| {
        (old.kind, old.until, &old.reason) != (new.kind, new.until, &new.reason) || new.from < old.from
    })
}

/// For which cycles a standing nil report or an exemption holds in fact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span<'a> {
    /// The arrangement.
    pub arrangement: &'a Arrangement,
    /// Its last cycle, by its own end or because a newer one takes its place; none until further notice.
    pub last_cycle: Option<Month>,
    /// The newer one that shortens it.
    pub ended_by: Option<&'a Arrangement>,
}

impl Span<'_> {
    /// Whether a newer one has taken the place of all its cycles.
    pub fn is_empty(&self) -> bool {
        self.last_cycle.is_some_and(|last| last < self.arrangement.from)
    }

    /// Whether it holds for a cycle or a later one.
    pub fn reaches(&self, cycle: Month) -> bool {
        !self.is_empty() && self.last_cycle.is_none_or(|last| cycle <= last)
    }
}

/// The spans of all standing nil reports and exemptions of the duty, in the order in which they were recorded.
pub fn spans<'a>(duty: &Duty, arrangements: &'a [Arrangement]) -> Vec<Span<'a>> {
    let of_duty: Vec<&Arrangement> = arrangements.iter().filter(|arrangement| arrangement.duty == duty.id).collect();
    let span = |(index, arrangement): (usize, &&'a Arrangement)| {
        let own_end = arrangement.last_cycle(duty);
        let newer = of_duty[index + 1..].iter().filter(|newer| newer.authority == arrangement.authority);
        let ended_by = newer
            .min_by_key(|newer| newer.from)
            .filter(|newer| own_end.is_none_or(|own_end| newer.from <= own_end))
            .copied();
        let last_cycle = ended_by.map(|newer| newer.from.previous()).or(own_end);
        Span { arrangement, last_cycle, ended_by }
    };
    let is_span = |(_, arrangement): &(usize, &&'a Arrangement)| arrangement.kind != ArrangementKind::Ended;
    of_duty.iter().enumerate().filter(is_span).map(span).collect()
}

#[cfg(test)]
#[path = "arrangement_tests.rs"]
mod tests;
