//! Who was in time, how long before or after the last day, and for how many months running (`docs/punctuality.md`). Never loads
//! what it judges and never asks what time it is.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::dates::{Month, end_of_day, local_date};
use super::past::{Known, PastCycle};
use super::roster::{Authority, AuthorityId, District, Roster};
use super::standing::{Receipt, ReceiptState, judge, standing_at};

/// A duty's punctuality over some months.
#[derive(Clone, PartialEq, Debug)]
pub struct Punctuality {
    /// One a month, in order.
    pub months: Vec<MonthLine>,
    /// Who owed a report in a month that is known, in the order of the roster.
    pub authorities: Vec<AuthorityLine>,
    /// Each district of which an authority is in `authorities`.
    pub districts: Vec<(District, Figures)>,
    /// All authorities together.
    pub all: Figures,
    /// Who is in the roster and owed nothing in any month that is known.
    pub owed_nothing: Vec<AuthorityId>,
    /// Of whom there are receipts and who is not in the roster; counted nowhere.
    pub not_in_roster: Vec<AuthorityId>,
}

/// What is known of a month, and what all authorities together came to in it.
#[derive(Clone, PartialEq, Debug)]
pub struct MonthLine {
    /// The cycle.
    pub month: Month,
    /// How far it has come.
    pub phase: Phase,
    /// The last day by the last revision, if a deadline was told.
    pub ends_on: Option<NaiveDate>,
    /// All authorities together in this month alone.
    pub figures: Figures,
}

/// How far a month has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Nothing is known of it.
    Unknown,
    /// Its deadline is still to be told.
    Ahead,
    /// Its deadline is still to come.
    Running,
    /// Its deadline is over, and who is late can still report.
    Overdue,
    /// It has closed (F7).
    Closed,
}

impl Phase {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ahead => "ahead",
            Self::Running => "running",
            Self::Overdue => "overdue",
            Self::Closed => "closed",
        }
    }
}

/// One authority over all months.
#[derive(Clone, PartialEq, Debug)]
pub struct AuthorityLine {
    /// Its id.
    pub id: AuthorityId,
    /// Its name.
    pub name: String,
    /// Its district by the roster as it is now.
    pub district: District,
    /// One a month, in order.
    pub cells: Vec<Cell>,
    /// What they come to.
    pub figures: Figures,
}

/// What an authority's month came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cell {
    /// What it came to.
    pub mark: Mark,
    /// How many days after the last day that the authority had a report came; negative before it, 0 on it. None without a
    /// report that counts.
    pub days: Option<i32>,
}

/// What an authority's month can come to. The first six are judged, the others neither in time nor missed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mark {
    /// Complete in time.
    InTime,
    /// A nil report in time.
    Nil,
    /// Excused in time.
    Excused,
    /// Settled after the last day, before the cycle closed or up to now.
    Late,
    /// Not settled when the cycle closed (F7).
    Missed,
    /// Not settled, too late to be in time, and the cycle has not closed.
    Overdue,
    /// Nothing is there, and an extension runs; once the cycle has closed, ran then.
    Extended,
    /// Not due for this authority (S7).
    Exempt,
    /// Not decided yet.
    Open,
    /// The deadline is still to be told.
    Ahead,
    /// The authority was not in being, or another reported for it.
    NotOwing,
    /// Nothing is known of the month (N11).
    Unknown,
}

impl Mark {
    /// All, in the order in which a legend names them.
    pub const ALL: [Self; 12] = [
        Self::InTime,
        Self::Nil,
        Self::Excused,
        Self::Late,
        Self::Missed,
        Self::Overdue,
        Self::Extended,
        Self::Exempt,
        Self::Open,
        Self::Ahead,
        Self::NotOwing,
        Self::Unknown,
    ];

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InTime => "in-time",
            Self::Nil => "nil",
            Self::Excused => "excused",
            Self::Late => "late",
            Self::Missed => "missed",
            Self::Overdue => "overdue",
            Self::Extended => "extended",
            Self::Exempt => "exempt",
            Self::Open => "open",
            Self::Ahead => "ahead",
            Self::NotOwing => "not-owing",
            Self::Unknown => "unknown",
        }
    }

    /// The words in reports.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::InTime => "rechtzeitig",
            Self::Nil => "Fehlanzeige, rechtzeitig",
            Self::Excused => "entschuldigt",
            Self::Late => "verspätet",
            Self::Missed => "versäumt",
            Self::Overdue => "überfällig",
            Self::Extended => "Frist verlängert",
            Self::Exempt => "befreit",
            Self::Open => "noch offen",
            Self::Ahead => "steht bevor",
            Self::NotOwing => "nicht meldepflichtig",
            Self::Unknown => "nicht bekannt",
        }
    }

    /// Whether it counts as in time (S5).
    pub fn is_in_time(self) -> bool {
        matches!(self, Self::InTime | Self::Nil | Self::Excused)
    }

    /// Whether it counts at all.
    pub fn is_judged(self) -> bool {
        self.is_in_time() || matches!(self, Self::Late | Self::Missed | Self::Overdue)
    }
}

impl Cell {
    fn of(mark: Mark) -> Self {
        Self { mark, days: None }
    }
}

/// What the months of one authority, or of several, come to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Figures {
    counts: [u32; Mark::ALL.len()],
    /// The median of all days before or after the last day; none without a report.
    pub median_days: Option<HalfDays>,
    /// The most months running in which all who are judged, at least one, were in time.
    pub longest_in_time: u32,
    /// The most months running that somebody missed.
    pub longest_missed: u32,
}

impl Figures {
    /// How many authorities' months came to that.
    pub fn count(&self, mark: Mark) -> u32 {
        self.counts[mark as usize]
    }

    /// How many are judged.
    pub fn judged(&self) -> u32 {
        self.sum(Mark::is_judged)
    }

    /// How many of those were in time.
    pub fn in_time(&self) -> u32 {
        self.sum(Mark::is_in_time)
    }

    /// The share of those in time, 0 to 1; none if none is judged.
    pub fn share_in_time(&self) -> Option<f64> {
        (self.judged() > 0).then(|| f64::from(self.in_time()) / f64::from(self.judged()))
    }

    fn sum(&self, is_meant: impl Fn(Mark) -> bool) -> u32 {
        Mark::ALL.into_iter().filter(|mark| is_meant(*mark)).map(|mark| self.count(mark)).sum()
    }
}

/// A median of whole days, which may lie between two: counted in half days. Negative is before the last day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct HalfDays(pub i64);

impl HalfDays {
    /// In days.
    pub fn days(self) -> f64 {
        // far below the 2^53 up to which a double is exact
        self.0 as f64 / 2.0
    }
}

impl fmt::Display for HalfDays {
    /// `-2`, `0`, `3.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let half = if self.0 % 2 == 0 { "" } else { ".5" };
        write!(f, "{sign}{}{half}", self.0.unsigned_abs() / 2)
    }
}

/// Judges months that follow one another, the first of which is `first`, with what was known at `now`: a closed cycle by what
/// was known when it closed, so that its figures never change.
///
/// ```
/// # use fristd::domain::{past::Known, punctuality::punctuality, Month, Roster};
/// let nobody = Roster::new(Vec::new(), Vec::new(), Vec::new());
/// let now = "2027-01-20T08:00:00Z".parse().unwrap();
/// let year = punctuality(Month::parse("2026-01").unwrap(), &[Known::Nothing], &nobody, now, chrono_tz::Europe::Berlin);
/// assert_eq!(year.all.share_in_time(), None);
/// ```
pub fn punctuality(first: Month, months: &[Known], roster: &Roster, now: DateTime<Utc>, zone: Tz) -> Punctuality {
    let phases: Vec<Phase> = months.iter().map(|known| phase(known, now, zone)).collect();
    let line = |authority: &Authority| {
        let with_phases = months.iter().zip(&phases);
        let cells: Vec<Cell> = with_phases.map(|(known, phase)| cell(known, *phase, authority, now, zone)).collect();
        let figures = figures(&[&cells], months.len());
        AuthorityLine {
            id: authority.id.clone(),
            name: authority.name.clone(),
            district: authority.district,
            cells,
            figures,
        }
    };
    let told = || months.iter().filter_map(told);
    let owed = |authority: &&Authority| told().count() == 0 || told().any(|cycle| authority.owes_on(cycle.ends_on));
    let (owing, owed_nothing): (Vec<&Authority>, Vec<&Authority>) = roster.authorities().iter().partition(owed);
    let authorities: Vec<AuthorityLine> = owing.into_iter().map(line).collect();
    let of = |is_meant: &dyn Fn(&AuthorityLine) -> bool| -> Vec<&Vec<Cell>> {
        authorities.iter().filter(|line| is_meant(line)).map(|line| &line.cells).collect()
    };
    let of_district = |district| {
        let rows = of(&|line| line.district == district);
        (!rows.is_empty()).then(|| (district, figures(&rows, months.len())))
    };
    let month_line = |(index, known): (usize, &Known)| {
        let column: Vec<Vec<Cell>> = authorities.iter().map(|line| vec![line.cells[index]]).collect();
        MonthLine {
            month: first.plus(index as i32),
            phase: phases[index],
            ends_on: told_end(known),
            figures: figures(&column.iter().collect::<Vec<_>>(), 1),
        }
    };
    let heard_of: BTreeSet<&AuthorityId> = told().flat_map(|cycle| cycle.receipts.keys()).collect();
    Punctuality {
        months: months.iter().enumerate().map(month_line).collect(),
        districts: District::ALL.into_iter().filter_map(of_district).collect(),
        all: figures(&of(&|_| true), months.len()),
        owed_nothing: owed_nothing.into_iter().map(|authority| authority.id.clone()).collect(),
        not_in_roster: heard_of.into_iter().filter(|id| roster.authority(id).is_none()).cloned().collect(),
        authorities,
    }
}

impl Punctuality {
    /// Whether a deadline was told in none of the months.
    pub fn is_empty(&self) -> bool {
        self.months.iter().all(|line| line.ends_on.is_none())
    }
}

fn told(known: &Known) -> Option<&PastCycle> {
    match known {
        Known::Told(cycle) => Some(cycle),
        Known::Nothing | Known::Ahead => None,
    }
}

fn told_end(known: &Known) -> Option<NaiveDate> {
    told(known).map(|cycle| cycle.ends_on)
}

fn phase(known: &Known, now: DateTime<Utc>, zone: Tz) -> Phase {
    match known {
        Known::Nothing => Phase::Unknown,
        Known::Ahead => Phase::Ahead,
        Known::Told(cycle) if cycle.closes_at <= now => Phase::Closed,
        Known::Told(cycle) if end_of_day(zone, cycle.ends_on) <= now => Phase::Overdue,
        Known::Told(_) => Phase::Running,
    }
}

fn cell(known: &Known, phase: Phase, authority: &Authority, now: DateTime<Utc>, zone: Tz) -> Cell {
    let cycle = match known {
        Known::Nothing => return Cell::of(Mark::Unknown),
        Known::Ahead => return Cell::of(Mark::Ahead),
        Known::Told(cycle) if !authority.owes_on(cycle.ends_on) => return Cell::of(Mark::NotOwing),
        Known::Told(cycle) => cycle,
    };
    let receipts: &[Receipt] = cycle.receipts.get(&authority.id).map_or(&[], Vec::as_slice);
    let as_of = now.min(cycle.closes_at);
    let standing = standing_at(receipts, as_of, zone);
    if matches!(standing.state, ReceiptState::Exempt { .. }) {
        return Cell::of(Mark::Exempt);
    }
    // who is early must not make a month look better in which the others still have time
    if phase == Phase::Running {
        return Cell::of(Mark::Open);
    }
    let judged = judge(receipts, cycle.ends_on, as_of, zone);
    let days = |reported_at: DateTime<Utc>| {
        i32::try_from((local_date(reported_at, zone) - judged.last_day).num_days()).unwrap_or(i32::MAX)
    };
    let in_time = |mark| Cell { mark, days: judged.reported_at.map(days) };
    match (standing.state, judged.in_time) {
        (ReceiptState::Missing | ReceiptState::Partial { .. }, _) if phase == Phase::Closed => Cell::of(Mark::Missed),
        (ReceiptState::Missing | ReceiptState::Partial { .. }, Some(false)) => Cell::of(Mark::Overdue),
        (ReceiptState::Extended { .. }, _) => Cell::of(Mark::Extended),
        (ReceiptState::Complete, Some(true)) => in_time(Mark::InTime),
        (ReceiptState::Nil, Some(true)) => in_time(Mark::Nil),
        (ReceiptState::Excused { .. }, Some(true)) => in_time(Mark::Excused),
        (ReceiptState::Excused { .. }, Some(false)) => Cell::of(Mark::Late),
        (ReceiptState::Complete | ReceiptState::Nil, Some(false)) => {
            Cell { mark: Mark::Late, days: standing.since.map(days) }
        }
        // taken back after the last day, or an extension that was taken back: decided by what comes until the close
        _ => Cell::of(Mark::Open),
    }
}

/// What the cells of some authorities come to, each of which has one a month.
fn figures(rows: &[&Vec<Cell>], months: usize) -> Figures {
    let mut figures = Figures::default();
    let mut days: Vec<i32> = Vec::new();
    let (mut in_time, mut missed) = (0, 0);
    for month in 0..months {
        let (mut judged, mut not_in_time, mut is_missed) = (0, 0, false);
        for cell in rows.iter().map(|row| row[month]) {
            figures.counts[cell.mark as usize] += 1;
            days.extend(cell.days);
            judged += u32::from(cell.mark.is_judged());
            not_in_time += u32::from(cell.mark.is_judged() && !cell.mark.is_in_time());
            is_missed |= cell.mark == Mark::Missed;
        }
        in_time = if judged > 0 && not_in_time == 0 { in_time + 1 } else { 0 };
        missed = if is_missed { missed + 1 } else { 0 };
        figures.longest_in_time = figures.longest_in_time.max(in_time);
        figures.longest_missed = figures.longest_missed.max(missed);
    }
    figures.median_days = median(days);
    figures
}

/// The middle one; of an even count the mean of the two in the middle.
fn median(mut days: Vec<i32>) -> Option<HalfDays> {
    days.sort_unstable();
    let (low, high) = (days.get(days.len().checked_sub(1)? / 2)?, days.get(days.len() / 2)?);
    Some(HalfDays(i64::from(*low) + i64::from(*high)))
}

#[cfg(test)]
#[path = "punctuality_recount_tests.rs"]
mod recount_tests;
#[cfg(test)]
#[path = "punctuality_tests.rs"]
mod tests;
