//! S1, S5, S7: what extensions, excuses and exemptions do to steps, to reports and to punctuality.

use chrono_tz::Europe::Berlin;

use super::ReceiptState::{Complete, Missing};
use super::escalation::ReportFacts;
use super::standing::in_time;
use super::test_support::*;
use super::*;

fn excused() -> ReceiptState {
    ReceiptState::Excused { reason: "Serverausfall".into() }
}

fn exempt() -> ReceiptState {
    ReceiptState::Exempt { reason: "aufgelöst".into() }
}

/// The ladder of statistics in December 2026: its reminders, overdue notice and escalations.
const STEPS: [&str; 7] = [
    "2026-12-08 08:00",
    "2026-12-14 08:00",
    "2026-12-15 08:00",
    "2026-12-16 08:00",
    "2026-12-17 08:00",
    "2026-12-24 08:00",
    "2027-01-04 08:00",
];

/// The steps in which k1 is told of or written to, if the others reported; every instant is played, and each midnight.
fn steps_about_k1(receipts: &[Receipt]) -> Vec<String> {
    let mut cycle = Cycle::new("statistics", "2026-12");
    cycle.report("k2", Complete, "2026-12-02 10:00");
    cycle.report("d1", Complete, "2026-12-02 10:00");
    let mut instants: Vec<_> = STEPS.map(at).into();
    instants.extend((2..34).map(|days| at("2026-12-01 00:00") + chrono::TimeDelta::days(days)));
    instants.extend(receipts.iter().map(|receipt| receipt.received_at));
    instants.sort();
    instants.dedup();
    let mut told = Vec::new();
    for now in instants {
        cycle.receipts.extend(receipts.iter().filter(|receipt| receipt.received_at == now).cloned());
        cycle.tick(now);
        let sent = cycle.deliver(now).into_iter().filter(|line| line.contains("k1") && !line.starts_with("all-clear"));
        told.extend(sent.map(|line| format!("{} {}", local(now), line.split('/').next().unwrap())));
    }
    told
}

#[test]
fn who_has_more_time_is_left_alone_until_it_is_over() {
    let check = |label: &str, receipts: &[Receipt], want: &[&str]| {
        assert_eq!(steps_about_k1(receipts), want, "{label}");
    };
    let one = |state, received| vec![receipt("k1", state, received)];
    let reminders = ["2026-12-08 08:00 reminder-5", "2026-12-14 08:00 reminder-1", "2026-12-15 08:00 reminder-0"];
    let silent = [
        &reminders[..],
        &[
            "2026-12-16 08:00 overdue+1",
            "2026-12-17 08:00 escalation+2",
            "2026-12-24 08:00 escalation+7",
            "2027-01-04 08:00 escalation+12",
        ],
    ]
    .concat();
    check("silent", &[], &silent);
    let after_extension = [
        "2026-12-23 00:00 escalation+2",
        "2026-12-23 00:00 overdue+1",
        "2026-12-24 08:00 escalation+7",
        "2027-01-04 08:00 escalation+12",
    ];
    check("extended before the first reminder", &one(extended("2026-12-22"), "2026-12-04 10:00"), &after_extension);
    check(
        "extended between two reminders",
        &one(extended("2026-12-22"), "2026-12-10 10:00"),
        &[&reminders[..1], &after_extension].concat(),
    );
    check(
        "extended on the last day, after the last reminder",
        &one(extended("2026-12-22"), "2026-12-15 17:00"),
        &[&reminders[..], &after_extension].concat(),
    );
    check(
        "extended after the end, between overdue notice and escalation",
        &one(extended("2026-12-22"), "2026-12-16 10:00"),
        &[&reminders[..], &["2026-12-16 08:00 overdue+1"], &["2026-12-23 00:00 escalation+2"], &after_extension[2..]]
            .concat(),
    );
    check(
        "reported within the extension",
        &[receipt("k1", extended("2026-12-22"), "2026-12-10 10:00"), receipt("k1", Complete, "2026-12-22 23:00")],
        &reminders[..1],
    );
    check(
        "extended twice",
        &[
            receipt("k1", extended("2026-12-22"), "2026-12-10 10:00"),
            receipt("k1", extended("2026-12-29"), "2026-12-22 10:00"),
        ],
        // from the 30th on: the overdue notice, and the escalation that is live then
        &[
            "2026-12-08 08:00 reminder-5",
            "2026-12-30 00:00 escalation+7",
            "2026-12-30 00:00 overdue+1",
            "2027-01-04 08:00 escalation+12",
        ],
    );
    check(
        "extended over the cycle's close",
        &one(extended("2027-02-26"), "2026-12-10 10:00"),
        &["2026-12-08 08:00 reminder-5"],
    );
    check(
        "the extension is taken back",
        &[receipt("k1", extended("2026-12-29"), "2026-12-10 10:00"), receipt("k1", Missing, "2026-12-18 10:00")],
        &[
            "2026-12-08 08:00 reminder-5",
            "2026-12-18 10:00 escalation+2",
            "2026-12-18 10:00 overdue+1",
            "2026-12-24 08:00 escalation+7",
            "2027-01-04 08:00 escalation+12",
        ],
    );
    check(
        "ends on the second day of Christmas, a Saturday",
        &one(extended("2026-12-26"), "2026-12-10 10:00"),
        &[
            "2026-12-08 08:00 reminder-5",
            "2026-12-27 00:00 escalation+7",
            "2026-12-27 00:00 overdue+1",
            "2027-01-04 08:00 escalation+12",
        ],
    );
    for (label, state) in [("excused", excused()), ("exempt", exempt())] {
        check(label, &one(state.clone(), "2026-12-04 10:00"), &[]);
        check(label, &one(state.clone(), "2026-12-14 10:00"), &reminders[..2]);
        check(label, &one(state, "2026-12-16 10:00"), &[&reminders[..], &["2026-12-16 08:00 overdue+1"]].concat());
    }
    check(
        "an exemption that is taken back",
        &[receipt("k1", exempt(), "2026-12-04 10:00"), receipt("k1", Missing, "2026-12-14 10:00")],
        &[&["2026-12-14 10:00 reminder-1"], &silent[2..]].concat(),
    );
}

#[test]
fn punctuality_goes_by_the_extension_and_says_nothing_of_the_exempt() {
    let check = |label: &str, rows: &[(ReceiptState, &str)], now: &str, want: Option<bool>| {
        let receipts: Vec<Receipt> = rows.iter().map(|(state, when)| receipt("k1", state.clone(), when)).collect();
        assert_eq!(in_time(&receipts, day("2026-12-15"), at(now), Berlin), want, "{label}");
    };
    let (before, after, later) = ("2026-12-10 10:00", "2026-12-16 10:00", "2027-01-10 00:00");
    check("exempt before the end", &[(exempt(), before)], later, None);
    check("exempt before the end, still open", &[(exempt(), before)], "2026-12-11 00:00", None);
    check("exempt after the end", &[(exempt(), after)], later, None);
    check("complete, then exempt", &[(Complete, before), (exempt(), after)], later, None);
    check(
        "exempt, then taken back before the end",
        &[(exempt(), before), (Missing, "2026-12-12 10:00")],
        later,
        Some(false),
    );
    check("exempt, then reported after all", &[(exempt(), before), (Complete, after)], later, Some(true));
    check("excused before the end", &[(excused(), before)], later, Some(true));
    check("excused after the end", &[(excused(), after)], later, Some(false));
    check("extended after the end, open", &[(extended("2026-12-22"), after)], "2026-12-22 23:59", None);
    check("extended after the end, run out", &[(extended("2026-12-22"), after)], later, Some(false));
    let used = [(extended("2026-12-22"), after), (Complete, "2026-12-22 18:00")];
    check("extended after the end, and used", &used, later, Some(true));
    let on_a_free_day = [(extended("2026-12-26"), before), (Complete, "2026-12-26 23:59")];
    check("on the last day, which is free", &on_a_free_day, later, Some(true));
    let next_working_day = [(extended("2026-12-26"), before), (Complete, "2026-12-28 08:00")];
    check("on the working day after it", &next_working_day, later, Some(false));
}

#[test]
fn days_overdue_count_from_the_end_of_the_extension() {
    let cases = |state: Option<ReceiptState>, today: &str| {
        let mut cycle = Cycle::new("statistics", "2026-12");
        if let Some(state) = state {
            cycle.report("k1", state, "2026-12-10 10:00");
        }
        cycle.plan(at(today));
        let extended_to = cycle.facts.standings.iter();
        let extended_to = extended_to.filter_map(|(id, standing)| Some((id.clone(), standing.extended_to?))).collect();
        let report = ReportFacts {
            roster: &cycle.roster,
            duty: cycle.rulebook.duty("statistics").unwrap(),
            ends_on: day("2026-12-15"),
            today: day(&today[..10]),
            standings: &cycle.facts.standings,
            flagged: &cycle.flagged,
            said: &[],
            missed: &Default::default(),
            also_missing: &Default::default(),
            extended_to: &extended_to,
            receipts: &Default::default(),
            zone: chrono_tz::Europe::Berlin,
        };
        let cases = report.escalation(District::Koeln, &Default::default()).cases;
        cases.iter().find(|case| &*case.authority == "k1").map(|case| case.days_overdue)
    };
    let check = |label: &str, state, today: &str, want| assert_eq!(cases(state, today), want, "{label}");
    check("silent", None, "2026-12-24 08:00", Some(9));
    check("extended, still open", Some(extended("2026-12-22")), "2026-12-22 08:00", None);
    check("extended, run out", Some(extended("2026-12-22")), "2026-12-24 08:00", Some(2));
    check("extended to a free day, run out", Some(extended("2026-12-26")), "2026-12-28 08:00", Some(2));
    check("excused", Some(excused()), "2026-12-24 08:00", None);
    check("exempt", Some(exempt()), "2026-12-24 08:00", None);
}
