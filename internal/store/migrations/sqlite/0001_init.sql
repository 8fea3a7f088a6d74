-- Times are unix milliseconds unless a comment says seconds; keys, ids of events and digests are raw bytes; lists are JSON text.

-- One row a tenant. Its row lock is the tenant's lock; version, chain and ledger time are the tenant's.
CREATE TABLE tenant_head (
  tenant         TEXT    NOT NULL PRIMARY KEY,
  set_up         INTEGER NOT NULL,
  stopped        INTEGER NOT NULL,
  default_effect INTEGER NOT NULL,
  reviewed       INTEGER NOT NULL,
  refuse_before  INTEGER NOT NULL,
  incarnation    TEXT    NOT NULL,
  incarnation_no INTEGER NOT NULL,
  version        INTEGER NOT NULL,
  mac            BLOB,
  chain_seq      INTEGER NOT NULL,
  chain_head     BLOB    NOT NULL,
  ledger_time    INTEGER NOT NULL,
  pending        TEXT    NOT NULL, -- what a sealed tenant must still do, as JSON; '' for nothing
  pending_mac    BLOB              -- under the service key
) STRICT;

CREATE TABLE user_key (
  tenant         TEXT    NOT NULL REFERENCES tenant_head (tenant),
  id             TEXT    NOT NULL,
  name           TEXT    NOT NULL,
  pubkey         BLOB    NOT NULL,
  state          TEXT    NOT NULL CHECK (state IN ('active', 'deleting')),
  locked         INTEGER NOT NULL,
  no_export      INTEGER NOT NULL,
  own_passphrase INTEGER NOT NULL,
  npub_login     INTEGER NOT NULL,
  admin_here     INTEGER NOT NULL,
  default_effect INTEGER NOT NULL,
  delete_at      INTEGER NOT NULL,
  created_at     INTEGER NOT NULL,
  version        INTEGER NOT NULL,
  ciphertext     BLOB    NOT NULL,
  mac            BLOB,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, name),
  UNIQUE (tenant, pubkey)
) STRICT;

-- A key that answers for itself can be heard by one tenant only.
CREATE UNIQUE INDEX user_key_npub_login ON user_key (pubkey) WHERE npub_login = 1;

CREATE TABLE service_key (
  tenant     TEXT    NOT NULL REFERENCES tenant_head (tenant),
  pubkey     BLOB    NOT NULL UNIQUE,
  role       TEXT    NOT NULL CHECK (role IN ('signer', 'admin', 'audit')),
  ciphertext BLOB    NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, pubkey)
) STRICT;

CREATE TABLE token (
  tenant      TEXT    NOT NULL REFERENCES tenant_head (tenant),
  id          TEXT    NOT NULL,
  key_id      TEXT    NOT NULL,
  signer      BLOB    NOT NULL,
  secret_hash BLOB    NOT NULL,
  client      TEXT    NOT NULL,
  person      TEXT    NOT NULL,
  permissions TEXT    NOT NULL,
  max_uses    INTEGER NOT NULL,
  uses        INTEGER NOT NULL,
  state       TEXT    NOT NULL CHECK (state IN ('open', 'spent', 'revoked')),
  expires_at  INTEGER NOT NULL,
  grant_for   INTEGER NOT NULL,
  created_by  TEXT    NOT NULL,
  created_at  INTEGER NOT NULL,
  version     INTEGER NOT NULL,
  mac         BLOB,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, secret_hash),
  CHECK (uses <= max_uses)
) STRICT;

CREATE INDEX token_signer ON token (signer);

CREATE TABLE connection (
  tenant     TEXT    NOT NULL REFERENCES tenant_head (tenant),
  id         TEXT    NOT NULL,
  key_id     TEXT    NOT NULL,
  signer     BLOB    NOT NULL,
  client     BLOB    NOT NULL,
  state      TEXT    NOT NULL CHECK (state IN ('pending', 'active', 'suspended', 'ended', 'revoked', 'expired')),
  token      TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  person     TEXT    NOT NULL,
  relays     TEXT    NOT NULL,
  expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  version    INTEGER NOT NULL,
  mac        BLOB,
  metadata   TEXT    NOT NULL,
  last_used  INTEGER NOT NULL,
  uses       INTEGER NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (signer, client, tenant)
) STRICT;

CREATE INDEX connection_key ON connection (tenant, key_id);

CREATE TABLE connection_grant (
  tenant      TEXT    NOT NULL,
  id          TEXT    NOT NULL,
  connection  TEXT    NOT NULL,
  effect      INTEGER NOT NULL,
  permissions TEXT    NOT NULL,
  op_digest   BLOB    NOT NULL,
  approval    TEXT, -- NULL for tokens and admins
  answers     TEXT    NOT NULL,
  max_uses    INTEGER NOT NULL,
  uses        INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  given_by    TEXT    NOT NULL,
  created_at  INTEGER NOT NULL,
  ended       INTEGER NOT NULL,
  version     INTEGER NOT NULL,
  mac         BLOB,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, approval),
  FOREIGN KEY (tenant, connection) REFERENCES connection (tenant, id),
  CHECK (max_uses = 0 OR uses <= max_uses)
) STRICT;

CREATE INDEX connection_grant_live ON connection_grant (tenant, connection) WHERE ended = 0;
CREATE INDEX connection_grant_all ON connection_grant (tenant, connection);

CREATE TABLE approval (
  tenant         TEXT    NOT NULL,
  id             TEXT    NOT NULL,
  event_id       BLOB    NOT NULL UNIQUE, -- the newest request that waits for it
  connection     TEXT    NOT NULL,
  key_id         TEXT    NOT NULL,
  method         TEXT    NOT NULL,
  kind           INTEGER NOT NULL,
  op_digest      BLOB    NOT NULL,
  summary        BLOB    NOT NULL,
  answers        TEXT    NOT NULL,
  once_only      INTEGER NOT NULL,
  reply_by       INTEGER NOT NULL,
  question_until INTEGER NOT NULL,
  state          TEXT    NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'expired', 'withdrawn')),
  answered_by    TEXT    NOT NULL,
  answered_at    INTEGER NOT NULL,
  created_at     INTEGER NOT NULL,
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant, connection) REFERENCES connection (tenant, id)
) STRICT;

-- One open question for one operation of one connection.
CREATE UNIQUE INDEX approval_open ON approval (tenant, connection, op_digest) WHERE state = 'pending';
CREATE INDEX approval_until ON approval (question_until) WHERE state = 'pending';
CREATE INDEX approval_answered ON approval (answered_at) WHERE state <> 'pending';
CREATE INDEX approval_recent ON approval (tenant, connection, answered_at);

-- A request has a row from its commit on; nothing durable precedes it. (request and audit name no parent for their tenant: the
-- group that writes them holds the tenant's row, and a reference would cost a lookup a row.)
CREATE TABLE request (
  event_id           BLOB    NOT NULL PRIMARY KEY,
  tenant             TEXT    NOT NULL,
  signer             BLOB    NOT NULL,
  client             BLOB    NOT NULL,
  connection         TEXT    NOT NULL,
  method             TEXT    NOT NULL,
  op_digest          BLOB    NOT NULL,
  created_at         INTEGER NOT NULL, -- unix seconds, the event's own
  -- Not IN, for which SQLite makes a table of the four values at each write.
  state              TEXT    NOT NULL CHECK (state = 'ready' OR state = 'delivered' OR state = 'parked' OR state = 'undeliverable'),
  envelope           BLOB,             -- while parked
  relays             TEXT    NOT NULL,
  question           TEXT    NOT NULL, -- the approval it waits for, or waited
  tenant_version     INTEGER NOT NULL, -- the versions that it was decided on
  connection_version INTEGER NOT NULL,
  key_version        INTEGER NOT NULL,
  publisher          TEXT    NOT NULL, -- the instance that publishes it until publish_until
  publish_until      INTEGER NOT NULL,
  inserted_at        INTEGER NOT NULL,
  ready_at           INTEGER NOT NULL, -- when the time to give up began to run
  erased             INTEGER NOT NULL DEFAULT 0, -- too old to come again: its replies' bytes are gone
  -- The first relay that said OK to the final reply: here and not in reply, whose rows are long, and would be written twice.
  accepted_by        TEXT    NOT NULL DEFAULT '',
  CHECK (envelope IS NULL OR state = 'parked')
) STRICT;

CREATE INDEX request_ready ON request (publish_until) WHERE state = 'ready';
CREATE INDEX request_parked ON request (question) WHERE state = 'parked';
CREATE INDEX request_lost ON request (created_at) WHERE state = 'undeliverable';
CREATE INDEX request_done ON request (created_at) WHERE state IN ('delivered', 'undeliverable') AND erased = 0;
CREATE INDEX request_erased ON request (inserted_at) WHERE erased = 1;

-- An event's id commits to its created_at (NIP-01), so a key with the time before the id is as unique as the id alone; but rows
-- of one group then lie beside each other, where ids alone would scatter them over the whole index.
CREATE TABLE reply (
  created_at     INTEGER NOT NULL, -- unix seconds, the request's
  event_id       BLOB    NOT NULL, -- of a row of request; they go together
  part           TEXT    NOT NULL CHECK (part IN ('auth_url', 'final')),
  tenant         TEXT    NOT NULL,
  reply_event_id BLOB    NOT NULL,
  bytes          BLOB,             -- never changed; erased when the request is too old to come again
  sealed         INTEGER NOT NULL,
  tries          INTEGER NOT NULL,
  next_try       INTEGER NOT NULL,
  accepted_by    TEXT    NOT NULL, -- an auth_url's first relay that said OK; for the final reply see request
  PRIMARY KEY (created_at, event_id, part),
  UNIQUE (created_at, reply_event_id)
) STRICT;

CREATE TRIGGER reply_bytes_stay BEFORE UPDATE OF bytes, reply_event_id ON reply
WHEN NEW.bytes IS NOT NULL OR NEW.reply_event_id <> OLD.reply_event_id
BEGIN SELECT RAISE(ABORT, 'a stored reply never changes'); END;

CREATE TABLE audit (
  tenant      TEXT    NOT NULL,
  seq         INTEGER NOT NULL,
  time        INTEGER NOT NULL,
  event_at    INTEGER NOT NULL, -- created_at of the event (unix seconds), 0 without one; before the id, as in reply
  event_id    BLOB,             -- of a request; NULL for what admins and the bunker itself do
  step        TEXT    NOT NULL,
  principal   TEXT    NOT NULL, -- from here to effect: what the list can be filtered by, out of the body
  action      TEXT    NOT NULL,
  user_key    TEXT    NOT NULL,
  connection  TEXT    NOT NULL,
  effect      TEXT    NOT NULL,
  body        BLOB    NOT NULL,
  hash        BLOB    NOT NULL,
  PRIMARY KEY (tenant, seq),
  UNIQUE (event_at, event_id, step)
) STRICT;

CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'an audit record never changes'); END;

CREATE TABLE checkpoint (
  tenant      TEXT    NOT NULL REFERENCES tenant_head (tenant),
  seq         INTEGER NOT NULL,
  incarnation TEXT    NOT NULL,
  head        BLOB    NOT NULL,
  time        INTEGER NOT NULL,
  audit_key   BLOB    NOT NULL,
  sig         BLOB    NOT NULL,
  PRIMARY KEY (tenant, seq)
) STRICT;

CREATE TABLE admin (
  tenant     TEXT    NOT NULL REFERENCES tenant_head (tenant),
  pubkey     BLOB    NOT NULL,
  role       INTEGER NOT NULL,
  name       TEXT    NOT NULL,
  added_by   TEXT    NOT NULL,
  active_at  INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  version    INTEGER NOT NULL,
  mac        BLOB,
  PRIMARY KEY (tenant, pubkey)
) STRICT;

CREATE TABLE slot (
  tenant     TEXT    NOT NULL REFERENCES tenant_head (tenant),
  id         TEXT    NOT NULL,
  kind       TEXT    NOT NULL CHECK (kind IN ('passphrase', 'file', 'credential', 'command')),
  name       TEXT    NOT NULL,
  params     BLOB    NOT NULL,
  wrapped    BLOB    NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, name)
) STRICT;

CREATE TABLE relay (
  tenant      TEXT    NOT NULL REFERENCES tenant_head (tenant),
  url         TEXT    NOT NULL,
  state       TEXT    NOT NULL CHECK (state IN ('used', 'old')),
  added_at    INTEGER NOT NULL,
  heard_until INTEGER NOT NULL, -- of an old one
  PRIMARY KEY (tenant, url)
) STRICT;

CREATE TABLE setting (
  tenant TEXT NOT NULL REFERENCES tenant_head (tenant),
  name   TEXT NOT NULL,
  value  TEXT NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT;

-- Spent tries of passphrases, so that a restart does not give new ones.
CREATE TABLE kdf_attempt (
  tenant TEXT    NOT NULL REFERENCES tenant_head (tenant),
  what   TEXT    NOT NULL,
  spent  INTEGER NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (tenant, what)
) STRICT;
