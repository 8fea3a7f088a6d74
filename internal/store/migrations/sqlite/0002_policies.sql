-- A policy is edited in place, under its next version; each version stays in policy_version for ever.
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

CREATE UNIQUE INDEX policy_name ON policy (tenant, name) WHERE ended = 0;

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

CREATE INDEX policy_version_name ON policy_version (tenant, name, version);

CREATE TRIGGER policy_version_stays BEFORE UPDATE OF tenant, id, name, description, zone, rules, ended, changed_by, changed_at, created_at, version ON policy_version
BEGIN SELECT RAISE(ABORT, 'a version of a policy never changes'); END;

CREATE TRIGGER policy_version_stays_there BEFORE DELETE ON policy_version
BEGIN SELECT RAISE(ABORT, 'a version of a policy never goes'); END;

-- '' for none.
ALTER TABLE connection_grant ADD COLUMN policy TEXT NOT NULL DEFAULT '';
ALTER TABLE token ADD COLUMN policy TEXT NOT NULL DEFAULT '';
-- The relay that brought a request, while it is parked.
ALTER TABLE request ADD COLUMN link TEXT NOT NULL DEFAULT '';

CREATE INDEX connection_grant_policy ON connection_grant (tenant, policy) WHERE policy <> '' AND ended = 0;
CREATE INDEX token_policy ON token (tenant, policy) WHERE policy <> '' AND state = 'open';

-- What was used of a rule's budget in one window, spent in the transaction that allows. It outlives the versions of its policy.
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

CREATE INDEX budget_over ON budget (ends_at) WHERE ends_at > 0;
