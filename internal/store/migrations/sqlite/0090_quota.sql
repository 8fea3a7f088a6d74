-- What a tenant of a hosted instance may use, and who holds its seats.

ALTER TABLE tenant_head ADD COLUMN quota TEXT NOT NULL DEFAULT ''; -- JSON, the provider's; no part of the MAC
ALTER TABLE connection ADD COLUMN seat_day INTEGER NOT NULL DEFAULT 0; -- unix ms / 24 h of the last allow; 0 without a quota

CREATE INDEX connection_seat ON connection (tenant, seat_day) WHERE seat_day > 0;
