//! Loads what the domain needs to know for one notice, and no more than that. Never decides.

use chrono::{DateTime, Utc};

use crate::domain::facts::CycleFacts;
use crate::domain::ladder::{DateFacts, Ladder};
use crate::domain::letter::History;
use crate::domain::standing::{extended_to, in_time, standing_at, standing_now};
use crate::domain::{Duty, Month, NewNotice, NoticeKind, Rulebook};
use crate::store::{StoreError, Tx};

use super::tick::{TickError, standings};

const MONTHS_LOOKED_BACK: i32 = 12; // N7: months missed in the last twelve

/// The dates of a duty's cycle and of the next.
pub async fn dates(tx: &mut Tx, month: Month, duty: &Duty) -> Result<(DateFacts, DateFacts), StoreError> {
    Ok((tx.date_facts(month, &duty.id).await?, tx.date_facts(month.next(), &duty.id).await?))
}

/// What is needed to decide again on a notice (N5): all standings for an office's, else those of its own authorities.
pub async fn for_recheck(
    tx: &mut Tx,
    rulebook: &Rulebook,
    duty: &Duty,
    notice: &NewNotice,
    authorities: &[&str],
    now: DateTime<Utc>,
) -> Result<CycleFacts, StoreError> {
    let mut facts = CycleFacts::default();
    (facts.dates, facts.next_dates) = dates(tx, notice.month, duty).await?;
    match notice.kind {
        NoticeKind::Escalation | NoticeKind::Summary | NoticeKind::AllClear => {
            facts.standings = standings(&tx.receipts(notice.month, &duty.id).await?, rulebook, now);
            facts.said = tx.said(notice.month, &duty.id).await?;
        }
        NoticeKind::Announcement | NoticeKind::Correction | NoticeKind::Reminder | NoticeKind::Overdue => {
            for authority in authorities {
                let receipts = tx.receipts_of(notice.month, &duty.id, authority).await?;
                facts.standings.insert((*authority).into(), standing_now(&receipts, now, rulebook.zone));
            }
        }
        NoticeKind::ZrkNotice => {}
    }
    Ok(facts)
}

/// What a report looks at besides the cycle's facts (N7).
pub async fn history(
    tx: &mut Tx,
    rulebook: &Rulebook,
    ladder: &Ladder<'_>,
    now: DateTime<Utc>,
) -> Result<History, TickError> {
    let mut history = History::default();
    let duty = ladder.duty;
    for (authority, receipts) in tx.receipts(ladder.month, &duty.id).await? {
        if let Some(until) = extended_to(&receipts) {
            history.extended_to.insert(authority.clone(), until);
        }
        if let Some(in_time) = in_time(&receipts, ladder.deadline.ends_on, now, rulebook.zone) {
            history.in_time.insert(authority, in_time);
        }
    }
    Ok(history)
}

/// Adds to a report's history who missed how many of the last twelve closed cycles of this store in which it owed (F7, N7).
pub async fn add_months_missed(
    history: &mut History,
    tx: &mut Tx,
    rulebook: &Rulebook,
    roster: &crate::domain::Roster,
    ladder: &Ladder<'_>,
    now: DateTime<Utc>,
) -> Result<(), TickError> {
    let Some(first_cycle) = tx.service().await?.first_cycle else { return Ok(()) };
    let months = (1..=MONTHS_LOOKED_BACK).map(|back| ladder.month.plus(-back)).filter(|month| *month >= first_cycle);
    for month in months {
        let (month_dates, next_dates) = dates(tx, month, ladder.duty).await?;
        let past = Ladder::new(rulebook, ladder.duty, month, &month_dates, &next_dates)?;
        // of a cycle in which nobody was told a deadline this store knows nothing (N11)
        if month_dates.revisions.is_empty() || !past.is_closed(now) {
            continue;
        }
        history.months_known += 1;
        let receipts = tx.receipts(month, &ladder.duty.id).await?;
        for authority in roster.owing(past.deadline.ends_on) {
            let of_authority = receipts.get(&authority.id).into_iter().flatten();
            if !standing_at(of_authority, past.closes_at, rulebook.zone).is_settled() {
                *history.months_missed.entry(authority.id.clone()).or_default() += 1;
            }
        }
    }
    Ok(())
}
