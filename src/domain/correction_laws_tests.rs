//! F5 as laws: dates move with and without reasons while mails are delivered in part; whoever was told is told what holds.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::super::ReceiptState::{Complete, Missing};
use super::super::delivery::State;
use super::super::duty::{DeadlineRule, OnFreeDay};
use super::super::letter::{History, compose};
use super::super::recheck::Verdict;
use super::super::test_support::{Cycle, at, day, mailbox, of_authority, receipt, roster_of};
use super::super::{Deadline, Mailbox, NewNotice, NoticeKind, Owner, ReceiptState, View};

const AUTHORITIES: [&str; 3] = ["k1", "k2", "d1"];
const MAILBOXES: [&str; 5] = ["k1", "k2", "d1", "k1-second", "shared"];

/// How an attempt to deliver ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Accepted,
    RefusedForNow,
    Broken,
    RefusedForGood,
    NotTried,
}

/// What happens between two ticks.
#[derive(Clone, Debug)]
enum Happening {
    Moves { day: u32, has_reason: bool },
    Delivery(Vec<Fate>),
    Reports(usize, ReceiptState),
    TurnsContact(usize),
    IsRetried(usize),
    IsDecided { is_release: bool },
}

fn happenings() -> impl Strategy<Value = Happening> {
    let fate = prop_oneof![
        5 => Just(Fate::Accepted),
        2 => Just(Fate::RefusedForNow),
        2 => Just(Fate::Broken),
        1 => Just(Fate::RefusedForGood),
        2 => Just(Fate::NotTried),
    ];
    prop_oneof![
        4 => (1..=9u32, any::<bool>()).prop_map(|(day, has_reason)| Happening::Moves { day, has_reason }),
        8 => prop::collection::vec(fate, 1..12).prop_map(Happening::Delivery),
        2 => (0..AUTHORITIES.len(), prop_oneof![3 => Just(Complete), 1 => Just(Missing)])
            .prop_map(|(index, state)| Happening::Reports(index, state)),
        1 => (0..MAILBOXES.len()).prop_map(Happening::TurnsContact),
        1 => (0..MAILBOXES.len()).prop_map(Happening::IsRetried),
        1 => any::<bool>().prop_map(|is_release| Happening::IsDecided { is_release }),
    ]
}

/// A mail that its reader has, or perhaps has.
#[derive(Clone, Debug)]
struct Told {
    mailbox: Mailbox,
    kind: NoticeKind,
    revision: u32,
    deadline: Deadline,
    is_certain: bool,
}

/// A month with what its readers know.
struct Played {
    cycle: Cycle,
    told: Vec<Told>,
    /// Uncertain for the second time: not sent by itself any more (M6).
    given_up: HashSet<(String, u32, Mailbox)>,
    absent: Vec<usize>,
}

impl Played {
    fn new(is_planning: bool) -> Self {
        let mut played = Self {
            cycle: Cycle::new(if is_planning { "planning" } else { "statistics" }, "2026-12"),
            told: Vec::new(),
            given_up: HashSet::new(),
            absent: Vec::new(),
        };
        played.set_roster();
        played
    }

    fn set_roster(&mut self) {
        let owners: [&[&str]; 5] = [&["k1"], &["k2"], &["d1"], &["k1"], &["k2", "d1"]];
        let present = MAILBOXES.iter().zip(owners).enumerate().filter(|(index, _)| !self.absent.contains(index));
        let contacts = present.flat_map(|(_, (name, owners))| owners.iter().map(move |id| of_authority(id, name)));
        self.cycle.roster = roster_of(contacts.collect());
    }

    fn moves(&mut self, number: usize, wanted: u32, has_reason: bool) {
        if self.cycle.duty == "planning" {
            self.cycle.entry().import_on = Some(day(&format!("2026-12-{wanted:02}")));
        } else {
            let deadline = DeadlineRule::DayOfMonth { day: 13 + wanted, on_free_day: OnFreeDay::Next };
            self.cycle.rulebook.duties[1].deadline = deadline;
        }
        self.cycle.entry().correction = has_reason.then(|| format!("Grund {number}"));
    }

    /// Does what the deliverer does, with replies as drawn; the last of them goes on for ever.
    fn deliver(&mut self, fates: &[Fate], now: DateTime<Utc>) -> Result<(), TestCaseError> {
        let mut order: Vec<usize> = (0..self.cycle.facts.said.len()).collect();
        order.sort_by_key(|index| self.cycle.facts.said[*index].kind != NoticeKind::Correction);
        for (turn, index) in order.into_iter().enumerate() {
            let said = self.cycle.facts.said[index].clone();
            let key = (said.step.clone(), said.revision, said.mailbox.clone());
            let waits = matches!(said.state, State::Queued | State::Retry | State::Uncertain);
            if !waits || self.given_up.contains(&key) {
                continue;
            }
            let fate = fates[turn.min(fates.len() - 1)];
            if fate == Fate::NotTried {
                continue;
            }
            let verdict = self.cycle.recheck(index, now);
            let Verdict::Send(authorities) = verdict else {
                let is_withdrawn = matches!(verdict, Verdict::Withdraw(_));
                let ended = if is_withdrawn { State::Withdrawn } else { State::Expired };
                self.given_up.insert(key); // uncertain for good, or ended
                self.cycle.facts.said[index].state = if said.was_uncertain { State::Uncertain } else { ended };
                if ended == State::Withdrawn && !said.was_uncertain {
                    self.given_up.remove(&(said.step, said.revision, said.mailbox));
                }
                continue;
            };
            let may_have_it = matches!(fate, Fate::Accepted | Fate::Broken);
            self.cycle.facts.said[index].authorities = authorities;
            if may_have_it {
                self.is_told(index, fate == Fate::Accepted, now)?;
            }
            let said = &mut self.cycle.facts.said[index];
            said.state = match fate {
                Fate::Accepted => State::Accepted,
                Fate::Broken => State::Uncertain,
                Fate::RefusedForGood => State::Rejected,
                _ => State::Retry,
            };
            match fate {
                Fate::Broken if said.was_uncertain => _ = self.given_up.insert(key),
                Fate::Broken => said.was_uncertain = true,
                Fate::Accepted => said.accepted_at = Some(now),
                Fate::RefusedForGood => _ = self.cycle.flagged.insert(said.mailbox.clone()),
                _ => {}
            }
        }
        Ok(())
    }

    /// What must hold of a mail that is just being handed over.
    fn is_told(&mut self, index: usize, is_certain: bool, now: DateTime<Utc>) -> Result<(), TestCaseError> {
        let said = &self.cycle.facts.said[index];
        let before: Vec<&Told> = self.told.iter().filter(|told| told.mailbox == said.mailbox).collect();
        let view =
            View { rulebook: &self.cycle.rulebook, roster: &self.cycle.roster, flagged: &self.cycle.flagged, now };
        let ladder = self.cycle.ladder();
        prop_assert_eq!(said.revision, ladder.revision, "an old date: {:?}", said);
        let is_same = |told: &&&Told| told.kind == said.kind && told.revision == said.revision;
        if said.kind == NoticeKind::Correction {
            let twice = before.iter().filter(is_same).any(|told| told.is_certain);
            prop_assert!(!twice, "corrected twice: {:?}", said);
            let announced = |told: &&&Told| told.revision == said.revision && told.kind == NoticeKind::Announcement;
            prop_assert!(before.iter().find(announced).is_none(), "announced and corrected: {:?}", said);
            let older = before.iter().rev().find(|told| told.revision < said.revision);
            prop_assert!(older.is_some(), "was never told another date: {:?}", said);
            let notice = NewNotice {
                month: self.cycle.month,
                duty: Some(self.cycle.duty.into()),
                step: said.step.clone(),
                kind: said.kind,
                revision: said.revision,
                mailbox: said.mailbox.clone(),
                office: said.office.clone(),
                authorities: said.authorities.clone(),
                due_at: said.due_at,
                hold: None,
            };
            let letter = compose(view, &ladder, &self.cycle.facts, &History::default(), &notice);
            let words = letter.matter.and_then(|matter| matter.correction).unwrap();
            let known = older.unwrap().deadline;
            prop_assert_eq!((words.stated_before, words.ended_before), (known.stated_on, known.ends_on));
            prop_assert!(!known.is_told_as(&ladder.deadline), "corrects to what is known: {:?}", said);
        }
        if said.kind == NoticeKind::Announcement {
            let is_first = before.iter().all(|told| told.revision == said.revision);
            prop_assert!(is_first, "announced to one who was told: {:?}", said);
        }
        let (mailbox, kind, revision) = (said.mailbox.clone(), said.kind, said.revision);
        self.told.push(Told { mailbox, kind, revision, deadline: ladder.deadline, is_certain });
        Ok(())
    }

    fn decide(&mut self, is_release: bool) {
        for said in self.cycle.facts.said.iter_mut().filter(|said| said.state == State::Held) {
            (said.state, said.is_discarded) =
                if is_release { (State::Queued, false) } else { (State::Withdrawn, true) };
        }
    }

    /// A person has the mails of a mailbox tried again, which takes its flag (`fristd outbox retry --to`).
    fn retry(&mut self, name: &str) {
        let mailbox = mailbox(name);
        self.cycle.flagged.remove(&mailbox);
        let rejected = |state| matches!(state, State::Rejected | State::Uncertain);
        for said in self.cycle.facts.said.iter_mut().filter(|said| said.mailbox == mailbox && rejected(said.state)) {
            said.state = State::Retry;
            self.given_up.remove(&(said.step.clone(), said.revision, said.mailbox.clone()));
        }
    }

    /// Whoever gets mail and has one that stated another date has had one that states the date in force since.
    fn everybody_knows(&self, now: DateTime<Utc>) -> Result<(), TestCaseError> {
        let (ladder, today) = (self.cycle.ladder(), now.date_naive());
        for told in &self.told {
            let mut contacts = self.cycle.roster.contacts_at(&told.mailbox, today);
            let gets_mail = contacts.any(|contact| match &contact.owner {
                Owner::Authority(id) => self.cycle.roster.owes(id, ladder.deadline.ends_on),
                Owner::Office(_) => true,
            });
            let is_discarded = self
                .cycle
                .facts
                .said
                .iter()
                .any(|said| said.mailbox == told.mailbox && said.revision == ladder.revision && said.is_discarded);
            if !gets_mail || is_discarded || self.cycle.flagged.contains(&told.mailbox) {
                continue;
            }
            let last = self.told.iter().rev().find(|other| other.mailbox == told.mailbox).unwrap();
            prop_assert!(last.deadline.is_told_as(&ladder.deadline), "knows another date: {:?}", last);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whoever_was_told_a_date_is_told_the_one_in_force_once(
        is_planning: bool,
        story in prop::collection::vec((happenings(), 0..30i64), 1..40),
    ) {
        let mut played = Played::new(is_planning);
        let mut now = at(if is_planning { "2026-12-01 09:00" } else { "2026-12-08 08:00" });
        played.cycle.tick(now);
        for (number, (happening, hours)) in story.into_iter().enumerate() {
            // the month is left open, so that nothing ends by its close
            now = (now + TimeDelta::hours(hours)).min(at("2027-01-08 12:00"));
            match happening {
                Happening::Moves { day, has_reason } => played.moves(number, day, has_reason),
                Happening::Delivery(fates) => played.deliver(&fates, now)?,
                Happening::Reports(index, state) => {
                    let receipt = receipt(AUTHORITIES[index], state, "2026-12-01 00:00");
                    let recorded = super::super::Receipt { received_at: now, reported_at: now, ..receipt };
                    played.cycle.receipts.push(recorded);
                }
                Happening::TurnsContact(index) => {
                    match played.absent.iter().position(|absent| *absent == index) {
                        Some(place) => _ = played.absent.remove(place),
                        None => played.absent.push(index),
                    }
                    played.set_roster();
                }
                Happening::IsRetried(index) => played.retry(MAILBOXES[index]),
                Happening::IsDecided { is_release } => played.decide(is_release),
            }
            played.cycle.tick(now);
        }
        for _ in 0..4 {
            played.decide(true);
            played.cycle.tick(now);
            played.deliver(&[Fate::Accepted], now)?;
        }
        played.everybody_knows(now)?;
    }
}
