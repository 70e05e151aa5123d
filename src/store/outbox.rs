//! The outbox as a person sees and steers it: list, show, retry, release, discard. Never sends.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use crate::domain::delivery::State;
use crate::domain::{AuthorityId, Mailbox, Month, NewNotice, NoticeKind};

use super::engine::{execute, fetch_all};
use super::rows::{Place, ids};
use super::{StoreError, Tx};

/// Which notices are meant; what is left out does not restrict.
#[derive(Clone, Debug, Default)]
pub struct OutboxFilter {
    /// Of this cycle.
    pub month: Option<Month>,
    /// In this state.
    pub state: Option<State>,
    /// To this mailbox.
    pub mailbox: Option<String>,
    /// Of this step.
    pub step: Option<String>,
    /// Whose id begins so.
    pub id: Option<String>,
}

/// A notice with its fate (M7).
#[derive(Clone, Debug)]
pub struct OutboxNotice {
    /// Its id.
    pub id: String,
    /// The cycle.
    pub month: Month,
    /// The duty; none for a notice to the ZRK.
    pub duty: Option<String>,
    /// The step's id.
    pub step: String,
    /// The revision that it states.
    pub revision: u32,
    /// To whom.
    pub mailbox: Mailbox,
    /// What it says.
    pub kind: NoticeKind,
    /// The office, if it goes to one.
    pub office: Option<String>,
    /// The authorities that it is about.
    pub authorities: Vec<AuthorityId>,
    /// When its time came.
    pub due_at: DateTime<Utc>,
    /// When it was queued.
    pub queued_at: DateTime<Utc>,
    /// What became of it.
    pub state: State,
    /// Why it was held, withdrawn or expired.
    pub reason: Option<String>,
    /// When it is tried next.
    pub next_at: Option<DateTime<Utc>>,
    /// How many attempts there were.
    pub attempts: u32,
    /// When the mail system took it.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When it came back as not delivered.
    pub returned_at: Option<DateTime<Utc>>,
    /// Its subject, once it was rendered.
    pub subject: Option<String>,
    /// The relay's last words.
    pub reply: Option<String>,
}

impl OutboxNotice {
    /// What it is, without its fate.
    pub fn as_notice(&self) -> NewNotice {
        NewNotice {
            month: self.month,
            duty: self.duty.as_deref().map(Into::into),
            step: self.step.clone(),
            kind: self.kind,
            revision: self.revision,
            mailbox: self.mailbox.clone(),
            office: self.office.as_deref().map(Into::into),
            authorities: self.authorities.clone(),
            due_at: self.due_at,
            hold: None,
        }
    }
}

/// One attempt to deliver.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// When the mail was handed over; none if it was refused before.
    pub handed_over_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// How.
    pub outcome: State,
    /// The relay's words, or what went wrong.
    pub reply: String,
    /// The SHA-256 of the mail, in hexadecimal.
    pub sha256: String,
    /// How many bytes the mail has; none if it was not handed over.
    pub size_bytes: Option<u64>,
    /// The mail, if it was handed over and is still kept.
    pub mail: Option<Vec<u8>>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    month: String,
    duty: String,
    step: String,
    revision: i64,
    mailbox: String,
    kind: String,
    office: Option<String>,
    authorities: Json<Vec<String>>,
    due_at: DateTime<Utc>,
    queued_at: DateTime<Utc>,
    state: String,
    reason: Option<String>,
    next_at: Option<DateTime<Utc>>,
    attempts: i64,
    accepted_at: Option<DateTime<Utc>>,
    returned_at: Option<DateTime<Utc>>,
    subject: Option<String>,
    reply: Option<String>,
}

impl Tx {
    /// The notices that a filter means, in order of time.
    pub async fn outbox(&mut self, filter: &OutboxFilter) -> Result<Vec<OutboxNotice>, StoreError> {
        let rows: Vec<Row> = fetch_all!(self, sqlx::query_as(
            "SELECT id, month, duty, step, revision, mailbox, kind, office, authorities, due_at, queued_at, state, reason,
                    next_at, attempts, accepted_at, returned_at, subject, reply
             FROM notices
             WHERE ($1 IS NULL OR month = $1) AND ($2 IS NULL OR state = $2) AND ($3 IS NULL OR mailbox = $3)
               AND ($4 IS NULL OR step = $4) AND ($5 IS NULL OR substr(id, 1, length($5)) = $5)
             ORDER BY due_at, duty, step, mailbox",
        )
        .bind(filter.month.map(|month| month.to_string()))
        .bind(filter.state.map(State::as_str))
        .bind(filter.mailbox.as_deref())
        .bind(filter.step.as_deref())
        .bind(filter.id.as_deref()))?;
        rows.into_iter().map(notice).collect()
    }

    /// The attempts to deliver a notice.
    pub async fn attempts(&mut self, notice: &str) -> Result<Vec<Attempt>, StoreError> {
        type Row = (i64, Option<DateTime<Utc>>, DateTime<Utc>, String, String, String, Option<i64>, Option<Vec<u8>>);
        let rows: Vec<Row> = fetch_all!(
            self,
            sqlx::query_as(
                "SELECT number, handed_over_at, at, outcome, reply, sha256, size_bytes, mail FROM attempts
             WHERE notice = $1 ORDER BY number",
            )
            .bind(notice)
        )?;
        let place = Place { table: "attempts", row: notice };
        rows.into_iter()
            .map(|(number, handed_over_at, at, outcome, reply, sha256, size_bytes, mail)| {
                Ok(Attempt {
                    number: place.number("number", number)?,
                    handed_over_at,
                    at,
                    outcome: place.state(&outcome)?,
                    reply,
                    sha256,
                    size_bytes: size_bytes.and_then(|size| u64::try_from(size).ok()),
                    mail,
                })
            })
            .collect()
    }

    /// Lets held notices go (N9), as far as the filter means them. Returns how many.
    pub async fn release(
        &mut self,
        filter: &OutboxFilter,
        actor: &str,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let held = OutboxFilter { state: Some(State::Held), ..filter.clone() };
        self.steer(&held, State::Queued, "released", actor, now).await
    }

    /// Throws held or waiting notices away (N9): they are kept as withdrawn. One that was perhaps sent stays uncertain, and is not sent
    /// once more. Returns how many.
    pub async fn discard(
        &mut self,
        filter: &OutboxFilter,
        actor: &str,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let mut count = 0;
        for state in [State::Held, State::Queued, State::Retry, State::Uncertain] {
            let meant = OutboxFilter { state: Some(state), ..filter.clone() };
            if filter.state.is_none_or(|wanted| wanted == state) {
                count += self.steer(&meant, State::Withdrawn, "discarded", actor, now).await?;
            }
        }
        Ok(count)
    }

    /// Tries notices again that were rejected, uncertain or are waiting, and takes the flag from their mailboxes. Whether
    /// they are still called for is decided when they are claimed. Returns how many.
    pub async fn retry(&mut self, filter: &OutboxFilter, actor: &str, now: DateTime<Utc>) -> Result<usize, StoreError> {
        let mut count = 0;
        // those that wait already come first, so that no notice is counted twice
        for state in [State::Retry, State::Uncertain, State::Rejected] {
            let meant = OutboxFilter { state: Some(state), ..filter.clone() };
            if filter.state.is_some_and(|wanted| wanted != state) {
                continue;
            }
            for notice in self.outbox(&meant).await? {
                self.unflag(&notice.mailbox, actor, now).await?;
            }
            count += self.steer(&meant, State::Retry, "retried", actor, now).await?;
        }
        Ok(count)
    }

    async fn steer(
        &mut self,
        filter: &OutboxFilter,
        to: State,
        event: &str,
        actor: &str,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let mut notices = self.outbox(filter).await?;
        // what was uncertain twice goes nowhere by itself: there is nothing to throw away
        notices.retain(|notice| to != State::Withdrawn || notice.state == State::Held || notice.next_at.is_some());
        let reason = (to == State::Withdrawn).then(|| format!("{event} by {actor}"));
        for notice in &notices {
            // that a notice was perhaps sent is not forgotten
            let touched = execute!(
                self,
                sqlx::query(
                    "UPDATE notices SET state = CASE WHEN $2 = 'withdrawn' AND uncertain > 0 THEN 'uncertain' ELSE $2 END,
                         reason = $3, next_at = $4, changed_at = $5
                     WHERE id = $1 AND state = $6",
                )
                .bind(&notice.id)
                .bind(to.as_str())
                .bind(&reason)
                .bind((to != State::Withdrawn).then_some(now))
                .bind(now)
                .bind(notice.state.as_str())
            )?;
            if touched == 1 {
                self.append_log(now, actor, event, &serde_json::json!({ "notice": notice.id })).await?;
            }
        }
        if !notices.is_empty() {
            self.touch().await?;
        }
        Ok(notices.len())
    }
}

fn notice(row: Row) -> Result<OutboxNotice, StoreError> {
    let place = Place { table: "notices", row: &row.id };
    Ok(OutboxNotice {
        month: place.month(&row.month)?,
        revision: place.number("revision", row.revision)?,
        mailbox: place.mailbox(&row.mailbox)?,
        kind: place.kind(&row.kind)?,
        state: place.state(&row.state)?,
        attempts: place.number("attempts", row.attempts)?,
        duty: (!row.duty.is_empty()).then_some(row.duty),
        step: row.step,
        office: row.office,
        authorities: ids(row.authorities.0),
        due_at: row.due_at,
        queued_at: row.queued_at,
        reason: row.reason,
        next_at: row.next_at,
        accepted_at: row.accepted_at,
        returned_at: row.returned_at,
        subject: row.subject,
        reply: row.reply,
        id: row.id,
    })
}
