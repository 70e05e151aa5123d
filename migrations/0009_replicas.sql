-- Who works by this database: one row for each name under which a service ever ran. Replaced at each start, removed by nobody.
CREATE TABLE replicas (
    name       TEXT PRIMARY KEY,
    version    TEXT NOT NULL,
    process    BIGINT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    -- by its own clock
    seen_at    TIMESTAMPTZ NOT NULL,
    -- how far its clock was ahead of the server's then; none for a database in a file
    ahead_ms   BIGINT,
    -- when it ended in order
    stopped_at TIMESTAMPTZ
);
-- Which replica has the notice in hand.
ALTER TABLE notices ADD COLUMN claimed_by TEXT;
