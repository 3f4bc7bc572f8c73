-- Default boxes that are matched with objects, the mean of the images of an epoch; NULL: a classifier is trained.
ALTER TABLE metrics ADD COLUMN matched REAL;
