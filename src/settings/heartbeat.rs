//! Checks whom the service tells that it is well. Never connects to it, never shows its address beyond the host.

use std::fmt;

use url::{Host, Url};

use super::layers::Layers;

const URL_LENGTH_MAX: usize = 2000; // what servers take on a request's first line
const EVERY_SECONDS_MAX: i64 = 86_400; // a monitor that expects a sign less than once a day notices too late

/// Whom the service tells that it is well, and how often.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeartbeatSettings {
    /// Where a sign of life goes.
    pub url: HeartbeatUrl,
    /// After a good round, but no more often, 1 to 86,400.
    pub every_seconds: u32,
}

/// The address of a monitor: https, or http on the same machine. Who knows it can pretend to be well, so that no log and no
/// complaint shows more of it than the host.
///
/// ```
/// use fristd::settings::HeartbeatUrl;
/// let url = HeartbeatUrl::parse("https://monitor.example/ping/2f1c?from=zrk").unwrap();
/// assert_eq!(url.well(), "https://monitor.example/ping/2f1c?from=zrk");
/// assert_eq!(url.fail(), "https://monitor.example/ping/2f1c/fail?from=zrk");
/// assert_eq!(format!("{url} {url:?}"), "https://monitor.example/… HeartbeatUrl(https://monitor.example/…)");
/// assert!(HeartbeatUrl::parse("http://monitor.example/ping/2f1c").is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct HeartbeatUrl(Url);

impl HeartbeatUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it and what is accepted, without the address.
    pub fn parse(text: &str) -> Result<Self, String> {
        const REMEDY: &str = "accepted: an address like https://monitor.example/ping/…";
        let error = |why: &str| Err(format!("{why}; {REMEDY}"));
        if text.len() > URL_LENGTH_MAX {
            return error("is longer than 2000 characters");
        }
        if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return error("holds a space, a line break or another control character");
        }
        let Ok(url) = Url::parse(text) else { return error("is no address on the net") };
        let is_loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return error("names no host"),
        };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback => {}
            "http" => {
                return Err(
                    "would be called without protection; http is accepted for localhost, 127.0.0.0/8 and ::1 only: \
                            write https"
                        .to_owned(),
                );
            }
            _ => return error("is neither https nor http"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return error("holds a user name or a password, which is not sent");
        }
        if url.fragment().is_some() {
            return error("holds a #, and what follows it is never sent");
        }
        Ok(Self(url))
    }

    /// Where it is said that all is well. A secret.
    pub fn well(&self) -> &str {
        self.0.as_str()
    }

    /// Where it is said that something is wrong: the path with `/fail` after it. A secret.
    pub fn fail(&self) -> String {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/fail", self.0.path().trim_end_matches('/')));
        url.into()
    }
}

impl fmt::Display for HeartbeatUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/…", self.0.origin().ascii_serialization())
    }
}

impl fmt::Debug for HeartbeatUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeartbeatUrl({self})")
    }
}

/// Reads `[heartbeat]`: the outer `None` after a complaint, the inner if there is none.
pub(super) fn read(layers: &Layers) -> Option<Option<HeartbeatSettings>> {
    let every_seconds = layers.number("heartbeat.every_seconds", 1..=EVERY_SECONDS_MAX);
    let Some(url) = layers.text("heartbeat.url") else { return every_seconds.map(|_| None) };
    let url = url.accept(|text| HeartbeatUrl::parse(text));
    Some(Some(HeartbeatSettings { url: url?, every_seconds: every_seconds? }))
}
