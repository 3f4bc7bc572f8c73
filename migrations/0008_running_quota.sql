-- How many of a token's jobs may run at once; NULL: as many as there are workers.
ALTER TABLE tokens ADD COLUMN max_running_jobs INTEGER CHECK (max_running_jobs > 0);
