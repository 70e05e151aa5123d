//! Laws of a roster that lives, over drawn rosters: nobody who does not owe is addressed, and everybody who must hear hears.

use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;
use proptest::sample::Index;

use super::ReceiptState::{Complete, Missing};
use super::delivery::State;
use super::roster::InsteadOf;
use super::rulebook::CycleEntry;
use super::test_support::{Cycle, at, authority, day, mailbox, of_authority, office_contacts, offices, receipt};
use super::*;

const AUTHORITIES: usize = 6;
const MAILBOXES: usize = 7; // hardly more than authorities, so that some serve several

/// An authority as drawn: district, first and last day, and who reports for it. Days count from 1 December 2026.
#[derive(Clone, Debug)]
struct DrawnAuthority {
    district: Index,
    from: Option<i64>,
    to: Option<i64>,
    reporter: Option<usize>,
}

/// A contact as drawn: owner, mailbox, first and last day, and for which mailbox it stands in (`MAILBOXES`: for all).
#[derive(Clone, Debug)]
struct DrawnContact {
    owner: usize,
    mailbox: usize,
    from: Option<i64>,
    to: Option<i64>,
    instead_of: Option<usize>,
}

fn authorities() -> impl Strategy<Value = Vec<DrawnAuthority>> {
    let bound = || prop::option::weighted(0.3, -5..40i64);
    let one = (any::<Index>(), bound(), bound(), prop::option::weighted(0.3, 0..AUTHORITIES));
    let one = one.prop_map(|(district, from, to, reporter)| DrawnAuthority { district, from, to, reporter });
    prop::collection::vec(one, AUTHORITIES)
}

fn contacts() -> impl Strategy<Value = Vec<DrawnContact>> {
    let bound = || prop::option::weighted(0.4, -5..40i64);
    let instead_of = prop::option::weighted(0.3, 0..=MAILBOXES);
    let one = (0..AUTHORITIES, 0..MAILBOXES, bound(), bound(), instead_of);
    let one =
        one.prop_map(|(owner, mailbox, from, to, instead_of)| DrawnContact { owner, mailbox, from, to, instead_of });
    prop::collection::vec(one, 0..18)
}

fn date(days: i64) -> NaiveDate {
    day("2026-12-01") + TimeDelta::days(days)
}

fn roster(authorities: &[DrawnAuthority], contacts: &[DrawnContact]) -> Roster {
    let list = authorities.iter().enumerate().map(|(index, drawn)| Authority {
        valid_from: drawn.from.map(date),
        valid_to: drawn.to.map(date),
        reported_by: drawn.reporter.map(|reporter| format!("a{reporter}").into()),
        ..authority(&format!("a{index}"), *drawn.district.get(&District::ALL))
    });
    let name = |number: usize| format!("m{number}");
    let of_users = contacts.iter().map(|drawn| Contact {
        valid_from: drawn.from.map(date),
        valid_to: drawn.to.map(date),
        instead_of: drawn.instead_of.map(|number| match number {
            MAILBOXES => InsteadOf::All,
            number => InsteadOf::Mailbox(mailbox(&name(number))),
        }),
        ..of_authority(&format!("a{}", drawn.owner), &name(drawn.mailbox))
    });
    Roster::new(list.collect(), offices(), of_users.chain(office_contacts()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_who_does_not_owe_is_addressed_and_every_owing_missing_one_that_mail_can_reach_is(
        drawn in authorities(),
        rows in contacts(),
        is_planning: bool,
        reports in prop::collection::vec((0..AUTHORITIES, any::<bool>(), 0..45 * 24i64), 0..12),
        correction in prop::option::weighted(0.4, (1..12u32, 0..20 * 24i64)),
        hours in prop::collection::vec(1..60i64, 1..24),
    ) {
        let mut cycle = Cycle::new(if is_planning { "planning" } else { "statistics" }, "2026-12");
        cycle.roster = roster(&drawn, &rows);
        let start = at("2026-12-01 00:00");
        let mut now = start;
        for pause in hours {
            now += TimeDelta::hours(pause);
            if let Some((day_of_month, _)) = correction.filter(|(_, hour)| start + TimeDelta::hours(*hour) <= now) {
                let import_on = Some(day(&format!("2026-12-{day_of_month:02}")));
                *cycle.entry() = CycleEntry { import_on, correction: Some("x".into()), ..CycleEntry::default() };
            }
            cycle.receipts = reports
                .iter()
                .filter(|(_, _, hour)| start + TimeDelta::hours(*hour) <= now)
                .map(|(index, is_there, _)| {
                    receipt(&format!("a{index}"), if *is_there { Complete } else { Missing }, "2026-12-01 00:00")
                })
                .collect();
            let plan = cycle.tick(now);
            let ends_on = cycle.ladder().deadline.ends_on;
            let owes = |id: &AuthorityId| cycle.roster.owes(id, ends_on);
            for new in &plan.queue {
                prop_assert!(new.office.is_some() || !new.authorities.is_empty(), "about nobody: {:?}", new);
                prop_assert!(new.authorities.iter().all(owes), "{}: {:?}", ends_on, new);
            }
            let today = dates::local_date(now, cycle.rulebook.zone);
            // what the deliverer makes of it: nothing of the new ones is withdrawn in the same breath
            let is_new = |said: &Said| plan.queue.iter().any(|new| {
                (&new.step, new.revision, &new.mailbox) == (&said.step, said.revision, &said.mailbox)
            });
            cycle.deliver(now);
            for said in &cycle.facts.said {
                prop_assert!(!is_new(said) || said.state == State::Accepted || said.state == State::Held, "{:?}", said);
                if said.accepted_at == Some(now) {
                    let ids = said.authorities.iter();
                    prop_assert!(ids.clone().all(|id| cycle.roster.owes(id, ends_on)), "{}: {:?}", ends_on, said);
                    for id in ids.filter(|_| said.office.is_none()) {
                        let owner = Owner::Authority(id.clone());
                        let mut receiving = cycle.roster.contacts_of(&owner, today);
                        prop_assert!(receiving.any(|contact| contact.mailbox == said.mailbox), "{}: {:?}", today, said);
                    }
                }
            }
            prop_assert!(cycle.tick(now).queue.is_empty(), "its own output stills it");
            let ladder = cycle.ladder();
            let live = ladder.rungs.iter().find(|rung| rung.step.kind == NoticeKind::Reminder && rung.is_live(now));
            for one in cycle.roster.owing(ends_on).filter(|one| !cycle.facts.is_settled(&one.id)) {
                let owner = Owner::Authority(one.id.clone());
                let has_contact = cycle.roster.contacts().iter().any(|row| row.owner == owner && row.is_valid_on(today));
                let Some(rung) = live.filter(|_| has_contact) else { continue };
                let mailboxes: Vec<&Mailbox> =
                    cycle.roster.contacts_of(&owner, today).map(|contact| &contact.mailbox).collect();
                prop_assert!(!mailboxes.is_empty(), "a valid contact and nobody gets its mail: {} {}", one.id, today);
                for mailbox in mailboxes {
                    let is_told = |said: &&Said| said.step == rung.step.id && said.revision == ladder.revision;
                    let told = cycle.facts.said.iter().filter(is_told).any(|said| said.mailbox == *mailbox);
                    prop_assert!(told, "{} {}: {} heard nothing of {}", today, rung.step.id, mailbox, one.id);
                }
            }
        }
    }
}
