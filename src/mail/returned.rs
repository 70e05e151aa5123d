//! Reads what came back: delivery reports, answers, anything. Never panics, never keeps more than it needs, never decides.

use std::panic::{AssertUnwindSafe, catch_unwind};

use thiserror::Error;

use super::mime_parts::{Head, at_blank_line, leaves};
use super::transport::reply_text;
use super::typography::one_line;
use crate::domain::Mailbox;
use crate::domain::bounce::{Action, RecipientReport, ReportKind, Returned, StatusCode};
use crate::domain::words::turns_direction;

/// How much of a returned mail is read. The report stands before the mail that it returns; what is behind may be cut off.
pub const RETURNED_BYTES_MAX: usize = 256 * 1024;

const TEXT_CHARS_MAX: usize = 16 * 1024; // a transcript of a conversation has one or two thousand
const RECIPIENTS_MAX: usize = 50; // our mails have one (M2); a list may have some
const GROUPS_MAX: usize = 100; // of fields in a report: one for the mail, one a recipient, and some that say nothing
const IDS_MAX: usize = 50; // of a long thread; ours have two
const ID_CHARS_MAX: usize = 250; // of one line (RFC 5322, 2.1.1) a quarter; ours have some fifty
const ADDRESSES_MAX: usize = 20; // hops that each note the address
const SUBJECT_CHARS_MAX: usize = 200; // for the log and the terminal

/// Why a returned mail says nothing.
#[derive(Error, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreadable {
    /// No bytes, or none that are a header.
    #[error("is no mail: it has no headers")]
    NoMail,
    /// The parser failed, which it should not; the bytes are worth a look.
    #[error("cannot be read as a mail")]
    Broken,
}

/// Reads a returned mail; beyond [`RETURNED_BYTES_MAX`] nothing is looked at.
///
/// # Errors
/// If it is no mail.
pub fn read_returned(bytes: &[u8]) -> Result<Returned, Unreadable> {
    let bytes = &bytes[..bytes.len().min(RETURNED_BYTES_MAX)];
    // what strangers send must not end the daemon, whatever the library makes of it
    catch_unwind(AssertUnwindSafe(|| understand(bytes))).unwrap_or(Err(Unreadable::Broken))
}

fn understand(bytes: &[u8]) -> Result<Returned, Unreadable> {
    let (head, body) = Head::split(without_envelope_line(bytes));
    if head.is_empty() {
        return Err(Unreadable::NoMail);
    }
    let failed_recipients = head.first("X-Failed-Recipients"); // how Exim names them beside, or instead of, a report
    let mut returned = Returned {
        is_automatic_answer: failed_recipients.is_none() && is_automatic_answer(&head),
        is_from_mail_system: is_from_mail_system(&head),
        answered_ids: answered_ids(&head),
        came_to: came_to(&head),
        subject: clean(head.first("Subject").unwrap_or_default(), SUBJECT_CHARS_MAX),
        ..Returned::default()
    };
    let declared = head.parameter("report-type").unwrap_or_default().to_ascii_lowercase();
    if head.media_type() == "multipart/report" && declared == "disposition-notification" {
        returned.report = ReportKind::Disposition;
    }
    let mut text = failed_recipients.map(|recipients| format!("{recipients}\n")).unwrap_or_default();
    let mut is_text_found = false;
    for leaf in leaves(&head, body) {
        match leaf.media_type.as_str() {
            "message/delivery-status" | "message/global-delivery-status" => {
                returned.report = ReportKind::Delivery;
                read_report(&leaf.bytes(), &mut returned.recipients);
            }
            "message/disposition-notification" | "message/global-disposition-notification"
                if returned.report == ReportKind::None =>
            {
                returned.report = ReportKind::Disposition;
            }
            "message/rfc822"
            | "message/global"
            | "message/rfc822-headers"
            | "message/global-headers"
            | "text/rfc822-headers" => {
                let returned_mail = leaf.bytes();
                let (head, _) = Head::split(&returned_mail);
                returned.returned_ids.extend(head.first("Message-ID").into_iter().flat_map(ids));
            }
            "text/plain" if !is_text_found => {
                is_text_found = true;
                text.push_str(&leaf.text());
            }
            _ => {}
        }
    }
    // one line stays one line: what stands in it may be quoted to the ZRK
    let plain = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    let text: String = without_formats(&text).to_lowercase().chars().map(plain).collect();
    returned.returned_ids.extend(ids_in_text(&text));
    returned.returned_ids.truncate(IDS_MAX);
    returned.text = before_returned_mail(&text).chars().take(TEXT_CHARS_MAX).collect();
    Ok(returned)
}

/// Some pipes put the line of an mbox before the mail.
fn without_envelope_line(bytes: &[u8]) -> &[u8] {
    match bytes.strip_prefix(b"From ") {
        Some(rest) => rest.iter().position(|byte| *byte == b'\n').map_or(&[], |end| &rest[end + 1..]),
        None => bytes,
    }
}

/// RFC 3834, 5, and what was usual before it or beside it.
fn is_automatic_answer(head: &Head<'_>) -> bool {
    const HEADERS: [&str; 4] = ["X-Autoreply", "X-Autorespond", "X-Auto-Reply", "X-Autogenerated"];
    const SUBJECTS: [&str; 7] = [
        "automatische antwort",
        "abwesend",
        "abwesenheit",
        "out of office",
        "automatic reply",
        "autoreply",
        "auto-reply",
    ];
    let lower = |name: &str| head.first(name).unwrap_or_default().trim().to_lowercase();
    lower("Auto-Submitted").starts_with("auto-replied")
        || ["auto_reply", "auto-reply"].contains(&lower("Precedence").as_str())
        || HEADERS.iter().any(|name| head.first(name).is_some())
        || SUBJECTS.iter().any(|beginning| lower("Subject").starts_with(beginning))
}

/// Nobody as sender is what a mail system is known by (RFC 5321, 4.5.5); where no header says it, its name.
fn is_from_mail_system(head: &Head<'_>) -> bool {
    if let Some(path) = head.first("Return-Path") {
        return path.trim() == "<>";
    }
    head.from().any(|address| {
        let local = address.split('@').next().unwrap_or_default().to_ascii_lowercase();
        matches!(local.as_str(), "mailer-daemon" | "postmaster") || local.starts_with("microsoftexchange")
    })
}

fn answered_ids(head: &Head<'_>) -> Vec<String> {
    let answered = head.all("In-Reply-To").flat_map(ids).take(IDS_MAX);
    let mut referred: Vec<String> = head.all("References").flat_map(ids).take(IDS_MAX).collect();
    referred.reverse();
    answered.chain(referred).collect()
}

/// Where the last mail systems on the way delivered it, and to whom it is written.
fn came_to(head: &Head<'_>) -> Vec<String> {
    const HEADERS: [&str; 6] =
        ["Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "To"];
    let is_piece = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.@".contains(c);
    let words = HEADERS.iter().flat_map(|name| head.all(name)).flat_map(|text| text.split(move |c| !is_piece(c)));
    words
        .filter(|word| word.contains('@') && word.len() <= ID_CHARS_MAX)
        .take(ADDRESSES_MAX)
        .map(str::to_owned)
        .collect()
}

/// The fields of a delivery report: one group for the mail, then one a recipient (RFC 3464, 2.1).
fn read_report(bytes: &[u8], recipients: &mut Vec<RecipientReport>) {
    let mut rest = bytes;
    let mut groups = 0;
    while !rest.is_empty() && recipients.len() < RECIPIENTS_MAX && groups < GROUPS_MAX {
        let (group, after) = at_blank_line(rest);
        rest = after;
        if group.is_empty() {
            continue;
        }
        groups += 1;
        let (fields, _) = Head::split(group);
        let named = || ["Original-Recipient", "Final-Recipient"].into_iter().filter_map(|name| fields.first(name));
        if named().next().is_none() && fields.first("Action").is_none() && fields.first("Status").is_none() {
            continue;
        }
        recipients.push(RecipientReport {
            recipients: named().filter_map(address_of).collect(),
            action: fields.first("Action").and_then(Action::parse),
            status: fields.first("Status").and_then(StatusCode::parse),
            diagnostic: reply_text(&without_formats(words_of(fields.first("Diagnostic-Code").unwrap_or_default()))),
        });
    }
}

/// `rfc822; name@domain` (RFC 3464, 2.3.1), with or without angle brackets.
fn address_of(field: &str) -> Option<Mailbox> {
    let address = field.split_once(';').map_or(field, |(_, address)| address);
    Mailbox::parse(address.trim().trim_start_matches('<').trim_end_matches('>')).ok()
}

/// The words behind `smtp;`.
fn words_of(diagnostic: &str) -> &str {
    match diagnostic.split_once(';') {
        Some((kind, words)) if !kind.trim().contains(' ') => words.trim(),
        _ => diagnostic.trim(),
    }
}

/// The Message-IDs in a header's text, without their angle brackets.
fn ids(text: &str) -> Vec<String> {
    let pieces = text.split('<').skip(1).filter_map(|piece| piece.split_once('>'));
    pieces
        .map(|(id, _)| id.trim())
        .filter(|id| id.contains('@') && id.len() <= ID_CHARS_MAX)
        .take(IDS_MAX)
        .map(str::to_owned)
        .collect()
}

/// The Message-ID of a mail that was returned as text, as qmail does.
fn ids_in_text(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.trim_start().strip_prefix("message-id:")).flat_map(ids).take(IDS_MAX).collect()
}

/// A text up to where the headers of a returned mail begin: what stands there is ours, and no mail system's word.
fn before_returned_mail(text: &str) -> &str {
    const BEGINNINGS: [&str; 3] = ["return-path:", "received:", "message-id:"];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if BEGINNINGS.iter().any(|beginning| line.starts_with(beginning)) {
            return &text[..at];
        }
        at += line.len();
    }
    text
}

fn clean(text: &str, chars_max: usize) -> String {
    one_line(&without_formats(text)).chars().take(chars_max).collect()
}

/// Without the characters that turn the direction of what follows, which could make a report say its opposite.
fn without_formats(text: &str) -> String {
    text.chars().filter(|c| !turns_direction(*c)).collect()
}
