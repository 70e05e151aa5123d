-- Rises with every change on which it can hang whether a notice is still called for (N5, N8), and with none that a deliverer
-- makes by delivering: one that claimed before asks again when it has risen.
ALTER TABLE service ADD COLUMN verdict_changes BIGINT NOT NULL DEFAULT 0;

-- What a deliverer takes next, in the order in which it takes it: without it a claim would sort all that waits.
CREATE INDEX notices_in_turn ON notices ((CASE WHEN kind = 'correction' THEN 0 ELSE 1 END), due_at, step, mailbox)
    WHERE next_at IS NOT NULL;

-- The announcement to which each later mail to a mailbox refers (M3).
CREATE INDEX notices_announcements ON notices (month, duty, mailbox) WHERE kind = 'announcement';

-- Mails handed over of late, for the limits against oneself: it holds over restarts and for all replicas together.
CREATE TABLE hand_overs (
    second TIMESTAMPTZ NOT NULL,
    domain TEXT NOT NULL,
    mails  BIGINT NOT NULL,
    PRIMARY KEY (second, domain)
);

-- What is in some hand.
CREATE INDEX notices_in_hand ON notices (lease_until) WHERE lease_until IS NOT NULL;
