//! What must hold when everything works and nothing is left to do: nothing is lost, nobody is forgotten. Never hurries.

use chrono::{DateTime, TimeDelta, Utc};
use fristd::domain::Month;

use super::judge::Judge;
use super::land::Land;
use super::reckoning::{is_open, ladder, local_day};

const SKEW: TimeDelta = TimeDelta::seconds(120); // clocks a minute off, and the round that looked a little earlier
const MONTHS_BACK: i32 = 4; // older cycles of the generator's lands have closed

impl Judge {
    /// Judges the calm: `land` is in force everywhere, and every replica has looked at `now`.
    pub fn calm(&mut self, now: DateTime<Utc>, land: &Land) {
        self.m6_nothing_stays_in_hand(now);
        self.m6_nothing_is_left_over(now, land);
        let this_month = Month::of(local_day(now));
        let starts = self.known.starts.clone();
        for duty in &land.duties {
            let Some(first) = starts.get(duty.id).copied() else {
                self.break_rule(now, "N11", format!("duty {} is not followed", duty.id));
                return;
            };
            for month in (-MONTHS_BACK..=1).map(|count| this_month.plus(count)).filter(|month| *month >= first) {
                self.every_live_step_was_queued(now, land, month, duty);
            }
        }
    }

    /// The end of a few days in which no step becomes due or ends, and nobody is being reminded or told a deadline: a replica
    /// would tick on, and nothing would come of it that does not come of the next tick as well.
    pub fn nothing_happens_until(&self, midnight: DateTime<Utc>, land: &Land) -> Option<DateTime<Utc>> {
        const PASSED_OVER_MAX: TimeDelta = TimeDelta::hours(72);
        let mut until = midnight + PASSED_OVER_MAX;
        let this_month = Month::of(local_day(midnight));
        for duty in &land.duties {
            for month in (-2..=1).map(|count| this_month.plus(count)) {
                let ladder = ladder(land, &self.known, i64::MAX, month, duty);
                for rung in &ladder.rungs {
                    let is_live = rung.due_at <= midnight && midnight < rung.live_until;
                    if is_live && matches!(duty.steps[rung.step].kind, "announcement" | "reminder") {
                        return None;
                    }
                    let next = [rung.due_at, rung.live_until].into_iter().filter(|at| *at >= midnight);
                    until = next.fold(until, DateTime::min);
                }
            }
        }
        Some(until)
    }

    /// After a quiet while every claim is resolved.
    fn m6_nothing_stays_in_hand(&mut self, now: DateTime<Utc>) {
        let claimed =
            self.notices.values().find(|notice| notice.row.state == "claimed").map(|notice| notice.row.clone());
        self.demand(now, "M6", claimed.is_none(), || format!("still in hand: {claimed:?}"));
    }

    /// Whatever could be sent was.
    fn m6_nothing_is_left_over(&mut self, now: DateTime<Utc>, land: &Land) {
        if land.mails_a_minute.is_some() {
            return; // the rest goes in the minutes to come
        }
        if self.known.is_paused(i64::MAX) || !is_open(land, now - SKEW) || !is_open(land, now + SKEW) {
            return;
        }
        let left = self.notices.values().find(|notice| notice.row.next_at.is_some_and(|at| at <= now - SKEW));
        let left = left.map(|notice| notice.row.clone());
        self.demand(now, "M6", left.is_none(), || format!("could have been sent: {left:?}"));
    }

    /// N1, N3, N4, N6: every live step has a notice for everybody whom it addresses; what is over was recorded as skipped.
    fn every_live_step_was_queued(&mut self, now: DateTime<Utc>, land: &Land, month: Month, duty: &super::land::Duty) {
        let ladder = ladder(land, &self.known, i64::MAX, month, duty);
        if local_day(now - SKEW) != local_day(now + SKEW) || ladder.closes_at <= now + SKEW {
            return; // at midnight those who look at slightly different times see different days
        }
        let is_told = self.known.revision(i64::MAX, month, duty.id).is_some();
        for rung in ladder.rungs.iter().filter(|rung| rung.due_at <= now - SKEW) {
            let step = &duty.steps[rung.step];
            let key = (month.to_string(), duty.id.to_owned(), step.id.clone(), ladder.revision);
            let is_recorded = self.steps.contains_key(&key);
            self.demand(now, "N3", is_recorded, || format!("nothing is recorded of {key:?}, due at {}", rung.due_at));
            if rung.live_until <= now + SKEW {
                continue;
            }
            let is_report = matches!(step.kind, "escalation" | "summary");
            let audience = self.audience(land, i64::MAX, now, month, duty, step, &ladder);
            for (mailbox, recipient) in audience {
                let (month, id, step_id, revision) = key.clone();
                let notice_key = (month, id, step_id, revision, mailbox.clone());
                let state =
                    self.keys.get(&notice_key).and_then(|id| self.notices.get(id)).map(|notice| notice.row.clone());
                let is_there = match &state {
                    // a later summary is not called for when nobody is missing
                    Some(row) if row.state == "withdrawn" => is_discarded(row) || step.kind == "summary",
                    Some(_) => true,
                    None => {
                        let is_later = step.kind == "announcement" && ladder.revision > 1;
                        is_later || (step.kind == "summary" && self.has_other_summary(&notice_key))
                    }
                };
                self.demand(now, if is_report { "N7" } else { "N1" }, is_there, || {
                    format!("{notice_key:?} about {recipient:?} was never said: {state:?}; told: {is_told}")
                });
            }
        }
    }

    /// Whether the ZRK got another summary of the cycle: later ones come only with an escalation (N3).
    fn has_other_summary(&self, (month, duty, step, revision, _): &(String, String, String, u32, String)) -> bool {
        self.notices.values().map(|notice| &notice.row).any(|row| {
            row.kind == "summary"
                && (&row.month, &row.duty, row.revision) == (month, duty, *revision)
                && row.step != *step
        })
    }
}

fn is_discarded(row: &super::chronicle::NoticeRow) -> bool {
    row.reason.as_deref().is_some_and(|reason| reason.starts_with("discarded by "))
}
