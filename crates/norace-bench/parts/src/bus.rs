//! One stream of events for many: the bus, and what one would take instead.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use disruptor::{BusySpin, Producer};
use norace::bus::{Bus, Policy, RecvError, Start, Subscriber, TryRecvError};
use norace_bench_measure::{Done, Run, p99};

/// As the benchmark of the disruptor has it.
const BURST_RING: usize = 128;
const BURSTS: u64 = 1_000;
/// As tokio's benchmark of its broadcast has it.
const SENDS: u64 = 100;
const SENDS_RING: usize = 128;
const DRAINED: u64 = 256;
/// As the article has it.
const QUEUE: usize = 1024;
const QUEUE_BATCH: usize = 64;
const QUEUE_EACH: u64 = 20_000;

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

/// Bursts of so many events to one consumer on another thread, both of which spin; after each one the producer waits
/// until all of it has arrived.
pub fn bursts(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let burst: u64 = parameters.first()?.parse().ok()?;
    let sink = Sink::default();
    let passes = |mut publish: Box<dyn FnMut(std::ops::Range<u64>) + '_>| {
        let mut next = 1;
        run.passes(|| {
            for _ in 0..BURSTS {
                publish(next..next + burst);
                next += burst;
                sink.wait_for(next - 1);
            }
            BURSTS * burst
        })
    };
    Some(match contender {
        "norace" | "norace-batch" => {
            let bus = Bus::new(BURST_RING);
            let mut consumer = bus.subscribe(Policy::Block, Start::Tail);
            let batch = contender == "norace-batch";
            thread::scope(|scope| {
                scope.spawn(|| spin(&mut consumer, &sink));
                let done = passes(Box::new(|events| {
                    if batch {
                        publish_batch(&bus, events);
                    } else {
                        events.for_each(|event| while bus.try_publish(event).is_err() {});
                    }
                }));
                drop(bus);
                done
            })
        }
        "disruptor" => disruptor_bursts(run, burst, false),
        "disruptor-batch" => disruptor_bursts(run, burst, true),
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
                let done = passes(Box::new(|events| {
                    events.for_each(|event| while sender.try_send(event).is_err() {});
                }));
                drop(sender);
                done
            })
        }
        _ => return None,
    })
}

fn disruptor_bursts(run: Run, burst: u64, batch: bool) -> Done {
    // It wants closures that live for ever.
    let sink: &'static Sink = Box::leak(Box::default());
    let mut producer = disruptor::build_single_producer(BURST_RING, || 0_u64, BusySpin)
        .handle_events_with(move |event: &u64, _, _| sink.reached(*event))
        .build();
    let mut next = 1;
    run.passes(|| {
        for _ in 0..BURSTS {
            let mut events = next..next + burst;
            next += burst;
            if batch {
                producer.batch_publish(burst as usize, |slots| {
                    slots.zip(&mut events).for_each(|(slot, event)| *slot = event);
                });
            } else {
                events.for_each(|event| producer.publish(|slot| *slot = event));
            }
            sink.wait_for(next - 1);
        }
        BURSTS * burst
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

fn publish_batch(bus: &Bus<u64>, mut events: std::ops::Range<u64>) {
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

/// So many producers, which are refused when there are 1,024 events, and one consumer that takes up to 64 at a time.
/// Beside the time: that from before an event is published to when it is handled.
pub fn queue(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let producers: u64 = parameters.first()?.parse().ok()?;
    let mut delays: Vec<u64> = Vec::new();
    let start = Instant::now();
    let now = || u64::try_from(start.elapsed().as_nanos()).expect("it does not take centuries");
    let mut handle = |at: u64| delays.push(now() - at);
    let events = producers * QUEUE_EACH;
    let done = match contender {
        "norace" => run.passes(|| {
            let bus = Bus::new(QUEUE);
            let mut consumer = bus.subscribe(Policy::Block, Start::Tail);
            thread::scope(|scope| {
                for _ in 0..producers {
                    let bus = bus.clone();
                    scope.spawn(move || produce(|| bus.try_publish(now()).is_ok()));
                }
                drop(bus);
                while consumer.drain_blocking(QUEUE_BATCH, |_, &at| handle(at))
                    != Err(RecvError::Closed)
                {}
            });
            events
        }),
        "mutex" => run.passes(|| {
            let queue = MutexQueue::default();
            thread::scope(|scope| {
                for _ in 0..producers {
                    scope.spawn(|| produce(|| queue.push(now())));
                }
                let mut left = events;
                while left > 0 {
                    let batch = queue.pop_many();
                    left -= batch.len() as u64;
                    batch.into_iter().for_each(&mut handle);
                }
            });
            events
        }),
        _ => return None,
    };
    let p99 = Duration::from_nanos(p99(&mut delays));
    Some(done.with("p99_ms", p99.as_secs_f64() * 1e3))
}

/// Publishes all, again and again where it is refused.
fn produce(publish: impl Fn() -> bool) {
    for _ in 0..QUEUE_EACH {
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
        if events.len() == QUEUE {
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
        let count = events.len().min(QUEUE_BATCH);
        events.drain(..count).collect()
    }
}
