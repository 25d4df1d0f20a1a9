//! The event stream: complete, in order, resumable, bounded.

use std::time::Duration;

use norace_engine::{Engine, EngineConfig, ProcessorChoice, SystemClock};
use norace_journal::Options;
use norace_journal::storage::DirStorage;
use serde_json::{Value, json};

use crate::client::{Client, request};
use crate::service::{Folder, Service, eventually};

/// A client of the stream.
struct Stream {
    client: Client,
    text: String,
}

#[derive(Debug, PartialEq)]
struct Event {
    id: u64,
    data: Value,
}

impl Stream {
    fn open(service: &Service, target: &str, headers: &str) -> Self {
        let mut client = service.client();
        client.send(request("GET", target, headers, ""));
        let head = client.head().unwrap();
        assert_eq!(head.status, 200);
        assert_eq!(head.header("content-type"), Some("text/event-stream"));
        assert!(head.header("norace-sequence").is_some());
        let mut stream = Self { client, text: String::new() };
        assert_eq!(stream.block().unwrap(), "retry: 1000");
        stream
    }

    /// The next block of lines, comments included; none at the end of the stream.
    fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text = rest.to_owned();
                return Some(block);
            }
            let chunk = self.client.chunk().unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    fn event(&mut self) -> Event {
        loop {
            let block = self.block().expect("the stream goes on");
            if block.starts_with(':') {
                continue;
            }
            let lines: Vec<&str> = block.lines().collect();
            assert_eq!((lines.len(), lines[1]), (3, "event: order"), "{block}");
            let id = lines[0].strip_prefix("id: ").unwrap().parse().unwrap();
            let data: Value =
                serde_json::from_str(lines[2].strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(data["sequence"], id);
            return Event { id, data };
        }
    }

    fn events(&mut self, count: usize) -> Vec<Event> {
        (0..count).map(|_| self.event()).collect()
    }
}

fn order(service: &Service, id: &str) -> u64 {
    let body = json!({"id": id, "payer": "a", "payee": "b", "amount": 1});
    let answer = service.client().post("/v1/orders", body);
    assert_eq!(answer.status, 201);
    answer.sequence()
}

#[test]
fn a_stream_tells_every_move_from_now_on() {
    let service = Service::ledger().funded();
    order(&service, "before");
    let mut stream = Stream::open(&service, "/v1/events", "");
    let sequence = order(&service, "o");
    let events = stream.events(3);
    let moves: Vec<_> = events
        .iter()
        .map(|event| {
            (&event.data["order"], &event.data["from"], &event.data["to"], &event.data["version"])
        })
        .collect();
    assert_eq!(
        moves,
        [
            (&json!("o"), &Value::Null, &json!("pending"), &json!(1)),
            (&json!("o"), &json!("pending"), &json!("processing"), &json!(2)),
            (&json!("o"), &json!("processing"), &json!("confirmed"), &json!(3)),
        ]
    );
    assert!(events.windows(2).all(|pair| pair[0].id < pair[1].id));
    assert_eq!(events[2].id, sequence);
    assert_eq!(events[0].data["at"].as_str().unwrap().len(), 27);
}

#[test]
fn reconnecting_clients_miss_nothing_and_see_nothing_twice() {
    let service = Service::ledger().funded();
    let producer = {
        let mut client = service.client();
        std::thread::spawn(move || {
            for n in 0..120 {
                let body = json!({"id": format!("o-{n}"), "payer": "a", "payee": "b", "amount": 1});
                assert_eq!(client.post("/v1/orders", body).status, 201);
            }
        })
    };
    let mut seen = Vec::new();
    while seen.len() < 360 {
        // The header wins over the parameter, as browsers repeat the target of the first connection.
        let last = seen
            .last()
            .map_or(String::new(), |event: &Event| format!("last-event-id: {}\r\n", event.id));
        let mut stream = Stream::open(&service, "/v1/events?after=0", &last);
        seen.extend(stream.events(17.min(360 - seen.len())));
    }
    producer.join().unwrap();
    assert!(seen.windows(2).all(|pair| pair[0].id < pair[1].id));
    for n in 0..120 {
        let states: Vec<_> = seen
            .iter()
            .filter(|event| event.data["order"] == format!("o-{n}"))
            .map(|event| event.data["to"].as_str().unwrap())
            .collect();
        assert_eq!(states, ["pending", "processing", "confirmed"]);
    }
    let from_scratch = Stream::open(&service, "/v1/events?after=0", "").events(360);
    assert_eq!(from_scratch, seen);
}

#[test]
fn a_silent_stream_shows_that_it_lives_and_notices_that_its_reader_left() {
    let service = Service::with(ProcessorChoice::Ledger, |config| {
        config.heartbeat = Duration::from_millis(20);
    });
    let mut stream = Stream::open(&service, "/v1/events", "");
    for _ in 0..3 {
        assert!(stream.block().unwrap().starts_with(':'));
    }
    assert_eq!(service.metric("norace_http_event_streams"), 1.0);
    drop(stream);
    service.assert_nothing_left();
}

#[test]
fn streams_over_the_bound_are_refused() {
    let service = Service::with(ProcessorChoice::Ledger, |config| {
        config.streams_max = 2;
        config.heartbeat = Duration::from_millis(20);
    });
    let first = Stream::open(&service, "/v1/events", "");
    let second = Stream::open(&service, "/v1/events", "");
    let over = service.client().get("/v1/events");
    assert_eq!(over.code(), (503, "overloaded".to_owned()));
    drop(first);
    eventually("the free place is given away", || {
        let mut client = service.client();
        client.send(request("GET", "/v1/events", "", ""));
        client.head().unwrap().status == 200
    });
    drop(second);
    service.assert_nothing_left();
}

/// An engine whose journal is in small segments, and whose bus holds few events.
fn tight(folder: &Folder, pages: u64) -> Engine {
    let config =
        EngineConfig { events_max: 8, batch_bytes_max: 48 << 10, ..EngineConfig::default() };
    let storage = DirStorage::create(folder.path()).unwrap();
    Engine::open(config, storage, Options::small(pages), SystemClock).unwrap().0
}

/// Places orders, one after the other; the position of the last.
fn orders(service: &Service, count: u32) -> u64 {
    (0..count).fold(0, |_, n| order(service, &format!("o-{n}")))
}

#[test]
fn a_stream_begins_where_it_is_asked_to_however_long_ago_that_was() {
    let folder = Folder::new();
    let service = Service::over(tight(&folder, 148), Some(folder), |_| {}).funded();
    let last = orders(&service, 200);
    let all: Vec<_> =
        Stream::open(&service, "/v1/events?after=0", "").events(600).iter().map(|e| e.id).collect();
    assert_eq!(all, (last - 599..=last).collect::<Vec<_>>());
    let header = format!("last-event-id: {}\r\n", last - 400);
    let mut stream = Stream::open(&service, "/v1/events", &header);
    assert_eq!(stream.events(400).last().unwrap().id, last);
    let fresh = order(&service, "fresh");
    assert_eq!(stream.events(3)[2].id, fresh);
}

#[test]
fn history_that_is_no_longer_kept_is_gone() {
    let folder = Folder::new();
    let oldest_segment = folder.path().join("segment-0000000000000000");
    let service = Service::over(tight(&folder, 148), Some(folder), |_| {}).funded();
    let last = orders(&service, 200);
    std::fs::rename(&oldest_segment, oldest_segment.with_extension("away")).unwrap();
    let gone = service.client().get("/v1/events?after=1");
    assert_eq!(gone.code(), (410, "history-gone".to_owned()));
    let oldest = gone.json()["oldest"].as_u64().unwrap();
    assert!(oldest > 1 && oldest < last, "{oldest}");
    let header = "last-event-id: 1\r\n";
    assert_eq!(service.client().request("GET", "/v1/events", header, "").status, 410);
    assert_eq!(service.metric("norace_event_reads_failed_total"), 2.0);
    let mut stream = Stream::open(&service, &format!("/v1/events?after={oldest}"), "");
    let ids: Vec<_> =
        stream.events(usize::try_from(last - oldest).unwrap()).iter().map(|e| e.id).collect();
    assert_eq!(ids, (oldest + 1..=last).collect::<Vec<_>>());
    std::fs::rename(oldest_segment.with_extension("away"), oldest_segment).unwrap();
}

#[test]
fn a_position_ahead_of_the_journal_is_refused() {
    let service = Service::ledger().funded();
    let sequence = order(&service, "o");
    let mut client = service.client();
    let ahead = sequence + 1;
    let refused = client.get(&format!("/v1/events?after={ahead}"));
    assert_eq!(refused.code(), (422, "invalid".to_owned()));
    assert_eq!(refused.json()["field"], "after");
    // The header decides, also where the parameter alone would be good.
    let header = format!("last-event-id: {}\r\n", u64::MAX);
    let refused = client.request("GET", "/v1/events?after=0", &header, "");
    assert_eq!(refused.code(), (422, "invalid".to_owned()));
    assert_eq!(refused.json()["field"], "Last-Event-ID");
    let header = format!("last-event-id: {sequence}\r\n");
    let mut stream = Stream::open(&service, &format!("/v1/events?after={ahead}"), &header);
    order(&service, "next");
    assert_eq!(stream.event().id, ahead);
}

#[test]
fn a_reader_that_falls_behind_misses_nothing_and_holds_nobody_up() {
    let folder = Folder::new();
    let service = Service::over(tight(&folder, 4096), Some(folder), |_| {}).funded();
    let mut slow = Stream::open(&service, "/v1/events", "");
    let orders = |round: u32| {
        let order =
            |n| json!({"id": format!("o-{round}-{n}"), "payer": "a", "payee": "b", "amount": 1});
        Value::from((0..200).map(order).collect::<Vec<_>>())
    };
    // More than sockets and buffers hold on the way, in batches that each pass the whole bus by.
    for round in 0..100 {
        let answer = service.client().post("/v1/orders", orders(round));
        assert_eq!(answer.status, 200);
    }
    let last = order(&service, "last");
    let mut before = slow.event().id;
    while before < last {
        let id = slow.event().id;
        assert_eq!(
            id,
            before + 1,
            "every record since the stream was opened is a move of an order"
        );
        before = id;
    }
    let fresh = order(&service, "fresh");
    assert_eq!(slow.events(usize::try_from(fresh - last).unwrap()).last().unwrap().id, fresh);
}

#[test]
fn many_streams_get_the_same_events() {
    let service = Service::ledger().funded();
    let mut streams: Vec<_> = (0..40).map(|_| Stream::open(&service, "/v1/events", "")).collect();
    for n in 0..10 {
        order(&service, &format!("o-{n}"));
    }
    let expect = streams[0].events(30);
    for stream in &mut streams[1..] {
        assert_eq!(stream.events(30), expect);
    }
}
