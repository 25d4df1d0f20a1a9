//! Who drives orders, and how, changed over HTTP while orders come.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use norace_engine::{
    BoxFuture, Decision, Order, Processor, ProcessorChoice, ProcessorError, SimulatedOptions,
    SimulatedProvider,
};
use norace_server::{LiveSettings, Settings};
use serde_json::{Value, json};

use crate::client::Client;
use crate::service::{Service, eventually};

fn service(choice: ProcessorChoice) -> Service {
    Service::live(choice, LiveSettings::new(Settings::default()).unwrap()).funded()
}

#[track_caller]
fn put(service: &Service, processor: Value) {
    let body = json!({"processor": processor}).to_string();
    let answer = service.client().request("PUT", "/v1/config", "", &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    for (key, value) in processor.as_object().unwrap() {
        assert_eq!(&answer.json()["settings"]["processor"][key], value);
    }
}

fn order(id: &str) -> Value {
    json!({"id": id, "payer": "a", "payee": "b", "amount": 1})
}

fn state(client: &mut Client, id: &str) -> Value {
    client.get(&format!("/v1/orders/{id}")).json()["state"].clone()
}

#[test]
fn who_drives_new_orders_changes_and_open_ones_stay_with_their_own() {
    let service = service(ProcessorChoice::Ledger);
    let mut client = service.client();
    assert_eq!(client.post("/v1/orders", order("x")).json()["state"], "confirmed");
    put(&service, json!({"new_orders": "manual"}));
    assert_eq!(client.post("/v1/orders", order("y")).json()["state"], "pending");
    put(&service, json!({"new_orders": "as-started"}));
    assert_eq!(client.post("/v1/orders", order("z")).json()["state"], "confirmed");
    assert_eq!(state(&mut client, "y"), "pending");
    assert_eq!(client.post("/v1/orders/y/process", "").json()["state"], "processing");
    assert_eq!(client.post("/v1/orders/y/confirm", "").json()["state"], "confirmed");
}

#[test]
fn a_change_under_load_parts_the_orders_of_each_client_in_two() {
    let service = service(ProcessorChoice::Ledger);
    let (begun, seen) = mpsc::channel();
    let clients: Vec<_> = (0..4)
        .map(|number| {
            let (mut client, begun) = (service.client(), begun.clone());
            thread::spawn(move || {
                let mut states = Vec::new();
                // Each goes on until it has met the change.
                while states.iter().filter(|state| *state == "pending").count() < 20 {
                    let id = format!("o-{number}-{}", states.len());
                    let answer = client.post("/v1/orders", order(&id));
                    assert_eq!(answer.status, 201);
                    states.push(answer.json()["state"].as_str().unwrap().to_owned());
                    if states.len() == 20 {
                        begun.send(()).unwrap();
                    }
                }
                states
            })
        })
        .collect();
    for _ in &clients {
        seen.recv().unwrap();
    }
    put(&service, json!({"new_orders": "manual"}));
    let mut client = service.client();
    assert_eq!(client.post("/v1/orders", order("last")).json()["state"], "pending");
    let mut confirmed = 0;
    for states in clients.into_iter().map(|client| client.join().unwrap()) {
        assert!(states.is_sorted(), "confirmed comes before pending, and once: {states:?}");
        confirmed += states.iter().filter(|state| *state == "confirmed").count() as u64;
    }
    let stats = service.stats();
    assert_eq!((stats.orders[2], stats.debits_posted), (confirmed, u128::from(10_000 + confirmed)));
}

/// Confirms what it is let through, and counts how many calls there are at once.
struct Counting {
    now: AtomicUsize,
    most: AtomicUsize,
    gate: norace::chan::Receiver<()>,
}

struct Handle(Arc<Counting>);

impl Processor for Handle {
    fn process(&self, _: Order) -> BoxFuture<Result<Decision, ProcessorError>> {
        let counting = Arc::clone(&self.0);
        Box::pin(async move {
            // Relaxed: counts, read where they no longer change.
            let now = counting.now.fetch_add(1, Ordering::Relaxed) + 1;
            // Relaxed: as above.
            counting.most.fetch_max(now, Ordering::Relaxed);
            let passed = counting.gate.recv().await;
            // Relaxed: as above.
            counting.now.fetch_sub(1, Ordering::Relaxed);
            passed.map(|()| Decision::Confirm).map_err(|_| unreachable!("the gate stays"))
        })
    }

    fn has_outside_effects(&self) -> bool {
        false
    }
}

#[test]
fn calls_at_once_rise_at_once_and_fall_as_calls_end() {
    let (pass, gate) = norace::chan::unbounded();
    let counting = Arc::new(Counting { now: AtomicUsize::new(0), most: AtomicUsize::new(0), gate });
    let choice = ProcessorChoice::Async(Arc::new(Handle(Arc::clone(&counting))));
    let service = service(choice);
    put(&service, json!({"concurrency": 1}));
    let orders: Vec<_> = (0..12).map(|number| order(&format!("o{number}"))).collect();
    assert_eq!(service.client().post("/v1/orders", json!(orders)).status, 200);
    // Relaxed: see the processor.
    let calls = || counting.now.load(Ordering::Relaxed);
    eventually("one is called", || calls() == 1);
    put(&service, json!({"concurrency": 5}));
    eventually("five are called, with none having ended", || calls() == 5);
    put(&service, json!({"concurrency": 2}));
    for _ in 0..5 {
        pass.try_send(()).unwrap();
    }
    eventually("those have ended", || service.stats().orders[2] == 5);
    eventually("two are called", || calls() == 2);
    for _ in 0..7 {
        pass.try_send(()).unwrap();
    }
    eventually("all have ended", || service.stats().orders[2] == 12);
    // Relaxed: see the processor.
    assert_eq!(counting.most.load(Ordering::Relaxed), 5);
}

#[test]
fn a_shorter_time_out_and_fewer_attempts_flag_sooner() {
    let hanging = SimulatedOptions { hangs_permille: 1000, ..SimulatedOptions::default() };
    let provider = Arc::new(SimulatedProvider::new(hanging));
    let service = service(ProcessorChoice::Async(provider));
    put(&service, json!({"timeout_ms": 1, "attempts_max": 2, "backoff_min_ms": 1}));
    assert_eq!(service.client().post("/v1/orders", order("x")).json()["state"], "processing");
    eventually("it is flagged", || service.stats().flagged == 1);
    put(&service, json!({"new_orders": "ledger"}));
    assert_eq!(service.client().post("/v1/orders", order("y")).json()["state"], "confirmed");
    assert_eq!(state(&mut service.client(), "x"), "processing");
}

#[test]
fn an_array_that_is_longer_than_the_engine_takes_is_refused_from_the_change_on() {
    let service = service(ProcessorChoice::Ledger);
    let orders = |name: &str| json!([order(&format!("{name}1")), order(&format!("{name}2"))]);
    assert_eq!(service.client().post("/v1/orders", orders("x")).status, 200);
    let body = json!({"engine": {"requests_max": 1}}).to_string();
    assert_eq!(service.client().request("PUT", "/v1/config", "", &body).status, 200);
    let refused = service.client().post("/v1/orders", orders("y"));
    assert_eq!(refused.code(), (422, "invalid".into()));
    assert_eq!(service.stats().orders[2], 2);
}
