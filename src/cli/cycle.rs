//! `fristd cycle imported`: signals the data import (F1). Never moves a deadline that was announced.

use chrono::NaiveDate;
use clap::{Args, Subcommand};

use crate::domain::dates::{day_in_words, local_date};
use crate::domain::request::{Asker, import_signal, month};
use crate::domain::{cycle, rulebook::Rulebook};

use super::{Ending, Shell, actor, print_line};

/// Signals what happened to a cycle.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fristd cycle imported 2026-12 --on 2026-12-03")]
pub(super) struct Cycle {
    #[command(subcommand)]
    command: CycleCommand,
}

#[derive(Debug, Subcommand)]
enum CycleCommand {
    /// Signals that data were imported into APS; this opens the planning window.
    ///
    /// A deadline that was announced already is not moved by it: that takes `correction = "reason"` in cycles.toml.
    #[command(after_help = "Example:\n  fristd cycle imported 2026-12 --on 2026-12-03")]
    Imported {
        /// The cycle, as YYYY-MM.
        month: String,
        /// The import date; today if left out.
        #[arg(long, value_name = "DATE", value_parser = super::date)]
        on: Option<NaiveDate>,
    },
}

impl Cycle {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        let CycleCommand::Imported { month: text, on } = self.command;
        let charter = shell.charter()?;
        let rulebook = &charter.settings.rulebook;
        let now = shell.clock.now();
        let store = shell.store(&charter).await?;
        let mut tx = store.write().await?;
        let first = tx.service().await?.first_cycle;
        let month = month(rulebook, &text, first, now)?;
        let actor = actor();
        let on = on.unwrap_or_else(|| local_date(now, rulebook.zone));
        let signal = import_signal(month, on, Asker { source: "manual", actor: &actor, now })?;
        tx.record_import(&signal).await?;
        let mut lines = vec![format!("cycle {month}: data import recorded for {}", day_in_words(on))];
        for duty in rulebook.duties.iter().filter(|duty| duty.follows_import()) {
            let facts = tx.date_facts(month, &duty.id).await?;
            let computed = cycle::deadline(rulebook, duty, month, Some(&signal))?;
            lines.push(match facts.revisions.last() {
                Some(told)
                    if (told.deadline.stated_on, told.deadline.ends_on) != (computed.stated_on, computed.ends_on) =>
                {
                    deviation(rulebook, month, &duty.id, told, &computed)
                }
                _ => format!("{}: deadline {}", duty.id, day_in_words(computed.ends_on)),
            });
        }
        tx.commit().await?;
        print_line(&lines.join("\n"))?;
        Ok(Ending::Done)
    }
}

fn deviation(
    rulebook: &Rulebook,
    month: crate::domain::Month,
    duty: &str,
    told: &crate::domain::Revision,
    computed: &crate::domain::Deadline,
) -> String {
    let reason = rulebook.entries.get(&month).and_then(|entry| entry.correction.as_ref());
    let counts = reason.is_some() && reason != told.reason.as_ref(); // a reason counts once
    let (told, computed) = (day_in_words(told.deadline.ends_on), day_in_words(computed.ends_on));
    if counts {
        return format!("{duty}: the announced deadline {told} will be corrected to {computed}; everybody is told");
    }
    format!(
        "{duty}: {told} was announced and stays in force, though {computed} would follow from this import; to change it, \
         write `correction = \"reason\"` into the month's entry in cycles.toml"
    )
}
