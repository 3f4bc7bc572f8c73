-- What people say of a job: labels (a JSON object of texts), and a priority by which it is taken up; the oldest
-- of the highest goes first.
ALTER TABLE jobs ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';
ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
CREATE INDEX jobs_turn ON jobs (status, priority DESC, seq);
