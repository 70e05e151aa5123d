//! Tells what a simulated month looked like. Never leaves out what went wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chrono::NaiveDate;

use crate::daemon::Charter;
use crate::daemon::event::{Event, What};
use crate::daemon::scenario::{Action, Fate, Fault, Scenario};
use crate::domain::dates::{day_in_words, local_date};
use crate::domain::duty::DeadlineRule;
use crate::domain::request::ReceiptRequest;
use crate::domain::standing::standing_now;
use crate::domain::window::Verdict;
use crate::domain::{AuthorityId, Month, NoticeKind, Receipt, ReceiptState, cycle};
use crate::store::Store;

use super::wrapped;

/// Collects events and tells them day by day.
pub(super) struct Story {
    charter: Charter,
    /// By local day and place in it.
    groups: BTreeMap<(NaiveDate, usize), Group>,
    order: usize,
    totals: BTreeMap<&'static str, usize>,
}

/// What one step did on one day.
struct Group {
    what: What,
    kind: NoticeKind,
    duty: String,
    month: Month,
    time: String,
    step: String,
    mails: usize,
    authorities: BTreeSet<AuthorityId>,
    offices: BTreeSet<String>,
    reason: Option<String>,
}

impl Story {
    pub(super) fn new(charter: Charter) -> Self {
        Self { charter, groups: BTreeMap::new(), order: 0, totals: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, event: &Event) {
        let local = event.at.with_timezone(&self.charter.settings.rulebook.zone);
        let (day, time) = (local.date_naive(), local.format("%H:%M").to_string());
        let duty = event.duty.as_deref().unwrap_or("-").to_owned();
        *self.totals.entry(event.what.as_str()).or_default() += 1;
        // repeated tries of a day are one line; everything else is told by the minute
        let fits = |group: &&mut Group| {
            (group.what, group.kind, &group.duty, group.month, &group.step)
                == (event.what, event.kind, &duty, event.month, &event.step)
                && (group.time == time || event.what == What::Retry)
        };
        let group = self.groups.range_mut((day, 0)..=(day, usize::MAX)).map(|(_, group)| group).find(fits);
        let group = match group {
            Some(group) => group,
            None => {
                self.order += 1;
                let reason = event.reason.clone().filter(|_| event.what != What::Sent);
                self.groups.entry((day, self.order)).or_insert(Group {
                    what: event.what,
                    kind: event.kind,
                    duty,
                    month: event.month,
                    time,
                    step: event.step.clone(),
                    mails: 0,
                    authorities: BTreeSet::new(),
                    offices: BTreeSet::new(),
                    reason,
                })
            }
        };
        group.mails += 1;
        match &event.office {
            Some(office) => {
                group.offices.insert(office.to_string());
            }
            None => group.authorities.extend(event.authorities.iter().cloned()),
        }
    }

    /// The whole story: the dates and their reasons, the month day by day, and how it ended.
    pub(super) async fn tell(&self, scenario: &Scenario, store: &Store) -> anyhow::Result<String> {
        let mut text = String::new();
        let settings = &self.charter.settings;
        let zone = settings.rulebook.zone;
        let month = Month::of(scenario.from.date());
        let _ = writeln!(
            text,
            "{}: {} authorities, {} mailboxes, simulated from {} to {}\n",
            month.in_words(),
            settings.roster.authorities().len(),
            settings.roster.contacts().len(),
            scenario.from.date(),
            scenario.until.date()
        );
        self.tell_deadlines(&mut text, month)?;
        self.tell_days(&mut text, scenario);
        self.tell_ending(&mut text, month, store, local_date_of(scenario, zone)).await?;
        Ok(text)
    }

    fn tell_deadlines(&self, text: &mut String, month: Month) -> anyhow::Result<()> {
        let rulebook = &self.charter.settings.rulebook;
        let _ = writeln!(text, "WHY THE DEADLINES ARE WHAT THEY ARE");
        for duty in &rulebook.duties {
            let deadline = cycle::deadline(rulebook, duty, month, None)?;
            let _ = writeln!(
                text,
                "  {} for {}: {}",
                duty.title,
                duty.period_of(month).in_words(),
                day_in_words(deadline.ends_on)
            );
            if duty.follows_import() {
                let _ = writeln!(
                    text,
                    "    import {}, which is not counted (§ 187 Abs. 1 BGB)",
                    day_in_words(deadline.import_on)
                );
            }
            if let DeadlineRule::DayOfMonth { day, .. } = duty.deadline {
                let _ = writeln!(text, "    day {day} of the month");
            }
            let mut counted = Vec::new();
            for day in cycle::derivation(duty, month, &deadline)? {
                let date = day.date.format("%d.%m.").to_string();
                counted.push(match day.verdict {
                    Verdict::Counts(number) => format!("{date} = {number}"),
                    Verdict::Skipped(why) => format!("{date} {why}"),
                });
            }
            let _ = writeln!(text, "{}", wrapped(&counted.join(", "), "    "));
            if let Some(sentence) = cycle::free_day_sentence(duty, month, &deadline) {
                let _ = writeln!(text, "{}", wrapped(&sentence, "    "));
            }
        }
        let _ = writeln!(text);
        Ok(())
    }

    fn tell_days(&self, text: &mut String, scenario: &Scenario) {
        let _ = writeln!(text, "WHAT HAPPENED");
        let mut days: BTreeSet<NaiveDate> = self.groups.keys().map(|(day, _)| *day).collect();
        days.extend(scenario.lines.iter().map(|line| line.at.date()));
        for day in days {
            let _ = writeln!(text, "  {}", day_in_words(day));
            let mut lines: Vec<(String, String)> = reports_of(&self.charter, scenario, day);
            let events = self.groups.range((day, 0)..=(day, usize::MAX)).map(|(_, group)| group);
            lines.extend(events.map(|group| (group.time.clone(), self.group_in_words(group))));
            lines.sort_by(|left, right| left.0.cmp(&right.0));
            for (time, words) in lines {
                let words = wrapped(&words, "           ");
                let _ = writeln!(text, "    {time}  {}", words.trim_start());
            }
        }
        let _ = writeln!(text);
    }

    fn group_in_words(&self, group: &Group) -> String {
        let mails = format!("{} {}", group.mails, if group.mails == 1 { "mail" } else { "mails" });
        let reason = group.reason.as_deref().unwrap_or_default();
        let about = if group.kind == NoticeKind::ZrkNotice {
            "service".to_owned()
        } else {
            format!("{} {}", group.duty, group.month)
        };
        match group.what {
            What::Sent => format!("{about}: {} sent, {mails} to {}", group.step_in_words(), self.readers(group)),
            What::Withdrawn => {
                format!("{about}: {} not sent to {}: {reason}", group.step_in_words(), self.readers(group))
            }
            What::Retry => format!(
                "{about}: {} to {} refused for now and tried again ({} times): {reason}",
                group.step_in_words(),
                self.readers(group),
                group.mails
            ),
            What::Skipped => format!("{about}: {} skipped: {reason}", group.step_in_words()),
            what => {
                format!("{about}: {} {} for {}: {reason}", group.step_in_words(), what.as_str(), self.readers(group))
            }
        }
    }

    fn readers(&self, group: &Group) -> String {
        const NAMES_MAX: usize = 4; // more are not read in a line
        let roster = &self.charter.settings.roster;
        let names: Vec<&str> = group
            .authorities
            .iter()
            .filter_map(|id| roster.authority(id))
            .map(|authority| authority.name.as_str())
            .collect();
        let mut readers = match names.len() {
            0 => Vec::new(),
            count if count <= NAMES_MAX => vec![names.join(", ")],
            count if count == roster.authorities().len() => vec![format!("all {count} authorities")],
            count => vec![format!("{count} authorities")],
        };
        readers
            .extend((!group.offices.is_empty()).then(|| group.offices.iter().cloned().collect::<Vec<_>>().join(", ")));
        readers.join(" and ")
    }

    async fn tell_ending(
        &self,
        text: &mut String,
        month: Month,
        store: &Store,
        today: NaiveDate,
    ) -> anyhow::Result<()> {
        let settings = &self.charter.settings;
        let rulebook = &settings.rulebook;
        let now = crate::domain::dates::end_of_day(rulebook.zone, today);
        let _ = writeln!(text, "HOW IT ENDED");
        let mut tx = store.read().await?;
        for duty in &rulebook.duties {
            let receipts = tx.receipts(month, &duty.id).await?;
            let dates = tx.date_facts(month, &duty.id).await?;
            let computed = cycle::deadline(rulebook, duty, month, dates.signal.as_ref())?;
            let (_, deadline) = cycle::in_force(&dates.revisions, computed);
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            let mut missing = Vec::new();
            for authority in settings.roster.owing(deadline.ends_on) {
                let none: Vec<Receipt> = Vec::new();
                let standing = standing_now(receipts.get(&authority.id).unwrap_or(&none), now, rulebook.zone);
                *counts.entry(standing.state.as_str()).or_default() += 1;
                if !standing.is_settled() {
                    missing.push(authority.name.as_str());
                }
            }
            let words: Vec<String> = ReceiptState::WORDS
                .iter()
                .filter_map(|word| counts.get(word).map(|count| format!("{count} {word}")))
                .collect();
            let _ = writeln!(text, "  {} {month}: {}", duty.id, words.join(", "));
            if !missing.is_empty() {
                let _ = writeln!(text, "{}", wrapped(&format!("still missing: {}", missing.join(", ")), "    "));
            }
        }
        let totals: Vec<String> = self.totals.iter().map(|(what, count)| format!("{count} {what}")).collect();
        let _ = writeln!(text, "  mails and tries: {}", totals.join(", "));
        Ok(())
    }
}

impl Group {
    fn step_in_words(&self) -> String {
        match self.kind {
            NoticeKind::ZrkNotice => "notice to the ZRK".to_owned(),
            NoticeKind::AllClear => "all-clear".to_owned(),
            _ => self.step.clone(),
        }
    }
}

fn local_date_of(scenario: &Scenario, zone: chrono_tz::Tz) -> NaiveDate {
    local_date(crate::domain::dates::instant(zone, scenario.until), zone)
}

/// What people did on a day: routine reports as counts by duty, everything else line by line.
fn reports_of(charter: &Charter, scenario: &Scenario, day: NaiveDate) -> Vec<(String, String)> {
    let mut routine: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    let mut lines = Vec::new();
    let name =
        |id: &str| charter.settings.roster.authority(id).map_or_else(|| id.to_owned(), |known| known.name.clone());
    for line in scenario.lines.iter().filter(|line| line.at.date() == day) {
        let words = match &line.action {
            Action::Record(request) if matches!(request.state.as_str(), "complete" | "nil") => {
                *routine.entry(&request.duty).or_default().entry(&request.state).or_default() += 1;
                continue;
            }
            Action::Record(request) => format!("{}: {} {}", request.duty, name(&request.authority), words_of(request)),
            Action::EndArrangement(request) => {
                format!("{}: {}: what was arranged is ended", request.duty, name(&request.authority))
            }
            Action::Imported { month, on } => format!("data import of {month} signalled for {on}"),
            Action::Import { file, .. } => format!("list {} imported", file.display()),
            Action::Stop => "(the daemon stops)".to_owned(),
            Action::Start => "(the daemon starts again)".to_owned(),
            Action::Pause => "(sending is paused)".to_owned(),
            Action::Resume => "(sending goes on)".to_owned(),
            Action::Release => "(held notices are released)".to_owned(),
            Action::Discard => "(held notices are discarded)".to_owned(),
            Action::Bounce { fate: Fate::Hard, target } => {
                format!("(the newest mail to {} comes back for good)", name(target))
            }
            Action::Bounce { fate: Fate::Soft, target } => {
                format!("(the newest mail to {} comes back: mailbox full)", name(target))
            }
            Action::Clear { target } => format!("(the mailboxes of {} are cleared)", name(target)),
            Action::Files(folder) => format!("(settings change to {})", folder.display()),
            Action::Smtp { fault, target, until } => {
                let whom = target.as_deref().map_or_else(|| "everybody".to_owned(), name);
                let until = until.map(|until| format!(" until {}", until.format("%H:%M"))).unwrap_or_default();
                format!("(the relay {} {whom}{until})", fault_in_words(*fault))
            }
        };
        lines.push((line.at.format("%H:%M").to_string(), words));
    }
    for (duty, counts) in routine {
        let words: Vec<String> = [("complete", "reported"), ("nil", "reported nil")]
            .into_iter()
            .filter_map(|(state, words)| counts.get(state).map(|count| format!("{count} {words}")))
            .collect();
        lines.push(("     ".to_owned(), format!("{duty}: {}", words.join(", "))));
    }
    lines
}

fn fault_in_words(fault: Fault) -> String {
    match fault {
        Fault::Refuse(code) if code < 500 => format!("refuses for now, {code}, mails for"),
        Fault::Refuse(code) => format!("refuses for good, {code}, mails for"),
        Fault::BreakAfterData => "loses the connection after the next mail for".to_owned(),
        Fault::Down => "is not to be reached for".to_owned(),
    }
}

fn words_of(request: &ReceiptRequest) -> String {
    match request.state.as_str() {
        "partial" => format!("reported in part; missing: {}", request.missing.join(", ")),
        "missing" => "took the report back".to_owned(),
        state => {
            format!("{state}{}", request.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default())
        }
    }
}
