//! Drives a delivery's connections and its recorder in one task. Never knows what they do.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

const POLLS_MAX: usize = 64; // then others of the process have their turn: timers, signals, what comes in

/// Drives connections and the recorder until the recorder ends. It begins a transaction only when each connection has gone as
/// far as it can: so one takes all that is pending, and the same events come in the same order. A transaction that runs goes on
/// between any two steps of connections: the database does not wait until mails are composed.
///
/// `is_writing` says whether a transaction runs.
pub(super) async fn side_by_side<R>(
    connections: Vec<impl Future<Output = ()>>,
    recorder: impl Future<Output = R>,
    is_writing: &AtomicBool,
) -> R {
    let whole = Arc::new(AtomicWaker::new());
    let mut connections: Vec<_> = connections.into_iter().map(|one| Part::new(Box::pin(one), &whole)).collect();
    let recorder = pin!(recorder);
    let mut recorder = Part::new(recorder, &whole);
    poll_fn(|context| {
        let mut polls = 0;
        while polls < POLLS_MAX {
            let _ = whole.take(); // who calls while this goes on is seen below
            let mut from = 0;
            while let Some(place) = (from..connections.len()).find(|place| connections[*place].is_called()) {
                from = place + 1;
                polls += 1;
                if connections[place].poll().is_ready() {
                    connections.remove(place);
                    from = place;
                }
                if is_writing.load(Ordering::Relaxed)
                    && recorder.is_called()
                    && let Poll::Ready(result) = recorder.poll()
                {
                    return Poll::Ready(result);
                }
            }
            let is_connection_called = connections.iter().any(Part::is_called);
            if !is_connection_called && recorder.is_called() {
                polls += 1;
                if let Poll::Ready(result) = recorder.poll() {
                    return Poll::Ready(result);
                }
            }
            whole.register(context.waker());
            if !recorder.is_called() && !connections.iter().any(Part::is_called) {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// Lets all that can go on do so, once.
pub(super) async fn others_first() {
    let mut is_first = true;
    poll_fn(|context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

/// A future that is polled when somebody has called it.
struct Part<F> {
    future: F,
    bell: Arc<Bell>,
    waker: Waker,
}

struct Bell {
    is_rung: AtomicBool,
    whole: Arc<AtomicWaker>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_rung.store(true, Ordering::Release);
        self.whole.wake();
    }
}

impl<F: Future + Unpin> Part<F> {
    fn new(future: F, whole: &Arc<AtomicWaker>) -> Self {
        let bell = Arc::new(Bell { is_rung: AtomicBool::new(true), whole: Arc::clone(whole) });
        Self { future, waker: Waker::from(Arc::clone(&bell)), bell }
    }

    /// Whether somebody has called since it was polled.
    fn is_called(&self) -> bool {
        self.bell.is_rung.load(Ordering::Acquire)
    }

    fn poll(&mut self) -> Poll<F::Output> {
        self.bell.is_rung.store(false, Ordering::Release);
        Pin::new(&mut self.future).poll(&mut Context::from_waker(&self.waker))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::sync::{Notify, mpsc};

    use super::*;

    #[tokio::test]
    async fn a_transaction_begins_after_all_steps_and_goes_on_between_any_two() {
        let (said, is_writing, has_begun) = (Mutex::new(Vec::new()), AtomicBool::new(false), Notify::new());
        let say = |what: &str| said.lock().unwrap().push(what.to_owned());
        let (sender, mut inbox) = mpsc::unbounded_channel::<()>();
        let connection = async {
            say("asks");
            sender.send(()).unwrap();
            drop(sender);
            others_first().await;
            say("waits");
            has_begun.notified().await;
            for step in ["composes", "sends"] {
                say(step);
                others_first().await;
            }
        };
        let recorder = async {
            let mut requests = Vec::new();
            while inbox.recv_many(&mut requests, 10).await > 0 {
                is_writing.store(true, Ordering::Relaxed);
                say("begins");
                has_begun.notify_one();
                for _ in 0..2 {
                    others_first().await;
                    say("goes on");
                }
                is_writing.store(false, Ordering::Relaxed);
                requests.clear();
            }
        };
        side_by_side(vec![connection], recorder, &is_writing).await;
        assert_eq!(*said.lock().unwrap(), ["asks", "waits", "begins", "composes", "goes on", "sends", "goes on"]);
    }

    #[tokio::test]
    async fn one_that_calls_itself_for_ever_does_not_keep_the_others_of_the_process() {
        let restless = async {
            loop {
                others_first().await;
            }
        };
        let (forever, is_writing) = (std::future::pending::<()>(), AtomicBool::new(false));
        let never = side_by_side(vec![restless], forever, &is_writing);
        let patience = std::time::Duration::from_millis(1);
        assert!(tokio::time::timeout(patience, never).await.is_err(), "the clock has its turn");
    }
}
