//! What the store promises, on a real database of each engine.

mod support;

use std::collections::HashSet;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use fristd::domain::arrangement::ArrangementKind;
use fristd::domain::delivery::{Outcome, State};
use fristd::domain::outline::Outline;
use fristd::domain::plan::StepRecord;
use fristd::domain::roster::{AuthorityKind, InsteadOf, OfficeKind};
use fristd::domain::{
    Alert, Arrangement, Authority, Contact, Deadline, District, ImportSignal, Mailbox, Month, NewNotice, NoticeKind,
    Office, Owner, Receipt, ReceiptState, Revision, Roster,
};
use fristd::store::{
    ClaimedNotice, Database, Delivery, Durability, HandedOver, OutboxFilter, RunLock, StaleClaims, Store, StoreError,
    notice_id,
};
use rstest::rstest;
use support::postgres::new_database;

/// Which engine a case runs on.
#[derive(Clone, Copy, Debug)]
enum On {
    Sqlite,
    Postgres,
}

struct Bench {
    store: Store,
    folder: tempfile::TempDir,
    now: DateTime<Utc>,
}

impl Bench {
    async fn new(engine: On) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let now = "2026-12-01T08:00:00Z".parse().expect("an instant");
        let database = match engine {
            On::Sqlite => Database::File(folder.path().join("f.sqlite")),
            On::Postgres => Database::Server { url: new_database(), password: None },
        };
        let store = Store::open(database, Durability::Full, now).await.expect("a new store");
        Self { store, folder, now }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("f.sqlite")
    }

    async fn queue(&self, notices: &[NewNotice]) -> u64 {
        let mut tx = self.store.write().await.expect("a transaction");
        let added = tx.queue_notices(notices, self.now).await.expect("queued");
        tx.commit().await.expect("committed");
        added
    }

    async fn claim(&self, now: DateTime<Utc>) -> Vec<ClaimedNotice> {
        let mut tx = self.store.write().await.expect("a transaction");
        let due = tx.due_notices(now, 100).await.expect("due");
        tx.claim(&due, now).await.expect("claimed");
        tx.commit().await.expect("committed");
        due
    }

    /// Whether the reply was recorded.
    async fn reply(&self, claimed: &ClaimedNotice, outcome: Outcome, now: DateTime<Utc>) -> Result<bool, StoreError> {
        self.reply_to(claimed, outcome, true, now).await
    }

    async fn reply_to(
        &self,
        claimed: &ClaimedNotice,
        outcome: Outcome,
        hand_over: bool,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let delivery =
            Delivery { outcome, reply: "250 ok", subject: "Frist", sha256: "00", was_handed_over: true, alert: None };
        let mut tx = self.store.write().await?;
        let (_, lost) = tx.delivery_state_for(&[(claimed, !hand_over)]).await?;
        if hand_over && lost.is_empty() {
            tx.record_hand_overs(&[(claimed, MAIL)], now).await?;
        }
        tx.record_replies(&[(claimed, delivery)], &lost, now).await?;
        tx.commit().await?;
        Ok(lost.is_empty())
    }

    async fn states(&self) -> Vec<State> {
        let notices =
            self.store.read().await.expect("a transaction").outbox(&OutboxFilter::default()).await.expect("listed");
        notices.into_iter().map(|notice| notice.state).collect()
    }
}

const MAIL: HandedOver<'_> = HandedOver { subject: "Frist", sha256: "00", mail: b"mail" };

fn month() -> Month {
    Month::parse("2026-12").expect("a month")
}

fn notice(mailbox: &str) -> NewNotice {
    NewNotice {
        month: month(),
        duty: Some("planning".into()),
        step: "announcement".into(),
        kind: NoticeKind::Announcement,
        revision: 1,
        mailbox: Mailbox::parse(mailbox).expect("an address"),
        office: None,
        authorities: vec!["abh-05113-essen".into()],
        due_at: "2026-12-01T08:00:00Z".parse().expect("an instant"),
        hold: None,
    }
}

#[rstest]
#[tokio::test]
async fn a_notice_is_queued_once_whoever_asks_and_however_often(#[values(On::Sqlite, On::Postgres)] engine: On) {
    let bench = Bench::new(engine).await;
    assert_eq!(bench.queue(&[notice("a@x.example"), notice("b@x.example")]).await, 2);
    assert_eq!(bench.queue(&[notice("b@x.example"), notice("c@x.example")]).await, 1);
    let another_revision = NewNotice { revision: 2, ..notice("a@x.example") };
    assert_eq!(bench.queue(&[another_revision]).await, 1);
    assert_eq!(bench.states().await.len(), 4);
}

#[tokio::test]
async fn a_notice_has_the_same_id_wherever_it_is_made() {
    assert_eq!(notice_id(&notice("a@x.example")), notice_id(&notice("a@x.example")));
    let others = [
        NewNotice { revision: 2, ..notice("a@x.example") },
        NewNotice { step: "reminder-5".into(), ..notice("a@x.example") },
        NewNotice { duty: Some("statistics".into()), ..notice("a@x.example") },
        NewNotice { month: month().next(), ..notice("a@x.example") },
        notice("b@x.example"),
    ];
    let ids: HashSet<String> = others.iter().map(notice_id).chain([notice_id(&notice("a@x.example"))]).collect();
    assert_eq!(ids.len(), 6);
}

#[rstest]
#[tokio::test]
async fn what_is_dropped_before_the_commit_has_not_happened(#[values(On::Sqlite, On::Postgres)] engine: On) {
    let bench = Bench::new(engine).await;
    let mut tx = bench.store.write().await.expect("a transaction");
    tx.queue_notices(&[notice("a@x.example")], bench.now).await.expect("queued");
    drop(tx);
    assert_eq!(bench.states().await, []);
}

#[rstest]
#[tokio::test]
async fn a_reply_ends_the_claim_and_is_kept_with_the_mail(#[values(On::Sqlite, On::Postgres)] engine: On) {
    let bench = Bench::new(engine).await;
    bench.queue(&[notice("a@x.example")]).await;
    let claimed = bench.claim(bench.now).await.remove(0);
    assert!(bench.reply(&claimed, Outcome::Accepted, bench.now).await.expect("recorded"));
    assert_eq!(bench.states().await, [State::Accepted]);
    let mut tx = bench.store.read().await.expect("a transaction");
    let attempts = tx.attempts(&claimed.id).await.expect("attempts");
    assert_eq!((attempts.len(), attempts[0].mail.as_deref()), (1, Some(&b"mail"[..])));
    let shown = tx
        .outbox(&OutboxFilter { id: Some(claimed.id[..8].to_owned()), ..OutboxFilter::default() })
        .await
        .expect("shown");
    assert_eq!(shown[0].accepted_at, Some(bench.now));
}

#[rstest]
#[tokio::test]
async fn a_late_reply_of_one_that_lost_its_lease_changes_nothing(#[values(On::Sqlite, On::Postgres)] engine: On) {
    let bench = Bench::new(engine).await;
    bench.queue(&[notice("a@x.example")]).await;
    let first = bench.claim(bench.now).await.remove(0);
    let later = first.lease_until + TimeDelta::minutes(2) + TimeDelta::seconds(1);
    let too_early = first.lease_until + TimeDelta::minutes(1);
    let mut tx = bench.store.write().await.expect("a transaction");
    tx.take_over(StaleClaims::LeaseEnded, too_early).await.expect("nothing is taken over");
    assert!(tx.due_notices(too_early, 9).await.expect("due").is_empty(), "the other's clock may be a minute behind");
    assert_eq!(
        tx.take_over(StaleClaims::LeaseEnded, later).await.expect("taken over").len(),
        0,
        "it was not handed over: queued again"
    );
    tx.commit().await.expect("committed");
    let second = bench.claim(later).await.remove(0);
    assert!(!bench.reply(&first, Outcome::Rejected, later).await.expect("logged"), "the late one is not recorded");
    assert_eq!(bench.states().await, [State::Claimed]);
    assert!(bench.reply(&second, Outcome::Accepted, later).await.expect("recorded"));
    let mut tx = bench.store.read().await.expect("a transaction");
    assert!(tx.flagged_mailboxes().await.expect("flags").is_empty(), "the late refusal blames nobody");
    let late = tx.log().await.expect("the log").into_iter().find(|entry| entry.event == "late reply").expect("logged");
    assert!(late.facts.contains(&first.id) && late.facts.contains("\"code\":\"250\""), "{}", late.facts);
}

#[rstest]
#[tokio::test]
async fn a_claim_that_was_handed_over_comes_back_for_a_decision_and_is_not_queued_again(
    #[values(On::Sqlite, On::Postgres)] engine: On,
) {
    let bench = Bench::new(engine).await;
    bench.queue(&[notice("a@x.example")]).await;
    let claimed = bench.claim(bench.now).await.remove(0);
    let mut tx = bench.store.write().await.expect("a transaction");
    tx.record_hand_overs(&[(&claimed, MAIL)], bench.now).await.expect("recorded");
    let left = tx.take_over(StaleClaims::All, bench.now).await.expect("taken over");
    tx.commit().await.expect("committed");
    assert_eq!(left.len(), 1);
    assert_eq!(bench.states().await, [State::Claimed]);
    let again = bench.now + TimeDelta::minutes(1);
    let outcome = Outcome::UncertainResendAt(again);
    assert!(bench.reply_to(&left[0], outcome, false, bench.now).await.expect("recorded"));
    assert_eq!(bench.states().await, [State::Uncertain]);
    let resent = bench.claim(again).await.remove(0);
    assert!(resent.was_uncertain);
}

#[rstest]
#[tokio::test]
async fn a_rejection_flags_the_mailbox_and_a_retry_takes_the_flag(#[values(On::Sqlite, On::Postgres)] engine: On) {
    let bench = Bench::new(engine).await;
    bench.queue(&[notice("a@x.example")]).await;
    let claimed = bench.claim(bench.now).await.remove(0);
    bench.reply(&claimed, Outcome::Rejected, bench.now).await.expect("recorded");
    let flagged = bench.store.read().await.expect("a transaction").flagged_mailboxes().await.expect("flags");
    assert!(flagged.contains(&claimed.notice.mailbox));
    let mut tx = bench.store.write().await.expect("a transaction");
    assert_eq!(tx.retry(&OutboxFilter::default(), "person", bench.now).await.expect("retried"), 1);
    assert!(tx.flagged_mailboxes().await.expect("flags").is_empty());
    tx.commit().await.expect("committed");
    assert_eq!(bench.claim(bench.now).await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn held_notices_wait_for_a_person(#[values(On::Sqlite, On::Postgres)] engine: On) {
    let bench = Bench::new(engine).await;
    let held = |mailbox| NewNotice { hold: Some("too many".into()), ..notice(mailbox) };
    bench.queue(&[held("a@x.example"), held("b@x.example")]).await;
    assert!(bench.claim(bench.now).await.is_empty());
    let of = |mailbox: &str| OutboxFilter { mailbox: Some(mailbox.to_owned()), ..OutboxFilter::default() };
    let mut tx = bench.store.write().await.expect("a transaction");
    assert_eq!(tx.release(&of("a@x.example"), "person", bench.now).await.expect("released"), 1);
    assert_eq!(tx.discard(&of("b@x.example"), "person", bench.now).await.expect("discarded"), 1);
    tx.commit().await.expect("committed");
    assert_eq!(bench.states().await, [State::Queued, State::Withdrawn]);
}

#[rstest]
#[tokio::test]
async fn what_was_withdrawn_and_is_called_for_again_is_due_as_is_reckoned_now(
    #[values(On::Sqlite, On::Postgres)] engine: On,
) {
    let bench = Bench::new(engine).await;
    bench.queue(&[notice("a@x.example")]).await;
    let mut tx = bench.store.write().await.expect("a transaction");
    tx.end_unsent(&notice_id(&notice("a@x.example")), State::Withdrawn, "flagged", bench.now).await.expect("ended");
    tx.commit().await.expect("committed");
    let due_at = bench.now + TimeDelta::hours(1);
    assert_eq!(bench.queue(&[NewNotice { due_at, ..notice("a@x.example") }]).await, 1);
    let again = bench.claim(bench.now).await.remove(0);
    assert_eq!(again.notice.due_at, due_at);
}

#[rstest]
#[tokio::test]
async fn a_person_can_call_off_that_what_was_perhaps_sent_is_sent_once_more(
    #[values(On::Sqlite, On::Postgres)] engine: On,
) {
    let bench = Bench::new(engine).await;
    bench.queue(&[notice("a@x.example"), notice("b@x.example")]).await;
    let again_at = bench.now + TimeDelta::minutes(1);
    for claimed in bench.claim(bench.now).await {
        bench.reply(&claimed, Outcome::UncertainResendAt(again_at), bench.now).await.expect("recorded");
    }
    let second = bench.claim(again_at).await.remove(1);
    bench.reply_to(&second, Outcome::RetryAt(again_at), false, again_at).await.expect("recorded");
    let mut tx = bench.store.write().await.expect("a transaction");
    tx.take_over(StaleClaims::All, again_at).await.expect("taken over");
    tx.commit().await.expect("committed");
    let discard = async |want: usize| {
        let mut tx = bench.store.write().await.expect("a transaction");
        let month = OutboxFilter { month: Some(month()), ..OutboxFilter::default() };
        assert_eq!(tx.discard(&month, "person", bench.now).await.expect("discarded"), want);
        tx.commit().await.expect("committed");
    };
    discard(2).await;
    discard(0).await;
    assert_eq!(bench.states().await, [State::Uncertain; 2], "that it was perhaps sent is not forgotten");
    assert!(bench.claim(again_at).await.is_empty());
}

#[rstest]
#[tokio::test]
async fn receipts_come_back_in_the_order_in_which_they_were_recorded(#[values(On::Sqlite, On::Postgres)] engine: On) {
    let bench = Bench::new(engine).await;
    let states = [
        ReceiptState::Partial { missing: vec!["returns".into()] },
        ReceiptState::Complete,
        ReceiptState::Missing,
        ReceiptState::Extended { until: "2026-12-22".parse().expect("a date"), reason: "IT".into() },
        ReceiptState::Excused { reason: "IT".into() },
        ReceiptState::Exempt { reason: "aufgelöst".into() },
        ReceiptState::Nil,
    ];
    let mut tx = bench.store.write().await.expect("a transaction");
    for (number, state) in states.iter().enumerate() {
        let receipt = Receipt {
            authority: "abh-05113-essen".into(),
            state: state.clone(),
            source: "manual".into(),
            actor: "person".into(),
            note: None,
            // a clock that goes back changes nothing in the order
            received_at: bench.now - TimeDelta::minutes(number as i64),
            reported_at: bench.now,
        };
        tx.append_receipt(month(), "statistics", &receipt).await.expect("appended");
    }
    tx.commit().await.expect("committed");
    let mut tx = bench.store.read().await.expect("a transaction");
    let receipts = tx.receipts_of(month(), "statistics", "abh-05113-essen").await.expect("receipts");
    assert_eq!(receipts.iter().map(|receipt| receipt.state.clone()).collect::<Vec<_>>(), states);
    assert_eq!(tx.receipts(month(), "statistics").await.expect("receipts")[&*receipts[0].authority], receipts);
    assert!(tx.receipts(month(), "planning").await.expect("none").is_empty());
}

#[rstest]
#[tokio::test]
async fn a_receipt_keeps_why_it_was_recorded_whether_its_state_has_a_reason_or_not(
    #[values(On::Sqlite, On::Postgres)] engine: On,
) {
    let bench = Bench::new(engine).await;
    let receipt = |state, note: Option<&str>| Receipt {
        authority: "abh-05113-essen".into(),
        state,
        source: "manual".into(),
        actor: "person".into(),
        note: note.map(str::to_owned),
        received_at: bench.now,
        reported_at: bench.now,
    };
    let excused = ReceiptState::Excused { reason: "Hochwasser".into() };
    let receipts = [
        receipt(ReceiptState::Complete, Some("am Telefon")),
        receipt(ReceiptState::Missing, None),
        receipt(excused, None),
    ];
    let mut tx = bench.store.write().await.expect("a transaction");
    for receipt in &receipts {
        tx.append_receipt(month(), "statistics", receipt).await.expect("appended");
    }
    tx.append_receipt(month().next(), "planning", &receipts[0]).await.expect("appended");
    assert_eq!(tx.receipts_of(month(), "statistics", "abh-05113-essen").await.expect("receipts"), receipts);
    let cycles = tx.cycles_with_receipts_of("abh-05113-essen").await.expect("cycles");
    assert_eq!(cycles, [(month(), "statistics".into()), (month().next(), "planning".into())]);
    let log = tx.log().await.expect("log");
    let entry = log.iter().find(|entry| entry.event == "receipt").expect("an entry");
    assert!(entry.facts.contains("am Telefon") && entry.facts.contains("\"receipt\":1"), "{}", entry.facts);
}

#[rstest]
#[tokio::test]
async fn arrangements_come_back_in_the_order_in_which_they_were_recorded_and_stand_in_the_log(
    #[values(On::Sqlite, On::Postgres)] engine: On,
) {
    let bench = Bench::new(engine).await;
    let arrangement = |kind, until: Option<&str>| Arrangement {
        duty: "statistics".into(),
        authority: "abh-05113-essen".into(),
        kind,
        from: month(),
        until: until.map(|until| until.parse().expect("a date")),
        reason: "keine Fälle".into(),
        source: "manual".into(),
        actor: "person".into(),
        recorded_at: bench.now,
    };
    let arranged = [
        arrangement(ArrangementKind::Nil, Some("2027-06-30")),
        arrangement(ArrangementKind::Exempt, None),
        arrangement(ArrangementKind::Ended, None),
    ];
    let mut tx = bench.store.write().await.expect("a transaction");
    let before = tx.service().await.expect("service").changes;
    for arrangement in &arranged {
        tx.append_arrangement(arrangement).await.expect("appended");
    }
    assert!(tx.service().await.expect("service").changes > before, "planning must look at it");
    tx.commit().await.expect("committed");
    let mut tx = bench.store.read().await.expect("a transaction");
    assert_eq!(tx.arrangements().await.expect("arrangements"), arranged);
    let log = tx.log().await.expect("log");
    assert_eq!(log.iter().filter(|entry| entry.event == "arrangement" && entry.actor == "person").count(), 3);
}

#[rstest]
#[tokio::test]
async fn a_frozen_deadline_stays_as_it_is(#[values(On::Sqlite, On::Postgres)] engine: On) {
    let bench = Bench::new(engine).await;
    let day = |text: &str| text.parse().expect("a date");
    let deadline = Deadline { import_on: day("2026-12-01"), stated_on: day("2026-12-15"), ends_on: day("2026-12-15") };
    let first = Revision { number: 1, deadline, reason: None, frozen_at: bench.now };
    let moved = Deadline { stated_on: day("2026-12-17"), ends_on: day("2026-12-17"), ..deadline };
    let second = Revision { number: 2, deadline: moved, reason: Some("verspätet".into()), frozen_at: bench.now };
    let mut tx = bench.store.write().await.expect("a transaction");
    tx.freeze(month(), "planning", &first).await.expect("frozen");
    tx.freeze(month(), "planning", &Revision { deadline: moved, ..first.clone() }).await.expect("kept");
    let before = tx.service().await.expect("service").changes;
    tx.freeze(month(), "planning", &second).await.expect("frozen");
    assert!(tx.service().await.expect("service").changes > before, "planning must look at steps that are due anew");
    let signal =
        ImportSignal { month: month(), import_on: day("2026-12-03"), received_at: bench.now, actor: "person".into() };
    tx.record_import(&signal).await.expect("recorded");
    tx.commit().await.expect("committed");
    let mut tx = bench.store.read().await.expect("a transaction");
    assert_eq!(tx.revisions(month(), "planning").await.expect("revisions"), [first, second]);
    let (by_duty, by_month) = tx.dates_since(month()).await.expect("dates");
    assert_eq!(by_duty[&(month(), "planning".into())].signal, Some(signal.clone()));
    assert_eq!(by_month[&month()].signal, Some(signal));
}

#[rstest]
#[tokio::test]
async fn an_alert_is_raised_and_told_once(#[values(On::Sqlite, On::Postgres)] engine: On) {
    let bench = Bench::new(engine).await;
    let alert = Alert { key: "k".into(), headline: "Kopf".into(), detail: "Text".into() };
    let mut tx = bench.store.write().await.expect("a transaction");
    assert!(tx.raise_alert(&alert, bench.now).await.expect("raised"));
    assert!(!tx.raise_alert(&alert, bench.now).await.expect("known"));
    assert_eq!(tx.untold_alerts().await.expect("untold"), std::slice::from_ref(&alert));
    tx.mark_alerts_told(std::slice::from_ref(&alert), "zrk-notice:k", bench.now).await.expect("told");
    assert!(tx.untold_alerts().await.expect("none").is_empty());
    assert_eq!(tx.alerts_told_in("zrk-notice:k").await.expect("told"), [alert]);
}

#[rstest]
#[tokio::test]
async fn an_alert_that_only_a_mailbox_was_told_that_rejects_mail_is_told_again(
    #[values(On::Sqlite, On::Postgres)] engine: On,
) {
    let bench = Bench::new(engine).await;
    let (step, now) = ("zrk-notice:k", bench.now);
    let to_zrk = |mailbox| NewNotice { duty: None, step: step.into(), kind: NoticeKind::ZrkNotice, ..notice(mailbox) };
    let alert = Alert { key: "k".into(), headline: "Kopf".into(), detail: "Text".into() };
    let untold = async || {
        let mut tx = bench.store.write().await.expect("a transaction");
        tx.tell_withdrawn_alerts_again(now).await.expect("looked");
        let untold = tx.untold_alerts().await.expect("untold");
        tx.mark_alerts_told(&untold, step, now).await.expect("told");
        tx.commit().await.expect("committed");
        untold.len()
    };
    let mut tx = bench.store.write().await.expect("a transaction");
    tx.raise_alert(&alert, now).await.expect("raised");
    tx.commit().await.expect("committed");
    bench.queue(&[to_zrk("a@x.example"), to_zrk("b@x.example")]).await;
    assert_eq!((untold().await, untold().await), (1, 0), "told by what waits");
    let claimed = bench.claim(now).await;
    bench.reply(&claimed[0], Outcome::Rejected, now).await.expect("recorded");
    bench.reply(&claimed[1], Outcome::Accepted, now).await.expect("recorded");
    assert_eq!(untold().await, 0, "one of two has it");

    bench.queue(&[to_zrk("c@x.example")]).await;
    let other = Alert { key: "other".into(), ..alert };
    let mut tx = bench.store.write().await.expect("a transaction");
    tx.raise_alert(&other, now).await.expect("raised");
    tx.mark_alerts_told(&[other], "zrk-notice:other", now).await.expect("told");
    tx.commit().await.expect("committed");
    bench.queue(&[NewNotice { step: "zrk-notice:other".into(), ..to_zrk("d@x.example") }]).await;
    let claimed = bench.claim(now).await;
    let to_d = claimed.iter().find(|claimed| claimed.notice.mailbox.as_str() == "d@x.example").expect("claimed");
    bench.reply(to_d, Outcome::Rejected, now).await.expect("recorded");
    assert_eq!(untold().await, 1, "nobody has the other one");
}

#[rstest]
#[tokio::test]
async fn a_step_is_recorded_once(#[values(On::Sqlite, On::Postgres)] engine: On) {
    let bench = Bench::new(engine).await;
    let record = StepRecord {
        month: month(),
        duty: "planning".into(),
        step: "reminder-5".into(),
        kind: NoticeKind::Reminder,
        revision: 1,
        due_at: bench.now,
        skipped: Some("superseded".into()),
    };
    let mut tx = bench.store.write().await.expect("a transaction");
    assert!(tx.record_step(&record, bench.now).await.expect("recorded"));
    assert!(!tx.record_step(&record, bench.now).await.expect("known"));
    assert!(tx.recorded_steps(month(), "planning").await.expect("steps").contains(&("reminder-5".to_owned(), 1)));
}

#[rstest]
#[tokio::test]
async fn each_log_entry_is_chained_to_the_one_before(#[values(On::Sqlite, On::Postgres)] engine: On) {
    let bench = Bench::new(engine).await;
    bench.queue(&[notice("a@x.example")]).await;
    let claimed = bench.claim(bench.now).await.remove(0);
    bench.reply(&claimed, Outcome::Accepted, bench.now).await.expect("recorded");
    let log = bench.store.read().await.expect("a transaction").log().await.expect("log");
    assert!(log.len() >= 2);
    let mut previous = "0".repeat(64);
    for (index, entry) in log.iter().enumerate() {
        assert_eq!((entry.number, &entry.previous), (index as i64 + 1, &previous));
        assert_eq!(entry.hash, entry.expected_hash());
        previous.clone_from(&entry.hash);
    }
    let head = bench.store.read().await.expect("a transaction").log_head().await.expect("read").expect("a head");
    assert_eq!((head.number, head.hash), (log.len() as i64, previous), "the head is the last entry");
}

#[rstest]
#[tokio::test]
async fn of_notices_that_are_queued_again_the_log_names_only_the_new_ones(
    #[values(On::Sqlite, On::Postgres)] engine: On,
) {
    let bench = Bench::new(engine).await;
    bench.queue(&[notice("a@x.example"), notice("b@x.example")]).await;
    bench.queue(&[notice("b@x.example"), notice("c@x.example")]).await;
    let log = bench.store.read().await.expect("a transaction").log().await.expect("log");
    let last = log.last().expect("an entry");
    assert_eq!(last.event, "queued");
    assert!(last.facts.contains(&format!("\"notices\":[\"{}\"]", notice_id(&notice("c@x.example")))), "{}", last.facts);
}

#[rstest]
#[tokio::test]
async fn the_roster_that_was_taken_is_kept_whole_and_takes_the_place_of_the_one_before(
    #[values(On::Sqlite, On::Postgres)] engine: On,
) {
    let bench = Bench::new(engine).await;
    let day = |text: &str| text.parse().ok();
    let authority = |id: &str, kind, district| Authority {
        id: id.into(),
        name: format!("Stadt \"{id}\""),
        kind,
        district,
        ags: "05970".into(),
        valid_from: None,
        valid_to: None,
        reported_by: None,
    };
    let merged = Authority {
        valid_from: day("2020-01-01"),
        valid_to: day("2026-12-31"),
        reported_by: Some("abh-kreis".into()),
        ..authority("abh-siegen", AuthorityKind::Abh, District::Arnsberg)
    };
    let kreis = authority("abh-kreis", AuthorityKind::Zab, District::Koeln);
    let office = |id: &str, kind| Office { id: id.into(), name: id.to_uppercase(), kind };
    let offices = vec![
        office("rrk", OfficeKind::Rrk(District::Muenster)),
        office("zrk", OfficeKind::Zrk),
        office("zfa", OfficeKind::Copy),
    ];
    let contact = |owner, address: &str, instead_of| Contact {
        owner,
        mailbox: Mailbox::parse(address).expect("an address"),
        name: "Rückkehr".into(),
        valid_from: day("2026-12-01"),
        valid_to: None,
        calendar: true,
        instead_of,
    };
    let of_kreis = || Owner::Authority("abh-kreis".into());
    let deputy_for = InsteadOf::Mailbox(Mailbox::parse("a@x.example").expect("an address"));
    let contacts = vec![
        contact(of_kreis(), "a@x.example", None),
        contact(of_kreis(), "b@x.example", Some(deputy_for)),
        contact(Owner::Office("zrk".into()), "zrk@x.example", Some(InsteadOf::All)),
    ];
    let first = Roster::new(vec![kreis.clone()], Vec::new(), Vec::new());
    let second = Roster::new(vec![merged, kreis], offices, contacts);
    let outline = Outline { rules: [("sending".into(), "07:00".into())].into(), deadlines: [].into() };
    let mut tx = bench.store.write().await.expect("a transaction");
    assert!(tx.taken_roster().await.expect("read").is_none());
    tx.take_roster(&first, &Outline::default(), bench.now).await.expect("taken");
    let later = bench.now + TimeDelta::days(1);
    tx.take_roster(&second, &outline, later).await.expect("taken");
    let taken = tx.taken_roster().await.expect("read").expect("one row");
    assert_eq!((taken.taken_at, &taken.outline), (later, &outline));
    assert_eq!(taken.roster.authorities(), second.authorities());
    assert_eq!(taken.roster.offices(), second.offices());
    assert_eq!(taken.roster.contacts(), second.contacts());
}

#[tokio::test]
async fn a_second_run_on_the_same_file_is_refused() {
    let bench = Bench::new(On::Sqlite).await;
    let database = bench.database();
    let take = || RunLock::take(&database, "a");
    let lock = take().await.expect("the first lock");
    let second = take().await;
    assert!(matches!(second, Err(StoreError::AlreadyRunning { .. })), "{second:?}");
    let other_name = RunLock::take(&database, "b").await;
    assert!(matches!(other_name, Err(StoreError::AlreadyRunning { .. })), "a file is for one: {other_name:?}");
    drop(lock);
    take().await.expect("free again");
}

#[tokio::test]
async fn what_is_no_database_of_ours_is_refused_with_its_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("f.sqlite");
    std::fs::write(&path, "this is no database, and longer than a header of SQLite would be".repeat(20))
        .expect("written");
    let now = "2026-12-01T08:00:00Z".parse().expect("an instant");
    let error = Store::open(&path, Durability::Full, now).await.expect_err("garbage");
    assert!(error.to_string().contains("f.sqlite"), "{error}");
}
