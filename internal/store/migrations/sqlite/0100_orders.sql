-- Orders of a hosted instance: what is bought, every invoice that was made for it and what
-- became of it; and what each bunker is paid for. They are the house's rows. Money that came is
-- never deleted.

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

CREATE INDEX orders_due ON orders (next_act) WHERE next_act > 0;
CREATE INDEX orders_state ON orders (state, created_at);
CREATE INDEX orders_case ON orders (created_at) WHERE is_case = 1;
CREATE INDEX orders_made ON orders (created_at, id);

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

CREATE INDEX payment_order ON payment (order_id, created_at);

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

CREATE INDEX plan_next ON plan (next_at);
