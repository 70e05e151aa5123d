//! Decides what a mail that came back means: hard, soft, or no bounce, and what follows (M6, N7). Never reads the mail itself.
//!
//! Sources: RFC 3464 (the report: action, status, recipients), RFC 3463 (what a status says), RFC 3834 (automatic answers),
//! RFC 8098 (read receipts).
//!
//! | what comes | verdict | why |
//! |---|---|---|
//! | action `failed`, status 5.x.x but for the next line | hard | RFC 3463, 2: permanent; M6 treats a 5xx the same way |
//! | `failed`: 5.2.2 mailbox full, 5.2.3 and 5.3.4 too large, 5.3.1 system full, 5.4.5 congested, 5.4.7 expired, 5.6.x content | soft, final | says nothing lasting about the mailbox, but this mail is lost |
//! | `failed`, status 4.x.x | soft, final | RFC 3463, 2: persistent transient failure; the sending side gave up |
//! | `delayed` | soft | RFC 3464, 2.3.3: still being tried |
//! | `delivered`, `relayed`, `expanded` | none | RFC 3464, 2.3.3: success |
//! | read receipt (`disposition-notification`) | none | RFC 8098: somebody, or something, got it |
//! | `Auto-Submitted: auto-replied` without a report, vacation subjects | none | RFC 3834 |
//! | no report, from the mail system itself, naming the mailbox and a 5xx code | hard or soft as above | qmail, old Exchange |
//! | anything else | none | better a missed bounce than a silenced authority |

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::roster::Mailbox;

/// How late after the hand-over a report still counts. Mail systems give up after four to five days (RFC 5321, 4.5.4.1), some
/// gateways after two weeks; a report on an older mail is a mistake or a forgery.
pub const REPORT_AGE_MAX: TimeDelta = TimeDelta::days(30);

/// How many characters a return address adds to the sender's local part: `+`, a notice's id, `.` and sixteen digits of proof.
pub const TOKEN_CHARS: usize = 50;

/// How long the sender's local part may be beside it (RFC 5321, 4.5.3.1.1).
pub const TOKEN_SENDER_CHARS_MAX: usize = 64 - TOKEN_CHARS;

const WORDS_CHARS_MAX: usize = 500; // as much as is kept of any mail system's words

/// What a returned mail says, as far as deciding needs it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Returned {
    /// What kind of report it carries.
    pub report: ReportKind,
    /// What a delivery report says, recipient by recipient.
    pub recipients: Vec<RecipientReport>,
    /// Whether it calls itself an answer that a machine wrote (RFC 3834, or the habits before it).
    pub is_automatic_answer: bool,
    /// Whether its sender is a mail system: nobody, `mailer-daemon` or `postmaster`.
    pub is_from_mail_system: bool,
    /// Message-IDs of the mail that came back, from its headers.
    pub returned_ids: Vec<String>,
    /// Message-IDs that it answers or refers to, nearest first.
    pub answered_ids: Vec<String>,
    /// Addresses to which it came back, as its headers say.
    pub came_to: Vec<String>,
    /// Its words, in lower case, up to where the returned mail begins.
    pub text: String,
    /// Its subject.
    pub subject: String,
}

/// What kind of report a mail carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ReportKind {
    /// A delivery status notification (RFC 3464).
    Delivery,
    /// A message disposition notification (RFC 8098): a read receipt.
    Disposition,
    /// None.
    #[default]
    None,
}

/// What a delivery report says about one recipient.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RecipientReport {
    /// The recipient as it was first named, and as it was in the end; what is no mail address is left out.
    pub recipients: Vec<Mailbox>,
    /// What became of the mail.
    pub action: Option<Action>,
    /// The status code.
    pub status: Option<StatusCode>,
    /// The remote system's words, in one line.
    pub diagnostic: String,
}

/// What became of a mail (RFC 3464, 2.3.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Given up.
    Failed,
    /// Not yet delivered; tried on.
    Delayed,
    /// In the mailbox.
    Delivered,
    /// With a system that sends no reports.
    Relayed,
    /// Delivered to a list.
    Expanded,
}

impl Action {
    /// Reads the word; a comment behind it counts for nothing.
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.split(|c: char| !c.is_ascii_alphabetic()).find(|piece| !piece.is_empty())?;
        Some(match word.to_ascii_lowercase().as_str() {
            "failed" => Self::Failed,
            "delayed" => Self::Delayed,
            "delivered" => Self::Delivered,
            "relayed" => Self::Relayed,
            "expanded" => Self::Expanded,
            _ => return None,
        })
    }
}

/// An enhanced status code (RFC 3463).
///
/// ```
/// use fristd::domain::bounce::StatusCode;
/// assert_eq!(StatusCode::find("smtp; 550 5.1.1 <x@y.example> unknown"), StatusCode::parse("5.1.1"));
/// assert_eq!(StatusCode::parse("5.1.1 (bad destination mailbox)").unwrap().to_string(), "5.1.1");
/// assert_eq!(StatusCode::find("host 10.5.1.1 said no"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StatusCode {
    class: u16,
    subject: u16,
    detail: u16,
}

impl StatusCode {
    /// Reads `class.subject.detail`; a comment behind it counts for nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let code = text.trim_start().split(|c: char| !(c.is_ascii_digit() || c == '.')).next()?;
        let mut numbers = code.split('.');
        let mut number = |digits_max: usize| {
            let digits = numbers.next().filter(|digits| (1..=digits_max).contains(&digits.len()))?;
            digits.parse::<u16>().ok()
        };
        let status = Self { class: number(1)?, subject: number(3)?, detail: number(3)? };
        (matches!(status.class, 2 | 4 | 5) && numbers.next().is_none()).then_some(status)
    }

    /// The first code that stands as a word of its own in a text.
    pub fn find(text: &str) -> Option<Self> {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.'))
            .map(|word| word.trim_end_matches('.'))
            .find_map(|word| Self::parse(word).filter(|status| status.to_string() == word))
    }

    /// What a plain reply code says: 552 is a full mailbox (RFC 5321, 4.2.2), the rest no more than its class.
    fn of_reply(code: u16) -> Option<Self> {
        match code {
            552 => Some(Self { class: 5, subject: 2, detail: 2 }),
            452 => Some(Self { class: 4, subject: 2, detail: 2 }),
            421 | 450 | 451 => Some(Self { class: 4, subject: 0, detail: 0 }),
            521 | 550 | 551 | 553 | 554 | 556 => Some(Self { class: 5, subject: 0, detail: 0 }), // RFC 5321, RFC 7504
            _ => None,
        }
    }

    /// Whether it says nothing but its class.
    fn is_general(self) -> bool {
        (self.subject, self.detail) == (0, 0)
    }

    /// Whether a failure with it says nothing lasting about the mailbox.
    fn is_passing(self) -> bool {
        self.class == 4 || matches!((self.subject, self.detail), (2, 2 | 3) | (3, 1 | 4) | (4, 5 | 7) | (6, _))
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// What a returned mail amounts to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The mailbox does not take mail.
    Hard,
    /// A passing trouble.
    Soft {
        /// Whether the mail is lost; else it is still being tried.
        is_final: bool,
    },
    /// No failure of delivery, or none that can be understood; why.
    NotABounce(&'static str),
}

impl Verdict {
    /// The word in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft { is_final: true } => "soft",
            Self::Soft { is_final: false } => "delayed",
            Self::NotABounce(_) => "not-a-bounce",
        }
    }
}

/// Whom a report names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Names {
    /// The mailbox in question.
    Mailbox,
    /// Nobody.
    Nobody,
    /// Somebody else only: mail that was forwarded, or a forgery.
    Others,
}

/// A returned mail, judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judgement {
    /// What it amounts to.
    pub verdict: Verdict,
    /// Whom it names.
    pub names: Names,
    /// The status code that decided.
    pub status: Option<StatusCode>,
    /// The remote system's words; may be empty.
    pub diagnostic: String,
}

/// Judges a returned mail; with a mailbox, as far as it is about that one.
pub fn judge(returned: &Returned, mailbox: Option<&Mailbox>) -> Judgement {
    let nothing = |why| Judgement {
        verdict: Verdict::NotABounce(why),
        names: Names::Nobody,
        status: None,
        diagnostic: String::new(),
    };
    match returned.report {
        ReportKind::Disposition => nothing("a read receipt"),
        ReportKind::Delivery => judge_report(&returned.recipients, mailbox)
            .unwrap_or_else(|| nothing("a delivery report without a word on any recipient")),
        ReportKind::None if returned.is_automatic_answer => nothing("an automatic answer"),
        ReportKind::None if !returned.is_from_mail_system => nothing("a mail that somebody wrote"),
        ReportKind::None => judge_text(&returned.text, mailbox)
            .unwrap_or_else(|| nothing("a message of a mail system that names no failure")),
    }
}

/// The worst that is said of the mailbox; of nobody in particular; of others, in this order.
fn judge_report(recipients: &[RecipientReport], mailbox: Option<&Mailbox>) -> Option<Judgement> {
    let names = |report: &RecipientReport| match mailbox {
        Some(mailbox) if report.recipients.contains(mailbox) => Names::Mailbox,
        _ if report.recipients.is_empty() => Names::Nobody,
        _ => Names::Others,
    };
    let of = |wanted: Names| {
        let said = recipients.iter().filter(move |report| names(report) == wanted);
        said.map(move |report| judge_recipient(report, wanted)).max_by_key(|judgement| weight(judgement.verdict))
    };
    of(Names::Mailbox).or_else(|| of(Names::Nobody)).or_else(|| of(Names::Others))
}

fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Hard => 3,
        Verdict::Soft { is_final: true } => 2,
        Verdict::Soft { is_final: false } => 1,
        Verdict::NotABounce(_) => 0,
    }
}

fn judge_recipient(report: &RecipientReport, names: Names) -> Judgement {
    let in_words = StatusCode::find(&report.diagnostic);
    let reply = || reply_code(&report.diagnostic).and_then(StatusCode::of_reply);
    // `Status: 5.0.0` beside `smtp; 552 5.2.2 mailbox full` is common: the words know more
    let status = match report.status {
        Some(status) if status.is_general() => {
            let same_class = |better: &StatusCode| better.class == status.class;
            in_words.filter(same_class).or_else(|| reply().filter(same_class)).or(Some(status))
        }
        Some(status) => Some(status),
        None => in_words.or_else(reply),
    };
    let verdict = match (report.action, status) {
        (Some(Action::Delivered | Action::Relayed | Action::Expanded), _) => Verdict::NotABounce("a report of success"),
        (Some(Action::Delayed), _) => Verdict::Soft { is_final: false },
        (Some(Action::Failed), Some(status)) => failed(status),
        // an action is required (RFC 3464, 2.3.3); where a gateway leaves it out, the status says it
        (None, Some(status)) if status.class == 5 => failed(status),
        (None, Some(status)) if status.class == 4 => Verdict::Soft { is_final: false },
        // failed, and nobody knows why: the mail is lost, and the mailbox gets the next one
        (Some(Action::Failed), None) => Verdict::Soft { is_final: true },
        (None, _) => Verdict::NotABounce("a delivery report that names neither action nor failure"),
    };
    Judgement { verdict, names, status, diagnostic: report.diagnostic.clone() }
}

fn failed(status: StatusCode) -> Verdict {
    match status.class {
        2 => Verdict::NotABounce("a delivery report that contradicts itself"),
        _ if status.is_passing() => Verdict::Soft { is_final: true },
        _ => Verdict::Hard,
    }
}

/// A bounce without a report for machines: only what names the mailbox and a code that means failure.
fn judge_text(text: &str, mailbox: Option<&Mailbox>) -> Option<Judgement> {
    let line = |line: &&str| StatusCode::find(line).is_some() || reply_code(line).is_some();
    let words = text.lines().find(line)?.trim();
    let status = StatusCode::find(words).or_else(|| reply_code(words).and_then(StatusCode::of_reply))?;
    let names = match mailbox {
        Some(mailbox) if names_address(text, mailbox) => Names::Mailbox,
        _ => Names::Nobody,
    };
    let verdict = match status.class {
        5 => failed(status),
        4 => Verdict::Soft { is_final: false },
        _ => return None,
    };
    let diagnostic = words.chars().take(WORDS_CHARS_MAX).collect();
    Some(Judgement { verdict, names, status: Some(status), diagnostic })
}

/// Whether an address stands in a lower-case text, and not as a piece of a longer one.
fn names_address(text: &str, mailbox: &Mailbox) -> bool {
    let is_piece = |c: char| c.is_ascii_alphanumeric() || "@.-_+".contains(c);
    text.split(|c: char| !is_piece(c)).any(|word| word.trim_matches('.') == mailbox.as_str())
}

/// The first plain reply code in a line that stands as a word of its own.
fn reply_code(line: &str) -> Option<u16> {
    line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '@'))
        .filter(|word| word.len() == 3)
        .filter_map(|word| word.parse::<u16>().ok())
        .find(|code| StatusCode::of_reply(*code).is_some())
}

/// What is known about the notice that came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReturnFacts {
    /// When it was handed over; none if it never was.
    pub handed_over_at: Option<DateTime<Utc>>,
    /// When a person last took the flag from its mailbox.
    pub cleared_at: Option<DateTime<Utc>>,
    /// Whether the mail came back to the address that was made for this notice alone.
    pub has_token: bool,
    /// Whether settings demand that.
    pub needs_token: bool,
}

/// How a returned mail proves that it is about the notice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// By the address to which it came back, which nobody can guess.
    Token,
    /// By naming the notice and its mailbox; whoever knows both could have written it.
    Recipient,
    /// Not at all; why.
    None(&'static str),
}

impl Proof {
    /// The word in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Recipient => "recipient",
            Self::None(_) => "none",
        }
    }
}

/// Whether a returned mail is believed. A stranger can compute a notice's Message-ID, so that alone proves nothing.
pub fn prove(names: Names, facts: &ReturnFacts, now: DateTime<Utc>) -> Proof {
    let Some(handed_over_at) = facts.handed_over_at else { return Proof::None("the notice was never handed over") };
    if now - handed_over_at > REPORT_AGE_MAX {
        return Proof::None("the notice was handed over too long ago");
    }
    if facts.cleared_at.is_some_and(|cleared_at| handed_over_at < cleared_at) {
        return Proof::None("the mailbox was cleared since");
    }
    match (names, facts.has_token, facts.needs_token) {
        (Names::Others, ..) => Proof::None("it names another recipient: mail that was forwarded, or a forgery"),
        (_, true, _) => Proof::Token,
        (_, false, true) => Proof::None("it did not come back to the address that was made for the notice"),
        (Names::Mailbox, false, false) => Proof::Recipient,
        (Names::Nobody, false, false) => Proof::None("it does not name the notice's mailbox"),
    }
}

/// What a returned mail changes. It is recorded in any case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Consequence {
    /// The notice was not delivered, and its mailbox is flagged.
    Flag,
    /// The notice was not delivered.
    NotDelivered,
    /// Nothing.
    Nothing,
}

/// What follows from a verdict, if it is believed.
pub fn consequence(verdict: Verdict, proof: Proof) -> Consequence {
    match (verdict, proof) {
        (_, Proof::None(_)) | (Verdict::NotABounce(_) | Verdict::Soft { is_final: false }, _) => Consequence::Nothing,
        (Verdict::Hard, _) => Consequence::Flag,
        (Verdict::Soft { is_final: true }, _) => Consequence::NotDelivered,
    }
}

#[cfg(test)]
#[path = "bounce_tests.rs"]
mod tests;
