//! What a mail says, as facts. Never a sentence of a template and never an address; `mail` turns it into text.

use std::collections::HashMap;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::correction::newest_told;
use super::cycle::free_day_sentence;
use super::dates::Month;
use super::deadline::Deadline;
use super::duty::{DeadlineRule, NoticeKind};
use super::escalation::{Earlier, EscalationReport, ReportFacts};
use super::facts::{CycleFacts, View};
use super::ladder::Ladder;
use super::notice::{Alert, NewNotice, Said};
use super::past::Missed;
use super::roster::{AuthorityId, OfficeKind};
use super::rulebook::{DocumentFormat, Letterhead};
use super::standing::{Receipt, ReceiptState, Standing};
use super::summary::{LongSilence, Summary};
use super::window::last_day;

/// Everything that a template may say about one notice. One mailbox gets one letter (M2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Letter {
    /// Which template is meant.
    pub kind: NoticeKind,
    /// The zone in which instants are told.
    pub zone: Tz,
    /// How letters present themselves.
    pub letterhead: Letterhead,
    /// The cycle.
    pub month: Month,
    /// The duty and its deadline; none in a notice to the ZRK.
    pub matter: Option<Matter>,
    /// The authorities that the mailbox answers for and the notice is about; empty for offices.
    pub authorities: Vec<AuthorityLine>,
    /// The office's name, if it goes to one.
    pub office: Option<String>,
    /// An escalation, or the list that an all-clear refers to.
    pub report: Option<EscalationReport>,
    /// A summary for the ZRK.
    pub summary: Option<Summary>,
    /// Who has been missing for several cycles running.
    pub long_silence: Option<LongSilence>,
    /// What the ZRK must look at.
    pub alerts: Vec<AlertLine>,
    /// Which documents go with the report; whoever makes them takes out what could not be made.
    pub attachments: Vec<DocumentFormat>,
}

/// The duty that a letter is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Matter {
    /// `planning`.
    pub duty: String,
    /// `Meldung im Planungsmodul`.
    pub title: String,
    /// `APS-Planungsmodul`.
    pub module: String,
    /// The titles of all parts.
    pub parts: Vec<String>,
    /// The month that the report is about.
    pub period: Month,
    /// The deadline in force.
    pub deadline: Deadline,
    /// The local day on which the letter goes out.
    pub today: NaiveDate,
    /// The length of the window, if the deadline is one by the rule.
    pub working_days: Option<u32>,
    /// Whether an import day that is worked counts as the first of the window (F2).
    pub counts_import_day: bool,
    /// Whether the ZRK set the date itself (F4).
    pub own_date: bool,
    /// Whether the deadline hangs on the import date.
    pub follows_import: bool,
    /// What applies because the day is free (F3).
    pub free_day: Option<String>,
    /// From 1; counts corrections.
    pub revision: u32,
    /// What was told before, and why that changed; of a correction.
    pub correction: Option<CorrectionFacts>,
}

/// What a correction replaces (F5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CorrectionFacts {
    /// The date that was stated before.
    pub stated_before: NaiveDate,
    /// The last day before.
    pub ended_before: NaiveDate,
    /// The ZRK's reason.
    pub reason: String,
}

/// One authority in a letter to its users.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuthorityLine {
    /// Its name.
    pub name: String,
    /// The titles of the parts that are missing.
    pub missing: Vec<String>,
    /// Whether some parts are there.
    pub is_partial: bool,
    /// What is recorded if nothing more is owed (S1); none while an extension runs.
    pub settled: Option<ReceiptState>,
    /// The last day of an extension beyond the deadline, run out or not.
    pub extended_to: Option<NaiveDate>,
    /// Names of the authorities that its report includes, because it reports for them now.
    pub includes: Vec<String>,
}

/// One thing that the ZRK must look at, in German.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlertLine {
    /// A headline of a few words.
    pub headline: String,
    /// What happened, to what, and what to do.
    pub detail: String,
}

/// What reports look at besides the facts of the cycle.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Who missed how many of the last twelve cycles.
    pub missed: Missed,
    /// What else an authority owes of this month and is overdue: module and period of other duties.
    pub also_missing: HashMap<AuthorityId, Vec<String>>,
    /// The last day of an authority's extension that has run out.
    pub extended_to: HashMap<AuthorityId, NaiveDate>,
    /// Whether an authority was in time.
    pub in_time: HashMap<AuthorityId, bool>,
    /// The receipts of the cycle in the order in which they were recorded; of one that is not named there is none.
    pub receipts: HashMap<AuthorityId, Vec<Receipt>>,
}

/// Composes the letter that a notice of a duty becomes.
pub fn compose(
    view: View<'_>,
    ladder: &Ladder<'_>,
    facts: &CycleFacts,
    history: &History,
    notice: &NewNotice,
) -> Letter {
    let reports = ReportFacts {
        roster: view.roster,
        duty: ladder.duty,
        ends_on: ladder.deadline.ends_on,
        today: view.today(),
        standings: &facts.standings,
        flagged: view.flagged,
        said: &facts.said,
        missed: &history.missed,
        also_missing: &history.also_missing,
        extended_to: &history.extended_to,
        receipts: &history.receipts,
        zone: view.rulebook.zone,
    };
    let office = notice.office.as_deref().and_then(|id| view.roster.office(id));
    let district = office.and_then(|office| match office.kind {
        OfficeKind::Rrk(district) => Some(district),
        _ => None,
    });
    let earlier = Earlier::than(notice, &facts.said);
    let report = match (notice.kind, district) {
        (NoticeKind::Escalation, Some(district)) => Some(reports.escalation(district, &earlier)),
        (NoticeKind::AllClear, Some(district)) => Some(reports.all_clear(district, &earlier, &notice.authorities)),
        _ => None,
    };
    // an escalation to an office without a district of its own shows the whole state
    let is_for_state =
        notice.kind == NoticeKind::Summary || (notice.kind == NoticeKind::Escalation && district.is_none());
    let summary = || reports.summary(|authority| history.in_time.get(authority).copied());
    let missed_cycles = ladder.rung(&notice.step).and_then(|rung| rung.step.missed_cycles);
    let long_silence = missed_cycles.map(|cycles| summary().long_silence(cycles, &notice.authorities));
    let summary = is_for_state.then(summary);
    let attachments = match report.is_some() && notice.kind == NoticeKind::Escalation {
        true => view.rulebook.letterhead.attach.clone(),
        false => Vec::new(),
    };
    Letter {
        kind: notice.kind,
        zone: view.rulebook.zone,
        letterhead: view.rulebook.letterhead.clone(),
        month: ladder.month,
        matter: Some(matter(view, ladder, facts, notice)),
        authorities: if office.is_some() { Vec::new() } else { authority_lines(view, ladder, facts, notice) },
        office: office.map(|office| office.name.clone()),
        report,
        summary,
        long_silence,
        alerts: Vec::new(),
        attachments,
    }
}

/// Composes the letter that tells the ZRK about alerts.
pub fn compose_zrk_notice(view: View<'_>, notice: &NewNotice, alerts: &[Alert]) -> Letter {
    let office = notice.office.as_deref().and_then(|id| view.roster.office(id));
    let line = |alert: &Alert| AlertLine { headline: alert.headline.clone(), detail: alert.detail.clone() };
    Letter {
        kind: NoticeKind::ZrkNotice,
        zone: view.rulebook.zone,
        letterhead: view.rulebook.letterhead.clone(),
        month: notice.month,
        matter: None,
        authorities: Vec::new(),
        office: office.map(|office| office.name.clone()),
        report: None,
        summary: None,
        long_silence: None,
        alerts: alerts.iter().map(line).collect(),
        attachments: Vec::new(),
    }
}

fn matter(view: View<'_>, ladder: &Ladder<'_>, facts: &CycleFacts, notice: &NewNotice) -> Matter {
    let duty = ladder.duty;
    // the deadline may have been told under other settings (F5): say how it was counted only where the count comes to it
    let working_days = match duty.deadline {
        DeadlineRule::Window { working_days, count_import_day } => {
            let counted = last_day(&duty.calendar, ladder.deadline.import_on, working_days, count_import_day);
            (counted == Ok(ladder.deadline.ends_on)).then_some(working_days)
        }
        DeadlineRule::DayOfMonth { .. } => None,
    };
    let own = view.rulebook.entries.get(&ladder.month).and_then(|entry| entry.own_dates.get(&duty.id));
    Matter {
        duty: duty.id.to_string(),
        title: duty.title.clone(),
        module: duty.module.clone(),
        parts: duty.parts.iter().map(|part| part.title.clone()).collect(),
        period: duty.period_of(ladder.month),
        deadline: ladder.deadline,
        today: view.today(),
        working_days,
        counts_import_day: matches!(duty.deadline, DeadlineRule::Window { count_import_day: true, .. }),
        own_date: working_days.is_none() && own == Some(&ladder.deadline.stated_on),
        follows_import: duty.follows_import(),
        free_day: free_day_sentence(duty, ladder.month, &ladder.deadline),
        revision: ladder.revision,
        correction: correction(facts, notice),
    }
}

/// What a correction replaces: the date that its reader was told last, which need not be that of the revision before.
fn correction(facts: &CycleFacts, notice: &NewNotice) -> Option<CorrectionFacts> {
    let [earlier @ .., current] = facts.dates.revisions.as_slice() else { return None };
    let is_same_office = |said: &Said| said.office.is_some() && said.office == notice.office;
    let concerns_same = |said: &Said| said.authorities.iter().any(|id| notice.authorities.contains(id));
    let own = facts.said.iter().filter(|said| said.mailbox == notice.mailbox);
    // a deputy is told in the place of another
    let others = facts.said.iter().filter(|said| is_same_office(said) || concerns_same(said));
    let told = newest_told(own, earlier).or_else(|| newest_told(others, earlier)).or(earlier.last())?;
    Some(CorrectionFacts {
        stated_before: told.deadline.stated_on,
        ended_before: told.deadline.ends_on,
        reason: current.reason.clone().unwrap_or_default(),
    })
}

fn authority_lines(view: View<'_>, ladder: &Ladder<'_>, facts: &CycleFacts, notice: &NewNotice) -> Vec<AuthorityLine> {
    let line = |id: &AuthorityId| {
        let name = view.roster.authority(id)?.name.clone();
        let standing = facts.standings.get(id).cloned().unwrap_or_else(Standing::silent);
        let missing =
            standing.missing_parts(ladder.duty).iter().map(|id| ladder.duty.part_title(id).to_owned()).collect();
        let extended_to = standing.extended_to.filter(|until| *until > ladder.deadline.ends_on);
        let included = view.roster.reported_by(id, ladder.deadline.ends_on).map(|other| other.name.clone());
        let is_partial = matches!(standing.state, ReceiptState::Partial { .. });
        let is_over = standing.is_settled() && !matches!(standing.state, ReceiptState::Extended { .. });
        let settled = is_over.then_some(standing.state);
        Some(AuthorityLine { name, missing, is_partial, settled, extended_to, includes: included.collect() })
    };
    notice.authorities.iter().filter_map(line).collect()
}
