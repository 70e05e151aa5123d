//! `fristd record`: a receipt by hand (S4). Never changes one that is there.

use chrono::{DateTime, Utc};
use clap::Args;

use crate::domain::cycle;
use crate::domain::request::{Asker, ReceiptRequest, duty, month, receipt};
use crate::domain::standing::standing_now;

use super::{Ending, Shell, actor, print_line};

/// Records what an authority has reported, by telephone for example.
///
/// States: missing (takes back), partial, complete, nil (Fehlanzeige), excused, extended, exempt.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fristd record 2026-12 statistics abh-05111-duesseldorf complete\n  \
    fristd record 2026-12 statistics abh-05112-duisburg partial --parts reag-garp,without-funding\n  \
    fristd record 2026-12 planning abh-05113-essen extended --until 2026-12-22 --reason \"Ausfall der IT\"")]
pub(super) struct Record {
    /// The cycle, as YYYY-MM; statistics of 2026-12 are about November.
    month: String,
    /// The duty's id.
    duty: String,
    /// The authority's id.
    authority: String,
    /// The state.
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
    /// When it was reported, if not now: an instant like 2026-12-09T09:12:00+01:00.
    #[arg(long, value_name = "INSTANT")]
    reported_at: Option<DateTime<Utc>>,
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
            reported_at: self.reported_at,
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
        let missing = standing.missing_parts(duty);
        let missing = if missing.is_empty() { String::new() } else { format!(", missing: {}", missing.join(", ")) };
        print_line(&format!("{} {} {}: {}{missing}", month, duty.id, receipt.authority, standing.state.as_str()))?;
        Ok(Ending::Done)
    }
}
