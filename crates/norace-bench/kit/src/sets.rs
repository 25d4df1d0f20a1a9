//! Selects over many channels of which one is used, beside a context that never ends, and over channels that are all
//! ready.

use std::future::Future;
use std::thread;

use norace::chan::{self, Receiver};
use norace::context::Context;
use norace::select::Select;
use norace_bench_measure::{Done, Run, usage::Watch};
use tokio_util::sync::CancellationToken;

use crate::channels::{self, TaskChannel};
use crate::runtimes::{self, Runtime};

const MESSAGES: u64 = 20_000;
const SUM: u64 = MESSAGES * (MESSAGES - 1) / 2;

/// Channels of capacity 1, into the middle one of which numbers are sent by `send`; the others stay open and empty.
struct Channels<S, R> {
    receivers: Vec<R>,
    middle: S,
    _idle: Vec<S>,
}

impl<S, R> Channels<S, R> {
    fn new(count: usize, channel: impl Fn() -> (S, R)) -> Self {
        let (mut idle, receivers): (Vec<S>, Vec<R>) = (0..count).map(|_| channel()).unzip();
        let middle = idle.swap_remove(count / 2);
        Self { receivers, middle, _idle: idle }
    }
}

/// A set that is made once, in a task.
pub async fn norace(count: usize) -> u64 {
    let Channels { receivers, middle, _idle } = Channels::new(count, || chan::bounded::<u64>(1));
    let sending = runtimes::Norace::spawn(async move {
        for value in 0..MESSAGES {
            middle.send(value).await.expect("it is open");
        }
    });
    let mut sum = 0;
    {
        let mut set = set_of(&receivers);
        for _ in 0..MESSAGES {
            sum += set.wait().await;
        }
    }
    sending.await;
    assert_eq!(sum, SUM, "each message comes once");
    MESSAGES
}

fn set_of(receivers: &[Receiver<u64>]) -> Select<'_, u64> {
    let mut set = Select::new();
    for receiver in receivers {
        set.recv(receiver, |value| value.expect("it is open"));
    }
    set
}

/// The same on threads.
pub fn norace_threads(count: usize) -> u64 {
    let Channels { receivers, middle, _idle } = Channels::new(count, || chan::bounded::<u64>(1));
    let sending = thread::spawn(move || {
        (0..MESSAGES).for_each(|value| middle.send_blocking(value).expect("it is open"));
    });
    let mut set = set_of(&receivers);
    let sum: u64 = (0..MESSAGES).map(|_| set.wait_blocking()).sum();
    sending.join().expect("it does not panic");
    assert_eq!(sum, SUM, "each message comes once");
    MESSAGES
}

/// crossbeam's set, which is made once as well.
pub fn crossbeam(count: usize) -> u64 {
    let Channels { receivers, middle, _idle } =
        Channels::new(count, || crossbeam_channel::bounded::<u64>(1));
    let sending = thread::spawn(move || {
        (0..MESSAGES).for_each(|value| middle.send(value).expect("it is open"));
    });
    let mut set = crossbeam_channel::Select::new();
    for receiver in &receivers {
        set.recv(receiver);
    }
    let next = |_| {
        let taken = set.select();
        let from = taken.index();
        taken.recv(&receivers[from]).expect("it is open")
    };
    let sum: u64 = (0..MESSAGES).map(next).sum();
    sending.join().expect("it does not panic");
    assert_eq!(sum, SUM, "each message comes once");
    MESSAGES
}

/// A task that sends `MESSAGES` numbers, and where they come.
fn numbers<R: Runtime, C: TaskChannel>() -> (C::Receiver, impl Future<Output = ()>) {
    let (sender, receiver) = C::new(Some(1));
    let sending = R::spawn(async move {
        for value in 0..MESSAGES {
            C::send(&sender, value).await;
        }
    });
    (receiver, sending)
}

/// Receives beside a context that is not cancelled.
pub async fn norace_context() -> u64 {
    let context = Context::new();
    let (receiver, sending) = numbers::<runtimes::Norace, channels::Norace>();
    let mut sum = 0;
    for _ in 0..MESSAGES {
        norace::select! {
            value = receiver.recv() => sum += value.expect("it is open"),
            _ = context.cancelled() => unreachable!("nobody cancels"),
        }
    }
    sending.await;
    assert_eq!(sum, SUM, "each message comes once");
    MESSAGES
}

/// Receives beside a token that is not cancelled.
pub async fn tokio_context() -> u64 {
    let token = CancellationToken::new();
    let (mut receiver, sending) = numbers::<runtimes::Tokio, channels::Mpsc>();
    let mut sum = 0;
    for _ in 0..MESSAGES {
        tokio::select! {
            value = receiver.recv() => sum += value.expect("it is open"),
            () = token.cancelled() => unreachable!("nobody cancels"),
        }
    }
    sending.await;
    assert_eq!(sum, SUM, "each message comes once");
    MESSAGES
}

const CHOICES: u64 = 100_000;
/// Cases of a choice.
pub const ARMS: usize = 4;

/// How a choice among the cases is made, and how one of them gets a value.
type Arms<Next, Fill> = (Next, Fill);

/// What Pearson's chi-square of so many even counts passes once in a thousand times.
const fn even_max(counts: usize) -> f64 {
    match counts {
        2 => 10.83,
        3 => 13.82,
        ARMS => 16.27,
        _ => panic!("it is not known for so many"),
    }
}

/// Chooses among four channels of which the first `ready` have values always: how far from even the choices among these
/// are, as far as that is no chance, and the part of the one that is taken most, in whole percent.
pub fn chosen(
    run: Run,
    ready: usize,
    (mut next, fill): Arms<impl FnMut() -> usize, impl Fn(usize)>,
) -> Done {
    (0..ready).for_each(&fill);
    let (watch, mut counts, mut ops) = (Watch::start(), [0_u64; ARMS], 0);
    while ops == 0 || watch.wall() < run.limit {
        for _ in 0..CHOICES {
            let arm = next();
            counts[arm] += 1;
            fill(arm);
        }
        ops += CHOICES;
    }
    let done = Done::timed(ops, &watch);
    let counts = counts.map(|count| count as f64);
    let even = ops as f64 / ready as f64;
    let squares = counts[..ready].iter().map(|count| (count - even).powi(2) / even);
    let most = counts.into_iter().fold(0.0, f64::max) * 100.0 / ops as f64;
    done.with("uneven", (squares.sum::<f64>() - even_max(ready)).max(0.0))
        .with("most_percent", most.round())
}

/// One channel of four always has a value, and the one behind it now and then, until it is taken: the most choices that
/// this took.
pub fn rare((mut next, fill): Arms<impl FnMut() -> usize, impl Fn(usize)>) -> Done {
    const TIMES: u64 = 20_000;
    const BETWEEN: u64 = 5;
    let (watch, mut ops, mut longest) = (Watch::start(), 0, 0);
    fill(0);
    let mut take = || {
        let arm = next();
        ops += 1;
        if arm == 0 {
            fill(0);
        }
        arm
    };
    for _ in 0..TIMES {
        (0..BETWEEN).for_each(|_| assert_eq!(take(), 0, "no other has a value"));
        fill(1);
        let mut choices = 1_u64;
        while take() == 0 {
            choices += 1;
        }
        longest = longest.max(choices);
    }
    Done::timed(ops, &watch).with("longest", longest as f64)
}

/// The ends of four channels with room for one value.
fn four<S, R>(channel: impl Fn() -> (S, R)) -> ([S; ARMS], [R; ARMS]) {
    let (senders, receivers): (Vec<S>, Vec<R>) = (0..ARMS).map(|_| channel()).unzip();
    let four = "there are four";
    (senders.try_into().ok().expect(four), receivers.try_into().ok().expect(four))
}

pub fn norace_arms() -> Arms<impl FnMut() -> usize, impl Fn(usize)> {
    let (senders, from) = four(|| chan::bounded(1));
    let next = move || {
        norace::select_blocking! {
            _ = from[0].recv() => 0,
            _ = from[1].recv() => 1,
            _ = from[2].recv() => 2,
            _ = from[3].recv() => 3,
        }
    };
    (next, move |arm: usize| senders[arm].try_send(()).expect("there is room"))
}

pub fn crossbeam_arms() -> Arms<impl FnMut() -> usize, impl Fn(usize)> {
    let (senders, from) = four(|| crossbeam_channel::bounded(1));
    let next = move || {
        crossbeam_channel::select! {
            recv(from[0]) -> _ => 0,
            recv(from[1]) -> _ => 1,
            recv(from[2]) -> _ => 2,
            recv(from[3]) -> _ => 3,
        }
    };
    (next, move |arm: usize| senders[arm].try_send(()).expect("there is room"))
}

pub fn tokio_arms() -> Arms<impl FnMut() -> usize, impl Fn(usize)> {
    let (senders, [mut a, mut b, mut c, mut d]) = four(|| tokio::sync::mpsc::channel(1));
    let next = move || {
        futures_lite::future::block_on(tokio::task::unconstrained(async {
            tokio::select! {
                _ = a.recv() => 0,
                _ = b.recv() => 1,
                _ = c.recv() => 2,
                _ = d.recv() => 3,
            }
        }))
    };
    (next, move |arm: usize| senders[arm].try_send(()).expect("there is room"))
}
