//! What all targets have in common: the desk with the shipped example, and what must hold of every list. Never starts a fuzzer.

pub mod desk;
pub mod law;
pub mod workbook;
