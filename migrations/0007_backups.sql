-- Copies of this database. In a copy that `fristd backup` made: when. The service that first works by it takes that as a
-- restoration, and what it cannot know to have been said since is held (N9).
ALTER TABLE service ADD COLUMN copied_at TIMESTAMPTZ;
-- When this database was last restored from such a copy.
ALTER TABLE service ADD COLUMN restored_at TIMESTAMPTZ;
