//! `fristd check`: validates everything. Never changes anything.

use clap::Args;

use crate::domain::dates::{day_in_words, local_date};
use crate::domain::roster::{AuthorityKind, District};
use crate::domain::{Month, cycle};
use crate::settings::{Tls, Transport};

use super::{Ending, Shell, print_line};

/// Validates all files and templates; prints all complaints at once, or what will run.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fristd check --config /etc/fristd/fristd.toml")]
pub(super) struct Check {}

impl Check {
    pub(super) fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        let charter = shell.charter()?;
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
        let today = local_date(shell.clock.now(), rulebook.zone);
        let this_month = Month::of(today);
        // the one that a new database would begin with (N11)
        let is_ahead = cycle::import_on(rulebook, this_month, None)? >= today;
        let month = if is_ahead { this_month } else { this_month.next() };
        print_line(&format!("next cycle, {month}:"))?;
        for duty in &rulebook.duties {
            let deadline = cycle::deadline(rulebook, duty, month, None)?;
            let import = if duty.follows_import() { format!("import {}, ", deadline.import_on) } else { String::new() };
            print_line(&format!(
                "       {:<12} {import}deadline {} ({} steps)",
                duty.id,
                day_in_words(deadline.ends_on),
                duty.steps.len()
            ))?;
        }
        Ok(Ending::Done)
    }
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
