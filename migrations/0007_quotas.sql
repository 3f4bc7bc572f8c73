-- What a token may have at most; NULL: as much as the service takes.
ALTER TABLE tokens ADD COLUMN max_stored_bytes INTEGER CHECK (max_stored_bytes > 0);
ALTER TABLE tokens ADD COLUMN max_queued_jobs INTEGER CHECK (max_queued_jobs > 0);
