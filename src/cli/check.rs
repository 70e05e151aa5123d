//! `fristd check`: validates everything. Never changes anything.

use clap::Args;
use serde_json::json;

use crate::daemon::{Charter, database_of};
use crate::domain::dates::{day_in_words, local_date};
use crate::domain::roster::{AuthorityKind, District};
use crate::domain::{Month, cycle};
use crate::settings::{Limits, Tls, Transport};
use crate::store::Store;

use super::difference::Difference;
use super::{Ending, Shell, print_json, print_line};

/// Validates all files and templates; prints all complaints at once, or what will run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  fristd check --config /etc/fristd/fristd.toml\n  \
                        fristd check --diff     before the service takes edited files, or after")]
pub(super) struct Check {
    /// Also show what differs from what the service last took, and who would be told what because of it.
    ///
    /// A running service takes good files by itself; to look first, edit a copy of the folder and check that one, with `data`
    /// set to the service's own.
    #[arg(long)]
    diff: bool,
    /// Print the difference as JSON.
    #[arg(long, requires = "diff")]
    json: bool,
}

impl Check {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        let charter = shell.charter()?;
        if !self.json {
            say_what_will_run(&charter, shell)?;
        }
        if self.diff {
            self.say_difference(&charter, shell).await?;
        }
        Ok(Ending::Done)
    }

    async fn say_difference(&self, charter: &Charter, shell: &Shell) -> anyhow::Result<()> {
        let database = database_of(&charter.settings.service);
        let difference = match Store::exists(&database).await? {
            true => {
                let store = Store::open_to_look(&database).await?;
                let difference = Difference::of(&store, charter, shell.clock.now()).await;
                store.close().await;
                Some(difference?)
            }
            false => None,
        };
        let warnings: Vec<String> = charter.settings.warnings.iter().map(ToString::to_string).collect();
        match (difference, self.json) {
            (Some(difference), true) => {
                let mut value = difference.as_json();
                value["warnings"] = warnings.into();
                print_json(&value)
            }
            (None, true) => print_json(&json!({ "taken_at": null, "warnings": warnings, "database": null })),
            (Some(difference), false) => print_line(&difference.in_words()),
            (None, false) => print_line(&format!(
                "{database}: there is no database yet, so there is nothing to compare with; `fristd run` makes it"
            )),
        }
    }
}

fn say_what_will_run(charter: &Charter, shell: &Shell) -> anyhow::Result<()> {
    let settings = &charter.settings;
    let (rulebook, roster) = (&settings.rulebook, &settings.roster);
    for warning in &settings.warnings {
        print_line(&format!("warning: {warning}"))?;
    }
    let count = |kind| roster.authorities().iter().filter(|authority| authority.kind == kind).count();
    let (lower, central) = (count(AuthorityKind::Abh), count(AuthorityKind::Zab));
    print_line(&format!(
        "good: {} authorities ({lower} lower, {central} central), {} offices, {} mailboxes",
        roster.authorities().len(),
        roster.offices().len(),
        roster.contacts().len()
    ))?;
    let by_district = roster.count_by_district();
    let districts: Vec<String> = District::ALL
        .iter()
        .map(|d| format!("{} {}", d.in_words(), by_district.get(d).copied().unwrap_or(0)))
        .collect();
    print_line(&format!("      {}", districts.join(", ")))?;
    print_line(&format!("mail:  {}", transport_in_words(&settings.service.transport)))?;
    print_line(&format!(
        "       on working days of {:?} from {} to {}, from {}",
        rulebook.calendar.name(),
        rulebook.sending.from.format("%H:%M"),
        rulebook.sending.until.format("%H:%M"),
        settings.service.sender.from
    ))?;
    let Limits { connections, pace, breaker_failures, .. } = settings.service.limits;
    print_line(&format!(
        "       at most {} a minute and {} to a domain, {connections} at a time; after {breaker_failures} failures the relay is \
         left alone",
        pace.mails_a_minute, pace.mails_a_minute_a_domain
    ))?;
    print_line(&format!(
        "       more than {} within ten minutes wait for a person",
        settings.rulebook.notices_a_tick_max
    ))?;
    print_line(&format!("store: {}", database_of(&settings.service)))?;
    if let Some(heartbeat) = &settings.service.heartbeat {
        print_line(&format!("beat:  to {}, every {} s", heartbeat.url, heartbeat.every_seconds))?;
    }
    let today = local_date(shell.clock.now(), rulebook.zone);
    let this_month = Month::of(today);
    // the one that a new database would begin with (N11)
    let is_ahead = cycle::import_on(rulebook, this_month, None)? >= today;
    let month = if is_ahead { this_month } else { this_month.next() };
    print_line(&format!("next cycle, {month}:"))?;
    for duty in &rulebook.duties {
        let deadline = cycle::deadline(rulebook, duty, month, None)?;
        let import = if duty.follows_import() { format!("import {}, ", deadline.import_on) } else { String::new() };
        let (owing, all) = (roster.owing(deadline.ends_on).count(), roster.authorities().len());
        let owed_by = if owing < all { format!(", owed by {owing} of {all} authorities") } else { String::new() };
        print_line(&format!(
            "       {:<12} {import}deadline {} ({} steps){owed_by}",
            duty.id,
            day_in_words(deadline.ends_on),
            duty.steps.len()
        ))?;
    }
    Ok(())
}

fn tls_in_words(tls: Tls) -> &'static str {
    match tls {
        Tls::StartTls => "TLS after STARTTLS",
        Tls::Implicit => "TLS from the first byte",
        Tls::None => "without TLS, on this machine",
    }
}

fn transport_in_words(transport: &Transport) -> String {
    match transport {
        Transport::Directory { folder } => format!("written to the folder {}, not sent", folder.display()),
        Transport::Smtp(smtp) => format!("sent by {}:{} ({})", smtp.host, smtp.port, tls_in_words(smtp.tls)),
    }
}
