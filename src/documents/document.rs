//! A document as values: what stands in it, in order. Never knows about pages; `page_layout` does.

use chrono::NaiveDate;

/// A document of one to many A4 pages. [`Document::to_pdf`] sets it; the same value gives the same bytes.
///
/// Any text may be any string: white space becomes spaces, what the typeface does not have or what cannot be seen becomes a
/// visible mark, and what is too long is broken.
///
/// ```
/// use chrono::NaiveDate;
/// use fristd::documents::{Block, Cell, Column, Document, LetterTop, Table};
/// let document = Document {
///     title: "Versandnachweis Kreis Musterau, Dezember 2026".into(),
///     subject: "Planungsmodul".into(),
///     author: "ZRK".into(),
///     written_on: NaiveDate::from_ymd_opt(2026, 12, 17).unwrap(),
///     running_head: "Az. 523-1 · Versandnachweis".into(),
///     top: LetterTop { sender: vec!["ZRK".into()], ..LetterTop::default() },
///     blocks: vec![
///         Block::Facts(vec![("Message-ID".into(), "<4f…@zrk.example>".into())]),
///         Block::Heading("Mitteilungen".into()),
///         Block::Table(Table {
///             summary: "Alle Mitteilungen des Monats mit dem Zeitpunkt ihrer Annahme".into(),
///             columns: vec![Column::new("Mitteilung", 3.0), Column::new("Angenommen", 1.0).to_the_right()],
///             rows: vec![vec![Cell::strong("Erinnerung"), Cell::text("08.12.2026, 08:00")]],
///         }),
///         Block::Small("Dieses Schreiben wurde automatisch erstellt.".into()),
///     ],
/// };
/// assert!(document.to_pdf().unwrap().starts_with(b"%PDF-1.7"));
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Document {
    /// The title: the first heading, the name in a reader's window.
    pub title: String,
    /// What it is about, for the properties.
    pub subject: String,
    /// Who it comes from, for the properties.
    pub author: String,
    /// The day it is written on; also the date of the file.
    pub written_on: NaiveDate,
    /// One line on top of each page but the first.
    pub running_head: String,
    /// What stands above the title on the first page.
    pub top: LetterTop,
    /// Everything below the title.
    pub blocks: Vec<Block>,
}

/// The top of a letter's first page. What is empty takes no room.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LetterTop {
    /// Who writes, line by line; the first stands out.
    pub sender: Vec<String>,
    /// Who is written to, line by line.
    pub recipient: Vec<String>,
    /// File number, date and the like beside the recipient: what it is, and its value.
    pub particulars: Vec<(String, String)>,
}

/// One piece of a document.
#[derive(Clone, PartialEq, Debug)]
pub enum Block {
    /// A heading below the title; also a bookmark.
    Heading(String),
    /// A heading below a heading.
    Subheading(String),
    /// Running text.
    Paragraph(String),
    /// Running text that stands out.
    Key(String),
    /// Running text in small letters: notes, definitions.
    Small(String),
    /// Pairs of what it is and its value, one a line.
    Facts(Vec<(String, String)>),
    /// A table.
    Table(Table),
    /// Lines, like a signature.
    Lines(Vec<String>),
    /// Blocks that stand on one page if one has room for them, like the end of a letter.
    Together(Vec<Block>),
}

/// A table. Its head is repeated on each page; a row is divided only if it is longer than a page.
#[derive(Clone, PartialEq, Debug)]
pub struct Table {
    /// What it shows, for those who hear it.
    pub summary: String,
    /// The columns; the cells of the first name their rows.
    pub columns: Vec<Column>,
    /// The rows; each has as many cells as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

/// One column of a table.
#[derive(Clone, PartialEq, Debug)]
pub struct Column {
    /// Its heading.
    pub heading: String,
    /// Its width in relation to the others'.
    pub share: f32,
    /// Whether its cells end at the right edge, as numbers do.
    pub is_to_the_right: bool,
}

impl Column {
    /// A column.
    pub fn new(heading: &str, share: f32) -> Self {
        Self { heading: heading.to_owned(), share, is_to_the_right: false }
    }

    /// The same, with its cells at the right edge.
    pub fn to_the_right(self) -> Self {
        Self { is_to_the_right: true, ..self }
    }
}

/// One cell: lines, each of which may be broken.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cell {
    pub(super) lines: Vec<CellLine>,
}

/// One line of a cell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct CellLine {
    pub(super) text: String,
    pub(super) is_strong: bool,
}

impl Cell {
    /// A cell of one line; an empty text is shown as a dash, so that the table has no holes for those who hear it.
    pub fn text(text: impl Into<String>) -> Self {
        Self::default().and(text)
    }

    /// A cell of one line that stands out.
    pub fn strong(text: impl Into<String>) -> Self {
        Self { lines: vec![CellLine { text: text.into(), is_strong: true }] }
    }

    /// With a further line.
    pub fn and(mut self, text: impl Into<String>) -> Self {
        self.lines.push(CellLine { text: text.into(), is_strong: false });
        self
    }
}

impl<T: Into<String>> FromIterator<T> for Cell {
    fn from_iter<I: IntoIterator<Item = T>>(lines: I) -> Self {
        lines.into_iter().fold(Self::default(), Self::and)
    }
}
