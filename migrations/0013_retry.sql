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
