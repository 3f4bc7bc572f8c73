-- A job that has failed or was cancelled may be queued again, and may have a bound on its running time.
ALTER TABLE jobs ADD COLUMN max_run_seconds INTEGER CHECK (max_run_seconds > 0); -- NULL: none
ALTER TABLE jobs ADD COLUMN run_ms INTEGER NOT NULL DEFAULT 0; -- spent by the attempts since it was queued

-- What is told of such a job is told anew (one delivery for each event of a job); what was still to be told of its
-- end is no longer so.
CREATE TRIGGER jobs_tell_anew AFTER UPDATE OF status ON jobs
WHEN NEW.status = 'queued' AND OLD.status IN ('succeeded', 'failed', 'cancelled')
BEGIN
    DELETE FROM deliveries WHERE job_id = NEW.id;
END;

-- As before, but that only a job that runs can be released: the attempts of one that is queued again begin anew.
DROP TRIGGER jobs_moved;
CREATE TRIGGER jobs_moved AFTER UPDATE OF status, cancel_requested ON jobs
WHEN new.status <> old.status OR new.cancel_requested > old.cancel_requested BEGIN
    INSERT INTO job_log (job_id, number, event, attempt, detail)
    SELECT new.id, coalesce(max(number), 0) + 1,
        CASE WHEN new.status = old.status THEN 'cancel-requested'
            WHEN new.status = 'running' THEN 'started'
            WHEN new.status <> 'queued' THEN new.status
            WHEN new.attempts < old.attempts AND old.status = 'running' THEN 'released'
            ELSE 'retried' END,
        old.attempts + (new.status = 'running' AND old.status <> 'running'),
        CASE WHEN new.status <> old.status THEN new.error_detail END
    FROM job_log WHERE job_id = new.id;
END;
