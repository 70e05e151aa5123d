//! Several services by one PostgreSQL: names, clocks, leases and certificates. Whether they share the work without doubling
//! anything is what tests/kills.rs looks at.

mod support;

use chrono::{DateTime, TimeDelta, Utc};
use fristd::daemon::clock::Clock;
use fristd::daemon::presence::Presence;
use fristd::domain::delivery::State;
use fristd::domain::{Mailbox, Month, NewNotice, NoticeKind};
use fristd::settings::{Source, load_service};
use fristd::store::{Database, Durability, OutboxFilter, RunLock, StaleClaims, Store, StoreError};
use support::postgres::{PASSWORD, Postgres, new_database};
use support::site::Site;

fn server(url: &str) -> Database {
    Database::Server { url: url.to_owned(), password: None }
}

fn now() -> DateTime<Utc> {
    #[expect(clippy::disallowed_methods, reason = "the server of the test goes by the true clock")]
    Utc::now()
}

#[tokio::test]
async fn a_name_is_held_by_one_process_until_that_ends_or_the_server_forgets_it() {
    let mut postgres = Postgres::start();
    let database = server(&postgres.new_database());
    let mut held = RunLock::take(&database, "a").await.expect("free");
    let second = RunLock::take(&database, "a").await;
    assert!(matches!(second, Err(StoreError::NameTaken { .. })), "{second:?}");
    let other = RunLock::take(&database, "b").await.expect("another name");
    held.renew().await.expect("still held");
    postgres.stop_immediate();
    assert!(held.renew().await.is_err(), "without the server nobody knows");
    postgres.start_again();
    held.renew().await.expect("taken anew");
    drop(held);
    RunLock::take(&database, "a").await.expect("free again");
    drop(other);
}

#[tokio::test]
async fn a_file_is_one_under_all_its_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, link) = (folder.path().join("f.sqlite"), folder.path().join("link.sqlite"));
    std::os::unix::fs::symlink(&file, &link).expect("a link");
    let inside = folder.path().join("inside");
    std::os::unix::fs::symlink(folder.path(), &inside).expect("a link");
    let held = RunLock::take(&file, "a").await.expect("free, and not there yet");
    std::fs::write(&file, "").expect("written");
    for name in [&file, &link, &inside.join("f.sqlite")] {
        let second = RunLock::take(name, "b").await;
        assert!(matches!(second, Err(StoreError::AlreadyRunning { .. })), "{}: {second:?}", name.display());
    }
    drop(held);
    RunLock::take(&link, "b").await.expect("free again");
}

#[tokio::test]
async fn a_replica_with_a_wrong_clock_does_no_work_and_is_seen() {
    let site = Site::small("2026-12-01 08:00:00");
    let url = new_database();
    let text = site.read("fristd.toml").replace(
        "# database  = \"data/fristd.sqlite\"",
        &format!("replica = \"a\"\ndatabase = \"{url}\"\n# database  = \"data/fristd.sqlite\""),
    );
    site.write("fristd.toml", &text);
    let service = load_service(&Source::File(site.path("fristd.toml"))).expect("settings");
    let check = |label: &'static str, seconds: i64, works: bool| {
        let (service, url) = (service.clone(), url.clone());
        async move {
            let store = Store::open(server(&url), Durability::Full, now()).await.expect("a store");
            let clock = Clock::virtual_at(now() + TimeDelta::seconds(seconds));
            let mut presence = Presence::take(&service, clock.now()).await.expect("its name");
            let attended = presence.attend(&store, &clock, service.limits.clock_seconds_max).await;
            assert_eq!(attended.is_ok(), works, "{label}: {attended:?}");
            let replicas = store.read().await.expect("a transaction").replicas().await.expect("replicas");
            let ahead = replicas[0].ahead.expect("a server has a clock").num_seconds();
            assert!((ahead - seconds).abs() <= 2, "{label}: {ahead}");
            let last_seen = now() - replicas[0].last_seen();
            assert!(
                last_seen.abs() < TimeDelta::seconds(20),
                "{label}: by the server's clock it was just there: {last_seen}"
            );
            presence.leave(&store, clock.now()).await.expect("left");
            let replicas = store.read().await.expect("a transaction").replicas().await.expect("replicas");
            assert!(replicas.len() == 1 && replicas[0].stopped_at.is_some(), "{label}");
        }
    };
    check("right", 0, true).await;
    check("half a minute ahead", 30, true).await;
    check("half a minute behind", -30, true).await;
    check("an hour ahead", 3600, false).await;
    check("a day behind", -86_400, false).await;
}

#[tokio::test]
async fn a_replica_takes_over_its_own_claims_at_once_and_those_of_others_when_their_lease_has_ended() {
    let url = new_database();
    let at: DateTime<Utc> = "2026-12-01T08:00:00Z".parse().expect("an instant");
    let open = |name: &'static str| {
        let url = url.clone();
        async move { Store::open(server(&url), Durability::Full, at).await.expect("a store").working_as(name) }
    };
    let (a, b) = (open("a").await, open("b").await);
    let notices: Vec<NewNotice> = ["eins@x.example", "zwei@x.example"].map(notice).into();
    let mut tx = a.write().await.expect("a transaction");
    tx.queue_notices(&notices, at).await.expect("queued");
    tx.commit().await.expect("committed");
    for store in [&a, &b] {
        let mut tx = store.write().await.expect("a transaction");
        let due = tx.due_notices(at, 1).await.expect("due");
        tx.claim(&due, at).await.expect("claimed");
        tx.commit().await.expect("committed");
    }
    let states = || async {
        let all = a.read().await.expect("a transaction").outbox(&OutboxFilter::default()).await.expect("listed");
        all.iter().filter(|notice| notice.state == State::Claimed).count()
    };
    let take_over = |store: Store, claims, at| async move {
        let mut tx = store.write().await.expect("a transaction");
        tx.take_over(claims, at).await.expect("taken over");
        tx.commit().await.expect("committed");
    };
    assert_eq!(states().await, 2);
    take_over(a.clone(), StaleClaims::LeaseEnded, at + TimeDelta::minutes(21)).await;
    assert_eq!(states().await, 2, "a clock that is a minute ahead takes nothing from the living");
    take_over(a.clone(), StaleClaims::Own, at).await;
    assert_eq!(states().await, 1, "its own, and only that");
    take_over(a.clone(), StaleClaims::LeaseEnded, at + TimeDelta::minutes(23)).await;
    assert_eq!(states().await, 0);
}

#[tokio::test]
async fn a_server_with_tls_must_show_a_certificate_that_is_trusted() {
    let (postgres, authority) = Postgres::start_tls();
    let url = postgres.new_database().replace("127.0.0.1", "localhost");
    let login = url.split_once("://").and_then(|(_, rest)| rest.split_once('@')).expect("a login").0.to_owned();
    let bare = url.replace(&login, "fristd");
    let open = |url: String, password: Option<&str>| {
        let database = Database::Server { url, password: password.map(str::to_owned) };
        async move { Store::open(database, Durability::Full, now()).await }
    };
    let trusted = format!("{bare}?sslmode=verify-full&sslrootcert={}", authority.display());
    open(trusted.clone(), Some(PASSWORD)).await.expect("the password may stand elsewhere");
    let wrong = open(trusted, Some("geheim")).await.expect_err("a wrong password");
    assert!(!format!("{wrong} {wrong:?}").contains("geheim"), "{wrong}");
    let untrusted =
        open(format!("{bare}?sslmode=verify-full"), Some(PASSWORD)).await.expect_err("an unknown authority");
    assert!(untrusted.to_string().contains("certificate"), "{untrusted}");
}

fn notice(mailbox: &str) -> NewNotice {
    NewNotice {
        month: Month::parse("2026-12").expect("a month"),
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
