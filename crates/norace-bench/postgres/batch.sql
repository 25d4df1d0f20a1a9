-- A thousand orders in three calls of functions, each of them one set-based transaction.
\set key random(1, 9000000000000000000)
SELECT orders_create(:client_id::text || '-' || :key::text, 1000) AS order_ids \gset
SELECT orders_process(:order_ids::bigint[]);
SELECT orders_confirm(:order_ids::bigint[]);
