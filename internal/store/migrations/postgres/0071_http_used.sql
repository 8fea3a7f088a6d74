-- As SQLite's of this number.

CREATE TABLE http_used (
  tenant   TEXT COLLATE "C" NOT NULL,
  event_id BYTEA NOT NULL,
  until    BIGINT NOT NULL,
  PRIMARY KEY (tenant, event_id)
);

CREATE INDEX http_used_until ON http_used (until);
