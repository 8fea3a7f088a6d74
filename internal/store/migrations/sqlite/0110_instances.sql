-- Several instances on one database. On SQLite there is one instance, and these tables stay empty.

-- The instances that run, or ran. Times are of the database's clock: instances are compared by it alone.
CREATE TABLE instance (
  id         TEXT    NOT NULL PRIMARY KEY, -- of one start of one process
  name       TEXT    NOT NULL,             -- where to look for it
  version    TEXT    NOT NULL,
  started_at INTEGER NOT NULL, -- unix ms
  beat_at    INTEGER NOT NULL, -- unix ms; too old: it is dead, and what it held is anybody's
  draining   INTEGER NOT NULL, -- 1: it takes nothing on any more
  done       INTEGER NOT NULL  -- the last row of instance_order that it has followed
) STRICT;

-- Who does what only one shall do: hears a part of the signer keys on relays (000 and up), or does the jobs of a timer. A hint that spares work:
-- the claim of each request is what keeps it from being answered twice.
CREATE TABLE lease (
  name     TEXT    NOT NULL PRIMARY KEY,
  instance TEXT    NOT NULL, -- '': nobody
  since    INTEGER NOT NULL
) STRICT;

-- What every instance must follow in its memory: rows that changed, a seal. Numbered in the order of their commits; the last one is never deleted.
CREATE TABLE instance_order (
  no       INTEGER NOT NULL PRIMARY KEY,
  at       INTEGER NOT NULL,
  tenant   TEXT    NOT NULL,
  what     TEXT    NOT NULL CHECK (what IN ('changed', 'sealed')),
  instance TEXT    NOT NULL  -- that ordered it, and has done it
) STRICT;

-- How much a program must know of the schema to serve it: the number of a migration. A migration that only adds leaves it alone; one that takes away
-- what programs of before still use raises it, and comes a version later.
CREATE TABLE schema_rule (
  id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  minimum INTEGER NOT NULL
) STRICT;

INSERT INTO schema_rule (id, minimum) VALUES (1, 110);
