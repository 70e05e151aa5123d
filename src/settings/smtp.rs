//! Checks how the mail relay is reached (M5). Never connects to it, never shows a password.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use super::complaint::{Report, Spot};
use super::layers::{Layers, variable_of};
use super::service::{path, word};
use super::source_text::Folder;
use super::values::{self, quoted};

const TIMEOUT_SECONDS_MAX: i64 = 60; // a mail has five steps and two minutes to connect before its message
const MESSAGE_TIMEOUT_SECONDS_MAX: i64 = 300; // and then these: with a round's first two minutes less than its fifteen
const HOST_LENGTH_MAX: usize = 253; // RFC 1035, 2.3.4

/// How the relay is reached.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// A host name or an address.
    pub host: String,
    /// By `tls` if it is not set: 587, 465 or 25.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// With whom to log in; comes with a password.
    pub username: Option<String>,
    /// With what to log in.
    pub password: Option<Secret>,
    /// Certificates (PEM) to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The name that is said at EHLO.
    pub hello_name: Option<String>,
    /// How long one step of the conversation may take, 1 to 60.
    pub timeout_seconds: u32,
    /// How long the answer to a message may take, 1 to 300.
    pub message_timeout_seconds: u32,
}

/// How the connection to the relay is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tls {
    /// Plain at first, then STARTTLS, which is required.
    StartTls,
    /// From the first byte.
    Implicit,
    /// Not at all; on the same machine only.
    None,
}

impl Tls {
    fn default_port(self) -> u16 {
        match self {
            Self::StartTls => 587, // RFC 6409
            Self::Implicit => 465, // RFC 8314
            Self::None => 25,
        }
    }
}

/// A password, which no log and no error shows.
///
/// ```
/// use fristd::settings::Secret;
/// let secret = Secret::new("opensesame");
/// assert_eq!(format!("{secret:?}"), "Secret(…)");
/// assert_eq!(secret.expose(), "opensesame");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a password.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The password, for the one who logs in.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Reads the keys of the relay; `None` after a complaint, or if no host is named and none is needed.
pub(super) fn read(layers: &Layers, folder: &mut Folder, is_used: bool, report: &Report) -> Option<SmtpSettings> {
    let host = layers.text("mail.host");
    if host.is_none() && is_used {
        layers
            .spot("mail.host")
            .complain("is missing; mail over SMTP needs a relay: write for example host = \"relay.example\"");
    }
    let host = host.and_then(|host| host.accept(|text| host_name(text)));
    let words = [("starttls", Tls::StartTls), ("implicit", Tls::Implicit), ("none", Tls::None)];
    let tls = word(layers, "mail.tls", &words);
    if let (Some(host), Some(Tls::None)) = (&host, tls)
        && !is_loopback(host)
    {
        let remedy = "\"none\" is accepted for localhost, 127.0.0.0/8 and ::1 only; write \"starttls\" or \"implicit\"";
        layers.spot("mail.tls").complain(format!("mail to {} would go unprotected; {remedy}", quoted(host)));
    }
    let port = match layers.is_set("mail.port") {
        true => layers.number("mail.port", 1..=i64::from(u16::MAX)).and_then(|port| u16::try_from(port).ok()),
        false => tls.map(Tls::default_port),
    };
    let username = layers.text("mail.username").and_then(|name| name.accept(|text| values::name(text)));
    let password = read_password(layers, folder, report, ("mail.password", "mail.password_file"));
    let is_password_set = layers.is_in_environment("mail.password") || layers.is_set("mail.password_file");
    match (layers.is_set("mail.username"), is_password_set) {
        (true, false) => layers.spot("mail.username").complain(
            "a user name without a password; name a file that holds it in mail.password_file, or set FRISTD__MAIL__PASSWORD",
        ),
        (false, true) => layers.spot("mail.username").complain("is missing, but there is a password; write username = \"…\""),
        _ => {}
    }
    let ca_file = path(layers, folder, "mail.ca_file");
    if let Some(path) = &ca_file {
        // read here only so that a missing file is found before the first mail
        folder.read(path, "name a PEM file in mail.ca_file or leave the key out", report);
    }
    let hello_name = layers.text("mail.hello_name").and_then(|name| name.accept(|text| host_name(text)));
    let timeout_seconds = layers.number("mail.timeout_seconds", 1..=TIMEOUT_SECONDS_MAX);
    let message_timeout_seconds = layers.number("mail.message_timeout_seconds", 1..=MESSAGE_TIMEOUT_SECONDS_MAX);
    Some(SmtpSettings {
        host: host?,
        port: port?,
        tls: tls?,
        username,
        password,
        ca_file,
        hello_name,
        timeout_seconds: timeout_seconds?,
        message_timeout_seconds: message_timeout_seconds?,
    })
}

/// A password: the environment's, else that of the file, by the keys of both.
pub(super) fn read_password(
    layers: &Layers,
    folder: &mut Folder,
    report: &Report,
    (key, file_key): (&str, &str),
) -> Option<Secret> {
    if layers.is_in_environment(key) {
        let password = layers.text(key)?;
        return password_of(&password.value, &password.spot);
    }
    let path = path(layers, folder, file_key)?;
    let variable = variable_of(key);
    let remedy = format!("name a file that holds the password in {file_key}, or set {variable}");
    let source = folder.read(&path, &remedy, report)?;
    password_of(&source.text, &Spot::of_file(report, &source.name).within("password"))
}

fn password_of(text: &str, spot: &Spot) -> Option<Secret> {
    let password = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    if password.is_empty() {
        spot.complain("is empty; write the password there, in one line");
        return None;
    }
    if password.contains(char::is_control) {
        spot.complain("holds a line break or another control character; write the password there, in one line");
        return None;
    }
    Some(Secret::new(password))
}

/// A host name (in ASCII, or with umlauts) or an address without brackets.
fn host_name(text: &str) -> Result<String, String> {
    if text.parse::<IpAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    let error = || format!("{} is no host; accepted: a host name like relay.example, or an address", quoted(text));
    let ascii = idna::domain_to_ascii(text).map_err(|_| error())?;
    let is_label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        plain && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    let good = ascii.len() <= HOST_LENGTH_MAX && ascii.split('.').all(is_label);
    if good { Ok(ascii) } else { Err(error()) }
}

pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
