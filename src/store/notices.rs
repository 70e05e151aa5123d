//! Notices from queueing to the reply. Never sends one and never decides whether it is called for.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::types::Json;

use crate::domain::delivery::State;
use crate::domain::notice::Said;
use crate::domain::{Month, NewNotice};

use super::engine::{execute, fetch_all, fetch_built};
use super::entry::hex;
use super::rows::{Place, ids};
use super::{StoreError, Tx};

const INSERT_ROWS_MAX: usize = 500; // times 15 bound values a row stays below SQLite's 32,766 bound values

/// A notice's id: the same for the same key (N4), so that its Message-ID outlives even the loss of the database.
pub fn notice_id(notice: &NewNotice) -> String {
    let (month, revision) = (notice.month.to_string(), notice.revision.to_string());
    id_of_key([&month, duty_column(notice), &notice.step, &revision, notice.mailbox.as_str()])
}

/// The id of the notice whose month, duty, step, revision and mailbox these are.
pub(super) fn id_of_key(key: [&str; 5]) -> String {
    const ID_BYTES: usize = 16; // as many as a UUID has
    let mut hasher = Sha256::new();
    for field in key {
        hasher.update(field.as_bytes());
        hasher.update(b"\n");
    }
    hex(&hasher.finalize()[..ID_BYTES])
}

impl Tx {
    /// Queues notices. One whose key is there already stays as it is (N4), unless it was withdrawn before it was ever handed
    /// over, and not by a person: then it is called for again. Returns how many were queued.
    pub async fn queue_notices(&mut self, notices: &[NewNotice], now: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut added = HashSet::new();
        let ids: Vec<String> = notices.iter().map(notice_id).collect();
        let removed = self.removed_of(&notices.iter().map(|notice| notice.month).collect()).await?;
        let notices: Vec<&NewNotice> =
            notices.iter().zip(&ids).filter(|(_, id)| !removed.contains(*id)).map(|(notice, _)| notice).collect();
        for rows in notices.chunks(INSERT_ROWS_MAX) {
            let rows: Vec<(String,)> = fetch_built!(
                self,
                "INSERT INTO notices (id, month, duty, step, revision, mailbox, kind, office, authorities, due_at,
                 queued_at, state, reason, next_at, attempts, uncertain, lease, changed_at) ",
                |builder| {
                    builder.push_values(rows, |mut row, notice| {
                        let state = if notice.hold.is_some() { State::Held } else { State::Queued };
                        row.push_bind(notice_id(notice))
                            .push_bind(notice.month.to_string())
                            .push_bind(duty_column(notice))
                            .push_bind(&notice.step)
                            .push_bind(i64::from(notice.revision))
                            .push_bind(notice.mailbox.as_str())
                            .push_bind(notice.kind.as_str())
                            .push_bind(notice.office.as_deref())
                            .push_bind(Json(&*notice.authorities.iter().map(|id| &**id).collect::<Vec<&str>>()))
                            .push_bind(notice.due_at)
                            .push_bind(now)
                            .push_bind(state.as_str())
                            .push_bind(&notice.hold)
                            .push_bind(notice.hold.is_none().then_some(now))
                            .push("0, 0, 0")
                            .push_bind(now);
                    });
                    builder.push(
                        " ON CONFLICT (month, duty, step, revision, mailbox) DO UPDATE SET
                     state = excluded.state, reason = excluded.reason, next_at = excluded.next_at,
                     authorities = excluded.authorities, office = excluded.office, due_at = excluded.due_at,
                     changed_at = excluded.changed_at
                  WHERE notices.state = 'withdrawn' AND notices.reason NOT LIKE 'discarded by %' RETURNING id",
                    );
                }
            )?;
            added.extend(rows.into_iter().map(|(id,)| id));
        }
        if !added.is_empty() {
            self.log_queued(&notices, &added, now).await?;
            self.touch().await?;
        }
        Ok(added.len() as u64)
    }

    /// All notices of a duty's cycle, as planning and reports need them.
    pub async fn said(&mut self, month: Month, duty: &str) -> Result<Vec<Said>, StoreError> {
        type Row = (
            String,
            String,
            String,
            i64,
            String,
            Option<String>,
            Json<Vec<String>>,
            DateTime<Utc>,
            String,
            Option<DateTime<Utc>>,
            Option<DateTime<Utc>>,
            bool,
            bool,
        );
        let rows: Vec<Row> = fetch_all!(self, sqlx::query_as(
            "SELECT id, step, kind, revision, mailbox, office, authorities, due_at, state, accepted_at, returned_at,
                    uncertain > 0, COALESCE(reason LIKE 'discarded by %', FALSE)
             FROM notices WHERE month = $1 AND duty = $2 ORDER BY due_at, mailbox",
        )
        .bind(month.to_string())
        .bind(duty))?;
        rows.into_iter()
            .map(
                |(
                    id,
                    step,
                    kind,
                    revision,
                    mailbox,
                    office,
                    Json(authorities),
                    due_at,
                    state,
                    accepted_at,
                    returned_at,
                    was_uncertain,
                    discarded,
                )| {
                    let place = Place { table: "notices", row: &id };
                    Ok(Said {
                        step,
                        kind: place.kind(&kind)?,
                        revision: place.number("revision", revision)?,
                        mailbox: place.mailbox(&mailbox)?,
                        office: office.map(Into::into),
                        authorities: ids(authorities),
                        due_at,
                        state: place.state(&state)?,
                        accepted_at,
                        returned_at,
                        was_uncertain,
                        is_discarded: discarded,
                    })
                },
            )
            .collect()
    }

    /// Ends a notice that is not to be sent, with the reason (N5).
    pub async fn end_unsent(
        &mut self,
        id: &str,
        state: State,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        execute!(self, sqlx::query("UPDATE notices SET state = $2, reason = $3, next_at = NULL, lease_until = NULL, changed_at = $4 WHERE id = $1")
            .bind(id)
            .bind(state.as_str())
            .bind(reason)
            .bind(now))?;
        let facts = serde_json::json!({ "notice": id, "reason": reason });
        self.append_log(now, "fristd", state.as_str(), &facts).await?;
        self.touch().await
    }

    /// Logs what was really queued, step by step, each notice by its id.
    async fn log_queued(
        &mut self,
        notices: &[&NewNotice],
        added: &HashSet<String>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut steps: Vec<(&NewNotice, Vec<String>)> = Vec::new();
        for notice in notices {
            let id = notice_id(notice);
            if !added.contains(&id) {
                continue;
            }
            let same = |other: &NewNotice| {
                (other.month, &other.duty, &other.step, other.revision, other.hold.is_some())
                    == (notice.month, &notice.duty, &notice.step, notice.revision, notice.hold.is_some())
            };
            match steps.iter_mut().find(|(first, _)| same(first)) {
                Some((_, ids)) => ids.push(id),
                None => steps.push((notice, vec![id])),
            }
        }
        for (first, ids) in steps {
            let event = if first.hold.is_some() { "held" } else { "queued" };
            let facts = serde_json::json!({
                "month": first.month.to_string(), "duty": first.duty.as_deref(), "step": first.step,
                "revision": first.revision, "kind": first.kind.as_str(), "notices": ids, "reason": first.hold,
            });
            self.append_log(now, "fristd", event, &facts).await?;
        }
        Ok(())
    }
}

fn duty_column(notice: &NewNotice) -> &str {
    notice.duty.as_deref().unwrap_or("")
}
