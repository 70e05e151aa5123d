//! Holds a deadline against what was told, and finds who is told that it changed (F5). Never queues a notice.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::dates::{Month, day_in_words};
use super::deadline::{Deadline, Revision};
use super::delivery::State;
use super::duty::{Duty, NoticeKind};
use super::facts::{CycleFacts, View};
use super::ladder::Ladder;
use super::notice::{Alert, NewNotice, Said};
use super::roster::{AuthorityId, Mailbox, OfficeId, Owner};

/// What became of a deadline that was told.
pub(super) enum Reconciled {
    /// It is what settings give.
    Unchanged,
    /// Settings give another, without a reason of its own; the ZRK is told.
    Deviates(Alert),
    /// Settings give another, with the reason.
    Corrected(Revision),
}

/// Holds what settings now give against what was told (F5).
pub(super) fn reconcile(view: View<'_>, duty: &Duty, month: Month, told: &Revision, computed: Deadline) -> Reconciled {
    let before = told.deadline;
    if before.is_told_as(&computed) {
        return Reconciled::Unchanged;
    }
    // a reason counts once: the next change needs one of its own, or it would be told with a reason that is not its own
    let correction = view.rulebook.entries.get(&month).and_then(|entry| entry.correction.clone());
    if let Some(reason) = correction.filter(|reason| told.reason.as_ref() != Some(reason)) {
        let number = told.number + 1;
        return Reconciled::Corrected(Revision {
            number,
            deadline: computed,
            reason: Some(reason),
            frozen_at: view.now,
        });
    }
    Reconciled::Deviates(Alert {
        key: format!("deviation:{month}:{}:{}:{}:{}", duty.id, told.number, computed.stated_on, computed.ends_on),
        headline: format!("Frist {} {} weicht von der Ankündigung ab", duty.module, month.in_words()),
        detail: format!(
            "Mitgeteilt wurde {} (Fristende {}), nach den jetzigen Angaben wäre es {} (Fristende {}). Es gilt weiterhin das mitgeteilte Datum. Soll das \
             neue gelten, ist in cycles.toml beim Monat {month} der Eintrag correction = \"Grund\" zu ergänzen (bei einer weiteren Änderung ein neuer Grund); dann erhalten \
             alle, denen das alte Datum mitgeteilt wurde, eine Fristkorrektur.",
            day_in_words(before.stated_on),
            day_in_words(before.ends_on),
            day_in_words(computed.stated_on),
            day_in_words(computed.ends_on),
        ),
    })
}

/// The correction to every mailbox that was told an earlier date (F5), or to who gets mail in its place today: while a deputy
/// stands in, the deputy learns the new date, and the mailbox itself when it is back. Whom a correction never reached that is
/// taken back by this one knows the date in force already.
pub(super) fn corrections(
    view: View<'_>,
    ladder: &Ladder<'_>,
    facts: &CycleFacts,
    before: &[Revision],
    current: &Revision,
) -> Vec<NewNotice> {
    let today = view.today();
    let mut said_to: HashMap<&Mailbox, Vec<&Said>> = HashMap::new();
    for said in &facts.said {
        said_to.entry(&said.mailbox).or_default().push(said);
    }
    let last_told = |mailbox: &Mailbox| newest_told(said_to[mailbox].iter().copied(), before);
    // every letter of a duty states its deadline
    let told_before: Vec<&Said> =
        facts.said.iter().filter(|said| said.has_reached() && said.revision < current.number).collect();
    let mut outdated: HashMap<&Mailbox, bool> = HashMap::new();
    for said in &told_before {
        outdated.entry(&said.mailbox).or_insert_with(|| {
            last_told(&said.mailbox).is_none_or(|told| !told.deadline.is_told_as(&current.deadline))
        });
    }
    let told_before = told_before.into_iter().filter(|said| outdated[&said.mailbox]);
    let told_now: HashSet<&Mailbox> = facts
        .said
        .iter()
        .filter(|said| said.revision == current.number && said.kind == NoticeKind::Correction)
        .filter(|said| said.state != State::Withdrawn || said.is_discarded)
        .map(|said| &said.mailbox)
        .collect();
    let mut mailboxes: BTreeMap<&Mailbox, (Option<OfficeId>, BTreeSet<AuthorityId>)> = BTreeMap::new();
    for said in told_before {
        for owner in owners_told(view, ladder, said) {
            for contact in view.roster.in_place_of(&owner, &said.mailbox, today) {
                if told_now.contains(&contact.mailbox) || view.flagged.contains(&contact.mailbox) {
                    continue;
                }
                let (office, authorities) = mailboxes.entry(&contact.mailbox).or_default();
                match &owner {
                    Owner::Office(id) => *office = Some(id.clone()),
                    Owner::Authority(id) => _ = authorities.insert(id.clone()),
                }
            }
        }
    }
    mailboxes
        .into_iter()
        .map(|(mailbox, (office, authorities))| NewNotice {
            month: ladder.month,
            duty: Some(ladder.duty.id.clone()),
            step: NoticeKind::Correction.to_string(),
            kind: NoticeKind::Correction,
            revision: current.number,
            mailbox: mailbox.clone(),
            // a mailbox that is an authority's as well is written to as that authority's
            office: office.filter(|_| authorities.is_empty()),
            authorities: authorities.into_iter().collect(),
            due_at: current.frozen_at,
            hold: None,
        })
        .collect()
}

/// As whose mailbox one was told: an office's, or that of authorities, as far as they owe the report; also of those whose
/// it is only since then.
fn owners_told(view: View<'_>, ladder: &Ladder<'_>, said: &Said) -> Vec<Owner> {
    let told: Vec<Owner> = match &said.office {
        Some(office) => vec![Owner::Office(office.clone())],
        None => said.authorities.iter().map(|id| Owner::Authority(id.clone())).collect(),
    };
    let now = view.roster.contacts_at(&said.mailbox, view.today()).map(|contact| contact.owner.clone());
    let is_concerned = |owner: &Owner| match owner {
        Owner::Authority(id) => view.roster.owes(id, ladder.deadline.ends_on),
        Owner::Office(_) => true,
    };
    told.into_iter().chain(now).filter(is_concerned).collect()
}

/// The newest of these revisions that one of these notices has told.
pub(super) fn newest_told<'a, 'b>(said: impl Iterator<Item = &'b Said>, of: &'a [Revision]) -> Option<&'a Revision> {
    let told: BTreeSet<u32> = said.filter(|said| said.has_reached()).map(|said| said.revision).collect();
    of.iter().rev().find(|revision| told.contains(&revision.number))
}

#[cfg(test)]
#[path = "correction_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "correction_laws_tests.rs"]
mod laws;
