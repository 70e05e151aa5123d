//! Where the replicas stop: at the points of `fault`, and where a mail is on its way. Never decides what happens there.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use fristd::fault::{self, Point};

/// Where a replica stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    Point(Point),
    /// The relay has not yet answered up to DATA.
    Asked,
    /// The relay has decided on the message, and its answer is on the way.
    OnTheWay,
}

impl Stop {
    /// Whether a writing transaction is open here, so that no other replica can write.
    pub fn is_in_transaction(self) -> bool {
        matches!(self, Self::Point(Point::Planned | Point::Queued | Point::Committing))
    }

    /// Whether the database can fail here.
    pub fn can_fail(self) -> bool {
        matches!(self, Self::Point(Point::Beginning | Point::Committing | Point::Committed))
    }

    /// Whether who goes on from here asks the database before stopping again. From the other stops of a delivery a connection
    /// goes on by itself, or hands over to the one that writes, which then stops before it begins.
    pub fn leads_to_database(self) -> bool {
        use Point::{Beginning, Claimed, Committing, Planned, Queued};
        matches!(self, Self::Point(Beginning | Claimed | Committing | Planned | Queued))
    }
}

/// What becomes of one who stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Go,
    Fail,
}

/// One who waits at a stop.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub ticket: u64,
    pub replica: usize,
    pub stop: Stop,
    waker: Waker,
}

#[derive(Default)]
struct Inner {
    /// The replica that is being driven; while there is none nobody stops.
    driven: Option<usize>,
    next_ticket: u64,
    waiting: Vec<Waiting>,
    verdicts: HashMap<u64, Verdict>,
    commits: u64,
    arrivals: u64,
}

/// The gate of one world.
#[derive(Clone, Default)]
pub struct Gate(Arc<Mutex<Inner>>);

impl Gate {
    /// Makes all points of this thread stops of this gate.
    pub fn install(&self) {
        let gate = self.clone();
        fault::install(Some(Arc::new(move |point| Box::pin(gate.stop_at(Stop::Point(point))))));
    }

    pub fn stop_at(&self, stop: Stop) -> Stopped {
        Stopped { gate: self.clone(), stop, ticket: None }
    }

    pub fn set_driven(&self, replica: Option<usize>) {
        self.0.lock().unwrap().driven = replica;
    }

    /// How many transactions were committed up to now, and how often somebody stopped.
    pub fn counts(&self) -> (u64, u64) {
        let inner = self.0.lock().unwrap();
        (inner.commits, inner.arrivals)
    }

    /// Where a replica waits.
    pub fn waiting(&self, replica: usize) -> Vec<Waiting> {
        self.0.lock().unwrap().waiting.iter().filter(|waiting| waiting.replica == replica).cloned().collect()
    }

    /// Lets one who waits go on.
    pub fn release(&self, waiting: &Waiting, verdict: Verdict) {
        let mut inner = self.0.lock().unwrap();
        inner.waiting.retain(|other| other.ticket != waiting.ticket);
        inner.verdicts.insert(waiting.ticket, verdict);
        drop(inner);
        waiting.waker.wake_by_ref();
    }
}

/// Rings when something that waited can go on, so that one can tell when nothing can.
#[derive(Default)]
pub struct Alarm {
    has_rung: AtomicBool,
    outer: Mutex<Option<Waker>>,
}

impl Alarm {
    pub fn pass_on_to(&self, outer: &Waker) {
        *self.outer.lock().unwrap() = Some(outer.clone());
    }

    /// Whether it has rung since it was last asked.
    pub fn take(&self) -> bool {
        self.has_rung.swap(false, Ordering::SeqCst)
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.has_rung.store(true, Ordering::SeqCst);
        if let Some(outer) = &*self.outer.lock().unwrap() {
            outer.wake_by_ref();
        }
    }
}

/// Waits until it is let go.
pub struct Stopped {
    gate: Gate,
    stop: Stop,
    ticket: Option<u64>,
}

impl Future for Stopped {
    type Output = Result<(), std::io::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let gate = self.gate.clone();
        let mut inner = gate.0.lock().unwrap();
        let Some(ticket) = self.ticket else {
            if self.stop == Stop::Point(Point::Committed) {
                inner.commits += 1;
            }
            let Some(replica) = inner.driven else { return Poll::Ready(Ok(())) };
            let ticket = inner.next_ticket;
            inner.next_ticket += 1;
            inner.arrivals += 1;
            inner.waiting.push(Waiting { ticket, replica, stop: self.stop, waker: context.waker().clone() });
            self.ticket = Some(ticket);
            return Poll::Pending;
        };
        match inner.verdicts.remove(&ticket) {
            Some(Verdict::Go) => Poll::Ready(Ok(())),
            Some(Verdict::Fail) => {
                Poll::Ready(Err(std::io::Error::other("the connection to the database is lost (simulated)")))
            }
            None => {
                if let Some(waiting) = inner.waiting.iter_mut().find(|waiting| waiting.ticket == ticket) {
                    waiting.waker = context.waker().clone();
                }
                Poll::Pending
            }
        }
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let mut inner = self.gate.0.lock().unwrap();
        inner.waiting.retain(|waiting| waiting.ticket != ticket);
        inner.verdicts.remove(&ticket);
    }
}
