//! Says in German why a whole file is refused: place, what is wrong, remedy. Never names what stands in a row.

use std::fmt;

use crate::domain::words::{ends_line, turns_direction};

/// What is said of a file above [`super::BYTES_MAX`].
pub(super) const TOO_LONG: &str =
    "ist größer als 32 MiB; eine Liste von Meldungen ist viel kleiner, bitte prüfen, ob es die richtige Datei ist";
/// Most faults that are told; who mends the first fifty finds the others at the next try.
const FAULTS_MAX: usize = 50;
/// Longest heading as quoted, in characters.
const HEADING_LENGTH_MAX: usize = 60;
/// Longest file name as quoted, in characters; a path may be long.
const FILE_LENGTH_MAX: usize = 300;

/// One reason why a file is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The line of the file, row of the sheet or place in the array, from 1.
    pub line: Option<usize>,
    /// The column: its letter or number with its heading, or the property.
    pub column: Option<String>,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, &self.column) {
            (Some(line), Some(column)) => write!(f, "Zeile {line}, Spalte {column}: {}", self.what),
            (Some(line), None) => write!(f, "Zeile {line}: {}", self.what),
            (None, Some(column)) => write!(f, "Spalte {column}: {}", self.what),
            (None, None) => f.write_str(&self.what),
        }
    }
}

/// A file that is refused whole, with every reason that was found. In German, for whoever sent it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileRefused {
    /// The file's name, shortened and without control characters.
    pub file: String,
    /// The reasons; at least one.
    pub faults: Vec<Fault>,
}

impl FileRefused {
    /// A file that is refused for one reason that has no place in it.
    pub(super) fn new(file: &str, what: impl Into<String>) -> Self {
        Faults::one(None, what).refuse(file)
    }
}

impl fmt::Display for FileRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}: {fault}", self.file)?;
        }
        Ok(())
    }
}

impl std::error::Error for FileRefused {}

/// The reasons found so far.
#[derive(Default, Debug)]
pub(super) struct Faults {
    told: Vec<Fault>,
    untold: usize,
}

impl Faults {
    pub(super) fn one(line: Option<usize>, what: impl Into<String>) -> Self {
        let mut faults = Self::default();
        faults.push(line, None, what);
        faults
    }

    pub(super) fn push(&mut self, line: Option<usize>, column: Option<String>, what: impl Into<String>) {
        if self.is_full() {
            self.untold += 1;
        } else {
            self.told.push(Fault { line, column, what: what.into() });
        }
    }

    /// Whether what is found from now on is only counted.
    pub(super) fn is_full(&self) -> bool {
        self.told.len() >= FAULTS_MAX
    }

    pub(super) fn append(&mut self, other: Self) {
        for fault in other.told {
            self.push(fault.line, fault.column, fault.what);
        }
        self.untold += other.untold;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// The value, if nothing was wrong.
    pub(super) fn unless_any<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }

    pub(super) fn refuse(mut self, file: &str) -> FileRefused {
        if self.untold > 0 {
            let what = format!("und {} weitere Fehler", self.untold);
            self.told.push(Fault { line: None, column: None, what });
        }
        FileRefused { file: shortened(file, FILE_LENGTH_MAX), faults: self.told }
    }
}

/// A heading or property in a message: one line, not too long.
pub(super) fn shown(text: &str) -> String {
    shortened(text, HEADING_LENGTH_MAX)
}

fn shortened(text: &str, length_max: usize) -> String {
    let is_unfit = |c: char| c.is_control() || ends_line(c) || turns_direction(c);
    let text = text.trim();
    let fit = text.chars().take(length_max).map(|c| if is_unfit(c) { '\u{fffd}' } else { c });
    let mark = text.chars().nth(length_max).map(|_| '…');
    fit.chain(mark).collect()
}
