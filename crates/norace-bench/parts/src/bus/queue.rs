//! Several producers and one consumer, who is told when each event was published.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use disruptor::{BusySpin, Producer};
use norace::bus::{Bus, Policy, RecvError, Start};
use norace_bench_measure::{Done, Run, p99};

use super::{BATCH, RING};

/// Events of a producer in a pass.
const EACH: u64 = 20_000;

/// So many producers, which are refused when there are 1,024 events, and one consumer that takes up to 64 at a time.
/// Beside the time: that from before an event is published to when it is handled.
pub fn queue(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let producers: u64 = parameters.first()?.parse().ok()?;
    let mut delays: Vec<u64> = Vec::new();
    let start = Instant::now();
    let now =
        move || u64::try_from(start.elapsed().as_nanos()).expect("it does not take centuries");
    let events = producers * EACH;
    let mut passes = 0;
    let done = run.passes(|| {
        passes += 1;
        match contender {
            "norace" => ring(producers, now, &mut |at| delays.push(now() - at)),
            "mutex" => mutex(producers, now, &mut |at| delays.push(now() - at)),
            "crossbeam" => channel(producers, now, &mut |at| delays.push(now() - at)),
            "disruptor" => delays.append(&mut disruptor(producers, now)),
            _ => {}
        }
        events
    });
    let all = passes * events;
    (!delays.is_empty()).then(|| {
        let missing = all.abs_diff(delays.len() as u64);
        let p99 = Duration::from_nanos(p99(&mut delays));
        done.with("p99_ms", p99.as_secs_f64() * 1e3).with("wrong", missing as f64)
    })
}

fn ring(producers: u64, now: impl Fn() -> u64 + Copy + Send, handle: &mut dyn FnMut(u64)) {
    let bus = Bus::new(RING);
    let mut consumer = bus.subscribe(Policy::Block, Start::Tail);
    thread::scope(|scope| {
        for _ in 0..producers {
            let bus = bus.clone();
            scope.spawn(move || produce(|| bus.try_publish(now()).is_ok()));
        }
        drop(bus);
        while consumer.drain_blocking(BATCH, |_, &at| handle(at)) != Err(RecvError::Closed) {}
    });
}

fn channel(producers: u64, now: impl Fn() -> u64 + Copy + Send, handle: &mut dyn FnMut(u64)) {
    let (sender, receiver) = crossbeam_channel::bounded(RING);
    thread::scope(|scope| {
        for _ in 0..producers {
            let sender = sender.clone();
            scope.spawn(move || produce(|| sender.try_send(now()).is_ok()));
        }
        drop(sender);
        receiver.into_iter().for_each(handle);
    });
}

fn mutex(producers: u64, now: impl Fn() -> u64 + Sync, handle: &mut dyn FnMut(u64)) {
    let queue = MutexQueue::default();
    thread::scope(|scope| {
        for _ in 0..producers {
            scope.spawn(|| produce(|| queue.push(now())));
        }
        let mut left = producers * EACH;
        while left > 0 {
            let batch = queue.pop_many();
            left -= batch.len() as u64;
            batch.into_iter().for_each(&mut *handle);
        }
    });
}

/// Its consumer spins, for sleeping it knows by fixed times alone.
fn disruptor(producers: u64, now: impl Fn() -> u64 + Copy + Send + 'static) -> Vec<u64> {
    let (mut delays, handled) = Kept::new();
    let producer = disruptor::build_multi_producer(RING, || 0_u64, BusySpin)
        .handle_events_with(move |&at: &u64, _, _| delays.push(now() - at))
        .build();
    thread::scope(|scope| {
        for _ in 0..producers {
            let mut producer = producer.clone();
            scope.spawn(move || produce(|| producer.try_publish(|slot| *slot = now()).is_ok()));
        }
    });
    // The last one waits for the consumer's end.
    drop(producer);
    handled.recv().expect("the handler was dropped")
}

/// What a closure that lives on another thread has collected, handed over when it ends.
pub(super) struct Kept {
    all: Vec<u64>,
    out: mpsc::Sender<Vec<u64>>,
}

impl Kept {
    pub(super) fn new() -> (Self, mpsc::Receiver<Vec<u64>>) {
        let (out, receiver) = mpsc::channel();
        (Self { all: Vec::new(), out }, receiver)
    }

    pub(super) fn push(&mut self, value: u64) {
        self.all.push(value);
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Nobody has to want it.
        let _ = self.out.send(std::mem::take(&mut self.all));
    }
}

/// Publishes all, again and again where it is refused.
fn produce(mut publish: impl FnMut() -> bool) {
    for _ in 0..EACH {
        while !publish() {
            thread::yield_now();
        }
    }
}

/// What everybody writes.
#[derive(Default)]
struct MutexQueue {
    events: Mutex<VecDeque<u64>>,
    some: Condvar,
}

impl MutexQueue {
    fn push(&self, event: u64) -> bool {
        let mut events = self.events.lock().expect("nothing panics");
        if events.len() == RING {
            return false;
        }
        events.push_back(event);
        drop(events);
        self.some.notify_one();
        true
    }

    fn pop_many(&self) -> Vec<u64> {
        let events = self.events.lock().expect("nothing panics");
        let mut events =
            self.some.wait_while(events, |events| events.is_empty()).expect("nothing panics");
        let count = events.len().min(BATCH);
        events.drain(..count).collect()
    }
}
