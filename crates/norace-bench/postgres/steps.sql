-- One order in three calls of functions.
\set key random(1, 9000000000000000000)
\set payer random(1, 5000)
\set payee random(:payee_min, 10000)
\set amount random(1, 10000)
SELECT order_create(:client_id::text || '-' || :key::text, :payer, :payee, :amount) AS order_id \gset
SELECT order_process(:order_id, 1);
SELECT order_confirm(:order_id, 2);
