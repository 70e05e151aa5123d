//! `fristd import`: a list of receipts. Never stores a figure, never takes half a list unless asked to.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::daemon::take_list::{ListOrder, TakenList, take_list};
use crate::domain::Month;
use crate::domain::list::ListKind;
use crate::domain::list_report::Fate;
use crate::domain::request::duty;
use crate::intake::{read_bounded, write_refused};

use super::{Ending, Shell, WrongInput, actor, print_json, print_line};

/// Imports a list of what has been reported: CSV, XLSX or JSON.
///
/// A whole list (snapshot) becomes receipts only where it differs from what the same source last said, so that a list that
/// lacks what was recorded by telephone does not undo it; the same list twice changes nothing. What its columns are called
/// stands under [intake] in cycles.toml. Of a figure only its presence is kept. A list is taken as a whole or not at all.
/// The report is in German, as the ZRK reads it beside the files of the drop folder.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fristd import stand.xlsx --month 2026-12\n  \
    fristd import stand.csv --month 2026-12 --duty statistics --dry-run\n  \
    fristd import eingaenge.json --kind events\n  \
    fristd import stand.csv --accept-good-rows --refused-to korrektur.csv\n\n\
    Rows name the authority by its id, its name as in authorities.csv, or its AGS if that is one authority's alone.\n\
    Exit codes: 0 taken (or nothing new), 1 refused: nothing was taken, 2 wrong usage.")]
pub(super) struct Import {
    /// The list.
    file: PathBuf,
    /// snapshot: the whole list as it stands; events: each row is a receipt. Default: what the list or cycles.toml says.
    #[arg(long)]
    kind: Option<Kind>,
    /// Whose word the list is; it is compared with the last list of the same source. Default: as in cycles.toml.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// The cycle of rows that do not name theirs, as YYYY-MM.
    #[arg(long)]
    month: Option<String>,
    /// The duty of rows that do not name theirs, if the columns do not tell.
    #[arg(long)]
    duty: Option<String>,
    /// The sheet of a workbook that has several.
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Takes the good rows although others are refused.
    #[arg(long)]
    accept_good_rows: bool,
    /// Writes the refused rows with the reasons to a CSV file that can be corrected and imported.
    #[arg(long, value_name = "FILE")]
    refused_to: Option<PathBuf>,
    /// Says what would change, and stores nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Snapshot,
    Events,
}

impl From<Kind> for ListKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Snapshot => Self::Snapshot,
            Kind::Events => Self::Events,
        }
    }
}

impl Import {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        const LINES_MAX: usize = 100; // of changes and of refusals; a screen or two
        let charter = shell.charter()?;
        let rulebook = &charter.settings.rulebook;
        let wrong = |cause: &dyn std::fmt::Display| WrongInput(cause.to_string());
        let month = self.month.as_deref().map(Month::parse).transpose().map_err(|cause| wrong(&cause))?;
        let duty = self.duty.as_deref().map(|id| duty(rulebook, id)).transpose()?;
        if let Some(source) =
            self.source.as_deref().filter(|source| source.is_empty() || source.chars().any(char::is_control))
        {
            return Err(wrong(&format!("source {source:?}: accepted is a name on one line")).into());
        }
        let bytes = read_bounded(&self.file).map_err(|why| WrongInput(why.to_string()))?;
        let now = shell.clock.now();
        let store = shell.store(&charter).await?;
        let actor = actor();
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        let order = ListOrder {
            file_name: &name,
            bytes: &bytes,
            actor: &actor,
            kind: self.kind.map(ListKind::from),
            source: self.source.as_deref(),
            month,
            duty: duty.map(|duty| &*duty.id),
            sheet: self.sheet.as_deref(),
            accept_good_rows: self.accept_good_rows,
            is_trial: self.dry_run,
            ..ListOrder::default()
        };
        let taken = take_list(&store, &charter, order, now).await?;
        if let Some(path) = &self.refused_to {
            write_refused_rows(path, &taken)?;
        }
        if self.json {
            print_json(&as_json(&taken))?;
        } else {
            print_line(taken.report.in_words(rulebook.zone, LINES_MAX).trim_end())?;
            if taken.refused.is_some() && self.refused_to.is_none() {
                print_line("\nZum Berichtigen: --refused-to DATEI.csv schreibt die abgelehnten Zeilen in eine Datei.")?;
            }
        }
        Ok(if taken.report.fate == Fate::Refused { Ending::Refused } else { Ending::Done })
    }
}

fn write_refused_rows(path: &Path, taken: &TakenList) -> anyhow::Result<()> {
    let Some(list) = &taken.refused else { return Ok(()) };
    let failed = || format!("{}: the refused rows cannot be written; a new file is accepted", path.display());
    let mut file = std::fs::File::create_new(path).with_context(failed)?;
    std::io::Write::write_all(&mut file, &write_refused(list, &taken.report.refused)).with_context(failed)
}

fn as_json(taken: &TakenList) -> serde_json::Value {
    let report = &taken.report;
    let refused: Vec<_> = report
        .refused
        .iter()
        .map(|refusal| {
            json!({ "line": refusal.line, "column": refusal.column, "value": refusal.value, "reason": refusal.reason })
        })
        .collect();
    let changes: Vec<_> = report
        .changes
        .iter()
        .map(|change| {
            json!({
                "line": change.line, "month": change.month.to_string(), "duty": change.duty_id,
                "authority": change.authority, "before": change.before, "after": change.after,
                "reported_at": change.reported_at,
            })
        })
        .collect();
    let not_listed: Vec<_> = report
        .not_listed
        .iter()
        .map(|(duty, month, ids)| json!({ "duty": duty, "month": month.to_string(), "authorities": ids }))
        .collect();
    json!({
        "file": report.file, "taken": report.fate == Fate::Taken, "dry_run": report.fate == Fate::Tried,
        "kind": report.kind.map(ListKind::as_str), "source": report.source, "rows": report.rows,
        "unchanged": report.unchanged, "faults": report.faults, "refused": refused, "changes": changes,
        "not_listed": not_listed,
    })
}
