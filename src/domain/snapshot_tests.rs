//! S4, S5, S6: lists that speak only when they change their mind, in any order with everything else that is recorded.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Europe::Berlin;
use proptest::prelude::*;

use super::super::ReceiptState::{Complete, Missing, Nil};
use super::super::dates::end_of_day;
use super::super::standing::{in_time, standing_at};
use super::super::test_support::{at, day, extended, partial, receipt};
use super::*;

const LIST: &str = "file:liste";

fn said(rows: &[(&str, ReceiptState)]) -> Vec<Receipt> {
    let of = |(source, state): &(&str, ReceiptState)| Receipt {
        source: (*source).into(),
        ..receipt("k1", state.clone(), "2026-12-09 09:12")
    };
    rows.iter().map(of).collect()
}

#[test]
fn a_row_is_news_only_if_its_own_source_said_otherwise() {
    let check = |label: &str, before: &[(&str, ReceiptState)], says: ReceiptState, want| {
        assert_eq!(is_news(&said(before), LIST, &says), want, "{label}");
    };
    check("never said, still missing", &[], Missing, false);
    check("never said, now complete", &[], Complete, true);
    check("the same list again", &[(LIST, Complete)], Complete, false);
    check("taken back in the list", &[(LIST, Complete)], Missing, true);
    check("a list that still lacks what came by telephone", &[("manual", Complete)], Missing, false);
    check(
        "a list that still has what was withdrawn by telephone",
        &[(LIST, Complete), ("manual", Missing)],
        Complete,
        false,
    );
    check("a list that confirms what came by telephone", &[("manual", Complete)], Complete, true);
    check("another list", &[("file:andere", Complete)], Complete, true);
    check("more parts are there", &[(LIST, partial(&["reag-garp", "returns"]))], partial(&["returns"]), true);
    check("another part", &[(LIST, partial(&["returns"]))], partial(&["reag-garp"]), true);
    check("in another order", &[(LIST, partial(&["reag-garp", "returns"]))], partial(&["returns", "reag-garp"]), false);
    check("a longer extension", &[(LIST, extended("2026-12-20"))], extended("2026-12-22"), true);
    check("the same extension", &[(LIST, extended("2026-12-20"))], extended("2026-12-20"), false);
    check("only the newest counts", &[(LIST, Complete), (LIST, Missing)], Complete, true);
}

/// What can be said of an authority, from any side.
#[derive(Clone, Debug)]
enum Said {
    Snapshot(usize, ReceiptState),
    Event(ReceiptState),
    Withdrawal,
    Extension(u32),
}

const LISTS: [&str; 2] = ["file:a", "file:b"];

fn anything() -> impl Strategy<Value = Said> {
    let reported = || {
        prop_oneof![
            3 => Just(Complete),
            1 => Just(Nil),
            1 => Just(partial(&["returns"])),
            1 => Just(partial(&["reag-garp", "returns"])),
            1 => Just(ReceiptState::Excused { reason: "Hochwasser".into() }),
            1 => Just(ReceiptState::Exempt { reason: "aufgelöst".into() }),
        ]
    };
    let in_list = prop_oneof![2 => Just(Missing), 4 => reported(), 1 => Just(extended("2026-12-20"))];
    prop_oneof![
        6 => (0..LISTS.len(), in_list).prop_map(|(list, state)| Said::Snapshot(list, state)),
        3 => reported().prop_map(Said::Event),
        2 => Just(Said::Withdrawal),
        2 => (14..30u32).prop_map(Said::Extension),
    ]
}

/// A replay of what was said, written without receipts: three sentences that each thing said rewrites.
#[derive(Default)]
struct Replay {
    reported: Option<String>,
    more_time_until: Option<String>,
    in_lists: HashMap<usize, String>,
}

impl Replay {
    fn hear(&mut self, said: &Said) {
        match said {
            Said::Snapshot(list, state) => {
                let sentence = format!("{state:?}");
                let before = self.in_lists.insert(*list, sentence.clone());
                if before.unwrap_or_else(|| "Missing".to_owned()) != sentence {
                    self.take(state);
                }
            }
            Said::Event(state) => self.take(state),
            Said::Withdrawal => self.take(&Missing),
            Said::Extension(until) => self.more_time_until = Some(format!("2026-12-{until}")),
        }
    }

    fn take(&mut self, state: &ReceiptState) {
        match state {
            Missing => (self.reported, self.more_time_until) = (None, None),
            ReceiptState::Extended { until, .. } => self.more_time_until = Some(until.to_string()),
            other => self.reported = Some(other.as_str().to_owned()),
        }
    }

    fn standing(&self, now: DateTime<Utc>) -> String {
        let owes = self.reported.as_deref().is_none_or(|word| word == "partial");
        match &self.more_time_until {
            Some(until) if owes && now < end_of_day(Berlin, day(until)) => "extended".to_owned(),
            _ => self.reported.clone().unwrap_or_else(|| "missing".to_owned()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_gives_what_a_naive_replay_gives_and_the_past_stays_as_it_was(
        story in prop::collection::vec((anything(), 1..70i64), 1..24), later_hours in 0..400i64,
    ) {
        let mut now = at("2026-12-01 08:00");
        let (mut receipts, mut replay) = (Vec::new(), Replay::default());
        let mut answers = Vec::new();
        let ends_on = day("2026-12-15");
        for (said, hours) in &story {
            now += TimeDelta::hours(*hours);
            let (source, state, is_heard) = match said {
                Said::Snapshot(list, state) => (LISTS[*list], state.clone(), is_news(&receipts, LISTS[*list], state)),
                Said::Event(state) => ("file:events", state.clone(), true),
                Said::Withdrawal => ("manual", Missing, true),
                Said::Extension(until) => ("manual", extended(&format!("2026-12-{until}")), true),
            };
            if is_heard {
                receipts.push(Receipt {
                    source: source.into(),
                    received_at: now,
                    reported_at: now,
                    ..receipt("k1", state, "2026-12-01 08:00")
                });
            }
            replay.hear(said);
            let found = standing_at(&receipts, now, Berlin);
            prop_assert_eq!(found.state.as_str(), replay.standing(now), "after {:?} at {}", said, now);
            answers.push((now, found, in_time(&receipts, ends_on, now, Berlin)));
        }
        for (then, standing, was_in_time) in answers {
            prop_assert_eq!(standing_at(&receipts, then, Berlin), standing, "the past of {}", then);
            prop_assert_eq!(in_time(&receipts, ends_on, then, Berlin), was_in_time, "the past of {}", then);
        }
        let later = now + TimeDelta::hours(later_hours);
        let found = standing_at(&receipts, later, Berlin);
        prop_assert_eq!(found.state.as_str(), replay.standing(later));
    }

    #[test]
    fn the_same_list_twice_says_nothing_the_second_time(
        story in prop::collection::vec(anything(), 0..12), says in anything(),
    ) {
        let Said::Snapshot(list, state) = says else { return Ok(()) };
        let mut receipts = Vec::new();
        let mut hear = |source: &str, state: &ReceiptState| {
            let is_heard = !LISTS.contains(&source) || is_news(&receipts, source, state);
            if is_heard {
                receipts.push(Receipt { source: source.into(), ..receipt("k1", state.clone(), "2026-12-09 09:12") });
            }
            is_heard
        };
        for said in &story {
            match said {
                Said::Snapshot(list, state) => hear(LISTS[*list], state),
                Said::Event(state) => hear("file:events", state),
                Said::Withdrawal => hear("manual", &Missing),
                Said::Extension(until) => hear("manual", &extended(&format!("2026-12-{until}"))),
            };
        }
        hear(LISTS[list], &state);
        hear("manual", &Missing);
        prop_assert!(!hear(LISTS[list], &state), "the list has not changed its mind");
    }
}
