//! Loads what the domain needs to know of cycles and the past, and no more than that. Never decides.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::domain::dates::{end_of_day, local_date};
use crate::domain::facts::View;
use crate::domain::ladder::{DateFacts, Ladder};
use crate::domain::letter::History;
use crate::domain::past::{Known, PastCycle, missed};
use crate::domain::standing::{extended_to, in_time};
use crate::domain::{AuthorityId, Duty, Month, Roster, Rulebook, Standing};
use crate::store::{StoreError, Tx};

use super::tick::{TickError, standings};

const MONTHS_LOOKED_BACK: i32 = 12; // N7: months missed in the last twelve

/// The dates of a duty's cycle and of the next.
pub async fn dates(tx: &mut Tx, month: Month, duty: &Duty) -> Result<(DateFacts, DateFacts), StoreError> {
    Ok((tx.date_facts(month, &duty.id).await?, tx.date_facts(month.next(), &duty.id).await?))
}

/// What a report looks at besides the cycle's facts (N7).
pub async fn history(
    tx: &mut Tx,
    rulebook: &Rulebook,
    roster: &Roster,
    ladder: &Ladder<'_>,
    now: DateTime<Utc>,
) -> Result<History, TickError> {
    let duty = ladder.duty;
    let cycles = past_cycles(tx, rulebook, duty, ladder.month, MONTHS_LOOKED_BACK, now).await?;
    let missed = missed(&cycles, ladder.month, roster, rulebook.zone);
    let also_missing = also_missing(tx, rulebook, roster, ladder, now).await?;
    let mut history = History { missed, also_missing, ..History::default() };
    history.receipts = tx.receipts(ladder.month, &duty.id).await?;
    for (authority, receipts) in &history.receipts {
        if let Some(until) = extended_to(receipts) {
            history.extended_to.insert(authority.clone(), until);
        }
        if let Some(in_time) = in_time(receipts, ladder.deadline.ends_on, now, rulebook.zone) {
            history.in_time.insert(authority.clone(), in_time);
        }
    }
    Ok(history)
}

/// How many cycles running before this one each authority missed, if a step that is live now asks for it.
pub(super) async fn missed_running(
    tx: &mut Tx,
    view: View<'_>,
    ladder: &Ladder<'_>,
) -> Result<HashMap<AuthorityId, u32>, TickError> {
    let (rulebook, now) = (view.rulebook, view.now);
    let live = ladder.rungs.iter().filter(|rung| rung.is_live(now));
    let Some(cycles) = live.filter_map(|rung| rung.step.missed_cycles).max() else { return Ok(HashMap::new()) };
    let past = past_cycles(tx, rulebook, ladder.duty, ladder.month, cycles as i32 - 1, now).await?;
    Ok(missed(&past, ladder.month, view.roster, rulebook.zone).running)
}

/// So many cycles of a duty before this one, as far as they have closed since this store began (F7, N7, N11).
async fn past_cycles(
    tx: &mut Tx,
    rulebook: &Rulebook,
    duty: &Duty,
    month: Month,
    months_back: i32,
    now: DateTime<Utc>,
) -> Result<Vec<PastCycle>, TickError> {
    let months = (month.plus(-months_back), month.previous());
    let closed = |known| match known {
        Known::Told(cycle) if cycle.closes_at <= now => Some(cycle),
        _ => None,
    };
    Ok(known_months(tx, rulebook, duty, months, now).await?.into_iter().filter_map(closed).collect())
}

/// What is known of a duty in each month from the first to the last, both included. Five queries at most, however many they are.
pub async fn known_months(
    tx: &mut Tx,
    rulebook: &Rulebook,
    duty: &Duty,
    (first, last): (Month, Month),
    now: DateTime<Utc>,
) -> Result<Vec<Known>, TickError> {
    let begins = match tx.duty_starts().await?.get(&duty.id) {
        Some(start) => Some(*start),
        None => tx.service().await?.first_cycle,
    };
    let (by_duty, by_month) = tx.dates_since(first).await?;
    let dates = |month| {
        let found = by_duty.get(&(month, duty.id.clone())).or_else(|| by_month.get(&month));
        found.cloned().unwrap_or_default()
    };
    let mut receipts = tx.receipts_between(first, last, &duty.id).await?;
    let today = local_date(now, rulebook.zone);
    let months = (0..).map(|count| first.plus(count)).take_while(|month| *month <= last);
    let known = months.map(|month| {
        let month_dates = dates(month);
        let is_told = !month_dates.revisions.is_empty();
        if begins.is_none_or(|begins| month < begins) {
            return Ok(Known::Nothing);
        }
        if !is_told && month > Month::of(today) {
            return Ok(Known::Ahead); // also where calendars end
        }
        let ladder = Ladder::new(rulebook, duty, month, &month_dates, &dates(month.next()))?;
        let (ends_on, closes_at) = (ladder.deadline.ends_on, ladder.closes_at);
        if is_told {
            let receipts = receipts.remove(&month).unwrap_or_default();
            return Ok(Known::Told(PastCycle { month, ends_on, closes_at, receipts }));
        }
        let can_be_told = match ladder.awaits_signal {
            true => now < closes_at,
            false => now < end_of_day(rulebook.zone, ends_on),
        };
        Ok(if can_be_told { Known::Ahead } else { Known::Nothing })
    });
    known.collect()
}

/// What else each authority owes of this month and is overdue: module and period of the other duties.
async fn also_missing(
    tx: &mut Tx,
    rulebook: &Rulebook,
    roster: &Roster,
    ladder: &Ladder<'_>,
    now: DateTime<Utc>,
) -> Result<HashMap<AuthorityId, Vec<String>>, TickError> {
    let mut by_authority: HashMap<AuthorityId, Vec<String>> = HashMap::new();
    for duty in rulebook.duties.iter().filter(|duty| duty.id != ladder.duty.id) {
        let (month_dates, next_dates) = dates(tx, ladder.month, duty).await?;
        let other = Ladder::new(rulebook, duty, ladder.month, &month_dates, &next_dates)?;
        let is_over = end_of_day(rulebook.zone, other.deadline.ends_on) <= now;
        if month_dates.revisions.is_empty() || !is_over || other.is_closed(now) {
            continue;
        }
        let standings = standings(&tx.receipts(ladder.month, &duty.id).await?, rulebook, now);
        let matter = format!("{} {}", duty.module, duty.period_of(ladder.month).in_words());
        let is_settled = |id| standings.get(id).is_some_and(Standing::is_settled);
        for authority in roster.owing(other.deadline.ends_on).filter(|authority| !is_settled(&authority.id)) {
            by_authority.entry(authority.id.clone()).or_default().push(matter.clone());
        }
    }
    Ok(by_authority)
}
