//! The end of a channel, by `close` and by the last of its ends.

use crate::chan::{RecvError, SendError, TryRecvError, bounded};
use crate::models::{all, join, poll, some, spawn};
use crate::wait::block_on;
use norace_check::Tracked;
use norace_prim::thread;

#[test]
fn a_close_gives_waiting_senders_their_values_back() {
    for capacity in [0, 1] {
        all(|| {
            let (tx, rx) = bounded(capacity);
            let senders = spawn(2, |n| {
                let tx = tx.clone();
                move || match tx.send_blocking(n) {
                    Ok(()) => true,
                    Err(SendError(back)) => {
                        assert_eq!(back, n);
                        false
                    }
                }
            });
            assert!(tx.close());
            let sent = join(senders);
            let received: Vec<u32> = rx.iter().collect();
            assert!(received.len() <= capacity);
            for n in 0..2 {
                assert_eq!(received.contains(&n), sent[n as usize], "{received:?}, {sent:?}");
            }
        });
    }
}

#[test]
fn a_close_ends_waiting_receivers_after_what_was_sent() {
    for capacity in [0, 1] {
        all(|| {
            let (tx, rx) = bounded(capacity);
            let receivers = spawn(2, |_| {
                let rx = rx.clone();
                move || rx.recv_blocking()
            });
            let closer = {
                let rx = rx.clone();
                thread::spawn(move || assert!(rx.close()))
            };
            let sent = tx.try_send('a').is_ok();
            closer.join().unwrap();
            let received = join(receivers);
            assert_eq!(received.iter().flatten().count(), usize::from(sent), "{received:?}");
            assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
        });
    }
}

#[test]
fn of_two_closes_one_is_the_first_and_a_send_after_either_fails() {
    all(|| {
        let (tx, rx) = bounded(2);
        let other = {
            let tx = tx.clone();
            thread::spawn(move || (tx.close(), tx.try_send('a').is_err()))
        };
        let (mine, fails) = (tx.close(), tx.try_send('b').is_err());
        let (theirs, fails_there) = other.join().unwrap();
        assert!(mine != theirs && fails && fails_there);
        assert!(rx.is_closed() && rx.is_empty());
    });
}

#[test]
fn the_last_sender_to_go_ends_the_receiver() {
    all(|| {
        let (tx, rx) = bounded::<u32>(0);
        let senders = spawn(2, |_| {
            let tx = tx.clone();
            move || drop(tx)
        });
        drop(tx);
        assert_eq!(rx.recv_blocking(), Err(RecvError));
        join(senders);
    });
}

#[test]
fn the_last_receiver_to_go_gives_waiting_senders_their_values_and_drops_the_others() {
    for capacity in [0, 1] {
        all(|| {
            let (tx, rx) = bounded(capacity);
            let senders = spawn(2, |n| {
                let tx = tx.clone();
                move || tx.send_blocking(Tracked::new(n)).is_ok()
            });
            let other = {
                let rx = rx.clone();
                thread::spawn(move || drop(rx))
            };
            drop(rx);
            other.join().unwrap();
            let sent = join(senders).into_iter().filter(|sent| *sent).count();
            assert!(sent <= capacity && tx.is_closed() && tx.is_empty());
        });
    }
}

#[test]
fn the_last_receiver_that_goes_with_a_value_handed_to_it_drops_it() {
    all(|| {
        let (tx, rx) = bounded(0);
        let receiver = thread::spawn(move || {
            let mut receive = rx.recv();
            let _ = poll(&mut receive);
        });
        let sent = tx.send_blocking(Tracked::new(1)).is_ok();
        receiver.join().unwrap();
        assert!(tx.try_send(Tracked::new(2)).is_err(), "sent: {sent}");
    });
}

#[test]
fn a_close_meets_senders_and_receivers_at_once() {
    for capacity in [0, 1] {
        some(|| {
            let (tx, rx) = bounded(capacity);
            let senders = spawn(2, |n| {
                let tx = tx.clone();
                move || block_on(tx.send(n)).is_ok().then_some(n)
            });
            let receivers = spawn(2, |_| {
                let rx = rx.clone();
                move || block_on(rx.recv()).ok()
            });
            tx.close();
            let sent: Vec<u32> = join(senders).into_iter().flatten().collect();
            let mut received: Vec<u32> = join(receivers).into_iter().flatten().collect();
            received.extend(rx.iter());
            received.sort_unstable();
            assert_eq!(received, sent);
        });
    }
}
