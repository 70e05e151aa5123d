//! Keeps in the store which roster the service works by, and logs what differs from the one before. Never refuses one.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::domain::outline::Outline;
use crate::domain::roster_diff::{Change, Turn, difference, tally};
use crate::domain::{Month, dates};
use crate::store::Store;

use super::Charter;
use super::service_outline::service_in_words;
use super::tick::TickError;

const MONTHS_OUTLINED: i32 = 13; // a year ahead and this month: further nobody plans

/// The rules of a charter and how its service runs, in words, with the deadlines of the coming year.
///
/// # Errors
/// If a calendar does not reach so far.
pub fn outline(charter: &Charter, now: DateTime<Utc>) -> Result<Outline, TickError> {
    let rulebook = &charter.settings.rulebook;
    let mut outline = Outline::of(rulebook, Month::of(dates::local_date(now, rulebook.zone)), MONTHS_OUTLINED)?;
    outline.rules.extend(service_in_words(charter));
    Ok(outline)
}

/// Takes the charter's roster as the one in force: it replaces the one before, and the log says who comes and goes by ids and
/// counts, without addresses. Where nothing differs nothing is logged.
///
/// # Errors
/// If the store or a calendar fails.
pub async fn take(store: &Store, charter: &Charter, now: DateTime<Utc>) -> Result<(), TickError> {
    let (roster, outline) = (&charter.settings.roster, outline(charter, now)?);
    let mut tx = store.write().await?;
    let before = match tx.taken_roster().await {
        Ok(before) => before,
        Err(cause) => {
            tracing::warn!(%cause, "the roster that was taken before cannot be read; it is replaced");
            None
        }
    };
    let counts = json!({
        "authorities": roster.authorities().len(), "offices": roster.offices().len(),
        "contacts": roster.contacts().len(),
    });
    let facts = match before {
        None => Some(counts),
        Some(before) => {
            let changes = difference(&before.roster, roster);
            let rules = before.outline.difference(&outline);
            let differs = !changes.is_empty() || !rules.is_empty();
            differs.then(|| json!({ "now": counts, "changes": in_counts(&changes), "rules": rules }))
        }
    };
    tx.take_roster(roster, &outline, now).await?;
    if let Some(facts) = facts {
        tx.append_log(now, "fristd", "roster taken", &facts).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// For authorities, offices and mailboxes: how many come, go and change, and their ids; of mailboxes their owners'.
fn in_counts(changes: &[Change]) -> Value {
    let of = |subject: &str| {
        let tally = tally(changes, subject);
        let mut value = json!({ "ids": tally.ids });
        for (turn, count) in Turn::ALL.into_iter().zip(tally.counts) {
            value[turn.as_str()] = count.into();
        }
        value
    };
    json!({ "authority": of("authority"), "office": of("office"), "mailbox": of("mailbox") })
}
