//! N3, N4, N6, N9 and summaries: what a tick queues, records and holds.

use super::super::test_support::{
    Cycle, at, contact, day, extended, lines, mailbox, of_authority, partial, receipt, roster_of, rulebook,
};
use super::super::{Contact, ReceiptState, Roster};
use super::*;
use crate::domain::District;

use ReceiptState::{Complete, Nil};

const NOTHING: [&str; 0] = [];

fn silent(duty: &'static str) -> Cycle {
    Cycle::new(duty, "2026-12")
}

fn skipped(plan: &CyclePlan) -> Vec<String> {
    let words = |record: &StepRecord| record.skipped.as_ref().map(|why| format!("{}: {why}", record.step));
    plan.record.iter().filter_map(words).collect()
}

#[test]
fn each_step_of_a_silent_month_goes_to_those_it_is_for() {
    let mut cycle = silent("planning");
    let mut check = |now: &str, want: &[&str]| assert_eq!(cycle.run(now), want, "{now}");
    check("2026-12-01 08:59", &NOTHING);
    let everybody: Vec<String> = {
        let mut to = vec!["d1 [d1]".to_owned(), "k1 [k1]".into(), "k2 [k2]".into(), "zfa []".into()];
        to.extend(District::ALL.map(|district| format!("rrk-{} []", district.as_str())));
        to.sort();
        to.iter().map(|to| format!("announcement/1 {to}")).collect()
    };
    check("2026-12-01 09:00", &everybody.iter().map(String::as_str).collect::<Vec<_>>());
    check("2026-12-01 09:01", &NOTHING);
    for (step, now) in [
        ("reminder-5", "2026-12-08 08:00"),
        ("reminder-1", "2026-12-14 08:00"),
        ("reminder-0", "2026-12-15 08:00"),
        ("overdue+1", "2026-12-16 08:00"),
    ] {
        let want = ["d1 [d1]", "k1 [k1]", "k2 [k2]"].map(|to| format!("{step}/1 {to}"));
        check(now, &want.each_ref().map(String::as_str));
    }
    for (offset, now) in [(2, "2026-12-17 08:00"), (7, "2026-12-24 08:00"), (12, "2027-01-04 08:00")] {
        let want = [
            format!("escalation+{offset}/1 rrk-detmold [d1]"),
            format!("escalation+{offset}/1 rrk-koeln [k1 k2]"),
            format!("summary+{offset}/1 zrk []"),
        ];
        check(now, &want.each_ref().map(String::as_str));
    }
    check("2027-01-18 23:59", &NOTHING);
    check("2027-01-19 00:00", &NOTHING);
}

#[test]
fn only_the_missing_are_addressed() {
    let check = |label: &str, receipts: &[(&str, ReceiptState)], now: &str, want: &[&str]| {
        let mut cycle = silent("statistics");
        for (authority, state) in receipts {
            cycle.report(authority, state.clone(), "2026-12-04 10:00");
        }
        assert_eq!(lines(&cycle.plan(at(now)).queue), want, "{label}");
    };
    let reminder = "2026-12-08 08:00";
    check("complete and nil", &[("k1", Complete), ("d1", Nil)], reminder, &["reminder-5/1 k2 [k2]"]);
    let rest = ["reminder-5/1 d1 [d1]", "reminder-5/1 k1 [k1]", "reminder-5/1 k2 [k2]"];
    check("partial is missing", &[("k1", partial(&["returns"]))], reminder, &rest);
    let excused = ReceiptState::Excused { reason: "Brand".into() };
    let exempt = ReceiptState::Exempt { reason: "aufgelöst".into() };
    check("excused and exempt", &[("k1", excused), ("k2", exempt)], reminder, &["reminder-5/1 d1 [d1]"]);
    let until_eighteenth = [("k1", extended("2026-12-18")), ("k2", Complete), ("d1", Complete)];
    check("extended: nothing on the day after the end", &until_eighteenth, "2026-12-16 08:00", &NOTHING);
    check("extended: no escalation, one summary", &until_eighteenth, "2026-12-17 08:00", &["summary+2/1 zrk []"]);
    let run_out = ["escalation+2/1 rrk-koeln [k1]", "overdue+1/1 k1 [k1]", "summary+2/1 zrk []"];
    check("extension run out: overdue and escalation", &until_eighteenth, "2026-12-19 00:00", &run_out);
    let all = [("k1", Complete), ("k2", Nil), ("d1", Complete)];
    check("nobody missing: the first summary goes all the same", &all, "2026-12-17 08:00", &["summary+2/1 zrk []"]);
    let late = ["summary+7/1 zrk []"];
    check("nobody missing, and no summary yet after a standstill: it goes", &all, "2026-12-24 08:00", &late);
    let one = ["escalation+7/1 rrk-detmold [d1]", "overdue+1/1 d1 [d1]", "summary+7/1 zrk []"];
    check("a later summary goes with an escalation", &[("k1", Complete), ("k2", Nil)], "2026-12-24 08:00", &one);
}

#[test]
fn after_a_standstill_only_what_is_live_is_sent_and_the_rest_is_recorded_with_its_reason() {
    let check = |label: &str, now: &str, want_queued: &[&str], want_skipped: &[&str]| {
        let mut cycle = silent("planning");
        cycle.roster = roster_of(vec![of_authority("k1", "k1")]);
        cycle.report("k2", Complete, "2026-12-01 00:00");
        cycle.report("d1", Complete, "2026-12-01 00:00");
        let plan = cycle.tick(at(now));
        let of_users: Vec<String> = lines(&plan.queue).into_iter().filter(|line| !line.starts_with("ann")).collect();
        assert_eq!(of_users, want_queued, "{label}");
        assert_eq!(skipped(&plan), want_skipped, "{label}");
        let again = cycle.tick(at(now));
        assert!(again.queue.is_empty() && again.record.is_empty(), "{label}: a second tick");
    };
    let by_1 = "reminder-5: superseded by reminder-1 on 2026-12-14 08:00";
    let by_0 = "reminder-1: superseded by reminder-0 on 2026-12-15 08:00";
    let over = "reminder-0: the deadline of 2026-12-15 is over";
    let announced = "announcement: the stated date 2026-12-15 is over";
    check("none", "2026-12-08 08:00", &["reminder-5/1 k1 [k1]"], &[]);
    check("over one reminder", "2026-12-14 08:00", &["reminder-1/1 k1 [k1]"], &[by_1]);
    check("over two", "2026-12-15 17:00", &["reminder-0/1 k1 [k1]"], &[by_1, by_0]);
    check("over all three", "2026-12-16 07:00", &[], &[announced, by_1, by_0, over]);
    check("to the overdue notice", "2026-12-16 08:00", &["overdue+1/1 k1 [k1]"], &[announced, by_1, by_0, over]);
    let by_7 = "escalation+2: superseded by escalation+7 on 2026-12-24 08:00";
    let summary_by_7 = "summary+2: superseded by summary+7 on 2026-12-24 08:00";
    let queued = ["escalation+7/1 rrk-koeln [k1]", "overdue+1/1 k1 [k1]", "summary+7/1 zrk []"];
    check("over Christmas", "2026-12-28 08:00", &queued, &[announced, by_1, by_0, over, by_7, summary_by_7]);
}

#[test]
fn of_two_reminders_on_one_morning_one_is_sent_and_the_other_recorded_as_skipped() {
    let mut cycle = Cycle::new("statistics", "2026-08");
    cycle.tick(at("2026-08-10 08:00"));
    let plan = cycle.tick(at("2026-08-14 08:00"));
    let sent = lines(&plan.queue);
    assert_eq!(sent, ["reminder-0/1 d1 [d1]", "reminder-0/1 k1 [k1]", "reminder-0/1 k2 [k2]"]);
    assert_eq!(skipped(&plan), ["reminder-1: superseded by reminder-0 on 2026-08-14 08:00"]);
}

#[test]
fn a_mailbox_that_serves_several_authorities_gets_one_notice_that_lists_the_missing() {
    let shared = vec![of_authority("k1", "kreis"), of_authority("d1", "kreis"), of_authority("k2", "k2")];
    let check = |label: &str, settled: &[&str], want: &[&str]| {
        let mut cycle = silent("statistics");
        cycle.roster = roster_of(shared.clone());
        settled.iter().for_each(|id| cycle.report(id, Complete, "2026-12-04 10:00"));
        assert_eq!(lines(&cycle.plan(at("2026-12-08 08:00")).queue), want, "{label}");
    };
    check("both missing", &[], &["reminder-5/1 k2 [k2]", "reminder-5/1 kreis [d1 k1]"]);
    check("one settled", &["k1"], &["reminder-5/1 k2 [k2]", "reminder-5/1 kreis [d1]"]);
    check("both settled", &["k1", "d1"], &["reminder-5/1 k2 [k2]"]);
}

#[test]
fn contacts_come_and_go_with_their_days() {
    let between = |from: Option<&str>, to: Option<&str>| {
        let (valid_from, valid_to) = (from.map(day), to.map(day));
        vec![Contact { valid_from, valid_to, ..contact(Owner::Authority("k1".into()), "k1") }]
    };
    let check = |label: &str, contacts: Vec<Contact>, now: &str, is_addressed| {
        let mut cycle = silent("planning");
        cycle.roster = roster_of(contacts);
        let plan = cycle.plan(at(now));
        assert_eq!(plan.queue.iter().any(|new| new.mailbox == mailbox("k1")), is_addressed, "{label}");
    };
    check("valid from that day", between(Some("2026-12-01"), None), "2026-12-01 09:00", true);
    check("valid from the day after", between(Some("2026-12-02"), None), "2026-12-01 09:00", false);
    check("added later: the announcement is live", between(Some("2026-12-03"), None), "2026-12-03 00:00", true);
    check("on the last day still", between(Some("2026-12-15"), None), "2026-12-15 23:59", true);
    check("last day of validity", between(None, Some("2026-12-01")), "2026-12-01 23:00", true);
    check("ended", between(None, Some("2026-11-30")), "2026-12-01 09:00", false);
    let mut cycle = silent("planning");
    cycle.roster = roster_of(between(Some("2026-12-16"), None));
    assert_eq!(lines(&cycle.plan(at("2026-12-16 07:59")).queue), NOTHING, "after the stated date no announcement");
}

#[test]
fn a_flagged_mailbox_gets_nothing_and_its_authority_is_nobodys_silence() {
    let mut cycle = silent("statistics");
    cycle.flagged.extend([mailbox("k1"), mailbox("d1")]);
    assert_eq!(lines(&cycle.plan(at("2026-12-08 08:00")).queue), ["reminder-5/1 k2 [k2]"]);
    cycle.report("k2", Complete, "2026-12-09 10:00");
    let queue = lines(&cycle.plan(at("2026-12-17 08:00")).queue);
    assert_eq!(queue, ["summary+2/1 zrk []"], "the unreachable go to the ZRK's summary, not to the RRK (N7)");
    cycle.run("2026-12-17 08:00");
    assert_eq!(lines(&cycle.plan(at("2026-12-24 08:00")).queue), NOTHING, "no escalation, so no later summary");
}

#[test]
fn a_second_mailbox_that_takes_mail_keeps_an_authority_reachable() {
    let mut cycle = silent("statistics");
    cycle.roster = roster_of(vec![of_authority("k1", "k1"), of_authority("k1", "k1-b")]);
    cycle.flagged.insert(mailbox("k1"));
    cycle.report("k2", Complete, "2026-12-04 10:00");
    cycle.report("d1", Complete, "2026-12-04 10:00");
    let want = ["escalation+2/1 rrk-koeln [k1]", "overdue+1/1 k1-b [k1]", "summary+2/1 zrk []"];
    assert_eq!(lines(&cycle.plan(at("2026-12-17 08:00")).queue), want);
}

#[test]
fn alerts_are_told_to_each_mailbox_of_the_zrk_once() {
    let book = rulebook();
    let mut cycle = silent("planning");
    let alert = |key: &str| Alert { key: key.into(), headline: "H".into(), detail: "D".into() };
    let notices = |roster: &Roster, flagged: &HashSet<Mailbox>, alerts: &[Alert]| {
        let view = View { rulebook: &book, roster, flagged, now: at("2026-12-08 08:00") };
        lines(&zrk_notices(view, alerts))
    };
    assert_eq!(notices(&cycle.roster, &cycle.flagged, &[]), NOTHING);
    let want = ["zrk-notice:a/1 zrk []"];
    assert_eq!(notices(&cycle.roster, &cycle.flagged, &[alert("a"), alert("b")]), want);
    cycle.flagged.insert(mailbox("zrk"));
    assert_eq!(notices(&cycle.roster, &cycle.flagged, &[alert("a")]), NOTHING);
}

#[test]
fn an_import_that_was_to_be_signalled_is_asked_for_once_its_day_is_over() {
    let mut cycle = silent("planning");
    cycle.rulebook.announce = super::super::rulebook::Announce::OnSignal;
    let asked = |cycle: &mut Cycle, now: &str| {
        let plan = cycle.tick(at(now));
        assert!(plan.queue.is_empty() && plan.freeze.is_none() && plan.record.is_empty(), "{now}");
        plan.alerts.into_iter().map(|alert| alert.key).collect::<Vec<_>>()
    };
    assert_eq!(asked(&mut cycle, "2026-12-01 23:59"), NOTHING);
    assert_eq!(asked(&mut cycle, "2026-12-02 00:00"), ["import-late:2026-12"]);
    assert_eq!(asked(&mut cycle, "2026-12-20 00:00"), ["import-late:2026-12"], "under one key, so told once");
    cycle.signal("2026-12-08", "2026-12-08 11:30");
    assert_eq!(lines(&cycle.plan(at("2026-12-08 11:29")).queue), NOTHING);
    let plan = cycle.tick(at("2026-12-08 11:30"));
    assert_eq!((plan.queue.len(), plan.alerts.len()), (9, 0));
    assert_eq!(plan.freeze.unwrap().deadline.ends_on, day("2026-12-22"));
}

#[test]
fn nothing_is_frozen_before_somebody_is_told() {
    let mut cycle = silent("statistics");
    for id in ["k1", "k2", "d1"] {
        cycle.receipts.push(receipt(id, Complete, "2026-12-04 10:00"));
    }
    assert!(cycle.tick(at("2026-12-08 08:00")).freeze.is_none());
    cycle.report("k1", ReceiptState::Missing, "2026-12-09 10:00");
    let plan = cycle.tick(at("2026-12-09 10:00"));
    assert_eq!(lines(&plan.queue), ["reminder-5/1 k1 [k1]"], "withdrawn while the reminder is live");
    let revision = plan.freeze.unwrap();
    assert_eq!((revision.number, revision.deadline.ends_on, revision.reason), (1, day("2026-12-15"), None));
    assert!(cycle.tick(at("2026-12-10 08:00")).freeze.is_none());
}

#[test]
fn when_the_cycle_has_closed_nothing_is_planned_any_more() {
    let mut cycle = silent("planning");
    let plan = cycle.plan(at("2027-01-18 23:59"));
    assert_eq!(plan.queue.len(), 6, "overdue to three, escalation to two, a summary");
    let plan = cycle.plan(at("2027-01-19 00:00"));
    assert!(plan.queue.is_empty() && plan.freeze.is_none() && plan.alerts.is_empty());
}
