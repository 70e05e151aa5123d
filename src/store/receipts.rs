//! Receipts: appended and read in the order in which they were recorded. Never changes or deletes one.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use sqlx::types::Json;

use crate::domain::{AuthorityId, DutyId, Month, Receipt, ReceiptState};

use super::engine::{execute_built, fetch_all, fetch_one};
use super::rows::Place;
use super::{StoreError, Tx};

const INSERT_ROWS_MAX: usize = 1000; // times 12 bound values a row stays below SQLite's 32,766 bound values

pub(super) type Row = (
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
);

impl Tx {
    /// Appends a receipt (S4).
    pub async fn append_receipt(&mut self, month: Month, duty: &str, receipt: &Receipt) -> Result<(), StoreError> {
        self.append_receipts(&[(month, duty, receipt)]).await
    }

    /// Appends receipts in their order (S4), many in one statement.
    pub async fn append_receipts(&mut self, receipts: &[(Month, &str, &Receipt)]) -> Result<(), StoreError> {
        if receipts.is_empty() {
            return Ok(());
        }
        let (last,): (i64,) = fetch_one!(self, sqlx::query_as("SELECT COALESCE(MAX(number), 0) FROM receipts"))?;
        for (numbered, rows) in (last + 1..).step_by(INSERT_ROWS_MAX).zip(receipts.chunks(INSERT_ROWS_MAX)) {
            execute_built!(
                self,
                "INSERT INTO receipts (number, month, duty, authority, state, missing, until_on, reason, source, actor,
                                       received_at, reported_at) ",
                |builder| {
                    builder.push_values((numbered..).zip(rows), |mut row, (number, (month, duty, receipt))| {
                        let (missing, until, reason) = columns(receipt);
                        row.push_bind(number)
                            .push_bind(month.to_string())
                            .push_bind(*duty)
                            .push_bind(&*receipt.authority)
                            .push_bind(receipt.state.as_str())
                            .push_bind(Json(missing))
                            .push_bind(until)
                            .push_bind(reason)
                            .push_bind(&receipt.source)
                            .push_bind(&receipt.actor)
                            .push_bind(receipt.received_at)
                            .push_bind(receipt.reported_at);
                    });
                }
            )?;
            let entries = (numbered..).zip(rows).map(|(number, (month, duty, receipt))| {
                let facts = log_facts(number, &month.to_string(), duty, receipt);
                (receipt.received_at, receipt.actor.as_str(), "receipt", facts)
            });
            self.append_log_entries(&entries.collect::<Vec<_>>()).await?;
        }
        self.touch().await
    }

    /// All receipts of a duty's cycle by authority, each in the order in which they were recorded.
    pub async fn receipts(
        &mut self,
        month: Month,
        duty: &str,
    ) -> Result<HashMap<AuthorityId, Vec<Receipt>>, StoreError> {
        let rows: Vec<Row> =
            fetch_all!(self, sqlx::query_as(
            "SELECT number, authority, state, missing, until_on, reason, source, actor, received_at, reported_at
             FROM receipts WHERE month = $1 AND duty = $2 ORDER BY authority, number",
        )
        .bind(month.to_string())
        .bind(duty))?;
        let mut receipts: HashMap<AuthorityId, Vec<Receipt>> = HashMap::new();
        for row in rows {
            let receipt = receipt(row)?;
            receipts.entry(receipt.authority.clone()).or_default().push(receipt);
        }
        Ok(receipts)
    }

    /// The receipts of a duty's cycles from one month to another, both included, by month and authority, each in the order in
    /// which they were recorded. Only what standings hang on is read, since ten years have tens of thousands: reasons, missing
    /// parts, source and actor are empty.
    pub async fn receipts_between(
        &mut self,
        first: Month,
        last: Month,
        duty: &str,
    ) -> Result<HashMap<Month, HashMap<AuthorityId, Vec<Receipt>>>, StoreError> {
        type Row = (i64, String, String, String, Option<NaiveDate>, DateTime<Utc>, DateTime<Utc>);
        let rows: Vec<Row> = fetch_all!(
            self,
            sqlx::query_as(
                "SELECT number, month, authority, state, until_on, received_at, reported_at FROM receipts
             WHERE month >= $1 AND month <= $2 AND duty = $3 ORDER BY month, authority, number",
            )
            .bind(first.to_string())
            .bind(last.to_string())
            .bind(duty)
        )?;
        let mut by_month: HashMap<Month, HashMap<AuthorityId, Vec<Receipt>>> = HashMap::new();
        for (number, month, authority, state, until, received_at, reported_at) in rows {
            let row_name = number.to_string();
            let place = Place { table: "receipts", row: &row_name };
            let state = place.receipt_state(&state, Vec::new(), until, None)?;
            let receipt = Receipt {
                authority: authority.into(),
                state,
                source: String::new(),
                actor: String::new(),
                note: None,
                received_at,
                reported_at,
            };
            let of_month = by_month.entry(place.month(&month)?).or_default();
            of_month.entry(receipt.authority.clone()).or_default().push(receipt);
        }
        Ok(by_month)
    }

    /// The receipts of one authority, in the order in which they were recorded.
    pub async fn receipts_of(&mut self, month: Month, duty: &str, authority: &str) -> Result<Vec<Receipt>, StoreError> {
        let rows: Vec<Row> =
            fetch_all!(self, sqlx::query_as(
            "SELECT number, authority, state, missing, until_on, reason, source, actor, received_at, reported_at
             FROM receipts WHERE month = $1 AND duty = $2 AND authority = $3 ORDER BY number",
        )
        .bind(month.to_string())
        .bind(duty)
        .bind(authority))?;
        rows.into_iter().map(receipt).collect()
    }

    /// In which cycles anything was recorded of an authority, oldest first.
    pub async fn cycles_with_receipts_of(&mut self, authority: &str) -> Result<Vec<(Month, DutyId)>, StoreError> {
        let rows: Vec<(String, String)> = fetch_all!(
            self,
            sqlx::query_as("SELECT DISTINCT month, duty FROM receipts WHERE authority = $1 ORDER BY month, duty")
                .bind(authority)
        )?;
        let read = |(month, duty): (String, String)| {
            Ok((Place { table: "receipts", row: authority }.month(&month)?, duty.into()))
        };
        rows.into_iter().map(read).collect()
    }
}

/// What the log says of a receipt; by it a row is compared with its entry again.
pub(super) fn log_facts(number: i64, month: &str, duty: &str, receipt: &Receipt) -> Value {
    let (missing, until, reason) = columns(receipt);
    serde_json::json!({
        "receipt": number, "month": month, "duty": duty, "authority": &*receipt.authority,
        "state": receipt.state.as_str(), "missing": missing, "until": until, "reason": reason,
        "source": receipt.source, "reported_at": receipt.reported_at,
    })
}

/// What the columns hold of a receipt's state besides its word.
fn columns(receipt: &Receipt) -> (&[String], Option<NaiveDate>, Option<&str>) {
    let (missing, until): (&[String], _) = match &receipt.state {
        ReceiptState::Partial { missing } => (missing, None),
        ReceiptState::Extended { until, .. } => (&[], Some(*until)),
        _ => (&[], None),
    };
    (missing, until, receipt.why())
}

pub(super) fn receipt(row: Row) -> Result<Receipt, StoreError> {
    let (number, authority, state, Json(missing), until, reason, source, actor, received_at, reported_at) = row;
    let row_name = number.to_string();
    let state = Place { table: "receipts", row: &row_name }.receipt_state(&state, missing, until, reason.clone())?;
    // the column holds the state's own reason, or the note of a state that has none
    let note = if state.reason().is_some() { None } else { reason };
    Ok(Receipt { authority: authority.into(), state, source, actor, note, received_at, reported_at })
}
