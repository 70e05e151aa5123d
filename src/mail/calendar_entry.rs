//! Writes the calendar entry that can be attached to a mail (M4). Never invites anybody, never asks for an answer.

use chrono::{DateTime, NaiveDate, Utc};
use icalendar::{Calendar, Component, Event, EventLike};

use crate::domain::Letter;
use crate::domain::dates::day_in_words;

/// The text of an `.ics` file with an all-day entry on the last day of the deadline; none for a letter without one.
///
/// `uid` must be the same for all letters to one mailbox about one duty and cycle: a correction then moves the entry,
/// because the revision is its sequence number.
pub fn calendar_entry(letter: &Letter, uid: &str, stamped_at: DateTime<Utc>) -> Option<String> {
    let matter = letter.matter.as_ref()?;
    let deadline = &matter.deadline;
    let summary = format!("Frist: {} {}", matter.module, matter.period.in_words());
    let mut description =
        format!("{} für {} bis {}, 24:00 Uhr.", matter.title, matter.period.in_words(), day_in_words(deadline.ends_on));
    if let Some(free_day) = &matter.free_day {
        description.push(' ');
        description.push_str(free_day);
    }
    if !letter.authorities.is_empty() {
        let names: Vec<&str> = letter.authorities.iter().map(|authority| authority.name.as_str()).collect();
        description.push_str(&format!("\nMeldepflichtig: {}.", names.join("; ")));
    }
    if !letter.letterhead.file_number.is_empty() {
        description.push_str(&format!("\nAktenzeichen: {}", letter.letterhead.file_number));
    }
    let entry = Entry { uid, revision: matter.revision, ends_on: deadline.ends_on, summary, description };
    Some(entry.to_ics(stamped_at))
}

struct Entry<'a> {
    uid: &'a str,
    revision: u32,
    ends_on: NaiveDate,
    summary: String,
    description: String,
}

impl Entry<'_> {
    fn to_ics(&self, stamped_at: DateTime<Utc>) -> String {
        let mut event = Event::new();
        event
            .uid(&without_controls(self.uid))
            .timestamp(stamped_at)
            .sequence(self.revision)
            .starts(self.ends_on)
            .ends(self.ends_on.succ_opt().unwrap_or(self.ends_on)) // the end of an all-day entry is exclusive
            .summary(&without_controls(&self.summary))
            .description(&without_controls(&self.description))
            .add_property("TRANSP", "TRANSPARENT") // nobody is busy because of a deadline
            .add_property("CATEGORIES", "Frist");
        let mut calendar = Calendar::empty();
        calendar
            .append_property(("VERSION", "2.0"))
            .append_property(("PRODID", "-//fristd//Fristen//DE"))
            .append_property(("CALSCALE", "GREGORIAN"))
            .append_property(("METHOD", "PUBLISH"))
            .push(event.done());
        calendar.to_string()
    }
}

/// Line breaks are escaped by the format; anything else that could end a line is dropped.
fn without_controls(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::samples;

    #[test]
    fn an_entry_is_all_day_stable_and_invites_nobody() {
        let letter = &samples::letters()[0];
        let ics = calendar_entry(letter, "2026-12-planning-abc@zrk.example", "2026-12-01T08:00:00Z".parse().unwrap())
            .unwrap();
        for want in [
            "METHOD:PUBLISH\r\n",
            "UID:2026-12-planning-abc@zrk.example\r\n",
            "DTSTAMP:20261201T080000Z\r\n",
            "DTSTART;VALUE=DATE:20261215\r\n",
            "DTEND;VALUE=DATE:20261216\r\n",
            "SEQUENCE:1\r\n",
            "SUMMARY:Frist: APS-Planungsmodul Dezember 2026\r\n",
        ] {
            assert!(ics.contains(want), "{want:?} not in\n{ics}");
        }
        assert!(!ics.contains("ATTENDEE") && !ics.contains("VALARM"), "{ics}");
        assert_eq!(ics.matches("DTSTAMP").count(), 1, "{ics}");
        assert_eq!(ics.replace("\r\n", "").find(['\r', '\n']), None, "{ics}");
    }

    #[test]
    fn a_correction_raises_the_sequence_and_keeps_the_uid() {
        let at = "2026-12-02T08:00:00Z".parse().unwrap();
        let corrected = samples::letters()
            .into_iter()
            .find(|letter| letter.matter.as_ref().is_some_and(|m| m.revision == 2))
            .unwrap();
        let ics = calendar_entry(&corrected, "u@zrk.example", at).unwrap();
        assert!(ics.contains("SEQUENCE:2\r\n") && ics.contains("UID:u@zrk.example\r\n"), "{ics}");
    }

    #[test]
    fn no_value_can_add_a_line() {
        let mut letter = samples::letters()[0].clone();
        letter.authorities[0].name = "A\r\nATTENDEE:mailto:x@y.example\nB;C,D\\E".into();
        let ics = calendar_entry(&letter, "u\r\nX:1@zrk.example", "2026-12-01T08:00:00Z".parse().unwrap()).unwrap();
        assert!(!ics.contains("\nATTENDEE") && !ics.contains("\nX:1"), "{ics}");
    }

    #[test]
    fn a_letter_without_a_deadline_has_no_entry() {
        let letter = samples::letters().into_iter().find(|letter| letter.matter.is_none()).unwrap();
        assert_eq!(calendar_entry(&letter, "u@zrk.example", DateTime::UNIX_EPOCH), None);
    }
}
