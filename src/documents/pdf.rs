//! Writes documents as PDF/A-2a and PDF/UA-1. Never decides where something stands; `page_layout` does.

use std::num::NonZeroU16;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{Datelike, NaiveDate};
use krilla::SerializeSettings;
use krilla::color::luma;
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder, PdfVersion};
use krilla::destination::XyzDestination;
use krilla::error::KrillaError;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, Node as TagNode, SpanTag, TableHeaderScope, Tag, TagGroup, TagKind,
    TagTree,
};

use super::DocumentError;
use super::document::Document;
use super::page_layout::{self, Bookmark, Node, PAGE, Page, Pages, Part, Piece, RULE, Role};
use super::typeface::Typeface;
use super::visible::visible;

const LANGUAGE: &str = "de-DE";
const CREATOR: &str = "fristd";
const BLACK: u8 = 0;
const RULE_GREY: u8 = 0x80;
const SHADE_GREY: u8 = 0xEB; // light enough for black text

impl Document {
    /// The bytes of the PDF: tagged, with bookmarks, with the typeface embedded; the library has checked it against PDF/A-2a and
    /// PDF/UA-1.
    ///
    /// # Errors
    /// If the library refuses the document, or breaks over it.
    pub fn to_pdf(&self) -> Result<Vec<u8>, DocumentError> {
        // a fault of the library over one name must not end the delivery of all other mails
        let written = catch_unwind(AssertUnwindSafe(|| write(self)));
        written.unwrap_or_else(|_| Err(DocumentError::Pdf("the library broke off".to_owned())))
    }
}

fn write(document: &Document) -> Result<Vec<u8>, DocumentError> {
    let refused = |cause: String| DocumentError::Pdf(cause);
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_A)
        .with_accessibility_validator(Accessibility::UA1)
        .with_version(PdfVersion::Pdf17)
        .finish()
        .map_err(|cause| refused(format!("{cause:?}")))?;
    let mut file = krilla::Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    file.set_metadata(metadata(document));
    let set = page_layout::set(document);
    let mut marked: Vec<Vec<Identifier>> = set.nodes.iter().map(|_| Vec::new()).collect();
    for page in &set.pages {
        draw_page(&mut file, page, &mut marked)?;
    }
    file.set_outline(outline(&set.bookmarks));
    file.set_tag_tree(tag_tree(&set, marked));
    file.finish().map_err(|cause| refused(in_words(&cause)))
}

/// With the first of the library's complaints, of which it only tells how many there are.
fn in_words(cause: &KrillaError) -> String {
    const CHARS_MAX: usize = 200; // some tell a whole text
    match cause {
        KrillaError::Validation(complaints) => {
            let first = complaints.first().map(|(complaint, _)| format!("{complaint:?}")).unwrap_or_default();
            format!("{cause}, the first: {}", first.chars().take(CHARS_MAX).collect::<String>())
        }
        _ => cause.to_string(),
    }
}

fn metadata(document: &Document) -> Metadata {
    let title = visible(&document.title);
    let title = if title.trim().is_empty() { CREATOR.to_owned() } else { title };
    Metadata::new()
        .title(title)
        .description(visible(&document.subject))
        .authors(Some(visible(&document.author)).filter(|author| !author.is_empty()).into_iter().collect())
        .creator(CREATOR.to_owned())
        .language(LANGUAGE.to_owned())
        .creation_date(date(document.written_on))
}

fn date(day: NaiveDate) -> DateTime {
    DateTime::new(day.year().clamp(0, 9999) as u16)
        .month(day.month() as u8)
        .day(day.day() as u8)
        .hour(0)
        .minute(0)
        .second(0)
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

fn draw_page(file: &mut krilla::Document, page: &Page, marked: &mut [Vec<Identifier>]) -> Result<(), DocumentError> {
    let settings = PageSettings::from_wh(PAGE.0, PAGE.1);
    let settings = settings.ok_or_else(|| DocumentError::Pdf("A4 is no size".to_owned()))?;
    let mut page_of_file = file.start_page_with(settings);
    let mut surface = page_of_file.surface();
    for piece in &page.pieces {
        match piece {
            Piece::Text { at, size, weight, text, part } => {
                if text.trim().is_empty() {
                    continue;
                }
                let identifier = surface.start_tagged(content_tag(*part));
                surface.set_fill(Some(grey(BLACK)));
                let typeface = Typeface::of(*weight);
                let glyphs = typeface.glyphs(text);
                surface.draw_glyphs(Point::from_xy(at.0, at.1), &glyphs, typeface.font.clone(), text, *size, false);
                surface.end_tagged();
                if let Part::Node(node) = part {
                    marked[*node].push(identifier);
                }
            }
            Piece::Rule { from, width } => fill(&mut surface, Rect::from_xywh(from.0, from.1, *width, RULE), RULE_GREY),
            Piece::Shade { at, width, height } => {
                fill(&mut surface, Rect::from_xywh(at.0, at.1, *width, *height), SHADE_GREY);
            }
        }
    }
    surface.finish();
    page_of_file.finish();
    Ok(())
}

fn content_tag(part: Part) -> ContentTag<'static> {
    let artifact = |kind| ContentTag::Artifact(Artifact::with_kind(kind));
    match part {
        Part::Node(_) => ContentTag::Span(SpanTag::empty()),
        Part::RunningHead => artifact(ArtifactType::Header),
        Part::PageNumber => artifact(ArtifactType::Footer),
        Part::Repetition => artifact(ArtifactType::PaginationOther),
    }
}

fn fill(surface: &mut Surface<'_>, rect: Option<Rect>, shade: u8) {
    let Some(rect) = rect else { return };
    let mut path = PathBuilder::new();
    path.push_rect(rect);
    if let Some(path) = path.finish() {
        surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)));
        surface.set_fill(Some(grey(shade)));
        surface.draw_path(&path);
        surface.end_tagged();
    }
}

fn grey(shade: u8) -> Fill {
    Fill { paint: luma::Color::new(shade).into(), ..Fill::default() }
}

/// The title with the headings below it.
fn outline(bookmarks: &[Bookmark]) -> Outline {
    let node = |bookmark: &Bookmark| {
        let place = XyzDestination::new(bookmark.page, Point::from_xy(0.0, bookmark.top));
        OutlineNode::new(visible(&bookmark.title), place)
    };
    let mut outline = Outline::new();
    let mut title = None;
    for bookmark in bookmarks {
        match &mut title {
            Some(above) if !bookmark.is_title => OutlineNode::push_child(above, node(bookmark)),
            _ => title = Some(node(bookmark)),
        }
    }
    if let Some(title) = title {
        outline.push_child(title.with_open(true));
    }
    outline
}

/// The structure, with what was drawn below the nodes that it belongs to.
fn tag_tree(set: &Pages, marked: Vec<Vec<Identifier>>) -> TagTree {
    let mut groups: Vec<TagGroup> = Vec::new();
    for (node, identifiers) in set.nodes.iter().zip(marked) {
        groups.push(TagGroup::with_children(tag(node), identifiers.into_iter().map(TagNode::Leaf).collect()));
    }
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); set.nodes.len()];
    let mut roots = Vec::new();
    for (index, node) in set.nodes.iter().enumerate() {
        match node.parent {
            Some(parent) => children[parent].push(index),
            None => roots.push(index),
        }
    }
    // a parent comes before its children, so that from the end each group is whole before it goes into its parent
    let mut whole: Vec<Option<TagGroup>> = groups.into_iter().map(Some).collect();
    for index in (0..whole.len()).rev() {
        for child in std::mem::take(&mut children[index]) {
            let child = whole[child].take();
            if let (Some(group), Some(child)) = (&mut whole[index], child) {
                group.push(child);
            }
        }
    }
    let mut tree = TagTree::new().with_lang(Some(LANGUAGE.to_owned()));
    roots.into_iter().filter_map(|root| whole[root].take()).for_each(|group| tree.push(group));
    tree
}

fn tag(node: &Node) -> TagKind {
    const FIRST: NonZeroU16 = NonZeroU16::MIN;
    const SECOND: NonZeroU16 = NonZeroU16::MIN.saturating_add(1);
    const THIRD: NonZeroU16 = NonZeroU16::MIN.saturating_add(2);
    match &node.role {
        Role::Title(title) => Tag::Hn(FIRST, Some(visible(title))).into(),
        Role::Heading(title) => Tag::Hn(SECOND, Some(visible(title))).into(),
        Role::Subheading(title) => Tag::Hn(THIRD, Some(visible(title))).into(),
        Role::Paragraph => Tag::P.into(),
        Role::Table { summary } => Tag::Table.with_summary(Some(visible(summary))).into(),
        Role::TableHead => Tag::THead.into(),
        Role::TableBody => Tag::TBody.into(),
        Role::Row => Tag::TR.into(),
        Role::ColumnHeader => Tag::TH(TableHeaderScope::Column).into(),
        Role::RowHeader => Tag::TH(TableHeaderScope::Row).into(),
        Role::Cell => Tag::TD.into(),
    }
}
