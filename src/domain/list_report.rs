//! What became of a list, in words that the ZRK reads: on the screen, beside the file, in a mail (S3, S6). Never holds a figure.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::dates::{Month, date_in_words, instant_in_words};
use super::list::ListKind;
use super::list_entries::Refusal;
use super::notice::Alert;
use super::words::ends_line;

const LINES_AN_ID: usize = 10; // a line holds about so many ids

/// What became of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListReport {
    /// The file's name, fit to be shown.
    pub file: String,
    /// When it was read.
    pub at: DateTime<Utc>,
    /// How it spoke; `None` if that was not found out.
    pub kind: Option<ListKind>,
    /// Whose word it is.
    pub source: String,
    /// How many rows it has.
    pub rows: usize,
    /// What became of it.
    pub fate: Fate,
    /// What its rows change, or would have changed.
    pub changes: Vec<ListChange>,
    /// How many rows say nothing new.
    pub unchanged: usize,
    /// The refused rows.
    pub refused: Vec<Refusal>,
    /// Why the file as a whole is refused, line by line.
    pub faults: Vec<String>,
    /// Who owes a report and has no row in a whole list: the duty's title, the cycle, the ids.
    pub not_listed: Vec<(String, Month, Vec<String>)>,
}

/// What became of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// All rows were taken, or all good ones where a person wished so.
    Taken,
    /// Nothing was taken.
    Refused,
    /// It was only tried.
    Tried,
    /// This very file was read before, and nothing was done now.
    ReadBefore {
        /// When.
        at: DateTime<Utc>,
        /// Whether it was taken then.
        was_taken: bool,
    },
}

/// A receipt that a row makes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListChange {
    /// The row's line.
    pub line: usize,
    /// The cycle.
    pub month: Month,
    /// The duty's id.
    pub duty_id: String,
    /// The duty's title.
    pub duty: String,
    /// The authority's id.
    pub authority: String,
    /// The authority's name.
    pub name: String,
    /// How things stood before, in words.
    pub before: String,
    /// How they stand after it, in words.
    pub after: String,
    /// When it was reported, if the row says so.
    pub reported_at: Option<DateTime<Utc>>,
}

impl ListReport {
    /// The report, of `changes_max` changes and refusals at most; the rest is counted.
    pub fn in_words(&self, zone: Tz, lines_max: usize) -> String {
        let mut text = format!("Liste {}: {}\n", self.file, self.fate_in_words(zone));
        let _ = writeln!(
            text,
            "Gelesen am {}, Quelle {}{}",
            instant_in_words(self.at, zone),
            self.source,
            self.kind_in_words()
        );
        for fault in self.faults.iter().take(lines_max) {
            let _ = writeln!(text, "\n  {fault}");
        }
        cut(&mut text, self.faults.len(), lines_max);
        if !self.faults.is_empty() || matches!(self.fate, Fate::ReadBefore { was_taken: true, .. }) {
            return text;
        }
        let _ = writeln!(text, "{}", self.counts());
        self.write_refused(&mut text, lines_max);
        self.write_changes(&mut text, zone, lines_max);
        for (duty, month, ids) in &self.not_listed {
            let _ = writeln!(
                text,
                "\nNicht in der Liste ({duty}, {month}), ihr Stand bleibt: {}",
                some_of(ids, (lines_max / LINES_AN_ID).max(1))
            );
        }
        text
    }

    /// The line of counts.
    pub fn counts(&self) -> String {
        let changed = match self.fate {
            Fate::Taken => "übernommen",
            _ => "neu",
        };
        format!(
            "{}, {} {changed}, {} unverändert, {} abgelehnt",
            counted(self.rows, "Zeile", "Zeilen"),
            counted(self.changes.len(), "Eingang", "Eingänge"),
            self.unchanged,
            counted(self.refused_rows(), "Zeile", "Zeilen"),
        )
    }

    /// How many rows are refused.
    pub fn refused_rows(&self) -> usize {
        let mut lines: Vec<usize> = self.refused.iter().map(|refusal| refusal.line).collect();
        lines.dedup();
        lines.len()
    }

    /// What tells the ZRK that a list was refused. No cell of the list is in it (S3).
    pub fn alert(&self, place: &str, key: &str) -> Alert {
        const SHOWN_MAX: usize = 5; // the report beside the file shows all
        let mut reasons = Vec::new();
        if !self.faults.is_empty() {
            // a heading that is none may be a person's name: it is not repeated in a mail
            reasons.push("Sie ist nicht lesbar oder hat Spalten, die nicht angenommen werden.".to_owned());
        }
        reasons.extend(
            self.refused
                .iter()
                .take(SHOWN_MAX)
                .map(|refusal| format!("Zeile {}{}: {}.", refusal.line, in_column(&refusal.column), refusal.reason)),
        );
        let more = self.refused.len().saturating_sub(SHOWN_MAX);
        if more > 0 {
            reasons.push(format!("Dazu {more} weitere."));
        }
        Alert {
            key: format!("list-refused:{key}"),
            headline: format!("Liste {} abgelehnt", self.file),
            detail: format!(
                "Aus der Liste im Eingangsordner wurde nichts übernommen. {} Die Liste liegt mit einem Bericht, der {} nennt, in {place}. \
                 Bitte die Liste berichtigen und noch einmal in den Eingangsordner legen.",
                reasons.join(" "),
                if self.faults.is_empty() { "alle Zeilen" } else { "den Grund" },
            ),
        }
    }

    fn fate_in_words(&self, zone: Tz) -> String {
        match self.fate {
            Fate::Taken if self.refused.is_empty() && self.changes.is_empty() => "gelesen, nichts ist neu".to_owned(),
            Fate::Taken if self.refused.is_empty() => "übernommen".to_owned(),
            Fate::Taken => "ohne die abgelehnten Zeilen übernommen".to_owned(),
            Fate::Refused => "abgelehnt, nichts wurde übernommen".to_owned(),
            Fate::Tried => "nur geprüft, nichts wurde übernommen".to_owned(),
            Fate::ReadBefore { at, was_taken } => format!(
                "schon am {} gelesen und {}; es wurde nichts geändert",
                instant_in_words(at, zone),
                if was_taken { "übernommen" } else { "abgelehnt" }
            ),
        }
    }

    fn kind_in_words(&self) -> &'static str {
        match self.kind {
            Some(ListKind::Snapshot) => ", ganzer Stand (snapshot)",
            Some(ListKind::Events) => ", einzelne Eingänge (events)",
            None => "",
        }
    }

    fn write_refused(&self, text: &mut String, lines_max: usize) {
        const VALUE_LENGTH_MAX: usize = 60; // enough to find the cell
        if self.refused.is_empty() {
            return;
        }
        text.push_str("\nAbgelehnt:\n");
        for refusal in self.refused.iter().take(lines_max) {
            let value = refusal.value.as_deref().map_or(String::new(), |value| {
                let shown: String = value.chars().take(VALUE_LENGTH_MAX).flat_map(visible).collect();
                let mark = if value.chars().count() > VALUE_LENGTH_MAX { "…" } else { "" };
                format!(" „{shown}{mark}“")
            });
            let _ = writeln!(text, "  Zeile {}{}{value}: {}", refusal.line, in_column(&refusal.column), refusal.reason);
        }
        cut(text, self.refused.len(), lines_max);
    }

    fn write_changes(&self, text: &mut String, zone: Tz, lines_max: usize) {
        if self.changes.is_empty() {
            return;
        }
        text.push_str(if self.fate == Fate::Taken { "\nÜbernommen:\n" } else { "\nWürde übernommen:\n" });
        let mut of = None;
        for change in self.changes.iter().take(lines_max) {
            if of != Some((&change.duty, change.month)) {
                let _ = writeln!(text, "  {}, {}", change.duty, change.month.in_words());
                of = Some((&change.duty, change.month));
            }
            let when = change.reported_at.map_or(String::new(), |at| {
                format!(" (gemeldet {})", date_in_words(at.with_timezone(&zone).date_naive()))
            });
            let _ = writeln!(text, "    {}: {} → {}{when}", change.name, change.before, change.after);
        }
        cut(text, self.changes.len(), lines_max);
    }
}

fn in_column(column: &str) -> String {
    if column.is_empty() { String::new() } else { format!(", Spalte „{column}“") }
}

/// A character that cannot break a line, or hide.
fn visible(c: char) -> Vec<char> {
    if c.is_control() || ends_line(c) { c.escape_default().collect() } else { vec![c] }
}

fn cut(text: &mut String, count: usize, lines_max: usize) {
    if count > lines_max {
        let _ = writeln!(text, "    … und {} weitere", count - lines_max);
    }
}

fn some_of(ids: &[String], max: usize) -> String {
    let shown = ids.iter().take(max).cloned().collect::<Vec<_>>().join(", ");
    if ids.len() > max { format!("{shown} und {} weitere", ids.len() - max) } else { shown }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
