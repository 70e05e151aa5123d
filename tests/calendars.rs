//! Checks the shipped calendars against tables that were computed without this project (K4).

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, Weekday};
use fristd::domain::Calendar;
use fristd::domain::window::{self, Verdict};
use fristd::settings::{shipped_calendar, shipped_calendar_names};

const HOLIDAYS: &str = include_str!("fixtures/nrw-holidays.csv");
const WINDOWS: &str = include_str!("fixtures/window-vectors.csv");
const WINDOW_DAYS: u32 = 10;

fn shipped(name: &str) -> Calendar {
    shipped_calendar(name).expect(name).unwrap_or_else(|complaints| panic!("{complaints}"))
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The expected name of a holiday as the law says it.
fn by_law(name: &str) -> String {
    name.replace("1. Mai", "Tag der Arbeit").replace("Reformationstag (500 Jahre)", "Reformationstag")
}

#[test]
fn every_day_from_1995_to_2100_is_free_or_worked_as_the_table_says() {
    let holidays: BTreeMap<NaiveDate, String> = HOLIDAYS
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').expect(line))
        .map(|(date, name)| (day(date), by_law(name)))
        .collect();
    assert!(holidays.len() > 1100);
    let nrw = shipped("nrw");
    let werktage = shipped("nrw-werktage");
    let verwaltung = shipped("nrw-verwaltung");
    let mut checked = 0;
    for date in day("1995-01-01").iter_days().take_while(|date| date.year() <= 2100) {
        let weekday = match date.weekday() {
            Weekday::Sat => Some("Samstag"),
            Weekday::Sun => Some("Sonntag"),
            _ => None,
        };
        let holiday = holidays.get(&date).map(String::as_str);
        let check = |calendar: &Calendar, want: Option<&str>| {
            let found = calendar.why_free(date);
            let mut names: Vec<&str> = found.as_deref().unwrap_or_default().split("; ").collect();
            let mut wanted: Vec<&str> = want.unwrap_or_default().split("; ").collect();
            names.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(names, wanted, "{date} in {}", calendar.name());
            assert_eq!(calendar.is_working(date), want.is_none(), "{date} in {}", calendar.name());
        };
        check(&nrw, holiday.or(weekday));
        check(&werktage, holiday.or(weekday.filter(|name| *name == "Sonntag")));
        let closed = match (date.month(), date.day()) {
            (12, 24) => Some("Heiligabend (dienstfrei)"),
            (12, 31) => Some("Silvester (dienstfrei)"),
            _ => None,
        };
        check(&verwaltung, holiday.or(closed).or(weekday));
        checked += 1;
    }
    assert_eq!(checked, 38716, "no day is left out");
}

#[test]
fn every_window_ends_and_skips_as_the_table_says() {
    let (nrw, werktage, verwaltung) = (shipped("nrw"), shipped("nrw-werktage"), shipped("nrw-verwaltung"));
    for row in WINDOWS.lines().skip(1) {
        let [import_on, rule, deadline, skipped] = row.split(',').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let calendar = match rule {
            "mon-fri" => &nrw,
            "mon-sat" | "mon-sat-shifted" => &werktage,
            "mon-fri-closed-2431" => &verwaltung,
            _ => panic!("{row}"),
        };
        let mut ends_on = window::last_day(calendar, day(import_on), WINDOW_DAYS, false).unwrap();
        if rule == "mon-sat-shifted" {
            ends_on = nrw.same_or_next(ends_on).unwrap();
        }
        assert_eq!(ends_on, day(deadline), "{row}");
        let derived = window::derive(calendar, day(import_on), WINDOW_DAYS, false).unwrap();
        let counted_to = derived.last().map(|derived| derived.date).unwrap();
        let found: Vec<String> = derived
            .iter()
            .filter_map(|derived| match &derived.verdict {
                Verdict::Skipped(why) => Some(format!("{}={why}", derived.date)),
                Verdict::Counts(_) => None,
            })
            .chain(counted_to.iter_days().take_while(|date| *date < ends_on).map(moved_as_they_say))
            .collect();
        let wanted: Vec<String> = skipped.split(';').filter(|day| !day.is_empty()).map(skipped_as_we_say).collect();
        assert_eq!(found, wanted, "{row}");
    }
}

/// A day from which the end was moved on.
fn moved_as_they_say(date: NaiveDate) -> String {
    let weekday = if date.weekday() == Weekday::Sat { "Sa" } else { "So" };
    format!("{date}=Fristende-{weekday}")
}

fn skipped_as_we_say(day: &str) -> String {
    let (date, why) = day.split_once('=').expect(day);
    let why = match why {
        "Sa" => "Samstag".to_owned(),
        "So" => "Sonntag".to_owned(),
        "dienstfrei" if date.ends_with("-12-24") => "Heiligabend (dienstfrei)".to_owned(),
        "dienstfrei" if date.ends_with("-12-31") => "Silvester (dienstfrei)".to_owned(),
        name => by_law(name),
    };
    format!("{date}={why}")
}

#[test]
fn three_calendars_are_shipped() {
    assert_eq!(shipped_calendar_names().collect::<Vec<_>>(), ["nrw", "nrw-verwaltung", "nrw-werktage"]);
    assert!(shipped_calendar("bayern").is_none());
}
