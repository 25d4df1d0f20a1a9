//! A consumer that has nothing to do most of the time: how soon it handles an event, and what its waiting costs.

use std::thread;
use std::time::{Duration, Instant};

use disruptor::{BusySpin, Producer};
use norace::bus::{Bus, Policy, Start};
use norace_bench_measure::usage::Watch;
use norace_bench_measure::{Done, Run, p99, percentile};

use super::RING;
use super::queue::Kept;

/// From one event to the next.
const PAUSE: Duration = Duration::from_millis(1);

/// Publishes the time, for the consumer to compare with its own.
type Publish = Box<dyn FnMut(u64)>;

/// Receives one event; nothing at the end.
type Receive = Box<dyn FnMut() -> Option<u64> + Send>;

/// `bus-wakes`: one event each millisecond for two thirds of the time, then none.
pub fn wakes(run: Run, contender: &str) -> Option<Done> {
    let start = Instant::now();
    let now = move || u64::try_from(start.elapsed().as_nanos()).expect("it is short");
    let (mut delays, handled) = Kept::new();
    if contender == "disruptor" {
        let mut producer = disruptor::build_single_producer(RING, || 0_u64, BusySpin)
            .handle_events_with(move |&at: &u64, _, _| delays.push(now() - at))
            .build();
        let publish = Box::new(move |at| producer.publish(|slot| *slot = at));
        let (done, sent) = publish_now_and_then(run, now, publish);
        return Some(told(done, sent, handled.recv().expect("the handler was dropped")));
    }
    let (publish, mut receive) = ends(contender)?;
    let consumer = thread::spawn(move || {
        while let Some(at) = receive() {
            delays.push(now() - at);
        }
    });
    let (done, sent) = publish_now_and_then(run, now, publish);
    consumer.join().expect("it does not panic");
    Some(told(done, sent, handled.recv().expect("the thread has ended")))
}

fn ends(contender: &str) -> Option<(Publish, Receive)> {
    Some(match contender {
        "norace" | "norace-spin" => {
            let bus = Bus::new(RING);
            let mut subscriber = bus.subscribe(Policy::Block, Start::Tail);
            let spins = contender == "norace-spin";
            let receive: Receive = Box::new(move || {
                let next =
                    if spins { subscriber.next_spinning() } else { subscriber.next_blocking() };
                next.ok().map(|event| *event)
            });
            (Box::new(move |at| _ = bus.try_publish(at).expect("there is room")), receive)
        }
        "tokio" => {
            let (sender, mut receiver) = tokio::sync::broadcast::channel(RING);
            let publish = move |at| _ = sender.send(at).expect("there is a receiver");
            (Box::new(publish), Box::new(move || receiver.blocking_recv().ok()))
        }
        "async-broadcast" => {
            let (sender, mut receiver) = async_broadcast::broadcast(RING);
            let publish = move |at| _ = sender.try_broadcast(at).expect("there is room");
            (Box::new(publish), Box::new(move || receiver.recv_blocking().ok()))
        }
        "crossbeam" => {
            let (sender, receiver) = crossbeam_channel::bounded(RING);
            let publish = move |at| sender.try_send(at).expect("there is room");
            (Box::new(publish), Box::new(move || receiver.recv().ok()))
        }
        _ => return None,
    })
}

/// How many were sent, and in what comes back the share of a processor that was used when there were none.
fn publish_now_and_then(
    run: Run,
    now: impl Fn() -> u64,
    mut publish: Box<dyn FnMut(u64) + '_>,
) -> (Done, u64) {
    let (watch, mut sent) = (Watch::start(), 0);
    while watch.wall() < run.limit * 2 / 3 {
        thread::sleep(PAUSE);
        publish(now());
        sent += 1;
    }
    thread::sleep(PAUSE * 5);
    let idle = Watch::start();
    thread::sleep(run.limit / 3);
    let percent = 100.0 * idle.processor().as_secs_f64() / idle.wall().as_secs_f64();
    let done = Done::timed(sent, &watch).with("idle_percent", percent);
    drop(publish);
    (done, sent)
}

fn told(done: Done, sent: u64, mut delays: Vec<u64>) -> Done {
    let missing = sent.abs_diff(delays.len() as u64);
    let micros = |nanos: u64| nanos as f64 / 1e3;
    done.with("wrong", missing as f64)
        .with("p50_us", micros(percentile(&mut delays, 50)))
        .with("p99_us", micros(p99(&mut delays)))
}
