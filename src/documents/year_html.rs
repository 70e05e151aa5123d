//! The yearly report as one page that needs nothing besides itself. Never counts and never writes a file.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;

use crate::domain::punctuality::{Figures, Mark};
use crate::domain::year_report::{DutyYear, YearReport};

use super::DocumentError;
use super::heat_map::{DRAWINGS, HeatMap};
use super::year_words::{
    DEFINITIONS, as_of, grouped, in_brief, median, month_name, notes, phase_in_words, share, short_date, title,
};

const TEMPLATE: &str = include_str!("../../templates/documents/report-year.html");
const NAME: &str = "report-year.html"; // its ending chooses the escaping

/// The report as an HTML page in German: one document without scripts and outside resources.
///
/// # Errors
/// If the built-in template has a mistake; a test renders it.
pub fn year_page(report: &YearReport) -> Result<String, DocumentError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the default delimiters are valid"));
    environment.add_template(NAME, TEMPLATE)?;
    Ok(environment.get_template(NAME)?.render(Value::from(Serde(Page::of(report))))?)
}

#[derive(Serialize)]
struct Page {
    title: String,
    as_of: String,
    year: i32,
    is_over: bool,
    signature: Vec<String>,
    file_number: String,
    drawings: &'static str,
    duties: Vec<Section>,
    definitions: Vec<(&'static str, &'static str)>,
}

#[derive(Serialize)]
struct Section {
    id: String,
    title: String,
    is_known: bool,
    brief: String,
    notes: Vec<String>,
    all: Line,
    districts: Vec<Line>,
    months: Vec<MonthRow>,
    authorities: Vec<Line>,
    map: HeatMap,
}

/// A line of a table, with what it is about.
#[derive(Serialize)]
struct Line {
    name: String,
    district: &'static str,
    judged: String,
    in_time: String,
    share: String,
    late: String,
    missed: String,
    overdue: String,
    median: String,
    longest_in_time: u32,
    longest_missed: u32,
}

#[derive(Serialize)]
struct MonthRow {
    is_known: bool,
    ends_on: String,
    phase: &'static str,
    line: Line,
}

impl Page {
    fn of(report: &YearReport) -> Self {
        Self {
            title: title(report),
            as_of: as_of(report),
            year: report.year,
            is_over: report.is_over(),
            signature: report.signature.clone(),
            file_number: report.file_number.clone(),
            drawings: DRAWINGS,
            duties: report.duties.iter().enumerate().map(|(index, duty)| Section::of(index, duty)).collect(),
            definitions: DEFINITIONS.to_vec(),
        }
    }
}

impl Section {
    fn of(index: usize, duty: &DutyYear) -> Self {
        let counted = &duty.punctuality;
        let months = counted.months.iter().map(|line| MonthRow {
            is_known: line.ends_on.is_some(),
            ends_on: line.ends_on.map_or_else(|| NOTHING.to_owned(), short_date),
            phase: phase_in_words(line.phase),
            line: Line::of(month_name(line.month), "", &line.figures),
        });
        let districts = counted.districts.iter();
        let authorities = counted.authorities.iter();
        Self {
            // by its place, since an id from the settings may hold what an anchor must not
            id: format!("duty-{}", index + 1),
            title: duty.title.clone(),
            is_known: !counted.is_empty(),
            brief: in_brief(&counted.all),
            notes: notes(duty),
            all: Line::of("Land gesamt".to_owned(), "", &counted.all),
            districts: districts
                .map(|(district, figures)| Line::of(district.in_words().to_owned(), "", figures))
                .collect(),
            months: months.collect(),
            authorities: authorities
                .map(|line| Line::of(line.name.clone(), line.district.in_words(), &line.figures))
                .collect(),
            map: HeatMap::of(counted),
        }
    }
}

const NOTHING: &str = "–";

impl Line {
    fn of(name: String, district: &'static str, figures: &Figures) -> Self {
        let count = |mark| grouped(figures.count(mark));
        Self {
            name,
            district,
            judged: grouped(figures.judged()),
            in_time: grouped(figures.in_time()),
            share: share(figures).unwrap_or_else(|| NOTHING.to_owned()),
            late: count(Mark::Late),
            missed: count(Mark::Missed),
            overdue: count(Mark::Overdue),
            median: figures.median_days.map_or_else(|| NOTHING.to_owned(), median),
            longest_in_time: figures.longest_in_time,
            longest_missed: figures.longest_missed,
        }
    }
}
