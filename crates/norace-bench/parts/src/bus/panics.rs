//! A handler that panics now and then: how long until events are handled again.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use disruptor::{BusySpin, Producer};
use norace::bus::{Bus, Policy, RecvError, Start};
use norace_bench_measure::usage::Watch;
use norace_bench_measure::{Done, Run, percentile};

use super::{BATCH, RING};

/// The handler panics at each such event.
const EACH: u64 = 100;
/// Events of a pass.
const EVENTS: u64 = 5_000;
/// After so long without room a ring counts as standing still.
const PATIENCE: Duration = Duration::from_millis(100);

/// What the handler has seen.
#[derive(Default)]
struct Handler {
    panicked: Option<Instant>,
    times: Vec<u64>,
    handled: BTreeSet<u64>,
}

impl Handler {
    fn handle(&mut self, event: u64) {
        if event % EACH == EACH / 2 {
            self.panicked = Some(Instant::now());
            panic!("the handler's own");
        }
        if let Some(at) = self.panicked.take() {
            self.times.push(u64::try_from(at.elapsed().as_nanos()).expect("it is short"));
        }
        assert!(self.handled.insert(event), "it comes once");
    }
}

/// `bus-panic`: the time from a panic to the next event that is handled, and events that never were.
pub fn panics(run: Run, contender: &str) -> Option<Done> {
    // The reports of hundreds of panics would be measured.
    set_hook(Box::new(|_| {}));
    if contender == "disruptor" {
        return Some(on_disruptor());
    }
    let (mut times, mut lost) = (Vec::new(), 0);
    let pass: fn() -> Handler = match contender {
        "norace" => on_bus,
        "tokio" => on_tokio,
        "crossbeam" => on_channel,
        _ => return None,
    };
    let done = run.passes(|| {
        let mut handler = pass();
        times.append(&mut handler.times);
        lost += EVENTS - EVENTS / EACH - handler.handled.len() as u64;
        EVENTS
    });
    Some(told(done, times, lost))
}

fn told(done: Done, mut times: Vec<u64>, lost: u64) -> Done {
    done.with("recovery_us", percentile(&mut times, 50) as f64 / 1e3).with("lost", lost as f64)
}

/// Calls `consume`, which ends by a panic or by saying that there is no more, again and again, beside `produce`.
fn with_consumer(
    mut consume: impl FnMut(&mut Handler) -> bool + Send,
    produce: impl FnOnce(),
) -> Handler {
    thread::scope(|scope| {
        let consumer = scope.spawn(move || {
            let mut handler = Handler::default();
            let mut attempt = || catch_unwind(AssertUnwindSafe(|| consume(&mut handler)));
            while attempt().unwrap_or(true) {}
            handler
        });
        produce();
        consumer.join().expect("panics were caught")
    })
}

fn on_bus() -> Handler {
    let bus = Bus::new(RING);
    let mut subscriber = bus.subscribe(Policy::Block, Start::Tail);
    let consume = move |handler: &mut Handler| {
        subscriber.drain_blocking(BATCH, |_, &event| handler.handle(event))
            != Err(RecvError::Closed)
    };
    with_consumer(consume, move || {
        (0..EVENTS).for_each(|event| _ = bus.publish_blocking(event).expect("it is open"));
    })
}

/// Its ring has room for all, because it would overwrite otherwise.
fn on_tokio() -> Handler {
    let (sender, mut receiver) = tokio::sync::broadcast::channel(EVENTS as usize);
    let consume = move |handler: &mut Handler| match receiver.blocking_recv() {
        Ok(event) => {
            handler.handle(event);
            true
        }
        Err(_) => false,
    };
    with_consumer(consume, move || {
        (0..EVENTS).for_each(|event| _ = sender.send(event).expect("there is a receiver"));
    })
}

fn on_channel() -> Handler {
    let (sender, receiver) = crossbeam_channel::bounded(RING);
    let consume =
        move |handler: &mut Handler| receiver.recv().map(|event| handler.handle(event)).is_ok();
    with_consumer(consume, move || {
        (0..EVENTS).for_each(|event| sender.send(event).expect("there is a receiver"));
    })
}

/// Its handler's thread ends with the first panic, and with it the ring; nobody can begin another on it.
fn on_disruptor() -> Done {
    let handler = Arc::new(Mutex::new(Handler::default()));
    let theirs = Arc::clone(&handler);
    let mut producer = disruptor::build_single_producer(RING, || 0_u64, BusySpin)
        .handle_events_with(move |&event: &u64, _, _| {
            let mut handler = theirs.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            handler.handle(event);
        })
        .build();
    let watch = Watch::start();
    let (mut published, mut last) = (0, Instant::now());
    while published < EVENTS && last.elapsed() < PATIENCE {
        if producer.try_publish(|slot| *slot = published).is_ok() {
            (published, last) = (published + 1, Instant::now());
        } else {
            thread::yield_now();
        }
    }
    let done = Done::timed(published, &watch);
    // Its end would wait for the handler's, which is no more.
    std::mem::forget(producer);
    let handler = handler.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut times = handler.times.clone();
    if let Some(at) = handler.panicked {
        times.push(u64::try_from(at.elapsed().as_nanos()).expect("it is short"));
    }
    let panics = (0..published).filter(|event| event % EACH == EACH / 2).count() as u64;
    let panics = panics.min(times.len() as u64);
    told(done, times, published - panics - handler.handled.len() as u64)
}
