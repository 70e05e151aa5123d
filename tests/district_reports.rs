//! N7: a report or an all-clear for one district never holds a word of another, whatever the roster and the month are like.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use fristd::domain::delivery::State;
use fristd::domain::ladder::Ladder;
use fristd::domain::letter::{History, compose};
use fristd::domain::roster::{AuthorityKind, OfficeKind};
use fristd::domain::standing::{extended_to, standing_now};
use fristd::domain::{
    Authority, AuthorityId, Contact, CycleFacts, Deadline, District, Duty, Mailbox, Month, NewNotice, NoticeKind,
    Office, Owner, Receipt, ReceiptState, Revision, Roster, Rulebook, Said, View,
};
use fristd::mail::{Rendered, Templates};
use fristd::settings::{EXAMPLE_FILES, Source, load_with};
use proptest::prelude::*;
use proptest::sample::Index;

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| Templates::load(None).unwrap());

/// The shipped rules, under a letterhead that names no place.
static RULEBOOK: LazyLock<Rulebook> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in EXAMPLE_FILES {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mut rulebook = load_with(&Source::Folder(folder.path().to_owned()), []).unwrap().rulebook;
    rulebook.letterhead.signature = vec!["Die Koordination".into()];
    rulebook
});

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

// Names that stand neither in one another nor in any word of a letter: a letter that says of what, four digits, the letter again.
fn name_of(number: usize) -> String {
    format!("Behörde X{number:04}X")
}

fn id_of(number: usize) -> AuthorityId {
    format!("abh-q{number:04}q").into()
}

fn mailbox_of(number: usize) -> Mailbox {
    Mailbox::parse(&format!("j{number:04}j@land.example")).unwrap()
}

/// One authority of a generated roster, and its month.
#[derive(Clone, Debug)]
struct Drawn {
    district: Index,
    /// In which district it lay when the first report went out.
    district_before: Option<Index>,
    /// Shares the mailbox of another.
    shared: Option<Index>,
    is_flagged: bool,
    /// The last day on which it answered for itself, and who does now.
    merged: Option<(bool, Option<Index>)>,
    receipts: Vec<(u8, u16)>,
    was_reported: bool,
    dispatches: Vec<(u8, bool, bool)>,
    months_missed: u32,
    owes_more: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let index = || any::<Index>();
    let who = (index(), prop::option::weighted(0.2, index()), prop::option::weighted(0.2, index()));
    let how = (prop::bool::weighted(0.15), prop::option::weighted(0.3, (any::<bool>(), prop::option::of(index()))));
    let what = (prop::collection::vec((any::<u8>(), any::<u16>()), 0..4), prop::bool::weighted(0.7));
    let then = (prop::collection::vec(any::<(u8, bool, bool)>(), 0..4), 0..5_u32, any::<bool>());
    (who, how, what, then).prop_map(|(who, how, what, then)| Drawn {
        district: who.0,
        district_before: who.1,
        shared: who.2,
        is_flagged: how.0,
        merged: how.1,
        receipts: what.0,
        was_reported: what.1,
        dispatches: then.0,
        months_missed: then.1,
        owes_more: then.2,
    })
}

struct World {
    roster: Roster,
    flagged: HashSet<Mailbox>,
    facts: CycleFacts,
    history: History,
}

const NOW: &str = "2026-12-24T07:00:00Z";

fn receipts(number: usize, drawn: &[(u8, u16)], duty: &Duty) -> Vec<Receipt> {
    let reason = || "weil es so ist".to_owned();
    let mut receipts: Vec<Receipt> = drawn
        .iter()
        .map(|(kind, minutes)| {
            let received_at = at("2026-12-02T08:00:00Z") + TimeDelta::minutes(i64::from(*minutes) / 2);
            let state = match kind % 8 {
                0 | 1 => ReceiptState::Missing,
                2 => ReceiptState::Partial { missing: vec![duty.parts[0].id.clone()] },
                3 => ReceiptState::Complete,
                4 => ReceiptState::Nil,
                5 => ReceiptState::Excused { reason: reason() },
                6 => ReceiptState::Extended { until: day("2026-12-18"), reason: reason() },
                _ => ReceiptState::Extended { until: day("2027-01-08"), reason: reason() },
            };
            Receipt {
                authority: id_of(number),
                state,
                source: "manual".into(),
                actor: "test".into(),
                note: None,
                received_at,
                reported_at: received_at,
            }
        })
        .collect();
    receipts.sort_by_key(|receipt| receipt.received_at);
    receipts
}

fn world(drawn: &[Drawn], duty: &Duty) -> World {
    let district = |index: &Index| *index.get(&District::ALL);
    let mut authorities = Vec::new();
    let mut contacts = Vec::new();
    let mut facts = CycleFacts::default();
    let mut history = History::default();
    let mut flagged = HashSet::new();
    let mut reported: HashMap<District, Vec<AuthorityId>> = HashMap::new();
    for (number, one) in drawn.iter().enumerate() {
        let id = id_of(number);
        // only odd ones merge, and only into even ones: nobody who is reported for reports
        let merged = one.merged.as_ref().filter(|_| number % 2 == 1);
        let reporter = |into: &Index| id_of(into.index(drawn.len()) / 2 * 2);
        authorities.push(Authority {
            id: id.clone(),
            name: name_of(number),
            kind: AuthorityKind::Abh,
            district: district(&one.district),
            ags: String::new(),
            valid_from: None,
            valid_to: merged.map(|(is_over, _)| day(if *is_over { "2026-12-14" } else { "2026-12-31" })),
            reported_by: merged.and_then(|(_, into)| into.as_ref().map(reporter)),
        });
        let mailbox = mailbox_of(one.shared.map_or(number, |other| other.index(drawn.len())));
        if one.is_flagged {
            flagged.insert(mailbox.clone());
        }
        let contact = |owner, mailbox| Contact {
            owner,
            mailbox,
            name: format!("Person P{number:04}P"),
            valid_from: None,
            valid_to: None,
            calendar: false,
            instead_of: None,
        };
        contacts.push(contact(Owner::Authority(id.clone()), mailbox.clone()));
        let receipts = receipts(number, &one.receipts, duty);
        if !receipts.is_empty() {
            facts.standings.insert(id.clone(), standing_now(&receipts, at(NOW), RULEBOOK.zone));
            history.extended_to.extend(extended_to(&receipts).map(|until| (id.clone(), until)));
            history.receipts.insert(id.clone(), receipts);
        }
        history.missed.total.insert(id.clone(), one.months_missed);
        history.missed.running.insert(id.clone(), one.months_missed);
        if one.owes_more {
            history.also_missing.insert(id.clone(), vec!["APS-Planungsmodul Dezember 2026".into()]);
        }
        if one.was_reported {
            let then = one.district_before.as_ref().unwrap_or(&one.district);
            reported.entry(district(then)).or_default().push(id.clone());
        }
        for (step, is_delivered, came_back) in &one.dispatches {
            let due_at = at("2026-12-08T07:00:00Z") + TimeDelta::days(i64::from(step % 8));
            facts.said.push(Said {
                kind: if step % 2 == 0 { NoticeKind::Reminder } else { NoticeKind::Overdue },
                state: if *is_delivered { State::Accepted } else { State::Rejected },
                accepted_at: is_delivered.then_some(due_at),
                returned_at: came_back.then_some(due_at + TimeDelta::hours(1)),
                ..said(&format!("reminder-{step}"), mailbox.clone(), vec![id.clone()], due_at)
            });
        }
    }
    for (district, who) in reported {
        let office = Some(office_id(district));
        let due_at = at("2026-12-17T07:00:00Z");
        let mailbox = office_mailbox(district);
        facts.said.push(Said { kind: NoticeKind::Escalation, office, ..said("escalation+2", mailbox, who, due_at) });
    }
    let offices = District::ALL.map(|district| Office {
        id: office_id(district),
        name: office_name(district),
        kind: OfficeKind::Rrk(district),
    });
    let deadline = Deadline { import_on: day("2026-12-01"), stated_on: day("2026-12-15"), ends_on: day("2026-12-15") };
    let revision = Revision { number: 1, deadline, reason: None, frozen_at: at("2026-12-01T08:00:00Z") };
    facts.dates.revisions.push(revision);
    history.missed.known = 12;
    World { roster: Roster::new(authorities, offices.into(), contacts), flagged, facts, history }
}

fn said(step: &str, mailbox: Mailbox, authorities: Vec<AuthorityId>, due_at: DateTime<Utc>) -> Said {
    Said {
        step: step.into(),
        kind: NoticeKind::Reminder,
        revision: 1,
        mailbox,
        office: None,
        authorities,
        due_at,
        state: State::Accepted,
        accepted_at: Some(due_at),
        returned_at: None,
        was_uncertain: false,
        is_discarded: false,
    }
}

fn office_id(district: District) -> Arc<str> {
    format!("stelle-z{:04}z", district as usize).into()
}

fn office_name(district: District) -> String {
    format!("Stelle Z{:04}Z", district as usize)
}

fn office_mailbox(district: District) -> Mailbox {
    Mailbox::parse(&format!("z{:04}z@land.example", district as usize)).unwrap()
}

/// The whole mail of a kind to a district's office; the notice names authorities that another district's would, too.
fn mail(world: &World, duty: &Duty, kind: NoticeKind, district: District) -> Rendered {
    let now = at(NOW);
    let view = View { rulebook: &RULEBOOK, roster: &world.roster, flagged: &world.flagged, now };
    let month = Month::parse("2026-12").unwrap();
    let ladder = Ladder::new(&RULEBOOK, duty, month, &world.facts.dates, &world.facts.next_dates).unwrap();
    let notice = NewNotice {
        month,
        duty: Some(duty.id.clone()),
        step: if kind == NoticeKind::AllClear { "all-clear:escalation+2" } else { "escalation+7" }.into(),
        kind,
        revision: 1,
        mailbox: office_mailbox(district),
        office: Some(office_id(district)),
        authorities: world.roster.authorities().iter().map(|authority| authority.id.clone()).collect(),
        due_at: now,
        hold: None,
    };
    let letter = compose(view, &ladder, &world.facts, &world.history, &notice);
    TEMPLATES.render(&letter, kind.as_str()).unwrap()
}

/// All words that only another district's report may hold.
fn words_of_others(world: &World, district: District) -> Vec<String> {
    let mut words = Vec::new();
    for other in District::ALL.into_iter().filter(|other| *other != district) {
        words.extend([
            other.in_words().into(),
            other.as_str().into(),
            office_name(other),
            office_id(other).to_string(),
        ]);
        words.push(office_mailbox(other).to_string());
    }
    for (number, authority) in world.roster.authorities().iter().enumerate() {
        if authority.district != district {
            words.extend([authority.name.clone(), authority.id.to_string()]);
            words.extend([format!("P{number:04}P"), mailbox_of(number).to_string()]);
        }
    }
    words
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mail_for_one_district_never_holds_a_word_of_another(
        drawn in prop::collection::vec(drawn(), 1..30),
        is_planning in any::<bool>(),
    ) {
        let duty = RULEBOOK.duty(if is_planning { "planning" } else { "statistics" }).unwrap();
        let world = world(&drawn, duty);
        for district in District::ALL {
            let others = words_of_others(&world, district);
            for kind in [NoticeKind::Escalation, NoticeKind::AllClear] {
                let mail = mail(&world, duty, kind, district);
                for (part, text) in [("subject", &mail.subject), ("text", &mail.text), ("html", &mail.html)] {
                    prop_assert!(text.contains(district.in_words()), "{} names its district in its {}", kind, part);
                    for word in &others {
                        prop_assert!(!text.contains(word.as_str()), "{} to {:?}: {} in {}\n{}", kind, district, word, part, text);
                    }
                }
            }
        }
    }

    #[test]
    fn each_missing_authority_that_can_be_reached_is_named_to_its_own_district(
        drawn in prop::collection::vec(drawn(), 1..30),
    ) {
        let duty = RULEBOOK.duty("statistics").unwrap();
        let world = world(&drawn, duty);
        let mails: Vec<Rendered> =
            District::ALL.map(|district| mail(&world, duty, NoticeKind::Escalation, district)).into();
        for (number, authority) in world.roster.authorities().iter().enumerate() {
            let mailbox = mailbox_of(drawn[number].shared.map_or(number, |other| other.index(drawn.len())));
            let is_case = authority.owes_on(day("2026-12-15"))
                && !world.facts.is_settled(&authority.id)
                && !world.flagged.contains(&mailbox);
            let own = &mails[authority.district as usize];
            if is_case {
                prop_assert!(own.text.contains(&authority.name) && own.html.contains(&authority.name));
            }
        }
    }
}
