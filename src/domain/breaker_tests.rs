//! The breaker as a table of happenings, and its promises over drawn ones.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::super::delivery::Reply;
use super::{Breaker, Change, Turn};

fn at(minutes: i64) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2026-12-01T08:00:00Z".parse().unwrap();
    start + TimeDelta::minutes(minutes)
}

fn reply(word: &str) -> Reply {
    let text = word.to_owned();
    match word {
        "accepted" => Reply::Accepted { text },
        "450" => Reply::RefusedForNow { text },
        "550" => Reply::RefusedForGood { text },
        "no relay" => Reply::NoRelay { text },
        "broken" => Reply::Broken { text },
        other => panic!("{other}"),
    }
}

/// A breaker of three failures that has just opened at minute 0.
fn opened() -> Breaker {
    let mut breaker = Breaker::new(3);
    for _ in 0..2 {
        assert_eq!(breaker.record(&reply("no relay"), at(0)), None);
    }
    assert_eq!(breaker.record(&reply("no relay"), at(0)), Some(Change::Opened { failures: 3, until: at(1) }));
    breaker
}

#[test]
fn it_opens_after_failures_of_the_relay_that_follow_one_another() {
    let check = |label: &str, replies: &[&str], is_open: bool| {
        let mut breaker = Breaker::new(3);
        replies.iter().for_each(|word| {
            breaker.record(&reply(word), at(0));
        });
        assert_eq!(breaker.is_open(), is_open, "{label}");
        assert_eq!(breaker.turn(at(0)) == Turn::Go, !is_open, "{label}");
    };
    check("nothing yet", &[], false);
    check("one less", &["no relay", "no relay"], false);
    check("as many", &["no relay", "no relay", "no relay"], true);
    check("a mail got through between", &["no relay", "no relay", "accepted", "no relay", "no relay"], false);
    check("a mailbox was refused between", &["no relay", "no relay", "550", "no relay", "no relay"], false);
    check("mailboxes that are refused", &["550"; 50], false);
    check("greylisting", &["450"; 50], false);
    check("connections that break after the message", &["broken", "no relay", "broken"], true);
}

#[test]
fn pauses_grow_to_a_quarter_of_an_hour_and_one_mail_tries_after_each() {
    let mut breaker = opened();
    let mut now = 0;
    for (try_number, pause) in [1, 2, 4, 8, 15, 15, 15].into_iter().enumerate() {
        assert_eq!(breaker.turn(at(now + pause) - TimeDelta::microseconds(1)), Turn::WaitUntil(at(now + pause)));
        now += pause;
        assert_eq!(breaker.turn(at(now)), Turn::TryOne, "try {try_number}");
        assert!(matches!(breaker.turn(at(now)), Turn::WaitUntil(_)), "only one tries");
        assert!(breaker.is_open(), "nothing has shown yet that the relay is back");
        let change = breaker.record(&reply("no relay"), at(now));
        assert!(
            matches!(change, Some(Change::Opened { failures, .. }) if failures == 4 + try_number as u32),
            "{change:?}"
        );
    }
    assert_eq!(breaker.turn(at(now + 15)), Turn::TryOne);
    assert_eq!(breaker.record(&reply("550"), at(now + 15)), Some(Change::Closed), "it answers, whatever it says");
    assert_eq!(breaker.turn(at(now + 15)), Turn::Go);
    assert_eq!(breaker.record(&reply("no relay"), at(now + 15)), None, "it counts from the beginning");
}

#[test]
fn replies_of_other_connections_do_not_lengthen_a_pause() {
    let mut breaker = opened();
    for _ in 0..15 {
        assert_eq!(breaker.record(&reply("no relay"), at(0)), None, "under way when it opened");
    }
    assert_eq!(breaker.turn(at(0)), Turn::WaitUntil(at(1)));
    assert_eq!(breaker.record(&reply("accepted"), at(0)), Some(Change::Closed), "the relay takes mail after all");
}

#[test]
fn a_try_of_which_nothing_comes_is_followed_by_another() {
    let mut breaker = opened();
    assert_eq!(breaker.turn(at(1)), Turn::TryOne);
    assert_eq!(breaker.turn(at(1)), Turn::WaitUntil(at(2)), "the mail was withdrawn, say");
    assert_eq!(breaker.turn(at(2)), Turn::TryOne);
}

#[test]
fn a_clock_that_is_set_back_does_not_keep_it_open() {
    let mut breaker = opened();
    assert_eq!(breaker.turn(at(-600)), Turn::TryOne);
    assert_eq!(breaker.record(&reply("no relay"), at(-600)), Some(Change::Opened { failures: 4, until: at(-598) }));
}

#[test]
fn new_settings_hold_for_what_was_counted() {
    let mut breaker = Breaker::new(10);
    for _ in 0..4 {
        breaker.record(&reply("no relay"), at(0));
    }
    breaker.set_failures_max(5);
    assert!(matches!(breaker.record(&reply("no relay"), at(0)), Some(Change::Opened { failures: 5, .. })));
}

proptest! {
    /// Whatever happens, and however the clock jumps: no wait is longer than the longest pause, so that a relay that is back
    /// is noticed; closed means that everything may go; and it is open only after enough failures.
    #[test]
    fn no_wait_is_longer_than_a_quarter_of_an_hour(
        failures_max in 1..6u32,
        happenings in prop::collection::vec((-2000..2000i64, 0..6usize), 0..60),
    ) {
        let mut breaker = Breaker::new(failures_max);
        let (mut now, mut in_a_row) = (0, 0);
        for (passes, happening) in happenings {
            now += passes / 20;
            let words = ["accepted", "450", "550", "no relay", "broken"];
            if let Some(word) = words.get(happening) {
                in_a_row = if happening < 3 { 0 } else { in_a_row + 1 };
                breaker.record(&reply(word), at(now));
            }
            prop_assert_eq!(breaker.is_open(), in_a_row >= failures_max);
            match breaker.turn(at(now)) {
                Turn::Go => prop_assert!(!breaker.is_open()),
                Turn::TryOne => prop_assert!(breaker.is_open()),
                Turn::WaitUntil(until) => prop_assert!(at(now) < until && until <= at(now + 15), "{until}"),
            }
        }
    }
}
