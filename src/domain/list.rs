//! A list of receipts as read from a file: rows, columns, and of a figure only whether it is there (S3). Never keeps a figure.

use std::collections::HashMap;

use super::duty::DutyId;

/// How a list speaks (S6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListKind {
    /// The whole list as it stands: a row becomes a receipt only if it differs from what the same source last said.
    Snapshot,
    /// What happened: each row is a receipt of its own, with the instant at which it was reported.
    Events,
}

impl ListKind {
    /// The words in settings, on the command line and in JSON.
    pub const WORDS: [(&'static str, Self); 2] = [("snapshot", Self::Snapshot), ("events", Self::Events)];

    /// The word in settings, on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Events => "events",
        }
    }
}

/// What a column of text holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Field {
    /// The authority: its id, or its name as in the roster.
    Authority,
    /// Its Amtlicher Gemeindeschlüssel, where that is unambiguous.
    Ags,
    /// The cycle.
    Month,
    /// The month that the report is about.
    Period,
    /// The duty: its id or title.
    Duty,
    /// The standing in a word.
    State,
    /// Whether a nil report was given.
    Nil,
    /// When it was reported.
    ReportedAt,
    /// The last day of an extension, a standing nil report or an exemption.
    Until,
    /// Why.
    Reason,
    /// The parts that are missing, of a partial report.
    Missing,
}

impl Field {
    /// Every field with its key in `[intake.columns]` and in JSON.
    pub const ALL: [(&'static str, Self); 11] = [
        ("authority", Self::Authority),
        ("ags", Self::Ags),
        ("month", Self::Month),
        ("period", Self::Period),
        ("duty", Self::Duty),
        ("state", Self::State),
        ("nil", Self::Nil),
        ("reported_at", Self::ReportedAt),
        ("until", Self::Until),
        ("reason", Self::Reason),
        ("missing", Self::Missing),
    ];

    /// Its key in `[intake.columns]` and in JSON.
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, field)| *field == self).map_or("", |(key, _)| key)
    }
}

/// The part of a report that a column is about.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PartColumn {
    /// The duty.
    pub duty: DutyId,
    /// The part's id.
    pub part: String,
    /// Whether its cells say yes or no instead of a figure.
    pub is_confirmation: bool,
}

/// What a heading stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// A text.
    Field(Field),
    /// A figure or a confirmation, of which only its presence is kept.
    Part(PartColumn),
    /// Nothing; the ZRK has said that the column may be there and is read over.
    PassedOver,
}

/// The accepted headings with what they stand for.
///
/// ```
/// use fristd::domain::list::{Columns, Field, Meaning};
/// let mut columns = Columns::default();
/// columns.accept("Gemeldet am", Meaning::Field(Field::ReportedAt)).unwrap();
/// assert_eq!(columns.meaning(" gemeldet\u{a0} AM:"), Some(&Meaning::Field(Field::ReportedAt)));
/// assert_eq!(columns.meaning("Name der Person"), None); // such a file is refused whole (S3)
/// ```
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Columns {
    by_heading: HashMap<String, Accepted>,
}

/// An accepted heading as it is shown to people, and what it stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Accepted {
    as_written: String,
    meaning: Meaning,
}

impl Columns {
    /// Accepts a heading.
    ///
    /// # Errors
    /// If it stands for something else already; that is given back.
    pub fn accept(&mut self, heading: &str, meaning: Meaning) -> Result<(), Meaning> {
        let accepted = Accepted { as_written: heading.trim().to_owned(), meaning: meaning.clone() };
        match self.by_heading.insert(normal(heading), accepted) {
            Some(other) if other.meaning != meaning => Err(other.meaning),
            _ => Ok(()),
        }
    }

    /// What a heading stands for, however it is spaced and cased; `None` for an unknown one.
    pub fn meaning(&self, heading: &str) -> Option<&Meaning> {
        self.by_heading.get(&normal(heading)).map(|accepted| &accepted.meaning)
    }

    /// Every accepted heading as it was given, in alphabetical order, for whoever has to be told what is accepted.
    pub fn accepted(&self) -> Vec<&str> {
        let mut headings: Vec<&str> = self.by_heading.values().map(|accepted| accepted.as_written.as_str()).collect();
        headings.sort_unstable();
        headings
    }

    /// The part column of a duty, for a file that names parts by their ids.
    pub fn part(&self, duty: &str, part: &str) -> Option<&PartColumn> {
        self.parts().find(|column| &*column.duty == duty && column.part == part)
    }

    /// The part columns, in no order; one that has several headings comes as often.
    pub fn parts(&self) -> impl Iterator<Item = &PartColumn> {
        self.by_heading.values().filter_map(|accepted| match &accepted.meaning {
            Meaning::Part(column) => Some(column),
            _ => None,
        })
    }
}

/// A heading or a name as it is compared: lower case, single blanks, no colon at the end.
pub fn normal(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ").trim_end_matches(':').trim_end().to_owned()
}

/// The column in which fristd writes why a row was refused; it is read over when the file comes back.
pub const REASON_HEADING: &str = "Grund der Ablehnung";

/// How lists are read, as `[intake]` in cycles.toml says.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct IntakeRules {
    /// How a list speaks that does not say so itself.
    pub kind: Option<ListKind>,
    /// Whose word a list is that does not say so itself (S6).
    pub source: String,
    /// The accepted headings.
    pub columns: Columns,
}

/// All that is kept of a figure or a confirmation (S3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presence {
    /// Nothing stands there, which is not zero (S2).
    Blank,
    /// A zero.
    Zero,
    /// A number above zero, or a confirmation.
    AboveZero,
    /// Something that is no such thing; the row is refused.
    Unreadable,
}

/// One row. Texts are trimmed and never empty; dates are `YYYY-MM-DD`, with a time `YYYY-MM-DD HH:MM:SS`.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct ListRow {
    /// Its line in the file, row of the sheet or place in the array, from 1; the heading counts.
    pub line: usize,
    /// The texts, by field.
    pub texts: Vec<(Field, String)>,
    /// Of every part column of the list, in order, whether something stands there.
    pub parts: Vec<Presence>,
}

impl ListRow {
    /// The text of a field, if there is one.
    pub fn text(&self, field: Field) -> Option<&str> {
        self.texts.iter().find(|(other, _)| *other == field).map(|(_, text)| text.as_str())
    }
}

/// A list as read from a file. No figure is in it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct List {
    /// How it says that it speaks, if it does.
    pub kind: Option<ListKind>,
    /// Whose word it says that it is, if it does.
    pub source: Option<String>,
    /// Texts that hold for all rows without one of their own.
    pub everywhere: Vec<(Field, String)>,
    /// Each field that has a column, with the heading as written.
    pub headings: Vec<(Field, String)>,
    /// Each part that has a column, with the heading as written.
    pub parts: Vec<(PartColumn, String)>,
    /// The rows, in the order of the file.
    pub rows: Vec<ListRow>,
}

impl List {
    /// The heading of a field as written in the file; its key if it has no column.
    pub fn heading(&self, field: Field) -> &str {
        self.headings.iter().find(|(other, _)| *other == field).map_or(field.as_str(), |(_, heading)| heading)
    }
}
