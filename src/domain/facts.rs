//! What decisions look at: the rules, the roster, the instant, and what is known of a cycle. Never decides.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::dates::local_date;
use super::delivery::State;
use super::duty::NoticeKind;
use super::ladder::DateFacts;
use super::notice::Said;
use super::roster::{AuthorityId, Mailbox, Roster};
use super::rulebook::Rulebook;
use super::standing::Standing;

/// What all decisions at one instant look at.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The rules.
    pub rulebook: &'a Rulebook,
    /// Who there is.
    pub roster: &'a Roster,
    /// Mailboxes to which mail is rejected.
    pub flagged: &'a HashSet<Mailbox>,
    /// The instant.
    pub now: DateTime<Utc>,
}

impl View<'_> {
    /// The local day.
    pub fn today(&self) -> NaiveDate {
        local_date(self.now, self.rulebook.zone)
    }
}

/// What the store knows of a duty in one cycle.
#[derive(Clone, Debug, Default)]
pub struct CycleFacts {
    /// What its dates hang on.
    pub dates: DateFacts,
    /// The same of the next cycle, with whose deadline this one closes (F7).
    pub next_dates: DateFacts,
    /// Steps that were planned or skipped, with their revision.
    pub recorded: HashSet<(String, u32)>,
    /// All notices.
    pub said: Vec<Said>,
    /// Since when this store keeps receipts; none if that is long enough ago not to matter.
    pub known_since: Option<DateTime<Utc>>,
    /// When the store was last restored from a backup.
    pub restored_at: Option<DateTime<Utc>>,
    /// The standing of every authority that was heard of.
    pub standings: HashMap<AuthorityId, Standing>,
    /// How many cycles running before this one an authority missed; only loaded where a step asks for it.
    pub missed_running: HashMap<AuthorityId, u32>,
}

impl CycleFacts {
    /// Whether an authority owes nothing more for now.
    pub fn is_settled(&self, authority: &AuthorityId) -> bool {
        self.standings.get(authority).is_some_and(Standing::is_settled)
    }

    /// Whether another step's summary was said: the first is sent even when nobody is missing, later ones are not (N3).
    pub fn has_other_summary(&self, step: &str, revision: u32) -> bool {
        let is_other = |said: &Said| {
            said.kind == NoticeKind::Summary
                && (said.step != step && said.revision == revision)
                && !matches!(said.state, State::Withdrawn | State::Expired)
        };
        self.said.iter().any(is_other)
    }
}
