//! Clients that ask again: they get the first status and the object as it is now, and nobody pays twice.

use serde_json::json;

use crate::service::{Service, eventually};

#[test]
fn the_same_key_and_content_answer_the_same_order() {
    let service = Service::manual().funded();
    let mut client = service.client();
    let body = json!({"payer": "a", "payee": "b", "amount": 5, "metadata": {"x": "1", "y": "2"}})
        .to_string();
    let key = "idempotency-key: k-1\r\n";
    let first = client.request("POST", "/v1/orders", key, &body);
    assert_eq!(first.status, 201);
    let id = first.json()["id"].as_str().unwrap().to_owned();
    client.post(&format!("/v1/orders/{id}/process"), "");
    // The order is answered as it is now, whatever order the metadata's keys come in.
    let shuffled = r#"{"amount":5,"metadata":{"y":"2","x":"1"},"payee":"b","payer":"a"}"#;
    let again = client.request("POST", "/v1/orders", key, shuffled);
    assert_eq!((again.status, again.header("etag")), (201, Some("\"2\"")));
    assert_eq!((&again.json()["id"], &again.json()["state"]), (&json!(id), &json!("processing")));
    let other = body.replace('5', "6");
    let conflict = client.request("POST", "/v1/orders", key, &other);
    assert_eq!(conflict.code(), (409, "idempotency-conflict".to_owned()));
    // A key names one call, whatever its kind.
    let transfer = json!({"from": "a", "to": "b", "amount": 1}).to_string();
    let conflict = client.request("POST", "/v1/transfers", key, &transfer);
    assert_eq!(conflict.code(), (409, "idempotency-conflict".to_owned()));
    let key = "idempotency-key: k-2\r\n";
    assert_eq!(client.request("POST", "/v1/transfers", key, &transfer).status, 201);
    assert_eq!(client.request("POST", "/v1/transfers", key, &transfer).status, 201);
    assert_eq!(client.get("/v1/accounts/b").json()["credits_posted"], 1);
    assert_eq!(client.get("/v1/orders").json()["items"].as_array().unwrap().len(), 1);
}

#[test]
fn moves_and_accounts_repeat_under_their_keys() {
    let service = Service::manual().funded();
    let mut client = service.client();
    client.post("/v1/orders", json!({"id": "o", "payer": "a", "payee": "b", "amount": 5}));
    let key = "idempotency-key: move\r\n";
    let first = client.request("POST", "/v1/orders/o/process", key, "");
    let again = client.request("POST", "/v1/orders/o/process", key, "");
    assert_eq!((first.status, again.status), (200, 200));
    assert_eq!(again.json(), first.json());
    let fresh = client.request("POST", "/v1/orders/o/process", "idempotency-key: other\r\n", "");
    assert_eq!(fresh.code(), (409, "illegal-transition".to_owned()));
    let opened = client.request("POST", "/v1/accounts", "idempotency-key: acc\r\n", "{}");
    let again = client.request("POST", "/v1/accounts", "idempotency-key: acc\r\n", "{}");
    assert_eq!((opened.status, again.status), (201, 200));
    assert_eq!(opened.json()["id"], again.json()["id"]);
}

#[test]
fn a_key_under_which_nothing_happened_stays_free() {
    let service = Service::manual().funded();
    let mut client = service.client();
    let order = json!({"id": "o", "payer": "a", "payee": "b", "amount": 5}).to_string();
    assert_eq!(client.post("/v1/orders", &order).status, 201);
    let key = "idempotency-key: late\r\n";
    assert_eq!(client.request("POST", "/v1/orders", key, &order).status, 201);
    let other = json!({"payer": "a", "payee": "b", "amount": 6}).to_string();
    let made = client.request("POST", "/v1/orders", key, &other);
    assert_eq!((made.status, &made.json()["amount"]), (201, &json!(6)));
    assert_eq!(client.request("POST", "/v1/orders", key, &other).json()["id"], made.json()["id"]);
}

#[test]
fn a_client_that_lost_its_answer_pays_once() {
    let service = Service::ledger().funded();
    let body = json!({"payer": "a", "payee": "b", "amount": 100}).to_string();
    for round in 0..20 {
        let key = format!("idempotency-key: pay-{round}\r\n");
        // The client goes away without reading; some of these requests are answered into the void.
        let mut lost = service.client();
        lost.send(crate::client::request("POST", "/v1/orders", &key, &body));
        drop(lost);
        let answer = service.client().request("POST", "/v1/orders", &key, &body);
        assert_eq!((answer.status, &answer.json()["state"]), (201, &json!("confirmed")));
    }
    let mut client = service.client();
    eventually("the lost requests are through", || {
        service.metric("norace_http_requests_in_flight") == 1.0
    });
    assert_eq!(client.get("/v1/accounts/b").json()["available"], 2000);
    assert_eq!(client.get("/v1/orders?limit=1000").json()["items"].as_array().unwrap().len(), 20);
    drop(client);
    service.assert_nothing_left();
}
