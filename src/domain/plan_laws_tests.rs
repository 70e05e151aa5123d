//! N4, N5, N7 as laws: drawn rosters, standings and instants; no key twice, nobody settled, no foreign district.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::ReceiptState::{Complete, Missing, Nil};
use super::super::delivery::State;
use super::super::rulebook::CycleEntry;
use super::super::test_support::{
    Cycle, at, authority, day, extended, mailbox, of_authority, office_contacts, offices, partial, receipt,
};
use super::super::{District, NoticeKind, ReceiptState, Roster, Said};

const AUTHORITIES: usize = 8;
const MAILBOXES: usize = 6; // fewer than authorities, so that some serve several

/// What happens between two ticks.
#[derive(Clone, Debug)]
enum Happening {
    Reports(usize, ReceiptState),
    Rejects(usize),
    TakesMailAgain(usize),
    Delivery,
    LosesContact(usize),
    Correction(u32),
    ClockSetBack(i64),
}

fn happenings() -> impl Strategy<Value = Happening> {
    let state = prop_oneof![
        3 => Just(Complete),
        1 => Just(Nil),
        2 => Just(Missing),
        1 => Just(partial(&["returns"])),
        1 => (14..30u32).prop_map(|day| extended(&format!("2026-12-{day:02}"))),
    ];
    prop_oneof![
        8 => (0..AUTHORITIES, state).prop_map(|(authority, state)| Happening::Reports(authority, state)),
        1 => (0..MAILBOXES).prop_map(Happening::Rejects),
        1 => (0..MAILBOXES).prop_map(Happening::TakesMailAgain),
        6 => Just(Happening::Delivery),
        1 => (0..MAILBOXES).prop_map(Happening::LosesContact),
        1 => (1..12u32).prop_map(Happening::Correction),
        1 => (1..200i64).prop_map(Happening::ClockSetBack),
    ]
}

/// `(district of each authority, mailboxes of each)`.
type Drawn = (Vec<Index>, Vec<Vec<usize>>);

fn rosters() -> impl Strategy<Value = Drawn> {
    let mailboxes = prop::collection::vec(prop::collection::vec(0..MAILBOXES, 0..3), AUTHORITIES);
    (prop::collection::vec(any::<Index>(), AUTHORITIES), mailboxes)
}

fn roster((districts, mailboxes): &Drawn, lost: &[usize]) -> Roster {
    let authorities =
        districts.iter().enumerate().map(|(index, drawn)| authority(&format!("a{index}"), *drawn.get(&District::ALL)));
    let mut contacts = office_contacts();
    for (index, served) in mailboxes.iter().enumerate() {
        let mut served = served.clone();
        served.sort_unstable();
        served.dedup();
        let kept = served.iter().filter(|number| !lost.contains(number));
        contacts.extend(kept.map(|number| of_authority(&format!("a{index}"), &format!("m{number}"))));
    }
    Roster::new(authorities.collect(), offices(), contacts)
}

/// Every promise that holds of whatever is said, at the instant of a tick.
fn promises(cycle: &mut Cycle, now: DateTime<Utc>) -> Result<(), TestCaseError> {
    let plan = cycle.plan(now);
    let (facts, roster) = (&cycle.facts, &cycle.roster);
    for new in &plan.queue {
        let key = (&new.step, new.revision, &new.mailbox);
        let same = plan.queue.iter().filter(|other| (&other.step, other.revision, &other.mailbox) == key).count();
        prop_assert_eq!(same, 1, "one key twice in a tick: {:?}", new);
        let is_same = |said: &&Said| (&said.step, said.revision, &said.mailbox) == key;
        let is_said = facts.said.iter().filter(is_same).any(|said| said.state != State::Withdrawn);
        prop_assert!(!is_said, "said before: {:?}", new);
        prop_assert!(!cycle.flagged.contains(&new.mailbox), "rejected: {:?}", new);
        if new.kind.is_about_missing() {
            prop_assert!(!new.authorities.is_empty(), "about nobody: {:?}", new);
            for id in &new.authorities {
                prop_assert!(!facts.is_settled(id), "{} is settled: {:?}", id, new);
            }
        }
        if matches!(new.kind, NoticeKind::Escalation | NoticeKind::AllClear) {
            let office = new.office.as_ref().unwrap();
            for id in &new.authorities {
                let district = roster.authority(id).unwrap().district;
                prop_assert_eq!(&**office, &format!("rrk-{}", district.as_str()), "foreign district: {:?}", new);
                let is_reachable = super::super::escalation::is_reachable(
                    roster,
                    &cycle.flagged,
                    id,
                    super::super::dates::local_date(now, cycle.rulebook.zone),
                );
                prop_assert!(new.kind == NoticeKind::AllClear || is_reachable, "{} is unreachable", id);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_a_month_goes_no_key_comes_twice_and_nobody_settled_is_addressed(
        drawn in rosters(),
        is_planning: bool,
        story in prop::collection::vec((happenings(), 0..60i64), 1..40),
    ) {
        let mut cycle = Cycle::new(if is_planning { "planning" } else { "statistics" }, "2026-12");
        let mut lost = Vec::new();
        let mut now = at("2026-12-01 00:00");
        cycle.roster = roster(&drawn, &lost);
        for (number, (happening, hours)) in story.into_iter().enumerate() {
            now += TimeDelta::hours(hours);
            match happening {
                Happening::Reports(index, state) => {
                    let receipt = receipt(&format!("a{index}"), state, "2026-12-01 00:00");
                    cycle.receipts.push(super::super::Receipt { received_at: now, reported_at: now, ..receipt });
                }
                Happening::Rejects(number) => {
                    let rejecting = mailbox(&format!("m{number}"));
                    cycle.facts.said.iter_mut().filter(|said| said.mailbox == rejecting).for_each(|said| {
                        if said.state == State::Queued {
                            said.state = State::Rejected;
                        }
                    });
                    cycle.flagged.insert(rejecting);
                }
                Happening::TakesMailAgain(number) => {
                    cycle.flagged.remove(&mailbox(&format!("m{number}")));
                }
                Happening::Delivery => {
                    let was_queued: Vec<Said> =
                        cycle.facts.said.iter().filter(|said| said.state == State::Queued).cloned().collect();
                    let sent = cycle.deliver(now);
                    // what is withdrawn at an instant is not called for at the same instant: the two never play ball.
                    // What was withdrawn earlier may be: an extension has run out since.
                    let replanned = cycle.plan(now).queue;
                    let key = |said: &Said| (said.step.clone(), said.revision, said.mailbox.clone());
                    let withdrawn = cycle.facts.said.iter().filter(|said| {
                        said.state == State::Withdrawn && was_queued.iter().any(|queued| key(queued) == key(said))
                    });
                    for said in withdrawn {
                        let comes_back = replanned
                            .iter()
                            .any(|new| (new.step.clone(), new.revision, new.mailbox.clone()) == key(said));
                        prop_assert!(!comes_back, "withdrawn and queued in one breath: {:?}", said);
                    }
                    let said = cycle.facts.said.iter().filter(|said| said.accepted_at == Some(now));
                    for said in said.filter(|said| said.kind.is_about_missing()) {
                        for id in &said.authorities {
                            prop_assert!(!cycle.facts.is_settled(id), "sent about the settled {}: {:?}", id, sent);
                        }
                    }
                }
                Happening::LosesContact(number) => {
                    lost.push(number);
                    cycle.roster = roster(&drawn, &lost);
                }
                Happening::Correction(days) => {
                    let import_on = Some(day(&format!("2026-12-{days:02}")));
                    let correction = Some(format!("Grund {number}"));
                    *cycle.entry() = CycleEntry { import_on, correction, ..CycleEntry::default() };
                }
                Happening::ClockSetBack(minutes) => now -= TimeDelta::minutes(minutes),
            }
            promises(&mut cycle, now)?;
            cycle.tick(now);
            let again = cycle.tick(now);
            prop_assert!(again.queue.is_empty(), "its own output does not still it: {:?}", again.queue);
            prop_assert!(again.record.is_empty() && again.freeze.is_none());
        }
    }

    #[test]
    fn a_reminder_names_exactly_the_missing_that_its_mailbox_serves(
        drawn in rosters(), settled in prop::collection::vec(any::<bool>(), AUTHORITIES),
    ) {
        let mut cycle = Cycle::new("statistics", "2026-12");
        cycle.roster = roster(&drawn, &[]);
        for (index, _) in settled.iter().enumerate().filter(|(_, settled)| **settled) {
            cycle.report(&format!("a{index}"), Complete, "2026-12-04 10:00");
        }
        let mut found: Vec<(String, Vec<String>)> = cycle
            .plan(at("2026-12-08 08:00"))
            .queue
            .into_iter()
            .map(|new| (new.mailbox.to_string(), new.authorities.iter().map(|id| id.to_string()).collect()))
            .collect();
        found.sort();
        let mut want = Vec::new();
        for number in 0..MAILBOXES {
            let missing: Vec<String> = (0..AUTHORITIES)
                .filter(|index| drawn.1[*index].contains(&number) && !settled[*index])
                .map(|index| format!("a{index}"))
                .collect();
            if !missing.is_empty() {
                want.push((mailbox(&format!("m{number}")).to_string(), missing));
            }
        }
        prop_assert_eq!(found, want);
    }
}
