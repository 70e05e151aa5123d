//! What templates can say of a report to an RRK and of an all-clear. Never decides who stands in it; `domain::escalation` does.

use chrono::NaiveDate;
use serde::Serialize;

use super::numerals::{ordinal, times_running};
use crate::domain::Letter;
use crate::domain::dates::{date_in_words, day_in_words, instant_in_words, local_date};
use crate::domain::duty::NoticeKind;
use crate::domain::escalation::{Because, Case, Change, Dispatch, EscalationReport, Gone};
use crate::domain::standing::{ReceiptState, Standing};
use crate::domain::words;

#[derive(Serialize, Debug)]
pub(super) struct ReportContext<'a> {
    district: &'static str,
    authorities_total: usize,
    unreachable_total: usize,
    months_known: u32,
    number: u32,
    /// `zweite`: which report it is.
    ordinal: String,
    before: Option<String>,
    cases: Vec<CaseContext<'a>>,
    silent_total: usize,
    partial_total: usize,
    new_total: usize,
    still_total: usize,
    moved_total: usize,
    /// Whether a case owes another report, too.
    has_more_missing: bool,
    /// Whether a case had more time than the others.
    has_extension: bool,
    /// Of an all-clear: how many were only given more time.
    extended_total: usize,
    settled: Vec<SettledContext<'a>>,
    left: Vec<LeftContext<'a>>,
}

impl<'a> ReportContext<'a> {
    pub(super) fn of(report: &'a EscalationReport, letter: &'a Letter) -> Self {
        let cases: Vec<_> = report.cases.iter().map(|case| CaseContext::of(case, letter)).collect();
        let count = |change: Change| report.cases.iter().filter(|case| case.change == change).count();
        let is_extended = |case: &&Case| matches!(case.standing.state, ReceiptState::Extended { .. });
        Self {
            district: report.district.in_words(),
            authorities_total: report.authorities_total,
            unreachable_total: report.unreachable_total,
            months_known: report.months_known,
            number: report.number,
            ordinal: ordinal(report.number),
            before: report.before.map(|at| day_in_words(local_date(at, letter.zone))),
            silent_total: cases.iter().filter(|case| case.is_silent).count(),
            partial_total: cases.iter().filter(|case| case.is_partial).count(),
            new_total: count(Change::New),
            still_total: count(Change::Unchanged) + count(Change::Moved),
            moved_total: count(Change::Moved),
            has_more_missing: report.cases.iter().any(|case| !case.also_missing.is_empty()),
            has_extension: report.cases.iter().any(|case| extension(&case.standing, letter).is_some()),
            extended_total: report.cases.iter().filter(is_extended).count(),
            cases,
            settled: report.gone.iter().filter_map(|gone| SettledContext::of(gone, letter)).collect(),
            left: report.gone.iter().filter_map(LeftContext::of).collect(),
        }
    }
}

#[derive(Serialize, Debug)]
struct CaseContext<'a> {
    name: &'a str,
    standing: String,
    is_silent: bool,
    is_partial: bool,
    missing: &'a [String],
    also_missing: &'a [String],
    /// What changed since the report before; none in the first.
    change: Option<&'static str>,
    days_overdue: i64,
    dispatches: Vec<DispatchContext>,
    months_missed: u32,
    /// `zum dritten Mal in Folge`, from the second time on.
    running: Option<String>,
    settled_at: Option<String>,
}

impl<'a> CaseContext<'a> {
    fn of(case: &'a Case, letter: &'a Letter) -> Self {
        Self {
            name: &case.name,
            standing: standing_in_words(&case.standing, letter),
            is_silent: matches!(case.standing.state, ReceiptState::Missing),
            is_partial: matches!(case.standing.state, ReceiptState::Partial { .. }),
            missing: &case.missing,
            also_missing: &case.also_missing,
            change: case.change_in_words(),
            days_overdue: case.days_overdue,
            dispatches: case.dispatches.iter().map(|dispatch| DispatchContext::of(dispatch, letter)).collect(),
            months_missed: case.months_missed,
            running: times_running(case.missed_running),
            settled_at: settled_at(&case.standing, letter),
        }
    }
}

#[derive(Serialize, Debug)]
struct DispatchContext {
    /// Whether it was the notice after the deadline, and no reminder.
    is_overdue: bool,
    /// The day on which its time came.
    due_on: String,
    is_delivered: bool,
    delivered_at: Option<String>,
    returned_at: Option<String>,
}

impl DispatchContext {
    fn of(dispatch: &Dispatch, letter: &Letter) -> Self {
        Self {
            is_overdue: dispatch.kind == NoticeKind::Overdue,
            due_on: date_in_words(local_date(dispatch.due_at, letter.zone)),
            is_delivered: dispatch.accepted_at.is_some(),
            delivered_at: dispatch.accepted_at.map(|at| instant_in_words(at, letter.zone)),
            returned_at: dispatch.returned_at.map(|at| instant_in_words(at, letter.zone)),
        }
    }
}

/// One that stood in the report before and has settled.
#[derive(Serialize, Debug)]
struct SettledContext<'a> {
    name: &'a str,
    standing: String,
    settled_at: Option<String>,
}

impl<'a> SettledContext<'a> {
    fn of(gone: &'a Gone, letter: &Letter) -> Option<Self> {
        let Because::Settled(standing) = &gone.because else { return None };
        gone.is_done().then(|| Self {
            name: &gone.name,
            standing: standing_in_words(standing, letter),
            settled_at: settled_at(standing, letter),
        })
    }
}

/// One that is no longer listed for another reason; exactly one of the three is said.
#[derive(Serialize, Debug)]
struct LeftContext<'a> {
    name: &'a str,
    extended_to: Option<String>,
    is_unreachable: bool,
    owes_not: bool,
    /// Who reports for one that owes nothing.
    reporter: Option<&'a str>,
}

impl<'a> LeftContext<'a> {
    fn of(gone: &'a Gone) -> Option<Self> {
        let mut left =
            Self { name: &gone.name, extended_to: None, is_unreachable: false, owes_not: false, reporter: None };
        match &gone.because {
            Because::Settled(Standing { state: ReceiptState::Extended { until, .. }, .. }) => {
                left.extended_to = Some(day_in_words(*until));
            }
            Because::Settled(_) => return None,
            Because::NotOwing(reporter) => (left.owes_not, left.reporter) = (true, reporter.as_deref()),
            Because::Unreachable => left.is_unreachable = true,
        }
        Some(left)
    }
}

/// The word for a standing in a letter.
pub(super) fn standing_in_words(standing: &Standing, letter: &Letter) -> String {
    words::standing_in_words(standing, letter.matter.as_ref().map(|matter| matter.deadline.ends_on))
}

/// The last day of an extension beyond the deadline: one that a corrected deadline outlived says nothing any more.
fn extension(standing: &Standing, letter: &Letter) -> Option<NaiveDate> {
    let ends_on = letter.matter.as_ref()?.deadline.ends_on;
    standing.extended_to.filter(|until| *until > ends_on)
}

fn settled_at(standing: &Standing, letter: &Letter) -> Option<String> {
    standing.since.filter(|_| standing.is_settled()).map(|since| instant_in_words(since, letter.zone))
}
