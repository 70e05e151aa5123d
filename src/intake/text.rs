//! From bytes to text that is safe to show. Never guesses more than UTF-8, a byte order mark, or Windows-1252.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Longest text of a cell, in bytes: a reason of some sentences. Longer ones are no list of receipts.
pub(super) const TEXT_BYTES_MAX: usize = 4_000;

/// Why a text cannot be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unfit {
    /// A character that no table program writes, like NUL.
    Control,
    /// Longer than [`TEXT_BYTES_MAX`].
    TooLong,
}

impl Unfit {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Control => "enthält ein unsichtbares Steuerzeichen; bitte den Inhalt der Zelle neu eintippen",
            Self::TooLong => "ist länger als 4.000 Zeichen; bitte kürzen",
        }
    }
}

/// With what a table program takes a text for a formula.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A text that no table program takes for a formula, because of an apostrophe before it; [`clean`] takes that off again.
pub(super) fn neutral(text: &str) -> Cow<'_, str> {
    if text.starts_with(FORMULA_STARTS) { format!("'{text}").into() } else { text.into() }
}

/// The text without blanks around it, on one line: a line break within would end a mail header or a log line.
pub(super) fn clean(text: &str) -> Result<String, Unfit> {
    let text = text.trim();
    let text = text.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA_STARTS)).unwrap_or(text);
    if text.len() > TEXT_BYTES_MAX {
        return Err(Unfit::TooLong);
    }
    let trimmed = text.trim();
    let is_plain = trimmed.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if is_plain && !trimmed.contains("  ") {
        return Ok(trimmed.to_owned());
    }
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err(Unfit::Control);
    }
    Ok(trimmed.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The text of a CSV: UTF-8 with or without a mark, UTF-16 with one (Excel's "Unicode-Text"), else Windows-1252, which is
/// what Excel in Germany calls CSV. Each byte is something in Windows-1252; what it then holds of control characters tells
/// that it was none.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let damaged =
        |name: &str| format!("gibt sich als {name} aus, ist es aber nicht; bitte neu als CSV UTF-8 speichern");
    match Encoding::for_bom(bytes) {
        Some((encoding, mark)) if encoding == UTF_8 => {
            std::str::from_utf8(&bytes[mark..]).map(Cow::Borrowed).map_err(|_| damaged("UTF-8"))
        }
        Some((encoding, mark)) if encoding == UTF_16LE || encoding == UTF_16BE => encoding
            .decode_without_bom_handling_and_without_replacement(&bytes[mark..])
            .ok_or_else(|| damaged("UTF-16")),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_) => Ok(WINDOWS_1252.decode_without_bom_handling(bytes).0),
        },
    }
}

/// The bytes behind a byte order mark.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    Encoding::for_bom(bytes).map_or(bytes, |(_, mark)| &bytes[mark..])
}

/// The place of the first character that no text file has: its line, from 1.
pub(super) fn line_of_control(text: &str) -> Option<usize> {
    let at = text.find(|c: char| c.is_control() && !matches!(c, '\t' | '\r' | '\n'))?;
    Some(LineCounter::new(text, 1).line_at(at))
}

/// Counts lines while a text is walked: LF, CR LF and CR alone end one.
pub(super) struct LineCounter<'a> {
    bytes: &'a [u8],
    offset: usize,
    line: usize,
}

impl<'a> LineCounter<'a> {
    pub(super) fn new(text: &'a str, first_line: usize) -> Self {
        Self { bytes: text.as_bytes(), offset: 0, line: first_line }
    }

    /// The line in which a byte stands; offsets must not fall.
    pub(super) fn line_at(&mut self, offset: usize) -> usize {
        while self.offset < offset.min(self.bytes.len()) {
            let is_end = match self.bytes[self.offset] {
                b'\n' => true,
                b'\r' => self.bytes.get(self.offset + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line += usize::from(is_end);
            self.offset += 1;
        }
        self.line
    }

    /// The line of the first byte at or behind the offset that ends no line: blank lines before a record are not its own.
    pub(super) fn line_behind_blank_ones(&mut self, offset: usize) -> usize {
        let breaks = self.bytes[offset.min(self.bytes.len())..].iter();
        let breaks = breaks.take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.line_at(offset + breaks)
    }
}
