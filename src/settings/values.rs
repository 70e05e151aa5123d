//! Reads the words that several files share: ids, names, dates, times, addresses. Never says where they stood.

use chrono::{Datelike, NaiveDate, NaiveTime};

use crate::domain::Mailbox;
use crate::domain::dates::{FIRST_YEAR, LAST_YEAR};
use crate::domain::words::ends_line;

const ID_LENGTH_MAX: usize = 64; // an id is part of a key, a file name and a Message-ID
/// The longest name, title or line; a subject with it still fits a mail header folded once or twice.
pub(super) const NAME_LENGTH_MAX: usize = 200;
/// The longest reason.
pub(super) const REASON_LENGTH_MAX: usize = 500;

/// An id: `[a-z0-9][a-z0-9+_-]*`.
pub(super) fn id(text: &str) -> Result<&str, String> {
    let is_first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_next = |byte: u8| is_first(byte) || b"+_-".contains(&byte);
    let good = text.bytes().next().is_some_and(is_first) && text.bytes().all(is_next);
    if text.is_empty() {
        Err("the id is empty; accepted: small letters, digits, + _ -, like abh-05111-duesseldorf".to_owned())
    } else if !good {
        Err(format!("{} is not an id; accepted: small letters and digits, then also + _ -", quoted(text)))
    } else if text.len() > ID_LENGTH_MAX {
        Err(format!("the id {} has more than {ID_LENGTH_MAX} characters; shorten it", quoted(text)))
    } else {
        Ok(text)
    }
}

/// A name, title or line of a letter: not empty, one line, not too long.
pub(super) fn name(text: &str) -> Result<String, String> {
    let line = line(text, NAME_LENGTH_MAX)?;
    if line.is_empty() { Err("is empty; write a text of one line".to_owned()) } else { Ok(line) }
}

/// A text of one line, perhaps empty. A line break would end a mail header and start another (M5).
pub(super) fn line(text: &str, length_max: usize) -> Result<String, String> {
    let is_break = |c: char| c.is_control() || ends_line(c);
    if text.contains(is_break) {
        return Err(format!("{} holds a line break or another control character; write it on one line", quoted(text)));
    }
    let length = text.chars().count();
    if length > length_max {
        return Err(format!("{} has {length} characters; at most {length_max} are accepted", quoted(text)));
    }
    Ok(text.trim().to_owned())
}

/// A date: `2026-12-01`, or `01.12.2026` as German tables write it.
pub(super) fn date(text: &str) -> Result<NaiveDate, String> {
    let number =
        |part: &str| (part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse::<u32>().ok()).flatten();
    let parts = |mark: char, lengths: [usize; 3]| {
        let parts: Vec<&str> = text.split(mark).collect();
        let fits = parts.len() == 3 && parts.iter().zip(lengths).all(|(part, length)| part.len() == length);
        fits.then(|| Some([number(parts[0])?, number(parts[1])?, number(parts[2])?])).flatten()
    };
    let ymd = parts('-', [4, 2, 2]).or_else(|| parts('.', [2, 2, 4]).map(|[day, month, year]| [year, month, day]));
    let Some([year, month, day]) = ymd else {
        return Err(format!("{} is not a date; accepted: 2026-12-01 or 01.12.2026", quoted(text)));
    };
    date_of(year as i32, month, day)
}

/// A date from its numbers, within the years that calendars cover.
pub(super) fn date_of(year: i32, month: u32, day: u32) -> Result<NaiveDate, String> {
    let shown = format!("{year:04}-{month:02}-{day:02}");
    let date = NaiveDate::from_ymd_opt(year, month, day);
    let date = date.ok_or_else(|| format!("{shown} is no day of the calendar; accepted: a date like 2026-12-01"))?;
    if !(FIRST_YEAR..=LAST_YEAR).contains(&date.year()) {
        return Err(format!("{shown} lies outside {FIRST_YEAR} to {LAST_YEAR}, the years that calendars cover"));
    }
    Ok(date)
}

/// A time of day: `08:00`.
pub(super) fn time(text: &str) -> Result<NaiveTime, String> {
    let well_formed = text.len() == 5 && text.is_char_boundary(2);
    well_formed
        .then(|| NaiveTime::parse_from_str(text, "%H:%M").ok())
        .flatten()
        .ok_or_else(|| format!("{} is not a time of day; accepted: \"00:00\" to \"23:59\"", quoted(text)))
}

/// A mail address; a domain with umlauts becomes its ASCII form first.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, String> {
    let Some((local, domain)) = text.rsplit_once('@').filter(|(_, domain)| !domain.is_ascii()) else {
        return Mailbox::parse(text).map_err(|error| error.to_string());
    };
    let domain = idna::domain_to_ascii(domain).map_err(|_| {
        format!("{} is not a mail address: the domain is no host name; accepted: name@domain.tld", quoted(text))
    })?;
    let ascii = format!("{local}@{domain}");
    Mailbox::parse(&ascii).map_err(|error| format!("{}, in ASCII {error}", quoted(text)))
}

/// A value as complaints show it: in quotes, escaped, and cut if it is long.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN_MAX: usize = 80; // enough to find it in the file
    let cut: String = text.chars().take(SHOWN_MAX).collect();
    let mark = if cut.len() < text.len() { "…" } else { "" };
    format!("\"{}{mark}\"", cut.chars().map(shown).collect::<String>())
}

fn shown(c: char) -> String {
    // `escape_debug` of a string would also escape combining marks and quotes that are plain to read
    if c.is_control() || ends_line(c) || matches!(c, '"' | '\\') { c.escape_debug().collect() } else { c.to_string() }
}
