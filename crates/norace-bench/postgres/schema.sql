-- Accounts with funds for every order, and empty tables. The payer is one of the lower half, the payee of the upper,
-- so that two orders never lock a pair of accounts in opposite order.
DROP TABLE IF EXISTS transfers, orders, accounts;

CREATE TABLE accounts (
  id int PRIMARY KEY,
  balance bigint NOT NULL CHECK (balance >= 0),
  version bigint NOT NULL DEFAULT 1
);

CREATE TABLE orders (
  id bigserial PRIMARY KEY,
  key text NOT NULL UNIQUE,
  payer int NOT NULL,
  payee int NOT NULL,
  amount bigint NOT NULL,
  state text NOT NULL,
  version int NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE transfers (
  id bigserial PRIMARY KEY,
  order_id bigint NOT NULL REFERENCES orders,
  payer int NOT NULL,
  payee int NOT NULL,
  amount bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO accounts (id, balance) SELECT id, 1000000000000 FROM generate_series(1, 10000) AS id;
VACUUM ANALYZE accounts;
CHECKPOINT;
