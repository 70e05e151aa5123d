//! The map of authorities by months: each mark's drawing, told apart by pattern besides colour, and its words. Never counts.
//!
//! It is a table of small drawings and not one large one. So a screen reader walks it by rows and columns and says the name, the month and
//! the words of a cell; a narrow screen scrolls it with its names in place; and a printer breaks it between rows with the months on
//! top of each sheet.

use serde::Serialize;

use crate::domain::punctuality::{AuthorityLine, Cell, Mark, Phase, Punctuality};

use super::year_words::{cell_in_words, phase_in_words, short_month};

/// The drawings, one a mark, to be placed once in a page. Classes give the colours; without any, the patterns remain.
pub(super) const DRAWINGS: &str = concat!(
    r#"<svg class="drawings" width="0" height="0" aria-hidden="true" focusable="false">"#,
    r#"<symbol id="m-in-time" viewBox="0 0 16 16"><rect class="good" x="1.25" y="1.25" width="13.5" height="13.5"/></symbol>"#,
    r#"<symbol id="m-nil" viewBox="0 0 16 16"><rect class="good" x="1.25" y="1.25" width="13.5" height="13.5"/>"#,
    r#"<circle class="line" cx="8" cy="8" r="3.5"/></symbol>"#,
    r#"<symbol id="m-excused" viewBox="0 0 16 16"><rect class="good" x="1.25" y="1.25" width="13.5" height="13.5"/>"#,
    r#"<g class="ink"><circle cx="5" cy="5" r="1.4"/><circle cx="11" cy="5" r="1.4"/><circle cx="5" cy="11" r="1.4"/>"#,
    r#"<circle cx="11" cy="11" r="1.4"/></g></symbol>"#,
    r#"<symbol id="m-late" viewBox="0 0 16 16"><rect class="late" x="1.25" y="1.25" width="13.5" height="13.5"/>"#,
    r#"<path class="line" d="M1.5 7 7 1.5M1.5 14.5l13-13M9 14.5 14.5 9"/></symbol>"#,
    r#"<symbol id="m-missed" viewBox="0 0 16 16"><rect class="bad" x="1.25" y="1.25" width="13.5" height="13.5"/>"#,
    r#"<path class="cut" d="M4 4l8 8M12 4l-8 8"/></symbol>"#,
    r#"<symbol id="m-overdue" viewBox="0 0 16 16"><rect class="due" x="1.75" y="1.75" width="12.5" height="12.5"/>"#,
    r#"<path class="alarm" d="M8 3.5v5.5"/><circle class="alarm-dot" cx="8" cy="12" r="1.3"/></symbol>"#,
    r#"<symbol id="m-extended" viewBox="0 0 16 16"><rect class="none" x="1.25" y="1.25" width="13.5" height="13.5"/>"#,
    r#"<path class="line" d="M3 8h9M9 5l3 3-3 3"/></symbol>"#,
    r#"<symbol id="m-exempt" viewBox="0 0 16 16"><rect class="none" x="1.25" y="1.25" width="13.5" height="13.5"/>"#,
    r#"<g class="ink"><circle cx="5" cy="5" r="1.4"/><circle cx="11" cy="5" r="1.4"/><circle cx="5" cy="11" r="1.4"/>"#,
    r#"<circle cx="11" cy="11" r="1.4"/></g></symbol>"#,
    r#"<symbol id="m-open" viewBox="0 0 16 16"><rect class="dashed" x="1.25" y="1.25" width="13.5" height="13.5"/></symbol>"#,
    r#"<symbol id="m-ahead" viewBox="0 0 16 16"></symbol>"#,
    r#"<symbol id="m-not-owing" viewBox="0 0 16 16"><path class="line" d="M5 8h6"/></symbol>"#,
    r#"<symbol id="m-unknown" viewBox="0 0 16 16"><rect class="grey" x="1.25" y="1.25" width="13.5" height="13.5"/>"#,
    r#"<path class="line" d="M6 6.2a2 2 0 1 1 2.6 1.9c-.4.2-.6.5-.6 1v.6M8 12v.4"/></symbol>"#,
    "</svg>"
);

/// The map of one duty.
#[derive(Serialize)]
pub(super) struct HeatMap {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
    /// The marks that stand in it, in their order.
    pub(super) legend: Vec<LegendEntry>,
}

/// A month.
#[derive(Serialize)]
pub(super) struct Column {
    pub(super) short: String,
    pub(super) words: String,
    /// Said beside the month, if it has not closed.
    pub(super) phase: Option<&'static str>,
}

/// An authority.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) cells: Vec<Drawn>,
}

/// A cell: which drawing, and the words.
#[derive(Serialize)]
pub(super) struct Drawn {
    pub(super) mark: &'static str,
    pub(super) words: String,
}

/// A mark with its words.
#[derive(Serialize)]
pub(super) struct LegendEntry {
    pub(super) mark: &'static str,
    pub(super) words: &'static str,
}

impl HeatMap {
    pub(super) fn of(counted: &Punctuality) -> Self {
        let column = |line: &crate::domain::punctuality::MonthLine| Column {
            short: short_month(line),
            words: line.month.in_words(),
            phase: matches!(line.phase, Phase::Running | Phase::Overdue).then(|| phase_in_words(line.phase)),
        };
        let drawn = |cell: &Cell| Drawn { mark: cell.mark.as_str(), words: cell_in_words(*cell) };
        let row = |line: &AuthorityLine| Row { name: line.name.clone(), cells: line.cells.iter().map(drawn).collect() };
        let is_there = |mark: &Mark| counted.all.count(*mark) > 0;
        let entry = |mark: Mark| LegendEntry { mark: mark.as_str(), words: mark.in_words() };
        Self {
            columns: counted.months.iter().map(column).collect(),
            rows: counted.authorities.iter().map(row).collect(),
            legend: Mark::ALL.into_iter().filter(is_there).map(entry).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_has_a_drawing_of_its_own() {
        for mark in Mark::ALL {
            let id = format!(r#"<symbol id="m-{}""#, mark.as_str());
            assert_eq!(DRAWINGS.matches(&id).count(), 1, "{mark:?}");
        }
        let drawings: Vec<&str> = DRAWINGS.split("<symbol ").skip(1).collect();
        let bodies: std::collections::BTreeSet<&str> =
            drawings.iter().filter_map(|drawing| drawing.split_once('>')).map(|(_, body)| body).collect();
        assert_eq!(bodies.len(), Mark::ALL.len(), "no two are drawn alike");
    }
}
