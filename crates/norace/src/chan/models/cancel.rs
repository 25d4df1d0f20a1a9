//! Ends that give up, at every moment, lose nothing and force nothing on anybody.

use super::{DONE, OPEN, Quit, ROOM, passes_its_room_on};
use crate::chan::{
    RecvTimeoutError, SendTimeoutError, TryCancel, TryRecvError, TrySendError, bounded,
};
use crate::models::{all, finds, join, poll, some, spawn};
use crate::wait::block_on;
use norace_check::choose;
use norace_prim::thread;
use norace_prim::time::Duration;
use std::task::Poll;

const SOON: Duration = Duration::from_millis(1);

/// Of two receivers one looks and leaves; the value that was sent comes to one of them.
fn a_receive_leaves(capacity: usize, how: Quit) {
    let (tx, rx) = bounded(capacity);
    let quitter = {
        let rx = rx.clone();
        thread::spawn(move || {
            let mut receive = rx.recv();
            match poll(&mut receive) {
                Poll::Ready(value) => value.ok(),
                Poll::Pending => {
                    how.quit(receive);
                    None
                }
            }
        })
    };
    let sender = thread::spawn(move || tx.send_blocking('a').expect(OPEN));
    let mine = rx.recv_blocking().ok();
    sender.join().expect(DONE);
    let theirs = quitter.join().expect(DONE);
    assert_eq!(mine.or(theirs), Some('a'));
    assert!(mine.is_none() || theirs.is_none(), "one value came out twice");
}

#[test]
fn a_receive_that_is_dropped_gives_its_value_to_one_that_waits() {
    for capacity in [0, 1] {
        all(|| a_receive_leaves(capacity, Quit::Drop));
    }
}

#[test]
fn mutant_a_receive_that_leaves_with_its_value_keeps_it_from_one_that_waits() {
    for capacity in [0, 1] {
        assert_eq!(finds(|| a_receive_leaves(capacity, Quit::Forget)).kind, "deadlock");
    }
}

#[test]
fn values_that_come_back_keep_their_order_whoever_gives_up_first() {
    for capacity in [0, 2] {
        all(|| {
            let (tx, rx) = bounded(capacity);
            let mut receives = Vec::new();
            for _ in 0..2 {
                let mut receive = rx.recv();
                assert!(poll(&mut receive).is_pending());
                receives.push(receive);
            }
            let sender = thread::spawn(move || {
                (1..=3).for_each(|n| tx.send_blocking(n).unwrap());
            });
            if choose(2) == 0 {
                receives.reverse();
            }
            for receive in receives {
                drop(receive);
            }
            assert_eq!(rx.iter().collect::<Vec<_>>(), [1, 2, 3]);
            sender.join().unwrap();
        });
    }
}

#[test]
fn the_end_waits_for_a_value_that_may_come_back() {
    all(|| {
        let (tx, rx) = bounded(0);
        let mut receive = rx.recv();
        assert!(poll(&mut receive).is_pending());
        tx.try_send('a').unwrap();
        let closer = thread::spawn(move || drop(tx));
        let other = {
            let rx = rx.clone();
            thread::spawn(move || rx.recv_blocking().ok())
        };
        let mine = if choose(2) == 0 {
            block_on(receive).ok()
        } else {
            drop(receive);
            None
        };
        let theirs = other.join().unwrap();
        closer.join().unwrap();
        let left = rx.try_recv().ok();
        let all = [mine, theirs, left];
        assert_eq!(all.into_iter().flatten().count(), 1, "{all:?}");
        assert_eq!(left, None, "who waits for the end does not miss a value that comes back");
    });
}

#[test]
fn a_send_that_is_cancelled_was_sent_or_is_back() {
    for capacity in [0, 1] {
        all(|| {
            let (tx, rx) = bounded(capacity);
            let canceller = thread::spawn(move || {
                if capacity > 0 {
                    tx.try_send('z').unwrap();
                }
                let mut send = tx.send('a');
                match poll(&mut send) {
                    Poll::Ready(sent) => sent.is_ok(),
                    Poll::Pending => send.try_cancel() == TryCancel::Sent,
                }
            });
            let received: Vec<_> = rx.iter().filter(|value| *value == 'a').collect();
            let sent = canceller.join().unwrap();
            assert_eq!(received.len(), usize::from(sent));
        });
    }
}

#[test]
fn a_pending_send_that_is_dropped_passes_its_room_on() {
    all(|| {
        let (tx, rx) = bounded(1);
        tx.try_send('a').unwrap();
        let mut quits = tx.send('b');
        assert!(poll(&mut quits).is_pending());
        let waits = {
            let tx = tx.clone();
            thread::spawn(move || tx.send_blocking('c').unwrap())
        };
        let receiver = thread::spawn(move || {
            let first = rx.recv_blocking().unwrap();
            (first, rx.recv_blocking().unwrap(), rx)
        });
        drop(quits);
        let (first, second, rx) = receiver.join().unwrap();
        assert_eq!(first, 'a');
        waits.join().unwrap();
        match second {
            'b' => assert_eq!(rx.try_recv(), Ok('c')),
            second => assert_eq!((second, rx.try_recv()), ('c', Err(TryRecvError::Empty))),
        }
    });
}

/// A send that waits for room leaves, perhaps once it was promised some.
fn a_send_leaves(how: Quit) {
    let (tx, rx) = bounded(1);
    tx.try_send('a').expect(ROOM);
    let mut quits = tx.send('b');
    assert!(poll(&mut quits).is_pending());
    assert_eq!(passes_its_room_on((&tx, &rx), || how.quit(quits)), 'a');
}

#[test]
fn a_send_that_leaves_with_a_promised_room_gives_it_to_the_next() {
    all(|| a_send_leaves(Quit::Drop));
}

#[test]
fn mutant_a_send_that_leaves_and_keeps_its_promised_room_holds_up_the_next() {
    assert_eq!(finds(|| a_send_leaves(Quit::Forget)).kind, "deadlock");
}

#[test]
fn room_is_kept_for_who_waits_first() {
    all(|| {
        let (tx, rx) = bounded(1);
        tx.try_send('a').unwrap();
        let mut first = tx.send('b');
        assert!(poll(&mut first).is_pending());
        let receiver = {
            let rx = rx.clone();
            thread::spawn(move || rx.recv_blocking().unwrap())
        };
        let hasty = {
            let tx = tx.clone();
            thread::spawn(move || tx.try_send('c'))
        };
        let looks = poll(&mut first).is_ready();
        assert!(tx.len() <= 1, "the buffer holds more than its capacity");
        assert_eq!(receiver.join().unwrap(), 'a');
        assert_eq!(
            hasty.join().unwrap(),
            Err(TrySendError::Full('c')),
            "it overtook one that waits"
        );
        assert!(looks || poll(&mut first).is_ready());
        assert_eq!(rx.try_recv(), Ok('b'));
    });
}

#[test]
fn a_granted_send_that_nobody_polls_holds_up_nobody() {
    all(|| {
        let (tx, rx) = bounded(1);
        tx.try_send('a').unwrap();
        let mut sleeps = tx.send('b');
        assert!(poll(&mut sleeps).is_pending());
        let other = {
            let tx = tx.clone();
            thread::spawn(move || tx.send_blocking('c').unwrap())
        };
        let receivers = spawn(2, |_| {
            let rx = rx.clone();
            move || rx.recv_blocking().unwrap()
        });
        let mine = rx.recv_blocking().unwrap();
        other.join().unwrap();
        let mut received = join(receivers);
        received.push(mine);
        received.sort_unstable();
        assert_eq!(received, ['a', 'b', 'c']);
        assert_eq!(poll(&mut sleeps), Poll::Ready(Ok(())));
    });
}

#[test]
fn a_send_and_a_receive_that_run_out_of_time_agree() {
    for capacity in [0, 1] {
        all(|| {
            let (tx, rx) = bounded(capacity);
            if capacity > 0 {
                tx.try_send('z').unwrap();
            }
            let sender = thread::spawn(move || {
                let sent = tx.send_timeout_blocking('a', SOON);
                assert!(matches!(sent, Ok(()) | Err(SendTimeoutError::Timeout('a'))));
                sent.is_ok()
            });
            let mut received = Vec::new();
            for _ in 0..=capacity {
                match rx.recv_timeout(SOON) {
                    Ok(value) => received.push(value),
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Closed) => {}
                }
            }
            let sent = sender.join().unwrap();
            received.extend(rx.iter());
            received.retain(|value| *value == 'a');
            assert_eq!(received.len(), usize::from(sent), "sent: {sent}");
        });
    }
}

#[test]
fn receivers_that_run_out_of_time_pass_the_value_on() {
    some(|| {
        let (tx, rx) = bounded(0);
        let receivers = spawn(2, |_| {
            let rx = rx.clone();
            move || rx.recv_timeout(SOON).ok()
        });
        let sender = thread::spawn(move || tx.send_timeout_blocking('a', SOON).is_ok());
        let sent = sender.join().unwrap();
        let mut received: Vec<_> = join(receivers).into_iter().flatten().collect();
        received.extend(rx.try_recv());
        assert_eq!(received.len(), usize::from(sent));
    });
}
