//! A roster that lives: authorities that merge or end, and deputies for a time (N5, N6, N7, F5).

use super::ReceiptState::Complete;
use super::recheck::Verdict;
use super::roster::InsteadOf;
use super::rulebook::CycleEntry;
use super::test_support::*;
use super::timetable::timetable;
use super::*;

/// `k1` merges into `k2` on 1 January 2027; both, and `d1`, have a mailbox of their name.
fn merging() -> Roster {
    with_k1(|k1| {
        k1.valid_to = Some(day("2026-12-31"));
        k1.reported_by = Some("k2".into());
    })
}

fn with_k1(change: impl Fn(&mut Authority)) -> Roster {
    let mut authorities = roster().authorities().to_vec();
    authorities.iter_mut().filter(|one| &*one.id == "k1").for_each(change);
    Roster::new(authorities, offices(), roster().contacts().to_vec())
}

fn cycle(duty: &'static str, of: &str, roster: Roster) -> Cycle {
    Cycle { roster, ..Cycle::new(duty, of) }
}

/// `k1` with mailbox `k1`, in whose place `deputy` gets mail from 7 to 13 December.
fn with_deputy() -> Roster {
    let deputy = Contact {
        valid_from: Some(day("2026-12-07")),
        valid_to: Some(day("2026-12-13")),
        instead_of: Some(InsteadOf::Mailbox(mailbox("k1"))),
        ..of_authority("k1", "deputy")
    };
    roster_of(["k1", "k2", "d1"].map(|id| of_authority(id, id)).into_iter().chain([deputy]).collect())
}

fn about_k1(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).filter(|line| line.contains("k1")).collect()
}

fn correct(cycle: &mut Cycle, import_on: &str) {
    let (import_on, correction) = (Some(day(import_on)), Some("Import verschoben".into()));
    *cycle.entry() = CycleEntry { import_on, correction, ..CycleEntry::default() };
}

#[test]
fn december_is_owed_by_the_old_one_to_its_close_and_january_by_the_other_alone() {
    let mut december = cycle("statistics", "2026-12", merging());
    assert_eq!(december.run("2026-12-15 08:00").len(), 3);
    december.report("k2", Complete, "2026-12-16 06:00");
    assert_eq!(december.run("2026-12-16 08:00"), ["overdue+1/1 d1 [d1]", "overdue+1/1 k1 [k1]"]);
    assert_eq!(about_k1(&december.run("2027-01-04 08:00")), ["escalation+12/1 rrk-koeln [k1]"], "still in January");
    let mut january = cycle("statistics", "2027-01", merging());
    assert_eq!(january.run("2027-01-15 08:00"), ["reminder-0/1 d1 [d1]", "reminder-0/1 k2 [k2]"]);
    assert_eq!(january.run("2027-01-18 08:00"), ["overdue+1/1 d1 [d1]", "overdue+1/1 k2 [k2]"]);
    let escalated = january.run("2027-01-19 08:00");
    assert!(escalated.contains(&"escalation+2/1 rrk-koeln [k2]".to_owned()), "{escalated:?}");
    let mut announced = cycle("planning", "2027-01", merging());
    let sent = announced.run("2027-01-04 09:00");
    assert_eq!(sent.len(), 8, "two authorities, five RRK and the ZFA: {sent:?}");
    assert_eq!(about_k1(&sent), [""; 0]);
}

#[test]
fn who_ends_without_another_or_begins_later_owes_only_in_between() {
    let check = |label: &str, roster: Roster, want: &[&str]| {
        assert_eq!(cycle("statistics", "2026-12", roster).run("2026-12-08 08:00"), want, "{label}");
    };
    let all = ["reminder-5/1 d1 [d1]", "reminder-5/1 k1 [k1]", "reminder-5/1 k2 [k2]"];
    let without = ["reminder-5/1 d1 [d1]", "reminder-5/1 k2 [k2]"];
    check("valid to the last day", with_k1(|k1| k1.valid_to = Some(day("2026-12-15"))), &all);
    check("ended before it", with_k1(|k1| k1.valid_to = Some(day("2026-12-14"))), &without);
    check("valid from the last day", with_k1(|k1| k1.valid_from = Some(day("2026-12-15"))), &all);
    check("from the day after", with_k1(|k1| k1.valid_from = Some(day("2026-12-16"))), &without);
    check("another always reports", with_k1(|k1| k1.reported_by = Some("k2".into())), &without);
}

#[test]
fn a_mailbox_of_the_merged_and_of_the_other_speaks_for_the_other_alone() {
    let contacts = vec![of_authority("k1", "both"), of_authority("k2", "both")];
    let roster = Roster::new(merging().authorities().to_vec(), offices(), contacts);
    let mut december = cycle("statistics", "2026-12", roster.clone());
    assert_eq!(december.run("2026-12-08 08:00"), ["reminder-5/1 both [k1 k2]"]);
    let mut january = cycle("statistics", "2027-01", roster);
    assert_eq!(january.run("2027-01-15 08:00"), ["reminder-0/1 both [k2]"]);
}

#[test]
fn what_waits_for_one_that_no_longer_owes_is_withdrawn_with_the_reason() {
    let check = |duty: &'static str, step: &str, queued_at: &str, roster: Roster, want: &str| {
        let mut cycle = Cycle::new(duty, "2026-12");
        cycle.tick(at(queued_at));
        cycle.roster = roster;
        let index = cycle.said(step, "k1").unwrap();
        assert_eq!(cycle.recheck(index, at(queued_at)), Verdict::Withdraw(want.into()), "{step}");
        assert_eq!(about_k1(&lines(&cycle.plan(at(queued_at)).queue)), [""; 0], "and does not come back");
    };
    let always = || with_k1(|k1| k1.reported_by = Some("k2".into()));
    let reason = "k1 does not owe this report; k2 reports for it";
    check("statistics", "reminder-5", "2026-12-08 08:00", always(), reason);
    check("statistics", "overdue+1", "2026-12-16 08:00", always(), reason);
    check("planning", "announcement", "2026-12-01 09:00", always(), reason);
    let ended = with_k1(|k1| k1.valid_to = Some(day("2026-11-30")));
    check("planning", "announcement", "2026-12-01 09:00", ended, "k1 does not owe this report");
}

#[test]
fn whom_an_rrk_was_told_of_and_who_owes_no_more_does_not_hold_up_the_all_clear() {
    let mut cycle = Cycle::new("statistics", "2026-12");
    cycle.run("2026-12-17 08:00");
    cycle.report("k2", Complete, "2026-12-18 09:00");
    assert_eq!(cycle.run("2026-12-18 09:00"), [""; 0], "k1 is missing");
    cycle.roster = with_k1(|k1| k1.valid_to = Some(day("2026-11-30")));
    assert_eq!(cycle.run("2026-12-18 10:00"), ["all-clear:escalation+2/1 rrk-koeln [k2]"]);
}

#[test]
fn the_timetable_counts_mailboxes_of_those_who_owe_and_of_deputies() {
    let mails = |roster: Roster, of: &str, step: &str| {
        let entries = timetable(&rulebook(), &roster, month(of), 1).unwrap();
        entries.iter().find(|entry| &*entry.duty == "planning" && entry.step == step).unwrap().mails
    };
    assert_eq!((mails(merging(), "2026-12", "reminder-5"), mails(merging(), "2027-01", "reminder-5")), (3, 2));
    assert_eq!(mails(merging(), "2027-01", "announcement"), 8);
    assert_eq!(mails(with_deputy(), "2026-12", "reminder-5"), 3, "the deputy instead of the one it replaces");
}

#[test]
fn a_deputy_gets_the_announcement_and_the_reminders_of_its_period_and_the_old_one_those_after() {
    let mut cycle = cycle("planning", "2026-12", with_deputy());
    assert_eq!(about_k1(&cycle.run("2026-12-01 09:00")), ["announcement/1 k1 [k1]"]);
    assert_eq!(cycle.run("2026-12-06 09:00"), [""; 0]);
    assert_eq!(cycle.run("2026-12-07 07:00"), ["announcement/1 deputy [k1]"], "while it is live (N6)");
    assert_eq!(about_k1(&cycle.run("2026-12-08 08:00")), ["reminder-5/1 deputy [k1]"]);
    assert_eq!(about_k1(&cycle.run("2026-12-14 07:00")), ["reminder-5/1 k1 [k1]"], "live still, and its own again");
    assert_eq!(about_k1(&cycle.run("2026-12-14 08:00")), ["reminder-1/1 k1 [k1]"]);
}

#[test]
fn what_waits_for_a_mailbox_when_its_deputy_begins_goes_to_the_deputy() {
    let mut cycle = cycle("planning", "2026-12", with_deputy());
    cycle.tick(at("2026-12-06 20:00"));
    let index = cycle.said("announcement", "k1").unwrap();
    let want = Verdict::Withdraw("a deputy mailbox stands in for it".into());
    assert_eq!(cycle.recheck(index, at("2026-12-07 07:00")), want);
    let sent = cycle.run("2026-12-07 07:00");
    assert_eq!(about_k1(&sent), ["announcement/1 deputy [k1]"]);
    assert_eq!(cycle.run("2026-12-13 23:59").len(), 3, "reminders of the day before, to others and the deputy");
    let later = cycle.run("2026-12-14 07:00");
    assert_eq!(about_k1(&later), ["announcement/1 k1 [k1]", "reminder-5/1 k1 [k1]"], "called for again");
}

#[test]
fn a_correction_reaches_the_deputy_of_who_was_told_and_each_of_them_once() {
    let mut cycle = cycle("planning", "2026-12", with_deputy());
    cycle.run("2026-12-01 09:00");
    correct(&mut cycle, "2026-12-02");
    // the first tick of the deputy's first day: it was never told the old date, and learns the new one as a correction
    let sent = cycle.run("2026-12-07 07:00");
    assert_eq!(about_k1(&sent), ["correction/2 deputy [k1]"], "and no announcement beside it");
    assert_eq!(sent.len(), 9);
    assert_eq!(cycle.run("2026-12-07 07:01"), [""; 0]);
    let back = cycle.run("2026-12-14 07:00");
    assert_eq!(about_k1(&back), ["correction/2 k1 [k1]", "reminder-5/2 k1 [k1]"], "it holds the old date, too");
    assert_eq!(cycle.run("2026-12-14 07:01"), [""; 0]);
}

#[test]
fn a_correction_that_still_waits_when_the_deputy_begins_goes_to_the_deputy_and_later_to_the_mailbox() {
    let mut cycle = cycle("planning", "2026-12", with_deputy());
    cycle.run("2026-12-01 09:00");
    correct(&mut cycle, "2026-12-02");
    assert_eq!(cycle.tick(at("2026-12-06 20:00")).queue.len(), 9, "queued on a Sunday");
    cycle.deliver(at("2026-12-07 07:00"));
    assert_eq!(cycle.run("2026-12-07 07:00"), ["correction/2 deputy [k1]"]);
    let back = cycle.run("2026-12-14 07:00");
    assert_eq!(about_k1(&back), ["correction/2 k1 [k1]", "reminder-5/2 k1 [k1]"]);
}

#[test]
fn what_only_the_deputy_was_told_is_corrected_to_the_mailbox_that_is_back() {
    let mut cycle = cycle("statistics", "2026-12", with_deputy());
    assert_eq!(about_k1(&cycle.run("2026-12-08 08:00")), ["reminder-5/1 deputy [k1]"]);
    cycle.rulebook.duties[1].deadline = duty::DeadlineRule::DayOfMonth { day: 21, on_free_day: duty::OnFreeDay::Next };
    cycle.entry().correction = Some("Systemausfall".into());
    let sent = cycle.run("2026-12-14 07:00");
    assert_eq!(about_k1(&sent), ["correction/2 k1 [k1]"]);
}

#[test]
fn an_office_whose_deputy_stands_in_gets_its_reports_and_all_clears_there() {
    let mut contacts = roster().contacts().to_vec();
    contacts.push(Contact { instead_of: Some(InsteadOf::All), ..of_office("rrk-koeln", "deputy") });
    let mut cycle = Cycle::new("statistics", "2026-12");
    cycle.run("2026-12-17 08:00");
    cycle.roster = Roster::new(roster().authorities().to_vec(), offices(), contacts);
    for id in ["k1", "k2", "d1"] {
        cycle.report(id, Complete, "2026-12-18 09:00");
    }
    let sent = cycle.run("2026-12-18 10:00");
    let want = ["all-clear:escalation+2/1 deputy [k1 k2]", "all-clear:escalation+2/1 rrk-detmold [d1]"];
    assert_eq!(sent, want);
}
