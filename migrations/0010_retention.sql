-- What is there for a time. keep: people exempt a job. artifacts_expired_at: since when its files are gone by age.
ALTER TABLE jobs ADD COLUMN keep INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN artifacts_expired_at INTEGER;
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;

-- A job either has its files or has not.
CREATE TRIGGER jobs_expire AFTER UPDATE OF artifacts_expired_at ON jobs WHEN NEW.artifacts_expired_at IS NOT NULL
BEGIN
    DELETE FROM artifacts WHERE job_id = NEW.id;
END;

-- When an upload was used last: when it came, and when a job that had it was ordered or ended. It stays when
-- that job goes.
ALTER TABLE uploads ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
UPDATE uploads SET used_at = max(created_at, coalesce(
    (SELECT max(coalesce(j.finished_at, j.created_at)) FROM jobs j WHERE j.model_id = uploads.id), 0), coalesce(
    (SELECT max(coalesce(j.finished_at, j.created_at)) FROM jobs j WHERE j.dataset_id = uploads.id), 0));
CREATE TRIGGER uploads_come AFTER INSERT ON uploads
BEGIN
    UPDATE uploads SET used_at = NEW.created_at WHERE seq = NEW.seq;
END;
CREATE TRIGGER uploads_ordered AFTER INSERT ON jobs
BEGIN
    UPDATE uploads SET used_at = max(used_at, NEW.created_at) WHERE id IN (NEW.model_id, NEW.dataset_id);
END;
CREATE TRIGGER uploads_used AFTER UPDATE OF finished_at ON jobs WHEN NEW.finished_at IS NOT NULL
BEGIN
    UPDATE uploads SET used_at = max(used_at, NEW.finished_at) WHERE id IN (NEW.model_id, NEW.dataset_id);
END;
