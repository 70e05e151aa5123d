//! What each fault of the log and of the tables means, in a sentence. Never looks for one.

use crate::store::{ChainFault, ChainFaultKind, TableFault, TableFaultKind};

/// A fault of the log.
pub(super) fn chain_fault_in_words(fault: &ChainFault) -> String {
    let ChainFault { number, to, kind } = *fault;
    let entries = if number == to { format!("entry {number}") } else { format!("entries {number} to {to}") };
    let (is, was) = if number == to { ("is", "was") } else { ("are", "were") };
    match kind {
        ChainFaultKind::Changed => {
            format!("{entries} was changed: what it says is not what was hashed when it was written")
        }
        ChainFaultKind::Missing => format!("{entries} {is} missing: taken out from between those that stand there"),
        ChainFaultKind::Inserted => {
            format!("{entries} {was} put in: the entries around, or the head, know nothing of it")
        }
        ChainFaultKind::Duplicate => format!("{entries} stands there twice"),
        ChainFaultKind::Reordered if number == to => format!("entry {number} stands in the wrong place"),
        ChainFaultKind::Reordered => format!("entry {number} stands in the wrong place, as number {to}"),
        ChainFaultKind::CutOff => format!("{entries} {is} missing at the end: it was written, and is gone"),
        ChainFaultKind::Unreadable if number == 0 => "a row has no number that can be read".to_owned(),
        ChainFaultKind::Unreadable => format!("{entries} cannot be read: a column holds what no entry can"),
        ChainFaultKind::HeadDiffers => {
            format!("{entries}, the last one, and the head do not agree: one of the two was changed")
        }
        ChainFaultKind::HeadMissing => format!(
            "the head is gone (table log_head): whether anything was cut off after entry {number} cannot be told"
        ),
        ChainFaultKind::Rewritten => {
            format!(
                "{entries} is another one than when its hash was noted: the log was written anew from there or before"
            )
        }
    }
}

/// A fault of a table.
pub(super) fn table_fault_in_words(fault: &TableFault) -> String {
    let TableFault { table, row, entry, kind } = fault;
    let by_entry = entry.map(|entry| format!(" (entry {entry})")).unwrap_or_default();
    match kind {
        TableFaultKind::Differs(columns) => {
            format!("{table} {row}: was changed; {} differs from the log{by_entry}", columns.join(", "))
        }
        TableFaultKind::NoRow => format!("{table} {row}: is gone, though the log has it{by_entry}"),
        TableFaultKind::NoEntry => format!("{table} {row}: was put in; the log knows nothing of it"),
        TableFaultKind::MailDiffers => {
            format!("{table} {row}: the mail that is kept is not the one that was handed over")
        }
        TableFaultKind::IdDiffers => {
            format!("{table} {row}: was changed; its month, duty, step, revision or mailbox is not that of its id")
        }
        TableFaultKind::NeverAccepted => {
            format!("{table} {row}: counts as accepted at an instant at which no attempt was")
        }
        TableFaultKind::Unreadable => format!("{table} {row}: cannot be read{by_entry}"),
    }
}
