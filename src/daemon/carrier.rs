//! The transport that settings choose. Never knows what a mail says.

use std::time::Duration;

use crate::domain::delivery::Reply;
use crate::mail::{self, DirectoryTransport, OutgoingMail, Relay, RelayError, SmtpTransport, Transport};
use crate::settings::{self, Service};

/// A folder or a relay.
pub enum Carrier {
    /// Writes `.eml` files.
    Directory(DirectoryTransport),
    /// Speaks SMTP.
    Smtp(Box<SmtpTransport>),
}

impl Carrier {
    /// The transport of the settings; it connects with the first mail.
    ///
    /// # Errors
    /// If the relay's certificates or names cannot be used.
    pub fn new(service: &Service) -> Result<Self, RelayError> {
        match &service.transport {
            settings::Transport::Directory { folder } => Ok(Self::Directory(DirectoryTransport::new(folder.clone()))),
            settings::Transport::Smtp(smtp) => {
                let password = smtp.password.as_ref().map(|password| password.expose().to_owned());
                let relay = Relay {
                    host: smtp.host.clone(),
                    port: smtp.port,
                    tls: match smtp.tls {
                        settings::Tls::StartTls => mail::Tls::StartTls,
                        settings::Tls::Implicit => mail::Tls::Implicit,
                        settings::Tls::None => mail::Tls::None,
                    },
                    credentials: smtp.username.clone().zip(password),
                    ca_file: smtp.ca_file.clone(),
                    hello_name: smtp.hello_name.clone(),
                    timeout: Duration::from_secs(u64::from(smtp.timeout_seconds)),
                    message_timeout: Duration::from_secs(u64::from(smtp.message_timeout_seconds)),
                };
                Ok(Self::Smtp(Box::new(SmtpTransport::new(relay)?)))
            }
        }
    }
}

impl Transport for Carrier {
    async fn prepare(&mut self, mail: &OutgoingMail) -> Result<(), Reply> {
        match self {
            Self::Directory(transport) => transport.prepare(mail).await,
            Self::Smtp(transport) => transport.prepare(mail).await,
        }
    }

    async fn complete(&mut self, mail: &OutgoingMail) -> Reply {
        match self {
            Self::Directory(transport) => transport.complete(mail).await,
            Self::Smtp(transport) => transport.complete(mail).await,
        }
    }

    fn sibling(&self) -> Self {
        match self {
            Self::Directory(transport) => Self::Directory(transport.sibling()),
            Self::Smtp(transport) => Self::Smtp(Box::new(transport.sibling())),
        }
    }

    async fn close(&mut self) {
        match self {
            Self::Directory(transport) => transport.close().await,
            Self::Smtp(transport) => transport.close().await,
        }
    }
}
