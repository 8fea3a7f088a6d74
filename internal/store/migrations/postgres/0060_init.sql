-- The whole schema, as the migrations of SQLite up to this number leave it; what the columns mean stands in those. From here on each migration has
-- the same number on both engines (TestBothEnginesHaveTheSameSchema).
--
-- Texts sort by their bytes, as in SQLite, whatever the database's own collation: lists are paged by what they are sorted by. References can be
-- deferred, so that a whole store can be copied table by table.

CREATE TABLE tenant_head (
  tenant         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  set_up         BIGINT NOT NULL,
  stopped        BIGINT NOT NULL,
  default_effect BIGINT NOT NULL,
  reviewed       BIGINT NOT NULL,
  refuse_before  BIGINT NOT NULL,
  incarnation    TEXT COLLATE "C" NOT NULL,
  incarnation_no BIGINT NOT NULL,
  version        BIGINT NOT NULL,
  mac            BYTEA,
  chain_seq      BIGINT NOT NULL,
  chain_head     BYTEA NOT NULL,
  ledger_time    BIGINT NOT NULL,
  pending        TEXT COLLATE "C" NOT NULL,
  pending_mac    BYTEA,
  quorum         TEXT COLLATE "C" NOT NULL DEFAULT ''
);

CREATE TABLE user_key (
  tenant         TEXT COLLATE "C" NOT NULL REFERENCES tenant_head (tenant) DEFERRABLE,
  id             TEXT COLLATE "C" NOT NULL,
  name           TEXT COLLATE "C" NOT NULL,
  pubkey         BYTEA NOT NULL,
  state          TEXT COLLATE "C" NOT NULL CHECK (state IN ('active', 'deleting')),
  locked         BIGINT NOT NULL,
  no_export      BIGINT NOT NULL,
  own_passphrase BIGINT NOT NULL,
  npub_login     BIGINT NOT NULL,
  admin_here     BIGINT NOT NULL,
  default_effect BIGINT NOT NULL,
  delete_at      BIGINT NOT NULL,
  created_at     BIGINT NOT NULL,
  version        BIGINT NOT NULL,
  ciphertext     BYTEA NOT NULL,
  mac            BYTEA,
  guard_share    BIGINT NOT NULL DEFAULT 0,
  baseline       BIGINT NOT NULL DEFAULT 0 CHECK (baseline BETWEEN 0 AND 2),
  paused         BIGINT NOT NULL DEFAULT 0,
  paused_until   BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, name),
  UNIQUE (tenant, pubkey)
);

CREATE TABLE service_key (
  tenant     TEXT COLLATE "C" NOT NULL REFERENCES tenant_head (tenant) DEFERRABLE,
  pubkey     BYTEA NOT NULL UNIQUE,
  role       TEXT COLLATE "C" NOT NULL CHECK (role IN ('signer', 'admin', 'audit', 'notifier')),
  ciphertext BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant, pubkey)
);

CREATE TABLE token (
  tenant      TEXT COLLATE "C" NOT NULL REFERENCES tenant_head (tenant) DEFERRABLE,
  id          TEXT COLLATE "C" NOT NULL,
  key_id      TEXT COLLATE "C" NOT NULL,
  signer      BYTEA NOT NULL,
  secret_hash BYTEA NOT NULL,
  client      TEXT COLLATE "C" NOT NULL,
  person      TEXT COLLATE "C" NOT NULL,
  permissions TEXT COLLATE "C" NOT NULL,
  max_uses    BIGINT NOT NULL,
  uses        BIGINT NOT NULL,
  state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'spent', 'revoked')),
  expires_at  BIGINT NOT NULL,
  grant_for   BIGINT NOT NULL,
  created_by  TEXT COLLATE "C" NOT NULL,
  created_at  BIGINT NOT NULL,
  version     BIGINT NOT NULL,
  mac         BYTEA,
  policy      TEXT COLLATE "C" NOT NULL DEFAULT '',
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, secret_hash),
  CHECK (uses <= max_uses)
);

CREATE TABLE connection (
  tenant     TEXT COLLATE "C" NOT NULL REFERENCES tenant_head (tenant) DEFERRABLE,
  id         TEXT COLLATE "C" NOT NULL,
  key_id     TEXT COLLATE "C" NOT NULL,
  signer     BYTEA NOT NULL,
  client     BYTEA NOT NULL,
  state      TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'active', 'suspended', 'ended', 'revoked', 'expired')),
  token      TEXT COLLATE "C" NOT NULL,
  name       TEXT COLLATE "C" NOT NULL,
  person     TEXT COLLATE "C" NOT NULL,
  relays     TEXT COLLATE "C" NOT NULL,
  expires_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  version    BIGINT NOT NULL,
  mac        BYTEA,
  metadata   TEXT COLLATE "C" NOT NULL,
  last_used  BIGINT NOT NULL,
  uses       BIGINT NOT NULL,
  resume_at  BIGINT NOT NULL DEFAULT 0,
  switch_to  TEXT COLLATE "C" NOT NULL DEFAULT '',
  PRIMARY KEY (tenant, id),
  UNIQUE (signer, client, tenant)
);

CREATE TABLE connection_grant (
  tenant      TEXT COLLATE "C" NOT NULL,
  id          TEXT COLLATE "C" NOT NULL,
  connection  TEXT COLLATE "C" NOT NULL,
  effect      BIGINT NOT NULL,
  permissions TEXT COLLATE "C" NOT NULL,
  op_digest   BYTEA NOT NULL,
  approval    TEXT COLLATE "C",
  answers     TEXT COLLATE "C" NOT NULL,
  max_uses    BIGINT NOT NULL,
  uses        BIGINT NOT NULL,
  expires_at  BIGINT NOT NULL,
  given_by    TEXT COLLATE "C" NOT NULL,
  created_at  BIGINT NOT NULL,
  ended       BIGINT NOT NULL,
  version     BIGINT NOT NULL,
  mac         BYTEA,
  policy      TEXT COLLATE "C" NOT NULL DEFAULT '',
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, approval),
  FOREIGN KEY (tenant, connection) REFERENCES connection (tenant, id) DEFERRABLE,
  CHECK (max_uses = 0 OR uses <= max_uses)
);

CREATE TABLE approval (
  tenant         TEXT COLLATE "C" NOT NULL,
  id             TEXT COLLATE "C" NOT NULL,
  event_id       BYTEA NOT NULL UNIQUE,
  connection     TEXT COLLATE "C" NOT NULL,
  key_id         TEXT COLLATE "C" NOT NULL,
  method         TEXT COLLATE "C" NOT NULL,
  kind           BIGINT NOT NULL,
  op_digest      BYTEA NOT NULL,
  summary        BYTEA NOT NULL,
  answers        TEXT COLLATE "C" NOT NULL,
  once_only      BIGINT NOT NULL,
  reply_by       BIGINT NOT NULL,
  question_until BIGINT NOT NULL,
  state          TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'expired', 'withdrawn')),
  answered_by    TEXT COLLATE "C" NOT NULL,
  answered_at    BIGINT NOT NULL,
  created_at     BIGINT NOT NULL,
  batch          TEXT COLLATE "C" NOT NULL DEFAULT '',
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant, connection) REFERENCES connection (tenant, id) DEFERRABLE
);

CREATE TABLE request (
  no                 BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  event_id           BYTEA NOT NULL UNIQUE,
  tenant             TEXT COLLATE "C" NOT NULL,
  signer             BYTEA NOT NULL,
  client             BYTEA NOT NULL,
  connection         TEXT COLLATE "C" NOT NULL,
  method             TEXT COLLATE "C" NOT NULL,
  op_digest          BYTEA NOT NULL,
  created_at         BIGINT NOT NULL,
  state              TEXT COLLATE "C" NOT NULL CHECK (state = 'ready' OR state = 'delivered' OR state = 'parked' OR state = 'undeliverable'),
  envelope           BYTEA,
  relays             TEXT COLLATE "C" NOT NULL,
  question           TEXT COLLATE "C" NOT NULL,
  tenant_version     BIGINT NOT NULL,
  connection_version BIGINT NOT NULL,
  key_version        BIGINT NOT NULL,
  publisher          TEXT COLLATE "C" NOT NULL,
  publish_until      BIGINT NOT NULL,
  inserted_at        BIGINT NOT NULL,
  ready_at           BIGINT NOT NULL,
  erased             BIGINT NOT NULL DEFAULT 0,
  accepted_by        TEXT COLLATE "C" NOT NULL DEFAULT '',
  link               TEXT COLLATE "C" NOT NULL DEFAULT '',
  CHECK (envelope IS NULL OR state = 'parked')
);

CREATE TABLE reply (
  no             BIGINT NOT NULL PRIMARY KEY,
  tenant         TEXT COLLATE "C" NOT NULL,
  part           TEXT COLLATE "C" NOT NULL,
  reply_event_id BYTEA NOT NULL,
  bytes          BYTEA,
  sealed         BIGINT NOT NULL,
  tries          BIGINT NOT NULL,
  next_try       BIGINT NOT NULL,
  accepted_by    TEXT COLLATE "C" NOT NULL,
  CHECK (part = 'final' AND no % 2 = 1 OR part = 'auth_url' AND no % 2 = 0)
);

CREATE TABLE audit (
  tenant     TEXT COLLATE "C" NOT NULL,
  seq        BIGINT NOT NULL,
  time       BIGINT NOT NULL,
  event_at   BIGINT NOT NULL,
  event_id   BYTEA,
  step       TEXT COLLATE "C" NOT NULL,
  principal  TEXT COLLATE "C" NOT NULL,
  action     TEXT COLLATE "C" NOT NULL,
  user_key   TEXT COLLATE "C" NOT NULL,
  connection TEXT COLLATE "C" NOT NULL,
  effect     TEXT COLLATE "C" NOT NULL,
  body       BYTEA NOT NULL,
  hash       BYTEA NOT NULL,
  person     TEXT COLLATE "C" NOT NULL DEFAULT '',
  PRIMARY KEY (tenant, seq)
);

CREATE TABLE checkpoint (
  tenant      TEXT COLLATE "C" NOT NULL REFERENCES tenant_head (tenant) DEFERRABLE,
  seq         BIGINT NOT NULL,
  incarnation TEXT COLLATE "C" NOT NULL,
  head        BYTEA NOT NULL,
  time        BIGINT NOT NULL,
  audit_key   BYTEA NOT NULL,
  sig         BYTEA NOT NULL,
  PRIMARY KEY (tenant, seq)
);

CREATE TABLE admin (
  tenant     TEXT COLLATE "C" NOT NULL REFERENCES tenant_head (tenant) DEFERRABLE,
  pubkey     BYTEA NOT NULL,
  role       BIGINT NOT NULL,
  name       TEXT COLLATE "C" NOT NULL,
  added_by   TEXT COLLATE "C" NOT NULL,
  active_at  BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  version    BIGINT NOT NULL,
  mac        BYTEA,
  keys       TEXT COLLATE "C" NOT NULL DEFAULT '',
  PRIMARY KEY (tenant, pubkey)
);

CREATE TABLE slot (
  tenant     TEXT COLLATE "C" NOT NULL REFERENCES tenant_head (tenant) DEFERRABLE,
  id         TEXT COLLATE "C" NOT NULL,
  kind       TEXT COLLATE "C" NOT NULL CHECK (kind IN ('passphrase', 'file', 'credential', 'command')),
  name       TEXT COLLATE "C" NOT NULL,
  params     BYTEA NOT NULL,
  wrapped    BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, name)
);

CREATE TABLE relay (
  tenant      TEXT COLLATE "C" NOT NULL REFERENCES tenant_head (tenant) DEFERRABLE,
  url         TEXT COLLATE "C" NOT NULL,
  state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('used', 'old')),
  added_at    BIGINT NOT NULL,
  heard_until BIGINT NOT NULL,
  PRIMARY KEY (tenant, url)
);

CREATE TABLE setting (
  tenant TEXT COLLATE "C" NOT NULL REFERENCES tenant_head (tenant) DEFERRABLE,
  name   TEXT COLLATE "C" NOT NULL,
  value  TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, name)
);

CREATE TABLE kdf_attempt (
  tenant TEXT COLLATE "C" NOT NULL REFERENCES tenant_head (tenant) DEFERRABLE,
  what   TEXT COLLATE "C" NOT NULL,
  spent  BIGINT NOT NULL,
  at     BIGINT NOT NULL,
  PRIMARY KEY (tenant, what)
);

CREATE TABLE policy (
  tenant      TEXT COLLATE "C" NOT NULL REFERENCES tenant_head (tenant) DEFERRABLE,
  id          TEXT COLLATE "C" NOT NULL,
  name        TEXT COLLATE "C" NOT NULL,
  description TEXT COLLATE "C" NOT NULL,
  zone        TEXT COLLATE "C" NOT NULL,
  ended       BIGINT NOT NULL,
  changed_by  TEXT COLLATE "C" NOT NULL,
  changed_at  BIGINT NOT NULL,
  created_at  BIGINT NOT NULL,
  version     BIGINT NOT NULL,
  mac         BYTEA,
  rules       TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, id)
);

CREATE TABLE policy_version (
  tenant      TEXT COLLATE "C" NOT NULL,
  id          TEXT COLLATE "C" NOT NULL,
  name        TEXT COLLATE "C" NOT NULL,
  description TEXT COLLATE "C" NOT NULL,
  zone        TEXT COLLATE "C" NOT NULL,
  ended       BIGINT NOT NULL,
  changed_by  TEXT COLLATE "C" NOT NULL,
  changed_at  BIGINT NOT NULL,
  created_at  BIGINT NOT NULL,
  version     BIGINT NOT NULL,
  mac         BYTEA,
  rules       TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, id, version),
  FOREIGN KEY (tenant, id) REFERENCES policy (tenant, id) DEFERRABLE
);

CREATE TABLE budget (
  tenant  TEXT COLLATE "C" NOT NULL,
  policy  TEXT COLLATE "C" NOT NULL,
  rule    TEXT COLLATE "C" NOT NULL,
  scope   TEXT COLLATE "C" NOT NULL,
  span    TEXT COLLATE "C" NOT NULL,
  used    BIGINT NOT NULL,
  max     BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  PRIMARY KEY (tenant, policy, rule, scope, span),
  CHECK (used <= max)
);

CREATE TABLE device (
  tenant       TEXT COLLATE "C" NOT NULL REFERENCES tenant_head (tenant) DEFERRABLE,
  id           TEXT COLLATE "C" NOT NULL,
  pub          BYTEA NOT NULL,
  person       BYTEA NOT NULL,
  role         BIGINT NOT NULL,
  label        TEXT COLLATE "C" NOT NULL,
  state        TEXT COLLATE "C" NOT NULL CHECK (state IN ('confirmed', 'revoked')),
  paired       BIGINT NOT NULL,
  last_login   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  confirmed_by TEXT COLLATE "C" NOT NULL,
  created_at   BIGINT NOT NULL,
  version      BIGINT NOT NULL,
  mac          BYTEA,
  PRIMARY KEY (tenant, id)
);

CREATE TABLE admin_op (
  tenant  TEXT COLLATE "C" NOT NULL REFERENCES tenant_head (tenant) DEFERRABLE,
  person  TEXT COLLATE "C" NOT NULL,
  op      TEXT COLLATE "C" NOT NULL,
  command TEXT COLLATE "C" NOT NULL,
  digest  BYTEA NOT NULL,
  at      BIGINT NOT NULL,
  result  BYTEA,
  PRIMARY KEY (tenant, person, op)
);

CREATE TABLE notify_channel (
  tenant     TEXT COLLATE "C" NOT NULL REFERENCES tenant_head (tenant) DEFERRABLE,
  name       TEXT COLLATE "C" NOT NULL,
  kind       TEXT COLLATE "C" NOT NULL CHECK (kind IN ('nostr', 'ntfy', 'webhook', 'mail', 'push')),
  settings   TEXT COLLATE "C" NOT NULL,
  secret     BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  version    BIGINT NOT NULL,
  mac        BYTEA,
  sealed_mac BYTEA NOT NULL,
  PRIMARY KEY (tenant, name)
);

CREATE TABLE notify_state (
  tenant       TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES tenant_head (tenant) DEFERRABLE,
  seen         BIGINT NOT NULL,
  vapid_public TEXT COLLATE "C" NOT NULL,
  vapid_secret BYTEA NOT NULL
);

CREATE TABLE notice (
  tenant     TEXT COLLATE "C" NOT NULL,
  id         TEXT COLLATE "C" NOT NULL,
  channel    TEXT COLLATE "C" NOT NULL,
  kind       TEXT COLLATE "C" NOT NULL,
  source     TEXT COLLATE "C" NOT NULL,
  object     TEXT COLLATE "C" NOT NULL,
  user_key   BYTEA NOT NULL,
  connection TEXT COLLATE "C" NOT NULL,
  at         BIGINT NOT NULL,
  due        BIGINT NOT NULL,
  state      TEXT COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'sent', 'moot', 'failed')),
  batch      TEXT COLLATE "C" NOT NULL,
  tries      BIGINT NOT NULL,
  next_try   BIGINT NOT NULL,
  error      TEXT COLLATE "C" NOT NULL,
  sent_at    BIGINT NOT NULL,
  used       BIGINT NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, channel, source),
  FOREIGN KEY (tenant, channel) REFERENCES notify_channel (tenant, name) DEFERRABLE
);

CREATE TABLE kept_version (
  tenant     TEXT COLLATE "C" NOT NULL,
  key_id     TEXT COLLATE "C" NOT NULL,
  kind       BIGINT NOT NULL,
  address    BYTEA NOT NULL,
  seq        BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  event_id   BYTEA NOT NULL,
  source     TEXT COLLATE "C" NOT NULL CHECK (source IN ('signed', 'fetched')),
  connection TEXT COLLATE "C" NOT NULL,
  kept_at    BIGINT NOT NULL,
  seen       BIGINT NOT NULL,
  size       BIGINT NOT NULL,
  sealed     BYTEA NOT NULL,
  PRIMARY KEY (tenant, key_id, kind, address, seq)
);

CREATE TABLE invite (
  tenant      TEXT COLLATE "C" NOT NULL REFERENCES tenant_head (tenant) DEFERRABLE,
  id          TEXT COLLATE "C" NOT NULL,
  secret_hash BYTEA NOT NULL,
  for_pubkey  BYTEA NOT NULL,
  role        BIGINT NOT NULL,
  keys        TEXT COLLATE "C" NOT NULL,
  name        TEXT COLLATE "C" NOT NULL,
  invited_by  TEXT COLLATE "C" NOT NULL,
  inviter     BYTEA NOT NULL,
  state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'accepted', 'revoked')),
  accepted_by BYTEA NOT NULL,
  accepted_at BIGINT NOT NULL,
  expires_at  BIGINT NOT NULL,
  created_at  BIGINT NOT NULL,
  version     BIGINT NOT NULL,
  mac         BYTEA,
  tries       BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
);

CREATE TABLE motion (
  tenant     TEXT COLLATE "C" NOT NULL REFERENCES tenant_head (tenant) DEFERRABLE,
  id         TEXT COLLATE "C" NOT NULL,
  command    TEXT COLLATE "C" NOT NULL,
  params     BYTEA NOT NULL,
  digest     BYTEA NOT NULL,
  key_id     TEXT COLLATE "C" NOT NULL,
  moved_by   TEXT COLLATE "C" NOT NULL,
  votes      TEXT COLLATE "C" NOT NULL,
  state      TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'done', 'withdrawn')),
  expires_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  version    BIGINT NOT NULL,
  mac        BYTEA,
  PRIMARY KEY (tenant, id)
);

CREATE TABLE person (
  tenant TEXT COLLATE "C" NOT NULL REFERENCES tenant_head (tenant) DEFERRABLE,
  name   TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, name)
);

CREATE INDEX admin_op_at ON admin_op (tenant, at);
CREATE INDEX approval_answered ON approval (answered_at) WHERE state <> 'pending';
CREATE UNIQUE INDEX approval_open ON approval (tenant, connection, op_digest) WHERE state = 'pending';
CREATE INDEX approval_recent ON approval (tenant, connection, answered_at);
CREATE INDEX approval_until ON approval (question_until) WHERE state = 'pending';
CREATE INDEX budget_over ON budget (ends_at) WHERE ends_at > 0;
CREATE INDEX connection_client ON connection (client);
CREATE INDEX connection_grant_all ON connection_grant (tenant, connection);
CREATE INDEX connection_grant_live ON connection_grant (tenant, connection) WHERE ended = 0;
CREATE INDEX connection_grant_policy ON connection_grant (tenant, policy) WHERE policy <> '' AND ended = 0;
CREATE INDEX connection_key ON connection (tenant, key_id);
CREATE INDEX connection_token ON connection (tenant, token) WHERE token <> '';
CREATE INDEX kept_version_size ON kept_version (tenant, key_id, size);
CREATE UNIQUE INDEX motion_open ON motion (tenant, digest) WHERE state = 'open';
CREATE INDEX notice_object ON notice (tenant, object) WHERE kind = 'question';
CREATE INDEX notice_sent ON notice (tenant, channel, sent_at) WHERE state = 'sent';
CREATE INDEX notice_waiting ON notice (tenant, next_try) WHERE state = 'waiting';
CREATE UNIQUE INDEX policy_name ON policy (tenant, name) WHERE ended = 0;
CREATE INDEX policy_version_name ON policy_version (tenant, name, version);
CREATE INDEX request_done ON request (created_at) WHERE state IN ('delivered', 'undeliverable') AND erased = 0;
CREATE INDEX request_erased ON request (inserted_at) WHERE erased = 1;
CREATE INDEX request_lost ON request (created_at) WHERE state = 'undeliverable';
CREATE INDEX request_parked ON request (question) WHERE state = 'parked';
CREATE INDEX request_ready ON request (publish_until) WHERE state = 'ready';
CREATE INDEX token_policy ON token (tenant, policy) WHERE policy <> '' AND state = 'open';
CREATE INDEX token_signer ON token (signer);
CREATE UNIQUE INDEX user_key_npub_login ON user_key (pubkey) WHERE npub_login = 1;

CREATE FUNCTION reply_bytes_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a stored reply never changes' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER reply_bytes_stay BEFORE UPDATE OF bytes, reply_event_id ON reply FOR EACH ROW
WHEN (NEW.bytes IS NOT NULL OR NEW.reply_event_id <> OLD.reply_event_id) EXECUTE FUNCTION reply_bytes_stay();

CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'an audit record never changes' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_stays();

CREATE FUNCTION policy_version_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a version of a policy never changes and never goes' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER policy_version_stays BEFORE UPDATE OF tenant, id, name, description, zone, rules, ended, changed_by, changed_at, created_at, version
ON policy_version FOR EACH ROW EXECUTE FUNCTION policy_version_stays();
CREATE TRIGGER policy_version_stays_there BEFORE DELETE ON policy_version FOR EACH ROW EXECUTE FUNCTION policy_version_stays();

CREATE FUNCTION keep_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO person (tenant, name) VALUES (NEW.tenant, NEW.person) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER connection_person AFTER INSERT ON connection FOR EACH ROW WHEN (NEW.person <> '') EXECUTE FUNCTION keep_person();
CREATE TRIGGER connection_other_person AFTER UPDATE OF person ON connection FOR EACH ROW WHEN (NEW.person <> '' AND NEW.person <> OLD.person)
EXECUTE FUNCTION keep_person();
CREATE TRIGGER token_person AFTER INSERT ON token FOR EACH ROW WHEN (NEW.person <> '') EXECUTE FUNCTION keep_person();
CREATE TRIGGER token_other_person AFTER UPDATE OF person ON token FOR EACH ROW WHEN (NEW.person <> '' AND NEW.person <> OLD.person)
EXECUTE FUNCTION keep_person();
