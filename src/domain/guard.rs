//! Holds what would be too much at once (N9). Never lets a notice go that somebody else holds, never reads the clock.

use chrono::{DateTime, TimeDelta, Utc};

use super::notice::Alert;
use super::plan::CyclePlan;

/// Ticks that follow one another within it are judged as one. Longer than any pause between ticks, so that a roster that is edited
/// again and again, a second replica with other settings, or a clock that is put by minutes, does not get the bound anew each time;
/// shorter than the hour between a day's reminders and its announcements, so that an ordinary day never adds up.
const TOGETHER: TimeDelta = TimeDelta::minutes(10);

/// What ticks have queued and not held, of all replicas.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lately {
    /// When the first of them did.
    pub since: DateTime<Utc>,
    /// How many notices.
    pub notices: usize,
}

impl Lately {
    /// What counts at an instant; a clock that was put by more than that ends it, whichever way.
    pub fn counting(lately: Option<Self>, now: DateTime<Utc>) -> Option<Self> {
        lately.filter(|lately| lately.notices > 0 && (now - lately.since).abs() < TOGETHER)
    }

    /// With what a tick queues now; none if there is nothing.
    pub fn and(lately: Option<Self>, notices: usize, now: DateTime<Utc>) -> Option<Self> {
        match Self::counting(lately, now) {
            Some(lately) => Some(Self { notices: lately.notices.saturating_add(notices), ..lately }),
            None => (notices > 0).then_some(Self { since: now, notices }),
        }
    }
}

/// The guard (N9): holds everything if it is more than settings allow at once, together with what was queued in the last minutes,
/// and says so.
pub fn guard(plans: &mut [CyclePlan], notices_max: usize, lately: Option<Lately>, now: DateTime<Utc>) -> Option<Alert> {
    let queued = plans.iter().map(|plan| plan.queue.len()).sum::<usize>();
    let before = Lately::counting(lately, now).map_or(0, |lately| lately.notices);
    let count = queued.saturating_add(before);
    if queued == 0 || count <= notices_max {
        return None;
    }
    let reason = match before {
        0 => format!("{count} notices at once; the guard allows {notices_max}"),
        _ => format!("{count} notices within minutes; the guard allows {notices_max}"),
    };
    for notice in plans.iter_mut().flat_map(|plan| &mut plan.queue) {
        notice.hold.get_or_insert_with(|| reason.clone());
    }
    let happened = match before {
        0 => format!(
            "Auf einen Schlag wären {count} Mitteilungen fällig geworden; zulässig sind {notices_max}. Sie werden"
        ),
        _ => format!(
            "Binnen weniger Minuten wären {count} Mitteilungen fällig geworden; zulässig sind {notices_max}. Die ersten {before} \
             sind auf dem Weg, die übrigen {queued} werden"
        ),
    };
    Some(Alert {
        // told once for ticks that are judged as one
        key: format!("guard:{}", now.timestamp() - now.timestamp().rem_euclid(TOGETHER.num_seconds())),
        headline: "Versand angehalten".to_owned(),
        detail: format!(
            "{happened} zurückgehalten, bis sie mit „fristd outbox release“ freigegeben oder mit „fristd outbox discard“ \
             verworfen werden."
        ),
    })
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
