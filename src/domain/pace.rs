//! Decides how many mails may go now: so many a minute in all, and so many to one domain. Never reads the clock, never waits.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// What a limit is counted over: the minute up to now, wherever it begins, so that no change of the hour and no restart opens it
/// anew.
const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// The clocks of two replicas may be so far apart; what lies further ahead is of a clock that was set back since, and nobody
/// waits for it.
const AHEAD_MAX: TimeDelta = TimeDelta::minutes(1);

/// How many mails may be handed over within any 60 seconds. Both are 1 or more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// In all.
    pub mails_a_minute: u32,
    /// To mailboxes of one domain.
    pub mails_a_minute_a_domain: u32,
}

/// To ask for so many a minute is to ask for no limit: more than a store on fast disks can record.
pub const UNLIMITED: u32 = 1_000_000;

impl Limits {
    /// Whether both ask for no limit, so that nothing needs to be counted.
    pub fn is_unlimited(&self) -> bool {
        self.mails_a_minute >= UNLIMITED && self.mails_a_minute_a_domain >= UNLIMITED
    }
}

/// What was handed over within the last minute, by domain: filled before each use from what the store knows. It grows with the domains
/// and not with the mails.
///
/// No 60 seconds see more mails than a limit if each is taken from a [`Room`] that knew every one that was handed over by then
/// (`record`) and every one that was in some hand (`hold`).
///
/// ```
/// use fristd::domain::pace::{Limits, Minute};
/// let limits = Limits { mails_a_minute: 3, mails_a_minute_a_domain: 1 };
/// let now = "2026-12-01T08:00:00Z".parse().unwrap();
/// let mut minute = Minute::default();
/// minute.record("abh-essen.example", "2026-12-01T07:59:30Z".parse().unwrap(), 1);
/// let mut room = minute.room(limits, now);
/// assert!(!room.take("abh-essen.example"), "passed over: one a minute, and that went half a minute ago");
/// assert!(room.take("abh-bonn.example"));
/// assert_eq!(room.next_at(), Some("2026-12-01T08:00:30Z".parse().unwrap()));
/// ```
#[derive(Clone, Default, Debug)]
pub struct Minute {
    all: Seconds,
    by_domain: HashMap<String, Seconds>,
}

/// What may still go at one instant. What is taken from it counts at once.
#[derive(Clone, Debug)]
pub struct Room<'a> {
    minute: &'a Minute,
    limits: Limits,
    now: DateTime<Utc>,
    all: Left,
    by_domain: HashMap<String, Left>,
    next_at: Option<DateTime<Utc>>,
}

impl Minute {
    /// Counts mails that were handed over at an instant, by whichever replica.
    pub fn record(&mut self, domain: &str, at: DateTime<Utc>, mails: u32) {
        self.all.add(at, mails);
        match self.by_domain.get_mut(domain) {
            Some(seconds) => seconds.add(at, mails),
            None => self.by_domain.entry(domain.to_owned()).or_default().add(at, mails),
        }
    }

    /// What may go now.
    pub fn room(&self, limits: Limits, now: DateTime<Utc>) -> Room<'_> {
        let all = Left { mails: limits.mails_a_minute.saturating_sub(self.all.within_minute(now)), taken: 0 };
        Room { minute: self, limits, now, all, by_domain: HashMap::new(), next_at: None }
    }
}

impl Room<'_> {
    /// Counts mails that are claimed already, by whichever replica, and not handed over yet: they may go at any moment.
    pub fn hold(&mut self, domain: &str, mails: u32) {
        self.all.take(mails);
        self.of_domain(domain).take(mails);
    }

    /// Takes one mail's place, if there is one. If not, the mail is passed over; one to another domain may still find a place.
    pub fn take(&mut self, domain: &str) -> bool {
        let of_domain = *self.of_domain(domain);
        if self.all.mails > 0 && of_domain.mails > 0 {
            self.all.take(1);
            self.of_domain(domain).take(1);
            return true;
        }
        let (limits, now) = (self.limits, self.now);
        let free_at = self.minute.all.free_at(limits.mails_a_minute, self.all.taken, now);
        let none = Seconds::default();
        let seconds = self.minute.by_domain.get(domain).unwrap_or(&none);
        let free_at = free_at.max(seconds.free_at(limits.mails_a_minute_a_domain, of_domain.taken, now));
        self.next_at = Some(self.next_at.map_or(free_at, |next_at| next_at.min(free_at)));
        false
    }

    /// How many more may be taken, if their domains have room.
    pub fn left(&self) -> u32 {
        self.all.mails
    }

    /// When the first of those that were passed over may go, if until then nothing else goes; none if all found a place.
    pub fn next_at(&self) -> Option<DateTime<Utc>> {
        self.next_at
    }

    fn of_domain(&mut self, domain: &str) -> &mut Left {
        if !self.by_domain.contains_key(domain) {
            let before = self.minute.by_domain.get(domain).map_or(0, |seconds| seconds.within_minute(self.now));
            let mails = self.limits.mails_a_minute_a_domain.saturating_sub(before);
            self.by_domain.insert(domain.to_owned(), Left { mails, taken: 0 });
        }
        self.by_domain.get_mut(domain).expect("it was put in above if it was not there")
    }
}

/// How many may still go, and how many were taken from one room.
#[derive(Clone, Copy, Debug)]
struct Left {
    mails: u32,
    taken: u32,
}

impl Left {
    fn take(&mut self, mails: u32) {
        self.mails = self.mails.saturating_sub(mails);
        self.taken = self.taken.saturating_add(mails);
    }
}

/// Mails by the second at whose end they count as handed over: a little too late, so never too many in a minute.
#[derive(Clone, Default, Debug)]
struct Seconds(BTreeMap<DateTime<Utc>, u32>);

impl Seconds {
    fn add(&mut self, at: DateTime<Utc>, mails: u32) {
        let count = self.0.entry(end_of_second(at)).or_default();
        *count = count.saturating_add(mails);
    }

    /// `(second, mails)` of those that count now, oldest first.
    fn counting(&self, now: DateTime<Utc>) -> impl Iterator<Item = (DateTime<Utc>, u32)> {
        let last = end_of_second(now + AHEAD_MAX);
        self.0.range(now - MINUTE..=last).filter(move |(at, _)| **at > now - MINUTE).map(|(at, mails)| (*at, *mails))
    }

    fn within_minute(&self, now: DateTime<Utc>) -> u32 {
        self.counting(now).fold(0, |sum, (_, mails)| sum.saturating_add(mails))
    }

    /// When so many have left the minute that one more fits, with those that are just being taken counted as of now.
    fn free_at(&self, limit: u32, taken: u32, now: DateTime<Utc>) -> DateTime<Utc> {
        let mut within = self.within_minute(now).saturating_add(taken);
        if within < limit {
            return now;
        }
        for (at, mails) in self.counting(now) {
            within = within.saturating_sub(mails);
            if within < limit {
                return at + MINUTE;
            }
        }
        end_of_second(now) + MINUTE
    }
}

fn end_of_second(at: DateTime<Utc>) -> DateTime<Utc> {
    let second = at.trunc_subsecs(0);
    if second < at { second + TimeDelta::seconds(1) } else { second }
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
