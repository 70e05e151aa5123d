//! What templates can say: a letter's facts in German words. Never decides anything about them.

use chrono::{Days, NaiveDate};
use serde::Serialize;

use super::numerals::working_days;
use super::report_context::ReportContext;
use super::silence_context::SilenceContext;
use super::summary_context::SummaryContext;
use crate::domain::Letter;
use crate::domain::dates::{date_in_words, day_in_words};
use crate::domain::duty::NoticeKind;
use crate::domain::letter::{AlertLine, AuthorityLine, Matter};
use crate::domain::rulebook::DocumentFormat;
use crate::domain::words;

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
    /// Whether the same is attached as a list and as a copy for the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    attachments: Option<AttachmentsContext>,
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
        let summary = || letter.summary.as_ref().map(|summary| SummaryContext::of(summary, letter.month));
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
            attachments: (kind == Escalation).then(|| AttachmentsContext::of(&letter.attachments)),
            alerts: (kind == ZrkNotice).then(|| letter.alerts.iter().map(AlertContext::of).collect()),
        }
    }
}

/// Which files go with the letter.
#[derive(Serialize, Debug)]
struct AttachmentsContext {
    /// The table to work with.
    xlsx: bool,
    /// The letter to be put on file.
    pdf: bool,
}

impl AttachmentsContext {
    fn of(attachments: &[DocumentFormat]) -> Self {
        let has = |format| attachments.contains(&format);
        Self { xlsx: has(DocumentFormat::Xlsx), pdf: has(DocumentFormat::Pdf) }
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
            working_days: matter.working_days.map(working_days),
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
            settled: line.settled.as_ref().map(words::state_in_words),
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
struct AlertContext<'a> {
    headline: &'a str,
    detail: &'a str,
}

impl<'a> AlertContext<'a> {
    fn of(line: &'a AlertLine) -> Self {
        Self { headline: line.headline.trim(), detail: line.detail.trim() }
    }
}

/// The last day that the authorities of a letter had, if an extension gave each of them more time than the deadline.
fn due_by(letter: &Letter) -> Option<NaiveDate> {
    letter.authorities.iter().map(|line| line.extended_to).min().flatten()
}

fn day_after(date: NaiveDate) -> NaiveDate {
    date.checked_add_days(Days::new(1)).unwrap_or(date)
}
