//! Turns columns into the domain's values, and names the row that does not fit. Never runs a statement.

use std::sync::Arc;

use chrono::Datelike;

use crate::domain::arrangement::ArrangementKind;
use crate::domain::dates::{FIRST_YEAR, LAST_YEAR};
use crate::domain::delivery::State;
use crate::domain::{Mailbox, Month, NoticeKind, ReceiptState};

use super::StoreError;

/// Where a value was read, for errors.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) table: &'static str,
    pub(super) row: &'a str,
}

impl Place<'_> {
    fn corrupt(self, column: &'static str, value: &str, wanted: &'static str) -> StoreError {
        let value = value.chars().take(80).collect();
        StoreError::Corrupt { table: self.table, row: self.row.to_owned(), column, value, wanted }
    }

    pub(super) fn month(self, value: &str) -> Result<Month, StoreError> {
        Month::parse(value).map_err(|_| self.corrupt("month", value, "month"))
    }

    pub(super) fn kind(self, value: &str) -> Result<NoticeKind, StoreError> {
        NoticeKind::parse(value).ok_or_else(|| self.corrupt("kind", value, "kind of notice"))
    }

    pub(super) fn state(self, value: &str) -> Result<State, StoreError> {
        State::parse(value).ok_or_else(|| self.corrupt("state", value, "state of a notice"))
    }

    pub(super) fn mailbox(self, value: &str) -> Result<Mailbox, StoreError> {
        Mailbox::parse(value).map_err(|_| self.corrupt("mailbox", value, "mail address"))
    }

    pub(super) fn number(self, column: &'static str, value: i64) -> Result<u32, StoreError> {
        u32::try_from(value).map_err(|_| self.corrupt(column, &value.to_string(), "number"))
    }

    pub(super) fn arrangement_kind(self, value: &str) -> Result<ArrangementKind, StoreError> {
        ArrangementKind::parse(value).ok_or_else(|| self.corrupt("kind", value, "kind of arrangement"))
    }

    /// A date that was written by this program is one that calendars cover.
    pub(super) fn date(self, column: &'static str, value: chrono::NaiveDate) -> Result<chrono::NaiveDate, StoreError> {
        if (FIRST_YEAR..=LAST_YEAR).contains(&value.year()) {
            return Ok(value);
        }
        Err(self.corrupt(column, &value.to_string(), "date that calendars cover"))
    }

    pub(super) fn receipt_state(
        self,
        word: &str,
        missing: Vec<String>,
        until: Option<chrono::NaiveDate>,
        reason: Option<String>,
    ) -> Result<ReceiptState, StoreError> {
        let reason = reason.unwrap_or_default();
        Ok(match word {
            "missing" => ReceiptState::Missing,
            "partial" => ReceiptState::Partial { missing },
            "complete" => ReceiptState::Complete,
            "nil" => ReceiptState::Nil,
            "excused" => ReceiptState::Excused { reason },
            "extended" => {
                let until = until.ok_or_else(|| self.corrupt("until_on", "NULL", "date"))?;
                ReceiptState::Extended { until: self.date("until_on", until)?, reason }
            }
            "exempt" => ReceiptState::Exempt { reason },
            _ => return Err(self.corrupt("state", word, "standing")),
        })
    }
}

/// Ids as they are kept.
pub(super) fn ids(values: Vec<String>) -> Vec<Arc<str>> {
    values.into_iter().map(Arc::from).collect()
}
