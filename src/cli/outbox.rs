//! `fristd outbox`: the queue and the proof of dispatch (M7). Never sends; the daemon does.

use std::io::Write as _;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::daemon::composer::{message_domain, message_id};
use crate::domain::Month;
use crate::domain::delivery::State;
use crate::store::{Attempt, Bounce, OutboxFilter, OutboxNotice};

use super::proof::write_mail;
use super::{Ending, Shell, WrongInput, actor, counted, print_json, print_line};

const GONE: &str = "the mail is no longer kept; its SHA-256 and size stay";

/// Shows and steers the queue.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fristd outbox list --month 2026-12 --state rejected\n  \
    fristd outbox show 3f2a9c11\n  \
    fristd outbox show 3f2a9c11 --mail > proof.eml\n  \
    fristd outbox retry --to rueckkehr@abh-krefeld.example\n  \
    fristd outbox release --month 2026-12\n  \
    fristd outbox discard 3f2a9c11\n\n\
    States:\n  \
    queued     waits for its turn        claimed    is being handed over\n  \
    accepted   taken by the mail system  retry      refused for now, tried again\n  \
    rejected   refused for good          uncertain  perhaps taken: no reply came\n  \
    held       waits for a person        withdrawn  no longer called for, or discarded\n  \
    skipped    missed its time           expired    was not taken in time")]
pub(super) struct Outbox {
    #[command(subcommand)]
    command: OutboxCommand,
}

#[derive(Debug, Subcommand)]
enum OutboxCommand {
    /// Lists notices.
    ///
    /// Columns: id, when it was accepted or is due, state, cycle, duty, step, mailbox, and why it is in this state.
    #[command(after_help = "Example:\n  fristd outbox list --month 2026-12 --state rejected")]
    List {
        #[command(flatten)]
        filter: Filter,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Shows a notice with every attempt to deliver it and what the relay answered.
    #[command(after_help = "Examples:\n  fristd outbox show 3f2a9c11\n  fristd outbox show 3f2a9c11 --save proof.eml")]
    Show {
        /// The id, or its beginning.
        id: String,
        /// Print JSON.
        #[arg(long, conflicts_with = "mail")]
        json: bool,
        /// Print the mail as it was handed over, byte for byte.
        #[arg(long)]
        mail: bool,
        /// Write the mail as it was handed over into this file, which must not be there yet.
        #[arg(long, value_name = "FILE.eml", conflicts_with_all = ["mail", "json"])]
        save: Option<PathBuf>,
    },
    /// Tries rejected, uncertain or waiting notices again, and takes the flag from their mailboxes.
    #[command(after_help = "Example:\n  fristd outbox retry --to rueckkehr@abh-krefeld.example")]
    Retry {
        #[command(flatten)]
        filter: Filter,
    },
    /// Lets held notices go.
    #[command(after_help = "Example:\n  fristd outbox release --month 2026-12 --state held")]
    Release {
        #[command(flatten)]
        filter: Filter,
    },
    /// Throws held or waiting notices away; they are kept as withdrawn. What was perhaps sent is not sent once more.
    #[command(after_help = "Example:\n  fristd outbox discard --month 2026-12 --state held")]
    Discard {
        #[command(flatten)]
        filter: Filter,
    },
}

#[derive(Debug, Args)]
struct Filter {
    /// The id, or its beginning.
    id: Option<String>,
    /// Of this cycle, as YYYY-MM.
    #[arg(long)]
    month: Option<String>,
    /// In this state; see `fristd outbox --help`.
    #[arg(long)]
    state: Option<String>,
    /// Of this step.
    #[arg(long)]
    step: Option<String>,
    /// To this mailbox.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
}

impl Filter {
    fn parse(self) -> anyhow::Result<OutboxFilter> {
        let month = self.month.map(|month| Month::parse(&month)).transpose();
        let state = self.state.map(|word| {
            State::parse(&word).ok_or_else(|| {
                let known: Vec<&str> = State::ALL.into_iter().map(State::as_str).collect();
                WrongInput(format!("state {word:?}: unknown; accepted: {}", known.join(", ")))
            })
        });
        Ok(OutboxFilter {
            month: month.map_err(|cause| WrongInput(cause.to_string()))?,
            state: state.transpose()?,
            step: self.step,
            mailbox: self.to.map(|address| address.to_ascii_lowercase()),
            id: self.id,
        })
    }

    /// Steering everything at once must be meant: something has to be said.
    fn parse_meant(self) -> anyhow::Result<OutboxFilter> {
        let filter = self.parse()?;
        let is_empty = filter.month.is_none()
            && filter.state.is_none()
            && filter.step.is_none()
            && filter.mailbox.is_none()
            && filter.id.is_none();
        if is_empty {
            return Err(WrongInput("say which notices: an id, --month, --state, --step or --to".to_owned()).into());
        }
        Ok(filter)
    }
}

enum Steering {
    Retry,
    Release,
    Discard,
}

impl Outbox {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        match self.command {
            OutboxCommand::List { filter, json } => list(shell, filter.parse()?, json).await,
            OutboxCommand::Show { id, json, mail, save } => {
                let how = match (json, mail, save) {
                    (true, ..) => Showing::Json,
                    (_, true, _) => Showing::Mail,
                    (.., Some(path)) => Showing::Saved(path),
                    _ => Showing::Words,
                };
                show(shell, id, how).await
            }
            OutboxCommand::Retry { filter } => steer(shell, filter.parse_meant()?, Steering::Retry).await,
            OutboxCommand::Release { filter } => steer(shell, filter.parse_meant()?, Steering::Release).await,
            OutboxCommand::Discard { filter } => steer(shell, filter.parse_meant()?, Steering::Discard).await,
        }
    }
}

async fn list(shell: &Shell, filter: OutboxFilter, json: bool) -> anyhow::Result<Ending> {
    let charter = shell.charter()?;
    let zone = charter.settings.rulebook.zone;
    let notices = shell.existing_store(&charter).await?.read().await?.outbox(&filter).await?;
    if json {
        print_json(&Value::Array(notices.iter().map(|notice| as_json(notice, zone)).collect()))?;
    } else {
        for notice in &notices {
            let why = notice.reason.as_deref().or(notice.reply.as_deref().filter(|_| notice.state != State::Accepted));
            print_line(
                format!(
                    "{}  {}  {:<9}  {} {:<10} {:<14} {}{}",
                    &notice.id[..8],
                    local(notice.accepted_at.unwrap_or(notice.due_at), zone),
                    notice.state.as_str(),
                    notice.month,
                    notice.duty.as_deref().unwrap_or("-"),
                    notice.step,
                    notice.mailbox,
                    why.map(|why| format!("  ({why})")).unwrap_or_default()
                )
                .trim_end(),
            )?;
        }
        print_line(&counted(notices.len(), "notice"))?;
    }
    Ok(if notices.is_empty() { Ending::NothingMatched } else { Ending::Done })
}

/// How a notice is shown.
enum Showing {
    Words,
    Json,
    Mail,
    Saved(PathBuf),
}

async fn show(shell: &Shell, id: String, how: Showing) -> anyhow::Result<Ending> {
    let charter = shell.charter()?;
    let settings = &charter.settings;
    let zone = settings.rulebook.zone;
    let mut tx = shell.existing_store(&charter).await?.read().await?;
    let notices = tx.outbox(&OutboxFilter { id: Some(id.clone()), ..OutboxFilter::default() }).await?;
    let [notice] = notices.as_slice() else {
        if notices.is_empty() {
            eprintln!("fristd: no notice begins with {id:?}; see `fristd outbox list`");
            return Ok(Ending::NothingMatched);
        }
        return Err(WrongInput(format!("{} notices begin with {id:?}; give more of the id", notices.len())).into());
    };
    let attempts = tx.attempts(&notice.id).await?;
    let bounces = tx.bounces_of(&notice.id).await?;
    if matches!(how, Showing::Mail | Showing::Saved(_)) {
        let Some(mail) = attempts.iter().rev().find_map(|attempt| attempt.mail.as_ref()) else {
            let was_handed_over = attempts.iter().any(|attempt| attempt.size_bytes.is_some());
            eprintln!(
                "fristd: notice {id:?}: {}",
                if was_handed_over { GONE } else { "no mail of it was handed over yet" }
            );
            return Ok(Ending::NothingMatched);
        };
        match how {
            Showing::Saved(path) => write_mail(&path, mail)?,
            _ => std::io::stdout().write_all(mail)?,
        }
        return Ok(Ending::Done);
    }
    let message_id = message_id(&notice.id, message_domain(&tx.service().await?, &settings.service));
    if matches!(how, Showing::Json) {
        let mut value = as_json(notice, zone);
        value["message_id"] = json!(message_id);
        value["bounces"] = Value::Array(bounces.iter().map(|bounce| bounce_json(bounce, zone)).collect());
        value["attempts"] = Value::Array(attempts.iter().map(|attempt| attempt_json(attempt, zone)).collect());
        print_json(&value)?;
        return Ok(Ending::Done);
    }
    let rows = [
        ("notice", Some(notice.id.clone())),
        ("what", Some(format!("{} of {} {}", notice.step, notice.duty.as_deref().unwrap_or("service"), notice.month))),
        ("revision", Some(notice.revision.to_string())),
        ("to", Some(notice.mailbox.to_string())),
        ("office", notice.office.clone()),
        ("authorities", Some(notice.authorities.join(", ")).filter(|list| !list.is_empty())),
        ("due", Some(local(notice.due_at, zone))),
        ("queued", Some(local(notice.queued_at, zone))),
        ("state", Some(notice.state.to_string())),
        ("reason", notice.reason.clone()),
        ("next try", notice.next_at.map(|at| local(at, zone))),
        ("accepted", notice.accepted_at.map(|at| local(at, zone))),
        ("came back", notice.returned_at.map(|at| local(at, zone))),
        ("subject", notice.subject.clone().filter(|subject| !subject.is_empty())),
        ("Message-ID", Some(message_id)),
    ];
    for (name, value) in rows {
        if let Some(value) = value {
            print_line(&format!("{name:<12} {value}"))?;
        }
    }
    for attempt in &attempts {
        print_line(&attempt_in_words(attempt, zone))?;
    }
    for bounce in &bounces {
        let at = local(bounce.received_at, zone);
        let status = bounce.status.as_deref().unwrap_or("-");
        print_line(format!("report       {at}  {} {status} {}", bounce.verdict, bounce.diagnostic).trim_end())?;
        print_line(&format!("             {} (proof: {}), SHA-256 {}", bounce.effect, bounce.proof, bounce.sha256))?;
    }
    Ok(Ending::Done)
}

async fn steer(shell: &Shell, filter: OutboxFilter, steering: Steering) -> anyhow::Result<Ending> {
    let charter = shell.charter()?;
    let store = shell.existing_store(&charter).await?;
    let (actor, now) = (actor(), shell.clock.now());
    let mut tx = store.write().await?;
    let (count, done, could) = match steering {
        Steering::Retry => (
            tx.retry(&filter, &actor, now).await?,
            "to be tried again with the daemon's next round, if still called for",
            "rejected, uncertain or waiting to be tried again",
        ),
        Steering::Release => (
            tx.release(&filter, &actor, now).await?,
            "released; what is still called for goes out with the daemon's next round",
            "held",
        ),
        Steering::Discard => (
            tx.discard(&filter, &actor, now).await?,
            "discarded; kept as withdrawn, or as uncertain if perhaps sent",
            "held, queued or waiting to be tried again or sent once more",
        ),
    };
    tx.commit().await?;
    match count {
        0 => eprintln!("fristd: no notice that is meant is {could}; see `fristd outbox list`"),
        count => print_line(&format!("{} {done}", counted(count, "notice")))?,
    }
    Ok(if count == 0 { Ending::NothingMatched } else { Ending::Done })
}

fn as_json(notice: &OutboxNotice, zone: Tz) -> Value {
    let at = |instant: DateTime<Utc>| instant.with_timezone(&zone).to_rfc3339();
    json!({
        "id": notice.id, "month": notice.month.to_string(), "duty": notice.duty, "step": notice.step,
        "kind": notice.kind.as_str(), "revision": notice.revision, "to": notice.mailbox.as_str(), "office": notice.office,
        "authorities": notice.authorities.iter().map(|id| &**id).collect::<Vec<_>>(), "state": notice.state.as_str(),
        "reason": notice.reason, "due_at": at(notice.due_at), "queued_at": at(notice.queued_at),
        "next_at": notice.next_at.map(at), "accepted_at": notice.accepted_at.map(at),
        "returned_at": notice.returned_at.map(at), "attempts": notice.attempts,
        "subject": notice.subject, "reply": notice.reply,
    })
}

fn attempt_json(attempt: &Attempt, zone: Tz) -> Value {
    json!({
        "number": attempt.number, "at": attempt.at.with_timezone(&zone).to_rfc3339(), "outcome": attempt.outcome.as_str(),
        "handed_over_at": attempt.handed_over_at.map(|at| at.with_timezone(&zone).to_rfc3339()), "reply": attempt.reply,
        "sha256": attempt.sha256, "bytes": attempt.size_bytes, "kept": attempt.mail.is_some(),
    })
}

/// When it was handed over, how it ended, what the relay said, and the mail's hash and size.
fn attempt_in_words(attempt: &Attempt, zone: Tz) -> String {
    let mut lines = Vec::new();
    if let Some(at) = attempt.handed_over_at {
        lines.push(format!("{}  handed over", local(at, zone)));
    }
    lines.push(format!("{}  {}: {}", local(attempt.at, zone), attempt.outcome, attempt.reply));
    if !attempt.sha256.is_empty() {
        lines.push(format!("SHA-256 of the mail {}", attempt.sha256));
    }
    if let Some(size) = attempt.size_bytes {
        let kept = if attempt.mail.is_some() { "kept (--mail prints it)" } else { GONE };
        lines.push(format!("{size} bytes, {kept}"));
    }
    let place = format!("attempt {}", attempt.number);
    let named = lines.iter().enumerate().map(|(index, line)| match index {
        0 => format!("{place:<12} {line}"),
        _ => format!("{:<12} {line}", ""),
    });
    named.collect::<Vec<_>>().join("\n")
}

fn bounce_json(bounce: &Bounce, zone: Tz) -> Value {
    json!({
        "received_at": bounce.received_at.with_timezone(&zone).to_rfc3339(), "verdict": bounce.verdict,
        "proof": bounce.proof, "effect": bounce.effect, "status": bounce.status, "diagnostic": bounce.diagnostic,
        "sha256": bounce.sha256,
    })
}

fn local(instant: DateTime<Utc>, zone: Tz) -> String {
    instant.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string()
}
