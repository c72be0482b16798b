-- pending: a process is at it now; when its replica starts again without having said goodbye, that was a try.
ALTER TABLE consumer_attempts ADD COLUMN replica int NOT NULL, ADD COLUMN pending boolean NOT NULL;
