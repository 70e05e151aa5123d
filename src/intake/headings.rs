//! From a row of headings to what each column holds; unknown headings refuse the file (S3). Never looks at what is below.

use std::ops::RangeInclusive;

use super::fault::{Faults, shown};
use crate::domain::list::{Columns, Field, List, Meaning, normal};

/// How a program names columns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ColumnNames {
    /// A, B, … as in a sheet.
    Letters,
    /// 1, 2, … as one counts in a text file.
    Numbers,
}

impl ColumnNames {
    /// The name of a column, counted from 0.
    pub(super) fn of(self, column: usize) -> String {
        match self {
            Self::Numbers => (column + 1).to_string(),
            Self::Letters => letters(column),
        }
    }

    /// The name with the heading below it: `D („Grund“)`.
    pub(super) fn with_heading(self, column: usize, heading: &str) -> String {
        format!("{} („{}“)", self.of(column), shown(heading))
    }
}

fn letters(column: usize) -> String {
    let digit = |value: usize| char::from(b'A' + u8::try_from(value % 26).unwrap_or_default());
    let mut name = vec![digit(column)];
    let mut rest = column / 26;
    while rest > 0 {
        name.insert(0, digit(rest - 1));
        rest = (rest - 1) / 26;
    }
    name.into_iter().collect()
}

/// What a column's cells become.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Slot {
    /// A text.
    Field(Field),
    /// The presence of a part, by its place in the list's parts.
    Part { index: usize, is_confirmation: bool },
    /// Nothing; the ZRK allows the column to be there.
    PassedOver,
    /// A column without a heading, which must be empty.
    Unnamed,
}

/// The columns of a table, in its order.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Plan {
    slots: Vec<Slot>,
    headings: Vec<String>,
}

impl Plan {
    pub(super) fn slot(&self, column: usize) -> &Slot {
        self.slots.get(column).unwrap_or(&Slot::Unnamed)
    }

    /// The column's name in messages.
    pub(super) fn name(&self, column: usize, names: ColumnNames) -> String {
        match self.headings.get(column).filter(|heading| !heading.is_empty()) {
            Some(heading) => names.with_heading(column, heading),
            None => names.of(column),
        }
    }
}

/// How many cells of a row are known headings.
pub(super) fn known(columns: &Columns, cells: &[(usize, String)]) -> usize {
    cells.iter().filter(|(_, heading)| columns.meaning(heading).is_some()).count()
}

/// Reads the headings, or says of each why it is not accepted. `list` is given its headings and parts.
pub(super) fn read(
    line: usize,
    cells: &[(usize, String)],
    columns: &Columns,
    names: ColumnNames,
    hidden: &[RangeInclusive<usize>],
    list: &mut List,
) -> Result<Plan, Faults> {
    let mut faults = Faults::default();
    let mut plan = Plan::default();
    for (column, heading) in cells {
        let place = || Some(names.with_heading(*column, heading));
        plan.slots.resize(column + 1, Slot::Unnamed);
        plan.headings.resize(*column, String::new());
        plan.headings.push(heading.clone());
        let slot = match columns.meaning(heading) {
            None => {
                // to find the nearest takes a while, and there may be thousands
                let what = if faults.is_full() { String::new() } else { unknown(heading, columns) };
                faults.push(Some(line), place(), what);
                continue;
            }
            Some(Meaning::PassedOver) => Slot::PassedOver,
            Some(Meaning::Field(field)) => {
                if let Some((_, other)) = list.headings.iter().find(|(other, _)| other == field) {
                    faults.push(Some(line), place(), twice(other));
                    continue;
                }
                list.headings.push((*field, heading.clone()));
                Slot::Field(*field)
            }
            Some(Meaning::Part(part)) => {
                if let Some((_, other)) = list.parts.iter().find(|(other, _)| other == part) {
                    faults.push(Some(line), place(), twice(other));
                    continue;
                }
                list.parts.push((part.clone(), heading.clone()));
                Slot::Part { index: list.parts.len() - 1, is_confirmation: part.is_confirmation }
            }
        };
        // the sender does not see what is in a hidden column, so it is not taken for what the sender says
        if slot != Slot::PassedOver && hidden.iter().any(|range| range.contains(column)) {
            faults.push(Some(line), place(), "ist ausgeblendet; bitte die Spalte einblenden oder löschen");
        }
        plan.slots[*column] = slot;
    }
    faults.unless_any(plan)
}

fn twice(other: &str) -> String {
    format!("steht schon in einer anderen Spalte („{}“); bitte eine von beiden löschen", shown(other))
}

fn unknown(heading: &str, columns: &Columns) -> String {
    let near = nearest(heading, &columns.accepted());
    let near: Vec<String> = near.iter().map(|heading| format!("„{heading}“")).collect();
    format!(
        "unbekannte Überschrift; bitte die Spalte löschen oder umbenennen, angenommen wird am ehesten {}",
        near.join(", ")
    )
}

/// Every accepted heading, for a file in which none was found.
pub(super) fn accepted(columns: &Columns) -> String {
    let headings: Vec<String> = columns.accepted().iter().map(|heading| format!("„{heading}“")).collect();
    headings.join(", ")
}

/// The accepted words that are written most alike, best first.
pub(super) fn nearest<'a>(word: &str, accepted: &[&'a str]) -> Vec<&'a str> {
    const NEAREST_MAX: usize = 3; // who misspelled a heading finds it among three
    const COMPARED_LENGTH_MAX: usize = 60; // no heading is longer, and the comparison is quadratic
    let compared: Vec<char> = normal(word).chars().take(COMPARED_LENGTH_MAX).collect();
    let mut ranked: Vec<(usize, &str)> = accepted
        .iter()
        .map(|heading| {
            (distance(&compared, &normal(heading).chars().take(COMPARED_LENGTH_MAX).collect::<Vec<_>>()), *heading)
        })
        .collect();
    ranked.sort_by_key(|(distance, _)| *distance);
    ranked.into_iter().take(NEAREST_MAX).map(|(_, heading)| heading).collect()
}

/// Levenshtein's distance.
fn distance(one: &[char], two: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (i, left) in one.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, right) in two.iter().enumerate() {
            let substituted = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[two.len()]
}
