-- +goose Up
-- Hosting on several instances. What stands here of instances stays empty on SQLite, where there is one.

-- When a tenant was made, held or ended, as the number of the house's record: it grows in the order of the commits, so whoever has read everything up
-- to one has missed nothing.
ALTER TABLE tenant ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;

CREATE INDEX tenant_moved ON tenant (moved);

-- The last of its rows in instance_open.
ALTER TABLE instance ADD COLUMN opened INTEGER NOT NULL DEFAULT 0;

-- Where each tenant is unsealed: who has it open hears its keys. A hint, as leases are.
CREATE TABLE instance_open (
  instance TEXT    NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
  tenant   TEXT    NOT NULL,
  open     INTEGER NOT NULL CHECK (open IN (0, 1)),
  no       INTEGER NOT NULL, -- of the instance's changes
  PRIMARY KEY (instance, tenant)
) STRICT;

CREATE INDEX instance_open_no ON instance_open (instance, no);

-- When each tenant was opened last, on whatever instance: what its people are told once is told by that.
CREATE TABLE tenant_opened (
  tenant TEXT    NOT NULL PRIMARY KEY,
  at     INTEGER NOT NULL -- unix ms
) STRICT;
