//! The typeface of documents: which characters it has, how wide they are, where lines break. Never draws.

use std::collections::HashMap;
use std::sync::LazyLock;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

use super::visible::visible;

/// Stands for what the typeface does not have; Unicode's own replacement character is not among its glyphs.
const MISSING: char = '□';

/// One weight of the typeface.
pub(super) struct Typeface {
    /// For drawing.
    pub(super) font: Font,
    /// Each character's glyph and its width in parts of the size.
    glyphs: HashMap<char, (u32, f32)>,
}

/// How heavy a text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// A line that fits: what is drawn, and how wide it is without the space at its end.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Line {
    /// Ends in a space where the text goes on, so that whoever extracts it finds the words apart.
    pub(super) text: String,
    pub(super) width: f32,
}

static REGULAR: LazyLock<Typeface> =
    LazyLock::new(|| Typeface::embedded(include_bytes!("../../templates/fonts/LiberationSans-Regular.ttf")));
static BOLD: LazyLock<Typeface> =
    LazyLock::new(|| Typeface::embedded(include_bytes!("../../templates/fonts/LiberationSans-Bold.ttf")));

impl Typeface {
    pub(super) fn of(weight: Weight) -> &'static Self {
        match weight {
            Weight::Regular => &REGULAR,
            Weight::Bold => &BOLD,
        }
    }

    fn embedded(bytes: &'static [u8]) -> Self {
        let file = FontRef::new(bytes).expect("the embedded font is whole; a test draws with it");
        let font = Font::new(bytes.into(), 0).expect("the embedded font is whole; a test draws with it");
        let metrics = file.glyph_metrics(Size::unscaled(), LocationRef::default());
        let mapped = file.charmap().mappings().filter_map(|(code, glyph)| Some((char::from_u32(code)?, glyph)));
        let glyphs = mapped
            .filter(|(_, glyph)| glyph.to_u32() != 0)
            .map(|(c, glyph)| (c, (glyph.to_u32(), metrics.advance_width(glyph).unwrap_or(0.0) / font.units_per_em())))
            .collect();
        Self { font, glyphs }
    }

    /// The text with a visible mark in the place of what the typeface does not have.
    pub(super) fn drawable(&self, text: &str) -> String {
        visible(text).chars().map(|c| if self.has(c) { c } else { MISSING }).collect()
    }

    /// Whether the character can be drawn by itself, from left to right.
    fn has(&self, c: char) -> bool {
        let is_left_to_right =
            !matches!(u32::from(c), 0x0300..=0x036F | 0x0590..=0x08FF | 0xFB00..=0xFDFF | 0xFE20..=0xFEFE);
        is_left_to_right && self.glyphs.contains_key(&c)
    }

    /// The width of a drawable text in points.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|c| self.advance(c)).sum::<f32>() * size
    }

    fn advance(&self, c: char) -> f32 {
        self.glyphs.get(&c).map_or(0.0, |(_, advance)| *advance)
    }

    /// The glyphs of a drawable text.
    pub(super) fn glyphs(&self, text: &str) -> Vec<KrillaGlyph> {
        let glyph = |(at, c): (usize, char)| {
            let (id, advance) = self.glyphs.get(&c).copied().unwrap_or_default();
            KrillaGlyph::new(GlyphId::new(id), advance, 0.0, 0.0, 0.0, at..at + c.len_utf8(), None)
        };
        text.char_indices().map(glyph).collect()
    }

    /// Breaks a text into lines of at most that width: at spaces, after hyphens and slashes, and within a word that is longer
    /// than a line. At least one line, and at least one character on each.
    pub(super) fn lines(&self, text: &str, size: f32, width_max: f32) -> Vec<Line> {
        let text = self.drawable(text);
        let mut lines = Vec::new();
        let mut current = String::new();
        for word in words(text.trim()) {
            let together = self.width(current.as_str(), size) + self.width(word.trim_end_matches(' '), size);
            if together > width_max && !current.is_empty() {
                lines.push(self.line(std::mem::take(&mut current), size));
            }
            current.push_str(word);
            while self.width(current.trim_end_matches(' '), size) > width_max {
                let rest = current.split_off(self.fitting(&current, size, width_max));
                if rest.is_empty() {
                    break;
                }
                lines.push(self.line(std::mem::replace(&mut current, rest), size));
            }
        }
        if !current.is_empty() || lines.is_empty() {
            lines.push(self.line(current, size));
        }
        lines
    }

    fn line(&self, text: String, size: f32) -> Line {
        let width = self.width(text.trim_end_matches(' '), size);
        // once lines are broken both spaces are the same, and whoever searches the text types the plain one
        Line { text: text.replace('\u{a0}', " "), width }
    }

    /// How many bytes of a text fit, a whole character at least.
    fn fitting(&self, text: &str, size: f32, width_max: f32) -> usize {
        let mut width = 0.0;
        for (at, c) in text.char_indices() {
            width += self.advance(c) * size;
            if width > width_max && at > 0 {
                return at;
            }
        }
        text.len()
    }
}

/// Pieces after each of which a line may end; spaces go with what is before them. `APS-` and the like do not end a line, and an
/// address stays in one piece, because nobody could tell whether the hyphen is part of it.
fn words(text: &str) -> impl Iterator<Item = &str> {
    const BYTES_BEFORE_HYPHEN_MIN: usize = 5; // `REAG/` and `Dublin-`, but not `APS-`
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.len();
        let is_address = rest.split(' ').next().is_some_and(|word| word.contains(['@', ':']));
        let mut characters = rest.char_indices().peekable();
        while let Some((_, c)) = characters.next() {
            let Some((next_at, next)) = characters.peek().copied() else { break };
            // „–1“ and „1/2“ stay together
            let is_joint = matches!(c, '-' | '/' | '–')
                && next_at >= BYTES_BEFORE_HYPHEN_MIN
                && next.is_alphabetic()
                && !is_address;
            if (c == ' ' && next != ' ') || is_joint {
                end = next_at;
                break;
            }
        }
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, width_max: f32) -> Vec<String> {
        Typeface::of(Weight::Regular).lines(text, 10.0, width_max).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn lines_break_at_spaces_after_hyphens_and_within_what_is_too_long() {
        let check = |label: &str, text: &str, width_max: f32, want: &[&str]| {
            assert_eq!(lines(text, width_max), want, "{label}");
        };
        check("fits", "Kreis Musterau", 100.0, &["Kreis Musterau"]);
        check("at a space", "Kreis Musterau", 50.0, &["Kreis ", "Musterau"]);
        check("after a hyphen", "Dublin-Überstellungen", 80.0, &["Dublin-", "Überstellungen"]);
        check("not after a short beginning", "das APS-Modul", 60.0, &["das ", "APS-Modul"]);
        check("not within an address", "Fragen an aps@zrk-nrw.example", 110.0, &["Fragen an ", "aps@zrk-nrw.example"]);
        check("after a slash", "REAG/GARP", 40.0, &["REAG/", "GARP"]);
        check("numbers stay together", "523-26.19.01-000001", 1000.0, &["523-26.19.01-000001"]);
        check("within a word", "xxxxxxxx", 16.0, &["xxx", "xxx", "xx"]);
        check("narrower than a letter", "ab", 1.0, &["a", "b"]);
        check("empty", "", 10.0, &[""]);
        check("blank", "   ", 10.0, &[""]);
    }

    #[test]
    fn what_the_typeface_does_not_have_is_marked() {
        let check = |text: &str, want: &str| assert_eq!(Typeface::of(Weight::Bold).drawable(text), want, "{text:?}");
        check("Łódź İstanbul „Grüße“ – § €", "Łódź İstanbul „Grüße“ – § €");
        check("Ko\u{308}ln", "Köln");
        check("a\0b", "a□b");
        check("😀 北京", "□ □□");
        check("שלום", "□□□□");
        check("x\u{301}", "x□"); // a mark that composes with nothing
    }
}
