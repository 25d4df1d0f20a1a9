//! Nothing leaves before it is durable, and what can't be taken is refused at once.

use std::time::Duration;

use norace_engine::{Engine, EngineConfig, ProcessorChoice, SystemClock};
use norace_journal::Options;
use norace_journal::sim::{Fault, SimStorage};
use serde_json::json;

use crate::client::{Client, request};
use crate::service::{Service, eventually};

/// An engine on a simulated disk that can hold its syncs back.
fn over_disk(configure: impl FnOnce(&mut EngineConfig)) -> (Service, SimStorage) {
    let disk = SimStorage::new(7);
    let mut config = EngineConfig { processor: ProcessorChoice::Ledger, ..EngineConfig::default() };
    config.batch_bytes_max = 64 << 10;
    configure(&mut config);
    let options =
        Options { segment_bytes: 1 << 20, max_frame_bytes: 128 << 10, ..Options::default() };
    let (engine, _) = Engine::open(config, disk.clone(), options, SystemClock).unwrap();
    (Service::over(engine, None, |_| {}).funded(), disk)
}

#[test]
fn no_answer_leaves_while_its_sync_is_held() {
    let (service, disk) = over_disk(|_| {});
    let mut stream = service.client();
    stream.send(request("GET", "/v1/events", "", ""));
    assert_eq!(stream.head().unwrap().status, 200);
    assert_eq!(stream.chunk().unwrap().unwrap(), b"retry: 1000\n\n");
    let durable = service.engine.durable_sequence();
    disk.hold_syncs();
    let order = |id: &str| json!({"id": id, "payer": "a", "payee": "b", "amount": 1}).to_string();
    let mut waiting = Vec::new();
    // The order, its repeat, a refusal and reads that would show it: all rest on what is not durable yet.
    for (method, target, body) in [
        ("POST", "/v1/orders", order("o")),
        ("POST", "/v1/orders", order("o")),
        ("POST", "/v1/orders", order("o").replace("\"amount\":1", "\"amount\":2")),
        ("POST", "/v1/orders/o/cancel", String::new()),
        ("GET", "/v1/orders/o", String::new()),
        ("GET", "/v1/accounts/a", String::new()),
        ("GET", "/v1/orders", String::new()),
    ] {
        let mut client = service.client();
        client.send(request(method, target, "", &body));
        waiting.push(client);
        if waiting.len() == 1 {
            disk.wait_held();
        }
    }
    eventually("all of them are in the server", || {
        service.metric("norace_http_requests_in_flight") == waiting.len() as f64 + 1.0
    });
    for client in &mut waiting {
        assert!(client.silent_for(Duration::from_millis(20)));
    }
    assert!(stream.silent_for(Duration::from_millis(20)));
    assert_eq!(service.engine.durable_sequence(), durable);
    // What rests on nothing new is still answered, and says how far the journal is.
    let refused = service.client().post("/v1/orders", "{");
    assert_eq!((refused.code().0, refused.sequence()), (400, durable));
    assert_eq!(service.client().get("/healthz").status, 200);
    disk.release_syncs();
    let answers: Vec<_> = waiting.iter_mut().map(|client| client.answer()).collect();
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [201, 201, 409, 409, 200, 200, 200]);
    assert!(answers.iter().all(|answer| answer.sequence() > durable));
    let chunk = stream.chunk().unwrap().unwrap();
    assert!(chunk.starts_with(format!("id: {}\n", durable + 1).as_bytes()));
}

#[test]
fn overload_is_answered_at_once_and_loses_nothing_admitted() {
    let (service, disk) = over_disk(|config| config.queue_messages = 4);
    disk.hold_syncs();
    let mut clients: Vec<_> = (0..400).map(|_| service.client()).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        let order = json!({"id": format!("o-{n}"), "payer": "a", "payee": "b", "amount": 1});
        client.send(request("POST", "/v1/orders", "", &order.to_string()));
    }
    let refusals = || service.metric("norace_engine_refusals_total{reason=\"overloaded\"}");
    // The metrics' own question to the engine is refused as well, so its count only grows.
    eventually("every request is waiting or refused", || {
        let answered = clients.iter().filter(|client| client.has_input()).count();
        // One of those in flight is the one that asks.
        let in_flight = service.metric("norace_http_requests_in_flight") - 1.0;
        answered > 0 && in_flight + answered as f64 == clients.len() as f64
    });
    let refused: Vec<bool> = clients.iter().map(Client::has_input).collect();
    assert!(refusals() >= refused.iter().filter(|refused| **refused).count() as f64);
    assert!(refused.contains(&false), "some were admitted");
    disk.release_syncs();
    let answers: Vec<_> = clients.iter_mut().map(Client::answer).collect();
    for (n, (answer, refused)) in answers.iter().zip(refused).enumerate() {
        let stored = service.client().get(&format!("/v1/orders/o-{n}"));
        if refused {
            assert_eq!(answer.code(), (503, "overloaded".to_owned()));
            assert_eq!(answer.header("retry-after"), Some("1"));
            assert!(answer.json().get("outcome").is_none());
            assert_eq!(stored.status, 404);
        } else {
            assert_eq!((answer.status, &answer.json()["state"]), (201, &json!("confirmed")));
            assert_eq!((stored.status, stored.json()), (200, answer.json()));
        }
    }
    // Whoever was refused comes again and is served.
    let again = json!({"id": "again", "payer": "a", "payee": "b", "amount": 1});
    assert_eq!(service.client().post("/v1/orders", again).status, 201);
}

#[test]
fn a_failed_journal_answers_that_the_outcome_is_unknown() {
    let (service, disk) = over_disk(|_| {});
    disk.plan(0, Fault::Error);
    let body = json!({"id": "o", "payer": "a", "payee": "b", "amount": 1});
    let answer = service.client().post("/v1/orders", &body);
    assert_eq!(answer.code(), (503, "stopping".to_owned()));
    assert_eq!(answer.json()["outcome"], "unknown");
    eventually("the engine has failed", || service.engine.failure().is_some());
    let later = service.client().post("/v1/orders", &body);
    assert_eq!(later.code().0, 503);
    assert_eq!(service.client().get("/v1/orders/o").code().0, 503);
    assert_eq!(service.client().get("/readyz").code(), (503, "stopping".to_owned()));
    assert_eq!(service.client().get("/healthz").status, 200);
    assert_eq!(service.metric("norace_engine_failed"), 1.0);
    service.assert_nothing_left();
}

#[test]
fn a_full_disk_is_refused_without_harm() {
    let (service, disk) = over_disk(|_| {});
    disk.set_capacity(2 << 20);
    let metadata = "m".repeat(4000);
    let mut full = None;
    for n in 0..2000 {
        let mut body = json!({"id": format!("o-{n}"), "payer": "a", "payee": "b", "amount": 1});
        body["metadata"] = json!({"m": metadata});
        let answer = service.client().post("/v1/orders", body);
        if answer.status != 201 {
            full = Some(answer);
            break;
        }
    }
    let full = full.expect("the disk fills up");
    assert_eq!(full.code(), (503, "storage-full".to_owned()));
    assert!(full.header("retry-after").is_some() && full.json().get("outcome").is_none());
    assert_eq!(service.client().get("/v1/orders/o-0").status, 200);
}
