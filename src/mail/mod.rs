//! Turns letters into mail, hands mail to the mail system, reads what comes back. Never decides who is told what, never
//! reads the clock.

pub mod calendar_entry;
pub mod directory;
pub mod maildir;
pub mod message;
pub mod relay;
pub mod return_token;
pub mod returned;
pub mod smtp;
pub mod templates;
pub mod transport;

mod context;
mod conversation;
mod mime_parts;
mod numerals;
mod overrides;
mod report_context;
mod silence_context;
mod summary_context;
mod typography;
mod vocabulary;

pub mod samples;

pub use calendar_entry::calendar_entry;
pub use directory::DirectoryTransport;
pub use message::{Attachment, BuildError, Draft, build, sha256_hex};
pub use relay::{Relay, RelayError, Tls};
pub use returned::{RETURNED_BYTES_MAX, Unreadable, read_returned};
pub use smtp::SmtpTransport;
pub use templates::{RenderError, Rendered, TemplateComplaint, Templates};
pub use transport::{OutgoingMail, Transport};
