//! What ticks have queued in the last minutes, for the guard. Never judges it; the domain does.

use chrono::{DateTime, Utc};

use crate::domain::guard::Lately;

use super::engine::{execute, fetch_one};
use super::rows::Place;
use super::{StoreError, Tx};

impl Tx {
    /// What ticks have queued lately, of all replicas.
    pub async fn queued_lately(&mut self) -> Result<Option<Lately>, StoreError> {
        let (since, count): (Option<DateTime<Utc>>, i64) =
            fetch_one!(self, sqlx::query_as("SELECT queued_since, queued_count FROM service WHERE id = 1"))?;
        let notices = Place { table: "service", row: "1" }.number("queued_count", count)?;
        Ok(since.map(|since| Lately { since, notices: notices as usize }))
    }

    /// Keeps it for the next tick.
    pub async fn keep_queued_lately(&mut self, lately: Lately) -> Result<(), StoreError> {
        execute!(
            self,
            sqlx::query("UPDATE service SET queued_since = $1, queued_count = $2 WHERE id = 1")
                .bind(lately.since)
                .bind(i64::try_from(lately.notices).unwrap_or(i64::MAX))
        )?;
        Ok(())
    }
}
