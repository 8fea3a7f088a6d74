-- As SQLite's of this number.

ALTER TABLE admin ADD COLUMN legacy_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE admin ADD COLUMN script BIGINT NOT NULL DEFAULT 0 CHECK (script IN (0, 1));
