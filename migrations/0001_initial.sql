-- What fristd knows. One text for SQLite and PostgreSQL; migrations are only ever added to.
-- Times are instants in UTC, months are 'YYYY-MM', ids come from the application.

CREATE TABLE service (
    id          BIGINT PRIMARY KEY CHECK (id = 1),
    created_at  TIMESTAMPTZ NOT NULL,
    first_cycle TEXT,
    paused_at   TIMESTAMPTZ,
    paused_by   TEXT,
    -- rises with every change that planning must look at
    changes     BIGINT NOT NULL
);

-- From which cycle on a duty is followed: one that settings add later begins then (N11).
CREATE TABLE duty_starts (
    duty        TEXT PRIMARY KEY,
    first_cycle TEXT NOT NULL
);

-- Imports that were signalled (F1). The newest of a month counts.
CREATE TABLE import_signals (
    number      BIGINT PRIMARY KEY,
    month       TEXT NOT NULL,
    import_on   DATE NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    actor       TEXT NOT NULL
);
CREATE INDEX import_signals_by_month ON import_signals (month, number);

-- Deadlines as they were told (F5).
CREATE TABLE revisions (
    month     TEXT NOT NULL,
    duty      TEXT NOT NULL,
    number    BIGINT NOT NULL,
    import_on DATE NOT NULL,
    stated_on DATE NOT NULL,
    ends_on   DATE NOT NULL,
    reason    TEXT,
    frozen_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (month, duty, number)
);

-- Receipts (S4): appended, never changed, never deleted. The number is the order in which they were recorded.
CREATE TABLE receipts (
    number      BIGINT PRIMARY KEY,
    month       TEXT NOT NULL,
    duty        TEXT NOT NULL,
    authority   TEXT NOT NULL,
    state       TEXT NOT NULL,
    missing     JSONB NOT NULL,
    until_on    DATE,
    reason      TEXT,
    source      TEXT NOT NULL,
    actor       TEXT NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    reported_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX receipts_by_cycle ON receipts (month, duty, authority, number);

-- Steps whose time has come: planned, or skipped with the reason (N3).
CREATE TABLE steps (
    month       TEXT NOT NULL,
    duty        TEXT NOT NULL,
    step        TEXT NOT NULL,
    revision    BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    due_at      TIMESTAMPTZ NOT NULL,
    skipped     TEXT,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (month, duty, step, revision)
);

-- Notices (M6). The unique key is what keeps anybody from being told twice (N4); the duty of a notice to the ZRK is ''.
CREATE TABLE notices (
    id             TEXT PRIMARY KEY,
    month          TEXT NOT NULL,
    duty           TEXT NOT NULL,
    step           TEXT NOT NULL,
    revision       BIGINT NOT NULL,
    mailbox        TEXT NOT NULL,
    kind           TEXT NOT NULL,
    office         TEXT,
    authorities    JSONB NOT NULL,
    due_at         TIMESTAMPTZ NOT NULL,
    queued_at      TIMESTAMPTZ NOT NULL,
    state          TEXT NOT NULL,
    reason         TEXT,
    -- when it may be claimed next; none in a final state
    next_at        TIMESTAMPTZ,
    attempts       BIGINT NOT NULL,
    -- how often its fate was unknown
    uncertain      BIGINT NOT NULL,
    -- rises with each claim, so that a late reply of a deliverer that lost its lease changes nothing
    lease          BIGINT NOT NULL,
    lease_until    TIMESTAMPTZ,
    handed_over_at TIMESTAMPTZ,
    accepted_at    TIMESTAMPTZ,
    subject        TEXT,
    reply          TEXT,
    changed_at     TIMESTAMPTZ NOT NULL,
    UNIQUE (month, duty, step, revision, mailbox)
);
CREATE INDEX notices_waiting ON notices (next_at) WHERE next_at IS NOT NULL;

-- Every attempt to deliver, with what the relay said and the mail as it was handed over (M7). Appended, when the mail is
-- handed over or could not be; how it ended is added once.
CREATE TABLE attempts (
    notice   TEXT NOT NULL REFERENCES notices (id),
    number   BIGINT NOT NULL,
    at       TIMESTAMPTZ NOT NULL,
    outcome  TEXT NOT NULL,
    reply    TEXT NOT NULL,
    sha256   TEXT NOT NULL,
    -- the mail, kept when it was handed over
    mail     BYTEA,
    PRIMARY KEY (notice, number)
);

-- Mailboxes to which mail is rejected (M6).
CREATE TABLE flags (
    mailbox    TEXT PRIMARY KEY,
    flagged_at TIMESTAMPTZ NOT NULL,
    reply      TEXT NOT NULL,
    notice     TEXT NOT NULL
);

-- What the ZRK must look at, and the notice that told it.
CREATE TABLE alerts (
    key       TEXT PRIMARY KEY,
    raised_at TIMESTAMPTZ NOT NULL,
    headline  TEXT NOT NULL,
    detail    TEXT NOT NULL,
    told_in   TEXT
);
CREATE INDEX alerts_untold ON alerts (raised_at) WHERE told_in IS NULL;

-- What happened (M7): appended, each entry chained to the one before by its hash.
CREATE TABLE log (
    number   BIGINT PRIMARY KEY,
    at       TIMESTAMPTZ NOT NULL,
    actor    TEXT NOT NULL,
    event    TEXT NOT NULL,
    facts    TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL
);
