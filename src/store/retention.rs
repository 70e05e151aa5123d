//! Takes mails and addresses away, when their time is over or for a person who has left (M8). Never touches receipts, counts,
//! instants, hashes or the log.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};

use crate::domain::delivery::State;
use crate::domain::recheck::FORGOTTEN;
use crate::domain::{Contact, Mailbox, Month, Roster};

use super::engine::{Engine, execute, fetch_all};
use super::rows::Place;
use super::{OutboxFilter, Store, StoreError, Tx};

/// The mailboxes that stand in the place of others; see [`Mailbox::removed`].
const REMOVED_LIKE: &str = "removed-%@removed.invalid";

/// What is taken away. Counted by notices; the rest hangs on them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Removal {
    /// Notices whose mailbox is taken away.
    pub notices: u64,
    /// Mails as they were sent.
    pub mails: u64,
    /// How many bytes they have.
    pub mail_bytes: u64,
    /// Reports on mails that came back, of which the mailbox and the words of the mail system go.
    pub reports: u64,
    /// Alerts to the ZRK that name a mailbox.
    pub alerts: u64,
    /// Marks of a mailbox: that it is flagged, or that its flag was taken away.
    pub marks: u64,
}

impl Removal {
    /// Whether nothing is taken away.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl std::ops::AddAssign for Removal {
    fn add_assign(&mut self, other: Self) {
        self.notices += other.notices;
        self.mails += other.mails;
        self.mail_bytes += other.mail_bytes;
        self.reports += other.reports;
        self.alerts += other.alerts;
        self.marks += other.marks;
    }
}

/// Why nothing can be taken away for a person.
#[derive(thiserror::Error, Debug)]
pub enum ForgetError {
    /// A mail to the mailbox is just being handed over.
    #[error("a mail to this mailbox is just being sent; try again in a minute")]
    BeingSent,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the statements below mean: notices of cycles before a month, or to a mailbox.
#[derive(Clone, Copy)]
struct Scope<'a> {
    before: Option<Month>,
    mailbox: Option<&'a Mailbox>,
}

/// Which alerts are meant.
#[derive(Clone, Copy)]
enum Alerts<'a> {
    RaisedBefore(DateTime<Utc>),
    Naming(&'a Mailbox),
}

impl Store {
    /// Ends what SQLite keeps of removed content beside the database file. If others are reading it is done at the next time.
    pub async fn truncate_journal(&self) -> Result<(), StoreError> {
        if let Engine::Sqlite { writer, .. } = &self.engine {
            let mut lent = writer.lend().await?;
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut *lent).await?;
            lent.give_back();
        }
        Ok(())
    }
}

impl Tx {
    /// Takes away the mails and mailboxes of all cycles before a month, which must have closed, and what was raised before
    /// `raised_before`. Returns what went, by cycle; without [`Tx::commit`] it is a dry run.
    pub async fn remove_before(
        &mut self,
        month: Month,
        raised_before: DateTime<Utc>,
        actor: &str,
        now: DateTime<Utc>,
    ) -> Result<BTreeMap<Month, Removal>, StoreError> {
        let scope = Scope { before: Some(month), mailbox: None };
        let mut by_month = self.count(scope).await?;
        self.remove_mails(scope).await?;
        let (alerts, _) = self.remove_alerts(Alerts::RaisedBefore(raised_before)).await?;
        let marks = self.remove_old_clearances(raised_before).await?;
        self.remove_mailboxes(scope).await?;
        if alerts + marks > 0 {
            let oldest = by_month.entry(month.previous()).or_default();
            (oldest.alerts, oldest.marks) = (alerts, marks);
        }
        let mut total = Removal::default();
        by_month.values().for_each(|removal| total += *removal);
        if !total.is_empty() {
            let facts = facts(&total, serde_json::json!({ "before": month.to_string() }));
            self.append_log(now, actor, "retention", &facts).await?;
        }
        Ok(by_month)
    }

    /// Takes away what names a mailbox, whatever its age. What still waits for it is withdrawn first. Returns what went;
    /// without [`Tx::commit`] it is a dry run.
    ///
    /// # Errors
    /// If a mail to it is being handed over at this instant, or the store fails.
    pub async fn forget(&mut self, mailbox: &Mailbox, actor: &str, now: DateTime<Utc>) -> Result<Removal, ForgetError> {
        let to_it = OutboxFilter { mailbox: Some(mailbox.as_str().to_owned()), ..OutboxFilter::default() };
        for notice in self.outbox(&to_it).await? {
            match notice.state {
                State::Claimed => return Err(ForgetError::BeingSent),
                State::Queued | State::Held | State::Retry => {
                    self.end_unsent(&notice.id, State::Withdrawn, FORGOTTEN, now).await?;
                }
                State::Uncertain if notice.next_at.is_some() => {
                    self.end_unsent(&notice.id, State::Uncertain, FORGOTTEN, now).await?;
                }
                _ => {}
            }
        }
        let scope = Scope { before: None, mailbox: Some(mailbox) };
        let mut total = Removal::default();
        self.count(scope).await?.into_values().for_each(|removal| total += removal);
        self.remove_mails(scope).await?;
        let (alerts, mails) = self.remove_alerts(Alerts::Naming(mailbox)).await?;
        (total.alerts, total.mails) = (alerts, total.mails + mails);
        total.marks = self.remove_marks(mailbox).await?;
        self.remove_mailboxes(scope).await?;
        if let Some(taken) = self.taken_roster().await? {
            let stays = |contact: &&Contact| contact.mailbox != *mailbox;
            let contacts: Vec<Contact> = taken.roster.contacts().iter().filter(stays).cloned().collect();
            if contacts.len() < taken.roster.contacts().len() {
                let (authorities, offices) = (taken.roster.authorities().to_vec(), taken.roster.offices().to_vec());
                let roster = Roster::new(authorities, offices, contacts);
                self.take_roster(&roster, &taken.outline, taken.taken_at).await?;
                total.marks += 1;
            }
        }
        if !total.is_empty() {
            // who it was is what must not be kept
            self.append_log(now, actor, "contact forgotten", &facts(&total, serde_json::json!({}))).await?;
            self.touch().await?;
        }
        Ok(total)
    }

    /// The ids of the notices of these months whose mailbox was taken away: they were said, and are not said again.
    pub(super) async fn removed_of(&mut self, months: &BTreeSet<Month>) -> Result<HashSet<String>, StoreError> {
        let mut removed = HashSet::new();
        for month in months {
            let rows: Vec<(String,)> = fetch_all!(
                self,
                sqlx::query_as("SELECT id FROM notices WHERE month = $1 AND mailbox LIKE $2")
                    .bind(month.to_string())
                    .bind(REMOVED_LIKE)
            )?;
            removed.extend(rows.into_iter().map(|(id,)| id));
        }
        Ok(removed)
    }

    async fn count(&mut self, scope: Scope<'_>) -> Result<BTreeMap<Month, Removal>, StoreError> {
        type Row = (String, i64, i64, i64, i64);
        let rows: Vec<Row> = fetch_all!(
            self,
            sqlx::query_as(
                "SELECT month, COUNT(*),
                    CAST(COALESCE(SUM((SELECT COUNT(mail) FROM attempts WHERE notice = notices.id)), 0) AS BIGINT),
                    CAST(COALESCE(SUM((SELECT COALESCE(SUM(LENGTH(mail)), 0) FROM attempts WHERE notice = notices.id)), 0) AS BIGINT),
                    CAST(COALESCE(SUM((SELECT COUNT(*) FROM bounces WHERE notice = notices.id)), 0) AS BIGINT)
             FROM notices
             WHERE ($1 IS NULL OR month < $1) AND ($2 IS NULL OR mailbox = $2) AND mailbox NOT LIKE $3
             GROUP BY month",
            )
            .bind(scope.before.map(|month| month.to_string()))
            .bind(scope.mailbox.map(Mailbox::as_str))
            .bind(REMOVED_LIKE)
        )?;
        let place = Place { table: "notices", row: "count by month" };
        rows.into_iter()
            .map(|(month, notices, mails, mail_bytes, reports)| {
                let [notices, mails, mail_bytes, reports] =
                    [notices, mails, mail_bytes, reports].map(|count| count.max(0) as u64);
                Ok((place.month(&month)?, Removal { notices, mails, mail_bytes, reports, ..Removal::default() }))
            })
            .collect()
    }

    /// Takes away the mails, and what the mail systems said as far as it names an address.
    async fn remove_mails(&mut self, scope: Scope<'_>) -> Result<(), StoreError> {
        execute!(
            self,
            sqlx::query(
                "UPDATE attempts SET mail = NULL WHERE mail IS NOT NULL AND notice IN (
                 SELECT id FROM notices
                 WHERE ($1 IS NULL OR month < $1) AND ($2 IS NULL OR mailbox = $2) AND mailbox NOT LIKE $3)",
            )
            .bind(scope.before.map(|month| month.to_string()))
            .bind(scope.mailbox.map(Mailbox::as_str))
            .bind(REMOVED_LIKE)
        )?;
        let replies: Vec<(String, i64, String)> = fetch_all!(
            self,
            sqlx::query_as(
                "SELECT notice, number, reply FROM attempts WHERE reply LIKE '%@%' AND notice IN (
                 SELECT id FROM notices
                 WHERE ($1 IS NULL OR month < $1) AND ($2 IS NULL OR mailbox = $2) AND mailbox NOT LIKE $3)",
            )
            .bind(scope.before.map(|month| month.to_string()))
            .bind(scope.mailbox.map(Mailbox::as_str))
            .bind(REMOVED_LIKE)
        )?;
        for (notice, number, reply) in replies {
            execute!(
                self,
                sqlx::query("UPDATE attempts SET reply = $3 WHERE notice = $1 AND number = $2")
                    .bind(&notice)
                    .bind(number)
                    .bind(without_addresses(&reply))
            )?;
        }
        Ok(())
    }

    /// Takes the addresses out of alerts: of those raised before an instant, or of those that name a mailbox. Of the latter also
    /// the mails that told them to the ZRK. Returns how many alerts and mails.
    async fn remove_alerts(&mut self, of: Alerts<'_>) -> Result<(u64, u64), StoreError> {
        type Row = (String, DateTime<Utc>, String, String, Option<String>);
        let rows: Vec<Row> = fetch_all!(
            self,
            sqlx::query_as(
                "SELECT key, raised_at, headline, detail, told_in FROM alerts WHERE headline LIKE '%@%' OR detail LIKE '%@%'",
            )
        )?;
        let (mut alerts, mut mails) = (0, 0);
        for (key, raised_at, headline, detail, told_in) in rows {
            let is_meant = match of {
                Alerts::RaisedBefore(instant) => raised_at < instant,
                Alerts::Naming(mailbox) => addresses(&headline)
                    .chain(addresses(&detail))
                    .any(|address| address.eq_ignore_ascii_case(mailbox.as_str())),
            };
            if !is_meant {
                continue;
            }
            alerts += execute!(
                self,
                sqlx::query("UPDATE alerts SET headline = $2, detail = $3 WHERE key = $1")
                    .bind(&key)
                    .bind(without_addresses(&headline))
                    .bind(without_addresses(&detail))
            )?;
            if let (Alerts::Naming(_), Some(step)) = (of, told_in) {
                let statement = "UPDATE attempts SET mail = NULL WHERE mail IS NOT NULL AND notice IN (
                                     SELECT id FROM notices WHERE duty = '' AND step = $1)";
                mails += execute!(self, sqlx::query(statement).bind(&step))?;
                let statement = "UPDATE notices SET subject = $2 WHERE duty = '' AND step = $1";
                let subject = "Hinweis an die ZRK: (entfernt)"; // it says the headline of an alert
                execute!(self, sqlx::query(statement).bind(&step).bind(subject))?;
            }
        }
        Ok((alerts, mails))
    }

    async fn remove_old_clearances(&mut self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        Ok(execute!(self, sqlx::query("DELETE FROM clearances WHERE cleared_at < $1").bind(before))?)
    }

    async fn remove_marks(&mut self, mailbox: &Mailbox) -> Result<u64, StoreError> {
        let mut removed = 0;
        for statement in ["DELETE FROM flags WHERE mailbox = $1", "DELETE FROM clearances WHERE mailbox = $1"] {
            removed += execute!(self, sqlx::query(statement).bind(mailbox.as_str()))?;
        }
        Ok(removed)
    }

    /// Puts an address that cannot exist in the place of the mailbox; the notice's id and its place in the cycle stay.
    async fn remove_mailboxes(&mut self, scope: Scope<'_>) -> Result<(), StoreError> {
        let reports: Vec<(i64, String, String)> = fetch_all!(
            self,
            sqlx::query_as(
                "SELECT number, notice, diagnostic FROM bounces WHERE notice IN (
                 SELECT id FROM notices
                 WHERE ($1 IS NULL OR month < $1) AND ($2 IS NULL OR mailbox = $2) AND mailbox NOT LIKE $3)",
            )
            .bind(scope.before.map(|month| month.to_string()))
            .bind(scope.mailbox.map(Mailbox::as_str))
            .bind(REMOVED_LIKE)
        )?;
        for (number, notice, diagnostic) in reports {
            execute!(
                self,
                sqlx::query("UPDATE bounces SET mailbox = $2, diagnostic = $3 WHERE number = $1")
                    .bind(number)
                    .bind(Mailbox::removed(&notice).as_str())
                    .bind(without_addresses(&diagnostic))
            )?;
        }
        type Words = Option<String>;
        let notices: Vec<(String, Words, Words, Words)> = fetch_all!(
            self,
            sqlx::query_as(
                "SELECT id, reply, subject, reason FROM notices
             WHERE ($1 IS NULL OR month < $1) AND ($2 IS NULL OR mailbox = $2) AND mailbox NOT LIKE $3",
            )
            .bind(scope.before.map(|month| month.to_string()))
            .bind(scope.mailbox.map(Mailbox::as_str))
            .bind(REMOVED_LIKE)
        )?;
        for (id, reply, subject, reason) in notices {
            execute!(
                self,
                sqlx::query("UPDATE notices SET mailbox = $2, reply = $3, subject = $4, reason = $5 WHERE id = $1")
                    .bind(&id)
                    .bind(Mailbox::removed(&id).as_str())
                    .bind(reply.as_deref().map(without_addresses))
                    .bind(subject.as_deref().map(without_addresses))
                    .bind(reason.as_deref().map(without_addresses))
            )?; // the reason: of a mail that came back the mail system's words
        }
        Ok(())
    }
}

fn facts(removal: &Removal, mut facts: serde_json::Value) -> serde_json::Value {
    let Removal { notices, mails, mail_bytes, reports, alerts, marks } = *removal;
    let counts = [
        ("notices", notices),
        ("mails", mails),
        ("mail_bytes", mail_bytes),
        ("reports", reports),
        ("alerts", alerts),
        ("marks", marks),
    ];
    counts.into_iter().for_each(|(name, count)| facts[name] = count.into());
    facts
}

/// A text in which `(entfernt)` stands in the place of each word with an @.
pub(super) fn without_addresses(text: &str) -> String {
    let replaced = |word: &str| match bare(word) {
        bare if bare.contains('@') => word.replace(bare, "(entfernt)"),
        _ => word.to_owned(),
    };
    text.split(' ').map(replaced).collect::<Vec<_>>().join(" ")
}

/// The words with an @, without what stands around them.
fn addresses(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').map(bare).filter(|word| word.contains('@'))
}

fn bare(word: &str) -> &str {
    word.trim_matches(['<', '>', '(', ')', '„', '“', '"', '\'', ',', ';', ':', '.'])
}

#[cfg(test)]
mod tests {
    use super::without_addresses;

    #[test]
    fn each_word_with_an_at_sign_goes_and_the_rest_stays() {
        let check = |text: &str, want: &str| assert_eq!(without_addresses(text), want);
        check("250 2.0.0 OK id=1uX", "250 2.0.0 OK id=1uX");
        check("550 5.1.1 <a.b@c.example>: unknown", "550 5.1.1 <(entfernt)>: unknown");
        check("Postfach a@c.example nimmt keine Post an", "Postfach (entfernt) nimmt keine Post an");
        check("„fristd contact clear a@c.example“ aufrufen.", "„fristd contact clear (entfernt)“ aufrufen.");
        check("rfc822;a@c.example", "(entfernt)");
        check("@", "(entfernt)");
        check("", "");
    }
}
