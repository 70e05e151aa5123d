//! Tests what holds for all formats: the same rows, no panic, a word for what is no list.

use proptest::prelude::*;
use rust_xlsxwriter::Workbook;
use serde_json::json;

use super::test_support::{accepted, columns, refused, rows};
use super::*;

#[test]
fn what_is_no_list_gets_a_word_that_helps() {
    let check = |label: &str, bytes: &[u8], piece: &str| drop(refused(label, bytes, &[piece]));
    check("nothing", b"", "ist leer");
    check("a mark alone", b"\xef\xbb\xbf \r\n\t", "ist leer");
    check("xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more", "(.xls) oder mit Kennwort");
    check("pdf", b"%PDF-1.7", "ist ein PDF");
    check("rtf", b"{\\rtf1\\ansi", "Textdokument");
    check("html as xls", b"\xef\xbb\xbf  <html><table>", "ist HTML oder XML");
    check("gzip", b"\x1f\x8b\x08\x00", "gepackt");
    check("an empty archive", b"PK\x05\x06\0\0", "leeres ZIP");
    check("a broken archive", b"PK\x03\x04 and no more", "keine lesbare Arbeitsmappe");
    check("too long", &vec![b'a'; BYTES_MAX + 1], "größer als 32 MiB");
}

#[test]
fn a_file_name_is_told_on_one_line() {
    let told = read("a\nb\u{202e}.csv", b"", &columns(), &ReadOptions::default()).unwrap_err().to_string();
    assert!(told.starts_with("a\u{fffd}b\u{fffd}.csv: ist leer"), "{told}");
}

/// What one row says, before it is written in a format.
#[derive(Clone, Debug)]
struct Entry {
    authority: String,
    reported_at: Option<(u32, u32)>,
    reason: String,
    figures: [Option<u32>; 3],
    is_nil: Option<bool>,
}

const HEADINGS: [(&str, &str); 7] = [
    ("Behörde", "authority"),
    ("Gemeldet am", "reported_at"),
    ("Grund", "reason"),
    ("REAG/GARP", "reag-garp"),
    ("ohne Förderung", "without-funding"),
    ("Rückführungen", "returns"),
    ("Fehlanzeige", "nil"),
];

impl Entry {
    /// The cells in the order of [`HEADINGS`].
    fn cells(&self) -> [String; 7] {
        let figure = |index: usize| self.figures[index].map(|figure| figure.to_string()).unwrap_or_default();
        [
            self.authority.clone(),
            self.reported_at.map(|(day, hour)| format!("{day:02}.12.2026 {hour:02}:30")).unwrap_or_default(),
            self.reason.clone(),
            figure(0),
            figure(1),
            figure(2),
            self.is_nil.map(|is_nil| if is_nil { "ja" } else { "nein" }.to_owned()).unwrap_or_default(),
        ]
    }
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let authority = prop::sample::select(vec!["Stadt Köln", "Kreis Höxter", "abh-05111", "Städteregion \"Aachen\""]);
    let reason = "[a-zäß ;,\"'\n=]{0,12}";
    let figures = prop::array::uniform3(prop::option::of(0_u32..3));
    let one = (authority, prop::option::of((1_u32..29, 0_u32..24)), reason, figures, prop::option::of(any::<bool>()));
    let one = one.prop_map(|(authority, reported_at, reason, figures, is_nil)| Entry {
        authority: authority.to_owned(),
        reported_at,
        reason,
        figures,
        is_nil,
    });
    prop::collection::vec(one, 0..12)
}

fn as_csv(entries: &[Entry], order: &[usize], delimiter: u8) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    writer.write_record(order.iter().map(|column| HEADINGS[*column].0)).unwrap();
    for entry in entries {
        let cells = entry.cells();
        writer.write_record(order.iter().map(|column| &cells[*column])).unwrap();
    }
    writer.into_inner().unwrap()
}

fn as_xlsx(entries: &[Entry], order: &[usize]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (at, column) in (0..).zip(order) {
        sheet.write(0, at, HEADINGS[*column].0).unwrap();
        for (row, entry) in (1..).zip(entries) {
            match (*column, entry.is_nil) {
                (3..=5, _) => {
                    if let Some(figure) = entry.figures[*column - 3] {
                        sheet.write(row, at, figure).unwrap();
                    }
                }
                (6, Some(is_nil)) => drop(sheet.write(row, at, is_nil).unwrap()),
                _ => drop(sheet.write(row, at, &entry.cells()[*column]).unwrap()),
            }
        }
    }
    workbook.save_to_buffer().unwrap()
}

fn as_json(entries: &[Entry]) -> Vec<u8> {
    let row = |entry: &Entry| {
        let cells = entry.cells();
        json!({
            "authority": cells[0], "reported_at": cells[1], "reason": cells[2], "nil": entry.is_nil,
            "parts": {"reag-garp": entry.figures[0], "without-funding": entry.figures[1], "returns": entry.figures[2]},
        })
    };
    json!({"rows": entries.iter().map(row).collect::<Vec<_>>()}).to_string().into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_the_same_from_all_formats_and_in_any_order_of_columns(
        entries in entries(),
        order in Just((0..7).collect::<Vec<usize>>()).prop_shuffle(),
        delimiter in prop::sample::select(vec![b';', b',', b'\t']),
    ) {
        let from_csv = accepted(&as_csv(&entries, &order, delimiter));
        let from_xlsx = accepted(&as_xlsx(&entries, &order));
        let from_json = accepted(&as_json(&entries));
        prop_assert_eq!(rows(&from_csv), rows(&from_xlsx));
        prop_assert_eq!(rows(&from_csv), rows(&from_json));
        prop_assert_eq!(from_csv.rows.len(), entries.len());
        let lines: Vec<usize> = from_xlsx.rows.iter().map(|row| row.line).collect();
        prop_assert_eq!(lines, (2..entries.len() + 2).collect::<Vec<_>>());
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), start in 0_usize..4) {
        let starts: [&[u8]; 4] = [b"", b"PK\x03\x04", b"{\"rows\":[{", b"\xff\xfe"];
        let _ = read("x", &[starts[start], &bytes].concat(), &columns(), &ReadOptions::default());
    }

    #[test]
    fn no_damage_to_a_good_file_makes_a_reader_panic(
        entries in entries(),
        format in 0_usize..3,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..8),
    ) {
        let order: Vec<usize> = (0..7).collect();
        let mut bytes = match format {
            0 => as_csv(&entries, &order, b';'),
            1 => as_xlsx(&entries, &order),
            _ => as_json(&entries),
        };
        for (at, byte, kind) in damage {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let _ = read("x", &bytes, &columns(), &ReadOptions::default());
    }
}
