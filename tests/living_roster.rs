//! A roster that lives, with a real store: months missed of those who owed, and foresight that writes nothing.

use std::path::Path;

use chrono::{DateTime, Utc};
use fristd::daemon::foresee::foresee;
use fristd::daemon::tick::{TickMemo, tick};
use fristd::daemon::{Charter, facts, taken};
use fristd::domain::ladder::{DateFacts, Ladder};
use fristd::domain::{Deadline, Month, Revision, cycle};
use fristd::settings::Source;
use fristd::store::{Durability, Store};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

/// The settings of the scenario in which Siegen merges into its Kreis on 1 January 2027.
fn merged() -> Charter {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/merged");
    Charter::load(&Source::Folder(folder), 1).expect("the settings are good")
}

async fn new_store(folder: &tempfile::TempDir, now: DateTime<Utc>) -> Store {
    Store::open(&folder.path().join("f.sqlite"), Durability::Scratch, now).await.expect("a new store")
}

#[tokio::test]
async fn months_missed_are_those_in_which_the_authority_owed() {
    let (charter, now) = (merged(), at("2027-03-20T09:00:00Z"));
    let (rulebook, roster) = (&charter.settings.rulebook, &charter.settings.roster);
    let duty = rulebook.duty("statistics").expect("the duty");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = new_store(&folder, at("2026-11-01T08:00:00Z")).await;
    let mut tx = store.write().await.expect("a transaction");
    let months = ["2026-11", "2026-12", "2027-01", "2027-02"].map(|text| Month::parse(text).expect("a month"));
    tx.set_first_cycle(months[0], now).await.expect("set");
    for month in months {
        let deadline: Deadline = cycle::deadline(rulebook, duty, month, None).expect("within the calendar");
        let revision = Revision { number: 1, deadline, reason: None, frozen_at: at("2026-11-01T08:00:00Z") };
        tx.freeze(month, "statistics", &revision).await.expect("frozen");
    }
    let untold = DateFacts::default();
    let march = Month::parse("2027-03").expect("a month");
    let ladder = Ladder::new(rulebook, duty, march, &untold, &untold).expect("within the calendar");
    let history = facts::history(&mut tx, rulebook, roster, &ladder, now).await.expect("counted");
    let missed = |id: &str| history.missed.total.get(id).copied();
    assert_eq!(history.missed.known, 4);
    assert_eq!(missed("abh-05970-kreis-siegen-wittgenstein"), Some(4));
    assert_eq!(missed("abh-05970040-siegen"), Some(2), "November and December, not January and February");
}

#[tokio::test]
async fn foresight_says_what_the_tick_then_does_and_writes_nothing() {
    let (charter, now) = (merged(), at("2026-12-01T08:00:00Z"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = new_store(&folder, now).await;
    let foreseen = foresee(&store, &charter, now).await.expect("foreseen");
    let queue: Vec<_> = foreseen.plans.iter().flat_map(|plan| plan.queue.clone()).collect();
    assert_eq!(queue.len(), 3, "the Kreis, Siegen and the RRK");
    assert!(foreseen.alerts.is_empty() && foreseen.withdrawn.is_empty());
    let mut tx = store.read().await.expect("a transaction");
    let service = tx.service().await.expect("read");
    assert_eq!((service.first_cycle, service.changes), (None, 0));
    assert!(tx.waiting_notices().await.expect("read").is_empty());
    assert_eq!(tx.log().await.expect("read").len(), 1, "nothing but that the store was made");
    drop(tx);
    tick(&store, &charter, &mut TickMemo::default(), now).await.expect("ticked");
    let mut tx = store.read().await.expect("a transaction");
    let mut waiting: Vec<_> =
        tx.waiting_notices().await.expect("read").into_iter().map(|waiting| waiting.notice).collect();
    drop(tx);
    waiting.sort_by(|one, two| one.mailbox.cmp(&two.mailbox));
    assert_eq!(waiting, queue);
    let foreseen = foresee(&store, &charter, now).await.expect("foreseen");
    assert!(foreseen.plans.iter().all(|plan| plan.queue.is_empty() && plan.freeze.is_none()));
}

#[tokio::test]
async fn a_roster_is_logged_when_it_differs_and_not_at_every_start() {
    let (charter, now) = (merged(), at("2026-12-01T08:00:00Z"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = new_store(&folder, now).await;
    for later in ["2026-12-01T08:00:00Z", "2026-12-02T08:00:00Z"] {
        taken::take(&store, &charter, at(later)).await.expect("taken");
    }
    let mut tx = store.read().await.expect("a transaction");
    let log = tx.log().await.expect("read");
    assert_eq!(log.iter().filter(|entry| entry.event == "roster taken").count(), 1);
    let taken = tx.taken_roster().await.expect("read").expect("taken");
    assert_eq!(taken.taken_at, at("2026-12-02T08:00:00Z"), "the instant is the newest all the same");
}
