-- Requests a minute that a token may make; NULL: as many as the service lets any token.
ALTER TABLE tokens ADD COLUMN rate_per_minute INTEGER CHECK (rate_per_minute BETWEEN 1 AND 1000000);
