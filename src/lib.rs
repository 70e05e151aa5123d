//! `fristd` tracks the monthly reporting deadlines of a state's authorities, announces them, reminds only the missing,
//! escalates, and can prove what it sent.
//!
//! The modules in reading order: [`domain`] holds the rules and is pure; [`settings`] turns files into checked values;
//! [`store`] holds the only SQL; [`mail`] turns letters into mails and hands them over; [`intake`] reads lists of receipts; [`documents`] makes pages and workbooks;
//! [`daemon`] joins them into a tick, a delivery and a loop; [`cli`] builds the parts and prints.
//!
//! One rule of dependency: `main → cli → daemon → {store, mail, intake, documents, settings} → domain`. Modules on one level do not import each
//! other, and the domain imports nothing but dates and holidays. `tests/layout.rs` checks it.

pub mod cli;
pub mod daemon;
pub mod documents;
pub mod domain;
pub mod intake;
pub mod mail;
pub mod settings;
pub mod store;
