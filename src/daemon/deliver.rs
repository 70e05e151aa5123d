//! Delivers what is queued: claims a batch, lets connections work on it side by side, gives the rest back. Never decides
//! whether a notice is called for; the domain does.

use std::collections::{HashSet, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, oneshot, watch};

use crate::domain::NewNotice;
use crate::domain::breaker::{Breaker, Turn};
use crate::domain::delivery::Reply;
use crate::domain::pace::Minute;
use crate::domain::recheck::Verdict;
use crate::fault::{self, Point};
use crate::mail::Transport;
use crate::store::{ClaimedNotice, DeliveryState, StaleClaims, Store, StoreError};

use super::Charter;
use super::clock::Clock;
use super::composer::Composer;
use super::connection::{Batch, Connection, Hand, Line, Standing, outcome};
use super::event::Event;
use super::pace;
use super::recheck_facts::{RecheckFacts, is_report};
use super::recorder::{Recorder, Replied, end, record_replies};
use super::side_by_side::side_by_side;
use super::tick::TickError;

const CLAIM_PER_CONNECTION: usize = 16; // enough that the last of a batch leave the others idle only shortly
const CLAIM_MIN: usize = 50; // one connection's batch; a lease covers many times what a relay takes in a minute
const CLAIM_MAX: usize = 256; // mails are made one by one, but facts and letters of so many are held at once
const PASSED_OVER_MAX: usize = 4096; // so many that must wait for their domain are looked past; more wait with them
const BATCHES_MAX: TimeDelta = TimeDelta::minutes(1); // no batch is begun later in a delivery; the rest is the next round's
const MAILS_MAX: TimeDelta = TimeDelta::minutes(2); // nor a mail, which takes twelve minutes at most: a round may last 15

/// What a delivery works with.
#[derive(Debug)]
pub struct Deliverer<'a, T> {
    /// The store.
    pub store: &'a Store,
    /// Settings and templates.
    pub charter: &'a Charter,
    /// Where mails go; further connections are siblings of it.
    pub transport: &'a mut T,
    /// How many connections work side by side, 1 or more. One keeps the order of the queue.
    pub connections: u32,
    /// The time.
    pub clock: &'a Clock,
    /// Whether the relay is left alone; kept from one delivery to the next.
    pub breaker: &'a mut Breaker,
    /// Turns true when the service is to stop.
    pub stop: watch::Receiver<bool>,
}

/// How a batch ended.
enum After {
    /// There may be more.
    GoOn,
    /// That was all for now; what is left may go then.
    Until(Option<DateTime<Utc>>),
}

impl<'a, T: Transport + Send> Deliverer<'a, T> {
    /// Delivers everything whose turn has come, until nothing is left, the relay fails, or the service is to stop. What a slow
    /// relay leaves over is for the next call, so that no round is ended in the middle of a mail. Dropped at any point, it
    /// leaves what was claimed to be taken over later.
    ///
    /// `events` gets what happened, also up to an error. Returns before when it need not be called again, if something waits that
    /// could go by its own time but for a limit, the breaker, or the length of this call.
    ///
    /// # Errors
    /// If the store or a calendar fails; what was claimed and not handed over is given back or taken over later.
    pub async fn deliver(
        &mut self,
        events: &mut (impl Extend<Event> + Send),
    ) -> Result<Option<DateTime<Utc>>, TickError> {
        let siblings: Vec<T> = (1..self.connections).map(|_| self.transport.sibling()).collect();
        let mut lines: Vec<Line<T>> = siblings.into_iter().map(Line::new).collect();
        let delivered = self.deliver_over(&mut lines, events).await;
        if delivered.is_ok() {
            futures_util::future::join_all(lines.iter_mut().map(|line| line.transport.close())).await;
            self.transport.close().await;
        }
        delivered
    }

    async fn deliver_over(
        &mut self,
        siblings: &mut [Line<T>],
        events: &mut (impl Extend<Event> + Send),
    ) -> Result<Option<DateTime<Utc>>, TickError> {
        let begun_at = self.clock.now();
        let seen_change = AtomicI64::new(0);
        let mut composer = None;
        while self.may_send().await? {
            let now = self.clock.now();
            if now >= begun_at + BATCHES_MAX {
                return Ok(Some(now));
            }
            if self.store.read().await?.next_due_at().await?.is_none_or(|next| now < next) {
                break;
            }
            let count_max = match self.breaker.turn(now) {
                Turn::Go => ((siblings.len() + 1) * CLAIM_PER_CONNECTION).clamp(CLAIM_MIN, CLAIM_MAX),
                Turn::TryOne => 1,
                Turn::WaitUntil(at) => return Ok(Some(at)),
            };
            let composer = match &composer {
                Some(composer) => composer,
                None => composer.insert(Composer::new(self.charter, self.store).await?),
            };
            let begins_until = begun_at + MAILS_MAX;
            match self.deliver_batch(siblings, count_max, begins_until, composer, &seen_change, events).await? {
                After::GoOn => {}
                After::Until(at) => return Ok(at),
            }
        }
        Ok(None)
    }

    /// Takes over what a dead deliverer left behind: queues again what was not handed over, and decides on the rest as on a
    /// broken connection (M6).
    ///
    /// # Errors
    /// If the store fails.
    pub async fn recover(&mut self, claims: StaleClaims) -> Result<Vec<Event>, TickError> {
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        // by a copy that no service has worked by nobody is at work, whatever names stand in it
        let is_copy = tx.service().await?.copied_at.is_some();
        let left_behind = tx.take_over(if is_copy { StaleClaims::All } else { claims }, now).await?;
        let on_uncertain = self.charter.settings.service.on_uncertain;
        let replied = left_behind.into_iter().map(|claimed| {
            let text = "fristd stopped after the mail was handed over and before the reply was recorded".to_owned();
            let reply = Reply::Broken { text };
            let outcome = outcome(&claimed, &reply, on_uncertain, now);
            let recorded = oneshot::channel().0;
            Replied { claimed, ready: None, was_handed_over: true, outcome, reply, alert: None, recorded }
        });
        let events = record_replies(&mut tx, &replied.collect::<Vec<_>>(), &HashSet::new(), now).await?;
        tx.commit().await?;
        Ok(events)
    }

    async fn may_send(&self) -> Result<bool, StoreError> {
        let service = self.store.read().await?.service().await?;
        Ok(is_time_to_send(self.charter, self.clock, &self.stop)
            && service.paused.is_none()
            && service.is_here().is_ok())
    }

    /// Claims a batch and works on it with all connections side by side, in this one task.
    async fn deliver_batch(
        &mut self,
        siblings: &mut [Line<T>],
        count_max: usize,
        begins_until: DateTime<Utc>,
        composer: &Composer<'_>,
        seen_change: &AtomicI64,
        events: &mut (impl Extend<Event> + Send),
    ) -> Result<After, TickError> {
        let Claim { notices, facts, state, free_at } = self.claim_batch(count_max, events).await?;
        if notices.is_empty() {
            return Ok(After::Until(free_at));
        }
        seen_change.store(state.verdict_changes, Ordering::Relaxed);
        fault::pass(Point::Claimed).await;
        let (charter, clock, stop) = (self.charter, self.clock, self.stop.clone());
        let is_time_to_send = move || is_time_to_send(charter, clock, &stop);
        let batch = Batch {
            composer,
            clock,
            on_uncertain: charter.settings.service.on_uncertain,
            is_time_to_send: &is_time_to_send,
            begins_until,
            seen_change,
            facts,
            claimed_in: state,
            hand: Mutex::new(Hand { waiting: notices, ..Hand::default() }),
            is_reached: watch::Sender::new(false),
            breaker: Mutex::new(&mut *self.breaker),
        };
        let is_writing = AtomicBool::new(false);
        let recorder = Recorder {
            store: self.store,
            charter,
            clock,
            is_time_to_send: &is_time_to_send,
            seen_change,
            is_writing: &is_writing,
            connections: siblings.len() + 1,
            events,
        };
        let mut first = Standing::Reached;
        let (sender, inbox) = mpsc::unbounded_channel();
        let connection =
            |transport, standing| Connection { batch: &batch, transport, standing, recorder: sender.clone() }.work();
        let mut connections = vec![connection(&mut *self.transport, &mut first)];
        for line in siblings.iter_mut().filter(|line| line.standing != Standing::Surplus) {
            connections.push(connection(&mut line.transport, &mut line.standing));
        }
        drop(sender);
        side_by_side(connections, recorder.run(inbox), &is_writing).await?;
        let Hand { waiting, returned, relay_failed_until, is_over } = std::mem::take(&mut *batch.hand());
        let from = relay_failed_until.unwrap_or(clock.now());
        let unsent = returned.into_iter().chain(waiting.into_iter().map(|claimed| (claimed, from)));
        self.give_back(&unsent.collect::<Vec<_>>()).await?;
        Ok(match is_over || relay_failed_until.is_some() {
            true => After::Until(None),
            false => After::GoOn,
        })
    }

    /// Claims what is due, still called for and within the limits, and ends what is not called for with the reason (N5), in one
    /// transaction.
    async fn claim_batch(&self, count_max: usize, events: &mut impl Extend<Event>) -> Result<Claim<'a>, TickError> {
        let now = self.clock.now();
        let settings = &self.charter.settings;
        let limits = settings.service.limits.pace;
        let mut tx = self.store.write().await?;
        let minute = if limits.is_unlimited() { Minute::default() } else { pace::handed_over(&mut tx, now).await? };
        let mut room = minute.room(limits, now);
        if !limits.is_unlimited() {
            pace::hold_claimed(&mut tx, &mut room).await?;
        }
        let (mut ended, mut passed_over) = (Vec::new(), HashSet::new());
        // a batch may hold nothing but notices that end or must wait; look on until something is claimed or nothing is left
        let claim = loop {
            // each look reaches further, so that few suffice
            let seen_max = count_max.max(CLAIM_MIN) + 2 * passed_over.len();
            let mut candidates = tx.due_notices(now, seen_max).await?;
            candidates.retain(|candidate| !passed_over.contains(&candidate.id));
            let is_full = !passed_over.is_empty() && room.left() == 0;
            if candidates.is_empty() || is_full || passed_over.len() > PASSED_OVER_MAX {
                let facts = RecheckFacts::load(&mut tx, settings, &[], now).await?;
                let state = tx.delivery_state().await?;
                break Claim { notices: VecDeque::new(), facts, state, free_at: room.next_at() };
            }
            self.narrow(&mut candidates);
            let notices: Vec<&NewNotice> = candidates.iter().map(|candidate| &candidate.notice).collect();
            let mut facts = RecheckFacts::load(&mut tx, settings, &notices, now).await?;
            let mut claimed = Vec::new();
            for mut candidate in candidates {
                if claimed.len() == count_max {
                    break;
                }
                match facts.verdict(&candidate.notice) {
                    Verdict::Send(_) if !limits.is_unlimited() && !room.take(candidate.notice.mailbox.domain()) => {
                        passed_over.insert(candidate.id);
                    }
                    Verdict::Send(authorities) => {
                        candidate.notice.authorities = authorities;
                        claimed.push(candidate);
                    }
                    verdict => ended.push(end(&mut tx, &candidate, &verdict, &facts).await?),
                }
            }
            if !claimed.is_empty() {
                tx.claim(&claimed, now).await?;
                let notices: Vec<&NewNotice> = claimed.iter().map(|claimed| &claimed.notice).collect();
                facts.load_letters(&mut tx, &notices).await?;
                let state = tx.delivery_state().await?;
                break Claim { notices: claimed.into(), facts, state, free_at: room.next_at() };
            }
        };
        tx.commit().await?;
        tracing::debug!(notices = claim.notices.len(), "claimed");
        events.extend(ended);
        Ok(claim)
    }

    /// Keeps of candidates those that may be in one batch.
    fn narrow(&self, candidates: &mut Vec<ClaimedNotice>) {
        let Some(first) = candidates.first() else { return };
        let of_batch = candidates.iter().take_while(|other| go_together(&first.notice, &other.notice)).count();
        candidates.truncate(of_batch);
        if self.connections > 1 {
            // side by side, a mailbox that refuses one mail would get another before anybody knows
            let mut mailboxes = HashSet::new();
            candidates.retain(|candidate| mailboxes.insert(candidate.notice.mailbox.clone()));
        }
    }

    async fn give_back(&self, unsent: &[(ClaimedNotice, DateTime<Utc>)]) -> Result<(), StoreError> {
        if unsent.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.write().await?;
        tx.give_back(&unsent.iter().map(|(claimed, from)| (claimed, *from)).collect::<Vec<_>>()).await?;
        tx.commit().await
    }
}

/// Notices that were claimed together, with what is known about them.
struct Claim<'a> {
    notices: VecDeque<ClaimedNotice>,
    facts: RecheckFacts<'a>,
    state: DeliveryState,
    /// When the first of those may go for which a limit left no room.
    free_at: Option<DateTime<Utc>>,
}

/// Whether two notices may be in one batch. What letters say is loaded with the claim, and must know what became of the mails
/// before: a report those of other kinds, a reminder the announcement to which it refers.
fn go_together(first: &NewNotice, other: &NewNotice) -> bool {
    let is_same_step = (first.month, &first.duty, &first.step) == (other.month, &other.duty, &other.step);
    first.kind == other.kind && (is_same_step || !is_report(first.kind))
}

/// Whether mail may go out by the clock (N8), and the service is not to stop.
fn is_time_to_send(charter: &Charter, clock: &Clock, stop: &watch::Receiver<bool>) -> bool {
    let rulebook = &charter.settings.rulebook;
    !*stop.borrow() && rulebook.sending.are_open(&rulebook.calendar, rulebook.zone, clock.now())
}
