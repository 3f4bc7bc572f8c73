-- An order that is sent again under its Idempotency-Key is the same job: the key lives as long as the job. The
-- digest of the order tells a repetition from another order under the same key.
ALTER TABLE jobs ADD COLUMN idempotency_key TEXT;
ALTER TABLE jobs ADD COLUMN order_sha256 TEXT;
CREATE UNIQUE INDEX jobs_idempotency_key ON jobs (idempotency_key);
