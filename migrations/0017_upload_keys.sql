-- A model or data set that is sent again under its Idempotency-Key is the same one: the key lives as long as it does.
-- The digest of the request tells a repetition from another upload under the same key.
ALTER TABLE uploads ADD COLUMN idempotency_key TEXT;
ALTER TABLE uploads ADD COLUMN request_sha256 TEXT;
CREATE UNIQUE INDEX uploads_idempotency_key ON uploads (idempotency_key, kind, coalesce(owner, ''));
