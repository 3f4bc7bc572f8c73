-- The first schema. Times are milliseconds since 1970 (UTC); JSON is text as it was made.

-- Content by its SHA-256; the bytes lie in blobs/ab/abcdef... A row lives while an upload or an
-- artifact names it (the foreign keys hold that), and the file lives while the row does.
CREATE TABLE blobs (
    sha256      TEXT PRIMARY KEY CHECK (length(sha256) = 64),
    size_bytes  INTEGER NOT NULL CHECK (size_bytes >= 0),
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Models and data sets. info: what the engine's checks need of a data set later (JSON), else NULL.
CREATE TABLE uploads (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    kind        TEXT NOT NULL CHECK (kind IN ('model', 'dataset')),
    name        TEXT NOT NULL,
    format      TEXT NOT NULL,
    sha256      TEXT NOT NULL REFERENCES blobs (sha256),
    summary     TEXT NOT NULL,
    info        TEXT,
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX uploads_sha256 ON uploads (sha256);

-- The queue. model_id and dataset_id are not foreign keys: a finished job outlives its inputs. That
-- they exist while the job is queued or running is held by the statements that insert and delete.
CREATE TABLE jobs (
    seq               INTEGER PRIMARY KEY AUTOINCREMENT,
    id                TEXT NOT NULL UNIQUE,
    name              TEXT NOT NULL,
    model_id          TEXT NOT NULL,
    dataset_id        TEXT NOT NULL,
    spec              TEXT NOT NULL,
    plan              TEXT NOT NULL,
    status            TEXT NOT NULL
        CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    fence             INTEGER NOT NULL DEFAULT 0,  -- counts claims; a write with an old one is void
    lease_until       INTEGER,                     -- set exactly while running
    attempts          INTEGER NOT NULL DEFAULT 0,
    cancel_requested  INTEGER NOT NULL DEFAULT 0,
    stage             TEXT,
    progress          REAL NOT NULL DEFAULT 0,
    epoch             INTEGER NOT NULL DEFAULT 0,
    epochs            INTEGER NOT NULL DEFAULT 0,
    images_per_second REAL,
    seconds_left      REAL,
    error_type        TEXT,
    error_detail      TEXT,
    created_at        INTEGER NOT NULL,
    started_at        INTEGER,
    finished_at       INTEGER,
    CHECK ((status = 'running') = (lease_until IS NOT NULL)),
    CHECK ((status IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
) STRICT;
CREATE INDEX jobs_status ON jobs (status, seq);

CREATE TABLE metrics (
    job_id            TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    epoch             INTEGER NOT NULL,
    lr                REAL NOT NULL,
    train_loss        REAL,  -- NULL: not finite
    train_top1        REAL,
    seconds           REAL NOT NULL,
    images_per_second REAL,
    PRIMARY KEY (job_id, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifacts (
    job_id        TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    content_type  TEXT NOT NULL,
    sha256        TEXT NOT NULL REFERENCES blobs (sha256),
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (job_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifacts_sha256 ON artifacts (sha256);
