//! What verdicts and letters about a batch of notices hang on, loaded once for each duty's cycle. Never decides and never writes.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use chrono::{DateTime, Utc};

use crate::domain::facts::{CycleFacts, View};
use crate::domain::ladder::{Ladder, next_midnight};
use crate::domain::letter::{History, compose, compose_zrk_notice};
use crate::domain::recheck::{Verdict, recheck, recheck_mailbox};
use crate::domain::standing::standing_now;
use crate::domain::{Alert, AuthorityId, Duty, DutyId, Letter, Mailbox, Month, NewNotice, NoticeKind, Owner};
use crate::settings::Settings;
use crate::store::Tx;

use super::facts::{dates, history, missed_running};
use super::tick::{TickError, standings};

/// What is known of the cycles of a batch at one instant.
#[derive(Debug)]
pub(super) struct RecheckFacts<'a> {
    settings: &'a Settings,
    now: DateTime<Utc>,
    flagged: HashSet<Mailbox>,
    cycles: HashMap<(Month, DutyId), KnownCycle<'a>>,
    /// What a notice to the ZRK tells, by its step.
    alerts: HashMap<String, Vec<Alert>>,
}

#[derive(Debug)]
struct KnownCycle<'a> {
    ladder: Ladder<'a>,
    facts: CycleFacts,
    history: History,
    announcements: HashMap<Mailbox, String>,
}

/// What a mail is to say, and to which mail it refers (M3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wording {
    pub(super) letter: Letter,
    /// The template's name.
    pub(super) template: String,
    /// The id of the announcement.
    pub(super) references: Option<String>,
}

impl<'a> RecheckFacts<'a> {
    /// Loads what verdicts on these notices hang on (N5).
    pub(super) async fn load(
        tx: &mut Tx,
        settings: &'a Settings,
        notices: &[&NewNotice],
        now: DateTime<Utc>,
    ) -> Result<Self, TickError> {
        let flagged = tx.flagged_mailboxes().await?;
        let mut facts = Self { settings, now, flagged, cycles: HashMap::new(), alerts: HashMap::new() };
        for ((month, duty), notices) in by_cycle(settings, notices) {
            let known = facts.load_cycle(tx, month, duty, &notices).await?;
            facts.cycles.insert((month, duty.id.clone()), known);
        }
        for notice in notices.iter().filter(|notice| notice.duty.is_none()) {
            if !facts.alerts.contains_key(&notice.step) {
                facts.alerts.insert(notice.step.clone(), tx.alerts_told_in(&notice.step).await?);
            }
        }
        Ok(facts)
    }

    async fn load_cycle(
        &self,
        tx: &mut Tx,
        month: Month,
        duty: &'a Duty,
        notices: &[&NewNotice],
    ) -> Result<KnownCycle<'a>, TickError> {
        let (settings, now) = (self.settings, self.now);
        let rulebook = &settings.rulebook;
        let mut facts = CycleFacts::default();
        (facts.dates, facts.next_dates) = dates(tx, month, duty).await?;
        let ladder = Ladder::new(rulebook, duty, month, &facts.dates, &facts.next_dates)?;
        if notices.iter().any(|notice| is_report(notice.kind)) {
            facts.standings = standings(&tx.receipts(month, &duty.id).await?, rulebook, now);
            facts.said = tx.said(month, &duty.id).await?;
        } else {
            let authorities = notices.iter().flat_map(|notice| self.concerned(notice)).collect();
            let receipts = tx.receipts_of_all(month, &duty.id, &authorities).await?;
            let standing = |id: AuthorityId| {
                let receipts = receipts.get(&id).map_or(&[][..], Vec::as_slice);
                let standing = standing_now(receipts, now, rulebook.zone);
                (id, standing)
            };
            facts.standings = authorities.into_iter().map(standing).collect();
        }
        if notices.iter().any(|notice| notice.kind == NoticeKind::LongSilence) {
            facts.missed_running = missed_running(tx, self.view(), &ladder).await?;
        }
        Ok(KnownCycle { ladder, facts, history: History::default(), announcements: HashMap::new() })
    }

    /// Loads what letters say besides, once it is known which are to be written.
    pub(super) async fn load_letters(&mut self, tx: &mut Tx, notices: &[&NewNotice]) -> Result<(), TickError> {
        let (settings, now) = (self.settings, self.now);
        for ((month, duty), notices) in by_cycle(settings, notices) {
            let Some(known) = self.cycles.get_mut(&(month, duty.id.clone())) else { continue };
            if notices.iter().any(|notice| is_report(notice.kind)) {
                known.history = history(tx, &settings.rulebook, &settings.roster, &known.ladder, now).await?;
            }
            // only from the third revision on can a reader have been told another date last than that of the revision before
            let is_correction = |notice: &&NewNotice| notice.kind == NoticeKind::Correction;
            if notices.iter().any(is_correction) && known.facts.dates.revisions.len() > 2 {
                known.facts.said = tx.said(month, &duty.id).await?;
            }
            let referring = notices.iter().filter(|notice| refers(notice.kind)).map(|notice| &notice.mailbox);
            known.announcements = tx.announcements(month, &duty.id, &referring.collect()).await?;
        }
        Ok(())
    }

    /// What all decisions at this instant look at.
    pub(super) fn view(&self) -> View<'_> {
        let Settings { rulebook, roster, .. } = self.settings;
        View { rulebook, roster, flagged: &self.flagged, now: self.now }
    }

    /// Asks the domain whether a notice is still called for (N5).
    pub(super) fn verdict(&self, notice: &NewNotice) -> Verdict {
        let view = self.view();
        let Some(duty) = &notice.duty else {
            return recheck_mailbox(view, notice).unwrap_or_else(|| match self.alerts_of(notice) {
                [] => Verdict::Withdraw("another notice told the ZRK what this one was to tell".to_owned()),
                _ => Verdict::Send(Vec::new()),
            });
        };
        match self.cycles.get(&(notice.month, duty.clone())) {
            Some(known) => recheck(view, &known.ladder, &known.facts, notice),
            None => Verdict::Withdraw(format!("duty {duty:?} is no longer in the settings")),
        }
    }

    /// The letter of a notice that is still called for. [`Self::load_letters`] has seen it before.
    pub(super) fn wording(&self, notice: &NewNotice) -> Wording {
        let view = self.view();
        let known = notice.duty.as_ref().and_then(|duty| self.cycles.get(&(notice.month, duty.clone())));
        let Some(KnownCycle { ladder, facts, history, announcements }) = known else {
            let letter = compose_zrk_notice(view, notice, self.alerts_of(notice));
            return Wording { letter, template: notice.kind.to_string(), references: None };
        };
        let letter = compose(view, ladder, facts, history, notice);
        let template = ladder.rung(&notice.step).map_or(notice.kind.to_string(), |rung| rung.step.template.clone());
        let references = announcements.get(&notice.mailbox).filter(|_| refers(notice.kind)).cloned();
        Wording { letter, template, references }
    }

    /// What a notice to the ZRK tells.
    fn alerts_of(&self, notice: &NewNotice) -> &[Alert] {
        self.alerts.get(&notice.step).map_or(&[], Vec::as_slice)
    }

    /// While what was decided on a notice holds if nothing changes: contacts and extensions end with a day, steps at theirs.
    pub(super) fn validity(&self, notice: &NewNotice) -> Range<DateTime<Utc>> {
        let midnight = next_midnight(self.settings.rulebook.zone, self.now);
        let known = notice.duty.as_ref().and_then(|duty| self.cycles.get(&(notice.month, duty.clone())));
        let change = known.and_then(|known| known.ladder.next_change(self.now));
        self.now..change.map_or(midnight, |change| change.min(midnight))
    }

    /// The authorities of which a notice may speak: those that its mailbox serves today, and those that it was queued for.
    fn concerned(&self, notice: &NewNotice) -> impl Iterator<Item = AuthorityId> {
        let today = self.view().today();
        let served =
            self.settings.roster.contacts_at(&notice.mailbox, today).filter_map(|contact| match &contact.owner {
                Owner::Authority(id) => Some(id.clone()),
                Owner::Office(_) => None,
            });
        served.chain(notice.authorities.iter().cloned()).collect::<BTreeSet<_>>().into_iter()
    }
}

/// Whether notices of this kind say what is known of a whole cycle, also what was delivered in it up to now.
pub(super) fn is_report(kind: NoticeKind) -> bool {
    matches!(kind, NoticeKind::Escalation | NoticeKind::Summary | NoticeKind::LongSilence | NoticeKind::AllClear)
}

/// Whether a mail of this kind refers to the announcement (M3).
fn refers(kind: NoticeKind) -> bool {
    !matches!(kind, NoticeKind::Announcement | NoticeKind::Summary | NoticeKind::LongSilence)
}

fn duty_of<'a>(settings: &'a Settings, notice: &NewNotice) -> Option<&'a Duty> {
    notice.duty.as_deref().and_then(|id| settings.rulebook.duty(id))
}

/// The notices of each duty's cycle, in the order in which their cycles come up; without those of no known duty.
fn by_cycle<'a, 'b>(settings: &'a Settings, notices: &[&'b NewNotice]) -> Vec<((Month, &'a Duty), Vec<&'b NewNotice>)> {
    let mut cycles: Vec<((Month, &Duty), Vec<&NewNotice>)> = Vec::new();
    for notice in notices {
        let Some(duty) = duty_of(settings, notice) else { continue };
        let is_same = |(month, known): (Month, &Duty)| month == notice.month && known.id == duty.id;
        match cycles.iter_mut().find(|(cycle, _)| is_same(*cycle)) {
            Some((_, of_cycle)) => of_cycle.push(notice),
            None => cycles.push(((notice.month, duty), vec![notice])),
        }
    }
    cycles
}
