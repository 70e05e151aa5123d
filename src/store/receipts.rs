//! Receipts: appended and read in the order in which they were recorded. Never changes or deletes one.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::types::Json;

use crate::domain::{AuthorityId, Month, Receipt, ReceiptState};

use super::rows::Place;
use super::{StoreError, Tx};

type Row = (
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
        let (missing, until, reason) = match &receipt.state {
            ReceiptState::Partial { missing } => (missing.clone(), None, None),
            ReceiptState::Excused { reason } | ReceiptState::Exempt { reason } => (Vec::new(), None, Some(reason)),
            ReceiptState::Extended { until, reason } => (Vec::new(), Some(*until), Some(reason)),
            _ => (Vec::new(), None, None),
        };
        sqlx::query(
            "INSERT INTO receipts (number, month, duty, authority, state, missing, until_on, reason, source, actor,
                                   received_at, reported_at)
             VALUES ((SELECT COALESCE(MAX(number), 0) + 1 FROM receipts), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(month.to_string())
        .bind(duty)
        .bind(&*receipt.authority)
        .bind(receipt.state.as_str())
        .bind(Json(&missing))
        .bind(until)
        .bind(reason)
        .bind(&receipt.source)
        .bind(&receipt.actor)
        .bind(receipt.received_at)
        .bind(receipt.reported_at)
        .execute(&mut *self.tx)
        .await?;
        let facts = serde_json::json!({
            "month": month.to_string(), "duty": duty, "authority": &*receipt.authority,
            "state": receipt.state.as_str(), "missing": missing, "until": until, "reason": reason,
            "source": receipt.source, "reported_at": receipt.reported_at,
        });
        self.append_log(receipt.received_at, &receipt.actor, "receipt", &facts).await?;
        self.touch().await
    }

    /// All receipts of a duty's cycle by authority, each in the order in which they were recorded.
    pub async fn receipts(
        &mut self,
        month: Month,
        duty: &str,
    ) -> Result<HashMap<AuthorityId, Vec<Receipt>>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT number, authority, state, missing, until_on, reason, source, actor, received_at, reported_at
             FROM receipts WHERE month = $1 AND duty = $2 ORDER BY authority, number",
        )
        .bind(month.to_string())
        .bind(duty)
        .fetch_all(&mut *self.tx)
        .await?;
        let mut receipts: HashMap<AuthorityId, Vec<Receipt>> = HashMap::new();
        for row in rows {
            let receipt = receipt(row)?;
            receipts.entry(receipt.authority.clone()).or_default().push(receipt);
        }
        Ok(receipts)
    }

    /// The receipts of one authority, in the order in which they were recorded.
    pub async fn receipts_of(&mut self, month: Month, duty: &str, authority: &str) -> Result<Vec<Receipt>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT number, authority, state, missing, until_on, reason, source, actor, received_at, reported_at
             FROM receipts WHERE month = $1 AND duty = $2 AND authority = $3 ORDER BY number",
        )
        .bind(month.to_string())
        .bind(duty)
        .bind(authority)
        .fetch_all(&mut *self.tx)
        .await?;
        rows.into_iter().map(receipt).collect()
    }
}

fn receipt(row: Row) -> Result<Receipt, StoreError> {
    let (number, authority, state, Json(missing), until, reason, source, actor, received_at, reported_at) = row;
    let row_name = number.to_string();
    let state = Place { table: "receipts", row: &row_name }.receipt_state(&state, missing, until, reason)?;
    Ok(Receipt { authority: authority.into(), state, source, actor, received_at, reported_at })
}
