//! Lists that were read, each once. Never keeps what stood in one (S3).

use chrono::{DateTime, Utc};

use super::engine::fetch_optional;
use super::{StoreError, Tx};

/// A list that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadList {
    /// When.
    pub at: DateTime<Utc>,
    /// Who had it read.
    pub actor: String,
    /// The file's name.
    pub file: String,
    /// What tells this file of the drop folder from every other; none for a list that a person imported.
    pub stamp: Option<String>,
    /// The file's SHA-256, in hexadecimal.
    pub sha256: String,
    /// How it spoke, if that was found out.
    pub kind: Option<String>,
    /// Whose word it was.
    pub source: Option<String>,
    /// How many rows it had.
    pub rows_read: usize,
    /// How many receipts it made.
    pub receipts: usize,
    /// How many rows were refused.
    pub refused: usize,
    /// Whether it was taken, in whole or without the refused rows.
    pub is_taken: bool,
}

impl Tx {
    /// Records a list. Says whether it is new: one of the drop folder is recorded once, whoever reads it.
    pub async fn record_list(&mut self, list: &ReadList) -> Result<bool, StoreError> {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let added: Option<(i64,)> =
            fetch_optional!(self, sqlx::query_as(
            "INSERT INTO lists (number, at, actor, file, stamp, sha256, kind, source, rows_read, receipts, refused,
                                  is_taken)
             VALUES ((SELECT COALESCE(MAX(number), 0) + 1 FROM lists), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (stamp) DO NOTHING RETURNING number",
        )
        .bind(list.at)
        .bind(&list.actor)
        .bind(&list.file)
        .bind(&list.stamp)
        .bind(&list.sha256)
        .bind(&list.kind)
        .bind(&list.source)
        .bind(count(list.rows_read))
        .bind(count(list.receipts))
        .bind(count(list.refused))
        .bind(list.is_taken))?;
        if let Some((number,)) = added {
            // without the file's name: people put names of people into it
            let facts = serde_json::json!({
                "list": number, "sha256": list.sha256, "kind": list.kind, "source": list.source,
                "rows": list.rows_read, "receipts": list.receipts, "refused": list.refused,
                "taken": list.is_taken,
            });
            self.append_log(list.at, &list.actor, "list read", &facts).await?;
        }
        Ok(added.is_some())
    }

    /// The list of the drop folder with that stamp, if it was read.
    pub async fn list_of(&mut self, stamp: &str) -> Result<Option<ReadList>, StoreError> {
        type Row = (
            DateTime<Utc>,
            String,
            String,
            Option<String>,
            String,
            Option<String>,
            Option<String>,
            i64,
            i64,
            i64,
            bool,
        );
        let row: Option<Row> = fetch_optional!(
            self,
            sqlx::query_as(
                "SELECT at, actor, file, stamp, sha256, kind, source, rows_read, receipts, refused, is_taken
             FROM lists WHERE stamp = $1",
            )
            .bind(stamp)
        )?;
        let count = |number: i64| usize::try_from(number).unwrap_or_default();
        Ok(row.map(|(at, actor, file, stamp, sha256, kind, source, rows_read, receipts, refused, is_taken)| ReadList {
            at,
            actor,
            file,
            stamp,
            sha256,
            kind,
            source,
            rows_read: count(rows_read),
            receipts: count(receipts),
            refused: count(refused),
            is_taken,
        }))
    }
}
