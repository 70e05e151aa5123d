//! What happened in a world, line by line, and a number that stands for all of it. Never keeps more than the last lines.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use super::chronicle::{Change, What};
use super::relay::Seen;

const LINES_KEPT: usize = 400; // enough to see how a broken invariant came about

/// The lines and their hash (FNV-1a).
#[derive(Clone, Debug)]
pub struct History {
    pub hash: u64,
    pub lines: VecDeque<String>,
    /// Whether each line is printed.
    pub is_told: bool,
}

impl Default for History {
    fn default() -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, lines: VecDeque::new(), is_told: false }
    }
}

impl History {
    pub fn add(&mut self, at: DateTime<Utc>, words: impl FnOnce() -> String) {
        let line = format!("{} {}", at.format("%Y-%m-%d %H:%M:%S"), words());
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.is_told {
            eprintln!("{line}"); // at once: a world that hangs has no end at which it could be told
        }
        if self.lines.len() == LINES_KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    pub fn changes(&mut self, at: DateTime<Utc>, changes: &[Change]) {
        for change in changes {
            let seq = change.seq;
            self.add(at, || match &change.what {
                What::Queued(row) => format!(
                    "#{seq} {}: {} {} {} r{} to {} {} ({})",
                    row.state,
                    row.month,
                    row.duty,
                    row.step,
                    row.revision,
                    row.mailbox,
                    &row.id[..6],
                    row.authorities
                ),
                What::Changed { was, row } => format!(
                    "#{seq} {} {}→{} lease {} uncertain {} attempts {} by {} {}",
                    &row.id[..6],
                    was.state,
                    row.state,
                    row.lease,
                    row.uncertain,
                    row.attempts,
                    row.changed_at,
                    row.reason.as_deref().unwrap_or_default()
                ),
                other => format!("#{seq} {other:?}"),
            });
        }
    }

    pub fn seen(&mut self, at: DateTime<Utc>, seen: &Seen) {
        self.add(at, || match seen {
            Seen::Given { replica, mail } => format!("relay: replica {replica} gives {}", &mail.message_id[1..7]),
            Seen::Took { replica, mail } => format!("relay: took {} of replica {replica}", &mail.message_id[1..7]),
            Seen::Refused { mail } => format!("relay: refused {} for good", &mail.message_id[1..7]),
        });
    }
}
