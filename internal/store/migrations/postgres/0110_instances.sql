-- As SQLite's of this number.

CREATE TABLE instance (
  id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  name       TEXT COLLATE "C" NOT NULL,
  version    TEXT COLLATE "C" NOT NULL,
  started_at BIGINT NOT NULL,
  beat_at    BIGINT NOT NULL,
  draining   BIGINT NOT NULL,
  done       BIGINT NOT NULL
);

CREATE TABLE lease (
  name     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  instance TEXT COLLATE "C" NOT NULL,
  since    BIGINT NOT NULL
);

CREATE TABLE instance_order (
  no       BIGINT NOT NULL PRIMARY KEY,
  at       BIGINT NOT NULL,
  tenant   TEXT COLLATE "C" NOT NULL,
  what     TEXT COLLATE "C" NOT NULL CHECK (what IN ('changed', 'sealed')),
  instance TEXT COLLATE "C" NOT NULL
);

CREATE TABLE schema_rule (
  id      BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
  minimum BIGINT NOT NULL
);

INSERT INTO schema_rule (id, minimum) VALUES (1, 110);
