//! N7: which report it is, what changed since the one before, and who stands in it no more.

use std::collections::BTreeSet;

use super::super::ReceiptState::{Complete, Excused, Missing, Nil};
use super::super::delivery::State;
use super::super::facts::View;
use super::super::letter::{History, compose};
use super::super::rulebook::CycleEntry;
use super::super::test_support::{
    Cycle, at, authority, day, extended, mailbox, month, of_authority, of_office, office_contacts, offices, partial,
};
use super::super::{District, NewNotice, NoticeKind, Roster, Said};
use super::{Because, Change, Earlier, EscalationReport};

const FIRST: &str = "2026-12-17 08:00";
const SECOND: &str = "2026-12-24 08:00";

/// One report: step, revision, mailbox, when due, what became of it, when accepted, about whom.
type Row<'a> = (&'a str, u32, &'a str, &'a str, State, Option<&'a str>, &'a [&'a str]);

fn said((step, revision, to, due, state, accepted, about): &Row<'_>) -> Said {
    Said {
        step: (*step).into(),
        kind: if step.starts_with("escalation") { NoticeKind::Escalation } else { NoticeKind::Summary },
        revision: *revision,
        mailbox: mailbox(to),
        office: Some("rrk-koeln".into()),
        authorities: about.iter().map(|id| (*id).into()).collect(),
        due_at: at(due),
        state: *state,
        accepted_at: accepted.map(at),
        returned_at: None,
        was_uncertain: false,
        is_discarded: false,
    }
}

fn notice(kind: NoticeKind, step: &str, revision: u32, due: &str) -> NewNotice {
    NewNotice {
        month: month("2026-12"),
        duty: Some("statistics".into()),
        step: step.into(),
        kind,
        revision,
        mailbox: mailbox("rrk-koeln"),
        office: Some("rrk-koeln".into()),
        authorities: Vec::new(),
        due_at: at(due),
        hold: None,
    }
}

#[test]
fn the_reports_before_are_those_that_reached_the_office_each_counted_once() {
    use State::{Accepted, Claimed, Held, Queued, Rejected, Retry, Uncertain, Withdrawn};
    let own = notice(NoticeKind::Escalation, "escalation+7", 1, SECOND);
    let check = |label: &str, rows: &[Row<'_>], want: (u32, Option<(&str, &[&str])>)| {
        let said: Vec<Said> = rows.iter().map(said).collect();
        let earlier = Earlier::than(&own, &said);
        let ids = |ids: &[&str]| -> BTreeSet<_> { ids.iter().map(|id| (*id).into()).collect() };
        let newest = want.1.map(|(when, who)| (at(when), ids(who)));
        assert_eq!((earlier.count, earlier.newest), (want.0, newest), "{label}");
    };
    let first = |to, state, accepted| ("escalation+2", 1, to, FIRST, state, accepted, &["k1", "k2"][..]);
    let before = Some((FIRST, &["k1", "k2"][..]));
    check("none", &[], (0, None));
    check("one", &[first("a", Accepted, Some(FIRST))], (1, before));
    let two = [first("a", Accepted, Some("2026-12-17 09:30")), first("b", Accepted, Some(FIRST))];
    check("one to two mailboxes counts once, from the first", &two, (1, before));
    let one_of_two = [first("a", Rejected, None), first("b", Accepted, Some(FIRST))];
    check("one of two mailboxes rejected it", &one_of_two, (1, before));
    check("every mailbox rejected it", &[first("a", Rejected, None)], (0, None));
    check("withdrawn", &[first("a", Withdrawn, None)], (0, None));
    check("held", &[first("a", Held, None)], (0, None));
    check("not sent yet", &[first("a", Queued, None)], (0, None));
    check("to be tried again", &[first("a", Retry, None)], (0, None));
    check("uncertain: the reader may have it", &[first("a", Uncertain, None)], (1, before));
    check("going out at this moment", &[first("a", Claimed, None)], (1, before));
    let own_step = ("escalation+7", 1, "b", SECOND, Accepted, Some(SECOND), &["k1"][..]);
    check("this one, to the other mailbox", &[own_step], (0, None));
    check("before and this one", &[first("a", Accepted, Some(FIRST)), own_step], (1, before));
    let later = ("escalation+12", 1, "a", "2027-01-04 08:00", Accepted, Some("2027-01-04 08:00"), &["k1"][..]);
    check("a later one is none before it", &[later], (0, None));
    check("a summary is none", &[("summary+2", 1, "a", FIRST, Accepted, Some(FIRST), &[])], (0, None));
}

#[test]
fn a_report_after_a_correction_counts_those_before_it_and_names_who_stood_in_the_newest() {
    let accepted = |step, revision, due, who| said(&(step, revision, "a", due, State::Accepted, Some(due), who));
    let told = [
        accepted("escalation+2", 1, FIRST, &["k1", "k2"][..]),
        accepted("escalation+2", 2, "2026-12-28 08:00", &["k2"][..]),
    ];
    let own = notice(NoticeKind::Escalation, "escalation+7", 2, "2027-01-06 08:00");
    let earlier = Earlier::than(&own, &told);
    assert_eq!((earlier.count, earlier.newest), (2, Some((at("2026-12-28 08:00"), BTreeSet::from(["k2".into()])))));
    assert_eq!(earlier.ever, BTreeSet::from(["k1".into(), "k2".into()]));
    let same_step_again = notice(NoticeKind::Escalation, "escalation+2", 2, "2026-12-28 08:00");
    assert_eq!(Earlier::than(&same_step_again, &told).count, 1, "the first revision's, and not itself");
}

#[test]
fn reports_that_came_back_or_went_to_another_office_are_none_and_an_all_clear_counts_all() {
    let accepted = || said(&("escalation+2", 1, "a", FIRST, State::Accepted, Some(FIRST), &["k1"]));
    let own = notice(NoticeKind::Escalation, "escalation+7", 1, SECOND);
    let mut elsewhere = accepted();
    elsewhere.office = Some("rrk-detmold".into());
    assert_eq!(Earlier::than(&own, &[elsewhere]), Earlier::default());
    let mut came_back = accepted();
    (came_back.state, came_back.returned_at) = (State::Rejected, Some(at("2026-12-17 08:05")));
    assert_eq!(Earlier::than(&own, &[came_back]), Earlier::default());
    let all_clear = notice(NoticeKind::AllClear, "all-clear:escalation+7", 1, "2026-12-28 10:00");
    let second = said(&("escalation+7", 1, "a", SECOND, State::Accepted, Some(SECOND), &["k1"]));
    assert_eq!(Earlier::than(&all_clear, &[accepted(), second]).count, 2);
}

/// The report of a step to Köln's RRK, composed from a month that was played.
fn report(cycle: &mut Cycle, step: &str, now: &str) -> EscalationReport {
    let now = at(now);
    cycle.plan(now); // finds the standings
    let mut history = History::default();
    for receipt in &cycle.receipts {
        history.receipts.entry(receipt.authority.clone()).or_default().push(receipt.clone());
    }
    let revision = cycle.ladder().revision;
    let due_at = cycle.ladder().rung(step).map_or(now, |rung| rung.due_at);
    let notice = NewNotice { due_at, ..notice(NoticeKind::Escalation, step, revision, FIRST) };
    let view = View { rulebook: &cycle.rulebook, roster: &cycle.roster, flagged: &cycle.flagged, now };
    compose(view, &cycle.ladder(), &cycle.facts, &history, &notice).report.expect("a report to an RRK")
}

/// `k1 unchanged`, and `k2 settled` for one that is gone.
fn told(report: &EscalationReport) -> Vec<String> {
    let cases = report.cases.iter().map(|case| {
        let words = case.change_in_words().unwrap_or("-");
        format!("{} {:?} {words}", case.authority, case.change)
    });
    let gone = report.gone.iter().map(|gone| {
        let because = match &gone.because {
            Because::Settled(standing) => standing.state.as_str().to_owned(),
            Because::NotOwing(reporter) => format!("reported by {}", reporter.as_deref().unwrap_or("nobody")),
            Because::Unreachable => "unreachable".to_owned(),
        };
        format!("{} gone: {because}", gone.authority)
    });
    cases.chain(gone).collect()
}

const IDS: [&str; 6] = ["k1", "k2", "k3", "k4", "k5", "k6"];

/// Statistics of December, with six authorities in Köln and one in Detmold; the first report is out, about those that are
/// missing on the 17th.
fn after_the_first_report(settled: &[&str]) -> Cycle {
    let mut cycle = Cycle::new("statistics", "2026-12");
    let mut authorities = IDS.map(|id| authority(id, District::Koeln)).to_vec();
    authorities.push(authority("d1", District::Detmold));
    let contacts = authorities.iter().map(|one| of_authority(&one.id, &one.id)).chain(office_contacts()).collect();
    cycle.roster = Roster::new(authorities, offices(), contacts);
    for id in settled {
        cycle.report(id, Complete, "2026-12-04 10:00");
    }
    cycle.run(FIRST);
    cycle
}

#[test]
fn a_first_report_knows_of_no_change() {
    let mut cycle = Cycle::new("statistics", "2026-12");
    let first = report(&mut cycle, "escalation+2", FIRST);
    assert_eq!((first.number, first.before), (1, None));
    assert_eq!(told(&first), ["k1 First -", "k2 First -"]);
}

#[test]
fn a_second_report_tells_what_is_new_unchanged_moved_and_gone() {
    let mut cycle = after_the_first_report(&["k6"]);
    cycle.report("k2", partial(&["returns"]), "2026-12-18 10:00");
    cycle.report("k3", Complete, "2026-12-18 11:00");
    cycle.report("k4", Nil, "2026-12-21 09:00");
    cycle.report("k5", extended("2027-01-08"), "2026-12-21 10:00");
    cycle.report("k6", Missing, "2026-12-21 11:00");
    cycle.report("d1", Complete, "2026-12-21 12:00");
    let second = report(&mut cycle, "escalation+7", SECOND);
    assert_eq!((second.number, second.before), (2, Some(at(FIRST))));
    let want = [
        "k1 Unchanged unverändert",
        "k2 Moved teilweise eingegangen",
        "k6 New neu",
        "k3 gone: complete",
        "k4 gone: nil",
        "k5 gone: extended",
    ];
    assert_eq!(told(&second), want);
}

#[test]
fn a_third_report_looks_back_to_the_second_and_knows_who_stood_in_the_first() {
    let mut cycle = after_the_first_report(&["k4", "k5", "k6"]);
    cycle.report("k2", Complete, "2026-12-18 11:00");
    cycle.report("k3", Complete, "2026-12-18 12:00");
    cycle.run(SECOND);
    cycle.report("k2", Missing, "2026-12-28 11:00");
    let third = report(&mut cycle, "escalation+12", "2027-01-04 08:00");
    assert_eq!((third.number, third.before), (3, Some(at(SECOND))));
    assert_eq!(told(&third), ["k1 Unchanged unverändert", "k2 New erneut ausstehend"], "k3 was gone in the second");
}

#[test]
fn a_report_that_nobody_got_is_not_looked_back_to() {
    for state in [State::Rejected, State::Withdrawn, State::Held] {
        let mut cycle = after_the_first_report(&[]);
        let index = cycle.said("escalation+2", "rrk-koeln").unwrap();
        (cycle.facts.said[index].state, cycle.facts.said[index].accepted_at) = (state, None);
        cycle.report("k1", Complete, "2026-12-18 10:00");
        let second = report(&mut cycle, "escalation+7", SECOND);
        assert_eq!((second.number, second.before, second.gone.len()), (1, None, 0), "{state:?}");
        assert!(second.cases.iter().all(|case| case.change == Change::First), "{state:?}");
    }
}

#[test]
fn who_merged_or_cannot_be_reached_since_is_gone_and_a_reporter_elsewhere_is_not_named() {
    let mut cycle = after_the_first_report(&["k4", "k5"]);
    let mut authorities = cycle.roster.authorities().to_vec();
    for (index, reporter) in [(1, Some("k4")), (2, Some("d1")), (5, None)] {
        authorities[index].valid_to = Some(day("2026-12-14")); // a day before the end
        authorities[index].reported_by = reporter.map(Into::into);
    }
    cycle.roster = Roster::new(authorities, offices(), cycle.roster.contacts().to_vec());
    cycle.flagged.insert(mailbox("k1"));
    cycle.report("k5", Missing, "2026-12-21 11:00");
    let second = report(&mut cycle, "escalation+7", SECOND);
    let want = [
        "k5 New neu",
        "k1 gone: unreachable",
        "k2 gone: reported by K4",
        "k3 gone: reported by nobody",
        "k6 gone: reported by nobody",
    ];
    assert_eq!(told(&second), want, "K3's reporter lies in Detmold");
    cycle.report("k2", Complete, "2026-12-28 11:00");
    assert_eq!(told(&report(&mut cycle, "escalation+7", SECOND))[2], want[2], "it owes nothing, whatever it reports");
}

#[test]
fn who_moved_to_another_district_is_named_to_neither_as_settled() {
    let mut cycle = after_the_first_report(&["k2", "k3", "k4", "k5", "k6"]);
    let mut authorities = cycle.roster.authorities().to_vec();
    authorities[0].district = District::Detmold;
    cycle.roster = Roster::new(authorities, offices(), cycle.roster.contacts().to_vec());
    assert_eq!(told(&report(&mut cycle, "escalation+7", SECOND)), [""; 0]);
}

#[test]
fn two_mailboxes_of_an_office_get_the_same_number_and_the_same_look_back() {
    let mut cycle = Cycle::new("statistics", "2026-12");
    let contacts = office_contacts().into_iter().filter(|contact| contact.mailbox != mailbox("rrk-koeln"));
    let of_rrk = ["one", "two"].map(|name| of_office("rrk-koeln", name));
    let contacts = contacts.chain(of_rrk).chain(["k1", "k2"].map(|id| of_authority(id, id))).collect();
    let authorities = ["k1", "k2"].map(|id| authority(id, District::Koeln)).to_vec();
    cycle.roster = Roster::new(authorities, offices(), contacts);
    cycle.run(FIRST);
    let index = cycle.said("escalation+2", "two").unwrap();
    cycle.facts.said[index].accepted_at = Some(at("2026-12-18 12:00")); // its relay was down for a day
    cycle.report("k1", partial(&["returns"]), "2026-12-18 10:00");
    cycle.tick(at(SECOND));
    let second = report(&mut cycle, "escalation+7", SECOND);
    assert_eq!((second.number, second.before), (2, Some(at(FIRST))));
    assert_eq!(told(&second), ["k1 Moved teilweise eingegangen", "k2 Unchanged unverändert"]);
}

#[test]
fn a_report_after_a_correction_looks_back_to_the_one_before_it() {
    let mut cycle = Cycle::new("planning", "2026-12");
    cycle.run("2026-12-01 09:00");
    cycle.run(FIRST);
    let (import_on, correction) = (Some(day("2026-12-08")), Some("Import verschoben".into()));
    *cycle.entry() = CycleEntry { import_on, correction, ..CycleEntry::default() };
    cycle.report("k1", Complete, "2026-12-17 10:00");
    cycle.run("2026-12-17 11:00");
    let again = report(&mut cycle, "escalation+2", "2026-12-28 08:00");
    assert_eq!((again.number, again.before), (2, Some(at(FIRST))));
    assert_eq!(told(&again), ["k2 Unchanged unverändert", "k1 gone: complete"]);
}

#[test]
fn an_all_clear_says_how_each_settled_how_many_reports_there_were_and_who_owes_no_more() {
    let mut cycle = after_the_first_report(&["k4", "k5", "k6"]);
    cycle.run(SECOND);
    cycle.report("k1", Complete, "2026-12-28 09:00");
    cycle.report("k2", Excused { reason: "Umzug".into() }, "2026-12-28 10:00");
    let mut authorities = cycle.roster.authorities().to_vec();
    (authorities[2].valid_to, authorities[2].reported_by) = (Some(day("2026-12-14")), Some("k4".into()));
    cycle.roster = Roster::new(authorities, offices(), cycle.roster.contacts().to_vec());
    let planned = cycle.plan(at("2026-12-28 10:00")).queue;
    let all_clear = planned.iter().find(|new| new.kind == NoticeKind::AllClear).expect("all has settled");
    assert_eq!(all_clear.authorities, ["k1".into(), "k2".into()]);
    let now = at("2026-12-28 10:00");
    let view = View { rulebook: &cycle.rulebook, roster: &cycle.roster, flagged: &cycle.flagged, now };
    let letter = compose(view, &cycle.ladder(), &cycle.facts, &History::default(), all_clear);
    let report = letter.report.expect("a list of who settled");
    assert_eq!((report.number, report.before), (2, Some(at(SECOND))));
    let settled: Vec<_> = report.cases.iter().map(|case| (&*case.authority, case.standing.state.as_str())).collect();
    assert_eq!(settled, [("k1", "complete"), ("k2", "excused")]);
    assert_eq!(report.cases[0].standing.since, Some(at("2026-12-28 09:00")));
    assert!(report.cases.iter().all(|case| case.change_in_words().is_none()), "what settled has not come back");
    assert_eq!(told(&report)[2..], ["k3 gone: reported by K4"]);
}
