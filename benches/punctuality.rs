//! How long punctuality over months takes: with loading from a real store, and the judging alone.

use std::time::Duration;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use fristd::daemon::{Charter, facts};
use fristd::domain::dates::end_of_day;
use fristd::domain::punctuality::punctuality;
use fristd::domain::{Deadline, Month, Receipt, ReceiptState, Revision, cycle};
use fristd::settings::{EXAMPLE_FILES, Source};
use fristd::store::{Durability, Store};
use tokio::runtime::Runtime;

const LAST: &str = "2026-10";
const NOW: &str = "2027-01-15T08:00:00Z"; // after the last cycle has closed
const DUTY: &str = "statistics";

/// The shipped example with its 86 authorities.
fn charter() -> Charter {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in EXAMPLE_FILES {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    Charter::load(&Source::Folder(folder.path().to_owned()), 1).expect("the example is valid")
}

fn now() -> DateTime<Utc> {
    NOW.parse().expect("an instant")
}

fn last() -> Month {
    Month::parse(LAST).expect("a month")
}

/// A store with so many months of both duties: a part first, then the whole, of some late and of one in nine nothing.
async fn filled_store(charter: &Charter, months: i32) -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("f.sqlite"), Durability::Scratch, now()).await.expect("a store");
    let rulebook = &charter.settings.rulebook;
    let mut tx = store.write().await.expect("a transaction");
    tx.set_first_cycle(last().plus(1 - months), now()).await.expect("set");
    for month in (0..months).map(|back| last().plus(-back)) {
        for duty in &rulebook.duties {
            let deadline: Deadline = cycle::deadline(rulebook, duty, month, None).expect("within the calendar");
            let end = end_of_day(rulebook.zone, deadline.ends_on);
            let revision = Revision { number: 1, deadline, reason: None, frozen_at: end - TimeDelta::days(20) };
            tx.freeze(month, &duty.id, &revision).await.expect("frozen");
            let mut receipts = Vec::new();
            for (number, authority) in charter.settings.roster.authorities().iter().enumerate() {
                let draw = number as u32 * 5 + month.first_day().month();
                if draw.is_multiple_of(9) {
                    continue;
                }
                let reported_at = end + TimeDelta::hours(i64::from(draw * 37 % 240) - 200);
                let receipt = |state, at| Receipt {
                    authority: authority.id.clone(),
                    state,
                    source: "file:liste".into(),
                    actor: "bench".into(),
                    note: None,
                    received_at: at,
                    reported_at: at,
                };
                let partial = ReceiptState::Partial { missing: vec!["returns".into()] };
                receipts.push(receipt(partial, reported_at - TimeDelta::hours(30)));
                receipts.push(receipt(ReceiptState::Complete, reported_at));
            }
            let rows: Vec<_> = receipts.iter().map(|receipt| (month, &*duty.id, receipt)).collect();
            tx.append_receipts(&rows).await.expect("appended");
        }
    }
    tx.commit().await.expect("committed");
    (store, folder)
}

fn over_months(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let charter = charter();
    let (rulebook, roster) = (&charter.settings.rulebook, &charter.settings.roster);
    let duty = rulebook.duty(DUTY).expect("the example has it");
    let mut group = criterion.benchmark_group("punctuality of 86 authorities");
    group.sample_size(20).measurement_time(Duration::from_secs(6));
    for months in [12, 120] {
        let (store, _folder) = runtime.block_on(filled_store(&charter, months));
        let range = (last().plus(1 - months), last());
        let load = || async {
            let mut tx = store.read().await.expect("a transaction");
            facts::known_months(&mut tx, rulebook, duty, range, now()).await.expect("loaded")
        };
        let known = runtime.block_on(load());
        let whole = || {
            let known = runtime.block_on(load());
            punctuality(range.0, &known, roster, now(), rulebook.zone)
        };
        assert_eq!(whole().months.len(), months as usize);
        assert!(whole().all.judged() == 86 * months as u32 && whole().all.in_time() > 0);
        print_ratio(months, &whole, &|| punctuality(range.0, &known, roster, now(), rulebook.zone));
        group.bench_function(BenchmarkId::new("loaded from a store and judged", format!("{months} months")), |bench| {
            bench.iter(whole);
        });
        group.bench_function(BenchmarkId::new("judged", format!("{months} months")), |bench| {
            bench.iter(|| punctuality(range.0, &known, roster, now(), rulebook.zone));
        });
    }
    group.finish();
}

/// Prints what the loading costs beside the judging in the same run, since a time alone says as much about the machine.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
fn print_ratio<T>(months: i32, whole: &dyn Fn() -> T, judged: &dyn Fn() -> T) {
    const ROUNDS: u32 = 20;
    // the shortest, since a machine that does other work makes every other one longer
    let time = |work: &dyn Fn() -> T| {
        let once = || {
            let begun = std::time::Instant::now();
            std::hint::black_box(work());
            begun.elapsed()
        };
        (0..ROUNDS).map(|_| once()).min().expect("at least one round")
    };
    let (whole, judged) = (time(whole), time(judged));
    let ratio = whole.as_secs_f64() / judged.as_secs_f64();
    println!(
        "\n{months} months of {DUTY}: {whole:?} with loading, {judged:?} judged alone (shortest of {ROUNDS}), ratio {ratio:.1}"
    );
}

criterion_group!(benches, over_months);
criterion_main!(benches);
