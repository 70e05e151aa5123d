//! File names from any words. Never more than letters, digits, `-`, `_` and `.` of ASCII.

const PART_CHARS_MAX: usize = 40; // four parts and an ending stay below what mail programs and file systems take

/// `Ausstehende-Meldungen_Koeln_2026-12-17.pdf` from its parts; a part of which nothing is left is left out.
pub(super) fn file_name(parts: &[&str], ending: &str) -> String {
    let parts: Vec<String> = parts.iter().map(|part| in_ascii(part)).filter(|part| !part.is_empty()).collect();
    format!("{}.{ending}", parts.join("_"))
}

/// Umlauts as two letters; everything else that is no letter or digit as a single `-`.
fn in_ascii(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        match c {
            'ä' => name.push_str("ae"),
            'ö' => name.push_str("oe"),
            'ü' => name.push_str("ue"),
            'Ä' => name.push_str("Ae"),
            'Ö' => name.push_str("Oe"),
            'Ü' => name.push_str("Ue"),
            'ß' => name.push_str("ss"),
            _ if c.is_ascii_alphanumeric() => name.push(c),
            _ if !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    name.chars().take(PART_CHARS_MAX).collect::<String>().trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ascii_whatever_the_words_are() {
        let check = |parts: &[&str], want: &str| assert_eq!(file_name(parts, "pdf"), want, "{parts:?}");
        check(&["Ausstehende Meldungen", "Köln", "2026-11"], "Ausstehende-Meldungen_Koeln_2026-11.pdf");
        check(&["a", "../..\\\0\r\n", "Übergrößenträger"], "a_Uebergroessentraeger.pdf");
        check(&["a", &"x".repeat(300)], &format!("a_{}.pdf", "x".repeat(40)));
    }
}
