//! Tests what a cell of a list is taken for, and what it is not taken for.

use chrono_tz::Europe::Berlin;
use proptest::prelude::*;

use super::*;

#[test]
fn of_a_figure_only_its_presence_is_told() {
    use Presence::{AboveZero, Blank, Unreadable, Zero};
    let check = |text: &str, want: Presence| assert_eq!(presence(text, false), want, "{text:?}");
    for (text, want) in [
        ("", Blank),
        (" \u{a0}\t", Blank),
        ("0", Zero),
        ("00", Zero),
        ("0,0", Zero),
        ("0.00", Zero),
        ("0.000,0", Zero),
        ("12", AboveZero),
        (" 12 ", AboveZero),
        ("1.234", AboveZero),
        ("1,234", AboveZero),
        ("1.234,0", AboveZero),
        ("1,234.0", AboveZero),
        ("1 234", AboveZero),
        ("1\u{202f}234\u{202f}567,5", AboveZero),
        ("1'234", AboveZero),
        ("0,5", AboveZero),
        ("99999999999999999999999999", AboveZero),
        (">0", AboveZero),
        ("> 0", AboveZero),
        ("> 1", Unreadable),
        ("-3", Unreadable),
        ("−3", Unreadable),
        ("-", Unreadable),
        ("–", Unreadable),
        (".", Unreadable),
        (",", Unreadable),
        ("k. A.", Unreadable),
        ("NaN", Unreadable),
        ("inf", Unreadable),
        ("1e309", Unreadable),
        ("1.23.456", Unreadable),
        ("1.2345,0", Unreadable),
        ("1..234", Unreadable),
        ("5 %", Unreadable),
        ("ja", Unreadable),
        ("x", Unreadable),
        ("04.12.2026", Unreadable),
        ("12 Personen", Unreadable),
        ("١٢", Unreadable),
    ] {
        check(text, want);
    }
}

#[test]
fn a_confirmation_is_yes_or_a_date_and_anything_else_is_not_guessed() {
    use Presence::{AboveZero, Blank, Unreadable};
    let check = |text: &str, want: Presence| assert_eq!(presence(text, true), want, "{text:?}");
    for (text, want) in [
        ("", Blank),
        ("ja", AboveZero),
        ("JA", AboveZero),
        ("X", AboveZero),
        ("wahr", AboveZero),
        ("1", AboveZero),
        ("04.12.2026", AboveZero),
        ("2026-12-04 09:12:00", AboveZero),
        ("nein", Blank),
        ("falsch", Blank),
        ("0", Blank),
        ("2", Unreadable),
        ("> 0", Unreadable),
        ("vielleicht", Unreadable),
        ("31.11.2026", Unreadable),
    ] {
        check(text, want);
    }
}

#[test]
fn numbers_and_booleans_are_told_as_their_texts_are() {
    use Presence::{AboveZero, Blank, Unreadable, Zero};
    let check = |number: f64, figure: Presence, confirmation: Presence| {
        assert_eq!(presence_of_number(number, false), figure, "{number} as a figure");
        assert_eq!(presence_of_number(number, true), confirmation, "{number} as a confirmation");
    };
    check(0.0, Zero, Blank);
    check(-0.0, Zero, Blank);
    check(1.0, AboveZero, AboveZero);
    check(12.0, AboveZero, Unreadable);
    check(0.5, AboveZero, Unreadable);
    check(-1.0, Unreadable, Unreadable);
    check(f64::NAN, Unreadable, Unreadable);
    check(f64::INFINITY, Unreadable, Unreadable);
    assert_eq!(presence_of_yes_no(true, true), AboveZero);
    assert_eq!(presence_of_yes_no(false, true), Blank);
    assert_eq!(presence_of_yes_no(true, false), Unreadable);
    assert_eq!(presence_of_date(false), Unreadable);
}

#[test]
fn a_month_is_understood_however_it_is_written() {
    let check = |text: &str, want: Option<&str>| {
        assert_eq!(month(text).map(|month| month.to_string()).as_deref(), want, "{text:?}");
    };
    for text in [
        "2026-12",
        " 2026-12 ",
        "2026/12",
        "12/2026",
        "12.2026",
        "12-2026",
        "Dezember 2026",
        "DEZEMBER  2026",
        "Dez 2026",
        "Dez. 2026",
        "Dez. 26",
        "Dez-26",
        "dec-26",
        "December 2026",
        "01.12.2026",
        "1.12.26",
        "1. Dezember 2026",
        "2026-12-01",
        "2026-12-01 00:00:00",
    ] {
        check(text, Some("2026-12"));
    }
    check("März 2027", Some("2027-03"));
    check("Mrz. 27", Some("2027-03"));
    check("1/2026", Some("2026-01"));
    for text in [
        "",
        "Dezember",
        "2026",
        "12",
        "12/26",
        "26-12",
        "2026-13",
        "13/2026",
        "0/2026",
        "15.12.2026",
        "2026-12-01 08:00:00",
        "Dezember 1990",
        "Dezember 2026 (vorläufig)",
        "Q4 2026",
        "2026-1-1-1",
    ] {
        check(text, None);
    }
}

#[test]
fn a_date_or_instant_is_understood_in_german_and_iso_form() {
    let day = |text: &str| Some(When::Day(text.parse().unwrap()));
    let instant = |text: &str| Some(When::Instant(text.parse().unwrap()));
    let check = |text: &str, want: Option<When>| assert_eq!(when(text, Berlin), want, "{text:?}");
    for text in ["04.12.2026", "4.12.2026", "4.12.26", "2026-12-04", "4. Dezember 2026", "4. Dez. 2026"] {
        check(text, day("2026-12-04"));
    }
    for text in [
        "04.12.2026 09:12",
        "04.12.2026  9:12",
        "04.12.2026, 09:12 Uhr",
        "4. Dezember 2026, 09:12 Uhr",
        "2026-12-04 09:12",
        "2026-12-04T09:12:00",
        "2026-12-04T09:12:00.250",
        "2026-12-04T09:12:00+01:00",
        "2026-12-04t08:12:00z",
        "2026-12-04T08:12Z",
        "2026-12-04 09:12+01:00",
    ] {
        check(text, instant("2026-12-04T08:12:00Z"));
    }
    check("2026-12-04T09:12:00.250+02:00", instant("2026-12-04T07:12:00.250Z"));
    check("28.03.2027 02:30", instant("2027-03-28T01:00:00Z")); // left out by the spring change
    check("25.10.2026 02:30", instant("2026-10-25T00:30:00Z")); // the first of two
    for text in [
        "",
        "12/04/2026",
        "04/12/2026",
        "31.11.2026",
        "29.02.2026",
        "4.12.",
        "4.12.126",
        "2026-12-4",
        "04.12.2026 24:00",
        "04.12.2026 09:60",
        "04.12.2026 9",
        "04.12.2026 09:1",
        "09:12",
        "04.12.1890",
        "2101-01-01",
        "9999-12-31T23:59:59Z",
        "heute",
        "46360",
    ] {
        check(text, None);
    }
}

#[test]
fn states_are_understood_in_german_and_english_and_come_out_as_in_s1() {
    let check = |text: &str, want: Option<&str>| assert_eq!(state(text), want, "{text:?}");
    for word in crate::domain::ReceiptState::WORDS {
        check(word, Some(word));
    }
    check("Fehlt", Some("missing"));
    check("nicht\ngemeldet", Some("missing"));
    check("teilweise", Some("partial"));
    check("Gemeldet", Some("complete"));
    check("FEHLANZEIGE", Some("nil"));
    check("entschuldigt", Some("excused"));
    check("verlängert", Some("extended"));
    check("befreit", Some("exempt"));
    check("gemeldet?", None);
    check("", None);
    assert_eq!(yes_or_no("Wahr"), Some(true));
    assert_eq!(yes_or_no("nein"), Some(false));
    assert_eq!(yes_or_no("-"), None);
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in ".{0,40}", near in "[0-9.,:+\\-TtZ /a-zäöü]{0,30}") {
        for text in [text, near] {
            let _ = (presence(&text, false), presence(&text, true), month(&text), when(&text, Berlin), state(&text));
        }
    }

    #[test]
    fn a_number_is_told_the_same_as_text_and_as_number(number in 0_u32..3_000_000) {
        for is_confirmation in [false, true] {
            prop_assert_eq!(
                presence(&number.to_string(), is_confirmation),
                presence_of_number(f64::from(number), is_confirmation)
            );
        }
    }

    #[test]
    fn every_day_is_understood_as_mails_and_tables_write_it(days in 0_i32..38_000) {
        let date = NaiveDate::from_ymd_opt(1995, 1, 1).unwrap() + chrono::Days::new(days as u64);
        for text in [
            date.to_string(),
            date.format("%d.%m.%Y").to_string(),
            date.format("%-d.%-m.%Y").to_string(),
            dates::date_in_words(date),
        ] {
            prop_assert_eq!(when(&text, Berlin), Some(When::Day(date)), "{}", text);
        }
        let of_month = Month::of(date);
        for text in [of_month.to_string(), of_month.in_words(), date.format("%m/%Y").to_string()] {
            prop_assert_eq!(month(&text), Some(of_month), "{}", text);
        }
    }
}
