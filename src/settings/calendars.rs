//! Reads calendar files (K2), shipped ones and a site's own. Never decides which day counts; `domain::calendar` does.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use chrono::{NaiveDate, Weekday};

use super::complaint::{Complaints, Report, Spot};
use super::reader::{Field, Fields, parse};
use super::source_text::{Folder, SourceText};
use super::values::{self, quoted};
use crate::domain::Calendar;
use crate::domain::calendar::{CalendarSpec, Exception, Land, When, working_week};
use crate::domain::dates::{FIRST_YEAR, LAST_YEAR};

/// The shipped calendar files by their names.
const SHIPPED: [(&str, &str); 3] = [
    ("nrw", include_str!("../../calendars/nrw.toml")),
    ("nrw-verwaltung", include_str!("../../calendars/nrw-verwaltung.toml")),
    ("nrw-werktage", include_str!("../../calendars/nrw-werktage.toml")),
];
/// The most days between Easter Sunday and an exception; more would leave the year.
const EASTER_DAYS_MAX: i64 = 250;
const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

/// The names of the calendars that are built in.
pub fn shipped_calendar_names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// A calendar that is built in; `None` for another name.
///
/// ```
/// let nrw = fristd::settings::shipped_calendar("nrw").unwrap().unwrap();
/// assert!(!nrw.is_working("2026-12-25".parse().unwrap()));
/// assert!(fristd::settings::shipped_calendar("bayern").is_none());
/// ```
///
/// # Errors
/// If the embedded file is wrong, which a test excludes.
pub fn shipped_calendar(name: &str) -> Option<Result<Calendar, Complaints>> {
    let (_, text) = SHIPPED.iter().find(|(known, _)| *known == name)?;
    let report = Report::default();
    let source = SourceText::new(format!("calendars/{name}.toml"), (*text).to_owned());
    let calendar = read(name, &source, &report);
    let outcome = report.finish().map(|_| calendar.expect("a file without complaint is a calendar"));
    Some(outcome)
}

/// All calendars that settings may name.
pub(super) struct Calendars {
    /// `None` for a file that has been complained about.
    by_name: BTreeMap<String, Option<Arc<Calendar>>>,
}

impl Calendars {
    /// The shipped calendars and those of a folder, which override them by file stem.
    pub(super) fn load(folder: &mut Folder, path: Option<&Path>, is_default: bool, report: &Report) -> Self {
        let mut by_name = shipped().clone();
        let Some(path) = path.filter(|path| !is_default || path.exists()) else { return Self { by_name } };
        let name = folder.name_of(path);
        folder.files.push(path.to_owned());
        let entries = path.read_dir().and_then(|entries| {
            let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
            paths.sort();
            Ok(paths)
        });
        let paths =
            Spot::of_file(report, &name).accept(entries.map_err(|error| {
                format!("cannot list the folder of calendars: {error}; create it or leave the key out")
            }));
        for path in paths.unwrap_or_default() {
            let Some(stem) = path
                .file_name()
                .and_then(|name| name.to_str()?.strip_suffix(".toml"))
                .filter(|stem| !stem.starts_with('.'))
            else {
                continue;
            };
            let before = report.count();
            Spot::of_file(report, &folder.name_of(&path)).within("file name").accept(values::id(stem));
            let source = folder.read(&path, "remove the entry from the folder of calendars", report);
            let calendar = source.and_then(|source| read(stem, &source, report)).filter(|_| report.count() == before);
            by_name.insert(stem.to_owned(), calendar.map(Arc::new));
        }
        Self { by_name }
    }

    /// The calendar that a key names. A broken one was complained about when it was read.
    pub(super) fn named_by(&self, field: &Field) -> Option<Arc<Calendar>> {
        let name = field.text()?;
        if let Some(calendar) = self.by_name.get(name) {
            return calendar.clone();
        }
        let known: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
        field.spot.complain(format!(
            "unknown calendar {}; known: {}, or another file in the folder of calendars",
            quoted(name),
            known.join(", ")
        ));
        None
    }

    /// All calendars by their names.
    pub(super) fn into_map(self) -> BTreeMap<String, Arc<Calendar>> {
        self.by_name.into_iter().filter_map(|(name, calendar)| Some((name, calendar?))).collect()
    }
}

/// Built once: a reload should not decide 3 × 38,000 days again.
fn shipped() -> &'static BTreeMap<String, Option<Arc<Calendar>>> {
    static BUILT: LazyLock<BTreeMap<String, Option<Arc<Calendar>>>> = LazyLock::new(|| {
        let built = |name: &str| shipped_calendar(name).and_then(Result::ok).map(Arc::new);
        shipped_calendar_names().map(|name| (name.to_owned(), built(name))).collect()
    });
    &BUILT
}

/// A calendar from its file's text.
pub(super) fn read(name: &str, source: &SourceText, report: &Report) -> Option<Calendar> {
    let before = report.count();
    let table = parse(source, report)?;
    let file = Fields::of_file(source, table.get_ref(), report);
    let title = file.required("title", r#"title = "Montag bis Freitag""#).and_then(|field| field.name());
    let week =
        file.required("working_week", r#"working_week = ["mon", "tue", "wed", "thu", "fri"]"#).and_then(read_week);
    let land = file.required("public_holidays", r#"public_holidays = "NW", or "none""#).and_then(read_land);
    let exceptions = |key, title| -> Vec<Exception> {
        let tables = file.optional(key).and_then(|field| field.tables(&file.spot, title)).unwrap_or_default();
        tables.iter().filter_map(read_exception).collect()
    };
    let closed = exceptions("closed", "closed day");
    let opened = exceptions("opened", "opened day");
    file.finish();
    if report.count() > before {
        return None;
    }
    let spec = CalendarSpec { name: name.to_owned(), title: title?, working_week: week?, land: land?, closed, opened };
    file.spot.accept(Calendar::new(spec).map_err(|error| error.to_string()))
}

fn read_week(field: Field) -> Option<[bool; 7]> {
    let days: Vec<Weekday> = field.list()?.iter().map(|day| day.word(&WEEKDAYS)).collect::<Option<_>>()?;
    if days.is_empty() {
        field.spot.complain("no weekday is worked; name at least one of mon, tue, wed, thu, fri, sat, sun");
        return None;
    }
    Some(working_week(days))
}

/// `Some(None)` for a calendar without public holidays, which has to be said so that nobody forgets them.
fn read_land(field: Field) -> Option<Option<Land>> {
    let code = field.text()?;
    let land = Land::parse(code);
    if land.is_none() && code != "none" {
        let codes: Vec<&str> = Land::codes().collect();
        field.spot.complain(format!("unknown Land {}; known: {}, or \"none\"", quoted(code), codes.join(", ")));
        return None;
    }
    Some(land)
}

fn read_exception(table: &Fields) -> Option<Exception> {
    let why = table.required("why", r#"why = "Heiligabend""#).and_then(|field| field.name());
    let kinds = [table.optional("date"), table.optional("yearly"), table.optional("easter")];
    let year = |key| table.optional(key).map(|field| field.integer(i64::from(FIRST_YEAR)..=i64::from(LAST_YEAR)));
    let (first_year, last_year) = (year("first_year"), year("last_year"));
    table.finish();
    let when = match kinds {
        [Some(date), None, None] => {
            if first_year.is_some() || last_year.is_some() {
                table.spot.complain("first_year and last_year say nothing of a single date; leave them out");
                return None;
            }
            When::On(date.date()?)
        }
        [None, Some(yearly), None] => yearly.spot.accept(read_yearly(yearly.text()?))?,
        [None, None, Some(easter)] => When::Easter { days: easter.integer(-EASTER_DAYS_MAX..=EASTER_DAYS_MAX)? },
        _ => {
            let accepted = r#"date = 2026-12-24, yearly = "12-24" or easter = -48"#;
            table
                .spot
                .complain(format!("says none or several of date, yearly and easter; write exactly one: {accepted}"));
            return None;
        }
    };
    // a year that was complained about ends the reading; one that is left out does not
    let (first_year, last_year) =
        (first_year.map_or(Some(None), |year| year.map(Some))?, last_year.map_or(Some(None), |year| year.map(Some))?);
    if let (Some(first), Some(last)) = (first_year, last_year)
        && first > last
    {
        table.spot.complain(format!("first_year {first} lies after last_year {last}; exchange them"));
        return None;
    }
    let (first_year, last_year) = (first_year.map(|year| year as i32), last_year.map(|year| year as i32));
    Some(Exception { when, why: why?, first_year, last_year })
}

fn read_yearly(text: &str) -> Result<When, String> {
    const LEAP_YEAR: i32 = 2000; // so that 29 February is a day
    let digits =
        |part: &str| (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse().ok());
    text.split_once('-')
        .and_then(|(month, day)| Some((digits(month)??, digits(day)??)))
        .filter(|(month, day)| NaiveDate::from_ymd_opt(LEAP_YEAR, *month, *day).is_some())
        .map(|(month, day)| When::Yearly { month, day })
        .ok_or_else(|| format!("{} is no day of the year; accepted: month-day, like \"12-24\"", quoted(text)))
}
