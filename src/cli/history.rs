//! `fristd status --history`: the receipts of one authority in words, with the standing after each (S4). Never changes anything.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::daemon::Charter;
use crate::domain::chronicle::{Entry, Happened, chronicle};
use crate::domain::dates::day_in_words;
use crate::domain::request::known_authority;
use crate::domain::{Deadline, Duty, Month, Receipt, ReceiptState, Standing, cycle};
use crate::store::Tx;

use super::{Ending, print_json, print_line};

/// What is asked of whom.
pub(super) struct HistoryQuestion<'a> {
    pub(super) authority: &'a str,
    /// All cycles if left out.
    pub(super) month: Option<Month>,
    /// All duties if left out.
    pub(super) duty: Option<&'a Duty>,
    /// As it was known at an instant of the past.
    pub(super) past: Option<DateTime<Utc>>,
    pub(super) now: DateTime<Utc>,
    pub(super) json: bool,
}

struct CycleHistory<'a> {
    month: Month,
    duty: &'a Duty,
    deadline: Deadline,
    entries: Vec<Entry>,
}

/// Tells it.
pub(super) async fn tell(tx: &mut Tx, charter: &Charter, question: HistoryQuestion<'_>) -> anyhow::Result<Ending> {
    let (rulebook, roster) = (&charter.settings.rulebook, &charter.settings.roster);
    let zone = rulebook.zone;
    let mut histories = Vec::new();
    for (month, duty) in tx.cycles_with_receipts_of(question.authority).await? {
        let is_wanted =
            question.month.is_none_or(|wanted| wanted == month) && question.duty.is_none_or(|wanted| wanted.id == duty);
        let Some(duty) = rulebook.duty(&duty).filter(|_| is_wanted) else { continue };
        let mut dates = tx.date_facts(month, &duty.id).await?;
        if let Some(past) = question.past {
            dates = dates.as_known_at(past);
        }
        let computed = cycle::deadline(rulebook, duty, month, dates.signal.as_ref())?;
        let (_, deadline) = cycle::in_force(&dates.revisions, computed);
        let mut receipts = tx.receipts_of(month, &duty.id, question.authority).await?;
        receipts.retain(|receipt| question.past.is_none_or(|past| receipt.received_at <= past));
        let entries = chronicle(&receipts, deadline.ends_on, question.past.unwrap_or(question.now), zone);
        if !entries.is_empty() {
            histories.push(CycleHistory { month, duty, deadline, entries });
        }
    }
    let known = roster.authority(question.authority);
    if known.is_none() && histories.is_empty() {
        known_authority(roster, question.authority)?; // says what is near
    }
    let name = known.map_or("(not in the roster)", |authority| &authority.name);
    if question.json {
        let cycles: Vec<Value> = histories.iter().map(|history| as_json(history, zone)).collect();
        print_json(&json!({ "authority": question.authority, "name": name, "cycles": cycles }))?;
    } else {
        print_line(&format!("{name} [{}]", question.authority))?;
        for history in &histories {
            print_line(&in_words(history, zone))?;
        }
        if histories.is_empty() {
            print_line("nothing was recorded")?;
        }
    }
    Ok(if histories.is_empty() { Ending::NothingMatched } else { Ending::Done })
}

fn in_words(history: &CycleHistory<'_>, zone: Tz) -> String {
    let CycleHistory { month, duty, deadline, entries } = history;
    let mut lines = vec![format!(
        "\n{} {month}, about {}, deadline {}",
        duty.id,
        duty.period_of(*month),
        day_in_words(deadline.ends_on)
    )];
    for entry in entries {
        let what = match &entry.what {
            Happened::Recorded(receipt) => receipt_in_words(receipt, zone),
            Happened::ExtensionRanOut { until } => format!("the extension until {until} has run out"),
        };
        lines.push(format!("  {}  {what}", local(entry.at, zone)));
        lines.push(format!("    {:<14}→ {}", "", standing_in_words(&entry.standing, entry.in_time, zone)));
    }
    lines.join("\n")
}

/// What a receipt says, why, from where and by whom.
fn receipt_in_words(receipt: &Receipt, zone: Tz) -> String {
    let details = match &receipt.state {
        ReceiptState::Partial { missing } => format!(", missing: {}", missing.join(", ")),
        ReceiptState::Extended { until, .. } => format!(" until {until}"),
        _ => String::new(),
    };
    let why = receipt.why().map(|why| format!(": {why}")).unwrap_or_default();
    let reported = match receipt.reported_at {
        at if at == receipt.received_at => String::new(),
        at => format!(", reported {}", local(at, zone)),
    };
    format!("{}{details}{why}; by {}, {}{reported}", receipt.state.as_str(), receipt.actor, receipt.source)
}

fn standing_in_words(standing: &Standing, in_time: Option<bool>, zone: Tz) -> String {
    let since = standing.since.map(|since| format!(" since {}", local(since, zone))).unwrap_or_default();
    let punctuality = match (in_time, standing.is_settled()) {
        (Some(true), true) => ", in time",
        (Some(false), true) => ", late",
        (Some(false), false) => ", overdue",
        _ => "",
    };
    format!("{}{since}{punctuality}", standing.state.as_str())
}

fn as_json(history: &CycleHistory<'_>, zone: Tz) -> Value {
    let instant = |at: DateTime<Utc>| at.with_timezone(&zone).to_rfc3339();
    let entry = |entry: &Entry| {
        let mut line = json!({
            "at": instant(entry.at), "standing": entry.standing.state.as_str(),
            "since": entry.standing.since.map(instant), "in_time": entry.in_time,
        });
        let facts = match &entry.what {
            Happened::Recorded(receipt) => json!({
                "event": "receipt", "state": receipt.state.as_str(), "why": receipt.why(), "source": receipt.source,
                "actor": receipt.actor, "reported_at": instant(receipt.reported_at),
                "missing": match &receipt.state { ReceiptState::Partial { missing } => json!(missing), _ => json!([]) },
                "until": match receipt.state { ReceiptState::Extended { until, .. } => Some(until), _ => None },
            }),
            Happened::ExtensionRanOut { until } => json!({ "event": "extension-ran-out", "until": until }),
        };
        if let (Value::Object(line), Value::Object(facts)) = (&mut line, facts) {
            line.extend(facts);
        }
        line
    };
    json!({
        "month": history.month.to_string(), "duty": &*history.duty.id, "stated_on": history.deadline.stated_on,
        "ends_on": history.deadline.ends_on, "entries": history.entries.iter().map(entry).collect::<Vec<_>>(),
    })
}

fn local(instant: DateTime<Utc>, zone: Tz) -> String {
    instant.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
}
