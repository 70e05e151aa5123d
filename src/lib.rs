//! `fristd` tracks the monthly reporting deadlines of a state's authorities, announces them, reminds only the missing,
//! escalates, and can prove what it sent.
//!
//! The modules in reading order: [`domain`] holds the rules and is pure; [`settings`] turns files into checked values;
//! [`store`] holds the only SQL; [`mail`] turns letters into mails and hands them over; [`documents`] makes pages, PDF and
//! XLSX files, some of which go with mails; [`intake`] reads lists of receipts;
//! [`daemon`] joins them into a tick, a delivery and a loop; [`cli`] builds the parts and prints. [`fault`] is for tests.
//!
//! One rule of dependency: `main → cli → daemon → {store, mail, documents, intake, settings} → domain`. Modules on one level do not
//! import each other, and the domain imports nothing but dates and holidays; [`fault`] imports nothing, and store and daemon pass its points. `tests/layout.rs` checks it.

pub mod cli;
pub mod daemon;
pub mod documents;
pub mod domain;
pub mod fault;
pub mod intake;
pub mod mail;
pub mod settings;
pub mod store;
