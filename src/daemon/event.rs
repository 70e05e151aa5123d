//! What a tick or a delivery did to a notice, for logs and simulations. Never a figure, and no address at `info`.

use chrono::{DateTime, Utc};

use crate::domain::plan::StepRecord;
use crate::domain::{AuthorityId, DutyId, Mailbox, Month, NewNotice, NoticeKind, OfficeId};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// The mail system took the mail.
    Sent,
    /// A step's time was over before it was planned (N3).
    Skipped,
    /// No longer called for (N5).
    Withdrawn,
    /// Waits for a person (N9).
    Held,
    /// Tried again later (M6).
    Retry,
    /// Refused for good (M6).
    Rejected,
    /// Perhaps sent (M6).
    Uncertain,
    /// Its time was over before it could be delivered.
    Expired,
}

impl What {
    /// The word in JSON and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Skipped => "skipped",
            Self::Withdrawn => "withdrawn",
            Self::Held => "held",
            Self::Retry => "retry",
            Self::Rejected => "rejected",
            Self::Uncertain => "uncertain",
            Self::Expired => "expired",
        }
    }
}

/// One thing that happened to a notice, or to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub what: What,
    /// What the notice says.
    pub kind: NoticeKind,
    /// The duty; none of a notice to the ZRK.
    pub duty: Option<DutyId>,
    /// The cycle.
    pub month: Month,
    /// The step's id.
    pub step: String,
    /// The revision.
    pub revision: u32,
    /// To whom; none of a skipped step.
    pub to: Option<Mailbox>,
    /// The authorities that it is about.
    pub authorities: Vec<AuthorityId>,
    /// The office, if it goes to one.
    pub office: Option<OfficeId>,
    /// The subject, once it was rendered.
    pub subject: Option<String>,
    /// The Message-ID.
    pub message_id: Option<String>,
    /// Why, if it was not sent; else the relay's words.
    pub reason: Option<String>,
}

impl Event {
    /// About a notice.
    pub fn of_notice(what: What, notice: &NewNotice, at: DateTime<Utc>, reason: Option<String>) -> Self {
        Self {
            at,
            what,
            kind: notice.kind,
            duty: notice.duty.clone(),
            month: notice.month,
            step: notice.step.clone(),
            revision: notice.revision,
            to: Some(notice.mailbox.clone()),
            authorities: notice.authorities.clone(),
            office: notice.office.clone(),
            subject: None,
            message_id: None,
            reason,
        }
    }

    /// About a step that was skipped.
    pub fn of_skipped_step(record: &StepRecord, at: DateTime<Utc>) -> Self {
        Self {
            at,
            what: What::Skipped,
            kind: record.kind,
            duty: Some(record.duty.clone()),
            month: record.month,
            step: record.step.clone(),
            revision: record.revision,
            to: None,
            authorities: Vec::new(),
            office: None,
            subject: None,
            message_id: None,
            reason: record.skipped.clone(),
        }
    }

    /// Writes it to the log.
    pub fn log(&self) {
        let (duty, reason) = (self.duty.as_deref().unwrap_or("-"), self.reason_without_address());
        let (event, kind, month) = (self.what.as_str(), self.kind.as_str(), self.month.to_string());
        match self.what {
            What::Rejected | What::Uncertain | What::Held | What::Expired => {
                tracing::warn!(
                    event,
                    kind,
                    duty,
                    month,
                    step = self.step,
                    revision = self.revision,
                    reason,
                    "notice not delivered"
                );
            }
            _ => tracing::info!(event, kind, duty, month, step = self.step, revision = self.revision, reason, "notice"),
        }
        if let Some(mailbox) = &self.to {
            tracing::debug!(event, step = self.step, mailbox = mailbox.as_str(), "mailbox of the notice");
        }
    }

    /// Relays repeat the address in their words, and a written file has it in its name.
    fn reason_without_address(&self) -> String {
        let reason = self.reason.as_deref().unwrap_or("-");
        self.to.as_ref().map_or_else(|| reason.to_owned(), |mailbox| reason.replace(mailbox.as_str(), "…"))
    }
}
