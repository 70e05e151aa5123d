//! Arrangements: appended and read in the order in which they were recorded (S7). Never changes or deletes one.

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::Arrangement;

use super::engine::{fetch_all, fetch_one};
use super::rows::Place;
use super::{StoreError, Tx};

impl Tx {
    /// Appends an arrangement.
    pub async fn append_arrangement(&mut self, arrangement: &Arrangement) -> Result<(), StoreError> {
        let (number,): (i64,) =
            fetch_one!(self, sqlx::query_as(
            "INSERT INTO arrangements (number, duty, authority, kind, from_month, until_on, reason, source, actor,
                                       recorded_at)
             VALUES ((SELECT COALESCE(MAX(number), 0) + 1 FROM arrangements), $1, $2, $3, $4, $5, $6, $7, $8, $9)
             RETURNING number",
        )
        .bind(&*arrangement.duty)
        .bind(&*arrangement.authority)
        .bind(arrangement.kind.as_str())
        .bind(arrangement.from.to_string())
        .bind(arrangement.until)
        .bind(&arrangement.reason)
        .bind(&arrangement.source)
        .bind(&arrangement.actor)
        .bind(arrangement.recorded_at))?;
        let facts = serde_json::json!({
            "arrangement": number, "duty": &*arrangement.duty, "authority": &*arrangement.authority, "kind": arrangement.kind.as_str(),
            "from": arrangement.from.to_string(), "until": arrangement.until, "reason": arrangement.reason,
            "source": arrangement.source,
        });
        self.append_log(arrangement.recorded_at, &arrangement.actor, "arrangement", &facts).await?;
        self.touch().await
    }

    /// All arrangements in the order in which they were recorded; also those that are over, because nothing is forgotten.
    pub async fn arrangements(&mut self) -> Result<Vec<Arrangement>, StoreError> {
        type Row = (i64, String, String, String, String, Option<NaiveDate>, String, String, String, DateTime<Utc>);
        let rows: Vec<Row> = fetch_all!(
            self,
            sqlx::query_as(
                "SELECT number, duty, authority, kind, from_month, until_on, reason, source, actor, recorded_at
             FROM arrangements ORDER BY number",
            )
        )?;
        rows.into_iter()
            .map(|(number, duty, authority, kind, from, until, reason, source, actor, recorded_at)| {
                let row = number.to_string();
                let place = Place { table: "arrangements", row: &row };
                Ok(Arrangement {
                    duty: duty.into(),
                    authority: authority.into(),
                    kind: place.arrangement_kind(&kind)?,
                    from: place.month(&from)?,
                    until: until.map(|until| place.date("until_on", until)).transpose()?,
                    reason,
                    source,
                    actor,
                    recorded_at,
                })
            })
            .collect()
    }
}
