-- What stands behind the @ of every Message-ID: a notice keeps its id when the sender's address changes (M3).
ALTER TABLE service ADD COLUMN message_domain TEXT;
