//! Says what is wrong with settings: file, line, place, value, remedy. Never stops at the first complaint.

use std::cell::RefCell;
use std::fmt;

/// One thing that is wrong, or doubtful, in one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Complaint {
    /// The file, relative to the settings' folder; `environment` for a variable.
    pub file: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// Which entry: `duty "planning", step 2`; may be empty.
    pub place: String,
    /// The value, what is wrong with it, and what is accepted.
    pub message: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.place.is_empty() {
            write!(f, ": {}", self.place)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Everything that is wrong, in the order of the files and their lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Complaints(pub Vec<Complaint>);

impl fmt::Display for Complaints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, complaint) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{complaint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Complaints {}

/// Gathers complaints and warnings while files are read.
#[derive(Default)]
pub(super) struct Report {
    complaints: RefCell<Vec<Complaint>>,
    warnings: RefCell<Vec<Complaint>>,
}

impl Report {
    pub(super) fn complain(&self, complaint: Complaint) {
        self.complaints.borrow_mut().push(complaint);
    }

    pub(super) fn count(&self) -> usize {
        self.complaints.borrow().len()
    }

    /// The warnings, if there is no complaint.
    pub(super) fn finish(self) -> Result<Vec<Complaint>, Complaints> {
        let by_line = |mut list: Vec<Complaint>| {
            let mut files: Vec<String> = Vec::new();
            for complaint in &list {
                if !files.contains(&complaint.file) {
                    files.push(complaint.file.clone());
                }
            }
            list.sort_by_key(|complaint| (files.iter().position(|file| *file == complaint.file), complaint.line));
            list
        };
        let complaints = by_line(self.complaints.into_inner());
        if complaints.is_empty() { Ok(by_line(self.warnings.into_inner())) } else { Err(Complaints(complaints)) }
    }
}

/// A place in a file about which something can be said.
#[derive(Clone)]
pub(super) struct Spot<'a> {
    pub(super) report: &'a Report,
    pub(super) file: &'a str,
    pub(super) line: Option<usize>,
    pub(super) place: String,
}

impl<'a> Spot<'a> {
    pub(super) fn of_file(report: &'a Report, file: &'a str) -> Self {
        Self { report, file, line: None, place: String::new() }
    }

    /// The same place, one level deeper.
    pub(super) fn within(&self, inner: impl fmt::Display) -> Self {
        let place = if self.place.is_empty() { inner.to_string() } else { format!("{}, {inner}", self.place) };
        Self { place, ..self.clone() }
    }

    pub(super) fn at_line(&self, line: usize) -> Self {
        Self { line: Some(line), ..self.clone() }
    }

    pub(super) fn complain(&self, message: impl Into<String>) {
        self.report.complain(self.say(message));
    }

    pub(super) fn warn(&self, message: impl Into<String>) {
        self.report.warnings.borrow_mut().push(self.say(message));
    }

    /// The value, or a complaint with the reason.
    pub(super) fn accept<T>(&self, read: Result<T, String>) -> Option<T> {
        read.map_err(|message| self.complain(message)).ok()
    }

    fn say(&self, message: impl Into<String>) -> Complaint {
        Complaint { file: self.file.to_owned(), line: self.line, place: self.place.clone(), message: message.into() }
    }
}
