//! N9: what is too much at once, of one tick or of several that are judged as one, and what is not.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::super::test_support::{Cycle, at};
use super::*;

/// Plans with twelve notices in all.
fn twelve() -> Vec<CyclePlan> {
    let silent = |duty| Cycle::new(duty, "2026-12");
    let plans =
        vec![silent("planning").plan(at("2026-12-01 09:00")), silent("statistics").plan(at("2026-12-08 08:00"))];
    assert_eq!(plans.iter().map(|plan| plan.queue.len()).sum::<usize>(), 12);
    plans
}

fn holds(plans: &[CyclePlan]) -> Vec<Option<&str>> {
    let mut holds: Vec<_> = plans.iter().flat_map(|plan| &plan.queue).map(|notice| notice.hold.as_deref()).collect();
    holds.dedup();
    holds
}

#[test]
fn a_tick_that_would_queue_too_much_is_held_and_the_zrk_is_told() {
    let now = at("2026-12-08 08:00");
    let lately = |time: &str, notices| Some(Lately { since: at(&format!("2026-12-08 {time}")), notices });
    let check = |label: &str, max: usize, lately: Option<Lately>, reason: Option<&str>| {
        let mut plans = twelve();
        let alert = guard(&mut plans, max, lately, now);
        assert_eq!(holds(&plans), [reason], "{label}");
        assert_eq!(alert.is_some(), reason.is_some(), "{label}");
    };
    check("as many as the bound", 12, None, None);
    check("one more", 11, None, Some("12 notices at once; the guard allows 11"));
    check("a bound that lets nothing through", 0, None, Some("12 notices at once; the guard allows 0"));
    let together = Some("15 notices within minutes; the guard allows 14");
    check("with what a tick before has queued", 14, lately("07:59", 3), together);
    check("with as many as the bound", 15, lately("07:59", 3), None);
    check("almost ten minutes ago", 14, lately("07:51", 3), together);
    check("ten minutes ago", 14, lately("07:50", 3), None);
    check("by a replica whose clock is ahead", 14, lately("08:01", 3), together);
    check("before the clock was set back by hours", 14, lately("11:00", 3), None);
    check("nothing lately", 12, lately("07:59", 0), None);
}

#[test]
fn what_waits_for_another_reason_keeps_it_and_an_empty_tick_says_nothing() {
    let now = at("2026-12-08 08:00");
    let mut plans = twelve();
    plans[0].queue[0].hold = Some("the corrected deadline is over already".to_owned());
    guard(&mut plans, 1, None, now);
    assert_eq!(plans[0].queue[0].hold.as_deref(), Some("the corrected deadline is over already"));
    let lately = Some(Lately { since: now, notices: 5000 });
    assert_eq!(guard(&mut [], 1000, lately, now), None, "too many lately, and nothing more now");
}

#[test]
fn the_zrk_is_told_once_for_ticks_that_are_judged_as_one_and_learns_what_went() {
    let lately = Some(Lately { since: at("2026-12-08 08:00"), notices: 40 });
    let alert = |now: &str| guard(&mut twelve(), 50, lately, at(now)).unwrap();
    assert_eq!(alert("2026-12-08 08:01").key, alert("2026-12-08 08:09").key);
    assert_eq!(
        alert("2026-12-08 08:01").detail,
        "Binnen weniger Minuten wären 52 Mitteilungen fällig geworden; zulässig sind 50. Die ersten 40 sind auf dem Weg, die \
         übrigen 12 werden zurückgehalten, bis sie mit „fristd outbox release“ freigegeben oder mit „fristd outbox discard“ \
         verworfen werden."
    );
}

#[test]
fn the_shipped_days_are_not_held() {
    const MAILBOXES: usize = 258;
    const BOUND: usize = 1000; // as shipped
    let check = |label: &str, ticks: &[(&str, usize)]| {
        let mut lately = None;
        for (time, notices) in ticks {
            let now = at(&format!("2026-12-08 {time}"));
            let before = Lately::counting(lately, now).map_or(0, |lately| lately.notices);
            assert!(before + notices <= BOUND, "{label}: {before} and {notices} at {time}");
            lately = Lately::and(lately, *notices, now);
        }
    };
    check("reminders of both duties, then an announcement", &[("08:00", 2 * MAILBOXES), ("09:00", MAILBOXES)]);
    check("both announcements and all reminders in one tick", &[("09:00", 3 * MAILBOXES)]);
    check("a correction to all, in the minute of a reminder", &[("08:00", MAILBOXES), ("08:01", 2 * MAILBOXES)]);
    let a_busy_day: Vec<(&str, usize)> =
        ["08:00", "08:20", "08:40", "09:00", "09:20", "09:40", "10:00"].map(|time| (time, 2 * MAILBOXES)).into();
    check("a day with something new every twenty minutes", &a_busy_day);
}

proptest! {
    /// However many ticks and replicas: within ten minutes no more goes without a person than twice the bound of the laxest, and
    /// from the first to ten minutes after it no more than the bound.
    #[test]
    fn ticks_in_a_row_do_not_get_the_bound_anew_each_time(
        bound in 1..50usize,
        ticks in prop::collection::vec((0..300i64, 0..60usize), 1..60),
    ) {
        let start = at("2026-12-08 08:00");
        let (mut lately, mut now) = (None, start);
        let mut gone: Vec<(DateTime<Utc>, usize)> = Vec::new();
        for (seconds, notices) in ticks {
            now += TimeDelta::seconds(seconds);
            let before = Lately::counting(lately, now).map_or(0, |lately: Lately| lately.notices);
            if notices > 0 && before + notices <= bound {
                lately = Lately::and(lately, notices, now);
                gone.push((now, notices));
            }
        }
        for (from, _) in &gone {
            let within = gone.iter().filter(|(at, _)| (TimeDelta::zero()..TOGETHER).contains(&(*at - *from)));
            let sum: usize = within.map(|(_, notices)| notices).sum();
            prop_assert!(sum <= 2 * bound, "{sum} from {from}");
        }
    }
}
