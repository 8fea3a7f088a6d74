-- The guard (internal/guard): what a key's replaceable events may lose unasked, and what is known of those before the first one here.
ALTER TABLE user_key ADD COLUMN guard_share INTEGER NOT NULL DEFAULT 0; -- percent; 0: the default, -1: off
ALTER TABLE user_key ADD COLUMN baseline INTEGER NOT NULL DEFAULT 0 CHECK (baseline BETWEEN 0 AND 2); -- 0 empty, 1 unknown, 2 fetched

-- The last versions of replaceable events, as they were signed. What an event says is in sealed alone, under the root key.
CREATE TABLE kept_version (
  tenant     TEXT    NOT NULL,
  key_id     TEXT    NOT NULL,
  kind       INTEGER NOT NULL,
  address    BLOB    NOT NULL, -- keyed digest of key, kind and d tag
  seq        INTEGER NOT NULL, -- from 1 on in each address
  created_at INTEGER NOT NULL, -- unix seconds, the event's own
  event_id   BLOB    NOT NULL,
  source     TEXT    NOT NULL CHECK (source IN ('signed', 'fetched')),
  connection TEXT    NOT NULL, -- '' for an admin's, and what was fetched
  kept_at    INTEGER NOT NULL,
  seen       INTEGER NOT NULL, -- 1: a person agreed to it, or a relay had it; losses in small steps are counted from here
  size       INTEGER NOT NULL, -- bytes of sealed
  sealed     BLOB    NOT NULL,
  PRIMARY KEY (tenant, key_id, kind, address, seq)
) STRICT;

-- For how many bytes a key's versions take, without reading them.
CREATE INDEX kept_version_size ON kept_version (tenant, key_id, size);
