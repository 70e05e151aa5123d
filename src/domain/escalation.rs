//! The report to an RRK and the summary for the ZRK, as data (N7). Never a word of another district.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::duty::{Duty, NoticeKind};
use super::notice::Said;
use super::roster::{AuthorityId, District, Mailbox, Owner, Roster};
use super::standing::{ReceiptState, Standing};

/// What an RRK is told: the authorities of its district that are missing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EscalationReport {
    /// The district.
    pub district: District,
    /// How many authorities of the district owe the report.
    pub authorities_total: usize,
    /// How many cycles of the last twelve this store knows to have closed (N11); of these the months missed are counted.
    pub months_known: u32,
    /// Those that are missing, in the order of the roster. Of an all-clear: those that were escalated, now settled.
    pub cases: Vec<Case>,
}

/// One authority in a report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// Its id.
    pub authority: AuthorityId,
    /// Its name.
    pub name: String,
    /// Its standing.
    pub standing: Standing,
    /// The titles of the parts that are missing.
    pub missing: Vec<String>,
    /// Whole days since the end of the deadline, or of the extension.
    pub days_overdue: i64,
    /// What it was sent about this, in order of time.
    pub dispatches: Vec<Dispatch>,
    /// Cycles of the last twelve that it missed.
    pub months_missed: u32,
}

/// What became of one step's notices to an authority.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dispatch {
    /// Reminder or overdue notice.
    pub kind: NoticeKind,
    /// When the mail system first accepted one that did not come back; none if it was not delivered.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When the last one came back, if none was delivered.
    pub returned_at: Option<DateTime<Utc>>,
}

/// The state's standing after a deadline, for the ZRK.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// A line a district, in the order of the alphabet.
    pub districts: BTreeMap<District, Tally>,
    /// Names of the authorities that are missing, with their district.
    pub missing: Vec<(District, String)>,
    /// Names of those whose every mailbox is rejected, or who have none (N7).
    pub unreachable: Vec<(District, String)>,
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
    /// Some parts are there.
    pub partial: usize,
    /// Nothing is there.
    pub missing: usize,
    /// Of those partial or missing: not to be reached by mail.
    pub unreachable: usize,
}

/// What a report is made from.
pub struct ReportFacts<'a> {
    /// All authorities and contacts.
    pub roster: &'a Roster,
    /// The duty.
    pub duty: &'a Duty,
    /// The last day on which a report is in time: who is valid then owes it.
    pub ends_on: NaiveDate,
    /// The local day of the report.
    pub today: NaiveDate,
    /// The standing of every authority; one that is not named is silent.
    pub standings: &'a HashMap<AuthorityId, Standing>,
    /// Mailboxes to which mail is rejected.
    pub flagged: &'a HashSet<Mailbox>,
    /// What was said in this duty's cycle.
    pub said: &'a [Said],
    /// Cycles of the last twelve that an authority missed.
    pub months_missed: &'a HashMap<AuthorityId, u32>,
    /// How many cycles of the last twelve have closed since the first of this store.
    pub months_known: u32,
    /// For each authority whose extension has run out: its last day.
    pub extended_to: &'a HashMap<AuthorityId, NaiveDate>,
}

impl ReportFacts<'_> {
    /// The report on a district's missing authorities, as far as they can be reached (N7).
    pub fn escalation(&self, district: District) -> EscalationReport {
        self.report(district, |authority, standing| {
            !standing.is_settled() && is_reachable(self.roster, self.flagged, authority, self.today)
        })
    }

    /// The list for an all-clear: those of the district that were escalated.
    pub fn all_clear(&self, district: District, escalated: &[AuthorityId]) -> EscalationReport {
        self.report(district, |authority, _| escalated.contains(authority))
    }

    /// The state's standing.
    pub fn summary(&self, in_time: impl Fn(&AuthorityId) -> Option<bool>) -> Summary {
        let mut summary = Summary::default();
        for authority in self.roster.owing(self.ends_on) {
            let standing = self.standing(&authority.id);
            let tally = summary.districts.entry(authority.district).or_default();
            tally.total += 1;
            match standing.state {
                ReceiptState::Complete => tally.complete += 1,
                ReceiptState::Nil => tally.nil += 1,
                ReceiptState::Excused { .. } | ReceiptState::Extended { .. } | ReceiptState::Exempt { .. } => {
                    tally.excused += 1
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
            let line = (authority.district, authority.name.clone());
            if is_reachable(self.roster, self.flagged, &authority.id, self.today) {
                summary.missing.push(line);
            } else {
                tally.unreachable += 1;
                summary.unreachable.push(line);
            }
        }
        summary.missing.sort_by_key(|(district, _)| *district);
        summary.unreachable.sort_by_key(|(district, _)| *district);
        summary
    }

    fn report(&self, district: District, wanted: impl Fn(&AuthorityId, &Standing) -> bool) -> EscalationReport {
        let of_district = || self.roster.owing(self.ends_on).filter(|authority| authority.district == district);
        let cases = of_district()
            .filter_map(|authority| {
                let standing = self.standing(&authority.id);
                wanted(&authority.id, &standing).then(|| self.case(&authority.id, &authority.name, standing))
            })
            .collect();
        EscalationReport { district, authorities_total: of_district().count(), months_known: self.months_known, cases }
    }

    fn case(&self, authority: &AuthorityId, name: &str, standing: Standing) -> Case {
        let missing = standing.missing_parts(self.duty).iter().map(|id| self.duty.part_title(id).to_owned()).collect();
        let due_by = self.extended_to.get(authority).copied().unwrap_or(self.ends_on).max(self.ends_on);
        Case {
            authority: authority.clone(),
            name: name.to_owned(),
            missing,
            days_overdue: (self.today - due_by).num_days().max(0),
            dispatches: self.dispatches(authority),
            months_missed: self.months_missed.get(authority).copied().unwrap_or(0),
            standing,
        }
    }

    fn standing(&self, authority: &AuthorityId) -> Standing {
        self.standings.get(authority).cloned().unwrap_or_else(Standing::silent)
    }

    fn dispatches(&self, authority: &AuthorityId) -> Vec<Dispatch> {
        let mut by_step: BTreeMap<(DateTime<Utc>, &str, u32), Dispatch> = BTreeMap::new();
        for said in self.said.iter().filter(|said| matches!(said.kind, NoticeKind::Reminder | NoticeKind::Overdue)) {
            if !said.authorities.contains(authority) || !said.was_tried() {
                continue;
            }
            let dispatch = by_step.entry((said.due_at, &said.step, said.revision)).or_insert(Dispatch {
                kind: said.kind,
                accepted_at: None,
                returned_at: None,
            });
            dispatch.accepted_at = dispatch.accepted_at.into_iter().chain(said.delivered_at()).min();
            dispatch.returned_at = dispatch.returned_at.max(said.returned_at);
        }
        let told = |dispatch: Dispatch| match dispatch.accepted_at {
            Some(_) => Dispatch { returned_at: None, ..dispatch }, // one mailbox got it; that is what counts
            None => dispatch,
        };
        by_step.into_values().map(told).collect()
    }
}

/// Whether mail can reach the authority: it has a mailbox today that is not rejected (N7).
pub fn is_reachable(roster: &Roster, flagged: &HashSet<Mailbox>, authority: &AuthorityId, day: NaiveDate) -> bool {
    roster.contacts_of(&Owner::Authority(authority.clone()), day).any(|contact| !flagged.contains(&contact.mailbox))
}

#[cfg(test)]
#[path = "escalation_tests.rs"]
mod tests;
