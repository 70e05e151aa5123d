//! Gathers what proves what was said to an authority in a month (M7). Never writes and never decides.

use chrono::{DateTime, Utc};

use crate::domain::chronicle::chronicle;
use crate::domain::proof::{AttemptProof, DutyProof, Instance, NoticeProof, Proof, ReturnProof};
use crate::domain::standing::{in_time, standing_now};
use crate::domain::{AuthorityId, Duty, Month, cycle};
use crate::store::{Attempt, Bounce, OutboxFilter, OutboxNotice, StoreError, Tx};

use super::Charter;
use super::composer::{message_domain, message_id};
use super::tick::TickError;

/// What was said to an authority in a month, about one duty or all, as the transaction knows it. Without parts if there is nothing.
///
/// # Errors
/// If the store or a calendar fails.
pub async fn proof(
    tx: &mut Tx,
    charter: &Charter,
    (month, authority): (Month, &str),
    only: Option<&Duty>,
    now: DateTime<Utc>,
) -> Result<Proof, TickError> {
    let settings = &charter.settings;
    let (rulebook, roster) = (&settings.rulebook, &settings.roster);
    let known = roster.authority(authority);
    let sender = &settings.service.sender;
    let state = tx.service().await?;
    let domain = message_domain(&state, &settings.service);
    let instance = Instance {
        version: env!("CARGO_PKG_VERSION"),
        sender: sender.from_name.clone(),
        from: sender.from.clone(),
        made_at: state.created_at,
        first_hash: tx.first_log_hash().await?,
    };
    let mut proof = Proof {
        instance,
        produced_at: now,
        log_head: tx.log_head().await?.map(|head| (head.number, head.hash)),
        zone: rulebook.zone,
        authority: known.map_or_else(|| AuthorityId::from(authority), |known| known.id.clone()),
        name: known.map(|known| known.name.clone()),
        district: known.map(|known| known.district),
        month,
        duties: Vec::new(),
    };
    let notices = tx.outbox(&OutboxFilter { month: Some(month), ..OutboxFilter::default() }).await?;
    for duty in rulebook.duties.iter().filter(|duty| only.is_none_or(|only| only.id == duty.id)) {
        let is_about = |notice: &&OutboxNotice| {
            notice.duty.as_deref() == Some(&*duty.id) && notice.authorities.iter().any(|id| &**id == authority)
        };
        let mut concerning = Vec::new();
        for notice in notices.iter().filter(is_about) {
            concerning.push(notice_proof(tx, charter, notice, domain).await?);
        }
        let part = duty_proof(tx, charter, (month, duty), authority, concerning, now).await?;
        if !part.is_empty() {
            proof.duties.push(part);
        }
    }
    Ok(proof)
}

async fn duty_proof(
    tx: &mut Tx,
    charter: &Charter,
    (month, duty): (Month, &Duty),
    authority: &str,
    notices: Vec<NoticeProof>,
    now: DateTime<Utc>,
) -> Result<DutyProof, TickError> {
    let (rulebook, roster) = (&charter.settings.rulebook, &charter.settings.roster);
    let dates = tx.date_facts(month, &duty.id).await?;
    let computed = cycle::deadline(rulebook, duty, month, dates.signal.as_ref())?;
    let (_, deadline) = cycle::in_force(&dates.revisions, computed);
    let receipts = tx.receipts_of(month, &duty.id, authority).await?;
    let (sent, not_sent) = notices.into_iter().partition(NoticeProof::was_tried);
    let is_owed = roster.owes(authority, deadline.ends_on);
    Ok(DutyProof {
        duty: duty.clone(),
        is_owed,
        deadline,
        revisions: dates.revisions,
        sent,
        not_sent,
        skipped: if is_owed { tx.skipped_steps(month, &duty.id).await? } else { Vec::new() },
        standing: standing_now(&receipts, now, rulebook.zone),
        in_time: in_time(&receipts, deadline.ends_on, now, rulebook.zone),
        receipts: chronicle(&receipts, deadline.ends_on, now, rulebook.zone),
    })
}

async fn notice_proof(
    tx: &mut Tx,
    charter: &Charter,
    notice: &OutboxNotice,
    message_domain: &str,
) -> Result<NoticeProof, StoreError> {
    let settings = &charter.settings;
    let office = notice.office.as_deref().map(|id| {
        let name = settings.roster.office(id).map_or_else(|| id.to_owned(), |office| office.name.clone());
        (id.into(), name)
    });
    Ok(NoticeProof {
        id: notice.id.clone(),
        step: notice.step.clone(),
        kind: notice.kind,
        revision: notice.revision,
        mailbox: notice.mailbox.clone(),
        office,
        authorities: notice.authorities.len(),
        due_at: notice.due_at,
        queued_at: notice.queued_at,
        state: notice.state,
        reason: notice.reason.clone(),
        subject: notice.subject.clone(),
        message_id: message_id(&notice.id, message_domain),
        attempts: tx.attempts(&notice.id).await?.into_iter().map(attempt_proof).collect(),
        returns: tx.bounces_of(&notice.id).await?.into_iter().map(return_proof).collect(),
    })
}

fn attempt_proof(attempt: Attempt) -> AttemptProof {
    AttemptProof {
        number: attempt.number,
        handed_over_at: attempt.handed_over_at,
        ended_at: attempt.at,
        outcome: attempt.outcome,
        reply: attempt.reply,
        sha256: Some(attempt.sha256).filter(|sha256| !sha256.is_empty()),
        size_bytes: attempt.size_bytes,
        mail: attempt.mail,
    }
}

fn return_proof(bounce: Bounce) -> ReturnProof {
    ReturnProof {
        received_at: bounce.received_at,
        verdict: bounce.verdict,
        is_believed: bounce.proof != "none",
        status: bounce.status,
        diagnostic: bounce.diagnostic,
        sha256: bounce.sha256,
    }
}
