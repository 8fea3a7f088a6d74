-- Admins of some keys; invitations; commands that several persons must want.

-- Ids of user keys, as JSON; '' for every key and the whole bunker.
ALTER TABLE admin ADD COLUMN keys TEXT NOT NULL DEFAULT '';

-- How many persons must want what, as JSON; '' for one.
ALTER TABLE tenant_head ADD COLUMN quorum TEXT NOT NULL DEFAULT '';

CREATE TABLE invite (
  tenant      TEXT    NOT NULL REFERENCES tenant_head (tenant),
  id          TEXT    NOT NULL,
  secret_hash BLOB    NOT NULL, -- SHA-256; zero where only the npub can accept
  for_pubkey  BLOB    NOT NULL, -- zero for whoever has the secret
  role        INTEGER NOT NULL,
  keys        TEXT    NOT NULL,
  name        TEXT    NOT NULL,
  invited_by  TEXT    NOT NULL,
  inviter     BLOB    NOT NULL, -- zero for the machine's own administrator
  state       TEXT    NOT NULL CHECK (state IN ('open', 'accepted', 'revoked')),
  accepted_by BLOB    NOT NULL,
  accepted_at INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  version     INTEGER NOT NULL,
  mac         BLOB,
  tries       INTEGER NOT NULL, -- wrong secrets; not in the MAC
  PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE motion (
  tenant     TEXT    NOT NULL REFERENCES tenant_head (tenant),
  id         TEXT    NOT NULL,
  command    TEXT    NOT NULL,
  params     BLOB    NOT NULL, -- canonical JSON; holds no secret
  digest     BLOB    NOT NULL,
  key_id     TEXT    NOT NULL, -- '' where no single key is meant
  moved_by   TEXT    NOT NULL,
  votes      TEXT    NOT NULL, -- JSON
  state      TEXT    NOT NULL CHECK (state IN ('open', 'done', 'withdrawn')),
  expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  version    INTEGER NOT NULL,
  mac        BLOB,
  PRIMARY KEY (tenant, id)
) STRICT;

-- One open motion for one thing.
CREATE UNIQUE INDEX motion_open ON motion (tenant, digest) WHERE state = 'open';
