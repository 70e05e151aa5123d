//! Writes the refused rows of a list as a file that can be corrected and read again. Never writes a figure (S3).

use std::collections::BTreeMap;

use crate::domain::list::{Field, List, Presence, REASON_HEADING};
use crate::domain::list_entries::Refusal;

/// The refused rows under the headings of their list, with the reasons in a last column that is read over: CSV with
/// semicolons in UTF-8 with a byte order mark, as Excel opens it in Germany. Of a figure stands there only whether it is
/// zero (`0`) or above (`> 0`), which reads as the same again.
pub fn write_refused(list: &List, refusals: &[Refusal]) -> Vec<u8> {
    let mut reasons: BTreeMap<usize, String> = BTreeMap::new();
    for refusal in refusals {
        let place = if refusal.column.is_empty() { String::new() } else { format!("{}: ", refusal.column) };
        let said = reasons.entry(refusal.line).or_default();
        if !said.is_empty() {
            said.push_str("; ");
        }
        said.push_str(&format!("{place}{}", refusal.reason));
    }
    let everywhere: Vec<Field> = list
        .everywhere
        .iter()
        .map(|(field, _)| *field)
        .filter(|field| !list.headings.iter().any(|(known, _)| known == field))
        .collect();
    let headings = list.headings.iter().map(|(_, heading)| heading.as_str());
    let headings = headings.chain(everywhere.iter().map(|field| field.as_str()));
    let headings = headings.chain(list.parts.iter().map(|(_, heading)| heading.as_str()));
    let mut writer =
        csv::WriterBuilder::new().delimiter(b';').terminator(csv::Terminator::CRLF).from_writer(BOM.to_vec());
    let mut write = |cells: Vec<String>| writer.write_record(cells.iter().map(|cell| neutral(cell)));
    // writing into memory cannot fail, and every record has the same number of cells
    let _ = write(headings.chain([REASON_HEADING]).map(str::to_owned).collect());
    for row in list.rows.iter().filter(|row| reasons.contains_key(&row.line)) {
        let text = |field: Field| row.text(field).unwrap_or_default().to_owned();
        let of_list = |field: Field| {
            let own = row.text(field);
            let shared = || list.everywhere.iter().find(|(other, _)| *other == field).map(|(_, text)| text.as_str());
            own.or_else(shared).unwrap_or_default().to_owned()
        };
        let mut cells: Vec<String> = list.headings.iter().map(|(field, _)| text(*field)).collect();
        cells.extend(everywhere.iter().map(|field| of_list(*field)));
        cells.extend(list.parts.iter().zip(&row.parts).map(|((column, _), presence)| {
            let word = match (presence, column.is_confirmation) {
                (Presence::Blank, _) => "",
                (Presence::Zero, _) => "0",
                (Presence::AboveZero, false) => "> 0",
                (Presence::AboveZero, true) => "ja",
                (Presence::Unreadable, _) => "?",
            };
            word.to_owned()
        }));
        cells.push(reasons.get(&row.line).cloned().unwrap_or_default());
        let _ = write(cells);
    }
    writer.into_inner().unwrap_or_default()
}

const BOM: &[u8] = "\u{feff}".as_bytes();

/// A cell that no table program takes for a formula. A refused cell that begins like one has to be corrected anyway.
fn neutral(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}
