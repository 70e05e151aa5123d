-- What ticks have queued since an instant, of all replicas, so that several ticks in a row are judged as one (N9).
ALTER TABLE service ADD COLUMN queued_since TIMESTAMPTZ;
ALTER TABLE service ADD COLUMN queued_count BIGINT NOT NULL DEFAULT 0;
