//! Hands mails to a relay over SMTP. Never retries, never blames a mailbox for what the relay or the network did.

use std::sync::Arc;

use lettre::Address;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};

use super::relay::{CheckedRelay, Failure, Relay, RelayError, words};
use super::transport::{OutgoingMail, Transport, reply_text};
use crate::domain::Mailbox;
use crate::domain::delivery::Reply;

const CLOSING: u16 = 421; // the relay ends the connection; says nothing about the mail (RFC 5321, 4.2.1)
const START_MAIL_INPUT: u16 = 354;

/// One connection's worth of mails to a relay, one after the other.
pub struct SmtpTransport {
    relay: Arc<CheckedRelay>,
    line: Line,
}

/// Where the conversation stands. Whatever is cut short leaves no line behind, so that no command is taken for a mail.
enum Line {
    /// No connection.
    Closed,
    /// Ready for a mail.
    Idle(Box<AsyncSmtpConnection>),
    /// A mail was refused; the relay must forget its sender first.
    Refused(Box<AsyncSmtpConnection>),
    /// The relay waits for the mail of this Message-ID.
    Waiting(Box<AsyncSmtpConnection>, String),
}

impl SmtpTransport {
    /// Checks the settings and loads certificates; connects with the first mail.
    ///
    /// # Errors
    /// If certificates cannot be loaded or a name cannot stand in a command.
    pub fn new(relay: Relay) -> Result<Self, RelayError> {
        Ok(Self { relay: Arc::new(CheckedRelay::new(relay)?), line: Line::Closed })
    }

    fn take_line(&mut self) -> Line {
        std::mem::replace(&mut self.line, Line::Closed)
    }

    /// A connection on which MAIL was accepted: the kept one if it still works, else a new one.
    async fn open_with_sender(&mut self, sender: &Address) -> Result<Box<AsyncSmtpConnection>, Failure> {
        let relay = Arc::clone(&self.relay);
        if let Some(mut kept) = self.kept_connection().await {
            match relay.command(&mut kept, Mail::new(Some(sender.clone()), Vec::new()), "MAIL").await {
                Ok(_) => return Ok(kept),
                // the relay may have ended a connection that was idle: that is worth one new one
                Err(failure) if failure.code.is_none() || failure.code == Some(CLOSING) => {}
                Err(failure) => {
                    relay.take_leave(kept).await;
                    return Err(failure);
                }
            }
        }
        let mut fresh = relay.connect().await?;
        match relay.command(&mut fresh, Mail::new(Some(sender.clone()), Vec::new()), "MAIL").await {
            Ok(_) => Ok(fresh),
            Err(failure) => {
                relay.take_leave(fresh).await;
                Err(failure)
            }
        }
    }

    async fn kept_connection(&mut self) -> Option<Box<AsyncSmtpConnection>> {
        match self.take_line() {
            Line::Idle(connection) => Some(connection),
            Line::Refused(mut connection) => {
                self.relay.command(&mut connection, Rset, "RSET").await.ok().map(|_| connection)
            }
            Line::Closed | Line::Waiting(..) => None,
        }
    }

    /// What a failed RCPT or DATA means, and whether the connection is kept.
    fn refused(&mut self, connection: Box<AsyncSmtpConnection>, failure: Failure) -> Reply {
        let reply = match failure.code {
            Some(CLOSING) | None => return Reply::NoRelay { text: failure.text },
            Some(400..=499) => Reply::RefusedForNow { text: failure.text },
            Some(500..=599) => Reply::RefusedForGood { text: failure.text },
            Some(_) => return Reply::NoRelay { text: failure.text },
        };
        self.line = Line::Refused(connection);
        reply
    }
}

impl Transport for SmtpTransport {
    async fn prepare(&mut self, mail: &OutgoingMail) -> Result<(), Reply> {
        let no_relay = |text: String| Reply::NoRelay { text: reply_text(&text) };
        if !mail.bytes.is_ascii() {
            return Err(no_relay(format!("mail {} is not 7-bit; build it with mail::build", mail.message_id)));
        }
        let sender = address(&mail.envelope_from)
            .map_err(|why| no_relay(format!("MAIL: sender {}: {why}", mail.envelope_from)))?;
        let recipient = address(&mail.mailbox).map_err(|why| Reply::RefusedForGood {
            text: reply_text(&format!("RCPT: recipient {}: {why}", mail.mailbox)),
        })?;

        let mut connection =
            self.open_with_sender(&sender).await.map_err(|failure| Reply::NoRelay { text: failure.text })?;
        let relay = Arc::clone(&self.relay);
        if let Err(failure) = relay.command(&mut connection, Rcpt::new(recipient, Vec::new()), "RCPT").await {
            return Err(self.refused(connection, failure));
        }
        match relay.step("DATA", connection.command(Data)).await {
            Ok(response) if response.has_code(START_MAIL_INPUT) => {
                self.line = Line::Waiting(connection, mail.message_id.clone());
                Ok(())
            }
            Ok(response) => Err(no_relay(format!("DATA: expected 354, got {}", words(&response)))),
            Err(failure) => Err(self.refused(connection, failure)),
        }
    }

    async fn complete(&mut self, mail: &OutgoingMail) -> Reply {
        let mut connection = match self.take_line() {
            Line::Waiting(connection, message_id) if message_id == mail.message_id => connection,
            _ => return Reply::NoRelay { text: reply_text(&format!("mail {} was not prepared", mail.message_id)) },
        };
        // message and end in one write: two would wait for each other's acknowledgement where Nagle's algorithm is on
        let relay = Arc::clone(&self.relay);
        match relay.step("message", connection.command(transparent(&mail.bytes))).await {
            Ok(response) if (200..300).contains(&u16::from(response.code())) => {
                self.line = Line::Idle(connection);
                Reply::Accepted { text: words(&response) }
            }
            Ok(response) => {
                Reply::Broken { text: reply_text(&format!("message: expected 250, got {}", words(&response))) }
            }
            Err(Failure { code: Some(code), text }) => {
                if code != CLOSING {
                    self.line = Line::Idle(connection); // the end of a message resets the relay (RFC 5321, 4.1.1.4)
                }
                if code < 500 { Reply::RefusedForNow { text } } else { Reply::RefusedForGood { text } }
            }
            Err(Failure { code: None, text }) => Reply::Broken { text },
        }
    }

    /// Another connection to the same relay; shares the loaded certificates.
    fn sibling(&self) -> Self {
        Self { relay: Arc::clone(&self.relay), line: Line::Closed }
    }

    async fn close(&mut self) {
        if let Line::Idle(connection) | Line::Refused(connection) = self.take_line() {
            self.relay.take_leave(connection).await;
        }
    }
}

fn address(mailbox: &Mailbox) -> Result<Address, String> {
    mailbox.as_str().parse().map_err(|error: lettre::address::AddressError| error.to_string())
}

/// The message as it goes over the line: CR LF everywhere, dots doubled at the start of lines, and the end.
fn transparent(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut wire = String::with_capacity(text.len() + text.len() / 64 + 8);
    // a lone CR or LF would let a crafted text end the message early at some relays ("SMTP smuggling")
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for line in text.strip_suffix('\n').unwrap_or(&text).split('\n') {
        if line.starts_with('.') {
            wire.push('.');
        }
        wire.push_str(line);
        wire.push_str("\r\n");
    }
    wire.push_str(".\r\n");
    wire
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dots_are_doubled_and_lines_end_in_cr_lf() {
        let check = |text: &str, want: &str| assert_eq!(transparent(text.as_bytes()), want, "{text:?}");
        check("a\r\nb\r\n", "a\r\nb\r\n.\r\n");
        check(".\r\n..\r\nx.\r\n", "..\r\n...\r\nx.\r\n.\r\n");
        check("a\n.\nb", "a\r\n..\r\nb\r\n.\r\n");
        check("a\r.\r\nb", "a\r\n..\r\nb\r\n.\r\n");
        check("", "\r\n.\r\n");
    }

    proptest! {
        #[test]
        fn only_the_end_of_the_message_ends_it(text in "[a.\r\n]{0,60}") {
            let wire = transparent(text.as_bytes());
            prop_assert_eq!(format!("\r\n{wire}").find("\r\n.\r\n"), Some(wire.len() - 3));
            prop_assert_eq!(wire.replace("\r\n", "").find(['\r', '\n']), None);
        }
    }
}
