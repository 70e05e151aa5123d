//! Says which cycles are old enough, and has the store take their mails and addresses away (M8). Never touches an open cycle.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::domain::Month;
use crate::domain::dates::{instant_on, local_date};
use crate::domain::ladder::{Ladder, MONTHS_BACK};
use crate::store::{Removal, Store, Tx};

use super::Charter;
use super::facts::dates;
use super::tick::TickError;

/// What goes, and what stays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Retained {
    /// The oldest cycle of which everything stays.
    pub from: Month,
    /// What goes, by cycle.
    pub removed: BTreeMap<Month, Removal>,
}

/// Takes away what is older than settings say, in the caller's transaction: without a commit it is a dry run.
///
/// # Errors
/// If the store or a calendar fails.
pub async fn remove_old(
    tx: &mut Tx,
    charter: &Charter,
    actor: &str,
    now: DateTime<Utc>,
) -> Result<Retained, TickError> {
    let zone = charter.settings.rulebook.zone;
    let from = first_kept(tx, charter, now).await?;
    let raised_before = instant_on(zone, from.first_day(), NaiveTime::MIN);
    Ok(Retained { from, removed: tx.remove_before(from, raised_before, actor, now).await? })
}

/// The oldest cycle of which everything is kept: by the setting, or an older one that is open still.
async fn first_kept(tx: &mut Tx, charter: &Charter, now: DateTime<Utc>) -> Result<Month, TickError> {
    let (rulebook, retention) = (&charter.settings.rulebook, charter.settings.service.retention);
    let this_month = Month::of(local_date(now, rulebook.zone));
    let by_setting = this_month.plus(-(retention.months as i32));
    let Some(first_cycle) = tx.service().await?.first_cycle else { return Ok(by_setting) };
    let months = (-MONTHS_BACK..0).map(|back| this_month.plus(back));
    for month in months.filter(|month| *month >= first_cycle && *month < by_setting) {
        for duty in &rulebook.duties {
            let (month_dates, next_dates) = dates(tx, month, duty).await?;
            if !Ladder::new(rulebook, duty, month, &month_dates, &next_dates)?.is_closed(now) {
                return Ok(month);
            }
        }
    }
    Ok(by_setting)
}

/// Takes away once a local day what is older than settings say, if they want that.
#[derive(Debug, Default)]
pub(super) struct Daily {
    done_on: Option<NaiveDate>,
}

impl Daily {
    /// What went today for the first time; nothing if it was done, or settings do not want it.
    pub(super) async fn run(
        &mut self,
        store: &Store,
        charter: &Charter,
        now: DateTime<Utc>,
    ) -> Result<Option<Removal>, TickError> {
        let today = local_date(now, charter.settings.rulebook.zone);
        if self.done_on == Some(today) || !charter.settings.service.retention.daily {
            return Ok(None);
        }
        let mut tx = store.write().await?;
        let retained = remove_old(&mut tx, charter, "fristd", now).await?;
        tx.commit().await?;
        self.done_on = Some(today);
        let mut total = Removal::default();
        retained.removed.into_values().for_each(|removal| total += removal);
        if total.is_empty() {
            return Ok(None);
        }
        store.truncate_journal().await?;
        Ok(Some(total))
    }
}
