//! `fristd status --replicas`: who works by the database. Never changes anything, never asks a replica.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::daemon::presence::SEEN_EVERY;
use crate::settings::load_service;
use crate::store::Replica;

use super::{Ending, Shell, print_json, print_line};

const SILENT_AFTER: i32 = 4; // times missed: a round most often ends within two minutes

/// What a replica's row says of it at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    AtWork,
    Stopped,
    /// Killed, cut off, or in a long round.
    Silent,
}

impl Presence {
    fn of(replica: &Replica, now: DateTime<Utc>) -> Self {
        match replica.stopped_at {
            Some(_) => Self::Stopped,
            None if (now - replica.last_seen()).abs() <= SEEN_EVERY * SILENT_AFTER => Self::AtWork,
            None => Self::Silent,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::AtWork => "at work",
            Self::Stopped => "stopped",
            Self::Silent => "silent",
        }
    }
}

/// Prints every replica that ever worked by the database.
pub(super) async fn say_replicas(shell: &Shell, json: bool) -> anyhow::Result<Ending> {
    let service = load_service(&shell.source()?)?;
    let store = shell.store_to_look(&service).await?;
    let replicas = store.read().await?.replicas().await?;
    // the server's clock, if there is one: this machine's may be the wrong one
    let now = store.server_time().await?.unwrap_or_else(|| shell.clock.now());
    if json {
        print_json(&Value::Array(replicas.iter().map(|replica| as_json(replica, now)).collect()))?;
    } else {
        let width = replicas.iter().map(|replica| replica.name.chars().count()).max().unwrap_or_default();
        for replica in &replicas {
            print_line(&format!("{:<width$}  {}", replica.name, in_words(replica, now)))?;
        }
        if replicas.is_empty() {
            eprintln!("fristd: no `fristd run` has worked by this database yet");
        }
    }
    Ok(if replicas.is_empty() { Ending::NothingMatched } else { Ending::Done })
}

fn in_words(replica: &Replica, now: DateTime<Utc>) -> String {
    let presence = Presence::of(replica, now);
    let seconds = |span: TimeDelta| format!("{} s", span.num_seconds().abs());
    let when = match (presence, replica.stopped_at) {
        (Presence::Stopped, Some(at)) => format!(" since {}", at.format("%Y-%m-%d %H:%M:%S UTC")),
        _ => format!(", last seen {} ago", seconds(now - replica.last_seen())),
    };
    let clock = match replica.ahead {
        Some(ahead) if ahead.num_seconds() != 0 => {
            let side = if ahead > TimeDelta::zero() { "ahead of" } else { "behind" };
            format!(", its clock {} {side} the server's", seconds(ahead))
        }
        Some(_) => ", its clock like the server's".to_owned(),
        None => String::new(),
    };
    format!(
        "{}{when}, started {}, version {}, process {}, {} in hand{clock}",
        presence.as_str(),
        replica.started_at.format("%Y-%m-%d %H:%M:%S UTC"),
        replica.version,
        replica.process,
        super::counted(replica.claims as usize, "notice")
    )
}

fn as_json(replica: &Replica, now: DateTime<Utc>) -> Value {
    json!({
        "name": replica.name, "presence": Presence::of(replica, now).as_str(), "version": replica.version,
        "process": replica.process, "started_at": replica.started_at, "seen_at": replica.seen_at,
        "stopped_at": replica.stopped_at, "claims": replica.claims,
        "clock_ahead_seconds": replica.ahead.map(|ahead| ahead.num_milliseconds() as f64 / 1000.0),
    })
}
