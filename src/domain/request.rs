//! Checks what a person asks to record or to signal. Never stores it.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;

use super::arrangement::{Arrangement, ArrangementKind, spans};
use super::dates::{FIRST_YEAR, LAST_YEAR, Month, end_of_day, local_date};
use super::deadline::{Deadline, ImportSignal};
use super::duty::{Duty, DutyId};
use super::ladder::cycles_in_question;
use super::roster::{Authority, Roster};
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
    /// The last day of an extension; of a nil report or an exemption that stands for several cycles, the day by which the
    /// last month ends that it covers, or [`FURTHER_NOTICE`] of an exemption.
    pub until: Option<String>,
    /// Why; an excuse, an extension, an exemption and a standing nil report need it.
    pub reason: Option<String>,
    /// When the authority reported, if that was not now.
    pub reported_at: Option<DateTime<Utc>>,
}

/// The end of an exemption that has none yet, in a command and in a list.
pub const FURTHER_NOTICE: [&str; 2] = ["further-notice", "bis auf Weiteres"];

const REASON_CHARACTERS_MAX: usize = 500; // a sentence or two; what is longer belongs into a file of its own

/// What a person asks to end, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndRequest {
    /// The authority's id.
    pub authority: String,
    /// The duty's id.
    pub duty: String,
    /// The first cycle in which it holds no more; the present one if left out.
    pub from: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// What is to be stored of a request that was found good.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    /// The cycle.
    pub month: Month,
    /// The duty.
    pub duty: DutyId,
    /// The receipt of that cycle.
    pub receipt: Receipt,
    /// What holds for the cycles after it as well (S7).
    pub arrangement: Option<Arrangement>,
    /// What the person should know.
    pub remarks: Vec<Remark>,
}

/// What is taken as asked, and may not be what was meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Remark {
    /// The last day of an extension is free; it ends with that day all the same.
    FreeDay {
        /// The last day.
        until: NaiveDate,
        /// Why it is free, in German.
        why: String,
        /// The next working day, if calendars reach so far.
        next_working_day: Option<NaiveDate>,
    },
    /// The last day of an extension is over.
    Over {
        /// The last day.
        until: NaiveDate,
    },
    /// A nil report or an exemption with a reason and no end holds for this cycle alone.
    ThisCycleOnly,
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

/// Finds the authority of a request.
///
/// # Errors
/// If the roster has none of that id; those that are near are named.
pub fn known_authority<'a>(roster: &'a Roster, id: &str) -> Result<&'a Authority, RequestError> {
    roster.authority(id).ok_or_else(|| RequestError(unknown_authority(roster, id)))
}

/// Checks a request whole: the receipt of its cycle, and what follows for others. `deadline` is the one in force for the
/// month and duty.
///
/// # Errors
/// As [`receipt`] and [`arrangement`].
pub fn check(
    request: &ReceiptRequest,
    month: Month,
    duty: &Duty,
    roster: &Roster,
    deadline: &Deadline,
    zone: Tz,
    asker: Asker<'_>,
) -> Result<Checked, RequestError> {
    let receipt = receipt(request, duty, roster, deadline, asker)?;
    let arrangement = arrangement(request, month, duty, roster, asker)?;
    let mut remarks = Vec::new();
    if let ReceiptState::Extended { until, .. } = receipt.state {
        if let Some(why) = duty.calendar.why_free(until) {
            remarks.push(Remark::FreeDay { until, why, next_working_day: duty.calendar.same_or_next(until).ok() });
        }
        if end_of_day(zone, until) <= asker.now {
            remarks.push(Remark::Over { until });
        }
    }
    if arrangement.is_none() && ArrangementKind::parse(&request.state).is_some() && request.reason.is_some() {
        remarks.push(Remark::ThisCycleOnly);
    }
    Ok(Checked { month, duty: duty.id.clone(), receipt, arrangement, remarks })
}

/// Checks a request for a receipt. `deadline` is the one in force for the month and duty.
///
/// # Errors
/// If the authority, the state, a part, the date or the reason does not fit, or the authority does not owe the report; the
/// message says what is accepted.
pub fn receipt(
    request: &ReceiptRequest,
    duty: &Duty,
    roster: &Roster,
    deadline: &Deadline,
    asker: Asker<'_>,
) -> Result<Receipt, RequestError> {
    let authority = known_authority(roster, &request.authority)?;
    if !authority.owes_on(deadline.ends_on) {
        let remedy = match roster.reporter_of(&authority.id, deadline.ends_on) {
            Some(reporter) => format!("record it for {}, which reports for it", reporter.id),
            None => "see valid_from and valid_to in authorities.csv".to_owned(),
        };
        let ends_on = deadline.ends_on;
        return refuse(format!("authority {:?}: owes no report that is due on {ends_on}; {remedy}", authority.id));
    }
    let state = state(request, duty, deadline)?;
    if let Some(reported_at) = request.reported_at.filter(|reported_at| *reported_at > asker.now) {
        return refuse(format!("reported at {reported_at}: that is in the future"));
    }
    Ok(Receipt {
        authority: authority.id.clone(),
        source: asker.source.to_owned(),
        actor: asker.actor.to_owned(),
        note: if state.reason().is_some() { None } else { reason(request)? },
        state,
        received_at: asker.now,
        reported_at: request.reported_at.unwrap_or(asker.now),
    })
}

/// Checks a request for more than one cycle: a nil report or an exemption with an end (S7). None if it is for one alone.
///
/// # Errors
/// If the authority, the end or the reason does not fit; the message says what is accepted.
pub fn arrangement(
    request: &ReceiptRequest,
    month: Month,
    duty: &Duty,
    roster: &Roster,
    asker: Asker<'_>,
) -> Result<Option<Arrangement>, RequestError> {
    let (Some(kind), Some(text)) = (ArrangementKind::parse(&request.state), &request.until) else { return Ok(None) };
    let authority = known_authority(roster, &request.authority)?;
    let is_open = FURTHER_NOTICE.iter().any(|words| words.eq_ignore_ascii_case(text.trim()));
    if is_open && kind == ArrangementKind::Nil {
        return refuse(format!("until {text:?}: a standing nil report ends on a date; accepted: YYYY-MM-DD"));
    }
    let until = if is_open { None } else { Some(date(text)?) };
    let Some(reason) = reason(request)? else {
        return refuse(format!("state {:?}: needs a reason if it stands until a date", request.state));
    };
    let arrangement = Arrangement {
        duty: duty.id.clone(),
        authority: authority.id.clone(),
        kind,
        from: month,
        until,
        reason,
        source: asker.source.to_owned(),
        actor: asker.actor.to_owned(),
        recorded_at: asker.now,
    };
    if arrangement.state_in(duty, month).is_none() {
        let period = duty.period_of(month);
        let last_day = period.next().first_day() - chrono::Days::new(1);
        return refuse(format!(
            "until {text}: covers no month, the report of cycle {month} is about {period}; accepted: {last_day} or later"
        ));
    }
    Ok(Some(arrangement))
}

/// Checks a request to end a standing nil report or an exemption (S7). None if there is none from that cycle on.
/// `arrangements` are in the order in which they were recorded.
///
/// # Errors
/// If the cycle or the reason does not fit.
pub fn end(
    request: &EndRequest,
    duty: &Duty,
    arrangements: &[Arrangement],
    zone: Tz,
    asker: Asker<'_>,
) -> Result<Option<Arrangement>, RequestError> {
    let from = match &request.from {
        Some(text) => Month::parse(text).map_err(|cause| RequestError(cause.to_string()))?,
        None => Month::of(local_date(asker.now, zone)),
    };
    let Some(reason) = checked_reason(request.reason.as_deref())? else {
        return refuse("reason: is needed to end what was arranged");
    };
    // the authority may have left the roster
    let found = spans(duty, arrangements)
        .into_iter()
        .find(|span| *span.arrangement.authority == request.authority && span.reaches(from));
    Ok(found.map(|span| Arrangement {
        duty: duty.id.clone(),
        authority: span.arrangement.authority.clone(),
        kind: ArrangementKind::Ended,
        from,
        until: None,
        reason,
        source: asker.source.to_owned(),
        actor: asker.actor.to_owned(),
        recorded_at: asker.now,
    }))
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
    let takes_until = word == "extended" || ArrangementKind::parse(word).is_some();
    if !takes_until && request.until.is_some() && ReceiptState::WORDS.contains(&word) {
        return refuse(format!(
            "state {word:?}: a date until goes with \"extended\", \"nil\" or \"exempt\" only; what holds for this cycle needs none"
        ));
    }
    let reason = || match reason(request)? {
        Some(reason) => Ok(reason),
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
    let until = date(text)?;
    if until <= deadline.ends_on {
        return refuse(format!(
            "until {until}: the deadline itself ends on {}; accepted: a later day",
            deadline.ends_on
        ));
    }
    Ok(until)
}

fn date(text: &str) -> Result<NaiveDate, RequestError> {
    match text.parse::<NaiveDate>() {
        Ok(date) if (FIRST_YEAR..=LAST_YEAR).contains(&date.year()) => Ok(date),
        _ => refuse(format!(
            "until {text:?}: is no date that can be meant; accepted: YYYY-MM-DD between {FIRST_YEAR} and {LAST_YEAR}"
        )),
    }
}

fn reason(request: &ReceiptRequest) -> Result<Option<String>, RequestError> {
    checked_reason(request.reason.as_deref())
}

fn checked_reason(reason: Option<&str>) -> Result<Option<String>, RequestError> {
    match reason.map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) if reason.chars().any(char::is_control) => refuse("reason: has a line break or control character"),
        Some(reason) if reason.chars().count() > REASON_CHARACTERS_MAX => {
            refuse(format!("reason: is longer than {REASON_CHARACTERS_MAX} characters"))
        }
        reason => Ok(reason.map(str::to_owned)),
    }
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
