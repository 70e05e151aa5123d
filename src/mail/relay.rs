//! Reaches a relay: its settings, the connection, encryption and login, one bounded step at a time. Never sends a mail.

use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::commands::{Auth, Ehlo, Quit, Starttls};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Category, Code, Detail, Response, Severity};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::net::{TcpStream, lookup_host};

use super::conversation::{Conversation, Interruption, SmtpReply};
use super::transport::reply_text;

const PIPELINING: &str = "PIPELINING"; // RFC 2920
const STARTTLS: &str = "STARTTLS"; // RFC 3207
const CHALLENGE: u16 = 334; // RFC 4954, 4
const CHALLENGES_MAX: usize = 2; // LOGIN asks for the user and for the password
const CONNECT_MAX: Duration = Duration::from_secs(120); // up to nine steps, each of which may take as long as one of a mail
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
    /// The most that any single step may take: name and connection, greeting, each command.
    pub timeout: Duration,
    /// The most that the answer to a message may take, which a relay gives only when it has scanned and stored it.
    pub message_timeout: Duration,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port, tls, credentials, ca_file, hello_name, timeout, message_timeout } = self;
        let user = credentials.as_ref().map(|(user, _)| user); // a password has no place in a log
        f.debug_struct("Relay")
            .field("host", host)
            .field("port", port)
            .field("tls", tls)
            .field("user", &user)
            .field("ca_file", ca_file)
            .field("hello_name", hello_name)
            .field("timeout", timeout)
            .field("message_timeout", message_timeout)
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
    encryption: Option<Encryption>,
    credentials: Option<Credentials>,
}

/// Whose certificate is wanted, and who may have signed it.
struct Encryption {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// A connection on which mails can be sent.
pub(super) struct Link {
    pub(super) conversation: Conversation,
    /// Whether the relay takes several commands in one piece.
    pub(super) pipelines: bool,
}

/// What went wrong in one step.
pub(super) struct Failure {
    /// The relay's reply code, if it gave one that refuses.
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
        let encryption = if relay.tls == Tls::None { None } else { Some(Encryption::new(&relay)?) };
        let credentials = relay.credentials.clone().map(|(user, password)| Credentials::new(user, password));
        Ok(Self { relay, encryption, credentials })
    }

    /// Connects, encrypts and logs in, each step within the time-out and all within two minutes.
    pub(super) async fn connect(&self) -> Result<Box<Link>, Failure> {
        let connected = tokio::time::timeout(CONNECT_MAX, self.connect_in_steps()).await;
        connected.unwrap_or_else(|_| {
            let Relay { host, port, .. } = &self.relay;
            Err(Failure::without_code(&format!("connect to {host}:{port}"), format!("not done within {CONNECT_MAX:?}")))
        })
    }

    async fn connect_in_steps(&self) -> Result<Box<Link>, Failure> {
        let Relay { host, port, tls, .. } = &self.relay;
        let stream = self.reach().await?;
        // without this every mail waits some 40 ms for a delayed acknowledgement; a socket that refuses still works
        let _ = stream.set_nodelay(true);
        let hello = Ehlo::new(self.hello_name(stream.local_addr().ok().map(|address| address.ip()))).to_string();
        let mut conversation = Conversation::over(stream);
        if let (Tls::Implicit, Some(encryption)) = (tls, &self.encryption) {
            conversation = self.encrypt("connect with TLS", conversation, encryption).await?;
        }
        self.completed("greeting", conversation.listen()).await?;
        let mut offer = self.completed("EHLO", conversation.say(&hello)).await?;
        if let (Tls::StartTls, Some(encryption)) = (tls, &self.encryption) {
            if !offers(&offer, STARTTLS) {
                self.take_leave(conversation).await;
                let why = "does not offer STARTTLS; no mail is sent unencrypted unless tls is set to none";
                return Err(Failure { code: None, text: reply_text(&format!("{host}:{port} {why}")) });
            }
            self.completed(STARTTLS, conversation.say(&Starttls.to_string())).await?;
            conversation = self.encrypt(STARTTLS, conversation, encryption).await?;
            offer = self.completed("EHLO", conversation.say(&hello)).await?; // what was offered before may be another's words
        }
        if let Some(credentials) = &self.credentials
            && let Err(failure) = self.log_in(&mut conversation, &offer, credentials).await
        {
            self.take_leave(conversation).await;
            return Err(failure);
        }
        Ok(Box::new(Link { conversation, pipelines: offers(&offer, PIPELINING) }))
    }

    /// A connection to the first of the host's addresses that takes one (RFC 5321, 5.1). One that swallows packets costs a time-out.
    async fn reach(&self) -> Result<TcpStream, Failure> {
        let Relay { host, port, .. } = &self.relay;
        let what = format!("connect to {host}:{port}");
        let failed = |cause| Failure::without_code(&what, cause);
        let addresses = self.bounded(&what, lookup_host((host.as_str(), *port))).await?.map_err(failed)?;
        let mut failure = Failure::without_code(&what, "the name has no address");
        for address in addresses {
            match self.bounded(&what, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(cause)) => failure = failed(cause),
                Err(late) => failure = late,
            }
        }
        Err(failure)
    }

    async fn encrypt(
        &self,
        name: &str,
        conversation: Conversation,
        encryption: &Encryption,
    ) -> Result<Conversation, Failure> {
        let Encryption { config, name: of } = encryption;
        let encrypted = conversation.encrypted(Arc::clone(config), of.clone());
        self.bounded(name, encrypted).await?.map_err(|cause| Failure::without_code(name, cause))
    }

    /// Some relays echo the command that they refuse, and with it the password: of what they say only codes are kept.
    async fn log_in(
        &self,
        conversation: &mut Conversation,
        offer: &SmtpReply,
        credentials: &Credentials,
    ) -> Result<(), Failure> {
        const STEP: &str = "AUTH";
        let Some(mechanism) = login_mechanism(offer) else {
            return Err(Failure::without_code(STEP, "the relay offers neither PLAIN nor LOGIN"));
        };
        let unfit = |_| Failure::without_code(STEP, "the relay asks for something else than user and password");
        let mut command = Auth::new(mechanism, credentials.clone(), None).map_err(unfit)?;
        for _ in 0..=CHALLENGES_MAX {
            let reply = match self.bounded(STEP, conversation.say(&command.to_string())).await? {
                Ok(reply) => reply,
                Err(Interruption::Unclear(_)) => return Err(Failure::without_code(STEP, "no reply of a mail system")),
                Err(cause) => return Err(Failure::without_code(STEP, cause)),
            };
            match reply.code {
                200..=299 => return Ok(()),
                CHALLENGE => command = next_login(mechanism, credentials, &reply).map_err(unfit)?,
                code => {
                    let enhanced = reply.enhanced().map(|enhanced| format!(" {enhanced}")).unwrap_or_default();
                    let text = format!("{STEP}: {code}{enhanced} the relay refuses the login");
                    return Err(Failure { code: Some(code), text });
                }
            }
        }
        Err(Failure::without_code(STEP, "the relay asks again and again"))
    }

    /// A command, or the answer to one that was said before, which must be 2xx.
    pub(super) async fn completed(
        &self,
        name: &str,
        exchange: impl Future<Output = Result<SmtpReply, Interruption>>,
    ) -> Result<SmtpReply, Failure> {
        let reply = self.step(name, exchange).await?;
        if (200..300).contains(&reply.code) {
            return Ok(reply);
        }
        Err(Failure::without_code(name, format!("expected 250, got {reply}")))
    }

    /// One exchange with the relay, within the time-out. A reply that refuses is a failure with its code.
    pub(super) async fn step(
        &self,
        name: &str,
        exchange: impl Future<Output = Result<SmtpReply, Interruption>>,
    ) -> Result<SmtpReply, Failure> {
        not_refused(name, self.bounded(name, exchange).await?)
    }

    /// The exchange that hands a message over, within its own time-out.
    pub(super) async fn message_step(
        &self,
        exchange: impl Future<Output = Result<SmtpReply, Interruption>>,
    ) -> Result<SmtpReply, Failure> {
        const STEP: &str = "message";
        not_refused(STEP, self.within(self.relay.message_timeout, STEP, exchange).await?)
    }

    async fn bounded<T>(&self, name: &str, work: impl Future<Output = T>) -> Result<T, Failure> {
        self.within(self.relay.timeout, name, work).await
    }

    async fn within<T>(&self, limit: Duration, name: &str, work: impl Future<Output = T>) -> Result<T, Failure> {
        let Relay { host, port, .. } = &self.relay;
        let waited = tokio::time::timeout(limit, work).await;
        waited.map_err(|_| Failure::without_code(name, format!("no answer from {host}:{port} within {limit:?}")))
    }

    fn hello_name(&self, own_address: Option<IpAddr>) -> ClientId {
        match (&self.relay.hello_name, own_address) {
            (Some(name), _) => ClientId::Domain(name.clone()),
            (None, Some(IpAddr::V4(address))) => ClientId::Ipv4(address),
            (None, Some(IpAddr::V6(address))) => ClientId::Ipv6(address),
            (None, None) => ClientId::default(),
        }
    }

    /// Says goodbye and drops the connection.
    pub(super) async fn take_leave(&self, mut conversation: Conversation) {
        let patience = self.relay.timeout.min(Duration::from_secs(QUIT_SECONDS_MAX));
        // whatever is answered, the connection is dropped
        let _ = tokio::time::timeout(patience, conversation.say(&Quit.to_string())).await;
    }
}

impl Encryption {
    /// The system's certificates, and those of the settings.
    fn new(relay: &Relay) -> Result<Self, RelayError> {
        let failed = |why: String| RelayError::Tls { host: relay.host.clone(), why };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() && relay.ca_file.is_none() {
            return Err(failed("the system has no root certificates".into()));
        }
        if let Some(path) = &relay.ca_file {
            let refused = |why: String| RelayError::CaFile { path: path.clone(), why };
            let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let found = found.map_err(|error| refused(error.to_string()))?;
            if found.is_empty() {
                return Err(refused("it holds no certificate".into()));
            }
            for certificate in found {
                roots.add(certificate).map_err(|error| refused(error.to_string()))?;
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(relay.host.clone()).map_err(|error| failed(error.to_string()))?;
        Ok(Self { config: Arc::new(config), name })
    }
}

impl Failure {
    fn without_code(step: &str, cause: impl std::fmt::Display) -> Self {
        Self { code: None, text: reply_text(&format!("{step}: {cause}")) }
    }
}

/// A reply that does not refuse; one that does is a failure with its code.
fn not_refused(name: &str, reply: Result<SmtpReply, Interruption>) -> Result<SmtpReply, Failure> {
    let reply = reply.map_err(|cause| Failure::without_code(name, cause))?;
    if reply.is_positive() {
        return Ok(reply);
    }
    Err(Failure { code: Some(reply.code), text: reply_text(&format!("{name}: {reply}")) })
}

/// Whether a reply to EHLO names an extension.
fn offers(offer: &SmtpReply, extension: &str) -> bool {
    extensions(offer).any(|mut words| words.next().is_some_and(|word| word.eq_ignore_ascii_case(extension)))
}

/// The way to log in that the relay offers and fristd knows.
fn login_mechanism(offer: &SmtpReply) -> Option<Mechanism> {
    let of_login = |words: &mut std::str::SplitAsciiWhitespace<'_>| {
        words.next().is_some_and(|word| word.eq_ignore_ascii_case("AUTH"))
    };
    let offered: Vec<&str> =
        extensions(offer).filter_map(|mut words| of_login(&mut words).then_some(words)).flatten().collect();
    let is_offered = |name: &str| offered.iter().any(|word| word.eq_ignore_ascii_case(name));
    [(Mechanism::Plain, "PLAIN"), (Mechanism::Login, "LOGIN")]
        .into_iter()
        .find_map(|(mechanism, name)| is_offered(name).then_some(mechanism))
}

/// The lines after the first, which is a greeting, in words (RFC 5321, 4.1.1.1).
fn extensions(offer: &SmtpReply) -> impl Iterator<Item = std::str::SplitAsciiWhitespace<'_>> {
    offer.lines.iter().skip(1).map(|line| line.split_ascii_whitespace())
}

/// What the relay asks for in a login of several steps.
fn next_login(
    mechanism: Mechanism,
    credentials: &Credentials,
    asked: &SmtpReply,
) -> Result<Auth, lettre::transport::smtp::Error> {
    let code = Code::new(Severity::PositiveIntermediate, Category::Unspecified3, Detail::Four);
    Auth::new_from_response(mechanism, credentials.clone(), &Response::new(code, asked.lines.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            message_timeout: Duration::from_secs(1),
        };
        assert!(!format!("{relay:?}").contains("geheim"));
    }
}
