//! Cancelling: whoever stops waiting, at whatever moment, no value is lost, doubled, or delivered against its
//! sender's will.

use crate::support::{LiveCount, WakeCount, poll, poll_with};
use norace::chan::{RecvError, TryCancel, TryRecvError, TrySendError, bounded};
use std::task::Poll;

#[test]
fn a_send_dropped_while_it_waits_delivers_nothing() {
    for capacity in [0, 1] {
        let (tx, rx) = bounded(capacity);
        for n in 0..capacity {
            tx.try_send(n).unwrap();
        }
        let mut send = tx.send(7);
        assert!(poll(&mut send).is_pending());
        drop(send);
        for n in 0..capacity {
            assert_eq!(rx.try_recv(), Ok(n));
        }
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    }
}

#[test]
fn a_send_dropped_after_room_appeared_delivers_nothing_and_leaves_the_room_to_the_next() {
    let (tx, rx) = bounded(1);
    tx.try_send(0).unwrap();
    let (woken, waker) = WakeCount::new();
    let mut first = tx.send(1);
    let mut second = tx.send(2);
    assert!(poll(&mut first).is_pending());
    assert!(poll_with(&mut second, &waker).is_pending());
    assert_eq!(rx.try_recv(), Ok(0));
    // The room is promised to `first`: nobody else gets it.
    assert_eq!(tx.try_send(9), Err(TrySendError::Full(9)));
    assert_eq!(woken.get(), 0);
    drop(first);
    assert_eq!(woken.get(), 1);
    assert_eq!(poll(&mut second), Poll::Ready(Ok(())));
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(2), Err(TryRecvError::Empty)));
}

#[test]
fn cancelling_a_send_tells_what_became_of_it() {
    let (tx, rx) = bounded(1);
    assert_eq!(tx.send(1).try_cancel(), TryCancel::Cancelled(1));

    let mut buffered = tx.send(2);
    assert!(poll(&mut buffered).is_ready());
    assert_eq!(buffered.try_cancel(), TryCancel::Sent);

    let mut waiting = tx.send(3);
    assert!(poll(&mut waiting).is_pending());
    assert_eq!(waiting.try_cancel(), TryCancel::Cancelled(3));

    let mut granted = tx.send(4);
    assert!(poll(&mut granted).is_pending());
    assert_eq!(rx.try_recv(), Ok(2));
    assert_eq!(granted.try_cancel(), TryCancel::Cancelled(4));

    let mut taken = tx.send(5);
    tx.try_send(0).unwrap();
    assert!(poll(&mut taken).is_pending());
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(0), Ok(5)));
    assert_eq!(taken.try_cancel(), TryCancel::Sent);

    let mut closed = tx.send(6);
    tx.try_send(0).unwrap();
    assert!(poll(&mut closed).is_pending());
    rx.close();
    assert_eq!(closed.try_cancel(), TryCancel::Cancelled(6));
}

#[test]
#[should_panic(expected = "a send was cancelled after it had failed")]
fn a_send_that_failed_has_nothing_to_cancel() {
    let (tx, rx) = bounded(1);
    rx.close();
    let mut send = tx.send(1);
    assert!(poll(&mut send).is_ready());
    let _ = send.try_cancel();
}

#[test]
fn a_value_handed_to_a_dropped_receive_goes_to_the_next_that_waits() {
    for capacity in [0, 1] {
        let (tx, rx) = bounded(capacity);
        let (woken, waker) = WakeCount::new();
        let mut first = rx.recv();
        let mut second = rx.recv();
        assert!(poll(&mut first).is_pending());
        assert!(poll_with(&mut second, &waker).is_pending());
        assert_eq!(tx.try_send('x'), Ok(()));
        assert_eq!(woken.get(), 0);
        drop(first);
        assert_eq!(woken.get(), 1);
        assert_eq!(poll(&mut second), Poll::Ready(Ok('x')));
    }
}

#[test]
fn a_value_handed_to_a_dropped_receive_comes_back_to_the_front() {
    for capacity in [0, 1, 2] {
        let (tx, rx) = bounded(capacity);
        let mut receive = rx.recv();
        assert!(poll(&mut receive).is_pending());
        assert_eq!(tx.try_send(0), Ok(()));
        for n in 1..=capacity {
            assert_eq!(tx.try_send(n), Ok(()));
        }
        drop(receive);
        // Over capacity, at 0 as well, and until that is worked off nothing more goes in.
        assert_eq!(rx.len(), capacity + 1);
        assert_eq!(tx.try_send(99), Err(TrySendError::Full(99)));
        for n in 0..=capacity {
            assert_eq!(rx.try_recv(), Ok(n));
        }
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    }
}

#[test]
fn values_that_come_back_keep_their_order() {
    let (tx, rx) = bounded(4);
    let mut receives: Vec<_> = (0..4).map(|_| rx.recv()).collect();
    assert!(receives.iter_mut().all(|receive| poll(receive).is_pending()));
    for n in 0..6 {
        tx.try_send(n).unwrap();
    }
    for index in [1, 2, 0, 0] {
        drop(receives.remove(index));
    }
    drop(tx);
    assert_eq!(rx.iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_value_that_comes_back_after_the_close_is_still_received() {
    let (tx, rx) = bounded(0);
    let mut first = rx.recv();
    let mut second = rx.recv();
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    tx.try_send('x').unwrap();
    tx.close();
    drop(first);
    assert_eq!(poll(&mut second), Poll::Ready(Ok('x')));
    assert_eq!(poll(&mut rx.recv()), Poll::Ready(Err(RecvError)));
}

#[test]
fn the_end_waits_for_a_value_on_its_way_that_may_come_back() {
    for capacity in [0, 1] {
        let (tx, rx) = bounded(capacity);
        let (woken, waker) = WakeCount::new();
        let (mut first, mut second) = (rx.recv(), rx.recv());
        assert!(poll(&mut first).is_pending() && poll_with(&mut second, &waker).is_pending());
        tx.try_send(7).unwrap();
        drop(tx);
        assert!(poll_with(&mut second, &waker).is_pending(), "7 has not been received");
        let mut third = rx.recv();
        assert!(poll(&mut third).is_pending());
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(rx.try_recv_many(&mut Vec::new(), 9), Err(TryRecvError::Empty));
        drop(first);
        assert_eq!(woken.get(), 1);
        assert_eq!(poll(&mut second), Poll::Ready(Ok(7)));
        assert_eq!(poll(&mut third), Poll::Ready(Err(RecvError)));
    }
}

#[test]
fn the_last_value_on_its_way_wakes_all_for_the_end_when_it_arrives() {
    let (tx, rx) = bounded(1);
    let (woken, waker) = WakeCount::new();
    let mut receives: Vec<_> = (0..4).map(|_| rx.recv()).collect();
    assert!(receives.iter_mut().all(|receive| poll_with(receive, &waker).is_pending()));
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    tx.close();
    assert_eq!(poll(&mut receives[1]), Poll::Ready(Ok(2)));
    assert!(poll_with(&mut receives[2], &waker).is_pending(), "1 has not been received");
    assert_eq!(woken.get(), 2);
    assert_eq!(poll(&mut receives[0]), Poll::Ready(Ok(1)));
    assert_eq!(woken.get(), 4);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    for receive in &mut receives[2..] {
        assert_eq!(poll(receive), Poll::Ready(Err(RecvError)));
    }
}

#[test]
fn a_receive_dropped_while_it_waits_gets_nothing() {
    let (tx, rx) = bounded(0);
    let mut receive = rx.recv();
    assert!(poll(&mut receive).is_pending());
    drop(receive);
    assert_eq!(tx.try_send(1), Err(TrySendError::Full(1)));
}

#[test]
fn a_value_in_a_dropped_receive_dies_with_the_last_receiver() {
    let live = LiveCount::default();
    let (tx, rx) = bounded(0);
    let mut receive = rx.recv();
    assert!(poll(&mut receive).is_pending());
    tx.try_send(live.value()).unwrap();
    drop(receive);
    assert_eq!(live.get(), 1);
    drop(rx);
    assert_eq!(live.get(), 0);
}

#[test]
fn a_forgotten_receive_keeps_one_value_until_the_last_receiver_goes() {
    let live = LiveCount::default();
    let (tx, rx) = bounded(1);
    let mut receive = rx.recv();
    assert!(poll(&mut receive).is_pending());
    std::mem::forget(receive);
    tx.try_send(live.value()).unwrap();
    tx.try_send(live.value()).unwrap();
    assert!(rx.try_recv().is_ok());
    assert!(rx.try_recv().is_err());
    assert_eq!(live.get(), 1);
    drop(rx);
    assert_eq!(live.get(), 0);
}

#[test]
fn a_forgotten_send_blocks_nobody() {
    for capacity in [0, 1, 2] {
        let live = LiveCount::default();
        let (tx, rx) = bounded(capacity);
        for _ in 0..capacity {
            tx.try_send(live.value()).unwrap();
        }
        for _ in 0..3 {
            let mut send = tx.send(live.value());
            assert!(poll(&mut send).is_pending());
            std::mem::forget(send);
        }
        // What is buffered, then what the forgotten sends hold; afterwards all the room is there again.
        for _ in 0..capacity + 3 {
            rx.try_recv().unwrap();
        }
        for _ in 0..capacity {
            tx.try_send(live.value()).unwrap();
        }
        let mut send = tx.send(live.value());
        assert!(poll(&mut send).is_pending());
        std::mem::forget(send);
        drop(tx);
        assert_eq!(live.get(), capacity, "what was never delivered dies with the last sender");
    }
}
