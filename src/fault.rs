//! Points between plan and record at which a test lets the process die, wait or fail. Does nothing in a build without the
//! feature `faults`, which is never shipped.
//!
//! A process that is to die by itself is started with `FRISTD_DIE_AT=POINT:N`: it dies when it passes that point for the
//! N-th time, without any destructor, as by SIGKILL. A simulation installs a `Hook` instead, for its own thread.

/// A point on the way from plan to record, in the order of the way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Point {
    /// The tick has planned; nothing is written.
    Planned,
    /// The tick's notices stand in its transaction, which is not yet committed.
    Queued,
    /// A writing transaction is about to begin.
    Beginning,
    /// A transaction is about to be committed.
    Committing,
    /// A transaction was committed, and nobody knows yet.
    Committed,
    /// A batch was claimed, and the claim is durable.
    Claimed,
    /// A mail was composed.
    Composed,
    /// The relay waits for the message (354).
    Prepared,
    /// That the hand-over begins is durable.
    HandedOver,
    /// The relay has answered; nothing of that is written.
    Answered,
    /// The reply is durable.
    Recorded,
}

impl Point {
    /// All points.
    pub const ALL: [Self; 11] = [
        Self::Planned,
        Self::Queued,
        Self::Beginning,
        Self::Committing,
        Self::Committed,
        Self::Claimed,
        Self::Composed,
        Self::Prepared,
        Self::HandedOver,
        Self::Answered,
        Self::Recorded,
    ];

    /// Its name in `FRISTD_DIE_AT`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Queued => "queued",
            Self::Beginning => "beginning",
            Self::Committing => "committing",
            Self::Committed => "committed",
            Self::Claimed => "claimed",
            Self::Composed => "composed",
            Self::Prepared => "prepared",
            Self::HandedOver => "handed-over",
            Self::Answered => "answered",
            Self::Recorded => "recorded",
        }
    }
}

#[cfg(not(feature = "faults"))]
mod points {
    use super::Point;

    /// Passes a point.
    #[inline(always)]
    pub async fn pass(_: Point) {}

    /// Passes a point at which the database may fail.
    #[inline(always)]
    pub async fn pass_or_fail(_: Point) -> Result<(), std::io::Error> {
        Ok(())
    }
}

#[cfg(feature = "faults")]
mod points {
    use std::cell::RefCell;
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, OnceLock};

    use super::Point;

    /// What a simulation does at a point: it may wait as long as it likes, also for ever, and may make the database fail.
    pub type Hook =
        Arc<dyn Fn(Point) -> Pin<Box<dyn Future<Output = Result<(), std::io::Error>> + Send>> + Send + Sync>;

    thread_local! {
        static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    }

    /// Installs the hook of this thread, or takes it away.
    pub fn install(hook: Option<Hook>) {
        HOOK.with(|installed| *installed.borrow_mut() = hook);
    }

    /// Passes a point. What fails there fails unheard: only a database can.
    pub async fn pass(point: Point) {
        let _ = pass_or_fail(point).await;
    }

    /// Passes a point at which the database may fail.
    pub async fn pass_or_fail(point: Point) -> Result<(), std::io::Error> {
        die_if_told(point);
        let hook = HOOK.with(|installed| installed.borrow().clone());
        match hook {
            Some(hook) => hook(point).await,
            None => Ok(()),
        }
    }

    fn die_if_told(point: Point) {
        static WHERE: OnceLock<Option<(String, u64)>> = OnceLock::new();
        static PASSED: AtomicU64 = AtomicU64::new(0);
        let told = WHERE.get_or_init(|| {
            let told = std::env::var("FRISTD_DIE_AT").ok()?;
            let (name, count) = told.split_once(':')?;
            Some((name.to_owned(), count.parse().ok()?))
        });
        if let Some((name, count)) = told
            && name == point.name()
            && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *count
        {
            std::process::abort();
        }
    }
}

pub use points::*;
