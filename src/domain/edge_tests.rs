//! Cases at the edge of the rules: each was wrong once.

use super::ReceiptState::{Complete, Missing};
use super::duty::{DeadlineRule, OnFreeDay};
use super::ladder::*;
use super::recheck::Verdict;
use super::rulebook::{Announce, CycleEntry};
use super::test_support::*;
use super::*;
use chrono_tz::Europe::Berlin;

fn escalated() -> Cycle {
    let mut cycle = Cycle::new("statistics", "2026-12");
    cycle.run("2026-12-17 08:00");
    cycle
}

#[test]
fn steps_of_a_held_correction_wait_with_it() {
    let mut cycle = Cycle::new("planning", "2026-12");
    cycle.run("2026-12-01 09:00");
    *cycle.entry() =
        CycleEntry { import_on: Some(day("2026-12-08")), correction: Some("x".into()), ..CycleEntry::default() };
    cycle.tick(at("2026-12-16 07:00"));
    let sent = cycle.run("2026-12-16 08:00");
    assert!(sent.iter().all(|l| !l.starts_with("reminder")), "states 22 December, of which nobody knows: {sent:?}");
}

#[test]
fn escalation_to_a_mailbox_that_is_no_longer_the_rrks() {
    let mut cycle = Cycle::new("statistics", "2026-12");
    let build = |rrk: bool| {
        let mut contacts: Vec<_> = ["k1", "k2", "d1"].map(|id| of_authority(id, id)).into();
        contacts.extend([of_authority("d1", "person"), of_office("zrk", "zrk")]);
        if rrk {
            contacts.push(of_office("rrk-koeln", "person"));
        }
        Roster::new(roster().authorities().to_vec(), offices(), contacts)
    };
    cycle.roster = build(true);
    cycle.tick(at("2026-12-17 08:00"));
    cycle.roster = build(false);
    let index = cycle.said("escalation+2", "person").unwrap();
    let verdict = cycle.recheck(index, at("2026-12-17 09:00"));
    assert!(matches!(verdict, Verdict::Withdraw(_)), "{verdict:?}");
}

#[test]
fn all_clear_after_a_withdrawn_all_clear() {
    let mut cycle = escalated();
    cycle.report("d1", Complete, "2026-12-17 20:00");
    cycle.tick(at("2026-12-17 20:00"));
    cycle.report("d1", Missing, "2026-12-17 21:00");
    assert!(cycle.run("2026-12-18 07:00").is_empty());
    cycle.report("d1", Complete, "2026-12-18 10:00");
    assert_eq!(cycle.run("2026-12-18 10:00").len(), 1, "d1 has settled, and the RRK never heard of it");
}

#[test]
fn used_up_reason_does_not_license_the_next_change() {
    let mut cycle = Cycle::new("planning", "2026-12");
    cycle.run("2026-12-01 09:00");
    *cycle.entry() = CycleEntry {
        import_on: Some(day("2026-12-02")),
        correction: Some("Import um einen Tag verschoben".into()),
        ..CycleEntry::default()
    };
    cycle.run("2026-12-02 09:00");
    let mut spec = spec("nrw"); // a reload with another calendar; nobody touched the month's entry
    spec.closed.push(calendar::Exception {
        when: calendar::When::On(day("2026-12-10")),
        why: "x".into(),
        first_year: None,
        last_year: None,
    });
    cycle.rulebook.duties[0].calendar = std::sync::Arc::new(Calendar::new(spec).unwrap());
    let plan = cycle.tick(at("2026-12-03 09:00"));
    assert_eq!((plan.alerts.len(), plan.freeze), (1, None));
}

#[test]
fn rrk_told_by_escalation_is_corrected() {
    let mut cycle = escalated();
    let d = &mut cycle.rulebook.duties[1];
    d.deadline = DeadlineRule::DayOfMonth { day: 21, on_free_day: OnFreeDay::Next };
    cycle.entry().correction = Some("Störung".into());
    let plan = cycle.tick(at("2026-12-18 09:00"));
    let l = lines(&plan.queue);
    assert!(l.iter().any(|l| l.contains("rrk-koeln")), "{l:?}");
}

#[test]
fn mailbox_told_by_escalation_only_and_announcement_rev2() {
    let mut cycle = Cycle::new("planning", "2026-12");
    cycle.run("2026-12-01 09:00");
    let s = cycle.said("announcement", "rrk-koeln").unwrap();
    cycle.facts.said.remove(s); // its contact began after the stated date
    cycle.run("2026-12-17 08:00");
    *cycle.entry() =
        CycleEntry { import_on: Some(day("2026-12-08")), correction: Some("x".into()), ..CycleEntry::default() };
    let plan = cycle.tick(at("2026-12-18 09:00"));
    let l = lines(&plan.queue);
    assert!(l.iter().any(|l| l.contains("rrk-koeln")), "neither corrected nor announced: {l:?}");
}

#[test]
fn two_dates_at_once_for_one_whose_first_mail_failed() {
    let mut cycle = Cycle::new("planning", "2026-12");
    cycle.tick(at("2026-12-01 09:00"));
    let i = cycle.said("announcement", "k1").unwrap();
    cycle.facts.said[i].state = delivery::State::Claimed;
    *cycle.entry() =
        CycleEntry { import_on: Some(day("2026-12-02")), correction: Some("x".into()), ..CycleEntry::default() };
    cycle.tick(at("2026-12-02 09:00"));
    cycle.facts.said[i].state = delivery::State::Retry;
    let plan = cycle.tick(at("2026-12-02 09:01"));
    assert!(plan.queue.is_empty(), "a correction waits already: {:?}", lines(&plan.queue));
}

#[test]
fn standstill_over_the_close_records_what_was_missed() {
    let mut cycle = Cycle::new("planning", "2026-12");
    cycle.run("2026-12-08 08:00");
    let plan = cycle.tick(at("2027-01-19 00:00"));
    assert_eq!(plan.record.len(), 9, "reminder-1 to summary+12, each skipped with its reason");
}

#[test]
fn the_first_summary_after_a_standstill() {
    let mut cycle = Cycle::new("statistics", "2026-12");
    for id in ["k1", "k2", "d1"] {
        cycle.report(id, Complete, "2026-12-04 10:00");
    }
    cycle.tick(at("2026-12-16 08:00"));
    let sent = cycle.run("2026-12-28 08:00");
    assert_eq!(sent.len(), 1, "a summary is sent even when nobody is missing, once: {sent:?}");
}

#[test]
fn extension_granted_after_the_end() {
    let rows = [receipt("k1", extended("2026-12-20"), "2026-12-16 09:00"), receipt("k1", Complete, "2026-12-18 09:00")];
    assert_eq!(standing::in_time(&rows, day("2026-12-15"), at("2026-12-22 00:00"), Berlin), Some(true));
}

#[test]
fn closed_cycle_does_not_open_again() {
    let mut book = rulebook();
    book.announce = Announce::OnSignal;
    let duty = planning();
    let sig = |m: &str, d: &str, r: &str| DateFacts {
        signal: Some(ImportSignal { month: month(m), import_on: day(d), received_at: at(r), actor: String::new() }),
        revisions: vec![],
    };
    let this = sig("2026-12", "2026-12-01", "2026-12-01 09:00");
    let before = Ladder::new(&book, &duty, month("2026-12"), &this, &DateFacts::default()).unwrap();
    assert!(
        !before.is_closed(at("2027-01-19 12:00")),
        "January's import was not even signalled, its deadline cannot have ended"
    );
}

#[test]
fn sentence_follows_the_frozen_deadline() {
    let duty = Duty { deadline: DeadlineRule::DayOfMonth { day: 15, on_free_day: OnFreeDay::Keep }, ..statistics() };
    let told = Deadline { import_on: day("2026-08-03"), stated_on: day("2026-08-15"), ends_on: day("2026-08-17") };
    let words = cycle::free_day_sentence(&duty, month("2026-08"), &told).unwrap();
    assert!(words.contains("17. August"), "{words}");
}

#[test]
fn dissolved_authority_does_not_block_the_all_clear() {
    let mut cycle = escalated();
    cycle.report("k1", Complete, "2026-12-18 09:00");
    let without = roster().authorities().iter().filter(|a| &*a.id != "k2").cloned().collect();
    let contacts = ["k1", "d1"].map(|id| of_authority(id, id)).into_iter().chain(office_contacts()).collect();
    cycle.roster = Roster::new(without, offices(), contacts);
    assert_eq!(cycle.run("2026-12-18 10:00").len(), 1);
}

#[test]
fn replaced_rrk_mailbox_gets_all_clear() {
    let mut cycle = escalated();
    let contacts = office_contacts()
        .into_iter()
        .filter(|c| c.mailbox != mailbox("rrk-detmold"))
        .chain([of_office("rrk-detmold", "new")])
        .chain(["k1", "k2", "d1"].map(|id| of_authority(id, id)))
        .collect();
    cycle.roster = Roster::new(roster().authorities().to_vec(), offices(), contacts);
    cycle.report("d1", Complete, "2026-12-17 09:00"); // new mailbox: no escalation any more
    assert_eq!(cycle.run("2026-12-17 10:00").len(), 1, "the RRK got one, and gets its all-clear");
}

#[test]
fn four_day_week_250() {
    let book = rulebook();
    let mut s = spec("four");
    s.working_week = [true, true, true, true, false, false, false];
    let duty = Duty {
        calendar: std::sync::Arc::new(Calendar::new(s).unwrap()),
        deadline: DeadlineRule::Window { working_days: 250, count_import_day: false },
        ..planning()
    };
    let of = month("2026-01");
    let ladder = Ladder::new(&book, &duty, of, &DateFacts::default(), &DateFacts::default()).unwrap();
    assert!(
        cycles_in_question(of, ladder.deadline.ends_on).any(|m| m == of),
        "its deadline {} is never looked at",
        ladder.deadline.ends_on
    );
}

#[test]
fn own_date_against_a_counted_import_day() {
    let duty = Duty { deadline: DeadlineRule::Window { working_days: 10, count_import_day: true }, ..planning() };
    let by_rule = cycle::deadline(&rulebook(), &duty, month("2026-12"), None).unwrap();
    assert_eq!(cycle::judge_own_date(&duty, by_rule.import_on, by_rule.ends_on, 10).unwrap(), None);
}

#[test]
fn reported_words_of_who_was_excused_first() {
    let mut cycle = Cycle::new("statistics", "2026-12");
    cycle.tick(at("2026-12-08 08:00"));
    cycle.report("k1", ReceiptState::Excused { reason: "x".into() }, "2026-12-08 10:00");
    cycle.report("k1", Complete, "2026-12-09 09:12");
    let i = cycle.said("reminder-5", "k1").unwrap();
    assert_eq!(
        cycle.recheck(i, at("2026-12-09 10:00")),
        Verdict::Withdraw("reported on 9 December 2026, 09:12".into())
    );
}

#[test]
fn extended_keeps_parts() {
    let rows = [
        receipt("k1", partial(&["returns"]), "2026-12-09 09:00"),
        receipt("k1", extended("2026-12-20"), "2026-12-10 09:00"),
    ];
    let s = standing::standing_at(&rows, at("2026-12-12 00:00"), Berlin);
    assert_eq!(s.missing_parts(&statistics()), ["returns"]);
}

#[test]
fn complete_is_not_undone_by_an_extension() {
    let rows = [receipt("k1", Complete, "2026-12-09 09:00"), receipt("k1", extended("2026-12-20"), "2026-12-10 09:00")];
    assert!(standing::standing_at(&rows, at("2026-12-22 00:00"), Berlin).is_settled());
}

#[test]
fn a_new_database_does_not_accuse_about_a_deadline_that_was_over_before_it_existed() {
    let mut cycle = Cycle::new("planning", "2026-12");
    cycle.facts.known_since = Some(at("2026-12-16 07:00"));
    let plan = cycle.tick(at("2026-12-17 08:00"));
    assert!(
        !plan.queue.is_empty() && plan.queue.iter().all(|notice| notice.hold.is_some()),
        "{:?}",
        lines(&plan.queue)
    );
    assert_eq!(plan.alerts.len(), 1, "the ZRK is asked");
    let later = cycle.tick(at("2026-12-24 08:00"));
    assert!(
        !later.queue.is_empty() && later.queue.iter().all(|notice| notice.hold.is_some()),
        "what comes later waits too"
    );
    cycle.facts.said[0].state = delivery::State::Accepted;
    let released = cycle.tick(at("2027-01-04 08:00"));
    assert!(released.queue.iter().all(|notice| notice.hold.is_none()), "once a person has released, it goes on");
}

#[test]
fn a_withdrawn_notice_is_called_for_again_when_its_authority_is_missing_again() {
    let mut cycle = Cycle::new("statistics", "2026-12");
    cycle.tick(at("2026-12-16 08:00"));
    cycle.report("k1", Complete, "2026-12-16 08:30");
    assert!(!cycle.run("2026-12-16 09:00").iter().any(|line| line.contains("[k1]")));
    cycle.report("k1", Missing, "2026-12-16 11:00");
    assert_eq!(cycle.run("2026-12-16 11:00"), ["overdue+1/1 k1 [k1]"]);
    let index = cycle.said("overdue+1", "k1").unwrap();
    (cycle.facts.said[index].state, cycle.facts.said[index].is_discarded) = (delivery::State::Withdrawn, true);
    assert!(cycle.run("2026-12-16 12:00").is_empty(), "what a person threw away does not come back");
}

#[test]
fn an_own_date_is_judged_again_by_the_day_that_was_signalled() {
    let mut cycle = Cycle::new("planning", "2026-12");
    cycle.entry().own_dates.insert("planning".into(), day("2026-12-15"));
    let signal = |date: &str| ImportSignal {
        month: month("2026-12"),
        import_on: day(date),
        received_at: at("2026-12-01 08:00"),
        actor: String::new(),
    };
    cycle.facts.dates.signal = Some(signal("2026-12-10"));
    let plan = cycle.tick(at("2026-12-10 09:00"));
    assert_eq!((plan.queue.len(), plan.alerts.len()), (0, 1), "three working days are not ten");
    cycle.facts.dates.signal = Some(signal("2026-12-02"));
    assert!(!cycle.tick(at("2026-12-10 09:01")).queue.is_empty());
}
