//! One entry of the log and its hash. Never touches a database.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use sha2::{Digest, Sha256};

/// What stands in the place of the hash before the first entry.
pub const FIRST_PREVIOUS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place, from 1.
    pub number: i64,
    /// When it was written; to the microsecond.
    pub at: DateTime<Utc>,
    /// Who did it: `fristd`, or a person's name.
    pub actor: String,
    /// What happened.
    pub event: String,
    /// The facts, as JSON text.
    pub facts: String,
    /// The hash of the entry before; 64 zeros for the first.
    pub previous: String,
    /// The SHA-256, in hexadecimal, of this entry and the hash before.
    pub hash: String,
}

impl LogEntry {
    /// What the hash must be: SHA-256 over previous, number, time, actor, event and facts, a line feed after each.
    ///
    /// ```
    /// let mut entry = fristd::store::LogEntry {
    ///     number: 1,
    ///     at: "2026-12-01T08:00:00Z".parse().unwrap(),
    ///     actor: "zrk".into(),
    ///     event: "paused".into(),
    ///     facts: "{}".into(),
    ///     previous: "0".repeat(64),
    ///     hash: String::new(),
    /// };
    /// assert!(entry.expected_hash().starts_with("c69750"));
    /// ```
    pub fn expected_hash(&self) -> String {
        self.hash_under(self.number)
    }

    /// The time as it is hashed: UTC with six digits after the second, `2026-12-01T08:00:00.000000Z`.
    pub fn at_in_words(&self) -> String {
        self.at.to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    /// What the hash would be under another number.
    pub(super) fn hash_under(&self, number: i64) -> String {
        let mut hasher = Sha256::new();
        let (number, at) = (number.to_string(), self.at_in_words());
        for field in [&self.previous, &number, &at, &self.actor, &self.event, &self.facts] {
            hasher.update(field.as_bytes());
            hasher.update(b"\n");
        }
        hex(&hasher.finalize())
    }
}

/// The number and hash of a log's last entry, as kept beside the log or noted elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// The last entry's number; 0 of an empty log.
    pub number: i64,
    /// Its hash.
    pub hash: String,
}

impl fmt::Display for LogHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.hash)
    }
}

impl LogHead {
    /// Of a log without an entry.
    pub fn of_empty_log() -> Self {
        Self { number: 0, hash: FIRST_PREVIOUS.to_owned() }
    }

    /// Reads `NUMBER:HASH` as [`LogHead`] is printed.
    ///
    /// # Errors
    /// What is wrong, and what is accepted.
    pub fn parse(text: &str) -> Result<Self, String> {
        const ACCEPTED: &str = "accepted: NUMBER:HASH, as `fristd audit verify` prints it, the hash with 64 digits";
        let (number, hash) = text.trim().split_once(':').ok_or_else(|| format!("holds no colon; {ACCEPTED}"))?;
        let is_digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|_| is_digits);
        let number = number.ok_or_else(|| format!("begins with no number; {ACCEPTED}"))?;
        if hash.len() != FIRST_PREVIOUS.len() || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(format!("its hash is not one; {ACCEPTED}"));
        }
        Ok(Self { number, hash: hash.to_ascii_lowercase() })
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}
