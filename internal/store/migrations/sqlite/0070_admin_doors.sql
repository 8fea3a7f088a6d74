-- Other doors of an admin: the first nsecBunker's admin protocol, until a time; HTTP, for scripts.

ALTER TABLE admin ADD COLUMN legacy_until INTEGER NOT NULL DEFAULT 0; -- unix ms; 0: not at all
ALTER TABLE admin ADD COLUMN script INTEGER NOT NULL DEFAULT 0 CHECK (script IN (0, 1));
