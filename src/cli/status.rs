//! `fristd status`: the standing of every authority. Never changes anything.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use serde_json::{Value, json};

use crate::domain::dates::{day_in_words, local_date};
use crate::domain::request::duty;
use crate::domain::roster::District;
use crate::domain::standing::{in_time, standing_at, standing_now};
use crate::domain::{AuthorityId, Deadline, Month, Receipt, ReceiptState, Revision, Standing, cycle};

use super::history::{HistoryQuestion, tell};
use super::replicas::say_replicas;
use super::{Ending, Moment, Shell, WrongInput, counted, print_json, print_line};

/// Shows who has reported, by district, in words and counts.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  fristd status 2026-12\n  fristd status --duty statistics --missing\n  \
                        fristd status 2026-12 --at \"2026-12-15 18:00\"\n  \
                        fristd status --history abh-05113-essen\n  fristd status --replicas\n  \
                        fristd status 2026-12 --history abh-05113-essen --duty planning")]
pub(super) struct Status {
    /// The cycle, as YYYY-MM; if left out this month's, and with --history all.
    month: Option<String>,
    /// Only this duty.
    #[arg(long)]
    duty: Option<String>,
    /// Only those that are not settled.
    #[arg(long)]
    missing: bool,
    /// As it was known then: local time like "2026-12-15 18:00".
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    at: Option<Moment>,
    /// The receipts of one authority in words: what, when, from whom, why, and the standing after each.
    #[arg(long, value_name = "AUTHORITY", conflicts_with = "missing")]
    history: Option<String>,
    /// Which replicas work by the database, since when, and whether their clocks are right; nothing else.
    #[arg(long, conflicts_with_all = ["month", "duty", "missing", "at", "history"])]
    replicas: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

struct DutyStatus {
    duty: String,
    title: String,
    deadline: Deadline,
    /// What was told, oldest first (F5).
    revisions: Vec<Revision>,
    lines: Vec<AuthorityStatus>,
    /// Who is in the list and owes no report: name, id, and who reports for it.
    not_owing: Vec<NotOwing>,
}

struct NotOwing {
    id: AuthorityId,
    name: String,
    reporter: Option<(AuthorityId, String)>,
}

struct AuthorityStatus {
    id: AuthorityId,
    name: String,
    district: District,
    standing: Standing,
    missing: Vec<String>,
    in_time: Option<bool>,
}

impl Status {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        if self.replicas {
            return say_replicas(shell, self.json).await;
        }
        let charter = shell.charter()?;
        let (rulebook, roster) = (&charter.settings.rulebook, &charter.settings.roster);
        let past = self.at.map(|moment| moment.in_zone(rulebook.zone));
        let now = past.unwrap_or_else(|| shell.clock.now());
        let month = match &self.month {
            Some(month) => Month::parse(month).map_err(|cause| WrongInput(cause.to_string()))?,
            None => Month::of(local_date(now, rulebook.zone)),
        };
        let wanted = self.duty.as_deref().map(|id| duty(rulebook, id)).transpose()?;
        let store = shell.existing_store(&charter).await?;
        let mut tx = store.read().await?;
        if let Some(authority) = &self.history {
            let month = self.month.is_some().then_some(month);
            let question = HistoryQuestion { authority, month, duty: wanted, past, now, json: self.json };
            return tell(&mut tx, &charter, question).await;
        }
        let mut duties = Vec::new();
        for duty in rulebook.duties.iter().filter(|duty| wanted.is_none_or(|wanted| wanted.id == duty.id)) {
            let mut dates = tx.date_facts(month, &duty.id).await?;
            if let Some(past) = past {
                dates = dates.as_known_at(past);
            }
            let computed = cycle::deadline(rulebook, duty, month, dates.signal.as_ref())?;
            let (_, deadline) = cycle::in_force(&dates.revisions, computed);
            let receipts = tx.receipts(month, &duty.id).await?;
            let line = |authority: &crate::domain::Authority| {
                let own: &[Receipt] = receipts.get(&authority.id).map_or(&[], Vec::as_slice);
                // as planning sees it, also after a clock was set back; the past as it was known (S4)
                let standing = match past {
                    None => standing_now(own, now, rulebook.zone),
                    Some(at) => standing_at(own, at, rulebook.zone),
                };
                AuthorityStatus {
                    id: authority.id.clone(),
                    name: authority.name.clone(),
                    district: authority.district,
                    missing: if standing.is_settled() { Vec::new() } else { standing.missing_parts(duty) },
                    in_time: in_time(own, deadline.ends_on, now, rulebook.zone),
                    standing,
                }
            };
            let ends_on = deadline.ends_on;
            let lines = roster.owing(ends_on).map(line).filter(|line| !self.missing || !line.standing.is_settled());
            let not_owing = roster.authorities().iter().filter(|authority| !authority.owes_on(ends_on));
            let not_owing = not_owing.map(|authority| NotOwing {
                id: authority.id.clone(),
                name: authority.name.clone(),
                reporter: roster
                    .reporter_of(&authority.id, ends_on)
                    .map(|other| (other.id.clone(), other.name.clone())),
            });
            duties.push(DutyStatus {
                duty: duty.id.to_string(),
                title: duty.title.clone(),
                deadline,
                revisions: dates.revisions,
                lines: lines.collect(),
                not_owing: not_owing.collect(),
            });
        }
        let service = tx.service().await?;
        let is_empty = duties.iter().all(|duty| duty.lines.is_empty());
        if self.json {
            print_json(&as_json(month, &duties, rulebook.zone))?;
        } else {
            if let Some((since, by)) = service.paused {
                print_line(&format!("sending is paused since {} by {by}", local(since, rulebook.zone)))?;
            }
            if let Some(first) = service.first_cycle.filter(|first| month < *first) {
                print_line(&format!("nothing is known of {month}: the first cycle of this database is {first}"))?;
            }
            print_line(&in_words(month, &duties, local_date(now, rulebook.zone), rulebook.zone))?;
        }
        Ok(if is_empty { Ending::NothingMatched } else { Ending::Done })
    }
}

impl DutyStatus {
    /// Each correction with the revision that it replaced.
    fn corrections(&self) -> impl Iterator<Item = (&Revision, &Revision)> {
        self.revisions.iter().zip(self.revisions.iter().skip(1))
    }
}

fn correction_json((before, correction): (&Revision, &Revision), zone: chrono_tz::Tz) -> Value {
    json!({
        "revision": correction.number, "reason": correction.reason, "ended_on_before": before.deadline.ends_on,
        "ends_on": correction.deadline.ends_on, "at": correction.frozen_at.with_timezone(&zone).to_rfc3339(),
    })
}

fn as_json(month: Month, duties: &[DutyStatus], zone: chrono_tz::Tz) -> Value {
    let duties: Vec<Value> = duties
        .iter()
        .map(|duty| {
            let authorities: Vec<Value> = duty
                .lines
                .iter()
                .map(|line| {
                    json!({
                        "id": &*line.id, "district": line.district.as_str(), "standing": line.standing.state.as_str(),
                        "missing": line.missing, "in_time": line.in_time,
                        "since": line.standing.since.map(|since| since.with_timezone(&zone).to_rfc3339()),
                    })
                })
                .collect();
            let mut value = json!({
                "duty": duty.duty, "stated_on": duty.deadline.stated_on, "ends_on": duty.deadline.ends_on,
                "authorities": authorities,
            });
            // left out where the deadline is the one that was announced
            if duty.revisions.len() > 1 {
                value["corrections"] = duty.corrections().map(|pair| correction_json(pair, zone)).collect();
            }
            // beside the others and not among them, who have a standing each; left out where all owe
            if !duty.not_owing.is_empty() {
                let reporter = |one: &NotOwing| one.reporter.as_ref().map(|(id, _)| id.to_string());
                let list = duty.not_owing.iter().map(|one| json!({ "id": &*one.id, "reported_by": reporter(one) }));
                value["not_owing"] = list.collect();
            }
            value
        })
        .collect();
    json!({ "month": month.to_string(), "duties": duties })
}

fn in_words(month: Month, duties: &[DutyStatus], today: NaiveDate, zone: chrono_tz::Tz) -> String {
    let mut text = format!("{} ({month})\n", month.in_words());
    for duty in duties {
        let told = match duty.revisions.len() {
            0 if duty.deadline.ends_on < today => "never announced".to_owned(),
            0 => "not announced yet".to_owned(),
            1 => "announced".to_owned(),
            count => format!("announced, {}", counted(count - 1, "correction")),
        };
        let _ = writeln!(
            text,
            "\n{}: {}, deadline {} ({told})",
            duty.duty,
            duty.title,
            day_in_words(duty.deadline.ends_on)
        );
        for (before, correction) in duty.corrections() {
            let (at, reason) = (local(correction.frozen_at, zone), correction.reason.as_deref().unwrap_or("-"));
            let (before, after) = (day_in_words(before.deadline.ends_on), day_in_words(correction.deadline.ends_on));
            let _ = writeln!(text, "  corrected {at} from {before} to {after}: {reason}");
        }
        let _ = writeln!(text, "  {}", counts(&duty.lines));
        for district in District::ALL {
            let lines: Vec<&AuthorityStatus> = duty.lines.iter().filter(|line| line.district == district).collect();
            if lines.is_empty() {
                continue;
            }
            let _ = writeln!(text, "  {} ({})", district.in_words(), counts(lines.iter().copied()));
            for line in lines {
                let since =
                    line.standing.since.map(|since| format!(" since {}", local(since, zone))).unwrap_or_default();
                let late = match (line.in_time, line.standing.is_settled()) {
                    // who is excused afterwards owes nothing, and was not in time all the same (S5)
                    (Some(false), true) if !matches!(line.standing.state, ReceiptState::Excused { .. }) => ", late",
                    (Some(false), false) => ", overdue",
                    _ => "",
                };
                let details = match &line.standing.state {
                    ReceiptState::Partial { .. } => format!(", missing: {}", line.missing.join(", ")),
                    ReceiptState::Extended { until, reason } => format!(", until {until}: {reason}"),
                    ReceiptState::Excused { reason } | ReceiptState::Exempt { reason } => format!(": {reason}"),
                    _ => String::new(),
                };
                let state = line.standing.state.as_str();
                let _ = writeln!(text, "    {:<9} {} [{}]{since}{late}{details}", state, line.name, line.id);
            }
        }
        if !duty.not_owing.is_empty() {
            let _ = writeln!(text, "  owing no report ({})", duty.not_owing.len());
        }
        for one in &duty.not_owing {
            let by = one.reporter.as_ref().map(|(id, name)| format!(": {name} [{id}] reports for it"));
            let _ = writeln!(text, "    {} [{}]{}", one.name, one.id, by.unwrap_or_default());
        }
    }
    text.trim_end().to_owned()
}

fn counts<'a>(lines: impl IntoIterator<Item = &'a AuthorityStatus>) -> String {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for line in lines {
        let word = line.standing.state.as_str();
        let place = ReceiptState::WORDS.iter().position(|known| *known == word).unwrap_or_default();
        *counts.entry(place).or_default() += 1;
    }
    let words: Vec<String> =
        counts.iter().map(|(place, count)| format!("{count} {}", ReceiptState::WORDS[*place])).collect();
    if words.is_empty() { "nobody".to_owned() } else { words.join(", ") }
}

fn local(instant: DateTime<Utc>, zone: chrono_tz::Tz) -> String {
    instant.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
}
