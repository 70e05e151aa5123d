//! Lists at the command line: the same standings from three formats, whole or not at all, and no figure anywhere (S2, S3, S6).

mod support;

use std::fs;

use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};
use support::answer::Answer;
use support::site::{Site, text};

const NOW: &str = "2026-12-14 09:12:00";
const FIGURES: [&str; 4] = ["4.711", "1.234", "98.765", "31.337"]; // in no other text of a database or a log

/// Every authority of the example as `(id, name, ags)`, and whether its AGS is its alone.
fn authorities(site: &Site) -> Vec<(String, String, String, bool)> {
    let lines: Vec<Vec<String>> =
        site.read("authorities.csv").lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect();
    let is_alone = |ags: &str| lines.iter().filter(|line| line[4] == ags).count() == 1;
    lines.iter().map(|line| (line[0].clone(), line[1].clone(), line[4].clone(), is_alone(&line[4]))).collect()
}

/// The cells of a list of all 86: two thirds complete with figures in German form, the others partial, nil or missing.
fn cells(index: usize) -> [&'static str; 4] {
    match index % 6 {
        0 => ["", "", "", "ja"],
        1 => [FIGURES[0], "", "0", ""],
        2 => ["", "", "", ""],
        _ => [FIGURES[1], "0", FIGURES[2], "nein"],
    }
}

fn wanted(index: usize) -> &'static str {
    match index % 6 {
        0 => "nil",
        1 => "partial",
        2 => "missing",
        _ => "complete",
    }
}

/// What `status --json` says of every authority's statistics.
fn standings(site: &Site) -> Vec<(String, String)> {
    let status = Answer::at(site, &["status", "2026-12", "--duty", "statistics", "--json"]).json();
    let lines = status["duties"][0]["authorities"].as_array().cloned().unwrap_or_default();
    lines.iter().map(|line| (text(&line["id"]), text(&line["standing"]))).collect()
}

fn all_wanted(site: &Site) -> Vec<(String, String)> {
    authorities(site).iter().enumerate().map(|(index, (id, ..))| (id.clone(), wanted(index).to_owned())).collect()
}

fn csv(site: &Site) -> Vec<u8> {
    let mut text =
        "Behörde;Regierungsbezirk;REAG/GARP;ohne Förderung;Rückführungen;Fehlanzeige;Berichtsmonat\r\n".to_owned();
    for (index, (_, name, ..)) in authorities(site).iter().enumerate() {
        let [first, second, third, nil] = cells(index);
        text.push_str(&format!("\"{name}\";x;{first};{second};{third};{nil};November 2026\r\n"));
    }
    encoding_rs::WINDOWS_1252.encode(&text).0.into_owned() // as Excel in Germany saves CSV
}

/// Other columns, in another order, with real numbers and a date in the place of a month's name.
fn xlsx(site: &Site) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let headings = ["Fehlanzeige", "Returns", "Departures without funding", "Reporting month", "AGS", "Authority"];
    let headings = headings.iter().chain(&["Departures with funding"]);
    for (column, heading) in headings.enumerate() {
        sheet.write(0, column as u16, *heading).unwrap();
    }
    for (index, (id, _, ags, is_alone)) in authorities(site).iter().enumerate() {
        let row = index as u32 + 1;
        let [first, second, third, nil] = cells(index);
        for (column, cell) in [(1, third), (2, second), (6, first)] {
            if let Ok(number) = cell.replace('.', "").parse::<f64>() {
                sheet.write(row, column, number).unwrap();
            }
        }
        sheet.write(row, 0, nil).unwrap();
        let first_day = rust_xlsxwriter::ExcelDateTime::from_ymd(2026, 11, 1).unwrap();
        let format = rust_xlsxwriter::Format::new().set_num_format("dd.mm.yyyy");
        sheet.write_datetime_with_format(row, 3, first_day, &format).unwrap();
        match ags.parse::<f64>() {
            Ok(number) if *is_alone => sheet.write(row, 4, number).map(|_| ()).unwrap(), // without the leading zero
            _ => sheet.write(row, 5, id).map(|_| ()).unwrap(),
        }
    }
    workbook.save_to_buffer().unwrap()
}

fn json_list(site: &Site) -> Vec<u8> {
    let number = |cell: &str| match cell {
        "" => Value::Null,
        cell => json!(cell.replace('.', "").parse::<u32>().unwrap()),
    };
    let rows: Vec<Value> = authorities(site)
        .iter()
        .enumerate()
        .map(|(index, (id, ..))| {
            let [first, second, third, nil] = cells(index);
            json!({
                "authority": id, "nil": nil == "ja",
                "parts": { "reag-garp": number(first), "without-funding": number(second), "returns": number(third) },
            })
        })
        .collect();
    json!({ "kind": "snapshot", "month": "2026-12", "duty": "statistics", "rows": rows }).to_string().into_bytes()
}

#[test]
fn the_three_formats_say_the_same_of_all_86_and_twice_changes_nothing() {
    for name in ["stand.csv", "stand.xlsx", "stand.json"] {
        let site = Site::example(NOW);
        let bytes = match name {
            "stand.csv" => csv(&site),
            "stand.xlsx" => xlsx(&site),
            _ => json_list(&site),
        };
        fs::write(site.path(name), bytes).unwrap();
        let file = site.path(name).display().to_string();
        let first = Answer::at(&site, &["import", &file, "--json"]).json();
        let count = |answer: &Value, key: &str| answer[key].as_array().map_or(0, Vec::len);
        assert_eq!(
            (&first["rows"], &first["taken"], count(&first, "refused")),
            (&json!(86), &json!(true), 0),
            "{name}"
        );
        let silent = (0..86).filter(|index| wanted(*index) == "missing").count();
        assert_eq!((count(&first, "changes"), &first["unchanged"]), (86 - silent, &json!(silent)), "{name}");
        assert_eq!(standings(&site), all_wanted(&site), "{name}");
        let again = Answer::at(&site, &["import", &file, "--json"]).json();
        assert_eq!((count(&again, "changes"), &again["unchanged"]), (0, &json!(86)), "{name}");
        let receipts = site.query("SELECT duty, COUNT(*) FROM receipts GROUP BY duty");
        assert_eq!(receipts, [("statistics".to_owned(), 86 - silent as i64)], "{name}");
    }
}

#[test]
fn no_figure_reaches_the_database_the_screen_or_a_file() {
    let site = Site::small(NOW);
    // a row that is good, one that is refused beside a figure, one whose figure is refused itself
    let list = format!(
        "Behörde;REAG/GARP;ohne Förderung;Rückführungen;Fehlanzeige\nStadt Bonn;{};0;{};\nStadt Essen;{};0;0;ja\nStadt Nirgends;{};0;0;\n\
         Stadt Krefeld;minus {};0;0;\n",
        FIGURES[0], FIGURES[1], FIGURES[2], FIGURES[3], FIGURES[3]
    );
    site.write("stand.csv", &list);
    let refused = site.path("refused.csv").display().to_string();
    let file = site.path("stand.csv").display().to_string();
    let import = ["import", &file, "--month", "2026-12", "--accept-good-rows", "--refused-to", &refused];
    let answer = Answer::at(&site, &import);
    assert_eq!((answer.code, answer.complained.as_str()), (0, ""), "{}", answer.said);
    assert_eq!(site.query("SELECT authority, COUNT(*) FROM receipts GROUP BY authority"), [("abh-bonn".to_owned(), 1)]);
    let log = site.query("SELECT facts, number FROM log").into_iter().map(|(facts, _)| facts).collect::<String>();
    let lists = site.query("SELECT file || kind || source, refused FROM lists");
    assert_eq!(lists, [("stand.csvsnapshotAPS".to_owned(), 3)]);
    let database = fs::read(site.database()).unwrap();
    let wal = fs::read(site.path("data/fristd.sqlite-wal")).unwrap_or_default();
    let mail_folder: String = fs::read_dir(site.path("data/outbox"))
        .map(|files| files.flatten().map(|file| fs::read_to_string(file.path()).unwrap_or_default()).collect())
        .unwrap_or_default();
    let refused = fs::read_to_string(&refused).unwrap();
    for figure in FIGURES {
        for figure in [figure.to_owned(), figure.replace('.', "")] {
            let is_in = |bytes: &[u8]| bytes.windows(figure.len()).any(|window| window == figure.as_bytes());
            for (what, bytes) in [
                ("screen", answer.said.as_bytes()),
                ("log", log.as_bytes()),
                ("database", &database),
                ("write-ahead log", &wal),
                ("mail", mail_folder.as_bytes()),
                ("refused rows", refused.as_bytes()),
            ] {
                assert!(!is_in(bytes), "{figure} is in the {what}");
            }
        }
    }
    assert!(refused.contains("Stadt Nirgends;;> 0;0;0;"), "{refused}");
}

#[test]
fn a_list_is_taken_whole_or_not_at_all_and_the_refused_rows_come_back_corrected() {
    let site = Site::small(NOW);
    site.write(
        "stand.csv",
        "Behörde;REAG/GARP;ohne Förderung;Rückführungen\nStadt Bonn;1;2;3\nStadt Essn;4;;6\nStadt Krefeld;?;0;0\n",
    );
    let file = site.path("stand.csv").display().to_string();
    let answer = Answer::at(&site, &["import", &file, "--month", "2026-12"]);
    assert_eq!((answer.code, answer.complained.as_str()), (1, ""), "{}", answer.said);
    for piece in [
        "abgelehnt, nichts wurde übernommen",
        "Zeile 3, Spalte „Behörde“ „Stadt Essn“: steht nicht in authorities.csv",
        "Zeile 4, Spalte „REAG/GARP“: ist nicht lesbar",
        "Würde übernommen:",
        "--refused-to",
    ] {
        assert!(answer.said.contains(piece), "no {piece:?} in\n{}", answer.said);
    }
    assert_eq!(site.query("SELECT duty, COUNT(*) FROM receipts GROUP BY duty"), []);
    let refused = site.path("rest.csv").display().to_string();
    let import = ["import", &file, "--month", "2026-12", "--accept-good-rows", "--refused-to", &refused];
    assert!(Answer::at(&site, &import).done().contains("ohne die abgelehnten Zeilen übernommen"));
    let rest = site.read("rest.csv");
    assert!(
        rest.starts_with("\u{feff}Behörde;REAG/GARP;ohne Förderung;Rückführungen;Grund der Ablehnung\r\n"),
        "{rest}"
    );
    site.write("rest.csv", &rest.replace("Essn", "Essen").replace("?", "0"));
    let corrected = Answer::at(&site, &["import", &refused, "--month", "2026-12", "--json"]).json();
    assert_eq!((&corrected["taken"], corrected["changes"].as_array().map(Vec::len)), (&json!(true), Some(2)));
    let found = standings(&site);
    let of = |id: &str| found.iter().find(|(known, _)| known == id).map(|(_, standing)| standing.as_str());
    assert_eq!(
        (of("abh-bonn"), of("abh-essen"), of("abh-krefeld")),
        (Some("complete"), Some("partial"), Some("complete"))
    );
    // a second try does not write over a file that somebody may be correcting
    let again =
        Answer::at(&site, &["import", &file, "--month", "2026-12", "--accept-good-rows", "--refused-to", &refused]);
    assert_eq!(again.code, 1);
    assert!(again.complained.contains("rest.csv"), "{}", again.complained);
}

#[test]
fn a_list_that_lacks_what_was_recorded_by_telephone_does_not_undo_it() {
    let site = Site::small(NOW);
    let import = |rows: &str| {
        site.write("stand.csv", &format!("Behörde;Meldestand\n{rows}"));
        let file = site.path("stand.csv").display().to_string();
        Answer::at(&site, &["import", &file, "--month", "2026-12", "--duty", "planning"]).done()
    };
    let standing = || {
        let status = Answer::at(&site, &["status", "2026-12", "--duty", "planning", "--json"]).json();
        let lines = status["duties"][0]["authorities"].as_array().cloned().unwrap_or_default();
        lines.iter().find(|line| line["id"] == "abh-bonn").map(|line| text(&line["standing"])).unwrap_or_default()
    };
    Answer::at(&site, &["record", "2026-12", "planning", "abh-bonn", "complete"]).done();
    import("Stadt Bonn;\nStadt Essen;gemeldet\n");
    assert_eq!(standing(), "complete");
    import("Stadt Bonn;gemeldet\nStadt Essen;gemeldet\n");
    import("Stadt Bonn;fehlt\nStadt Essen;gemeldet\n"); // now the source itself changes its mind
    assert_eq!(standing(), "missing");
    let report = import("Stadt Essen;gemeldet\n");
    assert!(
        report.contains("Nicht in der Liste (Meldung im Planungsmodul, 2026-12)") && report.contains("abh-bonn"),
        "{report}"
    );
}

#[test]
fn a_trial_stores_nothing_and_what_cannot_be_read_says_why() {
    let site = Site::small(NOW);
    site.write("stand.csv", "Behörde;Meldestand\nStadt Bonn;gemeldet\n");
    let file = site.path("stand.csv").display().to_string();
    let trial = Answer::at(&site, &["import", &file, "--month", "2026-12", "--duty", "planning", "--dry-run"]).done();
    assert!(trial.contains("nur geprüft") && trial.contains("Stadt Bonn: fehlt → vollständig"), "{trial}");
    assert_eq!(site.query("SELECT file, number FROM lists"), []);
    let missing = site.path("nirgends.csv").display().to_string();
    Answer::at(&site, &["import", &missing]).refused(2, &["nirgends.csv"]);
    Answer::at(&site, &["import", &site.path("data").display().to_string()]).refused(2, &["data"]);
    Answer::at(&site, &["import", &file, "--month", "Dezember"]).refused(2, &["\"Dezember\" is not a month"]);
    Answer::at(&site, &["import", &file, "--duty", "lagebild"]).refused(2, &["lagebild", "planning"]);
    // case data: the whole file is refused, and what stands in it is not repeated
    site.write("faelle.csv", "Behörde;Meldestand;Geburtsdatum\nStadt Bonn;gemeldet;01.02.1980\n");
    let cases = Answer::at(&site, &["import", &site.path("faelle.csv").display().to_string(), "--month", "2026-12"]);
    assert_eq!(cases.code, 1);
    assert!(cases.said.contains("„Geburtsdatum“") && !cases.said.contains("1980"), "{}", cases.said);
    assert_eq!(site.query("SELECT duty, COUNT(*) FROM receipts GROUP BY duty"), []);
}
