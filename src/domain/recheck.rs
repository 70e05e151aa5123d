//! Decides again, at the moment of sending, whether a notice is still called for (N5, N6). Never sends it.

use chrono::Datelike;

use super::audience::Audiences;
use super::delivery::State;
use super::duty::NoticeKind;
use super::facts::{CycleFacts, View};
use super::ladder::Ladder;
use super::notice::NewNotice;
use super::roster::{AuthorityId, Owner};
use super::standing::{ReceiptState, Standing};

/// Why nothing more is sent to a mailbox that a person took out of the store (M8).
pub const FORGOTTEN: &str = "the contact was forgotten";

/// What to do with a notice whose turn has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Send it, about these authorities.
    Send(Vec<AuthorityId>),
    /// It is no longer called for.
    Withdraw(String),
    /// Its time is over.
    Expire(String),
}

impl Verdict {
    /// The state and the reason under which a notice that is not sent is kept.
    pub fn as_state(&self) -> Option<(State, &str)> {
        match self {
            Self::Send(_) => None,
            Self::Withdraw(reason) => Some((State::Withdrawn, reason)),
            Self::Expire(reason) => Some((State::Expired, reason)),
        }
    }
}

/// Decides on a notice of a duty, in the transaction that claims it. `facts` need the standings of its authorities, and for
/// offices' notices those of all.
pub fn recheck(view: View<'_>, ladder: &Ladder<'_>, facts: &CycleFacts, notice: &NewNotice) -> Verdict {
    if let Some(refusal) = recheck_mailbox(view, notice) {
        return refusal;
    }
    if notice.revision != ladder.revision {
        return Verdict::Withdraw(format!("the deadline was corrected; revision {} is in force", ladder.revision));
    }
    if let Some(refusal) = recheck_life(view, ladder, notice) {
        return refusal;
    }
    let served = served(view, ladder, notice);
    if notice.office.is_none() && served.is_empty() {
        return Verdict::Withdraw(why_nobody(view, ladder, facts, notice));
    }
    let audience = Audiences { view, facts, ends_on: ladder.deadline.ends_on };
    match notice.kind {
        NoticeKind::Reminder | NoticeKind::Overdue => recheck_missing(view, ladder, facts, notice, served),
        NoticeKind::Escalation | NoticeKind::LongSilence => {
            let step = ladder.rung(&notice.step).map(|rung| rung.step);
            let named = step.map(|step| audience.named_to(step, notice.office.as_ref())).unwrap_or_default();
            if named.is_empty() {
                let why = match notice.kind {
                    NoticeKind::LongSilence => "nobody is missing for so long any more",
                    _ => "nobody is missing any more",
                };
                return Verdict::Withdraw(why.to_owned());
            }
            Verdict::Send(named)
        }
        NoticeKind::Summary => {
            if facts.has_other_summary(&notice.step, notice.revision) && !audience.is_anybody_to_escalate() {
                return Verdict::Withdraw("nobody is missing any more".to_owned());
            }
            Verdict::Send(Vec::new())
        }
        NoticeKind::AllClear if is_missing_again(view, ladder, facts, notice) => {
            Verdict::Withdraw("somebody is missing again".to_owned())
        }
        NoticeKind::Announcement | NoticeKind::Correction if notice.office.is_none() => Verdict::Send(served),
        _ => Verdict::Send(notice.authorities.clone()),
    }
}

/// Decides on what holds for every notice, also one to the ZRK: a mailbox that still gets mail (N6, M6).
pub fn recheck_mailbox(view: View<'_>, notice: &NewNotice) -> Option<Verdict> {
    if view.flagged.contains(&notice.mailbox) {
        return Some(Verdict::Withdraw("mail to this mailbox was rejected; it is flagged".to_owned()));
    }
    let is_meant = |owner: &Owner| match (owner, &notice.office) {
        (Owner::Office(id), Some(office)) => id == office,
        (Owner::Authority(_), None) => true,
        _ => false,
    };
    let has_contact = view.roster.contacts_at(&notice.mailbox, view.today()).any(|contact| is_meant(&contact.owner));
    (!has_contact).then(|| Verdict::Withdraw(why_no_contact(view, notice).to_owned()))
}

fn why_no_contact(view: View<'_>, notice: &NewNotice) -> &'static str {
    let office = notice.office.iter().map(|id| Owner::Office(id.clone()));
    let mut owners = notice.authorities.iter().map(|id| Owner::Authority(id.clone())).chain(office);
    if owners.any(|owner| view.roster.is_stood_in_for(&owner, &notice.mailbox, view.today())) {
        "a deputy mailbox stands in for it"
    } else {
        "the contact has ended"
    }
}

fn recheck_life(view: View<'_>, ladder: &Ladder<'_>, notice: &NewNotice) -> Option<Verdict> {
    if ladder.is_closed(view.now) {
        return Some(Verdict::Expire("the cycle has closed".to_owned()));
    }
    if matches!(notice.kind, NoticeKind::Correction | NoticeKind::AllClear) {
        return None;
    }
    match ladder.rung(&notice.step) {
        None => Some(Verdict::Withdraw("the step is no longer in the ladder".to_owned())),
        Some(rung) if rung.live_until <= view.now => Some(Verdict::Expire(rung.ends_because.clone())),
        Some(_) => None,
    }
}

fn recheck_missing(
    view: View<'_>,
    ladder: &Ladder<'_>,
    facts: &CycleFacts,
    notice: &NewNotice,
    served: Vec<AuthorityId>,
) -> Verdict {
    let missing: Vec<AuthorityId> = served.into_iter().filter(|authority| !facts.is_settled(authority)).collect();
    if missing.is_empty() {
        return Verdict::Withdraw(why_nobody(view, ladder, facts, notice));
    }
    Verdict::Send(missing)
}

/// Why there is nobody left that a notice could be about: they reported, owe no report, or another mailbox answers for them.
fn why_nobody(view: View<'_>, ladder: &Ladder<'_>, facts: &CycleFacts, notice: &NewNotice) -> String {
    let newest = notice
        .authorities
        .iter()
        .filter_map(|authority| facts.standings.get(authority))
        .filter(|standing| standing.is_settled())
        .max_by_key(|standing| standing.since);
    if let Some(standing) = newest.filter(|_| notice.kind.is_about_missing()) {
        return settled_words(view, standing);
    }
    let ends_on = ladder.deadline.ends_on;
    let in_list = |id: &&AuthorityId| view.roster.authority(id).is_some();
    match notice.authorities.iter().filter(in_list).find(|id| !view.roster.owes(id, ends_on)) {
        Some(id) => match view.roster.reporter_of(id, ends_on) {
            Some(reporter) => format!("{id} does not owe this report; {} reports for it", reporter.id),
            None => format!("{id} does not owe this report"),
        },
        None => "its mailbox no longer answers for its authority".to_owned(),
    }
}

/// Whether somebody of an all-clear who still owes the report is missing again.
fn is_missing_again(view: View<'_>, ladder: &Ladder<'_>, facts: &CycleFacts, notice: &NewNotice) -> bool {
    let is_missing = |id: &AuthorityId| view.roster.owes(id, ladder.deadline.ends_on) && !facts.is_settled(id);
    notice.authorities.iter().any(is_missing)
}

/// The authorities that owe the report and for which the notice's mailbox answers today.
fn served(view: View<'_>, ladder: &Ladder<'_>, notice: &NewNotice) -> Vec<AuthorityId> {
    view.roster
        .contacts_at(&notice.mailbox, view.today())
        .filter_map(|contact| match &contact.owner {
            Owner::Authority(id) => Some(id.clone()),
            Owner::Office(_) => None,
        })
        .filter(|id| view.roster.owes(id, ladder.deadline.ends_on))
        .collect()
}

/// `reported on 9 December 2026, 09:12` (N5).
fn settled_words(view: View<'_>, standing: &Standing) -> String {
    let words = match &standing.state {
        ReceiptState::Nil => "reported nil".to_owned(),
        ReceiptState::Excused { .. } => "excused".to_owned(),
        ReceiptState::Extended { until, .. } => format!("extended until {until}, recorded"),
        ReceiptState::Exempt { .. } => "exempt, recorded".to_owned(),
        _ => "reported".to_owned(),
    };
    match standing.since {
        None => words,
        Some(since) => {
            let local = since.with_timezone(&view.rulebook.zone);
            format!("{words} on {} {}, {}", local.day(), local.format("%B %Y"), local.format("%H:%M"))
        }
    }
}

#[cfg(test)]
#[path = "recheck_tests.rs"]
mod tests;
