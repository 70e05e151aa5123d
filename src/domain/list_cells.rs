//! What a cell of a list means: presence of a figure, month, date, state, yes or no (S1-S3). Never guesses, never keeps a figure.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;

use super::dates::{self, FIRST_YEAR, LAST_YEAR, Month};
use super::list::{Presence, normal};

/// What is kept of a part's cell that is text (S3).
///
/// In official tables a dash means zero, a dot unknown, but not everybody knows; both are [`Presence::Unreadable`].
///
/// ```
/// use fristd::domain::list::Presence;
/// use fristd::domain::list_cells::presence;
/// assert_eq!(presence(" ", false), Presence::Blank); // blank is not zero (S2)
/// assert_eq!(presence("0,0", false), Presence::Zero);
/// assert_eq!(presence("1.234", false), Presence::AboveZero); // whether that is 1234 or 1.234 does not matter
/// assert_eq!(presence("-", false), Presence::Unreadable);
/// assert_eq!(presence("ja", true), Presence::AboveZero);
/// assert_eq!(presence("0", true), Presence::Blank);
/// ```
pub fn presence(text: &str, is_confirmation: bool) -> Presence {
    let text = text.trim();
    if text.is_empty() {
        return Presence::Blank;
    }
    if !is_confirmation {
        return presence_of_figure(text);
    }
    match yes_or_no(text) {
        Some(is_confirmed) => presence_of_yes_no(is_confirmed, true),
        None if when(text, Tz::UTC).is_some() => Presence::AboveZero,
        None => Presence::Unreadable,
    }
}

/// What is kept of a part's cell that is a number.
pub fn presence_of_number(number: f64, is_confirmation: bool) -> Presence {
    match number {
        0.0 if is_confirmation => Presence::Blank,
        0.0 => Presence::Zero,
        1.0 if is_confirmation => Presence::AboveZero,
        number if number.is_finite() && number > 0.0 && !is_confirmation => Presence::AboveZero,
        _ => Presence::Unreadable,
    }
}

/// What is kept of a part's cell that says yes or no; a figure it cannot be.
pub fn presence_of_yes_no(is_yes: bool, is_confirmation: bool) -> Presence {
    match (is_confirmation, is_yes) {
        (true, true) => Presence::AboveZero,
        (true, false) => Presence::Blank,
        (false, _) => Presence::Unreadable,
    }
}

/// What is kept of a part's cell that is a date: the day of a confirmation; a figure it cannot be.
pub fn presence_of_date(is_confirmation: bool) -> Presence {
    if is_confirmation { Presence::AboveZero } else { Presence::Unreadable }
}

fn presence_of_figure(text: &str) -> Presence {
    // fristd's own correction file writes it so, because it knows of no figure
    if text.strip_prefix('>').is_some_and(|rest| rest.trim() == "0") {
        return Presence::AboveZero;
    }
    if !is_number(text) {
        return Presence::Unreadable;
    }
    if text.contains(|c: char| matches!(c, '1'..='9')) { Presence::AboveZero } else { Presence::Zero }
}

/// Whether it is a number as German or English write it, without a sign: digits, perhaps in groups of three, perhaps
/// with decimals.
fn is_number(text: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_grouped = |whole: &str, mark: char| {
        let mut groups = whole.split(mark);
        groups.next().is_some_and(|first| is_digits(first) && first.len() <= 3)
            && groups.all(|group| is_digits(group) && group.len() == 3)
    };
    let is_whole = |whole: &str, marks: &[char]| {
        is_digits(whole) || marks.iter().any(|mark| whole.contains(*mark) && is_grouped(whole, *mark))
    };
    const OTHER_MARKS: [char; 5] = [' ', '\u{a0}', '\u{202f}', '\'', '’'];
    let with = |mark: char| [&[mark], &OTHER_MARKS[..]].concat();
    let is_decimal = |mark: char, group: char| {
        text.rsplit_once(mark).is_some_and(|(whole, decimals)| is_digits(decimals) && is_whole(whole, &with(group)))
    };
    is_digits(text)
        || is_whole(text, &with('.'))
        || is_whole(text, &[','])
        || is_decimal(',', '.')
        || is_decimal('.', ',')
}

/// A month however a list writes it; of a date only the first day of a month, because another one is no month.
///
/// ```
/// use fristd::domain::list_cells::month;
/// for text in ["2026-12", "12/2026", "12.2026", "Dezember 2026", "Dez. 26", "01.12.2026", "2026-12-01"] {
///     assert_eq!(month(text).unwrap().to_string(), "2026-12", "{text}");
/// }
/// assert_eq!(month("15.12.2026"), None);
/// ```
pub fn month(text: &str) -> Option<Month> {
    let text = normal(text);
    if let Some(When::Day(date)) = when(&text, Tz::UTC) {
        return (date.day() == 1).then(|| Month::of(date));
    }
    if let Some(local) = local_time(&text) {
        return (local.day() == 1 && local.time() == NaiveTime::MIN).then(|| Month::of(local.date()));
    }
    let (first, second) = text.split_once(['-', '/', '.', ' '])?;
    let second = second.trim_start();
    let (year, month) = match month_word(first) {
        Some(month) => (year(second)?, month),
        None if first.len() == 4 => (year(first)?, number(second, 2)?),
        None if second.len() == 4 => (year(second)?, number(first, 2)?),
        None => return None,
    };
    Month::parse(&format!("{year:04}-{month:02}")).ok()
}

/// A date or an instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// A day without a time.
    Day(NaiveDate),
    /// A day with a time.
    Instant(DateTime<Utc>),
}

/// A date or date-time in German or ISO form; a time without an offset is local, with what [`dates::instant`] makes of the
/// nights in which clocks change. A year of two digits is one of this century. `None` for anything else, also for
/// `12/04/2026`, of which nobody knows the month.
///
/// ```
/// use fristd::domain::list_cells::{When, when};
/// let zone = chrono_tz::Europe::Berlin;
/// assert_eq!(when("4.12.26", zone), Some(When::Day("2026-12-04".parse().unwrap())));
/// assert_eq!(when("04.12.2026, 09:12 Uhr", zone), Some(When::Instant("2026-12-04T08:12:00Z".parse().unwrap())));
/// assert_eq!(when("2026-12-04T09:12:00+01:00", zone), Some(When::Instant("2026-12-04T08:12:00Z".parse().unwrap())));
/// assert_eq!(when("31.11.2026", zone), None);
/// ```
pub fn when(text: &str, zone: Tz) -> Option<When> {
    let text = normal(text);
    if let Some(date) = date(&text) {
        return Some(When::Day(date));
    }
    if let Some(local) = local_time(&text) {
        return Some(When::Instant(dates::instant(zone, local)));
    }
    let instant = instant_with_offset(&text)?;
    (FIRST_YEAR..=LAST_YEAR).contains(&instant.year()).then_some(When::Instant(instant))
}

/// The word of S1 for a state, in German or English; `None` for an unknown one.
///
/// ```
/// use fristd::domain::list_cells::state;
/// assert_eq!(state("nicht  gemeldet"), Some("missing"));
/// assert_eq!(state("Fristverlängerung"), Some("extended"));
/// assert_eq!(state("vielleicht"), None);
/// ```
pub fn state(text: &str) -> Option<&'static str> {
    Some(match normal(text).as_str() {
        "missing" | "fehlt" | "fehlend" | "offen" | "ausstehend" | "nicht gemeldet" => "missing",
        "partial" | "teilweise" | "teilweise gemeldet" | "unvollständig" | "unvollstaendig" => "partial",
        "complete" | "vollständig" | "vollstaendig" | "gemeldet" | "erledigt" => "complete",
        "nil" | "nil report" | "fehlanzeige" => "nil",
        "excused" | "entschuldigt" => "excused",
        "extended" | "verlängert" | "verlaengert" | "fristverlängerung" | "fristverlaengerung" => "extended",
        "exempt" | "befreit" | "nicht meldepflichtig" => "exempt",
        _ => return None,
    })
}

/// Yes or no, in German or English; `None` for anything else.
pub fn yes_or_no(text: &str) -> Option<bool> {
    match normal(text).as_str() {
        "ja" | "j" | "x" | "wahr" | "true" | "yes" | "1" => Some(true),
        "nein" | "n" | "falsch" | "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// `2026-12-04`, `04.12.2026`, `4.12.26`, `4. dezember 2026`.
fn date(text: &str) -> Option<NaiveDate> {
    let (year, month, day) = match text.split_once('.') {
        Some((day, rest)) => {
            let (month, rest) = rest.trim_start().split_once(['.', ' '])?;
            let month = number(month, 2).or_else(|| month_word(month))?;
            (year(rest.trim_start())?, month, number(day, 2)?)
        }
        None => {
            let (year_text, rest) = text.split_once('-')?;
            let (month, day) = rest.split_once('-')?;
            if (year_text.len(), month.len(), day.len()) != (4, 2, 2) {
                return None;
            }
            (year(year_text)?, number(month, 2)?, number(day, 2)?)
        }
    };
    NaiveDate::from_ymd_opt(year, month, day)
}

/// A date and a time without an offset.
fn local_time(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim_end_matches("uhr").trim_end();
    let (day, time_text) = text.rsplit_once([' ', 't'])?;
    let day = day.trim_end().trim_end_matches(',');
    let mut parts = time_text.splitn(3, ':');
    let (hour, minute) = (number(parts.next()?, 2)?, parts.next()?);
    let second = parts.next().unwrap_or("00");
    let (second, fraction) = second.split_once(['.', ',']).unwrap_or((second, ""));
    if minute.len() != 2 || second.len() != 2 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let time = NaiveTime::from_hms_opt(hour, number(minute, 2)?, number(second, 2)?)?;
    Some(date(day)?.and_time(time))
}

/// An ISO date-time with `Z` or an offset, lower case as it comes; seconds may be left out.
fn instant_with_offset(text: &str) -> Option<DateTime<Utc>> {
    let text = text.to_uppercase().replacen(' ', "T", 1);
    let with_seconds = || {
        let (minutes, offset) = text.split_at_checked("2026-12-04T09:12".len())?;
        DateTime::parse_from_rfc3339(&format!("{minutes}:00{offset}")).ok()
    };
    DateTime::parse_from_rfc3339(&text).ok().or_else(with_seconds).map(|instant| instant.with_timezone(&Utc))
}

/// A year of four digits, or of two in this century, for which calendars are computed.
fn year(text: &str) -> Option<i32> {
    let year = match text.len() {
        2 => 2000 + number(text, 2)?,
        4 => number(text, 4)?,
        _ => return None,
    };
    i32::try_from(year).ok().filter(|year| (FIRST_YEAR..=LAST_YEAR).contains(year))
}

/// One digit up to `length_max` digits.
fn number(text: &str, length_max: usize) -> Option<u32> {
    let fits = (1..=length_max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// The number of a month's German or English name or abbreviation, in lower case.
fn month_word(word: &str) -> Option<u32> {
    const NAMES: [&[&str]; 12] = [
        &["januar", "january", "jan", "jän", "jänner"],
        &["februar", "february", "feb", "febr"],
        &["märz", "maerz", "march", "mär", "mrz", "mar"],
        &["april", "apr"],
        &["mai", "may"],
        &["juni", "june", "jun"],
        &["juli", "july", "jul"],
        &["august", "aug"],
        &["september", "sep", "sept"],
        &["oktober", "october", "okt", "oct"],
        &["november", "nov"],
        &["dezember", "december", "dez", "dec"],
    ];
    let at = NAMES.iter().position(|names| names.contains(&word.trim_end_matches('.')))?;
    u32::try_from(at + 1).ok()
}

#[cfg(test)]
#[path = "list_cells_tests.rs"]
mod tests;
