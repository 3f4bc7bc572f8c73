-- Who may call the service. A token is fsn_ID_SECRET; of the secret, 256 random bits, the SHA-256 of the whole
-- token is kept and nothing else. Rows stay when a token is revoked: they are the owners of what it made.
CREATE TABLE tokens (
    id          TEXT PRIMARY KEY CHECK (length(id) = 24),
    name        TEXT NOT NULL,
    role        TEXT NOT NULL CHECK (role IN ('admin', 'user', 'viewer')),
    sha256      TEXT NOT NULL CHECK (length(sha256) = 64),
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER,  -- NULL: never
    revoked_at  INTEGER   -- NULL: it was not
) STRICT, WITHOUT ROWID;

-- NULL: made before there were owners, or by a service that asks for no token.
ALTER TABLE uploads ADD COLUMN owner TEXT REFERENCES tokens (id);
CREATE INDEX uploads_owner ON uploads (owner, kind, seq);
ALTER TABLE jobs ADD COLUMN owner TEXT REFERENCES tokens (id);
CREATE INDEX jobs_owner ON jobs (owner, seq);

-- An Idempotency-Key is its owner's own.
DROP INDEX jobs_idempotency_key;
CREATE UNIQUE INDEX jobs_idempotency_key ON jobs (idempotency_key, coalesce(owner, ''));
