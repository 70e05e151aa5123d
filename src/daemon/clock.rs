//! The only reader of time. Never decides anything.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SubsecRound, Utc};

const DIGITS: u16 = 6; // microseconds: what both databases keep, so that an instant read back is the one written

/// The system's time, or a virtual one for simulations.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The system's.
    System,
    /// One that stands still until it is set.
    Virtual(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// A virtual clock at an instant.
    pub fn virtual_at(instant: DateTime<Utc>) -> Self {
        Self::Virtual(Arc::new(Mutex::new(instant)))
    }

    /// The instant, in microseconds.
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
            Self::System => Utc::now().trunc_subsecs(DIGITS),
            Self::Virtual(instant) => *instant.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Sets a virtual clock; the system's is not ours to set.
    pub fn set(&self, to: DateTime<Utc>) {
        if let Self::Virtual(instant) = self {
            *instant.lock().unwrap_or_else(PoisonError::into_inner) = to;
        }
    }
}
