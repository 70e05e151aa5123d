-- The number and hash of the log's last entry: a chain alone does not show that its last entries are gone. Kept in the same
-- transaction as the entries; its row is also what makes writers wait for one another.
CREATE TABLE log_head (
    id     BIGINT PRIMARY KEY CHECK (id = 1),
    number BIGINT NOT NULL,
    -- of an empty log 64 zeros, the hash before the first entry
    hash   TEXT NOT NULL
);
INSERT INTO log_head (id, number, hash) SELECT 1, number, hash FROM log ORDER BY number DESC LIMIT 1;
INSERT INTO log_head (id, number, hash)
    SELECT 1, 0, '0000000000000000000000000000000000000000000000000000000000000000'
    WHERE NOT EXISTS (SELECT 1 FROM log_head);

-- When the mail of an attempt was handed over, and how many bytes it has: both stay when retention removes the mail.
ALTER TABLE attempts ADD COLUMN handed_over_at TIMESTAMPTZ;
ALTER TABLE attempts ADD COLUMN size_bytes BIGINT;
UPDATE attempts SET size_bytes = length(mail) WHERE mail IS NOT NULL;
