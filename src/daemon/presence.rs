//! Says that this replica is at work, under a name that is its own, with a clock that is right. Never asks another replica.

use chrono::{DateTime, TimeDelta, Utc};

use crate::settings::Service;
use crate::store::{Replica, RunLock, Store, StoreError};

use super::clock::Clock;
use super::database_of;

/// Whether a replica is there is told so often; `fristd status --replicas` counts on it.
pub const SEEN_EVERY: TimeDelta = TimeDelta::seconds(30);

/// This replica, from its start to its end.
#[derive(Debug)]
pub struct Presence {
    lock: RunLock,
    replica: Replica,
    is_signed: bool,
}

impl Presence {
    /// Takes the name, alone.
    ///
    /// # Errors
    /// If another process works under it, or the database cannot be reached.
    pub async fn take(service: &Service, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let name = name_of(service);
        let lock = RunLock::take(database_of(service), &name).await?;
        let replica = Replica {
            name,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            started_at: now,
            seen_at: now,
            ahead: None,
            stopped_at: None,
            claims: 0,
        };
        Ok(Self { lock, replica, is_signed: false })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.replica.name
    }

    /// To be called before each round of work.
    ///
    /// # Errors
    /// If the name is lost, the clock is wrong, the database cannot be reached or was moved away: then there must be no round.
    pub async fn attend(&mut self, store: &Store, clock: &Clock, clock_seconds_max: u32) -> Result<(), StoreError> {
        self.lock.renew().await?;
        store.read().await?.service().await?.is_here()?;
        let asked_at = clock.now();
        let server_time = store.server_time().await?;
        let now = clock.now();
        self.replica.ahead = server_time.map(|server| asked_at + (now - asked_at) / 2 - server);
        let is_due = !self.is_signed || !(TimeDelta::zero()..SEEN_EVERY).contains(&(now - self.replica.seen_at));
        if is_due {
            self.replica.seen_at = now;
            self.sign(store).await?;
            self.is_signed = true;
        }
        match self.replica.ahead {
            Some(ahead) if ahead.abs() > TimeDelta::seconds(i64::from(clock_seconds_max)) => {
                Err(StoreError::WrongClock { ahead, seconds_max: clock_seconds_max })
            }
            _ => Ok(()),
        }
    }

    /// Says that it ends, in order.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn leave(mut self, store: &Store, now: DateTime<Utc>) -> Result<(), StoreError> {
        (self.replica.seen_at, self.replica.stopped_at) = (now, Some(now));
        self.sign(store).await
    }

    async fn sign(&self, store: &Store) -> Result<(), StoreError> {
        let mut tx = store.write().await?;
        tx.sign_replica(&self.replica).await?;
        tx.commit().await
    }
}

/// The name of the settings, else the machine's.
fn name_of(service: &Service) -> String {
    const MACHINE: &str = "/proc/sys/kernel/hostname";
    service.replica.clone().unwrap_or_else(|| {
        let machine = std::fs::read_to_string(MACHINE).unwrap_or_default();
        let name: String = machine.trim().chars().filter(|c| c.is_ascii_graphic()).take(64).collect();
        if name.is_empty() { "fristd".to_owned() } else { name }
    })
}
