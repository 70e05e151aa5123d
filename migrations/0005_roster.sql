-- The roster and the rules in words as the running service last took them, for `fristd check --diff`. One row, replaced each
-- time, so that names and addresses of those who left do not pile up.
CREATE TABLE taken_roster (
    id       BIGINT PRIMARY KEY CHECK (id = 1),
    taken_at TIMESTAMPTZ NOT NULL,
    -- authorities, offices and contacts
    roster   JSONB NOT NULL,
    -- the rules and the deadlines to come, each with a name
    outline  JSONB NOT NULL
);
