//! The files that go with an escalation, read by other programs: poppler's for PDF, calamine and plain XML for XLSX.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Read};
use std::process::Command;

use calamine::{Data, Reader, Xlsx};
use fristd::documents::{DocumentFile, escalation};
use fristd::domain::Letter;
use fristd::domain::rulebook::DocumentFormat;
use fristd::mail::samples::named_letters;
use tempfile::TempDir;

/// The sample letter of that name.
fn sample(name: &str) -> Letter {
    named_letters().into_iter().find(|(known, _)| *known == name).expect("a sample letter").1
}

/// With so many cases, each of a name of its own.
fn with_cases(mut letter: Letter, count: usize) -> Letter {
    let report = letter.report.as_mut().expect("an escalation has a report");
    let some = report.cases.clone();
    report.cases = (0..count).map(|index| some[index % some.len()].clone()).collect();
    for (index, case) in report.cases.iter_mut().enumerate() {
        case.name = format!("Behörde Nr. {index:03}");
    }
    report.authorities_total = report.authorities_total.max(count);
    letter
}

fn with_name(mut letter: Letter, name: &str) -> Letter {
    let report = letter.report.as_mut().expect("an escalation has a report");
    report.cases.iter_mut().for_each(|case| case.name = name.to_owned());
    report.gone.iter_mut().for_each(|gone| gone.name = name.to_owned());
    letter
}

fn file(letter: &Letter, format: DocumentFormat) -> DocumentFile {
    let mut letter = letter.clone();
    letter.attachments = vec![format];
    escalation::files(&letter).remove(0).expect("the document can be made")
}

/// Runs one of poppler's programs on the letter's PDF.
fn poppler(letter: &Letter, program: &str, arguments: &[&str]) -> String {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("a.pdf");
    fs::write(&path, file(letter, DocumentFormat::Pdf).bytes).expect("the file can be written");
    let mut command = Command::new(program);
    command.args(arguments).arg(&path);
    if program == "pdftotext" {
        command.arg("-");
    }
    let output = command.output().expect("poppler-utils are installed; tests/run sees to it");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned() // pdfinfo prints attributes of the structure as they are, in UTF-16
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

type Book = Xlsx<Cursor<Vec<u8>>>;

fn book(letter: &Letter) -> Book {
    Xlsx::new(Cursor::new(file(letter, DocumentFormat::Xlsx).bytes)).expect("a workbook")
}

/// All parts of the workbook as text, with their names.
fn parts(letter: &Letter) -> Vec<(String, String)> {
    let bytes = file(letter, DocumentFormat::Xlsx).bytes;
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip archive");
    (0..archive.len())
        .map(|index| {
            let mut part = archive.by_index(index).expect("a part");
            let mut text = String::new();
            part.read_to_string(&mut text).expect("XML in UTF-8");
            (part.name().expect("a name in UTF-8").into_owned(), text)
        })
        .collect()
}

#[test]
fn the_files_are_named_in_ascii_by_what_they_are_and_settings_choose_them() {
    let names = |attach: &[DocumentFormat]| {
        let mut letter = sample("escalation-several");
        letter.attachments = attach.to_vec();
        escalation::files(&letter).into_iter().map(|file| file.expect("made").file_name).collect::<Vec<_>>()
    };
    let stem = "Ausstehende-Meldungen_Koeln_Statistik_2026-11_2026-12-17";
    assert_eq!(names(&DocumentFormat::ALL), [format!("{stem}.pdf"), format!("{stem}.xlsx")]);
    assert_eq!(names(&[DocumentFormat::Xlsx]), [format!("{stem}.xlsx")]);
    assert_eq!(names(&[]), [""; 0]);
    for (name, letter) in named_letters() {
        let carries = !escalation::files(&letter).is_empty();
        assert_eq!(carries, name.starts_with("escalation") && name != "escalation-of-the-state", "{name}");
    }
}

#[test]
fn the_same_letter_gives_the_same_bytes() {
    for name in ["escalation", "escalation-repeated"] {
        let letter = sample(name);
        for format in DocumentFormat::ALL {
            assert_eq!(file(&letter, format).bytes, file(&letter, format).bytes, "{name} {format:?}");
        }
    }
}

#[test]
fn the_pdf_is_tagged_titled_and_dated_by_the_letter_and_its_typeface_goes_with_it() {
    let letter = sample("escalation-repeated");
    let facts = poppler(&letter, "pdfinfo", &["-isodates"]);
    let title = "Title:           Ausstehende Meldungen im Regierungsbezirk Köln: APS-Statistikmodul November 2026";
    for fact in [
        title,
        "Tagged:          yes",
        "(A4)",
        "CreationDate:    2026-12-24",
        "PDF version:     1.7",
        "Encrypted:       no",
    ] {
        assert!(facts.contains(fact), "{fact}: {facts}");
    }
    let fonts = poppler(&letter, "pdffonts", &[]);
    let embedded =
        fonts.lines().filter(|line| line.contains("+LiberationSans") && line.contains("yes yes yes")).count();
    assert_eq!(embedded, 2, "{fonts}");
    let bytes = file(&letter, DocumentFormat::Pdf).bytes;
    let text = String::from_utf8_lossy(&bytes);
    for mark in [
        "<pdfuaid:part>1</pdfuaid:part>",
        "<pdfaid:part>2</pdfaid:part>",
        "/Lang(de-DE)",
        "/Outlines",
        "/DisplayDocTitle true",
    ] {
        assert!(text.replace(" (", "(").contains(mark), "{mark}");
    }
}

#[test]
fn the_structure_of_the_pdf_has_headings_a_table_with_scopes_and_no_page_numbers() {
    let structure = poppler(&sample("escalation-repeated"), "pdfinfo", &["-struct-text"]);
    let count = |mark: &str| structure.lines().filter(|line| line.trim().starts_with(mark)).count();
    assert_eq!((count("H1"), count("H2"), count("Table")), (1, 2, 2), "{structure}");
    assert_eq!((count("/Scope /Column"), count("/Scope /Row")), (6 + 3, 3 + 5), "{structure}");
    assert_eq!(count("TR"), 2 + 3 + 5, "{structure}");
    assert!(!structure.contains("Seite 1"), "{structure}");
}

#[test]
fn the_text_of_the_pdf_reads_as_the_letter_does() {
    let text = words(&poppler(&sample("escalation-repeated"), "pdftotext", &["-raw"]));
    let mut rest = text.as_str();
    for piece in [
        "Zentrale Rückkehrkoordination des Landes NRW",
        "Musterstraße 1, 00000 Musterstadt",
        "RRK Köln",
        "Aktenzeichen: 523-26.19.01-000001",
        "Datum: 24. Dezember 2026",
        "Ausstehende Meldungen im Regierungsbezirk Köln: APS-Statistikmodul November 2026",
        "ist am Dienstag, 15. Dezember 2026, abgelaufen. Die ausstehenden Meldungen sind seit dem 16. Dezember 2026 überfällig.",
        "Im Regierungsbezirk Köln stehen 3 von 17 Meldungen aus, davon 1 unvollständig. Hinzu kommt eine Behörde ohne Meldung, die \
         per E-Mail nicht erreichbar ist; darum kümmert sich die ZRK.",
        "Dies ist der 2. Bericht zu dieser Frist; der vorige ist vom 17. Dezember 2026. Seither: 1 neu aufgeführt, 1 unverändert, \
         1 geändert, aber noch nicht vollständig, 1 erledigt, 4 aus anderem Grund nicht mehr aufgeführt.",
        "Kreis Musterau",
        "Es fehlt auch: APS-Planungsmodul Dezember 2026",
        "unverändert",
        "08.12.2026, 08:00",
        "zurück 14.12.2026",
        "3 in Folge",
        "Stadt Beispielhausen",
        "unvollständig, es fehlen:",
        "teilweise eingegangen",
        "Zentrale Ausländerbehörde Musterstadt",
        "neu",
        "Seit dem Bericht vom 17. Dezember 2026 nicht mehr aufgeführt",
        "Stadt Neumuster vollständig 21. Dezember 2026, 10:12 Uhr",
        "Kreis Altmuster per E-Mail nicht erreichbar; darum kümmert sich die ZRK",
        "Stadt Altdorf nicht mehr selbst meldepflichtig; es meldet Stadt Neudorf",
        "Mit freundlichen Grüßen",
    ] {
        let at = rest.find(piece).unwrap_or_else(|| panic!("{piece:?} does not come, or not then: {text}"));
        rest = &rest[at + piece.len()..];
    }
}

#[test]
fn twenty_five_cases_take_three_pages_at_most_and_three_hundred_are_all_there() {
    let check = |sample_name: &str, count: usize, pages_max: usize| {
        let letter = with_cases(sample(sample_name), count);
        let text = poppler(&letter, "pdftotext", &["-layout"]);
        let pages = text.matches("Seite ").count();
        assert!(pages <= pages_max, "{sample_name}, {count} cases: {pages} pages");
        for index in 0..count {
            let name = format!("Behörde Nr. {index:03}");
            assert_eq!(text.matches(&name).count(), 1, "{sample_name}, {count} cases: {name}");
        }
        for page in 1..=pages {
            assert!(text.contains(&format!("Seite {page} von {pages}")), "{sample_name}, {count} cases: page {page}");
        }
        let running_heads = text.matches("Az. 523-26.19.01-000001 · Ausstehende").count();
        assert_eq!(running_heads, pages - 1, "{sample_name}, {count} cases");
    };
    check("escalation", 1, 1);
    check("escalation", 25, 3);
    check("escalation-several", 25, 3);
    check("escalation-repeated", 25, 3);
    check("escalation-repeated", 300, 40);
}

#[test]
fn the_workbook_has_typed_cells_below_a_title() {
    let mut book = book(&sample("escalation-repeated"));
    assert_eq!(book.sheet_names(), ["Ausstehend", "Nicht mehr ausstehend"]);
    let range = book.worksheet_range("Ausstehend").expect("the sheet");
    let text = |row: u32, column: u32| range.get_value((row, column)).map(ToString::to_string).unwrap_or_default();
    assert_eq!(text(0, 0), "Ausstehende Meldungen im Regierungsbezirk Köln: APS-Statistikmodul November 2026");
    for fact in
        ["Frist: Dienstag, 15. Dezember 2026", "Stand: Donnerstag, 24. Dezember 2026", "Az. 523-26.19.01-000001"]
    {
        assert!(text(1, 0).contains(fact), "{fact}: {}", text(1, 0));
    }
    let header: Vec<String> = (0..13).map(|column| text(4, column)).collect();
    assert_eq!(header[0], "Behörde");
    assert_eq!(header[9], "Versäumte Monate (von 12)");
    let cell = |column: u32| range.get_value((5, column)).expect("a cell");
    assert_eq!(cell(0), &Data::String("Kreis Musterau".into()));
    assert_eq!(cell(1), &Data::String("keine Meldung".into()));
    assert_eq!(cell(2), &Data::String("alle".into()));
    let date = |column: u32| match cell(column) {
        Data::DateTime(date) => date.as_f64(),
        other => panic!("column {column} is no date: {other:?}"),
    };
    assert_eq!(date(3), 46_371.0, "15 December 2026 as the format counts days");
    assert_eq!(cell(4), &Data::Float(9.0));
    assert_eq!((cell(5), cell(6)), (&Data::Float(1.0), &Data::Float(2.0)));
    assert!((date(7) - 46_364.333).abs() < 0.001, "8 December 2026, 08:00 local time: {}", date(7));
    assert_eq!(
        text(5, 8),
        "08.12.2026 08:00 Erinnerung\nErinnerung: zurück 14.12.2026\nnach Fristablauf: nicht zugestellt"
    );
    assert_eq!((cell(9), cell(10)), (&Data::Float(3.0), &Data::Float(3.0)));
    assert_eq!((text(5, 11), text(5, 12)), ("APS-Planungsmodul Dezember 2026".into(), "unverändert".into()));
    let gone = book.worksheet_range("Nicht mehr ausstehend").expect("the sheet");
    let names: BTreeSet<String> = (4..9).filter_map(|row| gone.get_value((row, 0)).map(ToString::to_string)).collect();
    assert_eq!(
        names,
        ["Kreis Altmuster", "Kreis Neuenmuster", "Stadt Altdorf", "Stadt Altstadt", "Stadt Neumuster"]
            .map(str::to_owned)
            .into()
    );
}

#[test]
fn the_workbook_is_ready_for_filters_and_paper() {
    let parts = parts(&sample("escalation-repeated"));
    let part = |name: &str| &parts.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("{name}")).1;
    let sheet = part("xl/worksheets/sheet1.xml");
    for mark in [
        r#"<autoFilter ref="A5:M8""#,
        r#"ySplit="5" topLeftCell="A6""#,
        r#"state="frozen""#,
        r#"<pageSetUpPr fitToPage="1""#,
        r#"paperSize="9" fitToHeight="0" orientation="landscape""#,
        "Seite &amp;P von &amp;N",
    ] {
        assert!(sheet.contains(mark), "{mark}: {sheet}");
    }
    assert!(part("xl/workbook.xml").contains(">Ausstehend!$5:$5<"), "the head is printed on each page");
    assert!(part("xl/styles.xml").contains("dd\\.mm\\.yyyy") || part("xl/styles.xml").contains("dd.mm.yyyy"));
    let properties = part("docProps/core.xml");
    for mark in ["Regierungsbezirk Köln", "2026-12-24T00:00:00Z", "Frist 15. Dezember 2026"] {
        assert!(properties.contains(mark), "{mark}: {properties}");
    }
}

#[test]
fn nothing_in_a_workbook_is_a_formula_or_a_link_whatever_it_looks_like() {
    for name in [
        r#"=HYPERLINK("http://evil.example","Köln")"#,
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "+49 221 1234",
        "-1",
        "=1+1",
        "{=A1}",
        "http://evil.example",
        "mailto:a@evil.example",
        "file:///etc/passwd",
        "\t=1+1",
        "<f>1</f>",
        "2026-12-01",
        "00123",
    ] {
        let letter = with_name(sample("escalation-repeated"), name);
        for (part, text) in parts(&letter) {
            assert!(!text.contains("<f>") && !text.contains("<f "), "{name:?}: a formula in {part}");
            assert!(!text.contains("<hyperlink") && !part.contains("externalLink"), "{name:?}: a link in {part}");
        }
        let mut book = book(&letter);
        for (sheet, row) in [("Ausstehend", 5), ("Nicht mehr ausstehend", 4)] {
            let range = book.worksheet_range(sheet).expect("the sheet");
            assert_eq!(range.get_value((row, 0)), Some(&Data::String(name.replace('\t', " "))), "{sheet}");
            assert!(book.worksheet_formula(sheet).expect("the sheet").is_empty(), "{name:?}");
        }
    }
}

#[test]
fn hostile_names_break_neither_file_and_what_cannot_be_shown_is_marked() {
    let check = |name: &str, in_pdf: &str, in_workbook: &str| {
        let letter = with_name(sample("escalation-repeated"), name);
        let text: String = poppler(&letter, "pdftotext", &["-raw"]).split_whitespace().collect();
        assert!(text.contains(&in_pdf.split_whitespace().collect::<String>()), "{name:?}: {text}");
        let range = book(&letter).worksheet_range("Ausstehend").expect("the sheet");
        assert_eq!(range.get_value((5, 0)), Some(&Data::String(in_workbook.to_owned())), "{name:?}");
    };
    let long = "Rückkehr".repeat(25);
    check(&long, &long, &long);
    check("a\0b\u{1b}[31mc", "a□b□[31mc", "a\u{FFFD}b\u{FFFD}[31mc");
    check("abc\u{202e}gpj.exe", "abc□gpj.exe", "abc\u{FFFD}gpj.exe");
    check("Stadt 😀", "Stadt □", "Stadt 😀");
    check("Ko\u{308}ln", "Köln", "Köln");
    check("_x0041_ & <b>", "_x0041_ & <b>", "_x0041_ & <b>");
}
