//! Makes mails come back in a simulation: real reports on real mails, taken as any other. Never a short cut past the parser.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::domain::Mailbox;
use crate::domain::delivery::State;
use crate::store::{OutboxFilter, OutboxNotice, Store, StoreError};

use super::Charter;
use super::bounce::{Taken, take_bounce};
use super::composer::return_address;
use super::event::Event;
use super::scenario::Fate;

/// The newest accepted mail to each of the mailboxes comes back; of several at the same instant, all. Returns what happened,
/// or nothing if no mail was accepted.
///
/// # Errors
/// If the store fails.
pub async fn return_newest(
    store: &Store,
    charter: &Charter,
    mailboxes: HashSet<Mailbox>,
    fate: Fate,
    now: DateTime<Utc>,
) -> Result<Option<Vec<Event>>, StoreError> {
    let mut mailboxes: Vec<Mailbox> = mailboxes.into_iter().collect();
    mailboxes.sort();
    let (mut events, mut is_any) = (Vec::new(), false);
    for mailbox in mailboxes {
        for notice in newest(store, &mailbox).await? {
            is_any = true;
            let report = report_on(store, charter, &notice, fate).await?;
            if let Taken::Recorded(report) = take_bounce(store, charter, &report, None, now).await? {
                events.extend(report.event(now));
            }
        }
    }
    Ok(is_any.then_some(events))
}

async fn newest(store: &Store, mailbox: &Mailbox) -> Result<Vec<OutboxNotice>, StoreError> {
    let filter = OutboxFilter {
        mailbox: Some(mailbox.as_str().to_owned()),
        state: Some(State::Accepted),
        ..OutboxFilter::default()
    };
    let mut notices = store.read().await?.outbox(&filter).await?;
    let newest = notices.iter().filter_map(|notice| notice.accepted_at).max();
    notices.retain(|notice| notice.accepted_at == newest);
    Ok(notices)
}

/// A delivery status notification (RFC 3464) as a mail system writes it, with the headers of the mail as it was sent.
async fn report_on(store: &Store, charter: &Charter, notice: &OutboxNotice, fate: Fate) -> Result<Vec<u8>, StoreError> {
    let attempts = store.read().await?.attempts(&notice.id).await?;
    let mail = attempts.into_iter().rev().find_map(|attempt| attempt.mail).unwrap_or_default();
    let mail = String::from_utf8_lossy(&mail).into_owned();
    let headers = mail.split("\r\n\r\n").next().unwrap_or_default();
    let to = return_address(store, &charter.settings.service, &notice.id).await?;
    let (status, words) = match fate {
        Fate::Hard => ("5.1.1", "550 5.1.1 no such mailbox (simulated)"),
        Fate::Soft => ("5.2.2", "552 5.2.2 mailbox full (simulated)"),
    };
    let mailbox = &notice.mailbox;
    let lines = format!(
        "From: Mail Delivery System <mailer-daemon@relay.example>
To: {to}
Subject: Mail delivery failed
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=\"simulated\"

--simulated
Content-Type: text/plain

{mailbox}: {words}

--simulated
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example

Final-Recipient: rfc822; {mailbox}
Action: failed
Status: {status}
Diagnostic-Code: smtp; {words}

--simulated
Content-Type: text/rfc822-headers

{}

--simulated--
",
        headers.replace("\r\n", "\n")
    );
    Ok(lines.replace('\n', "\r\n").into_bytes())
}
