//! Delivers what is queued: claim, recheck, send, record. Never decides whether a notice is called for; the domain does.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::domain::dates::local_date;
use crate::domain::delivery::{Outcome, Reply, State, decide, pause};
use crate::domain::facts::View;
use crate::domain::ladder::Ladder;
use crate::domain::letter::{History, compose, compose_zrk_notice};
use crate::domain::recheck::{Verdict, recheck, recheck_mailbox};
use crate::domain::{Alert, Letter, Mailbox, NoticeKind, Owner};
use crate::mail::{
    Attachment, Draft, Importance, OutgoingMail, Rendered, Transport, build, calendar_entry, return_token, sha256_hex,
};
use crate::settings::Service;
use crate::store::{ClaimedNotice, Delivery, HandedOver, StaleClaims, Store, StoreError, Tx};

use super::alerts::{document_alert, expired_alert, rejected_alert, uncertain_alert};
use super::clock::Clock;
use super::enclosure::enclose;
use super::event::{Event, What};
use super::tick::TickError;
use super::{Charter, facts};

const CLAIM_BATCH_MAX: usize = 50; // one lease covers what a relay takes in a minute
const DELIVERY_MAX: TimeDelta = TimeDelta::minutes(1); // after it the rest is the next round's, which may last ten minutes
const LEASE_MARGIN: TimeDelta = TimeDelta::minutes(9); // longer than eight steps of a mail, each at its longest time-out

/// What a delivery works with.
#[derive(Debug)]
pub struct Deliverer<'a, T> {
    /// The store.
    pub store: &'a Store,
    /// Settings and templates.
    pub charter: &'a Charter,
    /// Where mails go.
    pub transport: &'a mut T,
    /// The time.
    pub clock: &'a Clock,
    /// Turns true when the service is to stop.
    pub stop: watch::Receiver<bool>,
}

/// A mail ready to go.
struct Ready {
    mail: OutgoingMail,
    subject: String,
    sha256: String,
}

/// What came of asking once more.
enum Asked {
    Send(ClaimedNotice),
    Ended(Event),
    NotNow,
}

impl Ready {
    fn as_handed_over(&self) -> HandedOver<'_> {
        HandedOver { subject: &self.subject, sha256: &self.sha256, mail: &self.mail.bytes }
    }
}

impl<T: Transport> Deliverer<'_, T> {
    /// Delivers everything whose turn has come, until nothing is left, the relay fails, or the service is to stop. What a slow
    /// relay leaves over is for the next call, so that no round is ended in the middle of a mail.
    ///
    /// # Errors
    /// If the store or a calendar fails; what was claimed and not handed over is given back or taken over later.
    ///
    /// `events` gets what happened, also up to an error.
    pub async fn deliver(&mut self, events: &mut Vec<Event>) -> Result<(), TickError> {
        let begins_batches_until = self.clock.now() + DELIVERY_MAX;
        while self.clock.now() < begins_batches_until && self.may_send().await? {
            let batch = self.claim_batch(events).await?;
            let Some(last) = batch.last() else { break };
            let lease_until = last.lease_until;
            let mut relay_failed_until = None;
            let mut batch = batch.into_iter();
            for claimed in batch.by_ref() {
                let now = self.clock.now();
                let asked = match self.is_time_to_send() && now <= lease_until - LEASE_MARGIN {
                    true => self.ask_again(&claimed).await?,
                    false => Asked::NotNow,
                };
                let claimed = match asked {
                    Asked::Send(claimed) => claimed,
                    Asked::Ended(event) => {
                        events.push(event);
                        continue;
                    }
                    Asked::NotNow => {
                        self.give_back(&claimed, now).await?;
                        break;
                    }
                };
                let (event, failed_until) = self.send(&claimed).await?;
                events.push(event);
                if failed_until.is_some() {
                    relay_failed_until = failed_until;
                    break;
                }
            }
            let now = self.clock.now();
            for claimed in batch {
                self.give_back(&claimed, relay_failed_until.unwrap_or(now)).await?;
            }
            if relay_failed_until.is_some() {
                break;
            }
        }
        self.transport.close().await;
        Ok(())
    }

    /// Takes over what a dead deliverer left behind: queues again what was not handed over, and decides on the rest as on a
    /// broken connection (M6).
    ///
    /// # Errors
    /// If the store fails.
    pub async fn recover(&mut self, claims: StaleClaims) -> Result<Vec<Event>, TickError> {
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        let left_behind = tx.take_over(claims, now).await?;
        let mut events = Vec::new();
        for claimed in left_behind {
            let text = "fristd stopped after the mail was handed over and before the reply was recorded".to_owned();
            let outcome = self.outcome(&claimed, &Reply::Broken { text: text.clone() }, now);
            let delivery = Delivery {
                alert: uncertain_alert(&claimed, &outcome),
                outcome,
                reply: &text,
                subject: "",
                sha256: "",
                was_handed_over: true,
            };
            tx.record_reply(&claimed, &delivery, now).await?;
            events.push(Event::of_notice(What::Uncertain, &claimed.notice, now, Some(text)));
        }
        tx.commit().await?;
        Ok(events)
    }

    /// Whether mail may go out by the clock (N8), and the service is not to stop.
    fn is_time_to_send(&self) -> bool {
        let rulebook = &self.charter.settings.rulebook;
        !*self.stop.borrow() && rulebook.sending.are_open(&rulebook.calendar, rulebook.zone, self.clock.now())
    }

    async fn may_send(&self) -> Result<bool, StoreError> {
        Ok(self.is_time_to_send() && self.store.read().await?.service().await?.paused.is_none())
    }

    /// Claims what is due and still called for, and ends the rest with the reason (N5), in one transaction.
    async fn claim_batch(&self, events: &mut Vec<Event>) -> Result<Vec<ClaimedNotice>, TickError> {
        let now = self.clock.now();
        if self.store.read().await?.next_due_at().await?.is_none_or(|next| now < next) {
            return Ok(Vec::new());
        }
        let mut tx = self.store.write().await?;
        let flagged = tx.flagged_mailboxes().await?;
        let settings = &self.charter.settings;
        let view = View { rulebook: &settings.rulebook, roster: &settings.roster, flagged: &flagged, now };
        let mut claimed = Vec::new();
        // a batch may hold nothing but notices that end; look on until something is claimed or nothing is left
        loop {
            let candidates = tx.due_notices(now, CLAIM_BATCH_MAX).await?;
            if candidates.is_empty() {
                break;
            }
            for mut candidate in candidates {
                let verdict = verdict(&mut tx, view, &candidate).await?;
                if let Verdict::Send(authorities) = verdict {
                    tx.claim(&candidate, &authorities, now).await?;
                    candidate.notice.authorities = authorities;
                    claimed.push(candidate);
                } else {
                    events.push(end(&mut tx, &candidate, &verdict, view).await?);
                }
            }
            if !claimed.is_empty() {
                break;
            }
        }
        tx.commit().await?;
        Ok(claimed)
    }

    /// Sends one mail and records what became of it. The instant until which the relay is left alone comes back if it failed
    /// altogether.
    async fn send(&mut self, claimed: &ClaimedNotice) -> Result<(Event, Option<DateTime<Utc>>), TickError> {
        let ready = match self.ready(claimed).await? {
            Ok(ready) => ready,
            Err(why) => return self.record_unrendered(claimed, why).await,
        };
        let mut was_handed_over = false;
        let reply = match self.transport.prepare(&ready.mail).await {
            Err(reply) => reply,
            Ok(()) => {
                let mut tx = self.store.write().await?;
                tx.record_hand_over(claimed, ready.as_handed_over(), self.clock.now()).await?;
                tx.commit().await?;
                was_handed_over = true;
                self.transport.complete(&ready.mail).await
            }
        };
        let now = self.clock.now();
        let outcome = self.outcome(claimed, &reply, now);
        let relay_failed_until = match (&reply, &outcome) {
            (Reply::NoRelay { .. }, Outcome::RetryAt(at)) => Some(*at),
            _ => None,
        };
        let alert = match outcome {
            Outcome::Rejected => Some(rejected_alert(claimed, words(&reply))),
            _ => uncertain_alert(claimed, &outcome),
        };
        let what = what(&outcome);
        let delivery = Delivery {
            outcome,
            reply: words(&reply),
            subject: &ready.subject,
            sha256: &ready.sha256,
            was_handed_over,
            alert,
        };
        let mut tx = self.store.write().await?;
        tx.record_reply(claimed, &delivery, now).await?;
        tx.commit().await?;
        let mut event = Event::of_notice(what, &claimed.notice, now, Some(words(&reply).to_owned()));
        event.subject = Some(ready.subject);
        event.message_id = Some(ready.mail.message_id);
        Ok((event, relay_failed_until))
    }

    /// Asks once more at the moment of sending: since the batch was claimed somebody may have paused (N8) or reported (N5).
    async fn ask_again(&self, claimed: &ClaimedNotice) -> Result<Asked, TickError> {
        let now = self.clock.now();
        let settings = &self.charter.settings;
        let mut tx = self.store.read().await?;
        if tx.service().await?.paused.is_some() {
            return Ok(Asked::NotNow);
        }
        let flagged = tx.flagged_mailboxes().await?;
        let view = View { rulebook: &settings.rulebook, roster: &settings.roster, flagged: &flagged, now };
        let verdict = verdict(&mut tx, view, claimed).await?;
        drop(tx);
        let mut claimed = claimed.clone();
        match verdict {
            Verdict::Send(authorities) if authorities == claimed.notice.authorities => {}
            Verdict::Send(authorities) => {
                let mut tx = self.store.write().await?;
                tx.set_authorities(&claimed, &authorities).await?;
                tx.commit().await?;
                claimed.notice.authorities = authorities;
            }
            ended => {
                let mut tx = self.store.write().await?;
                let event = end(&mut tx, &claimed, &ended, view).await?;
                tx.commit().await?;
                return Ok(Asked::Ended(event));
            }
        }
        Ok(Asked::Send(claimed))
    }

    fn outcome(&self, claimed: &ClaimedNotice, reply: &Reply, now: DateTime<Utc>) -> Outcome {
        let on_uncertain = self.charter.settings.service.on_uncertain;
        decide(reply, claimed.attempts + 1, claimed.was_uncertain, on_uncertain, seed(&claimed.id), now)
    }

    /// Renders and builds the mail of a claimed notice; the inner error is a template's or an address's fault.
    async fn ready(&self, claimed: &ClaimedNotice) -> Result<Result<Ready, String>, TickError> {
        let settings = &self.charter.settings;
        let (mut letter, template, references) = self.letter(claimed).await?;
        let (documents, failed) = enclose(&mut letter);
        for cause in failed {
            tracing::error!(notice = claimed.id, %cause, "a document could not be made; the mail goes without it");
            let mut tx = self.store.write().await?;
            tx.raise_alert(&document_alert(claimed, &cause.to_string()), self.clock.now()).await?;
            tx.commit().await?;
        }
        let Rendered { subject, text, html } = match self.charter.templates.render(&letter, &template) {
            Ok(rendered) => rendered,
            Err(cause) => return Ok(Err(cause.to_string())),
        };
        let now = self.clock.now();
        let (notice, sender) = (&claimed.notice, &settings.service.sender);
        let today = local_date(now, settings.rulebook.zone);
        let contact = settings.roster.contacts_at(&notice.mailbox, today).next();
        let wants_calendar = contact.is_some_and(|contact| contact.calendar)
            && matches!(notice.kind, NoticeKind::Announcement | NoticeKind::Correction);
        // one entry a mailbox, duty and cycle: a correction moves it
        let uid = format!("{}-{}-{}", notice.month, notice.duty.as_deref().unwrap_or("-"), notice.mailbox);
        let calendar = if wants_calendar { calendar_entry(&letter, &uid, now) } else { None };
        let attachments: Vec<Attachment> = calendar.into_iter().map(Attachment::calendar).chain(documents).collect();
        let references = references.map(|id| message_id(&id, sender.from.as_str()));
        let message_id = message_id(&claimed.id, sender.from.as_str());
        let draft = Draft {
            from: &sender.from,
            from_name: &sender.from_name,
            reply_to: sender.reply_to.as_ref(),
            to: &notice.mailbox,
            to_name: contact.map_or("", |contact| &contact.name),
            subject: &subject,
            text: &text,
            html: &html,
            message_id: &message_id,
            references: references.as_deref(),
            date: now,
            importance: Importance::Normal,
            attachments: &attachments,
        };
        let bytes = match build(&draft) {
            Ok(bytes) => bytes,
            Err(cause) => return Ok(Err(cause.to_string())),
        };
        let envelope_from = return_address(self.store, &settings.service, &claimed.id).await?;
        let due = notice.due_at.with_timezone(&settings.rulebook.zone).format("%Y-%m-%dT%H%M");
        let step = notice.step.replace(':', "_");
        let duty = notice.duty.as_deref().unwrap_or("zrk");
        let mail = OutgoingMail {
            mailbox: notice.mailbox.clone(),
            envelope_from,
            message_id,
            file_stem: format!("{due}_{}_{duty}_{step}_r{}_{}", notice.month, notice.revision, notice.mailbox),
            bytes,
        };
        Ok(Ok(Ready { sha256: sha256_hex(&mail.bytes), mail, subject }))
    }

    /// The letter, the name of its template, and the id of the announcement that it refers to (M3).
    async fn letter(&self, claimed: &ClaimedNotice) -> Result<(Letter, String, Option<String>), TickError> {
        let now = self.clock.now();
        let settings = &self.charter.settings;
        let (rulebook, notice) = (&settings.rulebook, &claimed.notice);
        let mut tx = self.store.read().await?;
        let flagged = tx.flagged_mailboxes().await?;
        let view = View { rulebook, roster: &settings.roster, flagged: &flagged, now };
        let duty = notice.duty.as_deref().and_then(|id| rulebook.duty(id));
        let Some(duty) = duty else {
            let alerts = tx.alerts_told_in(&notice.step).await?;
            return Ok((compose_zrk_notice(view, notice, &alerts), notice.kind.to_string(), None));
        };
        let is_report = matches!(
            notice.kind,
            NoticeKind::Escalation | NoticeKind::Summary | NoticeKind::LongSilence | NoticeKind::AllClear
        );
        let own: Vec<&str> = notice.authorities.iter().map(|id| &**id).collect();
        let mut facts = facts::for_recheck(&mut tx, rulebook, duty, notice, &own, now).await?;
        // only from the third revision on can a reader have been told another date last than that of the revision before
        if notice.kind == NoticeKind::Correction && facts.dates.revisions.len() > 2 {
            facts.said = tx.said(notice.month, &duty.id).await?;
        }
        let dates = (&facts.dates.clone(), &facts.next_dates.clone());
        let ladder = Ladder::new(rulebook, duty, notice.month, dates.0, dates.1)?;
        let mut history = History::default();
        if is_report {
            history = facts::history(&mut tx, rulebook, &settings.roster, &ladder, now).await?;
        }
        let references = match notice.kind {
            NoticeKind::Announcement | NoticeKind::Summary | NoticeKind::LongSilence => None,
            _ => tx.announcement(notice.month, &duty.id, &notice.mailbox).await?,
        };
        let template = ladder.rung(&notice.step).map_or(notice.kind.to_string(), |rung| rung.step.template.clone());
        Ok((compose(view, &ladder, &facts, &history, notice), template, references))
    }

    /// A mail that cannot be rendered is no fault of its mailbox: it is tried again, and the ZRK is told.
    async fn record_unrendered(
        &self,
        claimed: &ClaimedNotice,
        why: String,
    ) -> Result<(Event, Option<DateTime<Utc>>), TickError> {
        let now = self.clock.now();
        tracing::error!(notice = claimed.id, why, "a mail could not be composed; it will be tried again");
        let delivery = Delivery {
            outcome: Outcome::RetryAt(now + pause(claimed.attempts + 1, seed(&claimed.id))),
            reply: &why,
            subject: "",
            sha256: "",
            was_handed_over: false,
            alert: Some(Alert {
                key: format!(
                    "compose:{}:{}:{}",
                    claimed.notice.month,
                    claimed.notice.duty.as_deref().unwrap_or("-"),
                    claimed.notice.step
                ),
                headline: "Mitteilung kann nicht erstellt werden".to_owned(),
                detail: format!("{} Bitte die Vorlage berichtigen; der Versand wird wiederholt.", why.trim_end()),
            }),
        };
        let mut tx = self.store.write().await?;
        tx.record_reply(claimed, &delivery, now).await?;
        tx.commit().await?;
        Ok((Event::of_notice(What::Retry, &claimed.notice, now, Some(why)), None))
    }

    async fn give_back(&self, claimed: &ClaimedNotice, next_at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.store.write().await?;
        tx.give_back(claimed, next_at).await?;
        tx.commit().await
    }
}

/// Asks the domain whether a notice is still called for (N5). Only reads.
pub(super) async fn verdict(tx: &mut Tx, view: View<'_>, candidate: &ClaimedNotice) -> Result<Verdict, TickError> {
    let notice = &candidate.notice;
    let Some(duty_id) = &notice.duty else {
        return Ok(recheck_mailbox(view, notice).unwrap_or(Verdict::Send(Vec::new())));
    };
    let Some(duty) = view.rulebook.duty(duty_id) else {
        return Ok(Verdict::Withdraw(format!("duty {duty_id:?} is no longer in the settings")));
    };
    let served = view.roster.contacts_at(&notice.mailbox, view.today()).filter_map(|contact| match &contact.owner {
        Owner::Authority(id) => Some(&**id),
        Owner::Office(_) => None,
    });
    let mut authorities: Vec<&str> = served.chain(notice.authorities.iter().map(|id| &**id)).collect();
    authorities.sort_unstable();
    authorities.dedup();
    let mut facts = facts::for_recheck(tx, view.rulebook, duty, notice, &authorities, view.now).await?;
    let dates = (facts.dates.clone(), facts.next_dates.clone());
    let ladder = Ladder::new(view.rulebook, duty, notice.month, &dates.0, &dates.1)?;
    if notice.kind == NoticeKind::LongSilence {
        facts.missed_running = facts::missed_running(tx, view, &ladder).await?;
    }
    Ok(recheck(view, &ladder, &facts, notice))
}

/// Ends a notice that is not to be sent, with the reason.
async fn end(tx: &mut Tx, claimed: &ClaimedNotice, verdict: &Verdict, view: View<'_>) -> Result<Event, StoreError> {
    let (state, reason) = verdict.as_state().unwrap_or((State::Withdrawn, "no longer called for"));
    // a mail that was perhaps sent stays uncertain; it is only not sent once more
    let kept = if claimed.was_uncertain { State::Uncertain } else { state };
    tx.end_unsent(&claimed.id, kept, reason, view.now).await?;
    if kept == State::Expired {
        tx.raise_alert(&expired_alert(claimed, reason, view.rulebook.zone), view.now).await?;
    }
    let what = if state == State::Expired { What::Expired } else { What::Withdrawn };
    Ok(Event::of_notice(what, &claimed.notice, view.now, Some(reason.to_owned())))
}

/// Where a notice comes back to: the envelope sender, or an address of the notice's own if settings want that.
pub async fn return_address(store: &Store, service: &Service, notice: &str) -> Result<Mailbox, StoreError> {
    let sender = &service.sender.envelope_from;
    if !service.returns.tokens {
        return Ok(sender.clone());
    }
    let key = store.read().await?.return_key().await?;
    // settings have refused a sender that leaves no room for a token
    Ok(return_token::return_address(sender, notice, &key).unwrap_or_else(|| sender.clone()))
}

/// `<id@domain of the sender>`; fixed per notice (M3).
pub fn message_id(notice_id: &str, sender: &str) -> String {
    let domain = sender.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    format!("<{notice_id}@{domain}>")
}

fn what(outcome: &Outcome) -> What {
    match outcome {
        Outcome::Accepted => What::Sent,
        Outcome::RetryAt(_) => What::Retry,
        Outcome::Rejected => What::Rejected,
        Outcome::UncertainResendAt(_) | Outcome::Uncertain => What::Uncertain,
    }
}

fn words(reply: &Reply) -> &str {
    match reply {
        Reply::Accepted { text }
        | Reply::RefusedForNow { text }
        | Reply::RefusedForGood { text }
        | Reply::NoRelay { text }
        | Reply::Broken { text } => text,
    }
}

/// Spreads retries; the first 16 hexadecimal digits of the id.
fn seed(notice_id: &str) -> u64 {
    notice_id.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

/// Groups events by what they are, for a line in the log.
pub fn count_by_what(events: &[Event]) -> HashMap<What, usize> {
    let mut counts = HashMap::new();
    for event in events {
        *counts.entry(event.what).or_default() += 1;
    }
    counts
}
