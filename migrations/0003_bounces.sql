-- Mails that came back after the mail system had taken them.

-- When a notice came back as not delivered; accepted_at stays, as the proof that it was handed over.
ALTER TABLE notices ADD COLUMN returned_at TIMESTAMPTZ;

-- Every report on a notice: appended, never changed. The same message counts once, by its hash.
CREATE TABLE bounces (
    number      BIGINT PRIMARY KEY,
    received_at TIMESTAMPTZ NOT NULL,
    notice      TEXT NOT NULL REFERENCES notices (id),
    mailbox     TEXT NOT NULL,
    -- hard, soft (given up for a passing reason) or delayed
    verdict     TEXT NOT NULL,
    -- token, recipient, or none: then it changed nothing
    proof       TEXT NOT NULL,
    -- what it changed, or why nothing
    effect      TEXT NOT NULL,
    status      TEXT,
    diagnostic  TEXT NOT NULL,
    sha256      TEXT NOT NULL UNIQUE
);
CREATE INDEX bounces_by_notice ON bounces (notice, number);

-- When a person took the flag from a mailbox: a report on an older mail does not bring it back. Appended.
CREATE TABLE clearances (
    number     BIGINT PRIMARY KEY,
    mailbox    TEXT NOT NULL,
    cleared_at TIMESTAMPTZ NOT NULL,
    actor      TEXT NOT NULL
);
CREATE INDEX clearances_by_mailbox ON clearances (mailbox, cleared_at);

-- Keys that this store made for itself and that leave it nowhere.
CREATE TABLE secrets (
    name       TEXT PRIMARY KEY,
    value      BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
