//! F5: an announced deadline is frozen; a correction reaches everybody who was told, once.

use super::super::delivery::State;
use super::super::duty::{DeadlineRule, OnFreeDay};
use super::super::letter::{History, compose};
use super::super::rulebook::CycleEntry;
use super::super::test_support::{Cycle, at, day, lines, mailbox, of_authority, of_office, roster_of};
use super::super::{NewNotice, ReceiptState, Revision, View};

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

/// The last day that a correction to this mailbox names as the one before.
fn ended_before(cycle: &mut Cycle, name: &str, now: &str) -> String {
    let said = cycle.facts.said[cycle.said("correction", name).expect("a correction")].clone();
    let view = View { rulebook: &cycle.rulebook, roster: &cycle.roster, flagged: &cycle.flagged, now: at(now) };
    let notice = NewNotice {
        month: cycle.month,
        duty: Some(cycle.duty.into()),
        step: said.step,
        kind: said.kind,
        revision: said.revision,
        mailbox: said.mailbox,
        office: said.office,
        authorities: said.authorities,
        due_at: said.due_at,
        hold: None,
    };
    let letter = compose(view, &cycle.ladder(), &cycle.facts, &History::default(), &notice);
    letter.matter.and_then(|matter| matter.correction).expect("a correction's facts").ended_before.to_string()
}

#[test]
fn a_correction_names_the_date_that_its_reader_was_told_last() {
    let mut cycle = announced();
    correct(&mut cycle, "2026-12-02", "Import verschoben");
    cycle.tick(at("2026-12-01 20:00"));
    let reached = cycle.said("correction", "k1").unwrap();
    cycle.facts.said[reached].state = State::Accepted; // the others wait
    correct(&mut cycle, "2026-12-08", "Import nochmals verschoben");
    assert_eq!(of_kind(&cycle.run("2026-12-02 07:00"), "correction").len(), 9);
    assert_eq!(ended_before(&mut cycle, "k1", "2026-12-02 07:00"), "2026-12-16");
    assert_eq!(ended_before(&mut cycle, "k2", "2026-12-02 07:00"), "2026-12-15");
}

#[test]
fn whom_a_correction_never_reached_is_not_told_that_it_was_taken_back() {
    let mut cycle = announced();
    correct(&mut cycle, "2026-12-02", "Import verschoben");
    cycle.tick(at("2026-12-01 20:00"));
    let reached = cycle.said("correction", "k1").unwrap();
    cycle.facts.said[reached].state = State::Accepted;
    correct(&mut cycle, "2026-12-01", "doch nicht verschoben");
    assert_eq!(cycle.run("2026-12-02 07:00"), ["correction/3 k1 [k1]"]);
    assert_eq!(cycle.run("2026-12-02 07:01"), [""; 0], "the others know the date that holds");
    assert_eq!(cycle.run("2026-12-08 08:00").len(), 3, "and are reminded of it");
}

#[test]
fn a_mail_that_was_perhaps_sent_is_corrected_whatever_became_of_it_since() {
    let check = |label: &str, state, was_uncertain, want: &str| {
        let mut cycle = announced();
        let index = cycle.said("announcement", "k1").unwrap();
        let said = &mut cycle.facts.said[index];
        (said.state, said.was_uncertain, said.accepted_at) = (state, was_uncertain, None);
        correct(&mut cycle, "2026-12-02", "Import verschoben");
        let mut sent = cycle.run("2026-12-02 10:00");
        sent.extend(cycle.run("2026-12-02 10:01"));
        let to_k1: Vec<String> = sent.into_iter().filter(|line| line.ends_with(" k1 [k1]")).collect();
        assert_eq!(to_k1, [want], "{label}");
    };
    check("perhaps sent", State::Uncertain, true, "correction/2 k1 [k1]");
    check("perhaps sent, then refused for now", State::Retry, true, "correction/2 k1 [k1]");
    check("perhaps sent, then discarded", State::Withdrawn, true, "correction/2 k1 [k1]");
    check("refused for now", State::Retry, false, "announcement/2 k1 [k1]");
}

#[test]
fn a_correction_to_a_date_that_is_over_is_held_and_tells_the_zrk_with_each_step() {
    let mut cycle = Cycle::new("planning", "2026-12");
    *cycle.entry() = CycleEntry { import_on: Some(day("2026-12-08")), ..CycleEntry::default() };
    assert_eq!(cycle.run("2026-12-08 09:00").len(), 9);
    correct(&mut cycle, "2026-12-01", "Zahlendreher");
    let plan = cycle.tick(at("2026-12-16 10:00"));
    assert!(plan.queue.iter().all(|new| new.hold.is_some()), "{:?}", lines(&plan.queue));
    let keys =
        |plan: &super::super::plan::CyclePlan| plan.alerts.iter().map(|alert| alert.key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&plan), ["held:2026-12:planning:2:correction"]);
    let discard = |cycle: &mut Cycle| {
        for said in cycle.facts.said.iter_mut().filter(|said| said.state == State::Held) {
            (said.state, said.is_discarded) = (State::Withdrawn, true);
        }
    };
    discard(&mut cycle);
    // nobody knows the new date, so that what follows from it waits as well, and never in silence
    let plan = cycle.tick(at("2026-12-17 08:00"));
    assert!(!plan.queue.is_empty() && plan.queue.iter().all(|new| new.hold.is_some()));
    assert_eq!(keys(&plan), ["held:2026-12:planning:2:summary+2"]);
    discard(&mut cycle);
    correct(&mut cycle, "2026-12-08", "Zahlendreher berichtigt");
    assert_eq!(cycle.run("2026-12-17 09:00"), ["reminder-5/3 d1 [d1]", "reminder-5/3 k1 [k1]", "reminder-5/3 k2 [k2]"]);
}

#[test]
fn after_a_correction_that_was_discarded_the_next_is_judged_by_what_was_told() {
    let own = |date: &str, reason: &str| CycleEntry {
        own_dates: [("planning".into(), day(date))].into(),
        correction: Some(reason.into()),
        ..CycleEntry::default()
    };
    let check = |label: &str, is_discarded, is_held| {
        let mut cycle = announced();
        *cycle.entry() = own("2026-12-21", "Störung");
        cycle.tick(at("2026-12-16 10:00"));
        for said in cycle.facts.said.iter_mut().filter(|said| said.state == State::Held) {
            (said.state, said.is_discarded) =
                if is_discarded { (State::Withdrawn, true) } else { (State::Accepted, false) };
        }
        *cycle.entry() = own("2026-12-22", "Störung dauert an");
        let plan = cycle.tick(at("2026-12-17 10:00"));
        let corrections: Vec<_> = plan.queue.iter().filter(|new| new.step == "correction").collect();
        assert!(corrections.len() >= 9 && corrections.iter().all(|new| new.hold.is_some() == is_held), "{label}");
        assert_eq!(ended_before(&mut cycle, "k1", "2026-12-17 10:00") == "2026-12-15", is_discarded, "{label}");
    };
    check("the readers know the 15th, which is over", true, true);
    check("the readers know the 21st", false, false);
}

#[test]
fn an_own_date_that_is_refused_is_not_corrected_to_either() {
    let mut cycle = announced();
    cycle.signal("2026-12-10", "2026-12-10 11:30");
    *cycle.entry() = CycleEntry {
        own_dates: [("planning".into(), day("2026-12-18"))].into(),
        correction: Some("Import verschoben".into()),
        ..CycleEntry::default()
    };
    let plan = cycle.tick(at("2026-12-10 11:30"));
    assert!(plan.freeze.is_none());
    assert_eq!(plan.alerts.len(), 1);
    assert!(plan.alerts[0].key.starts_with("own-date:"));
}

#[test]
fn a_mailbox_that_was_told_as_an_authoritys_and_is_an_offices_only_now_is_corrected() {
    let mut cycle = Cycle::new("planning", "2026-12");
    let contacts = |shared: &str| {
        let mut contacts = vec![of_authority("k2", "k2"), of_authority("d1", "d1"), of_office("rrk-koeln", "shared")];
        contacts.push(of_authority("k1", shared));
        roster_of(contacts)
    };
    cycle.roster = contacts("shared");
    assert!(cycle.run("2026-12-01 09:00").contains(&"announcement/1 shared [k1]".to_owned()));
    cycle.roster = contacts("k1");
    correct(&mut cycle, "2026-12-08", "Import verschoben");
    let sent = cycle.run("2026-12-03 10:00");
    assert!(sent.contains(&"correction/2 shared []".to_owned()), "{sent:?}");
}
