//! The bus between threads that sleep: nobody sleeps beside what he waits for, and the books are exact.

use crate::bus::{Bus, Policy, RecvError, Start, Subscriber, TryPublishError, TryRecvError};
use crate::models::{all, join, poll, some, spawn};
use norace_prim::thread;
use std::collections::VecDeque;
use std::task::Poll;

/// Receives until the end.
fn receive_all(mut subscriber: Subscriber<u64>) -> Vec<u64> {
    let start = subscriber.position() - subscriber.missed();
    let mut values = Vec::new();
    loop {
        match subscriber.recv_blocking() {
            Ok(value) => values.push(value),
            Err(RecvError::Lagged(missed)) => assert!(missed > 0, "lagged by nothing"),
            Err(RecvError::Closed | RecvError::Disconnected(_)) => break,
        }
    }
    let books = values.len() as u64 + subscriber.missed() + subscriber.skipped();
    assert_eq!(subscriber.position() - start, books, "each is received, missed or skipped");
    values
}

#[test]
fn a_sleeping_subscriber_is_woken() {
    for policy in [Policy::Block, Policy::DropOldest] {
        all(move || {
            let bus = Bus::new(2);
            let subscriber = bus.subscribe(policy, Start::Tail);
            let reader = thread::spawn(move || receive_all(subscriber));
            bus.try_publish(1).expect("there is room");
            drop(bus);
            assert_eq!(join([reader]), [[1]]);
        });
    }
}

#[test]
fn a_sleeping_publisher_is_woken() {
    all(|| {
        let bus = Bus::new(1);
        let mut subscriber = bus.subscribe(Policy::Block, Start::Tail);
        let publisher = thread::spawn(move || {
            (1..=2).for_each(|value| _ = bus.publish_blocking(value).expect("open"));
        });
        assert_eq!(subscriber.recv_blocking(), Ok(1));
        assert_eq!(subscriber.recv_blocking(), Ok(2));
        join([publisher]);
    });
}

#[test]
fn a_publisher_that_waits_goes_on_when_the_reader_leaves_or_the_bus_is_closed() {
    for close in [false, true] {
        all(move || {
            let bus = Bus::new(1);
            let subscriber = bus.subscribe(Policy::Block, Start::Tail);
            assert_eq!(bus.try_publish(1), Ok(0));
            let publisher = thread::spawn({
                let bus = bus.clone();
                move || bus.publish_blocking(2).is_ok()
            });
            if close {
                bus.close();
            } else {
                drop(subscriber);
            }
            assert_eq!(join([publisher]), [!close]);
        });
    }
}

#[test]
fn a_publisher_waits_for_a_slot_that_is_read() {
    all(|| {
        let bus = Bus::new(1);
        let mut subscriber = bus.subscribe(Policy::DropOldest, Start::Tail);
        assert_eq!(bus.try_publish(1), Ok(0));
        let event = subscriber.try_next().expect("published");
        assert_eq!(bus.try_publish(2), Err(TryPublishError::Full(2)), "the only slot is held");
        let publisher = thread::spawn({
            let bus = bus.clone();
            move || bus.publish_blocking(2).is_ok()
        });
        drop(event);
        assert_eq!(join([publisher]), [true]);
        assert!(matches!(subscriber.try_recv(), Ok(2) | Err(TryRecvError::Lagged(_))));
    });
}

#[test]
fn publishers_and_subscribers_that_all_sleep_come_to_their_ends() {
    some(|| {
        let bus = Bus::new(2);
        let readers = [Policy::Block, Policy::DropOldest, Policy::Disconnect].map(|policy| {
            let subscriber = bus.subscribe(policy, Start::Tail);
            thread::spawn(move || receive_all(subscriber))
        });
        let publishers = spawn(2, |number| {
            let bus = bus.clone();
            move || {
                let mut values: VecDeque<_> = (0..3).map(|n| u64::from(number) * 10 + n).collect();
                bus.publish_many_blocking(&mut values).expect("open");
            }
        });
        drop(bus);
        join(publishers);
        let seen = join(readers);
        assert_eq!(seen[0].len(), 6, "who blocks publishers loses nothing");
        for others in &seen[1..] {
            let place = |value: &u64| seen[0].iter().position(|it| it == value);
            let places: Vec<_> = others.iter().map(place).collect();
            assert!(places.is_sorted_by(|a, b| a < b), "another order: {seen:?}");
        }
    });
}

#[test]
fn a_reception_that_is_given_up_receives_nothing() {
    all(|| {
        let bus = Bus::new(2);
        let mut subscriber = bus.subscribe(Policy::Block, Start::Tail);
        let publisher = thread::spawn(move || bus.try_publish(1).is_ok());
        let polled = poll(&mut subscriber.recv());
        let received = match polled {
            Poll::Ready(received) => received,
            Poll::Pending => subscriber.recv_blocking(),
        };
        assert_eq!(received, Ok(1));
        assert_eq!(subscriber.recv_blocking(), Err(RecvError::Closed));
        assert_eq!(join([publisher]), [true]);
    });
}
