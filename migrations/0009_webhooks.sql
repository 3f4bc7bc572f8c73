-- Who is told of a job's fate. The secret signs what is sent, so it is here as it is, and shown nowhere again.
CREATE TABLE webhooks (
    job_id  TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    url     TEXT NOT NULL,
    secret  TEXT NOT NULL,             -- whsec_ and base64
    events  TEXT NOT NULL,             -- a JSON array of names
    gone    INTEGER NOT NULL DEFAULT 0 -- the receiver answered 410: it gets nothing more
) STRICT, WITHOUT ROWID;

-- The outbox and its log. The body is NULL until the first attempt; all later ones send the same bytes.
CREATE TABLE deliveries (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    id               TEXT NOT NULL UNIQUE,
    job_id           TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    event            TEXT NOT NULL,
    happened_at      INTEGER NOT NULL,
    body             TEXT,
    status           TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts         INTEGER NOT NULL DEFAULT 0,
    last_attempt_at  INTEGER,
    next_attempt_at  INTEGER, -- set exactly while pending; while an attempt is made, the end of its lease
    response_status  INTEGER, -- of the last attempt; NULL: there was no answer
    error            TEXT,
    UNIQUE (job_id, event),
    CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL))
) STRICT;
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE status = 'pending';

-- What is to be told is written with the change that it tells of, whoever makes the change. A job that is taken
-- up again after a crash has started once.
CREATE TRIGGER jobs_tell AFTER UPDATE OF status ON jobs
WHEN NEW.status <> OLD.status AND NEW.status <> 'queued'
BEGIN
    INSERT INTO deliveries (id, job_id, event, happened_at, status, next_attempt_at)
        SELECT 'msg_' || lower(hex(randomblob(12))), NEW.id, e.value,
            coalesce(NEW.finished_at, NEW.started_at), 'pending', coalesce(NEW.finished_at, NEW.started_at)
        FROM webhooks w, json_each(w.events) e
        WHERE w.job_id = NEW.id AND w.gone = 0
            AND e.value = 'job.' || iif(NEW.status = 'running', 'started', NEW.status)
        ON CONFLICT (job_id, event) DO NOTHING;
END;
