//! Reads the whole log, page by page, and says what is wrong with it and with the tables that it attests. Never repairs anything.

use super::audit_tables::{TableComparer, TableReport};
use super::chain::{ChainChecker, ChainReport, Head};
use super::engine::fetch_one;
use super::entry::{LogEntry, LogHead};
use super::log::LogRow;
use super::{StoreError, Tx};

const PAGE_ENTRIES: usize = 500; // some hundred kilobytes; the notices of one page fit into one question

/// What an examination of the log has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// The head that is kept beside the log; to be noted elsewhere.
    pub head: Option<LogHead>,
    /// What is wrong with the log itself.
    pub chain: ChainReport,
    /// Where the tables say something else than the log.
    pub tables: TableReport,
}

impl Audit {
    /// Whether nothing is wrong.
    pub fn is_intact(&self) -> bool {
        self.chain.faults.is_empty() && self.tables.faults.is_empty()
    }
}

impl Tx {
    /// Examines the log and the tables that it attests, as they are in this transaction. `noted` is a head that was noted
    /// elsewhere before.
    ///
    /// # Errors
    /// If the database cannot be read at all; a row that cannot be read is a fault.
    pub async fn audit(&mut self, noted: Option<LogHead>) -> Result<Audit, StoreError> {
        const FIRST: i64 = 1;
        let head = self.log_head().await?;
        let mut checker = ChainChecker::new(FIRST, Head::Kept(head.clone()), noted);
        let mut comparer = TableComparer::new(self).await?;
        let (mut last, mut rows_read) = (None, 0);
        loop {
            let page = self.log_page(last, PAGE_ENTRIES).await?;
            let before = last;
            let mut entries: Vec<LogEntry> = Vec::with_capacity(page.len());
            for row in page {
                rows_read += 1;
                match row {
                    LogRow::Entry(entry) => {
                        checker.read(&entry);
                        last = Some(entry.number);
                        entries.push(entry);
                    }
                    LogRow::Unreadable(number) => {
                        checker.read_unreadable(number);
                        last = number.or(last);
                    }
                }
            }
            comparer.compare(self, &entries).await?;
            // rows whose number is none come last; past them there is nothing to turn to
            if last == before {
                break;
            }
        }
        if rows_read < self.log_rows().await? {
            checker.read_unreadable(None);
        }
        Ok(Audit { head, chain: checker.end(), tables: comparer.end(self).await? })
    }

    async fn log_rows(&mut self) -> Result<i64, StoreError> {
        let (count,): (i64,) = fetch_one!(self, sqlx::query_as("SELECT COUNT(*) FROM log"))?;
        Ok(count)
    }
}
