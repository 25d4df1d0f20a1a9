//! Clients that take their time: each wait of a connection has an end.

use std::time::{Duration, Instant};

use norace_engine::ProcessorChoice;

use crate::client::request;
use crate::service::Service;

fn impatient() -> Service {
    Service::with(ProcessorChoice::Ledger, |config| {
        config.request_timeout = Duration::from_millis(150);
        config.idle_timeout = Duration::from_secs(1);
        config.write_timeout = Duration::from_millis(150);
    })
}

#[test]
fn a_head_that_does_not_arrive_is_timed_out() {
    let service = impatient();
    let mut client = service.client();
    client.send("GET /healthz HT");
    assert_eq!(client.answer().code(), (408, "request-timeout".to_owned()));
    assert!(client.rest().is_empty());
    // One byte at a time is as slow.
    let mut client = service.client();
    let start = Instant::now();
    while client.send_some("x").is_ok() && start.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(10));
        if !client.silent_for(Duration::from_millis(1)) {
            break;
        }
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    drop(client);
    service.assert_nothing_left();
    assert_eq!(service.metric("norace_http_connections_timed_out_total"), 2.0);
}

#[test]
fn a_body_that_does_not_arrive_is_timed_out() {
    let service = impatient().funded();
    let before = service.stats().sequence;
    let whole = request("POST", "/v1/orders", "", r#"{"payer":"a","payee":"b","amount":1}"#);
    for sent in [whole.len() - 1, whole.len() - 30] {
        let mut client = service.client();
        client.send(&whole[..sent]);
        assert_eq!(client.answer().code(), (408, "request-timeout".to_owned()));
        client.rest();
    }
    assert_eq!(service.stats().sequence, before);
    service.assert_nothing_left();
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    let service = impatient();
    let mut fresh = service.client();
    let mut used = service.client();
    assert_eq!(used.get("/healthz").status, 200);
    assert!(fresh.rest().is_empty());
    assert!(used.rest().is_empty());
    service.assert_nothing_left();
}

#[test]
fn a_head_begun_behind_the_request_before_it_is_bounded_too() {
    let service = impatient();
    let bytes = request("GET", "/healthz", "", "") + "GET /heal";
    // Silence is idleness.
    let mut silent = service.client();
    silent.send(&bytes);
    assert_eq!(silent.answer().status, 200);
    assert!(silent.rest().is_empty());
    // More of it begins the time of a request.
    let mut slow = service.client();
    slow.send(&bytes);
    assert_eq!(slow.answer().status, 200);
    slow.send("t");
    assert_eq!(slow.answer().code(), (408, "request-timeout".to_owned()));
    assert!(slow.rest().is_empty());
    service.assert_nothing_left();
}

#[test]
fn a_connection_in_use_outlives_its_idle_time() {
    let service = impatient();
    let mut client = service.client();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(2200) {
        assert_eq!(client.get("/healthz").status, 200);
        std::thread::sleep(Duration::from_millis(60));
    }
}

#[test]
fn a_client_that_reads_nothing_is_dropped() {
    let service = impatient();
    let mut client = service.client();
    let ask = request("GET", "/openapi.json", "", "").repeat(64);
    let start = Instant::now();
    // Its answers fill every buffer on the way, then the server stops taking requests, then it gives up.
    while client.send_some(&ask).is_ok() {
        assert!(start.elapsed() < Duration::from_secs(9), "the server takes requests for ever");
    }
    service.assert_nothing_left();
    assert!(service.metric("norace_http_connections_timed_out_total") >= 1.0);
}

#[test]
fn a_client_that_uploads_too_much_still_reads_why() {
    let service = Service::ledger();
    let mut client = service.client();
    let head = "POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 20000000\r\n\r\n";
    client.send(head);
    // It sends all of it before it looks for an answer, as simple clients do.
    let piece = vec![b' '; 1 << 20];
    for _ in 0..19 {
        client.send(&piece);
    }
    assert_eq!(client.answer().code(), (413, "too-large".to_owned()));
    drop(client);
    service.assert_nothing_left();
}
