//! N7: the report to an RRK and the summary for the ZRK, as data.

use chrono::NaiveDate;
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::ReceiptState::{Complete, Missing, Nil};
use super::super::delivery::State;
use super::super::summary::{Outstanding, Tally};
use super::super::test_support::{
    at, authority, day, extended, mailbox, of_authority, office_contacts, offices, partial, roster, statistics,
};
use super::super::{Contact, ReceiptState, Roster};
use super::*;

/// Owns what a report borrows. The report is of 17 December 2026, two days after the end.
struct Report {
    roster: Roster,
    duty: Duty,
    today: NaiveDate,
    standings: HashMap<AuthorityId, Standing>,
    flagged: HashSet<Mailbox>,
    said: Vec<Said>,
    missed: Missed,
    also_missing: HashMap<AuthorityId, Vec<String>>,
    extended_to: HashMap<AuthorityId, NaiveDate>,
    receipts: HashMap<AuthorityId, Vec<Receipt>>,
}

impl Report {
    fn new(rows: &[(&str, ReceiptState)]) -> Self {
        let standing = |state: &ReceiptState| Standing::of(state.clone(), Some(at("2026-12-09 09:12")));
        Self {
            roster: roster(),
            duty: statistics(),
            today: day("2026-12-17"),
            standings: rows.iter().map(|(id, state)| ((*id).into(), standing(state))).collect(),
            flagged: HashSet::new(),
            said: Vec::new(),
            missed: Missed { known: 12, ..Missed::default() },
            also_missing: HashMap::new(),
            extended_to: HashMap::new(),
            receipts: HashMap::new(),
        }
    }

    fn facts(&self) -> ReportFacts<'_> {
        ReportFacts {
            roster: &self.roster,
            duty: &self.duty,
            ends_on: day("2026-12-15"),
            today: self.today,
            standings: &self.standings,
            flagged: &self.flagged,
            said: &self.said,
            missed: &self.missed,
            also_missing: &self.also_missing,
            extended_to: &self.extended_to,
            receipts: &self.receipts,
            zone: chrono_tz::Europe::Berlin,
        }
    }

    fn of_koeln(&self) -> Vec<Case> {
        self.facts().escalation(District::Koeln, &Earlier::default()).cases
    }
}

fn ids(cases: &[Case]) -> Vec<&str> {
    cases.iter().map(|case| &*case.authority).collect()
}

fn lines(outstanding: &[Outstanding]) -> Vec<(District, String)> {
    outstanding.iter().map(|line| (line.district, line.name.clone())).collect()
}

#[test]
fn a_report_lists_the_missing_of_its_district_that_can_be_reached() {
    let check = |label: &str, rows: &[(&str, ReceiptState)], flagged: &[&str], want: &[&str]| {
        let mut report = Report::new(rows);
        report.flagged = flagged.iter().map(|name| mailbox(name)).collect();
        assert_eq!(ids(&report.of_koeln()), want, "{label}");
        let of_koeln = report.facts().escalation(District::Koeln, &Earlier::default());
        assert_eq!(of_koeln.authorities_total, 2, "{label}");
        let unreachable = flagged.iter().filter(|name| **name == "k1").count();
        assert_eq!(of_koeln.unreachable_total, unreachable, "{label}");
    };
    check("all silent", &[], &[], &["k1", "k2"]);
    check("one complete", &[("k1", Complete)], &[], &["k2"]);
    check("one nil, one partial", &[("k1", Nil), ("k2", partial(&["returns"]))], &[], &["k2"]);
    check("one extended", &[("k1", extended("2026-12-20"))], &[], &["k2"]);
    check("one unreachable", &[], &["k1"], &["k2"]);
    check("one complete and unreachable", &[("k2", Complete)], &["k2"], &["k1"]);
    check("the other district's standing says nothing", &[("d1", Complete)], &["d1"], &["k1", "k2"]);
}

#[test]
fn who_does_not_owe_stands_in_no_report_and_no_count() {
    let mut report = Report::new(&[("k2", Complete)]);
    let mut authorities = roster().authorities().to_vec();
    authorities[0].valid_to = Some(day("2026-12-14")); // k1, a day before the end
    report.roster = Roster::new(authorities, offices(), roster().contacts().to_vec());
    assert_eq!(ids(&report.of_koeln()), [""; 0]);
    assert_eq!(report.facts().escalation(District::Koeln, &Earlier::default()).authorities_total, 1);
    let summary = report.facts().summary(|_| None);
    let of_koeln = summary.districts[&District::Koeln];
    assert_eq!((of_koeln.total, of_koeln.complete, of_koeln.missing), (1, 1, 0));
    assert_eq!(summary.missing.len(), 1, "d1 alone");
}

#[test]
fn a_case_says_standing_missing_parts_days_overdue_and_months_missed() {
    let mut report = Report::new(&[("k1", partial(&["returns"]))]);
    report.missed.total.insert("k1".into(), 3);
    report.extended_to.insert("k2".into(), day("2026-12-16"));
    let cases = report.of_koeln();
    assert_eq!(cases[0].missing, ["Teil returns"]);
    assert_eq!((cases[0].days_overdue, cases[0].months_missed), (2, 3));
    assert_eq!(cases[0].standing.state, partial(&["returns"]));
    assert_eq!(cases[1].missing, ["Teil reag-garp", "Teil without-funding", "Teil returns"]);
    assert_eq!((cases[1].days_overdue, cases[1].months_missed), (1, 0), "overdue since its extension ran out");
    assert_eq!(cases[1].standing.state, Missing);
    report.extended_to.insert("k2".into(), day("2026-12-14"));
    assert_eq!(report.of_koeln()[1].days_overdue, 2, "an extension that a corrected deadline outlived counts no more");
    report.today = day("2027-01-04");
    assert_eq!(report.of_koeln()[0].days_overdue, 20, "weekends and holidays are days, too");
}

#[test]
fn a_case_shows_when_reminders_were_accepted_or_that_they_were_not_delivered() {
    let said = |step: &str, kind, due: &str, to: &str, state, accepted: Option<&str>| Said {
        step: step.into(),
        kind,
        revision: 1,
        mailbox: mailbox(to),
        office: None,
        authorities: vec!["k1".into()],
        due_at: at(due),
        was_uncertain: false,
        is_discarded: false,
        state,
        accepted_at: accepted.map(at),
        returned_at: None,
    };
    use NoticeKind::{Announcement, Overdue, Reminder};
    let mut report = Report::new(&[]);
    report.said = vec![
        said("overdue+1", Overdue, "2026-12-16 08:00", "k1", State::Retry, None),
        said("announcement", Announcement, "2026-12-01 09:00", "k1", State::Accepted, Some("2026-12-01 09:00")),
        said("reminder-5", Reminder, "2026-12-08 08:00", "k1", State::Accepted, Some("2026-12-08 08:04")),
        said("reminder-5", Reminder, "2026-12-08 08:00", "k1-b", State::Accepted, Some("2026-12-08 08:02")),
        said("reminder-1", Reminder, "2026-12-14 08:00", "k1", State::Rejected, None),
        said("reminder-1", Reminder, "2026-12-14 08:00", "k1-b", State::Accepted, Some("2026-12-14 08:01")),
        said("reminder-0", Reminder, "2026-12-15 08:00", "k1", State::Withdrawn, None),
    ];
    let came_back = |said: Said, at_time: &str| Said { returned_at: Some(at(at_time)), ..said };
    let of_both =
        |to: &str| said("reminder-7", Reminder, "2026-12-07 08:00", to, State::Rejected, Some("2026-12-07 08:00"));
    report.said.push(came_back(of_both("k1"), "2026-12-07 08:05"));
    report.said.push(came_back(of_both("k1-b"), "2026-12-07 09:30"));
    let one_of_two =
        |to: &str| said("reminder-2", Reminder, "2026-12-11 08:00", to, State::Accepted, Some("2026-12-11 08:00"));
    report.said.push(came_back(one_of_two("k1"), "2026-12-11 08:01"));
    report.said.push(one_of_two("k1-b"));
    let cases = report.of_koeln();
    let returned: Vec<_> = cases[0].dispatches.iter().map(|dispatch| dispatch.returned_at).collect();
    assert_eq!(returned, [Some(at("2026-12-07 09:30")), None, None, None, None], "shown where nobody got it");
    let found: Vec<_> = cases[0].dispatches.iter().map(|dispatch| (dispatch.kind, dispatch.accepted_at)).collect();
    let want = [
        (Reminder, None),
        (Reminder, Some(at("2026-12-08 08:02"))),
        (Reminder, Some(at("2026-12-11 08:00"))),
        (Reminder, Some(at("2026-12-14 08:01"))),
        (Overdue, None),
    ];
    assert_eq!(found, want);
    assert!(cases[1].dispatches.is_empty(), "nothing was said to k2");
}

#[test]
fn an_all_clear_lists_those_of_the_district_that_were_escalated() {
    let report = Report::new(&[("k1", Complete), ("k2", Nil), ("d1", Complete)]);
    let facts = report.facts();
    let escalated: Vec<AuthorityId> = vec!["k2".into(), "d1".into()];
    assert_eq!(ids(&facts.all_clear(District::Koeln, &Earlier::default(), &escalated).cases), ["k2"]);
    assert_eq!(facts.all_clear(District::Koeln, &Earlier::default(), &escalated).cases[0].standing.state, Nil);
}

#[test]
fn the_summary_counts_each_authority_once_and_names_the_unreachable_apart() {
    let mut report = Report::new(&[("k1", Complete), ("d1", partial(&["returns"]))]);
    report.flagged.insert(mailbox("k2"));
    let summary = report.facts().summary(|id| Some(&**id != "k1"));
    let koeln = Tally { total: 2, complete: 1, late: 1, missing: 1, unreachable: 1, ..Tally::default() };
    let detmold = Tally { total: 1, partial: 1, ..Tally::default() };
    assert_eq!(summary.districts, BTreeMap::from([(District::Detmold, detmold), (District::Koeln, koeln)]));
    assert_eq!(lines(&summary.missing), [(District::Detmold, "D1".to_owned())]);
    assert_eq!(lines(&summary.unreachable), [(District::Koeln, "K2".to_owned())]);
}

#[test]
fn an_authority_is_reachable_while_one_of_its_mailboxes_takes_mail_that_day() {
    let valid_to = Some(day("2026-12-10"));
    let check = |label: &str, contacts: Vec<Contact>, flagged: &[&str], want| {
        let roster = Roster::new(vec![authority("k1", District::Koeln)], offices(), contacts);
        let flagged: HashSet<Mailbox> = flagged.iter().map(|name| mailbox(name)).collect();
        assert_eq!(is_reachable(&roster, &flagged, &"k1".into(), day("2026-12-17")), want, "{label}");
    };
    let (one, two) = (of_authority("k1", "one"), of_authority("k1", "two"));
    check("no mailbox", vec![], &[], false);
    check("one", vec![one.clone()], &[], true);
    check("one, rejected", vec![one.clone()], &["one"], false);
    check("two, one rejected", vec![one.clone(), two.clone()], &["one"], true);
    check("two, both rejected", vec![one.clone(), two.clone()], &["one", "two"], false);
    check("one rejected, the other ended", vec![one, Contact { valid_to, ..two }], &["one"], false);
}

const AUTHORITIES: usize = 12;

fn states() -> impl Strategy<Value = ReceiptState> {
    prop_oneof![
        3 => Just(Missing),
        1 => Just(Complete),
        1 => Just(Nil),
        1 => Just(partial(&["returns"])),
        1 => Just(extended("2026-12-20")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_missing_authority_stands_in_one_districts_report_or_is_named_unreachable(
        drawn in prop::collection::vec((any::<Index>(), states(), any::<bool>()), AUTHORITIES),
    ) {
        let id = |index: usize| format!("a{index}");
        let mut report = Report::new(&[]);
        let mut authorities = Vec::new();
        let mut contacts = office_contacts();
        for (index, (district, state, is_flagged)) in drawn.iter().enumerate() {
            authorities.push(authority(&id(index), *district.get(&District::ALL)));
            contacts.push(of_authority(&id(index), &id(index)));
            report.standings.insert(id(index).into(), Standing::of(state.clone(), None));
            if *is_flagged {
                report.flagged.insert(mailbox(&id(index)));
            }
        }
        report.roster = Roster::new(authorities, offices(), contacts);
        let facts = report.facts();
        let summary = facts.summary(|_| None);
        for (index, (district, state, is_flagged)) in drawn.iter().enumerate() {
            let district = *district.get(&District::ALL);
            let is_missing = matches!(state, Missing | ReceiptState::Partial { .. });
            for of in District::ALL {
                let is_listed = ids(&facts.escalation(of, &Earlier::default()).cases).contains(&id(index).as_str());
                prop_assert_eq!(is_listed, of == district && is_missing && !is_flagged, "{} in {:?}", id(index), of);
            }
            let line = (district, id(index).to_uppercase());
            prop_assert_eq!(lines(&summary.unreachable).contains(&line), is_missing && *is_flagged);
            prop_assert_eq!(lines(&summary.missing).contains(&line), is_missing && !is_flagged);
        }
        let totals: usize = summary.districts.values().map(|tally| tally.total).sum();
        let sorts = |tally: &Tally| tally.complete + tally.nil + tally.excused + tally.partial + tally.missing;
        prop_assert_eq!(totals, AUTHORITIES);
        prop_assert!(summary.districts.values().all(|tally| sorts(tally) == tally.total));
    }
}
