//! One subscriber that stalls for 100 ms in each second, beside one that does not; or two that do not.

use std::thread;
use std::time::{Duration, Instant};

use async_broadcast::RecvError as Overflow;
use norace::bus::{Bus, Policy, RecvError, Start};
use norace_bench_measure::usage::Watch;
use norace_bench_measure::{Done, Run, p99};
use tokio::sync::broadcast;

/// A stall is some four times as long as it takes to fill this.
const RING: usize = 256;
/// Events of a millisecond.
const EACH: u64 = 10;
const EVERY: Duration = Duration::from_millis(1);
/// The first stall begins after so long, each other one a second after the one before.
const FIRST: Duration = Duration::from_millis(50);
const STALL: Duration = Duration::from_millis(100);

/// What a subscriber gets.
enum Got {
    /// One that was due so many nanoseconds after the start.
    Event(u64),
    /// So many are lost to it.
    Lost(u64),
    /// The end; so many numbers of events stand for none.
    End(u64),
}

type Receive = Box<dyn FnMut() -> Got + Send>;

/// Publishes one; how many numbers of events were given out so far.
type Publish = Box<dyn FnMut(u64) -> u64>;

/// `bus-stall:STALLING`, of 2 subscribers none or one: ten events each millisecond. How late they are published after
/// they should be, and taken by the other one, and what is lost.
pub fn stall(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let stalls = match *parameters {
        ["0"] => false,
        ["1"] => true,
        _ => return None,
    };
    let (publish, all) = match contender {
        "norace" => on_bus(Policy::DropOldest),
        "norace-block" => on_bus(Policy::Block),
        "tokio" => on_tokio(),
        "async-broadcast" => on_async_broadcast(),
        _ => return None,
    };
    Some(measure(run, publish, all, stalls))
}

fn on_bus(policy: Policy) -> (Publish, [Receive; 2]) {
    let bus = Bus::<u64>::new(RING);
    let all = [(); 2].map(|()| {
        let mut subscriber = bus.subscribe(policy, Start::Tail);
        let receive: Receive = Box::new(move || match subscriber.recv_blocking() {
            Ok(event) => Got::Event(event),
            Err(RecvError::Lagged(count)) => Got::Lost(count),
            Err(_) => Got::End(subscriber.skipped()),
        });
        receive
    });
    let publish = move |due| {
        bus.publish_blocking(due).expect("it is open");
        bus.next_sequence()
    };
    (Box::new(publish), all)
}

fn on_tokio() -> (Publish, [Receive; 2]) {
    let (sender, _) = broadcast::channel(RING);
    let all = [(); 2].map(|()| {
        let mut receiver = sender.subscribe();
        let receive: Receive = Box::new(move || match receiver.blocking_recv() {
            Ok(event) => Got::Event(event),
            Err(broadcast::error::RecvError::Lagged(count)) => Got::Lost(count),
            Err(_) => Got::End(0),
        });
        receive
    });
    let mut sent = 0;
    let publish = move |due| {
        sender.send(due).expect("there are receivers");
        sent += 1;
        sent
    };
    (Box::new(publish), all)
}

fn on_async_broadcast() -> (Publish, [Receive; 2]) {
    let (mut sender, receiver) = async_broadcast::broadcast(RING);
    sender.set_overflow(true);
    let all = [receiver.clone(), receiver].map(|mut receiver| {
        let receive: Receive = Box::new(move || match receiver.recv_blocking() {
            Ok(event) => Got::Event(event),
            Err(Overflow::Overflowed(count)) => Got::Lost(count),
            Err(Overflow::Closed) => Got::End(0),
        });
        receive
    });
    let mut sent = 0;
    let publish = move |due| {
        sender.broadcast_blocking(due).expect("there are receivers");
        sent += 1;
        sent
    };
    (Box::new(publish), all)
}

/// What became of the events at a subscriber: how late it took those that came, how many it was told to have lost, and
/// how many numbers stand for none.
struct Taken {
    late: Vec<u64>,
    lost: u64,
    without: u64,
}

fn late(begun: Instant, due: u64) -> u64 {
    let now = u64::try_from(begun.elapsed().as_nanos()).expect("it does not take centuries");
    now.saturating_sub(due)
}

/// Takes everything.
fn consume(begun: Instant, mut receive: Receive, stalls: bool) -> Taken {
    let mut taken = Taken { late: Vec::new(), lost: 0, without: 0 };
    let mut next = FIRST;
    loop {
        match receive() {
            Got::Event(due) => taken.late.push(late(begun, due)),
            Got::Lost(count) => taken.lost += count,
            Got::End(without) => return Taken { without, ..taken },
        }
        if stalls && begun.elapsed() > next {
            thread::sleep(STALL);
            next += Duration::from_secs(1);
        }
    }
}

fn measure(run: Run, mut publish: Publish, [other, one]: [Receive; 2], stalls: bool) -> Done {
    let (watch, begun) = (Watch::start(), Instant::now());
    let consumers = [(other, false), (one, stalls)]
        .map(|(it, stalls)| thread::spawn(move || consume(begun, it, stalls)));
    let (mut published, mut next, mut total) = (Vec::new(), Duration::ZERO, 0);
    while next < run.limit {
        next += EVERY;
        thread::sleep(next.saturating_sub(begun.elapsed()));
        let due = u64::try_from(next.as_nanos()).expect("it does not take centuries");
        for _ in 0..EACH {
            total = publish(due);
            published.push(late(begun, due));
        }
    }
    let done = Done::timed(published.len() as u64, &watch);
    drop(publish);
    let [mut other, one] = consumers.map(|thread| thread.join().expect("it does not panic"));
    let all = |it: &Taken| it.late.len() as u64 + it.lost + it.without;
    let wrong = all(&other).abs_diff(total) + all(&one).abs_diff(total);
    done.with("wrong", wrong as f64)
        .with("late_p99_us", p99(&mut published) as f64 / 1e3)
        .with("other_p99_us", p99(&mut other.late) as f64 / 1e3)
        .with("lost_steady", other.lost as f64)
        .with("lost", one.lost as f64)
}
