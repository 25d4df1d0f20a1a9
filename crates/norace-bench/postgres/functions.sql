-- Each step of an order's life as one function, for one order and for many.

CREATE OR REPLACE FUNCTION order_create(new_key text, new_payer int, new_payee int, new_amount bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  found bigint;
BEGIN
  INSERT INTO orders (key, payer, payee, amount, state, version)
    VALUES (new_key, new_payer, new_payee, new_amount, 'pending', 1)
    ON CONFLICT (key) DO NOTHING RETURNING id INTO found;
  IF found IS NULL THEN
    SELECT id INTO found FROM orders WHERE key = new_key;
  END IF;
  RETURN found;
END $$;

CREATE OR REPLACE FUNCTION order_process(wanted bigint, expected int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  UPDATE orders SET state = 'processing', version = version + 1, updated_at = now()
    WHERE id = wanted AND version = expected AND state = 'pending';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'stale version';
  END IF;
  RETURN expected + 1;
END $$;

CREATE OR REPLACE FUNCTION order_confirm(wanted bigint, expected int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  moved orders;
BEGIN
  UPDATE orders SET state = 'confirmed', version = version + 1, updated_at = now()
    WHERE id = wanted AND version = expected AND state = 'processing' RETURNING * INTO moved;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'stale version';
  END IF;
  UPDATE accounts SET balance = balance - moved.amount, version = version + 1 WHERE id = moved.payer;
  UPDATE accounts SET balance = balance + moved.amount, version = version + 1 WHERE id = moved.payee;
  INSERT INTO transfers (order_id, payer, payee, amount) VALUES (wanted, moved.payer, moved.payee, moved.amount);
  RETURN expected + 1;
END $$;

CREATE OR REPLACE FUNCTION orders_create(new_key text, count int) RETURNS bigint[] LANGUAGE sql AS $$
  WITH made AS (
    INSERT INTO orders (key, payer, payee, amount, state, version)
      SELECT new_key || '-' || n, 1 + (random() * 4999)::int, 5001 + (random() * 4999)::int,
        1 + (random() * 9999)::bigint, 'pending', 1
      FROM generate_series(1, count) AS n
      RETURNING id
  )
  SELECT array_agg(id) FROM made
$$;

CREATE OR REPLACE FUNCTION orders_process(wanted bigint[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  moved int;
BEGIN
  UPDATE orders SET state = 'processing', version = version + 1, updated_at = now()
    WHERE id = ANY (wanted) AND version = 1 AND state = 'pending';
  GET DIAGNOSTICS moved = ROW_COUNT;
  IF moved <> cardinality(wanted) THEN
    RAISE EXCEPTION 'stale version';
  END IF;
  RETURN moved;
END $$;

-- Accounts are locked in the order of their ids, so that batches wait for each other instead of dying in a deadlock.
CREATE OR REPLACE FUNCTION orders_confirm(wanted bigint[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  moved int;
BEGIN
  PERFORM 1 FROM accounts
    WHERE id IN (
      SELECT payer FROM orders WHERE id = ANY (wanted) UNION SELECT payee FROM orders WHERE id = ANY (wanted)
    )
    ORDER BY id FOR UPDATE;
  UPDATE orders SET state = 'confirmed', version = version + 1, updated_at = now()
    WHERE id = ANY (wanted) AND version = 2 AND state = 'processing';
  GET DIAGNOSTICS moved = ROW_COUNT;
  IF moved <> cardinality(wanted) THEN
    RAISE EXCEPTION 'stale version';
  END IF;
  WITH legs AS (
    SELECT payer AS account, -amount AS change FROM orders WHERE id = ANY (wanted)
    UNION ALL
    SELECT payee, amount FROM orders WHERE id = ANY (wanted)
  ), changes AS (
    SELECT account, sum(change) AS change, count(*) AS legs FROM legs GROUP BY account
  )
  UPDATE accounts SET balance = balance + change, version = version + changes.legs
    FROM changes WHERE accounts.id = changes.account;
  INSERT INTO transfers (order_id, payer, payee, amount)
    SELECT id, payer, payee, amount FROM orders WHERE id = ANY (wanted);
  RETURN moved;
END $$;
