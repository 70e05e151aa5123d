//! The files that go with an escalation to an RRK (N7). Never asks who is missing; the report says it.

use chrono::NaiveDate;

use super::escalation_letter::document;
use super::escalation_table::workbook;
use super::file_name::file_name;
use super::{DocumentError, DocumentFile};
use crate::domain::Letter;
use crate::domain::escalation::{Because, Case, EscalationReport, Gone};
use crate::domain::letter::Matter;
use crate::domain::rulebook::DocumentFormat;
use crate::domain::words::state_in_words;

/// The files that are to go with a letter, in their order; none if it is no escalation.
pub fn files(letter: &Letter) -> Vec<Result<DocumentFile, DocumentError>> {
    let Some(escalation) = Escalation::of(letter) else { return Vec::new() };
    let made = |format: &DocumentFormat| {
        let (media_type, bytes) = match format {
            DocumentFormat::Pdf => ("application/pdf", document(&escalation).to_pdf()?),
            DocumentFormat::Xlsx => {
                ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", workbook(&escalation).to_bytes()?)
            }
        };
        Ok(DocumentFile { format: *format, file_name: escalation.file_name(format.as_str()), media_type, bytes })
    };
    letter.attachments.iter().map(made).collect()
}

/// A letter of which it is known that it holds a report.
pub(super) struct Escalation<'a> {
    pub(super) letter: &'a Letter,
    pub(super) matter: &'a Matter,
    pub(super) report: &'a EscalationReport,
}

impl<'a> Escalation<'a> {
    fn of(letter: &'a Letter) -> Option<Self> {
        Some(Self { letter, matter: letter.matter.as_ref()?, report: letter.report.as_ref()? })
    }

    fn file_name(&self, ending: &str) -> String {
        let (period, today) = (self.matter.period.to_string(), self.matter.today.to_string());
        let district = self.report.district.in_words();
        file_name(&["Ausstehende-Meldungen", district, short_name(&self.matter.module), &period, &today], ending)
    }

    /// `Ausstehende Meldungen im Regierungsbezirk Köln: APS-Statistikmodul November 2026`.
    pub(super) fn title(&self) -> String {
        let (district, module) = (self.report.district.in_words(), &self.matter.module);
        format!("Ausstehende Meldungen im Regierungsbezirk {district}: {module} {}", self.matter.period.in_words())
    }

    /// Who writes, in one line.
    pub(super) fn author(&self) -> String {
        self.letter.letterhead.sender().first().cloned().unwrap_or_default()
    }

    /// The last day on which the authority would have been in time.
    pub(super) fn due_by(&self, case: &Case) -> NaiveDate {
        case.standing.extended_to.unwrap_or(self.matter.deadline.ends_on).max(self.matter.deadline.ends_on)
    }
}

/// `Statistik` of `APS-Statistikmodul`, `Planung` of `APS-Planungsmodul`; a name of another form as it is.
fn short_name(module: &str) -> &str {
    let name = module.strip_prefix("APS-").unwrap_or(module);
    let stem = name.strip_suffix("smodul").or_else(|| name.strip_suffix("modul")).unwrap_or(name);
    if stem.is_empty() { module } else { stem }
}

/// Why an authority stands in the report no more.
pub(super) fn because_in_words(gone: &Gone) -> String {
    match &gone.because {
        Because::Settled(standing) => state_in_words(&standing.state),
        Because::NotOwing(Some(reporter)) => format!("nicht mehr selbst meldepflichtig; es meldet {reporter}"),
        Because::NotOwing(None) => "nicht mehr meldepflichtig".to_owned(),
        Because::Unreachable => "per E-Mail nicht erreichbar; darum kümmert sich die ZRK".to_owned(),
    }
}
