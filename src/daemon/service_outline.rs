//! What fristd.toml and the templates say, in a few words for the log and for comparing. Never an address, never a secret.

use std::path::Path;

use crate::domain::Mailbox;
use crate::domain::delivery::OnUncertain;
use crate::mail::sha256_hex;
use crate::settings::{Sender, Tls, Transport};

use super::Charter;

const FINGERPRINT_DIGITS: usize = 12; // enough to see that something has changed

/// How the service runs, each thing under a name.
pub(super) fn service_in_words(charter: &Charter) -> Vec<(String, String)> {
    let (service, rulebook) = (&charter.settings.service, &charter.settings.rulebook);
    let transport = match &service.transport {
        Transport::Directory { folder } => format!("into the folder {}", folder.display()),
        Transport::Smtp(relay) => {
            let tls = match relay.tls {
                Tls::StartTls => "STARTTLS",
                Tls::Implicit => "TLS from the start",
                Tls::None => "no TLS",
            };
            let login = if relay.username.is_some() { "with login" } else { "without login" };
            let certificates = relay.ca_file.as_deref().map_or("the system's".to_owned(), in_words);
            let hello = relay.hello_name.as_deref().unwrap_or("its own");
            format!(
                "to {}:{}, {tls}, {login}, certificates {certificates}, hello name {hello}, time-out {} s, {} s for the answer to a message",
                relay.host, relay.port, relay.timeout_seconds, relay.message_timeout_seconds
            )
        }
    };
    let uncertain = match service.on_uncertain {
        OnUncertain::Resend => "sent once more",
        OnUncertain::Hold => "left to a person",
    };
    let drop_folder = service.drop_folder.as_ref().map_or("none".to_owned(), |folder| {
        format!("{}, after {} s without a change", in_words(&folder.folder), folder.settle_seconds)
    });
    let returns = format!(
        "{}, Maildir {}",
        if service.returns.tokens { "an address for each mail" } else { "the envelope sender" },
        service.returns.maildir.as_deref().map_or("none".to_owned(), in_words)
    );
    let templates = service.templates_dir.as_deref().map_or("built in".to_owned(), in_words);
    let crate::settings::Limits { connections, pace, breaker_failures, .. } = service.limits;
    let limits = format!("{} notices a tick, a tick every {} s", rulebook.notices_a_tick_max, service.tick_seconds);
    let pace = format!(
        "{connections} connections, {} mails a minute, {} to a domain, the relay left alone after {breaker_failures} failures",
        pace.mails_a_minute, pace.mails_a_minute_a_domain
    );
    let heartbeat = service.heartbeat.as_ref().map_or("none".to_owned(), |heartbeat| {
        let address = fingerprint(&sha256_hex(heartbeat.url.well().as_bytes()));
        format!("to {} ({address}), every {} s", heartbeat.url, heartbeat.every_seconds)
    });
    [
        ("service, time zone", rulebook.zone.name().to_owned()),
        ("service, mail", transport),
        ("service, sender", sender_in_words(&service.sender)),
        ("service, uncertain mails", uncertain.to_owned()),
        ("service, drop folder", drop_folder),
        ("service, returned mails", returns),
        ("service, limits", limits),
        ("service, pace", pace),
        ("service, heartbeat", heartbeat),
        ("service, templates", format!("{templates}, {}", fingerprint(charter.templates.fingerprint()))),
    ]
    .map(|(name, words)| (name.to_owned(), words))
    .into()
}

fn sender_in_words(sender: &Sender) -> String {
    let reply_to = sender.reply_to.as_ref().map_or("none".to_owned(), address_in_words);
    let (from, envelope) = (address_in_words(&sender.from), address_in_words(&sender.envelope_from));
    format!("{:?} {from}, answers to {reply_to}, envelope {envelope}", sender.from_name)
}

/// An address so that a change of it shows, and it does not.
fn address_in_words(mailbox: &Mailbox) -> String {
    let domain = mailbox.as_str().rsplit_once('@').map_or("", |(_, domain)| domain);
    format!("(at {domain}, {})", fingerprint(&sha256_hex(mailbox.as_str().as_bytes())))
}

fn fingerprint(sha256: &str) -> String {
    format!("SHA-256 {}…", &sha256[..FINGERPRINT_DIGITS.min(sha256.len())])
}

fn in_words(path: &Path) -> String {
    path.display().to_string()
}
