//! What tasks do: each function is one pass, and answers how many operations it made.

use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use crate::channels::{Bridge, TaskChannel};
use crate::runtimes::Runtime;

/// Messages of one pass.
const MESSAGES: u64 = 100_000;

/// What is sent: a number, or something larger that holds one.
pub trait Message: Send + Unpin + 'static {
    fn new(number: u64) -> Self;
    fn number(self) -> u64;
}

impl Message for u64 {
    fn new(number: u64) -> Self {
        number
    }

    fn number(self) -> u64 {
        self
    }
}

/// So many words, of which the first and the last are the number.
pub struct Words<const COUNT: usize>([u64; COUNT]);

impl<const COUNT: usize> Message for Words<COUNT> {
    fn new(number: u64) -> Self {
        Self([number; COUNT])
    }

    fn number(self) -> u64 {
        let Self(words) = black_box(self);
        assert_eq!(words[0], words[COUNT - 1], "it comes whole");
        words[0]
    }
}

/// One task sends messages of so many bytes to another.
pub async fn sized<R: Runtime, C>(bytes: u64, capacity: Option<usize>) -> u64
where
    C: TaskChannel<Words<8>> + TaskChannel<Words<64>>,
{
    match bytes {
        64 => messages::<R, C, Words<8>>(1, 1, capacity).await,
        512 => messages::<R, C, Words<64>>(1, 1, capacity).await,
        _ => panic!("messages of 64 or 512 bytes are measured"),
    }
}

/// Numbers from `senders` to `receivers`.
pub async fn flow<R: Runtime, C: TaskChannel>(
    senders: u64,
    receivers: u64,
    capacity: Option<usize>,
) -> u64 {
    messages::<R, C, u64>(senders, receivers, capacity).await
}

/// Messages from `senders` to `receivers`, each of which is seen once.
pub async fn messages<R: Runtime, C: TaskChannel<M>, M: Message>(
    senders: u64,
    receivers: u64,
    capacity: Option<usize>,
) -> u64 {
    let each = MESSAGES / senders;
    let (sender, receiver) = C::new(capacity);
    let mut sending = Vec::new();
    for number in 0..senders {
        let sender = sender.clone();
        sending.push(R::spawn(async move {
            for value in number * each..(number + 1) * each {
                C::send(&sender, M::new(value)).await;
            }
        }));
    }
    drop(sender);
    let others: Vec<_> = (1..receivers).map(|_| C::another(&receiver)).collect();
    let mut receiving = Vec::new();
    for mut receiver in others.into_iter().chain([receiver]) {
        receiving.push(R::spawn(async move {
            let (mut count, mut sum) = (0, 0);
            while let Some(message) = C::recv(&mut receiver).await {
                count += 1;
                sum += message.number();
            }
            (count, sum)
        }));
    }
    for task in sending {
        task.await;
    }
    let (mut count, mut sum) = (0, 0);
    for task in receiving {
        let part: (u64, u64) = task.await;
        (count, sum) = (count + part.0, sum + part.1);
    }
    let all = each * senders;
    assert_eq!((count, sum), (all, all * (all - 1) / 2), "each message comes once");
    all
}

/// Messages of one pass between a thread and a task: fewer where one side sleeps for each of them.
const fn bridged(capacity: Option<usize>) -> u64 {
    match capacity {
        Some(0 | 1) => MESSAGES / 10,
        _ => MESSAGES,
    }
}

/// A thread sends to a task.
pub async fn bridge<R: Runtime, C: Bridge>(capacity: Option<usize>) -> u64 {
    let messages = bridged(capacity);
    let (sender, mut receiver) = C::new(capacity);
    let thread = thread::spawn(move || C::send_all(sender, 0..messages));
    let task = R::spawn(async move {
        let mut sum = 0;
        while let Some(value) = C::recv(&mut receiver).await {
            sum += value;
        }
        sum
    });
    assert_eq!(task.await, messages * (messages - 1) / 2, "each message comes once");
    thread.join().expect("it does not panic");
    messages
}

/// A task sends to a thread.
pub async fn bridge_back<R: Runtime, C: Bridge>(capacity: Option<usize>) -> u64 {
    let messages = bridged(capacity);
    let (sender, receiver) = C::new(capacity);
    let (over, end) = async_channel::bounded(1);
    thread::spawn(move || {
        over.send_blocking(C::sum_all(receiver)).expect("the task waits for it");
    });
    let task = R::spawn(async move {
        for value in 0..messages {
            C::send(&sender, value).await;
        }
    });
    task.await;
    let sum = end.recv().await.expect("the thread does not panic");
    assert_eq!(sum, messages * (messages - 1) / 2, "each message comes once");
    messages
}

/// A token goes 300 times around a ring of 300 tasks.
pub async fn ring<R: Runtime, C: TaskChannel>() -> u64 {
    const TASKS: u64 = 300;
    const ROUNDS: u64 = 300;
    let (first, mut receiver) = C::new(Some(1));
    let mut tasks = Vec::new();
    for _ in 1..TASKS {
        let (sender, next) = C::new(Some(1));
        let mut from = std::mem::replace(&mut receiver, next);
        tasks.push(R::spawn(async move {
            while let Some(value) = C::recv(&mut from).await {
                C::send(&sender, value + 1).await;
            }
        }));
    }
    let mut value = 0;
    for _ in 0..ROUNDS {
        C::send(&first, value).await;
        value = C::recv(&mut receiver).await.expect("it comes back");
    }
    assert_eq!(value, (TASKS - 1) * ROUNDS, "every task has added one");
    drop(first);
    for task in tasks {
        task.await;
    }
    TASKS * ROUNDS
}

/// What became of a storm of receives that were given up.
#[derive(Default)]
pub struct Storm {
    pub lost: u64,
    pub twice: u64,
}

impl Storm {
    /// Of how often each value was seen.
    fn of(seen: &[u64]) -> Self {
        let lost = seen.iter().filter(|count| **count == 0).count() as u64;
        let twice = seen.iter().filter(|count| **count > 1).count() as u64;
        Self { lost, twice }
    }
}

/// Receives that are polled and then given up, at moments that differ, while values are sent.
pub async fn storm<R: Runtime, C: TaskChannel>(capacity: Option<usize>) -> (u64, Storm) {
    const VALUES: u64 = 20_000;
    let (sender, mut receiver) = C::new(capacity);
    let sending = R::spawn(async move {
        for value in 0..VALUES {
            C::send(&sender, value).await;
            if value % 3 == 0 {
                R::yield_now().await;
            }
        }
    });
    let receiving = R::spawn(async move {
        let mut seen = vec![0_u64; VALUES as usize];
        let mut tries = 0_u64;
        loop {
            tries += 1;
            // Not every one: the sender has to find some that wait.
            let patience = tries * 7 % 5;
            let mut receive = pin!(C::recv(&mut receiver));
            let mut got = None;
            for turn in 0..=patience {
                if turn > 0 {
                    R::yield_now().await;
                }
                let polls = turn == 0 || patience == 4;
                let polled = poll_fn(|cx| {
                    Poll::Ready(if polls { receive.as_mut().poll(cx) } else { Poll::Pending })
                });
                if let Poll::Ready(value) = polled.await {
                    got = Some(value);
                    break;
                }
            }
            match got {
                Some(Some(value)) => seen[value as usize] += 1,
                Some(None) => break,
                None => {}
            }
        }
        seen
    });
    sending.await;
    (VALUES, Storm::of(&receiving.await))
}

/// Receives that are given up after a random time of up to 50 us, while values are sent at random moments. The clock is
/// looked at in each turn of the task, and first, as any choice between a time-out and a receive may have it: timers of
/// runtimes differ in their steps.
pub async fn storm_timed<R: Runtime, C: TaskChannel>(capacity: Option<usize>) -> (u64, Storm) {
    const VALUES: u64 = 4_000;
    const PATIENCE_MAX_NS: u64 = 50_000;
    let until = |random: &mut u64| {
        Instant::now() + Duration::from_nanos(next_random(random) % PATIENCE_MAX_NS)
    };
    let (sender, mut receiver) = C::new(capacity);
    let sending = R::spawn(async move {
        let mut random = 1;
        for value in 0..VALUES {
            let due = until(&mut random);
            while Instant::now() < due {
                R::yield_now().await;
            }
            C::send(&sender, value).await;
        }
    });
    let receiving = R::spawn(async move {
        let (mut seen, mut random) = (vec![0_u64; VALUES as usize], 2);
        loop {
            let due = until(&mut random);
            let mut receive = pin!(C::recv(&mut receiver));
            let mut got = None;
            while got.is_none() && Instant::now() < due {
                let polled = poll_fn(|cx| Poll::Ready(receive.as_mut().poll(cx)));
                match polled.await {
                    Poll::Ready(value) => got = Some(value),
                    Poll::Pending => R::yield_now().await,
                }
            }
            match got {
                Some(Some(value)) => seen[value as usize] += 1,
                Some(None) => break,
                None => {}
            }
        }
        seen
    });
    sending.await;
    (VALUES, Storm::of(&receiving.await))
}

/// Steele, Lea and Flood's SplitMix64.
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Tasks of which each starts the next one, 1,000 in a row; the last one says so.
pub async fn chain<R: Runtime>() -> u64 {
    const TASKS: u64 = 1_000;
    fn next<R: Runtime>(left: u64, over: async_channel::Sender<()>) {
        R::start(async move {
            match left {
                0 => over.send(()).await.expect("it is waited for"),
                _ => next::<R>(left - 1, over),
            }
        });
    }
    for _ in 0..20 {
        let (over, end) = async_channel::bounded(1);
        next::<R>(TASKS - 1, over);
        end.recv().await.expect("the last one sends");
    }
    20 * TASKS
}

/// Tasks that end at once, all started before the first is joined.
pub async fn spawn_join<R: Runtime>() -> u64 {
    let tasks: Vec<_> = (0..MESSAGES).map(|n| R::spawn(async move { n })).collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await;
    }
    assert_eq!(sum, MESSAGES * (MESSAGES - 1) / 2);
    MESSAGES
}

/// A task starts two, each of them two, and so on.
pub async fn fan_out<R: Runtime>() -> u64 {
    fn node<R: Runtime>(depth: u32) -> std::pin::Pin<Box<dyn Future<Output = u64> + Send>> {
        Box::pin(async move {
            if depth == 0 {
                return 1;
            }
            let (left, right) = (R::spawn(node::<R>(depth - 1)), R::spawn(node::<R>(depth - 1)));
            1 + left.await + right.await
        })
    }
    let all = node::<R>(15).await;
    assert_eq!(all, (1 << 16) - 1);
    all
}

/// 200 tasks yield 1,000 times each.
pub async fn yields<R: Runtime>() -> u64 {
    let mut tasks = Vec::new();
    for _ in 0..200 {
        tasks.push(R::spawn(async {
            for _ in 0..1000 {
                R::yield_now().await;
            }
        }));
    }
    for task in tasks {
        task.await;
    }
    200 * 1000
}

/// A task is started for each exchange of two messages.
pub async fn ping_pong<R: Runtime, C: TaskChannel>() -> u64 {
    const TURNS: u64 = 20_000;
    for _ in 0..TURNS {
        let (to, mut from_us) = C::new(Some(1));
        let (back, mut from_it) = C::new(Some(1));
        let task = R::spawn(async move {
            let value = C::recv(&mut from_us).await.expect("it is sent");
            C::send(&back, value).await;
        });
        C::send(&to, 1).await;
        assert_eq!(C::recv(&mut from_it).await, Some(1));
        task.await;
    }
    TURNS
}

/// A task wakes another and then computes for 50 ms: how late the other ran, in nanoseconds, each time.
pub async fn hog<R: Runtime, C: TaskChannel>() -> Vec<u64> {
    let mut delays = Vec::new();
    for _ in 0..100 {
        let (sender, mut receiver) = C::new(Some(1));
        let woken = R::spawn(async move {
            C::recv(&mut receiver).await;
            Instant::now()
        });
        // Lets it wait, and the other workers sleep.
        for _ in 0..50 {
            R::yield_now().await;
        }
        thread::sleep(Duration::from_millis(2));
        // What computes is a turn of its own, which nobody knows yet to be long.
        R::yield_now().await;
        let start = Instant::now();
        C::send(&sender, 1).await;
        while start.elapsed() < Duration::from_millis(50) {
            std::hint::spin_loop();
        }
        let ran = woken.await;
        delays.push(u64::try_from((ran - start).as_nanos()).expect("it is short"));
    }
    delays
}

/// How long, in nanoseconds, a task waits that a thread wakes, while 64 others compute for 20 us between two yields.
pub async fn crowd<R: Runtime>() -> Vec<u64> {
    const OTHERS: u64 = 64;
    let over = Arc::new(AtomicBool::new(false));
    let others: Vec<_> = (0..OTHERS)
        .map(|_| {
            let over = over.clone();
            R::spawn(async move {
                // Relaxed: nothing else depends on it.
                while !over.load(Ordering::Relaxed) {
                    let start = Instant::now();
                    while start.elapsed() < Duration::from_micros(20) {
                        std::hint::spin_loop();
                    }
                    R::yield_now().await;
                }
            })
        })
        .collect();
    let (waker, wakes) = async_channel::bounded(1);
    let waking = thread::spawn(move || {
        for _ in 0..200 {
            thread::sleep(Duration::from_millis(2));
            if waker.send_blocking(Instant::now()).is_err() {
                break;
            }
        }
    });
    let woken = R::spawn(async move {
        let mut delays = Vec::new();
        while let Ok(sent) = wakes.recv().await {
            delays.push(u64::try_from(sent.elapsed().as_nanos()).expect("it is short"));
        }
        delays
    });
    let delays = woken.await;
    waking.join().expect("it does not panic");
    // Relaxed: as above.
    over.store(true, Ordering::Relaxed);
    for other in others {
        other.await;
    }
    delays
}

/// How late, in nanoseconds, tasks that sleep 1 ms wake while one in a hundred blocks its thread for 10 ms.
pub async fn blocked<R: Runtime>() -> Vec<u64> {
    let blocks = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    for number in 0..100_u64 {
        let blocks = blocks.clone();
        tasks.push(R::spawn(async move {
            let mut delays = Vec::new();
            for _ in 0..20 {
                let start = Instant::now();
                R::sleep(Duration::from_millis(1)).await;
                let late = start.elapsed().saturating_sub(Duration::from_millis(1));
                delays.push(u64::try_from(late.as_nanos()).expect("it is short"));
                if number == 0 {
                    R::block(Duration::from_millis(10));
                    // Relaxed: counted, and read after joining.
                    blocks.fetch_add(1, Ordering::Relaxed);
                }
            }
            delays
        }));
    }
    let mut delays = Vec::new();
    for task in tasks {
        delays.append(&mut task.await);
    }
    // Relaxed: who counted was joined.
    assert_eq!(blocks.load(Ordering::Relaxed), 20);
    delays
}
