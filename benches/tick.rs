//! How long a tick takes: with nothing due at several sizes and ages of a store, and with a full announcement to queue.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fristd::daemon::Charter;
use fristd::daemon::tick::{TickMemo, tick};
use fristd::domain::{
    Authority, Contact, Deadline, District, Mailbox, Month, Owner, Receipt, ReceiptState, Revision, Roster,
    roster::AuthorityKind,
};
use fristd::settings::{EXAMPLE_FILES, Source, load_with};
use fristd::store::{Durability, Store};
use tokio::runtime::Runtime;

const MAILBOXES_EACH: usize = 2;

/// The shipped settings with so many authorities of two mailboxes each.
fn charter(authorities: usize) -> Charter {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in EXAMPLE_FILES {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    let mut settings = load_with(&Source::Folder(folder.path().to_owned()), []).expect("the example is valid");
    let id = |number: usize| -> Arc<str> { format!("abh-{number:05}").into() };
    let list = (0..authorities).map(|number| Authority {
        id: id(number),
        name: format!("Stadt {number}"),
        kind: AuthorityKind::Abh,
        district: District::ALL[number % 5],
        ags: format!("{number:05}"),
        valid_from: None,
        valid_to: None,
        reported_by: None,
    });
    let contacts = (0..authorities * MAILBOXES_EACH).map(|number| Contact {
        owner: Owner::Authority(id(number / MAILBOXES_EACH)),
        mailbox: Mailbox::parse(&format!("postfach{number}@land.example")).expect("an address"),
        name: "Postfach".to_owned(),
        valid_from: None,
        valid_to: None,
        calendar: false,
        instead_of: None,
    });
    let offices = settings.roster.offices().to_vec();
    settings.roster = Roster::new(list.collect(), offices, contacts.collect());
    settings.rulebook.notices_a_tick_max = usize::MAX;
    let templates = fristd::mail::Templates::load(None).expect("shipped templates are good");
    Charter { settings: Arc::new(settings), templates: Arc::new(templates), generation: 1 }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

async fn new_store(durability: Durability) -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let store =
        Store::open(&folder.path().join("f.sqlite"), durability, at("2026-12-01T07:00:00Z")).await.expect("a store");
    (store, folder)
}

/// A store in which everybody has reported this month, and in so many months before.
async fn aged_store(charter: &Charter, past_cycles: i32) -> (Store, tempfile::TempDir) {
    let (store, folder) = new_store(Durability::Scratch).await;
    let now = at("2026-12-01T08:00:00Z");
    let this_month = Month::parse("2026-12").expect("a month");
    let day = now.date_naive();
    let mut tx = store.write().await.expect("a transaction");
    tx.set_first_cycle(this_month.plus(-past_cycles), now).await.expect("set");
    for duty in &charter.settings.rulebook.duties {
        tx.set_duty_start(&duty.id, this_month.plus(-past_cycles), now).await.expect("set");
    }
    for month in (0..=past_cycles).map(|back| this_month.plus(-back)) {
        for duty in ["planning", "statistics"] {
            let deadline =
                Deadline { import_on: month.first_day(), stated_on: month.first_day(), ends_on: month.first_day() };
            if month != this_month {
                let revision = Revision { number: 1, deadline, reason: None, frozen_at: now };
                tx.freeze(month, duty, &revision).await.expect("frozen");
            }
            // one in ten of the past suffices to fill the tables; this month everybody
            let every = if month == this_month { 1 } else { 10 };
            for authority in charter.settings.roster.authorities().iter().step_by(every) {
                let receipt = Receipt {
                    authority: authority.id.clone(),
                    state: ReceiptState::Complete,
                    source: "manual".into(),
                    actor: "bench".into(),
                    note: None,
                    received_at: now,
                    reported_at: day.and_hms_opt(6, 0, 0).expect("a time").and_utc(),
                };
                tx.append_receipt(month, duty, &receipt).await.expect("appended");
            }
        }
    }
    tx.commit().await.expect("committed");
    (store, folder)
}

fn nothing_due(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("tick with nothing due");
    for (authorities, past_cycles) in [(86, 1), (86, 120), (10_000, 1)] {
        let charter = charter(authorities);
        let (store, _folder) = runtime.block_on(aged_store(&charter, past_cycles));
        let now = at("2026-12-09T10:00:00Z");
        let mut memo = TickMemo::default();
        // what is live on that day is planned once, so that nothing is due afterwards
        for _ in 0..3 {
            runtime.block_on(tick(&store, &charter, &mut memo, now)).expect("a tick");
        }
        let name = format!("{authorities} authorities, {past_cycles} past cycles");
        let mut seconds = 0;
        group.bench_function(BenchmarkId::new("as it runs", &name), |bench| {
            bench.iter(|| {
                seconds += 1;
                let now = now + TimeDelta::milliseconds(seconds);
                let events = runtime.block_on(tick(&store, &charter, &mut memo, now)).expect("a tick");
                assert!(events.is_empty());
            });
        });
        group.bench_function(BenchmarkId::new("looking at everything", &name), |bench| {
            bench.iter(|| {
                let events = runtime.block_on(tick(&store, &charter, &mut TickMemo::default(), now)).expect("a tick");
                assert!(events.is_empty());
            });
        });
    }
    group.finish();
}

fn announcement(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("plan and queue an announcement, durable");
    group.sample_size(10).measurement_time(Duration::from_secs(8));
    for authorities in [86, 1_000, 10_000] {
        let charter = charter(authorities);
        group.throughput(Throughput::Elements((authorities * MAILBOXES_EACH) as u64));
        group.bench_function(BenchmarkId::from_parameter(format!("{authorities} authorities")), |bench| {
            bench.iter_batched(
                || runtime.block_on(new_store(Durability::Full)),
                |(store, folder)| {
                    let now = at("2026-12-01T08:00:00Z");
                    runtime.block_on(tick(&store, &charter, &mut TickMemo::default(), now)).expect("a tick");
                    (store, folder)
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// Ten thousand authorities, every second of which has not reported: their reminders are planned and queued.
fn half_missing(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let charter = charter(10_000);
    let mut group =
        criterion.benchmark_group("plan and queue reminders of 10,000 authorities, half of them missing, durable");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    group.bench_function("one tick", |bench| {
        bench.iter_batched(
            || {
                runtime.block_on(async {
                    let (store, folder) = new_store(Durability::Full).await;
                    let announced_at = at("2026-12-01T08:00:00Z");
                    tick(&store, &charter, &mut TickMemo::default(), announced_at).await.expect("a tick");
                    let receipts: Vec<Receipt> =
                        charter.settings.roster.authorities().iter().step_by(2).map(|one| complete(&one.id)).collect();
                    let month = Month::parse("2026-12").expect("a month");
                    let rows: Vec<_> = ["planning", "statistics"]
                        .iter()
                        .flat_map(|duty| receipts.iter().map(move |receipt| (month, *duty, receipt)))
                        .collect();
                    let mut tx = store.write().await.expect("a transaction");
                    tx.append_receipts(&rows).await.expect("appended");
                    tx.commit().await.expect("committed");
                    (store, folder)
                })
            },
            |(store, folder)| {
                let now = at("2026-12-08T07:30:00Z");
                runtime.block_on(tick(&store, &charter, &mut TickMemo::default(), now)).expect("a tick");
                (store, folder)
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn complete(authority: &Arc<str>) -> Receipt {
    Receipt {
        authority: authority.clone(),
        state: ReceiptState::Complete,
        source: "manual".into(),
        actor: "bench".into(),
        note: None,
        received_at: at("2026-12-04T10:00:00Z"),
        reported_at: at("2026-12-04T10:00:00Z"),
    }
}

criterion_group!(benches, nothing_due, announcement, half_missing);
criterion_main!(benches);
