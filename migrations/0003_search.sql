-- A job that searches for a size makes several files. search: where it is (JSON), NULL when it does not
-- search. Its curve has epochs of each candidate; candidate 0: the only file of a job.
ALTER TABLE jobs ADD COLUMN search TEXT;

CREATE TABLE metrics_by_candidate (
    job_id            TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    candidate         INTEGER NOT NULL,
    epoch             INTEGER NOT NULL,
    lr                REAL NOT NULL,
    train_loss        REAL,  -- NULL: not finite
    train_top1        REAL,
    seconds           REAL NOT NULL,
    images_per_second REAL,
    teacher_top1      REAL,  -- NULL: none
    held_top1         REAL,
    held_loss         REAL,
    PRIMARY KEY (job_id, candidate, epoch)
) STRICT, WITHOUT ROWID;
INSERT INTO metrics_by_candidate
    SELECT job_id, 0, epoch, lr, train_loss, train_top1, seconds, images_per_second, teacher_top1,
        held_top1, held_loss
    FROM metrics;
DROP TABLE metrics;
ALTER TABLE metrics_by_candidate RENAME TO metrics;
