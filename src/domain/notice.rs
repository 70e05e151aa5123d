//! Notices and alerts as values. Never decides whether one is called for; `plan` and `recheck` do.

use chrono::{DateTime, Utc};

use super::dates::Month;
use super::delivery::State;
use super::duty::{DutyId, NoticeKind};
use super::roster::{AuthorityId, Mailbox, OfficeId};

/// A notice to be queued: its key (N4) and what it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewNotice {
    /// The cycle.
    pub month: Month,
    /// The duty; none for a notice to the ZRK.
    pub duty: Option<DutyId>,
    /// The step's id.
    pub step: String,
    /// What it says.
    pub kind: NoticeKind,
    /// The revision of the deadline that it states.
    pub revision: u32,
    /// To whom.
    pub mailbox: Mailbox,
    /// The office, if it goes to one.
    pub office: Option<OfficeId>,
    /// The authorities that it is about, as far as the mailbox answers for them.
    pub authorities: Vec<AuthorityId>,
    /// When its time came.
    pub due_at: DateTime<Utc>,
    /// Why it must wait for a person (N9).
    pub hold: Option<String>,
}

/// A notice that exists, as far as planning and reports need to know it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// The step's id.
    pub step: String,
    /// What it says.
    pub kind: NoticeKind,
    /// The revision that it states.
    pub revision: u32,
    /// To whom.
    pub mailbox: Mailbox,
    /// The office, if it goes to one.
    pub office: Option<OfficeId>,
    /// The authorities that it is about.
    pub authorities: Vec<AuthorityId>,
    /// When its time came.
    pub due_at: DateTime<Utc>,
    /// What became of it.
    pub state: State,
    /// When the mail system took it.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When it came back as not delivered, after the mail system had taken it.
    pub returned_at: Option<DateTime<Utc>>,
    /// Whether a mail of it was perhaps sent, whatever became of it since (M6).
    pub was_uncertain: bool,
    /// Whether a person threw it away, so that it does not come again.
    pub is_discarded: bool,
}

impl Said {
    /// Whether it was handed to the mail system, or refused by it, at least once.
    pub fn was_tried(&self) -> bool {
        matches!(self.state, State::Accepted | State::Retry | State::Rejected | State::Uncertain | State::Expired)
    }

    /// When the mail system took it, if it did not come back.
    pub fn delivered_at(&self) -> Option<DateTime<Utc>> {
        self.accepted_at.filter(|_| self.returned_at.is_none())
    }

    /// Whether its reader has it, or may have it, or is just getting it.
    pub(super) fn has_reached(&self) -> bool {
        let may_have_it = self.was_uncertain && self.returned_at.is_none();
        matches!(self.state, State::Accepted | State::Uncertain | State::Claimed) || may_have_it
    }
}

/// Something that the ZRK must look at; told once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alert {
    /// Keeps it from being told twice.
    pub key: String,
    /// A headline of a few words, in German.
    pub headline: String,
    /// What happened, to what, and what to do, in German.
    pub detail: String,
}
