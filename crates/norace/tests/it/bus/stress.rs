//! Real threads, many events, exact books.

use super::receive_all;
use norace::bus::{Bus, Policy, Start, TryPublishError};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const EVENTS: u64 = 20_000;

/// Publishes numbers of `publisher`, one by one and in batches.
fn publish_all(bus: &Bus<u64>, publisher: u64) {
    let mut values: VecDeque<u64> = (0..EVENTS).map(|n| publisher * EVENTS + n).collect();
    let mut turn = 0;
    while let Some(value) = values.pop_front() {
        bus.publish_blocking(value).expect("open");
        turn += 1;
        let rest = values.split_off(values.len().min(turn % 7));
        bus.publish_many_blocking(&mut values).expect("open");
        values = rest;
    }
}

#[test]
fn all_subscribers_see_one_order_and_count_what_they_lose() {
    for capacity in [2, 64] {
        let bus = Bus::new(capacity);
        let keep = Policy::DropNewest { keep: capacity / 2 };
        let policies = [Policy::Block, Policy::Block, Policy::DropOldest, keep, Policy::Disconnect];
        let subscribers = policies.map(|policy| bus.subscribe(policy, Start::Tail));
        let subscribers = subscribers.map(|it| thread::spawn(move || receive_all(it)));
        let publishers: Vec<_> = (0..3)
            .map(|publisher| {
                let bus = bus.clone();
                thread::spawn(move || publish_all(&bus, publisher))
            })
            .collect();
        publishers.into_iter().for_each(|it| it.join().expect("no panic"));
        drop(bus);
        let seen = subscribers.map(|it| it.join().expect("no panic").0);
        let all: HashMap<u64, u64> = seen[0].iter().copied().collect();
        assert_eq!(all.len() as u64, 3 * EVENTS, "who blocks loses nothing");
        for publisher in 0..3 {
            let range = publisher * EVENTS..(publisher + 1) * EVENTS;
            let own = seen[0].iter().map(|it| it.1).filter(|value| range.contains(value));
            assert!(own.eq(range.clone()), "what one publishes stays in order");
        }
        for others in &seen[1..] {
            assert!(others.iter().all(|(sequence, value)| all[sequence] == *value));
        }
    }
}

#[test]
fn subscribers_come_and_go_while_events_are_published() {
    let bus = Bus::new(16);
    let is_over = Arc::new(AtomicBool::new(false));
    let visitors: Vec<_> = (0..3)
        .map(|number| {
            let (bus, is_over) = (bus.clone(), is_over.clone());
            thread::spawn(move || {
                let mut seen = 0;
                for round in 0.. {
                    // Relaxed: it only has to end some time.
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    let policy = [Policy::Block, Policy::DropOldest][(round + number) % 2];
                    let start = [Start::Oldest, Start::Tail, Start::At(0)][round % 3];
                    let mut visitor = bus.subscribe(policy, start);
                    for _ in 0..round % 20 {
                        let next = visitor.position();
                        if let Ok(event) = visitor.try_next() {
                            assert!(norace::bus::Event::sequence(&event) >= next);
                            seen += 1;
                        }
                    }
                }
                seen
            })
        })
        .collect();
    let witness = bus.subscribe(Policy::Block, Start::Tail);
    let witness = thread::spawn(move || receive_all(witness));
    publish_all(&bus, 0);
    // Relaxed: as above.
    is_over.store(true, Ordering::Relaxed);
    visitors.into_iter().for_each(|it| _ = it.join().expect("no panic"));
    drop(bus);
    let values: Vec<_> = witness.join().expect("no panic").0.into_iter().map(|it| it.1).collect();
    assert!(values.into_iter().eq(0..EVENTS), "who stays sees everything");
}

#[test]
fn refused_publishers_and_a_slow_subscriber_agree_on_what_was_published() {
    let bus = Bus::new(1024);
    let subscriber = bus.subscribe(Policy::Block, Start::Tail);
    let subscriber = thread::spawn(move || receive_all(subscriber));
    let publishers: Vec<_> = (0..4)
        .map(|publisher| {
            let bus = bus.clone();
            thread::spawn(move || {
                let attempts = (0..EVENTS).map(|n| bus.try_publish(publisher * EVENTS + n));
                attempts
                    .map(|result| match result {
                        Ok(_) => 1,
                        Err(TryPublishError::Full(_)) => 0,
                        Err(TryPublishError::Closed(_)) => unreachable!("nobody closes"),
                    })
                    .sum::<u64>()
            })
        })
        .collect();
    let published: u64 = publishers.into_iter().map(|it| it.join().expect("no panic")).sum();
    let refusals = bus.metrics().refusals;
    drop(bus);
    let (events, lost) = subscriber.join().expect("no panic");
    assert_eq!((events.len() as u64, lost), (published, 0));
    assert_eq!(published + refusals, 4 * EVENTS);
}
