//! Takes a foreign mail apart, with a bound on everything. Never recurses, and never looks into a mail within the mail.
//!
//! Headers, transfer encodings and character sets are `mail-parser`'s. The tree is taken apart here, because that crate
//! follows mails within mails as deep as they go: forty kilobytes of a thousand mails in base64 overflow a thread's stack,
//! which nothing can catch.

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Header, HeaderName, HeaderValue, MessageParser};

const HEAD_BYTES_MAX: usize = 64 * 1024; // mail systems refuse longer ones; fifty hops fill a third of it
const PARTS_MAX: usize = 30; // a report has three; one with a disclaimer around it five
const DEPTH_MAX: usize = 4; // a report in a mail that a gateway wrapped once or twice

/// The headers of a mail or a part.
#[derive(Debug, Default)]
pub(super) struct Head<'a> {
    headers: Vec<Header<'a>>,
}

/// A part that is no multipart itself, not yet decoded.
#[derive(Debug)]
pub(super) struct Leaf<'a> {
    /// `text/plain` in lower case.
    pub(super) media_type: String,
    charset: Option<String>,
    encoding: String,
    body: &'a [u8],
}

impl<'a> Head<'a> {
    /// Takes the headers off, and returns what follows the blank line.
    pub(super) fn split(bytes: &'a [u8]) -> (Self, &'a [u8]) {
        let (head, body) = at_blank_line(bytes);
        let head = &head[..head.len().min(HEAD_BYTES_MAX)];
        let parser = MessageParser::new() // which leaves all others as they are
            .header_content_type(HeaderName::ContentType)
            .header_text(HeaderName::Subject)
            .header_address(HeaderName::From);
        let headers = parser.parse_headers(head).map(|mail| mail.parts.into_iter().flat_map(|part| part.headers));
        (Self { headers: headers.into_iter().flatten().collect() }, body)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.headers.is_empty()
    }

    /// All texts of a header, as they stand, folded lines and all.
    pub(super) fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.headers
            .iter()
            .filter(move |header| header.name.as_str().eq_ignore_ascii_case(name))
            .filter_map(|header| header.value.as_text())
    }

    /// The first text of a header.
    pub(super) fn first<'s>(&'s self, name: &'s str) -> Option<&'s str> {
        self.all(name).next()
    }

    /// The addresses in `From`.
    pub(super) fn from(&self) -> impl Iterator<Item = &str> {
        let from = self.headers.iter().filter(|header| header.name == HeaderName::From);
        let addresses = from.filter_map(|header| header.value.as_address());
        addresses.flat_map(|addresses| addresses.iter()).filter_map(|address| address.address.as_deref())
    }

    fn content_type(&self) -> Option<&mail_parser::ContentType<'a>> {
        self.headers.iter().find(|header| header.name == HeaderName::ContentType).and_then(|header| {
            match &header.value {
                HeaderValue::ContentType(content_type) => Some(content_type),
                _ => None,
            }
        })
    }

    /// `multipart/report` in lower case; `text/plain` if nothing is said (RFC 2045, 5.2).
    pub(super) fn media_type(&self) -> String {
        let named = self.content_type().and_then(|content_type| {
            Some(format!("{}/{}", content_type.ctype(), content_type.subtype()?).to_ascii_lowercase())
        });
        named.unwrap_or_else(|| "text/plain".to_owned())
    }

    /// A parameter of `Content-Type`.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.content_type().and_then(|content_type| content_type.attribute(name))
    }
}

/// All parts of a mail that are no multiparts, in order, as far as the bounds reach.
pub(super) fn leaves<'a>(head: &Head<'a>, body: &'a [u8]) -> Vec<Leaf<'a>> {
    let mut found = Vec::new();
    let mut waiting = vec![(Leaf::of(head, body), boundary_of(head), 0)];
    let mut seen = 0;
    while let Some((leaf, boundary, depth)) = waiting.pop() {
        seen += 1;
        let Some(boundary) = boundary.filter(|_| depth < DEPTH_MAX) else {
            found.push(leaf);
            continue;
        };
        let room = PARTS_MAX.saturating_sub(seen + waiting.len());
        let inner = split_at_boundary(leaf.body, boundary.as_bytes(), room);
        for part in inner.into_iter().rev() {
            let (head, body) = Head::split(part);
            waiting.push((Leaf::of(&head, body), boundary_of(&head), depth + 1));
        }
    }
    found
}

fn boundary_of(head: &Head<'_>) -> Option<String> {
    let is_multipart = head.media_type().starts_with("multipart/");
    head.parameter("boundary").filter(|boundary| is_multipart && !boundary.is_empty()).map(str::to_owned)
}

impl<'a> Leaf<'a> {
    fn of(head: &Head<'_>, body: &'a [u8]) -> Self {
        Self {
            media_type: head.media_type(),
            charset: head.parameter("charset").map(str::to_owned),
            encoding: head.first("Content-Transfer-Encoding").unwrap_or_default().trim().to_ascii_lowercase(),
            body,
        }
    }

    /// Its bytes, decoded; as they are if they cannot be.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let decoded = match self.encoding.as_str() {
            "base64" => base64_decode(self.body),
            "quoted-printable" => quoted_printable_decode(self.body),
            _ => None,
        };
        decoded.unwrap_or_else(|| self.body.to_vec())
    }

    /// Its text, in whatever character set.
    pub(super) fn text(&self) -> String {
        let bytes = self.bytes();
        match self.charset.as_deref().and_then(|charset| charset_decoder(charset.as_bytes())) {
            Some(decode) => decode(&bytes),
            None => String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

/// The parts between lines of `--boundary`, at most so many; none if there is no such line.
fn split_at_boundary<'a>(body: &'a [u8], boundary: &[u8], parts_max: usize) -> Vec<&'a [u8]> {
    let (mut parts, mut begin, mut at) = (Vec::new(), None, 0);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let end = at;
        at += line.len();
        let Some(rest) = line.strip_prefix(b"--").and_then(|rest| rest.strip_prefix(boundary)) else { continue };
        let is_last = rest.starts_with(b"--");
        if !is_last && !rest.iter().all(u8::is_ascii_whitespace) {
            continue; // a longer boundary of another part
        }
        if let Some(begin) = begin.take() {
            parts.push(&body[begin..end]);
        }
        if is_last || parts.len() >= parts_max {
            return parts;
        }
        begin = Some(at);
    }
    // what was cut off has no last boundary
    parts.extend(begin.map(|begin| &body[begin..]));
    parts
}

/// What comes before the first blank line, and what after it.
pub(super) fn at_blank_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line == b"\n" || line == b"\r\n" {
            return (&bytes[..at], &bytes[at + line.len()..]);
        }
        at += line.len();
    }
    (bytes, &[])
}
