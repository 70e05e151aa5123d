//! What is recorded, and what arrangements bring about tick by tick, on a real database with a clock that the test turns.

use std::path::Path;

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Europe::Berlin;
use fristd::daemon::Charter;
use fristd::daemon::recording::{RecordError, end_arrangement, record};
use fristd::daemon::take_list::{ListOrder, take_list};
use fristd::daemon::tick::{TickMemo, tick};
use fristd::domain::list_report::Fate;
use fristd::domain::request::{Asker, EndRequest, ReceiptRequest};
use fristd::domain::{Month, Receipt};
use fristd::settings::Source;
use fristd::store::{Durability, Store};

const ESSEN: &str = "abh-05113-essen";

struct Bench {
    charter: Charter,
    store: Store,
    memo: TickMemo,
    _folder: tempfile::TempDir,
}

fn at(local: &str) -> DateTime<Utc> {
    let local = NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M").expect("YYYY-MM-DD HH:MM");
    Berlin.from_local_datetime(&local).single().expect("a time that is there once").to_utc()
}

fn asker<'a>(source: &'a str, now: &str) -> Asker<'a> {
    Asker { source, actor: "person", now: at(now) }
}

fn request(month: &str, state: &str, until: Option<&str>) -> ReceiptRequest {
    ReceiptRequest {
        month: month.into(),
        duty: "statistics".into(),
        authority: ESSEN.into(),
        state: state.into(),
        until: until.map(str::to_owned),
        reason: until.map(|_| "keine Fälle".to_owned()),
        ..ReceiptRequest::default()
    }
}

impl Bench {
    /// A store of the small land that has ticked on 1 December 2026.
    async fn new() -> Self {
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/small");
        let charter = Charter::load(&Source::Folder(files), 1).expect("good settings");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let now = at("2026-12-01 00:00");
        let store = Store::open(&folder.path().join("f.sqlite"), Durability::Scratch, now).await.expect("a new store");
        let mut bench = Self { charter, store, memo: TickMemo::default(), _folder: folder };
        bench.tick("2026-12-01 00:00").await;
        bench
    }

    async fn tick(&mut self, now: &str) {
        tick(&self.store, &self.charter, &mut self.memo, at(now)).await.expect("a tick");
    }

    async fn record(&self, request: &ReceiptRequest, now: &str) {
        let mut tx = self.store.write().await.expect("a transaction");
        record(&mut tx, &self.charter.settings, request, asker("manual", now)).await.expect("recorded");
        tx.commit().await.expect("committed");
    }

    /// A whole list with one row. Says whether anything in it was new.
    async fn import(&self, request: &ReceiptRequest, now: &str) -> bool {
        let (until, reason) =
            (request.until.as_deref().unwrap_or_default(), request.reason.as_deref().unwrap_or_default());
        let list = format!(
            "authority;month;duty;state;until;reason\n{};{};{};{};{until};{reason}\n",
            request.authority, request.month, request.duty, request.state
        );
        let order =
            ListOrder { file_name: "liste.csv", bytes: list.as_bytes(), actor: "person", ..ListOrder::default() };
        let taken = take_list(&self.store, &self.charter, order, at(now)).await.expect("the store works");
        assert_eq!(taken.report.fate, Fate::Taken, "{:?}", taken.report);
        !taken.report.changes.is_empty()
    }

    async fn end(&self, now: &str) -> bool {
        let request = EndRequest {
            authority: ESSEN.into(),
            duty: "statistics".into(),
            from: None,
            reason: Some("wieder zuständig".into()),
        };
        let mut tx = self.store.write().await.expect("a transaction");
        let ended = end_arrangement(&mut tx, &self.charter.settings, &request, asker("manual", now)).await;
        tx.commit().await.expect("committed");
        ended.expect("a good request").is_some()
    }

    async fn receipts(&self, month: &str) -> Vec<Receipt> {
        let month = Month::parse(month).expect("a month");
        self.store.read().await.expect("a transaction").receipts_of(month, "statistics", ESSEN).await.expect("receipts")
    }

    /// `state source`, in order.
    async fn said(&self, month: &str) -> Vec<String> {
        let words = |receipt: &Receipt| format!("{} {}", receipt.state.as_str(), receipt.source);
        self.receipts(month).await.iter().map(words).collect()
    }
}

#[tokio::test]
async fn a_standing_nil_report_speaks_when_the_month_begins_and_the_ticks_short_cut_does_not_sleep_over_it() {
    let mut bench = Bench::new().await;
    bench.record(&request("2026-12", "nil", Some("2026-12-31")), "2026-12-03 10:00").await;
    assert_eq!(bench.said("2026-12").await, ["nil manual"], "at once");
    for quiet in ["2026-12-31 18:00", "2026-12-31 18:01", "2026-12-31 23:59"] {
        bench.tick(quiet).await;
    }
    assert!(bench.said("2027-01").await.is_empty(), "January has not begun");
    bench.tick("2027-01-01 00:00").await;
    let receipts = bench.receipts("2027-01").await;
    assert_eq!(bench.said("2027-01").await, ["nil arrangement"]);
    assert_eq!((receipts[0].actor.as_str(), receipts[0].why()), ("person", Some("keine Fälle")));
    assert_eq!(receipts[0].reported_at, at("2027-01-01 00:00"));
    for again in ["2027-01-01 00:00", "2027-01-01 00:01", "2026-12-31 12:00", "2027-01-05 09:00"] {
        bench.tick(again).await;
    }
    assert_eq!(bench.said("2027-01").await.len(), 1, "once, also by a clock that was set back");
    bench.tick("2027-02-01 00:00").await;
    assert!(bench.said("2027-02").await.is_empty(), "the report of February's cycle is about January");
}

#[tokio::test]
async fn after_a_standstill_open_cycles_are_caught_up_in_time_and_closed_ones_are_left_alone() {
    let mut bench = Bench::new().await;
    bench.record(&request("2026-12", "exempt", Some("further-notice")), "2026-12-03 10:00").await;
    bench.tick("2027-03-20 09:00").await;
    assert!(bench.said("2027-01").await.is_empty(), "January's cycle closed in February");
    assert!(bench.said("2027-02").await.is_empty(), "February's cycle closed in March");
    let receipts = bench.receipts("2027-03").await;
    assert_eq!((receipts[0].received_at, receipts[0].reported_at), (at("2027-03-20 09:00"), at("2027-03-01 00:00")));
    assert_eq!(bench.said("2026-12").await, ["exempt manual"]);
}

#[tokio::test]
async fn the_end_takes_back_what_the_arrangement_said_of_open_cycles_at_once() {
    let mut bench = Bench::new().await;
    bench.record(&request("2026-12", "nil", Some("2027-06-30")), "2026-12-03 10:00").await;
    bench.tick("2027-01-04 09:00").await;
    assert!(bench.end("2027-01-08 10:00").await);
    assert_eq!(bench.said("2026-12").await, ["nil manual"], "it was ended from January on");
    assert_eq!(bench.said("2027-01").await, ["nil arrangement", "missing arrangement"]);
    assert!(!bench.end("2027-01-08 10:01").await, "there is nothing to end any more");
    for later in ["2027-01-08 10:02", "2027-02-01 00:00"] {
        bench.tick(later).await;
    }
    assert_eq!(bench.said("2027-01").await.len(), 2);
    assert!(bench.said("2027-02").await.is_empty());
}

#[tokio::test]
async fn what_is_said_by_hand_stands_over_an_arrangement_also_after_its_end() {
    let mut bench = Bench::new().await;
    bench.record(&request("2026-12", "nil", Some("2027-06-30")), "2026-12-03 10:00").await;
    bench.record(&request("2026-12", "complete", None), "2026-12-04 10:00").await;
    bench.record(&request("2027-01", "missing", None), "2026-12-20 10:00").await;
    bench.tick("2027-01-04 09:00").await;
    assert_eq!(bench.said("2026-12").await, ["nil manual", "complete manual"]);
    assert_eq!(bench.said("2027-01").await, ["missing manual"]);
    assert!(bench.end("2027-01-08 10:00").await);
    assert_eq!(bench.said("2027-01").await, ["missing manual"]);
}

#[tokio::test]
async fn a_newer_arrangement_changes_what_the_older_one_said_of_open_cycles() {
    let mut bench = Bench::new().await;
    bench.record(&request("2026-12", "nil", Some("2027-06-30")), "2026-12-03 10:00").await;
    bench.tick("2027-01-04 09:00").await;
    bench.record(&request("2026-12", "exempt", Some("2027-06-30")), "2027-01-05 10:00").await;
    assert_eq!(bench.said("2026-12").await, ["nil manual", "exempt manual"]);
    assert_eq!(bench.said("2027-01").await, ["nil arrangement", "exempt arrangement"]);
}

#[tokio::test]
async fn a_list_speaks_of_an_arrangement_once_and_does_not_undo_its_end() {
    let mut bench = Bench::new().await;
    let row = |month| request(month, "nil", Some("2027-06-30"));
    assert!(bench.import(&row("2026-12"), "2026-12-03 10:00").await);
    assert!(!bench.import(&row("2026-12"), "2026-12-04 10:00").await, "the same list again");
    let blank = request("2027-01", "missing", None);
    bench.tick("2027-01-04 09:00").await;
    assert!(!bench.import(&blank, "2027-01-04 10:00").await, "a list that does not speak of it");
    assert_eq!(bench.said("2027-01").await, ["nil arrangement"]);
    assert!(bench.end("2027-01-08 10:00").await);
    bench.tick("2027-02-01 00:00").await;
    assert!(!bench.import(&row("2027-02"), "2027-02-02 10:00").await, "the same words, which a person has ended");
    assert!(bench.said("2027-02").await.is_empty());
    bench.tick("2027-03-01 00:00").await;
    assert!(bench.said("2027-03").await.is_empty(), "but it does not arrange again what a person has ended");
    assert!(bench.import(&request("2026-12", "missing", None), "2027-01-08 11:00").await, "it takes back its own word");
}

#[tokio::test]
async fn what_is_refused_stores_nothing() {
    let bench = Bench::new().await;
    let mut tx = bench.store.write().await.expect("a transaction");
    let refused = request("2026-12", "nil", Some("further-notice"));
    let answer = record(&mut tx, &bench.charter.settings, &refused, asker("manual", "2026-12-03 10:00")).await;
    assert!(matches!(answer, Err(RecordError::Request(_))), "{answer:?}");
    tx.commit().await.expect("committed");
    assert!(bench.said("2026-12").await.is_empty());
    assert!(bench.store.read().await.expect("a transaction").arrangements().await.expect("none").is_empty());
}
