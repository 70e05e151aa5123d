//! One tick: load what is known, let the domain plan, queue what it says. Never sends and never decides.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::delivery::State;
use crate::domain::facts::{CycleFacts, View};
use crate::domain::guard::{Lately, guard};
use crate::domain::ladder::{DateFacts, Ladder, MONTHS_BACK, cycles_in_question, first_cycle, next_midnight};
use crate::domain::plan::{CyclePlan, plan_cycle, zrk_mailboxes, zrk_notices};
use crate::domain::standing::standing_now;
use crate::domain::{
    Alert, AuthorityId, CalendarError, Duty, DutyId, Mailbox, Month, NoticeKind, Receipt, Revision, Rulebook, Standing,
    dates,
};
use crate::fault::{self, Point};
use crate::store::{OutboxFilter, OutboxNotice, ServiceState, Store, StoreError, Tx};

use super::Charter;
use super::event::{Event, What};
use super::facts::missed_running;
use super::recording::arranged;

/// What the last tick saw, so that the next one can tell at a glance that nothing can have become due. Only a short cut:
/// without it a tick comes to the same result.
#[derive(Debug, Default)]
pub struct TickMemo {
    seen: Option<Seen>,
}

#[derive(Debug)]
struct Seen {
    generation: u64,
    changes: i64,
    at: DateTime<Utc>,
    quiet_until: DateTime<Utc>,
}

/// Why a tick could not be carried out. The next one tries again.
#[derive(Debug, thiserror::Error)]
pub enum TickError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A calendar does not reach far enough.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
}

/// Plans and queues everything that should have been said by `now` (N1–N11), in one transaction.
///
/// # Errors
/// If the store or the calendar fails; nothing is changed then.
pub async fn tick(
    store: &Store,
    charter: &Charter,
    memo: &mut TickMemo,
    now: DateTime<Utc>,
) -> Result<Vec<Event>, TickError> {
    let service = store.read().await?.service().await?;
    if memo.is_quiet(charter.generation, service.changes, now) {
        return Ok(Vec::new());
    }
    let mut tx = store.write().await?;
    if let Some(copied_at) = tx.take_restored(now).await? {
        tracing::warn!(%copied_at, "this database is a backup that was restored; what may have been sent since is held");
    }
    let Planned { plans, held, flagged, starts, arranged, quiet_until, changes } =
        plan_all(&mut tx, charter, now).await?;
    fault::pass(Point::Planned).await;
    for (duty, month) in &starts {
        tx.set_first_cycle(*month, now).await?;
        tx.set_duty_start(duty, *month, now).await?;
    }
    for (month, duty, receipts) in &arranged {
        let rows: Vec<_> = receipts.iter().map(|receipt| (*month, &**duty, receipt)).collect();
        tx.append_receipts(&rows).await?;
    }
    let settings = &charter.settings;
    let view = View { rulebook: &settings.rulebook, roster: &settings.roster, flagged: &flagged, now };
    let mut events = Vec::new();
    for plan in &plans {
        if let Some(revision) = &plan.freeze {
            tx.freeze(plan.month, &plan.duty, revision).await?;
            events.extend(withdraw_replaced(&mut tx, plan, revision, now).await?);
        }
        for record in &plan.record {
            if tx.record_step(record, now).await? && record.skipped.is_some() {
                events.push(Event::of_skipped_step(record, now));
            }
        }
        tx.queue_notices(&plan.queue, now).await?;
        let held = plan.queue.iter().filter(|notice| notice.hold.is_some());
        events.extend(held.map(|notice| Event::of_notice(What::Held, notice, now, notice.hold.clone())));
    }
    for alert in plans.iter().flat_map(|plan| &plan.alerts).chain(&held) {
        tx.raise_alert(alert, now).await?;
    }
    let unheld = plans.iter().flat_map(|plan| &plan.queue).filter(|notice| notice.hold.is_none()).count();
    if unheld > 0
        && let Some(lately) = Lately::and(tx.queued_lately().await?, unheld, now)
    {
        tx.keep_queued_lately(lately).await?;
    }
    tell_zrk(&mut tx, view, now).await?;
    fault::pass(Point::Queued).await;
    tx.commit().await?;
    plans.iter().for_each(log_correction);
    memo.seen = Some(Seen { generation: charter.generation, changes, at: now, quiet_until });
    Ok(events)
}

/// Ends what was held of a deadline that is no longer in force: releasing it could only withdraw it.
async fn withdraw_replaced(
    tx: &mut Tx,
    plan: &CyclePlan,
    revision: &Revision,
    now: DateTime<Utc>,
) -> Result<Vec<Event>, StoreError> {
    let held = OutboxFilter { month: Some(plan.month), state: Some(State::Held), ..OutboxFilter::default() };
    let is_replaced =
        |notice: &OutboxNotice| notice.duty.as_deref() == Some(&*plan.duty) && notice.revision < revision.number;
    let reason = format!("the deadline was corrected; revision {} is in force", revision.number);
    let mut events = Vec::new();
    for notice in tx.outbox(&held).await?.into_iter().filter(is_replaced) {
        tx.end_unsent(&notice.id, State::Withdrawn, &reason, now).await?;
        events.push(Event::of_notice(What::Withdrawn, &notice.as_notice(), now, Some(reason.clone())));
    }
    Ok(events)
}

/// Says that a told deadline was corrected, and how many are told that (F5).
fn log_correction(plan: &CyclePlan) {
    let Some(revision) = plan.freeze.as_ref().filter(|revision| revision.number > 1) else { return };
    let of_kind = |kind| plan.queue.iter().filter(|notice| notice.kind == kind).count();
    tracing::info!(
        month = %plan.month,
        duty = &*plan.duty,
        revision = revision.number,
        stated_on = %revision.deadline.stated_on,
        ends_on = %revision.deadline.ends_on,
        corrections = of_kind(NoticeKind::Correction),
        announcements = of_kind(NoticeKind::Announcement),
        held = plan.queue.iter().filter(|notice| notice.hold.is_some()).count(),
        "deadline corrected; everybody who was told another date is told this one"
    );
}

/// What a tick would do, and what it looked at.
pub(super) struct Planned {
    pub(super) plans: Vec<CyclePlan>,
    /// Why the guard holds everything, if it does (N9).
    pub(super) held: Option<Alert>,
    pub(super) flagged: HashSet<Mailbox>,
    /// Duties that are followed from now on, with their first cycle (N11).
    starts: Vec<(DutyId, Month)>,
    /// Receipts by which arrangements take effect (S7).
    arranged: Vec<(Month, DutyId, Vec<Receipt>)>,
    /// Until then nothing can become due if nothing changes.
    quiet_until: DateTime<Utc>,
    /// The count of changes that was seen.
    changes: i64,
}

/// Loads what is known and lets the domain plan every cycle in question. Only reads.
pub(super) async fn plan_all(tx: &mut Tx, charter: &Charter, now: DateTime<Utc>) -> Result<Planned, TickError> {
    let service = tx.service().await?;
    let (rulebook, roster) = (&charter.settings.rulebook, &charter.settings.roster);
    let today = dates::local_date(now, rulebook.zone);
    let Starts { by_duty: starts, new } = starts(tx, rulebook, today, service.first_cycle).await?;
    let flagged = tx.flagged_mailboxes().await?;
    let view = View { rulebook, roster, flagged: &flagged, now };
    let mut known = KnownDates::load(tx, Month::of(today)).await?;
    let arrangements = tx.arrangements().await?;
    let mut all_arranged = Vec::new();
    let mut quiet_until = next_midnight(rulebook.zone, now);
    let mut plans = Vec::new();
    let first = starts.values().min().copied();
    for month in first.into_iter().flat_map(|first| cycles_in_question(first, today)) {
        for duty in rulebook.duties.iter().filter(|duty| starts.get(&duty.id).is_some_and(|start| *start <= month)) {
            let (dates, next_dates) = (known.of(month, &duty.id), known.of(month.next(), &duty.id));
            let ladder = Ladder::new(rulebook, duty, month, &dates, &next_dates)?;
            quiet_until = ladder.next_change(now).map_or(quiet_until, |change| change.min(quiet_until));
            let mut receipts = Vec::new();
            if month <= Month::of(today) && !ladder.is_closed(now) {
                receipts = arranged(tx, &charter.settings, (duty, month), &arrangements, now).await?;
                all_arranged.push((month, duty.id.clone(), receipts.clone()));
            }
            let is_untouched = dates.revisions.is_empty() && ladder.rungs.iter().all(|rung| now < rung.due_at);
            let is_finished = ladder.is_closed(now) && known.has_recorded_all(&ladder);
            if is_finished || (is_untouched && !ladder.awaits_signal) {
                continue;
            }
            let mut facts = load_facts(tx, view, (duty, month), (dates, next_dates), receipts, &service).await?;
            facts.missed_running = missed_running(tx, view, &ladder).await?;
            let plan = plan_cycle(view, duty, month, &facts)?;
            if let Some(revision) = &plan.freeze {
                known.take(month, &duty.id, revision.clone()); // with it closes the cycle before, which comes after this one
            }
            plans.push(plan);
        }
    }
    let lately = tx.queued_lately().await?;
    let held = guard(&mut plans, rulebook.notices_a_tick_max, lately, now);
    all_arranged.retain(|(_, _, receipts)| !receipts.is_empty());
    let changes = service.changes;
    Ok(Planned { plans, held, flagged, starts: new, arranged: all_arranged, quiet_until, changes })
}

impl TickMemo {
    /// When the next tick may find something, if nothing changes until then.
    pub fn quiet_until(&self) -> Option<DateTime<Utc>> {
        self.seen.as_ref().map(|seen| seen.quiet_until)
    }

    /// Whether the last tick saw everything up to this count of changes.
    pub fn has_seen(&self, changes: i64) -> bool {
        self.seen.as_ref().is_some_and(|seen| seen.changes == changes)
    }

    fn is_quiet(&self, generation: u64, changes: i64, now: DateTime<Utc>) -> bool {
        // a clock that was set back makes the glance worthless
        self.seen.as_ref().is_some_and(|seen| {
            (seen.generation, seen.changes) == (generation, changes) && (seen.at..seen.quiet_until).contains(&now)
        })
    }
}

/// From which cycle on each duty is followed.
struct Starts {
    by_duty: HashMap<DutyId, Month>,
    /// Those that the store does not know yet.
    new: Vec<(DutyId, Month)>,
}

/// From which cycle on each duty of the settings is followed (N11): a new store begins with its first cycle, and a duty that
/// settings add later with the first whose import is to come then.
async fn starts(
    tx: &mut Tx,
    rulebook: &Rulebook,
    today: NaiveDate,
    of_store: Option<Month>,
) -> Result<Starts, TickError> {
    let mut starts = Starts { by_duty: tx.duty_starts().await?, new: Vec::new() };
    let signal = tx.import_signal(Month::of(today)).await?;
    for duty in &rulebook.duties {
        if starts.by_duty.contains_key(&duty.id) {
            continue;
        }
        let month = match of_store {
            None => first_cycle(rulebook, today, signal.as_ref())?,
            Some(_) => first_cycle(&Rulebook { first_cycle: None, ..rulebook.clone() }, today, signal.as_ref())?,
        };
        starts.by_duty.insert(duty.id.clone(), month);
        starts.new.push((duty.id.clone(), month));
    }
    starts.by_duty.retain(|id, _| rulebook.duty(id).is_some());
    Ok(starts)
}

/// Queues one notice to each of the ZRK's mailboxes that tells all alerts not told yet.
async fn tell_zrk(tx: &mut Tx, view: View<'_>, now: DateTime<Utc>) -> Result<(), StoreError> {
    // an alert is taken back from a mailbox that rejects mail only where another is told in its place: if it waited, it and those that
    // came later would be told under its key once that mailbox takes mail again, and a notice of that key is there already
    if !zrk_mailboxes(view).is_empty() {
        tx.tell_withdrawn_alerts_again(now).await?;
    }
    let alerts = tx.untold_alerts().await?;
    let notices = zrk_notices(view, &alerts);
    let Some(first) = notices.first() else {
        if !alerts.is_empty() {
            tracing::error!(
                alerts = alerts.len(),
                "the ZRK has no mailbox that can be reached; alerts wait in the store"
            );
        }
        return Ok(());
    };
    tx.queue_notices(&notices, now).await?;
    tx.mark_alerts_told(&alerts, &first.step, now).await
}

/// Loads all that planning needs to know of a duty's cycle, with the receipts that are about to be appended.
async fn load_facts(
    tx: &mut Tx,
    view: View<'_>,
    (duty, month): (&Duty, Month),
    (dates, next_dates): (DateFacts, DateFacts),
    arranged: Vec<Receipt>,
    service: &ServiceState,
) -> Result<CycleFacts, StoreError> {
    let mut receipts = tx.receipts(month, &duty.id).await?;
    for receipt in arranged {
        receipts.entry(receipt.authority.clone()).or_default().push(receipt);
    }
    Ok(CycleFacts {
        dates,
        next_dates,
        recorded: tx.recorded_steps(month, &duty.id).await?,
        said: tx.said(month, &duty.id).await?,
        known_since: Some(service.created_at),
        restored_at: service.restored_at,
        standings: standings(&receipts, view.rulebook, view.now),
        missed_running: HashMap::new(),
    })
}

/// The standing of every authority that has receipts.
pub(super) fn standings(
    receipts: &HashMap<AuthorityId, Vec<Receipt>>,
    rulebook: &Rulebook,
    now: DateTime<Utc>,
) -> HashMap<AuthorityId, Standing> {
    receipts
        .iter()
        .map(|(authority, receipts)| (authority.clone(), standing_now(receipts, now, rulebook.zone)))
        .collect()
}

/// What the dates of all cycles in question hang on, and which of their steps were recorded, read at once.
struct KnownDates {
    by_duty: HashMap<(Month, DutyId), DateFacts>,
    by_month: HashMap<Month, DateFacts>,
    recorded: HashSet<(Month, DutyId, String, u32)>,
}

impl KnownDates {
    async fn load(tx: &mut Tx, this_month: Month) -> Result<Self, StoreError> {
        let since = this_month.plus(-MONTHS_BACK);
        let (by_duty, by_month) = tx.dates_since(since).await?;
        Ok(Self { by_duty, by_month, recorded: tx.steps_since(since).await? })
    }

    fn of(&self, month: Month, duty: &DutyId) -> DateFacts {
        let found = self.by_duty.get(&(month, duty.clone())).or_else(|| self.by_month.get(&month));
        found.cloned().unwrap_or_default()
    }

    /// Takes note of a deadline that this tick freezes.
    fn take(&mut self, month: Month, duty: &DutyId, revision: Revision) {
        let mut dates = self.of(month, duty);
        dates.revisions.push(revision);
        self.by_duty.insert((month, duty.clone()), dates);
    }

    fn has_recorded_all(&self, ladder: &Ladder<'_>) -> bool {
        let key = |step: &str| (ladder.month, ladder.duty.id.clone(), step.to_owned(), ladder.revision);
        ladder.rungs.iter().all(|rung| self.recorded.contains(&key(&rung.step.id)))
    }
}
