//! Hands mails to a relay over SMTP. Never retries, never blames a mailbox for what the relay or the network did.

use std::fs;
use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use thiserror::Error;
use tokio::net::TcpStream;

use super::transport::{OutgoingMail, Transport, reply_text};
use crate::domain::Mailbox;
use crate::domain::delivery::Reply;

const QUIT_SECONDS_MAX: u64 = 2; // a courtesy: nobody waits long for its answer
const CLOSING: u16 = 421; // the relay ends the connection; says nothing about the mail (RFC 5321, 4.2.1)
const START_MAIL_INPUT: u16 = 354;

/// A relay, as settings name it.
#[derive(Clone)]
pub struct Relay {
    /// A host name in ASCII, or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How the connection is encrypted (M5).
    pub tls: Tls,
    /// User and password; no login if none.
    pub credentials: Option<(String, String)>,
    /// A PEM file of further certificates to trust, beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// How to introduce oneself; the connection's own address if none.
    pub hello_name: Option<String>,
    /// The most that any single step may take: name and connection, greeting, each command, the message's answer.
    pub timeout: Duration,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port, tls, credentials, ca_file, hello_name, timeout } = self;
        let user = credentials.as_ref().map(|(user, _)| user); // a password has no place in a log
        f.debug_struct("Relay")
            .field("host", host)
            .field("port", port)
            .field("tls", tls)
            .field("user", &user)
            .field("ca_file", ca_file)
            .field("hello_name", hello_name)
            .field("timeout", timeout)
            .finish()
    }
}

/// How a connection is encrypted. Certificates are always checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tls {
    /// By STARTTLS; a relay that does not offer it gets no mail.
    StartTls,
    /// From the first byte.
    Implicit,
    /// Not at all.
    None,
}

/// Why a relay's settings cannot be used.
#[derive(Error, Debug)]
pub enum RelayError {
    /// The file of certificates.
    #[error("{path}: cannot be read as certificates: {why}; accepted: a PEM file with at least one certificate")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The rest of the encryption.
    #[error("TLS to {host}: {why}; accepted: a host name or address, and a system with root certificates or a ca_file")]
    Tls {
        /// The relay's host.
        host: String,
        /// What is wrong.
        why: String,
    },
    /// A value would end its command.
    #[error("{field}: {value:?} cannot stand in an SMTP command; accepted: visible ASCII without spaces")]
    NotVisible {
        /// The setting.
        field: &'static str,
        /// Its value.
        value: String,
    },
}

/// One connection's worth of mails to a relay, one after the other.
pub struct SmtpTransport {
    relay: Arc<CheckedRelay>,
    line: Line,
}

struct CheckedRelay {
    relay: Relay,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
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

/// What went wrong in one step.
struct Failure {
    /// The relay's reply code, if it gave one that can be understood.
    code: Option<u16>,
    text: String,
}

impl SmtpTransport {
    /// Checks the settings and loads certificates; connects with the first mail.
    ///
    /// # Errors
    /// If certificates cannot be loaded or a name cannot stand in a command.
    pub fn new(relay: Relay) -> Result<Self, RelayError> {
        for (field, value) in [("host", Some(&relay.host)), ("hello_name", relay.hello_name.as_ref())] {
            if let Some(value) = value.filter(|value| value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_graphic())) {
                return Err(RelayError::NotVisible { field, value: value.clone() });
            }
        }
        let tls = if relay.tls == Tls::None { None } else { Some(tls_parameters(&relay)?) };
        let credentials = relay.credentials.clone().map(|(user, password)| Credentials::new(user, password));
        Ok(Self { relay: Arc::new(CheckedRelay { relay, tls, credentials }), line: Line::Closed })
    }

    /// Another connection to the same relay, for another worker; shares the loaded certificates.
    pub fn sibling(&self) -> Self {
        Self { relay: Arc::clone(&self.relay), line: Line::Closed }
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
            Line::Refused(mut connection) => self.relay.command(&mut connection, Rset, "RSET").await.ok().map(|_| connection),
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
        let sender = address(&mail.envelope_from).map_err(|why| no_relay(format!("MAIL: sender {}: {why}", mail.envelope_from)))?;
        let recipient = address(&mail.mailbox)
            .map_err(|why| Reply::RefusedForGood { text: reply_text(&format!("RCPT: recipient {}: {why}", mail.mailbox)) })?;

        let mut connection = self.open_with_sender(&sender).await.map_err(|failure| Reply::NoRelay { text: failure.text })?;
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
            Ok(response) => Reply::Broken { text: reply_text(&format!("message: expected 250, got {}", words(&response))) },
            Err(Failure { code: Some(code), text }) => {
                if code != CLOSING {
                    self.line = Line::Idle(connection); // the end of a message resets the relay (RFC 5321, 4.1.1.4)
                }
                if code < 500 { Reply::RefusedForNow { text } } else { Reply::RefusedForGood { text } }
            }
            Err(Failure { code: None, text }) => Reply::Broken { text },
        }
    }

    async fn close(&mut self) {
        if let Line::Idle(connection) | Line::Refused(connection) = self.take_line() {
            self.relay.take_leave(connection).await;
        }
    }
}

impl CheckedRelay {
    /// Connects, encrypts and logs in, each step within the time-out.
    async fn connect(&self) -> Result<Box<AsyncSmtpConnection>, Failure> {
        let Relay { host, port, tls, .. } = &self.relay;
        let mut connection = match (tls, &self.tls) {
            (Tls::Implicit, Some(parameters)) => {
                let hello = self.hello(None);
                let connect = AsyncSmtpConnection::connect_tokio1((host.as_str(), *port), None, &hello, Some(parameters.clone()), None);
                self.step("connect with TLS", connect).await?
            }
            _ => {
                let what = format!("connect to {host}:{port}");
                let stream = self.bounded(&what, TcpStream::connect((host.as_str(), *port))).await?;
                let stream = stream.map_err(|error| Failure { code: None, text: reply_text(&format!("{what}: {error}")) })?;
                // without this every mail waits some 40 ms for a delayed acknowledgement; a socket that refuses still works
                let _ = stream.set_nodelay(true);
                let hello = self.hello(stream.local_addr().ok().map(|address| address.ip()));
                let mut connection = self
                    .step("greeting", AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello))
                    .await?;
                if let (Tls::StartTls, Some(parameters)) = (tls, &self.tls) {
                    if !connection.can_starttls() {
                        let text = format!("{host}:{port} does not offer STARTTLS; no mail is sent unencrypted unless tls is set to none");
                        self.take_leave(Box::new(connection)).await;
                        return Err(Failure { code: None, text: reply_text(&text) });
                    }
                    self.step("STARTTLS", connection.starttls(parameters.clone(), &hello)).await?;
                }
                connection
            }
        };
        if let Some(credentials) = &self.credentials {
            let login = self.step("AUTH", connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials)).await;
            if let Err(failure) = login {
                self.take_leave(Box::new(connection)).await;
                return Err(without_words_of_login(failure));
            }
        }
        Ok(Box::new(connection))
    }

    /// A command that must be answered with 2xx.
    async fn command<C: std::fmt::Display>(
        &self,
        connection: &mut AsyncSmtpConnection,
        command: C,
        name: &str,
    ) -> Result<Response, Failure> {
        let response = self.step(name, connection.command(command)).await?;
        if (200..300).contains(&u16::from(response.code())) {
            return Ok(response);
        }
        Err(Failure { code: None, text: reply_text(&format!("{name}: expected 250, got {}", words(&response))) })
    }

    async fn step<T>(
        &self,
        name: &str,
        work: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
    ) -> Result<T, Failure> {
        self.bounded(name, work).await?.map_err(|error| Failure::of(name, &error))
    }

    /// Lettre's own time-out does not bound reads.
    async fn bounded<T>(&self, name: &str, work: impl Future<Output = T>) -> Result<T, Failure> {
        let timeout = self.relay.timeout;
        tokio::time::timeout(timeout, work).await.map_err(|_| Failure {
            code: None,
            text: reply_text(&format!("{name}: no answer from {}:{} within {timeout:?}", self.relay.host, self.relay.port)),
        })
    }

    fn hello(&self, own_address: Option<IpAddr>) -> ClientId {
        match (&self.relay.hello_name, own_address) {
            (Some(name), _) => ClientId::Domain(name.clone()),
            (None, Some(IpAddr::V4(address))) => ClientId::Ipv4(address),
            (None, Some(IpAddr::V6(address))) => ClientId::Ipv6(address),
            (None, None) => ClientId::default(),
        }
    }

    async fn take_leave(&self, mut connection: Box<AsyncSmtpConnection>) {
        let patience = self.relay.timeout.min(Duration::from_secs(QUIT_SECONDS_MAX));
        // whatever is answered, the connection is dropped
        let _ = tokio::time::timeout(patience, connection.command(Quit)).await;
    }
}

impl Failure {
    fn of(step: &str, error: &lettre::transport::smtp::Error) -> Self {
        match error.status() {
            Some(code) => {
                let said = std::error::Error::source(error).map(|source| format!(" {source}")).unwrap_or_default();
                Self { code: Some(code.into()), text: reply_text(&format!("{step}: {code}{said}")) }
            }
            None => Self { code: None, text: reply_text(&format!("{step}: {error}")) },
        }
    }
}

fn words(response: &Response) -> String {
    let said: Vec<&str> = response.message().collect();
    reply_text(&format!("{} {}", response.code(), said.join(" ")))
}

/// Some relays echo the command that they refuse, and with it the password: only the codes are kept.
fn without_words_of_login(failure: Failure) -> Failure {
    let Some(code) = failure.code else { return failure };
    let enhanced = failure.text.split(' ').nth(2).filter(|word| word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
    let text = format!("AUTH: {code}{} the relay refuses the login", enhanced.map(|word| format!(" {word}")).unwrap_or_default());
    Failure { code: failure.code, text }
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

fn tls_parameters(relay: &Relay) -> Result<TlsParameters, RelayError> {
    let mut builder = TlsParameters::builder(relay.host.clone());
    if let Some(path) = &relay.ca_file {
        let refused = |why: String| RelayError::CaFile { path: path.clone(), why };
        let pem = fs::read(path).map_err(|error| refused(error.to_string()))?;
        if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
            return Err(refused("it holds no certificate".into()));
        }
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|error| refused(error.to_string()))?);
    }
    builder.build_rustls().map_err(|error| RelayError::Tls { host: relay.host.clone(), why: error.to_string() })
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

    #[test]
    fn a_login_that_is_echoed_is_not_kept() {
        let check = |text: &str, code, want: &str| {
            assert_eq!(without_words_of_login(Failure { code, text: text.into() }).text, want);
        };
        check("AUTH: 535 5.7.8 bad: AUTH PLAIN AHUAcA==", Some(535), "AUTH: 535 5.7.8 the relay refuses the login");
        check("AUTH: 500 AHUAcA== unknown", Some(500), "AUTH: 500 the relay refuses the login");
        check("AUTH: no answer", None, "AUTH: no answer");
    }

    #[test]
    fn a_password_is_not_printed() {
        let relay = Relay {
            host: "mail.example".into(),
            port: 587,
            tls: Tls::StartTls,
            credentials: Some(("user".into(), "geheim".into())),
            ca_file: None,
            hello_name: None,
            timeout: Duration::from_secs(1),
        };
        assert!(!format!("{relay:?}").contains("geheim"));
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
