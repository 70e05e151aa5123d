//! Moves a month from SQLite to PostgreSQL and back with `fristd store copy`, and looks at each row.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, SqliteConnection};
use support::answer::Answer;
use support::postgres::new_database;
use support::site::Site;

/// The demo's month, with receipts, mails, corrections and reports.
fn month(folder: &Path) -> PathBuf {
    let demo =
        Command::new(env!("CARGO_BIN_EXE_fristd")).args(["demo", "--out"]).arg(folder).output().expect("started");
    assert!(demo.status.success(), "{}", String::from_utf8_lossy(&demo.stderr));
    folder.join("settings")
}

fn fristd(settings: &Path, arguments: &[&str]) -> Answer {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fristd"));
    command.env("FRISTD_CONFIG", settings.join("fristd.toml")).args(arguments);
    Answer::of(command.into())
}

/// All rows of all tables, each value as SQL writes it; JSON as what it says.
async fn rows(file: &Path) -> BTreeMap<String, Vec<String>> {
    let mut connection: SqliteConnection = SqliteConnectOptions::new().filename(file).connect().await.expect("a file");
    let names =
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY name";
    let tables: Vec<(String,)> = sqlx::query_as(names).fetch_all(&mut connection).await.expect("tables");
    let mut all = BTreeMap::new();
    for (table,) in tables {
        let columns = AssertSqlSafe(format!("SELECT name FROM pragma_table_info('{table}') ORDER BY name"));
        let columns: Vec<(String,)> = sqlx::query_as(columns).fetch_all(&mut connection).await.expect("columns");
        let quoted: Vec<String> = columns.iter().map(|(name,)| format!("quote({name}) AS {name}")).collect();
        let statement = AssertSqlSafe(format!("SELECT {} FROM {table}", quoted.join(", ")));
        let found = sqlx::query(statement).fetch_all(&mut connection).await.expect("rows");
        let mut lines: Vec<String> = found
            .iter()
            .map(|row| {
                let cell = |(name,): &(String,)| {
                    let value: String = row.get(name.as_str());
                    let json = value.trim_matches('\'').replace("''", "'");
                    match serde_json::from_str::<Value>(&json) {
                        Ok(parsed @ (Value::Array(_) | Value::Object(_))) => format!("{name}={parsed}"),
                        _ => format!("{name}={value}"),
                    }
                };
                columns.iter().map(cell).collect::<Vec<_>>().join(" ")
            })
            .collect();
        lines.sort();
        all.insert(table, lines);
    }
    all
}

#[tokio::test]
async fn a_month_goes_to_postgresql_and_back_without_losing_a_column() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = month(&folder.path().join("demo"));
    let (first, back, server) =
        (settings.join("data/fristd.sqlite"), folder.path().join("back.sqlite"), new_database());
    let shown = [
        &["status", "2026-12", "--json"][..],
        &["outbox", "list", "--json"],
        &["proof", "2026-12", "--authority", "abh-05970040-siegen", "--json"],
    ];
    let here = shown.map(|arguments| fristd(&settings, arguments).json());
    let before = rows(&first).await;
    let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let said = fristd(&settings, &["store", "copy", &path(&first), &server]).done();
    assert!(said.contains("receipts") && said.contains("no service works by"), "{said}");
    for arguments in [
        &["store", "copy", &path(&first), &server][..],
        &["run"],
        &["pause"],
        &["record", "2026-12", "statistics", "abh-05113-essen", "nil"],
    ] {
        fristd(&settings, arguments).refused(1, &["everything in this database was moved to postgres://"]);
    }

    let there = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fristd"));
        command.env("FRISTD_CONFIG", settings.join("fristd.toml")).env("FRISTD__DATABASE", &server).args(arguments);
        Answer::of(command.into())
    };
    assert!(there(&["audit", "verify"]).done().contains("intact"));
    for (arguments, here) in shown.iter().zip(here) {
        assert_eq!(sorted(here), sorted(there(arguments).json()), "{arguments:?}");
    }

    fristd(&settings, &["store", "copy", &server, &path(&back)]).done();
    let after = rows(&back).await;
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (table, lines) in &before {
        match table.as_str() {
            // each copy says in the log that it was made
            "log" => assert!(lines.iter().all(|line| after[table].contains(line)), "{table}"),
            "log_head" => {}
            _ => assert_eq!(lines, &after[table], "{table}"),
        }
    }
    assert!(before.values().filter(|lines| !lines.is_empty()).count() > 8, "the month fills its tables");
    let source = &rows(&first).await["service"][0];
    assert!(
        source.contains("moved_at='2") && source.contains("moved_to='postgres://"),
        "the source knows it: {source}"
    );
    assert!(after["service"][0].contains("moved_at=NULL"), "and what it became was not moved");

    fristd(&settings, &["store", "copy", &path(&back), &server])
        .refused(1, &["the database to fill, postgres://", "was moved to"]);
    assert!(fristd(&settings, &["store", "reopen", &path(&first)]).done().contains("is held"));
    fristd(&settings, &["store", "reopen", &path(&first)]).refused(2, &["was not moved away"]);
    assert!(rows(&first).await["service"][0].contains("copied_at='2"), "it counts as a copy now");
    fristd(&settings, &["pause"]).done();
    fristd(&settings, &["store", "copy", &path(&back), &path(&first)]).refused(2, &["has a store already"]);
}

/// Without the instant of asking and the log's head, which each copy extends; lists in any order: the engines sort text differently.
fn sorted(value: Value) -> String {
    match value {
        Value::Array(values) => {
            let mut values: Vec<String> = values.into_iter().map(sorted).collect();
            values.sort();
            format!("[{}]", values.join(","))
        }
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(name, _)| name != "produced_at" && name != "log_head");
            let fields: Vec<String> = fields.map(|(name, value)| format!("{name}:{}", sorted(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        other => other.to_string(),
    }
}

#[rstest]
#[case::the_same("f.sqlite", "f.sqlite", "is both")]
#[case::nothing_there("nowhere.sqlite", "new.sqlite", "there is no database")]
#[case::no_database("contacts.csv", "new.sqlite", "cannot be opened")]
#[case::no_check("postgres://u:geheim@db.example/f?sslmode=require", "new.sqlite", "does not check the certificate")]
fn what_cannot_be_copied_is_said_and_nothing_is_made(#[case] from: &str, #[case] to: &str, #[case] words: &str) {
    let site = Site::small("2026-12-01 08:00:00");
    let place = |name: &str| match name.contains("://") {
        true => name.to_owned(),
        false => site.path(name).to_str().expect("UTF-8").to_owned(),
    };
    let answer = Answer::at(&site, &["store", "copy", &place(from), &place(to)]);
    assert_ne!(answer.code, 0, "{words}");
    assert!(answer.complained.contains(words) && !answer.complained.contains("geheim"), "{}", answer.complained);
    assert!(!site.path("new.sqlite").exists(), "nothing is made");
}

#[test]
fn a_store_at_which_a_service_works_is_not_copied() {
    let site = Site::small("2026-12-01 08:00:00");
    let daemon = site.run().ready();
    let (from, to) = (site.database(), site.path("new.sqlite"));
    let arguments = ["store", "copy", from.to_str().expect("UTF-8"), to.to_str().expect("UTF-8")];
    Answer::at(&site, &arguments).refused(1, &["another `fristd run` is at work on it"]);
    assert!(!to.exists());
    daemon.stop();
    Answer::at(&site, &arguments).done();
}
