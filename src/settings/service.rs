//! Checks what fristd.toml and the environment say about the service. Never opens a database, never connects to a relay.

use std::path::PathBuf;

use chrono_tz::Tz;

use super::complaint::Report;
use super::database::Database;
use super::heartbeat::{self, HeartbeatSettings};
use super::layers::Layers;
use super::limits::{self, Limits};
use super::smtp::{self, SmtpSettings};
use super::source_text::Folder;
use super::values::{self, quoted};
use crate::domain::Mailbox;
use crate::domain::bounce::TOKEN_SENDER_CHARS_MAX;
use crate::domain::delivery::OnUncertain;

const TICK_SECONDS_MAX: i64 = 300; // a reminder is never later than five minutes
const SETTLE_SECONDS_MAX: i64 = 3600; // longer, and a list that is due today is read tomorrow
const RETENTION_MONTHS_MAX: i64 = 240; // longer than any file on the matter is kept
const NOTICES_A_TICK_MAX: i64 = 100_000; // far above any roster; a bound that never holds would be none (N9)

/// How the service runs: where it keeps what, and how mail leaves.
#[derive(Clone, Debug)]
pub struct Service {
    /// The folder for everything that the service writes.
    pub data_dir: PathBuf,
    /// Where it keeps what it knows.
    pub database: Database,
    /// The folder whose templates override the embedded ones.
    pub templates_dir: Option<PathBuf>,
    /// The name of this replica; the machine's if none.
    pub replica: Option<String>,
    /// The pause between two ticks, 1 to 300.
    pub tick_seconds: u32,
    /// Where lists are put to be imported, if anywhere.
    pub drop_folder: Option<DropFolderSettings>,
    /// How mail leaves.
    pub transport: Transport,
    /// Who mail comes from.
    pub sender: Sender,
    /// What to do when a mail's fate is unknown (M6).
    pub on_uncertain: OnUncertain,
    /// How mails come back.
    pub returns: Returns,
    /// For how long mails and addresses are kept (M8).
    pub retention: Retention,
    /// How fast mail leaves, at most.
    pub limits: Limits,
    /// Whom the service tells that it is well, if anybody.
    pub heartbeat: Option<HeartbeatSettings>,
}

/// For how long mails and addresses are kept (M8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retention {
    /// Of so many months before the running one they are kept, 1 to 240.
    pub months: u32,
    /// Whether the service takes away by itself, once a day, what is older.
    pub daily: bool,
}

/// How mails come back that could not be delivered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Returns {
    /// Whether each mail has a return address of its own, by which what comes back proves itself.
    pub tokens: bool,
    /// A Maildir in which what comes back is found.
    pub maildir: Option<PathBuf>,
}

/// Where lists are put to be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropFolderSettings {
    /// The folder.
    pub folder: PathBuf,
    /// For how long a file must not have changed before it is read, 1 to 3600 seconds.
    pub settle_seconds: u32,
}

/// How mail leaves.
#[derive(Clone, Debug)]
pub enum Transport {
    /// Each mail becomes an `.eml` file; nothing is sent.
    Directory {
        /// Where the files go.
        folder: PathBuf,
    },
    /// To a relay.
    Smtp(SmtpSettings),
}

/// Who mail comes from.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The address in `From`.
    pub from: Mailbox,
    /// The name beside it.
    pub from_name: String,
    /// Where answers go, if not there.
    pub reply_to: Option<Mailbox>,
    /// Where the relay's failure reports go; a real mailbox (M3).
    pub envelope_from: Mailbox,
}

/// What else fristd.toml says; paths are resolved, and `None` after a complaint.
pub(super) struct Rest {
    pub(super) zone: Option<Tz>,
    pub(super) calendars: Option<PathBuf>,
    pub(super) cycles: Option<PathBuf>,
    pub(super) authorities: Option<PathBuf>,
    pub(super) contacts: Option<PathBuf>,
    pub(super) notices_a_tick_max: Option<usize>,
}

/// Reads the keys that do not concern the running service.
pub(super) fn read_rest(layers: &Layers, folder: &Folder) -> Rest {
    let zone = layers.text("time_zone").and_then(|zone| {
        let remedy = "accepted: a name of the IANA database, like Europe/Berlin";
        zone.accept(|name| name.parse().map_err(|_| format!("unknown time zone {}; {remedy}", quoted(name))))
    });
    let path = |key| path(layers, folder, key);
    Rest {
        zone,
        calendars: path("calendars"),
        cycles: path("cycles"),
        authorities: path("authorities"),
        contacts: path("contacts"),
        notices_a_tick_max: layers
            .number("limits.notices_a_tick_max", 1..=NOTICES_A_TICK_MAX)
            .map(|bound| bound as usize),
    }
}

/// Reads the keys of the running service; `None` after a complaint.
pub(super) fn read(layers: &Layers, folder: &mut Folder, report: &Report) -> Option<Service> {
    let data_dir = path(layers, folder, "data");
    let database = super::database::read(layers, folder, data_dir.as_ref(), report);
    let templates_dir = read_templates_dir(layers, folder);
    let replica = layers.text("replica").map(|name| name.accept(|text| values::id(text).map(str::to_owned)));
    let tick_seconds = layers.number("tick_seconds", 1..=TICK_SECONDS_MAX);
    let settle_seconds = layers.number("intake.settle_seconds", 1..=SETTLE_SECONDS_MAX);
    let drop_folder = match layers.is_set("intake.folder") {
        true => Some(path(layers, folder, "intake.folder")),
        false => None,
    };
    let transport = word(layers, "mail.transport", &[("directory", false), ("smtp", true)]);
    // the keys of the other transport are checked as well: switching must not bring up old mistakes
    let directory = match layers.is_set("mail.directory") {
        true => path(layers, folder, "mail.directory"),
        false => data_dir.as_ref().map(|data| data.join("outbox")),
    };
    let smtp = smtp::read(layers, folder, transport == Some(true), report);
    let sender = read_sender(layers, transport == Some(true));
    let on_uncertain =
        word(layers, "mail.on_uncertain", &[("resend", OnUncertain::Resend), ("hold", OnUncertain::Hold)]);
    let (retention_months, retention_daily) =
        (layers.number("retention.months", 1..=RETENTION_MONTHS_MAX), layers.switch("retention.daily"));
    let returns = read_returns(layers, folder, sender.as_ref());
    let (limits, heartbeat) = (limits::read(layers), heartbeat::read(layers));
    let transport = if transport? { Transport::Smtp(smtp?) } else { Transport::Directory { folder: directory? } };
    Some(Service {
        data_dir: data_dir?,
        database: database?,
        templates_dir,
        replica: match replica {
            Some(name) => Some(name?),
            None => None,
        },
        tick_seconds: tick_seconds?,
        drop_folder: match drop_folder {
            Some(folder) => Some(DropFolderSettings { folder: folder?, settle_seconds: settle_seconds? }),
            None => settle_seconds.map(|_| None)?,
        },
        transport,
        sender: sender?,
        on_uncertain: on_uncertain?,
        returns: returns?,
        retention: Retention { months: retention_months?, daily: retention_daily? },
        limits: limits?,
        heartbeat: heartbeat?,
    })
}

fn read_returns(layers: &Layers, folder: &Folder, sender: Option<&Sender>) -> Option<Returns> {
    let tokens = layers.switch("mail.bounce_tokens");
    let local = sender.map_or("", |sender| sender.envelope_from.as_str()).split('@').next().unwrap_or_default();
    if tokens == Some(true) && local.len() > TOKEN_SENDER_CHARS_MAX {
        let message = format!(
            "{} leaves no room for a token; accepted: at most {TOKEN_SENDER_CHARS_MAX} characters before the @, or bounce_tokens \
             = false",
            quoted(local)
        );
        layers.spot("mail.envelope_from").complain(message);
        return None;
    }
    let maildir = match layers.is_set("mail.bounce_maildir") {
        true => Some(path(layers, folder, "mail.bounce_maildir")?),
        false => None,
    };
    Some(Returns { tokens: tokens?, maildir })
}

/// The folder of templates, if it is there; one that is named must be.
fn read_templates_dir(layers: &Layers, folder: &mut Folder) -> Option<PathBuf> {
    let path = path(layers, folder, "templates")?;
    if path.is_dir() {
        folder.files.push(path.clone());
        return Some(path);
    }
    if layers.is_set("templates") {
        let message = format!("{} is no folder; create it or leave the key out", path.display());
        layers.spot("templates").complain(message);
    }
    None
}

fn read_sender(layers: &Layers, is_sending: bool) -> Option<Sender> {
    if is_sending && !layers.is_set("mail.from") {
        let message = "is missing; mail over SMTP needs a sender: write for example from = \"fristen@zrk.example\"";
        layers.spot("mail.from").complain(message);
    }
    let mailbox = |key| layers.text(key).map(|address| address.accept(|text| values::mailbox(text)));
    let from_name = layers.text("mail.from_name").and_then(|name| name.accept(|text| values::name(text)));
    let (from, reply_to, envelope_from) =
        (mailbox("mail.from"), mailbox("mail.reply_to"), mailbox("mail.envelope_from"));
    let from = from.flatten()?;
    let reply_to = match reply_to {
        Some(address) => Some(address?),
        None => None,
    };
    let envelope_from = envelope_from.map_or(Some(from.clone()), |address| address)?;
    Some(Sender { from, from_name: from_name?, reply_to, envelope_from })
}

/// A path, relative to the folder of fristd.toml; an empty one is complained about.
pub(super) fn path(layers: &Layers, folder: &Folder, key: &str) -> Option<PathBuf> {
    let path = layers.text(key)?;
    path.accept(|text| match text.is_empty() || text.contains('\0') {
        true => Err("is no path; write one or leave the key out".to_owned()),
        false => Ok(folder.resolve(text)),
    })
}

/// One of several words.
pub(super) fn word<T: Copy>(layers: &Layers, key: &str, words: &[(&str, T)]) -> Option<T> {
    layers.text(key)?.accept(|text| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let found = words.iter().find(|(word, _)| word == text).map(|(_, meaning)| *meaning);
        found.ok_or_else(|| format!("unknown value {}; known: {}", quoted(text), known.join(", ")))
    })
}
