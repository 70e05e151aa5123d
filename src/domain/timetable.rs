//! Every notice to come, from settings and roster alone. Never looks at what has happened.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::calendar::CalendarError;
use super::dates::{Month, local_date};
use super::deadline::Deadline;
use super::duty::{Audience, DutyId, NoticeKind};
use super::ladder::{DateFacts, Ladder};
use super::roster::{Mailbox, OfficeKind, Owner, Roster};
use super::rulebook::Rulebook;

/// One step to come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// When its time comes.
    pub at: DateTime<Utc>,
    /// The cycle.
    pub month: Month,
    /// The duty.
    pub duty: DutyId,
    /// The step's id.
    pub step: String,
    /// What it says.
    pub kind: NoticeKind,
    /// Who gets it.
    pub to: Vec<Audience>,
    /// To how many mailboxes, if everybody is missing.
    pub mails: usize,
    /// The deadline that it is about.
    pub deadline: Deadline,
    /// What applies because the day is free (F3).
    pub free_day: Option<String>,
}

/// All steps of `count` cycles from `from` on, in order of time. A reminder that another one replaces at the same instant
/// (N3), and a step after its cycle has closed (F7), never come and are left out.
///
/// # Errors
/// If the calendar does not reach so far.
pub fn timetable(rulebook: &Rulebook, roster: &Roster, from: Month, count: u32) -> Result<Vec<Entry>, CalendarError> {
    let mut entries = Vec::new();
    let untold = DateFacts::default();
    for month in (0..count).map(|offset| from.plus(offset as i32)) {
        for duty in &rulebook.duties {
            let mut ladder = Ladder::new(rulebook, duty, month, &untold, &untold)?;
            if ladder.awaits_signal {
                // on-signal: show what comes if the import is signalled on its expected day
                let by_date = Rulebook { announce: super::rulebook::Announce::OnDate, ..rulebook.clone() };
                entries.extend(of_ladder(&Ladder::new(&by_date, duty, month, &untold, &untold)?, rulebook, roster));
                ladder.rungs.clear();
            }
            entries.extend(of_ladder(&ladder, rulebook, roster));
        }
    }
    entries.sort_by_key(|entry| entry.at);
    Ok(entries)
}

fn of_ladder(ladder: &Ladder<'_>, rulebook: &Rulebook, roster: &Roster) -> Vec<Entry> {
    let free_day = super::cycle::free_day_sentence(ladder.duty, ladder.month, &ladder.deadline);
    ladder
        .rungs
        .iter()
        .filter(|rung| !rung.is_never_live())
        .map(|rung| Entry {
            at: rung.due_at,
            month: ladder.month,
            duty: ladder.duty.id.clone(),
            step: rung.step.id.clone(),
            kind: rung.step.kind,
            to: rung.step.to.clone(),
            mails: mailboxes(roster, &rung.step.to, rulebook, rung.due_at, ladder.deadline),
            deadline: ladder.deadline,
            free_day: free_day.clone(),
        })
        .collect()
}

/// How many mailboxes an audience has on a day, if everybody who owes the report is missing.
fn mailboxes(
    roster: &Roster,
    to: &[Audience],
    rulebook: &Rulebook,
    at: DateTime<Utc>,
    Deadline { ends_on, .. }: Deadline,
) -> usize {
    let day = local_date(at, rulebook.zone);
    let owner_is_meant = |owner: &Owner| {
        to.iter().any(|audience| match (audience, owner) {
            (Audience::Users | Audience::Missing, Owner::Authority(id)) => roster.owes(id, ends_on),
            (Audience::Office(wanted), Owner::Office(id)) => wanted == id,
            (Audience::Rrk, Owner::Office(id)) => {
                matches!(roster.office(id).map(|office| office.kind), Some(OfficeKind::Rrk(_)))
            }
            (Audience::Zrk, Owner::Office(id)) => roster.office(id).map(|office| office.kind) == Some(OfficeKind::Zrk),
            _ => false,
        })
    };
    let meant: BTreeSet<&Mailbox> = roster
        .contacts()
        .iter()
        .filter(|contact| contact.is_valid_on(day) && owner_is_meant(&contact.owner))
        .filter(|contact| !roster.is_stood_in_for(&contact.owner, &contact.mailbox, day))
        .map(|contact| &contact.mailbox)
        .collect();
    meant.len()
}

#[cfg(test)]
#[path = "timetable_tests.rs"]
mod tests;
