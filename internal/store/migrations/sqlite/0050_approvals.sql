-- The first question of the burst that a question belongs to: those of one app, method and kind that came shortly after each
-- other and wait at the same time are answered together. '' in rows from before: a burst of its own.
ALTER TABLE approval ADD COLUMN batch TEXT NOT NULL DEFAULT '';

-- Whose key is this: an event's mentions are looked up when a question is shown.
CREATE INDEX connection_client ON connection (client);
