//! S7: what an arrangement covers, which receipts follow from it, and what ends it.

use std::collections::HashMap;

use chrono_tz::Europe::Berlin;
use proptest::prelude::*;

use super::super::ReceiptState::{Complete, Missing, Nil};
use super::super::test_support::{at, day, extended, local, month, planning, receipt, roster, statistics};
use super::*;

fn arranged(kind: ArrangementKind, from: &str, until: Option<&str>, recorded: &str) -> Arrangement {
    Arrangement {
        duty: "statistics".into(),
        authority: "k1".into(),
        kind,
        from: month(from),
        until: until.map(day),
        reason: "keine Fälle".into(),
        source: "manual".into(),
        actor: "zrk".into(),
        recorded_at: at(recorded),
    }
}

fn nil(from: &str, until: &str, recorded: &str) -> Arrangement {
    arranged(ArrangementKind::Nil, from, Some(until), recorded)
}

fn ended(from: &str, recorded: &str) -> Arrangement {
    arranged(ArrangementKind::Ended, from, None, recorded)
}

fn exempt() -> ReceiptState {
    ReceiptState::Exempt { reason: "keine Fälle".into() }
}

/// What follows in a cycle of `statistics` for `k1`.
fn due(arrangements: &[Arrangement], said: &[Receipt], cycle: &str, now: &str) -> Vec<Receipt> {
    let mut receipts: HashMap<AuthorityId, Vec<Receipt>> = HashMap::new();
    for receipt in said {
        receipts.entry(receipt.authority.clone()).or_default().push(receipt.clone());
    }
    receipts_due(&statistics(), month(cycle), arrangements, &roster(), &receipts, (at(now), Berlin))
}

#[test]
fn a_cycle_is_covered_if_the_month_it_is_about_ends_by_then() {
    let check = |label: &str, duty: &Duty, until: &str, last: &str| {
        let arrangement = Arrangement { duty: duty.id.clone(), ..nil("2026-12", until, "2026-12-01 10:00") };
        assert_eq!(arrangement.last_cycle(duty), Some(month(last)), "{label}");
        assert_eq!(arrangement.state_in(duty, month(last)), Some(Nil), "{label}: the last");
        assert_eq!(arrangement.state_in(duty, month(last).next()), None, "{label}: the one after");
        assert_eq!(arrangement.state_in(duty, month("2026-11")), None, "{label}: the one before");
    };
    check("statistics report on the month before", &statistics(), "2027-06-30", "2027-07");
    check("planning reports on the same month", &planning(), "2027-06-30", "2027-06");
    check("a month that is not over by then", &planning(), "2027-06-29", "2027-05");
    check("the end of February in a leap year", &planning(), "2028-02-29", "2028-02");
    check("a day before that", &planning(), "2028-02-28", "2028-01");
    check("the turn of the year", &statistics(), "2026-12-31", "2027-01");
    let open = arranged(ArrangementKind::Exempt, "2026-12", None, "2026-12-01 10:00");
    assert_eq!((open.last_cycle(&planning()), open.state_in(&planning(), month("2099-12"))), (None, Some(exempt())));
}

#[test]
fn what_was_said_explicitly_stands_over_an_arrangement() {
    let standing_nil = [nil("2026-12", "2027-06-30", "2026-12-03 10:00")];
    let check = |label: &str, arrangements: &[Arrangement], said: &[Receipt], want: &[ReceiptState]| {
        let found: Vec<_> =
            due(arrangements, said, "2027-01", "2027-01-01 00:00").into_iter().map(|receipt| receipt.state).collect();
        assert_eq!(found, want, "{label}");
    };
    let by_arrangement = |state| Receipt { source: SOURCE.into(), ..receipt("k1", state, "2027-01-01 00:00") };
    let by_hand = |state| receipt("k1", state, "2027-01-02 10:00");
    check("nothing arranged", &[], &[], &[]);
    check("nothing said", &standing_nil, &[], &[Nil]);
    check("said by the arrangement already", &standing_nil, &[by_arrangement(Nil)], &[]);
    check("complete by hand", &standing_nil, &[by_hand(Complete)], &[]);
    check("missing by hand: asked again this month", &standing_nil, &[by_arrangement(Nil), by_hand(Missing)], &[]);
    check("extended by hand", &standing_nil, &[by_hand(extended("2027-01-20"))], &[]);
    check("nil by hand", &standing_nil, &[by_hand(Nil)], &[]);
    let until_december = [nil("2026-12", "2026-11-30", "2026-12-03 10:00")];
    check("not covered", &until_december, &[], &[]);
    let later = [nil("2027-02", "2027-06-30", "2026-12-03 10:00")];
    check("from a later cycle", &later, &[], &[]);
    let ended = [standing_nil[0].clone(), ended("2027-01", "2027-01-08 10:00")];
    check("ended", &ended, &[by_arrangement(Nil)], &[Missing]);
    check("ended, and told", &ended, &[by_arrangement(Nil), by_arrangement(Missing)], &[]);
    check("ended before it spoke", &ended, &[], &[]);
    check("ended, but reported by hand meanwhile", &ended, &[by_arrangement(Nil), by_hand(Complete)], &[]);
    let again = [ended[0].clone(), ended[1].clone(), nil("2027-01", "2027-06-30", "2027-01-09 10:00")];
    check("ended and arranged again", &again, &[by_arrangement(Nil), by_arrangement(Missing)], &[Nil]);
    let exempted = arranged(ArrangementKind::Exempt, "2027-01", None, "2027-01-04 10:00");
    let replaced = [standing_nil[0].clone(), exempted];
    check("an exemption takes its place", &replaced, &[by_arrangement(Nil)], &[exempt()]);
    let shorter = [standing_nil[0].clone(), nil("2026-12", "2026-11-30", "2027-01-04 10:00")];
    check("a shorter one takes its place", &shorter, &[by_arrangement(Nil)], &[Missing]);
}

#[test]
fn the_end_takes_back_what_was_recorded_together_with_the_arrangement_and_nothing_else() {
    let arranged_at = "2026-12-03 10:00";
    let arrangements = [nil("2026-12", "2027-06-30", arranged_at), ended("2026-12", "2026-12-09 10:00")];
    let check = |label: &str, said: Receipt, want: &[ReceiptState]| {
        let found: Vec<_> =
            due(&arrangements, &[said], "2026-12", "2026-12-09 10:00").into_iter().map(|one| one.state).collect();
        assert_eq!(found, want, "{label}");
    };
    check("recorded with it", receipt("k1", Nil, arranged_at), &[Missing]);
    check("a nil report of its own", receipt("k1", Nil, "2026-12-03 10:01"), &[]);
    let elsewhere = Receipt { source: "file:liste".into(), ..receipt("k1", Nil, arranged_at) };
    check("from another source at that instant", elsewhere, &[]);
    check("another word at that instant", receipt("k1", Complete, arranged_at), &[]);
}

#[test]
fn a_receipt_of_an_arrangement_is_in_time_also_after_a_standstill() {
    let check = |label: &str, recorded: &str, now: &str, reported: &str| {
        let found = due(&[nil("2026-12", "2027-06-30", recorded)], &[], "2027-01", now).remove(0);
        assert_eq!((local(found.reported_at).as_str(), local(found.received_at).as_str()), (reported, now), "{label}");
        assert_eq!((found.source.as_str(), found.actor.as_str(), found.why()), (SOURCE, "zrk", Some("keine Fälle")));
    };
    check("at the month's beginning", "2026-12-03 10:00", "2027-01-01 00:00", "2027-01-01 00:00");
    check("three weeks later", "2026-12-03 10:00", "2027-01-22 09:00", "2027-01-01 00:00");
    check("arranged in the month", "2027-01-05 10:00", "2027-01-05 10:00", "2027-01-05 10:00");
    check("a clock that was set back", "2027-01-05 10:00", "2027-01-04 09:00", "2027-01-04 09:00");
}

#[test]
fn who_is_not_in_the_roster_and_what_is_of_another_duty_gets_no_receipt() {
    let stranger = Arrangement { authority: "x9".into(), ..nil("2026-12", "2027-06-30", "2026-12-03 10:00") };
    assert!(due(&[stranger], &[], "2027-01", "2027-01-01 00:00").is_empty());
    let planned = Arrangement { duty: "planning".into(), ..nil("2026-12", "2027-06-30", "2026-12-03 10:00") };
    assert!(due(&[planned], &[], "2027-01", "2027-01-01 00:00").is_empty());
}

#[test]
fn spans_end_where_a_newer_one_begins() {
    let check = |label: &str, arrangements: &[Arrangement], want: &[&str]| {
        let words = |span: &Span<'_>| {
            let last = span.last_cycle.map_or("open".to_owned(), |last| last.to_string());
            let end = span.ended_by.map_or("itself", |newer| newer.kind.as_str());
            let kind = span.arrangement.kind.as_str();
            format!("{kind} {}–{last} by {end}{}", span.arrangement.from, if span.is_empty() { ", empty" } else { "" })
        };
        let found: Vec<String> = spans(&statistics(), arrangements).iter().map(words).collect();
        assert_eq!(found, want, "{label}");
    };
    let standing = nil("2026-12", "2027-06-30", "2026-12-03 10:00");
    let open = |from| arranged(ArrangementKind::Exempt, from, None, "2026-12-04 10:00");
    check("alone", std::slice::from_ref(&standing), &["nil 2026-12–2027-07 by itself"]);
    check("open", &[open("2026-12")], &["exempt 2026-12–open by itself"]);
    check("ended", &[standing.clone(), ended("2027-03", "2027-03-01 10:00")], &["nil 2026-12–2027-02 by ended"]);
    check(
        "ended after its own end",
        &[standing.clone(), ended("2027-08", "2027-03-01 10:00")],
        &["nil 2026-12–2027-07 by itself"],
    );
    check(
        "ended from its first cycle on",
        &[standing.clone(), ended("2026-12", "2026-12-04 10:00")],
        &["nil 2026-12–2026-11 by ended, empty"],
    );
    check(
        "replaced",
        &[standing.clone(), open("2027-02")],
        &["nil 2026-12–2027-01 by exempt", "exempt 2027-02–open by itself"],
    );
    let other = Arrangement { authority: "k2".into(), ..ended("2026-12", "2026-12-04 10:00") };
    check("another authority's end", &[standing, other], &["nil 2026-12–2027-07 by itself"]);
}

#[test]
fn a_list_that_repeats_an_arrangement_says_nothing_new() {
    let of_list = |from, until, recorded| Arrangement { source: "file:liste".into(), ..nil(from, until, recorded) };
    let before = [
        of_list("2026-12", "2027-06-30", "2026-12-03 10:00"),
        // by hand, after the list spoke
        ended("2027-01", "2026-12-20 10:00"),
    ];
    let check = |label: &str, new: Arrangement, want| assert_eq!(is_news(&before, &new), want, "{label}");
    check("the same list again", of_list("2026-12", "2027-06-30", "2026-12-04 10:00"), false);
    check("the next month's list", of_list("2027-01", "2027-06-30", "2027-01-04 10:00"), false);
    check("a later end", of_list("2027-01", "2027-09-30", "2027-01-04 10:00"), true);
    check("an earlier beginning", of_list("2026-11", "2027-06-30", "2027-01-04 10:00"), true);
    check("by hand", nil("2027-01", "2027-06-30", "2027-01-04 10:00"), true);
    let of_other = Arrangement { authority: "k2".into(), ..of_list("2027-01", "2027-06-30", "2027-01-04 10:00") };
    check("of another authority", of_other, true);
}

fn histories() -> impl Strategy<Value = Vec<Arrangement>> {
    let kind = prop_oneof![
        3 => Just(ArrangementKind::Nil),
        2 => Just(ArrangementKind::Exempt),
        2 => Just(ArrangementKind::Ended),
    ];
    let drawn = (kind, 0..12i32, prop::option::of(0..400i64)).prop_map(|(kind, from, days)| {
        let until = days.map(|days| day("2026-11-01") + chrono::TimeDelta::days(days));
        Arrangement { until, from: month("2026-10").plus(from), ..ended("2026-10", "2026-10-01 10:00") }.with(kind)
    });
    prop::collection::vec(drawn, 0..6)
}

impl Arrangement {
    fn with(self, kind: ArrangementKind) -> Self {
        Self { kind, ..self }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cycle_lies_in_a_span_if_and_only_if_its_receipt_follows(history in histories(), offset in 0..24i32) {
        let (duty, cycle) = (statistics(), month("2026-09").plus(offset));
        let found = due(&history, &[], &cycle.to_string(), "2029-01-01 00:00");
        let spans = spans(&duty, &history);
        let within: Vec<_> = spans.iter().filter(|span| span.arrangement.from <= cycle && span.reaches(cycle)).collect();
        prop_assert!(within.len() <= 1, "two hold at once: {:?}", within);
        let want = within.first().map(|span| span.arrangement.kind.as_str());
        prop_assert_eq!(found.first().map(|receipt| receipt.state.as_str()), want);
    }

    #[test]
    fn what_followed_follows_no_second_time(history in histories(), offset in 0..24i32, count in 0..6usize) {
        let cycle = month("2026-09").plus(offset).to_string();
        let earlier = &history[..count.min(history.len())];
        let mut said = due(earlier, &[], &cycle, "2029-01-01 00:00");
        said.extend(due(&history, &said, &cycle, "2029-01-02 00:00"));
        prop_assert!(due(&history, &said, &cycle, "2029-01-03 00:00").is_empty(), "{:?}", said);
    }
}
