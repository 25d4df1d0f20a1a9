//! One producer and two consumers of everything; and three stages one behind the other.
//!
//! There are more threads than processors, so all of them sleep or yield; the disruptor has no wait that sleeps until
//! it is woken, and yields.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use disruptor::Producer;
use disruptor::wait_strategies::WaitStrategy;
use norace::bus::{Bus, Policy, RecvError, Start, Subscriber};
use norace::chan;
use norace_bench_measure::{Done, Run};

use super::{BATCH, RING};

/// Events of a pass.
const EVENTS: u64 = 20_000;
const STAGES: u64 = 3;

#[derive(Clone, Copy)]
struct Yields;

impl WaitStrategy for Yields {
    fn wait_for(&self, _: i64) {
        thread::yield_now();
    }
}

/// Publishes all, again and again where it is refused.
fn produce(mut publish: impl FnMut(u64) -> bool) {
    for event in 0..EVENTS {
        while !publish(event) {
            thread::yield_now();
        }
    }
}

/// Handles all there is, in batches.
fn follow(mut subscriber: Subscriber<u64>, mut handle: impl FnMut(u64)) {
    while subscriber.drain_blocking(BATCH, |_, &event| handle(event)) != Err(RecvError::Closed) {}
}

/// `bus-fan:CONSUMERS`, each of which gets everything; an event is one that was published.
pub fn fan(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let consumers: u64 = parameters.first()?.parse().ok()?;
    let pass: fn(u64) -> u64 = match contender {
        "norace" => fan_bus,
        "disruptor" => fan_disruptor,
        "async-broadcast" => fan_async_broadcast,
        "crossbeam" => fan_channels,
        _ => return None,
    };
    Some(run.passes(|| {
        assert_eq!(pass(consumers), consumers * (0..EVENTS).sum::<u64>(), "each event once");
        EVENTS
    }))
}

/// A thread for each of `consumers`; the sum of all they say.
fn on_threads<C: Send>(
    consumers: Vec<C>,
    consume: impl Fn(C) -> u64 + Sync,
    produce: impl FnOnce(),
) -> u64 {
    thread::scope(|scope| {
        let consume = &consume;
        let start = |consumer| scope.spawn(move || consume(consumer));
        let threads: Vec<_> = consumers.into_iter().map(start).collect();
        produce();
        threads.into_iter().map(|thread| thread.join().expect("it does not panic")).sum()
    })
}

fn fan_bus(consumers: u64) -> u64 {
    let bus = Bus::new(RING);
    let all = (0..consumers).map(|_| bus.subscribe(Policy::Block, Start::Tail)).collect();
    let consume = |subscriber| {
        let mut sum = 0;
        follow(subscriber, |event| sum += event);
        sum
    };
    on_threads(all, consume, move || produce(|event| bus.try_publish(event).is_ok()))
}

fn fan_async_broadcast(consumers: u64) -> u64 {
    let (sender, receiver) = async_broadcast::broadcast(RING);
    let all = vec![receiver; consumers as usize];
    let consume = |mut receiver: async_broadcast::Receiver<u64>| {
        let mut sum = 0;
        while let Ok(event) = receiver.recv_blocking() {
            sum += event;
        }
        sum
    };
    on_threads(all, consume, move || produce(|event| sender.try_broadcast(event).is_ok()))
}

fn fan_channels(consumers: u64) -> u64 {
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..consumers).map(|_| crossbeam_channel::bounded(RING)).unzip();
    let consume = |receiver: crossbeam_channel::Receiver<u64>| receiver.into_iter().sum();
    on_threads(receivers, consume, move || {
        for event in 0..EVENTS {
            for sender in &senders {
                while sender.try_send(event).is_err() {
                    thread::yield_now();
                }
            }
        }
    })
}

fn fan_disruptor(consumers: u64) -> u64 {
    assert_eq!(consumers, 2, "its consumers are part of its type");
    let sums: [Arc<AtomicU64>; 2] = Default::default();
    let [one, other] = sums.clone();
    // Relaxed: read when its thread was joined.
    let add = |sum: &AtomicU64, event| sum.fetch_add(event, Ordering::Relaxed);
    let mut producer = disruptor::build_single_producer(RING, || 0_u64, Yields)
        .handle_events_with(move |event: &u64, _, _| _ = add(&one, *event))
        .handle_events_with(move |event: &u64, _, _| _ = add(&other, *event))
        .build();
    produce(|event| producer.try_publish(|slot| *slot = event).is_ok());
    drop(producer);
    // Relaxed: dropping the producer has joined them.
    sums.iter().map(|sum| sum.load(Ordering::Relaxed)).sum()
}

/// `bus-stages`: each of three stages adds one and passes the event on; the last one has the sum.
pub fn stages(run: Run, contender: &str) -> Option<Done> {
    let pass: fn() -> u64 = match contender {
        "norace" => stages_bus,
        "norace-channels" => stages_own_channels,
        "crossbeam" => stages_channels,
        "disruptor" => stages_disruptor,
        _ => return None,
    };
    Some(run.passes(|| {
        assert_eq!(pass(), (0..EVENTS).map(|event| event + STAGES).sum(), "each stage once");
        EVENTS
    }))
}

/// A producer, two stages that pass on, and the last one on this thread, between which `ends` leads.
fn in_stages<S: Send, R: Send>(
    ends: [(S, R); STAGES as usize],
    send: impl Fn(&S, u64) -> bool + Copy + Send,
    receive: impl Fn(R, &mut dyn FnMut(u64)) + Copy + Send,
) -> u64 {
    let [(first, one), (second, two), (third, three)] = ends;
    let pass_on = move |receiver, sender: S| {
        receive(receiver, &mut |event| {
            while !send(&sender, event + 1) {
                thread::yield_now();
            }
        });
    };
    thread::scope(|scope| {
        scope.spawn(move || produce(|event| send(&first, event)));
        scope.spawn(move || pass_on(one, second));
        scope.spawn(move || pass_on(two, third));
        let mut sum = 0;
        receive(three, &mut |event| sum += event + 1);
        sum
    })
}

fn stages_bus() -> u64 {
    let ends = std::array::from_fn(|_| {
        let bus = Bus::new(RING);
        let subscriber = bus.subscribe(Policy::Block, Start::Tail);
        (bus, subscriber)
    });
    in_stages(ends, |bus, event| bus.try_publish(event).is_ok(), |it, handle| follow(it, handle))
}

fn stages_own_channels() -> u64 {
    let ends = std::array::from_fn(|_| chan::bounded(RING));
    let receive = |receiver: chan::Receiver<u64>, handle: &mut dyn FnMut(u64)| {
        while let Ok(event) = receiver.recv_blocking() {
            handle(event);
        }
    };
    in_stages(ends, |sender, event| sender.try_send(event).is_ok(), receive)
}

fn stages_channels() -> u64 {
    let ends = std::array::from_fn(|_| crossbeam_channel::bounded(RING));
    let receive = |receiver: crossbeam_channel::Receiver<u64>, handle: &mut dyn FnMut(u64)| {
        receiver.into_iter().for_each(handle);
    };
    in_stages(ends, |sender, event| sender.try_send(event).is_ok(), receive)
}

/// Its stages follow each other on one ring, and change the event in its slot.
fn stages_disruptor() -> u64 {
    let sum = Arc::new(AtomicU64::new(0));
    let total = Arc::clone(&sum);
    // Relaxed: the ring orders the stages.
    let add = |slot: &AtomicU64| slot.fetch_add(1, Ordering::Relaxed) + 1;
    let mut producer = disruptor::build_single_producer(RING, AtomicU64::default, Yields)
        .handle_events_with(move |slot: &AtomicU64, _, _| _ = add(slot))
        .and_then()
        .handle_events_with(move |slot: &AtomicU64, _, _| _ = add(slot))
        .and_then()
        .handle_events_with(move |slot: &AtomicU64, _, _| {
            // Relaxed: read when this thread was joined.
            total.fetch_add(add(slot), Ordering::Relaxed);
        })
        .build();
    produce(|event| producer.try_publish(|slot| *slot = AtomicU64::new(event)).is_ok());
    drop(producer);
    // Relaxed: as above.
    sum.load(Ordering::Relaxed)
}
