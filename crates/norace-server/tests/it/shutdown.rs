//! Stopping: idle connections close, requests in flight are answered, and there is a deadline.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use norace_engine::{Engine, EngineConfig, ProcessorChoice, SystemClock};
use norace_journal::Options;
use norace_journal::sim::SimStorage;
use serde_json::json;

use crate::client::request;
use crate::service::{Service, eventually};

#[test]
fn idle_connections_close_and_requests_in_flight_are_answered() {
    let mut service = Service::manual().funded();
    let mut idle = service.client();
    assert_eq!(idle.get("/healthz").status, 200);
    let mut fresh = service.client();
    let mut stream = service.client();
    stream.send(request("GET", "/v1/events", "", ""));
    assert_eq!(stream.head().unwrap().status, 200);
    let mut busy = service.client();
    let body = json!({"id": "o", "payer": "a", "payee": "b", "amount": 1}).to_string();
    busy.send(request("POST", "/v1/orders?wait=final&timeout=9s", "", &body));
    let mut mover = service.client();
    eventually("the order is waited for", || service.stats().waiters == 1);
    // This one is in flight across the shutdown, since its body is not whole.
    let cancel = request("POST", "/v1/orders/o/cancel", "", "{}");
    mover.send(&cancel[..cancel.len() - 1]);
    eventually("both are in flight", || service.metric("norace_http_requests_in_flight") == 3.0);
    service.begin_shutdown();
    assert!(idle.rest().is_empty());
    assert!(fresh.rest().is_empty());
    assert_eq!(stream.chunk().unwrap().unwrap(), b"retry: 1000\n\n");
    while stream.chunk().unwrap().is_some() {}
    eventually("nobody listens", || TcpStream::connect(service.addr).is_err());
    mover.send("}");
    assert_eq!(mover.answer().status, 200);
    // An order that becomes final meanwhile is answered as that.
    let answer = busy.answer();
    assert_eq!((answer.status, &answer.json()["state"]), (201, &json!("cancelled")));
    assert!(busy.rest().is_empty());
    assert_eq!(service.stop().dropped, 0);
}

#[test]
fn requests_that_wait_for_final_orders_in_vain_are_answered_before_the_deadline() {
    let mut service = Service::manual().funded();
    let order = |id: &str| json!({"id": id, "payer": "a", "payee": "b", "amount": 1});
    let [mut one, mut many, mut read] = [(); 3].map(|()| service.client());
    let target = "/v1/orders?wait=final&timeout=60s";
    one.send(request("POST", target, "", &order("o").to_string()));
    eventually("the order is waited for", || service.stats().waiters == 1);
    many.send(request("POST", target, "", &json!([order("x"), order("y")]).to_string()));
    read.send(request("GET", "/v1/orders/o?wait=final&timeout=60s", "", ""));
    eventually("all orders are waited for", || service.stats().waiters == 4);
    assert_eq!(service.stop().dropped, 0);
    let answer = one.answer();
    assert_eq!((answer.status, &answer.json()["state"]), (201, &json!("pending")));
    let answer = many.answer();
    assert_eq!((answer.status, &answer.json()["results"][1]["state"]), (200, &json!("pending")));
    let answer = read.answer();
    assert_eq!((answer.status, &answer.json()["state"]), (200, &json!("pending")));
    assert!(one.rest().is_empty() && many.rest().is_empty() && read.rest().is_empty());
}

#[test]
fn what_is_still_busy_at_the_deadline_is_dropped_and_counted() {
    let disk = SimStorage::new(7);
    let config = EngineConfig { processor: ProcessorChoice::Ledger, ..EngineConfig::default() };
    let (engine, _) = Engine::open(config, disk.clone(), Options::default(), SystemClock).unwrap();
    let mut service = Service::over(engine, None, |config| {
        config.drain_timeout = Duration::from_millis(100);
    })
    .funded();
    disk.hold_syncs();
    let mut busy = service.client();
    let body = json!({"id": "o", "payer": "a", "payee": "b", "amount": 1}).to_string();
    busy.send(request("POST", "/v1/orders", "", &body));
    disk.wait_held();
    // What is held may also be the seal of what came before.
    eventually("two requests are in flight, this one and its own", || {
        service.metric("norace_http_requests_in_flight") == 2.0
    });
    let start = Instant::now();
    assert_eq!(service.stop().dropped, 1);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    // Nothing was durable, so nothing may have been said.
    assert!(busy.rest().is_empty());
    disk.release_syncs();
}

#[test]
fn a_stopped_engine_is_said_to_be_stopping() {
    let service = Service::ledger().funded();
    let mut client = service.client();
    service.engine.stop(Duration::from_secs(5)).unwrap();
    let body = json!({"payer": "a", "payee": "b", "amount": 1});
    let answer = client.post("/v1/orders", &body);
    assert_eq!(answer.code(), (503, "stopping".to_owned()));
    assert!(answer.json().get("outcome").is_none() && answer.header("retry-after").is_some());
    assert_eq!(client.get("/v1/orders").code(), (503, "stopping".to_owned()));
}
