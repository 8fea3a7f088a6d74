-- The tenants of a hosted instance, beside the house: whoever runs the instance has the
-- rows, and of a tenant that has ended one stays, so that what was ordered once is not made
-- again. They are the house's, with MACs under its service key.

CREATE TABLE tenant (
  tenant      TEXT    NOT NULL PRIMARY KEY,
  label       TEXT    NOT NULL, -- the provider's word; '' after the end
  order_id    TEXT    NOT NULL, -- what it was made for; '' for none
  admins      TEXT    NOT NULL, -- pubkeys of who may set it up, JSON; '' after the end
  admin_key   BLOB    NOT NULL CHECK (length(admin_key) = 32),
  service_key BLOB,             -- wrapped under the house's; NULL after the end
  setup_code  BLOB,             -- likewise; NULL once it is set up
  why         TEXT    NOT NULL, -- of its standing, for its people
  created_at  INTEGER NOT NULL, -- unix ms
  held_at     INTEGER NOT NULL, -- since when it does not work; 0: it does
  ended_at    INTEGER NOT NULL, -- 0: it has not
  version     INTEGER NOT NULL,
  mac         BLOB    NOT NULL
) STRICT;

CREATE UNIQUE INDEX tenant_order ON tenant (order_id) WHERE order_id <> '';

-- How the provider lets it stand: '' works, 'read-only', 'suspended'. It gives no right, so it is no part of the MAC.
ALTER TABLE tenant_head ADD COLUMN standing TEXT NOT NULL DEFAULT '';

-- A slot of kind provider opens a tenant when the house is open.
CREATE TABLE slot_new (
  tenant     TEXT    NOT NULL REFERENCES tenant_head (tenant),
  id         TEXT    NOT NULL,
  kind       TEXT    NOT NULL CHECK (kind IN ('passphrase', 'file', 'credential', 'command', 'provider')),
  name       TEXT    NOT NULL,
  params     BLOB    NOT NULL,
  wrapped    BLOB    NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, name)
) STRICT;
INSERT INTO slot_new SELECT tenant, id, kind, name, params, wrapped, created_at FROM slot;
DROP TABLE slot;
ALTER TABLE slot_new RENAME TO slot;

-- A version of a policy goes with its whole tenant, and never before.
DROP TRIGGER policy_version_stays_there;
CREATE TRIGGER policy_version_stays_there BEFORE DELETE ON policy_version
WHEN EXISTS (SELECT 1 FROM tenant_head h WHERE h.tenant = OLD.tenant)
BEGIN SELECT RAISE(ABORT, 'a version of a policy never goes'); END;
