//! Waiting: futures, threads that sleep or spin, and giving up.

use norace::bus::{Bus, Policy, RecvError, Start};
use norace::{block_on, bus, select};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        // Relaxed: one thread.
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Count {
    fn get(&self) -> usize {
        // Relaxed: one thread.
        self.0.load(Ordering::Relaxed)
    }
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>, count: &Arc<Count>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(count.clone())))
}

#[test]
fn a_waiting_reception_is_woken_once_and_receives() {
    let bus = Bus::new(4);
    let mut subscriber = bus.subscribe(Policy::Block, Start::Tail);
    let count = Arc::new(Count::default());
    {
        let mut receive = pin!(subscriber.recv());
        assert!(poll(receive.as_mut(), &count).is_pending());
        assert!(poll(receive.as_mut(), &count).is_pending());
        bus.try_publish(1).expect("there is room");
        bus.try_publish(2).expect("there is room");
        assert_eq!(count.get(), 1);
        assert_eq!(poll(receive.as_mut(), &count), Poll::Ready(Ok(1)));
    }
    assert_eq!(subscriber.try_recv(), Ok(2));
}

#[test]
fn a_reception_that_is_dropped_receives_nothing_and_is_not_woken() {
    let bus = Bus::new(4);
    let mut subscriber = bus.subscribe(Policy::DropOldest, Start::Tail);
    let count = Arc::new(Count::default());
    assert!(poll(pin!(subscriber.recv()), &count).is_pending());
    assert!(poll(pin!(subscriber.next()), &count).is_pending());
    assert!(poll(pin!(subscriber.drain(9, |_, _| unreachable!())), &count).is_pending());
    bus.try_publish(1).expect("never full");
    assert_eq!((count.get(), Arc::strong_count(&count)), (0, 1));
    assert_eq!(subscriber.try_recv(), Ok(1));
}

#[test]
fn a_publication_that_is_dropped_publishes_nothing_and_is_not_woken() {
    let bus = Bus::new(1);
    let mut subscriber = bus.subscribe(Policy::Block, Start::Tail);
    let count = Arc::new(Count::default());
    bus.try_publish(1).expect("there is room");
    assert!(poll(pin!(bus.publish(2)), &count).is_pending());
    let mut values = VecDeque::from([3, 4]);
    assert!(poll(pin!(bus.publish_many(&mut values)), &count).is_pending());
    assert_eq!(subscriber.try_recv(), Ok(1));
    assert_eq!((count.get(), Arc::strong_count(&count)), (0, 1));
    assert_eq!(values, [3, 4]);
    assert_eq!(bus.next_sequence(), 1);
}

#[test]
fn an_event_that_is_forgotten_is_received_again() {
    let bus = Bus::new(2);
    let mut subscriber = bus.subscribe(Policy::DropOldest, Start::Tail);
    bus.try_publish(1).expect("never full");
    std::mem::forget(subscriber.try_next().expect("published"));
    assert_eq!(subscriber.try_recv(), Ok(1));
}

#[test]
fn async_sleeping_and_spinning_subscribers_share_a_ring() {
    const EVENTS: u64 = 2_000;
    let bus = Bus::new(16);
    let [mut spins, mut sleeps, mut polls] =
        [(); 3].map(|()| bus.subscribe(Policy::Block, Start::Tail));
    let spins = thread::spawn(move || {
        let mut sum = 0;
        while let Ok(event) = spins.next_spinning() {
            sum += *event;
            // One processor may be all there is.
            thread::yield_now();
        }
        sum
    });
    let sleeps = thread::spawn(move || {
        let mut sum = 0;
        while let Ok(event) = sleeps.next_blocking() {
            sum += *event;
        }
        sum
    });
    let polls = thread::spawn(move || {
        block_on(async {
            let mut sum = 0;
            while let Ok(event) = polls.next().await {
                sum += *event;
            }
            sum
        })
    });
    block_on(async {
        for value in 0..EVENTS {
            bus.publish(value).await.expect("open");
        }
    });
    drop(bus);
    for thread in [spins, sleeps, polls] {
        assert_eq!(thread.join().expect("no panic"), EVENTS * (EVENTS - 1) / 2);
    }
}

#[test]
fn a_wait_ends_with_its_time() {
    let bus = Bus::<u8>::new(2);
    let mut subscriber = bus.subscribe(Policy::Block, Start::Tail);
    assert!(subscriber.next_timeout(Duration::from_millis(2)).is_none());
    bus.try_publish(1).expect("there is room");
    let event = subscriber.next_timeout(Duration::from_secs(100)).expect("in time");
    assert_eq!(*event.expect("published"), 1);
}

#[test]
fn a_subscriber_is_an_arm_of_a_select() {
    let bus = Bus::new(2);
    let mut subscriber = bus.subscribe(Policy::Block, Start::Tail);
    let (_tx, rx) = norace::chan::bounded::<u8>(1);
    bus.try_publish(7).expect("there is room");
    let event = block_on(async {
        select! {
            event = subscriber.recv() => event,
            _ = rx.recv() => Err(RecvError::Closed),
        }
    });
    assert_eq!(event, Ok(7));
}

#[test]
fn closing_wakes_everybody() {
    let bus = Bus::new(1);
    let mut blocks = bus.subscribe(Policy::Block, Start::Tail);
    let mut waits = bus.subscribe(Policy::DropOldest, Start::At(5));
    bus.try_publish(1).expect("there is room");
    let publisher = thread::spawn({
        let bus = bus.clone();
        move || bus.publish_blocking(2)
    });
    let waiter = thread::spawn(move || waits.recv_blocking());
    bus.close();
    assert_eq!(publisher.join().expect("no panic"), Err(bus::PublishError(2)));
    assert_eq!(waiter.join().expect("no panic"), Err(RecvError::Closed));
    assert_eq!(blocks.recv_blocking(), Ok(1));
    assert_eq!(blocks.recv_blocking(), Err(RecvError::Closed));
}
