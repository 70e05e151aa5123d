//! `fristd record`: a receipt by hand (S4). Never changes one that is there.

use clap::Args;

use crate::domain::dates::local_date;
use crate::domain::request::{Asker, ReceiptRequest, duty, month, receipt};
use crate::domain::standing::standing_now;
use crate::domain::{ReceiptState, cycle};

use super::{Ending, Moment, Shell, actor, print_line};

/// Records what an authority has reported, by telephone for example.
///
/// What was recorded before stays in the log; the newest receipt decides.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fristd record 2026-12 statistics abh-05111-duesseldorf complete\n  \
    fristd record 2026-12 statistics abh-05112-duisburg partial --missing returns\n  \
    fristd record 2026-12 planning abh-05113-essen extended \\\n      \
    --until 2026-12-22 --reason \"Ausfall der IT\"\n\n\
    States:\n  \
    complete   all parts are there\n  \
    partial    with --parts (those that are there) or --missing\n  \
    nil        Fehlanzeige: an explicit \"nothing to report\"\n  \
    extended   with --until and --reason\n  \
    excused    this once, with --reason\n  \
    exempt     not due at all, with --reason\n  \
    missing    takes back what was recorded")]
pub(super) struct Record {
    /// The cycle, as YYYY-MM; statistics of 2026-12 are about November.
    month: String,
    /// The duty's id in cycles.toml, for example planning or statistics.
    duty: String,
    /// The authority's id in authorities.csv.
    authority: String,
    /// One of the states below.
    state: String,
    /// Parts that are there, of a partial report.
    #[arg(long, value_delimiter = ',', value_name = "PART,…")]
    parts: Vec<String>,
    /// Parts that are missing, of a partial report.
    #[arg(long, value_delimiter = ',', value_name = "PART,…", conflicts_with = "parts")]
    missing: Vec<String>,
    /// The last day of an extension.
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Why, of an excuse, an extension or an exemption.
    #[arg(long)]
    reason: Option<String>,
    /// When it was reported, if not now: local time like "2026-12-09 09:12".
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    reported_at: Option<Moment>,
}

impl Record {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        let charter = shell.charter()?;
        let (rulebook, roster) = (&charter.settings.rulebook, &charter.settings.roster);
        let now = shell.clock.now();
        let request = ReceiptRequest {
            month: self.month,
            duty: self.duty,
            authority: self.authority,
            state: self.state,
            parts: self.parts,
            missing: self.missing,
            until: self.until,
            reason: self.reason,
            reported_at: self.reported_at.map(|moment| moment.in_zone(rulebook.zone)),
        };
        let duty = duty(rulebook, &request.duty)?;
        let store = shell.store(&charter).await?;
        let mut tx = store.write().await?;
        let first = tx.service().await?.first_cycle;
        let month = month(rulebook, &request.month, first, now)?;
        let dates = tx.date_facts(month, &duty.id).await?;
        let (_, deadline) =
            cycle::in_force(&dates.revisions, cycle::deadline(rulebook, duty, month, dates.signal.as_ref())?);
        let actor = actor();
        let receipt = receipt(&request, duty, roster, &deadline, Asker { source: "manual", actor: &actor, now })?;
        tx.append_receipt(month, &duty.id, &receipt).await?;
        let receipts = tx.receipts_of(month, &duty.id, &receipt.authority).await?;
        tx.commit().await?;
        let standing = standing_now(&receipts, now, rulebook.zone);
        let details = match &standing.state {
            ReceiptState::Partial { missing } => format!(", missing: {}", missing.join(", ")),
            ReceiptState::Extended { until, .. } => format!(" until {until}"),
            _ => String::new(),
        };
        print_line(&format!("{} {} {}: {}{details}", month, duty.id, receipt.authority, standing.state.as_str()))?;
        if let ReceiptState::Extended { until, .. } = receipt.state
            && until < local_date(now, rulebook.zone)
        {
            print_line(&format!("the extension is recorded, but its last day, {until}, is over"))?;
        }
        Ok(Ending::Done)
    }
}
