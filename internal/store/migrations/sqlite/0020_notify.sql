
-- The notifier's key is one of the bunker's own. SQLite changes a CHECK by making the table anew.
CREATE TABLE service_key_new (
  tenant     TEXT    NOT NULL REFERENCES tenant_head (tenant),
  pubkey     BLOB    NOT NULL UNIQUE,
  role       TEXT    NOT NULL CHECK (role IN ('signer', 'admin', 'audit', 'notifier')),
  ciphertext BLOB    NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, pubkey)
) STRICT;
INSERT INTO service_key_new SELECT tenant, pubkey, role, ciphertext, created_at FROM service_key;
DROP TABLE service_key;
ALTER TABLE service_key_new RENAME TO service_key;

CREATE TABLE notify_channel (
  tenant     TEXT    NOT NULL REFERENCES tenant_head (tenant),
  name       TEXT    NOT NULL,
  kind       TEXT    NOT NULL CHECK (kind IN ('nostr', 'ntfy', 'webhook', 'mail', 'push')),
  settings   TEXT    NOT NULL, -- JSON, without secrets
  secret     BLOB    NOT NULL, -- wrapped by the service key; empty for none
  created_at INTEGER NOT NULL,
  version    INTEGER NOT NULL,
  mac        BLOB,
  sealed_mac BLOB    NOT NULL, -- the same under the service key: a sealed bunker sends alarms too
  PRIMARY KEY (tenant, name)
) STRICT;

-- How far the audit log was read for notices, and the key pair of Web Push (RFC 8292), wrapped by the service key.
CREATE TABLE notify_state (
  tenant       TEXT    NOT NULL PRIMARY KEY REFERENCES tenant_head (tenant),
  seen         INTEGER NOT NULL, -- number of an audit record
  vapid_public TEXT    NOT NULL,
  vapid_secret BLOB    NOT NULL
) STRICT;

-- The outbox: one row for each thing that one channel is to be told.
CREATE TABLE notice (
  tenant     TEXT    NOT NULL,
  id         TEXT    NOT NULL,
  channel    TEXT    NOT NULL,
  kind       TEXT    NOT NULL,
  source     TEXT    NOT NULL, -- told once in a channel
  object     TEXT    NOT NULL,
  user_key   BLOB    NOT NULL,
  connection TEXT    NOT NULL,
  at         INTEGER NOT NULL,
  due        INTEGER NOT NULL,
  state      TEXT    NOT NULL CHECK (state IN ('waiting', 'sent', 'moot', 'failed')),
  batch      TEXT    NOT NULL, -- the message that carries it; '' before the first try
  tries      INTEGER NOT NULL,
  next_try   INTEGER NOT NULL,
  error      TEXT    NOT NULL,
  sent_at    INTEGER NOT NULL,
  used       INTEGER NOT NULL, -- its code in a direct message
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, channel, source),
  FOREIGN KEY (tenant, channel) REFERENCES notify_channel (tenant, name)
) STRICT;

CREATE INDEX notice_waiting ON notice (tenant, next_try) WHERE state = 'waiting';
CREATE INDEX notice_sent ON notice (tenant, channel, sent_at) WHERE state = 'sent';
CREATE INDEX notice_object ON notice (tenant, object) WHERE kind = 'question';
