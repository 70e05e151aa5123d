//! Documents of every shape, on their pages: nothing stands outside of where it belongs, whatever the words are.

use chrono::NaiveDate;
use proptest::prelude::*;

use super::page_layout::{PAGE, Part, Piece, Role, set};
use super::typeface::Typeface;
use super::workbook::{self, Sheet, Workbook};
use super::*;

const EDGE: f32 = 0.5; // of a point; rounding

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 12, 17).expect("a day")
}

/// A document in which each text is one of those given.
fn document(words: &[String], rows: usize) -> Document {
    let word = |index: usize| words[index % words.len()].clone();
    let row = |index: usize| {
        vec![Cell::strong(word(index)).and(word(index + 1)), Cell::text(word(index + 2)), Cell::text("7")]
    };
    Document {
        title: word(0),
        subject: word(1),
        author: word(2),
        written_on: day(),
        running_head: word(3),
        top: LetterTop {
            sender: vec![word(0), word(1)],
            recipient: vec![word(2)],
            particulars: vec![("Aktenzeichen".into(), word(3)), ("Datum".into(), word(4))],
        },
        blocks: vec![
            Block::Paragraph(word(0)),
            Block::Key(word(1)),
            Block::Facts(vec![(word(2), word(3)), (word(4), String::new())]),
            Block::Heading(word(1)),
            Block::Subheading(word(2)),
            Block::Table(Table {
                summary: word(2),
                columns: vec![
                    Column::new(&word(0), 3.0),
                    Column::new(&word(1), 2.0),
                    Column::new("n", 0.5).to_the_right(),
                ],
                rows: (0..rows).map(row).collect(),
            }),
            Block::Together(vec![Block::Small(word(3)), Block::Lines(vec![word(4), word(0)])]),
        ],
    }
}

fn check_pages(document: &Document) {
    let set = set(document);
    for page in &set.pages {
        for piece in &page.pieces {
            let (left, right, bottom) = match piece {
                Piece::Text { at, size, weight, text, .. } => {
                    (at.0, at.0 + Typeface::of(*weight).width(text.trim_end(), *size), at.1)
                }
                Piece::Rule { from, width } => (from.0, from.0 + width, from.1),
                Piece::Shade { at, width, height } => (at.0, at.0 + width, at.1 + height),
            };
            assert!(left >= 70.0 - EDGE && right <= PAGE.0 - 56.0 + EDGE, "{piece:?} stands in the margin");
            let is_foot = matches!(piece, Piece::Text { part: Part::PageNumber, .. });
            assert!(is_foot || bottom <= PAGE.1 - 62.0 + EDGE, "{piece:?} stands in the foot");
        }
    }
    let headers = set.nodes.iter().filter(|node| node.role == Role::ColumnHeader).count();
    assert_eq!(headers, 3, "the head of the table is read once");
}

fn hostile() -> Vec<String> {
    [
        "Zentrale Ausländerbehörde Musterstadt",
        "x".repeat(200).as_str(),
        "a\0b\u{1b}[31m\u{7f}",
        "abc\u{202e}gpj.exe\u{200f}",
        "😀 北京 שלום مرحبا",
        "",
        "   ",
        "\u{ffff}\u{fdd0}\u{e000}\u{10ffff}",
        "Ko\u{308}ln x\u{301}\u{301}\u{301}",
        "=HYPERLINK(\"http://x\")",
        "- - - // --/-- –",
        "ﬁ ﷽ ｶﾞ \u{2028}\u{85}",
    ]
    .map(str::to_owned)
    .to_vec()
}

#[test]
fn hostile_words_stay_on_the_page_and_the_library_accepts_them() {
    for words in hostile() {
        let document = document(std::slice::from_ref(&words), 3);
        check_pages(&document);
        document.to_pdf().unwrap_or_else(|cause| panic!("{words:?}: {cause}"));
    }
    check_pages(&document(&hostile(), 40));
    document(&hostile(), 40).to_pdf().expect("all of them together");
}

#[test]
fn a_row_longer_than_a_page_goes_on_and_three_hundred_rows_are_all_there() {
    let long = "Wort ".repeat(1000);
    let mut longer = document(&["kurz".to_owned()], 2);
    let lines: Cell = (0..200).map(|number| format!("Zeile {number}")).collect();
    if let Block::Table(table) = &mut longer.blocks[5] {
        table.rows.insert(1, vec![Cell::strong("lang"), lines, Cell::text(long)]);
    }
    check_pages(&longer);
    let texts: Vec<String> = set(&longer)
        .pages
        .into_iter()
        .flat_map(|page| page.pieces)
        .filter_map(|piece| match piece {
            Piece::Text { text, part: Part::Node(_), .. } => Some(text),
            _ => None,
        })
        .collect();
    for number in 0..200 {
        assert_eq!(texts.iter().filter(|text| **text == format!("Zeile {number}")).count(), 1, "Zeile {number}");
    }
    let many = document(&["Kreis Musterau".to_owned()], 300);
    check_pages(&many);
    assert!(set(&many).pages.len() > 5);
}

#[test]
fn what_belongs_together_goes_to_the_next_page_together() {
    let end =
        || Block::Together(vec![Block::Paragraph("Bitte".into()), Block::Lines(vec!["Gruß".into(), "Name".into()])]);
    let mut pages_seen = [false; 2];
    for paragraphs in 30..60 {
        let mut blocks: Vec<Block> =
            (0..paragraphs).map(|number| Block::Paragraph(format!("Absatz {number}"))).collect();
        blocks.push(end());
        let pages = set(&Document { written_on: day(), blocks, ..Document::default() }).pages;
        let page_of = |word: &str| {
            let holds = |piece: &Piece| matches!(piece, Piece::Text { text, .. } if text == word);
            pages.iter().position(|page| page.pieces.iter().any(holds)).expect("it stands somewhere")
        };
        assert!(page_of("Bitte") == page_of("Gruß") && page_of("Gruß") == page_of("Name"), "{paragraphs} paragraphs");
        pages_seen[page_of("Name").min(1)] = true;
    }
    assert_eq!(pages_seen, [true; 2], "the end fits at first and then no more");
}

#[test]
fn an_empty_document_is_one_page() {
    let empty = Document { written_on: day(), ..Document::default() };
    assert_eq!(set(&empty).pages.len(), 1);
    assert!(empty.to_pdf().is_ok());
}

#[test]
fn a_sheet_that_the_format_does_not_allow_is_an_error() {
    let sheet = Sheet { name: "a/b".into(), notes: vec![], columns: vec![workbook::Column::new("x", 5)], rows: vec![] };
    let book =
        Workbook { title: "t".into(), subject: "s".into(), author: "a".into(), written_on: day(), sheets: vec![sheet] };
    assert!(matches!(book.to_bytes(), Err(DocumentError::Workbook(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })] // each sets and writes a document
    #[test]
    fn any_words_stay_on_the_page_and_the_library_accepts_them(
        words in prop::collection::vec(any::<String>(), 1..6),
        rows in 0usize..6,
    ) {
        let rows = rows + 1;
        let document = document(&words, rows);
        check_pages(&document);
        prop_assert!(document.to_pdf().is_ok());
    }
}
