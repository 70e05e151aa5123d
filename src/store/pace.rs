//! Counts hand-overs by second and domain, and what is in some hand. Never decides how much may go.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use crate::domain::Mailbox;

use super::engine::{execute, fetch_all, write_built};
use super::rows::Place;
use super::{StoreError, Tx};

const KEPT: TimeDelta = TimeDelta::minutes(3); // a minute counts, and clocks of replicas may be a minute apart to either side

impl Tx {
    /// Counts mails to these mailboxes as handed over.
    pub async fn count_hand_overs(&mut self, mailboxes: &[&Mailbox], now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut domains: BTreeMap<&str, i64> = BTreeMap::new();
        mailboxes.iter().for_each(|mailbox| *domains.entry(mailbox.domain()).or_default() += 1);
        if domains.is_empty() {
            return Ok(());
        }
        let second = now.trunc_subsecs(0);
        write_built!(self, domains.len(), "INSERT INTO hand_overs (second, domain, mails) ", |builder| {
            builder.push_values(&domains, |mut row, (domain, mails)| {
                row.push_bind(second).push_bind((*domain).to_owned()).push_bind(*mails);
            });
            builder.push(" ON CONFLICT (second, domain) DO UPDATE SET mails = hand_overs.mails + excluded.mails");
        })?;
        Ok(())
    }

    /// What was handed over of late, with what lies ahead by another replica's clock: second, domain, mails. Forgets what counts
    /// no more.
    pub async fn handed_over_lately(
        &mut self,
        now: DateTime<Utc>,
    ) -> Result<Vec<(DateTime<Utc>, String, u32)>, StoreError> {
        execute!(self, sqlx::query("DELETE FROM hand_overs WHERE second < $1").bind(now - KEPT))?;
        let rows: Vec<(DateTime<Utc>, String, i64)> =
            fetch_all!(self, sqlx::query_as("SELECT second, domain, mails FROM hand_overs"))?;
        let read = |(second, domain, mails): (DateTime<Utc>, String, i64)| {
            let mails = Place { table: "hand_overs", row: &domain }.number("mails", mails)?;
            Ok((second, domain, mails))
        };
        rows.into_iter().map(read).collect()
    }

    /// The mailboxes of all notices that are claimed and not handed over yet, by whichever replica.
    pub async fn mailboxes_in_hand(&mut self) -> Result<Vec<Mailbox>, StoreError> {
        let rows: Vec<(String, String)> = fetch_all!(
            self,
            sqlx::query_as(
                "SELECT id, mailbox FROM notices
             WHERE lease_until IS NOT NULL AND state = 'claimed' AND handed_over_at IS NULL",
            )
        )?;
        rows.into_iter().map(|(id, mailbox)| Place { table: "notices", row: &id }.mailbox(&mailbox)).collect()
    }
}
