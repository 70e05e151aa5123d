//! Sets a document on pages: where each line stands and what it is part of. Never writes a file format.

use super::document::{Block, Cell, Document, LetterTop, Table};
use super::typeface::{Line, Typeface, Weight};

const MILLIMETRE: f32 = 72.0 / 25.4;
/// A4 in points.
pub(super) const PAGE: (f32, f32) = (210.0 * MILLIMETRE, 297.0 * MILLIMETRE);
const LEFT: f32 = 25.0 * MILLIMETRE; // room for the holes of a file
const RIGHT: f32 = PAGE.0 - 20.0 * MILLIMETRE;
const WIDTH: f32 = RIGHT - LEFT;
const TOP: f32 = 18.0 * MILLIMETRE;
const TOP_BELOW_HEAD: f32 = 26.0 * MILLIMETRE; // of pages with a running head
const BOTTOM: f32 = PAGE.1 - 22.0 * MILLIMETRE;
const FOOT_BASELINE: f32 = PAGE.1 - 13.0 * MILLIMETRE;
const RECIPIENT_TOP: f32 = 45.0 * MILLIMETRE; // DIN 5008, form B
const RECIPIENT_WIDTH: f32 = 85.0 * MILLIMETRE;
const PARTICULARS_LEFT: f32 = 120.0 * MILLIMETRE;
const TITLE_TOP: f32 = 74.0 * MILLIMETRE; // below an address of five lines
const FACT_LABEL_WIDTH: f32 = 40.0 * MILLIMETRE;

const BODY: f32 = 10.0; // points
const SMALL: f32 = 8.5;
const TITLE: f32 = 13.0;
const HEADING: f32 = 11.0;
const LEADING: f32 = 1.3; // of the size
const ASCENT: f32 = 0.95; // of the size: from the top of a line to its baseline
const GAP: f32 = 7.0; // between blocks
const CELL_SIDE: f32 = 3.0;
const NUMBER_SIDE: f32 = 8.0; // to the right of numbers, so that they do not touch the text beside them
const CELL_TOP: f32 = 2.5;
const HAIRLINE: f32 = 0.4;
const HEADING_NEEDS: f32 = 60.0; // a heading is not the last thing on a page

/// A page of a document.
#[derive(Default, Debug)]
pub(super) struct Page {
    pub(super) pieces: Vec<Piece>,
}

/// What is drawn, in the order in which it is read.
#[derive(PartialEq, Debug)]
pub(super) enum Piece {
    Text { at: (f32, f32), size: f32, weight: Weight, text: String, part: Part },
    Rule { from: (f32, f32), width: f32 },
    Shade { at: (f32, f32), width: f32, height: f32 },
}

/// What a piece of text is part of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    /// A node of the structure.
    Node(usize),
    /// Not part of what is read: the running head, the page's number, the repeated head of a table.
    RunningHead,
    PageNumber,
    Repetition,
}

/// A node of the structure that assistive programs read.
#[derive(PartialEq, Debug)]
pub(super) struct Node {
    pub(super) role: Role,
    pub(super) parent: Option<usize>,
}

/// What a node is.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Role {
    Title(String),
    Heading(String),
    Subheading(String),
    Paragraph,
    Table { summary: String },
    TableHead,
    TableBody,
    Row,
    ColumnHeader,
    RowHeader,
    Cell,
}

/// A heading's place, for bookmarks.
#[derive(PartialEq, Debug)]
pub(super) struct Bookmark {
    pub(super) title: String,
    pub(super) is_title: bool,
    pub(super) page: usize,
    pub(super) top: f32,
}

/// A document on pages.
#[derive(Default, Debug)]
pub(super) struct Pages {
    pub(super) pages: Vec<Page>,
    pub(super) nodes: Vec<Node>,
    pub(super) bookmarks: Vec<Bookmark>,
}

/// Sets a document on pages.
pub(super) fn set(document: &Document) -> Pages {
    let mut setter = Setter { set: Pages::default(), y: TOP };
    setter.set.pages.push(Page::default());
    setter.letter_top(&document.top);
    setter.title(&document.title);
    for block in &document.blocks {
        setter.block(block);
    }
    let mut set = setter.set;
    number(&mut set.pages, &document.running_head);
    set
}

struct Setter {
    set: Pages,
    /// The top of what comes next.
    y: f32,
}

/// A line with its weight.
type Weighted = (Line, Weight);

impl Setter {
    fn letter_top(&mut self, top: &LetterTop) {
        if let [name, lines @ ..] = top.sender.as_slice() {
            let node = self.node(Role::Paragraph, None);
            self.wrapped(name, HEADING, Weight::Bold, (LEFT, WIDTH), node);
            for line in lines {
                self.wrapped(line, SMALL, Weight::Regular, (LEFT, WIDTH), node);
            }
            self.y += 2.0;
            self.rule(LEFT, self.y, WIDTH);
            self.y += GAP;
        }
        if top.recipient.is_empty() && top.particulars.is_empty() {
            return;
        }
        let begin = self.y.max(RECIPIENT_TOP);
        self.y = begin;
        if !top.recipient.is_empty() {
            let node = self.node(Role::Paragraph, None);
            for line in &top.recipient {
                self.wrapped(line, BODY, Weight::Regular, (LEFT, RECIPIENT_WIDTH), node);
            }
        }
        let end = std::mem::replace(&mut self.y, begin);
        for (what, value) in &top.particulars {
            let node = self.node(Role::Paragraph, None);
            let text = format!("{what}: {value}");
            self.wrapped(&text, BODY, Weight::Regular, (PARTICULARS_LEFT, RIGHT - PARTICULARS_LEFT), node);
            self.y += 2.0;
        }
        self.y = self.y.max(end).max(TITLE_TOP);
    }

    fn title(&mut self, title: &str) {
        self.y += GAP;
        let title = or_dash(title);
        self.heading_of(Role::Title(title.clone()), &title, TITLE);
    }

    fn heading_of(&mut self, role: Role, text: &str, size: f32) {
        self.need(HEADING_NEEDS);
        let is_title = matches!(role, Role::Title(_));
        let bookmark = Bookmark { title: text.to_owned(), is_title, page: self.set.pages.len() - 1, top: self.y };
        self.set.bookmarks.push(bookmark);
        let node = self.node(role, None);
        self.wrapped(text, size, Weight::Bold, (LEFT, WIDTH), node);
        self.y += GAP * if is_title { 1.2 } else { 0.6 };
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading(text) => {
                self.y += GAP;
                let text = or_dash(text);
                self.heading_of(Role::Heading(text.clone()), &text, HEADING);
            }
            Block::Subheading(text) => {
                self.need(HEADING_NEEDS);
                let text = or_dash(text);
                let node = self.node(Role::Subheading(text.clone()), None);
                self.wrapped(&text, BODY, Weight::Bold, (LEFT, WIDTH), node);
                self.y += GAP * 0.6;
            }
            Block::Paragraph(text) => self.paragraph(text, BODY, Weight::Regular),
            Block::Key(text) => self.paragraph(text, BODY, Weight::Bold),
            Block::Small(text) => self.paragraph(text, SMALL, Weight::Regular),
            Block::Facts(facts) => self.facts(facts),
            Block::Table(table) => self.table(table),
            Block::Lines(lines) => {
                let node = self.node(Role::Paragraph, None);
                for line in lines {
                    self.wrapped(line, BODY, Weight::Regular, (LEFT, WIDTH), node);
                }
                self.y += GAP;
            }
            Block::Together(blocks) => {
                self.need(height_together(blocks));
                blocks.iter().for_each(|block| self.block(block));
            }
        }
    }

    fn paragraph(&mut self, text: &str, size: f32, weight: Weight) {
        let node = self.node(Role::Paragraph, None);
        self.wrapped(text, size, weight, (LEFT, WIDTH), node);
        self.y += GAP;
    }

    fn facts(&mut self, facts: &[(String, String)]) {
        if facts.is_empty() {
            return;
        }
        let table = self.node(Role::Table { summary: "Angaben".to_owned() }, None);
        let body = self.node(Role::TableBody, Some(table));
        for (what, value) in facts {
            let labels = Typeface::of(Weight::Regular).lines(&or_dash(what), BODY, FACT_LABEL_WIDTH - CELL_SIDE);
            let values = Typeface::of(Weight::Regular).lines(&or_dash(value), BODY, WIDTH - FACT_LABEL_WIDTH);
            let row = self.node(Role::Row, Some(body));
            let (label_node, value_node) = (self.node(Role::RowHeader, Some(row)), self.node(Role::Cell, Some(row)));
            for index in 0..labels.len().max(values.len()) {
                self.need(BODY * LEADING);
                for (lines, x, node) in [(&labels, LEFT, label_node), (&values, LEFT + FACT_LABEL_WIDTH, value_node)] {
                    if let Some(line) = lines.get(index) {
                        self.text((x, self.y), BODY, Weight::Regular, line.text.clone(), Part::Node(node));
                    }
                }
                self.y += BODY * LEADING;
            }
        }
        self.y += GAP;
    }

    fn table(&mut self, table: &Table) {
        if table.columns.is_empty() || table.rows.is_empty() {
            return;
        }
        let columns = Columns::of(table);
        let head: Vec<Vec<Weighted>> = table
            .columns
            .iter()
            .zip(&columns.places)
            .map(|(column, (_, width))| {
                let right = if column.is_to_the_right { NUMBER_SIDE } else { CELL_SIDE };
                weighted(&or_dash(&column.heading), Weight::Bold, width - CELL_SIDE - right)
            })
            .collect();
        let rows: Vec<Vec<Vec<Weighted>>> = table.rows.iter().map(|row| columns.lines(row)).collect();
        let node = self.node(Role::Table { summary: table.summary.clone() }, None);
        self.need(height_of(&head) + rows.first().map_or(0.0, |row| height_of(row)).min(BOTTOM - TOP_BELOW_HEAD) / 2.0);
        let head_node = self.node(Role::TableHead, Some(node));
        let head_row = self.node(Role::Row, Some(head_node));
        let cells: Vec<Part> = head.iter().map(|_| Part::Node(self.node(Role::ColumnHeader, Some(head_row)))).collect();
        self.head(&columns, &head, &cells);
        let body = self.node(Role::TableBody, Some(node));
        let room_of_page = BOTTOM - TOP_BELOW_HEAD - height_of(&head);
        for row in rows {
            let row_node = self.node(Role::Row, Some(body));
            let cells: Vec<Part> = (0..row.len())
                .map(|index| if index == 0 { Role::RowHeader } else { Role::Cell })
                .map(|role| Part::Node(self.node(role, Some(row_node))))
                .collect();
            if self.y + height_of(&row) > BOTTOM && height_of(&row) <= room_of_page {
                self.next_page_with(&columns, &head);
            }
            // a row that is longer than a page goes on after each end of one
            let longest = row.iter().map(Vec::len).max().unwrap_or(0);
            let mut begin = 0;
            while begin < longest {
                let fitting = ((BOTTOM - self.y - 2.0 * CELL_TOP) / (SMALL * LEADING)).floor().max(0.0) as usize;
                if fitting == 0 {
                    self.next_page_with(&columns, &head);
                    continue;
                }
                let end = longest.min(begin + fitting);
                let slice: Vec<Vec<Weighted>> =
                    row.iter().map(|lines| lines[begin.min(lines.len())..end.min(lines.len())].to_vec()).collect();
                self.row(&columns, &slice, &cells);
                begin = end;
            }
        }
        self.y += GAP;
    }

    fn next_page_with(&mut self, columns: &Columns, head: &[Vec<Weighted>]) {
        self.next_page();
        self.head(columns, head, &vec![Part::Repetition; head.len()]);
    }

    fn head(&mut self, columns: &Columns, head: &[Vec<Weighted>], cells: &[Part]) {
        let height = height_of(head);
        self.set_piece(Piece::Shade { at: (LEFT, self.y), width: WIDTH, height });
        self.row(columns, head, cells);
    }

    fn row(&mut self, columns: &Columns, cells: &[Vec<Weighted>], parts: &[Part]) {
        let top = self.y;
        for ((lines, part), (place, is_to_the_right)) in
            cells.iter().zip(parts).zip(columns.places.iter().zip(&columns.are_to_the_right))
        {
            let (left, width) = *place;
            for (index, (line, weight)) in lines.iter().enumerate() {
                let x = match is_to_the_right {
                    true => left + width - NUMBER_SIDE - line.width,
                    false => left + CELL_SIDE,
                };
                let y = top + CELL_TOP + index as f32 * SMALL * LEADING;
                self.text((x, y), SMALL, *weight, line.text.clone(), *part);
            }
        }
        self.y = top + height_of(cells);
        self.rule(LEFT, self.y, WIDTH);
    }

    /// Text from the left edge of a place, on as many lines and pages as it takes.
    fn wrapped(&mut self, text: &str, size: f32, weight: Weight, (x, width): (f32, f32), node: usize) {
        for line in Typeface::of(weight).lines(text, size, width) {
            self.need(size * LEADING);
            self.text((x, self.y), size, weight, line.text, Part::Node(node));
            self.y += size * LEADING;
        }
    }

    fn text(&mut self, (x, top): (f32, f32), size: f32, weight: Weight, text: String, part: Part) {
        self.set_piece(Piece::Text { at: (x, top + size * ASCENT), size, weight, text, part });
    }

    fn rule(&mut self, x: f32, y: f32, width: f32) {
        self.set_piece(Piece::Rule { from: (x, y), width });
    }

    fn set_piece(&mut self, piece: Piece) {
        let page = self.set.pages.last_mut().expect("a document has a page from the beginning");
        page.pieces.push(piece);
    }

    fn node(&mut self, role: Role, parent: Option<usize>) -> usize {
        self.set.nodes.push(Node { role, parent });
        self.set.nodes.len() - 1
    }

    /// Goes to the next page if so much does not fit on this one and would on the next.
    fn need(&mut self, height: f32) {
        if self.y + height > BOTTOM && self.y > TOP_BELOW_HEAD {
            self.next_page();
        }
    }

    fn next_page(&mut self) {
        self.set.pages.push(Page::default());
        self.y = TOP_BELOW_HEAD;
    }
}

/// Where the columns of a table stand.
struct Columns {
    /// Left edge and width of each.
    places: Vec<(f32, f32)>,
    are_to_the_right: Vec<bool>,
}

impl Columns {
    fn of(table: &Table) -> Self {
        const SHARE_MIN: f32 = 0.01; // a column without a width would have no place for a letter
        let shares: Vec<f32> = table.columns.iter().map(|column| column.share.max(SHARE_MIN)).collect();
        let total: f32 = shares.iter().sum();
        let mut left = LEFT;
        let mut places = Vec::new();
        for share in shares {
            let width = WIDTH * share / total;
            places.push((left, width));
            left += width;
        }
        Self { places, are_to_the_right: table.columns.iter().map(|column| column.is_to_the_right).collect() }
    }

    /// The lines of each cell of a row; there are as many cells as columns.
    fn lines(&self, row: &[Cell]) -> Vec<Vec<Weighted>> {
        let empty = Cell::default();
        let cell = |(index, (_, width)): (usize, &(f32, f32))| {
            let right = if self.are_to_the_right[index] { NUMBER_SIDE } else { CELL_SIDE };
            let width = width - CELL_SIDE - right;
            let cell = row.get(index).unwrap_or(&empty);
            let lines: Vec<Weighted> = cell
                .lines
                .iter()
                .filter(|line| !line.text.trim().is_empty())
                .flat_map(|line| {
                    weighted(&line.text, if line.is_strong { Weight::Bold } else { Weight::Regular }, width)
                })
                .collect();
            if lines.is_empty() { weighted(DASH, Weight::Regular, width) } else { lines }
        };
        self.places.iter().enumerate().map(cell).collect()
    }
}

/// The height of blocks on a page of their own; that of a page if they need more.
fn height_together(blocks: &[Block]) -> f32 {
    let mut alone = Setter { set: Pages { pages: vec![Page::default()], ..Pages::default() }, y: TOP_BELOW_HEAD };
    blocks.iter().for_each(|block| alone.block(block));
    let end = if alone.set.pages.len() > 1 { BOTTOM } else { alone.y - GAP };
    end - TOP_BELOW_HEAD
}

const DASH: &str = "–";

/// A dash in the place of nothing: a heading or a cell without a word would be missing from the structure.
fn or_dash(text: &str) -> String {
    if text.trim().is_empty() { DASH.to_owned() } else { text.to_owned() }
}

fn weighted(text: &str, weight: Weight, width: f32) -> Vec<Weighted> {
    Typeface::of(weight).lines(text, SMALL, width).into_iter().map(|line| (line, weight)).collect()
}

fn height_of(cells: &[Vec<Weighted>]) -> f32 {
    let lines = cells.iter().map(Vec::len).max().unwrap_or(0);
    2.0 * CELL_TOP + lines as f32 * SMALL * LEADING
}

/// Puts running heads and page numbers on all pages, once it is known how many there are.
fn number(pages: &mut [Page], running_head: &str) {
    let total = pages.len();
    let typeface = Typeface::of(Weight::Regular);
    for (index, page) in pages.iter_mut().enumerate() {
        if index > 0 && !running_head.is_empty() {
            let mut lines = typeface.lines(running_head, SMALL, WIDTH);
            let text = lines.swap_remove(0).text;
            let at = (LEFT, TOP);
            let head = Piece::Text { at, size: SMALL, weight: Weight::Regular, text, part: Part::RunningHead };
            page.pieces.insert(0, head);
            page.pieces.insert(1, Piece::Rule { from: (LEFT, TOP + 4.0), width: WIDTH });
        }
        let text = format!("Seite {} von {total}", index + 1);
        let at = (RIGHT - typeface.width(&text, SMALL), FOOT_BASELINE);
        page.pieces.push(Piece::Text { at, size: SMALL, weight: Weight::Regular, text, part: Part::PageNumber });
    }
}

/// How thick rules are.
pub(super) const RULE: f32 = HAIRLINE;
