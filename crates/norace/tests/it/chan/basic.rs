//! Sending, receiving, closing, counting: one thread, polled by hand, and plain threads.

use crate::support::{Live, LiveCount, WakeCount, poll, poll_with};
use norace::block_on;
use norace::chan::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError, bounded,
    unbounded,
};
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_secs(60);

#[test]
fn values_come_out_in_the_order_in_which_they_went_in() {
    for (tx, rx) in [bounded(8), unbounded()] {
        for n in 0..8 {
            tx.try_send(n).unwrap();
        }
        assert_eq!((tx.len(), rx.len()), (8, 8));
        drop(tx);
        assert_eq!(rx.iter().collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    }
}

#[test]
fn a_full_channel_gives_the_value_back() {
    for capacity in 0..4 {
        let (tx, rx) = bounded(capacity);
        for n in 0..capacity {
            tx.try_send(n).unwrap();
        }
        assert_eq!(tx.try_send(99), Err(TrySendError::Full(99)));
        assert_eq!(tx.send_timeout_blocking(98, SHORT), Err(SendTimeoutError::Timeout(98)));
        assert_eq!((rx.len(), rx.capacity()), (capacity, Some(capacity)));
    }
}

#[test]
fn an_empty_channel_says_so() {
    let (tx, rx) = bounded::<u8>(1);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(rx.recv_timeout(SHORT), Err(RecvTimeoutError::Timeout));
    assert_eq!(rx.try_recv_many(&mut Vec::new(), 9), Err(TryRecvError::Empty));
    tx.close();
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(rx.recv_timeout(SHORT), Err(RecvTimeoutError::Closed));
    assert_eq!(rx.recv_many_blocking(&mut Vec::new(), 9), Err(RecvError));
}

#[test]
fn only_the_first_close_says_true() {
    let (tx, rx) = bounded::<u8>(1);
    assert!(!tx.is_closed());
    assert!(rx.close());
    assert!(!rx.close());
    assert!(!tx.close());
    assert!(tx.is_closed() && rx.is_closed());
}

#[test]
fn what_is_buffered_outlives_the_close() {
    let (tx, rx) = bounded(4);
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    tx.close();
    assert_eq!(tx.try_send(3), Err(TrySendError::Closed(3)));
    assert_eq!(tx.send_blocking(4), Err(SendError(4)));
    assert_eq!(block_on(tx.send(5)), Err(SendError(5)));
    assert_eq!(tx.send_timeout_blocking(6, LONG), Err(SendTimeoutError::Closed(6)));
    assert_eq!((rx.recv_blocking(), block_on(rx.recv())), (Ok(1), Ok(2)));
    assert_eq!((rx.recv_blocking(), block_on(rx.recv())), (Err(RecvError), Err(RecvError)));
}

#[test]
fn the_last_sender_closes_and_leaves_what_is_buffered() {
    let (tx, rx) = bounded(4);
    let other = tx.clone();
    tx.try_send(1).unwrap();
    drop(tx);
    assert!(!rx.is_closed());
    drop(other);
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(1), Err(TryRecvError::Closed)));
}

#[test]
fn the_last_receiver_closes_and_drops_what_is_buffered() {
    let live = LiveCount::default();
    let (tx, rx) = bounded(2);
    let other = rx.clone();
    tx.try_send(live.value()).unwrap();
    tx.try_send(live.value()).unwrap();
    let mut waiting = tx.send(live.value());
    assert!(poll(&mut waiting).is_pending());
    drop(rx);
    assert_eq!(live.get(), 3);
    drop(other);
    assert_eq!(live.get(), 1);
    assert!(matches!(poll(&mut waiting), Poll::Ready(Err(SendError(_)))));
    assert!(matches!(tx.try_send(live.value()), Err(TrySendError::Closed(_))));
    assert_eq!(live.get(), 0);
}

#[test]
fn close_wakes_everybody_who_waits() {
    let (tx, rx) = bounded::<u8>(1);
    let (woken, waker) = WakeCount::new();
    let mut receives: Vec<_> = (0..5).map(|_| rx.recv()).collect();
    for receive in &mut receives {
        assert!(poll_with(receive, &waker).is_pending());
    }
    tx.close();
    assert_eq!(woken.get(), 5);
    for receive in &mut receives {
        assert_eq!(poll(receive), Poll::Ready(Err(RecvError)));
    }

    let (tx, rx) = bounded::<u8>(1);
    tx.try_send(0).unwrap();
    let (woken, waker) = WakeCount::new();
    let mut sends: Vec<_> = (1..6).map(|n| tx.send(n)).collect();
    for send in &mut sends {
        assert!(poll_with(send, &waker).is_pending());
    }
    rx.close();
    assert_eq!(woken.get(), 5);
    for (n, send) in (1..).zip(&mut sends) {
        assert_eq!(poll(send), Poll::Ready(Err(SendError(n))));
    }
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(0), Err(TryRecvError::Closed)));
}

#[test]
fn wakers_that_panic_keep_nobody_asleep() {
    struct Panicking(&'static str);
    impl Wake for Panicking {
        fn wake(self: Arc<Self>) {
            std::panic::panic_any(self.0);
        }
    }

    let (tx, rx) = bounded::<u8>(1);
    let (woken, counting) = WakeCount::new();
    let panicking = |text| Waker::from(Arc::new(Panicking(text)));
    let wakers =
        [counting.clone(), panicking("first"), counting.clone(), panicking("second"), counting];
    let mut receives: Vec<_> = wakers.iter().map(|_| rx.recv()).collect();
    for (receive, waker) in receives.iter_mut().zip(&wakers) {
        assert!(poll_with(receive, waker).is_pending());
    }
    let close = std::panic::AssertUnwindSafe(|| tx.close());
    let payload = std::panic::catch_unwind(close).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"first"));
    assert_eq!(woken.get(), 3);
}

#[test]
fn a_rendezvous_send_waits_for_its_receiver() {
    let (tx, rx) = bounded(0);
    let (woken, waker) = WakeCount::new();
    let mut send = tx.send('x');
    assert!(poll_with(&mut send, &waker).is_pending());
    assert_eq!((rx.len(), woken.get()), (0, 0));
    assert_eq!(rx.try_recv(), Ok('x'));
    assert_eq!(woken.get(), 1);
    assert_eq!(poll(&mut send), Poll::Ready(Ok(())));
}

#[test]
fn a_waiting_receiver_gets_the_value_at_once() {
    for capacity in [Some(0), Some(1), None] {
        let (tx, rx) = capacity.map_or_else(unbounded, bounded);
        let (woken, waker) = WakeCount::new();
        let mut receive = rx.recv();
        assert!(poll_with(&mut receive, &waker).is_pending());
        assert_eq!(tx.try_send('x'), Ok(()));
        assert_eq!((woken.get(), tx.len()), (1, 0));
        assert_eq!(poll(&mut receive), Poll::Ready(Ok('x')));
    }
}

#[test]
fn only_the_latest_waker_is_called() {
    let (tx, rx) = bounded(0);
    let (old, old_waker) = WakeCount::new();
    let (new, new_waker) = WakeCount::new();
    let mut receive = rx.recv();
    assert!(poll_with(&mut receive, &old_waker).is_pending());
    assert!(poll_with(&mut receive, &new_waker).is_pending());
    tx.try_send(1).unwrap();
    assert_eq!((old.get(), new.get()), (0, 1));
    drop(receive);

    let (tx, rx) = bounded(0);
    let mut send = tx.send(1);
    assert!(poll_with(&mut send, &old_waker).is_pending());
    assert!(poll_with(&mut send, &new_waker).is_pending());
    rx.try_recv().unwrap();
    assert_eq!((old.get(), new.get()), (0, 2));
}

#[test]
fn many_are_received_in_one_step() {
    let (tx, rx) = bounded(2);
    let mut sends: Vec<_> = (0..5).map(|n| tx.send(n)).collect();
    let ready = sends.iter_mut().filter_map(|send| poll(send).is_ready().then_some(())).count();
    assert_eq!(ready, 2);
    let mut values = vec![];
    assert_eq!(rx.try_recv_many(&mut values, 0), Ok(0));
    assert_eq!(rx.try_recv_many(&mut values, 4), Ok(4));
    assert_eq!(values, [0, 1, 2, 3]);
    assert_eq!(rx.recv_many_blocking(&mut values, 4), Ok(1));
    assert_eq!(values, [0, 1, 2, 3, 4]);
    assert!(sends.iter_mut().skip(2).all(|send| poll(send) == Poll::Ready(Ok(()))));
}

#[test]
fn a_blocking_drain_waits_for_the_first_value() {
    let (tx, rx) = bounded(0);
    let drain = thread::spawn(move || {
        let mut values = Vec::new();
        while rx.recv_many_blocking(&mut values, 16).is_ok() {}
        values
    });
    for n in 0..100 {
        tx.send_blocking(n).unwrap();
    }
    drop(tx);
    assert_eq!(drain.join().unwrap(), (0..100).collect::<Vec<_>>());
}

#[test]
fn polling_a_finished_future_panics_and_says_why() {
    let message = |result: thread::Result<()>| *result.unwrap_err().downcast::<&str>().unwrap();
    let (tx, rx) = bounded(1);
    let mut send = tx.send(1);
    assert!(poll(&mut send).is_ready());
    let again = std::panic::AssertUnwindSafe(|| assert!(poll(&mut send).is_ready()));
    let said = message(std::panic::catch_unwind(again));
    assert_eq!(said, "a send was polled after it had completed");

    let mut receive = rx.recv();
    assert!(poll(&mut receive).is_ready());
    let again = std::panic::AssertUnwindSafe(|| assert!(poll(&mut receive).is_ready()));
    let said = message(std::panic::catch_unwind(again));
    assert_eq!(said, "a receive was polled after it had completed");
    // The channel is none the worse for it.
    assert_eq!((tx.try_send(2), rx.try_recv()), (Ok(()), Ok(2)));
}

#[test]
fn values_of_any_size_and_alignment_arrive_intact() {
    #[derive(Clone, Debug, PartialEq)]
    #[repr(align(256))]
    struct Wide(u8);

    fn through<T: Clone + PartialEq + std::fmt::Debug + Send + Sync>(value: &T) {
        for capacity in [0, 1, 3] {
            let (tx, rx) = bounded(capacity);
            thread::scope(|scope| {
                scope.spawn(|| (0..100).for_each(|_| tx.send_blocking(value.clone()).unwrap()));
                (0..100).for_each(|_| assert_eq!(&rx.recv_blocking().unwrap(), value));
            });
        }
    }
    through(&());
    through(&[7u64; 512]);
    through(&Wide(3));
    through(&(1u8, 2u64, 3u16));
    through(&"text".to_owned());
}

#[test]
fn values_without_a_size_are_counted() {
    let (tx, rx) = unbounded();
    (0..10_000).for_each(|_| tx.try_send(()).unwrap());
    assert_eq!(rx.len(), 10_000);
    drop(tx);
    assert_eq!(rx.iter().count(), 10_000);
}

#[test]
fn every_value_is_dropped_exactly_once() {
    let live = LiveCount::default();
    for capacity in [0, 1, 4] {
        let (tx, rx) = bounded(capacity);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let _ = tx.send_blocking(live.value());
                    }
                });
            }
            for _ in 0..2 {
                let rx = rx.clone();
                scope.spawn(move || {
                    for _ in 0..150 {
                        let _ = rx.recv_blocking();
                    }
                });
            }
            let _ = rx.iter().take(50).count();
            rx.close();
        });
        drop((tx, rx));
        assert_eq!(live.get(), 0, "capacity {capacity}");
    }
}

#[test]
fn threads_and_tasks_share_one_channel() {
    for capacity in [Some(0), Some(1), Some(7), None] {
        let (tx, rx) = capacity.map_or_else(unbounded, bounded);
        let (blocking, waiting) = (tx.clone(), tx);
        let (first, second) = (rx.clone(), rx);
        let sum: u64 = thread::scope(|scope| {
            scope.spawn(move || (1..=500).for_each(|n| blocking.send_blocking(n).unwrap()));
            scope.spawn(move || {
                block_on(async move {
                    for n in 501..=1000 {
                        waiting.send(n).await.unwrap();
                    }
                });
            });
            let sums = [
                scope.spawn(move || first.into_iter().sum::<u64>()),
                scope.spawn(move || {
                    block_on(async move {
                        let mut sum = 0;
                        while let Ok(n) = second.recv().await {
                            sum += n;
                        }
                        sum
                    })
                }),
            ];
            sums.into_iter().map(|sum| sum.join().unwrap()).sum()
        });
        assert_eq!(sum, 1000 * 1001 / 2, "capacity {capacity:?}");
    }
}

#[test]
fn ends_know_their_channel() {
    let (tx, rx) = bounded::<u8>(1);
    let (other_tx, other_rx) = bounded::<u8>(1);
    assert!(tx.same_channel(&tx.clone()) && rx.same_channel(&rx.clone()));
    assert!(!tx.same_channel(&other_tx) && !rx.same_channel(&other_rx));
    assert_eq!(format!("{tx:?}"), "Sender { len: 0, capacity: Some(1), closed: false, .. }");
}

#[test]
fn errors_say_what_was_tried() {
    let texts = [
        SendError(1).to_string(),
        TrySendError::Full(1).to_string(),
        SendTimeoutError::Timeout(1).to_string(),
        RecvError.to_string(),
        TryRecvError::Empty.to_string(),
        RecvTimeoutError::Timeout.to_string(),
    ];
    assert_eq!(
        texts,
        [
            "sent on a closed channel",
            "sent on a full channel",
            "timed out sending on a channel",
            "received on a closed and empty channel",
            "received on an empty channel",
            "timed out receiving on a channel",
        ]
    );
    assert_eq!(format!("{:?}", SendError(unbounded::<u8>().0)), "SendError(..)");
}

#[test]
fn values_whose_drops_panic_are_all_dropped_and_the_first_panic_goes_on() {
    struct Bomb(#[expect(dead_code, reason = "held for its count")] Live, u8);
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::panic_any(self.1);
        }
    }
    let live = LiveCount::default();
    let (tx, rx) = bounded(3);
    let mut receive = rx.recv();
    assert!(poll(&mut receive).is_pending());
    for n in 0..4 {
        assert!(tx.try_send(Bomb(live.value(), n)).is_ok());
    }
    drop(receive);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(rx))).unwrap_err();
    assert_eq!(panic.downcast_ref::<u8>(), Some(&0));
    assert_eq!((live.get(), tx.is_closed()), (0, true));
}
