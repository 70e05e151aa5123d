//! Tests what a calendar file may say.

use super::*;
use crate::domain::Calendar;
use crate::domain::calendar::Land;

const GOOD: &str = "title = \"Probe\"\nworking_week = [\"mon\", \"tue\"]\npublic_holidays = \"NW\"\n";

fn calendar(text: &str) -> Calendar {
    let site = Site::example().write("calendars/probe.toml", text);
    let settings = site.load_good();
    (*settings.calendars["probe"]).clone()
}

#[test]
fn what_is_wrong_is_refused_with_value_and_remedy() {
    let check = |label: &str, text: &str, pieces: &[&str]| {
        Site::example().write("calendars/probe.toml", text).refuses(label, pieces);
    };
    let changed = |from: &str, to: &str| GOOD.replace(from, to);
    let closed = |lines: &str| format!("{GOOD}[[closed]]\nwhy = \"x\"\n{lines}\n");
    check(
        "Land",
        &changed("NW", "NRW"),
        &[
            "calendars/probe.toml:3: public_holidays: unknown Land \"NRW\"",
            "BW, BY, BE, BB, HB, HH, HE, MV, NI, NW, RP, SL, SN, ST, SH, TH",
        ],
    );
    check("no Land", &changed("public_holidays = \"NW\"", ""), &["\"public_holidays\" is missing", "\"none\""]);
    check("weekday", &changed("\"mon\"", "\"mo\""), &["working_week: unknown value \"mo\"; known: mon, tue"]);
    check("empty week", &changed("[\"mon\", \"tue\"]", "[]"), &["working_week: no weekday is worked"]);
    check("no title", &changed("title = \"Probe\"", ""), &["\"title\" is missing"]);
    check("unknown key", &format!("{GOOD}[[close]]\n"), &["unknown key \"close\"; known: title, working_week"]);
    check(
        "yearly",
        &closed("yearly = \"02-30\""),
        &["calendars/probe.toml:6: closed day 1, yearly: \"02-30\" is no day of the year"],
    );
    check("yearly", &closed("yearly = \"2-3\""), &["accepted: month-day"]);
    check("two kinds", &closed("yearly = \"12-24\"\neaster = 1"), &["closed day 1: says none or several"]);
    check("no kind", &closed(""), &["closed day 1: says none or several of date, yearly and easter"]);
    check("easter", &closed("easter = 1000"), &["closed day 1, easter: 1000 is out of range"]);
    check("date", &closed("date = 2026-02-30"), &[">>2026-02-30<<"]);
    check("date outside", &closed("date = 2206-01-01"), &["2206-01-01 lies outside 1995 to 2100"]);
    check(
        "years",
        &closed("easter = 1\nfirst_year = 2027\nlast_year = 2026"),
        &["first_year 2027 lies after last_year 2026"],
    );
    check("years of a date", &closed("date = 2026-12-24\nfirst_year = 2027"), &["say nothing of a single date"]);
    check("no why", &format!("{GOOD}[[opened]]\neaster = 1\n"), &["opened day 1: \"why\" is missing"]);
    let every_day: String = (1..=12)
        .flat_map(|month| (1..=31).map(move |day| (month, day)))
        .filter(|(month, day)| chrono::NaiveDate::from_ymd_opt(2000, *month, *day).is_some())
        .map(|(month, day)| format!("[[closed]]\nwhy = \"x\"\nyearly = \"{month:02}-{day:02}\"\n"))
        .collect();
    check("closed for ever", &format!("{GOOD}{every_day}"), &["calendar \"probe\" closes every day of 1995"]);
    Site::example()
        .write("calendars/Probe 1.toml", GOOD)
        .refuses("file name", &["calendars/Probe 1.toml: file name: \"Probe 1\" is not an id"]);
}

#[test]
fn a_broken_override_is_complained_about_once() {
    let site = Site::example().write("calendars/nrw.toml", "title = 1\n");
    let shown = site.load().unwrap_err().to_string();
    assert!(shown.lines().all(|line| line.starts_with("calendars/nrw.toml")), "{shown}");
}

#[test]
fn a_folder_overrides_and_adds_calendars_by_file_stem() {
    let site = Site::example()
        .write("calendars/nrw.toml", GOOD)
        .write("calendars/own.toml", GOOD)
        .write("calendars/README.md", "no calendar")
        .edit("cycles.toml", "period   = \"cycle-month\"", "calendar = \"own\"\nperiod = \"cycle-month\"");
    let settings = site.load_good();
    assert_eq!(settings.rulebook.calendar.title(), "Probe");
    assert_eq!(settings.rulebook.duty("planning").unwrap().calendar.name(), "own");
    let names: Vec<&str> = settings.calendars.keys().map(String::as_str).collect();
    assert_eq!(names, ["nrw", "nrw-verwaltung", "nrw-werktage", "own"]);
}

#[test]
fn every_land_loads() {
    for code in Land::codes() {
        let calendar = calendar(&GOOD.replace("NW", code));
        assert_eq!(
            calendar.why_free("2026-10-03".parse().unwrap()).as_deref(),
            Some("Tag der Deutschen Einheit"),
            "{code}"
        );
    }
    let none = calendar(&GOOD.replace("NW", "none"));
    assert_eq!(none.why_free("2026-10-03".parse().unwrap()).as_deref(), Some("Samstag"));
}

#[test]
fn exceptions_close_and_open_days() {
    let all_week = GOOD.replace("\"tue\"]", "\"tue\", \"wed\", \"thu\", \"fri\"]");
    let calendar = calendar(&format!(
        "{all_week}\
         [[closed]]\neaster = -48\nwhy = \"Rosenmontag\"\nfirst_year = 2027\n\
         [[closed]]\nyearly = \"02-29\"\nwhy = \"Schalttag\"\n\
         [[closed]]\ndate = 2026-12-02\nwhy = \"Umzug\"\n\
         [[opened]]\nyearly = \"11-01\"\nwhy = \"Dienst\"\nlast_year = 2027\n"
    ));
    let check =
        |date: &str, why: Option<&str>| assert_eq!(calendar.why_free(date.parse().unwrap()).as_deref(), why, "{date}");
    check("2026-02-16", None); // Rosenmontag, but before the first year
    check("2027-02-08", Some("Rosenmontag"));
    check("2028-02-29", Some("Schalttag"));
    check("2026-12-02", Some("Umzug"));
    check("2027-12-02", None);
    check("2027-11-01", None); // Allerheiligen, taken away
    check("2028-11-01", Some("Allerheiligen"));
}
