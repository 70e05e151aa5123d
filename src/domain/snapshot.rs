//! Whether a row of a whole list says something new (S6). Never reads the list.

use super::standing::{Receipt, ReceiptState};

/// Whether what a source now says of an authority differs from what it last said in this cycle (S6). A source that has never
/// said anything has, in effect, said `missing`. What others said in between does not matter: so a list that still lacks what
/// the ZRK recorded by telephone does not undo it. `said_before` are the receipts of the authority, duty and cycle, of all
/// sources, in the order in which they were recorded.
///
/// ```
/// use fristd::domain::ReceiptState;
/// use fristd::domain::snapshot::is_news;
/// assert!(is_news(&[], "file:liste", &ReceiptState::Complete));
/// assert!(!is_news(&[], "file:liste", &ReceiptState::Missing));
/// ```
pub fn is_news(said_before: &[Receipt], source: &str, says: &ReceiptState) -> bool {
    let last_said = said_before.iter().rfind(|receipt| receipt.source == source).map(|receipt| &receipt.state);
    match (last_said.unwrap_or(&ReceiptState::Missing), says) {
        // the order of parts is that of the settings, which may have been changed in between
        (ReceiptState::Partial { missing: before }, ReceiptState::Partial { missing: now }) => {
            before.len() != now.len() || !before.iter().all(|part| now.contains(part))
        }
        (before, now) => before != now,
    }
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
