-- Authorizations of scripts over HTTP (NIP-98) that were used: each is good once.

CREATE TABLE http_used (
  tenant   TEXT    NOT NULL,
  event_id BLOB    NOT NULL,
  until    INTEGER NOT NULL, -- unix ms; then its own date refuses it
  PRIMARY KEY (tenant, event_id)
) STRICT;

CREATE INDEX http_used_until ON http_used (until);
