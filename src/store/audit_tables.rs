//! Compares tables with the log entries that attest them. Never changes a row.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::types::Json;

use crate::domain::delivery::reply_code;
use crate::domain::{Deadline, Mailbox, Revision};

use super::cycles::revision_facts;
use super::engine::{fetch_all, fetch_built, fetch_optional};
use super::entry::{LogEntry, hex};
use super::log::{mask, without_addresses};
use super::notices::id_of_key;
use super::readable::{Keyed, Readable};
use super::receipts::{self, log_facts};
use super::{StoreError, Tx};

const FAULTS_MAX: usize = 200; // more would tell nobody more; they are counted
const PAGE_MAILS: i64 = 50; // a few megabytes at most
const PAGE_NOTICES: i64 = 1000;
/// The events whose entries attest a row.
const ATTESTING: [&str; 8] =
    ["receipt", "deadline frozen", "deadline corrected", "handed over", "accepted", "retry", "rejected", "uncertain"];

/// A row that says something else than the log, or of which only one of the two knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFault {
    /// The table.
    pub table: &'static str,
    /// Which row: `17`, `3f2a… attempt 1`, `2026-12 planning revision 1`.
    pub row: String,
    /// The entry that attests it, if there is one.
    pub entry: Option<i64>,
    /// What is wrong.
    pub kind: TableFaultKind,
}

/// What can be wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableFaultKind {
    /// These columns differ from what the log says.
    Differs(Vec<String>),
    /// The log knows of a row that is not there.
    NoRow,
    /// A row of which the log knows nothing.
    NoEntry,
    /// The mail that is kept is not the one whose hash is kept.
    MailDiffers,
    /// A notice's month, duty, step, revision or mailbox is not that for which its id was made.
    IdDiffers,
    /// A notice counts as accepted at an instant at which no attempt was.
    NeverAccepted,
    /// A column holds what cannot stand there.
    Unreadable,
}

impl TableFaultKind {
    /// The word in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Differs(_) => "differs",
            Self::NoRow => "no-row",
            Self::NoEntry => "no-entry",
            Self::MailDiffers => "mail-differs",
            Self::IdDiffers => "id-differs",
            Self::NeverAccepted => "never-accepted",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What comparing has found.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TableReport {
    /// How many receipts were compared.
    pub receipts: u64,
    /// How many attempts.
    pub attempts: u64,
    /// How many mails were hashed again.
    pub mails: u64,
    /// How many frozen deadlines.
    pub revisions: u64,
    /// How many notices.
    pub notices: u64,
    /// What is wrong.
    pub faults: Vec<TableFault>,
    /// How many faults were found besides.
    pub more_faults: u64,
}

/// Reads the log's entries in their order beside the tables. Keeps a fingerprint an attempt, and all revisions, never the log.
#[derive(Debug)]
pub(super) struct TableComparer {
    report: TableReport,
    /// How many receipts the log has named.
    receipts: i64,
    /// Fingerprints of the attempts that the log has named.
    attempts: HashSet<u128>,
    /// Attempts that were handed over and of which no outcome has come yet, with their entries.
    open: HashMap<(String, i64), i64>,
    /// Frozen deadlines that no entry has named yet; none if the row cannot be read.
    revisions: HashMap<String, Option<(Value, DateTime<Utc>)>>,
}

impl TableComparer {
    pub(super) async fn new(tx: &mut Tx) -> Result<Self, StoreError> {
        let rows: Vec<Keyed<(), RevisionRow>> = fetch_all!(
            tx,
            sqlx::query_as(
                "SELECT month, duty, number, import_on, stated_on, ends_on, reason, frozen_at FROM revisions ORDER BY month, duty",
            )
        )?;
        let count = rows.len() as u64;
        let revisions = rows.into_iter().enumerate().map(|(index, row)| {
            let found = row.whole.map(read_revision);
            let name = found.as_ref().map_or(format!("in place {}", index + 1), |(facts, _)| revision_name(facts));
            (name, found)
        });
        Ok(Self {
            report: TableReport { revisions: count, ..TableReport::default() },
            receipts: 0,
            attempts: HashSet::new(),
            open: HashMap::new(),
            revisions: revisions.collect(),
        })
    }

    /// Compares what the next entries attest.
    pub(super) async fn compare(&mut self, tx: &mut Tx, entries: &[LogEntry]) -> Result<(), StoreError> {
        let (mut receipts, mut attempts) = (Vec::new(), Vec::new());
        for entry in entries {
            if !ATTESTING.contains(&entry.event.as_str()) {
                continue;
            }
            let facts: Value = serde_json::from_str(&entry.facts).unwrap_or_default();
            match entry.event.as_str() {
                "receipt" => {
                    self.receipts += 1;
                    // entries of an early fristd do not name the number; they came in its order
                    let number = facts["receipt"].as_i64().unwrap_or(self.receipts);
                    receipts.push((number, entry, facts));
                }
                "deadline frozen" | "deadline corrected" => self.compare_revision(entry, &facts),
                _ => {
                    // a notice that is not sent once more ends as uncertain as well, without an attempt
                    if let (Some(notice), Some(number)) = (facts["notice"].as_str(), facts["attempt"].as_i64()) {
                        attempts.push((notice.to_owned(), number, entry, facts));
                    }
                }
            }
        }
        self.compare_receipts(tx, &receipts).await?;
        self.compare_attempts(tx, attempts).await
    }

    /// Looks for rows of which the log knows nothing, hashes the mails again, and ends.
    pub(super) async fn end(mut self, tx: &mut Tx) -> Result<TableReport, StoreError> {
        for (name, _) in std::mem::take(&mut self.revisions) {
            self.add("revisions", name, None, TableFaultKind::NoEntry);
        }
        let unknown: Vec<(i64,)> = fetch_all!(
            tx,
            sqlx::query_as("SELECT number FROM receipts WHERE number > $1 ORDER BY number").bind(self.receipts)
        )?;
        for (number,) in unknown {
            self.add("receipts", number.to_string(), None, TableFaultKind::NoEntry);
        }
        for ((notice, number), entry) in std::mem::take(&mut self.open) {
            let row: Option<(String,)> = fetch_optional!(
                tx,
                sqlx::query_as("SELECT outcome FROM attempts WHERE notice = $1 AND number = $2")
                    .bind(&notice)
                    .bind(number)
            )?;
            if row.is_some_and(|(outcome,)| outcome != "claimed") {
                let kind = TableFaultKind::Differs(vec!["outcome".to_owned()]);
                self.add("attempts", attempt_name(&notice, number), Some(entry), kind);
            }
        }
        self.hash_mails(tx).await?;
        self.check_notices(tx).await?;
        self.report.faults.sort_by(|one, two| (one.table, &one.row).cmp(&(two.table, &two.row)));
        Ok(self.report)
    }

    fn compare_revision(&mut self, entry: &LogEntry, facts: &Value) {
        let name = revision_name(facts);
        match self.revisions.remove(&name) {
            None => self.add("revisions", name, Some(entry.number), TableFaultKind::NoRow),
            Some(None) => self.add("revisions", name, Some(entry.number), TableFaultKind::Unreadable),
            Some(Some((of_row, frozen_at))) => {
                let mut columns = differing(&without_addresses(of_row), facts);
                columns.extend(differs("frozen_at", micros(frozen_at) == micros(entry.at)));
                self.add_differing("revisions", name, entry.number, columns);
            }
        }
    }

    async fn compare_receipts(&mut self, tx: &mut Tx, expected: &[(i64, &LogEntry, Value)]) -> Result<(), StoreError> {
        let numbers = || expected.iter().map(|(number, ..)| *number);
        let (Some(from), Some(to)) = (numbers().min(), numbers().max()) else { return Ok(()) };
        let rows: Vec<Keyed<(i64,), ReceiptRow>> = fetch_all!(tx, sqlx::query_as("SELECT number, authority, state, missing, until_on, reason, source, actor, received_at, reported_at, month, duty
             FROM receipts WHERE number BETWEEN $1 AND $2",
        )
        .bind(from)
        .bind(to))?;
        let mut rows: HashMap<i64, Option<ReceiptRow>> =
            rows.into_iter().filter_map(|row| Some((row.key?.0, row.whole))).collect();
        for (number, entry, facts) in expected {
            self.report.receipts += 1;
            let Some(row) = rows.remove(number) else {
                self.add("receipts", number.to_string(), Some(entry.number), TableFaultKind::NoRow);
                continue;
            };
            let read = |row: ReceiptRow| -> Option<(Value, String, DateTime<Utc>)> {
                let (number, authority, state, missing, until, reason, source, actor, received, reported, month, duty) =
                    row;
                let row = (number, authority, state, missing, until, reason, source, actor, received, reported);
                let receipt = receipts::receipt(row).ok()?;
                Some((log_facts(number, &month, &duty, &receipt), receipt.actor, receipt.received_at))
            };
            let Some((of_row, actor, received_at)) = row.and_then(read) else {
                self.add("receipts", number.to_string(), Some(entry.number), TableFaultKind::Unreadable);
                continue;
            };
            let mut columns = differing(&without_addresses(of_row), facts);
            columns.extend(differs("actor", actor == entry.actor));
            columns.extend(differs("received_at", micros(received_at) == micros(entry.at)));
            self.add_differing("receipts", number.to_string(), entry.number, columns);
        }
        Ok(())
    }

    async fn compare_attempts(
        &mut self,
        tx: &mut Tx,
        expected: Vec<(String, i64, &LogEntry, Value)>,
    ) -> Result<(), StoreError> {
        let notices: HashSet<&str> = expected.iter().map(|(notice, ..)| notice.as_str()).collect();
        if notices.is_empty() {
            return Ok(());
        }
        let rows: Vec<Keyed<(String, i64), AttemptRow>> = fetch_built!(
            tx,
            "SELECT notice, number, at, outcome, reply, sha256, handed_over_at, size_bytes FROM attempts WHERE notice IN (",
            |builder| {
                let mut list = builder.separated(", ");
                for notice in &notices {
                    list.push_bind(*notice);
                }
                builder.push(")");
            }
        )?;
        let rows: HashMap<(String, i64), AttemptRow> =
            rows.into_iter().filter_map(|row| Some((row.key?, row.whole?))).collect();
        for (notice, number, entry, facts) in expected {
            let is_new = self.attempts.insert(fingerprint(&notice, number));
            self.report.attempts += u64::from(is_new);
            let name = attempt_name(&notice, number);
            let key = (notice, number);
            let Some(row) = rows.get(&key) else {
                if is_new {
                    self.add("attempts", name, Some(entry.number), TableFaultKind::NoRow);
                }
                continue;
            };
            let columns = match entry.event == "handed over" {
                true => {
                    self.open.insert(key, entry.number);
                    hand_over_differs(row, entry, &facts)
                }
                false => {
                    self.open.remove(&key);
                    outcome_differs(row, entry, &facts)
                }
            };
            match columns {
                Some(columns) => self.add_differing("attempts", name, entry.number, columns),
                None => self.add("attempts", name, Some(entry.number), TableFaultKind::Unreadable),
            }
        }
        Ok(())
    }

    async fn hash_mails(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let (mut last_notice, mut last_number) = (String::new(), 0_i64);
        loop {
            type MailRow = (String, i64, Readable<String>, Readable<Option<Vec<u8>>>);
            let rows: Vec<MailRow> = fetch_all!(tx, sqlx::query_as("SELECT notice, number, sha256, mail FROM attempts WHERE notice > $1 OR (notice = $1 AND number > $2)
                 ORDER BY notice, number LIMIT $3",
            )
            .bind(&last_notice)
            .bind(last_number)
            .bind(PAGE_MAILS))?;
            let is_end = rows.is_empty();
            for (notice, number, sha256, mail) in rows {
                (last_notice, last_number) = (notice, number);
                let name = attempt_name(&last_notice, last_number);
                if !self.attempts.contains(&fingerprint(&last_notice, last_number)) {
                    self.add("attempts", name.clone(), None, TableFaultKind::NoEntry);
                }
                let (Some(sha256), Some(mail)) = (sha256.0, mail.0) else {
                    self.add("attempts", name, None, TableFaultKind::Unreadable);
                    continue;
                };
                let Some(mail) = mail else { continue };
                self.report.mails += 1;
                if hex(&Sha256::digest(&mail)) != sha256 {
                    self.add("attempts", name, None, TableFaultKind::MailDiffers);
                }
            }
            if is_end {
                return Ok(());
            }
        }
    }

    async fn check_notices(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let mut last_id = String::new();
        loop {
            type Key = (String, String, String, i64, String);
            let rows: Vec<NoticeRow> = fetch_all!(
                tx,
                sqlx::query_as(
                    "SELECT id, month, duty, step, revision, mailbox FROM notices WHERE id > $1 ORDER BY id LIMIT $2",
                )
                .bind(&last_id)
                .bind(PAGE_NOTICES)
            )?;
            let is_end = rows.is_empty();
            for (id, month, duty, step, revision, mailbox) in rows {
                last_id = id;
                self.report.notices += 1;
                let key = || -> Option<Key> { Some((month.0?, duty.0?, step.0?, revision.0?, mailbox.0?)) };
                let Some((month, duty, step, revision, mailbox)) = key() else {
                    self.add("notices", last_id.clone(), None, TableFaultKind::Unreadable);
                    continue;
                };
                let of_key = id_of_key([&month, &duty, &step, &revision.to_string(), &mailbox]);
                // what retention or a forgotten contact has left (M8): the address itself says of which notice
                if of_key != last_id && mailbox != Mailbox::removed(&last_id).as_str() {
                    self.add("notices", last_id.clone(), None, TableFaultKind::IdDiffers);
                }
            }
            if is_end {
                break;
            }
        }
        let never: Vec<(String,)> = fetch_all!(
            tx,
            sqlx::query_as(
                "SELECT id FROM notices WHERE (accepted_at IS NOT NULL OR state = 'accepted') AND NOT EXISTS (
                 SELECT 1 FROM attempts WHERE attempts.notice = notices.id AND attempts.outcome = 'accepted'
                   AND attempts.at = notices.accepted_at) ORDER BY id",
            )
        )?;
        for (id,) in never {
            self.add("notices", id, None, TableFaultKind::NeverAccepted);
        }
        Ok(())
    }

    fn add_differing(&mut self, table: &'static str, row: String, entry: i64, columns: Vec<String>) {
        if !columns.is_empty() {
            self.add(table, row, Some(entry), TableFaultKind::Differs(columns));
        }
    }

    fn add(&mut self, table: &'static str, row: String, entry: Option<i64>, kind: TableFaultKind) {
        match self.report.faults.len() < FAULTS_MAX {
            true => self.report.faults.push(TableFault { table, row, entry, kind }),
            false => self.report.more_faults += 1,
        }
    }
}

type RevisionRow = (String, String, i64, NaiveDate, NaiveDate, NaiveDate, Option<String>, DateTime<Utc>);

fn read_revision(row: RevisionRow) -> (Value, DateTime<Utc>) {
    let (month, duty, number, import_on, stated_on, ends_on, reason, frozen_at) = row;
    let deadline = Deadline { import_on, stated_on, ends_on };
    let revision = Revision { number: u32::try_from(number).unwrap_or_default(), deadline, reason, frozen_at };
    (revision_facts(&month, &duty, &revision), frozen_at)
}

/// A receipt's row, with month and duty behind.
type ReceiptRow = (
    i64,
    String,
    String,
    Json<Vec<String>>,
    Option<NaiveDate>,
    Option<String>,
    String,
    String,
    DateTime<Utc>,
    DateTime<Utc>,
    String,
    String,
);

/// Id, month, duty, step, revision and mailbox.
type NoticeRow = (String, Readable<String>, Readable<String>, Readable<String>, Readable<i64>, Readable<String>);

/// Notice, number, at, outcome, reply, sha256, handed_over_at, size_bytes.
type AttemptRow = (
    Readable<String>,
    Readable<i64>,
    Readable<DateTime<Utc>>,
    Readable<String>,
    Readable<String>,
    Readable<String>,
    Readable<Option<DateTime<Utc>>>,
    Readable<Option<i64>>,
);

/// None if the row cannot be read.
fn hand_over_differs(row: &AttemptRow, entry: &LogEntry, facts: &Value) -> Option<Vec<String>> {
    let (_, _, _, _, _, Readable(sha256), Readable(handed_over_at), Readable(size)) = row;
    let (sha256, handed_over_at, size) = (sha256.as_ref()?, (*handed_over_at)?, (*size)?);
    let mut columns = Vec::new();
    columns.extend(differs("sha256", facts["sha256"].as_str() == Some(sha256)));
    columns.extend(differs("handed_over_at", handed_over_at.map(micros) == Some(micros(entry.at))));
    columns.extend(differs("size_bytes", size == facts["bytes"].as_i64()));
    Some(columns)
}

/// None if the row cannot be read.
fn outcome_differs(row: &AttemptRow, entry: &LogEntry, facts: &Value) -> Option<Vec<String>> {
    let (_, _, Readable(at), Readable(outcome), Readable(reply), Readable(sha256), _, _) = row;
    let (at, outcome, reply, sha256) = ((*at)?, outcome.as_ref()?, reply.as_ref()?, sha256.as_ref()?);
    let mut columns = Vec::new();
    columns.extend(differs("outcome", *outcome == entry.event));
    columns.extend(differs("at", micros(at) == micros(entry.at)));
    // an early fristd did not always know the hash, and logged the whole reply
    let knows_hash =
        facts.get("handed_over").is_some() || facts["sha256"].as_str().is_some_and(|known| !known.is_empty());
    columns.extend(differs("sha256", !knows_hash || facts["sha256"].as_str() == Some(sha256)));
    if let Some(code) = facts.get("code") {
        columns.extend(differs("reply", code.as_str() == reply_code(reply).as_deref()));
    } else if let Some(words) = facts["reply"].as_str() {
        columns.extend(differs("reply", words == reply || words == mask(reply)));
    }
    Some(columns)
}

/// The names of facts that differ, as far as the entry has them.
fn differing(of_row: &Value, of_entry: &Value) -> Vec<String> {
    let (Value::Object(row), Value::Object(entry)) = (of_row, of_entry) else { return vec!["facts".to_owned()] };
    let names = row.keys().filter(|name| entry.get(*name).is_some_and(|value| Some(value) != row.get(*name)));
    names.cloned().collect()
}

fn differs(column: &str, is_same: bool) -> Option<String> {
    (!is_same).then(|| column.to_owned())
}

fn revision_name(facts: &Value) -> String {
    let text = |name: &str| facts[name].as_str().unwrap_or("?").to_owned();
    format!("{} {} revision {}", text("month"), text("duty"), facts["revision"])
}

fn attempt_name(notice: &str, number: i64) -> String {
    format!("{notice} attempt {number}")
}

/// Sixteen bytes that stand for an attempt.
fn fingerprint(notice: &str, number: i64) -> u128 {
    let hash = Sha256::digest(format!("{notice}\n{number}"));
    hash.iter().take(16).fold(0, |sum, byte| (sum << 8) | u128::from(*byte))
}

/// An instant as far as the log keeps it.
fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    const MICROSECOND_DIGITS: u16 = 6;
    at.trunc_subsecs(MICROSECOND_DIGITS)
}
