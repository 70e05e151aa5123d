//! Documents that people file, print and pass on: pages and workbooks. Never loads what they show and never writes a file.

mod heat_map;
mod year_html;
mod year_words;
mod year_xlsx;

pub use year_html::year_page;
pub use year_xlsx::year_workbook;

/// Why a document could not be made. Only a mistake of this program, or a bound of the format.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// A page.
    #[error("the page cannot be made: {0}")]
    Page(#[from] minijinja::Error),
    /// A workbook.
    #[error("the workbook cannot be made: {0}")]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
}
