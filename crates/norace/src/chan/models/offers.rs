//! Selects on one side and on both: of all arms exactly one takes effect.

#![expect(unused_parens, reason = "the macro's, of which other crates are not told")]

use super::{Quit, ROOM, passes_its_room_on};
use crate::chan::{Receiver, Sender, TryCancel, bounded};
use crate::models::{all, finds, join, poll, some, spawn};
use crate::wait::block_on;
use crate::{select, select_blocking};
use norace_prim::thread;

/// Channels `a` and `b`.
type Two<T> = [T; 2];

fn two(capacity: usize) -> (Two<Sender<char>>, Two<Receiver<char>>) {
    let ((a_tx, a_rx), (b_tx, b_rx)) = (bounded(capacity), bounded(capacity));
    ([a_tx, b_tx], [a_rx, b_rx])
}

/// Receives from whichever has something.
fn receive([a, b]: &Two<Receiver<char>>) -> Option<char> {
    select_blocking! {
        value = a.recv() => value.ok(),
        value = b.recv() => value.ok(),
    }
}

/// Offers `'a'` on the one and `'b'` on the other; what was taken.
fn offer([a, b]: &Two<Sender<char>>) -> Option<char> {
    select_blocking! {
        sent = a.send('a') => sent.ok().map(|()| 'a'),
        sent = b.send('b') => sent.ok().map(|()| 'b'),
    }
}

/// Offers `value`; the other arm of the select is never ready.
async fn offer_beside_never(tx: &Sender<char>, value: char) -> bool {
    select! {
        sent = tx.send(value) => sent.is_ok(),
        () = std::future::pending() => false,
    }
}

#[test]
fn a_select_receives_each_value_once() {
    for capacity in [0, 1] {
        all(|| {
            let ([a, b], rx) = two(capacity);
            let senders = [
                thread::spawn(move || a.send_blocking('a').unwrap()),
                thread::spawn(move || b.send_blocking('b').unwrap()),
            ];
            let first = receive(&rx).expect("both send");
            // The other value is where it was.
            let other = &rx[usize::from(first == 'a')];
            let second = other.recv_blocking().expect("it has been sent");
            assert_ne!(first, second);
            join(senders);
        });
    }
}

#[test]
fn two_selects_share_two_values() {
    some(|| {
        let ([a, b], rx) = two(0);
        let senders = [
            thread::spawn(move || a.send_blocking('a').is_ok()),
            thread::spawn(move || b.send_blocking('b').is_ok()),
        ];
        let other = {
            let rx = rx.clone();
            thread::spawn(move || receive(&rx))
        };
        let mut got: Vec<_> = [receive(&rx), other.join().unwrap()].into_iter().flatten().collect();
        // A select that saw an end had nothing else.
        got.extend(rx.iter().filter_map(|rx| rx.recv_blocking().ok()));
        got.sort_unstable();
        assert_eq!(got, ['a', 'b']);
        assert_eq!(join(senders), [true, true]);
    });
}

#[test]
fn a_select_offers_several_and_one_is_taken() {
    for capacity in [0, 1] {
        all(|| {
            let (tx, [a, b]) = two(capacity);
            let offering = thread::spawn(move || offer(&tx));
            let receivers = [a, b].map(|rx| thread::spawn(move || rx.recv_blocking().ok()));
            let taken = offering.join().unwrap();
            let received: Vec<_> = join(receivers).into_iter().flatten().collect();
            assert_eq!(received, [taken.expect("both receive")]);
        });
    }
}

#[test]
fn selects_on_both_sides_meet_on_one_channel() {
    all(|| {
        let (tx, rx) = two(0);
        // Kept: to be told of an end is an arm, too.
        let offering = {
            let tx = tx.clone();
            thread::spawn(move || offer(&tx))
        };
        let received = receive(&rx);
        let taken = offering.join().unwrap();
        assert!(taken.is_some() && taken == received, "{taken:?} was taken, {received:?} came");
    });
}

#[test]
fn selects_that_both_send_and_receive_lose_and_double_nothing() {
    all(|| {
        let ([a_tx, b_tx], rx) = two(0);
        let exchange = |sends: &Sender<char>, receives: &Receiver<char>, value| {
            let (sends, receives) = (sends.clone(), receives.clone());
            move || {
                select_blocking! {
                    sent = sends.send(value) => sent.ok().map(|()| value),
                    got = receives.recv() => got.ok(),
                }
            }
        };
        let other = thread::spawn(exchange(&b_tx, &rx[0], 'b'));
        let mine = exchange(&a_tx, &rx[1], 'a')();
        let theirs = other.join().unwrap();
        // Both may send: each chose the other's receive, which then lost and gave the value back.
        let left = rx.map(|rx| rx.try_recv().ok());
        match (mine, theirs) {
            (Some('a'), Some('b')) => assert_eq!(left, [Some('a'), Some('b')]),
            (Some(here), Some(there)) => assert_eq!((here, left), (there, [None, None])),
            _ => panic!("nobody closed: {mine:?} here, {theirs:?} there"),
        }
    });
}

#[test]
fn a_select_meets_a_plain_end_on_either_side() {
    all(|| {
        let (tx, rx) = bounded(0);
        let (never, _kept) = bounded::<char>(0);
        let offering = thread::spawn(move || {
            select_blocking! {
                sent = tx.send('a') => sent.is_ok(),
                _ = never.send('n') => false,
            }
        });
        assert_eq!(rx.recv_blocking(), Ok('a'));
        assert!(offering.join().unwrap());
    });
}

#[test]
fn offers_compete_for_room_with_sends_that_wait() {
    all(|| {
        let (tx, rx) = bounded(1);
        tx.try_send('z').unwrap();
        let (never, _kept) = bounded::<char>(0);
        let offering = {
            let tx = tx.clone();
            thread::spawn(move || {
                select_blocking! {
                    sent = tx.send('a') => sent.is_ok(),
                    _ = never.send('n') => false,
                }
            })
        };
        let waiting = thread::spawn(move || tx.send_blocking('b').is_ok());
        let mut received: Vec<_> = rx.iter().collect();
        received.sort_unstable();
        assert_eq!(received, ['a', 'b', 'z']);
        assert!(offering.join().unwrap() && waiting.join().unwrap());
    });
}

#[test]
fn room_is_kept_for_an_offer_that_came_first() {
    all(|| {
        let (tx, rx) = bounded(1);
        tx.try_send('a').unwrap();
        let mut offer = Box::pin(async { offer_beside_never(&tx, 'b').await });
        assert!(poll(&mut offer).is_pending());
        let receiver = {
            let rx = rx.clone();
            thread::spawn(move || rx.recv_blocking().unwrap())
        };
        let hasty = {
            let tx = tx.clone();
            thread::spawn(move || tx.try_send('c'))
        };
        let looks = poll(&mut offer).is_ready();
        assert_eq!(receiver.join().unwrap(), 'a');
        assert!(hasty.join().unwrap().is_err(), "it overtook one that waits");
        assert!(looks || poll(&mut offer).is_ready());
        assert_eq!(rx.try_recv(), Ok('b'));
    });
}

#[test]
fn an_offer_that_meets_a_receiver_passes_its_room_on() {
    all(|| {
        let (tx, rx) = bounded(1);
        tx.try_send('z').unwrap();
        let offers = spawn(2, |n| {
            let tx = tx.clone();
            move || block_on(offer_beside_never(&tx, if n == 0 { 'a' } else { 'b' }))
        });
        let mut received = vec![rx.recv_blocking().unwrap(), rx.recv_blocking().unwrap()];
        // The second of the offers has the room.
        assert_eq!(join(offers), [true, true]);
        received.extend(rx.try_recv());
        received.sort_unstable();
        assert_eq!(received, ['a', 'b', 'z']);
    });
}

/// A select that offers leaves, perhaps once it was invited.
fn an_offer_leaves(how: Quit) {
    let (tx, rx) = bounded(1);
    tx.try_send('z').expect(ROOM);
    let mut quits = Box::pin(async { offer_beside_never(&tx, 'a').await });
    assert!(poll(&mut quits).is_pending());
    assert_eq!(passes_its_room_on((&tx, &rx), || how.quit(quits)), 'z');
}

#[test]
fn an_invited_offer_that_is_dropped_gives_its_room_to_the_next() {
    all(|| an_offer_leaves(Quit::Drop));
}

#[test]
fn mutant_an_offer_that_leaves_and_keeps_its_invitation_holds_up_the_next() {
    assert_eq!(finds(|| an_offer_leaves(Quit::Forget)).kind, "deadlock");
}

#[test]
fn an_invited_offer_that_leaves_passes_the_room_on() {
    all(|| {
        let (tx, rx) = bounded(1);
        tx.try_send('z').unwrap();
        let (go, goes) = bounded::<()>(1);
        let leaving = {
            let tx = tx.clone();
            thread::spawn(move || {
                select_blocking! {
                    biased;
                    _ = goes.recv() => false,
                    sent = tx.send('a') => sent.is_ok(),
                }
            })
        };
        let waiting = thread::spawn(move || tx.send_blocking('b').is_ok());
        let receiver = thread::spawn(move || rx.iter().collect::<Vec<_>>());
        let _ = go.try_send(());
        let offered = leaving.join().unwrap();
        assert!(waiting.join().unwrap(), "it waits beside the room that another one left");
        let received = receiver.join().unwrap();
        assert_eq!(received.contains(&'a'), offered, "{received:?}");
        assert!(received.contains(&'b') && received.contains(&'z'), "{received:?}");
    });
}

#[test]
fn a_send_that_outlives_its_select_keeps_its_value_and_holds_up_nobody() {
    all(|| {
        let (tx, rx) = bounded(0);
        let other = {
            let tx = tx.clone();
            thread::spawn(move || tx.send_blocking('b').unwrap())
        };
        let receiver = thread::spawn(move || rx.iter().collect::<Vec<_>>());
        let mut send = tx.send('a');
        let taken = block_on(async {
            select! {
                sent = &mut send => sent.is_ok(),
                () = std::future::ready(()) => false,
            }
        });
        let sent = taken || send.try_cancel() == TryCancel::Sent;
        other.join().unwrap();
        assert!(tx.close());
        let mut received = receiver.join().unwrap();
        received.sort_unstable();
        assert_eq!(received, if sent { vec!['a', 'b'] } else { vec!['b'] });
    });
}

#[test]
fn a_select_with_a_default_finds_what_waits_outside_a_select() {
    all(|| {
        let (tx, rx) = bounded(0);
        let sender = thread::spawn(move || tx.send_blocking('a').is_ok());
        let found = select_blocking! {
            value = rx.recv() => value.ok(),
            default => None,
        };
        let left = if found.is_none() { rx.recv_blocking().ok() } else { None };
        assert_eq!(found.or(left), Some('a'));
        assert!(sender.join().unwrap());
        let mut again = rx.recv();
        assert!(poll(&mut again).is_ready(), "the sender is gone");
    });
}

#[test]
fn a_close_ends_an_offer() {
    all(|| {
        let (tx, rx) = two(0);
        let offering = {
            let tx = tx.clone();
            thread::spawn(move || offer(&tx))
        };
        assert!(tx[0].close());
        assert!(rx[0].recv_blocking().is_err());
        assert_eq!(offering.join().unwrap(), None);
    });
}

#[test]
fn a_close_ends_all_offers() {
    some(|| {
        let (tx, rx) = two(0);
        let offers = spawn(2, |_| {
            let tx = tx.clone();
            move || offer(&tx)
        });
        tx.iter().for_each(|tx| assert!(tx.close()));
        assert!(rx.iter().all(|rx| rx.recv_blocking().is_err()));
        assert_eq!(join(offers), [None, None]);
    });
}
