//! What `fristd check --diff` shows: what files change against what the service took, and what follows. Never takes them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::daemon::foresee::{Foresight, foresee};
use crate::daemon::{Charter, taken};
use crate::domain::dates::{day_in_words, instant_in_words};
use crate::domain::plan::CyclePlan;
use crate::domain::roster_diff::{Change, Subject, difference};
use crate::domain::{Alert, Month, NewNotice, NoticeKind, Revision};
use crate::store::Store;

use super::{counted, wrapped};

/// The difference between files and what the running service last took, with its consequences.
pub(super) struct Difference {
    zone: Tz,
    /// When the service took what is compared with; none if it never took anything.
    taken_at: Option<DateTime<Utc>>,
    roster: Vec<Change>,
    rules: Vec<String>,
    /// Deadlines that the next tick would correct.
    corrected: Vec<(Month, String, Revision)>,
    told: Vec<Group>,
    withdrawn: Vec<Group>,
    alerts: Vec<Alert>,
}

/// Notices of one step that meet the same fate.
struct Group {
    key: GroupKey,
    mailboxes: usize,
    authorities: BTreeSet<String>,
    offices: BTreeSet<String>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct GroupKey {
    kind: NoticeKind,
    month: Month,
    duty: String,
    step: String,
    revision: u32,
    /// Why they are held or withdrawn.
    reason: Option<String>,
}

impl Difference {
    /// Compares and plans; writes nothing.
    pub(super) async fn of(store: &Store, charter: &Charter, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let before = store.read().await?.taken_roster().await?;
        let outline = taken::outline(charter, now)?;
        let Foresight { plans, alerts, withdrawn } = foresee(store, charter, now).await?;
        let correction = |plan: &CyclePlan| {
            let revision = plan.freeze.clone().filter(|revision| revision.number > 1)?;
            Some((plan.month, plan.duty.to_string(), revision))
        };
        let told = plans.iter().flat_map(|plan| &plan.queue).map(|new| (new, new.hold.clone()));
        let withdrawn = withdrawn.iter().map(|(notice, reason)| (notice, Some(reason.clone())));
        Ok(Self {
            zone: charter.settings.rulebook.zone,
            taken_at: before.as_ref().map(|taken| taken.taken_at),
            roster: before.iter().flat_map(|taken| difference(&taken.roster, &charter.settings.roster)).collect(),
            rules: before.iter().flat_map(|taken| taken.outline.difference(&outline)).collect(),
            corrected: plans.iter().filter_map(correction).collect(),
            told: groups(told),
            withdrawn: groups(withdrawn),
            alerts,
        })
    }

    pub(super) fn as_json(&self) -> Value {
        let change = |change: &Change| {
            let (name, mailbox) = match &change.subject {
                Subject::Authority { name, .. } | Subject::Office { name, .. } => (Some(name), None),
                Subject::Mailbox { mailbox, .. } => (None, Some(mailbox.as_str())),
            };
            json!({
                "what": change.subject.as_str(), "turn": change.turn.as_str(), "id": change.subject.id(), "name": name,
                "mailbox": mailbox, "details": change.details,
            })
        };
        let corrected = |(month, duty, revision): &(Month, String, Revision)| {
            json!({
                "month": month.to_string(), "duty": duty, "revision": revision.number, "reason": revision.reason,
                "stated_on": revision.deadline.stated_on, "ends_on": revision.deadline.ends_on,
            })
        };
        let alert = |alert: &Alert| json!({ "headline": alert.headline, "detail": alert.detail });
        let taken_at = self.taken_at.map(|at| at.with_timezone(&self.zone).to_rfc3339_opts(SecondsFormat::Secs, false));
        json!({
            "taken_at": taken_at,
            "roster": self.roster.iter().map(change).collect::<Vec<_>>(),
            "rules": self.rules,
            "corrected": self.corrected.iter().map(corrected).collect::<Vec<_>>(),
            "told": self.told.iter().map(Group::as_json).collect::<Vec<_>>(),
            "withdrawn": self.withdrawn.iter().map(Group::as_json).collect::<Vec<_>>(),
            "reported": self.alerts.iter().map(alert).collect::<Vec<_>>(),
        })
    }

    pub(super) fn in_words(&self) -> String {
        let mut lines = Vec::new();
        match self.taken_at {
            None => lines.push("the service has not taken any files yet; everything is new to it".to_owned()),
            Some(at) => {
                lines.push(format!("compared with what the service took on {}:", instant_in_words(at, self.zone)));
                let changes = self.roster.iter().map(ToString::to_string).chain(self.rules.iter().cloned());
                let changes: Vec<String> = changes.map(|change| wrapped(&change, "  ")).collect();
                lines.extend(if changes.is_empty() { vec!["  nothing differs".to_owned()] } else { changes });
            }
        }
        lines.push("at the next tick:".to_owned());
        let mut consequences = Vec::new();
        for (month, duty, revision) in &self.corrected {
            let (deadline, reason) = (revision.deadline, revision.reason.as_deref().unwrap_or("-"));
            let ends = match deadline.stated_on == deadline.ends_on {
                true => String::new(),
                false => format!(", ending {}", day_in_words(deadline.ends_on)),
            };
            let stated = day_in_words(deadline.stated_on);
            consequences.push(format!("would be corrected: {duty} {month} to {stated}{ends} ({reason})"));
        }
        for group in &self.told {
            consequences.push(match &group.key.reason {
                None => format!("would be told: {}", group.in_words()),
                Some(reason) => format!("would be held: {}: {reason}", group.in_words()),
            });
        }
        for group in &self.withdrawn {
            let reason = group.key.reason.as_deref().unwrap_or("-");
            consequences.push(format!("would be withdrawn: {}: {reason}", group.in_words()));
        }
        for alert in &self.alerts {
            consequences.push(format!("would be reported to the ZRK: {}. {}", alert.headline, alert.detail));
        }
        if consequences.is_empty() {
            consequences.push("nobody would be told anything, and nothing withdrawn".to_owned());
        }
        lines.extend(consequences.iter().map(|line| wrapped(line, "  ")));
        lines.join("\n")
    }
}

/// Puts notices of one step together, in the order of their kind and month.
fn groups<'a>(notices: impl Iterator<Item = (&'a NewNotice, Option<String>)>) -> Vec<Group> {
    let mut groups: BTreeMap<GroupKey, Group> = BTreeMap::new();
    for (notice, reason) in notices {
        let key = GroupKey {
            kind: notice.kind,
            month: notice.month,
            duty: notice.duty.as_deref().unwrap_or("-").to_owned(),
            step: notice.step.clone(),
            revision: notice.revision,
            reason,
        };
        let empty = |key| Group { key, mailboxes: 0, authorities: BTreeSet::new(), offices: BTreeSet::new() };
        let group = groups.entry(key.clone()).or_insert_with(|| empty(key));
        group.mailboxes += 1;
        match &notice.office {
            Some(office) => _ = group.offices.insert(office.to_string()),
            None => group.authorities.extend(notice.authorities.iter().map(ToString::to_string)),
        }
    }
    groups.into_values().collect()
}

impl Group {
    fn as_json(&self) -> Value {
        let GroupKey { kind, month, duty, step, revision, reason } = &self.key;
        json!({
            "kind": kind.as_str(), "month": month.to_string(), "duty": duty, "step": step, "revision": revision,
            "mailboxes": self.mailboxes, "authorities": self.authorities, "offices": self.offices, "reason": reason,
        })
    }

    /// `reminder-5 planning 2026-12 to 3 mailboxes of abh-05113-essen`.
    fn in_words(&self) -> String {
        const IDS_MAX: usize = 6; // more are not read in a line
        let GroupKey { month, duty, step, .. } = &self.key;
        let count = match self.mailboxes {
            1 => "1 mailbox".to_owned(),
            count => format!("{count} mailboxes"),
        };
        let mut whose = Vec::new();
        if self.authorities.len() > IDS_MAX {
            whose.push(format!("{} authorities", self.authorities.len()));
        } else {
            whose.extend(self.authorities.iter().cloned());
        }
        if self.offices.len() > IDS_MAX {
            whose.push(counted(self.offices.len(), "office"));
        } else {
            whose.extend(self.offices.iter().cloned());
        }
        format!("{step} {duty} {month} to {count} of {}", whose.join(", "))
    }
}
