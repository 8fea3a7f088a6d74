-- +goose Up
-- As SQLite's of this number. Here each use is counted in its row at once, since several instances share them: the table is for stores
-- that move.

CREATE TABLE budget_log (
  no     BIGINT NOT NULL PRIMARY KEY,
  tenant TEXT COLLATE "C" NOT NULL,
  spent  TEXT COLLATE "C" NOT NULL
);

CREATE INDEX budget_total ON budget (tenant) WHERE ends_at = 0;
