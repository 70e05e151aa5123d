//! Decides when a failing relay is left alone, and when one mail may try again. Never reads the clock, never waits.

use chrono::{DateTime, TimeDelta, Utc};

use super::delivery::Reply;

/// The pauses of an open breaker, one after another; the last is repeated. A relay that restarts is back within the first; with
/// the last an outage of a night costs forty attempts, and its end is noticed before anybody asks.
const PAUSES: [TimeDelta; 5] = [
    TimeDelta::minutes(1),
    TimeDelta::minutes(2),
    TimeDelta::minutes(4),
    TimeDelta::minutes(8),
    TimeDelta::minutes(15),
];

/// Counts failures of the relay that follow one another, and opens after so many. While it is open nothing is handed over; after a
/// pause one mail may try, and what comes of that closes it or begins the next, longer pause.
///
/// It is one deliverer's own: another replica may reach the relay when this one does not. It forgets with the process, so that
/// a restart tries at once.
///
/// ```
/// use fristd::domain::breaker::{Breaker, Turn};
/// use fristd::domain::delivery::Reply;
/// let now = "2026-12-01T08:00:00Z".parse().unwrap();
/// let mut breaker = Breaker::new(2);
/// for _ in 0..2 {
///     assert_eq!(breaker.turn(now), Turn::Go);
///     breaker.record(&Reply::NoRelay { text: "connection refused".into() }, now);
/// }
/// assert_eq!(breaker.turn(now), Turn::WaitUntil("2026-12-01T08:01:00Z".parse().unwrap()));
/// assert_eq!(breaker.turn("2026-12-01T08:01:00Z".parse().unwrap()), Turn::TryOne);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Breaker {
    failures_max: u32,
    failures: u32,
    open: Option<Open>,
}

/// Whether mails may be handed over now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// As many as there are.
    Go,
    /// One, and no other until what came of it is recorded; given once a pause.
    TryOne,
    /// None, until then.
    WaitUntil(DateTime<Utc>),
}

/// What a reply changed, to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// It opened, or the one that tried failed: nothing goes until then.
    Opened {
        /// How many failures followed one another.
        failures: u32,
        /// When one may try.
        until: DateTime<Utc>,
    },
    /// The relay answers again.
    Closed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Open {
    pauses: usize,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    is_trying: bool,
}

impl Open {
    fn new(pauses: usize, now: DateTime<Utc>) -> Self {
        let pause = PAUSES[pauses.min(PAUSES.len() - 1)];
        Self { pauses, since: now, until: now + pause, is_trying: false }
    }

    /// A clock that was set back to before the pause began ends it: nobody knows how long it has been.
    fn is_over(&self, now: DateTime<Utc>) -> bool {
        now < self.since || self.until <= now
    }
}

impl Breaker {
    /// One that opens after so many failures, 1 or more.
    pub fn new(failures_max: u32) -> Self {
        Self { failures_max: failures_max.max(1), failures: 0, open: None }
    }

    /// Takes the bound of new settings; what was counted stays.
    pub fn set_failures_max(&mut self, failures_max: u32) {
        self.failures_max = failures_max.max(1);
    }

    /// Asks before mails are claimed. Who is told to try one hands over at most one mail; if nothing comes of it, because the mail
    /// was no longer called for or its deliverer died, one more may try after the same pause.
    pub fn turn(&mut self, now: DateTime<Utc>) -> Turn {
        let Some(open) = &mut self.open else { return Turn::Go };
        if !open.is_over(now) {
            return Turn::WaitUntil(open.until);
        }
        *open = Open { is_trying: true, ..Open::new(open.pauses, now) };
        Turn::TryOne
    }

    /// Takes note of what came of a mail. A relay that answers is there, whatever it says of one mailbox. A connection that broke
    /// after the message counts as a failure as well: each costs a mail its certainty (M6).
    pub fn record(&mut self, reply: &Reply, now: DateTime<Utc>) -> Option<Change> {
        match reply {
            Reply::Accepted { .. } | Reply::RefusedForNow { .. } | Reply::RefusedForGood { .. } => {
                self.failures = 0;
                self.open.take().map(|_| Change::Closed)
            }
            Reply::NoRelay { .. } | Reply::Broken { .. } => self.record_failure(now),
        }
    }

    /// Whether the relay has failed and nothing has shown since that it is back; also while one mail tries.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    fn record_failure(&mut self, now: DateTime<Utc>) -> Option<Change> {
        self.failures = self.failures.saturating_add(1);
        let pauses = match self.open {
            Some(open) if open.is_trying => open.pauses + 1,
            // it was under way on another connection when the breaker opened, and says nothing new
            Some(_) => return None,
            None if self.failures < self.failures_max => return None,
            None => 0,
        };
        let open = Open::new(pauses.min(PAUSES.len() - 1), now);
        self.open = Some(open);
        Some(Change::Opened { failures: self.failures, until: open.until })
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
