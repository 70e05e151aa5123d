//! Hands mails to a relay over SMTP. Never retries, never blames a mailbox for what the relay or the network did.

use std::sync::Arc;

use lettre::Address;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};

use super::conversation::SmtpReply;
use super::relay::{CheckedRelay, Failure, Link, Relay, RelayError};
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
    Idle(Box<Link>),
    /// A mail was refused; the relay must forget its sender first.
    Refused(Box<Link>),
    /// The relay waits for the mail of this Message-ID.
    Waiting(Box<Link>, String),
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

    async fn kept_connection(&mut self) -> Option<Box<Link>> {
        match self.take_line() {
            Line::Idle(link) => Some(link),
            Line::Refused(mut link) => {
                let forgotten = self.relay.completed("RSET", link.conversation.say(&Rset.to_string())).await;
                forgotten.ok().map(|_| link)
            }
            Line::Closed | Line::Waiting(..) => None,
        }
    }

    /// What a refused RCPT or DATA means, and whether the connection is kept.
    fn refused(&mut self, link: Box<Link>, refusal: Refusal) -> Reply {
        let Refusal { failure, is_in_step, .. } = refusal;
        let reply = match failure.code {
            Some(CLOSING) | None => return Reply::NoRelay { text: failure.text },
            Some(400..=499) => Reply::RefusedForNow { text: failure.text },
            Some(500..=599) => Reply::RefusedForGood { text: failure.text },
            Some(_) => return Reply::NoRelay { text: failure.text },
        };
        if is_in_step {
            self.line = Line::Refused(link);
        }
        reply
    }
}

/// Which of the commands before a mail was refused, and how.
struct Refusal {
    is_of_sender: bool,
    failure: Failure,
    /// Whether the relay waits for the next command, and not for a mail.
    is_in_step: bool,
}

impl Refusal {
    fn of(failure: Failure) -> Self {
        Self { is_of_sender: false, failure, is_in_step: true }
    }

    fn of_sender(failure: Failure) -> Self {
        Self { is_of_sender: true, failure, is_in_step: false }
    }
}

/// MAIL, RCPT and DATA, in one piece if the relay takes them so (RFC 2920), else each after the answer to the one before.
/// Afterwards the relay waits for the mail.
async fn begin_mail(relay: &CheckedRelay, link: &mut Link, mail: Mail, rcpt: Rcpt) -> Result<(), Refusal> {
    let conversation = &mut link.conversation;
    if !link.pipelines {
        relay.completed("MAIL", conversation.say(&mail.to_string())).await.map_err(Refusal::of_sender)?;
        relay.completed("RCPT", conversation.say(&rcpt.to_string())).await.map_err(Refusal::of)?;
        let answer = relay.step("DATA", conversation.say(&Data.to_string())).await;
        return expect_start(answer).map_err(Refusal::of);
    }
    let all = format!("{mail}{rcpt}{Data}");
    relay.completed("MAIL", conversation.say(&all)).await.map_err(Refusal::of_sender)?;
    let of_recipient = relay.completed("RCPT", conversation.listen()).await;
    if let Err(Failure { code: Some(CLOSING) | None, .. }) = of_recipient {
        return of_recipient.map(|_| ()).map_err(Refusal::of);
    }
    let of_data = expect_start(relay.step("DATA", conversation.listen()).await);
    match (of_recipient, of_data) {
        (Ok(_), of_data) => of_data.map_err(Refusal::of),
        // a relay that wants the mail all the same must not get it: the connection is given up
        (Err(failure), of_data) => {
            let is_in_step = matches!(of_data, Err(Failure { code: Some(_), .. }));
            Err(Refusal { is_of_sender: false, failure, is_in_step })
        }
    }
}

/// That a relay waits for the mail.
fn expect_start(answer: Result<SmtpReply, Failure>) -> Result<(), Failure> {
    let reply = answer?;
    if reply.code == START_MAIL_INPUT {
        return Ok(());
    }
    Err(Failure { code: None, text: reply_text(&format!("DATA: expected 354, got {reply}")) })
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

        let (relay, mut kept) = (Arc::clone(&self.relay), self.kept_connection().await);
        loop {
            let is_fresh = kept.is_none();
            let mut link = match kept.take() {
                Some(link) => link,
                None => relay.connect().await.map_err(|failure| Reply::NoRelay { text: failure.text })?,
            };
            let (mail_from, rcpt) = (Mail::new(Some(sender.clone()), vec![]), Rcpt::new(recipient.clone(), vec![]));
            match begin_mail(&relay, &mut link, mail_from, rcpt).await {
                Ok(()) => {
                    self.line = Line::Waiting(link, mail.message_id.clone());
                    return Ok(());
                }
                // the relay may have ended a connection that was idle: that is worth one new one
                Err(Refusal { is_of_sender: true, failure: Failure { code: None | Some(CLOSING), .. }, .. })
                    if !is_fresh => {}
                Err(Refusal { is_of_sender: true, failure, .. }) => {
                    relay.take_leave(link.conversation).await;
                    return Err(Reply::NoRelay { text: failure.text });
                }
                Err(refusal) => return Err(self.refused(link, refusal)),
            }
        }
    }

    async fn complete(&mut self, mail: &OutgoingMail) -> Reply {
        let mut link = match self.take_line() {
            Line::Waiting(link, message_id) if message_id == mail.message_id => link,
            _ => return Reply::NoRelay { text: reply_text(&format!("mail {} was not prepared", mail.message_id)) },
        };
        // message and end in one write: two would wait for each other's acknowledgement where Nagle's algorithm is on
        let relay = Arc::clone(&self.relay);
        match relay.message_step(link.conversation.say(&transparent(&mail.bytes))).await {
            Ok(reply) if (200..300).contains(&reply.code) => {
                self.line = Line::Idle(link);
                Reply::Accepted { text: reply_text(&reply.to_string()) }
            }
            Ok(reply) => Reply::Broken { text: reply_text(&format!("message: expected 250, got {reply}")) },
            Err(Failure { code: Some(code), text }) => {
                if code != CLOSING {
                    self.line = Line::Idle(link); // the end of a message resets the relay (RFC 5321, 4.1.1.4)
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
        if let Line::Idle(link) | Line::Refused(link) = self.take_line() {
            self.relay.take_leave(link.conversation).await;
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
    let mut rest = text.strip_suffix('\n').map_or(&*text, |text| text.strip_suffix('\r').unwrap_or(text));
    // a lone CR or LF would let a crafted text end the message early at some relays ("SMTP smuggling")
    loop {
        let (line, after) = match rest.find(['\r', '\n']) {
            Some(end) => (&rest[..end], Some(rest[end..].strip_prefix("\r\n").unwrap_or(&rest[end + 1..]))),
            None => (rest, None),
        };
        if line.starts_with('.') {
            wire.push('.');
        }
        wire.push_str(line);
        wire.push_str("\r\n");
        match after {
            Some(after) => rest = after,
            None => break,
        }
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
