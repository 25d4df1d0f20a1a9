//! `select!` and `select_blocking!`: grammar, choice, what happens to the arms that lose.

use crate::support::{LiveCount, WakeCount, poll, poll_with};
use norace::chan::{self, TryCancel, TryRecvError, bounded, unbounded};
use norace::context::{Cause, Context};
use norace::{block_on, select, select_blocking, time};
use std::future::{Future, pending, poll_fn, ready};
use std::pin::pin;
use std::task::Poll;
use std::thread;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(3_600);

#[test]
fn the_arm_that_is_ready_is_taken() {
    block_on(async {
        let context = Context::new();
        let (tx, rx) = bounded(1);
        tx.try_send(7).unwrap();
        let got = select! {
            value = rx.recv() => value.unwrap(),
            _ = context.cancelled() => 0,
            () = time::sleep(LONG) => 0,
            () = pending() => 0,
        };
        assert_eq!(got, 7);
        context.cancel_with(Cause::Shutdown);
        let got = select! {
            value = rx.recv() => panic!("{value:?}"),
            cause = context.cancelled() => cause,
        };
        assert_eq!(got, Cause::Shutdown);
    });
}

#[test]
fn it_waits_until_one_is_ready_and_wakes_once() {
    let (tx, rx) = bounded::<u8>(0);
    let (_other_tx, other_rx) = bounded::<u8>(0);
    let mut waiting = pin!(async {
        select! {
            value = rx.recv() => value,
            value = other_rx.recv() => value,
        }
    });
    let (woken, waker) = WakeCount::new();
    assert!(poll_with(&mut waiting, &waker).is_pending());
    assert_eq!(woken.get(), 0);
    tx.try_send(9).unwrap();
    assert_eq!(woken.get(), 1);
    assert_eq!(poll(&mut waiting), Poll::Ready(Ok(9)));
}

#[test]
fn default_is_taken_when_nothing_is_ready() {
    let (tx, rx) = bounded(1);
    let look = || {
        select_blocking! {
            value = rx.recv() => Some(value.unwrap()),
            default => None,
        }
    };
    assert_eq!(look(), None);
    tx.try_send(1).unwrap();
    assert_eq!((look(), look()), (Some(1), None));
    let alone = block_on(async {
        select! { default => 5 }
    });
    assert_eq!(alone, 5);
}

#[test]
fn an_arm_whose_condition_fails_is_not_even_evaluated() {
    let (tx, rx) = bounded(1);
    tx.try_send(1).unwrap();
    for enabled in [false, true] {
        let mut evaluated = false;
        let got = select_blocking! {
            biased;
            value = { evaluated = true; rx.recv() }, if enabled => value.ok(),
            _ = ready(()) => None,
        };
        assert_eq!((got, evaluated), (enabled.then_some(1), enabled));
    }
}

#[test]
fn without_an_arm_that_takes_part_it_waits_for_ever() {
    let mut waiting = pin!(async {
        select! {
            () = ready(()), if false => (),
        }
    });
    let (woken, waker) = WakeCount::new();
    assert!(poll_with(&mut waiting, &waker).is_pending());
    assert!(poll_with(&mut waiting, &waker).is_pending());
    assert_eq!(woken.get(), 0);
    let mut empty = pin!(async {
        select! {}
    });
    assert!(Future::poll(empty.as_mut(), &mut std::task::Context::from_waker(&waker)).is_pending());
}

#[test]
fn biased_takes_the_first_in_the_order_written() {
    for _ in 0..200 {
        let got = block_on(async {
            select! {
                biased;
                () = pending() => 0,
                () = ready(()) => 1,
                () = ready(()) => 2,
            }
        });
        assert_eq!(got, 1);
    }
}

/// Pearson's statistic of `counts` against an even spread.
pub(crate) fn chi_square(counts: &[u32]) -> f64 {
    let expected = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
    counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum()
}

// The bounds are the 1 - 10^-9 quantiles of chi-square: a fair choice fails one run in a thousand million.
#[test]
fn ready_arms_are_chosen_evenly_wherever_they_stand() {
    const ROUNDS: u32 = 60_000;
    let mut counts = [0u32; 3];
    for _ in 0..ROUNDS {
        let chosen = select_blocking! {
            () = ready(()) => 0,
            () = ready(()) => 1,
            () = ready(()) => 2,
        };
        counts[chosen] += 1;
    }
    assert!(chi_square(&counts) < 41.5, "{counts:?}");

    // Two of four ready, side by side: a rotated order would give 75 to 25.
    let mut counts = [0u32; 2];
    for _ in 0..ROUNDS {
        let chosen = select_blocking! {
            () = ready(()) => 0,
            () = ready(()) => 1,
            () = pending() => unreachable!(),
            () = pending() => unreachable!(),
        };
        counts[chosen] += 1;
    }
    assert!(chi_square(&counts) < 37.4, "{counts:?}");
}

#[test]
fn ready_channels_timers_and_contexts_are_chosen_evenly() {
    const ROUNDS: u32 = 40_000;
    let (tx, rx) = unbounded();
    (0..ROUNDS).for_each(|_| tx.try_send(()).unwrap());
    let (full_tx, full_rx) = bounded(1);
    let context = Context::new();
    context.cancel();
    let past = time::Instant::now();
    let mut counts = [0u32; 4];
    for _ in 0..ROUNDS {
        let chosen = select_blocking! {
            value = rx.recv() => { value.unwrap(); 0 }
            _ = context.cancelled() => 1,
            () = time::sleep_until(past) => 2,
            sent = full_tx.send(()) => { sent.unwrap(); full_rx.try_recv().unwrap(); 3 }
        };
        counts[chosen] += 1;
        assert!(full_rx.is_empty(), "a send not chosen delivers nothing");
    }
    assert!(chi_square(&counts) < 45.1, "{counts:?}");
    assert_eq!(rx.len(), (ROUNDS - counts[0]) as usize, "a receive not chosen takes nothing");
}

#[test]
fn a_value_handed_to_an_arm_that_loses_comes_back() {
    for _ in 0..200 {
        let (first_tx, first_rx) = bounded(0);
        let (second_tx, second_rx) = bounded(0);
        let mut waiting = pin!(async {
            select! {
                value = first_rx.recv() => (0, value.unwrap()),
                value = second_rx.recv() => (1, value.unwrap()),
            }
        });
        assert!(poll(&mut waiting).is_pending());
        first_tx.try_send('a').unwrap();
        second_tx.try_send('b').unwrap();
        match poll(&mut waiting) {
            Poll::Ready((0, 'a')) => assert_eq!(second_rx.try_recv(), Ok('b')),
            Poll::Ready((1, 'b')) => assert_eq!(first_rx.try_recv(), Ok('a')),
            other => panic!("{other:?}"),
        }
        assert_eq!(first_rx.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(second_rx.try_recv(), Err(TryRecvError::Empty));
    }
}

#[test]
fn a_send_not_chosen_drops_its_value_or_keeps_it_in_a_future_outside() {
    let live = LiveCount::default();
    let (tx, rx) = bounded(0);
    select_blocking! {
        sent = tx.send(live.value()) => panic!("{sent:?}"),
        () = ready(()) => (),
    }
    assert_eq!((live.get(), rx.try_recv().err()), (0, Some(TryRecvError::Empty)));

    let mut send = tx.send(live.value());
    select_blocking! {
        sent = &mut send => panic!("{sent:?}"),
        () = ready(()) => (),
    }
    assert!(matches!(send.try_cancel(), TryCancel::Cancelled(_)));
    assert_eq!((live.get(), rx.try_recv().err()), (0, Some(TryRecvError::Empty)));
}

#[test]
fn the_losers_are_dropped_before_the_body_runs() {
    let live = LiveCount::default();
    let value = live.value();
    let loser = async move {
        let _value = value;
        pending::<()>().await;
    };
    select_blocking! {
        () = loser => unreachable!(),
        () = ready(()) => assert_eq!(live.get(), 0),
    }
}

#[test]
fn a_body_may_use_what_the_futures_borrowed() {
    let mut word = String::from("a");
    let mut number = 1;
    select_blocking! {
        () = async { word.push('b') } => word.push('c'),
        () = async { number += 1; pending().await } => unreachable!(),
    }
    number += 1;
    assert_eq!((word.as_str(), number >= 2), ("abc", true));
}

#[test]
fn break_continue_return_and_question_mark_belong_to_the_caller() {
    async fn sum_until_closed(rx: &chan::Receiver<i32>) -> Result<i32, chan::RecvError> {
        let mut sum = 0;
        loop {
            select! {
                value = rx.recv() => match value? {
                    0 => break,
                    1 => continue,
                    2 => return Ok(-1),
                    value => {
                        ready(()).await;
                        sum += value;
                    }
                },
                () = time::sleep(LONG) => panic!("timed out"),
            }
        }
        Ok(sum)
    }
    let run = |values: &[i32]| {
        let (tx, rx) = unbounded();
        values.iter().for_each(|&value| tx.try_send(value).unwrap());
        drop(tx);
        block_on(sum_until_closed(&rx))
    };
    assert_eq!(run(&[5, 1, 6, 0]), Ok(11));
    assert_eq!(run(&[5, 2, 6]), Ok(-1));
    assert_eq!(run(&[5]), Err(chan::RecvError));
}

#[test]
fn a_future_kept_outside_goes_on_in_the_next_select() {
    block_on(async {
        let mut polls = 0;
        let mut slow = pin!(poll_fn(|cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            if polls < 10 { Poll::Pending } else { Poll::Ready("slow") }
        }));
        let mut rounds = 0;
        let got = loop {
            rounds += 1;
            select! {
                biased;
                got = &mut slow => break got,
                () = ready(()) => (),
            }
        };
        assert_eq!((got, rounds), ("slow", 10));
    });
}

#[test]
fn sixteen_arms_of_different_types_find_their_bodies() {
    for expected in 0..16u32 {
        let on = |arm: u32| async move {
            if arm != expected {
                pending::<()>().await;
            }
            arm
        };
        let got = select_blocking! {
            arm = on(0) => arm,
            arm = async { on(1).await.to_string() } => arm.parse().unwrap(),
            Ok(arm) | Err(arm) = async { if expected > 2 { Ok(on(2).await) } else { Err(on(2).await) } } => arm,
            (arm, _) = async { (on(2).await, "pair") } => arm,
            arm = on(3), if true => { arm }
            arm = on(4) => arm,
            arm = on(5) => { arm },
            arm = on(6) => if arm == 6 { arm } else { 0 },
            mut arm = on(7) => { arm += 1; arm - 1 }
            _ = on(8) => 8,
            [arm] = async { [on(9).await] } => arm,
            arm = on(10) => arm,
            arm = on(11) => arm,
            arm = on(12) => arm,
            arm = on(13) => arm,
            arm = on(14) => arm,
            arm = on(15) => arm
        };
        assert_eq!(got, expected);
    }
}

#[test]
fn a_select_in_a_select_and_two_beside_each_other() {
    let nested = select_blocking! {
        inner = async {
            select! {
                n = ready(1) => n + 1,
                () = pending() => 0,
            }
        } => select_blocking! {
            n = ready(inner) => n * 10,
        },
    };
    assert_eq!(nested, 20);
}

#[test]
fn threads_select_over_channels_fed_by_threads() {
    let (left_tx, left_rx) = bounded(0);
    let (right_tx, right_rx) = bounded(3);
    let (mut left, mut right) = (0, 0);
    thread::scope(|scope| {
        scope.spawn(move || (0..2_000).for_each(|n| left_tx.send_blocking(n).unwrap()));
        scope.spawn(move || (0..2_000).for_each(|n| right_tx.send_blocking(n).unwrap()));
        let (mut left_open, mut right_open) = (true, true);
        while left_open || right_open {
            select_blocking! {
                value = left_rx.recv(), if left_open => match value {
                    Ok(value) => { assert_eq!(value, left); left += 1 }
                    Err(_) => left_open = false,
                },
                value = right_rx.recv(), if right_open => match value {
                    Ok(value) => { assert_eq!(value, right); right += 1 }
                    Err(_) => right_open = false,
                },
            }
        }
    });
    assert_eq!((left, right), (2_000, 2_000));
}

#[test]
fn a_select_with_one_arm_is_that_operation() {
    let (tx, rx) = bounded(0);
    let mut waiting = pin!(async {
        select! {
            sent = tx.send('a') => sent.unwrap(),
        }
    });
    assert!(poll(&mut waiting).is_pending());
    assert_eq!(rx.try_recv(), Ok('a'), "it does not only offer");
    assert!(poll(&mut waiting).is_ready());
}
