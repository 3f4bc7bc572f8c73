-- Uploads in parts have a place in a list, and say how many of their bytes count while a part with a checksum comes.
ALTER TABLE partial_uploads RENAME TO old_partial_uploads;
CREATE TABLE partial_uploads (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT, -- place in the list, newest last
    id           TEXT NOT NULL UNIQUE,
    kind         TEXT NOT NULL CHECK (kind IN ('model', 'dataset')),
    name         TEXT NOT NULL,
    format       TEXT NOT NULL,     -- of a data set; '': by its content
    metadata     TEXT NOT NULL,     -- as the client sent it
    length       INTEGER NOT NULL CHECK (length > 0),
    verified     INTEGER,           -- bytes that count; NULL: all that are in the file
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    resource     TEXT,              -- the model or data set that it has become; NULL: not yet
    error_type   TEXT,              -- why its content was refused; NULL: it was not
    error_detail TEXT,
    owner        TEXT REFERENCES tokens (id)
) STRICT;
INSERT INTO partial_uploads (id, kind, name, format, metadata, length, created_at, expires_at, resource, error_type,
    error_detail, owner)
    SELECT id, kind, name, format, metadata, length, created_at, expires_at, resource, error_type, error_detail, owner
    FROM old_partial_uploads ORDER BY created_at, id;
DROP TABLE old_partial_uploads;
CREATE INDEX partial_uploads_expiry ON partial_uploads (expires_at);
