//! Writes what connections do, all that is pending in one transaction, and says who may hand over. Never sends.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};

use crate::domain::NewNotice;
use crate::domain::delivery::{Outcome, Reply, State};
use crate::domain::recheck::Verdict;
use crate::fault::{self, Point};
use crate::store::{ClaimedNotice, Delivery, DeliveryState, Store, StoreError, Tx};

use super::Charter;
use super::alerts::{document_alert, expired_alert, rejected_alert, uncertain_alert};
use super::clock::Clock;
use super::composer::Ready;
use super::connection::may_begin;
use super::event::{Event, What};
use super::recheck_facts::{RecheckFacts, Wording};
use super::side_by_side::others_first;
use super::tick::TickError;

const BEGIN_TRIES: usize = 3; // each waits up to half a minute for others to end, or for the server to be back

/// A claimed notice on its way, with what was decided on it last.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) claimed: ClaimedNotice,
    pub(super) wording: Arc<Wording>,
    /// The count of changes up to which it was decided on.
    pub(super) decided_at_change: i64,
    /// While the decision holds if nothing changes. Not before it was made: a clock may be set back.
    pub(super) holds: Range<DateTime<Utc>>,
}

/// What a connection asks or tells.
#[derive(Debug)]
pub(super) enum Request {
    /// Is the notice still called for? With the mail, if the relay waits for it: then this is the last moment to say no.
    Ask(Box<Task>, Option<Box<Ready>>, oneshot::Sender<Answer>),
    /// This became of it.
    Replied(Box<Replied>),
}

impl Request {
    fn is_ask(&self) -> bool {
        matches!(self, Self::Ask(..))
    }
}

/// What the recorder answers.
#[derive(Debug)]
pub(super) enum Answer {
    /// The hand-over begins, and that is durable.
    HandOver(Box<Task>, Box<Ready>),
    /// It is called for, and says this now.
    Compose(Box<Task>),
    /// It has ended, or is another deliverer's.
    Ended,
    /// Nothing may be sent now.
    NotNow(Box<Task>),
}

/// How an attempt ended.
#[derive(Debug)]
pub(super) struct Replied {
    pub(super) claimed: ClaimedNotice,
    /// The mail; none if it could not be composed.
    pub(super) ready: Option<Box<Ready>>,
    pub(super) was_handed_over: bool,
    pub(super) outcome: Outcome,
    pub(super) reply: Reply,
    /// What the ZRK must look at, if it is not the outcome itself.
    pub(super) alert: Option<crate::domain::Alert>,
    /// Told when it is durable.
    pub(super) recorded: oneshot::Sender<()>,
}

/// The one that writes for all connections of a delivery.
pub(super) struct Recorder<'a, E> {
    pub(super) store: &'a Store,
    pub(super) charter: &'a Charter,
    pub(super) clock: &'a Clock,
    /// Whether mail may go out by the clock, and the service is not to stop.
    pub(super) is_time_to_send: &'a (dyn Fn() -> bool + Send + Sync),
    /// The newest count of changes that a transaction saw.
    pub(super) seen_change: &'a AtomicI64,
    /// Whether a transaction runs.
    pub(super) is_writing: &'a AtomicBool,
    /// How many connections there are.
    pub(super) connections: usize,
    pub(super) events: &'a mut E,
}

impl<E: Extend<Event>> Recorder<'_, E> {
    /// Works until all connections have gone. What came in while a transaction ran goes into the next one together, but on a file
    /// the asks of half of the connections at most: while one half waits for the disk, the other half talks to the relay. When
    /// as many wait already, the next one begins before those of the last go on. A server costs more for each transaction than
    /// that wins.
    pub(super) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Request>) -> Result<(), TickError> {
        let asks_max = if self.store.is_in_file() { self.connections.div_ceil(2) } else { self.connections };
        let mut waiting = Vec::new();
        while !waiting.is_empty() || inbox.recv_many(&mut waiting, usize::MAX).await > 0 {
            let mut asks = 0;
            let is_of_next = |request: &mut Request| {
                asks += usize::from(request.is_ask());
                !request.is_ask() || asks <= asks_max
            };
            let requests = waiting.extract_if(.., is_of_next).collect();
            self.is_writing.store(true, Ordering::Relaxed);
            self.record(requests).await?;
            self.is_writing.store(false, Ordering::Relaxed);
            receive(&mut inbox, &mut waiting);
            if waiting.iter().filter(|request| request.is_ask()).count() < asks_max {
                others_first().await;
                receive(&mut inbox, &mut waiting);
            }
        }
        Ok(())
    }

    /// Tries again: nothing has begun, and what the relay has answered would be lost with it.
    async fn begin(&self) -> Result<Tx, StoreError> {
        for _ in 1..BEGIN_TRIES {
            match self.store.write().await {
                Ok(tx) => return Ok(tx),
                Err(cause) => tracing::warn!(%cause, "replies cannot be recorded yet; tried again"),
            }
        }
        self.store.write().await
    }

    async fn record(&mut self, requests: Vec<Request>) -> Result<(), TickError> {
        let (mut asked, mut replied) = (Vec::new(), Vec::new());
        for request in requests {
            match request {
                Request::Ask(task, ready, answer) => asked.push(Asked { task, ready, answer }),
                Request::Replied(reply) => replied.push(*reply),
            }
        }
        let mut tx = self.begin().await?;
        let now = self.clock.now();
        let told = replied.iter().map(|reply| (&reply.claimed, reply.was_handed_over));
        let claims: Vec<_> = told.chain(asked.iter().map(|asked| (&asked.task.claimed, false))).collect();
        let (mut state, lost) = tx.delivery_state_for(&claims).await?;
        // replies come first: a mailbox that refuses one mail gets no other of this group
        let mut events = record_replies(&mut tx, &replied, &lost, now).await?;
        if replied.iter().any(|reply| reply.outcome != Outcome::Accepted) {
            state = tx.delivery_state().await?;
        }
        self.seen_change.store(state.verdict_changes, Ordering::Relaxed);
        let decided = self.decide(&mut tx, asked, &lost, state, now, &mut events).await?;
        tx.commit().await?;
        self.events.extend(events);
        for reply in replied {
            fault::pass(Point::Recorded).await;
            let _ = reply.recorded.send(()); // a connection that does not wait for it has gone on
        }
        for (answer, said) in decided {
            let _ = answer.send(said); // a connection that is gone needs no answer
        }
        Ok(())
    }

    /// Decides on those that were asked about, as of this transaction (N5, N8).
    async fn decide(
        &mut self,
        tx: &mut Tx,
        asked: Vec<Asked>,
        lost: &HashSet<String>,
        state: DeliveryState,
        now: DateTime<Utc>,
        events: &mut Vec<Event>,
    ) -> Result<Vec<(oneshot::Sender<Answer>, Answer)>, TickError> {
        let is_open = !state.is_paused && (self.is_time_to_send)();
        let mut decided = Vec::new();
        let (mut unchanged, mut doubtful) = (Vec::new(), Vec::new());
        for asked in asked {
            let Asked { task, ready, answer } = asked;
            if lost.contains(&task.claimed.id) {
                log_lost(&task.claimed);
                decided.push((answer, Answer::Ended));
            } else if !is_open || !may_begin(&task.claimed, now) {
                decided.push((answer, Answer::NotNow(task)));
            } else if task.still_holds(state, now) {
                unchanged.push(Asked { task, ready, answer });
            } else {
                doubtful.push(Asked { task, ready, answer });
            }
        }
        if !doubtful.is_empty() {
            self.decide_again(tx, doubtful, state, now, (&mut unchanged, &mut decided), events).await?;
        }
        let handed_over = hand_over(tx, unchanged, now).await?;
        if !self.charter.settings.service.limits.pace.is_unlimited() {
            let mailboxes = handed_over.iter().filter_map(|(_, answer)| match answer {
                Answer::HandOver(task, _) => Some(&task.claimed.notice.mailbox),
                _ => None,
            });
            tx.count_hand_overs(&mailboxes.collect::<Vec<_>>(), now).await?;
        }
        decided.extend(handed_over);
        Ok(decided)
    }

    /// Asks the domain again about notices since whose claim something has changed. One that says another thing now must be
    /// composed again before it goes.
    async fn decide_again(
        &self,
        tx: &mut Tx,
        doubtful: Vec<Asked>,
        state: DeliveryState,
        now: DateTime<Utc>,
        (unchanged, decided): (&mut Vec<Asked>, &mut Vec<(oneshot::Sender<Answer>, Answer)>),
        events: &mut Vec<Event>,
    ) -> Result<(), TickError> {
        let settings = &self.charter.settings;
        let notices: Vec<&NewNotice> = doubtful.iter().map(|asked| &asked.task.claimed.notice).collect();
        let mut facts = RecheckFacts::load(tx, settings, &notices, now).await?;
        facts.load_letters(tx, &notices).await?;
        for Asked { mut task, ready, answer } in doubtful {
            let authorities = match facts.verdict(&task.claimed.notice) {
                Verdict::Send(authorities) => authorities,
                verdict => {
                    events.push(end(tx, &task.claimed, &verdict, &facts).await?);
                    decided.push((answer, Answer::Ended));
                    continue;
                }
            };
            if authorities != task.claimed.notice.authorities {
                tx.set_authorities(&[(&task.claimed, &authorities)]).await?;
                task.claimed.notice.authorities = authorities;
            }
            let Task { claimed, wording, .. } = *task;
            let task = Box::new(Task::new(claimed, &facts, state));
            match ready {
                Some(ready) if wording == task.wording => unchanged.push(Asked { task, ready: Some(ready), answer }),
                _ => decided.push((answer, Answer::Compose(task))),
            }
        }
        Ok(())
    }
}

/// Takes what has come in.
fn receive(inbox: &mut mpsc::UnboundedReceiver<Request>, waiting: &mut Vec<Request>) {
    while let Ok(request) = inbox.try_recv() {
        waiting.push(request);
    }
}

impl Task {
    /// A notice with what these facts say of it.
    pub(super) fn new(claimed: ClaimedNotice, facts: &RecheckFacts<'_>, state: DeliveryState) -> Self {
        Self {
            wording: Arc::new(facts.wording(&claimed.notice)),
            decided_at_change: state.verdict_changes,
            holds: facts.validity(&claimed.notice),
            claimed,
        }
    }

    fn still_holds(&self, state: DeliveryState, now: DateTime<Utc>) -> bool {
        self.decided_at_change == state.verdict_changes && self.holds.contains(&now)
    }
}

struct Asked {
    task: Box<Task>,
    ready: Option<Box<Ready>>,
    answer: oneshot::Sender<Answer>,
}

/// Records that the hand-overs of these begin.
async fn hand_over(
    tx: &mut Tx,
    unchanged: Vec<Asked>,
    now: DateTime<Utc>,
) -> Result<Vec<(oneshot::Sender<Answer>, Answer)>, TickError> {
    let mails = unchanged.iter().filter_map(|asked| {
        let ready = asked.ready.as_ref()?;
        Some((&asked.task.claimed, ready.as_handed_over()))
    });
    tx.record_hand_overs(&mails.collect::<Vec<_>>(), now).await?;
    let mut decided = Vec::new();
    for Asked { task, ready, answer } in unchanged {
        let said = match ready {
            None => Answer::Compose(task),
            Some(ready) => {
                for cause in &ready.failed_documents {
                    tracing::error!(
                        notice = task.claimed.id,
                        cause,
                        "a document could not be made; the mail goes without it"
                    );
                    tx.raise_alert(&document_alert(&task.claimed, cause), now).await?;
                }
                Answer::HandOver(task, ready)
            }
        };
        decided.push((answer, said));
    }
    Ok(decided)
}

/// Records replies (M6, M7). Of one that lost its lease nothing is recorded but that it came late.
pub(super) async fn record_replies(
    tx: &mut Tx,
    replied: &[Replied],
    lost: &HashSet<String>,
    now: DateTime<Utc>,
) -> Result<Vec<Event>, TickError> {
    let deliveries: Vec<(&ClaimedNotice, Delivery<'_>)> =
        replied.iter().map(|reply| (&reply.claimed, reply.as_delivery())).collect();
    tx.record_replies(&deliveries, lost, now).await?;
    let mut events = Vec::new();
    for reply in replied {
        if !lost.contains(&reply.claimed.id) {
            events.push(reply.as_event(now));
        } else {
            tracing::warn!(
                notice = reply.claimed.id,
                lease = reply.claimed.lease,
                code = crate::domain::delivery::reply_code(words(&reply.reply)),
                "a reply came after the lease had been lost; it changes nothing"
            );
        }
    }
    Ok(events)
}

impl Replied {
    fn as_delivery(&self) -> Delivery<'_> {
        let alert = match self.outcome {
            Outcome::Rejected => Some(rejected_alert(&self.claimed, words(&self.reply))),
            _ => uncertain_alert(&self.claimed, &self.outcome),
        };
        Delivery {
            outcome: self.outcome.clone(),
            reply: words(&self.reply),
            subject: self.ready.as_ref().map_or("", |ready| &ready.subject),
            sha256: self.ready.as_ref().map_or("", |ready| &ready.sha256),
            was_handed_over: self.was_handed_over,
            alert: self.alert.clone().or(alert),
        }
    }

    fn as_event(&self, now: DateTime<Utc>) -> Event {
        let what = match self.outcome {
            Outcome::Accepted => What::Sent,
            Outcome::RetryAt(_) => What::Retry,
            Outcome::Rejected => What::Rejected,
            Outcome::UncertainResendAt(_) | Outcome::Uncertain => What::Uncertain,
        };
        let mut event = Event::of_notice(what, &self.claimed.notice, now, Some(words(&self.reply).to_owned()));
        if let Some(ready) = &self.ready {
            event.subject = Some(ready.subject.clone());
            event.message_id = Some(ready.mail.message_id.clone());
        }
        event
    }
}

/// Ends a notice that is not to be sent, with the reason. Its claim is this deliverer's, or nobody's.
pub(super) async fn end(
    tx: &mut Tx,
    claimed: &ClaimedNotice,
    verdict: &Verdict,
    facts: &RecheckFacts<'_>,
) -> Result<Event, TickError> {
    let view = facts.view();
    let (state, reason) = verdict.as_state().unwrap_or((State::Withdrawn, "no longer called for"));
    // a mail that was perhaps sent stays uncertain; it is only not sent once more
    let kept = if claimed.was_uncertain { State::Uncertain } else { state };
    tx.end_unsent(&claimed.id, kept, reason, view.now).await?;
    if kept == State::Expired {
        tx.raise_alert(&expired_alert(claimed, reason, view.rulebook.zone), view.now).await?;
    } else if state == State::Expired
        && let Some(alert) = uncertain_alert(claimed, &Outcome::Uncertain)
    {
        tx.raise_alert(&alert, view.now).await?;
    }
    let what = if state == State::Expired { What::Expired } else { What::Withdrawn };
    Ok(Event::of_notice(what, &claimed.notice, view.now, Some(reason.to_owned())))
}

/// What was said of a hand-over, in the words that are kept.
pub(super) fn words(reply: &Reply) -> &str {
    match reply {
        Reply::Accepted { text }
        | Reply::RefusedForNow { text }
        | Reply::RefusedForGood { text }
        | Reply::NoRelay { text }
        | Reply::Broken { text } => text,
    }
}

fn log_lost(claimed: &ClaimedNotice) {
    tracing::warn!(
        notice = claimed.id,
        lease = claimed.lease,
        "the lease was lost before the mail was handed over; it is not sent"
    );
}
