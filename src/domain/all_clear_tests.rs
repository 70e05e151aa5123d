//! N7: the all-clear to an RRK whose escalated authorities have all settled.

use super::super::ReceiptState::{Complete, Missing, Nil};
use super::super::delivery::State;
use super::super::rulebook::CycleEntry;
use super::super::test_support::{Cycle, at, authority, day, lines, mailbox, of_authority, office_contacts, offices};
use super::super::{District, Roster};

const NOTHING: [&str; 0] = [];

/// Statistics of December 2026, escalated on the 17th for Köln (k1, k2) and Detmold (d1).
fn escalated() -> Cycle {
    let mut cycle = Cycle::new("statistics", "2026-12");
    let want = ["escalation+2/1 rrk-detmold [d1]", "escalation+2/1 rrk-koeln [k1 k2]"];
    assert_eq!(cycle.run("2026-12-17 08:00")[..2], want);
    cycle
}

#[test]
fn it_comes_when_the_last_has_settled_once_and_only_to_that_district() {
    let mut cycle = escalated();
    cycle.report("k1", Complete, "2026-12-18 09:00");
    assert_eq!(cycle.run("2026-12-18 09:00"), NOTHING, "k2 is missing still");
    cycle.report("k2", Nil, "2026-12-18 10:00");
    assert_eq!(cycle.run("2026-12-18 10:00"), ["all-clear:escalation+2/1 rrk-koeln [k1 k2]"]);
    assert_eq!(cycle.run("2026-12-18 10:01"), NOTHING);
    cycle.report("d1", Complete, "2026-12-21 10:00");
    assert_eq!(cycle.run("2026-12-21 10:00"), ["all-clear:escalation+2/1 rrk-detmold [d1]"]);
    assert_eq!(cycle.run("2026-12-24 08:00"), NOTHING, "and nobody is escalated again");
}

#[test]
fn an_rrk_that_got_no_escalation_gets_no_all_clear() {
    let mut cycle = Cycle::new("statistics", "2026-12");
    cycle.report("d1", Complete, "2026-12-04 10:00");
    cycle.run("2026-12-17 08:00");
    for id in ["k1", "k2"] {
        cycle.report(id, Complete, "2026-12-18 10:00");
    }
    assert_eq!(cycle.run("2026-12-18 10:00"), ["all-clear:escalation+2/1 rrk-koeln [k1 k2]"]);
}

#[test]
fn an_escalation_that_was_withdrawn_before_it_went_out_needs_no_all_clear() {
    let mut cycle = Cycle::new("statistics", "2026-12");
    cycle.tick(at("2026-12-17 08:00"));
    for id in ["k1", "k2", "d1"] {
        cycle.report(id, Complete, "2026-12-17 08:01");
    }
    assert_eq!(cycle.deliver(at("2026-12-17 08:02")), ["summary+2/1 zrk []"]);
    assert_eq!(cycle.run("2026-12-17 08:03"), NOTHING);
}

#[test]
fn after_a_second_escalation_there_is_a_second_all_clear() {
    let mut cycle = escalated();
    for id in ["k1", "k2", "d1"] {
        cycle.report(id, Complete, "2026-12-18 10:00");
    }
    assert_eq!(cycle.run("2026-12-18 10:00").len(), 2);
    cycle.report("k1", Missing, "2026-12-21 10:00");
    assert_eq!(cycle.run("2026-12-21 10:00"), NOTHING, "overdue was said on the 17th");
    assert_eq!(cycle.run("2026-12-24 08:00"), ["escalation+7/1 rrk-koeln [k1]", "summary+7/1 zrk []"]);
    cycle.report("k1", Complete, "2026-12-28 10:00");
    assert_eq!(lines(&cycle.plan(at("2026-12-28 10:00")).queue), ["all-clear:escalation+7/1 rrk-koeln [k1 k2]"]);
}

#[test]
fn somebody_missing_who_was_not_escalated_yet_keeps_the_district_from_being_clear() {
    let mut cycle = Cycle::new("statistics", "2026-12");
    cycle.report("k2", Complete, "2026-12-04 10:00");
    cycle.run("2026-12-17 08:00");
    cycle.report("k2", Missing, "2026-12-18 09:00");
    cycle.report("k1", Complete, "2026-12-18 09:00");
    assert_eq!(cycle.run("2026-12-18 09:00"), ["overdue+1/1 k2 [k2]"]);
    cycle.report("k2", Complete, "2026-12-18 12:00");
    assert_eq!(cycle.run("2026-12-18 12:00"), ["all-clear:escalation+2/1 rrk-koeln [k1]"]);
}

#[test]
fn a_rejected_mailbox_of_an_rrk_gets_none() {
    let mut cycle = escalated();
    cycle.flagged.insert(mailbox("rrk-koeln"));
    for id in ["k1", "k2"] {
        cycle.report(id, Complete, "2026-12-18 10:00");
    }
    assert_eq!(cycle.run("2026-12-18 10:00"), NOTHING);
}

#[test]
fn each_mailbox_of_an_rrk_that_was_told_gets_it_and_one_added_since_does_not() {
    let roster = |names: &[&str]| {
        let of_rrk = names.iter().map(|name| super::super::test_support::of_office("rrk-koeln", name));
        let contacts = office_contacts().into_iter().filter(|contact| contact.mailbox != mailbox("rrk-koeln"));
        let contacts = contacts.chain(of_rrk).chain([of_authority("k1", "k1")]).collect();
        Roster::new(vec![authority("k1", District::Koeln)], offices(), contacts)
    };
    let mut cycle = Cycle::new("statistics", "2026-12");
    cycle.roster = roster(&["one", "two"]);
    cycle.run("2026-12-17 08:00");
    cycle.roster = roster(&["one", "two", "three"]);
    cycle.report("k1", Complete, "2026-12-18 10:00");
    let want = ["all-clear:escalation+2/1 one [k1]", "all-clear:escalation+2/1 two [k1]"];
    assert_eq!(cycle.run("2026-12-18 10:00"), want);
}

#[test]
fn an_escalation_of_a_corrected_deadline_is_followed_by_an_all_clear_of_its_own() {
    let mut cycle = Cycle::new("planning", "2026-12");
    cycle.run("2026-12-01 09:00");
    cycle.run("2026-12-17 08:00");
    for id in ["k1", "k2", "d1"] {
        cycle.report(id, Complete, "2026-12-17 09:00");
    }
    assert_eq!(cycle.run("2026-12-17 09:00").len(), 2);
    let (import_on, correction) = (Some(day("2026-12-08")), Some("Import verschoben".into()));
    *cycle.entry() = CycleEntry { import_on, correction, ..CycleEntry::default() };
    assert!(cycle.run("2026-12-18 09:00").iter().all(|line| !line.starts_with("all-clear")), "said already");
    let held = cycle.facts.said.iter_mut().filter(|said| said.state == State::Held);
    held.for_each(|said| said.state = State::Accepted); // a person releases what corrects a deadline that was over (N9)
    cycle.report("d1", Missing, "2026-12-21 09:00");
    let sent = cycle.run("2026-12-28 08:00");
    assert!(sent.contains(&"escalation+2/2 rrk-detmold [d1]".to_owned()), "{sent:?}");
    cycle.report("d1", Complete, "2026-12-28 10:00");
    assert_eq!(cycle.run("2026-12-28 10:00"), ["all-clear:escalation+2/2 rrk-detmold [d1]"]);
    assert_eq!(cycle.run("2026-12-28 10:01"), NOTHING);
}
