//! Stores what a person or a list says of an authority, and what follows from arrangements. Never decides what is accepted.

use chrono::{DateTime, Utc};

use crate::domain::arrangement::receipts_due;
use crate::domain::dates::local_date;
use crate::domain::ladder::{Ladder, cycles_in_question};
use crate::domain::request::{self, Asker, Checked, EndRequest, ReceiptRequest, RequestError};
use crate::domain::standing::standing_now;
use crate::domain::{Arrangement, CalendarError, Duty, DutyId, Month, Receipt, Standing, cycle};
use crate::settings::Settings;
use crate::store::{StoreError, Tx};

use super::facts::dates;
use super::tick::TickError;

/// Why something could not be recorded. Nothing is stored then.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It does not fit: place, value, remedy.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A calendar does not reach far enough.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
}

impl From<TickError> for RecordError {
    fn from(error: TickError) -> Self {
        match error {
            TickError::Store(cause) => Self::Store(cause),
            TickError::Calendar(cause) => Self::Calendar(cause),
        }
    }
}

/// Checks a request against the settings and what the store knows, and stores it. The caller commits.
///
/// # Errors
/// If the request does not fit, or the store or the calendar fails.
pub async fn record(
    tx: &mut Tx,
    settings: &Settings,
    request: &ReceiptRequest,
    asker: Asker<'_>,
) -> Result<Checked, RecordError> {
    let checked = check(tx, settings, request, asker).await?;
    store(tx, settings, &checked).await?;
    Ok(checked)
}

/// Checks a request against the settings and what the store knows, and stores nothing.
///
/// # Errors
/// As [`record`].
async fn check(
    tx: &mut Tx,
    settings: &Settings,
    request: &ReceiptRequest,
    asker: Asker<'_>,
) -> Result<Checked, RecordError> {
    let rulebook = &settings.rulebook;
    let duty = request::duty(rulebook, &request.duty)?;
    let first = tx.service().await?.first_cycle;
    let month = request::month(rulebook, &request.month, first, asker.now)?;
    let dates = tx.date_facts(month, &duty.id).await?;
    let computed = cycle::deadline(rulebook, duty, month, dates.signal.as_ref())?;
    let (_, deadline) = cycle::in_force(&dates.revisions, computed);
    Ok(request::check(request, month, duty, &settings.roster, &deadline, rulebook.zone, asker)?)
}

/// Stores what was checked: the receipt, the arrangement, and what follows from that for other open cycles.
///
/// # Errors
/// If the store or the calendar fails.
async fn store(tx: &mut Tx, settings: &Settings, checked: &Checked) -> Result<(), RecordError> {
    tx.append_receipt(checked.month, &checked.duty, &checked.receipt).await?;
    if let Some(arrangement) = &checked.arrangement {
        append_arrangement(tx, settings, arrangement).await?;
    }
    Ok(())
}

/// Ends a standing nil report or an exemption from a cycle on. None if there is none that reaches so far.
///
/// # Errors
/// If the request does not fit, or the store or the calendar fails.
pub async fn end_arrangement(
    tx: &mut Tx,
    settings: &Settings,
    request: &EndRequest,
    asker: Asker<'_>,
) -> Result<Option<Arrangement>, RecordError> {
    let duty = request::duty(&settings.rulebook, &request.duty)?;
    let arrangements = tx.arrangements().await?;
    let Some(end) = request::end(request, duty, &arrangements, settings.rulebook.zone, asker)? else {
        return Ok(None);
    };
    append_arrangement(tx, settings, &end).await?;
    Ok(Some(end))
}

/// The standing of the authority of a request, after it was stored.
///
/// # Errors
/// If the store fails.
pub async fn standing_of(tx: &mut Tx, settings: &Settings, checked: &Checked) -> Result<Standing, StoreError> {
    let receipts = tx.receipts_of(checked.month, &checked.duty, &checked.receipt.authority).await?;
    Ok(standing_now(&receipts, checked.receipt.received_at, settings.rulebook.zone))
}

/// The receipts by which arrangements take effect in one open cycle whose month has begun (S7). The tick asks this of every
/// such cycle, so that it does not matter how long the service stood still. Only reads.
pub(super) async fn arranged(
    tx: &mut Tx,
    settings: &Settings,
    (duty, month): (&Duty, Month),
    arrangements: &[Arrangement],
    now: DateTime<Utc>,
) -> Result<Vec<Receipt>, StoreError> {
    let concerns = |arrangement: &Arrangement| arrangement.duty == duty.id && arrangement.from <= month;
    if !arrangements.iter().any(concerns) {
        return Ok(Vec::new());
    }
    let receipts = tx.receipts(month, &duty.id).await?;
    let moment = (now, settings.rulebook.zone);
    Ok(receipts_due(duty, month, arrangements, &settings.roster, &receipts, moment))
}

/// Appends an arrangement and lets it take effect at once, so that nobody waits for the next tick.
async fn append_arrangement(tx: &mut Tx, settings: &Settings, new: &Arrangement) -> Result<(), RecordError> {
    tx.append_arrangement(new).await?;
    Ok(take_effect(tx, settings, &new.duty, new.from, new.recorded_at).await?)
}

/// Lets the arrangements of a duty take effect in every open cycle that has begun, from a month on.
pub(super) async fn take_effect(
    tx: &mut Tx,
    settings: &Settings,
    duty: &DutyId,
    from: Month,
    now: DateTime<Utc>,
) -> Result<(), TickError> {
    let rulebook = &settings.rulebook;
    let Some(duty) = rulebook.duty(duty) else { return Ok(()) };
    // in a store that has never ticked, what a person has said of a cycle is all there is
    let start = tx.duty_starts().await?.get(&duty.id).copied().unwrap_or(from);
    let arrangements = tx.arrangements().await?;
    let today = local_date(now, rulebook.zone);
    let begun = cycles_in_question(start.max(from), today).filter(|month| *month <= Month::of(today));
    for month in begun {
        let (month_dates, next_dates) = dates(tx, month, duty).await?;
        if !Ladder::new(rulebook, duty, month, &month_dates, &next_dates)?.is_closed(now) {
            let receipts = arranged(tx, settings, (duty, month), &arrangements, now).await?;
            let rows: Vec<_> = receipts.iter().map(|receipt| (month, &*duty.id, receipt)).collect();
            tx.append_receipts(&rows).await?;
        }
    }
    Ok(())
}
