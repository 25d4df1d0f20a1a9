//! Many things in one body.

use serde_json::{Value, json};

use crate::service::Service;

#[test]
fn items_are_independent_and_answered_in_order() {
    let service = Service::ledger().funded();
    let mut client = service.client();
    let order = |id: &str| json!({"id": id, "payer": "a", "payee": "b", "amount": 10});
    let mut other = order("one");
    other["amount"] = json!(11);
    let body = json!([
        order("one"), {"id": "two"}, order("one"), other, 5,
        {"id": "six", "payer": "none", "payee": "b", "amount": 1},
        {"id": "seven", "payer": "a", "payee": "a", "amount": 1},
        {"id": "eight", "payer": "b", "payee": "a", "amount": 100_000},
        {"id": "nine", "payer": "a", "payee": "b", "amount": 0},
        order("ten"),
    ]);
    let answer = client.post("/v1/orders", &body);
    assert_eq!(answer.status, 200);
    let results = answer.json()["results"].as_array().unwrap().clone();
    assert_eq!(results.len(), 10);
    for (index, expect) in [
        (0, json!({"id": "one", "state": "confirmed"})),
        (1, json!({"status": 422, "code": "invalid", "field": "payer"})),
        (2, json!({"id": "one", "state": "confirmed"})),
        (3, json!({"status": 409, "code": "idempotency-conflict"})),
        (4, json!({"status": 422, "code": "invalid", "field": "body"})),
        (5, json!({"status": 422, "code": "unknown-account"})),
        (6, json!({"status": 422, "code": "same-account"})),
        (7, json!({"id": "eight", "state": "failed", "reason": "insufficient-funds"})),
        (8, json!({"status": 422, "code": "invalid", "field": "amount"})),
        (9, json!({"id": "ten", "state": "confirmed"})),
    ] {
        for (key, value) in expect.as_object().unwrap() {
            assert_eq!(results[index][key], *value, "item {index}: {}", results[index]);
        }
    }
    assert_eq!(client.get("/v1/accounts/b").json()["available"], 20);
}

#[test]
fn a_key_given_twice_spoils_its_own_item_only() {
    let service = Service::ledger().funded();
    let body = r#"[{"id":"x","id":"y","payer":"a","payee":"b","amount":1},
                   {"id":"z","payer":"a","payee":"b","amount":1}]"#;
    let answer = service.client().post("/v1/orders", body).json();
    assert_eq!(
        (&answer["results"][0]["status"], &answer["results"][0]["code"]),
        (&json!(400), &json!("malformed"))
    );
    assert_eq!(answer["results"][1]["state"], "confirmed");
}

#[test]
fn accounts_and_transfers_come_in_arrays_too() {
    let service = Service::ledger().funded();
    let mut client = service.client();
    let accounts = client
        .post("/v1/accounts", json!([{"id": "x"}, {"id": "a"}, {"id": "a", "ledger": "EUR"}]));
    let results = &accounts.json()["results"];
    assert_eq!((&results[0]["id"], &results[1]["id"]), (&json!("x"), &json!("a")));
    assert_eq!(results[2]["code"], "account-exists-differently");
    let transfer = |to: &str, amount: u32| json!({"from": "a", "to": to, "amount": amount});
    let transfers = client
        .post("/v1/transfers", json!([transfer("x", 5), transfer("x", 99_999), transfer("b", 6)]));
    let results = &transfers.json()["results"];
    assert_eq!(results[0]["state"], "posted");
    assert_eq!(
        (&results[1]["status"], &results[1]["code"]),
        (&json!(422), &json!("insufficient-funds"))
    );
    assert_eq!(results[2]["amount"], 6);
}

#[test]
fn a_full_array_of_orders_is_done_in_one_answer() {
    let service = Service::ledger().funded();
    let mut client = service.client();
    let order = |n: u32| json!({"id": format!("o-{n}"), "payer": "a", "payee": "b", "amount": 1});
    let full: Vec<Value> = (0..8190).map(order).collect();
    let answer = client.post("/v1/orders?wait=final", Value::from(full.clone()));
    assert_eq!(answer.status, 200);
    let results = answer.json()["results"].as_array().unwrap().clone();
    assert_eq!(results.len(), 8190);
    assert!(results.iter().all(|order| order["state"] == "confirmed"));
    assert_eq!(results[8189]["id"], "o-8189");
    let mut over = full;
    over.push(order(8190));
    let before = service.stats().sequence;
    assert_eq!(client.post("/v1/orders", Value::from(over)).code(), (422, "invalid".to_owned()));
    assert_eq!(service.stats().sequence, before);
}

#[test]
fn an_array_can_wait_for_all_its_orders() {
    let service = Service::manual().funded();
    let mut client = service.client();
    let order = |id: &str| json!({"id": id, "payer": "a", "payee": "b", "amount": 1});
    let waiting = {
        let mut client = service.client();
        let body = json!([order("x"), order("y"), {"id": "bad"}]);
        std::thread::spawn(move || client.post("/v1/orders?wait=final&timeout=9s", body))
    };
    crate::service::eventually("both orders are waited for", || service.stats().waiters == 2);
    client.post("/v1/orders/y/cancel", "");
    client.post("/v1/orders/x/fail", "");
    let results = waiting.join().unwrap().json()["results"].clone();
    assert_eq!(
        (&results[0]["state"], &results[1]["state"]),
        (&json!("failed"), &json!("cancelled"))
    );
    assert_eq!(results[2]["code"], "invalid");
    let so_far = client.post("/v1/orders?wait=final&timeout=1ms", json!([order("p"), order("q")]));
    assert_eq!(so_far.json()["results"][1]["state"], "pending");
}

#[test]
fn an_array_that_waits_in_vain_answers_the_states_of_its_sequence() {
    let service = Service::manual().funded();
    let mut client = service.client();
    let order = |id: Option<&str>| {
        let mut order = json!({"payer": "a", "payee": "b", "amount": 1, "metadata": {"k": "v"}});
        if let Some(id) = id {
            order["id"] = json!(id);
        }
        order
    };
    let waiting = {
        let mut client = service.client();
        let body = json!([order(Some("moved")), order(None), order(Some("ended"))]);
        std::thread::spawn(move || client.post("/v1/orders?wait=final&timeout=1s", body))
    };
    crate::service::eventually("all are waited for", || service.stats().waiters == 3);
    let made = client.get("/v1/orders").json()["items"][1]["id"].as_str().unwrap().to_owned();
    for target in ["moved/process".to_owned(), format!("{made}/process"), "ended/cancel".to_owned()]
    {
        assert_eq!(client.post(&format!("/v1/orders/{target}"), "").status, 200);
    }
    let sequence = client.get("/v1/orders/ended").sequence();
    let answer = waiting.join().unwrap();
    assert_eq!(answer.sequence(), sequence);
    let results = answer.json()["results"].clone();
    for (index, state) in ["processing", "processing", "cancelled"].into_iter().enumerate() {
        assert_eq!(results[index]["state"], state, "{}", results[index]);
        assert_eq!(results[index]["version"], 2, "{}", results[index]);
    }
    assert_eq!(results[1]["id"], made);
    // Looking again makes nothing.
    assert_eq!(service.stats().sequence, sequence);
}

#[test]
fn a_second_array_of_1000_orders_takes_no_new_memory() {
    let service = Service::ledger().funded();
    let mut client = service.client();
    let mut send = |round: u32| {
        // About the ids of `norace load`.
        let order = |n: u32| {
            let id = format!("20261128-150635-4f2a-{round}-{n:08}");
            json!({"id": id, "payer": "bank", "payee": "b", "amount": 12_345})
        };
        let body = (0..1_000).map(order).collect::<Value>().to_string();
        let answer = client.post("/v1/orders", &body);
        assert_eq!(
            (answer.status, answer.json()["results"][999]["state"].as_str()),
            (200, Some("confirmed"))
        );
    };
    let taken = |from: &str| {
        service.metric(&format!("norace_buffers_taken_total{{pool=\"array\",from=\"{from}\"}}"))
    };
    send(1);
    assert_eq!(taken("new"), 2.0, "one for the request, one for the answer");
    for round in 2..6 {
        send(round);
    }
    assert_eq!(taken("new"), 2.0);
    assert_eq!(taken("near") + taken("far"), 8.0);
    assert_eq!(service.metric("norace_buffers_dropped_total{pool=\"array\"}"), 0.0);
}
