//! Makes mails of letters: renders, encloses, builds. Never asks the store and never decides whether a mail goes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use crate::domain::dates::local_date;
use crate::domain::{Mailbox, NoticeKind};
use crate::mail::{Attachment, Draft, OutgoingMail, Rendered, build, calendar_entry, return_token, sha256_hex};
use crate::settings::Service;
use crate::store::{ClaimedNotice, HandedOver, ServiceState, Store, StoreError};

use super::Charter;
use super::enclosure::enclose;
use super::recheck_facts::Wording;

const RENDERED_MAX: usize = 8; // the mailboxes of an office, or of one authority, come close to each other; a PDF has 50 KB

/// A mail ready to go.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) mail: OutgoingMail,
    pub(super) subject: String,
    pub(super) sha256: String,
    /// Why documents are missing that settings want with it.
    pub(super) failed_documents: Vec<String>,
}

impl Ready {
    pub(super) fn as_handed_over(&self) -> HandedOver<'_> {
        HandedOver { subject: &self.subject, sha256: &self.sha256, mail: &self.mail.bytes }
    }
}

/// Makes the mails of a delivery. A letter that several mailboxes get is rendered once.
#[derive(Debug)]
pub(super) struct Composer<'a> {
    charter: &'a Charter,
    /// What stands behind the @ of a Message-ID.
    message_domain: String,
    /// The key for return addresses; none if all mails have the same one.
    return_key: Option<Vec<u8>>,
    rendered: Mutex<VecDeque<Arc<Variant>>>,
}

/// A letter with its words and documents.
#[derive(Debug)]
struct Variant {
    wording: Arc<Wording>,
    rendered: Rendered,
    documents: Vec<Attachment>,
    failed_documents: Vec<String>,
}

impl<'a> Composer<'a> {
    /// A composer by these settings and templates.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn new(charter: &'a Charter, store: &Store) -> Result<Self, StoreError> {
        let service = &charter.settings.service;
        let message_domain = message_domain(&store.read().await?.service().await?, service).to_owned();
        let return_key = return_key(store, service).await?;
        Ok(Self { charter, message_domain, return_key, rendered: Mutex::default() })
    }

    /// The mail of a notice; the error is a template's or an address's fault, in words.
    pub(super) fn compose(
        &self,
        claimed: &ClaimedNotice,
        wording: &Arc<Wording>,
        now: DateTime<Utc>,
    ) -> Result<Ready, String> {
        let settings = &self.charter.settings;
        let variant = self.variant(wording)?;
        let Rendered { subject, text, html } = &variant.rendered;
        let (notice, sender) = (&claimed.notice, &settings.service.sender);
        let today = local_date(now, settings.rulebook.zone);
        let contact = settings.roster.contacts_at(&notice.mailbox, today).next();
        let wants_calendar = contact.is_some_and(|contact| contact.calendar)
            && matches!(notice.kind, NoticeKind::Announcement | NoticeKind::Correction);
        // one entry a mailbox, duty and cycle: a correction moves it
        let uid = format!("{}-{}-{}", notice.month, notice.duty.as_deref().unwrap_or("-"), notice.mailbox);
        let calendar = if wants_calendar { calendar_entry(&wording.letter, &uid, now) } else { None };
        let attachments: Vec<Attachment> =
            calendar.into_iter().map(Attachment::calendar).chain(variant.documents.iter().cloned()).collect();
        let references = wording.references.as_ref().map(|id| message_id(id, &self.message_domain));
        let message_id = message_id(&claimed.id, &self.message_domain);
        let draft = Draft {
            from: &sender.from,
            from_name: &sender.from_name,
            reply_to: sender.reply_to.as_ref(),
            to: &notice.mailbox,
            to_name: contact.map_or("", |contact| &contact.name),
            subject,
            text,
            html,
            message_id: &message_id,
            references: references.as_deref(),
            date: now,
            attachments: &attachments,
        };
        let bytes = build(&draft).map_err(|cause| cause.to_string())?;
        let due = notice.due_at.with_timezone(&settings.rulebook.zone).format("%Y-%m-%dT%H%M");
        let step = notice.step.replace(':', "_");
        let duty = notice.duty.as_deref().unwrap_or("zrk");
        let mail = OutgoingMail {
            mailbox: notice.mailbox.clone(),
            envelope_from: address_with(&settings.service, self.return_key.as_deref(), &claimed.id),
            message_id,
            file_stem: format!("{due}_{}_{duty}_{step}_r{}_{}", notice.month, notice.revision, notice.mailbox),
            bytes,
        };
        Ok(Ready {
            sha256: sha256_hex(&mail.bytes),
            mail,
            subject: subject.clone(),
            failed_documents: variant.failed_documents.clone(),
        })
    }

    /// The letter in words, made now or shortly before for another mailbox.
    fn variant(&self, wording: &Arc<Wording>) -> Result<Arc<Variant>, String> {
        let is_same = |known: &&Arc<Variant>| {
            known.wording.letter == wording.letter && known.wording.template == wording.template
        };
        let mut rendered = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = rendered.iter().find(is_same) {
            return Ok(Arc::clone(known));
        }
        let mut letter = wording.letter.clone();
        let (documents, failed) = enclose(&mut letter);
        let words = self.charter.templates.render(&letter, &wording.template).map_err(|cause| cause.to_string())?;
        let failed_documents = failed.iter().map(ToString::to_string).collect();
        let variant = Arc::new(Variant { wording: Arc::clone(wording), rendered: words, documents, failed_documents });
        if rendered.len() == RENDERED_MAX {
            rendered.pop_back();
        }
        rendered.push_front(Arc::clone(&variant));
        Ok(variant)
    }
}

/// Where a notice comes back to: the envelope sender, or an address of the notice's own if settings want that.
pub async fn return_address(store: &Store, service: &Service, notice: &str) -> Result<Mailbox, StoreError> {
    Ok(address_with(service, return_key(store, service).await?.as_deref(), notice))
}

/// `<id@domain>`; fixed per notice (M3).
pub fn message_id(notice_id: &str, domain: &str) -> String {
    format!("<{notice_id}@{domain}>")
}

/// The domain of every Message-ID of a store: that of the sender with whom the service was first started with a relay.
pub fn message_domain<'a>(state: &'a ServiceState, service: &'a Service) -> &'a str {
    state.message_domain.as_deref().unwrap_or_else(|| service.sender.from.domain())
}

async fn return_key(store: &Store, service: &Service) -> Result<Option<Vec<u8>>, StoreError> {
    match service.returns.tokens {
        true => Ok(Some(store.read().await?.return_key().await?)),
        false => Ok(None),
    }
}

fn address_with(service: &Service, key: Option<&[u8]>, notice: &str) -> Mailbox {
    let sender = &service.sender.envelope_from;
    // settings have refused a sender that leaves no room for a token
    key.and_then(|key| return_token::return_address(sender, notice, key)).unwrap_or_else(|| sender.clone())
}
