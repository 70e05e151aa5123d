//! `fristd explain`: the derivation of a deadline, day by day (F6). Never needs a database.

use std::fmt::Write;

use chrono::NaiveDate;
use clap::Args;
use serde_json::{Value, json};

use crate::domain::calendar::Calendar;
use crate::domain::cycle::{deadline, derivation, free_day_sentence};
use crate::domain::dates::{day_in_words, local_date};
use crate::domain::deadline::Deadline;
use crate::domain::duty::{DeadlineRule, Duty, OnFreeDay};
use crate::domain::request;
use crate::domain::window::{self, DerivedDay, Verdict, WORKING_DAYS_MAX};
use crate::domain::{Month, Rulebook};
use crate::settings::{shipped_calendar, shipped_calendar_names};

use super::{Ending, Shell, WrongInput, print_json, print_line, wrapped};

/// Shows how a deadline comes about, day by day.
///
/// With --import, --calendar and --working-days it needs no settings at all. What was announced and is frozen stands in
/// `fristd status`; this shows what the settings give.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fristd explain 2026-12\n  \
    fristd explain 2026-12 --duty planning --import 2026-12-03\n  \
    fristd explain --import 2026-12-17 --calendar nrw --working-days 10")]
pub(super) struct Explain {
    /// The cycle, as YYYY-MM; this month if left out.
    month: Option<String>,
    /// Only this duty.
    #[arg(long)]
    duty: Option<String>,
    /// Reckon with this import date.
    #[arg(long, value_name = "DATE", value_parser = super::date)]
    import: Option<NaiveDate>,
    /// Reckon with this calendar: nrw, nrw-werktage, nrw-verwaltung, or one of your own.
    #[arg(long, value_name = "NAME")]
    calendar: Option<String>,
    /// Reckon with so many working days, 1 to 250.
    #[arg(long, value_name = "N", requires = "import", value_parser = clap::value_parser!(u32).range(1..=i64::from(WORKING_DAYS_MAX)))]
    working_days: Option<u32>,
    /// Count the import day, if it is a working day.
    #[arg(long, requires = "working_days")]
    count_import_day: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// One explained deadline.
struct Explained {
    duty: Option<(String, String, Month)>,
    rule: String,
    import_why: Option<&'static str>,
    deadline: Deadline,
    calendar: Calendar,
    days: Vec<DerivedDay>,
    note: Option<String>,
}

impl Explain {
    pub(super) fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        let needs_settings = self.month.is_some() || self.duty.is_some();
        let explained = match (self.import, &self.calendar, self.working_days) {
            (Some(import), Some(calendar), Some(working_days)) if !needs_settings => {
                vec![self.free_standing(import, calendar, working_days)?]
            }
            _ => self.by_settings(shell)?,
        };
        if self.json {
            let mut values: Vec<Value> = explained.iter().map(as_json).collect();
            print_json(&if values.len() == 1 { values.remove(0) } else { Value::Array(values) })?;
        } else {
            let texts: Vec<String> = explained.iter().map(in_words).collect();
            print_line(texts.join("\n").trim_end())?;
        }
        Ok(Ending::Done)
    }

    fn free_standing(&self, import: NaiveDate, calendar: &str, working_days: u32) -> anyhow::Result<Explained> {
        let calendar = shipped(calendar)?;
        let last = window::last_day(&calendar, import, working_days, self.count_import_day)?;
        let days = window::derive(&calendar, import, working_days, self.count_import_day)?;
        let deadline = Deadline { import_on: import, stated_on: last, ends_on: last };
        let rule = rule_in_words(DeadlineRule::Window { working_days, count_import_day: self.count_import_day });
        let import_why = Some(import_in_words(self.count_import_day));
        Ok(Explained { duty: None, rule, import_why, deadline, calendar, days, note: None })
    }

    fn by_settings(&self, shell: &Shell) -> anyhow::Result<Vec<Explained>> {
        let charter = shell.charter()?;
        let mut rulebook = charter.settings.rulebook.clone();
        let today = local_date(shell.clock.now(), rulebook.zone);
        let month = match (&self.month, self.import) {
            (Some(month), _) => Month::parse(month).map_err(|cause| WrongInput(cause.to_string()))?,
            (None, Some(import)) => Month::of(import),
            (None, None) => Month::of(today),
        };
        if let Some(import) = self.import {
            if !month.contains(import) {
                let words = format!("import date {import}: lies in the wrong month; accepted: a day of {month}");
                return Err(WrongInput(words).into());
            }
            let entry = rulebook.entries.entry(month).or_default();
            entry.import_on = Some(import);
            entry.own_dates.clear();
        }
        if let Some(name) = &self.calendar {
            let calendar = match charter.settings.calendars.get(name) {
                Some(calendar) => calendar.clone(),
                None => std::sync::Arc::new(shipped(name)?),
            };
            rulebook.duties.iter_mut().for_each(|duty| duty.calendar = calendar.clone());
        }
        if let Some(days) = self.working_days {
            for duty in &mut rulebook.duties {
                if let DeadlineRule::Window { working_days, count_import_day } = &mut duty.deadline {
                    *working_days = days;
                    *count_import_day |= self.count_import_day;
                }
            }
        }
        let duties: Vec<&Duty> = match &self.duty {
            Some(id) => vec![request::duty(&rulebook, id)?],
            None => rulebook.duties.iter().collect(),
        };
        duties.into_iter().map(|duty| explain(&rulebook, duty, month)).collect()
    }
}

fn explain(rulebook: &Rulebook, duty: &Duty, month: Month) -> anyhow::Result<Explained> {
    let deadline = deadline(rulebook, duty, month, None)?;
    let own_date = rulebook.entries.get(&month).and_then(|entry| entry.own_dates.get(&duty.id));
    let import_why = match duty.deadline {
        DeadlineRule::Window { count_import_day, .. } => Some(import_in_words(count_import_day)),
        DeadlineRule::DayOfMonth { .. } => None,
    };
    let note = match own_date {
        Some(_) => Some("The ZRK set this date itself (cycles.toml).".to_owned()),
        None => free_day_sentence(duty, month, &deadline),
    };
    Ok(Explained {
        duty: Some((duty.id.to_string(), duty.title.clone(), month)),
        rule: rule_in_words(duty.deadline),
        import_why,
        deadline,
        calendar: (*duty.calendar).clone(),
        days: derivation(duty, month, &deadline)?,
        note,
    })
}

fn import_in_words(is_counted: bool) -> &'static str {
    if is_counted { "counted if it is a working day" } else { "not counted, § 187 Abs. 1 BGB" }
}

fn rule_in_words(rule: DeadlineRule) -> String {
    match rule {
        DeadlineRule::Window { working_days: 1, .. } => "1 working day after the import".to_owned(),
        DeadlineRule::Window { working_days, .. } => format!("{working_days} working days after the import"),
        DeadlineRule::DayOfMonth { day, on_free_day } => {
            let moved = match on_free_day {
                OnFreeDay::Next => "it ends with the next working day, § 31 Abs. 3 VwVfG",
                OnFreeDay::Keep => "it stays",
                OnFreeDay::Previous => "the working day before",
            };
            format!("day {day} of the month; if that is free: {moved}")
        }
    }
}

fn shipped(name: &str) -> anyhow::Result<Calendar> {
    match shipped_calendar(name) {
        Some(calendar) => Ok(calendar?),
        None => {
            let known: Vec<&str> = shipped_calendar_names().collect();
            let words = format!(
                "calendar {name:?}: there is none; known: {}; for one of your own, name the month as well",
                known.join(", ")
            );
            Err(WrongInput(words).into())
        }
    }
}

fn as_json(explained: &Explained) -> Value {
    let days: Vec<Value> = explained
        .days
        .iter()
        .map(|day| match &day.verdict {
            Verdict::Counts(number) => json!({ "date": day.date, "counts": true, "number": number }),
            Verdict::Skipped(why) => json!({ "date": day.date, "counts": false, "why": why }),
        })
        .collect();
    let Deadline { import_on, stated_on, ends_on } = explained.deadline;
    let mut value = json!({
        "import": import_on, "stated_on": stated_on, "ends_on": ends_on, "calendar": explained.calendar.name(), "days": days,
    });
    if let Some((duty, _, month)) = &explained.duty {
        value["duty"] = json!(duty);
        value["month"] = json!(month.to_string());
    }
    value
}

fn in_words(explained: &Explained) -> String {
    let mut text = String::new();
    let Deadline { import_on, stated_on, ends_on } = explained.deadline;
    if let Some((duty, title, month)) = &explained.duty {
        let _ = writeln!(text, "{duty} {month}: {title}");
    }
    let _ = writeln!(text, "  rule      {}", explained.rule);
    let _ = writeln!(text, "  calendar  {}: {}", explained.calendar.name(), explained.calendar.title());
    if let Some(why) = explained.import_why {
        let _ = writeln!(text, "  import    {} ({why})", day_in_words(import_on));
    }
    for day in &explained.days {
        let is_end = if day.date == ends_on { "   the deadline; counts to 24:00, § 188 Abs. 1 BGB" } else { "" };
        let _ = match &day.verdict {
            Verdict::Counts(number) => writeln!(text, "    {}  {number:>3}{is_end}", day.short_date()),
            Verdict::Skipped(why) => writeln!(text, "    {}    –  {why}{is_end}", day.short_date()),
        };
    }
    let _ = match stated_on == ends_on {
        true => writeln!(text, "  deadline  {}", day_in_words(ends_on)),
        false => writeln!(text, "  deadline  stated as {}, ends {}", day_in_words(stated_on), day_in_words(ends_on)),
    };
    if let Some(note) = &explained.note {
        let _ = writeln!(text, "{}", wrapped(note, "  "));
    }
    text
}
