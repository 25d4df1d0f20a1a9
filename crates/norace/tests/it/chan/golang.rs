//! Go's channel programs (test/chan and test/closedchan.go of the Go repository) in spirit: what they assert, on our
//! channels. Where Go panics (send on closed, close of closed) ours answers; a nil channel is `never`.

use crate::support::{Pool, poll};
use norace::chan::{
    Receiver, RecvError, SendError, Sender, TryRecvError, TrySendError, bounded, never, unbounded,
};
use norace::{block_on, select, select_blocking};
use std::future::{Future, poll_fn, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;

async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// doubleselect.go: one value offered on four channels by one select leaves on exactly one of them.
#[test]
fn doubleselect() {
    const ITERATIONS: u32 = 10_000;
    let seen = Arc::new(Mutex::new(Vec::new()));
    Pool::run(2, |pool| {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..4).map(|_| bounded(1)).unzip();
        let (out_tx, out_rx) = unbounded();
        pool.spawn(async move {
            let [a, b, c, d] = <[Sender<u32>; 4]>::try_from(senders).unwrap();
            for n in 0..ITERATIONS {
                select! {
                    sent = a.send(n) => sent.unwrap(),
                    sent = b.send(n) => sent.unwrap(),
                    sent = c.send(n) => sent.unwrap(),
                    sent = d.send(n) => sent.unwrap(),
                }
            }
        });
        for rx in receivers {
            let out = out_tx.clone();
            pool.spawn(async move {
                while let Ok(n) = rx.recv().await {
                    out.send(n).await.unwrap();
                }
            });
        }
        drop(out_tx);
        let seen = seen.clone();
        pool.spawn(async move {
            while let Ok(n) = out_rx.recv().await {
                seen.lock().unwrap().push(n);
            }
        });
    });
    let mut seen = std::mem::take(&mut *seen.lock().unwrap());
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..ITERATIONS));
}

/// fifo.go: values, and tasks chained by tokens, keep their order.
#[test]
fn fifo() {
    const N: u32 = 10;
    let (tx, rx) = bounded(N as usize);
    (0..N).for_each(|n| tx.send_blocking(n).unwrap());
    (0..N).for_each(|n| assert_eq!(rx.recv_blocking(), Ok(n)));

    Pool::run(2, |pool| {
        let (tx, rx) = bounded(0);
        let (first, mut before) = bounded(0);
        for n in 0..N {
            let (turn, next) = bounded(0);
            let (rx, after) = (rx.clone(), std::mem::replace(&mut before, next));
            pool.spawn(async move {
                after.recv().await.unwrap();
                assert_eq!(rx.recv().await, Ok(n));
                turn.send(()).await.unwrap();
            });
        }
        pool.spawn(async move {
            first.send(()).await.unwrap();
            for n in 0..N {
                tx.send(n).await.unwrap();
            }
            before.recv().await.unwrap();
        });
    });
}

/// goroutines.go: a daisy chain of 10,000 tasks passes one value along.
#[test]
fn goroutines() {
    Pool::run(2, |pool| {
        let (first, mut left) = bounded(0);
        for _ in 0..10_000 {
            let (tx, rx) = bounded(0);
            let from = std::mem::replace(&mut left, rx);
            pool.spawn(async move { tx.send(from.recv().await.unwrap() + 1).await.unwrap() });
        }
        pool.spawn(async move {
            first.send(0u32).await.unwrap();
            assert_eq!(left.recv().await, Ok(10_000));
        });
    });
}

/// nonblock.go: operations that do not wait, with and without a partner that waits.
#[test]
fn nonblock() {
    for capacity in [0, 1] {
        let (tx, rx) = bounded(capacity);
        let empty = select_blocking! {
            value = rx.recv() => Some(value),
            default => None,
        };
        assert_eq!(empty, None);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));

        let mut receive = rx.recv();
        assert!(poll(&mut receive).is_pending());
        let sent = select_blocking! {
            sent = tx.send(1) => sent.is_ok(),
            default => false,
        };
        assert!(sent, "a receiver waits");
        assert_eq!(poll(&mut receive), Poll::Ready(Ok(1)));

        let sent = select_blocking! {
            sent = tx.send(2) => sent.is_ok(),
            default => false,
        };
        assert_eq!(sent, capacity == 1, "there is room");
        assert_eq!(tx.try_send(3), Err(TrySendError::Full(3)));
        assert_eq!(rx.try_recv().ok(), sent.then_some(2));

        let mut send = tx.send(4);
        let _ = poll(&mut send);
        let got = select_blocking! {
            value = rx.recv() => value.ok(),
            default => None,
        };
        assert_eq!(got, Some(4));
    }
}

/// select2.go: a select that loses the same arm again and again leaves nothing behind on that arm's channel.
#[test]
fn select2() {
    Pool::run(2, |pool| {
        let (tx, rx) = bounded(0);
        let (idle_tx, idle_rx) = bounded::<u32>(0);
        pool.spawn(async move {
            for n in 0..50_000u32 {
                tx.send(n).await.unwrap();
            }
        });
        pool.spawn(async move {
            for _ in 0..50_000 {
                select! {
                    value = rx.recv() => _ = value.unwrap(),
                    value = idle_rx.recv() => panic!("{value:?}"),
                }
            }
            assert_eq!(
                idle_tx.try_send(0),
                Err(TrySendError::Full(0)),
                "no receiver is left waiting"
            );
        });
    });
}

/// What `future` does when nobody else does anything.
fn waits<F: Future>(future: F) -> bool {
    let mut future = pin!(future);
    (0..3).all(|_| poll(&mut future).is_pending())
}

/// select3.go: which operations wait for ever, and which never wait.
#[test]
fn select3() {
    let nil = never::<u8>();
    assert!(waits(nil.recv()));
    assert!(waits(async {
        select! { value = nil.recv() => _ = value }
    }));
    assert!(waits(async {
        select! {}
    }));
    for capacity in [0, 10] {
        let (tx, rx) = bounded(capacity);
        assert!(waits(rx.recv()));
        assert_eq!(waits(tx.send(7)), capacity == 0);
        let (tx, rx) = bounded(capacity);
        assert!(waits(async {
            select! { value = rx.recv() => _ = value }
        }));
        assert_eq!(
            waits(async {
                select! { sent = tx.send(7) => _ = sent }
            }),
            capacity == 0
        );
        assert_eq!(rx.try_recv().ok(), (capacity > 0).then_some(7));
        tx.close();
        assert!(!waits(rx.recv()));
        assert!(!waits(tx.send(7)));
        assert!(!waits(async {
            select! { value = rx.recv() => _ = value }
        }));
        // A closed channel beside one that is not ready: it is taken, every time.
        for _ in 0..100 {
            let got = select_blocking! {
                value = rx.recv() => value,
                value = nil.recv() => value,
            };
            assert_eq!(got, Err(RecvError));
        }
    }
    let neither = select_blocking! {
        value = nil.recv() => value.is_ok(),
        value = never::<u8>().recv() => value.is_ok(),
        default => true,
    };
    assert!(neither);
}

/// select4.go: a select takes what is ready beside what can never be.
#[test]
fn select4() {
    let (tx, rx) = bounded(1);
    let nil = never();
    tx.try_send(42).unwrap();
    let got = select_blocking! {
        value = nil.recv() => value,
        value = rx.recv() => value,
    };
    assert_eq!(got, Ok(42));
}

/// select6.go: a receiver that gave up in a select takes nobody's place in the queue.
#[test]
fn select6() {
    Pool::run(2, |pool| {
        let (first_tx, first_rx) = bounded::<bool>(0);
        let (second_tx, second_rx) = bounded::<bool>(0);
        let (third_tx, third_rx) = bounded::<bool>(0);
        let (fourth_tx, fourth_rx) = bounded::<bool>(0);
        let (rx1, rx2) = (first_rx.clone(), second_rx);
        pool.spawn(async move { assert!(rx1.recv().await.is_err()) });
        pool.spawn(async move {
            select! {
                value = first_rx.recv() => assert!(value.is_err()),
                value = rx2.recv() => assert_eq!(value, Ok(true)),
            }
            fourth_tx.send(true).await.unwrap();
        });
        pool.spawn(async move {
            third_rx.recv().await.unwrap();
            fourth_rx.recv().await.unwrap();
            first_tx.close();
        });
        pool.spawn(async move {
            second_tx.send(true).await.unwrap();
            third_tx.send(true).await.unwrap();
        });
    });
}

/// select7.go: plain operations meet selects of every shape, on both sides.
#[test]
fn select7() {
    async fn recv1(rx: Receiver<u32>) -> u32 {
        rx.recv().await.unwrap()
    }
    async fn recv2(rx: Receiver<u32>) -> u32 {
        select! { value = rx.recv() => value.unwrap() }
    }
    async fn recv3(rx: Receiver<u32>) -> u32 {
        let (_idle, other) = bounded::<u32>(0);
        select! {
            value = rx.recv() => value.unwrap(),
            value = other.recv() => value.unwrap(),
        }
    }
    fn send1(pool: &Pool, recv: impl Future<Output = u32> + Send + 'static) {
        pool.spawn(async move { assert_eq!(recv.await, 1) });
    }
    for receive in 0..3 {
        for send in 0..4 {
            Pool::run(2, |pool| {
                let (tx, rx) = bounded(0);
                match receive {
                    0 => send1(pool, recv1(rx)),
                    1 => send1(pool, recv2(rx)),
                    _ => send1(pool, recv3(rx)),
                }
                pool.spawn(async move {
                    let (other, _idle) = bounded(0);
                    match send {
                        0 => tx.send(1).await.unwrap(),
                        1 => loop {
                            select! {
                                sent = tx.send(1) => break sent.unwrap(),
                                default => yield_now().await,
                            }
                        },
                        2 => select! { sent = tx.send(1) => sent.unwrap() },
                        _ => select! {
                            sent = tx.send(1) => sent.unwrap(),
                            sent = other.send(1) => sent.unwrap(),
                        },
                    }
                });
            });
        }
    }
}

/// sieve1.go: primes through a growing chain of filters.
#[test]
fn sieve1() {
    let primes = Arc::new(Mutex::new(Vec::new()));
    Pool::run(2, |pool| {
        let (tx, mut numbers) = bounded(0);
        pool.spawn(async move {
            let mut n = 2u32;
            while tx.send(n).await.is_ok() {
                n += 1;
            }
        });
        let (chain, primes) = (pool.clone(), primes.clone());
        pool.spawn(async move {
            for _ in 0..100 {
                let prime = numbers.recv().await.unwrap();
                primes.lock().unwrap().push(prime);
                let (tx, rx) = bounded(0);
                let all = std::mem::replace(&mut numbers, rx);
                chain.spawn(async move {
                    while let Ok(n) = all.recv().await {
                        if n % prime != 0 && tx.send(n).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
    });
    let primes = primes.lock().unwrap();
    assert_eq!((primes.len(), primes[0], primes[24], primes[99]), (100, 2, 97, 541));
}

/// The ways in which closedchan.go receives and sends.
#[derive(Clone, Copy, Debug)]
enum Way {
    Blocking,
    Task,
    Select,
    SelectDefault,
    Try,
}

const WAYS: [Way; 5] = [Way::Blocking, Way::Task, Way::Select, Way::SelectDefault, Way::Try];

fn receive(way: Way, rx: &Receiver<u8>) -> Result<u8, RecvError> {
    match way {
        Way::Blocking => rx.recv_blocking(),
        Way::Task => block_on(rx.recv()),
        Way::Select => select_blocking! {
            value = rx.recv() => value,
            value = never().recv() => value,
        },
        Way::SelectDefault => select_blocking! {
            value = rx.recv() => value,
            default => panic!("it is ready"),
        },
        Way::Try => rx.try_recv().map_err(|error| {
            assert_eq!(error, TryRecvError::Closed);
            RecvError
        }),
    }
}

fn send(way: Way, tx: &Sender<u8>, value: u8) -> Result<(), SendError<u8>> {
    match way {
        Way::Blocking => tx.send_blocking(value),
        Way::Task => block_on(tx.send(value)),
        Way::Select => select_blocking! {
            sent = tx.send(value) => sent,
            value = never().recv() => value.map_err(|_| SendError(0)),
        },
        Way::SelectDefault => select_blocking! {
            sent = tx.send(value) => sent,
            default => panic!("it is ready"),
        },
        Way::Try => tx.try_send(value).map_err(|error| {
            assert!(error.is_closed());
            SendError(error.into_inner())
        }),
    }
}

/// closedchan.go: a closed channel, buffered or not, in every way of using it.
#[test]
fn closedchan() {
    for way in WAYS {
        for buffered in [None, Some(0), Some(1), Some(2)] {
            let (tx, rx) = buffered.map_or_else(unbounded, bounded);
            let room = buffered.unwrap_or(2);
            for value in 0..room {
                tx.try_send(u8::try_from(value).unwrap()).unwrap();
            }
            assert!(tx.close(), "the first close");
            for value in 0..room {
                assert_eq!(receive(way, &rx), Ok(u8::try_from(value).unwrap()), "{way:?}");
            }
            for _ in 0..3 {
                assert_eq!(receive(way, &rx), Err(RecvError), "{way:?}");
                assert_eq!(send(way, &tx, 9), Err(SendError(9)), "{way:?}");
                assert!(!tx.close() && !rx.close(), "a second close says so and is harmless");
            }
        }
    }
}

/// chanbarrier_test.go: many pairs talk at once over channels of their own while a barrier holds them together.
#[test]
fn chanbarrier() {
    const PAIRS: u32 = 50;
    let sum = Arc::new(Mutex::new(0));
    Pool::run(2, |pool| {
        let (arrived_tx, arrived_rx) = bounded(0);
        let (go_tx, go_rx) = bounded::<()>(0);
        for n in 0..PAIRS {
            let (arrived, go, sum) = (arrived_tx.clone(), go_rx.clone(), sum.clone());
            let (there_tx, there_rx) = bounded(0);
            let (back_tx, back_rx) = bounded(0);
            pool.spawn(async move {
                arrived.send(()).await.unwrap();
                assert_eq!(go.recv().await, Err(RecvError), "the close is the starting shot");
                there_tx.send(n).await.unwrap();
                *sum.lock().unwrap() += back_rx.recv().await.unwrap();
            });
            pool.spawn(
                async move { back_tx.send(there_rx.recv().await.unwrap() + 1).await.unwrap() },
            );
        }
        pool.spawn(async move {
            for _ in 0..PAIRS {
                arrived_rx.recv().await.unwrap();
            }
            go_tx.close();
        });
    });
    assert_eq!(*sum.lock().unwrap(), PAIRS * (PAIRS - 1) / 2 + PAIRS);
}

/// A value that names its sender and the round in which it was offered.
type Named = (u32, u32);

/// What one of two selects on both ends of a channel, again and again, came to.
#[derive(Default)]
struct Rounds {
    sent: Vec<Named>,
    received: Vec<Named>,
}

impl Rounds {
    fn sent(&mut self, offered: Named, sent: Result<(), SendError<Named>>) {
        match sent {
            Ok(()) => self.sent.push(offered),
            // The other one is done and has closed the channel.
            Err(SendError(back)) => assert_eq!(back, offered),
        }
    }

    /// What no select takes is what it offers itself; what it offered before, and was rid of, may come back.
    fn received(&mut self, offered: Named, received: Result<Named, RecvError>) {
        let Ok(value) = received else { return };
        assert_ne!(value, offered, "a select met itself");
        assert!(value.0 != offered.0 || self.sent.contains(&value), "{value:?} was never sent");
        self.received.push(value);
    }

    fn run(own: u32, tx: &Sender<Named>, rx: &Receiver<Named>) -> Self {
        let mut rounds = Self::default();
        for n in 0..500 {
            let offered = (own, n);
            if own == 0 || n % 2 == 0 {
                select_blocking! {
                    sent = tx.send(offered) => rounds.sent(offered, sent),
                    value = rx.recv() => rounds.received(offered, value),
                }
            } else {
                select_blocking! {
                    value = rx.recv() => rounds.received(offered, value),
                    sent = tx.send(offered) => rounds.sent(offered, sent),
                }
            }
        }
        tx.close();
        rounds
    }
}

/// runtime/chan_test.go, `TestSelfSelect`: a select that offers and takes on one channel never meets itself; two do.
///
/// Go also asserts that at capacity 0 nobody receives a value of its own, not even one of an earlier round. That does
/// not hold here, as the next test shows. What does: nobody receives what it is offering, nothing is received that was
/// not sent, or twice, nothing that was sent is lost, and each value that came back to its sender was handed to the
/// other one, which sent one of its own instead.
#[test]
fn self_select() {
    let (tx, rx) = bounded(0);
    assert!(waits(async {
        select! {
            sent = tx.send(1) => _ = sent,
            value = rx.recv() => _ = value,
        }
    }));
    for capacity in [0, 10] {
        let (tx, rx) = bounded(capacity);
        let [one, other] = thread::scope(|scope| {
            let (tx, rx) = (&tx, &rx);
            [0, 1]
                .map(|own| scope.spawn(move || Rounds::run(own, tx, rx)))
                .map(|thread| thread.join().unwrap())
        });
        let left = std::iter::from_fn(|| rx.try_recv().ok());
        let mut received = [&one.received[..], &other.received].concat();
        received.extend(left);
        let mut sent = [&one.sent[..], &other.sent].concat();
        received.sort_unstable();
        sent.sort_unstable();
        assert_eq!(sent, received);
        if capacity == 0 {
            let back = |own: u32, rounds: &Rounds| {
                rounds.received.iter().filter(|value| value.0 == own).count()
            };
            assert!(back(0, &one) <= other.sent.len() && back(1, &other) <= one.sent.len());
        }
    }
}

/// Where Go differs: there a select that was handed a value has taken that arm. Here it may take another one that is
/// ready when it looks, and gives the value back; at capacity 0, too, the next receiver is then the one who sent it.
#[test]
fn a_value_that_a_select_was_handed_may_come_back_to_who_sent_it() {
    let (tx, rx) = bounded(0);
    let mut handed = pin!(async {
        select! {
            biased;
            sent = tx.send("its own") => sent.is_ok(),
            _ = rx.recv() => false,
        }
    });
    assert!(poll(&mut handed).is_pending());
    // Done: the receive of that select has it.
    assert_eq!(tx.try_send("handed"), Ok(()));
    let mut receive = pin!(rx.recv());
    assert!(poll(&mut receive).is_pending(), "an offer is taken by who makes it");
    assert_eq!(poll(&mut handed), Poll::Ready(true));
    assert_eq!(poll(&mut receive), Poll::Ready(Ok("handed")), "first in, first out");
    assert_eq!(rx.try_recv(), Ok("its own"), "given back, over capacity meanwhile");
}

/// runtime/chan_test.go, TestSelectFairness: a rare channel is not starved by two that are always ready.
#[test]
fn select_fairness() {
    let (ready_tx, ready_rx) = bounded(1);
    ready_tx.try_send(()).unwrap();
    let mut rounds = 0;
    loop {
        rounds += 1;
        select_blocking! {
            () = ready(()) => {}
            () = ready(()) => {}
            value = ready_rx.recv() => break value.unwrap(),
        }
        // Missed 200 times in a row by a fair choice: (2/3)^200 < 10^-35.
        assert!(rounds < 200, "the third arm is never chosen");
    }
}
