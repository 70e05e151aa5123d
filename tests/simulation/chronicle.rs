//! What happened in the database, change by change, as triggers saw it; and what was known after each. Never asks fristd.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use fristd::domain::Month;
use serde::Deserialize;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::reckoning::{Dates, end_of};

/// One change, as a trigger wrote it down in the transaction that made it.
#[derive(Clone, Debug)]
pub struct Change {
    pub seq: i64,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    Queued(NoticeRow),
    Changed {
        was: NoticeWas,
        row: NoticeRow,
    },
    Receipt(ReceiptRow),
    Revision(RevisionRow),
    Signal(SignalRow),
    Step(StepRow),
    Flag {
        mailbox: String,
        is_set: bool,
    },
    Paused(bool),
    Start {
        duty: String,
        month: String,
    },
    /// Something was changed that never may be.
    Forbidden(String),
}

#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct NoticeRow {
    pub id: String,
    pub month: String,
    pub duty: String,
    pub step: String,
    pub revision: u32,
    pub mailbox: String,
    pub kind: String,
    pub office: Option<String>,
    pub authorities: String,
    pub due_at: DateTime<Utc>,
    pub queued_at: DateTime<Utc>,
    pub state: String,
    pub reason: Option<String>,
    pub next_at: Option<DateTime<Utc>>,
    pub attempts: u32,
    pub uncertain: u32,
    pub lease: i64,
    pub lease_until: Option<DateTime<Utc>>,
    pub handed_over_at: Option<DateTime<Utc>>,
    pub accepted_at: Option<DateTime<Utc>>,
    pub changed_at: DateTime<Utc>,
}

impl NoticeRow {
    pub fn month(&self) -> Month {
        Month::parse(&self.month).unwrap()
    }

    pub fn authorities(&self) -> Vec<String> {
        serde_json::from_str(&self.authorities).unwrap()
    }
}

/// What a notice was before a change.
#[derive(Clone, Debug, Deserialize)]
pub struct NoticeWas {
    pub state: String,
    pub lease: i64,
    pub lease_until: Option<DateTime<Utc>>,
    pub uncertain: u32,
    pub attempts: u32,
    pub handed_over_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ReceiptRow {
    pub month: String,
    pub duty: String,
    pub authority: String,
    pub state: String,
    pub until_on: Option<NaiveDate>,
    pub missing: String,
    pub source: String,
    pub received_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct RevisionRow {
    pub month: String,
    pub duty: String,
    pub number: u32,
    pub import_on: NaiveDate,
    pub stated_on: NaiveDate,
    pub ends_on: NaiveDate,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct SignalRow {
    pub month: String,
    pub import_on: NaiveDate,
    pub received_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct StepRow {
    pub month: String,
    pub duty: String,
    pub step: String,
    pub revision: u32,
    pub due_at: DateTime<Utc>,
    pub skipped: Option<String>,
    pub recorded_at: DateTime<Utc>,
}

/// A revision as the model knows it.
#[derive(Clone, Debug)]
pub struct Revision {
    pub number: u32,
    pub dates: Dates,
}

/// A receipt as the model knows it.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub seq: i64,
    pub state: String,
    pub until_on: Option<NaiveDate>,
    pub missing: String,
    pub source: String,
    pub received_at: DateTime<Utc>,
}

type Cycle = (Month, String);

/// Everything that was known, and since which change.
#[derive(Clone, Debug, Default)]
pub struct Known {
    revisions: HashMap<Cycle, Vec<(i64, Revision)>>,
    signals: HashMap<Month, Vec<(i64, SignalRow)>>,
    receipts: HashMap<Cycle, HashMap<String, Vec<Receipt>>>,
    flags: HashMap<String, Vec<(i64, bool)>>,
    paused: Vec<(i64, bool)>,
    pub starts: HashMap<String, Month>,
}

impl Known {
    pub fn add(&mut self, change: &Change) {
        let seq = change.seq;
        let month = |text: &str| Month::parse(text).unwrap();
        match &change.what {
            What::Receipt(row) => {
                let receipt = Receipt {
                    seq,
                    state: row.state.clone(),
                    until_on: row.until_on,
                    missing: row.missing.clone(),
                    source: row.source.clone(),
                    received_at: row.received_at,
                };
                let of_cycle = self.receipts.entry((month(&row.month), row.duty.clone())).or_default();
                of_cycle.entry(row.authority.clone()).or_default().push(receipt);
            }
            What::Revision(row) => {
                let dates = Dates { import_on: row.import_on, stated_on: row.stated_on, ends_on: row.ends_on };
                let revision = Revision { number: row.number, dates };
                self.revisions.entry((month(&row.month), row.duty.clone())).or_default().push((seq, revision));
            }
            What::Signal(row) => self.signals.entry(month(&row.month)).or_default().push((seq, row.clone())),
            What::Flag { mailbox, is_set } => self.flags.entry(mailbox.clone()).or_default().push((seq, *is_set)),
            What::Paused(is_paused) => self.paused.push((seq, *is_paused)),
            What::Start { duty, month: first } => _ = self.starts.insert(duty.clone(), month(first)),
            What::Queued(_) | What::Changed { .. } | What::Step(_) | What::Forbidden(_) => {}
        }
    }

    /// The revision in force after the change `seq`.
    pub fn revision(&self, seq: i64, month: Month, duty: &str) -> Option<&Revision> {
        let all = self.revisions.get(&(month, duty.to_owned()))?;
        all.iter().rev().find(|(since, _)| *since <= seq).map(|(_, revision)| revision)
    }

    pub fn signal(&self, seq: i64, month: Month) -> Option<&SignalRow> {
        self.signals.get(&month)?.iter().rev().find(|(since, _)| *since <= seq).map(|(_, signal)| signal)
    }

    pub fn receipts(&self, month: Month, duty: &str, authority: &str) -> &[Receipt] {
        let of_cycle = self.receipts.get(&(month, duty.to_owned()));
        of_cycle.and_then(|all| all.get(authority)).map_or(&[], Vec::as_slice)
    }

    /// Whether an authority was settled at `at`, by the receipts up to the change `seq` (S1).
    pub fn is_settled(&self, seq: i64, month: Month, duty: &str, authority: &str, at: DateTime<Utc>) -> bool {
        let known = self.receipts(month, duty, authority).iter().filter(|receipt| receipt.seq <= seq);
        let (state, extended_to) = fold(known);
        is_settled(state, extended_to, at)
    }

    pub fn is_flagged(&self, seq: i64, mailbox: &str) -> bool {
        newest(self.flags.get(mailbox).map_or(&[], Vec::as_slice), seq)
    }

    pub fn is_paused(&self, seq: i64) -> bool {
        newest(&self.paused, seq)
    }
}

fn newest(turns: &[(i64, bool)], seq: i64) -> bool {
    turns.iter().rev().find(|(since, _)| *since <= seq).is_some_and(|(_, is)| *is)
}

/// The state that receipts amount to in their order, and the extension over it.
pub fn fold<'a>(receipts: impl Iterator<Item = &'a Receipt>) -> (&'a str, Option<NaiveDate>) {
    let (mut state, mut extended_to) = ("missing", None);
    for receipt in receipts {
        match receipt.state.as_str() {
            "extended" => extended_to = receipt.until_on,
            "missing" => (state, extended_to) = ("missing", None),
            other => state = other,
        }
    }
    (state, extended_to)
}

pub fn is_settled(state: &str, extended_to: Option<NaiveDate>, at: DateTime<Utc>) -> bool {
    !matches!(state, "missing" | "partial") || extended_to.is_some_and(|until| at < end_of(until))
}

const TRIGGERS: &str = include_str!("triggers.sql");

/// The database behind the store, seen from beside.
pub struct Scribe {
    connection: SqliteConnection,
    last: i64,
}

impl Scribe {
    pub async fn new(database: &std::path::Path) -> Self {
        let options = SqliteConnectOptions::new().filename(database).busy_timeout(std::time::Duration::from_secs(10));
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql(TRIGGERS).execute(&mut connection).await.unwrap();
        Self { connection, last: 0 }
    }

    /// The changes since the last call.
    pub async fn changes(&mut self) -> Vec<Change> {
        type Row = (i64, String, Option<String>, Option<String>);
        let rows: Vec<Row> =
            sqlx::query_as("SELECT seq, what, was, now FROM simulation_changes WHERE seq > $1 ORDER BY seq")
                .bind(self.last)
                .fetch_all(&mut self.connection)
                .await
                .unwrap();
        self.last = rows.last().map_or(self.last, |row| row.0);
        rows.into_iter().map(change).collect()
    }

    /// The store's own count of changes.
    pub async fn count_of_changes(&mut self) -> i64 {
        sqlx::query_scalar("SELECT changes FROM service").fetch_one(&mut self.connection).await.unwrap()
    }

    /// Makes every write of the store fail from now on, or lets it be: 0 fine, 1 the statement fails, 2 the transaction is
    /// rolled back by the database itself, as on a full disk.
    pub async fn set_disk(&mut self, mode: i64) {
        sqlx::query("UPDATE simulation_disk SET mode = $1").bind(mode).execute(&mut self.connection).await.unwrap();
    }

    pub async fn close(self) {
        let _ = self.connection.close().await;
    }
}

fn change((seq, what, was, now): (i64, String, Option<String>, Option<String>)) -> Change {
    let (was, now) = (was.unwrap_or_default(), now.unwrap_or_default());
    fn read<'a, T: Deserialize<'a>>(text: &'a str) -> T {
        serde_json::from_str(text).unwrap_or_else(|cause| panic!("{cause}: {text}"))
    }
    let what = match what.as_str() {
        "queued" => What::Queued(read(&now)),
        "notice" => What::Changed { was: read(&was), row: read(&now) },
        "receipt" => What::Receipt(read(&now)),
        "revision" => What::Revision(read(&now)),
        "signal" => What::Signal(read(&now)),
        "step" => What::Step(read(&now)),
        "flag" => What::Flag { mailbox: now, is_set: true },
        "unflag" => What::Flag { mailbox: was, is_set: false },
        "paused" => What::Paused(now == "1"),
        "start" => What::Start { duty: was, month: now },
        other => What::Forbidden(format!("{other}: {was} {now}")),
    };
    Change { seq, what }
}
