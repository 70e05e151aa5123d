//! `fristd timetable`: every notice to come. Never looks into the database.

use chrono::{Datelike, SecondsFormat};
use clap::Args;
use icalendar::{Calendar, Component, Event, EventLike};
use serde_json::{Value, json};

use crate::domain::Month;
use crate::domain::dates::{day_in_words, local_date, weekday_in_words};
use crate::domain::timetable::{Entry, timetable};

use super::{Ending, Shell, WrongInput, print_json, print_line, wrapped};

/// Lists every notice of the coming cycles: when, what, to how many.
///
/// It is what the settings give; what was announced and is frozen stands in `fristd status`. "≤ 247" means 247 mails if
/// everybody is missing: reminders go only to those who are.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fristd timetable --from 2026-12 --months 12\n  \
    fristd timetable --months 3 --ics > fristd.ics")]
pub(super) struct Timetable {
    /// The first cycle, as YYYY-MM; this month if left out.
    #[arg(long, value_name = "MONTH")]
    from: Option<String>,
    /// How many cycles, 1 to 120.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=120))]
    months: u32,
    /// Print JSON.
    #[arg(long, conflicts_with = "ics")]
    json: bool,
    /// Print a calendar that mail programs can subscribe to or import.
    #[arg(long)]
    ics: bool,
}

impl Timetable {
    pub(super) fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        let charter = shell.charter()?;
        let settings = &charter.settings;
        let zone = settings.rulebook.zone;
        let from = match &self.from {
            Some(month) => Month::parse(month).map_err(|cause| WrongInput(cause.to_string()))?,
            None => Month::of(local_date(shell.clock.now(), zone)),
        };
        let entries = timetable(&settings.rulebook, &settings.roster, from, self.months)?;
        if self.json {
            let values: Vec<Value> = entries.iter().map(|entry| as_json(entry, zone)).collect();
            print_json(&Value::Array(values))?;
        } else if self.ics {
            print_line(as_calendar(&entries).to_string().trim_end())?;
        } else {
            print_line(&in_words(&entries, zone))?;
        }
        Ok(if entries.is_empty() { Ending::NothingMatched } else { Ending::Done })
    }
}

fn as_json(entry: &Entry, zone: chrono_tz::Tz) -> Value {
    let to: Vec<String> = entry.to.iter().map(ToString::to_string).collect();
    json!({
        "at": entry.at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false), "month": entry.month.to_string(),
        "duty": &*entry.duty, "step": entry.step, "kind": entry.kind.as_str(), "to": to, "mails": entry.mails,
    })
}

fn in_words(entries: &[Entry], zone: chrono_tz::Tz) -> String {
    let mut lines = Vec::new();
    let mut months: Vec<Month> = entries.iter().map(|entry| entry.month).collect();
    months.sort_unstable();
    months.dedup();
    for month in months {
        lines.push(format!("{} ({month})", month.in_words()));
        let mut duties: Vec<&Entry> = Vec::new();
        for entry in entries.iter().filter(|entry| entry.month == month) {
            if !duties.iter().any(|known| known.duty == entry.duty) {
                duties.push(entry);
            }
        }
        for first in duties {
            let ends = match first.deadline.stated_on == first.deadline.ends_on {
                true => String::new(),
                false => format!(", ends {}", day_in_words(first.deadline.ends_on)),
            };
            lines.push(format!("  {}: deadline {}{ends}", first.duty, day_in_words(first.deadline.stated_on)));
            lines.extend(first.free_day.iter().map(|sentence| wrapped(sentence, "    ")));
        }
        for entry in entries.iter().filter(|entry| entry.month == month) {
            let local = entry.at.with_timezone(&zone);
            let to: Vec<String> = entry.to.iter().map(ToString::to_string).collect();
            lines.push(format!(
                "  {} {}  {:<12} {:<14} {:>6} to {}",
                &weekday_in_words(local.date_naive())[..2],
                local.format("%d.%m.%Y %H:%M"),
                entry.duty,
                entry.step,
                if entry.kind.is_about_missing() { format!("≤ {}", entry.mails) } else { entry.mails.to_string() },
                to.join(", ")
            ));
        }
        lines.push(String::new());
    }
    lines.push("≤: if everybody is missing; only those who are get one.".to_owned());
    lines.join("\n")
}

fn as_calendar(entries: &[Entry]) -> Calendar {
    let mut calendar = Calendar::new();
    calendar.name("fristd");
    for entry in entries {
        let mut event = Event::new();
        let stamp = format!("{}{:02}{:02}T000000Z", entry.at.year(), entry.at.month(), entry.at.day());
        event
            .uid(&format!("{}-{}-{}@fristd", entry.month, entry.duty, entry.step))
            // a fixed stamp, so that the same timetable is the same file
            .add_property("DTSTAMP", &stamp)
            .summary(&format!("{} {}: {}", entry.duty, entry.month, entry.step))
            .description(&format!("Frist {}", day_in_words(entry.deadline.ends_on)))
            .starts(entry.at)
            .ends(entry.at);
        calendar.push(event.done());
    }
    calendar
}
