//! What may still happen between a claim and the hand-over: a pause, a report, a lost claim, a clock that is set back. With one
//! connection and with many.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use fristd::daemon::Charter;
use fristd::daemon::clock::Clock;
use fristd::daemon::deliver::Deliverer;
use fristd::daemon::event::Event;
use fristd::daemon::tick::{TickMemo, tick};
use fristd::domain::breaker::Breaker;
use fristd::domain::delivery::{Reply, State};
use fristd::domain::{Alert, Month, Receipt, ReceiptState};
use fristd::mail::{OutgoingMail, Transport};
use fristd::settings::Source;
use fristd::store::{Durability, OutboxFilter, OutboxNotice, StaleClaims, Store, StoreError};
use tokio::sync::watch;

const ESSEN: &str = "rueckkehr@essen.example";

/// What somebody does in the moment in which the relay waits for a mail to Essen, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Nothing,
    Pause,
    ReportAll,
    ReportPart,
    TakeOver,
    /// The relay takes three minutes.
    BeSlow,
    /// Everything is moved to another database.
    MoveAway,
    /// The relay gives no answer for this mailbox, each time.
    NoAnswer,
    /// The clock is set back to the day before, on which Essen still had time.
    SetClockBack,
}

/// A mail system that takes everything, and in whose waiting time somebody acts.
#[derive(Clone)]
struct Meddler {
    store: Store,
    now: DateTime<Utc>,
    clock: Clock,
    act: Arc<Mutex<Act>>,
    taken: Arc<Mutex<Vec<OutgoingMail>>>,
    /// Where everything can be moved to.
    other: Store,
}

impl Transport for Meddler {
    async fn prepare(&mut self, mail: &OutgoingMail) -> Result<(), Reply> {
        let is_meant = mail.mailbox.as_str() == ESSEN && mail.file_stem.contains("_planning_");
        let act = if is_meant { std::mem::replace(&mut *self.act.lock().unwrap(), Act::Nothing) } else { Act::Nothing };
        if act == Act::NoAnswer {
            *self.act.lock().unwrap() = act;
            return Err(Reply::NoRelay { text: "RCPT: no answer".to_owned() });
        }
        if act == Act::MoveAway {
            self.store.copy_whole_to(&self.other, "the other", "zrk", self.now, |_, _| {}).await.unwrap();
            return Ok(());
        }
        let mut tx = self.store.write().await.unwrap();
        match act {
            Act::Nothing | Act::MoveAway | Act::NoAnswer => {}
            Act::SetClockBack => self.clock.set(self.now - TimeDelta::days(1)),
            Act::BeSlow => self.clock.set(self.now + TimeDelta::minutes(3)),
            Act::Pause => assert!(tx.set_paused(true, "zrk", self.now).await.unwrap()),
            Act::ReportAll => report(&mut tx, ReceiptState::Complete, self.now).await,
            Act::ReportPart => {
                report(&mut tx, ReceiptState::Partial { missing: vec!["confirmation".into()] }, self.now).await
            }
            Act::TakeOver => drop(tx.take_over(StaleClaims::All, self.now).await.unwrap()),
        }
        tx.commit().await.unwrap();
        Ok(())
    }

    async fn complete(&mut self, mail: &OutgoingMail) -> Reply {
        self.taken.lock().unwrap().push(mail.clone());
        Reply::Accepted { text: "250 taken".to_owned() }
    }

    fn sibling(&self) -> Self {
        self.clone()
    }

    async fn close(&mut self) {}
}

async fn report(tx: &mut fristd::store::Tx, state: ReceiptState, now: DateTime<Utc>) {
    let receipt = Receipt {
        authority: "abh-05113-essen".into(),
        state,
        source: "manual".into(),
        actor: "zrk".into(),
        note: None,
        received_at: now,
        reported_at: now,
    };
    tx.append_receipt(Month::parse("2026-12").unwrap(), "planning", &receipt).await.unwrap();
}

/// Reminders of the small land, with somebody who acts while they go out.
struct Played {
    taken: Vec<OutgoingMail>,
    reminders: Vec<OutboxNotice>,
    events: Vec<Event>,
    store: Store,
    folder: tempfile::TempDir,
}

async fn play(act: Act, connections: u32) -> Played {
    let folder = tempfile::tempdir().unwrap();
    let announced_at: DateTime<Utc> = "2026-12-01T08:30:00Z".parse().unwrap();
    let now: DateTime<Utc> = "2026-12-08T08:00:00Z".parse().unwrap();
    let store = Store::open(&folder.path().join("f.sqlite"), Durability::Scratch, announced_at).await.unwrap();
    let small = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/small");
    let charter = Charter::load(&Source::Folder(small), 1).unwrap();
    let clock = Clock::virtual_at(announced_at);
    let mut meddler = Meddler {
        store: store.clone(),
        now,
        clock: clock.clone(),
        act: Arc::new(Mutex::new(Act::Nothing)),
        taken: Arc::default(),
        other: Store::open(&folder.path().join("other.sqlite"), Durability::Scratch, announced_at).await.unwrap(),
    };
    let (_stop, stop) = watch::channel(false);
    let (mut memo, mut events, mut breaker) = (TickMemo::default(), Vec::new(), Breaker::new(5));
    let rounds = if act == Act::NoAnswer { 3 } else { 1 };
    let later = (0..rounds).map(|round| (now + TimeDelta::seconds(75) * round, act));
    for (at, in_this_round) in std::iter::once((announced_at, Act::Nothing)).chain(later) {
        clock.set(at);
        *meddler.act.lock().unwrap() = in_this_round;
        if at == now {
            meddler.taken.lock().unwrap().clear();
        }
        if at == announced_at && act == Act::SetClockBack {
            let mut tx = store.write().await.unwrap();
            report(&mut tx, ReceiptState::Extended { until: "2026-12-07".parse().unwrap(), reason: String::new() }, at)
                .await;
            tx.commit().await.unwrap();
        }
        tick(&store, &charter, &mut memo, at).await.unwrap();
        let mut deliverer = Deliverer {
            store: &store,
            charter: &charter,
            transport: &mut meddler,
            connections,
            clock: &clock,
            breaker: &mut breaker,
            stop: stop.clone(),
        };
        deliverer.deliver(&mut events).await.unwrap();
    }
    let filter = OutboxFilter { step: Some("reminder-5".into()), ..OutboxFilter::default() };
    let reminders = store.read().await.unwrap().outbox(&filter).await.unwrap();
    let is_reminder = |mail: &OutgoingMail| mail.file_stem.contains("_reminder-5_"); // beside them a contact's announcement goes
    let taken = meddler.taken.lock().unwrap().iter().filter(|mail| is_reminder(mail)).cloned().collect();
    Played { taken, reminders, events, store, folder }
}

impl Played {
    fn states(&self) -> HashMap<State, usize> {
        let mut states = HashMap::new();
        self.reminders.iter().for_each(|notice| *states.entry(notice.state).or_default() += 1);
        states
    }

    fn to_essen(&self) -> Vec<&OutgoingMail> {
        let is_it = |mail: &&OutgoingMail| mail.mailbox.as_str() == ESSEN && mail.file_stem.contains("_planning_");
        self.taken.iter().filter(is_it).collect()
    }
}

#[tokio::test]
async fn everybody_gets_one_mail_however_many_connections_carry_it() {
    for connections in [1, 4, 16] {
        let played = play(Act::Nothing, connections).await;
        let mut to: Vec<_> = played.taken.iter().map(|mail| &mail.message_id).collect();
        to.sort();
        to.dedup();
        assert_eq!((to.len(), played.taken.len()), (played.reminders.len(), played.reminders.len()), "{connections}");
        assert_eq!(played.states().keys().collect::<Vec<_>>(), [&State::Accepted], "{connections}");
        if connections == 1 {
            // duty by duty, and each of them by mailbox: a file's name has them in this order
            let taken: Vec<_> = played.taken.iter().map(|mail| mail.file_stem.as_str()).collect();
            assert!(taken.is_sorted(), "one connection keeps the order of the queue: {taken:?}");
        }
    }
}

#[tokio::test]
async fn many_connections_share_transactions() {
    let log = |played: &Played| {
        let store = played.store.clone();
        async move { store.read().await.unwrap().log().await.unwrap() }
    };
    let in_a_row = |log: &[fristd::store::LogEntry]| {
        log.windows(2).filter(|two| two.iter().all(|entry| entry.event == "handed over")).count()
    };
    assert_eq!(in_a_row(&log(&play(Act::Nothing, 1).await).await), 0);
    assert!(
        in_a_row(&log(&play(Act::Nothing, 4).await).await) > 0,
        "two hand-overs of one transaction follow each other"
    );
}

#[tokio::test]
async fn a_pause_between_claim_and_hand_over_stops_everything_and_loses_nothing() {
    for connections in [1, 16] {
        let played = play(Act::Pause, connections).await;
        assert!(played.to_essen().is_empty(), "{connections}");
        let waiting = played.reminders.iter().filter(|notice| notice.state == State::Queued).count();
        assert_eq!(waiting + played.taken.len(), played.reminders.len(), "{connections}: nothing is in nobody's hand");
        assert!(waiting > 0);
    }
}

#[tokio::test]
async fn who_reports_between_claim_and_hand_over_gets_no_reminder() {
    for connections in [1, 16] {
        let played = play(Act::ReportAll, connections).await;
        assert!(played.to_essen().is_empty(), "{connections}");
        let reason = played.events.iter().find(|event| event.what == fristd::daemon::event::What::Withdrawn);
        let reason = reason.and_then(|event| event.reason.as_deref()).unwrap_or_default();
        assert!(reason.starts_with("reported on 8 December 2026"), "{connections}: {reason}");
        let untold = played.reminders.iter().filter(|notice| notice.state != State::Accepted);
        let untold: Vec<_> = untold.map(|notice| (notice.state, &*notice.authorities[0])).collect();
        assert!(
            !untold.is_empty() && untold.iter().all(|one| *one == (State::Withdrawn, "abh-05113-essen")),
            "{untold:?}"
        );
        assert_eq!(played.taken.len(), played.reminders.len() - untold.len(), "{connections}: nobody else is left out");
    }
}

#[tokio::test]
async fn who_reports_a_part_between_claim_and_hand_over_gets_a_mail_that_knows_it() {
    let before = play(Act::Nothing, 1).await;
    let after = play(Act::ReportPart, 1).await;
    assert_eq!(after.to_essen().len(), 1);
    assert_ne!(before.to_essen()[0].bytes, after.to_essen()[0].bytes);
    assert_eq!(before.to_essen()[0].message_id, after.to_essen()[0].message_id);
}

#[tokio::test]
async fn a_claim_that_was_lost_before_the_hand_over_is_not_handed_over_under_it() {
    for connections in [1, 16] {
        let played = play(Act::TakeOver, connections).await;
        assert_eq!(played.to_essen().len(), 1, "{connections}: claimed again, it goes once");
        assert_eq!(played.states().keys().collect::<Vec<_>>(), [&State::Accepted], "{connections}");
    }
}

#[tokio::test]
async fn who_still_has_time_by_a_clock_that_was_set_back_gets_no_reminder() {
    for connections in [1, 16] {
        let played = play(Act::SetClockBack, connections).await;
        assert!(played.to_essen().is_empty(), "{connections}");
        let withdrawn = played.reminders.iter().filter(|notice| notice.state == State::Withdrawn);
        let reasons: Vec<_> = withdrawn.filter_map(|notice| notice.reason.as_deref()).collect();
        let is_it = |reason: &&str| reason.starts_with("extended until 2026-12-07");
        assert!(!reasons.is_empty() && reasons.iter().all(is_it), "{connections}: {reasons:?}");
        // what had not been claimed waits until the clock says again that it is due
        let waiting = played.reminders.iter().filter(|notice| notice.state == State::Queued).count();
        assert_eq!(waiting + reasons.len() + played.taken.len(), played.reminders.len(), "{connections}");
    }
}

#[tokio::test]
async fn what_a_slow_relay_leaves_over_is_the_next_rounds() {
    for connections in [1, 4] {
        let played = play(Act::BeSlow, connections).await;
        assert_eq!(played.to_essen().len(), 1, "{connections}: what was begun ends");
        let waiting = played.reminders.iter().filter(|notice| notice.state == State::Queued).count();
        assert_eq!(waiting + played.taken.len(), played.reminders.len(), "{connections}: the rest was given back");
        assert!(waiting > 0, "{connections}: after two minutes nothing is begun");
    }
}

#[tokio::test]
async fn a_mailbox_at_which_the_relay_hangs_holds_up_the_others_for_two_minutes_and_not_for_its_own_pauses() {
    for connections in [1, 4] {
        let played = play(Act::NoAnswer, connections).await;
        let unsent: Vec<_> = played.reminders.iter().filter(|notice| notice.state != State::Accepted).collect();
        assert_eq!(unsent.len(), 1, "{connections}: {unsent:?}");
        assert_eq!((unsent[0].mailbox.as_str(), unsent[0].state), (ESSEN, State::Retry), "{connections}");
    }
}

#[tokio::test]
async fn a_store_that_is_moved_away_hands_over_nothing_more() {
    for connections in [1, 16] {
        let played = play(Act::MoveAway, connections).await;
        assert!(played.to_essen().is_empty(), "{connections}");
        assert!(
            played.reminders.iter().any(|notice| notice.state == State::Queued),
            "{connections}: it was given back"
        );
        let at: DateTime<Utc> = "2026-12-08T08:01:00Z".parse().unwrap();
        let alert = Alert { key: "k".into(), headline: "Kopf".into(), detail: "Text".into() };
        let paused = played.store.write().await.unwrap().set_paused(true, "zrk", at).await;
        assert!(matches!(paused, Err(StoreError::Moved { .. })), "{connections}: {paused:?}");
        let recorded = played.store.write().await.unwrap().raise_alert(&alert, at).await;
        assert!(
            matches!(recorded, Err(StoreError::Moved { .. })),
            "whoever opened it before is not heard: {recorded:?}"
        );
        let file = played.folder.path().join("f.sqlite");
        let opened = Store::open(&file, Durability::Scratch, at).await;
        assert!(matches!(&opened, Err(StoreError::Moved { to, .. }) if to == "the other"), "{opened:?}");
        assert!(Store::open_to_look(&file).await.is_ok(), "it can still be looked at");

        assert!(Store::reopen(&file, "zrk", at).await.unwrap());
        assert!(!Store::reopen(&file, "zrk", at).await.unwrap(), "once");
        let store = Store::open(&file, Durability::Scratch, at).await.unwrap();
        let mut tx = store.write().await.unwrap();
        assert_eq!(tx.take_restored(at).await.unwrap(), Some("2026-12-08T08:00:00Z".parse().unwrap()));
        tx.commit().await.unwrap();
        let all = store.read().await.unwrap().outbox(&OutboxFilter::default()).await.unwrap();
        assert!(!all.iter().any(|notice| notice.next_at.is_some()), "what may have been sent since waits for a person");
    }
}
