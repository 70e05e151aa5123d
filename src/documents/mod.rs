//! Makes what people file, print and pass on: pages, PDF and XLSX. Never decides what is said to whom, never reads the clock and
//! never writes a file.
//!
//! [`Document`] and [`workbook::Workbook`] are values that anybody can fill; [`escalation`] fills them for an RRK, [`proof_document`] for the
//! file. The yearly report
//! has a page and a workbook of its own.

mod document;
pub mod escalation;
mod escalation_letter;
mod escalation_table;
mod file_name;
mod heat_map;
mod page_layout;
mod pdf;
mod proof_document;
mod typeface;
mod visible;
pub mod workbook;
mod year_html;
mod year_words;
mod year_xlsx;

#[cfg(test)]
mod documents_tests;

use crate::domain::rulebook::DocumentFormat;

pub use document::{Block, Cell, Column, Document, LetterTop, Table};
pub use proof_document::proof_document;
pub use year_html::year_page;
pub use year_xlsx::year_workbook;

/// A file that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DocumentFile {
    /// What it is.
    pub format: DocumentFormat,
    /// Its name, in letters, digits, `-`, `_` and `.` of ASCII.
    pub file_name: String,
    /// `application/pdf`.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Why a file cannot be made.
#[derive(thiserror::Error, Clone, PartialEq, Eq, Debug)]
pub enum DocumentError {
    /// The template of a page failed.
    #[error("the page cannot be made: {0}")]
    Page(String),
    /// The PDF library refused it.
    #[error("the PDF cannot be made: {0}")]
    Pdf(String),
    /// The XLSX library refused it.
    #[error("the XLSX cannot be made: {0}")]
    Workbook(String),
}

impl From<minijinja::Error> for DocumentError {
    fn from(cause: minijinja::Error) -> Self {
        Self::Page(cause.to_string())
    }
}

impl From<rust_xlsxwriter::XlsxError> for DocumentError {
    fn from(cause: rust_xlsxwriter::XlsxError) -> Self {
        Self::Workbook(cause.to_string())
    }
}
