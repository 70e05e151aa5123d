//! Shapes rendered text for reading: one-line subjects, wrapped paragraphs. Never changes a word.

use crate::domain::words::ends_line;

/// Columns of the text part: short enough to be quoted in a reply within 80.
pub(super) const TEXT_COLUMNS: usize = 76;

/// Makes a subject of whatever a template gave: one line, single spaces, no control characters.
pub(super) fn one_line(text: &str) -> String {
    let visible: String = text.chars().map(|c| if c.is_control() || ends_line(c) { ' ' } else { c }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Wraps long lines at words, trims trailing spaces, leaves at most one blank line in a row.
pub(super) fn shape_text(text: &str) -> String {
    let mut shaped = String::with_capacity(text.len() + text.len() / 32);
    let mut is_after_blank = true; // drops blank lines at the top
    for line in text.lines() {
        let line = line.trim_end();
        if line.is_empty() {
            if !is_after_blank {
                shaped.push('\n');
            }
            is_after_blank = true;
            continue;
        }
        is_after_blank = false;
        wrap_line(line, &mut shaped);
    }
    let end = shaped.trim_end().len();
    shaped.truncate(end);
    shaped.push('\n');
    shaped
}

fn wrap_line(line: &str, out: &mut String) {
    let indent = hanging_indent(line);
    let lead = line.len() - line.trim_start().len();
    let mut column = lead;
    out.push_str(&line[..lead]);
    let mut is_first = true;
    for word in unbreakable_words(&line[lead..]) {
        let width = word.chars().count();
        if !is_first && column + 1 + width > TEXT_COLUMNS {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if !is_first {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
        is_first = false;
    }
    out.push('\n');
}

/// Where the second line of a paragraph begins: under the first word after a bullet or a label with its padding.
fn hanging_indent(line: &str) -> usize {
    let lead = line.len() - line.trim_start().len();
    let rest = &line[lead..];
    if rest.starts_with("- ") {
        return lead + 2;
    }
    match rest.split_once(":  ") {
        Some((label, value)) => {
            let padding = value.len() - value.trim_start().len();
            lead + label.chars().count() + 3 + padding
        }
        None => lead,
    }
}

/// Splits at single spaces, but neither inside padding nor inside `15. Dezember`, `§ 31` and `Abs. 3`.
fn unbreakable_words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let bytes = text.as_bytes();
    for (at, _) in text.match_indices(' ') {
        let is_padding = at + 1 < bytes.len() && bytes[at + 1] == b' ' || at > 0 && bytes[at - 1] == b' ';
        if !is_padding && !binds(&text[start..at], &text[at + 1..]) {
            words.push(&text[start..at]);
            start = at + 1;
        }
    }
    words.push(&text[start..]);
    words
}

fn binds(word: &str, rest: &str) -> bool {
    let last = word.rsplit(' ').next().unwrap_or(word).trim_start_matches('(');
    let is_day = last.len() <= 3
        && last.strip_suffix('.').is_some_and(|day| !day.is_empty() && day.bytes().all(|b| b.is_ascii_digit()));
    is_day
        || matches!(last, "§" | "§§" | "Abs." | "Az." | "Ziffer" | "Ziffern")
        || rest.starts_with("Abs. ")
        || rest.starts_with("Uhr")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_subject_is_one_line_without_control_characters() {
        let check = |text: &str, want: &str| assert_eq!(one_line(text), want, "{text:?}");
        check("  [Frist 15. Dezember 2026]\n APS \n", "[Frist 15. Dezember 2026] APS");
        check("a\r\nBcc: x@y.example", "a Bcc: x@y.example");
        check("a\0b\u{7}c\u{2028}d\u{85}e", "a b c d e");
        check("", "");
    }

    #[test]
    fn a_list_item_and_a_label_keep_their_second_line_under_the_first_word() {
        let text = "- Freiwillige Ausreisen mit REAG/GARP-Förderung und noch einem langen Zusatz dahinter\n\
                    Frist:          Dienstag, 15. Dezember 2026, und danach folgt noch ein längerer Satz\n";
        assert_eq!(
            shape_text(text),
            "- Freiwillige Ausreisen mit REAG/GARP-Förderung und noch einem langen Zusatz\n  dahinter\n\
             Frist:          Dienstag, 15. Dezember 2026, und danach folgt noch ein\n                längerer Satz\n"
        );
    }

    #[test]
    fn a_date_and_a_paragraph_sign_stay_with_what_follows() {
        let text = format!("{} 15. Dezember 2026", "x".repeat(66));
        assert_eq!(shape_text(&text), format!("{}\n15. Dezember 2026\n", "x".repeat(66)));
        let text = format!("{} (§ 31 Abs. 3 VwVfG)", "x".repeat(70));
        assert_eq!(shape_text(&text), format!("{}\n(§ 31 Abs. 3 VwVfG)\n", "x".repeat(70)));
    }

    #[test]
    fn blank_lines_are_never_doubled_nor_left_at_the_ends() {
        assert_eq!(shape_text("\n\na  \n\n \n\nb\n\n"), "a\n\nb\n");
    }

    proptest! {
        #[test]
        fn wrapping_loses_no_word_and_keeps_to_the_columns(text in "[a-zäöüß.§, \n-]{0,400}") {
            let shaped = shape_text(&text);
            prop_assert_eq!(shaped.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
            for line in shaped.lines() {
                prop_assert_eq!(line, line.trim_end());
            }
        }

        #[test]
        fn single_spaced_words_never_pass_the_last_column(words in proptest::collection::vec("[a-zäöü]{1,30}", 1..80)) {
            for line in shape_text(&words.join(" ")).lines() {
                prop_assert!(line.chars().count() <= TEXT_COLUMNS, "{}", line);
            }
        }
    }
}
