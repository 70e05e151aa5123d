//! How long the ZRK's summary takes to compose and render: at the state's size and far beyond, with everybody missing.
//! Prints beside it how the time grows, and what is left of the two seconds that a summary may take.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fristd::domain::delivery::State;
use fristd::domain::ladder::Ladder;
use fristd::domain::letter::{History, compose};
use fristd::domain::past::Missed;
use fristd::domain::roster::AuthorityKind;
use fristd::domain::{
    Authority, AuthorityId, Contact, CycleFacts, Deadline, District, Mailbox, Month, NewNotice, NoticeKind, Owner,
    Receipt, ReceiptState, Revision, Roster, Rulebook, Said, View, standing::standing_now,
};
use fristd::mail::{Rendered, Templates};
use fristd::settings::{EXAMPLE_FILES, Source, load_with};

const SIZES: [usize; 3] = [86, 1_000, 10_000];
const MAILBOXES_EACH: usize = 2;
const DISPATCHES_EACH: u32 = 4; // three reminders and the notice after the deadline, as the shipped ladder has them
const SUMMARY_MAY_TAKE: Duration = Duration::from_secs(2); // what the issue asks for at ten thousand authorities
const ROUNDS: u32 = 10; // for the ratio; criterion's own figures stand beside it

/// A cycle after its deadline.
struct Cycle {
    rulebook: Rulebook,
    templates: Templates,
    roster: Roster,
    facts: CycleFacts,
    history: History,
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn id(number: usize) -> AuthorityId {
    Arc::from(format!("abh-{number:05}"))
}

fn cycle(authorities: usize) -> Cycle {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in EXAMPLE_FILES {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    let settings = load_with(&Source::Folder(folder.path().to_owned()), []).expect("the example is valid");
    let mailbox = |number: usize| Mailbox::parse(&format!("postfach{number}@land.example")).expect("an address");
    let list = (0..authorities).map(|number| Authority {
        id: id(number),
        name: format!("Ausländerbehörde der Stadt Nummer {number}"),
        kind: AuthorityKind::Abh,
        district: District::ALL[number % District::ALL.len()],
        ags: String::new(),
        valid_from: None,
        valid_to: None,
        reported_by: None,
    });
    let contacts = (0..authorities * MAILBOXES_EACH).map(|number| Contact {
        owner: Owner::Authority(id(number / MAILBOXES_EACH)),
        mailbox: mailbox(number),
        name: String::new(),
        valid_from: None,
        valid_to: None,
        calendar: false,
        instead_of: None,
    });
    let roster = Roster::new(list.collect(), settings.roster.offices().to_vec(), contacts.collect());
    let ends_on = "2026-12-15".parse().expect("a date");
    let deadline = Deadline { import_on: "2026-12-01".parse().expect("a date"), stated_on: ends_on, ends_on };
    let mut facts = CycleFacts::default();
    let revision = Revision { number: 1, deadline, reason: None, frozen_at: at("2026-12-01T08:00:00Z") };
    facts.dates.revisions.push(revision);
    let mut history = History { missed: Missed { known: 12, ..Missed::default() }, ..History::default() };
    for number in 0..authorities {
        let received_at = at("2026-12-10T10:00:00Z");
        let receipt = Receipt {
            authority: id(number),
            state: ReceiptState::Missing,
            source: "manual".into(),
            actor: "bench".into(),
            note: None,
            received_at,
            reported_at: received_at,
        };
        facts.standings.insert(id(number), standing_now([&receipt], received_at, settings.rulebook.zone));
        history.receipts.insert(id(number), vec![receipt]);
        history.missed.running.insert(id(number), number as u32 % 5);
        for step in 0..DISPATCHES_EACH {
            let due_at = at("2026-12-08T07:00:00Z") + TimeDelta::days(i64::from(step));
            facts.said.extend((0..MAILBOXES_EACH).map(|of_authority| Said {
                step: format!("reminder-{step}"),
                kind: NoticeKind::Reminder,
                revision: 1,
                mailbox: mailbox(number * MAILBOXES_EACH + of_authority),
                office: None,
                authorities: vec![id(number)],
                due_at,
                state: State::Accepted,
                accepted_at: Some(due_at),
                returned_at: None,
                was_uncertain: false,
                is_discarded: false,
            }));
        }
    }
    let templates = Templates::load(None).expect("shipped templates are good");
    Cycle { rulebook: settings.rulebook, templates, roster, facts, history }
}

/// The summary as it would be sent.
fn summary(cycle: &Cycle) -> Rendered {
    let flagged = HashSet::new();
    let now = at("2026-12-17T07:00:00Z");
    let view = View { rulebook: &cycle.rulebook, roster: &cycle.roster, flagged: &flagged, now };
    let duty = cycle.rulebook.duty("planning").expect("shipped");
    let month = Month::parse("2026-12").expect("a month");
    let ladder = Ladder::new(&cycle.rulebook, duty, month, &cycle.facts.dates, &cycle.facts.next_dates).expect("dates");
    let notice = NewNotice {
        month,
        duty: Some(duty.id.clone()),
        step: "summary+2".into(),
        kind: NoticeKind::Summary,
        revision: 1,
        mailbox: Mailbox::parse("zrk@zrk.example").expect("an address"),
        office: Some("zrk".into()),
        authorities: Vec::new(),
        due_at: now,
        hold: None,
    };
    let letter = compose(view, &ladder, &cycle.facts, &cycle.history, &notice);
    cycle.templates.render(&letter, "summary").expect("rendered")
}

fn summaries(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("summary, composed and rendered, everybody missing");
    group.sample_size(20).measurement_time(Duration::from_secs(5));
    let mut means: HashMap<usize, Duration> = HashMap::new();
    for size in SIZES {
        let cycle = cycle(size);
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(format!("{size} authorities")), |bench| {
            bench.iter(|| summary(&cycle));
        });
        let (mean, mail) = measured(&cycle);
        println!("{size} authorities: {mean:.1?}; text {} bytes, HTML {} bytes", mail.text.len(), mail.html.len());
        means.insert(size, mean);
    }
    group.finish();
    let [_, thousand, ten_thousand] = SIZES.map(|size| means[&size]);
    let growth = ten_thousand.as_secs_f64() / thousand.as_secs_f64();
    let share = ten_thousand.as_secs_f64() / SUMMARY_MAY_TAKE.as_secs_f64() * 100.0;
    println!(
        "ten times the authorities take {growth:.1} times as long; {share:.1} % of the {SUMMARY_MAY_TAKE:?} allowed"
    );
    assert!(ten_thousand < SUMMARY_MAY_TAKE, "a summary of 10,000 authorities takes {ten_thousand:?}");
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn measured(cycle: &Cycle) -> (Duration, Rendered) {
    let begun = Instant::now();
    let mut mail = summary(cycle);
    for _ in 1..ROUNDS {
        mail = summary(cycle);
    }
    (begun.elapsed() / ROUNDS, mail)
}

criterion_group!(benches, summaries);
criterion_main!(benches);
