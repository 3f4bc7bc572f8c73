-- The teacher's accuracy on the training images, and the student's on those held back; NULL: none.
ALTER TABLE metrics ADD COLUMN teacher_top1 REAL;
ALTER TABLE metrics ADD COLUMN held_top1 REAL;
ALTER TABLE metrics ADD COLUMN held_loss REAL;
