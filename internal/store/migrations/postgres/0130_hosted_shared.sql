-- +goose Up
-- As SQLite's of this number.

ALTER TABLE tenant ADD COLUMN moved BIGINT NOT NULL DEFAULT 0;

CREATE INDEX tenant_moved ON tenant (moved);

ALTER TABLE instance ADD COLUMN opened BIGINT NOT NULL DEFAULT 0;

CREATE TABLE instance_open (
  instance TEXT COLLATE "C" NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
  tenant   TEXT COLLATE "C" NOT NULL,
  open     BIGINT NOT NULL CHECK (open IN (0, 1)),
  no       BIGINT NOT NULL, -- of the instance's changes
  PRIMARY KEY (instance, tenant)
);

CREATE INDEX instance_open_no ON instance_open (instance, no);

CREATE TABLE tenant_opened (
  tenant TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  at     BIGINT NOT NULL -- unix ms
);
