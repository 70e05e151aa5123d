//! `fristd report`: the same figures as text, JSON, page and workbook, from a real store.

mod axe;
mod support;

use std::fs;
use std::io::Cursor;

use axe::{Browser, Finding, Look};
use calamine::{Data, Range, Reader, Xlsx};
use fristd::domain::ReceiptState::{self, Complete, Excused, Exempt, Extended, Nil};
use fristd::domain::punctuality::Mark;
use fristd::domain::{Duty, Month};
use serde_json::{Value, json};
use support::answer::{Answer, assert_keys};
use support::site::{Site, text};
use support::year::{Deeds, fill, months_until};

const IN_NOVEMBER: &str = "2026-11-22 10:00:00"; // November's deadlines are over, its cycle is open
const AFTER_THE_YEAR: &str = "2027-02-20 10:00:00";
const AUTHORITIES: usize = 4; // of the small roster: Essen, Krefeld, Bonn, Mettmann
const MONTHS: usize = 12;

/// Essen is always in time, Krefeld late now and then, Bonn silent from July to September, Mettmann everything else.
fn deeds(duty: &Duty, month: Month, number: usize) -> Deeds {
    let name = month.to_string();
    let (_, of_month) = name.split_once('-').expect("YYYY-MM");
    let reason = || String::from("Hochwasser");
    match (number, of_month) {
        (0, _) if &*duty.id == "statistics" => vec![(Nil, -30)],
        (0, _) => vec![(Complete, -30)],
        (1, "02" | "05") => vec![(Complete, 40)],
        (1, "11") => vec![],
        (1, _) => vec![(Complete, -1)],
        (2, "07" | "08" | "09") => vec![],
        (2, "10") => vec![(ReceiptState::Partial { missing: vec!["returns".into()] }, -5)],
        (2, _) => vec![(Complete, -100)],
        (_, "01") => vec![(Exempt { reason: reason() }, -50)],
        (_, "02") => vec![(Excused { reason: reason() }, -50)],
        (_, "03") => {
            let until = month.day(27).expect("a day");
            vec![(Extended { until, reason: reason() }, -50), (Complete, 24 * 5)]
        }
        _ => vec![(Complete, -60)],
    }
}

fn filled(now: &str, months: &[Month]) -> Site {
    let site = Site::small(now);
    fill(&site, months, deeds);
    site
}

fn json_of(site: &Site) -> Value {
    Answer::at(site, &["report", "--year", "2026", "--json"]).json()
}

/// Writes page and workbook; returns both.
fn files_of(site: &Site) -> (String, Vec<u8>) {
    let (html, xlsx) = (site.path("jahr.html"), site.path("jahr.xlsx"));
    let paths = [html.to_str().expect("UTF-8"), xlsx.to_str().expect("UTF-8")];
    let said = Answer::at(site, &["report", "--year", "2026", "--html", paths[0], "--xlsx", paths[1]]).done();
    assert_eq!(said, format!("written: {}\nwritten: {}\n", paths[0], paths[1]));
    (fs::read_to_string(html).expect("a page"), fs::read(xlsx).expect("a workbook"))
}

fn sheet(workbook: &[u8], name: &str) -> Range<Data> {
    let mut workbook: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(workbook.to_vec())).expect("a workbook");
    workbook.worksheet_range(name).expect("the sheet is there")
}

/// As many digits as no reader of decimal numbers gets wrong.
fn rounded(number: f64) -> f64 {
    (number * 1e9).round() / 1e9
}

/// A number of a cell, none if it is empty.
fn number(cell: Option<&Data>) -> Option<f64> {
    match cell {
        Some(Data::Float(number)) => Some(rounded(*number)),
        Some(Data::Int(number)) => Some(*number as f64),
        None | Some(Data::Empty) => None,
        Some(other) => panic!("no number: {other:?}"),
    }
}

/// What JSON says of a line, in the order of the workbook's columns: twelve figures and the runs.
fn as_columns(line: &Value) -> Vec<Option<f64>> {
    let marks = |name: &str| line["marks"][name].as_f64();
    let own = |name: &str| line[name].as_f64();
    vec![
        own("judged"),
        own("in_time"),
        own("share_in_time").map(rounded),
        marks("nil"),
        marks("excused"),
        marks("late"),
        marks("missed"),
        marks("overdue"),
        marks("exempt"),
        marks("extended"),
        marks("open"),
        own("median_days"),
        own("longest_in_time"),
        own("longest_missed"),
    ]
}

/// What the page shows of a line of JSON.
fn as_cells(line: &Value) -> String {
    let share = line["share_in_time"]
        .as_f64()
        .map_or("–".to_owned(), |share| format!("{:.1}\u{a0}%", share * 100.0).replace('.', ","));
    let median = line["median_days"].as_f64().map_or("–".to_owned(), |days| {
        let words = days.to_string().replace('.', ",").replace('-', "−");
        if days > 0.0 { format!("+{words}") } else { words }
    });
    let marks = &line["marks"];
    let cells = [
        line["judged"].to_string(),
        line["in_time"].to_string(),
        share,
        marks["late"].to_string(),
        marks["missed"].to_string(),
        marks["overdue"].to_string(),
        median,
    ];
    cells.map(|cell| format!("<td>{cell}</td>")).concat()
}

#[test]
fn page_and_workbook_have_the_figures_of_the_json() {
    for (now, months) in [(IN_NOVEMBER, months_until(11)), (AFTER_THE_YEAR, months_until(12))] {
        let site = filled(now, &months);
        let report = json_of(&site);
        let (page, workbook) = files_of(&site);
        let (districts, authorities) = (sheet(&workbook, "Bezirke"), sheet(&workbook, "Behörden"));
        let (mut district_rows, mut authority_rows) = (districts.rows().skip(1), authorities.rows().skip(1));
        let mut month_rows =
            sheet(&workbook, "Monate").rows().skip(1).map(<[Data]>::to_vec).collect::<Vec<_>>().into_iter();
        for duty in report["duties"].as_array().expect("duties") {
            let runs =
                |line: &Value| format!("<td>{}</td><td>{}</td>", line["longest_in_time"], line["longest_missed"]);
            for (name, line) in duty["districts"]
                .as_array()
                .expect("districts")
                .iter()
                .map(|line| (text(&line["district"]), line))
                .chain([(String::from("Land gesamt"), &duty["all"])])
            {
                let row = district_rows.next().expect("a row");
                assert_eq!(row[0], Data::String(text(&duty["title"])));
                let found: Vec<_> = (2..16).map(|column| number(row.get(column))).collect();
                assert_eq!(found, as_columns(line), "{name}");
                assert!(page.contains(&format!("{}{}", as_cells(line), runs(line))), "{name}: {}", as_cells(line));
            }
            for line in duty["authorities"].as_array().expect("authorities") {
                let row = authority_rows.next().expect("a row");
                assert_eq!((&row[1], &row[3]), (&Data::String(text(&line["name"])), &Data::String(text(&line["id"]))));
                let found: Vec<_> = (4..18).map(|column| number(row.get(column))).collect();
                assert_eq!(found, as_columns(line), "{}", line["name"]);
                let head = format!(r#"<tr><th scope="row">{}</th><td class="left">"#, text(&line["name"]));
                let tail = format!("</td>{}{}</tr>", as_cells(line), runs(line));
                let in_page = page.lines().any(|shown| shown.starts_with(&head) && shown.ends_with(&tail));
                assert!(in_page, "{head} … {tail}");
            }
            for line in duty["months"].as_array().expect("months") {
                let row = month_rows.next().expect("a row");
                assert_eq!(matches!(row[3], Data::DateTime(_)), line["ends_on"].is_string(), "a date is a date");
                if line["ends_on"].is_string() {
                    let found: Vec<_> = (4..16).map(|column| number(row.get(column))).collect();
                    assert_eq!(found, as_columns(line)[..12], "{}", line["month"]);
                    assert!(page.contains(&as_cells(line)), "{}", line["month"]);
                }
            }
        }
        assert!(district_rows.next().is_none() && authority_rows.next().is_none() && month_rows.next().is_none());
    }
}

#[test]
fn the_map_has_a_cell_for_each_authority_and_month_with_the_words_of_its_mark() {
    let site = filled(IN_NOVEMBER, &months_until(11));
    let report = json_of(&site);
    let (page, workbook) = files_of(&site);
    let duties = report["duties"].as_array().expect("duties");
    let cells = duties.len() * AUTHORITIES * MONTHS;
    assert_eq!(page.matches("<td><svg ").count(), cells, "drawn");
    let map = sheet(&workbook, "Karte");
    let in_workbook = map.rows().skip(1).flat_map(|row| &row[3..]).filter(|cell| matches!(cell, Data::String(_)));
    assert_eq!(in_workbook.count(), cells);
    let single = sheet(&workbook, "Einzelwerte");
    let mut rows = single.rows().skip(1);
    let mut drawn = page.split("<td><svg ").skip(1).filter_map(|rest| rest.split("</td>").next());
    for duty in duties {
        for authority in duty["authorities"].as_array().expect("authorities") {
            for month in authority["months"].as_array().expect("months") {
                let (row, drawn) = (rows.next().expect("a row"), drawn.next().expect("a cell"));
                let mark = Mark::ALL.into_iter().find(|mark| mark.as_str() == month["mark"]).expect("a mark");
                assert_eq!(row[5], Data::String(mark.in_words().to_owned()), "{month}");
                assert_eq!(number(row.get(6)), month["days"].as_f64(), "{month}");
                assert!(drawn.contains(&format!(r##"href="#m-{}""##, mark.as_str())), "{month}: {drawn}");
                // said to whoever sees no drawing, and shown to whoever points at it
                assert_eq!(drawn.matches(&format!(">{}", mark.in_words())).count(), 2, "{month}: {drawn}");
                let words = row[7].to_string();
                assert!(drawn.contains(&format!("<span class=\"words\">{words}</span>")), "{month}: {drawn}");
            }
        }
    }
    assert!(rows.next().is_none());
    for mark in
        ["rechtzeitig", "Fehlanzeige, rechtzeitig", "entschuldigt", "befreit", "verspätet", "versäumt", "überfällig"]
    {
        assert!(page.contains(&format!("</svg>{mark}</li>")), "the legend has {mark}");
    }
}

#[test]
fn what_the_year_came_to_is_said_in_json() {
    let site = filled(AFTER_THE_YEAR, &months_until(12));
    let report = json_of(&site);
    assert_keys(&report, &["year", "as_of", "is_over", "duties"]);
    assert_eq!((&report["year"], &report["is_over"]), (&json!(2026), &json!(true)));
    let planning = &report["duties"][0];
    let keys = ["duty", "title", "months", "all", "districts", "authorities", "owed_nothing", "not_in_roster"];
    assert_keys(planning, &keys);
    let figures = ["judged", "in_time", "share_in_time", "median_days", "longest_in_time", "longest_missed", "marks"];
    assert_keys(&planning["all"], &figures);
    assert_keys(&planning["months"][0], &[&["month", "phase", "ends_on"][..], &figures].concat());
    assert_keys(&planning["authorities"][0], &[&["id", "name", "district", "months"][..], &figures].concat());
    let of = |id: &str| {
        let mut lines = planning["authorities"].as_array().expect("authorities").iter();
        lines.find(|line| line["id"] == id).cloned().expect("a line")
    };
    let check = |id: &str, judged, in_time, median: f64, longest_in_time, longest_missed| {
        let line = of(id);
        let numbers = ["judged", "in_time", "longest_in_time", "longest_missed"].map(|name| line[name].clone());
        assert_eq!(numbers, [judged, in_time, longest_in_time, longest_missed].map(|count| json!(count)), "{id}");
        assert_eq!(line["median_days"], json!(median), "{id}");
    };
    check("abh-essen", 12, 12, -1.0, 12, 0);
    check("abh-krefeld", 12, 9, 0.0, 5, 1); // late in February and May, and nothing in November
    check("abh-bonn", 12, 8, -4.0, 6, 4); // silent for three months, and a part in October
    check("abh-mettmann", 11, 11, -2.0, 11, 0); // exempt in January, excused in February, extended in March
    let march = &of("abh-mettmann")["months"][2];
    let until_the_27th = &planning["months"][2]["ends_on"];
    assert_eq!(until_the_27th, "2026-03-16");
    assert_eq!(march, &json!({ "month": "2026-03", "mark": "in-time", "days": -5 }), "22 March, less the 27th");
}

#[test]
fn a_year_in_progress_says_so_and_names_the_months_that_are_missing() {
    let site = filled(IN_NOVEMBER, &months_until(11)[2..]);
    let words = Answer::at(&site, &["report", "--year", "2026", "--duty", "planning"]).done();
    insta::assert_snapshot!("year_in_progress", words);
    let (page, workbook) = files_of(&site);
    for said in [
        "Das Jahr 2026 ist noch nicht abgeschlossen.",
        "November 2026 ist noch offen: Die Frist endete am 16. November 2026, verspätete Meldungen sind noch möglich",
        "Dezember 2026 steht noch bevor.",
        "Januar und Februar 2026 sind nicht bekannt",
    ] {
        assert!(page.contains(said), "{said}");
    }
    let overview = sheet(&workbook, "Überblick");
    let lines: Vec<String> = overview.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect();
    assert!(lines.iter().any(|line| line.starts_with("HinweisDas Jahr ist noch nicht abgeschlossen")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("Januar und Februar 2026 sind nicht bekannt")), "{lines:?}");
    let over = filled(AFTER_THE_YEAR, &months_until(12));
    assert!(!files_of(&over).0.contains("Das Jahr 2026 ist noch nicht abgeschlossen"));
}

#[test]
fn the_page_reads_as_it_was_read_before() {
    let site = filled(AFTER_THE_YEAR, &months_until(12));
    let (page, _) = files_of(&site);
    // what everybody sees once: the head of the page, and one duty
    let (_, shown) = page.split_once("<header>").expect("a head");
    let (shown, _) = shown.split_once(r#"<h2 id="duty-2">"#).expect("a second duty");
    insta::assert_snapshot!("year_page", shown);
}

#[test]
fn the_page_needs_nothing_besides_itself_and_runs_nothing() {
    let (page, _) = files_of(&filled(AFTER_THE_YEAR, &months_until(12)));
    assert!(page.starts_with("<!doctype html>\n<html lang=\"de\">"));
    let forbidden = ["<script", "<link", "<img", "<iframe", "@import", "url(", "http:", "https:", " src=", " on"];
    for word in forbidden {
        let found = page.find(word).filter(|_| word != " on");
        assert_eq!(found, None, "{word}: {}", &page[found.unwrap_or(0)..][..80]);
    }
    let targets = page.match_indices("href=\"").map(|(at, _)| &page[at + 6..at + 7]);
    assert!(targets.clone().count() > AUTHORITIES * MONTHS && targets.clone().all(|first| first == "#"));
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("@page { size: A4"));
}

#[test]
fn the_page_can_be_read_by_everybody() {
    const WIDE: u32 = 1280; // no table is wider than its box
    let wide = [false, true].map(|is_dark| Look { width: WIDE, is_dark });
    let mut browser = Browser::start();
    let mut complaints = Vec::new();
    for (now, months) in [(IN_NOVEMBER, 11), (AFTER_THE_YEAR, 12)] {
        let (page, _) = files_of(&filled(now, &months_until(months)));
        for look in Look::ALL.into_iter().chain(wide) {
            let findings = browser.check(&page, look);
            assert!(findings.passes > 20, "{now}: axe-core looks at the page");
            let open =
                findings.incomplete.iter().filter(|finding| !is_left_to_the_wide_page(finding, look.width == WIDE));
            for finding in findings.violations.iter().chain(open) {
                complaints.push(format!("{now}, {look:?}: {}", finding.words));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Whether axe-core only cannot measure the contrast of single digits, or of what a narrow page has moved out of sight; on a wide page
/// nothing is out of sight, and the colours are the same.
fn is_left_to_the_wide_page(finding: &Finding, is_wide: bool) -> bool {
    let is_known = |line: &str| {
        let line = line.trim();
        line.starts_with("Element content is too short") || (!is_wide && line.contains("partially obscured"))
    };
    // the first line names the rule, then each node has its HTML and a line that says why
    let reasons: Vec<&str> = finding.words.lines().filter(|line| line.starts_with("      ")).collect();
    finding.rule == "color-contrast" && !reasons.is_empty() && reasons.into_iter().all(is_known)
}

#[test]
fn hostile_names_stay_text_everywhere() {
    let site = Site::small(AFTER_THE_YEAR);
    let names = [r#"<script>alert(1)</script> & "Stadt""#, "=1+1", "@SUM(A1) ' onload='x", "</title></svg><b>Kreis"];
    let mut csv = String::from("id,name,kind,district,ags\n");
    for (id, name) in ["abh-essen", "abh-krefeld", "abh-bonn", "abh-mettmann"].iter().zip(names) {
        csv.push_str(&format!("{id},\"{}\",abh,koeln,05113\n", name.replace('"', "\"\"")));
    }
    site.write("authorities.csv", &csv);
    fill(&site, &months_until(3), deeds);
    let (page, workbook) = files_of(&site);
    assert!(!page.contains("<script") && !page.contains("<b>Kreis") && !page.contains("onload='x\""));
    assert_eq!(page.matches("&lt;script&gt;alert(1)&lt;&#x2f;script&gt; &amp; &quot;Stadt&quot;").count(), 4);
    assert_eq!(page.matches("</svg>").count(), page.matches("<svg ").count());
    let authorities = sheet(&workbook, "Behörden");
    let found: Vec<String> = authorities.rows().skip(1).take(4).map(|row| row[1].to_string()).collect();
    assert_eq!(found, names);
    let mut archive = zip::ZipArchive::new(Cursor::new(workbook)).expect("a workbook is a zip archive");
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).expect("a part");
        let mut text = String::new();
        std::io::Read::read_to_string(&mut part, &mut text).expect("text");
        assert!(!text.contains("<f>") && !text.contains("<f "), "a formula: {text}");
    }
}

#[test]
fn a_year_of_which_nothing_is_known_writes_nothing() {
    let site = filled(IN_NOVEMBER, &months_until(11));
    let html = site.path("leer.html");
    let answer = Answer::at(&site, &["report", "--year", "2025", "--html", html.to_str().expect("UTF-8")]);
    assert_eq!((answer.code, answer.complained.as_str()), (3, ""));
    assert!(answer.said.contains("nothing is known of 2025"), "{}", answer.said);
    assert!(!html.exists());
    let empty = Answer::at(&site, &["report", "--year", "2025", "--json"]);
    assert_eq!(empty.code, 3);
    let report: Value = serde_json::from_str(&empty.said).expect("JSON all the same");
    assert_eq!(report["duties"][0]["months"][0]["phase"], "unknown");
    assert_eq!(Answer::at(&site, &["report", "--year", "2100"]).code, 3, "also where calendars end");
    assert_eq!(Answer::at(&site, &["report", "--year", "1995"]).code, 3);
}

#[test]
fn what_cannot_be_done_is_said_before_anything_is_written() {
    let site = filled(IN_NOVEMBER, &months_until(11));
    fs::create_dir(site.path("folder")).expect("a folder");
    fs::write(site.path("victim"), "keep").expect("a file");
    std::os::unix::fs::symlink(site.path("victim"), site.path("link")).expect("a link");
    let at = |name: &str| site.path(name).to_str().expect("UTF-8").to_owned();
    let report = |options: &[&str]| Answer::at(&site, &[&["report", "--year", "2026"], options].concat());
    report(&["--html", &at("ok.html"), "--xlsx", &at("folder")])
        .refused(2, &["folder: is a folder; name a file in it"]);
    report(&["--html", &at("ok.html"), "--xlsx", &at("link")]).refused(2, &["link: is a link"]);
    report(&["--html", &at("none/ok.html")]).refused(2, &["its folder is not there"]);
    report(&["--html", &at("ok"), "--xlsx", &at("ok")]).refused(2, &["name the same file"]);
    report(&["--duty", "planing"]).refused(2, &["planing", "known: planning, statistics"]);
    assert!(!site.path("ok.html").exists() && !site.path("ok").exists());
    assert_eq!(site.read("victim"), "keep");
    Answer::at(&site, &["report", "--year", "1994"]).refused(2, &["1994", "1995"]);
    Answer::at(&Site::small(IN_NOVEMBER), &["report", "--year", "2026"]).refused(1, &["no database yet"]);
}

#[test]
fn an_existing_file_is_replaced_and_json_comes_besides_files() {
    let site = filled(IN_NOVEMBER, &months_until(11));
    fs::write(site.path("jahr.html"), "old").expect("a file");
    let html = site.path("jahr.html");
    let both = ["report", "--year", "2026", "--json", "--html", html.to_str().expect("UTF-8")];
    assert_eq!(Answer::at(&site, &both).json()["year"], 2026);
    assert!(site.read("jahr.html").starts_with("<!doctype html>"));
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    use fristd::documents::{year_page, year_workbook};
    use fristd::domain::past::{Known, PastCycle};
    use fristd::domain::year_report::{DutyYear, YearReport};
    use fristd::domain::{Roster, punctuality::punctuality};
    use fristd::settings::{Source, load_with};

    let site = Site::small(AFTER_THE_YEAR);
    let settings = load_with(&Source::File(site.path("fristd.toml")), []).expect("the example is valid");
    let roster: &Roster = &settings.roster;
    let as_of = "2027-02-20T09:00:00Z".parse().expect("an instant");
    let january = Month::parse("2026-01").expect("a month");
    let cycle = PastCycle {
        month: january,
        ends_on: january.day(15).expect("a day"),
        closes_at: "2026-02-16T23:00:00Z".parse().expect("an instant"),
        receipts: std::collections::HashMap::new(),
    };
    let months = [vec![Known::Told(cycle)], vec![Known::Nothing; 11]].concat();
    let zone = settings.rulebook.zone;
    let punctuality = punctuality(january, &months, roster, as_of, zone);
    let duties = vec![DutyYear { duty: "planning".into(), title: "=Meldung".into(), punctuality }];
    let report =
        YearReport { year: 2026, as_of, zone, duties, signature: vec!["-ZRK".into()], file_number: String::new() };
    assert!(report.is_over() && !report.is_empty());
    let first = (year_page(&report).expect("a page"), year_workbook(&report).expect("a workbook"));
    let second = (year_page(&report).expect("a page"), year_workbook(&report).expect("a workbook"));
    assert_eq!(first.0, second.0);
    assert!(first.1 == second.1, "the workbooks differ");
    assert!(sheet(&first.1, "Bezirke").rows().any(|row| row[0] == Data::String("=Meldung".into())));
}
