//! The German words that mails, documents, reports and proofs share, for standings. Never a whole sentence.

use chrono::NaiveDate;

use super::dates::date_in_words;
use super::duty::Duty;
use super::standing::{ReceiptState, Standing};

/// The word for a standing, in words that stand alone in a table (M1); `ends_on` is the last day of the deadline.
pub fn standing_in_words(standing: &Standing, ends_on: Option<NaiveDate>) -> String {
    let words = state_in_words(&standing.state);
    // an extension that a corrected deadline outlived says nothing any more
    let is_later = |until: &NaiveDate| ends_on.is_some_and(|ends_on| *until > ends_on);
    match standing.extended_to.filter(is_later) {
        Some(until) if !standing.is_settled() => format!("{words}; Frist war verlängert bis {}", date_in_words(until)),
        _ => words,
    }
}

/// The word for a state (M1). Never its reason: that is free text, written for the ZRK.
pub fn state_in_words(state: &ReceiptState) -> String {
    match state {
        ReceiptState::Missing => "keine Meldung".into(),
        ReceiptState::Partial { .. } => "unvollständig".into(),
        ReceiptState::Complete => "vollständig".into(),
        ReceiptState::Nil => "Fehlanzeige".into(),
        ReceiptState::Excused { .. } => "entschuldigt".into(),
        ReceiptState::Extended { until, .. } => format!("Frist verlängert bis {}", date_in_words(*until)),
        ReceiptState::Exempt { .. } => "nicht meldepflichtig".into(),
    }
}

/// Whether a character that is no control character ends a line all the same.
pub fn ends_line(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whether a character shows what follows in another order than it is, which could make a text say its opposite.
pub fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What was recorded, in a few words and with the parts that are missing: for reports on lists, and for proofs.
pub fn recorded_in_words(duty: &Duty, state: &ReceiptState) -> String {
    match state {
        ReceiptState::Missing => "fehlt".to_owned(),
        ReceiptState::Partial { missing } => {
            let titles: Vec<&str> = missing.iter().map(|part| duty.part_title(part)).collect();
            format!("unvollständig (es fehlt: {})", titles.join(", "))
        }
        ReceiptState::Complete => "vollständig".to_owned(),
        ReceiptState::Nil => "Fehlanzeige".to_owned(),
        ReceiptState::Excused { .. } => "entschuldigt".to_owned(),
        ReceiptState::Extended { until, .. } => format!("verlängert bis {}", date_in_words(*until)),
        ReceiptState::Exempt { .. } => "befreit".to_owned(),
    }
}
