//! The tables of a store, for copying it: names, keys, columns. Never knows what they mean; `tests/store_copy.rs` compares them with
//! what the migrations made.

/// What a column holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Number,
    Instant,
    Date,
    Switch,
    Json,
    Bytes,
}

/// One table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// So many of the first columns are its key.
    pub(super) keys: usize,
    pub(super) columns: &'static [(&'static str, Kind)],
    /// Whether a new store has rows in it.
    pub(super) is_made_with_the_store: bool,
}

impl Table {
    /// All columns, for a statement.
    pub(super) fn names(&self) -> String {
        join(self.columns)
    }

    /// The columns of the key.
    pub(super) fn key_names(&self) -> String {
        join(&self.columns[..self.keys])
    }
}

fn join(columns: &[(&str, Kind)]) -> String {
    columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// All tables; what refers to another one comes after it.
pub(super) const TABLES: [Table; 20] = [
    Table {
        name: "service",
        keys: 1,
        is_made_with_the_store: true,
        columns: &[
            ("id", Kind::Number),
            ("created_at", Kind::Instant),
            ("first_cycle", Kind::Text),
            ("paused_at", Kind::Instant),
            ("paused_by", Kind::Text),
            ("changes", Kind::Number),
            ("copied_at", Kind::Instant),
            ("restored_at", Kind::Instant),
            ("verdict_changes", Kind::Number),
            ("queued_since", Kind::Instant),
            ("queued_count", Kind::Number),
            ("message_domain", Kind::Text),
        ],
    },
    Table {
        name: "duty_starts",
        keys: 1,
        is_made_with_the_store: false,
        columns: &[("duty", Kind::Text), ("first_cycle", Kind::Text)],
    },
    Table {
        name: "import_signals",
        keys: 1,
        is_made_with_the_store: false,
        columns: &[
            ("number", Kind::Number),
            ("month", Kind::Text),
            ("import_on", Kind::Date),
            ("received_at", Kind::Instant),
            ("actor", Kind::Text),
        ],
    },
    Table {
        name: "revisions",
        keys: 3,
        is_made_with_the_store: false,
        columns: &[
            ("month", Kind::Text),
            ("duty", Kind::Text),
            ("number", Kind::Number),
            ("import_on", Kind::Date),
            ("stated_on", Kind::Date),
            ("ends_on", Kind::Date),
            ("reason", Kind::Text),
            ("frozen_at", Kind::Instant),
        ],
    },
    Table {
        name: "receipts",
        keys: 1,
        is_made_with_the_store: false,
        columns: &[
            ("number", Kind::Number),
            ("month", Kind::Text),
            ("duty", Kind::Text),
            ("authority", Kind::Text),
            ("state", Kind::Text),
            ("missing", Kind::Json),
            ("until_on", Kind::Date),
            ("reason", Kind::Text),
            ("source", Kind::Text),
            ("actor", Kind::Text),
            ("received_at", Kind::Instant),
            ("reported_at", Kind::Instant),
        ],
    },
    Table {
        name: "steps",
        keys: 4,
        is_made_with_the_store: false,
        columns: &[
            ("month", Kind::Text),
            ("duty", Kind::Text),
            ("step", Kind::Text),
            ("revision", Kind::Number),
            ("kind", Kind::Text),
            ("due_at", Kind::Instant),
            ("skipped", Kind::Text),
            ("recorded_at", Kind::Instant),
        ],
    },
    Table {
        name: "notices",
        keys: 1,
        is_made_with_the_store: false,
        columns: &[
            ("id", Kind::Text),
            ("month", Kind::Text),
            ("duty", Kind::Text),
            ("step", Kind::Text),
            ("revision", Kind::Number),
            ("mailbox", Kind::Text),
            ("kind", Kind::Text),
            ("office", Kind::Text),
            ("authorities", Kind::Json),
            ("due_at", Kind::Instant),
            ("queued_at", Kind::Instant),
            ("state", Kind::Text),
            ("reason", Kind::Text),
            ("next_at", Kind::Instant),
            ("attempts", Kind::Number),
            ("uncertain", Kind::Number),
            ("lease", Kind::Number),
            ("lease_until", Kind::Instant),
            ("handed_over_at", Kind::Instant),
            ("accepted_at", Kind::Instant),
            ("subject", Kind::Text),
            ("reply", Kind::Text),
            ("changed_at", Kind::Instant),
            ("returned_at", Kind::Instant),
            ("claimed_by", Kind::Text),
        ],
    },
    Table {
        name: "attempts",
        keys: 2,
        is_made_with_the_store: false,
        columns: &[
            ("notice", Kind::Text),
            ("number", Kind::Number),
            ("at", Kind::Instant),
            ("outcome", Kind::Text),
            ("reply", Kind::Text),
            ("sha256", Kind::Text),
            ("mail", Kind::Bytes),
            ("handed_over_at", Kind::Instant),
            ("size_bytes", Kind::Number),
        ],
    },
    Table {
        name: "flags",
        keys: 1,
        is_made_with_the_store: false,
        columns: &[
            ("mailbox", Kind::Text),
            ("flagged_at", Kind::Instant),
            ("reply", Kind::Text),
            ("notice", Kind::Text),
        ],
    },
    Table {
        name: "alerts",
        keys: 1,
        is_made_with_the_store: false,
        columns: &[
            ("key", Kind::Text),
            ("raised_at", Kind::Instant),
            ("headline", Kind::Text),
            ("detail", Kind::Text),
            ("told_in", Kind::Text),
        ],
    },
    Table {
        name: "log",
        keys: 1,
        is_made_with_the_store: false,
        columns: &[
            ("number", Kind::Number),
            ("at", Kind::Instant),
            ("actor", Kind::Text),
            ("event", Kind::Text),
            ("facts", Kind::Text),
            ("previous", Kind::Text),
            ("hash", Kind::Text),
        ],
    },
    Table {
        name: "lists",
        keys: 1,
        is_made_with_the_store: false,
        columns: &[
            ("number", Kind::Number),
            ("at", Kind::Instant),
            ("actor", Kind::Text),
            ("file", Kind::Text),
            ("stamp", Kind::Text),
            ("sha256", Kind::Text),
            ("kind", Kind::Text),
            ("source", Kind::Text),
            ("rows_read", Kind::Number),
            ("receipts", Kind::Number),
            ("refused", Kind::Number),
            ("is_taken", Kind::Switch),
        ],
    },
    Table {
        name: "bounces",
        keys: 1,
        is_made_with_the_store: false,
        columns: &[
            ("number", Kind::Number),
            ("received_at", Kind::Instant),
            ("notice", Kind::Text),
            ("mailbox", Kind::Text),
            ("verdict", Kind::Text),
            ("proof", Kind::Text),
            ("effect", Kind::Text),
            ("status", Kind::Text),
            ("diagnostic", Kind::Text),
            ("sha256", Kind::Text),
        ],
    },
    Table {
        name: "clearances",
        keys: 1,
        is_made_with_the_store: false,
        columns: &[
            ("number", Kind::Number),
            ("mailbox", Kind::Text),
            ("cleared_at", Kind::Instant),
            ("actor", Kind::Text),
        ],
    },
    Table {
        name: "secrets",
        keys: 1,
        is_made_with_the_store: true,
        columns: &[("name", Kind::Text), ("value", Kind::Bytes), ("created_at", Kind::Instant)],
    },
    Table {
        name: "arrangements",
        keys: 1,
        is_made_with_the_store: false,
        columns: &[
            ("number", Kind::Number),
            ("duty", Kind::Text),
            ("authority", Kind::Text),
            ("kind", Kind::Text),
            ("from_month", Kind::Text),
            ("until_on", Kind::Date),
            ("reason", Kind::Text),
            ("source", Kind::Text),
            ("actor", Kind::Text),
            ("recorded_at", Kind::Instant),
        ],
    },
    Table {
        name: "taken_roster",
        keys: 1,
        is_made_with_the_store: false,
        columns: &[("id", Kind::Number), ("taken_at", Kind::Instant), ("roster", Kind::Json), ("outline", Kind::Json)],
    },
    Table {
        name: "log_head",
        keys: 1,
        is_made_with_the_store: true,
        columns: &[("id", Kind::Number), ("number", Kind::Number), ("hash", Kind::Text)],
    },
    Table {
        name: "replicas",
        keys: 1,
        is_made_with_the_store: false,
        columns: &[
            ("name", Kind::Text),
            ("version", Kind::Text),
            ("process", Kind::Number),
            ("started_at", Kind::Instant),
            ("seen_at", Kind::Instant),
            ("ahead_ms", Kind::Number),
            ("stopped_at", Kind::Instant),
        ],
    },
    Table {
        name: "hand_overs",
        keys: 2,
        is_made_with_the_store: false,
        columns: &[("second", Kind::Instant), ("domain", Kind::Text), ("mails", Kind::Number)],
    },
];
