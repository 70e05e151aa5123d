//! The state's standing after a deadline, for the ZRK. Never says who is to be written to; `audience` does.

use std::collections::BTreeMap;

use super::escalation::{ReportFacts, is_reachable};
use super::roster::{AuthorityId, District};
use super::standing::{ReceiptState, Standing};

/// The state's standing after a deadline.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// A line a district, in the order of the alphabet.
    pub districts: BTreeMap<District, Tally>,
    /// How many cycles of the last twelve this store knows to have closed (N11).
    pub months_known: u32,
    /// The authorities that are missing, by district and then in the order of the roster.
    pub missing: Vec<Outstanding>,
    /// Those whose every mailbox is rejected, or who have none (N7), in the same order.
    pub unreachable: Vec<Outstanding>,
}

/// Counts of standings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// All authorities that owe the report.
    pub total: usize,
    /// Complete.
    pub complete: usize,
    /// Of those complete or nil: after the deadline.
    pub late: usize,
    /// Nil reports.
    pub nil: usize,
    /// Excused, extended or exempt.
    pub excused: usize,
    /// Of those: with an extension that runs, so that the report is still to come.
    pub extended: usize,
    /// Some parts are there.
    pub partial: usize,
    /// Nothing is there.
    pub missing: usize,
    /// Of those partial or missing: not to be reached by mail.
    pub unreachable: usize,
}

/// An authority whose report is outstanding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outstanding {
    /// Its district.
    pub district: District,
    /// Its id.
    pub authority: AuthorityId,
    /// Its name.
    pub name: String,
    /// Its standing.
    pub standing: Standing,
    /// How many reminders and overdue notices reached the mail system and did not come back; one to several mailboxes counts once.
    pub reminders_delivered: u32,
    /// How many did not.
    pub reminders_failed: u32,
    /// How many cycles running it misses, this one included.
    pub missed_running: u32,
}

/// The authorities that have been missing for several cycles running, for an office of choice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LongSilence {
    /// From how many cycles running on it names an authority, this one included.
    pub cycles: u32,
    /// The authorities, by district and then in the order of the roster.
    pub missing: Vec<Outstanding>,
    /// Those of them that no mail reaches; only the ZRK is told them (N7).
    pub unreachable: Vec<Outstanding>,
}

impl Summary {
    /// What it says of those that a long silence names.
    pub fn long_silence(self, cycles: u32, named: &[AuthorityId]) -> LongSilence {
        let of_named = |lines: Vec<Outstanding>| {
            lines.into_iter().filter(|line| named.contains(&line.authority)).collect::<Vec<_>>()
        };
        LongSilence { cycles, missing: of_named(self.missing), unreachable: of_named(self.unreachable) }
    }
}

impl ReportFacts<'_> {
    /// The state's standing; `in_time` as in [`super::standing::in_time`].
    pub fn summary(&self, in_time: impl Fn(&AuthorityId) -> Option<bool>) -> Summary {
        let mut summary = Summary { months_known: self.missed.known, ..Summary::default() };
        let dispatches = self.dispatches();
        for authority in self.roster.owing(self.ends_on) {
            let standing = self.standing(&authority.id);
            let tally = summary.districts.entry(authority.district).or_default();
            tally.total += 1;
            match standing.state {
                ReceiptState::Complete => tally.complete += 1,
                ReceiptState::Nil => tally.nil += 1,
                ReceiptState::Excused { .. } | ReceiptState::Exempt { .. } => tally.excused += 1,
                ReceiptState::Extended { .. } => {
                    tally.excused += 1;
                    tally.extended += 1;
                }
                ReceiptState::Partial { .. } => tally.partial += 1,
                ReceiptState::Missing => tally.missing += 1,
            }
            if matches!(standing.state, ReceiptState::Complete | ReceiptState::Nil)
                && in_time(&authority.id) == Some(false)
            {
                tally.late += 1;
            }
            if standing.is_settled() {
                continue;
            }
            let dispatches = dispatches.get(&authority.id).map_or(&[][..], Vec::as_slice);
            let delivered = dispatches.iter().filter(|dispatch| dispatch.accepted_at.is_some()).count();
            let line = Outstanding {
                district: authority.district,
                authority: authority.id.clone(),
                name: authority.name.clone(),
                reminders_delivered: delivered as u32,
                reminders_failed: (dispatches.len() - delivered) as u32,
                missed_running: self.missed_running(&authority.id, &standing),
                standing,
            };
            if is_reachable(self.roster, self.flagged, &authority.id, self.today) {
                summary.missing.push(line);
            } else {
                tally.unreachable += 1;
                summary.unreachable.push(line);
            }
        }
        summary.missing.sort_by_key(|line| line.district);
        summary.unreachable.sort_by_key(|line| line.district);
        summary
    }
}
