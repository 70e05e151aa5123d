//! What was said to one authority in one month, and what came of it, as data (M7). Never a mailbox of another authority.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::chronicle::Entry;
use super::dates::Month;
use super::deadline::{Deadline, Revision};
use super::delivery::State;
use super::duty::{Duty, NoticeKind};
use super::plan::StepRecord;
use super::roster::{AuthorityId, District, Mailbox, OfficeId};
use super::standing::Standing;

/// The proof of dispatch for one authority and month. [`super::proof_words::in_words`] is its text.
#[derive(Clone, Debug)]
pub struct Proof {
    /// From which fristd it comes.
    pub instance: Instance,
    /// When it was produced.
    pub produced_at: DateTime<Utc>,
    /// The log's last entry at that instant, by number and hash; none if the head is gone.
    pub log_head: Option<(i64, String)>,
    /// The time zone of all local times.
    pub zone: Tz,
    /// The authority's id.
    pub authority: AuthorityId,
    /// Its name; none if it is no longer in the roster.
    pub name: Option<String>,
    /// Its district, likewise.
    pub district: Option<District>,
    /// The cycle.
    pub month: Month,
    /// A part a duty, in the order of settings.
    pub duties: Vec<DutyProof>,
}

/// The installation that a proof comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instance {
    /// The version of fristd.
    pub version: &'static str,
    /// The sender's name.
    pub sender: String,
    /// The sender's address.
    pub from: Mailbox,
    /// When its database was made.
    pub made_at: DateTime<Utc>,
    /// The hash of its log's first entry, which no other database has.
    pub first_hash: Option<String>,
}

/// One duty in the month.
#[derive(Clone, Debug)]
pub struct DutyProof {
    /// The duty.
    pub duty: Duty,
    /// Whether the authority owes the report.
    pub is_owed: bool,
    /// The deadline in force, told or computed.
    pub deadline: Deadline,
    /// The deadlines that were told, oldest first, with when and why (F5).
    pub revisions: Vec<Revision>,
    /// What was sent, or tried: in the order in which it became due.
    pub sent: Vec<NoticeProof>,
    /// What was not handed over, and why or not yet.
    pub not_sent: Vec<NoticeProof>,
    /// Steps that nobody got, because their time was over (N3).
    pub skipped: Vec<StepRecord>,
    /// Its receipts in the order in which they were recorded, with the standing after each (S4).
    pub receipts: Vec<Entry>,
    /// The standing at the end of them.
    pub standing: Standing,
    /// Whether it was in time; none as long as that is open, and of one who is exempt (S5).
    pub in_time: Option<bool>,
}

/// One notice that concerned the authority.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoticeProof {
    /// Its id.
    pub id: String,
    /// The step's id.
    pub step: String,
    /// What it says.
    pub kind: NoticeKind,
    /// The revision of the deadline that it states.
    pub revision: u32,
    /// To which mailbox.
    pub mailbox: Mailbox,
    /// The office with its name, if it went to one: the authority stood in its report.
    pub office: Option<(OfficeId, String)>,
    /// How many authorities it was about.
    pub authorities: usize,
    /// When its time came.
    pub due_at: DateTime<Utc>,
    /// When it was queued.
    pub queued_at: DateTime<Utc>,
    /// What became of it.
    pub state: State,
    /// Why, if it was held, withdrawn, expired or came back.
    pub reason: Option<String>,
    /// Its subject, once it was rendered.
    pub subject: Option<String>,
    /// Its Message-ID, with angle brackets.
    pub message_id: String,
    /// Every attempt to deliver it.
    pub attempts: Vec<AttemptProof>,
    /// What mail systems reported about it later.
    pub returns: Vec<ReturnProof>,
}

impl NoticeProof {
    /// Whether a mail of it was handed over, or offered and refused, at least once.
    pub fn was_tried(&self) -> bool {
        !self.attempts.is_empty()
    }

    /// When the mail system first took it.
    pub fn accepted_at(&self) -> Option<DateTime<Utc>> {
        self.attempts.iter().find(|attempt| attempt.outcome == State::Accepted).map(|attempt| attempt.ended_at)
    }
}

/// One attempt to deliver.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttemptProof {
    /// From 1.
    pub number: u32,
    /// When the mail was handed over; none if it was refused before, or an early fristd did not keep it.
    pub handed_over_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// How.
    pub outcome: State,
    /// The relay's words, or what went wrong.
    pub reply: String,
    /// The SHA-256 of the mail, in hexadecimal; none if there was no mail.
    pub sha256: Option<String>,
    /// How many bytes the mail has; none if it was not handed over.
    pub size_bytes: Option<u64>,
    /// The mail, byte for byte, as long as it is kept.
    pub mail: Option<Vec<u8>>,
}

/// A report about a mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReturnProof {
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// `hard`, `soft` or `delayed`.
    pub verdict: String,
    /// Whether it was believed: a report that proves nothing changes nothing.
    pub is_believed: bool,
    /// The status code.
    pub status: Option<String>,
    /// The remote system's words.
    pub diagnostic: String,
    /// The SHA-256 of the report, in hexadecimal.
    pub sha256: String,
}

impl Proof {
    /// Whether there is anything to prove.
    pub fn is_empty(&self) -> bool {
        self.duties.is_empty()
    }
}

impl DutyProof {
    /// Whether anything was told, sent, skipped or recorded.
    pub fn is_empty(&self) -> bool {
        let Self { revisions, sent, not_sent, receipts, is_owed, .. } = self;
        (revisions.is_empty() || !is_owed) && sent.is_empty() && not_sent.is_empty() && receipts.is_empty()
    }
}
