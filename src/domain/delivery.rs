//! What becomes of a notice after a reply, or none, from the mail system (M6). Never talks to it.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

/// The state of a notice (M6).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// Waits to be sent.
    Queued,
    /// In the hands of a deliverer, under a lease.
    Claimed,
    /// Taken by the mail system.
    Accepted,
    /// Refused for now, or no connection; tried again.
    Retry,
    /// Refused for good; the mailbox is flagged.
    Rejected,
    /// The connection broke after the message was handed over: perhaps sent.
    Uncertain,
    /// Waits for a person (N9).
    Held,
    /// No longer called for (N5), or discarded.
    Withdrawn,
    /// Its time was over before it was queued (N3).
    Skipped,
    /// Its time was over before it could be delivered.
    Expired,
}

impl State {
    /// All states.
    pub const ALL: [Self; 10] = [
        Self::Queued,
        Self::Claimed,
        Self::Accepted,
        Self::Retry,
        Self::Rejected,
        Self::Uncertain,
        Self::Held,
        Self::Withdrawn,
        Self::Skipped,
        Self::Expired,
    ];

    /// The word in tables, commands and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Claimed => "claimed",
            Self::Accepted => "accepted",
            Self::Retry => "retry",
            Self::Rejected => "rejected",
            Self::Uncertain => "uncertain",
            Self::Held => "held",
            Self::Withdrawn => "withdrawn",
            Self::Skipped => "skipped",
            Self::Expired => "expired",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How one attempt to hand over a mail ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// The relay took it and said so.
    Accepted {
        /// The relay's words.
        text: String,
    },
    /// The relay refused this mail or recipient for now (4xx at RCPT, DATA or after the message).
    RefusedForNow {
        /// The relay's words.
        text: String,
    },
    /// The relay refused this mail or recipient for good (5xx at RCPT, DATA or after the message).
    RefusedForGood {
        /// The relay's words.
        text: String,
    },
    /// No mail could be handed over at all: no connection, a refused greeting, login or sender, a time-out, nonsense,
    /// or a full disk. Says nothing about the recipient.
    NoRelay {
        /// What went wrong.
        text: String,
    },
    /// The connection broke after the message was handed over and before a reply that could be understood.
    Broken {
        /// What went wrong.
        text: String,
    },
}

/// What to do when a mail's fate is unknown (M6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnUncertain {
    /// Send it once more with the same Message-ID.
    Resend,
    /// Leave it to a person.
    Hold,
}

/// What becomes of a notice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The mail system has it.
    Accepted,
    /// Try again then.
    RetryAt(DateTime<Utc>),
    /// Final; flag the mailbox and tell the ZRK.
    Rejected,
    /// Perhaps sent; send once more then.
    UncertainResendAt(DateTime<Utc>),
    /// Perhaps sent; tell the ZRK.
    Uncertain,
}

const PAUSE_FIRST_SECONDS: i64 = 60; // greylisting lets the second attempt through after a minute or more
const PAUSE_MAX_SECONDS: i64 = 3600; // within a day of sending hours this still makes ten attempts
const JITTER_PERCENT: u64 = 20; // spreads 260 retries over the relay's minute

/// Decides on a reply (M6).
///
/// `attempts` counts this attempt; `resent` says whether this attempt was the one more after an uncertain one; `seed`
/// spreads the pauses and is fixed per notice, so that the same history gives the same times.
pub fn decide(
    reply: &Reply,
    attempts: u32,
    resent: bool,
    on_uncertain: OnUncertain,
    seed: u64,
    now: DateTime<Utc>,
) -> Outcome {
    match reply {
        Reply::Accepted { .. } => Outcome::Accepted,
        Reply::RefusedForGood { .. } => Outcome::Rejected,
        Reply::RefusedForNow { .. } | Reply::NoRelay { .. } => Outcome::RetryAt(now + pause(attempts, seed)),
        Reply::Broken { .. } if resent || on_uncertain == OnUncertain::Hold => Outcome::Uncertain,
        Reply::Broken { .. } => Outcome::UncertainResendAt(now + pause(attempts, seed)),
    }
}

/// The pause after the n-th attempt: doubling from a minute to an hour, plus up to a fifth.
pub fn pause(attempts: u32, seed: u64) -> TimeDelta {
    let doublings = attempts.saturating_sub(1).min(6);
    let base = (PAUSE_FIRST_SECONDS << doublings).min(PAUSE_MAX_SECONDS);
    let spread = (base as u64 * JITTER_PERCENT / 100).max(1);
    // a multiplicative hash (Knuth) is enough to spread; nothing depends on its quality
    let jitter = (seed ^ u64::from(attempts)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    TimeDelta::seconds(base + (jitter % spread) as i64)
}

/// The three-digit code of a relay's words, with the enhanced status after it: all of a reply that can hold no address. None if
/// the words hold no code, as of a connection that broke.
///
/// ```
/// use fristd::domain::delivery::reply_code;
/// assert_eq!(reply_code("RCPT: 550 5.1.1 <a@x.example>: no such mailbox").as_deref(), Some("550 5.1.1"));
/// assert_eq!(reply_code("250 ok").as_deref(), Some("250"));
/// assert_eq!(reply_code("connection refused"), None);
/// ```
pub fn reply_code(words: &str) -> Option<String> {
    const STEP_WORDS_MAX: usize = 2; // before the code at most the step in which it came stands: `RCPT:`
    let is_code = |word: &str| {
        word.len() == 3 && word.starts_with(['2', '3', '4', '5']) && word.bytes().all(|b| b.is_ascii_digit())
    };
    let mut words = words.split_whitespace().skip_while({
        let mut skipped = 0;
        move |word| {
            skipped += 1;
            skipped <= STEP_WORDS_MAX && !is_code(word)
        }
    });
    let code = words.next().filter(|word| is_code(word))?;
    let is_status = |word: &&str| {
        let parts: Vec<&str> = word.split('.').collect();
        let is_number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        parts.len() == 3 && parts.iter().all(is_number)
    };
    Some(match words.next().filter(is_status) {
        Some(status) => format!("{code} {status}"),
        None => code.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relays_words_are_cut_to_their_codes() {
        for (words, want) in [
            ("250 ok", Some("250")),
            ("RCPT: 550 5.1.1 <a@x.example> unknown", Some("550 5.1.1")),
            ("message: expected 250, got 251 a@x", None),
            ("DATA: 452 4.3.1", Some("452 4.3.1")),
            ("550 5.1.1.1 a", Some("550")),
            ("written to /var/mail/2026-12-01_a@x.example.eml", None),
            ("999 no", None),
            ("", None),
        ] {
            assert_eq!(reply_code(words).as_deref(), want, "{words}");
        }
    }

    #[test]
    fn pauses_grow_to_an_hour_and_stay_within_a_fifth() {
        for seed in [0, 1, 7, u64::MAX] {
            for (attempts, base) in [(1, 60), (2, 120), (3, 240), (6, 1920), (7, 3600), (40, 3600), (u32::MAX, 3600)] {
                let seconds = pause(attempts, seed).num_seconds();
                assert!((base..base + base / 5).contains(&seconds), "attempt {attempts}: {seconds} s");
            }
        }
    }

    #[test]
    fn replies_lead_to_the_states_of_m6() {
        let now: DateTime<Utc> = "2026-12-01T08:00:00Z".parse().unwrap();
        let text = String::from("250 ok");
        let soon = now + pause(1, 3);
        let check = |label: &str, reply: Reply, resent, on_uncertain, want: Outcome| {
            assert_eq!(decide(&reply, 1, resent, on_uncertain, 3, now), want, "{label}");
        };
        use OnUncertain::{Hold, Resend};
        check("250", Reply::Accepted { text: text.clone() }, false, Resend, Outcome::Accepted);
        check("450", Reply::RefusedForNow { text: text.clone() }, false, Resend, Outcome::RetryAt(soon));
        check("550", Reply::RefusedForGood { text: text.clone() }, false, Resend, Outcome::Rejected);
        check("no connection", Reply::NoRelay { text: text.clone() }, false, Resend, Outcome::RetryAt(soon));
        check("broken", Reply::Broken { text: text.clone() }, false, Resend, Outcome::UncertainResendAt(soon));
        check("broken again", Reply::Broken { text: text.clone() }, true, Resend, Outcome::Uncertain);
        check("broken, hold", Reply::Broken { text }, false, Hold, Outcome::Uncertain);
    }
}
