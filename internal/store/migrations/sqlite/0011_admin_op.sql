-- Ids of changes that admins ordered from afar: each is made once, whatever is sent again after a restart. result is closed under the root key; NULL: it
-- was not stored.
CREATE TABLE admin_op (
  tenant  TEXT    NOT NULL REFERENCES tenant_head (tenant),
  person  TEXT    NOT NULL,
  op      TEXT    NOT NULL,
  command TEXT    NOT NULL,
  digest  BLOB    NOT NULL,
  at      INTEGER NOT NULL,
  result  BLOB,
  PRIMARY KEY (tenant, person, op)
) STRICT;

CREATE INDEX admin_op_at ON admin_op (tenant, at);
