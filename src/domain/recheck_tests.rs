//! N5, N6: what becomes of a queued notice when its turn has come.

use super::super::Contact;
use super::super::ReceiptState::{Complete, Missing, Nil};
use super::super::rulebook::CycleEntry;
use super::super::test_support::{Cycle, at, contact, day, extended, mailbox, of_authority, partial, roster_of};
use super::*;

const REMINDER: &str = "2026-12-08 08:00";

/// Statistics with everything queued that is due at that instant, and nothing sent.
fn queued(now: &str) -> Cycle {
    let mut cycle = Cycle::new("statistics", "2026-12");
    cycle.tick(at(now));
    cycle
}

fn verdict(cycle: &mut Cycle, step: &str, name: &str, now: &str) -> Verdict {
    let index = cycle.said(step, name).unwrap_or_else(|| panic!("{step} to {name} was not queued"));
    cycle.recheck(index, at(now))
}

fn send(ids: &[&str]) -> Verdict {
    Verdict::Send(ids.iter().map(|id| (*id).into()).collect())
}

fn withdraw(why: &str) -> Verdict {
    Verdict::Withdraw(why.into())
}

#[test]
fn who_has_settled_since_gets_no_reminder_and_the_reason_is_kept() {
    let check = |state, want: Verdict| {
        let mut cycle = queued(REMINDER);
        cycle.report("k1", state, "2026-12-09 09:12");
        assert_eq!(verdict(&mut cycle, "reminder-5", "k1", "2026-12-09 09:12"), want);
        assert_eq!(verdict(&mut cycle, "reminder-5", "k2", "2026-12-09 09:12"), send(&["k2"]), "another");
    };
    check(Complete, withdraw("reported on 9 December 2026, 09:12"));
    check(Nil, withdraw("reported nil on 9 December 2026, 09:12"));
    check(ReceiptState::Excused { reason: "Brand".into() }, withdraw("excused on 9 December 2026, 09:12"));
    check(ReceiptState::Exempt { reason: "fort".into() }, withdraw("exempt, recorded on 9 December 2026, 09:12"));
    let words = "extended until 2026-12-18, recorded on 9 December 2026, 09:12";
    check(extended("2026-12-18"), withdraw(words));
    check(partial(&["returns"]), send(&["k1"]));
    check(Missing, send(&["k1"]));
}

#[test]
fn a_notice_is_sent_about_those_who_are_missing_still() {
    let mut cycle = Cycle::new("statistics", "2026-12");
    cycle.roster = roster_of(vec![of_authority("k1", "kreis"), of_authority("d1", "kreis")]);
    cycle.tick(at(REMINDER));
    let mut check = |now: &str, want| assert_eq!(verdict(&mut cycle, "reminder-5", "kreis", now), want, "{now}");
    check("2026-12-08 08:01", send(&["k1", "d1"]));
    cycle.report("k1", Complete, "2026-12-08 09:00");
    assert_eq!(verdict(&mut cycle, "reminder-5", "kreis", "2026-12-08 09:00"), send(&["d1"]));
    cycle.report("d1", Complete, "2026-12-08 10:00");
    let want = withdraw("reported on 8 December 2026, 10:00");
    assert_eq!(verdict(&mut cycle, "reminder-5", "kreis", "2026-12-08 10:00"), want);
}

#[test]
fn a_contact_that_has_ended_or_a_mailbox_that_is_flagged_gets_nothing() {
    let mut cycle = queued(REMINDER);
    let valid_to = Some(day("2026-12-08"));
    cycle.roster = roster_of(vec![Contact { valid_to, ..contact(Owner::Authority("k1".into()), "k1") }]);
    assert_eq!(verdict(&mut cycle, "reminder-5", "k1", "2026-12-08 23:59"), send(&["k1"]), "on its last day");
    let ended = withdraw("the contact has ended");
    assert_eq!(verdict(&mut cycle, "reminder-5", "k1", "2026-12-09 00:00"), ended);
    assert_eq!(verdict(&mut cycle, "reminder-5", "k2", "2026-12-08 09:00"), ended, "no longer in the list");
    cycle.flagged.insert(mailbox("k1"));
    let Verdict::Withdraw(why) = verdict(&mut cycle, "reminder-5", "k1", "2026-12-08 09:00") else { panic!("sent") };
    assert!(why.contains("flagged"), "{why}");
}

#[test]
fn a_reminder_about_an_authority_that_its_mailbox_no_longer_serves_is_not_sent() {
    let mut cycle = Cycle::new("statistics", "2026-12");
    cycle.roster = roster_of(vec![of_authority("k1", "kreis"), of_authority("d1", "kreis")]);
    cycle.tick(at(REMINDER));
    cycle.roster = roster_of(vec![of_authority("d1", "kreis"), of_authority("k1", "k1")]);
    assert_eq!(verdict(&mut cycle, "reminder-5", "kreis", "2026-12-08 09:00"), send(&["d1"]));
    cycle.report("k1", Missing, "2026-12-08 10:00");
    cycle.report("d1", Complete, "2026-12-08 10:00");
    cycle.roster = roster_of(vec![of_authority("k1", "k1"), of_authority("k2", "kreis")]);
    cycle.report("k2", Complete, "2026-12-08 10:00");
    let found = verdict(&mut cycle, "reminder-5", "kreis", "2026-12-08 10:00");
    assert_eq!(found, withdraw("reported on 8 December 2026, 10:00"), "d1, the other that it was about");
}

#[test]
fn a_notice_is_not_kept_as_reported_when_nobody_reported() {
    let mut cycle = Cycle::new("statistics", "2026-12");
    cycle.roster = roster_of(vec![of_authority("k1", "kreis"), of_authority("d1", "kreis")]);
    cycle.report("k1", Missing, "2026-12-07 10:00");
    cycle.report("d1", Complete, "2026-12-07 10:00");
    cycle.tick(at(REMINDER));
    cycle.roster = roster_of(vec![of_authority("k1", "k1"), of_authority("d1", "kreis")]);
    let want = withdraw("its mailbox no longer answers for its authority");
    assert_eq!(verdict(&mut cycle, "reminder-5", "kreis", "2026-12-08 09:00"), want);
}

#[test]
fn a_notice_of_a_revision_that_was_replaced_is_withdrawn() {
    let mut cycle = Cycle::new("planning", "2026-12");
    cycle.tick(at("2026-12-01 09:00"));
    let (import_on, correction) = (Some(day("2026-12-02")), Some("verschoben".into()));
    *cycle.entry() = CycleEntry { import_on, correction, ..CycleEntry::default() };
    let first = cycle.said("announcement", "k1").unwrap();
    cycle.tick(at("2026-12-01 10:00"));
    let want = withdraw("the deadline was corrected; revision 2 is in force");
    assert_eq!(cycle.recheck(first, at("2026-12-01 10:00")), want);
}

#[test]
fn a_notice_whose_life_is_over_expires_with_what_ended_it() {
    let check = |label: &str, step: &str, to: &str, queued_at: &str, now: &str, want: Option<&str>| {
        let mut cycle = queued(queued_at);
        let found = verdict(&mut cycle, step, to, now);
        match want {
            Some(why) => assert_eq!(found, Verdict::Expire(why.into()), "{label}"),
            None => assert!(matches!(found, Verdict::Send(_)), "{label}: {found:?}"),
        }
    };
    let (last, over) = ("2026-12-15 08:00", "2026-12-17 08:00");
    check("the next reminder is a minute off", "reminder-5", "k1", REMINDER, "2026-12-14 07:59", None);
    let by = "superseded by reminder-1 on 2026-12-14 08:00";
    check("superseded", "reminder-5", "k1", REMINDER, "2026-12-14 08:00", Some(by));
    check("on the last day", "reminder-0", "k1", last, "2026-12-15 23:59", None);
    let by = "the deadline of 2026-12-15 is over";
    check("the deadline is over", "reminder-0", "k1", last, "2026-12-16 00:00", Some(by));
    check("overdue until the close", "overdue+1", "k1", over, "2027-01-15 23:59", None);
    check("closed", "overdue+1", "k1", over, "2027-01-16 00:00", Some("the cycle has closed"));
    let by = "superseded by escalation+7 on 2026-12-24 08:00";
    check("the next escalation", "escalation+2", "rrk-koeln", over, "2026-12-24 08:00", Some(by));
    let by = "superseded by summary+7 on 2026-12-24 08:00";
    check("the next summary", "summary+2", "zrk", over, "2026-12-24 08:00", Some(by));
}

#[test]
fn an_escalation_names_the_missing_of_its_own_district_at_the_time_of_sending() {
    let mut cycle = queued("2026-12-17 08:00");
    let now = "2026-12-17 09:00";
    assert_eq!(verdict(&mut cycle, "escalation+2", "rrk-koeln", now), send(&["k1", "k2"]));
    assert_eq!(verdict(&mut cycle, "escalation+2", "rrk-detmold", now), send(&["d1"]));
    cycle.report("k1", Complete, "2026-12-17 08:30");
    assert_eq!(verdict(&mut cycle, "escalation+2", "rrk-koeln", now), send(&["k2"]));
    cycle.flagged.insert(mailbox("k2"));
    let nobody = withdraw("nobody is missing any more");
    assert_eq!(verdict(&mut cycle, "escalation+2", "rrk-koeln", now), nobody, "k2 cannot be reached");
    assert_eq!(verdict(&mut cycle, "escalation+2", "rrk-detmold", now), send(&["d1"]));
}

#[test]
fn the_first_summary_goes_whatever_happened_and_a_later_one_only_with_an_escalation() {
    let check = |step: &str, now: &str, want: Verdict| {
        let mut cycle = queued("2026-12-17 08:00");
        cycle.tick(at(now));
        assert_eq!(verdict(&mut cycle, step, "zrk", now), send(&[]), "{step}: somebody is missing");
        for id in ["k1", "k2", "d1"] {
            cycle.report(id, Complete, now);
        }
        assert_eq!(verdict(&mut cycle, step, "zrk", now), want, "{step}: nobody is missing");
    };
    check("summary+2", "2026-12-17 08:00", send(&[]));
    check("summary+7", "2026-12-24 08:00", withdraw("nobody is missing any more"));
}

#[test]
fn an_all_clear_is_withdrawn_when_somebody_is_missing_again() {
    let mut cycle = queued("2026-12-17 08:00");
    cycle.deliver(at("2026-12-17 08:00"));
    cycle.report("d1", Complete, "2026-12-17 20:00");
    cycle.tick(at("2026-12-17 20:00"));
    let step = "all-clear:escalation+2";
    assert_eq!(verdict(&mut cycle, step, "rrk-detmold", "2026-12-17 20:00"), send(&["d1"]));
    cycle.report("d1", Missing, "2026-12-17 21:00");
    let want = withdraw("somebody is missing again");
    assert_eq!(verdict(&mut cycle, step, "rrk-detmold", "2026-12-18 07:00"), want);
}

#[test]
fn a_step_that_settings_no_longer_have_is_withdrawn() {
    let mut cycle = queued(REMINDER);
    cycle.rulebook.duties[1].steps.remove(0);
    let want = withdraw("the step is no longer in the ladder");
    assert_eq!(verdict(&mut cycle, "reminder-5", "k1", "2026-12-08 09:00"), want);
}

#[test]
fn an_announcement_names_all_authorities_that_the_mailbox_serves_now() {
    let mut cycle = Cycle::new("planning", "2026-12");
    cycle.tick(at("2026-12-01 09:00"));
    cycle.report("k1", Complete, "2026-12-01 10:00");
    cycle.roster = roster_of(vec![of_authority("k1", "k1"), of_authority("k2", "k1")]);
    assert_eq!(verdict(&mut cycle, "announcement", "k1", "2026-12-01 10:00"), send(&["k1", "k2"]));
    assert_eq!(verdict(&mut cycle, "announcement", "zfa", "2026-12-01 10:00"), send(&[]));
}
