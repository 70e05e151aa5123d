//! Reaches a relay: its settings, the connection, encryption and login, one bounded step at a time. Never sends a mail.

use std::fs;
use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Ehlo, Quit};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use thiserror::Error;
use tokio::net::TcpStream;

use super::transport::reply_text;

const PIPELINING: &str = "PIPELINING"; // RFC 2920
const QUIT_SECONDS_MAX: u64 = 2; // a courtesy: nobody waits long for its answer

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

/// A relay whose settings can be used.
pub(super) struct CheckedRelay {
    relay: Relay,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
}

/// A connection on which mails can be sent.
pub(super) struct Link {
    pub(super) connection: AsyncSmtpConnection,
    /// Whether the relay takes several commands in one piece.
    pub(super) pipelines: bool,
}

/// What went wrong in one step.
pub(super) struct Failure {
    /// The relay's reply code, if it gave one that can be understood.
    pub(super) code: Option<u16>,
    pub(super) text: String,
}

impl CheckedRelay {
    /// Checks the settings and loads certificates.
    pub(super) fn new(relay: Relay) -> Result<Self, RelayError> {
        for (field, value) in [("host", Some(&relay.host)), ("hello_name", relay.hello_name.as_ref())] {
            if let Some(value) =
                value.filter(|value| value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_graphic()))
            {
                return Err(RelayError::NotVisible { field, value: value.clone() });
            }
        }
        let tls = if relay.tls == Tls::None { None } else { Some(tls_parameters(&relay)?) };
        let credentials = relay.credentials.clone().map(|(user, password)| Credentials::new(user, password));
        Ok(Self { relay, tls, credentials })
    }

    /// Connects, encrypts and logs in, each step within the time-out.
    pub(super) async fn connect(&self) -> Result<Box<Link>, Failure> {
        let Relay { host, port, tls, .. } = &self.relay;
        let (mut connection, hello) = match (tls, &self.tls) {
            (Tls::Implicit, Some(parameters)) => {
                let hello = self.hello(None);
                let connect = AsyncSmtpConnection::connect_tokio1(
                    (host.as_str(), *port),
                    None,
                    &hello,
                    Some(parameters.clone()),
                    None,
                );
                (self.step("connect with TLS", connect).await?, hello)
            }
            _ => {
                let what = format!("connect to {host}:{port}");
                let stream = self.bounded(&what, TcpStream::connect((host.as_str(), *port))).await?;
                let stream =
                    stream.map_err(|error| Failure { code: None, text: reply_text(&format!("{what}: {error}")) })?;
                // without this every mail waits some 40 ms for a delayed acknowledgement; a socket that refuses still works
                let _ = stream.set_nodelay(true);
                let hello = self.hello(stream.local_addr().ok().map(|address| address.ip()));
                let mut connection = self
                    .step("greeting", AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello))
                    .await?;
                if let (Tls::StartTls, Some(parameters)) = (tls, &self.tls) {
                    if !connection.can_starttls() {
                        let text = format!(
                            "{host}:{port} does not offer STARTTLS; no mail is sent unencrypted unless tls is set to none"
                        );
                        self.take_leave(connection).await;
                        return Err(Failure { code: None, text: reply_text(&text) });
                    }
                    self.step("STARTTLS", connection.starttls(parameters.clone(), &hello)).await?;
                }
                (connection, hello)
            }
        };
        if let Some(credentials) = &self.credentials {
            let login = self.step("AUTH", connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials)).await;
            if let Err(failure) = login {
                self.take_leave(connection).await;
                return Err(without_words_of_login(failure));
            }
        }
        // asked once more, because the library does not tell of this extension
        let pipelines = match self.step("EHLO", connection.command(Ehlo::new(hello))).await {
            Ok(offer) => offer.message().any(|line| line.eq_ignore_ascii_case(PIPELINING)),
            Err(Failure { code: Some(_), .. }) => false,
            Err(failure) => return Err(failure),
        };
        Ok(Box::new(Link { connection, pipelines }))
    }

    /// A command that must be answered with 2xx.
    pub(super) async fn command<C: std::fmt::Display>(
        &self,
        connection: &mut AsyncSmtpConnection,
        command: C,
        name: &str,
    ) -> Result<Response, Failure> {
        self.completed(self.step(name, connection.command(command)).await?, name)
    }

    /// The answer to a command that was sent before, which must be 2xx.
    pub(super) async fn answer(&self, connection: &mut AsyncSmtpConnection, name: &str) -> Result<Response, Failure> {
        self.completed(self.step(name, connection.read_response()).await?, name)
    }

    fn completed(&self, response: Response, name: &str) -> Result<Response, Failure> {
        if (200..300).contains(&u16::from(response.code())) {
            return Ok(response);
        }
        Err(Failure { code: None, text: reply_text(&format!("{name}: expected 250, got {}", words(&response))) })
    }

    /// One exchange with the relay, within the time-out.
    pub(super) async fn step<T>(
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
            text: reply_text(&format!(
                "{name}: no answer from {}:{} within {timeout:?}",
                self.relay.host, self.relay.port
            )),
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

    /// Says goodbye and drops the connection.
    pub(super) async fn take_leave(&self, mut connection: AsyncSmtpConnection) {
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
            None => {
                // the outer errors only say 'connection error', some of them twice
                let mut cause: &dyn std::error::Error = error;
                while let Some(inner) = cause.source() {
                    cause = inner;
                }
                Self { code: None, text: reply_text(&format!("{step}: {cause}")) }
            }
        }
    }
}

/// A reply's code and words.
pub(super) fn words(response: &Response) -> String {
    let said: Vec<&str> = response.message().collect();
    reply_text(&format!("{} {}", response.code(), said.join(" ")))
}

/// Some relays echo the command that they refuse, and with it the password: only the codes are kept.
fn without_words_of_login(failure: Failure) -> Failure {
    let Some(code) = failure.code else { return failure };
    let enhanced =
        failure.text.split(' ').nth(2).filter(|word| word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
    let text = format!(
        "AUTH: {code}{} the relay refuses the login",
        enhanced.map(|word| format!(" {word}")).unwrap_or_default()
    );
    Failure { code: failure.code, text }
}

fn tls_parameters(relay: &Relay) -> Result<TlsParameters, RelayError> {
    let mut builder = TlsParameters::builder(relay.host.clone());
    if let Some(path) = &relay.ca_file {
        let refused = |why: String| RelayError::CaFile { path: path.clone(), why };
        let pem = fs::read(path).map_err(|error| refused(error.to_string()))?;
        if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
            return Err(refused("it holds no certificate".into()));
        }
        builder =
            builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|error| refused(error.to_string()))?);
    }
    builder.build_rustls().map_err(|error| RelayError::Tls { host: relay.host.clone(), why: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
