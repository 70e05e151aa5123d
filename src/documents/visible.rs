//! Makes any text fit for a document: one composed form, nothing invisible, bounded. Never drops a letter.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

/// The longest text of a cell or paragraph; names have at most 200 characters and reasons 500, the rest is our own.
const TEXT_CHARS_MAX: usize = 2000;

/// Stands for what cannot be shown.
const REPLACEMENT: char = '\u{FFFD}';

/// The text in composed form, with plain spaces for every other white space and a visible mark for each character that cannot
/// be seen or turns the direction of what follows. What is too long ends in `…`.
pub(super) fn visible(text: &str) -> String {
    let composed: Cow<'_, str> = ComposingNormalizerBorrowed::new_nfc().normalize(text);
    let mut shown: String = composed.chars().filter_map(shown).take(TEXT_CHARS_MAX).collect();
    if composed.chars().nth(TEXT_CHARS_MAX).is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

fn shown(c: char) -> Option<char> {
    const SOFT_HYPHEN: char = '\u{AD}'; // only says where a word may be divided
    const NO_BREAK_SPACE: char = '\u{A0}';
    match c {
        SOFT_HYPHEN => None,
        NO_BREAK_SPACE => Some(c),
        '\t' | '\n' | '\r' => Some(' '),
        _ if c.is_control() || is_invisible(c) => Some(REPLACEMENT),
        _ if c.is_whitespace() => Some(' '),
        _ => Some(c),
    }
}

/// Marks of direction and joining, line separators, private use, tags, characters that are none.
fn is_invisible(c: char) -> bool {
    matches!(u32::from(c),
        0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F
        | 0x3164 | 0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB
        | 0xE0000..=0x10FFFF)
        || u32::from(c) & 0xFFFE == 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_marked_and_letters_stay() {
        let check = |label: &str, text: &str, want: &str| assert_eq!(visible(text), want, "{label}");
        check("umlauts", "Köln – „Straße“ §", "Köln – „Straße“ §");
        check("umlauts in two characters, as macOS writes them", "Ko\u{308}ln", "Köln");
        check("a line break", "Kreis\r\nMusterau\tNord", "Kreis  Musterau Nord");
        check("control characters", "a\0b\u{1b}[31m", "a\u{FFFD}b\u{FFFD}[31m");
        check("turned direction", "abc\u{202e}gpj.exe", "abc\u{FFFD}gpj.exe");
        check("right-to-left mark and byte order mark", "\u{200f}a\u{feff}", "\u{FFFD}a\u{FFFD}");
        check("soft hyphen", "Rück\u{ad}kehr", "Rückkehr");
        check("emoji stay for the font to judge", "😀", "😀");
        check("no characters", "\u{ffff}\u{1fffe}\u{fdd0}", "\u{FFFD}\u{FFFD}\u{FFFD}");
    }

    #[test]
    fn long_text_ends_visibly() {
        let shown = visible(&"x".repeat(5000));
        assert_eq!((shown.chars().count(), shown.ends_with('…')), (TEXT_CHARS_MAX, true));
    }
}
