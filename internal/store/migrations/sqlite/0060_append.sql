-- What every request writes is appended at the end of its table. An index by ids, which are random, costs each request a page of
-- the log for itself; so there is one such index, the claim's, and not four.

CREATE TABLE request_by_number (
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

INSERT INTO request_by_number (event_id, tenant, signer, client, connection, method, op_digest, created_at, state, envelope, relays,
question, tenant_version, connection_version, key_version, publisher, publish_until, inserted_at, ready_at, erased, accepted_by, link)
SELECT event_id, tenant, signer, client, connection, method, op_digest, created_at, state, envelope, relays,
question, tenant_version, connection_version, key_version, publisher, publish_until, inserted_at, ready_at, erased, accepted_by, link
FROM request ORDER BY inserted_at;

CREATE TABLE reply_by_number (
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

INSERT INTO reply_by_number (no, tenant, part, reply_event_id, bytes, sealed, tries, next_try, accepted_by)
SELECT 2 * r.no + (p.part = 'final'), p.tenant, p.part, p.reply_event_id, p.bytes, p.sealed, p.tries, p.next_try, p.accepted_by
FROM request_by_number r JOIN reply p ON p.created_at = r.created_at AND p.event_id = r.event_id ORDER BY r.no;

-- That a request has one record for each step follows from its row's states: see the claim.
CREATE TABLE audit_by_number (
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

INSERT INTO audit_by_number SELECT tenant, seq, time, event_at, event_id, step, principal, action, user_key, connection, effect, body, hash, person
FROM audit ORDER BY tenant, seq;

DROP TABLE request;
DROP TABLE reply;
DROP TABLE audit;
ALTER TABLE request_by_number RENAME TO request;
ALTER TABLE reply_by_number RENAME TO reply;
ALTER TABLE audit_by_number RENAME TO audit;

CREATE INDEX request_ready ON request (publish_until) WHERE state = 'ready';
CREATE INDEX request_parked ON request (question) WHERE state = 'parked';
CREATE INDEX request_lost ON request (created_at) WHERE state = 'undeliverable';
CREATE INDEX request_done ON request (created_at) WHERE state IN ('delivered', 'undeliverable') AND erased = 0;
CREATE INDEX request_erased ON request (inserted_at) WHERE erased = 1;

CREATE TRIGGER reply_bytes_stay BEFORE UPDATE OF bytes, reply_event_id ON reply
WHEN NEW.bytes IS NOT NULL OR NEW.reply_event_id <> OLD.reply_event_id
BEGIN SELECT RAISE(ABORT, 'a stored reply never changes'); END;

CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'an audit record never changes'); END;
