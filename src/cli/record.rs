//! `fristd record`: a receipt by hand (S4). Never changes one that is there.

use clap::Args;

use crate::daemon::recording::{record, standing_of};
use crate::domain::arrangement::spans;
use crate::domain::request::{Asker, Checked, FURTHER_NOTICE, ReceiptRequest, Remark};
use crate::domain::{Arrangement, Duty, ReceiptState};

use super::{Ending, Moment, Shell, actor, print_line};

/// Records what an authority has reported, by telephone for example.
///
/// What was recorded before stays in the log; the newest receipt decides.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fristd record 2026-12 statistics abh-05111-duesseldorf complete\n  \
    fristd record 2026-12 statistics abh-05112-duisburg partial --missing returns\n  \
    fristd record 2026-12 planning abh-05113-essen extended \\\n      \
    --until 2026-12-22 --reason \"Ausfall der IT\"\n  \
    fristd record 2026-12 statistics abh-05114-krefeld nil \\\n      \
    --until 2027-06-30 --reason \"keine Fälle bis zur Übernahme\"\n\n\
    States:\n  \
    complete   all parts are there\n  \
    partial    with --parts (those that are there) or --missing\n  \
    nil        Fehlanzeige: an explicit \"nothing to report\"; with --until and --reason\n             \
    for all months that end by that day\n  \
    extended   with --until and --reason\n  \
    excused    this once, with --reason\n  \
    exempt     not due at all, with --reason; with --until DATE or --until further-notice\n             \
    for several months\n  \
    missing    takes back what was recorded\n\n\
    What stands for several months is listed and ended by `fristd arrangement`.")]
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
    /// The last day of an extension, or of the months for which a nil report or an exemption stands.
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Why; kept with the receipt. Never a word about a person's case.
    #[arg(long, value_name = "WHY")]
    reason: Option<String>,
    /// When it was reported, if not now: local time like "2026-12-09 09:12".
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    reported_at: Option<Moment>,
}

impl Record {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        let charter = shell.charter()?;
        let rulebook = &charter.settings.rulebook;
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
        let store = shell.store(&charter).await?;
        let mut tx = store.write().await?;
        let arranged_before = tx.arrangements().await?;
        let actor = actor();
        let asker = Asker { source: "manual", actor: &actor, now };
        let checked = record(&mut tx, &charter.settings, &request, asker).await?;
        let standing = standing_of(&mut tx, &charter.settings, &checked).await?;
        tx.commit().await?;
        let details = match &standing.state {
            ReceiptState::Partial { missing } => format!(", missing: {}", missing.join(", ")),
            ReceiptState::Extended { until, .. } => format!(" until {until}"),
            _ => String::new(),
        };
        let Checked { month, duty, receipt, .. } = &checked;
        print_line(&format!("{month} {duty} {}: {}{details}", receipt.authority, standing.state.as_str()))?;
        if let (Some(arrangement), Some(duty)) = (&checked.arrangement, rulebook.duty(duty)) {
            print_line(&arranged_in_words(arrangement, duty, &arranged_before))?;
        }
        for remark in &checked.remarks {
            print_line(&remark_in_words(remark, &checked))?;
        }
        Ok(Ending::Done)
    }
}

/// For which cycles something was arranged, and in whose place.
fn arranged_in_words(arrangement: &Arrangement, duty: &Duty, arranged_before: &[Arrangement]) -> String {
    let (from, kind) = (arrangement.from, arrangement.kind.as_str());
    let until = match arrangement.last_cycle(duty) {
        Some(last) if last == from => format!("for the cycle {from} only"),
        Some(last) => {
            format!("for the cycles {from} to {last}, about {} to {}", duty.period_of(from), duty.period_of(last))
        }
        None => format!("from the cycle {from} on, until further notice"),
    };
    let replaced = spans(duty, arranged_before)
        .into_iter()
        .rfind(|span| span.arrangement.authority == arrangement.authority && span.reaches(from))
        .map(|span| {
            let old = span.arrangement;
            let end = old.until.map_or_else(|| "further notice".to_owned(), |until| until.to_string());
            format!("; it takes the place of {} until {end}", old.kind.as_str())
        });
    format!("arranged: {kind} {until}{}", replaced.unwrap_or_default())
}

fn remark_in_words(remark: &Remark, checked: &Checked) -> String {
    match remark {
        Remark::FreeDay { until, why, next_working_day } => {
            let instead = next_working_day
                .map(|next| format!("; record it until {next}, the next working day, if that is meant"));
            format!(
                "the extension ends with {until}, though that is no working day ({why}){}",
                instead.unwrap_or_default()
            )
        }
        Remark::Over { until } => format!("the extension is recorded, but its last day, {until}, is over"),
        Remark::ThisCycleOnly => {
            let further = match checked.receipt.state {
                ReceiptState::Exempt { .. } => format!(" or --until {}", FURTHER_NOTICE[0]),
                _ => String::new(),
            };
            format!("for the cycle {} only; to let it stand for more, give --until DATE{further}", checked.month)
        }
    }
}
