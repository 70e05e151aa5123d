//! The shipped example's rules, roster and columns, read once. Never reads a clock.

use std::path::Path;
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use fristd::domain::Month;
use fristd::domain::list::{List, ListKind};
use fristd::domain::list_entries::{self, Entries, ListReader};
use fristd::intake::{self, FileRefused, ReadOptions};
use fristd::settings::{Settings, Source, load_with};

/// Few enough that a small file comes to the bound, and more than the shipped roster has.
pub const ROWS_MAX: usize = 200;

/// Loads what is needed, so that the first input is not taken for a slow one.
pub fn open() {
    settings();
    settings_again();
}

/// The settings that `fristd init` writes.
pub fn settings() -> &'static Settings {
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    SETTINGS.get_or_init(load)
}

/// The same once more: its tables are in another order, which nothing may depend on.
fn settings_again() -> &'static Settings {
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    SETTINGS.get_or_init(load)
}

fn load() -> Settings {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/example");
    load_with(&Source::Folder(folder), []).expect("the shipped example is valid")
}

/// Reads a file with the columns of the example.
pub fn read(bytes: &[u8]) -> Result<List, FileRefused> {
    read_with(settings(), bytes)
}

/// Reads it with the same columns in another order.
pub fn read_again(bytes: &[u8]) -> Result<List, FileRefused> {
    read_with(settings_again(), bytes)
}

fn read_with(settings: &Settings, bytes: &[u8]) -> Result<List, FileRefused> {
    let options = ReadOptions { sheet: None, rows_max: ROWS_MAX };
    intake::read("liste", bytes, &settings.intake.columns, &options)
}

/// What the rows say, on a day of the cycle that they may leave out.
pub fn entries(list: &List, kind: ListKind) -> Entries {
    let now: DateTime<Utc> = "2026-12-14T08:00:00Z".parse().expect("an instant");
    let month = |text| Month::parse(text).expect("a month");
    let reader = ListReader {
        rulebook: &settings().rulebook,
        roster: &settings().roster,
        kind,
        first_cycle: Some(month("2026-06")),
        now,
        month: Some(month("2026-12")),
        duty: None,
    };
    list_entries::read(reader, list)
}
