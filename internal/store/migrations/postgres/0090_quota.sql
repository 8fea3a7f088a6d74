-- As SQLite's of this number.

ALTER TABLE tenant_head ADD COLUMN quota TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN seat_day BIGINT NOT NULL DEFAULT 0;

CREATE INDEX connection_seat ON connection (tenant, seat_day) WHERE seat_day > 0;
