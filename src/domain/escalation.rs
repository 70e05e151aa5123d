//! The report to an RRK as data (N7), and what changed since the one before. Never a word of another district.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::duty::{Duty, NoticeKind};
use super::movement::Movement;
use super::notice::{NewNotice, Said};
use super::past::Missed;
use super::roster::{Authority, AuthorityId, District, Mailbox, Owner, Roster};
use super::standing::{Receipt, ReceiptState, Standing};

/// What an RRK is told: the authorities of its district that are missing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EscalationReport {
    /// The district.
    pub district: District,
    /// How many authorities of the district owe the report.
    pub authorities_total: usize,
    /// How many of them are missing and no case, because no mail reaches them; the ZRK sees to those (N7).
    pub unreachable_total: usize,
    /// How many cycles of the last twelve this store knows to have closed (N11); of these the months missed are counted.
    pub months_known: u32,
    /// Which report to this office on this deadline it is, from 1. Of an all-clear: how many there were.
    pub number: u32,
    /// When the report before it went out; none of the first.
    pub before: Option<DateTime<Utc>>,
    /// Those that are missing, in the order of the roster. Of an all-clear: those that were escalated, now settled.
    pub cases: Vec<Case>,
    /// Those that stood in the report before and stand in this one no more, in the order of the roster. Of an all-clear: those
    /// that stood in any report and do not owe it any more.
    pub gone: Vec<Gone>,
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
    /// Cycles of the last twelve that it missed, before this one.
    pub months_missed: u32,
    /// How many cycles running it misses, this one included; 0 if it is settled.
    pub missed_running: u32,
    /// What else it owes of this month and is overdue: module and period of other duties.
    pub also_missing: Vec<String>,
    /// What changed since the report before.
    pub change: Change,
    /// How, if it moved, or if it stood in a report before the last one.
    pub moved: Option<Movement>,
}

impl Case {
    /// What changed since the report before, for a table, in German; none in a first report and of one that has settled.
    pub fn change_in_words(&self) -> Option<&'static str> {
        match (self.change, self.moved) {
            (Change::First, _) | (Change::Moved, None) => None,
            (_, Some(movement)) => Some(movement.in_words()),
            (Change::New, None) => Some("neu"),
            (Change::Unchanged, None) => Some("unverändert"),
        }
    }
}

/// What changed about an authority since the report before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// There was no report before.
    First,
    /// It did not stand in the report before.
    New,
    /// It stood there, and nothing has come since.
    Unchanged,
    /// It stood there; something has come, was taken back or ran out since: [`Case::moved`] says what.
    Moved,
}

/// One that stood in the report before and stands in this one no more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gone {
    /// Its id.
    pub authority: AuthorityId,
    /// Its name.
    pub name: String,
    /// Why.
    pub because: Because,
}

impl Gone {
    /// Whether it owes nothing more, other than for the time of an extension.
    pub fn is_done(&self) -> bool {
        let Because::Settled(standing) = &self.because else { return false };
        !matches!(standing.state, ReceiptState::Extended { .. })
    }
}

/// Why an authority stands in a report no more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Because {
    /// It owes nothing more for now: how, and since when.
    Settled(Standing),
    /// By the roster it does not owe this report; the name of the authority of the same district that reports for it, if there
    /// is one.
    NotOwing(Option<String>),
    /// No mail reaches it any more; that is the ZRK's to clear up (N7).
    Unreachable,
}

/// What became of one step's notices to an authority.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dispatch {
    /// Reminder or overdue notice.
    pub kind: NoticeKind,
    /// When its time came.
    pub due_at: DateTime<Utc>,
    /// When the mail system first accepted one that did not come back; none if it was not delivered.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When the last one came back, if none was delivered.
    pub returned_at: Option<DateTime<Utc>>,
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
    /// Who missed how many of the last twelve cycles.
    pub missed: &'a Missed,
    /// What else an authority owes of this month and is overdue: module and period of other duties.
    pub also_missing: &'a HashMap<AuthorityId, Vec<String>>,
    /// For each authority whose extension has run out: its last day.
    pub extended_to: &'a HashMap<AuthorityId, NaiveDate>,
    /// The receipts of the cycle in the order in which they were recorded; of one that is not named there is none.
    pub receipts: &'a HashMap<AuthorityId, Vec<Receipt>>,
    /// The zone in which extensions end.
    pub zone: Tz,
}

/// The reports on one deadline that an office got before a notice.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Earlier {
    /// How many.
    pub count: u32,
    /// When the newest went out, and who stood in it.
    pub newest: Option<(DateTime<Utc>, BTreeSet<AuthorityId>)>,
    /// Who stood in any of them.
    pub ever: BTreeSet<AuthorityId>,
}

impl Earlier {
    /// Finds them among what was said in the duty's cycle. A report counts once, to however many mailboxes it went, and only if
    /// one of them has it.
    pub fn than(notice: &NewNotice, said: &[Said]) -> Self {
        let own = (notice.due_at, notice.step.as_str(), notice.revision);
        let mut reports: BTreeMap<_, (DateTime<Utc>, BTreeSet<AuthorityId>)> = BTreeMap::new();
        for report in said.iter().filter(|said| said.kind == NoticeKind::Escalation && said.office == notice.office) {
            let key = (report.due_at, report.step.as_str(), report.revision);
            let is_before = notice.kind != NoticeKind::Escalation || key < own;
            if !is_before || !report.has_reached() || (key.1, key.2) == (own.1, own.2) {
                continue;
            }
            let went_out_at = report.accepted_at.unwrap_or(report.due_at);
            let entry = reports.entry(key).or_insert_with(|| (went_out_at, BTreeSet::new()));
            entry.0 = entry.0.min(went_out_at);
            entry.1.extend(report.authorities.iter().cloned());
        }
        let count = reports.len() as u32;
        let ever = reports.values().flat_map(|(_, listed)| listed.iter().cloned()).collect();
        Self { count, newest: reports.into_values().next_back(), ever }
    }
}

impl ReportFacts<'_> {
    /// The report on a district's missing authorities, as far as they can be reached (N7), after the reports before it.
    pub fn escalation(&self, district: District, earlier: &Earlier) -> EscalationReport {
        let is_case = |authority: &Authority, standing: &Standing| {
            !standing.is_settled() && is_reachable(self.roster, self.flagged, &authority.id, self.today)
        };
        let mut report = self.report(district, earlier, is_case);
        report.number += 1;
        report.gone = self.gone(district, earlier, &report.cases);
        report
    }

    /// The list for an all-clear: those of the district that were escalated.
    pub fn all_clear(&self, district: District, earlier: &Earlier, escalated: &[AuthorityId]) -> EscalationReport {
        let mut report = self.report(district, earlier, |authority, _| escalated.contains(&authority.id));
        let owes_no_more = |authority: &Authority| {
            let was_listed = escalated.contains(&authority.id) || earlier.ever.contains(&authority.id);
            was_listed && !self.roster.owes(&authority.id, self.ends_on)
        };
        let gone = self.of_district(district).filter(|authority| owes_no_more(authority));
        report.gone = gone.map(|authority| self.gone_one(authority)).collect();
        report
    }

    fn report(
        &self,
        district: District,
        earlier: &Earlier,
        is_case: impl Fn(&Authority, &Standing) -> bool,
    ) -> EscalationReport {
        let of_district = || self.roster.owing(self.ends_on).filter(|authority| authority.district == district);
        let mut dispatches = self.dispatches();
        let cases = of_district()
            .filter_map(|authority| {
                let standing = self.standing(&authority.id);
                let dispatches = is_case(authority, &standing).then(|| dispatches.remove(&authority.id))?;
                Some(self.case(authority, standing, dispatches.unwrap_or_default(), earlier))
            })
            .collect();
        EscalationReport {
            district,
            authorities_total: of_district().count(),
            unreachable_total: of_district().filter(|authority| self.is_silent_and_unreachable(&authority.id)).count(),
            months_known: self.missed.known,
            number: earlier.count,
            before: earlier.newest.as_ref().map(|(at, _)| *at),
            cases,
            gone: Vec::new(),
        }
    }

    fn case(
        &self,
        Authority { id, name, .. }: &Authority,
        standing: Standing,
        dispatches: Vec<Dispatch>,
        earlier: &Earlier,
    ) -> Case {
        let missing =
            standing.missing_parts(self.duty).iter().map(|part| self.duty.part_title(part).to_owned()).collect();
        let due_by = self.extended_to.get(id).copied().unwrap_or(self.ends_on).max(self.ends_on);
        let (change, moved) = self.change(id, &standing, earlier);
        Case {
            authority: id.clone(),
            name: name.clone(),
            missing,
            days_overdue: (self.today - due_by).num_days().max(0),
            dispatches,
            months_missed: self.missed.total.get(id).copied().unwrap_or(0),
            missed_running: self.missed_running(id, &standing),
            also_missing: self.also_missing.get(id).cloned().unwrap_or_default(),
            change,
            moved,
            standing,
        }
    }

    fn change(&self, id: &AuthorityId, standing: &Standing, earlier: &Earlier) -> (Change, Option<Movement>) {
        let Some((before, listed)) = &earlier.newest else { return (Change::First, None) };
        if standing.is_settled() {
            return (Change::Moved, None);
        }
        if !listed.contains(id) {
            return (Change::New, earlier.ever.contains(id).then_some(Movement::BackAgain));
        }
        let receipts = self.receipts.get(id).map_or(&[][..], Vec::as_slice);
        match Movement::since(*before, receipts, standing, self.duty, self.zone) {
            Some(movement) => (Change::Moved, Some(movement)),
            None => (Change::Unchanged, None),
        }
    }

    /// Those of the report before that are no case any more. One that the roster no longer has is left out: nothing is known of
    /// its district.
    fn gone(&self, district: District, earlier: &Earlier, cases: &[Case]) -> Vec<Gone> {
        let Some((_, listed)) = &earlier.newest else { return Vec::new() };
        let is_case = |authority: &AuthorityId| cases.iter().any(|case| case.authority == *authority);
        self.of_district(district)
            .filter(|authority| listed.contains(&authority.id) && !is_case(&authority.id))
            .map(|authority| self.gone_one(authority))
            .collect()
    }

    fn gone_one(&self, Authority { id, name, district, .. }: &Authority) -> Gone {
        let standing = self.standing(id);
        let because = if !self.roster.owes(id, self.ends_on) {
            // one of another district is none of this RRK's business
            let reporter = self.roster.reporter_of(id, self.ends_on).filter(|other| other.district == *district);
            Because::NotOwing(reporter.map(|reporter| reporter.name.clone()))
        } else if standing.is_settled() {
            Because::Settled(standing)
        } else {
            Because::Unreachable
        };
        Gone { authority: id.clone(), name: name.clone(), because }
    }

    /// All of a district, whether they owe or not.
    fn of_district(&self, district: District) -> impl Iterator<Item = &Authority> {
        self.roster.authorities().iter().filter(move |authority| authority.district == district)
    }

    fn is_silent_and_unreachable(&self, authority: &AuthorityId) -> bool {
        !self.standing(authority).is_settled() && !is_reachable(self.roster, self.flagged, authority, self.today)
    }

    /// How many cycles running an authority misses, this one included.
    pub(super) fn missed_running(&self, authority: &AuthorityId, standing: &Standing) -> u32 {
        match standing.is_settled() {
            true => 0,
            false => 1 + self.missed.running.get(authority).copied().unwrap_or(0),
        }
    }

    pub(super) fn standing(&self, authority: &AuthorityId) -> Standing {
        self.standings.get(authority).cloned().unwrap_or_else(Standing::silent)
    }

    /// What each authority was sent about this, in order of time.
    pub(super) fn dispatches(&self) -> HashMap<&AuthorityId, Vec<Dispatch>> {
        let mut by_step: BTreeMap<(DateTime<Utc>, &str, u32), HashMap<&AuthorityId, Dispatch>> = BTreeMap::new();
        let reminders = self.said.iter().filter(|said| matches!(said.kind, NoticeKind::Reminder | NoticeKind::Overdue));
        for said in reminders.filter(|said| said.was_tried()) {
            let of_step = by_step.entry((said.due_at, &said.step, said.revision)).or_default();
            for authority in &said.authorities {
                let dispatch = of_step.entry(authority).or_insert(Dispatch {
                    kind: said.kind,
                    due_at: said.due_at,
                    accepted_at: None,
                    returned_at: None,
                });
                dispatch.accepted_at = dispatch.accepted_at.into_iter().chain(said.delivered_at()).min();
                dispatch.returned_at = dispatch.returned_at.max(said.returned_at);
            }
        }
        let mut by_authority: HashMap<&AuthorityId, Vec<Dispatch>> = HashMap::new();
        for (authority, dispatch) in by_step.into_values().flatten() {
            // one mailbox got it; that is what counts
            let returned_at = dispatch.returned_at.filter(|_| dispatch.accepted_at.is_none());
            by_authority.entry(authority).or_default().push(Dispatch { returned_at, ..dispatch });
        }
        by_authority
    }
}

/// Whether mail can reach the authority: it has a mailbox today that is not rejected (N7).
pub fn is_reachable(roster: &Roster, flagged: &HashSet<Mailbox>, authority: &AuthorityId, day: NaiveDate) -> bool {
    roster.contacts_of(&Owner::Authority(authority.clone()), day).any(|contact| !flagged.contains(&contact.mailbox))
}

#[cfg(test)]
#[path = "escalation_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "escalation_changes_tests.rs"]
mod changes_tests;
