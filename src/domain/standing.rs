//! From receipts to the standing of an authority as of an instant (S1, S4, S5). Never asks what time it is.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::dates::end_of_day;
use super::duty::Duty;
use super::roster::AuthorityId;

/// One recorded event about one authority, duty and cycle. Never changed, never deleted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// Whom it is about.
    pub authority: AuthorityId,
    /// What it says.
    pub state: ReceiptState,
    /// Where it came from: `manual`, `file:…`, `arrangement`.
    pub source: String,
    /// Who recorded it.
    pub actor: String,
    /// Why it was recorded, of a state that has no reason of its own.
    pub note: Option<String>,
    /// When fristd learned of it.
    pub received_at: DateTime<Utc>,
    /// When the authority reported.
    pub reported_at: DateTime<Utc>,
}

impl Receipt {
    /// Why: the state's own reason, else the note.
    pub fn why(&self) -> Option<&str> {
        self.state.reason().or(self.note.as_deref())
    }
}

/// What a receipt says. It states how things stand, not a difference.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ReceiptState {
    /// Nothing is there; takes back whatever was recorded (S5).
    Missing,
    /// Some parts are there; these ids are missing.
    Partial {
        /// Ids of the parts that are missing, in the duty's order.
        missing: Vec<String>,
    },
    /// All parts are there.
    Complete,
    /// An explicit 'nothing to report'.
    Nil,
    /// Need not report this time.
    Excused {
        /// Why.
        reason: String,
    },
    /// May report later.
    Extended {
        /// The last day on which a report is in time.
        until: NaiveDate,
        /// Why.
        reason: String,
    },
    /// Not due at all.
    Exempt {
        /// Why.
        reason: String,
    },
}

impl ReceiptState {
    /// The words of S1, in its order.
    pub const WORDS: [&str; 7] = ["missing", "partial", "complete", "nil", "excused", "extended", "exempt"];

    /// The word of S1 in commands, tables and JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Partial { .. } => "partial",
            Self::Complete => "complete",
            Self::Nil => "nil",
            Self::Excused { .. } => "excused",
            Self::Extended { .. } => "extended",
            Self::Exempt { .. } => "exempt",
        }
    }

    /// Why, of an excuse, an extension or an exemption.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Excused { reason } | Self::Extended { reason, .. } | Self::Exempt { reason } => Some(reason),
            _ => None,
        }
    }
}

/// What the receipts up to an instant amount to (S1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// How things stand.
    pub state: ReceiptState,
    /// When the standing was reached: for a settled one the first report of the unbroken run of settled receipts, so
    /// that a correction after completion does not make it late (S5).
    pub since: Option<DateTime<Utc>>,
    /// What an extension covers: nothing or a part.
    pub covered: Option<Box<ReceiptState>>,
    /// The last day of the extension that was granted last and not taken back, run out or not.
    pub extended_to: Option<NaiveDate>,
}

impl Standing {
    /// A state reached at an instant, with no extension over it.
    pub fn of(state: ReceiptState, since: Option<DateTime<Utc>>) -> Self {
        Self { state, since, covered: None, extended_to: None }
    }

    /// Of one who has never been heard of.
    pub fn silent() -> Self {
        Self::of(ReceiptState::Missing, None)
    }

    /// Whether nothing more is owed for now (S1). [`standing_at`] has already turned an extension that has run out back.
    pub fn is_settled(&self) -> bool {
        !matches!(self.state, ReceiptState::Missing | ReceiptState::Partial { .. })
    }

    /// The ids of the parts that are missing.
    pub fn missing_parts(&self, duty: &Duty) -> Vec<String> {
        match self.covered.as_deref().unwrap_or(&self.state) {
            ReceiptState::Partial { missing } => missing.clone(),
            ReceiptState::Missing | ReceiptState::Extended { .. } => {
                duty.parts.iter().map(|part| part.id.clone()).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The standing that one authority's receipts, in the order in which they were recorded, amount to at an instant.
/// Receipts received later are not looked at: the past stays as it was known (S4).
pub fn standing_at<'a>(receipts: impl IntoIterator<Item = &'a Receipt>, at: DateTime<Utc>, zone: Tz) -> Standing {
    let known = receipts.into_iter().filter(|receipt| receipt.received_at <= at);
    fold(known).into_standing(at, zone)
}

/// The standing that all receipts amount to now. It does not ask when they were received, so that a clock that is set back
/// does not forget who has reported (N4, N5).
pub fn standing_now<'a>(receipts: impl IntoIterator<Item = &'a Receipt>, now: DateTime<Utc>, zone: Tz) -> Standing {
    fold(receipts.into_iter()).into_standing(now, zone)
}

/// The standing of one authority while its receipts come one after the other: for whoever asks after each of many.
#[derive(Clone, Debug, Default)]
pub struct RunningStanding {
    folded: Folded,
}

impl RunningStanding {
    /// Takes the receipt that was recorded next.
    pub fn add(&mut self, receipt: &Receipt) {
        self.folded.add(receipt);
    }

    /// What [`standing_now`] says of all that were taken.
    pub fn standing(&self, now: DateTime<Utc>, zone: Tz) -> Standing {
        self.folded.clone().into_standing(now, zone)
    }
}

/// Whether the authority was settled at the end of `ends_on`, or of its extension (S5): `None` while that is open, and of one
/// who is exempt, because what is not due is neither in time nor missed.
pub fn in_time(receipts: &[Receipt], ends_on: NaiveDate, at: DateTime<Utc>, zone: Tz) -> Option<bool> {
    judge(receipts, ends_on, at, zone).in_time
}

/// Whether an authority was in time, by which day, and with what (S5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Judged {
    /// The last day that it had: the deadline's, or that of an extension if that is later.
    pub last_day: NaiveDate,
    /// Whether it was settled by then, as [`in_time`] says.
    pub in_time: Option<bool>,
    /// When what made it in time was reported; none of one that was not in time, or was excused.
    pub reported_at: Option<DateTime<Utc>>,
}

/// Judges whether an authority was in time (S5), with what was known at `at`.
pub fn judge(receipts: &[Receipt], ends_on: NaiveDate, at: DateTime<Utc>, zone: Tz) -> Judged {
    let known = || receipts.iter().filter(|receipt| receipt.received_at <= at);
    let undecided = |last_day| Judged { last_day, in_time: None, reported_at: None };
    if matches!(fold(known()).state, ReceiptState::Exempt { .. }) {
        return undecided(ends_on);
    }
    let by_end_of = |last_day| {
        let end = end_of_day(zone, last_day);
        fold(known().filter(move |receipt| receipt.reported_at < end))
    };
    let mut last_day = ends_on;
    while let Some(later) = by_end_of(last_day).extension.filter(|until| *until > last_day) {
        last_day = later;
    }
    // a time limit may be extended after its end as well (§ 31 Abs. 7 S. 2 VwVfG)
    let told_end = end_of_day(zone, last_day);
    for receipt in known().filter(|receipt| receipt.reported_at >= told_end) {
        if let ReceiptState::Extended { until, .. } = receipt.state {
            last_day = last_day.max(until);
        }
    }
    let at_the_end = by_end_of(last_day);
    if at_the_end.is_reported_or_excused() {
        let reported_at = at_the_end.since.filter(|_| is_report(&at_the_end.state));
        return Judged { last_day, in_time: Some(true), reported_at };
    }
    Judged { in_time: (at >= end_of_day(zone, last_day)).then_some(false), ..undecided(last_day) }
}

/// The last day of the extension that the receipts amount to, run out or not.
pub fn extended_to<'a>(receipts: impl IntoIterator<Item = &'a Receipt>) -> Option<NaiveDate> {
    fold(receipts.into_iter()).extension
}

/// What receipts amount to, with an extension kept beside what it covers.
#[derive(Clone, Debug)]
struct Folded {
    /// What was reported or excused.
    state: ReceiptState,
    since: Option<DateTime<Utc>>,
    extension: Option<NaiveDate>,
    extension_reason: String,
    extended_since: Option<DateTime<Utc>>,
}

fn fold<'a>(receipts: impl Iterator<Item = &'a Receipt>) -> Folded {
    let mut folded = Folded::default();
    receipts.for_each(|receipt| folded.add(receipt));
    folded
}

/// Whether a state says that all is there.
fn is_report(state: &ReceiptState) -> bool {
    matches!(state, ReceiptState::Complete | ReceiptState::Nil)
}

impl Default for Folded {
    fn default() -> Self {
        Self {
            state: ReceiptState::Missing,
            since: None,
            extension: None,
            extension_reason: String::new(),
            extended_since: None,
        }
    }
}

impl Folded {
    fn add(&mut self, receipt: &Receipt) {
        match &receipt.state {
            // more time takes nothing away from what was reported
            ReceiptState::Extended { until, reason } => {
                self.extension = Some(*until);
                self.extension_reason.clone_from(reason);
                self.extended_since = Some(receipt.reported_at);
                return;
            }
            ReceiptState::Missing => self.extension = None,
            _ => {}
        }
        let is_correction = is_report(&self.state) && is_report(&receipt.state);
        self.state = receipt.state.clone();
        if !is_correction {
            self.since = Some(receipt.reported_at);
        }
    }

    fn is_reported_or_excused(&self) -> bool {
        !matches!(self.state, ReceiptState::Missing | ReceiptState::Partial { .. })
    }

    fn into_standing(self, at: DateTime<Utc>, zone: Tz) -> Standing {
        match self.extension {
            Some(until) if !self.is_reported_or_excused() && at < end_of_day(zone, until) => Standing {
                state: ReceiptState::Extended { until, reason: self.extension_reason },
                since: self.extended_since,
                covered: Some(Box::new(self.state)),
                extended_to: self.extension,
            },
            _ => Standing { extended_to: self.extension, ..Standing::of(self.state, self.since) },
        }
    }
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
