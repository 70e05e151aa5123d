//! Decides what is due now: which notices to queue, skip or hold (N1–N11). Never reads the clock or the store.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};

use super::audience::Audiences;
use super::calendar::CalendarError;
use super::correction::{Reconciled, corrections, newest_told, reconcile};
use super::cycle::{self, OwnDateFinding};
use super::dates::{Month, day_in_words, end_of_day};
use super::deadline::{Deadline, Revision};
use super::delivery::State;
use super::duty::{DeadlineRule, Duty, DutyId, NoticeKind};
use super::facts::{CycleFacts, View};
use super::ladder::{Ladder, Rung};
use super::notice::{Alert, NewNotice, Said};
use super::restored::hold_unknown;
use super::roster::{AuthorityId, Mailbox, OfficeId, Owner};

/// What is to be done about a duty's cycle.
#[derive(Clone, Debug)]
pub struct CyclePlan {
    /// The cycle.
    pub month: Month,
    /// The duty.
    pub duty: DutyId,
    /// The deadline to be frozen before anything is said (F5).
    pub freeze: Option<Revision>,
    /// Notices to be queued.
    pub queue: Vec<NewNotice>,
    /// Steps that were planned or skipped now for the first time.
    pub record: Vec<StepRecord>,
    /// What the ZRK must look at.
    pub alerts: Vec<Alert>,
}

/// That a step was planned or skipped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepRecord {
    /// The cycle.
    pub month: Month,
    /// The duty.
    pub duty: DutyId,
    /// The step's id.
    pub step: String,
    /// What it says.
    pub kind: NoticeKind,
    /// The revision.
    pub revision: u32,
    /// When its time came.
    pub due_at: DateTime<Utc>,
    /// Why it was skipped; none if it was planned.
    pub skipped: Option<String>,
}

/// Plans one duty's cycle: everything that should have been said by now and was not.
///
/// # Errors
/// If the calendar does not reach so far.
pub fn plan_cycle(view: View<'_>, duty: &Duty, month: Month, facts: &CycleFacts) -> Result<CyclePlan, CalendarError> {
    let duty_id = duty.id.clone();
    let mut plan =
        CyclePlan { month, duty: duty_id, freeze: None, queue: Vec::new(), record: Vec::new(), alerts: Vec::new() };
    let mut dates = facts.dates.clone();
    let ladder_before = Ladder::new(view.rulebook, duty, month, &dates, &facts.next_dates)?;
    if ladder_before.is_closed(view.now) {
        record_steps(view, &ladder_before, facts, &mut plan);
        return Ok(plan);
    }
    if ladder_before.awaits_signal {
        plan.alerts.extend(late_import(view, month, &ladder_before.deadline));
        return Ok(plan);
    }
    let unfit = unfit_own_date(view, duty, month, facts)?;
    let is_unfit = unfit.is_some();
    plan.alerts.extend(unfit);
    if is_unfit && facts.dates.revisions.is_empty() {
        return Ok(plan); // nothing is announced that the ZRK would have been refused (F4)
    }
    // nor is what was announced corrected to it
    if let Some(told) = facts.dates.revisions.last().filter(|_| !is_unfit) {
        let computed = cycle::deadline(view.rulebook, duty, month, facts.dates.signal.as_ref())?;
        match reconcile(view, duty, month, told, computed) {
            Reconciled::Unchanged => {}
            Reconciled::Deviates(alert) => plan.alerts.push(alert),
            Reconciled::Corrected(revision) => {
                dates.revisions.push(revision.clone());
                plan.freeze = Some(revision);
            }
        }
    }
    let ladder = Ladder::new(view.rulebook, duty, month, &dates, &facts.next_dates)?;
    let audience = Audiences { view, facts, ends_on: ladder.deadline.ends_on };
    let corrections = match dates.revisions.as_slice() {
        [before @ .., current] if !before.is_empty() => corrections(view, &ladder, facts, before, current),
        _ => Vec::new(),
    };
    plan_steps(view, &ladder, facts, &audience, &corrections, &mut plan);
    plan.queue.extend(corrections);
    plan.queue.extend(all_clears(view, &ladder, facts, &audience));
    if let Some(doubt) = needs_person(view, facts, &ladder, &dates.revisions).filter(|_| !plan.queue.is_empty()) {
        plan.queue.iter_mut().for_each(|notice| notice.hold = Some(doubt.as_str().to_owned()));
        plan.alerts.push(held_alert(&ladder, doubt, &plan.queue));
    }
    plan.alerts.extend(hold_unknown(&ladder, facts.restored_at, &mut plan.queue));
    if dates.revisions.is_empty() && !plan.queue.is_empty() {
        plan.freeze = Some(Revision { number: 1, deadline: ladder.deadline, reason: None, frozen_at: view.now });
    }
    Ok(plan)
}

/// The mailboxes in which the ZRK can be reached, each with the office whose it is.
pub fn zrk_mailboxes(view: View<'_>) -> BTreeMap<Mailbox, OfficeId> {
    let mut mailboxes = BTreeMap::new();
    for office in view.roster.zrk() {
        for contact in view.roster.contacts_of(&Owner::Office(office.id.clone()), view.today()) {
            if !view.flagged.contains(&contact.mailbox) {
                mailboxes.insert(contact.mailbox.clone(), office.id.clone());
            }
        }
    }
    mailboxes
}

/// The notices that tell the ZRK's mailboxes about alerts, under a key made from the first of them.
pub fn zrk_notices(view: View<'_>, alerts: &[Alert]) -> Vec<NewNotice> {
    let Some(first) = alerts.first() else { return Vec::new() };
    let step = format!("zrk-notice:{}", first.key);
    let today = view.today();
    zrk_mailboxes(view)
        .into_iter()
        .map(|(mailbox, office)| NewNotice {
            month: Month::of(today),
            duty: None,
            step: step.clone(),
            kind: NoticeKind::ZrkNotice,
            revision: 1,
            mailbox,
            office: Some(office),
            authorities: Vec::new(),
            due_at: view.now,
            hold: None,
        })
        .collect()
}

/// Judges a date that the ZRK set itself once more, when the import was signalled for another day than was planned (F4).
fn unfit_own_date(
    view: View<'_>,
    duty: &Duty,
    month: Month,
    facts: &CycleFacts,
) -> Result<Option<Alert>, CalendarError> {
    let own = view.rulebook.entries.get(&month).and_then(|entry| entry.own_dates.get(&duty.id));
    let (Some(own), Some(signal), DeadlineRule::Window { working_days, .. }) =
        (own, &facts.dates.signal, duty.deadline)
    else {
        return Ok(None);
    };
    let finding = cycle::judge_own_date(duty, signal.import_on, *own, working_days)?;
    let is_refused = *own <= signal.import_on
        || matches!(finding, Some(OwnDateFinding::TooFewWerktage { .. } | OwnDateFinding::FreeDay { .. }));
    Ok(is_refused.then(|| Alert {
        key: format!("own-date:{month}:{}:{own}:{}", duty.id, signal.import_on),
        headline: format!("Eigene Frist {} {} ist zu kurz", duty.module, month.in_words()),
        detail: format!(
            "Der Datenimport wurde für {} bestätigt. Bis zur festgelegten Frist, {}, bleiben damit weniger als {working_days} \
             Werktage. Bitte das Datum in cycles.toml beim Monat {month} ändern oder streichen; bis dahin wird nichts Neues \
             angekündigt.",
            day_in_words(signal.import_on),
            day_in_words(*own)
        ),
    }))
}

/// Asks the ZRK about an import that was expected and not signalled.
fn late_import(view: View<'_>, month: Month, expected: &Deadline) -> Option<Alert> {
    (end_of_day(view.rulebook.zone, expected.import_on) <= view.now).then(|| Alert {
        key: format!("import-late:{month}"),
        headline: format!("Datenimport {} nicht bestätigt", month.in_words()),
        detail: format!(
            "Der Datenimport war für {} vorgesehen und ist nicht bestätigt. Bis dahin wird die Frist nicht mitgeteilt. Ist der \
             Import erfolgt, bitte „fristd cycle imported {month} --on JJJJ-MM-TT“ aufrufen.",
            day_in_words(expected.import_on)
        ),
    })
}

fn plan_steps(
    view: View<'_>,
    ladder: &Ladder<'_>,
    facts: &CycleFacts,
    audience: &Audiences<'_>,
    corrections: &[NewNotice],
    plan: &mut CyclePlan,
) {
    record_steps(view, ladder, facts, plan);
    // a notice that was withdrawn because nobody was missing is called for again when somebody is
    let said: HashSet<(&str, u32, &Mailbox)> = facts
        .said
        .iter()
        .filter(|said| said.state != State::Withdrawn || said.is_discarded)
        .map(|said| (said.step.as_str(), said.revision, &said.mailbox))
        .collect();
    for rung in ladder.rungs.iter().filter(|rung| rung.is_live(view.now)) {
        let notices = step_notices(ladder, rung, facts, audience, corrections);
        let is_new = |new: &NewNotice| !said.contains(&(new.step.as_str(), new.revision, &new.mailbox));
        plan.queue.extend(notices.into_iter().filter(is_new));
    }
}

/// Records steps whose time has come for the first time; those that are no longer live as skipped, with the reason (N3).
fn record_steps(view: View<'_>, ladder: &Ladder<'_>, facts: &CycleFacts, plan: &mut CyclePlan) {
    let is_new = |rung: &&Rung<'_>| !facts.recorded.contains(&(rung.step.id.clone(), ladder.revision));
    for rung in ladder.rungs.iter().filter(|rung| rung.due_at <= view.now).filter(is_new) {
        plan.record.push(StepRecord {
            month: ladder.month,
            duty: ladder.duty.id.clone(),
            step: rung.step.id.clone(),
            kind: rung.step.kind,
            revision: ladder.revision,
            due_at: rung.due_at,
            skipped: (!rung.is_live(view.now)).then(|| rung.ends_because.clone()),
        });
    }
}

/// One notice a mailbox that a live step addresses (N4).
fn step_notices(
    ladder: &Ladder<'_>,
    rung: &Rung<'_>,
    facts: &CycleFacts,
    audience: &Audiences<'_>,
    corrections: &[NewNotice],
) -> Vec<NewNotice> {
    let step = rung.step;
    let is_later_summary = step.kind == NoticeKind::Summary && facts.has_other_summary(&step.id, ladder.revision);
    if is_later_summary && !audience.is_anybody_to_escalate() {
        return Vec::new();
    }
    let mut recipients = audience.of_step(step);
    if step.kind == NoticeKind::Announcement && ladder.revision > 1 {
        // who was told an earlier date, or stands in for one who was, gets a correction instead
        let is_corrected = |said: &Said| said.kind == NoticeKind::Correction && said.revision == ladder.revision;
        let corrected = facts.said.iter().filter(|said| said.has_reached() || is_corrected(said));
        for mailbox in corrected.map(|said| &said.mailbox).chain(corrections.iter().map(|new| &new.mailbox)) {
            recipients.remove(mailbox);
        }
    }
    recipients
        .into_iter()
        .map(|(mailbox, recipient)| NewNotice {
            month: ladder.month,
            duty: Some(ladder.duty.id.clone()),
            step: step.id.clone(),
            kind: step.kind,
            revision: ladder.revision,
            mailbox,
            // a mailbox that is an authority's as well is written to as that authority's
            office: recipient
                .office
                .filter(|_| step.kind.names_missing_to_office() || recipient.authorities.is_empty()),
            authorities: recipient.authorities.into_iter().collect(),
            due_at: rung.due_at,
            hold: None,
        })
        .collect()
}

/// Why everything of a revision waits for a person (N9).
#[derive(Clone, Copy)]
enum Doubt {
    /// The deadline that was told was over when it was corrected.
    ToldWasOver,
    /// The new deadline was over when it was set.
    NewIsOver,
    /// The deadline was over before this store existed and could have announced it or known a report.
    OlderThanStore,
}

impl Doubt {
    fn as_str(self) -> &'static str {
        match self {
            Self::ToldWasOver => "the deadline that is corrected was over",
            Self::NewIsOver => "the corrected deadline is over already",
            Self::OlderThanStore => "the deadline was over before this database existed; who has reported is not known",
        }
    }
}

/// Why everything of the revision in force waits for a person, as long as nothing of it was released. Who discards a correction
/// has not said that the new date holds, so that what follows from it waits as well.
fn needs_person(view: View<'_>, facts: &CycleFacts, ladder: &Ladder<'_>, revisions: &[Revision]) -> Option<Doubt> {
    let end_of = |deadline: &Deadline| end_of_day(view.rulebook.zone, deadline.ends_on);
    let is_released = |said: &Said| {
        said.revision == ladder.revision && !matches!(said.state, State::Held | State::Withdrawn | State::Skipped)
    };
    if facts.said.iter().any(is_released) {
        return None;
    }
    if let [before @ .., current] = revisions
        && let Some(told) = newest_told(facts.said.iter(), before).or(before.last())
    {
        if end_of(&told.deadline) <= current.frozen_at {
            return Some(Doubt::ToldWasOver);
        }
        if end_of(&current.deadline) <= current.frozen_at {
            return Some(Doubt::NewIsOver);
        }
    }
    let is_older = facts.known_since.is_some_and(|since| end_of(&ladder.deadline) <= since);
    is_older.then_some(Doubt::OlderThanStore)
}

/// Told anew with each step that comes to wait, so that none waits unnoticed.
fn held_alert(ladder: &Ladder<'_>, doubt: Doubt, held: &[NewNotice]) -> Alert {
    let (duty, month, revision) = (ladder.duty, ladder.month, ladder.revision);
    let newest = held.iter().max_by_key(|notice| (notice.due_at, &notice.step)).map_or("", |notice| &notice.step);
    let steps: BTreeSet<&str> = held.iter().map(|notice| notice.step.as_str()).collect();
    let ends_on = day_in_words(ladder.deadline.ends_on);
    let why = match doubt {
        Doubt::ToldWasOver => format!(
            "Die mitgeteilte Frist war schon abgelaufen, als sie auf den Fristablauf {ends_on} korrigiert wurde."
        ),
        Doubt::NewIsOver => {
            format!("Die korrigierte Frist, {ends_on}, war schon abgelaufen, als sie festgelegt wurde.")
        }
        Doubt::OlderThanStore => {
            format!("Die Frist am {ends_on} war schon abgelaufen, als dieser Datenbestand begann.")
        }
    };
    Alert {
        key: format!("held:{month}:{}:{revision}:{newest}", duty.id),
        headline: format!("Mitteilungen {} {} zurückgehalten", duty.module, month.in_words()),
        detail: format!(
            "{why} Zurückgehalten werden {} Mitteilungen der Stufe {}. Was weiter dazu fällig wird, wartet ebenso, bis etwas davon \
             mit „fristd outbox release --month {month}“ freigegeben wird; mit „fristd outbox discard --month {month}“ wird \
             Zurückgehaltenes verworfen.{}",
            held.len(),
            steps.into_iter().collect::<Vec<_>>().join(", "),
            match doubt {
                Doubt::OlderThanStore => "",
                _ =>
                    " War die Korrektur ein Versehen, sind das Datum in cycles.toml zu berichtigen und ein neuer Grund einzutragen.",
            }
        ),
    }
}

/// The all-clear to each RRK's mailbox that got an escalation, when all that was escalated has settled (N7).
fn all_clears(view: View<'_>, ladder: &Ladder<'_>, facts: &CycleFacts, audience: &Audiences<'_>) -> Vec<NewNotice> {
    let today = view.today();
    let mut notices = Vec::new();
    for (office, district) in view.roster.rrk() {
        let reports: Vec<&Said> = facts
            .said
            .iter()
            .filter(|said| {
                said.kind == NoticeKind::Escalation && said.office.as_ref() == Some(&office.id) && said.has_reached()
            })
            .collect();
        let Some(newest) = reports.iter().max_by_key(|said| (said.revision, said.due_at)) else { continue };
        let still_owes = |authority: &&AuthorityId| view.roster.owes(authority, ladder.deadline.ends_on);
        let escalated: BTreeSet<AuthorityId> =
            reports.iter().flat_map(|said| said.authorities.iter()).filter(still_owes).cloned().collect();
        let is_complete = escalated.iter().all(|authority| facts.is_settled(authority));
        if escalated.is_empty() || !is_complete || !audience.to_escalate(district).is_empty() {
            continue;
        }
        let owner = Owner::Office(office.id.clone());
        let told: HashSet<&Mailbox> = reports
            .iter()
            .flat_map(|said| view.roster.in_place_of(&owner, &said.mailbox, today))
            .map(|contact| &contact.mailbox)
            .collect();
        for contact in view.roster.contacts_of(&owner, today) {
            let mailbox = &contact.mailbox;
            let earlier = facts.said.iter().filter(|said| {
                said.kind == NoticeKind::AllClear && said.mailbox == *mailbox && said.revision >= newest.revision
            });
            let Some(step) = all_clear_step(&newest.step, earlier) else { continue };
            // if none of the mailboxes that were told is the office's any more, its present ones are
            if (told.is_empty() || told.contains(mailbox)) && !view.flagged.contains(mailbox) {
                notices.push(NewNotice {
                    month: ladder.month,
                    duty: Some(ladder.duty.id.clone()),
                    step,
                    kind: NoticeKind::AllClear,
                    revision: ladder.revision,
                    mailbox: mailbox.clone(),
                    office: Some(office.id.clone()),
                    authorities: escalated.iter().cloned().collect(),
                    due_at: view.now,
                    hold: None,
                });
            }
        }
    }
    notices
}

/// The step of an all-clear: it belongs to the newest escalation, so that a new one can be followed by a new all-clear. None
/// if that was said; with a number after one that was withdrawn because somebody was missing again.
fn all_clear_step<'a>(escalation: &str, earlier: impl Iterator<Item = &'a Said>) -> Option<String> {
    let base = format!("{}:{escalation}", NoticeKind::AllClear);
    let same: Vec<&Said> = earlier.filter(|said| said.step.starts_with(&base)).collect();
    if same.iter().any(|said| said.state != State::Withdrawn) {
        return None;
    }
    Some(if same.is_empty() { base } else { format!("{base}:{}", same.len() + 1) })
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "all_clear_tests.rs"]
mod all_clear_tests;

#[cfg(test)]
#[path = "plan_laws_tests.rs"]
mod laws;
