//! The daemon's loop: wakes, ticks, delivers, reloads, stops. Never decides what is due.

use std::collections::HashMap;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use crate::domain::breaker::Breaker;
use crate::mail::RelayError;
use crate::settings::{Service as ServiceSettings, Source, Transport};
use crate::store::{Database, Durability, Removal, StaleClaims, Store, StoreError};

use super::bounce::Taken;
use super::bounce_folder::take_folder;
use super::carrier::Carrier;
use super::clock::Clock;
use super::deliver::Deliverer;
use super::drop_folder::DropFolder;
use super::event::{Event, What};
use super::heartbeat::{Condition, Heartbeat};
use super::presence::Presence;
use super::reload::{FileWatch, difference};
use super::retention::Daily;
use super::tick::{TickError, TickMemo, tick};
use super::{Charter, database_of};

const STOP_GRACE: Duration = Duration::from_secs(4); // the mail in hand may end; the service stops within five seconds
const LEAVE_MAX: Duration = Duration::from_secs(1); // after the grace; others see soon enough that it is gone
const EDIT_SETTLES: Duration = Duration::from_millis(500); // an editor writes a file in several steps
const ROUND_MAX: Duration = Duration::from_secs(900); // a round that takes longer hangs, and the watchdog may bark

/// Why the daemon could not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The relay's certificates or names cannot be used.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The scheduler failed.
    #[error("the scheduler cannot be started: {0}")]
    Scheduler(#[from] JobSchedulerError),
    /// The roster could not be taken.
    #[error(transparent)]
    Roster(#[from] TickError),
    /// The system's signals cannot be heard.
    #[error("signals cannot be heard: {0}")]
    Signals(#[from] std::io::Error),
}

/// Runs until SIGTERM or SIGINT. Settings are loaded again from `source` on SIGHUP and when their files change.
///
/// # Errors
/// If another daemon is at work on the same database, or the database cannot be used. Once it runs, a failing tick is logged
/// and tried again.
pub async fn run(source: Source, charter: Charter, clock: Clock) -> Result<(), RunError> {
    let database = database_of(&charter.settings.service);
    let heartbeat = Heartbeat::start(charter.settings.service.heartbeat.as_ref());
    let opened = async {
        let presence = Presence::take(&charter.settings.service, clock.now()).await?;
        let store = Store::open(&database, Durability::Full, clock.now()).await?.working_as(presence.name());
        Ok((presence, store))
    };
    let (presence, store) = match opened.await {
        Ok(opened) => opened,
        Err(cause) => {
            // a second service is no reason for an alarm: the first is at work
            if !matches!(cause, StoreError::AlreadyRunning { .. } | StoreError::NameTaken { .. }) {
                heartbeat.tell(Condition::NO_DATABASE, clock.now());
            }
            heartbeat.finish();
            return Err(cause.into());
        }
    };
    let (stop_sender, stop) = watch::channel(false);
    keep_message_domain(&store, &charter.settings.service).await?;
    super::taken::take(&store, &charter, clock.now()).await?;
    let wakes = Wakes::start(&charter, stop_sender).await?;
    let mut service = Service {
        carrier: Carrier::new(&charter.settings.service)?,
        breaker: Breaker::new(charter.settings.service.limits.breaker_failures),
        heartbeat,
        again_at: None,
        files: FileWatch::new(&charter.settings.files, wakes.changed.clone()),
        presence,
        memo: TickMemo::default(),
        drop_folder: DropFolder::default(),
        retention: Daily::default(),
        store,
        charter,
        clock,
        stop,
        folder_trouble: None,
        // by a file nobody else can be at work, whatever this machine was called before
        own_claims: if matches!(database, Database::File(_)) { StaleClaims::All } else { StaleClaims::Own },
        has_claims_left: true,
        has_failed: false,
    };
    let rulebook = &service.charter.settings.rulebook;
    tracing::info!(
        authorities = service.charter.settings.roster.authorities().len(),
        contacts = service.charter.settings.roster.contacts().len(),
        duties = rulebook.duties.len(),
        %database,
        replica = service.presence.name(),
        "ready"
    );
    tell_system(&[sd_notify::NotifyState::Ready]);
    service.run(&source, &wakes).await;
    tell_system(&[sd_notify::NotifyState::Stopping]);
    let Service { presence, store, clock, .. } = service;
    let left = async {
        if let Err(cause) = presence.leave(&store, clock.now()).await {
            tracing::warn!(%cause, "that this replica ends could not be said");
        }
        store.close().await;
    };
    if tokio::time::timeout(LEAVE_MAX, left).await.is_err() {
        tracing::warn!("the database does not answer; that this replica ends could not be said");
    }
    tracing::info!("stopped");
    Ok(())
}

/// From the first start with a relay on: who only looks at mails in a folder has not decided on a sender yet.
async fn keep_message_domain(store: &Store, service: &ServiceSettings) -> Result<(), StoreError> {
    if let Transport::Directory { .. } = service.transport {
        return Ok(());
    }
    let mut tx = store.write().await?;
    tx.set_message_domain(service.sender.from.domain()).await?;
    tx.commit().await
}

/// What wakes the loop.
struct Wakes {
    tick: Arc<Notify>,
    changed: Arc<Notify>,
    _scheduler: JobScheduler,
}

impl Wakes {
    async fn start(charter: &Charter, stop: watch::Sender<bool>) -> Result<Self, RunError> {
        let (tick, changed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        tick.notify_one(); // the first tick comes at once: after a standstill something may be due
        let scheduler = JobScheduler::new().await?;
        let seconds = u64::from(charter.settings.service.tick_seconds);
        let waker = tick.clone();
        let job = Job::new_repeated(Duration::from_secs(seconds), move |_, _| waker.notify_one())?;
        scheduler.add(job).await?;
        scheduler.start().await?;
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            let _ = stop.send(true);
            // the sender lives on until the process ends, so that nobody mistakes a dropped channel for news
            std::future::pending::<()>().await;
        });
        let mut hang_up = signal(SignalKind::hangup())?;
        let changed_by_signal = changed.clone();
        tokio::spawn(async move {
            while hang_up.recv().await.is_some() {
                changed_by_signal.notify_one();
            }
        });
        Ok(Self { tick, changed, _scheduler: scheduler })
    }
}

struct Service {
    store: Store,
    charter: Charter,
    carrier: Carrier,
    /// Whether the relay is left alone.
    breaker: Breaker,
    heartbeat: Heartbeat,
    /// When a delivery wants to be called again before the next tick.
    again_at: Option<DateTime<Utc>>,
    files: FileWatch,
    presence: Presence,
    memo: TickMemo,
    drop_folder: DropFolder,
    retention: Daily,
    clock: Clock,
    stop: watch::Receiver<bool>,
    /// Why the Maildir of returned mails cannot be used, as it was last said.
    folder_trouble: Option<String>,
    /// Which claims are those of a process before this one, or of a delivery that failed.
    own_claims: StaleClaims,
    /// Whether there may be such claims.
    has_claims_left: bool,
    /// Whether the last round failed.
    has_failed: bool,
}

impl Service {
    async fn run(&mut self, source: &Source, wakes: &Wakes) {
        let (mut stop, stopping) = (self.stop.clone(), self.stop.clone());
        let mut feed = tokio::time::interval(watchdog_interval());
        // the scheduler goes by the wall clock, and a repeated job of it never runs again once that was put forward by more
        // than its period, or the process was suspended for so long; this one goes by the monotonic clock
        let tick_seconds = u64::from(self.charter.settings.service.tick_seconds);
        let mut pulse = tokio::time::interval(Duration::from_secs(tick_seconds));
        pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = stop.wait_for(|stopped| *stopped) => return,
                _ = feed.tick() => tell_system(&[sd_notify::NotifyState::Watchdog]),
                _ = pulse.tick() => wakes.tick.notify_one(),
                () = until(self.again_at, &self.clock) => {
                    self.again_at = None;
                    wakes.tick.notify_one();
                }
                () = wakes.changed.notified() => {
                    tokio::time::sleep(EDIT_SETTLES).await;
                    if let Ended::Stopped = guarded(self.reload(source, wakes), stopping.clone()).await {
                        return;
                    }
                    wakes.tick.notify_one();
                }
                () = wakes.tick.notified() => {
                    let condition = match guarded(self.round(), stopping.clone()).await {
                        Ended::Round(condition) => condition,
                        Ended::TookTooLong => Condition::ENDLESS_ROUND,
                        Ended::Stopped => {
                            tracing::warn!("the mail in hand did not end in time; its fate is decided at the next start");
                            return;
                        }
                    };
                    self.heartbeat.tell(condition, self.clock.now());
                }
            }
        }
    }

    async fn round(&mut self) -> Condition {
        let ended = self.tick_and_deliver().await;
        match &ended {
            Err(cause) => tracing::error!(%cause, "this tick failed and is tried again; nothing was lost"),
            Ok(()) if self.has_failed => tracing::info!("works again"),
            Ok(()) => {}
        }
        self.has_failed = ended.is_err();
        Condition::after_round(&ended, &self.breaker)
    }

    async fn tick_and_deliver(&mut self) -> Result<(), TickError> {
        let clock_seconds_max = self.charter.settings.service.limits.clock_seconds_max;
        self.presence.attend(&self.store, &self.clock, clock_seconds_max).await?;
        let now = self.clock.now();
        if self.has_claims_left {
            self.has_claims_left = !self.recover(self.own_claims).await;
        }
        if self.store.read().await?.has_stale_claims(now).await? {
            self.recover(StaleClaims::LeaseEnded).await;
        }
        // a folder that cannot be used, or a list, must not hold up what is to be sent
        if let Err(cause) = self.drop_folder.look(&self.store, &self.charter, now).await {
            tracing::error!(%cause, "lists in the drop folder could not be imported; tried again");
        }
        self.take_returned().await;
        tick(&self.store, &self.charter, &mut self.memo, now).await?.iter().for_each(super::event::Event::log);
        let mut told = Told::default();
        self.has_claims_left = true; // should this be dropped, or fail
        let delivered = self.deliverer().deliver(&mut told).await;
        told.log();
        self.again_at = delivered?;
        self.has_claims_left = false;
        if let Some(removed) = self.retention.run(&self.store, &self.charter, now).await? {
            let Removal { notices, mails, mail_bytes, .. } = removed;
            tracing::info!(notices, mails, mail_bytes, "mails and addresses taken away, as [retention] says");
        }
        tracing::debug!("round done");
        Ok(())
    }

    /// Takes what came back into the Maildir of the settings. That it cannot be used is said once, and holds nothing up.
    async fn take_returned(&mut self) {
        let Some(folder) = &self.charter.settings.service.returns.maildir else { return };
        let now = self.clock.now();
        let watch = |file: &Path, taken: &Taken| {
            taken.log();
            tracing::debug!(file = %file.display(), "file of the returned mail");
            if let Taken::Recorded(report) = taken {
                report.event(now).iter().for_each(super::event::Event::log);
            }
        };
        let trouble = match take_folder(&self.store, &self.charter, folder, &self.clock, watch).await {
            Ok(_) => None,
            Err(cause) => Some(cause.to_string()),
        };
        if let Some(cause) = trouble.as_ref().filter(|_| trouble != self.folder_trouble) {
            tracing::error!(cause, "returned mails cannot be taken from the Maildir; tried again");
        }
        self.folder_trouble = trouble;
    }

    /// Returns whether it is done.
    async fn recover(&mut self, claims: StaleClaims) -> bool {
        match self.deliverer().recover(claims).await {
            Ok(events) => {
                events.iter().for_each(super::event::Event::log);
                true
            }
            Err(cause) => {
                tracing::error!(%cause, "notices that were in hand could not be taken over; tried again");
                false
            }
        }
    }

    fn deliverer(&mut self) -> Deliverer<'_, Carrier> {
        Deliverer {
            store: &self.store,
            charter: &self.charter,
            transport: &mut self.carrier,
            connections: self.charter.settings.service.limits.connections,
            clock: &self.clock,
            breaker: &mut self.breaker,
            stop: self.stop.clone(),
        }
    }

    /// Takes new settings over whole, or not at all.
    async fn reload(&mut self, source: &Source, wakes: &Wakes) {
        match Charter::load(source, self.charter.generation + 1) {
            Err(complaints) => tracing::error!(%complaints, "settings refused; the ones before stay in force"),
            Ok(charter) if charter.settings.service.database != self.charter.settings.service.database => {
                tracing::error!("settings refused: the database cannot change while fristd runs; restart it for that");
            }
            Ok(charter) => match Carrier::new(&charter.settings.service) {
                Err(cause) => tracing::error!(%cause, "settings refused; the ones before stay in force"),
                Ok(carrier) => {
                    let changes = difference(&self.charter.settings, &charter.settings, self.clock.now());
                    tracing::info!(changes = ?changes, "settings reloaded");
                    if charter.settings.service.tick_seconds != self.charter.settings.service.tick_seconds {
                        tracing::warn!("tick_seconds has changed; that takes effect when fristd is restarted");
                    }
                    self.carrier = carrier;
                    self.breaker.set_failures_max(charter.settings.service.limits.breaker_failures);
                    if charter.settings.service.heartbeat != self.charter.settings.service.heartbeat {
                        self.heartbeat = Heartbeat::start(charter.settings.service.heartbeat.as_ref());
                    }
                    self.files = FileWatch::new(&charter.settings.files, wakes.changed.clone());
                    self.charter = charter;
                    if let Err(cause) = super::taken::take(&self.store, &self.charter, self.clock.now()).await {
                        tracing::error!(%cause, "what was taken could not be kept; `fristd check --diff` compares with less");
                    }
                }
            },
        }
    }
}

/// How the wait for a round ended.
enum Ended<T> {
    Round(T),
    TookTooLong,
    Stopped,
}

/// What a delivery did, told as it happens and counted: of a hundred thousand mails nothing else is kept.
#[derive(Debug, Default)]
struct Told {
    counts: HashMap<What, usize>,
}

impl Extend<Event> for Told {
    fn extend<I: IntoIterator<Item = Event>>(&mut self, events: I) {
        for event in events {
            event.log();
            *self.counts.entry(event.what).or_default() += 1;
        }
    }
}

impl Told {
    fn log(&self) {
        if self.counts.is_empty() {
            return;
        }
        let of = |what| self.counts.get(&what).copied().unwrap_or_default();
        tracing::info!(
            sent = of(What::Sent),
            withdrawn = of(What::Withdrawn),
            retry = of(What::Retry),
            rejected = of(What::Rejected),
            uncertain = of(What::Uncertain),
            expired = of(What::Expired),
            "delivered"
        );
    }
}

/// Waits until an instant; for ever if there is none.
async fn until(instant: Option<DateTime<Utc>>, clock: &Clock) {
    match instant {
        Some(instant) => tokio::time::sleep((instant - clock.now()).to_std().unwrap_or_default()).await,
        None => std::future::pending().await,
    }
}

/// Awaits a round with the watchdog fed, and after a stop for no longer than the grace.
async fn guarded<T>(round: impl Future<Output = T>, mut stop: watch::Receiver<bool>) -> Ended<T> {
    let mut round = pin!(tokio::time::timeout(ROUND_MAX, round));
    let mut stopped = pin!(async {
        let _ = stop.wait_for(|stopped| *stopped).await;
        tokio::time::sleep(STOP_GRACE).await;
    });
    let mut feed = tokio::time::interval(watchdog_interval());
    loop {
        tokio::select! {
            ended = &mut round => {
                return match ended {
                    Ok(ended) => Ended::Round(ended),
                    Err(_) => {
                        tracing::error!("a round took longer than {} minutes and was ended", ROUND_MAX.as_secs() / 60);
                        Ended::TookTooLong
                    }
                };
            }
            () = &mut stopped => return Ended::Stopped,
            _ = feed.tick() => tell_system(&[sd_notify::NotifyState::Watchdog]),
        }
    }
}

fn watchdog_interval() -> Duration {
    const WITHOUT_WATCHDOG: Duration = Duration::from_secs(3600);
    sd_notify::watchdog_enabled().map_or(WITHOUT_WATCHDOG, |limit| (limit / 3).max(Duration::from_millis(100)))
}

/// Tells systemd, if it started us. That it cannot be told is no reason to stop.
fn tell_system(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(cause) = sd_notify::notify(states) {
        tracing::debug!(%cause, "systemd cannot be told");
    }
}
