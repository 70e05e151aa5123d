//! N2, N3, F7, N11: the instants of the shipped ladder, what is live when, and the first cycle.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::super::duty::{Audience, Base, Offset};
use super::super::rulebook::{CycleEntry, ImportRule};
use super::super::test_support::{at, day, local, month, planning, rulebook, statistics, step};
use super::*;

fn untold() -> DateFacts {
    DateFacts::default()
}

fn instants(duty: &Duty, of: &str) -> Vec<String> {
    let book = rulebook();
    let ladder = Ladder::new(&book, duty, month(of), &untold(), &untold()).unwrap();
    let live = |rung: &Rung<'_>| {
        let never = if rung.is_never_live() { "never".into() } else { local(rung.live_until) };
        format!("{} {} until {never}", rung.step.id, local(rung.due_at))
    };
    ladder.rungs.iter().map(live).collect()
}

#[test]
fn the_shipped_planning_ladder_has_these_instants() {
    let december = [
        "announcement 2026-12-01 09:00 until 2026-12-16 00:00",
        "reminder-5 2026-12-08 08:00 until 2026-12-14 08:00",
        "reminder-1 2026-12-14 08:00 until 2026-12-15 08:00",
        "reminder-0 2026-12-15 08:00 until 2026-12-16 00:00",
        "overdue+1 2026-12-16 08:00 until 2027-01-19 00:00",
        "escalation+2 2026-12-17 08:00 until 2026-12-24 08:00",
        "summary+2 2026-12-17 08:00 until 2026-12-24 08:00",
        "escalation+7 2026-12-24 08:00 until 2027-01-04 08:00",
        "summary+7 2026-12-24 08:00 until 2027-01-04 08:00",
        "escalation+12 2027-01-04 08:00 until 2027-01-19 00:00",
        "summary+12 2027-01-04 08:00 until 2027-01-19 00:00",
    ];
    assert_eq!(instants(&planning(), "2026-12"), december);
    let january = [
        "announcement 2027-01-04 09:00 until 2027-01-19 00:00",
        "reminder-5 2027-01-11 08:00 until 2027-01-15 08:00",
        "reminder-1 2027-01-15 08:00 until 2027-01-18 08:00",
        "reminder-0 2027-01-18 08:00 until 2027-01-19 00:00",
        "overdue+1 2027-01-19 08:00 until 2027-02-16 00:00",
        "escalation+2 2027-01-20 08:00 until 2027-01-27 08:00",
        "summary+2 2027-01-20 08:00 until 2027-01-27 08:00",
        "escalation+7 2027-01-27 08:00 until 2027-02-03 08:00",
        "summary+7 2027-01-27 08:00 until 2027-02-03 08:00",
        "escalation+12 2027-02-03 08:00 until 2027-02-16 00:00",
        "summary+12 2027-02-03 08:00 until 2027-02-16 00:00",
    ];
    assert_eq!(instants(&planning(), "2027-01"), january);
}

#[test]
fn the_shipped_statistics_ladder_has_these_instants() {
    let december = [
        "reminder-5 2026-12-08 08:00 until 2026-12-14 08:00",
        "reminder-1 2026-12-14 08:00 until 2026-12-15 08:00",
        "reminder-0 2026-12-15 08:00 until 2026-12-16 00:00",
        "overdue+1 2026-12-16 08:00 until 2027-01-16 00:00",
        "escalation+2 2026-12-17 08:00 until 2026-12-24 08:00",
        "summary+2 2026-12-17 08:00 until 2026-12-24 08:00",
        "escalation+7 2026-12-24 08:00 until 2027-01-04 08:00",
        "summary+7 2026-12-24 08:00 until 2027-01-04 08:00",
        "escalation+12 2027-01-04 08:00 until 2027-01-16 00:00",
        "summary+12 2027-01-04 08:00 until 2027-01-16 00:00",
    ];
    assert_eq!(instants(&statistics(), "2026-12"), december);
    // Saturday: stated as the 15th, ends on Monday the 17th; the last working day up to it is Friday the 14th
    let august = [
        "reminder-5 2026-08-10 08:00 until 2026-08-14 08:00",
        "reminder-1 2026-08-14 08:00 until never",
        "reminder-0 2026-08-14 08:00 until 2026-08-18 00:00",
        "overdue+1 2026-08-18 08:00 until 2026-09-16 00:00",
        "escalation+2 2026-08-19 08:00 until 2026-08-26 08:00",
        "summary+2 2026-08-19 08:00 until 2026-08-26 08:00",
        "escalation+7 2026-08-26 08:00 until 2026-09-02 08:00",
        "summary+7 2026-08-26 08:00 until 2026-09-02 08:00",
        "escalation+12 2026-09-02 08:00 until 2026-09-16 00:00",
        "summary+12 2026-09-02 08:00 until 2026-09-16 00:00",
    ];
    assert_eq!(instants(&statistics(), "2026-08"), august);
}

#[test]
fn of_two_reminders_at_one_instant_the_later_in_the_ladder_is_live_and_the_other_says_why_not() {
    let (book, duty) = (rulebook(), statistics());
    let ladder = Ladder::new(&book, &duty, month("2026-08"), &untold(), &untold()).unwrap();
    let now = at("2026-08-14 08:00");
    assert!(ladder.rung("reminder-0").unwrap().is_live(now));
    let other = ladder.rung("reminder-1").unwrap();
    assert!(!other.is_live(now) && other.is_never_live());
    assert_eq!(other.ends_because, "superseded by reminder-0 on 2026-08-14 08:00");
}

#[test]
fn a_cycle_closes_when_the_same_dutys_next_deadline_ends_and_never_before_its_own() {
    let book = rulebook();
    let check = |label: &str, duty: &Duty, next: DateFacts, want: &str| {
        let ladder = Ladder::new(&book, duty, month("2026-12"), &untold(), &next).unwrap();
        assert_eq!(local(ladder.closes_at), want, "{label}");
        assert!(ladder.is_closed(at(want)) && !ladder.is_closed(at(want) - TimeDelta::seconds(1)), "{label}");
    };
    let frozen = |ends_on: &str| {
        let deadline = Deadline { import_on: day("2027-01-04"), stated_on: day(ends_on), ends_on: day(ends_on) };
        let revision = Revision { number: 1, deadline, reason: None, frozen_at: at("2027-01-04 09:00") };
        DateFacts { revisions: vec![revision], signal: None }
    };
    let signalled = |import_on: &str| {
        let (import_on, received_at) = (day(import_on), at("2027-01-04 09:00"));
        let signal = ImportSignal { month: month("2027-01"), import_on, received_at, actor: "zrk".into() };
        DateFacts { signal: Some(signal), revisions: vec![] }
    };
    check("planning, by settings", &planning(), untold(), "2027-01-19 00:00");
    check("statistics, by settings", &statistics(), untold(), "2027-01-16 00:00");
    check("the next one told", &planning(), frozen("2027-01-20"), "2027-01-21 00:00");
    check("the next import signalled", &planning(), signalled("2027-01-11"), "2027-01-26 00:00");
    check("the next one lies before this one's end", &planning(), frozen("2026-12-10"), "2026-12-16 00:00");
}

#[test]
fn a_ladder_that_follows_the_import_waits_for_its_signal_if_settings_say_so() {
    let book = Rulebook { announce: Announce::OnSignal, ..rulebook() };
    let signal = |received: &str| {
        let (import_on, received_at) = (day("2026-12-08"), at(received));
        DateFacts {
            signal: Some(ImportSignal { month: month("2026-12"), import_on, received_at, actor: "zrk".into() }),
            revisions: vec![],
        }
    };
    let announced = |facts: &DateFacts| {
        let duty = planning();
        let ladder = Ladder::new(&book, &duty, month("2026-12"), facts, &untold()).unwrap();
        ladder.rung("announcement").map(|rung| local(rung.due_at))
    };
    assert_eq!(announced(&untold()), None);
    assert_eq!(announced(&signal("2026-12-04 10:00")).as_deref(), Some("2026-12-08 09:00"), "signalled ahead");
    assert_eq!(announced(&signal("2026-12-08 11:30")).as_deref(), Some("2026-12-08 11:30"), "signalled afterwards");
    let duty = statistics();
    let of_statistics = Ladder::new(&book, &duty, month("2026-12"), &untold(), &untold()).unwrap();
    assert!(!of_statistics.awaits_signal, "the 15th does not hang on the import");
}

#[test]
fn a_new_store_starts_with_the_first_import_that_is_not_over() {
    let check = |label: &str, entry: Option<&str>, named: Option<&str>, today: &str, want: &str| {
        let mut book = Rulebook { first_cycle: named.map(month), ..rulebook() };
        if let Some(import) = entry.map(day) {
            book.entries.insert(Month::of(import), CycleEntry { import_on: Some(import), ..CycleEntry::default() });
        }
        assert_eq!(first_cycle(&book, day(today), None).unwrap(), month(want), "{label}");
    };
    check("on the import date", None, None, "2026-12-01", "2026-12");
    check("the day after", None, None, "2026-12-02", "2027-01");
    check("before the month's first working day", None, None, "2027-01-03", "2027-01");
    check("before an entry's date", Some("2026-12-08"), None, "2026-12-07", "2026-12");
    check("settings name an earlier one", None, Some("2026-10"), "2026-12-20", "2026-10");
    check("settings name a later one", None, Some("2027-03"), "2026-12-20", "2027-03");
}

#[test]
fn cycles_in_question_begin_with_the_first_and_reach_to_the_next_month() {
    let found: Vec<String> =
        cycles_in_question(month("2026-11"), day("2026-12-31")).map(|month| month.to_string()).collect();
    assert_eq!(found, ["2027-01", "2026-12", "2026-11"]);
    assert_eq!(cycles_in_question(month("2020-01"), day("2026-12-31")).count(), 26);
}

#[test]
fn the_next_change_is_the_next_instant_at_which_a_step_comes_or_goes() {
    let (book, duty) = (rulebook(), planning());
    let ladder = Ladder::new(&book, &duty, month("2026-12"), &untold(), &untold()).unwrap();
    let check = |now: &str, want: Option<&str>| {
        assert_eq!(ladder.next_change(at(now)).map(local).as_deref(), want, "{now}");
    };
    check("2026-11-01 00:00", Some("2026-12-01 09:00"));
    check("2026-12-01 09:00", Some("2026-12-08 08:00"));
    check("2026-12-15 08:00", Some("2026-12-16 00:00"));
    check("2027-01-04 08:00", Some("2027-01-19 00:00"));
    check("2027-01-19 00:00", None);
}

/// Ladders of up to six reminders from any base, at any hour, with a few other steps among them.
fn ladders() -> impl Strategy<Value = Vec<Step>> {
    let base = prop_oneof![Just(Base::Import), Just(Base::Stated), Just(Base::End)];
    let offset = prop_oneof![(-12..=3i32).prop_map(Offset::WorkingDays), (-15..=3i32).prop_map(Offset::CalendarDays)];
    let kind =
        prop_oneof![4 => Just(NoticeKind::Reminder), 1 => Just(NoticeKind::Overdue), 1 => Just(NoticeKind::Escalation)];
    let drawn = (kind, base, offset, 0..3u32).prop_map(|(kind, base, offset, hour)| Step {
        offset,
        time: NaiveTime::from_hms_opt(7 + hour, 0, 0).unwrap(),
        ..step(kind, base, 0, "08:00", &[Audience::Missing])
    });
    prop::collection::vec(drawn, 1..7).prop_map(|steps| {
        steps.into_iter().enumerate().map(|(index, step)| Step { id: format!("s{index}"), ..step }).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn at_any_instant_only_the_newest_reminder_whose_time_has_come_is_live(
        steps in ladders(), follows_import: bool, offset in 0..14i32, quarter_hours in 0..4_000i64,
    ) {
        let book = Rulebook { import: ImportRule::WorkingDay(2), ..rulebook() };
        let duty = Duty { steps, ..if follows_import { planning() } else { statistics() } };
        let of = month("2026-04").plus(offset);
        let ladder = Ladder::new(&book, &duty, of, &untold(), &untold()).unwrap();
        let now = at("2026-03-15 00:00") + TimeDelta::days(30 * i64::from(offset)) + TimeDelta::minutes(15 * quarter_hours);
        let live: Vec<&str> = ladder
            .rungs
            .iter()
            .filter(|rung| rung.step.kind == NoticeKind::Reminder && rung.is_live(now))
            .map(|rung| rung.step.id.as_str())
            .collect();
        // N3 in other words: of all reminders that have come, the last by time and then by place, until ends_on is over
        let is_over = end_of_day(book.zone, ladder.deadline.ends_on) <= now;
        let come = duty.steps.iter().enumerate().filter(|(_, step)| step.kind == NoticeKind::Reminder);
        let newest = come
            .map(|(index, step)| {
                (step.due_at(book.zone, &duty.calendar, ladder.deadline.import_on, &ladder.deadline).unwrap(), index)
            })
            .filter(|(due_at, _)| *due_at <= now && !is_over)
            .max()
            .map(|(_, index)| duty.steps[index].id.as_str());
        prop_assert_eq!(live, newest.into_iter().collect::<Vec<_>>());
    }
}
