//! The limits as laws: drawn arrivals, delays and replicas; never too many in a minute, nobody starved, order kept.

use std::collections::{BTreeMap, HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::{Limits, Minute};

const DOMAINS: [&str; 4] = ["a.example", "b.example", "c.example", "d.example"];

fn at(milliseconds: i64) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2026-12-01T08:00:00Z".parse().unwrap();
    start + TimeDelta::milliseconds(milliseconds)
}

fn limits(mails_a_minute: u32, mails_a_minute_a_domain: u32) -> Limits {
    Limits { mails_a_minute, mails_a_minute_a_domain }
}

/// The most mails that any 60 seconds see, in all and of one domain; counted by hand.
fn densest(handed_over: &[(i64, usize)]) -> (usize, usize) {
    let within = |end: i64, domain: Option<usize>| {
        let counts =
            |(at, of): &&(i64, usize)| (end - 60_000 < *at && *at <= end) && domain.is_none_or(|one| one == *of);
        handed_over.iter().filter(counts).count()
    };
    let all = handed_over.iter().map(|(at, _)| within(*at, None)).max().unwrap_or(0);
    let of_domain = handed_over.iter().map(|(at, domain)| within(*at, Some(*domain))).max().unwrap_or(0);
    (all, of_domain)
}

proptest! {
    /// Any number of replicas claim at any instants, and hand over what they claimed after delays of up to two minutes.
    #[test]
    fn no_sixty_seconds_see_more_mails_than_a_limit(
        all in 1..12u32,
        of_domain in 1..6u32,
        claims in prop::collection::vec(
            (0..20_000i64, prop::collection::vec((0..DOMAINS.len(), 0..120_000i64), 1..8)),
            1..40,
        ),
    ) {
        let mut now = 0;
        let mut handed_over: Vec<(i64, usize)> = Vec::new();
        let mut in_hand: Vec<(i64, usize)> = Vec::new();
        for (passes, candidates) in claims {
            now += passes;
            handed_over.extend(in_hand.iter().filter(|(when, _)| *when <= now));
            in_hand.retain(|(when, _)| *when > now);
            let mut minute = Minute::default();
            handed_over.iter().for_each(|(when, domain)| minute.record(DOMAINS[*domain], at(*when), 1));
            let mut room = minute.room(limits(all, of_domain), at(now));
            in_hand.iter().for_each(|(_, domain)| room.hold(DOMAINS[*domain], 1));
            for (domain, delay) in candidates {
                if room.take(DOMAINS[domain]) {
                    in_hand.push((now + delay, domain));
                }
            }
        }
        handed_over.extend(in_hand);
        let (densest_all, densest_domain) = densest(&handed_over);
        prop_assert!(densest_all <= all as usize, "{densest_all} of {all}: {handed_over:?}");
        prop_assert!(densest_domain <= of_domain as usize, "{densest_domain} of {of_domain}: {handed_over:?}");
    }

    /// A queue that is looked at whenever something may go is empty in the time that the limits take, each domain in its order.
    #[test]
    fn nobody_is_starved_and_a_domain_keeps_its_order(
        all in 1..12u32,
        of_domain in 1..6u32,
        queue in prop::collection::vec(0..DOMAINS.len(), 0..60),
    ) {
        let limits = limits(all, of_domain);
        let mut by_domain: BTreeMap<usize, u32> = BTreeMap::new();
        queue.iter().for_each(|domain| *by_domain.entry(*domain).or_default() += 1);
        // the fullest domain's minutes, and all minutes: neither limit makes the other wait longer than both together
        let minutes = (queue.len() as u32).div_ceil(all) + by_domain.values().map(|n| n.div_ceil(of_domain)).max().unwrap_or(0);
        let mut waiting: VecDeque<(usize, usize)> = queue.into_iter().enumerate().collect();
        let mut gone: HashMap<usize, usize> = HashMap::new();
        let (mut minute, mut now) = (Minute::default(), at(250));
        while !waiting.is_empty() {
            let mut room = minute.room(limits, now);
            let mut taken = Vec::new();
            for (index, domain) in std::mem::take(&mut waiting) {
                if room.take(DOMAINS[domain]) {
                    prop_assert!(gone.insert(domain, index).is_none_or(|before| before < index), "out of order");
                    taken.push(domain);
                } else {
                    waiting.push_back((index, domain));
                }
            }
            let next_at = room.next_at();
            prop_assert!(!taken.is_empty(), "the instant was foretold, and nothing may go");
            taken.into_iter().for_each(|domain| minute.record(DOMAINS[domain], now, 1));
            let Some(next_at) = next_at else { break };
            let mut before = minute.room(limits, next_at - TimeDelta::microseconds(1));
            prop_assert!(!waiting.iter().any(|(_, domain)| before.take(DOMAINS[*domain])), "one could have gone earlier");
            prop_assert!(next_at > now);
            now = next_at;
        }
        prop_assert!(waiting.is_empty());
        prop_assert!(now <= at(250) + TimeDelta::seconds(61) * minutes as i32, "{now} after {minutes} minutes");
    }
}

#[test]
fn a_full_domain_is_passed_over() {
    let mut minute = Minute::default();
    minute.record("a.example", at(-10_000), 2);
    minute.record("b.example", at(-5_000), 1);
    let mut room = minute.room(limits(100, 2), at(0));
    let taken: Vec<bool> =
        ["a.example", "b.example", "b.example", "c.example"].iter().map(|domain| room.take(domain)).collect();
    assert_eq!(taken, [false, true, false, true]);
    assert_eq!(room.left(), 95);
    assert_eq!(room.next_at(), Some(at(50_000)), "a's two went 10 seconds ago");
}

#[test]
fn what_is_in_some_hand_counts_as_if_it_went_now() {
    let minute = Minute::default();
    let mut room = minute.room(limits(3, 2), at(0));
    room.hold("a.example", 2);
    assert!(!room.take("a.example"));
    assert_eq!(room.next_at(), Some(at(60_000)));
    assert!(room.take("b.example"));
    assert!(!room.take("b.example"), "three in all");
    room.hold("c.example", 50);
    assert_eq!(room.left(), 0, "more in hand than the limit, as after a reload that lowered it");
}

#[test]
fn a_limit_that_was_lowered_waits_until_enough_have_left_the_minute() {
    let mut minute = Minute::default();
    for second in 0..10 {
        minute.record("a.example", at(second * 1000), 10);
    }
    let mut room = minute.room(limits(25, 1000), at(20_000));
    assert!(!room.take("a.example"));
    assert_eq!(room.next_at(), Some(at(67_000)), "two seconds of ten are left then");
}

#[test]
fn instants_count_for_a_minute_whatever_clock_they_are_from() {
    let check = |label: &str, handed_over_at: i64, counts: bool| {
        let mut minute = Minute::default();
        minute.record("a.example", at(handed_over_at), 1);
        let mut room = minute.room(limits(1, 1), at(0));
        assert_eq!(!room.take("a.example"), counts, "{label}");
        assert!(room.next_at().is_none_or(|next_at| next_at <= at(121_000)), "{label}: {:?}", room.next_at());
    };
    check("now", 0, true);
    check("59.5 seconds ago", -59_500, true);
    check("60 seconds ago", -60_000, false);
    check("a second ago", -1_000, true);
    check("by a replica whose clock is a minute ahead", 60_000, true);
    check("before the clock was set back by an hour", 3_600_000, false);
}
