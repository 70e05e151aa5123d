//! Checks how fast mail leaves, and when a failing relay is left alone. Never connects to it.

use super::layers::Layers;
use crate::domain::pace;

const CONNECTIONS_MAX: i64 = 64; // a relay of a state takes so many from one client, and few take more
const MAILS_A_MINUTE_MAX: i64 = pace::UNLIMITED as i64;
const BREAKER_FAILURES_MAX: i64 = 1000; // more would never be reached within the minute that a delivery takes
const CLOCK_SECONDS_MAX: i64 = 1_000_000_000; // thirty years: for rehearsals on a clock that is turned

/// How fast mail leaves, at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Connections to the relay at the same time, of one replica, 1 to 64.
    pub connections: u32,
    /// Mails within any 60 seconds, of all replicas together; each 1 to 1,000,000.
    pub pace: pace::Limits,
    /// After so many failures of the relay that follow one another it is left alone for a while, 1 to 1000.
    pub breaker_failures: u32,
    /// How far the clock may be from the database server's, 1 to 1,000,000,000 seconds.
    pub clock_seconds_max: u32,
}

/// Reads `[limits]` but for the guard's bound, which is the rulebook's; `None` after a complaint.
pub(super) fn read(layers: &Layers) -> Option<Limits> {
    let connections = layers.number("limits.connections", 1..=CONNECTIONS_MAX);
    let mails_a_minute = layers.number("limits.mails_a_minute", 1..=MAILS_A_MINUTE_MAX);
    let mails_a_minute_a_domain = layers.number("limits.mails_a_minute_a_domain", 1..=MAILS_A_MINUTE_MAX);
    let breaker_failures = layers.number("limits.breaker_failures", 1..=BREAKER_FAILURES_MAX);
    let clock_seconds_max = layers.number("limits.clock_seconds_max", 1..=CLOCK_SECONDS_MAX);
    Some(Limits {
        connections: connections?,
        pace: pace::Limits { mails_a_minute: mails_a_minute?, mails_a_minute_a_domain: mails_a_minute_a_domain? },
        breaker_failures: breaker_failures?,
        clock_seconds_max: clock_seconds_max?,
    })
}
