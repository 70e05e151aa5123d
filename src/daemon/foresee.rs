//! What the next tick would do by given settings. Never writes anything.

use chrono::{DateTime, Utc};

use crate::domain::plan::CyclePlan;
use crate::domain::recheck::Verdict;
use crate::domain::{Alert, NewNotice};
use crate::store::{Store, Tx};

use super::Charter;
use super::recheck_facts::RecheckFacts;
use super::tick::{Planned, TickError, plan_all};

/// What the next tick, and the delivery after it, would do.
#[derive(Clone, Debug)]
pub struct Foresight {
    /// What would be frozen, queued, held and recorded, duty by duty and month by month.
    pub plans: Vec<CyclePlan>,
    /// What the ZRK would be told that it was not told before, among it deadlines that differ from what was told (F5).
    pub alerts: Vec<Alert>,
    /// Notices that wait and would be withdrawn when their turn comes, each with the reason.
    pub withdrawn: Vec<(NewNotice, String)>,
}

/// Plans as a tick at `now` would, in a transaction that only reads.
///
/// # Errors
/// If the store or a calendar fails.
pub async fn foresee(store: &Store, charter: &Charter, now: DateTime<Utc>) -> Result<Foresight, TickError> {
    let mut tx = store.read().await?;
    let Planned { plans, held, .. } = plan_all(&mut tx, charter, now).await?;
    let mut alerts = Vec::new();
    for alert in plans.iter().flat_map(|plan| &plan.alerts).chain(&held) {
        if !tx.has_alert(&alert.key).await? {
            alerts.push(alert.clone());
        }
    }
    let withdrawn = withdrawn(&mut tx, charter, &plans, now).await?;
    Ok(Foresight { plans, alerts, withdrawn })
}

async fn withdrawn(
    tx: &mut Tx,
    charter: &Charter,
    plans: &[CyclePlan],
    now: DateTime<Utc>,
) -> Result<Vec<(NewNotice, String)>, TickError> {
    let waiting = tx.waiting_notices().await?;
    let notices: Vec<&NewNotice> = waiting.iter().map(|waiting| &waiting.notice).collect();
    let facts = RecheckFacts::load(tx, &charter.settings, &notices, now).await?;
    let mut withdrawn = Vec::new();
    for notice in notices {
        let is_of = |plan: &&CyclePlan| plan.month == notice.month && Some(&plan.duty) == notice.duty.as_ref();
        let freeze = plans.iter().find(is_of).and_then(|plan| plan.freeze.as_ref());
        if let Some(revision) = freeze.filter(|revision| notice.revision < revision.number) {
            let reason = format!("the deadline was corrected; revision {} is in force", revision.number);
            withdrawn.push((notice.clone(), reason));
        } else if let Verdict::Withdraw(reason) = facts.verdict(notice) {
            withdrawn.push((notice.clone(), reason));
        }
    }
    Ok(withdrawn)
}
