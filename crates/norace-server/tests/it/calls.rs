//! Every call, used as it is meant to be.

use serde_json::{Value, json};

use crate::service::Service;

fn without_times(mut object: Value) -> Value {
    for key in ["created_at", "updated_at"] {
        if let Some(time) = object.as_object_mut().unwrap().remove(key) {
            let time = time.as_str().unwrap();
            assert_eq!(time.len(), 27, "{time}");
            assert!(time.starts_with("20") && time.ends_with('Z'), "{time}");
        }
    }
    object
}

#[test]
fn an_account_is_opened_read_and_repeated() {
    let service = Service::ledger();
    let mut client = service.client();
    let opened = client.post("/v1/accounts", json!({"id": "a"}));
    assert_eq!(opened.status, 201);
    let expect = json!({
        "id": "a", "ledger": "main", "allow_overdraft": false, "debits_pending": 0, "debits_posted": 0,
        "credits_pending": 0, "credits_posted": 0, "available": 0,
    });
    assert_eq!(opened.json(), expect);
    assert!(opened.sequence() >= 1);
    let repeat = client.post("/v1/accounts", json!({"allow_overdraft": false, "id": "a"}));
    assert_eq!((repeat.status, repeat.json()), (200, expect.clone()));
    let read = client.get("/v1/accounts/a");
    assert_eq!((read.status, read.json()), (200, expect));
    let other = json!({"id": "x:1", "ledger": "EUR", "allow_overdraft": true});
    assert_eq!(client.post("/v1/accounts", other).status, 201);
    let read = client.get("/v1/accounts/x%3A1").json();
    assert_eq!((&read["id"], &read["ledger"]), (&json!("x:1"), &json!("EUR")));
    assert_eq!(read["allow_overdraft"], true);
}

#[test]
fn a_transfer_moves_money_once() {
    let service = Service::ledger().funded();
    let mut client = service.client();
    let body = json!({"id": "t-1", "from": "a", "to": "b", "amount": 2500});
    for _ in 0..2 {
        let made = client.post("/v1/transfers", &body);
        assert_eq!(made.status, 201);
        let expect =
            json!({"id": "t-1", "from": "a", "to": "b", "amount": 2500, "state": "posted"});
        assert_eq!(without_times(made.json()), expect);
        assert_eq!(without_times(client.get("/v1/transfers/t-1").json()), expect);
    }
    let (a, b) = (client.get("/v1/accounts/a").json(), client.get("/v1/accounts/b").json());
    assert_eq!((&a["available"], &b["available"]), (&json!(7500), &json!(2500)));
    assert_eq!((&a["debits_posted"], &b["credits_posted"]), (&json!(2500), &json!(2500)));
}

#[test]
fn an_order_is_paid_in_one_answer() {
    let service = Service::ledger().funded();
    let mut client = service.client();
    let metadata = json!({"note": "a \"quote\" and ü", "b": ""});
    let body =
        json!({"id": "o-1", "payer": "a", "payee": "b", "amount": 1250, "metadata": metadata});
    let made = client.post("/v1/orders", &body);
    assert_eq!(made.status, 201);
    assert_eq!(made.header("etag"), Some("\"3\""));
    assert_eq!(made.header("content-type"), Some("application/json"));
    let expect = json!({
        "id": "o-1", "state": "confirmed", "version": 3, "payer": "a", "payee": "b", "amount": 1250,
        "metadata": metadata,
    });
    assert_eq!(without_times(made.json()), expect);
    let read = client.get("/v1/orders/o-1");
    assert_eq!(without_times(read.json()), expect);
    assert_eq!(read.header("etag"), Some("\"3\""));
    assert!(read.sequence() >= made.sequence());
}

#[test]
fn an_order_without_funds_is_created_and_failed() {
    let service = Service::ledger().funded();
    let mut client = service.client();
    let made = client.post("/v1/orders", json!({"payer": "b", "payee": "a", "amount": 1}));
    assert_eq!(made.status, 201);
    let order = made.json();
    assert_eq!(
        (&order["state"], &order["reason"]),
        (&json!("failed"), &json!("insufficient-funds"))
    );
    let id = order["id"].as_str().unwrap();
    assert_eq!(id.len(), 36, "a time-ordered id is made: {id}");
    assert_eq!(client.get(&format!("/v1/orders/{id}")).json(), order);
}

#[test]
fn clients_drive_manual_orders_through_their_life() {
    let service = Service::manual().funded();
    let mut client = service.client();
    let order = json!({"id": "o", "payer": "a", "payee": "b", "amount": 100});
    let made = client.post("/v1/orders", order);
    assert_eq!((made.status, made.header("etag")), (201, Some("\"1\"")));
    assert_eq!(made.json()["state"], "pending");
    // The body of a move may be absent, empty of fields, or hold a reason.
    let moved = client.request("POST", "/v1/orders/o/process", "if-match: \"1\"\r\n", "");
    assert_eq!((moved.status, moved.header("etag")), (200, Some("\"2\"")));
    assert_eq!(client.get("/v1/accounts/a").json()["debits_pending"], 100);
    assert_eq!(client.get("/v1/accounts/a").json()["available"], 9900);
    let moved = client.request("POST", "/v1/orders/o/confirm", "if-match: *\r\n", "{}");
    assert_eq!((moved.status, &moved.json()["state"]), (200, &json!("confirmed")));
    for (id, action, state) in [("f", "fail", "failed"), ("c", "cancel", "cancelled")] {
        client.post("/v1/orders", json!({"id": id, "payer": "a", "payee": "b", "amount": 7}));
        let target = format!("/v1/orders/{id}/{action}");
        let moved = client.post(&target, json!({"reason": "no stock"}));
        assert_eq!(moved.status, 200);
        let order = moved.json();
        assert_eq!((&order["state"], &order["reason"]), (&json!(state), &json!("no stock")));
        assert_eq!(order["version"], 2);
    }
    assert_eq!(client.get("/v1/accounts/a").json()["available"], 9900);
    assert_eq!(client.get("/v1/accounts/a").json()["debits_pending"], 0);
}

#[test]
fn a_caller_that_has_the_version_gets_no_body() {
    let service = Service::ledger().funded();
    let mut client = service.client();
    client.post("/v1/orders", json!({"id": "o", "payer": "a", "payee": "b", "amount": 1}));
    for (tag, status) in [("\"3\"", 304), ("W/\"3\"", 304), ("\"1\", \"3\"", 304), ("\"2\"", 200)] {
        let header = format!("if-none-match: {tag}\r\n");
        let answer = client.request("GET", "/v1/orders/o", &header, "");
        assert_eq!(answer.status, status, "{tag}");
        assert_eq!(answer.header("etag"), Some("\"3\""));
        assert_eq!(answer.body.is_empty(), status == 304);
        assert!(answer.sequence() > 0);
    }
}

#[test]
fn orders_are_listed_page_by_page_in_a_stable_order() {
    let service = Service::manual().funded();
    let mut client = service.client();
    let order = |n: u32| json!({"id": format!("o-{n}"), "payer": "a", "payee": "b", "amount": 1});
    client.post("/v1/orders", Value::from((0..7).map(order).collect::<Vec<_>>()));
    client.post("/v1/orders/o-3/cancel", "");
    let mut listed = Vec::new();
    let mut target = "/v1/orders?state=pending&limit=2".to_owned();
    let mut pages = 0;
    loop {
        let page = client.get(&target).json();
        listed.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
        pages += 1;
        // What is created meanwhile is found at the end, not in between.
        if pages == 1 {
            client.post("/v1/orders", order(7));
        }
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        target = format!("/v1/orders?state=pending&limit=2&cursor={cursor}");
    }
    assert_eq!(listed, ["o-0", "o-1", "o-2", "o-4", "o-5", "o-6", "o-7"]);
    let cancelled = client.get("/v1/orders?state=cancelled").json();
    assert_eq!(cancelled["items"].as_array().unwrap().len(), 1);
    assert_eq!(cancelled["next_cursor"], Value::Null);
    assert_eq!(client.get("/v1/orders").json()["items"].as_array().unwrap().len(), 8);
}

#[test]
fn waiting_answers_when_the_order_is_final() {
    let service = Service::manual().funded();
    let mut client = service.client();
    let order = json!({"id": "o", "payer": "a", "payee": "b", "amount": 1});
    let waiting = {
        let mut client = service.client();
        std::thread::spawn(move || client.post("/v1/orders?wait=final&timeout=9s", order))
    };
    crate::service::eventually("the order exists", || client.get("/v1/orders/o").status == 200);
    let reading = {
        let mut client = service.client();
        std::thread::spawn(move || client.get("/v1/orders/o?wait=final"))
    };
    crate::service::eventually("both wait", || service.stats().waiters == 2);
    client.post("/v1/orders/o/process", "");
    client.post("/v1/orders/o/confirm", "");
    let made = waiting.join().unwrap();
    assert_eq!((made.status, made.header("etag")), (201, Some("\"3\"")));
    assert_eq!(made.json()["state"], "confirmed");
    let read = reading.join().unwrap();
    assert_eq!((read.status, &read.json()["state"]), (200, &json!("confirmed")));
    assert_eq!(service.stats().waiters, 0);
}

#[test]
fn a_wait_that_times_out_answers_the_state_so_far() {
    let service = Service::manual().funded();
    let mut client = service.client();
    let order = json!({"id": "o", "payer": "a", "payee": "b", "amount": 1});
    let made = client.post("/v1/orders?wait=final&timeout=1ms", order);
    assert_eq!((made.status, &made.json()["state"]), (201, &json!("pending")));
    client.post("/v1/orders/o/process", "");
    let read = client.get("/v1/orders/o?wait=final&timeout=0s");
    assert_eq!((read.status, &read.json()["state"]), (200, &json!("processing")));
    crate::service::eventually("nobody waits", || service.stats().waiters == 0);
}

#[test]
fn head_answers_like_get_without_the_body() {
    let service = Service::ledger().funded();
    let mut client = service.client();
    for target in ["/v1/accounts/a", "/v1/orders", "/healthz", "/", "/v1/accounts/none"] {
        let head = client.request("HEAD", target, "", "");
        let get = client.get(target);
        assert_eq!(head.status, get.status, "{target}");
        for name in ["content-type", "content-length"] {
            assert_eq!(head.header(name), get.header(name), "{target} {name}");
        }
    }
    let head = client.request("HEAD", "/v1/events", "", "");
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    // The connection is still in step.
    assert_eq!(client.get("/healthz").status, 200);
}
