-- One order in three transactions of plain statements, as an application without functions would do it.
\set key random(1, 9000000000000000000)
\set payer random(1, 5000)
\set payee random(:payee_min, 10000)
\set amount random(1, 10000)
INSERT INTO orders (key, payer, payee, amount, state, version)
  VALUES (:client_id::text || '-' || :key::text, :payer, :payee, :amount, 'pending', 1)
  ON CONFLICT (key) DO NOTHING RETURNING id AS order_id \gset
UPDATE orders SET state = 'processing', version = version + 1, updated_at = now()
  WHERE id = :order_id AND version = 1 AND state = 'pending';
BEGIN;
UPDATE accounts SET balance = balance - :amount, version = version + 1 WHERE id = :payer;
UPDATE accounts SET balance = balance + :amount, version = version + 1 WHERE id = :payee;
INSERT INTO transfers (order_id, payer, payee, amount) VALUES (:order_id, :payer, :payee, :amount);
UPDATE orders SET state = 'confirmed', version = version + 1, updated_at = now()
  WHERE id = :order_id AND version = 2 AND state = 'processing';
END;
