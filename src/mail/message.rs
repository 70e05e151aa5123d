//! Builds a mail's bytes, the same for the same input. Never makes up an id or a date, never lets a value end a header.

use std::time::SystemTime;

use chrono::{DateTime, Datelike, Utc};
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox as NamedMailbox, Message, MultiPart, SinglePart};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::domain::Mailbox;
use crate::domain::words::ends_line;

const LINE_BYTES_MAX: usize = 998; // RFC 5322, 2.1.1, less the line break
const BOUNDARY_DIGITS: usize = 32; // 128 bits of a hash do not turn up in a text by chance

/// What a mail is made of.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// The sender that recipients see.
    pub from: &'a Mailbox,
    /// The sender's name; may be empty.
    pub from_name: &'a str,
    /// Where answers go, if not to the sender.
    pub reply_to: Option<&'a Mailbox>,
    /// The one recipient (M2).
    pub to: &'a Mailbox,
    /// The recipient's name; may be empty.
    pub to_name: &'a str,
    /// One line.
    pub subject: &'a str,
    /// The plain-text part, complete by itself (M1).
    pub text: &'a str,
    /// The HTML part.
    pub html: &'a str,
    /// `<hash@domain>`, fixed per notice (M3).
    pub message_id: &'a str,
    /// The announcement's Message-ID, for reminders and corrections (M3).
    pub references: Option<&'a str>,
    /// The `Date` header; part of the input so that a mail that is sent again is the same mail.
    pub date: DateTime<Utc>,
    /// Files that go with it, in order; the mail is complete without them (M1).
    pub attachments: &'a [Attachment],
}

/// A file that goes with a mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attachment {
    /// Its name, in letters, digits, `-`, `_` and `.` of ASCII.
    pub file_name: String,
    /// `application/pdf`.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Attachment {
    /// The text of an `.ics` file (M4).
    pub fn calendar(text: String) -> Self {
        let media_type = "text/calendar; charset=utf-8; method=PUBLISH";
        Self { file_name: "frist.ics".to_owned(), media_type, bytes: text.into_bytes() }
    }
}

/// Why a mail cannot be built.
#[derive(Error, Clone, PartialEq, Eq, Debug)]
pub enum BuildError {
    /// A value would end its header or hide in it.
    #[error("{header}: {value:?} contains a control character or a line separator; accepted: one line of visible text")]
    ControlCharacter {
        /// The header's name.
        header: &'static str,
        /// The value.
        value: String,
    },
    /// Not of the form of a Message-ID.
    #[error("{header}: {value:?} is no message id; accepted: <name@domain> in printable ASCII without spaces")]
    MessageId {
        /// The header's name.
        header: &'static str,
        /// The value.
        value: String,
    },
    /// An address that the mail system's grammar does not have.
    #[error("{header}: {value:?} cannot stand in a header: {why}; accepted: name@domain.tld")]
    Address {
        /// The header's name.
        header: &'static str,
        /// The value.
        value: String,
        /// The mail library's words.
        why: String,
    },
    /// A date that the header cannot say.
    #[error("Date: {0} cannot stand in a header; accepted: a year from 1970 to 9999")]
    Date(DateTime<Utc>),
    /// A part is blank.
    #[error("{0} is empty; accepted: some text")]
    Empty(&'static str),
    /// A word too long for a line.
    #[error("a line has {bytes} bytes; accepted: at most 998, so shorten the longest word of a header")]
    LineTooLong {
        /// Its length.
        bytes: usize,
    },
    /// The mail library refused the rest.
    #[error("the mail cannot be put together: {0}")]
    Library(String),
}

/// Builds the mail: text and HTML as alternatives, and after them the attachments.
///
/// The bytes are 7-bit, have lines of at most 998 bytes that end in CR LF, and are the same for the same draft.
///
/// # Errors
/// If a header's value has a control character, if an id or address is malformed, or if a part is empty.
pub fn build(draft: &Draft<'_>) -> Result<Vec<u8>, BuildError> {
    let subject = visible("Subject", draft.subject)?;
    for (what, value) in [("the subject", subject), ("the text part", draft.text), ("the HTML part", draft.html)] {
        if value.trim().is_empty() {
            return Err(BuildError::Empty(what));
        }
    }
    if !(1970..=9999).contains(&draft.date.year()) {
        return Err(BuildError::Date(draft.date));
    }
    let from = named("From", draft.from, draft.from_name)?;
    let to = named("To", draft.to, draft.to_name)?;
    let message_id = checked_id("Message-ID", draft.message_id)?;
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.email.clone()]).map_err(library)?;
    let mut message = Message::builder()
        .envelope(envelope)
        .date(SystemTime::from(draft.date))
        .from(from)
        .to(to)
        .subject(subject)
        .message_id(Some(message_id.to_owned()))
        .raw_header(fixed_header("Auto-Submitted", "auto-generated"))
        .raw_header(fixed_header("X-Auto-Response-Suppress", "OOF, AutoReply"));
    if let Some(reply_to) = draft.reply_to {
        message = message.reply_to(named("Reply-To", reply_to, "")?);
    }
    if let Some(references) = draft.references {
        let references = checked_id("References", references)?.to_owned();
        message = message.in_reply_to(references.clone()).references(references);
    }
    let bytes = message.multipart(body(draft)).map_err(library)?.formatted();
    check_lines(&bytes)?;
    Ok(bytes)
}

/// The SHA-256 of some bytes in lower-case hexadecimal digits.
///
/// ```
/// use fristd::mail::sha256_hex;
/// assert_eq!(&sha256_hex(b"")[..16], "e3b0c44298fc1c14");
/// ```
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn body(draft: &Draft<'_>) -> MultiPart {
    let alternative = MultiPart::alternative()
        .boundary(boundary("alternative", draft.message_id))
        .singlepart(SinglePart::plain(draft.text.to_owned()))
        .singlepart(SinglePart::html(draft.html.to_owned()));
    if draft.attachments.is_empty() {
        return alternative;
    }
    let mixed = MultiPart::mixed().boundary(boundary("mixed", draft.message_id)).multipart(alternative);
    draft.attachments.iter().fold(mixed, |mixed, attachment| mixed.singlepart(part_of(attachment)))
}

fn part_of(attachment: &Attachment) -> SinglePart {
    let content_type = ContentType::parse(attachment.media_type).expect("media types are constants of this program");
    let part = SinglePart::builder().header(content_type).header(AttachedAs::of(attachment));
    match String::from_utf8(attachment.bytes.clone()) {
        // text stays text, so that it can be read in the source
        Ok(text) if attachment.media_type.starts_with("text/") => part.body(text),
        _ => part.header(ContentTransferEncoding::Base64).body(attachment.bytes.clone()),
    }
}

/// The file's name in one piece. The library would divide a long one by RFC 2231, which some mail programs do not put together.
#[derive(Clone)]
struct AttachedAs {
    file_name: String,
}

impl AttachedAs {
    fn of(attachment: &Attachment) -> Self {
        let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        Self { file_name: attachment.file_name.chars().map(|c| if is_safe(c) { c } else { '-' }).collect() }
    }
}

impl Header for AttachedAs {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-Disposition")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Err("is only written".into())
    }

    fn display(&self) -> HeaderValue {
        const NAME_CHARS_BESIDE: usize = 30; // of a name that still has room on the line of the header
        let fold = if self.file_name.len() <= NAME_CHARS_BESIDE { " " } else { "\r\n " };
        let parameter = format!("filename=\"{}\"", self.file_name);
        HeaderValue::dangerous_new_pre_encoded(
            Self::name(),
            format!("attachment; {parameter}"),
            format!("attachment;{fold}{parameter}"),
        )
    }
}

/// Fixed per notice and part, so that the same draft gives the same bytes.
fn boundary(part: &str, message_id: &str) -> String {
    format!("fristd-{}", &sha256_hex(format!("{part} {message_id}").as_bytes())[..BOUNDARY_DIGITS])
}

fn named(header: &'static str, mailbox: &Mailbox, name: &str) -> Result<NamedMailbox, BuildError> {
    let name = visible(header, name)?.trim();
    let email: Address = mailbox.as_str().parse().map_err(|error: lettre::address::AddressError| {
        BuildError::Address { header, value: mailbox.to_string(), why: error.to_string() }
    })?;
    Ok(NamedMailbox::new((!name.is_empty()).then(|| name.to_owned()), email))
}

fn visible<'a>(header: &'static str, value: &'a str) -> Result<&'a str, BuildError> {
    if value.chars().any(|c| c.is_control() || ends_line(c)) {
        return Err(BuildError::ControlCharacter { header, value: value.chars().take(200).collect() });
    }
    Ok(value)
}

fn checked_id<'a>(header: &'static str, value: &'a str) -> Result<&'a str, BuildError> {
    let inner = value.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    let is_part =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>@".contains(&byte));
    match inner.and_then(|inner| inner.split_once('@')) {
        Some((name, domain)) if is_part(name) && is_part(domain) => Ok(value),
        _ => Err(BuildError::MessageId { header, value: value.chars().take(200).collect() }),
    }
}

fn fixed_header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn check_lines(bytes: &[u8]) -> Result<(), BuildError> {
    let longest = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line).len()).max();
    match longest {
        Some(length) if length > LINE_BYTES_MAX => Err(BuildError::LineTooLong { bytes: length }),
        _ => Ok(()),
    }
}

fn library(error: lettre::error::Error) -> BuildError {
    BuildError::Library(error.to_string())
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
