-- Where everything was copied to by `fristd store copy`: from then on no service works by this store.
ALTER TABLE service ADD COLUMN moved_at TIMESTAMPTZ;
ALTER TABLE service ADD COLUMN moved_to TEXT;
