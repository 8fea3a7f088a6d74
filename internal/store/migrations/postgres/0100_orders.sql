-- As SQLite's of this number.

CREATE TABLE orders (
  tenant      TEXT COLLATE "C" NOT NULL, -- the house
  id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  kind        TEXT COLLATE "C" NOT NULL CHECK (kind IN ('bunker', 'trial', 'plan')),
  state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('new', 'invoiced', 'lapsed', 'paid', 'made', 'held', 'closed')),
  bunker      TEXT COLLATE "C" NOT NULL, -- the tenant that it is for, or that was made; '' before
  admins      TEXT COLLATE "C" NOT NULL, -- pubkeys, JSON
  people      BIGINT NOT NULL CHECK (people > 0),
  sats        BIGINT NOT NULL CHECK (sats > 0),
  created_at  BIGINT NOT NULL, -- unix ms, as the others
  changed_at  BIGINT NOT NULL,
  asked_at    BIGINT NOT NULL,
  tries       BIGINT NOT NULL,
  next_try    BIGINT NOT NULL,
  trouble     TEXT COLLATE "C" NOT NULL,
  making      BIGINT NOT NULL,
  next_act    BIGINT NOT NULL, -- when it needs something next; 0: not before something happens
  is_case     BIGINT NOT NULL CHECK (is_case IN (0, 1)),
  version     BIGINT NOT NULL,
  mac         BYTEA NOT NULL  -- under the house's service key, over the order and its payments
);

CREATE INDEX orders_due ON orders (next_act) WHERE next_act > 0;
CREATE INDEX orders_state ON orders (state, created_at);
CREATE INDEX orders_case ON orders (created_at) WHERE is_case = 1;
CREATE INDEX orders_made ON orders (created_at, id);

CREATE TABLE payment (
  tenant      TEXT COLLATE "C" NOT NULL, -- the house
  hash        BYTEA NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  order_id    TEXT COLLATE "C" NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
  bolt11      TEXT COLLATE "C" NOT NULL,
  sats        BIGINT NOT NULL CHECK (sats > 0),
  state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'lapsed', 'settled')),
  created_at  BIGINT NOT NULL,
  expires_at  BIGINT NOT NULL,
  settled_at  BIGINT NOT NULL,
  paid_msat   BIGINT NOT NULL CHECK (paid_msat >= 0),
  taken_msat  BIGINT NOT NULL CHECK (taken_msat BETWEEN 0 AND paid_msat),
  why         TEXT COLLATE "C" NOT NULL,
  refunded_at BIGINT NOT NULL,
  refund      TEXT COLLATE "C" NOT NULL,
  polls       BIGINT NOT NULL,
  next_poll   BIGINT NOT NULL
);

CREATE INDEX payment_order ON payment (order_id, created_at);

CREATE TABLE plan (
  tenant      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  people      BIGINT NOT NULL CHECK (people > 0),
  until       BIGINT NOT NULL,
  trial       BIGINT NOT NULL CHECK (trial IN (0, 1)),
  told        TEXT COLLATE "C" NOT NULL, -- what its owners were told, JSON
  next_at     BIGINT NOT NULL, -- when it is looked at next
  version     BIGINT NOT NULL,
  mac         BYTEA NOT NULL  -- under the house's service key
);

CREATE INDEX plan_next ON plan (next_at);
