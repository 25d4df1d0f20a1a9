//! What operators and browsers ask for, and where the server listens.

use std::net::SocketAddr;
use std::time::Duration;

use norace::rt;
use norace_engine::{Engine, EngineConfig, SystemClock};
use norace_server::{BindError, Config, Server};
use serde_json::json;

use crate::service::{Folder, Service, eventually};

#[test]
fn health_and_readiness_are_told() {
    let service = Service::ledger();
    assert_eq!(service.client().get("/healthz").json(), json!({"status": "ok"}));
    assert_eq!(service.client().get("/readyz").json(), json!({"status": "ready"}));
}

#[test]
fn the_page_and_the_description_are_served() {
    let service = Service::ledger();
    let page = service.client().get("/");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert!(page.body.starts_with(b"<!doctype html>"));
    let document = service.client().get("/openapi.json");
    assert_eq!(document.header("content-type"), Some("application/json"));
    assert_eq!(document.json()["openapi"], "3.1.0");
}

#[test]
fn the_metrics_tell_what_happened() {
    let service = Service::ledger().funded();
    let mut client = service.client();
    client.post("/v1/orders", json!({"payer": "a", "payee": "b", "amount": 1}));
    client.post("/v1/orders", json!({"payer": "b", "payee": "a", "amount": 100_000}));
    client.post("/v1/orders", "{");
    let answer = client.get("/metrics");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let page = String::from_utf8(answer.body).unwrap();
    for line in [
        r#"norace_http_requests_total{method="POST",route="/v1/orders",status="201"} 2"#,
        r#"norace_http_requests_total{method="POST",route="/v1/orders",status="400"} 1"#,
        r#"norace_http_request_seconds_count{method="POST",route="/v1/orders"} 3"#,
        r#"norace_orders{state="confirmed"} 1"#,
        r#"norace_orders{state="failed"} 1"#,
        r#"norace_orders{state="pending"} 0"#,
        "norace_http_requests_in_flight 1",
        "norace_engine_failed 0",
    ] {
        assert!(page.lines().any(|found| found == line), "no line `{line}` in\n{page}");
    }
    for name in [
        "norace_sequence",
        "norace_durable_sequence",
        "norace_engine_queue_depth",
        "norace_journal_append_seconds",
        "norace_http_connections",
        "norace_http_event_streams",
        "norace_buffers_taken_total",
        "norace_buffers_in_use",
        "norace_limit_decisions_total",
        "norace_limit_clients",
        "norace_limit_clients_evicted_total",
        "norace_tasks",
        "norace_task_panics_total",
        "norace_task_stalled_seconds",
    ] {
        assert!(page.contains(&format!("# TYPE {name} ")), "no {name} in\n{page}");
    }
    // Every line is a comment or one sample with a number.
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("norace_"), "{line}");
        value.parse::<f64>().unwrap();
    }
}

#[test]
fn moves_of_orders_are_counted_by_their_states() {
    let service = Service::manual().funded();
    let mut client = service.client();
    for (id, moves) in [("x", &["process", "confirm"][..]), ("y", &["process", "fail"]), ("z", &[])]
    {
        let order = json!({"id": id, "payer": "a", "payee": "b", "amount": 1});
        assert_eq!(client.post("/v1/orders", order).status, 201);
        for action in moves {
            assert_eq!(client.post(&format!("/v1/orders/{id}/{action}"), "").status, 200);
        }
    }
    assert_eq!(client.post("/v1/orders/z/confirm", "").status, 409);
    let moves = |from: &str, to: &str| {
        service.metric(&format!("norace_order_moves_total{{from=\"{from}\",to=\"{to}\"}}"))
    };
    let counted = || {
        [
            moves("none", "pending"),
            moves("pending", "processing"),
            moves("processing", "confirmed"),
            moves("processing", "failed"),
            moves("pending", "cancelled"),
        ]
    };
    eventually("all moves are counted", || counted() == [3.0, 2.0, 1.0, 1.0, 0.0]);
    assert_eq!(service.metric("norace_order_moves_missed_total"), 0.0);
}

#[test]
fn only_loopback_addresses_are_listened_on_without_keys() {
    let folder = Folder::new();
    let (engine, _) =
        Engine::open_dir(EngineConfig::default(), folder.path(), SystemClock).unwrap();
    let runtime = rt::Builder::new().workers(1).build().unwrap();
    let bind = |addr: &str, config: Config| {
        let addr: SocketAddr = addr.parse().unwrap();
        let engine = engine.clone();
        runtime.block_on(async move { Server::bind(addr, engine, config) })
    };
    for addr in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let refused = bind(addr, Config::default());
        assert!(matches!(refused, Err(BindError::NotLoopback { .. })), "{addr}: {refused:?}");
    }
    let bound = bind("127.0.0.1:0", Config::default()).unwrap();
    assert_ne!(bound.local_addr().port(), 0);
    let taken = bind(&bound.local_addr().to_string(), Config::default());
    assert!(matches!(taken, Err(BindError::Listen { .. })), "{taken:?}");
    let mut config = Config::default();
    config.connections_max = 0;
    assert!(matches!(bind("127.0.0.1:0", config), Err(BindError::Config(_))));
    drop(bound);
    runtime.shutdown(Duration::from_secs(5)).unwrap();
    engine.stop(Duration::from_secs(5)).unwrap();
}
