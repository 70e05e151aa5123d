-- Standing nil reports and exemptions for several cycles (S7): appended, never changed, never deleted. The newest of an
-- authority and duty decides; one of the kind 'ended' ends what was arranged before it.
CREATE TABLE arrangements (
    number      BIGINT PRIMARY KEY,
    duty        TEXT NOT NULL,
    authority   TEXT NOT NULL,
    kind        TEXT NOT NULL,
    from_month  TEXT NOT NULL,
    -- none: until further notice
    until_on    DATE,
    reason      TEXT NOT NULL,
    source      TEXT NOT NULL,
    actor       TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL
);
