//! Selects whose cases are made at run time.

use crate::select::chi_square;
use crate::support::{LiveCount, WakeCount, poll, poll_with};
use norace::chan::{self, TryCancel, TryRecvError, TrySendError, bounded, unbounded};
use norace::context::{Cause, Context};
use norace::select::Select;
use norace::{block_on, select};
use std::future::{pending, ready};
use std::task::Poll;
use std::thread;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(3_600);

#[test]
fn a_case_of_every_kind_is_taken_when_it_is_ready() {
    let (full_tx, full_rx) = bounded(1);
    let (tx, rx) = bounded(1);
    let context = Context::new();
    full_tx.try_send('x').unwrap();
    let mut select = Select::new();
    select.recv(&rx, |value| format!("received {value:?}"));
    select.send(&full_tx, 'y', |sent| format!("sent {sent:?}"));
    select.cancelled(&context, |cause| format!("cancelled: {cause}"));
    let timer = select.after(LONG, || "it is late".to_owned());
    assert_eq!((select.len(), select.try_now()), (4, None));
    tx.try_send('a').unwrap();
    assert_eq!(select.wait_blocking(), "received Ok('a')");
    assert_eq!(full_rx.try_recv(), Ok('x'));
    assert_eq!(select.wait_blocking(), "sent Ok(())");
    assert_eq!((select.len(), full_rx.try_recv()), (3, Ok('y')));
    select.future(ready(7), |number| format!("number {number}"));
    assert_eq!(block_on(select.wait()), "number 7");
    context.cancel_with(Cause::Shutdown);
    assert_eq!(select.wait_blocking(), "cancelled: shutting down");
    assert_eq!(select.wait_blocking(), "cancelled: shutting down", "it stays so");
    assert!(select.remove(timer) && !select.remove(timer));
    select.after(Duration::ZERO, || "at once".to_owned());
    while select.wait_blocking() != "at once" {}
    assert!(!select.is_empty());
}

#[test]
fn it_waits_until_a_case_is_ready_and_takes_it() {
    for capacity in [0, 1] {
        let channels: Vec<_> = (0..10).map(|_| bounded(capacity)).collect();
        let mut select = Select::new();
        for (index, (_, rx)) in channels.iter().enumerate() {
            select.recv(rx, move |value| (index, value));
        }
        for (round, (tx, _)) in channels.iter().enumerate() {
            let mut wait = select.wait();
            let (woken, waker) = WakeCount::new();
            assert!(poll_with(&mut wait, &waker).is_pending());
            tx.try_send(round).unwrap();
            assert_eq!(woken.get(), 1);
            assert_eq!(poll(&mut wait), Poll::Ready((round, Ok(round))));
        }
        assert!(channels.iter().all(|(tx, _)| tx.is_empty()));
    }
}

#[test]
fn a_wait_that_is_dropped_or_is_over_leaves_nothing_behind() {
    let (a_tx, a) = bounded(0);
    let (b_tx, b) = bounded(0);
    let (c_tx, c) = bounded(0);
    let mut select = Select::new();
    select.recv(&a, |value| value);
    select.recv(&b, |value| value);
    select.send(&c_tx, 9, |_| unreachable!("nobody receives"));
    let mut wait = select.wait();
    assert!(poll(&mut wait).is_pending());
    a_tx.try_send(1).unwrap();
    drop(wait);
    assert_eq!(a.try_recv(), Ok(1), "what was handed to the wait came back");
    assert_eq!(b_tx.try_send(2), Err(TrySendError::Full(2)));

    let mut wait = select.wait();
    assert!(poll(&mut wait).is_pending());
    a_tx.try_send(3).unwrap();
    b_tx.try_send(4).unwrap();
    let Poll::Ready(Ok(taken)) = poll(&mut wait) else { panic!("two cases are ready") };
    drop(wait);
    assert_eq!(
        [a.try_recv().ok(), b.try_recv().ok()],
        if taken == 3 { [None, Some(4)] } else { [Some(3), None] }
    );
    assert_eq!(a_tx.try_send(5), Err(TrySendError::Full(5)));
    let mut receive = c.recv();
    assert!(poll(&mut receive).is_pending(), "the send is withdrawn");
}

#[test]
fn a_send_that_is_not_taken_keeps_its_value_for_the_next_wait() {
    let live = LiveCount::default();
    let (tx, rx) = bounded(0);
    let (other_tx, other) = bounded(1);
    let mut select = Select::new();
    let send = select.send(&tx, live.value(), |sent| sent.is_ok());
    select.recv(&other, |_| false);
    for _ in 0..3 {
        other_tx.try_send(()).unwrap();
        assert!(!select.wait_blocking());
        assert!(matches!(rx.try_recv(), Err(TryRecvError::Empty)));
    }
    assert_eq!(live.get(), 1);
    let mut receive = rx.recv();
    assert!(poll(&mut receive).is_pending());
    assert!(select.wait_blocking());
    assert!(matches!(poll(&mut receive), Poll::Ready(Ok(_))));
    assert_eq!((live.get(), select.len(), select.remove(send)), (0, 1, false));

    let send = select.send(&tx, live.value(), |sent| sent.is_ok());
    assert!(select.remove(send));
    assert_eq!(live.get(), 0);
}

#[test]
fn the_value_of_a_send_that_was_made_outside_comes_back() {
    for capacity in [0, 1] {
        let (tx, rx) = bounded(capacity);
        (0..capacity).for_each(|_| tx.try_send("full").unwrap());
        let mut sends = [tx.send("a"), tx.send("b")];
        let mut select = Select::new();
        for send in &mut sends {
            select.future(send, |sent| sent.is_ok());
        }
        let mut wait = select.wait();
        assert!(poll(&mut wait).is_pending());
        drop(wait);
        drop(select);
        let values = sends.map(|send| send.try_cancel());
        assert_eq!(values, [TryCancel::Cancelled("a"), TryCancel::Cancelled("b")]);
        assert_eq!(rx.len(), capacity);
    }
}

#[test]
fn a_closed_channel_is_ready_with_the_error() {
    let (tx, rx) = bounded::<u8>(1);
    rx.close();
    let mut select = Select::biased();
    let receive = select.recv(&rx, |value| value.is_err());
    assert!(select.wait_blocking() && select.wait_blocking());
    assert!(select.remove(receive));
    select.send(&tx, 1, |sent| sent.is_err_and(|error| error.into_inner() == 1));
    assert_eq!((select.wait_blocking(), select.try_now()), (true, None));
}

#[test]
fn ready_cases_are_chosen_evenly_among_hundreds() {
    const ROUNDS: u32 = 40_000;
    let (tx, rx) = unbounded();
    (0..ROUNDS).for_each(|_| tx.try_send(()).unwrap());
    let quiet: Vec<_> = (0..200).map(|_| bounded::<()>(0)).collect();
    let context = Context::new();
    context.cancel();
    let mut select = Select::new();
    select.recv(&rx, |_| 0);
    select.cancelled(&context, |_| 1);
    for (_, rx) in &quiet {
        select.recv(rx, |_| unreachable!());
    }
    select.after(Duration::ZERO, || 2);
    select.cancelled(&context, |_| 3);
    let mut counts = [0_u32; 4];
    for _ in 0..ROUNDS {
        counts[select.wait_blocking()] += 1;
    }
    assert!(chi_square(&counts) < 45.1, "{counts:?}");
    assert_eq!(rx.len(), (ROUNDS - counts[0]) as usize);
}

#[test]
fn a_biased_select_takes_the_first_that_was_added() {
    let (tx, rx) = unbounded();
    let mut select = Select::biased();
    let first = select.recv(&rx, |value| value.unwrap());
    select.after(Duration::ZERO, || 0);
    (1..3).for_each(|n| tx.try_send(n).unwrap());
    assert_eq!([(); 3].map(|()| select.wait_blocking()), [1, 2, 0]);
    tx.try_send(3).unwrap();
    select.remove(first);
    select.recv(&rx, |value| value.unwrap());
    assert_eq!(select.wait_blocking(), 0, "it stands behind the timer now");
}

#[test]
fn a_wait_without_cases_or_with_none_that_comes_runs_out_of_time() {
    let never = chan::never::<()>();
    let mut select = Select::<()>::default();
    assert_eq!((select.try_now(), select.is_empty()), (None, true));
    assert_eq!(select.wait_timeout_blocking(Duration::from_millis(1)), None);
    select.recv(&never, |_| ());
    select.future(pending::<()>(), |()| ());
    assert_eq!(select.wait_timeout_blocking(Duration::from_millis(1)), None);
    assert_eq!(select.wait_timeout_blocking(Duration::ZERO), None);
    select.future(ready(()), |()| ());
    assert_eq!(select.wait_timeout_blocking(Duration::ZERO), Some(()));
}

#[test]
fn it_does_not_meet_itself() {
    let (tx, rx) = bounded(0);
    let mut select = Select::new();
    select.recv(&rx, |_| "received");
    select.send(&tx, 1, |_| "sent");
    for _ in 0..100 {
        assert_eq!(select.try_now(), None);
        assert!(poll(&mut select.wait()).is_pending());
    }
    // But another one, whichever of its cases that takes.
    let other = thread::spawn({
        let (tx, rx) = (tx.clone(), rx.clone());
        move || {
            let mut select = Select::new();
            select.recv(&rx, |_| "received");
            select.send(&tx, 2, |_| "sent");
            select.wait_blocking()
        }
    });
    let mine = select.wait_blocking();
    drop(select);
    let theirs = other.join().unwrap();
    // Both may have sent: the value that met a receive whose select chose otherwise came back.
    match (mine, theirs) {
        ("sent", "sent") => assert_eq!(rx.len(), 2),
        (mine, theirs) => assert!(mine != theirs && rx.is_empty()),
    }
}

#[test]
fn it_may_be_an_arm_of_a_select() {
    let (tx, rx) = bounded(1);
    let mut inner = Select::new();
    inner.recv(&rx, |value| value.ok());
    let context = Context::new();
    block_on(async {
        tx.try_send(5).unwrap();
        let got = select! {
            value = inner.wait() => value,
            _ = context.cancelled() => None,
        };
        assert_eq!(got, Some(5));
    });
}

#[test]
fn threads_that_select_dynamically_lose_nothing() {
    const EACH: u64 = 2_000;
    for capacity in [0, 1, 3] {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..4).map(|_| bounded(capacity)).unzip();
        let mut received = thread::scope(|scope| {
            let receiving = [(); 2].map(|()| scope.spawn(|| receive_all(&receivers)));
            let sending = [0, EACH].map(|first| {
                let senders = &senders;
                scope.spawn(move || (first..first + EACH).for_each(|n| send_any(senders, n)))
            });
            sending.into_iter().for_each(|sender| sender.join().unwrap());
            senders.iter().for_each(|tx| assert!(tx.close()));
            receiving.map(|receiver| receiver.join().unwrap()).concat()
        });
        received.sort_unstable();
        assert_eq!(received, Vec::from_iter(0..2 * EACH));
    }
}

/// Sends `value` to whoever takes it first, and to nobody else.
fn send_any(senders: &[chan::Sender<u64>], value: u64) {
    let mut select = Select::new();
    for tx in senders {
        select.send(tx, value, |sent| sent.expect("nobody closes meanwhile"));
    }
    select.wait_blocking();
}

/// Receives from whichever has something until all have ended.
fn receive_all(receivers: &[chan::Receiver<u64>]) -> Vec<u64> {
    let mut select = Select::new();
    let cases: Vec<_> = receivers
        .iter()
        .enumerate()
        .map(|(index, rx)| select.recv(rx, move |value| (index, value)))
        .collect();
    let mut got = Vec::new();
    while !select.is_empty() {
        match select.wait_blocking() {
            (_, Ok(value)) => got.push(value),
            (index, Err(_)) => assert!(select.remove(cases[index])),
        }
    }
    got
}
