//! Checks what a person asks to record or to signal. Never stores it.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::dates::{LAST_YEAR, Month, local_date};
use super::deadline::{Deadline, ImportSignal};
use super::duty::Duty;
use super::ladder::cycles_in_question;
use super::roster::Roster;
use super::rulebook::Rulebook;
use super::standing::{Receipt, ReceiptState};

/// What a person asks to record, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptRequest {
    /// The cycle.
    pub month: String,
    /// The duty's id.
    pub duty: String,
    /// The authority's id.
    pub authority: String,
    /// A word of S1.
    pub state: String,
    /// Parts that are there, of a partial report.
    pub parts: Vec<String>,
    /// Parts that are missing, of a partial report.
    pub missing: Vec<String>,
    /// The last day of an extension.
    pub until: Option<String>,
    /// Why, of an excuse, an extension or an exemption.
    pub reason: Option<String>,
    /// When the authority reported, if that was not now.
    pub reported_at: Option<DateTime<Utc>>,
}

/// Why a request is refused: place, value, remedy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestError(String);

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RequestError {}

fn refuse<T>(words: impl Into<String>) -> Result<T, RequestError> {
    Err(RequestError(words.into()))
}

/// Who asks, and when.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// Where the request comes from, for example `manual`.
    pub source: &'a str,
    /// The person.
    pub actor: &'a str,
    /// The instant.
    pub now: DateTime<Utc>,
}

/// Finds the duty of a request.
///
/// # Errors
/// If there is none of that id; the known ones are listed.
pub fn duty<'a>(rulebook: &'a Rulebook, id: &str) -> Result<&'a Duty, RequestError> {
    let known = || rulebook.duties.iter().map(|duty| &*duty.id).collect::<Vec<_>>().join(", ");
    rulebook.duty(id).ok_or_else(|| RequestError(format!("duty {id:?}: there is none; known: {}", known())))
}

/// The month of a request, if this store can know anything of it.
///
/// # Errors
/// If it is no month, lies before the store's first cycle (N11), or too far away to be meant.
pub fn month(
    rulebook: &Rulebook,
    text: &str,
    first_cycle: Option<Month>,
    now: DateTime<Utc>,
) -> Result<Month, RequestError> {
    let month = Month::parse(text).map_err(|cause| RequestError(cause.to_string()))?;
    if let Some(first) = first_cycle.filter(|first| month < *first) {
        return refuse(format!("cycle {month}: this store knows nothing before its first cycle, {first}"));
    }
    let today = local_date(now, rulebook.zone);
    let mut open = cycles_in_question(month, today);
    if !open.any(|known| known == month) {
        return refuse(format!(
            "cycle {month}: too far from today, {today}; accepted: the next month and two years back"
        ));
    }
    Ok(month)
}

/// Checks a request for a receipt. `deadline` is the one in force for the month and duty.
///
/// # Errors
/// If the authority, the state, a part, the date or the reason does not fit; the message says what is accepted.
pub fn receipt(
    request: &ReceiptRequest,
    duty: &Duty,
    roster: &Roster,
    deadline: &Deadline,
    asker: Asker<'_>,
) -> Result<Receipt, RequestError> {
    let Some(authority) = roster.authority(&request.authority) else {
        return refuse(unknown_authority(roster, &request.authority));
    };
    let state = state(request, duty, deadline)?;
    if let Some(reported_at) = request.reported_at.filter(|reported_at| *reported_at > asker.now) {
        return refuse(format!("reported at {reported_at}: that is in the future"));
    }
    Ok(Receipt {
        authority: authority.id.clone(),
        state,
        source: asker.source.to_owned(),
        actor: asker.actor.to_owned(),
        received_at: asker.now,
        reported_at: request.reported_at.unwrap_or(asker.now),
    })
}

/// Checks an import signal (F1).
///
/// # Errors
/// If the date lies in another month.
pub fn import_signal(month: Month, import_on: NaiveDate, asker: Asker<'_>) -> Result<ImportSignal, RequestError> {
    if !month.contains(import_on) {
        return refuse(format!("import date {import_on}: lies in the wrong month; accepted: a day of {month}"));
    }
    Ok(ImportSignal { month, import_on, received_at: asker.now, actor: asker.actor.to_owned() })
}

fn state(request: &ReceiptRequest, duty: &Duty, deadline: &Deadline) -> Result<ReceiptState, RequestError> {
    let word = request.state.as_str();
    if word != "partial" && !(request.parts.is_empty() && request.missing.is_empty()) {
        return refuse(format!("state {word:?}: parts go with \"partial\" only"));
    }
    if word != "extended" && request.until.is_some() {
        return refuse(format!("state {word:?}: a date until goes with \"extended\" only"));
    }
    let takes_reason = matches!(word, "excused" | "extended" | "exempt");
    if !takes_reason && request.reason.is_some() && ReceiptState::WORDS.contains(&word) {
        return refuse(format!("state {word:?}: a reason goes with \"excused\", \"extended\" or \"exempt\" only"));
    }
    let reason = || match request.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) if reason.chars().any(char::is_control) => refuse("reason: has a line break or control character"),
        Some(reason) => Ok(reason.to_owned()),
        None => refuse(format!("state {word:?}: needs a reason")),
    };
    Ok(match word {
        "missing" => ReceiptState::Missing,
        "partial" => ReceiptState::Partial { missing: missing_parts(request, duty)? },
        "complete" => ReceiptState::Complete,
        "nil" => ReceiptState::Nil,
        "excused" => ReceiptState::Excused { reason: reason()? },
        "exempt" => ReceiptState::Exempt { reason: reason()? },
        "extended" => ReceiptState::Extended { until: until(request, deadline)?, reason: reason()? },
        _ => return refuse(format!("state {word:?}: unknown; accepted: {}", ReceiptState::WORDS.join(", "))),
    })
}

fn missing_parts(request: &ReceiptRequest, duty: &Duty) -> Result<Vec<String>, RequestError> {
    let known: Vec<&str> = duty.parts.iter().map(|part| part.id.as_str()).collect();
    if let Some(unknown) = request.parts.iter().chain(&request.missing).find(|id| !known.contains(&id.as_str())) {
        return refuse(format!("part {unknown:?}: duty {:?} has none; known: {}", duty.id, known.join(", ")));
    }
    let is_missing = |id: &str| match (request.parts.is_empty(), request.missing.is_empty()) {
        (false, true) => Ok(!request.parts.iter().any(|part| part == id)),
        (true, false) => Ok(request.missing.iter().any(|part| part == id)),
        _ => refuse("state \"partial\": say which parts are there, or which are missing, and not both"),
    };
    let mut missing = Vec::new();
    for id in &known {
        if is_missing(id)? {
            missing.push((*id).to_owned());
        }
    }
    match missing.len() {
        0 => refuse("state \"partial\": no part is missing; record \"complete\""),
        count if count == known.len() => refuse("state \"partial\": every part is missing; record \"missing\""),
        _ => Ok(missing),
    }
}

fn until(request: &ReceiptRequest, deadline: &Deadline) -> Result<NaiveDate, RequestError> {
    let Some(text) = &request.until else { return refuse("state \"extended\": needs the last day, as YYYY-MM-DD") };
    let Some(until) = text.parse::<NaiveDate>().ok().filter(|until| until.year() <= LAST_YEAR) else {
        return refuse(format!("until {text:?}: is no date that can be meant; accepted: YYYY-MM-DD up to {LAST_YEAR}"));
    };
    if until <= deadline.ends_on {
        return refuse(format!(
            "until {until}: the deadline itself ends on {}; accepted: a later day",
            deadline.ends_on
        ));
    }
    Ok(until)
}

fn unknown_authority(roster: &Roster, id: &str) -> String {
    const HINTS_MAX: usize = 3; // enough to recognise one's own
    let words: Vec<&str> = id.split('-').filter(|word| word.len() > 3).collect();
    let near: Vec<&str> = roster
        .authorities()
        .iter()
        .filter(|authority| words.iter().any(|word| authority.id.contains(word)))
        .map(|authority| &*authority.id)
        .take(HINTS_MAX)
        .collect();
    let hint = if near.is_empty() { "see authorities.csv".to_owned() } else { format!("near: {}", near.join(", ")) };
    format!("authority {id:?}: is not in the roster; {hint}")
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
