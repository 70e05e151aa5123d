//! How long a list of 100,000 rows takes: read alone, and taken whole into a durable store; beside it the bare CSV reader.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use fristd::daemon::Charter;
use fristd::daemon::take_list::{ListOrder, take_list};
use fristd::domain::list_report::Fate;
use fristd::domain::{Authority, District, Roster, roster::AuthorityKind};
use fristd::intake::{ReadOptions, read};
use fristd::settings::{EXAMPLE_FILES, Source, load_with};
use fristd::store::{Durability, Store};
use tokio::runtime::Runtime;

const AUTHORITIES: usize = 10_000;
const MONTHS: [&str; 10] =
    ["2026-03", "2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10", "2026-11", "2026-12"];

/// The shipped settings with ten thousand authorities.
fn charter() -> Charter {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in EXAMPLE_FILES {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    let mut settings = load_with(&Source::Folder(folder.path().to_owned()), []).expect("the example is valid");
    let list = (0..AUTHORITIES).map(|number| Authority {
        id: format!("abh-{number:05}").into(),
        name: format!("Stadt {number}"),
        kind: AuthorityKind::Abh,
        district: District::ALL[number % 5],
        ags: format!("{number:05}"),
        valid_from: None,
        valid_to: None,
        reported_by: None,
    });
    let offices = settings.roster.offices().to_vec();
    settings.roster = Roster::new(list.collect(), offices, vec![]);
    let templates = fristd::mail::Templates::load(None).expect("shipped templates are good");
    Charter { settings: Arc::new(settings), templates: Arc::new(templates), generation: 1 }
}

/// A row an authority and month: three figures in German form.
fn list() -> Vec<u8> {
    let mut text = "Behörde;Monatslauf;REAG/GARP;ohne Förderung;Rückführungen;Fehlanzeige\r\n".to_owned();
    for month in MONTHS {
        for number in 0..AUTHORITIES {
            text.push_str(&format!("Stadt {number};{month};1.234;0;{};nein\r\n", number % 97));
        }
    }
    text.into_bytes()
}

fn lists(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let (charter, bytes) = (charter(), list());
    let now: DateTime<Utc> = "2026-12-14T08:00:00Z".parse().expect("an instant");
    let mut group = criterion.benchmark_group("list of 100,000 rows");
    group.throughput(Throughput::Elements((AUTHORITIES * MONTHS.len()) as u64));
    group.sample_size(10).measurement_time(Duration::from_secs(20));
    group.bench_function("cells by the CSV reader alone", |bencher| {
        bencher.iter(|| {
            let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(&*bytes);
            reader.records().map(|record| record.expect("a record").len()).sum::<usize>()
        });
    });
    group.bench_function("read", |bencher| {
        let columns = &charter.settings.intake.columns;
        bencher.iter(|| read("list.csv", &bytes, columns, &ReadOptions::default()).expect("a list").rows.len());
    });
    let new_store = || {
        runtime.block_on(async {
            let folder = tempfile::tempdir().expect("a folder");
            let store = Store::open(&folder.path().join("f.sqlite"), Durability::Full, now).await.expect("a store");
            (store, folder)
        })
    };
    let take = |store: &Store| {
        let order = ListOrder { file_name: "list.csv", bytes: &bytes, actor: "bench", ..ListOrder::default() };
        let taken = runtime.block_on(take_list(store, &charter, order, now)).expect("the store works");
        assert_eq!(taken.report.fate, Fate::Taken, "{}", taken.report.in_words(chrono_tz::Europe::Berlin, 5));
        taken.report.changes.len()
    };
    group.bench_function("taken, durable", |bencher| {
        bencher.iter_batched(new_store, |(store, folder)| (take(&store), folder), BatchSize::PerIteration);
    });
    group.bench_function("taken again, nothing is new", |bencher| {
        let (store, _folder) = new_store();
        assert_eq!(take(&store), AUTHORITIES * MONTHS.len());
        bencher.iter(|| take(&store));
    });
    group.finish();
}

criterion_group!(benches, lists);
criterion_main!(benches);
