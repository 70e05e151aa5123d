//! A list in each of the formats, with a figure in its part columns that must be nowhere in what is made of the list (S3).
#![no_main]

use std::fmt::Write;

use arbitrary::Arbitrary;
use fristd_fuzz::workbook::{self, SEPARATOR};
use fristd_fuzz::{desk, law};
use libfuzzer_sys::fuzz_target;

/// The figure; these digits stand in no other text of a list.
const MARKER: &str = "47110815";
const ROWS_MAX: usize = 12; // enough for two that contradict each other
const AROUND_CHARS_MAX: usize = 12; // a sign, a currency, a line break

const HEADINGS: [&str; 5] = ["Behörde", "Monatslauf", "Stand", "Fehlanzeige", "Grund"];
const PARTS: [&str; 4] = ["REAG/GARP", "ohne Förderung", "Rückführungen", "Bestätigung"];
const PART_IDS: [&str; 4] = ["reag-garp", "without-funding", "returns", "confirmation"];
const KEYS: [&str; 5] = ["authority", "month", "state", "nil", "reason"];
const WORDS: [&[&str]; 5] = [
    &["Stadt Essen", "abh-05112-duisburg", "Stadt Nirgendwo", ""],
    &["2026-12", "November 2026", "", "1999-01"],
    &["", "gemeldet", "fehlt", "Fehlanzeige", "entschuldigt", "vielleicht"],
    &["", "ja", "nein", "was"],
    &["", "Umzug", "=1+1"],
];

#[derive(Arbitrary, Debug)]
struct Input {
    format: Format,
    rows: Vec<Row>,
    /// Whether a column that is read over, and one without a heading, hold the figure too.
    is_passed_over: bool,
    is_unnamed: bool,
    is_column_hidden: bool,
    is_merged: bool,
}

#[derive(Arbitrary, Debug)]
enum Format {
    Csv,
    Json,
    Xlsx,
}

#[derive(Arbitrary, Debug)]
struct Row {
    words: [u8; 5],
    parts: [Option<Figure>; 4],
    is_hidden: bool,
}

/// The figure in one of the ways in which a cell can hold it.
#[derive(Arbitrary, Debug)]
struct Figure {
    form: Form,
    before: String,
    after: String,
    is_plain: bool,
}

#[derive(Arbitrary, Clone, Copy, PartialEq, Debug)]
enum Form {
    Number,
    Exponent,
    Text,
    Shared,
    Formula,
    Error,
    Iso,
    Dated,
    YesNo,
}

impl Figure {
    fn text(&self) -> String {
        if self.is_plain {
            return MARKER.to_owned();
        }
        let around = |text: &str| text.chars().take(AROUND_CHARS_MAX).collect::<String>();
        format!("{}{MARKER}{}", around(&self.before), around(&self.after))
    }
}

impl Row {
    fn word(&self, column: usize) -> &'static str {
        WORDS[column][usize::from(self.words[column]) % WORDS[column].len()]
    }
}

fuzz_target!(init: desk::open(), |input: Input| {
    let bytes = match input.format {
        Format::Csv => csv(&input).into_bytes(),
        Format::Json => json(&input).into_bytes(),
        Format::Xlsx => xlsx(&input),
    };
    let outcome = law::check(&bytes);
    let mut made = format!("{outcome:?}");
    if let Err(refused) = &outcome.read {
        let _ = write!(made, "{refused}");
    }
    assert!(!made.contains(MARKER), "the figure is in {made}");
});

fn rows(input: &Input) -> &[Row] {
    &input.rows[..input.rows.len().min(ROWS_MAX)]
}

fn csv(input: &Input) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut text = [&HEADINGS[..], &PARTS[..], &["Nr."]].concat().join(";");
    for row in rows(input) {
        text.push_str("\r\n");
        let words = (0..HEADINGS.len()).map(|column| row.word(column).to_owned());
        let figures = row.parts.iter().map(|figure| figure.as_ref().map_or(String::new(), Figure::text));
        let passed_over = if input.is_passed_over { MARKER } else { "" };
        let unnamed = input.is_unnamed.then(|| MARKER.to_owned());
        let cells: Vec<String> =
            words.chain(figures).chain([passed_over.to_owned()]).chain(unnamed).map(|cell| quoted(&cell)).collect();
        text.push_str(&cells.join(";"));
    }
    text
}

fn json(input: &Input) -> String {
    let string = |text: &str| serde_json::Value::from(text).to_string();
    let number = |figure: &Figure| match (figure.form, figure.before.len()) {
        (Form::Number, length) => format!("{}{MARKER}", if length % 2 == 1 { "-" } else { "" }),
        (Form::Exponent, length) => format!("{MARKER}.5e{}", length * 40),
        (Form::YesNo, length) => (length % 2 == 1).to_string(),
        (Form::Formula, _) => format!("{{{}:{MARKER}}}", string(&figure.before)),
        (Form::Error, _) => format!("[{MARKER},{}]", string(&figure.text())),
        _ => string(&figure.text()),
    };
    let rows = rows(input).iter().map(|row| {
        let words = KEYS.iter().enumerate().map(|(column, key)| match (*key, row.word(column)) {
            ("nil", "ja") => "\"nil\":true".to_owned(),
            ("nil", _) => "\"nil\":null".to_owned(),
            (key, word) => format!("{}:{}", string(key), string(word)),
        });
        let figures = PART_IDS.iter().zip(&row.parts);
        let parts = figures.filter_map(|(id, figure)| Some(format!("{}:{}", string(id), number(figure.as_ref()?))));
        let parts = format!("\"parts\":{{{}}}", parts.collect::<Vec<_>>().join(","));
        format!("{{{}}}", words.chain([parts]).collect::<Vec<_>>().join(","))
    });
    format!("{{\"rows\":[{}]}}", rows.collect::<Vec<_>>().join(","))
}

fn xlsx(input: &Input) -> Vec<u8> {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace(char::from(SEPARATOR), " ");
    let inline = |text: &str| format!("<c t=\"inlineStr\"><is><t>{}</t></is></c>", escaped(text));
    let mut shared = String::new();
    let mut shared_count = 0;
    let mut sheet = "<worksheet>".to_owned();
    if input.is_column_hidden {
        sheet.push_str("<cols><col min=\"6\" max=\"6\" hidden=\"1\"/></cols>");
    }
    sheet.push_str("<sheetData><row>");
    HEADINGS.iter().chain(&PARTS).chain(&["Nr."]).for_each(|heading| sheet.push_str(&inline(heading)));
    sheet.push_str("</row>");
    for row in rows(input) {
        sheet.push_str(if row.is_hidden { "<row hidden=\"1\">" } else { "<row>" });
        (0..HEADINGS.len()).for_each(|column| sheet.push_str(&inline(row.word(column))));
        for figure in &row.parts {
            let Some(figure) = figure else {
                sheet.push_str("<c/>");
                continue;
            };
            let text = escaped(&figure.text());
            let cell = match figure.form {
                Form::Number => format!("<c><v>{text}</v></c>"),
                Form::Exponent => format!("<c t=\"n\"><v>{MARKER}.5e{}</v></c>", figure.before.len() * 40),
                Form::Text => inline(&figure.text()),
                Form::Shared => {
                    let _ = write!(shared, "<si><t>{text}</t></si>");
                    shared_count += 1;
                    format!("<c t=\"s\"><v>{}</v></c>", shared_count - 1)
                }
                Form::Formula => format!("<c><f>{text}</f><v>{MARKER}</v></c>"),
                Form::Error => format!("<c t=\"e\"><v>{text}</v></c>"),
                Form::Iso => format!("<c t=\"d\"><v>{text}</v></c>"),
                Form::Dated => format!("<c s=\"1\"><v>{text}</v></c>"),
                Form::YesNo => format!("<c t=\"b\"><v>{text}</v></c>"),
            };
            sheet.push_str(&cell);
        }
        sheet.push_str(&if input.is_passed_over { inline(MARKER) } else { "<c/>".to_owned() });
        sheet.push_str(&if input.is_unnamed { inline(MARKER) } else { String::new() });
        sheet.push_str("</row>");
    }
    sheet.push_str("</sheetData>");
    if input.is_merged {
        sheet.push_str("<mergeCells><mergeCell ref=\"F2:G2\"/></mergeCells>");
    }
    sheet.push_str("</worksheet>");
    let styles = "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>";
    let parts = [sheet, format!("<sst>{shared}</sst>"), styles.to_owned()];
    workbook::of_parts(parts.join(&char::from(SEPARATOR).to_string()).as_bytes())
}
