//! Checks the PostgreSQL that other tests rely on. Never uses fristd's own store.

mod support;

use std::fs;
use std::net::TcpStream;
use std::path::Path;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use support::daemon::poll;
use support::postgres::{Postgres, new_database};

#[tokio::test]
async fn every_test_has_an_empty_database_of_its_own() {
    let (one, other) = (new_database(), new_database());
    assert_ne!(one, other);
    let mut one = PgConnection::connect(&one).await.unwrap();
    let mut other = PgConnection::connect(&other).await.unwrap();
    sqlx::raw_sql("CREATE TABLE said (words TEXT)").execute(&mut one).await.unwrap();
    assert!(sqlx::raw_sql("SELECT words FROM said").execute(&mut other).await.is_err());
}

#[tokio::test]
async fn text_is_sorted_as_a_german_would_and_not_by_bytes() {
    let mut connection = PgConnection::connect(&new_database()).await.unwrap();
    assert_eq!(answer(&mut connection, "SELECT ('a' < 'B' AND 'Ä' < 'B')::TEXT").await, "true");
}

#[tokio::test]
async fn a_server_that_is_stopped_at_once_keeps_what_it_confirmed() {
    let mut server = Postgres::start();
    let url = server.new_database();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    assert_eq!(answer(&mut connection, "SHOW fsync").await, "on");
    assert_eq!(answer(&mut connection, "SHOW synchronous_commit").await, "on");
    sqlx::raw_sql("CREATE TABLE said (words TEXT); INSERT INTO said VALUES ('bestätigt')")
        .execute(&mut connection)
        .await
        .unwrap();
    for _ in 0..3 {
        server.stop_immediate();
        assert!(connection.ping().await.is_err(), "open connections end");
        assert!(PgConnection::connect(&url).await.is_err(), "and none is taken");
        server.start_again();
        connection = PgConnection::connect(&url).await.unwrap();
        assert_eq!(answer(&mut connection, "SELECT words FROM said").await, "bestätigt");
    }
}

#[tokio::test]
async fn a_server_with_tls_shows_its_certificate_and_asks_for_the_password() {
    let (server, authority) = Postgres::start_tls();
    let url = server.new_database();
    let options: PgConnectOptions = url.parse().unwrap();
    let checked = options.clone().ssl_mode(PgSslMode::VerifyFull).ssl_root_cert(&authority);
    let mut connection = checked.connect().await.unwrap();
    let encrypted = "SELECT ssl::TEXT FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(answer(&mut connection, encrypted).await, "true");

    for (case, refused) in [
        ("without TLS", options.clone().ssl_mode(PgSslMode::Disable)),
        ("an authority that nobody knows", options.ssl_mode(PgSslMode::VerifyFull)),
        ("a wrong password", checked.password("wrong")),
    ] {
        assert!(refused.connect().await.is_err(), "{case}");
    }
}

#[test]
fn a_server_ends_with_its_test_and_leaves_nothing_behind() {
    let server = Postgres::start();
    let port = server.port();
    let folder = server.folder().to_owned();
    assert!(folder.is_dir());
    drop(server);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!folder.exists());
}

#[test]
fn a_server_ends_with_a_test_that_is_killed() {
    if let Some(folder) = std::env::var_os("TELL_FOLDER") {
        let server = Postgres::start();
        fs::write(folder, server.folder().to_str().unwrap()).unwrap();
        std::process::abort();
    }
    let told = tempfile::NamedTempFile::new().unwrap();
    let this = std::env::current_exe().unwrap();
    let output = std::process::Command::new(this)
        .args(["--exact", "a_server_ends_with_a_test_that_is_killed"])
        .env("TELL_FOLDER", told.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let folder = fs::read_to_string(told.path()).unwrap();
    assert!(folder.contains("fristd-postgres-"), "{folder:?}: {output:?}");
    poll("the end of the server", || (!Path::new(&folder).exists()).then_some(()));
}

async fn answer(connection: &mut PgConnection, question: &str) -> String {
    sqlx::query_scalar(AssertSqlSafe(question)).fetch_one(connection).await.unwrap()
}
