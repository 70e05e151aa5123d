//! Tests workbooks as Excel and LibreOffice write them, and as somebody would who means harm.

use chrono::NaiveDateTime;
use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime as Date, Format, Formula, Workbook, Worksheet};

use super::*;
use crate::domain::list::{Field, Presence};
use crate::intake::FileRefused;
use crate::intake::test_support::{FRAME, accepted, archive, columns, read_with, refused, row_of, rows, workbook_of};

/// A workbook of one sheet with headings and a row, and what is done to it.
fn workbook(change: impl FnOnce(&mut Worksheet)) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    fill(sheet);
    change(sheet);
    workbook.save_to_buffer().unwrap()
}

fn fill(sheet: &mut Worksheet) {
    sheet.write_row(0, 0, ["Behörde", "Stand", "REAG/GARP", "Bemerkung"]).unwrap();
    sheet.write_row(1, 0, ["Stadt Köln", "gemeldet"]).unwrap();
    sheet.write(1, 2, 12).unwrap();
}

#[test]
fn dates_numbers_and_truth_values_are_what_excel_shows() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let headings =
        ["Behörde", "AGS", "Monat", "Gemeldet am", "Frist bis", "Fehlanzeige", "Rückführungen", "Bestätigung"];
    sheet.write_row(0, 0, headings).unwrap();
    let moment = Date::from_ymd(2026, 12, 4).unwrap().and_hms(9, 12, 0).unwrap();
    let day = Date::from_ymd(2026, 12, 1).unwrap();
    sheet.write(1, 0, "Stadt Köln").unwrap();
    sheet.write(1, 1, 5_315_000).unwrap();
    sheet.write_with_format(1, 2, &day, &Format::new().set_num_format("mmm yyyy")).unwrap();
    sheet.write_with_format(1, 3, &moment, &Format::new().set_num_format("dd.mm.yyyy hh:mm")).unwrap();
    sheet.write_with_format(1, 4, &day, &Format::new().set_num_format("dd.mm.yy")).unwrap();
    sheet.write(1, 5, false).unwrap();
    sheet.write(1, 6, 0).unwrap();
    sheet.write(1, 7, true).unwrap();
    sheet.write(3, 0, "Stadt Siegen").unwrap();
    sheet.write(3, 3, "4.12.2026").unwrap();
    sheet.write_with_format(3, 6, 0.05, &Format::new().set_num_format("0%")).unwrap();
    sheet.write_with_format(3, 7, &day, &Format::new().set_num_format("dd.mm.yyyy")).unwrap();
    let list = accepted(&workbook.save_to_buffer().unwrap());
    assert_eq!(
        rows(&list),
        [
            "ags=5315000; authority=Stadt Köln; confirmation=AboveZero; month=2026-12-01; nil=nein; \
             reported_at=2026-12-04 09:12:00; returns=Zero; until=2026-12-01",
            "authority=Stadt Siegen; confirmation=AboveZero; reported_at=4.12.2026; returns=AboveZero",
        ]
    );
    assert_eq!(list.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4]);
}

#[test]
fn every_minute_comes_back_from_its_serial_number() {
    let start: NaiveDateTime = "2026-12-04T00:00:00".parse().unwrap();
    let epoch: NaiveDateTime = "1899-12-30T00:00:00".parse().unwrap();
    for minute in 0..2 * 24 * 60 {
        let moment = start + TimeDelta::minutes(minute);
        let serial = (moment - epoch).num_seconds() as f64 / 86_400.0;
        let excel = ExcelDateTime::new(serial, calamine::ExcelDateTimeType::DateTime, false);
        assert_eq!(date(excel), Some(moment), "{serial}");
    }
}

#[test]
fn a_workbook_as_libre_office_writes_it_is_understood() {
    let sheet = r#"<sheetPr filterMode="false"/><dimension ref="A1:D3"/><sheetViews><sheetView/></sheetViews>
        <sheetFormatPr defaultRowHeight="12.8"/><cols><col hidden="false" min="1" max="4" width="11.5"/></cols><sheetData>
        <row r="1" hidden="false" ht="12.8"><c r="A1" s="0" t="inlineStr"><is><r><t>Be</t></r><r><t>hörde</t></r></is></c>
            <c r="B1" t="str"><v>Gemeldet am</v></c><c r="C1" t="s"><v>0</v></c><c r="D1" t="s"><v>1</v></c></row>
        <row r="2"><c r="A2" t="str"><v>Stadt K&#xF6;ln &amp; Umland</v></c><c r="B2" t="d"><v>2026-12-04T09:12:00</v></c>
            <c r="C2" t="n"><v>12</v></c><c r="D2" t="b"><v>1</v></c></row>
        <row><c t="inlineStr"><is><t xml:space="preserve"> Stadt_x000D_Siegen </t></is></c><c t="d"><v>2026-12-04</v></c>
            <c><v/></c><c t="b"><v>0</v></c></row>
        </sheetData>"#;
    let shared =
        r#"<sst xmlns="x" count="2" uniqueCount="2"><si><t>Rückführungen</t></si><si><t>Bestätigung</t></si></sst>"#;
    let list = accepted(&workbook_of(sheet, &[("xl/sharedStrings.xml", shared.as_bytes())]));
    assert_eq!(
        rows(&list),
        [
            "authority=Stadt Köln & Umland; confirmation=AboveZero; reported_at=2026-12-04 09:12:00; returns=AboveZero",
            "authority=Stadt Siegen; reported_at=2026-12-04",
        ]
    );
    assert_eq!(list.rows[1].line, 3);
}

#[test]
fn what_is_computed_merged_or_hidden_is_refused_with_its_place() {
    let check = |label: &str, change: fn(&mut Worksheet), pieces: &[&str]| {
        refused(label, &workbook(change), pieces);
    };
    check(
        "formulas",
        |sheet| {
            sheet.write_formula(1, 1, Formula::new("A1").set_result("gemeldet")).unwrap();
            sheet.write_formula(2, 2, Formula::new("SUM(C2:C2)").set_result("12")).unwrap();
        },
        &["Zeile 2: die Zelle B2 enthält eine Formel", "Zeile 3: die Zelle C3 enthält eine Formel", "nur Werte"],
    );
    check(
        "merged",
        |sheet| {
            sheet.merge_range(2, 0, 3, 1, "Stadt Siegen", &Format::new()).unwrap();
        },
        &["Zeile 4: die Zellen A3:B4 sind verbunden"],
    );
    check(
        "hidden row",
        |sheet| {
            sheet.write(2, 0, "Stadt Siegen").unwrap();
            sheet.set_row_hidden(2).unwrap();
        },
        &["Zeile 3: ist ausgeblendet; bitte den Filter aufheben"],
    );
    check(
        "hidden column",
        |sheet| {
            sheet.set_column_hidden(2).unwrap();
        },
        &["Zeile 1, Spalte C („REAG/GARP“): ist ausgeblendet"],
    );
    check(
        "no heading",
        |sheet| {
            sheet.write(1, 5, "x").unwrap();
        },
        &["Zeile 2, Spalte F: enthält etwas, hat aber keine Überschrift"],
    );
    check(
        "unknown heading",
        |sheet| {
            sheet.write(0, 30, "Geburtsdatum").unwrap();
        },
        &["Zeile 1, Spalte AE („Geburtsdatum“): unbekannte Überschrift"],
    );
}

#[test]
fn what_is_hidden_or_merged_and_holds_no_statement_does_no_harm() {
    let check = |label: &str, bytes: Vec<u8>| {
        assert_eq!(rows(&accepted(&bytes)), ["authority=Stadt Köln; reag-garp=AboveZero; state=gemeldet"], "{label}");
    };
    check("an empty row", workbook(|sheet| _ = sheet.set_row_hidden(5).unwrap()));
    check("a column that is passed over", workbook(|sheet| _ = sheet.set_column_hidden(3).unwrap()));
    check("a filter that hides nothing", workbook(|sheet| _ = sheet.autofilter(0, 0, 1, 3).unwrap()));
    let mut titled = Workbook::new();
    let sheet = titled.add_worksheet();
    sheet.merge_range(0, 0, 0, 3, "Meldestand zum 14.12.2026", &Format::new()).unwrap();
    sheet.write_row(2, 0, ["Behörde", "Stand", "REAG/GARP"]).unwrap();
    sheet.write_row(3, 0, ["Stadt Köln", "gemeldet", "1"]).unwrap();
    check("a merged title above the headings", titled.save_to_buffer().unwrap());
    let mut helped = Workbook::new();
    fill(helped.add_worksheet());
    let choices = helped.add_worksheet();
    choices.set_hidden(true).write(0, 0, "gemeldet").unwrap();
    check("a hidden sheet of choices", helped.save_to_buffer().unwrap());
    let mut empty = Workbook::new();
    empty.add_worksheet();
    fill(empty.add_worksheet());
    check("an empty sheet", empty.save_to_buffer().unwrap());
}

#[test]
fn of_several_sheets_one_must_be_named() {
    let mut workbook = Workbook::new();
    fill(workbook.add_worksheet().set_name("Dezember & Januar").unwrap());
    fill(workbook.add_worksheet().set_name("November").unwrap());
    fill(workbook.add_worksheet().set_name("Versteckt").unwrap().set_hidden(true));
    let bytes = workbook.save_to_buffer().unwrap();
    refused("none is named", &bytes, &["mehrere Tabellenblätter", "(„Dezember & Januar“, „November“)"]);
    let named = |name: &str| read_with(&ReadOptions { sheet: Some(name.to_owned()), ..ReadOptions::default() }, &bytes);
    assert_eq!(named("Dezember & Januar").unwrap().rows.len(), 1);
    let told = |refused: Result<List, FileRefused>| refused.unwrap_err().to_string();
    assert!(told(named("Versteckt")).contains("„Versteckt“ ist ausgeblendet"));
    assert!(told(named("Mai")).contains("hat kein Tabellenblatt „Mai“; vorhanden: „Dezember & Januar“, „November“"));
}

#[test]
fn other_archives_get_a_word_that_helps() {
    let check = |label: &str, part: &str, piece: &str| {
        refused(label, &archive(&[(part, b"x"), ("xl/workbook.xml", b"<workbook/>")]), &[piece]);
    };
    let good = || row_of(1, &["Behörde", "Stand"]);
    let macros = workbook_of(&format!("<sheetData>{}</sheetData>", good()), &[("xl/vbaProject.bin", b"x")]);
    refused("macros", &macros, &["enthält Makros"]);
    check("old macros", "xl/macrosheets/sheet1.bin", "enthält Makros");
    refused("ods", &archive(&[("mimetype", b"x"), ("content.xml", b"<x/>")]), &["(.ods)"]);
    check("xlsb", "xl/workbook.bin", "(.xlsb)");
    refused("docx", &archive(&[("word/document.xml", b"<x/>")]), &["Word"]);
    refused("any", &archive(&[("notes.txt", b"x")]), &["keine lesbare Arbeitsmappe"]);
}

#[test]
fn what_would_fill_the_memory_is_refused_before_the_library_sees_it() {
    let rows = format!("{}{}", row_of(1, &["Behörde", "Stand"]), row_of(2, &["a", "b"]));
    let sheet = format!("<sheetData>{rows}</sheetData>");
    let check = |label: &str, bytes: Vec<u8>, piece: &str| drop(refused(label, &bytes, &[piece]));
    let large = "entpackt sich zu ungewöhnlich großem Inhalt";
    let damaged = "keine lesbare Arbeitsmappe";

    check("bomb", workbook_of(&sheet, &[("xl/media/a.png", &vec![0; 17 << 20])]), large);
    let comment = format!("<sheetData>{rows}</sheetData><!--{}-->", "x".repeat(2 << 20));
    check("one piece of XML", workbook_of(&comment, &[]), large);
    let pieces = format!("<sst><si><t>{}</t></si></sst>", format!("{}<!-- -->", "x".repeat(1_000)).repeat(600));
    check("a text of many pieces", workbook_of(&sheet, &[("xl/sharedStrings.xml", pieces.as_bytes())]), large);
    let empty_texts = format!("<sst>{}</sst>", "<si/>".repeat(1_000_001));
    check("shared texts", workbook_of(&sheet, &[("xl/sharedStrings.xml", empty_texts.as_bytes())]), large);
    let reserve = br#"<sst uniqueCount="400000000000"><si><t>a</t></si></sst>"#;
    check("reserved", workbook_of(&sheet, &[("xl/sharedStrings.xml", reserve)]), large);
    let format = format!(r#"<numFmt numFmtId="164" formatCode="{}"/>"#, "0".repeat(20_000));
    let formats = r#"<xf numFmtId="164"/>"#.repeat(60_000);
    let styles = format!("<styleSheet><numFmts>{format}</numFmts><cellXfs>{formats}</cellXfs></styleSheet>");
    check("formats", workbook_of(&sheet, &[("xl/styles.xml", styles.as_bytes())]), large);
    let entity = br#"<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><sst><si><t>&a;</t></si></sst>"#;
    check("entities", workbook_of(&sheet, &[("xl/sharedStrings.xml", entity)]), "enthält eine DTD");
    check("deep", workbook_of(&format!("{sheet}{}", "<a>".repeat(100_000)), &[]), damaged);
    let parts: Vec<String> = (0..1_001).map(|number| format!("{number}")).collect();
    let parts: Vec<(&str, &[u8])> = parts.iter().map(|name| (name.as_str(), &b""[..])).collect();
    check("parts", archive(&parts), "mehr als 1.000 Teilen");
    for reference in ["A0", "AAAA1", "XFE1", "A1048577", "A99999999999", "1", "A", "A-1", "Ä1", "A1B", "A2"] {
        let cell = format!(r#"<sheetData><row r="1"><c r="{reference}"><v>1</v></c></row></sheetData>"#);
        check(reference, workbook_of(&cell, &[]), damaged);
    }
    for range in ["C3:A1", "A1:A0", "", "A1:B2:C3"] {
        check(range, workbook_of(&format!(r#"<dimension ref="{range}"/>{sheet}"#), &[]), damaged);
        let merged = format!(r#"{sheet}<mergeCells><mergeCell ref="{range}"/></mergeCells>"#);
        check(range, workbook_of(&merged, &[]), damaged);
        let shared = format!(r#"<f t="shared" si="0" ref="{range}">A1</f>"#);
        let computed = format!(r#"<sheetData><row r="1"><c r="A1">{shared}<v>1</v></c></row></sheetData>"#);
        check(range, workbook_of(&computed, &[]), damaged);
    }
    let elsewhere = sheet.replace("</sheetData>", r#"<row r="1"><c r="A1"><v>1</v></c></row></sheetData>"#);
    check("rows that go back", workbook_of(&elsewhere, &[]), "kann nicht gelesen werden");

    let text = "x".repeat(3_900);
    let repeated = |row: usize| format!(r#"<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>"#);
    let many: String = (2..20_000).map(repeated).collect();
    let many = format!("<sheetData>{}{many}</sheetData>", row_of(1, &["Behörde", "Stand"]));
    let shared = format!("<sst><si><t>{text}</t></si></sst>");
    let bytes = workbook_of(&many, &[("xl/sharedStrings.xml", shared.as_bytes())]);
    check("one text in each cell", bytes, "mehr als 64 MiB Text");
}

#[test]
fn a_sheet_that_claims_every_cell_there_is_costs_only_what_is_in_it() {
    let rows = [row_of(1, &["Behörde", "Stand"]), row_of(2, &["a", "b"]), row_of(1_048_576, &["c", "d"])].concat();
    let bytes = workbook_of(&format!(r#"<dimension ref="A1:XFD1048576"/><sheetData>{rows}</sheetData>"#), &[]);
    let list = accepted(&bytes);
    assert_eq!(list.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 1_048_576]);
}

#[test]
fn errors_and_strange_values_are_unreadable_and_never_told() {
    let rows = format!(
        "{}{}",
        row_of(1, &["Behörde", "Rückführungen", "REAG/GARP", "Gemeldet am"]),
        r##"<row r="2"><c r="A2" t="e"><v>#N/A</v></c><c r="B2" t="e"><v>#DIV/0!</v></c><c r="C2"><v>1e400</v></c>
            <c r="D2" t="d"><v>irgendwann</v></c></row>"##
    );
    let list = accepted(&workbook_of(&format!("<sheetData>{rows}</sheetData>"), &[]));
    assert_eq!(list.rows[0].parts, [Presence::Unreadable, Presence::Unreadable]);
    assert_eq!(list.rows[0].text(Field::Authority), Some("#FEHLER"));
    assert_eq!(list.rows[0].text(Field::ReportedAt), Some("irgendwann"));
    let hidden = row_of(2, &["a", "b_x0000_c"]);
    let bytes = workbook_of(&format!("<sheetData>{}{hidden}</sheetData>", row_of(1, &["Behörde", "Stand"])), &[]);
    refused("a NUL behind Excel's own escape", &bytes, &["Zeile 2, Spalte B („Stand“): enthält ein unsichtbares"]);
}

#[test]
fn a_value_of_which_the_library_reads_a_piece_is_not_taken_for_blank_or_zero() {
    let check = |label: &str, kind: &str, value: &str, want: Option<&str>| {
        let headings = row_of(1, &["Behörde", "Rückführungen", "Stand"]);
        let cells = format!(r#"<c r="A2" t="str"><v>x</v></c><c r="B2"{kind}>{value}</c>"#);
        let bytes = workbook_of(&format!(r#"<sheetData>{headings}<row r="2">{cells}</row></sheetData>"#), &[]);
        match want {
            Some(want) => assert_eq!(rows(&accepted(&bytes)), [format!("authority=x{want}")], "{label}"),
            None => drop(refused(label, &bytes, &["keine lesbare Arbeitsmappe"])),
        }
    };
    check("a number", "", "<v>12</v>", Some("; returns=AboveZero"));
    check("nothing", "", "<v/>", Some(""));
    check("a text with an entity", r#" t="str""#, "<v>&#49;2</v>", Some("; returns=AboveZero"));
    check("an entity first", "", "<v>&#49;2</v>", None);
    check("an entity behind a zero", "", "<v>0&#49;</v>", None);
    check("a comment first", "", "<v><!-- x -->12</v>", None);
    check("another element first", "", "<v><x/>12</v>", None);
    check("CDATA", "", "<v><![CDATA[12]]></v>", None);
    check("CDATA in a text", r#" t="str""#, "<v><![CDATA[12]]></v>", None);
    check("two values", "", "<v>12</v><v/>", None);
}

const SHEET: &str = r#"<dimension ref="A1:C3"/><cols><col min="1" max="2" width="9"/></cols><sheetData>
    <row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>Stand</t></is></c></row>
    <row r="2" hidden="0"><c r="A2" s="1"><v>46000.5</v></c><c r="B2" t="str"><f>A1</f><v>x</v></c></row>
    <row r="3"><c r="A3" t="d"><v>2026-12-04</v></c><c r="B3" t="b"><v>1</v></c></row></sheetData>
    <mergeCells><mergeCell ref="A5:B6"/></mergeCells>"#;
const SHARED: &str = r#"<sst count="1" uniqueCount="1"><si><r><t>Behörde</t></r><rPh><t>x</t></rPh></si><si><t>&amp;_x00e4_</t></si></sst>"#;
const STYLES: &str = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd\.mm"/></numFmts><fonts><font><sz val="9"/><color rgb="FF00FF00"/><name val="Arial"/></font></fonts><fills><fill><patternFill patternType="solid"><fgColor theme="1" tint="0.5"/></patternFill></fill></fills><borders><border><left style="thin"><color indexed="8"/></left></border></borders><cellXfs><xf numFmtId="0"/><xf numFmtId="164" fontId="0" fillId="0" borderId="0"><alignment horizontal="left" textRotation="90"/></xf></cellXfs></styleSheet>"#;

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Without the net of [`read`]: what the guard lets through does not make the library panic.
    #[test]
    fn no_damage_within_the_parts_makes_the_library_panic(
        damage in prop::collection::vec((0_usize..6, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6),
    ) {
        const SNIPPETS: [&str; 24] = [
            "", "<", ">", "\"", "/", "&", "&#0;", "&#xD800;", "&x;", "_xD83D_", "99999999999999999999", "-1", "0", "AAAAAAAA1",
            "<f t=\"shared\" si=\"99999999999\" ref=\"A1:B2\"/>", "<f t=\"shared\" si=\"0\"/>", "ä", "NaN", "1e308", " t=\"e\"",
            "<![CDATA[x]]>", "<!-- -->", "<v>7</v>", ":",
        ];
        let sheet = format!("<worksheet>{SHEET}</worksheet>");
        let mut parts: Vec<(&str, String)> = vec![
            ("xl/worksheets/sheet1.xml", sheet),
            ("xl/sharedStrings.xml", SHARED.to_owned()),
            ("xl/styles.xml", STYLES.to_owned()),
        ];
        let frame = FRAME.iter().skip(1).map(|(name, content)| (*name, String::from_utf8(content.to_vec()).unwrap()));
        parts.extend(frame);
        for (part, at, snippet) in damage {
            let text = &mut parts[part].1;
            let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
            let place = places[at.index(places.len())];
            let snippet = SNIPPETS[snippet.index(SNIPPETS.len())];
            match snippet {
                "" => _ = text.remove(place),
                _ => text.insert_str(place, snippet),
            }
        }
        let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, content)| (*name, content.as_bytes())).collect();
        let bytes = archive(&parts);
        if let Ok(sheets) = xlsx_guard::inspect(&bytes) {
            for sheet in &sheets {
                let _ = read_sheet(&bytes, sheet, &columns(), &ReadOptions::default());
            }
        }
    }
}
