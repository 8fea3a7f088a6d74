CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'an audit record never changes'); END;

CREATE TRIGGER connection_other_person AFTER UPDATE OF person ON connection WHEN NEW.person <> '' AND NEW.person <> OLD.person
BEGIN INSERT INTO person (tenant, name) VALUES (NEW.tenant, NEW.person) ON CONFLICT DO NOTHING; END;

CREATE TRIGGER connection_person AFTER INSERT ON connection WHEN NEW.person <> ''
BEGIN INSERT INTO person (tenant, name) VALUES (NEW.tenant, NEW.person) ON CONFLICT DO NOTHING; END;

CREATE TRIGGER policy_version_stays BEFORE UPDATE OF tenant, id, name, description, zone, rules, ended, changed_by, changed_at, created_at, version ON policy_version
BEGIN SELECT RAISE(ABORT, 'a version of a policy never changes'); END;

CREATE TRIGGER policy_version_stays_there BEFORE DELETE ON policy_version
WHEN EXISTS (SELECT 1 FROM tenant_head h WHERE h.tenant = OLD.tenant)
BEGIN SELECT RAISE(ABORT, 'a version of a policy never goes'); END;

CREATE TRIGGER reply_bytes_stay BEFORE UPDATE OF bytes, reply_event_id ON reply
WHEN NEW.bytes IS NOT NULL OR NEW.reply_event_id <> OLD.reply_event_id
BEGIN SELECT RAISE(ABORT, 'a stored reply never changes'); END;

CREATE TRIGGER token_other_person AFTER UPDATE OF person ON token WHEN NEW.person <> '' AND NEW.person <> OLD.person
BEGIN INSERT INTO person (tenant, name) VALUES (NEW.tenant, NEW.person) ON CONFLICT DO NOTHING; END;

CREATE TRIGGER token_person AFTER INSERT ON token WHEN NEW.person <> ''
BEGIN INSERT INTO person (tenant, name) VALUES (NEW.tenant, NEW.person) ON CONFLICT DO NOTHING; END;

CREATE TABLE admin (
  tenant     TEXT    NOT NULL REFERENCES tenant_head (tenant),
  pubkey     BLOB    NOT NULL,
  role       INTEGER NOT NULL,
  name       TEXT    NOT NULL,
  added_by   TEXT    NOT NULL,
  active_at  INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  version    INTEGER NOT NULL,
  mac        BLOB, keys TEXT NOT NULL DEFAULT '', legacy_until INTEGER NOT NULL DEFAULT 0, script INTEGER NOT NULL DEFAULT 0 CHECK (script IN (0, 1)),
  PRIMARY KEY (tenant, pubkey)
) STRICT;

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
  created_at     INTEGER NOT NULL, batch TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant, connection) REFERENCES connection (tenant, id)
) STRICT;

CREATE TABLE "audit" (
  tenant      TEXT    NOT NULL,
  seq         INTEGER NOT NULL,
  time        INTEGER NOT NULL,
  event_at    INTEGER NOT NULL, -- created_at of the event (unix seconds), 0 without one
  event_id    BLOB,             -- of a request; NULL for what admins and the bunker itself do
  step        TEXT    NOT NULL,
  principal   TEXT    NOT NULL, -- from here to effect: what the list can be filtered by, out of the body
  action      TEXT    NOT NULL,
  user_key    TEXT    NOT NULL,
  connection  TEXT    NOT NULL,
  effect      TEXT    NOT NULL,
  body        BLOB    NOT NULL,
  hash        BLOB    NOT NULL,
  person      TEXT    NOT NULL DEFAULT '', -- a keyed digest of the name, out of the body
  PRIMARY KEY (tenant, seq)
) STRICT;

CREATE TABLE budget (
  tenant  TEXT    NOT NULL,
  policy  TEXT    NOT NULL,
  rule    TEXT    NOT NULL,
  scope   TEXT    NOT NULL, -- 'connection c…', 'key k…' or 'policy'
  span    TEXT    NOT NULL, -- 'total', 'day 2026-11-29', 'hour …', 'minute …'
  used    INTEGER NOT NULL,
  max     INTEGER NOT NULL,
  ends_at INTEGER NOT NULL, -- 0: never
  PRIMARY KEY (tenant, policy, rule, scope, span),
  CHECK (used <= max)
) STRICT, WITHOUT ROWID;

CREATE TABLE budget_log (
  no     INTEGER NOT NULL PRIMARY KEY,
  tenant TEXT    NOT NULL,
  spent  TEXT    NOT NULL -- JSON
) STRICT;

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
  uses       INTEGER NOT NULL, resume_at INTEGER NOT NULL DEFAULT 0, switch_to TEXT NOT NULL DEFAULT '', seat_day INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, id),
  UNIQUE (signer, client, tenant)
) STRICT;

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
  mac         BLOB, policy TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, approval),
  FOREIGN KEY (tenant, connection) REFERENCES connection (tenant, id),
  CHECK (max_uses = 0 OR uses <= max_uses)
) STRICT;

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

CREATE TABLE http_used (
  tenant   TEXT    NOT NULL,
  event_id BLOB    NOT NULL,
  until    INTEGER NOT NULL, -- unix ms; then its own date refuses it
  PRIMARY KEY (tenant, event_id)
) STRICT;

CREATE TABLE instance (
  id         TEXT    NOT NULL PRIMARY KEY, -- of one start of one process
  name       TEXT    NOT NULL,             -- where to look for it
  version    TEXT    NOT NULL,
  started_at INTEGER NOT NULL, -- unix ms
  beat_at    INTEGER NOT NULL, -- unix ms; too old: it is dead, and what it held is anybody's
  draining   INTEGER NOT NULL, -- 1: it takes nothing on any more
  done       INTEGER NOT NULL  -- the last row of instance_order that it has followed
, opened INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE instance_open (
  instance TEXT    NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
  tenant   TEXT    NOT NULL,
  open     INTEGER NOT NULL CHECK (open IN (0, 1)),
  no       INTEGER NOT NULL, -- of the instance's changes
  PRIMARY KEY (instance, tenant)
) STRICT;

CREATE TABLE instance_order (
  no       INTEGER NOT NULL PRIMARY KEY,
  at       INTEGER NOT NULL,
  tenant   TEXT    NOT NULL,
  what     TEXT    NOT NULL CHECK (what IN ('changed', 'sealed')),
  instance TEXT    NOT NULL  -- that ordered it, and has done it
) STRICT;

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

CREATE TABLE kdf_attempt (
  tenant TEXT    NOT NULL REFERENCES tenant_head (tenant),
  what   TEXT    NOT NULL,
  spent  INTEGER NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (tenant, what)
) STRICT;

CREATE TABLE kept_version (
  tenant     TEXT    NOT NULL,
  key_id     TEXT    NOT NULL,
  kind       INTEGER NOT NULL,
  address    BLOB    NOT NULL, -- keyed digest of key, kind and d tag
  seq        INTEGER NOT NULL, -- from 1 on in each address
  created_at INTEGER NOT NULL, -- unix seconds, the event's own
  event_id   BLOB    NOT NULL,
  source     TEXT    NOT NULL CHECK (source IN ('signed', 'fetched')),
  connection TEXT    NOT NULL, -- '' for an admin's, and what was fetched
  kept_at    INTEGER NOT NULL,
  seen       INTEGER NOT NULL, -- 1: a person agreed to it, or a relay had it; losses in small steps are counted from here
  size       INTEGER NOT NULL, -- bytes of sealed
  sealed     BLOB    NOT NULL,
  PRIMARY KEY (tenant, key_id, kind, address, seq)
) STRICT;

CREATE TABLE lease (
  name     TEXT    NOT NULL PRIMARY KEY,
  instance TEXT    NOT NULL, -- '': nobody
  since    INTEGER NOT NULL
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

CREATE TABLE notify_state (
  tenant       TEXT    NOT NULL PRIMARY KEY REFERENCES tenant_head (tenant),
  seen         INTEGER NOT NULL, -- number of an audit record
  vapid_public TEXT    NOT NULL,
  vapid_secret BLOB    NOT NULL
) STRICT;

CREATE TABLE orders (
  tenant      TEXT    NOT NULL, -- the house
  id         TEXT    NOT NULL PRIMARY KEY,
  kind       TEXT    NOT NULL CHECK (kind IN ('bunker', 'trial', 'plan')),
  state      TEXT    NOT NULL CHECK (state IN ('new', 'invoiced', 'lapsed', 'paid', 'made', 'held', 'closed')),
  bunker     TEXT    NOT NULL, -- the tenant that it is for, or that was made; '' before
  admins     TEXT    NOT NULL, -- pubkeys, JSON
  people     INTEGER NOT NULL CHECK (people > 0),
  sats       INTEGER NOT NULL CHECK (sats > 0),
  created_at INTEGER NOT NULL, -- unix ms, as the others
  changed_at INTEGER NOT NULL,
  asked_at   INTEGER NOT NULL,
  tries      INTEGER NOT NULL,
  next_try   INTEGER NOT NULL,
  trouble    TEXT    NOT NULL,
  making     INTEGER NOT NULL,
  next_act   INTEGER NOT NULL, -- when it needs something next; 0: not before something happens
  is_case    INTEGER NOT NULL CHECK (is_case IN (0, 1)),
  version    INTEGER NOT NULL,
  mac        BLOB    NOT NULL  -- under the house's service key, over the order and its payments
) STRICT;

CREATE TABLE payment (
  tenant      TEXT    NOT NULL, -- the house
  hash        BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  order_id    TEXT    NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
  bolt11      TEXT    NOT NULL,
  sats        INTEGER NOT NULL CHECK (sats > 0),
  state       TEXT    NOT NULL CHECK (state IN ('open', 'lapsed', 'settled')),
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  settled_at  INTEGER NOT NULL,
  paid_msat   INTEGER NOT NULL CHECK (paid_msat >= 0),
  taken_msat  INTEGER NOT NULL CHECK (taken_msat BETWEEN 0 AND paid_msat),
  why         TEXT    NOT NULL,
  refunded_at INTEGER NOT NULL,
  refund      TEXT    NOT NULL,
  polls       INTEGER NOT NULL,
  next_poll   INTEGER NOT NULL
) STRICT;

CREATE TABLE person (
  tenant TEXT NOT NULL REFERENCES tenant_head (tenant),
  name   TEXT NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT;

CREATE TABLE plan (
  tenant  TEXT    NOT NULL PRIMARY KEY,
  people  INTEGER NOT NULL CHECK (people > 0),
  until   INTEGER NOT NULL,
  trial   INTEGER NOT NULL CHECK (trial IN (0, 1)),
  told    TEXT    NOT NULL, -- what its owners were told, JSON
  next_at INTEGER NOT NULL, -- when it is looked at next
  version INTEGER NOT NULL,
  mac     BLOB    NOT NULL  -- under the house's service key
) STRICT;

CREATE TABLE policy (
  tenant      TEXT    NOT NULL REFERENCES tenant_head (tenant),
  id          TEXT    NOT NULL,
  name        TEXT    NOT NULL,
  description TEXT    NOT NULL,
  zone        TEXT    NOT NULL,
  ended       INTEGER NOT NULL,
  changed_by  TEXT    NOT NULL,
  changed_at  INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  version     INTEGER NOT NULL,
  mac         BLOB,
  -- JSON, as bunker.Policy.RulesText writes it. Last, for it is long: version and MAC are read with every request.
  rules       TEXT    NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE policy_version (
  tenant      TEXT    NOT NULL,
  id          TEXT    NOT NULL,
  name        TEXT    NOT NULL,
  description TEXT    NOT NULL,
  zone        TEXT    NOT NULL,
  ended       INTEGER NOT NULL,
  changed_by  TEXT    NOT NULL,
  changed_at  INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  version     INTEGER NOT NULL,
  mac         BLOB,
  rules       TEXT    NOT NULL,
  PRIMARY KEY (tenant, id, version),
  FOREIGN KEY (tenant, id) REFERENCES policy (tenant, id)
) STRICT;

CREATE TABLE relay (
  tenant      TEXT    NOT NULL REFERENCES tenant_head (tenant),
  url         TEXT    NOT NULL,
  state       TEXT    NOT NULL CHECK (state IN ('used', 'old')),
  added_at    INTEGER NOT NULL,
  heard_until INTEGER NOT NULL, -- of an old one
  PRIMARY KEY (tenant, url)
) STRICT;

CREATE TABLE "reply" (
  no             INTEGER NOT NULL PRIMARY KEY, -- twice its request's, plus one for the final reply: a request has one of each part
  tenant         TEXT    NOT NULL,
  part           TEXT    NOT NULL,
  reply_event_id BLOB    NOT NULL,
  bytes          BLOB,             -- never changed; erased when the request is too old to come again
  sealed         INTEGER NOT NULL,
  tries          INTEGER NOT NULL,
  next_try       INTEGER NOT NULL,
  accepted_by    TEXT    NOT NULL, -- an auth_url's first relay that said OK; for the final reply see request
  CHECK (part = 'final' AND no % 2 = 1 OR part = 'auth_url' AND no % 2 = 0)
) STRICT;

CREATE TABLE "request" (
  no                 INTEGER NOT NULL PRIMARY KEY, -- in the order of commit; never another's while the row lasts
  event_id           BLOB    NOT NULL UNIQUE,
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
  link               TEXT    NOT NULL DEFAULT '', -- the relay that brought it, while it is parked
  CHECK (envelope IS NULL OR state = 'parked')
) STRICT;

CREATE TABLE schema_rule (
  id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  minimum INTEGER NOT NULL
) STRICT;

CREATE TABLE "service_key" (
  tenant     TEXT    NOT NULL REFERENCES tenant_head (tenant),
  pubkey     BLOB    NOT NULL UNIQUE,
  role       TEXT    NOT NULL CHECK (role IN ('signer', 'admin', 'audit', 'notifier')),
  ciphertext BLOB    NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, pubkey)
) STRICT;

CREATE TABLE setting (
  tenant TEXT NOT NULL REFERENCES tenant_head (tenant),
  name   TEXT NOT NULL,
  value  TEXT NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT;

CREATE TABLE "slot" (
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
, moved INTEGER NOT NULL DEFAULT 0) STRICT;

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
, quorum TEXT NOT NULL DEFAULT '', standing TEXT NOT NULL DEFAULT '', quota TEXT NOT NULL DEFAULT '') STRICT;

CREATE TABLE tenant_opened (
  tenant TEXT    NOT NULL PRIMARY KEY,
  at     INTEGER NOT NULL -- unix ms
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
  mac         BLOB, policy TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, secret_hash),
  CHECK (uses <= max_uses)
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
  mac            BLOB, guard_share INTEGER NOT NULL DEFAULT 0, baseline INTEGER NOT NULL DEFAULT 0 CHECK (baseline BETWEEN 0 AND 2), paused INTEGER NOT NULL DEFAULT 0, paused_until INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, name),
  UNIQUE (tenant, pubkey)
) STRICT;

CREATE INDEX admin_op_at ON admin_op (tenant, at);

CREATE INDEX approval_answered ON approval (answered_at) WHERE state <> 'pending';

CREATE UNIQUE INDEX approval_open ON approval (tenant, connection, op_digest) WHERE state = 'pending';

CREATE INDEX approval_recent ON approval (tenant, connection, answered_at);

CREATE INDEX approval_until ON approval (question_until) WHERE state = 'pending';

CREATE INDEX budget_over ON budget (ends_at) WHERE ends_at > 0;

CREATE INDEX budget_total ON budget (tenant) WHERE ends_at = 0;

CREATE INDEX connection_client ON connection (client);

CREATE INDEX connection_grant_all ON connection_grant (tenant, connection);

CREATE INDEX connection_grant_live ON connection_grant (tenant, connection) WHERE ended = 0;

CREATE INDEX connection_grant_policy ON connection_grant (tenant, policy) WHERE policy <> '' AND ended = 0;

CREATE INDEX connection_key ON connection (tenant, key_id);

CREATE INDEX connection_seat ON connection (tenant, seat_day) WHERE seat_day > 0;

CREATE INDEX connection_token ON connection (tenant, token) WHERE token <> '';

CREATE INDEX http_used_until ON http_used (until);

CREATE INDEX instance_open_no ON instance_open (instance, no);

CREATE INDEX kept_version_size ON kept_version (tenant, key_id, size);

CREATE UNIQUE INDEX motion_open ON motion (tenant, digest) WHERE state = 'open';

CREATE INDEX notice_object ON notice (tenant, object) WHERE kind = 'question';

CREATE INDEX notice_sent ON notice (tenant, channel, sent_at) WHERE state = 'sent';

CREATE INDEX notice_waiting ON notice (tenant, next_try) WHERE state = 'waiting';

CREATE INDEX orders_case ON orders (created_at) WHERE is_case = 1;

CREATE INDEX orders_due ON orders (next_act) WHERE next_act > 0;

CREATE INDEX orders_made ON orders (created_at, id);

CREATE INDEX orders_state ON orders (state, created_at);

CREATE INDEX payment_order ON payment (order_id, created_at);

CREATE INDEX plan_next ON plan (next_at);

CREATE UNIQUE INDEX policy_name ON policy (tenant, name) WHERE ended = 0;

CREATE INDEX policy_version_name ON policy_version (tenant, name, version);

CREATE INDEX request_done ON request (created_at) WHERE state IN ('delivered', 'undeliverable') AND erased = 0;

CREATE INDEX request_erased ON request (inserted_at) WHERE erased = 1;

CREATE INDEX request_lost ON request (created_at) WHERE state = 'undeliverable';

CREATE INDEX request_parked ON request (question) WHERE state = 'parked';

CREATE INDEX request_ready ON request (publish_until) WHERE state = 'ready';

CREATE INDEX tenant_moved ON tenant (moved);

CREATE UNIQUE INDEX tenant_order ON tenant (order_id) WHERE order_id <> '';

CREATE INDEX token_policy ON token (tenant, policy) WHERE policy <> '' AND state = 'open';

CREATE INDEX token_signer ON token (signer);

CREATE UNIQUE INDEX user_key_npub_login ON user_key (pubkey) WHERE npub_login = 1;
