-- Suspended for a time, paused keys, relays of one connection, and who a record is about.

ALTER TABLE connection ADD COLUMN resume_at INTEGER NOT NULL DEFAULT 0;   -- of a suspended one: from then on it is active; 0: never by itself
ALTER TABLE connection ADD COLUMN switch_to TEXT NOT NULL DEFAULT '';     -- relays that it is told to use; '' for the bunker's

ALTER TABLE user_key ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE user_key ADD COLUMN paused_until INTEGER NOT NULL DEFAULT 0;  -- 0: until somebody ends it

ALTER TABLE audit ADD COLUMN person TEXT NOT NULL DEFAULT '';             -- a keyed digest of the name, out of the body

-- The names that records stand for by a digest: outside the chain, so that one can be erased.
CREATE TABLE person (
  tenant TEXT NOT NULL REFERENCES tenant_head (tenant),
  name   TEXT NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT;

INSERT INTO person (tenant, name)
SELECT tenant, person FROM connection WHERE person <> '' UNION SELECT tenant, person FROM token WHERE person <> '';

CREATE TRIGGER connection_person AFTER INSERT ON connection WHEN NEW.person <> ''
BEGIN INSERT INTO person (tenant, name) VALUES (NEW.tenant, NEW.person) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER connection_other_person AFTER UPDATE OF person ON connection WHEN NEW.person <> '' AND NEW.person <> OLD.person
BEGIN INSERT INTO person (tenant, name) VALUES (NEW.tenant, NEW.person) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER token_person AFTER INSERT ON token WHEN NEW.person <> ''
BEGIN INSERT INTO person (tenant, name) VALUES (NEW.tenant, NEW.person) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER token_other_person AFTER UPDATE OF person ON token WHEN NEW.person <> '' AND NEW.person <> OLD.person
BEGIN INSERT INTO person (tenant, name) VALUES (NEW.tenant, NEW.person) ON CONFLICT DO NOTHING; END;

CREATE INDEX connection_token ON connection (tenant, token) WHERE token <> '';
