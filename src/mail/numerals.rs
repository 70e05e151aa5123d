//! Numbers in German words, as far as letters say them. Never knows what is counted.

/// Up to where ordinals are written out; above, figures read better.
const ORDINALS: [&str; 12] = [
    "erste", "zweite", "dritte", "vierte", "fünfte", "sechste", "siebte", "achte", "neunte", "zehnte", "elfte",
    "zwölfte",
];

/// `zweite`, as in `der zweite Bericht`.
pub(super) fn ordinal(number: u32) -> String {
    match (number as usize).checked_sub(1).and_then(|index| ORDINALS.get(index)) {
        Some(word) => (*word).to_owned(),
        None => format!("{number}."),
    }
}

/// `dritten`, as in `zum dritten Mal`.
pub(super) fn ordinal_dative(number: u32) -> String {
    let word = ordinal(number);
    if word.ends_with('.') { word } else { word + "n" }
}

/// `zum dritten Mal in Folge`; none below two, because once is no row.
pub(super) fn times_running(times: u32) -> Option<String> {
    (times > 1).then(|| format!("zum {} Mal in Folge", ordinal_dative(times)))
}

/// `zehn Arbeitstage`, in the accusative.
pub(super) fn working_days(count: u32) -> String {
    const WORDS: [&str; 11] =
        ["zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf"];
    match count {
        1 => "einen Arbeitstag".into(),
        2..=12 => format!("{} Arbeitstage", WORDS[count as usize - 2]),
        _ => format!("{count} Arbeitstage"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_are_words_and_large_ones_figures() {
        let check = |number, want: &str| assert_eq!(ordinal(number), want);
        check(1, "erste");
        check(12, "zwölfte");
        check(13, "13.");
        check(0, "0.");
        assert_eq!((ordinal_dative(3), ordinal_dative(13)), ("dritten".into(), "13.".into()));
        assert_eq!((working_days(1), working_days(12)), ("einen Arbeitstag".into(), "zwölf Arbeitstage".into()));
        assert_eq!(working_days(13), "13 Arbeitstage");
    }

    #[test]
    fn once_is_no_row() {
        assert_eq!((times_running(0), times_running(1)), (None, None));
        assert_eq!(times_running(2).as_deref(), Some("zum zweiten Mal in Folge"));
    }
}
