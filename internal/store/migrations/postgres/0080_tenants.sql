-- As SQLite's of this number.

CREATE TABLE tenant (
  tenant      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  label       TEXT COLLATE "C" NOT NULL,
  order_id    TEXT COLLATE "C" NOT NULL,
  admins      TEXT COLLATE "C" NOT NULL,
  admin_key   BYTEA NOT NULL CHECK (length(admin_key) = 32),
  service_key BYTEA,
  setup_code  BYTEA,
  why         TEXT COLLATE "C" NOT NULL,
  created_at  BIGINT NOT NULL,
  held_at     BIGINT NOT NULL,
  ended_at    BIGINT NOT NULL,
  version     BIGINT NOT NULL,
  mac         BYTEA NOT NULL
);

CREATE UNIQUE INDEX tenant_order ON tenant (order_id) WHERE order_id <> '';

ALTER TABLE tenant_head ADD COLUMN standing TEXT COLLATE "C" NOT NULL DEFAULT '';

ALTER TABLE slot DROP CONSTRAINT slot_kind_check;
ALTER TABLE slot ADD CONSTRAINT slot_kind_check CHECK (kind IN ('passphrase', 'file', 'credential', 'command', 'provider'));

CREATE FUNCTION policy_version_goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM tenant_head h WHERE h.tenant = OLD.tenant) THEN
    RAISE EXCEPTION 'a version of a policy never changes and never goes' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN OLD;
END $$;
DROP TRIGGER policy_version_stays_there ON policy_version;
CREATE TRIGGER policy_version_stays_there BEFORE DELETE ON policy_version FOR EACH ROW EXECUTE FUNCTION policy_version_goes();
