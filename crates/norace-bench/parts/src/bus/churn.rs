//! Subscribers that come and go while events are published.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use norace::bus::{Bus, Policy, RecvError, Start};
use norace_bench_measure::{Done, Run, p99};
use tokio::sync::broadcast;

use super::{BATCH, RING};

/// Events of a pass.
const EVENTS: u64 = 20_000;
/// From one newcomer to the next.
const EVERY: Duration = Duration::from_millis(1);

/// What a consumer got, as a sum of numbers counted from 1, and how many are lost to it.
type Sum = (u64, u64);

/// `bus-churn`: events to one consumer, beside a thread that subscribes and leaves a thousand times a second.
pub fn churn(run: Run, contender: &str) -> Option<Done> {
    match contender {
        "norace" => {
            let bus = Bus::new(RING);
            let mut subscriber = bus.subscribe(Policy::Block, Start::Tail);
            let consume = move || {
                let mut sum = 0;
                let mut drain = || subscriber.drain_blocking(BATCH, |_, &event| sum += event);
                while drain() != Err(RecvError::Closed) {}
                (sum, 0)
            };
            let other = bus.clone();
            let visit = move || _ = other.subscribe(Policy::Block, Start::Tail).try_recv();
            Some(measure(run, move |event| bus.try_publish(event).is_ok(), visit, consume))
        }
        "tokio" => {
            let (sender, mut receiver) = broadcast::channel(RING);
            let consume = move || {
                let (mut sum, mut lost) = (0, 0);
                loop {
                    match receiver.blocking_recv() {
                        Ok(event) => sum += event,
                        Err(broadcast::error::RecvError::Lagged(count)) => lost += count,
                        Err(_) => return (sum, lost),
                    }
                }
            };
            let other = sender.clone();
            let visit = move || _ = other.subscribe().try_recv();
            Some(measure(run, move |event| sender.send(event).is_ok(), visit, consume))
        }
        "async-broadcast" => {
            let (sender, mut receiver) = async_broadcast::broadcast(RING);
            let consume = move || {
                let mut sum = 0;
                while let Ok(event) = receiver.recv_blocking() {
                    sum += event;
                }
                (sum, 0)
            };
            let other = sender.clone();
            let visit = move || _ = other.new_receiver().try_recv();
            Some(measure(run, move |event| sender.try_broadcast(event).is_ok(), visit, consume))
        }
        _ => None,
    }
}

fn measure(
    run: Run,
    mut publish: impl FnMut(u64) -> bool,
    visit: impl Fn() + Send,
    consume: impl FnOnce() -> Sum + Send,
) -> Done {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let consumer = scope.spawn(consume);
        // It takes its part of the bus along.
        let visitor = scope.spawn({
            let ended = &ended;
            move || visits(visit, ended)
        });
        let mut event = 0;
        let done = run.passes(|| {
            for _ in 0..EVENTS {
                event += 1;
                while !publish(event) {
                    thread::yield_now();
                }
            }
            EVENTS
        });
        // Relaxed: it carries nothing.
        ended.store(true, Ordering::Relaxed);
        let mut visits = visitor.join().expect("it does not panic");
        drop(publish);
        let (sum, lost) = consumer.join().expect("it does not panic");
        let all = event * (event + 1) / 2;
        let wrong = visits.is_empty() || if lost == 0 { sum != all } else { sum >= all };
        done.with("wrong", f64::from(u8::from(wrong)))
            .with("lost_percent", 100.0 * lost as f64 / event as f64)
            .with("visit_p99_us", p99(&mut visits) as f64 / 1e3)
    })
}

/// How long each coming and going took.
fn visits(visit: impl Fn(), ended: &AtomicBool) -> Vec<u64> {
    let (mut times, mut due) = (Vec::new(), Instant::now());
    // Relaxed: it carries nothing.
    while times.is_empty() || !ended.load(Ordering::Relaxed) {
        due = (due + EVERY).max(Instant::now());
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let begun = Instant::now();
        visit();
        times.push(u64::try_from(begun.elapsed().as_nanos()).expect("it is short"));
    }
    times
}
