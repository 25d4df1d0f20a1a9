//! HTTP/1.1 itself: keep-alive, pipelining, half-closed sockets, heads over their bounds, garbage.

use serde_json::json;

use crate::client::{Client, request};
use crate::service::Service;
use norace_engine::ProcessorChoice;

#[test]
fn a_connection_carries_many_requests() {
    let service = Service::ledger().funded();
    let mut client = service.client();
    for n in 0..200 {
        let answer = client.post("/v1/orders", json!({"payer": "a", "payee": "b", "amount": 1}));
        assert_eq!(answer.status, 201, "request {n}");
    }
    assert_eq!(service.metric("norace_http_connections"), 2.0);
    // A refusal keeps it open too.
    assert_eq!(client.post("/v1/orders", "{").status, 400);
    let last = client.request("GET", "/healthz", "connection: close\r\n", "");
    assert_eq!(last.header("connection"), Some("close"));
    assert!(client.rest().is_empty());
    drop(client);
    service.assert_nothing_left();
}

#[test]
fn http_1_0_clients_are_served() {
    let service = Service::ledger();
    let mut client = service.client();
    let answer = client.send("GET /healthz HTTP/1.0\r\n\r\n").answer();
    assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some("ok")));
    assert!(client.rest().is_empty());
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let service = Service::ledger().funded();
    let mut client = service.client();
    let mut bytes = String::new();
    for n in 0..50 {
        let body =
            json!({"id": format!("o-{n}"), "payer": "a", "payee": "b", "amount": 1}).to_string();
        bytes.push_str(&request("POST", "/v1/orders", "", &body));
        bytes.push_str(&request("GET", &format!("/v1/orders/o-{n}"), "", ""));
    }
    client.send(bytes);
    for n in 0..50 {
        for status in [201, 200] {
            let answer = client.answer();
            assert_eq!((answer.status, &answer.json()["id"]), (status, &json!(format!("o-{n}"))));
        }
    }
}

#[test]
fn an_answer_does_not_wait_for_the_rest_of_the_next_request() {
    let service = Service::ledger();
    let mut client = service.client();
    let get = request("GET", "/healthz", "", "");
    // A stray line break behind a request, as some clients send it, and half of the next one.
    for rest in ["\r\n", "GET /hea"] {
        client.send(format!("{get}{rest}"));
        assert_eq!(client.answer().status, 200);
        let missing = if rest == "\r\n" { get.as_str() } else { &get["GET /hea".len()..] };
        client.send(missing);
        assert_eq!(client.answer().status, 200);
    }
}

#[test]
fn a_client_that_ends_its_side_still_gets_its_answers() {
    let service = Service::manual().funded();
    let mut client = service.client();
    let body = json!({"id": "o", "payer": "a", "payee": "b", "amount": 1}).to_string();
    client.send(request("GET", "/v1/accounts/a", "", ""));
    client.send(request("POST", "/v1/orders?wait=final&timeout=100ms", "", &body));
    client.shutdown_sending();
    assert_eq!(client.answer().status, 200);
    assert_eq!(client.answer().status, 201);
    assert!(client.rest().is_empty());
    // A body that ends too early is told so, where the client can still hear it.
    let mut client = service.client();
    let early = "POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    client.send(early).shutdown_sending();
    assert_eq!(client.answer().code(), (400, "malformed".to_owned()));
    // One that ends in its head has not asked anything.
    let mut client = service.client();
    client.send("GET /heal").shutdown_sending();
    client.rest();
    drop(client);
    service.assert_nothing_left();
}

#[test]
fn what_is_no_http_is_refused_as_a_problem_and_closed() {
    let service = Service::ledger();
    for (bytes, expect) in [
        ("GARBAGE\r\n\r\n", (400, "malformed")),
        ("GET\r\n\r\n", (400, "malformed")),
        ("GET / HTTP/1.1\r\nbad header\r\n\r\n", (400, "malformed")),
        ("GET / HTTP/9.9\r\n\r\n", (400, "malformed")),
        ("\u{1}\u{2}\u{3}\u{4}\r\n\r\n", (400, "malformed")),
        ("{\"id\":\"a\"}\r\n\r\n", (400, "malformed")),
        ("GET /a b HTTP/1.1\r\n\r\n", (400, "malformed")),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n", (400, "malformed")),
        (
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            (400, "malformed"),
        ),
    ] {
        let mut client = service.client();
        let answer = client.send(bytes).answer();
        assert_eq!(answer.code(), (expect.0, expect.1.to_owned()), "{bytes:?}");
        assert_eq!(answer.header("connection"), Some("close"), "{bytes:?}");
        assert!(client.rest().is_empty(), "{bytes:?}");
    }
    // Behind good requests the refusal comes in its turn.
    let mut client = service.client();
    client.send(request("GET", "/healthz", "", "") + "GARBAGE\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    assert_eq!(client.answer().code(), (400, "malformed".to_owned()));
    client.rest();
    drop(client);
    service.assert_nothing_left();
}

#[test]
fn a_request_without_one_clear_host_is_refused() {
    let service = Service::ledger();
    for bytes in [
        "GET /healthz HTTP/1.1\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n",
        "GET /healthz HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: a b\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: a/b\r\n\r\n",
        "GET http://a/healthz HTTP/1.1\r\n\r\n",
        "POST /v1/nowhere HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}",
    ] {
        let mut client = service.client();
        let answer = client.send(bytes).answer();
        assert_eq!(answer.code(), (400, "malformed".to_owned()), "{bytes:?}");
        assert!(client.rest().is_empty(), "{bytes:?}");
    }
    for host in ["", "localhost:8080", "[::1]:80", "127.0.0.1", "a_b.example"] {
        let bytes = format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\n\r\n");
        assert_eq!(service.client().send(bytes).answer().status, 200, "{host}");
    }
    assert_eq!(service.metric("norace_http_bad_requests_total"), 8.0);
}

#[test]
fn heads_over_their_bounds_are_refused() {
    let service = Service::ledger();
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(20_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(65));
    let endless = "GET /".to_owned() + &"x".repeat(70_000);
    for bytes in [long, many, endless] {
        let mut client = service.client();
        let _ = client.send_some(&bytes);
        let answer = client.answer();
        assert_eq!(answer.code(), (431, "head-too-large".to_owned()), "{}", &bytes[..40]);
        client.rest();
    }
    let fits = format!("x: {}\r\n", "y".repeat(10_000));
    assert_eq!(service.client().request("GET", "/healthz", &fits, "").status, 200);
    service.assert_nothing_left();
}

#[test]
fn a_client_that_expects_to_be_told_to_continue_is_told() {
    let service = Service::ledger().funded();
    let mut client = service.client();
    let body = r#"{"payer":"a","payee":"b","amount":1}"#;
    let whole = request("POST", "/v1/orders", "expect: 100-continue\r\n", body);
    let (head, body) = whole.split_at(whole.len() - body.len());
    client.send(head);
    assert_eq!(client.head().unwrap().status, 100);
    client.send(body);
    assert_eq!(client.answer().status, 201);
}

#[test]
fn connections_over_the_bound_are_refused_at_once() {
    let service = Service::with(ProcessorChoice::Ledger, |config| config.connections_max = 3);
    let mut held: Vec<Client> = (0..3).map(|_| service.client()).collect();
    for client in &mut held {
        assert_eq!(client.get("/healthz").status, 200);
    }
    for _ in 0..5 {
        let mut over = service.client();
        let answer = over.send(request("GET", "/healthz", "", "")).answer();
        assert_eq!(answer.code(), (503, "overloaded".to_owned()));
        assert!(answer.header("retry-after").is_some());
        assert!(over.rest().is_empty());
    }
    // The others never noticed, and a place that becomes free is taken.
    assert_eq!(held[0].get("/healthz").status, 200);
    held.pop();
    crate::service::eventually("the free place is given away", || {
        service.client().get("/healthz").status == 200
    });
    held.clear();
    service.assert_nothing_left();
    assert!(service.metric("norace_http_connections_refused_total") >= 5.0);
}

/// Random bytes and damaged requests: the server answers or closes, keeps nothing, and goes on serving.
#[test]
fn a_storm_of_garbage_leaves_nothing_behind() {
    let service = Service::ledger().funded();
    let before = service.stats();
    let good = request(
        "POST",
        "/v1/orders",
        "idempotency-key: x\r\n",
        r#"{"payer":"a","payee":"b","amount":0}"#,
    );
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |bound: usize| {
        seed ^= seed >> 12;
        seed ^= seed << 25;
        seed ^= seed >> 27;
        usize::try_from(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % bound
    };
    for round in 0..400 {
        let mut bytes = good.clone().into_bytes();
        if round % 4 == 0 {
            bytes = (0..random(400)).map(|_| u8::try_from(random(256)).unwrap()).collect();
        } else {
            for _ in 0..=random(6) {
                let at = random(bytes.len());
                match random(3) {
                    0 => bytes[at] = u8::try_from(random(256)).unwrap(),
                    1 => bytes.truncate(at.max(1)),
                    _ => bytes.insert(at, b"\r\n {}[]\":,0"[random(11)]),
                }
            }
        }
        let mut client = service.client();
        let _ = client.send_some(&bytes);
        client.shutdown_sending();
        let answers = client.rest();
        assert!(
            answers.is_empty() || answers.starts_with(b"HTTP/1."),
            "{}",
            String::from_utf8_lossy(&answers)
        );
    }
    service.assert_nothing_left();
    assert_eq!(service.stats().sequence, before.sequence);
    assert_eq!(service.client().get("/v1/accounts/a").json()["available"], 10_000);
}
