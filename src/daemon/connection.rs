//! One connection's work: compose, prepare, ask, hand over, tell, mail after mail. Never writes; the recorder does.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, oneshot, watch};

use crate::domain::Alert;
use crate::domain::breaker::{Breaker, Change};
use crate::domain::delivery::{OnUncertain, Outcome, Reply, decide, pause};
use crate::fault::{self, Point};
use crate::mail::Transport;
use crate::store::{ClaimedNotice, DeliveryState};

use super::clock::Clock;
use super::composer::{Composer, Ready};
use super::recheck_facts::RecheckFacts;
use super::recorder::{Answer, Replied, Request, Task, words};

const LEASE_MARGIN: TimeDelta = TimeDelta::minutes(14); // a mail takes twelve minutes at most, all its steps as long as they may be
const COMPOSED_MAX: usize = 3; // a notice that says another thing each time it is asked about waits for the next batch

/// Whether there is time for a whole hand-over before the lease ends.
pub(super) fn may_begin(claimed: &ClaimedNotice, now: DateTime<Utc>) -> bool {
    now <= claimed.lease_until - LEASE_MARGIN
}

/// What the connections of a batch share.
pub(super) struct Batch<'a> {
    pub(super) composer: &'a Composer<'a>,
    pub(super) clock: &'a Clock,
    pub(super) on_uncertain: OnUncertain,
    pub(super) is_time_to_send: &'a (dyn Fn() -> bool + Send + Sync),
    /// When nothing more is begun: what is left is the next round's.
    pub(super) begins_until: DateTime<Utc>,
    /// The newest count of changes that the recorder saw.
    pub(super) seen_change: &'a AtomicI64,
    pub(super) facts: RecheckFacts<'a>,
    /// How things stood when the batch was claimed.
    pub(super) claimed_in: DeliveryState,
    pub(super) hand: Mutex<Hand>,
    /// Turns true when the relay has taken a sender and a recipient, so that more connections are worth a try.
    pub(super) is_reached: watch::Sender<bool>,
    pub(super) breaker: Mutex<&'a mut Breaker>,
}

/// The notices of a batch.
#[derive(Debug, Default)]
pub(super) struct Hand {
    /// Not begun yet, in order.
    pub(super) waiting: VecDeque<ClaimedNotice>,
    /// To be given back, each for a claim from an instant on.
    pub(super) returned: Vec<(ClaimedNotice, DateTime<Utc>)>,
    /// Until when the relay is left alone, because it has failed.
    pub(super) relay_failed_until: Option<DateTime<Utc>>,
    /// Whether nothing more may be begun.
    pub(super) is_over: bool,
}

/// What a connection does next.
enum Next {
    Another,
    Stop,
}

/// A further connection of a delivery.
#[derive(Debug)]
pub(super) struct Line<T> {
    pub(super) transport: T,
    pub(super) standing: Standing,
}

/// How a connection stands with the relay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// It carries on alone if need be: when it fails, the relay has failed.
    Reached,
    /// It waits until another has reached the relay, and has not yet reached it itself.
    Waits,
    /// The relay has not taken it beside the others.
    Surplus,
}

impl<T> Line<T> {
    pub(super) fn new(transport: T) -> Self {
        Self { transport, standing: Standing::Waits }
    }
}

/// One connection at work on a batch.
pub(super) struct Connection<'a, T> {
    pub(super) batch: &'a Batch<'a>,
    pub(super) transport: &'a mut T,
    pub(super) standing: &'a mut Standing,
    pub(super) recorder: mpsc::UnboundedSender<Request>,
}

impl<T: Transport> Connection<'_, T> {
    /// Works until the batch is empty, the relay fails, or nothing may be sent any more.
    pub(super) async fn work(mut self) {
        if *self.standing == Standing::Waits {
            let mut is_reached = self.batch.is_reached.subscribe();
            let _ = is_reached.wait_for(|is_reached| *is_reached).await; // its sender lives as long as the batch
        }
        while let Some(claimed) = self.batch.take() {
            if let Next::Stop = self.carry(claimed).await {
                break;
            }
        }
        self.batch.is_reached.send_replace(true); // whoever still waits finds nothing left to do, or does it
    }

    async fn carry(&mut self, claimed: ClaimedNotice) -> Next {
        let now = self.batch.clock.now();
        let mut task = Box::new(Task::new(claimed, &self.batch.facts, self.batch.claimed_in));
        if !(self.batch.is_time_to_send)() || !may_begin(&task.claimed, now) {
            return self.batch.put_back(task.claimed, now);
        }
        let is_outdated = self.batch.seen_change.load(Ordering::Relaxed) != task.decided_at_change;
        if is_outdated || !task.holds.contains(&now) {
            match self.ask(task, None).await {
                Some(Answer::Compose(fresh)) => task = fresh,
                Some(Answer::NotNow(task)) => return self.batch.put_back(task.claimed, now),
                Some(Answer::Ended | Answer::HandOver(..)) => return Next::Another,
                None => return Next::Stop,
            }
        }
        for _ in 0..COMPOSED_MAX {
            let ready = match self.batch.composer.compose(&task.claimed, &task.wording, self.batch.clock.now()) {
                Ok(ready) => Box::new(ready),
                Err(why) => return self.tell_unrendered(task.claimed, why).await,
            };
            fault::pass(Point::Composed).await;
            if let Err(reply) = self.transport.prepare(&ready.mail).await {
                return self.tell_refused(task.claimed, ready, reply).await;
            }
            self.has_reached();
            fault::pass(Point::Prepared).await;
            match self.ask(task, Some(ready)).await {
                Some(Answer::HandOver(task, ready)) => return self.hand_over(*task, ready).await,
                Some(Answer::Compose(fresh)) => task = fresh,
                Some(Answer::NotNow(task)) => return self.batch.put_back(task.claimed, self.batch.clock.now()),
                Some(Answer::Ended) => return Next::Another,
                None => return Next::Stop,
            }
        }
        let now = self.batch.clock.now();
        self.batch.hand().returned.push((task.claimed, now));
        Next::Another
    }

    fn has_reached(&mut self) {
        *self.standing = Standing::Reached;
        self.batch.is_reached.send_replace(true);
    }

    async fn hand_over(&mut self, task: Task, ready: Box<Ready>) -> Next {
        fault::pass(Point::HandedOver).await;
        let reply = self.transport.complete(&ready.mail).await;
        fault::pass(Point::Answered).await;
        self.tell(task.claimed, ready, true, reply).await
    }

    /// A mail that was refused before it was handed over. A relay that only takes no further connection costs nobody an attempt.
    async fn tell_refused(&mut self, claimed: ClaimedNotice, ready: Box<Ready>, reply: Reply) -> Next {
        let is_no_relay = matches!(reply, Reply::NoRelay { .. });
        if !is_no_relay {
            self.has_reached();
        } else if *self.standing == Standing::Waits {
            *self.standing = Standing::Surplus;
            tracing::warn!(
                reason = words(&reply),
                "the relay takes no further connection; going on with those that there are"
            );
            self.batch.hand().waiting.push_front(claimed);
            return Next::Stop;
        }
        self.tell(claimed, ready, false, reply).await
    }

    /// Tells how an attempt ended. Only what others hang on is waited for: an acceptance changes no verdict.
    async fn tell(&mut self, claimed: ClaimedNotice, ready: Box<Ready>, was_handed_over: bool, reply: Reply) -> Next {
        let now = self.batch.clock.now();
        let outcome = self.batch.outcome(&claimed, &reply);
        let opened_until = self.batch.tell_breaker(&reply);
        let failed_until = match (&reply, &outcome) {
            // the others wait for the relay, not for this notice, whose pauses grow: a mailbox at which it always fails is alone soon
            (Reply::NoRelay { .. }, Outcome::RetryAt(_)) => opened_until.max(Some(now + pause(1, seed(&claimed.id)))),
            _ => opened_until,
        };
        let mut next = Next::Another;
        if failed_until.is_some() {
            let mut hand = self.batch.hand();
            hand.relay_failed_until = hand.relay_failed_until.max(failed_until);
            next = Next::Stop;
        }
        let must_wait = outcome != Outcome::Accepted;
        let (recorded, is_recorded) = oneshot::channel();
        let ready = Some(ready);
        let reply = Replied { claimed, ready, was_handed_over, outcome, reply, alert: None, recorded };
        if self.recorder.send(Request::Replied(Box::new(reply))).is_err() || (must_wait && is_recorded.await.is_err()) {
            return Next::Stop;
        }
        next
    }

    /// A mail that cannot be rendered is no fault of its mailbox: it is tried again, and the ZRK is told.
    async fn tell_unrendered(&mut self, claimed: ClaimedNotice, why: String) -> Next {
        let now = self.batch.clock.now();
        tracing::error!(notice = claimed.id, why, "a mail could not be composed; it will be tried again");
        let notice = &claimed.notice;
        let alert = Alert {
            key: format!("compose:{}:{}:{}", notice.month, notice.duty.as_deref().unwrap_or("-"), notice.step),
            headline: "Mitteilung kann nicht erstellt werden".to_owned(),
            detail: format!("{} Bitte die Vorlage berichtigen; der Versand wird wiederholt.", why.trim_end()),
        };
        let (recorded, is_recorded) = oneshot::channel();
        let reply = Replied {
            outcome: Outcome::RetryAt(now + pause(claimed.attempts + 1, seed(&claimed.id))),
            claimed,
            ready: None,
            was_handed_over: false,
            reply: Reply::NoRelay { text: why },
            alert: Some(alert),
            recorded,
        };
        let is_told = self.recorder.send(Request::Replied(Box::new(reply))).is_ok() && is_recorded.await.is_ok();
        if is_told { Next::Another } else { Next::Stop }
    }

    /// Asks the recorder; it answers nothing if the store has failed.
    async fn ask(&mut self, task: Box<Task>, ready: Option<Box<Ready>>) -> Option<Answer> {
        let (answer, answered) = oneshot::channel();
        self.recorder.send(Request::Ask(task, ready, answer)).ok()?;
        answered.await.ok()
    }
}

impl Batch<'_> {
    pub(super) fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<ClaimedNotice> {
        let is_late = self.clock.now() >= self.begins_until;
        let mut hand = self.hand();
        if is_late || hand.is_over || hand.relay_failed_until.is_some() { None } else { hand.waiting.pop_front() }
    }

    /// Puts a notice back unsent: nothing may be sent now.
    fn put_back(&self, claimed: ClaimedNotice, now: DateTime<Utc>) -> Next {
        let mut hand = self.hand();
        hand.returned.push((claimed, now));
        hand.is_over = true;
        Next::Stop
    }

    /// Takes note of how the relay does. Returns until when it is left alone, if this reply opened the breaker.
    fn tell_breaker(&self, reply: &Reply) -> Option<DateTime<Utc>> {
        let change = self.breaker.lock().unwrap_or_else(PoisonError::into_inner).record(reply, self.clock.now());
        match change? {
            Change::Opened { failures, until } => {
                tracing::warn!(failures, %until, "the relay fails again and again; nothing is handed over until then");
                Some(until)
            }
            Change::Closed => {
                tracing::info!("the relay answers again");
                None
            }
        }
    }

    fn outcome(&self, claimed: &ClaimedNotice, reply: &Reply) -> Outcome {
        outcome(claimed, reply, self.on_uncertain, self.clock.now())
    }
}

/// What becomes of a notice after a reply (M6).
pub(super) fn outcome(
    claimed: &ClaimedNotice,
    reply: &Reply,
    on_uncertain: OnUncertain,
    now: DateTime<Utc>,
) -> Outcome {
    decide(reply, claimed.attempts + 1, claimed.was_uncertain, on_uncertain, seed(&claimed.id), now)
}

/// Spreads retries; the first 16 hexadecimal digits of the id.
fn seed(notice_id: &str) -> u64 {
    notice_id.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
}
