//! What becomes of alerts when the ZRK's own mailboxes reject mail: none is lost, and no mail says nothing.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use fristd::daemon::Charter;
use fristd::daemon::clock::Clock;
use fristd::daemon::deliver::Deliverer;
use fristd::daemon::tick::{TickMemo, tick};
use fristd::domain::breaker::Breaker;
use fristd::domain::delivery::{Reply, State};
use fristd::domain::{Alert, Mailbox};
use fristd::mail::{OutgoingMail, Transport};
use fristd::settings::Source;
use fristd::store::{Durability, OutboxFilter, Store};
use tokio::sync::watch;

const ZRK: &str = "zrk@zrk.example";
const OTHER: &str = "anderes@zrk.example";

/// Takes everything, or refuses what goes to the ZRK's first mailbox.
#[derive(Clone, Default)]
struct Relay {
    refuses: Arc<Mutex<bool>>,
    taken: Arc<Mutex<Vec<OutgoingMail>>>,
}

impl Transport for Relay {
    async fn prepare(&mut self, mail: &OutgoingMail) -> Result<(), Reply> {
        match mail.mailbox.as_str() == ZRK && *self.refuses.lock().unwrap() {
            true => Err(Reply::RefusedForGood { text: "550 5.1.1 no such user".to_owned() }),
            false => Ok(()),
        }
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

/// The service on the small land, a round at a time.
struct Service {
    folder: tempfile::TempDir,
    store: Store,
    charter: Charter,
    relay: Relay,
    memo: TickMemo,
    now: DateTime<Utc>,
}

impl Service {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let small = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/small");
        let settings = folder.path().join("settings");
        std::fs::create_dir(&settings).unwrap();
        for file in ["fristd.toml", "cycles.toml", "authorities.csv", "contacts.csv"] {
            if small.join(file).exists() {
                std::fs::copy(small.join(file), settings.join(file)).unwrap();
            }
        }
        let now: DateTime<Utc> = "2026-12-02T08:30:00Z".parse().unwrap();
        let store = Store::open(&folder.path().join("f.sqlite"), Durability::Scratch, now).await.unwrap();
        let charter = Charter::load(&Source::Folder(settings), 1).unwrap();
        Self { folder, store, charter, relay: Relay::default(), memo: TickMemo::default(), now }
    }

    fn name_another_mailbox(&mut self) {
        let settings: PathBuf = self.folder.path().join("settings");
        let contacts = std::fs::read_to_string(settings.join("contacts.csv")).unwrap();
        std::fs::write(settings.join("contacts.csv"), format!("{contacts}zrk,{OTHER},ZRK,,,\n")).unwrap();
        self.charter = Charter::load(&Source::Folder(settings), 2).unwrap();
    }

    /// A minute passes; everything that has come to be is planned and delivered. Returns the mails to the ZRK about alerts.
    async fn round(&mut self) -> Vec<(String, String)> {
        self.now += TimeDelta::minutes(1);
        tick(&self.store, &self.charter, &mut self.memo, self.now).await.unwrap();
        let (_stop, stop) = watch::channel(false);
        let mut deliverer = Deliverer {
            store: &self.store,
            charter: &self.charter,
            transport: &mut self.relay,
            connections: 1,
            clock: &Clock::virtual_at(self.now),
            breaker: &mut Breaker::new(5),
            stop,
        };
        deliverer.deliver(&mut Vec::new()).await.unwrap();
        let taken = std::mem::take(&mut *self.relay.taken.lock().unwrap());
        let of_alerts = taken.into_iter().filter(|mail| mail.file_stem.contains("_zrk-notice_"));
        of_alerts.map(|mail| (mail.mailbox.to_string(), String::from_utf8(mail.bytes).unwrap())).collect()
    }

    async fn alert(&self, key: &str) {
        let mut tx = self.store.write().await.unwrap();
        let alert = Alert { key: key.into(), headline: format!("Hinweis {key}"), detail: "Bitte ansehen.".into() };
        assert!(tx.raise_alert(&alert, self.now).await.unwrap());
        tx.commit().await.unwrap();
    }

    async fn by_person(&self, filter: Option<OutboxFilter>) {
        let mut tx = self.store.write().await.unwrap();
        match filter {
            Some(filter) => assert!(tx.retry(&filter, "zrk", self.now).await.unwrap() > 0),
            None => assert!(tx.unflag(&Mailbox::parse(ZRK).unwrap(), "zrk", self.now).await.unwrap()),
        }
        tx.commit().await.unwrap();
    }

    fn refuse(&self, refuses: bool) {
        *self.relay.refuses.lock().unwrap() = refuses;
    }
}

#[tokio::test]
async fn what_is_raised_while_the_mailbox_rejects_mail_is_told_when_it_takes_mail_again() {
    let mut service = Service::start().await;
    service.refuse(true);
    service.alert("erstens").await;
    assert!(service.round().await.is_empty());
    service.alert("zweitens").await;
    assert!(service.round().await.is_empty());

    service.refuse(false);
    service.by_person(None).await;
    let told = service.round().await;
    let [(to, mail)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(to, ZRK);
    assert!(mail.contains("Hinweis zweitens") && mail.contains("nimmt keine Post an"), "{mail}");
    service.by_person(Some(OutboxFilter { state: Some(State::Rejected), ..OutboxFilter::default() })).await;
    let told = service.round().await;
    assert!(
        told.len() == 1 && told[0].1.contains("Hinweis erstens"),
        "what it had refused, once a person says so: {told:?}"
    );
}

#[tokio::test]
async fn what_only_a_mailbox_was_told_that_rejects_mail_is_told_to_one_that_is_named_later_and_once() {
    let mut service = Service::start().await;
    service.refuse(true);
    service.alert("erstens").await;
    assert!(service.round().await.is_empty());
    service.by_person(None).await;
    service.alert("zweitens").await;
    assert!(service.round().await.is_empty());
    service.name_another_mailbox();
    let told = service.round().await;
    let [(to, mail)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(to, OTHER);
    assert!(
        ["Hinweis erstens", "Hinweis zweitens", "nimmt keine Post an"].iter().all(|word| mail.contains(word)),
        "{mail}"
    );
    assert!(service.round().await.is_empty(), "once");

    service.refuse(false);
    service.by_person(Some(OutboxFilter { state: Some(State::Rejected), ..OutboxFilter::default() })).await;
    let told = service.round().await;
    for (to, mail) in &told {
        assert!(to == ZRK && mail.contains("Hinweis erstens"), "no mail says nothing: {mail}");
    }
    let by_state = async |state| {
        let filter = OutboxFilter { mailbox: Some(ZRK.to_owned()), state: Some(state), ..OutboxFilter::default() };
        service.store.read().await.unwrap().outbox(&filter).await.unwrap()
    };
    let withdrawn = by_state(State::Withdrawn).await;
    assert_eq!((told.len(), withdrawn.len()), (1, 1), "{withdrawn:?}");
    assert_eq!(withdrawn[0].reason.as_deref(), Some("another notice told the ZRK what this one was to tell"));
}
