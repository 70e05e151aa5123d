-- Mails of one instant go duty by duty: those to one mailbox lie far apart, so that a batch for many connections holds as many
-- mailboxes as mails.
DROP INDEX notices_in_turn;
CREATE INDEX notices_in_turn ON notices ((CASE WHEN kind = 'correction' THEN 0 ELSE 1 END), due_at, step, duty, mailbox)
    WHERE next_at IS NOT NULL;
