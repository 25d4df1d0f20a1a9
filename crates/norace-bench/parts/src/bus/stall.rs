//! One subscriber that stalls for 100 ms in each second, beside one that does not.

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
    Event,
    /// So many are lost to it.
    Lost(u64),
    /// The end; so many numbers of events stand for none.
    End(u64),
}

type Receive = Box<dyn FnMut() -> Got + Send>;

/// Publishes one; how many numbers of events were given out so far.
type Publish = Box<dyn FnMut() -> u64>;

/// `bus-stall`: ten events each millisecond. How late they are published after they should be, and what is lost.
pub fn stall(run: Run, contender: &str) -> Option<Done> {
    let (publish, all) = match contender {
        "norace" => on_bus(Policy::DropOldest),
        "norace-block" => on_bus(Policy::Block),
        "tokio" => on_tokio(),
        "async-broadcast" => on_async_broadcast(),
        _ => return None,
    };
    Some(measure(run, publish, all))
}

fn on_bus(policy: Policy) -> (Publish, [Receive; 2]) {
    let bus = Bus::new(RING);
    let all = [(); 2].map(|()| {
        let mut subscriber = bus.subscribe(policy, Start::Tail);
        let receive: Receive = Box::new(move || match subscriber.recv_blocking() {
            Ok(_) => Got::Event,
            Err(RecvError::Lagged(count)) => Got::Lost(count),
            Err(_) => Got::End(subscriber.skipped()),
        });
        receive
    });
    let publish = move || {
        bus.publish_blocking(0_u64).expect("it is open");
        bus.next_sequence()
    };
    (Box::new(publish), all)
}

fn on_tokio() -> (Publish, [Receive; 2]) {
    let (sender, _) = broadcast::channel(RING);
    let all = [(); 2].map(|()| {
        let mut receiver = sender.subscribe();
        let receive: Receive = Box::new(move || match receiver.blocking_recv() {
            Ok(_) => Got::Event,
            Err(broadcast::error::RecvError::Lagged(count)) => Got::Lost(count),
            Err(_) => Got::End(0),
        });
        receive
    });
    let mut sent = 0;
    let publish = move || {
        sender.send(0_u64).expect("there are receivers");
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
            Ok(_) => Got::Event,
            Err(Overflow::Overflowed(count)) => Got::Lost(count),
            Err(Overflow::Closed) => Got::End(0),
        });
        receive
    });
    let mut sent = 0;
    let publish = move || {
        sender.broadcast_blocking(0_u64).expect("there are receivers");
        sent += 1;
        sent
    };
    (Box::new(publish), all)
}

/// Takes everything; events that came, those that it was told to have lost, and numbers without any.
fn consume(mut receive: Receive, stalls: bool) -> [u64; 3] {
    let (begun, mut due) = (Instant::now(), FIRST);
    let (mut received, mut lost) = (0, 0);
    loop {
        match receive() {
            Got::Event => received += 1,
            Got::Lost(count) => lost += count,
            Got::End(without) => return [received, lost, without],
        }
        if stalls && begun.elapsed() > due {
            thread::sleep(STALL);
            due += Duration::from_secs(1);
        }
    }
}

fn measure(run: Run, mut publish: Publish, [steady, stalling]: [Receive; 2]) -> Done {
    let consumers = [(steady, false), (stalling, true)];
    let consumers = consumers.map(|(it, stalls)| thread::spawn(move || consume(it, stalls)));
    let (watch, begun) = (Watch::start(), Instant::now());
    let (mut late, mut due, mut total) = (Vec::new(), Duration::ZERO, 0);
    while due < run.limit {
        due += EVERY;
        thread::sleep(due.saturating_sub(begun.elapsed()));
        for _ in 0..EACH {
            total = publish();
            let nanos = begun.elapsed().saturating_sub(due).as_nanos();
            late.push(u64::try_from(nanos).expect("it is short"));
        }
    }
    let done = Done::timed(late.len() as u64, &watch);
    drop(publish);
    let counts = consumers.map(|thread| thread.join().expect("it does not panic"));
    let wrong: u64 = counts.iter().map(|it| it.iter().sum::<u64>().abs_diff(total)).sum();
    done.with("wrong", wrong as f64)
        .with("late_p99_us", p99(&mut late) as f64 / 1e3)
        .with("lost_steady", counts[0][1] as f64)
        .with("lost", counts[1][1] as f64)
}
