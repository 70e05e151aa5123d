//! Reads what verdicts and letters about a whole batch of notices need, in one statement each. Never decides.

use std::collections::{BTreeSet, HashMap};

use crate::domain::{AuthorityId, Mailbox, Month, Receipt};

use super::engine::fetch_built;
use super::receipts::{Row, receipt};
use super::rows::Place;
use super::{StoreError, Tx};

const LIST_MAX: usize = 500; // values in one list; far below what either engine binds in a statement

impl Tx {
    /// The receipts of these authorities in a duty's cycle, each in the order in which they were recorded.
    pub async fn receipts_of_all(
        &mut self,
        month: Month,
        duty: &str,
        authorities: &BTreeSet<AuthorityId>,
    ) -> Result<HashMap<AuthorityId, Vec<Receipt>>, StoreError> {
        let authorities: Vec<&AuthorityId> = authorities.iter().collect();
        let mut receipts: HashMap<AuthorityId, Vec<Receipt>> = HashMap::new();
        for some in authorities.chunks(LIST_MAX) {
            let rows: Vec<Row> = fetch_built!(
                self,
                "SELECT number, authority, state, missing, until_on, reason, source, actor, received_at, reported_at
                 FROM receipts WHERE month = ",
                |builder| {
                    builder
                        .push_bind(month.to_string())
                        .push(" AND duty = ")
                        .push_bind(duty)
                        .push(" AND authority IN (");
                    let mut list = builder.separated(", ");
                    some.iter().for_each(|id| _ = list.push_bind(id.to_string()));
                    builder.push(") ORDER BY authority, number");
                }
            )?;
            for row in rows {
                let receipt = receipt(row)?;
                receipts.entry(receipt.authority.clone()).or_default().push(receipt);
            }
        }
        Ok(receipts)
    }

    /// The ids of the announcements that mailboxes got in a duty's cycle, to which later mails refer (M3).
    pub async fn announcements(
        &mut self,
        month: Month,
        duty: &str,
        mailboxes: &BTreeSet<&Mailbox>,
    ) -> Result<HashMap<Mailbox, String>, StoreError> {
        let mailboxes: Vec<&&Mailbox> = mailboxes.iter().collect();
        let mut announcements = HashMap::new();
        for some in mailboxes.chunks(LIST_MAX) {
            let rows: Vec<(String, String)> =
                fetch_built!(self, "SELECT id, mailbox FROM notices WHERE month = ", |builder| {
                    builder.push_bind(month.to_string()).push(" AND duty = ").push_bind(duty);
                    builder.push(" AND kind = 'announcement' AND state IN ('accepted', 'uncertain') AND mailbox IN (");
                    let mut list = builder.separated(", ");
                    some.iter().for_each(|mailbox| _ = list.push_bind(mailbox.as_str()));
                    builder.push(") ORDER BY revision DESC, id DESC"); // the first revision's is the last to be put in
                })?;
            for (id, mailbox) in rows {
                let mailbox = Place { table: "notices", row: &id }.mailbox(&mailbox)?;
                announcements.insert(mailbox, id);
            }
        }
        Ok(announcements)
    }
}
