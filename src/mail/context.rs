//! What templates can say: a letter's facts in German words. Never decides anything about them.

use chrono::{Days, NaiveDate};
use serde::Serialize;

use super::silence_context::SilenceContext;
use crate::domain::Letter;
use crate::domain::dates::{date_in_words, day_in_words, instant_in_words};
use crate::domain::duty::NoticeKind;
use crate::domain::escalation::{Case, Dispatch, EscalationReport};
use crate::domain::letter::{AlertLine, AuthorityLine, Matter};
use crate::domain::roster::District;
use crate::domain::standing::{ReceiptState, Standing};
use crate::domain::summary::{Outstanding, Summary, Tally};

/// The variables of one letter. What a kind never has is left out, so that naming it is an error and not a blank.
#[derive(Serialize, Debug)]
pub(super) struct LetterContext<'a> {
    kind: &'static str,
    month: String,
    letterhead: LetterheadContext<'a>,
    office: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matter: Option<MatterContext<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorities: Option<Vec<AuthorityContext<'a>>>,
    // the inner none is there to be asked for: an escalation has one of the two
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<Option<ReportContext<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<Option<SummaryContext<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    silence: Option<SilenceContext<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<Vec<AlertContext<'a>>>,
}

impl<'a> LetterContext<'a> {
    pub(super) fn of(letter: &'a Letter) -> Self {
        use NoticeKind::{AllClear, Announcement, Correction, Escalation, Overdue, Reminder, Summary, ZrkNotice};
        let kind = letter.kind;
        let is_to_users = matches!(kind, Announcement | Correction | Reminder | Overdue);
        let authorities = || letter.authorities.iter().map(AuthorityContext::of).collect();
        let report = || letter.report.as_ref().map(|report| ReportContext::of(report, letter));
        let summary = || letter.summary.as_ref().map(SummaryContext::of);
        Self {
            kind: kind.as_str(),
            month: letter.month.in_words(),
            letterhead: LetterheadContext {
                file_number: &letter.letterhead.file_number,
                signature: &letter.letterhead.signature,
                contact: &letter.letterhead.contact,
                system: if letter.letterhead.system.is_empty() { "APS" } else { &letter.letterhead.system },
            },
            office: letter.office.as_deref(),
            matter: letter.matter.as_ref().map(|matter| MatterContext::of(matter, letter)),
            authorities: is_to_users.then(authorities),
            report: matches!(kind, Escalation | AllClear).then(report),
            summary: matches!(kind, Escalation | Summary).then(summary),
            silence: letter.long_silence.as_ref().map(|silence| SilenceContext::of(silence, letter)),
            alerts: (kind == ZrkNotice).then(|| letter.alerts.iter().map(AlertContext::of).collect()),
        }
    }
}

#[derive(Serialize, Debug)]
struct LetterheadContext<'a> {
    file_number: &'a str,
    signature: &'a [String],
    contact: &'a str,
    system: &'a str,
}

#[derive(Serialize, Debug)]
struct MatterContext<'a> {
    duty: &'a str,
    title: &'a str,
    module: &'a str,
    parts: &'a [String],
    period: String,
    import_on: String,
    stated_on: String,
    stated_on_short: String,
    ends_on: String,
    ends_on_short: String,
    ends_later: bool,
    overdue_since_short: String,
    today: String,
    is_last_day: bool,
    working_days: Option<String>,
    counts_import_day: bool,
    own_date: bool,
    follows_import: bool,
    free_day: Option<&'a str>,
    revision: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    correction: Option<CorrectionContext<'a>>,
}

impl<'a> MatterContext<'a> {
    fn of(matter: &'a Matter, letter: &'a Letter) -> Self {
        let deadline = &matter.deadline;
        let correction = matter.correction.as_ref().filter(|_| letter.kind == NoticeKind::Correction);
        Self {
            duty: &matter.duty,
            title: &matter.title,
            module: &matter.module,
            parts: &matter.parts,
            period: matter.period.in_words(),
            import_on: day_in_words(deadline.import_on),
            stated_on: day_in_words(deadline.stated_on),
            stated_on_short: date_in_words(deadline.stated_on),
            ends_on: day_in_words(deadline.ends_on),
            ends_on_short: date_in_words(deadline.ends_on),
            ends_later: deadline.ends_on != deadline.stated_on,
            overdue_since_short: date_in_words(day_after(due_by(letter).unwrap_or(deadline.ends_on))),
            today: day_in_words(matter.today),
            is_last_day: matter.today == deadline.ends_on,
            working_days: matter.working_days.map(working_days_in_words),
            counts_import_day: matter.counts_import_day,
            own_date: matter.own_date,
            follows_import: matter.follows_import,
            free_day: matter.free_day.as_deref(),
            revision: matter.revision,
            correction: correction.map(|facts| CorrectionContext {
                stated_before: day_in_words(facts.stated_before),
                ended_before: day_in_words(facts.ended_before),
                ended_later: facts.ended_before != facts.stated_before,
                reason: facts.reason.trim(),
            }),
        }
    }
}

#[derive(Serialize, Debug)]
struct CorrectionContext<'a> {
    stated_before: String,
    ended_before: String,
    ended_later: bool,
    reason: &'a str,
}

#[derive(Serialize, Debug)]
struct AuthorityContext<'a> {
    name: &'a str,
    missing: &'a [String],
    is_partial: bool,
    /// The word for what is recorded, if nothing more is owed.
    settled: Option<String>,
    extended_to: Option<String>,
    /// `„A“, „B“ und „C“`; empty if its report includes nobody's.
    includes: String,
}

impl<'a> AuthorityContext<'a> {
    fn of(line: &'a AuthorityLine) -> Self {
        Self {
            name: &line.name,
            missing: &line.missing,
            is_partial: line.is_partial,
            settled: line.settled.as_ref().map(state_in_words),
            extended_to: line.extended_to.map(day_in_words),
            includes: quoted_list(&line.includes),
        }
    }
}

/// Names in quotes, with commas and an "und" before the last.
fn quoted_list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("„{name}“")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [others @ .., last] => format!("{} und {last}", others.join(", ")),
    }
}

#[derive(Serialize, Debug)]
struct ReportContext<'a> {
    district: &'static str,
    authorities_total: usize,
    months_known: u32,
    cases: Vec<CaseContext<'a>>,
    silent_total: usize,
    partial_total: usize,
}

impl<'a> ReportContext<'a> {
    fn of(report: &'a EscalationReport, letter: &'a Letter) -> Self {
        let cases: Vec<_> = report.cases.iter().map(|case| CaseContext::of(case, letter)).collect();
        Self {
            district: report.district.in_words(),
            authorities_total: report.authorities_total,
            months_known: report.months_known,
            silent_total: cases.iter().filter(|case| case.is_silent).count(),
            partial_total: cases.iter().filter(|case| case.is_partial).count(),
            cases,
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
    days_overdue: i64,
    dispatches: Vec<DispatchContext>,
    months_missed: u32,
    settled_at: Option<String>,
}

impl<'a> CaseContext<'a> {
    fn of(case: &'a Case, letter: &'a Letter) -> Self {
        let settled = case.standing.is_settled();
        Self {
            name: &case.name,
            standing: standing_in_words(&case.standing, letter),
            is_silent: matches!(case.standing.state, ReceiptState::Missing),
            is_partial: matches!(case.standing.state, ReceiptState::Partial { .. }),
            missing: &case.missing,
            days_overdue: case.days_overdue,
            dispatches: case.dispatches.iter().map(|dispatch| DispatchContext::of(dispatch, letter)).collect(),
            months_missed: case.months_missed,
            settled_at: case.standing.since.filter(|_| settled).map(|since| instant_in_words(since, letter.zone)),
        }
    }
}

/// The word for a standing, in words that stand alone in a table (M1).
pub(super) fn standing_in_words(standing: &Standing, letter: &Letter) -> String {
    let words = state_in_words(&standing.state);
    // an extension that a corrected deadline outlived says nothing any more
    let is_later = |until: &NaiveDate| letter.matter.as_ref().is_some_and(|matter| *until > matter.deadline.ends_on);
    match standing.extended_to.filter(is_later) {
        Some(until) if !standing.is_settled() => format!("{words}; Frist war verlängert bis {}", date_in_words(until)),
        _ => words,
    }
}

fn state_in_words(state: &ReceiptState) -> String {
    match state {
        ReceiptState::Missing => "keine Meldung".into(),
        ReceiptState::Partial { .. } => "unvollständig".into(),
        ReceiptState::Complete => "vollständig".into(),
        ReceiptState::Nil => "Fehlanzeige".into(),
        ReceiptState::Excused { .. } => "entschuldigt".into(),
        ReceiptState::Extended { until, .. } => format!("Frist verlängert bis {}", date_in_words(*until)),
        ReceiptState::Exempt { .. } => "nicht meldepflichtig".into(),
    }
}

#[derive(Serialize, Debug)]
struct DispatchContext {
    kind: &'static str,
    is_delivered: bool,
    delivered_at: Option<String>,
    returned_at: Option<String>,
}

impl DispatchContext {
    fn of(dispatch: &Dispatch, letter: &Letter) -> Self {
        Self {
            kind: if dispatch.kind == NoticeKind::Overdue { "Mitteilung nach Fristablauf" } else { "Erinnerung" },
            is_delivered: dispatch.accepted_at.is_some(),
            delivered_at: dispatch.accepted_at.map(|at| instant_in_words(at, letter.zone)),
            returned_at: dispatch.returned_at.map(|at| instant_in_words(at, letter.zone)),
        }
    }
}

#[derive(Serialize, Debug)]
struct SummaryContext<'a> {
    districts: Vec<TallyContext>,
    total: TallyContext,
    outstanding_total: usize,
    missing: Vec<DistrictNames<'a>>,
    unreachable: Vec<DistrictNames<'a>>,
}

impl<'a> SummaryContext<'a> {
    fn of(summary: &'a Summary) -> Self {
        let total = TallyContext::of("Gesamt", summary.districts.values().copied().fold(Tally::default(), add));
        Self {
            districts: summary
                .districts
                .iter()
                .map(|(district, tally)| TallyContext::of(district.in_words(), *tally))
                .collect(),
            outstanding_total: total.partial + total.missing,
            total,
            missing: by_district(&summary.missing),
            unreachable: by_district(&summary.unreachable),
        }
    }
}

#[derive(Serialize, Debug)]
struct TallyContext {
    name: &'static str,
    total: usize,
    complete: usize,
    late: usize,
    nil: usize,
    excused: usize,
    partial: usize,
    missing: usize,
    unreachable: usize,
}

impl TallyContext {
    fn of(name: &'static str, tally: Tally) -> Self {
        let Tally { total, complete, late, nil, excused, partial, missing, unreachable } = tally;
        Self { name, total, complete, late, nil, excused, partial, missing, unreachable }
    }
}

fn add(sum: Tally, one: Tally) -> Tally {
    Tally {
        total: sum.total + one.total,
        complete: sum.complete + one.complete,
        late: sum.late + one.late,
        nil: sum.nil + one.nil,
        excused: sum.excused + one.excused,
        partial: sum.partial + one.partial,
        missing: sum.missing + one.missing,
        unreachable: sum.unreachable + one.unreachable,
    }
}

#[derive(Serialize, Debug)]
struct DistrictNames<'a> {
    district: &'static str,
    names: Vec<&'a str>,
}

fn by_district(lines: &[Outstanding]) -> Vec<DistrictNames<'_>> {
    District::ALL
        .into_iter()
        .map(|district| DistrictNames {
            district: district.in_words(),
            names: lines.iter().filter(|line| line.district == district).map(|line| line.name.as_str()).collect(),
        })
        .filter(|group| !group.names.is_empty())
        .collect()
}

#[derive(Serialize, Debug)]
struct AlertContext<'a> {
    headline: &'a str,
    detail: &'a str,
}

impl<'a> AlertContext<'a> {
    fn of(line: &'a AlertLine) -> Self {
        Self { headline: line.headline.trim(), detail: line.detail.trim() }
    }
}

/// `zehn Arbeitstage`, in the accusative.
fn working_days_in_words(count: u32) -> String {
    const WORDS: [&str; 11] =
        ["zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf"];
    match count {
        1 => "einen Arbeitstag".into(),
        2..=12 => format!("{} Arbeitstage", WORDS[count as usize - 2]),
        _ => format!("{count} Arbeitstage"),
    }
}

/// The last day that the authorities of a letter had, if an extension gave each of them more time than the deadline.
fn due_by(letter: &Letter) -> Option<NaiveDate> {
    letter.authorities.iter().map(|line| line.extended_to).min().flatten()
}

fn day_after(date: NaiveDate) -> NaiveDate {
    date.checked_add_days(Days::new(1)).unwrap_or(date)
}
