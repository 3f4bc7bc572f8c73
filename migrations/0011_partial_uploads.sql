-- Uploads that come in parts (tus.io). The bytes lie in DIR/partial/ID until all are there, and how many there are is
-- the size of that file. A row stays until it expires, so that who sent the last part can ask what became of it.
CREATE TABLE partial_uploads (
    id           TEXT PRIMARY KEY,
    kind         TEXT NOT NULL CHECK (kind IN ('model', 'dataset')),
    name         TEXT NOT NULL,
    format       TEXT NOT NULL,     -- of a data set; '': by its content
    metadata     TEXT NOT NULL,     -- as the client sent it
    length       INTEGER NOT NULL CHECK (length > 0),
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    resource     TEXT,              -- the model or data set that it has become; NULL: not yet
    error_type   TEXT,              -- why its content was refused; NULL: it was not
    error_detail TEXT,
    owner        TEXT REFERENCES tokens (id)
) STRICT, WITHOUT ROWID;

CREATE INDEX partial_uploads_expiry ON partial_uploads (expires_at);
