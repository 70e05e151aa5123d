-- Lists that were read: what was found in them, never what stood in them (S3).
CREATE TABLE lists (
    number      BIGINT PRIMARY KEY,
    at          TIMESTAMPTZ NOT NULL,
    actor       TEXT NOT NULL,
    file        TEXT NOT NULL,
    -- what tells one file of the drop folder from another; none for a list that a person imported
    stamp       TEXT UNIQUE,
    sha256      TEXT NOT NULL,
    kind        TEXT,
    source      TEXT,
    rows_read   BIGINT NOT NULL,
    receipts    BIGINT NOT NULL,
    refused     BIGINT NOT NULL,
    is_taken    BOOLEAN NOT NULL
);
