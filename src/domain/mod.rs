//! The rules of the reporting cycle, as pure functions. Never does I/O, never reads a clock, never waits.

pub mod arrangement;
mod audience;
pub mod bounce;
pub mod breaker;
pub mod calendar;
pub mod chronicle;
mod correction;
pub mod cycle;
pub mod dates;
pub mod deadline;
pub mod delivery;
pub mod duty;
pub mod escalation;
pub mod facts;
pub mod guard;
pub mod ladder;
pub mod letter;
pub mod list;
pub mod list_cells;
pub mod list_entries;
mod list_names;
pub mod list_report;
pub mod movement;
pub mod notice;
pub mod outline;
pub mod pace;
pub mod past;
pub mod plan;
pub mod proof;
pub mod proof_reasons;
pub mod proof_words;
pub mod punctuality;
pub mod recheck;
pub mod request;
pub mod restored;
pub mod roster;
pub mod roster_diff;
pub mod rulebook;
pub mod snapshot;
pub mod standing;
pub mod summary;
pub mod timetable;
pub mod window;
pub mod words;
pub mod year_report;

#[cfg(test)]
mod edge_tests;
#[cfg(test)]
mod effect_tests;
#[cfg(test)]
mod living_roster_laws_tests;
#[cfg(test)]
mod living_roster_tests;
#[cfg(test)]
mod long_silence_tests;
#[cfg(test)]
mod test_support;

pub use arrangement::Arrangement;
pub use calendar::{Calendar, CalendarError};
pub use dates::Month;
pub use deadline::{Deadline, ImportSignal, Revision};
pub use duty::{Duty, DutyId, NoticeKind, Step};
pub use facts::{CycleFacts, View};
pub use letter::Letter;
pub use notice::{Alert, NewNotice, Said};
pub use roster::{Authority, AuthorityId, Contact, District, Mailbox, Office, OfficeId, Owner, Roster};
pub use rulebook::Rulebook;
pub use standing::{Receipt, ReceiptState, Standing};
