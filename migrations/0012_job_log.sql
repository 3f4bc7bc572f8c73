-- What happened to a job, and when. Triggers write it, so that it is in the transaction of what happened, whoever
-- does that; a migration that makes jobs anew makes them anew. Of each job the newest 1000 rows stay, and numbers
-- go on. candidate: the file of a search or a sweep, from 1; detail: a reason or a warning.
ALTER TABLE jobs ADD COLUMN candidate INTEGER NOT NULL DEFAULT 0;       -- in hand; 0: none
ALTER TABLE jobs ADD COLUMN candidates_done INTEGER NOT NULL DEFAULT 0;
CREATE TABLE job_log (
    job_id     TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    at         INTEGER NOT NULL DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)),
    event      TEXT NOT NULL,
    attempt    INTEGER NOT NULL,
    stage      TEXT,
    candidate  INTEGER,
    detail     TEXT,
    PRIMARY KEY (job_id, number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER job_log_bound AFTER INSERT ON job_log BEGIN
    DELETE FROM job_log WHERE job_id = new.job_id AND number <= new.number - 1000;
END;

CREATE TRIGGER jobs_ordered AFTER INSERT ON jobs BEGIN
    INSERT INTO job_log (job_id, number, at, event, attempt) VALUES (new.id, 1, new.created_at, 'ordered', 0);
END;

CREATE TRIGGER jobs_moved AFTER UPDATE OF status, cancel_requested ON jobs
WHEN new.status <> old.status OR new.cancel_requested > old.cancel_requested BEGIN
    INSERT INTO job_log (job_id, number, event, attempt, detail)
    SELECT new.id, coalesce(max(number), 0) + 1,
        CASE WHEN new.status = old.status THEN 'cancel-requested'
            WHEN new.status = 'running' THEN 'started'
            WHEN new.status <> 'queued' THEN new.status
            -- the service stops, or has stopped; the attempts of a job that is queued again begin anew
            WHEN new.attempts < old.attempts AND old.status = 'running' THEN 'released'
            ELSE 'retried' END,
        old.attempts + (new.status = 'running' AND old.status <> 'running'),
        CASE WHEN new.status <> old.status THEN new.error_detail END
    FROM job_log WHERE job_id = new.id;
END;

CREATE TRIGGER jobs_stage AFTER UPDATE OF stage, candidate, candidates_done ON jobs
WHEN new.status = 'running' BEGIN
    INSERT INTO job_log (job_id, number, event, attempt, candidate)
    SELECT new.id, (SELECT coalesce(max(number), 0) + 1 FROM job_log WHERE job_id = new.id),
        'candidate', new.attempts, new.candidates_done
    WHERE new.candidates_done > old.candidates_done;
    INSERT INTO job_log (job_id, number, event, attempt, stage, candidate)
    SELECT new.id, (SELECT coalesce(max(number), 0) + 1 FROM job_log WHERE job_id = new.id),
        'stage', new.attempts, new.stage, nullif(new.candidate, 0)
    WHERE new.stage IS NOT old.stage OR new.candidate <> old.candidate;
END;

-- Of jobs from before, what their times say.
INSERT INTO job_log (job_id, number, at, event, attempt) SELECT id, 1, created_at, 'ordered', 0 FROM jobs;
INSERT INTO job_log (job_id, number, at, event, attempt)
    SELECT id, 2, started_at, 'started', 1 FROM jobs WHERE started_at IS NOT NULL;
INSERT INTO job_log (job_id, number, at, event, attempt, detail)
    SELECT id, 3, finished_at, status, attempts, error_detail FROM jobs WHERE finished_at IS NOT NULL;
