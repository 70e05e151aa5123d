//! Which replicas work by this store, and whose clock is wrong. Never gives one of them a say over another.

use chrono::{DateTime, TimeDelta, Utc};

use super::engine::{Engine, execute, fetch_all};
use super::{Store, StoreError, Tx};

/// One service that works, or has worked, by a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Its name.
    pub name: String,
    /// Its version of fristd.
    pub version: String,
    /// Its number on its machine.
    pub process: u32,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    /// When it was last at work, by its own clock.
    pub seen_at: DateTime<Utc>,
    /// How far its clock was ahead of the database server's then; none for a database in a file.
    pub ahead: Option<TimeDelta>,
    /// When it ended in order; none if it runs, or was killed.
    pub stopped_at: Option<DateTime<Utc>>,
    /// How many notices it has in hand.
    pub claims: u64,
}

impl Replica {
    /// When it was last at work, by the database server's clock if there is one.
    pub fn last_seen(&self) -> DateTime<Utc> {
        self.seen_at - self.ahead.unwrap_or_default()
    }
}

impl Store {
    /// The database server's time; none for a database in a file, which has no clock of its own.
    pub async fn server_time(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let Engine::Postgres(pool) = &self.engine else { return Ok(None) };
        let (now,): (DateTime<Utc>,) = sqlx::query_as("SELECT clock_timestamp()").fetch_one(pool).await?;
        Ok(Some(now))
    }
}

impl Tx {
    /// Keeps that a replica is at work, or has ended.
    pub async fn sign_replica(&mut self, replica: &Replica) -> Result<(), StoreError> {
        execute!(
            self,
            sqlx::query(
                "INSERT INTO replicas (name, version, process, started_at, seen_at, ahead_ms, stopped_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (name) DO UPDATE SET version = excluded.version, process = excluded.process,
                     started_at = excluded.started_at, seen_at = excluded.seen_at, ahead_ms = excluded.ahead_ms,
                     stopped_at = excluded.stopped_at"
            )
            .bind(&replica.name)
            .bind(&replica.version)
            .bind(i64::from(replica.process))
            .bind(replica.started_at)
            .bind(replica.seen_at)
            .bind(replica.ahead.map(|ahead| ahead.num_milliseconds()))
            .bind(replica.stopped_at)
        )?;
        Ok(())
    }

    /// All replicas that ever worked by this store, by name.
    pub async fn replicas(&mut self) -> Result<Vec<Replica>, StoreError> {
        type Row = (String, String, i64, DateTime<Utc>, DateTime<Utc>, Option<i64>, Option<DateTime<Utc>>, i64);
        let rows: Vec<Row> = fetch_all!(
            self,
            sqlx::query_as(
                "SELECT name, version, process, started_at, seen_at, ahead_ms, stopped_at,
                     (SELECT COUNT(*) FROM notices WHERE state = 'claimed' AND claimed_by = name)
                 FROM replicas ORDER BY name"
            )
        )?;
        let replica = |(name, version, process, started_at, seen_at, ahead, stopped_at, claims): Row| Replica {
            name,
            version,
            process: u32::try_from(process).unwrap_or_default(),
            started_at,
            seen_at,
            ahead: ahead.map(TimeDelta::milliseconds),
            stopped_at,
            claims: claims.max(0) as u64,
        };
        Ok(rows.into_iter().map(replica).collect())
    }
}
