-- Browsers and scripts that an admin confirmed, by their own key (P-256). person is zeroes for "local".
CREATE TABLE device (
  tenant       TEXT    NOT NULL REFERENCES tenant_head (tenant),
  id           TEXT    NOT NULL,
  pub          BLOB    NOT NULL,
  person       BLOB    NOT NULL,
  role         INTEGER NOT NULL,
  label        TEXT    NOT NULL,
  state        TEXT    NOT NULL CHECK (state IN ('confirmed', 'revoked')),
  paired       INTEGER NOT NULL,
  last_login   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  confirmed_by TEXT    NOT NULL,
  created_at   INTEGER NOT NULL,
  version      INTEGER NOT NULL,
  mac          BLOB,
  PRIMARY KEY (tenant, id)
) STRICT;
