//! From rows of cells to a list: finds the headings, keeps texts, and of figures only their presence (S3). Never reads a file.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::RangeInclusive;

use chrono::{NaiveDateTime, NaiveTime};

use super::ReadOptions;
use super::fault::Faults;
use super::headings::{self, ColumnNames, Plan, Slot};
use super::text;
use crate::domain::list::{Columns, List, ListRow, Presence};
use crate::domain::list_cells;

/// Most rows with something in them above the headings: a title, a date, a note.
const TITLE_ROWS_MAX: usize = 20;
/// Known headings by which a row is taken for that of the headings; one alone may stand in a title.
pub(super) const HEADINGS_MIN: usize = 2;
/// Most bytes of text that are kept of a file. A workbook names a text once and uses it in each cell, so that a small file
/// could fill the memory.
const TEXTS_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What stands in a cell.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Cell<'a> {
    /// A text as written.
    Text(Cow<'a, str>),
    /// A number.
    Number(f64),
    /// A truth value.
    YesNo(bool),
    /// A date, or a date and time, without a zone.
    Date(NaiveDateTime),
    /// An error value like `#N/A`.
    Broken,
}

impl Cell<'_> {
    fn presence(&self, is_confirmation: bool) -> Presence {
        match self {
            Self::Text(text) => list_cells::presence(text, is_confirmation),
            Self::Number(number) => list_cells::presence_of_number(*number, is_confirmation),
            Self::YesNo(is_yes) => list_cells::presence_of_yes_no(*is_yes, is_confirmation),
            Self::Date(_) => list_cells::presence_of_date(is_confirmation),
            Self::Broken => Presence::Unreadable,
        }
    }

    fn text(&self) -> Result<String, text::Unfit> {
        Ok(match self {
            Self::Text(text) => return text::clean(text),
            Self::Number(number) => number.to_string(),
            Self::YesNo(is_yes) => (if *is_yes { "ja" } else { "nein" }).to_owned(),
            Self::Date(moment) if moment.time() == NaiveTime::MIN => moment.date().to_string(),
            Self::Date(moment) => moment.format("%Y-%m-%d %H:%M:%S").to_string(),
            Self::Broken => "#FEHLER".to_owned(),
        })
    }
}

/// Takes the rows of a table, one after the other.
pub(super) struct Table<'a> {
    columns: &'a Columns,
    names: ColumnNames,
    rows_max: usize,
    hidden_columns: Vec<RangeInclusive<usize>>,
    list: List,
    faults: Faults,
    state: State,
    text_bytes: usize,
    unnamed_told: HashSet<usize>,
}

enum State {
    /// Rows above the headings.
    Above(Above),
    /// Rows below them.
    Below { plan: Plan, heading_line: usize },
}

#[derive(Default)]
struct Above {
    rows: usize,
    /// The first row with more than a title in it.
    first_wide: Option<usize>,
    /// The first row with one known heading and others; if none has more, these are the headings, and they are wrong.
    likely: Option<(usize, Vec<(usize, String)>)>,
}

/// Nothing more is to be read: what was found refuses the file.
pub(super) struct Stop;

impl<'a> Table<'a> {
    pub(super) fn new(
        columns: &'a Columns,
        options: &ReadOptions,
        names: ColumnNames,
        hidden_columns: Vec<RangeInclusive<usize>>,
    ) -> Self {
        Self {
            columns,
            names,
            rows_max: options.rows_max,
            hidden_columns,
            list: List::default(),
            faults: Faults::default(),
            state: State::Above(Above::default()),
            text_bytes: 0,
            unnamed_told: HashSet::new(),
        }
    }

    /// Takes a row: its line, and its cells that are not blank with their columns from 0, in order.
    pub(super) fn take_row(&mut self, line: usize, cells: &[(usize, Cell<'_>)]) -> Result<(), Stop> {
        match &mut self.state {
            _ if cells.is_empty() => Ok(()),
            State::Above(above) => {
                let above = std::mem::take(above);
                self.take_row_above(line, cells, above)
            }
            State::Below { .. } => self.take_row_below(line, cells),
        }
    }

    /// Says that something about the file is wrong; reading may go on.
    pub(super) fn complain(&mut self, line: usize, what: &str) {
        self.faults.push(Some(line), None, what);
    }

    /// The line of the headings, once they are found.
    pub(super) fn heading_line(&self) -> Option<usize> {
        match &self.state {
            State::Above(_) => None,
            State::Below { heading_line, .. } => Some(*heading_line),
        }
    }

    /// The list, or all that is wrong with it.
    pub(super) fn finish(mut self) -> Result<List, Faults> {
        if let State::Above(above) = &mut self.state
            && self.faults.is_empty()
        {
            let likely = above.likely.take();
            self.complain_of_no_headings(likely);
        }
        self.faults.unless_any(self.list)
    }

    fn take_row_above(&mut self, line: usize, cells: &[(usize, Cell<'_>)], mut above: Above) -> Result<(), Stop> {
        let texts: Vec<(usize, String)> =
            cells.iter().map(|(column, cell)| (*column, cell.text().unwrap_or_default())).collect();
        let known = headings::known(self.columns, &texts);
        if known < HEADINGS_MIN {
            above.rows += 1;
            above.first_wide = above.first_wide.or((texts.len() > 1).then_some(line));
            if known > 0 && texts.len() > 1 && above.likely.is_none() {
                above.likely = Some((line, texts));
            }
            let is_enough = above.rows > TITLE_ROWS_MAX;
            self.state = State::Above(above);
            return if is_enough { Err(Stop) } else { Ok(()) };
        }
        if let Some(wide) = above.first_wide {
            let what = format!(
                "steht über der Überschriftenzeile (Zeile {line}) und hat mehr als einen Wert; bitte die Zeile löschen"
            );
            self.faults.push(Some(wide), None, what);
        }
        match headings::read(line, &texts, self.columns, self.names, &self.hidden_columns, &mut self.list) {
            Ok(plan) => {
                self.state = State::Below { plan, heading_line: line };
                Ok(())
            }
            Err(faults) => {
                self.faults.append(faults);
                Err(Stop)
            }
        }
    }

    fn take_row_below(&mut self, line: usize, cells: &[(usize, Cell<'_>)]) -> Result<(), Stop> {
        let State::Below { plan, .. } = &self.state else { return Ok(()) };
        let mut row = ListRow {
            line,
            texts: Vec::with_capacity(self.list.headings.len()),
            parts: vec![Presence::Blank; self.list.parts.len()],
        };
        for (column, cell) in cells {
            match plan.slot(*column) {
                Slot::PassedOver => {}
                Slot::Part { index, is_confirmation } => row.parts[*index] = cell.presence(*is_confirmation),
                Slot::Field(field) => match cell.text() {
                    Ok(text) if text.is_empty() => {}
                    Ok(text) => {
                        self.text_bytes += text.len();
                        row.texts.push((*field, text));
                    }
                    Err(unfit) => self.faults.push(Some(line), Some(plan.name(*column, self.names)), unfit.as_str()),
                },
                Slot::Unnamed if !self.unnamed_told.insert(*column) => {}
                Slot::Unnamed => {
                    let what = "enthält etwas, hat aber keine Überschrift; bitte die Spalte benennen oder löschen";
                    self.faults.push(Some(line), Some(self.names.of(*column)), what);
                }
            }
        }
        if row.texts.is_empty() && row.parts.iter().all(|part| *part == Presence::Blank) {
            return Ok(());
        }
        if self.list.rows.len() == self.rows_max {
            self.faults.push(Some(line), None, too_many_rows(self.rows_max));
            return Err(Stop);
        }
        if self.text_bytes > TEXTS_BYTES_MAX {
            self.faults.push(Some(line), None, TOO_MUCH_TEXT);
            return Err(Stop);
        }
        self.list.rows.push(row);
        Ok(())
    }

    fn complain_of_no_headings(&mut self, likely: Option<(usize, Vec<(usize, String)>)>) {
        if let Some((line, texts)) = likely {
            let read = headings::read(line, &texts, self.columns, self.names, &[], &mut self.list);
            self.faults.append(read.err().unwrap_or_default());
        }
        // what stands there instead is not told: it may be a row about a person (S3)
        let what = format!(
            "keine Überschriftenzeile gefunden, also keine Zeile mit mindestens zwei bekannten Überschriften; bekannt \
             sind {}",
            headings::accepted(self.columns)
        );
        self.faults.push(None, None, what);
    }
}

/// What is said when more text is kept than a list of receipts has.
pub(super) const TOO_MUCH_TEXT: &str =
    "bis hierher enthält die Liste mehr als 64 MiB Text; bitte prüfen, ob es die richtige Datei ist";

/// What is said of a list with too many rows.
pub(super) fn too_many_rows(rows_max: usize) -> String {
    format!("die Liste hat mehr als {rows_max} Zeilen; bitte auf mehrere Dateien aufteilen")
}
