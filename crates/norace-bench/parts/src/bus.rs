//! One stream of events for many: the bus, and what one would take instead.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use disruptor::{BusySpin, Producer};
use norace::bus::{Bus, Policy, Start, Subscriber, TryRecvError};
use norace_bench_measure::{Done, Run};

mod churn;
mod panics;
mod queue;
mod stages;
mod stall;
mod wakes;

pub use churn::churn;
pub use panics::panics;
pub use queue::queue;
pub use stages::{fan, stages};
pub use stall::stall;
pub use wakes::wakes;

/// As the benchmark of the disruptor has it.
const BURST_RING: usize = 128;
const BURSTS: u64 = 1_000;
/// Of those that have pauses between them.
const BURSTS_APART: u64 = 20;
/// As tokio's benchmark of its broadcast has it.
const SENDS: u64 = 100;
const SENDS_RING: usize = 128;
const DRAINED: u64 = 256;
/// The ring, and how much a consumer takes at a time, as the article has it.
const RING: usize = 1024;
const BATCH: usize = 64;

/// Where a consumer says how far it is.
#[derive(Default)]
struct Sink(AtomicU64);

impl Sink {
    fn reached(&self, event: u64) {
        // Release: the consumer is done with it.
        self.0.store(event, Ordering::Release);
    }

    fn wait_for(&self, event: u64) {
        // Acquire: as above.
        while self.0.load(Ordering::Acquire) < event {
            std::hint::spin_loop();
        }
    }
}

/// What a producer sends to a sink.
#[derive(Clone, Copy)]
struct Bursts {
    run: Run,
    /// Events of each.
    events: u64,
    /// From the end of one to the next.
    pause: Duration,
}

impl Bursts {
    /// One after the other; after each one the producer waits until all of it has arrived. Pauses are not in `ns`.
    fn passes(self, sink: &Sink, mut publish: impl FnMut(Range<u64>)) -> Done {
        let (mut next, mut busy) = (1, Duration::ZERO);
        let mut burst = || {
            publish(next..next + self.events);
            next += self.events;
            sink.wait_for(next - 1);
        };
        if self.pause.is_zero() {
            return self.run.passes(|| {
                (0..BURSTS).for_each(|_| burst());
                BURSTS * self.events
            });
        }
        let done = self.run.passes(|| {
            for _ in 0..BURSTS_APART {
                thread::sleep(self.pause);
                let begun = Instant::now();
                burst();
                busy += begun.elapsed();
            }
            BURSTS_APART * self.events
        });
        done.with("ns", busy.as_secs_f64() * 1e9 / (next - 1) as f64)
    }
}

/// `bus-burst:EVENTS` and `bus-burst:EVENTS:PAUSE_MS`: bursts to one consumer on another thread, both of which spin.
pub fn bursts(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let pause = parameters.get(1).map_or(Ok(0), |pause| pause.parse()).ok()?;
    let pause = Duration::from_millis(pause);
    let bursts = Bursts { run, events: parameters.first()?.parse().ok()?, pause };
    let sink = Sink::default();
    Some(match contender {
        "norace" | "norace-batch" => {
            let bus = Bus::new(BURST_RING);
            let mut consumer = bus.subscribe(Policy::Block, Start::Tail);
            let batch = contender == "norace-batch";
            thread::scope(|scope| {
                scope.spawn(|| spin(&mut consumer, &sink));
                let done = bursts.passes(&sink, |events| {
                    if batch {
                        publish_batch(&bus, events);
                    } else {
                        events.for_each(|event| while bus.try_publish(event).is_err() {});
                    }
                });
                drop(bus);
                done
            })
        }
        "disruptor" => disruptor_bursts(bursts, false),
        "disruptor-batch" => disruptor_bursts(bursts, true),
        "crossbeam" => {
            let (sender, receiver) = crossbeam_channel::bounded::<u64>(BURST_RING);
            thread::scope(|scope| {
                scope.spawn(|| {
                    loop {
                        match receiver.try_recv() {
                            Ok(event) => sink.reached(event),
                            Err(error) if error.is_disconnected() => break,
                            Err(_) => std::hint::spin_loop(),
                        }
                    }
                });
                let done = bursts.passes(&sink, |events| {
                    events.for_each(|event| while sender.try_send(event).is_err() {});
                });
                drop(sender);
                done
            })
        }
        _ => return None,
    })
}

fn disruptor_bursts(bursts: Bursts, batch: bool) -> Done {
    // It wants closures that live for ever.
    let sink: &'static Sink = Box::leak(Box::default());
    let mut producer = disruptor::build_single_producer(BURST_RING, || 0_u64, BusySpin)
        .handle_events_with(move |event: &u64, _, _| sink.reached(*event))
        .build();
    bursts.passes(sink, |mut events| {
        if batch {
            producer.batch_publish(bursts.events as usize, |slots| {
                slots.zip(&mut events).for_each(|(slot, event)| *slot = event);
            });
        } else {
            events.for_each(|event| producer.publish(|slot| *slot = event));
        }
    })
}

/// Handles events in batches, as the disruptor has it: how far it is, it says at the end of each.
fn spin(consumer: &mut Subscriber<u64>, sink: &Sink) {
    loop {
        match consumer.try_drain(BURST_RING, |_, event| sink.reached(*event)) {
            Ok(_) => {}
            Err(TryRecvError::Empty) => std::hint::spin_loop(),
            Err(_) => break,
        }
    }
}

fn publish_batch(bus: &Bus<u64>, mut events: Range<u64>) {
    while !events.is_empty() {
        let count = (events.end - events.start) as usize;
        // Full: the consumer is at work.
        let _ = bus.try_publish_batch(count, |slot| *slot = events.next());
    }
}

/// 100 events to so many tasks that all wait for them; deliveries.
pub fn tasks(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let receivers: u64 = parameters.first()?.parse().ok()?;
    let tokio = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(run.workers).build().expect("start tokio")
    };
    let sum = (0..SENDS).sum::<u64>();
    Some(match contender {
        "norace" | "norace-lossy" => {
            let lossy = contender == "norace-lossy";
            let policy = if lossy { Policy::DropOldest } else { Policy::Block };
            let runtime = norace::rt::Builder::new().workers(run.workers).build();
            let runtime = runtime.expect("start norace");
            run.passes(|| {
                let task = runtime.spawn(norace_pass(policy, receivers));
                assert_eq!(runtime.block_on(task).expect("no panic"), receivers * sum);
                receivers * SENDS
            })
        }
        "tokio" => {
            let runtime = tokio();
            run.passes(|| {
                let task = runtime.spawn(tokio_pass(receivers));
                assert_eq!(runtime.block_on(task).expect("no panic"), receivers * sum);
                receivers * SENDS
            })
        }
        "async-broadcast" => {
            let runtime = tokio();
            run.passes(|| {
                let task = runtime.spawn(async_broadcast_pass(receivers));
                assert_eq!(runtime.block_on(task).expect("no panic"), receivers * sum);
                receivers * SENDS
            })
        }
        _ => return None,
    })
}

async fn norace_pass(policy: Policy, receivers: u64) -> u64 {
    let bus = Bus::new(SENDS_RING);
    let tasks: Vec<_> = (0..receivers)
        .map(|_| {
            let mut subscriber = bus.subscribe(policy, Start::Tail);
            norace::task::spawn(async move {
                let mut sum = 0;
                while let Ok(event) = subscriber.recv().await {
                    sum += event;
                }
                sum
            })
        })
        .collect();
    for event in 0..SENDS {
        bus.publish(event).await.expect("open");
    }
    drop(bus);
    let mut sum = 0;
    for task in tasks {
        sum += task.await.expect("no panic");
    }
    sum
}

async fn tokio_pass(receivers: u64) -> u64 {
    let (sender, _) = tokio::sync::broadcast::channel(SENDS_RING);
    let tasks: Vec<_> = (0..receivers)
        .map(|_| {
            let mut receiver = sender.subscribe();
            tokio::spawn(async move {
                let mut sum: u64 = 0;
                while let Ok(event) = receiver.recv().await {
                    sum += event;
                }
                sum
            })
        })
        .collect();
    for event in 0..SENDS {
        sender.send(event).expect("there are receivers");
    }
    drop(sender);
    let mut sum = 0;
    for task in tasks {
        sum += task.await.expect("no panic");
    }
    sum
}

async fn async_broadcast_pass(receivers: u64) -> u64 {
    let (sender, receiver) = async_broadcast::broadcast(SENDS_RING);
    let tasks: Vec<_> = (0..receivers)
        .map(|_| {
            let mut receiver = receiver.clone();
            tokio::spawn(async move {
                let mut sum: u64 = 0;
                while let Ok(event) = receiver.recv_direct().await {
                    sum += event;
                }
                sum
            })
        })
        .collect();
    drop(receiver);
    for event in 0..SENDS {
        sender.broadcast_direct(event).await.expect("there are receivers");
    }
    drop(sender);
    let mut sum = 0;
    for task in tasks {
        sum += task.await.expect("no panic");
    }
    sum
}

/// 256 events, then each of so many receivers takes them, all on one thread; deliveries.
pub fn drain(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let receivers: usize = parameters.first()?.parse().ok()?;
    let deliveries = receivers as u64 * DRAINED;
    let ring = DRAINED as usize;
    Some(match contender {
        "norace" | "norace-lossy" => {
            let lossy = contender == "norace-lossy";
            let policy = if lossy { Policy::DropOldest } else { Policy::Block };
            let bus = Bus::new(ring);
            let mut all: Vec<_> =
                (0..receivers).map(|_| bus.subscribe(policy, Start::Tail)).collect();
            run.passes(|| {
                (0..DRAINED).for_each(|event| _ = bus.try_publish(event).expect("room"));
                let drained =
                    |it: &mut Subscriber<u64>| (0..).map_while(|_| it.try_recv().ok()).count();
                assert_eq!(all.iter_mut().map(drained).sum::<usize>() as u64, deliveries);
                deliveries
            })
        }
        "tokio" => {
            let (sender, _) = tokio::sync::broadcast::channel(ring);
            let mut all: Vec<_> = (0..receivers).map(|_| sender.subscribe()).collect();
            run.passes(|| {
                (0..DRAINED).for_each(|event| _ = sender.send(event).expect("receivers"));
                let drained = |it: &mut tokio::sync::broadcast::Receiver<u64>| {
                    (0..).map_while(|_| it.try_recv().ok()).count()
                };
                assert_eq!(all.iter_mut().map(drained).sum::<usize>() as u64, deliveries);
                deliveries
            })
        }
        "async-broadcast" => {
            let (sender, receiver) = async_broadcast::broadcast(ring);
            let mut all = vec![receiver; receivers];
            run.passes(|| {
                (0..DRAINED).for_each(|event| _ = sender.try_broadcast(event).expect("room"));
                let drained = |it: &mut async_broadcast::Receiver<u64>| {
                    (0..).map_while(|_| it.try_recv().ok()).count()
                };
                assert_eq!(all.iter_mut().map(drained).sum::<usize>() as u64, deliveries);
                deliveries
            })
        }
        _ => return None,
    })
}
