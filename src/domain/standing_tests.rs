//! S1, S4, S5: tables, and laws against a replay that is written differently.

use chrono::TimeDelta;
use chrono_tz::Europe::Berlin;
use proptest::prelude::*;

use super::super::test_support::{at, backdated, day, extended, local, partial, receipt, statistics};
use super::*;

use ReceiptState::{Complete, Missing, Nil};

fn excused() -> ReceiptState {
    ReceiptState::Excused { reason: "Serverausfall".into() }
}

fn exempt() -> ReceiptState {
    ReceiptState::Exempt { reason: "aufgelöst".into() }
}

/// Receipts `(state, received)`, all reported when received.
fn receipts(rows: &[(ReceiptState, &str)]) -> Vec<Receipt> {
    rows.iter().map(|(state, received)| receipt("k1", state.clone(), received)).collect()
}

#[test]
fn the_last_word_counts_and_says_since_when() {
    let check = |label: &str, rows: &[(ReceiptState, &str)], now: &str, state: &str, settled, since: Option<&str>| {
        let standing = standing_at(&receipts(rows), at(now), Berlin);
        let found_since = standing.since.map(local);
        assert_eq!(standing.state.as_str(), state, "{label}: state");
        assert_eq!(standing.is_settled(), settled, "{label}: settled");
        assert_eq!(found_since.as_deref(), since, "{label}: since");
    };
    let (d4, d5, d7, d9) = ("2026-12-04 10:00", "2026-12-05 10:00", "2026-12-07 10:00", "2026-12-09 09:12");
    let now = "2026-12-10 00:00";
    check("nothing heard", &[], now, "missing", false, None);
    check("complete", &[(Complete, d4)], now, "complete", true, Some(d4));
    check("nil", &[(Nil, d4)], now, "nil", true, Some(d4));
    check("partial", &[(partial(&["returns"]), d4)], now, "partial", false, Some(d4));
    check("excused", &[(excused(), d4)], now, "excused", true, Some(d4));
    check("exempt", &[(exempt(), d4)], now, "exempt", true, Some(d4));
    check("partial, then complete", &[(partial(&["returns"]), d4), (Complete, d9)], now, "complete", true, Some(d9));
    check(
        "a correction after completion leaves it complete",
        &[(Complete, d4), (Complete, d9)],
        now,
        "complete",
        true,
        Some(d4),
    );
    check("complete corrected to nil", &[(Complete, d4), (Nil, d9)], now, "nil", true, Some(d4));
    check("withdrawn", &[(Complete, d4), (Missing, d9)], now, "missing", false, Some(d9));
    check(
        "withdrawn and reported again",
        &[(Complete, d4), (Missing, d5), (Complete, d9)],
        now,
        "complete",
        true,
        Some(d9),
    );
    check("corrected to partial", &[(Complete, d4), (partial(&["returns"]), d9)], now, "partial", false, Some(d9));
    check("not yet received", &[(Complete, d9)], d7, "missing", false, None);
    check("received at this instant", &[(Complete, d9)], d9, "complete", true, Some(d9));
    check("extended", &[(extended("2026-12-20"), d4)], now, "extended", true, Some(d4));
    check(
        "on the extension's last day",
        &[(extended("2026-12-20"), d4)],
        "2026-12-20 23:59",
        "extended",
        true,
        Some(d4),
    );
    check("extension run out", &[(extended("2026-12-20"), d4)], "2026-12-21 00:00", "missing", false, None);
    check(
        "partial within an extension",
        &[(extended("2026-12-20"), d4), (partial(&["returns"]), d9)],
        now,
        "extended",
        true,
        Some(d4),
    );
    let ran_out = [(extended("2026-12-20"), d4), (partial(&["returns"]), d9)];
    check("then the extension runs out", &ran_out, "2026-12-21 00:00", "partial", false, Some(d9));
    check(
        "complete within an extension",
        &[(extended("2026-12-20"), d4), (Complete, d9)],
        now,
        "complete",
        true,
        Some(d9),
    );
    let longer = [(extended("2026-12-12"), d4), (extended("2026-12-20"), d9)];
    check("extended again", &longer, "2026-12-15 12:00", "extended", true, Some(d9));
    check("extension taken back", &[(extended("2026-12-20"), d4), (Missing, d9)], now, "missing", false, Some(d9));
}

#[test]
fn in_time_means_settled_at_the_end_of_the_deadline_or_of_the_extension() {
    let check = |label: &str, receipts: &[Receipt], now: &str, want: Option<bool>| {
        assert_eq!(in_time(receipts, day("2026-12-15"), at(now), Berlin), want, "{label}");
    };
    let one = |state, received| vec![receipt("k1", state, received)];
    let (before, after) = ("2026-12-10 12:00", "2026-12-16 00:00");
    check("silent, still open", &[], before, None);
    check("silent, last second", &[], "2026-12-15 23:59", None);
    check("silent, over", &[], after, Some(false));
    check("complete before the end", &one(Complete, "2026-12-09 09:12"), before, Some(true));
    check("nil before the end", &one(Nil, "2026-12-09 09:12"), after, Some(true));
    check("excused before the end", &one(excused(), "2026-12-09 09:12"), after, Some(true));
    check("complete on the last day at 23:59", &one(Complete, "2026-12-15 23:59"), after, Some(true));
    check("complete at 24:00", &one(Complete, "2026-12-16 00:00"), after, Some(false));
    check("partial at the end", &one(partial(&["returns"]), "2026-12-09 09:12"), after, Some(false));
    let late = [backdated("k1", Complete, "2026-12-15 16:00", "2026-12-17 09:00")];
    check("reported in time, recorded two days later", &late, "2026-12-17 09:00", Some(true));
    check("and before it was recorded", &late, "2026-12-16 12:00", Some(false));
    let rows = receipts(&[(Complete, "2026-12-09 09:12"), (Complete, "2026-12-20 09:00")]);
    check("corrected after the end", &rows, "2026-12-21 00:00", Some(true));
    let rows = receipts(&[(Complete, "2026-12-09 09:12"), (Missing, "2026-12-10 09:00")]);
    check("withdrawn before the end, still open", &rows, before, None);
    check("withdrawn before the end", &rows, after, Some(false));
    let rows =
        receipts(&[(Complete, "2026-12-09 09:12"), (Missing, "2026-12-10 09:00"), (Complete, "2026-12-16 09:00")]);
    check("withdrawn and reported again too late", &rows, "2026-12-17 00:00", Some(false));

    let extension = (extended("2026-12-20"), "2026-12-09 09:12");
    let rows = receipts(std::slice::from_ref(&extension));
    check("extension open", &rows, "2026-12-20 23:59", None);
    check("extension run out", &rows, "2026-12-21 00:00", Some(false));
    let rows = receipts(&[extension.clone(), (Complete, "2026-12-20 23:59")]);
    check("complete on the extension's last day", &rows, "2026-12-21 00:00", Some(true));
    let rows = receipts(&[extension.clone(), (Complete, "2026-12-21 00:00")]);
    check("complete after the extension", &rows, "2026-12-22 00:00", Some(false));
    let rows =
        receipts(&[extension.clone(), (extended("2027-01-08"), "2026-12-18 10:00"), (Complete, "2027-01-05 10:00")]);
    check("extended to a later day within the extension", &rows, "2027-01-09 00:00", Some(true));
    let rows = receipts(&[(extended("2026-12-20"), "2026-12-09 09:12"), (partial(&["returns"]), "2026-12-12 10:00")]);
    check("only partial when the extension runs out", &rows, "2026-12-21 00:00", Some(false));
}

#[test]
fn the_missing_parts_are_those_of_the_report_or_all() {
    let check = |state: ReceiptState, want: &[&str]| {
        let words = state.as_str();
        assert_eq!(Standing::of(state, None).missing_parts(&statistics()), want, "{words}");
    };
    let all = ["reag-garp", "without-funding", "returns"];
    check(Missing, &all);
    check(partial(&["returns"]), &["returns"]);
    check(extended("2026-12-20"), &all);
    for state in [Complete, Nil, excused(), exempt()] {
        check(state, &[]);
    }
}

#[test]
fn what_is_known_now_does_not_hang_on_a_clock_that_was_set_back() {
    let rows = receipts(&[(Complete, "2026-12-09 09:12")]);
    assert_eq!(standing_now(&rows, at("2026-12-01 00:00"), Berlin).state, Complete);
    assert_eq!(standing_at(&rows, at("2026-12-01 00:00"), Berlin).state, Missing);
}

fn states() -> impl Strategy<Value = ReceiptState> {
    prop_oneof![
        Just(Missing),
        Just(partial(&["returns"])),
        Just(partial(&["reag-garp", "returns"])),
        Just(Complete),
        Just(Nil),
        Just(excused()),
        Just(exempt()),
        (16..31u32).prop_map(|day| extended(&format!("2026-12-{day:02}"))),
    ]
}

fn histories() -> impl Strategy<Value = Vec<Receipt>> {
    prop::collection::vec((states(), 0..600i64, 0..48i64), 0..10).prop_map(|rows| {
        let mut received_at = at("2026-12-01 08:00");
        let receipt_of = |(state, pause_hours, delay_hours): (ReceiptState, i64, i64)| {
            received_at += TimeDelta::hours(pause_hours / 10);
            let reported_at = received_at - TimeDelta::hours(delay_hours);
            Receipt { received_at, reported_at, ..receipt("k1", state, "2026-12-01 08:00") }
        };
        rows.into_iter().map(receipt_of).collect()
    })
}

/// A replay by looking back from the end instead of folding from the start.
fn replayed(receipts: &[Receipt], now: DateTime<Utc>) -> (&'static str, bool) {
    let word = |receipt: &Receipt| receipt.state.as_str();
    let speaks = |receipt: &&Receipt| word(receipt) != "extended";
    let base = receipts.iter().rfind(speaks).map_or("missing", word);
    if !matches!(base, "missing" | "partial") {
        return (base, true);
    }
    // the extension is the newest one since everything was last taken back
    let after = receipts.iter().rposition(|receipt| word(receipt) == "missing").map_or(0, |index| index + 1);
    let extension = receipts[after..].iter().rfind(|receipt| word(receipt) == "extended");
    if let Some(Receipt { state: ReceiptState::Extended { until, .. }, .. }) = extension
        && now < end_of_day(Berlin, *until)
    {
        return ("extended", true);
    }
    (base, false)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_fold_says_what_a_look_back_from_the_end_says(history in histories(), hours in 0..800i64) {
        let now = at("2026-12-01 08:00") + TimeDelta::hours(hours);
        let known: Vec<Receipt> = history.iter().filter(|receipt| receipt.received_at <= now).cloned().collect();
        let standing = standing_at(&history, now, Berlin);
        prop_assert_eq!((standing.state.as_str(), standing.is_settled()), replayed(&known, now));
    }

    #[test]
    fn later_receipts_do_not_change_the_past(earlier in histories(), later in histories(), hours in 0..800i64) {
        let now = at("2026-12-01 08:00") + TimeDelta::hours(hours);
        let received_later = |receipt: &Receipt| {
            let received_at = now + TimeDelta::seconds(1) + (receipt.received_at - at("2026-12-01 08:00"));
            Receipt { received_at, ..receipt.clone() }
        };
        let all: Vec<Receipt> = earlier.iter().cloned().chain(later.iter().map(received_later)).collect();
        prop_assert_eq!(standing_at(&earlier, now, Berlin), standing_at(&all, now, Berlin));
        let ends_on = day("2026-12-15");
        prop_assert_eq!(in_time(&earlier, ends_on, now, Berlin), in_time(&all, ends_on, now, Berlin));
    }

    #[test]
    fn who_is_settled_without_extension_at_the_end_is_in_time_and_nobody_else(history in histories()) {
        let history: Vec<Receipt> =
            history.into_iter().filter(|receipt| receipt.state.as_str() != "extended").collect();
        let (end, now) = (at("2026-12-16 00:00"), at("2027-02-01 00:00"));
        let by_then: Vec<Receipt> = history.iter().filter(|receipt| receipt.reported_at < end).cloned().collect();
        let (_, settled) = replayed(&by_then, now);
        let (standing, _) = replayed(&history, now);
        let want = (standing != "exempt").then_some(settled); // what is not due is neither in time nor missed
        prop_assert_eq!(in_time(&history, day("2026-12-15"), now, Berlin), want);
    }
}
