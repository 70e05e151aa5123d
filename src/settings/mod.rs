//! Turns files into checked values: fristd.toml, cycles.toml, two lists, calendars. Never starts with a wrong one.
//!
//! Everything is validated together and every complaint is given at once, with file, line, place, value and remedy.

mod calendars;
mod complaint;
mod csv_table;
mod cycles;
mod database;
mod duties;
mod entries;
mod example;
mod heartbeat;
mod intake;
mod layers;
mod limits;
mod lists;
mod load;
mod offices;
mod reader;
mod service;
mod smtp;
mod source_text;
mod steps;
mod values;

#[cfg(test)]
mod tests;

pub use calendars::{shipped_calendar, shipped_calendar_names};
pub use complaint::{Complaint, Complaints};
pub use database::Database;
pub use example::EXAMPLE_FILES;
pub use heartbeat::{HeartbeatSettings, HeartbeatUrl};
pub use limits::Limits;
pub use load::{Settings, Source, load, load_service, load_with};
pub use service::{DropFolderSettings, Returns, Sender, Service, Transport};
pub use smtp::{Secret, SmtpSettings, Tls};
