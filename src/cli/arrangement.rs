//! `fristd arrangement`: standing nil reports and exemptions (S7). Never changes one that is there; a new one takes its place.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::daemon::recording::end_arrangement;
use crate::domain::arrangement::{ArrangementKind, Span, spans};
use crate::domain::dates::local_date;
use crate::domain::request::{Asker, EndRequest};
use crate::domain::{Duty, Month};

use super::{Ending, Shell, actor, counted, print_json, print_line};

/// Lists and ends what stands for several months: nil reports and exemptions.
///
/// They are set with `fristd record MONTH DUTY AUTHORITY nil --until DATE --reason WHY`, or `exempt` in its place.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  fristd arrangement list\n  \
                        fristd arrangement end abh-05114-krefeld statistics --reason \"Aufgabe übernommen\"")]
pub(super) struct Arrangement {
    #[command(subcommand)]
    command: ArrangementCommand,
}

#[derive(Debug, Subcommand)]
enum ArrangementCommand {
    /// Shows what is arranged, also what is over: for whom, from when to when, why, and who recorded it.
    List {
        /// Only what is not over.
        #[arg(long)]
        current: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Ends what was arranged: in open cycles the authority owes its report again, closed ones stay as they are.
    #[command(after_help = "Example:\n  fristd arrangement end abh-05114-krefeld statistics --from 2027-03 \\\n      \
                            --reason \"Aufgabe übernommen\"")]
    End {
        /// The authority's id.
        authority: String,
        /// The duty's id in cycles.toml.
        duty: String,
        /// The first cycle in which it holds no more; this month's if left out.
        #[arg(long, value_name = "MONTH")]
        from: Option<String>,
        /// Why.
        #[arg(long, value_name = "WHY")]
        reason: String,
    },
}

impl Arrangement {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        match self.command {
            ArrangementCommand::List { current, json } => list(shell, current, json).await,
            ArrangementCommand::End { authority, duty, from, reason } => {
                end(shell, EndRequest { authority, duty, from, reason: Some(reason) }).await
            }
        }
    }
}

async fn end(shell: &Shell, request: EndRequest) -> anyhow::Result<Ending> {
    let charter = shell.charter()?;
    let store = shell.existing_store(&charter).await?;
    let mut tx = store.write().await?;
    let actor = actor();
    let asker = Asker { source: "manual", actor: &actor, now: shell.clock.now() };
    let Some(ended) = end_arrangement(&mut tx, &charter.settings, &request, asker).await? else {
        eprintln!(
            "fristd: {} has no standing nil report or exemption for {} that reaches to that cycle; see `fristd arrangement list`",
            request.authority, request.duty
        );
        return Ok(Ending::NothingMatched);
    };
    tx.commit().await?;
    print_line(&format!(
        "{} {}: what was arranged holds no more from the cycle {} on; what it had settled in open cycles is missing again",
        ended.authority, ended.duty, ended.from
    ))?;
    Ok(Ending::Done)
}

async fn list(shell: &Shell, current: bool, json: bool) -> anyhow::Result<Ending> {
    let charter = shell.charter()?;
    let (rulebook, roster) = (&charter.settings.rulebook, &charter.settings.roster);
    let this_month = Month::of(local_date(shell.clock.now(), rulebook.zone));
    let arrangements = shell.existing_store(&charter).await?.read().await?.arrangements().await?;
    let mut lines = Vec::new();
    for duty in &rulebook.duties {
        let spans = spans(duty, &arrangements).into_iter();
        lines.extend(spans.filter(|span| !current || span.reaches(this_month)).map(|span| (duty, span)));
    }
    if json {
        let lines: Vec<Value> =
            lines.iter().map(|(duty, span)| as_json(duty, span, this_month, rulebook.zone)).collect();
        print_json(&Value::Array(lines.clone()))?;
        return Ok(if lines.is_empty() { Ending::NothingMatched } else { Ending::Done });
    }
    for (duty, span) in &lines {
        let id = &*span.arrangement.authority;
        let name = roster.authority(id).map_or("(not in the roster)", |authority| &authority.name);
        print_line(&in_words(duty, span, name, this_month, rulebook.zone))?;
    }
    print_line(&counted(lines.len(), "arrangement"))?;
    Ok(if lines.is_empty() { Ending::NothingMatched } else { Ending::Done })
}

/// How a span lies to this month.
fn state(span: &Span<'_>, this_month: Month) -> &'static str {
    match () {
        () if span.is_empty() && span.ended_by.is_some_and(|newer| newer.kind == ArrangementKind::Ended) => "ended",
        () if span.is_empty() => "replaced",
        () if !span.reaches(this_month) => "over",
        () if this_month < span.arrangement.from => "to come",
        () => "in force",
    }
}

fn as_json(duty: &Duty, span: &Span<'_>, this_month: Month, zone: chrono_tz::Tz) -> Value {
    let arrangement = span.arrangement;
    json!({
        "authority": &*arrangement.authority, "duty": &*duty.id, "kind": arrangement.kind.as_str(),
        "from": arrangement.from.to_string(), "until": arrangement.until,
        "last_cycle": span.last_cycle.map(|last| last.to_string()), "state": state(span, this_month),
        "reason": arrangement.reason, "source": arrangement.source, "actor": arrangement.actor,
        "recorded_at": arrangement.recorded_at.with_timezone(&zone).to_rfc3339(),
        "ended_by": span.ended_by.map(|newer| json!({
            "kind": newer.kind.as_str(), "from": newer.from.to_string(), "reason": newer.reason, "actor": newer.actor,
            "recorded_at": newer.recorded_at.with_timezone(&zone).to_rfc3339(),
        })),
    })
}

fn in_words(duty: &Duty, span: &Span<'_>, name: &str, this_month: Month, zone: chrono_tz::Tz) -> String {
    let arrangement = span.arrangement;
    let at = |instant: chrono::DateTime<chrono::Utc>| instant.with_timezone(&zone).format("%Y-%m-%d %H:%M");
    let cycles = match span.last_cycle {
        _ if span.is_empty() => format!("from cycle {}, in none any more", arrangement.from),
        Some(last) => format!("cycles {} to {last}", arrangement.from),
        None => format!("from cycle {} until further notice", arrangement.from),
    };
    let until = arrangement.until.map(|until| format!(" (arranged until {until})")).unwrap_or_default();
    let ended = span.ended_by.map(|newer| {
        format!(
            "\n    then {} from {}: {}; by {}, {}",
            newer.kind.as_str(),
            newer.from,
            newer.reason,
            newer.actor,
            at(newer.recorded_at)
        )
    });
    format!(
        "{:<8}  {} {} {name} [{}], {cycles}{until}\n    {}; by {}, {}, {}{}",
        state(span, this_month),
        duty.id,
        arrangement.kind.as_str(),
        arrangement.authority,
        arrangement.reason,
        arrangement.actor,
        at(arrangement.recorded_at),
        arrangement.source,
        ended.unwrap_or_default(),
    )
}
