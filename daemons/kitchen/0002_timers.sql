-- How often a ticket was moved from a station that could not finish it, and the timer that counts for it, or did at the end.
ALTER TABLE tickets ADD COLUMN moves int NOT NULL DEFAULT 0, ADD COLUMN timer text;
