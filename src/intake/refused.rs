//! Writes the refused rows of a list as a file that can be corrected and read again. Never writes a figure (S3).

use std::collections::BTreeMap;

use super::text::neutral;
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
    let mut fields: Vec<Field> = list.headings.iter().map(|(field, _)| *field).collect();
    // a list that names no authority is refused for that, and needs a column in which to name it
    for field in list.everywhere.iter().map(|(field, _)| *field).chain([Field::Authority]) {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    let headings = fields.iter().map(|field| list.heading(*field));
    let headings = headings.chain(list.parts.iter().map(|(_, heading)| heading.as_str()));
    let mut writer =
        csv::WriterBuilder::new().delimiter(b';').terminator(csv::Terminator::CRLF).from_writer(BOM.to_vec());
    let mut write = |cells: Vec<String>| writer.write_record(cells.iter().map(|cell| neutral(cell).into_owned()));
    // writing into memory cannot fail, and every record has the same number of cells
    let _ = write(headings.chain([REASON_HEADING]).map(str::to_owned).collect());
    for row in list.rows.iter().filter(|row| reasons.contains_key(&row.line)) {
        let text = |field: &Field| {
            let shared = || list.everywhere.iter().find(|(other, _)| other == field).map(|(_, text)| text.as_str());
            row.text(*field).or_else(shared).unwrap_or_default().to_owned()
        };
        let mut cells: Vec<String> = fields.iter().map(text).collect();
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

#[cfg(test)]
mod tests {
    use super::super::test_support::{columns, rows};
    use super::super::{ReadOptions, read};
    use super::*;
    use crate::domain::list::Meaning;

    /// With a field's own key as heading, as settings accept it.
    fn accepted(bytes: &[u8]) -> List {
        let mut columns = columns();
        for (key, field) in Field::ALL {
            columns.accept(key, Meaning::Field(field)).unwrap();
        }
        columns.accept(REASON_HEADING, Meaning::PassedOver).unwrap();
        read("liste", bytes, &columns, &ReadOptions::default()).unwrap_or_else(|refused| panic!("refused: {refused}"))
    }

    #[test]
    fn refused_rows_read_as_the_same_again() {
        let check = |label: &str, list: &str, want: &[&str]| {
            let list = accepted(list.as_bytes());
            let refusal = |line: usize| Refusal { line, column: "x".into(), value: None, reason: "y".into() };
            let refusals: Vec<Refusal> = list.rows.iter().map(|row| refusal(row.line)).collect();
            let written = write_refused(&list, &refusals);
            assert_eq!(rows(&accepted(&written)), want, "{label}:\n{}", String::from_utf8_lossy(&written));
        };
        check("no cell but a reason", r#"{"rows": [{}]}"#, &[]);
        check("no authority", "Stand;Grund\n;Umzug\n", &["reason=Umzug"]);
        check("no authority, but its AGS", "Stand;AGS\n;05113\n", &["ags=05113"]);
        check(
            "what holds for all rows, beside what one says itself",
            r#"{"month": "2026-12", "rows": [{"authority": "a", "month": "2026-11"}, {"authority": "b"}]}"#,
            &["authority=a; month=2026-11", "authority=b; month=2026-12"],
        );
        check("what looks like a formula", "Behörde;Grund\n+49;-krank\n", &["authority=+49; reason=-krank"]);
        check("quotation marks", "Behörde;Grund\n\"a \"\"b\"\";c\";d;\n", &["authority=a \"b\";c; reason=d"]);
        let longest = format!("={}", "x".repeat(super::super::text::TEXT_BYTES_MAX - 1));
        check("the longest text", &format!("Behörde;Stand\n{longest};\n"), &[&format!("authority={longest}")]);
        check(
            "figures",
            "Behörde;REAG/GARP;Rückführungen;Bestätigung\na;4.711;0;ja\nb;-;;?\n",
            &[
                "authority=a; confirmation=AboveZero; reag-garp=AboveZero; returns=Zero",
                "authority=b; confirmation=Unreadable; reag-garp=Unreadable",
            ],
        );
    }
}
