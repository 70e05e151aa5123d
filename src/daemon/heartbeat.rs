//! Tells a monitor that the service is well, or that it is not. Never holds the service up, never shows the monitor's address.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use crate::domain::breaker::Breaker;
use crate::settings::{HeartbeatSettings, HeartbeatUrl};

use super::tick::TickError;

const CALL_MAX: Duration = Duration::from_secs(5); // a monitor that needs longer is not well itself
const ANSWER_HEAD_MAX: usize = 16 * 1024; // what a server says before its text; the text is not read at all
const RETRY: TimeDelta = TimeDelta::seconds(30); // a monitor that could not be told is not asked with every tick
const SIGNS_WAITING_MAX: usize = 1; // the next round has newer ones

/// How the service is, as a monitor may know it: no address, no name, nothing of the cause that the log has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    /// The last round did all that it should.
    Well,
    /// Something is wrong, in a few words.
    Failing(&'static str),
}

impl Condition {
    /// The database cannot be opened, so that nothing runs.
    pub const NO_DATABASE: Self = Self::Failing("the database cannot be opened; fristd did not start");
    /// A round had to be ended.
    pub const ENDLESS_ROUND: Self = Self::Failing("a round took too long and was ended; it is tried again");

    /// After a round: its end, and whether the relay is left alone.
    pub fn after_round(ended: &Result<(), TickError>, relay: &Breaker) -> Self {
        match ended {
            Err(TickError::Store(_)) => Self::Failing("the database cannot be used; tried again with every round"),
            Err(TickError::Calendar(_)) => Self::Failing("a deadline cannot be computed; tried again with every round"),
            Ok(()) if relay.is_open() => {
                Self::Failing("the mail relay fails; mails wait, and one tries from time to time")
            }
            Ok(()) => Self::Well,
        }
    }
}

/// Tells the monitor of the settings, if there is one, on a thread of its own.
#[derive(Debug)]
pub struct Heartbeat {
    caller: Option<(SyncSender<Sign>, JoinHandle<()>)>,
}

type Sign = (Condition, DateTime<Utc>);

impl Heartbeat {
    /// Begins to tell; without settings nobody is told.
    pub fn start(settings: Option<&HeartbeatSettings>) -> Self {
        let Some(settings) = settings.cloned() else { return Self { caller: None } };
        let (sender, signs) = sync_channel(SIGNS_WAITING_MAX);
        let started = std::thread::Builder::new().name("heartbeat".to_owned()).spawn(move || serve(&settings, &signs));
        match started {
            Ok(thread) => Self { caller: Some((sender, thread)) },
            Err(cause) => {
                tracing::error!(%cause, "the heartbeat cannot be started; the monitor is told nothing");
                Self { caller: None }
            }
        }
    }

    /// Says how the service is now. Whether the monitor is told depends on what it was told last, and when. Returns at once.
    pub fn tell(&self, condition: Condition, now: DateTime<Utc>) {
        let Some((signs, _)) = &self.caller else { return };
        match signs.try_send((condition, now)) {
            Ok(()) | Err(TrySendError::Full(_)) => {} // a slow monitor hears of the next round
            Err(TrySendError::Disconnected(_)) => tracing::debug!("the heartbeat has ended"),
        }
    }

    /// Waits until what was said has gone out or has failed. For a service that ends because it could not start.
    pub fn finish(self) {
        let Some((signs, thread)) = self.caller else { return };
        drop(signs);
        if thread.join().is_err() {
            tracing::debug!("the heartbeat has ended before");
        }
    }
}

fn serve(settings: &HeartbeatSettings, signs: &Receiver<Sign>) {
    let monitor = Monitor::new(settings.url.clone());
    let mut rhythm = Rhythm { every: TimeDelta::seconds(i64::from(settings.every_seconds)), last: None };
    let mut is_deaf = false;
    while let Ok((condition, now)) = signs.recv() {
        if !rhythm.is_due(condition, now) {
            continue;
        }
        let told = monitor.tell(condition);
        rhythm.last = Some(Attempt { condition, at: now, was_heard: told.is_ok() });
        match told {
            Ok(()) if is_deaf => tracing::info!(monitor = %settings.url, "the heartbeat's monitor answers again"),
            Ok(()) => tracing::debug!(?condition, "heartbeat"),
            Err(cause) if !is_deaf => {
                tracing::warn!(monitor = %settings.url, cause, "the heartbeat's monitor cannot be told; tried again");
            }
            Err(_) => {}
        }
        is_deaf = rhythm.last.is_some_and(|last| !last.was_heard);
    }
}

/// When the monitor is told: a change at once, the same again after the settings' seconds.
#[derive(Clone, Copy, Debug)]
struct Rhythm {
    every: TimeDelta,
    last: Option<Attempt>,
}

#[derive(Clone, Copy, Debug)]
struct Attempt {
    condition: Condition,
    at: DateTime<Utc>,
    was_heard: bool,
}

impl Rhythm {
    fn is_due(&self, condition: Condition, now: DateTime<Utc>) -> bool {
        let Some(last) = self.last else { return true };
        let pause = if last.was_heard { self.every } else { self.every.min(RETRY) };
        let has_turned = (last.condition == Condition::Well) != (condition == Condition::Well);
        // a clock that was set back says nothing about how long it has been
        has_turned || now < last.at || last.at + pause <= now
    }
}

/// Calls the monitor, and waits for its answer a few seconds at most.
struct Monitor {
    agent: ureq::Agent,
    url: HeartbeatUrl,
}

impl Monitor {
    fn new(url: HeartbeatUrl) -> Self {
        let is_protected = url.well().starts_with("https:");
        let mut config = ureq::Agent::config_builder()
            .timeout_global(Some(CALL_MAX))
            .max_redirects(0) // the address is a secret, and goes nowhere else
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_response_header_size(ANSWER_HEAD_MAX)
            .max_idle_connections(0) // the next call is minutes away
            .user_agent(concat!("fristd/", env!("CARGO_PKG_VERSION")));
        if is_protected {
            config = config.tls_config(tls());
        } else {
            config = config.proxy(None); // it is on this machine
        }
        Self { agent: config.build().new_agent(), url }
    }

    fn tell(&self, condition: Condition) -> Result<(), String> {
        let answer = match condition {
            Condition::Well => self.agent.get(self.url.well()).call(),
            Condition::Failing(why) => {
                self.agent.post(self.url.fail()).content_type("text/plain; charset=utf-8").send(format!("{why}\n"))
            }
        };
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("it answered {}", answer.status())),
            Err(cause) => Err(in_words(&cause)),
        }
    }
}

/// The system's certificates, by ring.
fn tls() -> TlsConfig {
    let found = rustls_native_certs::load_native_certs();
    for cause in &found.errors {
        tracing::warn!(%cause, "certificates that cannot be read; the heartbeat goes by the others");
    }
    let certificates = found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned());
    TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::from(certificates))
        .build()
}

/// What went wrong, without the address, which some of the library's errors repeat.
fn in_words(cause: &ureq::Error) -> String {
    match cause {
        ureq::Error::Io(_)
        | ureq::Error::Timeout(_)
        | ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_)
        | ureq::Error::Protocol(_)
        | ureq::Error::InvalidProxyUrl
        | ureq::Error::LargeResponseHeader(..) => cause.to_string(),
        ureq::Error::ConnectProxyFailed(_) => "the proxy of the environment refused the connection".to_owned(),
        _ => "the address cannot be called".to_owned(),
    }
}

#[cfg(test)]
#[path = "heartbeat_tests.rs"]
mod tests;
