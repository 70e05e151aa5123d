//! F5: an announced deadline is frozen; a correction reaches everybody who was told, once.

use super::super::delivery::State;
use super::super::duty::{DeadlineRule, OnFreeDay};
use super::super::rulebook::CycleEntry;
use super::super::test_support::{Cycle, at, day, lines, mailbox, of_authority, roster_of};
use super::super::{ReceiptState, Revision};

/// Announced on 1 December for the 15th, and everybody has the mail.
fn announced() -> Cycle {
    let mut cycle = Cycle::new("planning", "2026-12");
    assert_eq!(cycle.run("2026-12-01 09:00").len(), 9);
    cycle
}

fn correct(cycle: &mut Cycle, import_on: &str, reason: &str) {
    *cycle.entry() =
        CycleEntry { import_on: Some(day(import_on)), correction: Some(reason.into()), ..CycleEntry::default() };
}

fn of_kind(lines: &[String], step: &str) -> Vec<String> {
    lines.iter().filter(|line| line.starts_with(&format!("{step}/"))).cloned().collect()
}

fn in_force(cycle: &Cycle) -> (u32, String) {
    let ladder = cycle.ladder();
    (ladder.revision, ladder.deadline.ends_on.to_string())
}

#[test]
fn the_first_notice_freezes_the_deadline() {
    let cycle = announced();
    let [Revision { number: 1, deadline, reason: None, frozen_at }] = cycle.facts.dates.revisions.as_slice() else {
        panic!("{:?}", cycle.facts.dates.revisions);
    };
    assert_eq!((deadline.import_on, deadline.stated_on), (day("2026-12-01"), day("2026-12-15")));
    assert_eq!((deadline.ends_on, *frozen_at), (day("2026-12-15"), at("2026-12-01 09:00")));
}

#[test]
fn a_change_without_a_reason_moves_nothing_and_is_reported_under_one_key() {
    let mut cycle = announced();
    let calm = cycle.tick(at("2026-12-02 08:00"));
    assert!(calm.alerts.is_empty());
    cycle.signal("2026-12-08", "2026-12-08 11:30");
    let mut keys = Vec::new();
    for now in ["2026-12-08 11:30", "2026-12-08 11:31", "2026-12-09 08:00"] {
        let plan = cycle.tick(at(now));
        assert!(plan.freeze.is_none(), "{now}");
        keys.extend(plan.alerts.into_iter().map(|alert| alert.key));
    }
    assert_eq!(keys.len(), 3);
    keys.dedup();
    assert_eq!(keys, ["deviation:2026-12:planning:1:2026-12-22:2026-12-22"]);
    assert_eq!(in_force(&cycle), (1, "2026-12-15".into()));
    let reminded = cycle.facts.said.iter().filter(|said| said.step == "reminder-5").count();
    assert_eq!(reminded, 3, "the steps go on from the date that was told");
}

#[test]
fn a_change_that_moves_no_date_is_no_deviation() {
    let mut cycle = Cycle::new("statistics", "2026-12");
    assert_eq!(cycle.run("2026-12-08 08:00").len(), 3);
    cycle.signal("2026-12-08", "2026-12-08 11:30");
    correct(&mut cycle, "2026-12-08", "Import verschoben");
    let plan = cycle.tick(at("2026-12-08 11:30"));
    assert!(plan.alerts.is_empty() && plan.freeze.is_none() && plan.queue.is_empty());
}

#[test]
fn a_correction_reaches_everybody_who_was_told_once_and_all_steps_move() {
    let mut cycle = announced();
    cycle.report("k1", ReceiptState::Complete, "2026-12-02 10:00");
    correct(&mut cycle, "2026-12-08", "Import verschoben");
    let sent = cycle.run("2026-12-03 10:00");
    assert_eq!(sent, of_kind(&sent, "correction"), "nothing but corrections");
    assert_eq!(sent.len(), 9, "also to who has reported, to the RRK and the ZFA");
    assert!(sent.contains(&"correction/2 k1 [k1]".to_owned()) && sent.contains(&"correction/2 zfa []".to_owned()));
    let revision = cycle.facts.dates.revisions.last().unwrap();
    assert_eq!((revision.number, revision.reason.as_deref()), (2, Some("Import verschoben")));
    assert_eq!(in_force(&cycle), (2, "2026-12-22".into()));
    for now in ["2026-12-03 10:01", "2026-12-08 08:00", "2026-12-08 09:00", "2026-12-14 23:00"] {
        assert_eq!(cycle.run(now), [""; 0], "{now}: told already, and no step of the old date");
    }
    assert_eq!(cycle.run("2026-12-15 08:00"), ["reminder-5/2 d1 [d1]", "reminder-5/2 k2 [k2]"]);
    assert_eq!(cycle.run("2026-12-23 08:00"), ["overdue+1/2 d1 [d1]", "overdue+1/2 k2 [k2]"]);
}

#[test]
fn who_was_not_told_yet_gets_the_announcement_of_the_revision_in_force() {
    let mut cycle = announced();
    correct(&mut cycle, "2026-12-02", "Import verschoben");
    assert_eq!(cycle.run("2026-12-02 10:00").len(), 9);
    let contacts = ["k1", "k2", "d1"].map(|id| of_authority(id, id)).into_iter();
    cycle.roster = roster_of(contacts.chain([of_authority("k2", "k2-new")]).collect());
    assert_eq!(cycle.run("2026-12-04 10:00"), ["announcement/2 k2-new [k2]"]);
    assert_eq!(cycle.run("2026-12-04 10:01"), [""; 0]);
}

#[test]
fn a_notice_of_the_old_date_that_still_waits_is_withdrawn_for_the_new_announcement() {
    let mut cycle = Cycle::new("planning", "2026-12");
    cycle.tick(at("2026-12-01 09:00")); // queued, not sent
    correct(&mut cycle, "2026-12-02", "Import verschoben");
    let sent = cycle.run("2026-12-02 09:00");
    assert_eq!(sent, of_kind(&sent, "announcement"), "nobody was told the old date, so nothing is corrected");
    assert_eq!(sent.len(), 9);
    assert!(sent.iter().all(|line| line.starts_with("announcement/2 ")));
    let old: Vec<State> = cycle.facts.said.iter().filter(|said| said.revision == 1).map(|said| said.state).collect();
    assert_eq!(old, [State::Withdrawn; 9]);
}

#[test]
fn a_second_correction_is_revision_three_and_goes_to_everybody_again() {
    let mut cycle = announced();
    correct(&mut cycle, "2026-12-02", "Import verschoben");
    assert_eq!(of_kind(&cycle.run("2026-12-02 10:00"), "correction").len(), 9);
    let contacts = ["k1", "k2", "d1"].map(|id| of_authority(id, id)).into_iter();
    cycle.roster = roster_of(contacts.chain([of_authority("k2", "k2-new")]).collect());
    assert_eq!(cycle.run("2026-12-03 10:00"), ["announcement/2 k2-new [k2]"]);
    correct(&mut cycle, "2026-12-08", "Import nochmals verschoben");
    let sent = cycle.run("2026-12-04 10:00");
    assert_eq!(sent.len(), 10);
    assert!(sent.iter().all(|line| line.starts_with("correction/3 ")), "{sent:?}");
    assert_eq!(in_force(&cycle), (3, "2026-12-22".into()));
    let numbers: Vec<u32> = cycle.facts.dates.revisions.iter().map(|revision| revision.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(cycle.run("2026-12-04 10:01"), [""; 0]);
}

#[test]
fn a_mailbox_that_ended_or_is_rejected_is_not_corrected() {
    let mut cycle = announced();
    cycle.roster = roster_of(vec![of_authority("k1", "k1"), of_authority("k2", "k2")]);
    cycle.flagged.insert(mailbox("k2"));
    correct(&mut cycle, "2026-12-08", "Import verschoben");
    let sent = cycle.run("2026-12-03 10:00");
    let to_users: Vec<&String> = sent.iter().filter(|line| line.ends_with("1]") || line.ends_with("2]")).collect();
    assert_eq!(to_users, ["correction/2 k1 [k1]"]);
}

#[test]
fn the_correction_of_a_deadline_that_is_over_is_held() {
    let check = |now: &str, is_held| {
        let mut cycle = announced();
        cycle.facts.recorded.clear();
        *cycle.entry() = CycleEntry {
            own_dates: [("planning".into(), day("2026-12-21"))].into(),
            correction: Some("Störung".into()),
            ..CycleEntry::default()
        };
        let plan = cycle.tick(at(now));
        let corrections: Vec<_> = plan.queue.iter().filter(|new| new.step == "correction").collect();
        assert_eq!(corrections.len(), 9, "{now}: {:?}", lines(&plan.queue));
        assert!(corrections.iter().all(|new| new.hold.is_some() == is_held), "{now}");
    };
    check("2026-12-15 23:59", false);
    check("2026-12-16 00:00", true);
    check("2026-12-18 10:00", true);
}

#[test]
fn a_correction_back_to_what_was_told_first_is_a_revision_of_its_own() {
    let mut cycle = announced();
    correct(&mut cycle, "2026-12-02", "Import verschoben");
    cycle.run("2026-12-02 10:00");
    correct(&mut cycle, "2026-12-01", "doch nicht verschoben");
    let sent = cycle.run("2026-12-03 10:00");
    assert_eq!(of_kind(&sent, "correction").len(), 9);
    assert_eq!(in_force(&cycle), (3, "2026-12-15".into()));
}

#[test]
fn who_was_told_only_two_revisions_ago_is_told_the_newest_and_not_the_one_between() {
    let mut cycle = announced();
    correct(&mut cycle, "2026-12-02", "Import verschoben");
    assert_eq!(cycle.tick(at("2026-12-01 20:00")).queue.len(), 9, "queued, and sending hours are over");
    correct(&mut cycle, "2026-12-08", "Import nochmals verschoben");
    let sent = cycle.run("2026-12-02 07:00");
    assert_eq!(sent.len(), 9);
    assert!(sent.iter().all(|line| line.starts_with("correction/3 ")), "{sent:?}");
}

#[test]
fn who_learned_the_date_from_a_reminder_is_corrected_too() {
    let mut cycle = Cycle::new("statistics", "2026-12");
    cycle.report("k2", ReceiptState::Complete, "2026-12-04 10:00");
    assert_eq!(cycle.run("2026-12-08 08:00"), ["reminder-5/1 d1 [d1]", "reminder-5/1 k1 [k1]"]);
    cycle.rulebook.duties[1].deadline = DeadlineRule::DayOfMonth { day: 21, on_free_day: OnFreeDay::Next };
    cycle.entry().correction = Some("Systemausfall".into());
    assert_eq!(cycle.run("2026-12-09 10:00"), ["correction/2 d1 [d1]", "correction/2 k1 [k1]"]);
    let reminded = cycle.run("2026-12-14 08:00");
    assert_eq!(reminded, ["reminder-5/2 d1 [d1]", "reminder-5/2 k1 [k1]"]);
}
