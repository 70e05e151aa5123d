//! Takes what came back: reads it, finds its notice, records what follows. Never decides what a report means; the domain does.

use chrono::{DateTime, Utc};

use crate::domain::bounce::{Consequence, Judgement, Proof, ReportKind, Returned, Verdict, consequence, judge, prove};
use crate::mail::{RETURNED_BYTES_MAX, Unreadable, read_returned, return_token, sha256_hex};
use crate::store::{BounceEffect, NewBounce, OutboxNotice, ReturnedNotice, Store, StoreError, Tx};

use super::Charter;
use super::alerts::returned_alert;
use super::event::{Event, What};

const NOTICE_ID_DIGITS: usize = 32; // what stands before the @ of our Message-IDs
const CANDIDATES_MAX: usize = 10; // a report returns one mail and answers one
const IDLE_REPORTS_MAX: usize = 20; // on one notice that change nothing: more would only fill the disk

/// What became of a returned mail.
#[derive(Clone, Debug)]
pub enum Taken {
    /// It is about a notice, and was recorded.
    Recorded(Box<Report>),
    /// This very message was recorded before.
    Known,
    /// It is no bounce; why.
    NotABounce(&'static str),
    /// It is one, but of no notice that this store can have sent, or of one on which enough is recorded; why.
    NotRecorded(&'static str),
    /// Its notice is being handed over at this moment; it must come again in a while.
    TooEarly,
    /// It is no mail.
    Unreadable(Unreadable),
}

/// A report on a notice, as it was recorded.
#[derive(Clone, Debug)]
pub struct Report {
    /// The notice, as it was before.
    pub notice: OutboxNotice,
    /// What the report amounts to.
    pub judgement: Judgement,
    /// Why it is believed, or not.
    pub proof: Proof,
    /// What follows from it.
    pub consequence: Consequence,
    /// What that changed.
    pub effect: BounceEffect,
}

/// Takes one returned mail. `envelope_recipient` is the address to which it came back, if the mail system said it; else its
/// headers are looked at. The same message twice counts once.
///
/// # Errors
/// If the store fails; nothing is changed then, and the mail must be given again.
pub async fn take_bounce(
    store: &Store,
    charter: &Charter,
    bytes: &[u8],
    envelope_recipient: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Taken, StoreError> {
    let bytes = &bytes[..bytes.len().min(RETURNED_BYTES_MAX)];
    let returned = match read_returned(bytes) {
        Ok(returned) => returned,
        Err(why) => return Ok(Taken::Unreadable(why)),
    };
    if let Verdict::NotABounce(why) = judge(&returned, None).verdict
        && returned.report != ReportKind::Delivery
    {
        return Ok(Taken::NotABounce(why));
    }
    let sha256 = sha256_hex(bytes);
    let mut tx = store.write().await?;
    if tx.knows_bounce(&sha256).await? {
        return Ok(Taken::Known);
    }
    let (found, has_token) = find_notice(&mut tx, &returned, envelope_recipient).await?;
    let Some(found) = found else {
        return Ok(Taken::NotRecorded("it names no notice of this store"));
    };
    let judgement = judge(&returned, Some(&found.notice.mailbox));
    if let Verdict::NotABounce(why) = judgement.verdict {
        return Ok(Taken::NotABounce(why));
    }
    if found.is_in_hand {
        return Ok(Taken::TooEarly);
    }
    let proof = prove(judgement.names, &found.facts(has_token, charter.settings.service.returns.tokens), now);
    if found.handed_over_at.is_none() {
        return Ok(Taken::NotRecorded("its notice was never handed over"));
    }
    let consequence = match consequence(judgement.verdict, proof) {
        // there is no mailbox left to flag, and nobody to write to
        Consequence::Flag if found.notice.mailbox.is_removed() => Consequence::NotDelivered,
        consequence => consequence,
    };
    let is_idle = consequence == Consequence::Nothing || found.notice.returned_at.is_some();
    if is_idle && found.reports >= IDLE_REPORTS_MAX {
        return Ok(Taken::NotRecorded("enough reports on its notice are recorded"));
    }
    let words = in_words(&judgement);
    let local = now.with_timezone(&charter.settings.rulebook.zone).format("%Y-%m-%d %H:%M");
    let mut flagged = tx.flagged_mailboxes().await?;
    flagged.insert(found.notice.mailbox.clone());
    let bounce = NewBounce {
        notice: &found.notice,
        verdict: judgement.verdict,
        proof,
        consequence,
        status: judgement.status.map(|status| status.to_string()),
        diagnostic: &judgement.diagnostic,
        sha256: &sha256,
        reason: &format!("came back on {local}: {words}"),
        alert: returned_alert(&charter.settings, &found.notice, &words, &sha256, &flagged, now),
    };
    let effect = tx.record_bounce(&bounce, now).await?;
    tx.commit().await?;
    Ok(Taken::Recorded(Box::new(Report { notice: found.notice, judgement, proof, consequence, effect })))
}

/// The notice that came back: of the token, of the mail that was returned, or of the one that is answered. Says whether it is
/// the token's.
async fn find_notice(
    tx: &mut Tx,
    returned: &Returned,
    envelope_recipient: Option<&str>,
) -> Result<(Option<ReturnedNotice>, bool), StoreError> {
    let key = tx.return_key().await?;
    let came_to = envelope_recipient.into_iter().chain(returned.came_to.iter().map(String::as_str));
    if let Some(id) = came_to.into_iter().find_map(|address| return_token::notice_of(address, &key)) {
        return Ok((tx.returned_notice(&id).await?, true));
    }
    let ids = returned.returned_ids.iter().chain(&returned.answered_ids).filter_map(|id| notice_id_of(id));
    for id in ids.take(CANDIDATES_MAX) {
        if let Some(found) = tx.returned_notice(&id).await? {
            return Ok((Some(found), false));
        }
    }
    Ok((None, false))
}

/// The notice's id in a Message-ID, if it can be one of ours. Its domain says nothing: settings may have changed since.
fn notice_id_of(message_id: &str) -> Option<String> {
    let (id, _) = message_id.split_once('@')?;
    let is_id = id.len() == NOTICE_ID_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| id.to_ascii_lowercase())
}

/// The mail system's words with the status before them, or what is known instead.
fn in_words(judgement: &Judgement) -> String {
    let Judgement { status, diagnostic, .. } = judgement;
    match status.map(|status| status.to_string()) {
        Some(status) if diagnostic.is_empty() => status,
        Some(status) if !diagnostic.contains(&status) => format!("{status} {diagnostic}"),
        None if diagnostic.is_empty() => "no reason was given".to_owned(),
        _ => diagnostic.clone(),
    }
}

impl Report {
    /// What happened to the notice, if it counts as not delivered since now.
    pub fn event(&self, now: DateTime<Utc>) -> Option<Event> {
        let reason = Some(format!("came back: {}", in_words(&self.judgement)));
        let event = Event::of_notice(What::Rejected, &self.notice.as_notice(), now, reason);
        self.effect.is_returned.then_some(event)
    }

    /// What it changed, or why nothing.
    pub fn outcome(&self) -> &'static str {
        match (self.consequence, self.proof) {
            (Consequence::Flag, _) if self.effect.has_flagged => {
                "the notice was not delivered; its mailbox is flagged and the ZRK is told"
            }
            (Consequence::Flag, _) => "the notice was not delivered; its mailbox was flagged already",
            (Consequence::NotDelivered, _) => "the notice was not delivered; its mailbox gets the next one",
            (Consequence::Nothing, Proof::None(why)) => why,
            (Consequence::Nothing, _) => "the notice is still being tried",
        }
    }
}

impl Taken {
    /// One line about it, without an address.
    pub fn log(&self) {
        match self {
            Self::Recorded(report) => {
                let Report { notice, judgement, proof, consequence, .. } = &**report;
                let (verdict, proof_word, outcome) = (judgement.verdict.as_str(), proof.as_str(), report.outcome());
                let status = judgement.status.map(|status| status.to_string()).unwrap_or_default();
                if *consequence == Consequence::Nothing && matches!(proof, Proof::None(_)) {
                    tracing::warn!(
                        notice = notice.id,
                        verdict,
                        status,
                        outcome,
                        "a report that proves nothing came back"
                    );
                } else {
                    let proof = proof_word;
                    tracing::warn!(notice = notice.id, verdict, proof, status, outcome, "a mail came back");
                }
            }
            Self::Known => tracing::debug!("a returned mail that is recorded already"),
            Self::NotABounce(why) => tracing::info!(why, "a mail that is no bounce"),
            Self::NotRecorded(why) => tracing::warn!(why, "a returned mail was not recorded"),
            Self::TooEarly => {
                tracing::info!("a mail came back before its delivery was recorded; it is looked at again")
            }
            Self::Unreadable(why) => tracing::warn!(%why, "what came back cannot be read"),
        }
    }
}
