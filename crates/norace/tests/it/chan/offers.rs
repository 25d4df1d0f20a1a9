//! Sends in a select: they offer, and move their value only when the select takes their arm.

use crate::support::{WakeCount, poll, poll_with};
use norace::chan::{SendError, Sender, TryCancel, TryRecvError, TrySendError, bounded};
use norace::select;
use std::future::{Future, pending};
use std::pin::Pin;
use std::task::Poll;

type Selecting<'a> = Pin<Box<dyn Future<Output = Result<(), SendError<u32>>> + 'a>>;

/// A select of which `tx.send(value)` is one arm and the other one is never ready.
fn offer(tx: &Sender<u32>, value: u32) -> Selecting<'_> {
    Box::pin(async move {
        select! {
            sent = tx.send(value) => sent,
            never = pending() => never,
        }
    })
}

#[test]
fn an_offer_is_not_taken_behind_the_selects_back() {
    let (tx, rx) = bounded(0);
    let mut offering = offer(&tx, 1);
    assert!(poll(&mut offering).is_pending());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    drop(offering);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_receiver_that_waits_wakes_every_offer_and_takes_the_first_to_come() {
    for order in [[0, 1], [1, 0]] {
        let (tx, rx) = bounded(0);
        let (woken, wakers): (Vec<_>, Vec<_>) = (0..2).map(|_| WakeCount::new()).unzip();
        let mut offers = [offer(&tx, 0), offer(&tx, 1)];
        for (offering, waker) in offers.iter_mut().zip(&wakers) {
            assert!(poll_with(offering, waker).is_pending());
        }
        let mut receive = rx.recv();
        assert!(poll(&mut receive).is_pending());
        assert_eq!((woken[0].get(), woken[1].get()), (1, 1));
        assert_eq!(poll(&mut offers[order[0]]), Poll::Ready(Ok(())));
        assert!(poll(&mut offers[order[1]]).is_pending());
        assert_eq!(poll(&mut receive), Poll::Ready(Ok(u32::try_from(order[0]).unwrap())));
    }
}

#[test]
fn an_offer_that_leaves_keeps_the_receiver_from_no_other() {
    let (tx, rx) = bounded(0);
    let (woken, waker) = WakeCount::new();
    let (mut first, mut second) = (offer(&tx, 1), offer(&tx, 2));
    assert!(poll(&mut first).is_pending());
    assert!(poll_with(&mut second, &waker).is_pending());
    let mut receive = rx.recv();
    assert!(poll(&mut receive).is_pending());
    drop(first);
    assert_eq!(woken.get(), 1);
    assert_eq!(poll(&mut second), Poll::Ready(Ok(())));
    assert_eq!(poll(&mut receive), Poll::Ready(Ok(2)));
}

#[test]
fn an_offer_whose_select_is_over_keeps_the_receiver_from_no_other() {
    for capacity in [0, 1] {
        let (tx, rx) = bounded(capacity);
        for _ in 0..capacity {
            tx.try_send(0).unwrap();
        }
        let mut parked = tx.send(1);
        norace::block_on(async {
            select! {
                biased;
                _ = &mut parked => unreachable!("nobody receives"),
                () = async {} => {}
            }
        });
        let (woken, waker) = WakeCount::new();
        let mut offering = offer(&tx, 2);
        assert!(poll_with(&mut offering, &waker).is_pending());
        // At capacity 1 the room is promised to `parked`.
        for _ in 0..capacity {
            assert_eq!(rx.try_recv(), Ok(0));
        }
        let mut receive = rx.recv();
        assert!(poll(&mut receive).is_pending());
        assert_eq!(woken.get(), 1, "capacity {capacity}");
        assert_eq!(poll(&mut offering), Poll::Ready(Ok(())));
        assert_eq!(poll(&mut receive), Poll::Ready(Ok(2)));
        drop(parked);
    }
}

#[test]
fn an_offer_moved_to_another_select_belongs_to_that_one() {
    // Enough rounds for both orders of polling the arms.
    for _ in 0..64 {
        let (tx, rx) = bounded(0);
        let (woken, waker) = WakeCount::new();
        let mut send = tx.send(1);
        let first = poll(&mut Box::pin(async {
            select! {
                sent = &mut send => sent,
                never = pending() => never,
            }
        }));
        assert!(first.is_pending());
        let mut other = offer(&tx, 2);
        assert!(poll_with(&mut other, &waker).is_pending());
        let mut both = Box::pin(async {
            select! {
                _ = &mut send => None,
                value = rx.recv() => value.ok(),
            }
        });
        assert!(poll(&mut both).is_pending(), "a select does not meet itself");
        assert!(poll(&mut both).is_pending(), "nor later");
        assert_eq!(woken.get(), 1, "it waits for a sender, and here is one");
        assert_eq!(poll(&mut other), Poll::Ready(Ok(())));
        assert_eq!(poll(&mut both), Poll::Ready(Some(2)));
    }
}

#[test]
fn a_receive_moved_to_another_select_belongs_to_that_one() {
    let (tx, rx) = bounded(0);
    let mut receive = rx.recv();
    assert!(poll(&mut receive).is_pending());
    let mut selecting = Box::pin(async {
        select! {
            biased;
            value = &mut receive => value.ok(),
            sent = tx.send(3) => sent.err().map(SendError::into_inner),
        }
    });
    assert!(poll(&mut selecting).is_pending(), "a select does not meet itself");
    assert!(poll(&mut selecting).is_pending(), "nor later");
    assert_eq!(tx.try_send(4), Ok(()));
    assert_eq!(poll(&mut selecting), Poll::Ready(Some(4)));
}

#[test]
fn a_receive_that_leaves_its_select_wakes_the_offer_it_left_there() {
    let (tx, rx) = bounded(0);
    let (woken, waker) = WakeCount::new();
    let mut receive = rx.recv();
    let mut send = tx.send(5);
    let selecting = poll_with(
        &mut Box::pin(async {
            select! {
                _ = &mut receive => {}
                _ = &mut send => {}
            }
        }),
        &waker,
    );
    assert!(selecting.is_pending());
    let before = woken.get();
    assert!(poll(&mut receive).is_pending());
    assert_eq!(woken.get(), before + 1, "now they may meet");
    assert!(poll(&mut send).is_ready());
    assert_eq!(poll(&mut receive), Poll::Ready(Ok(5)));
}

#[test]
fn an_offer_whose_receiver_left_goes_on_offering() {
    let (tx, rx) = bounded(0);
    let (woken, waker) = WakeCount::new();
    let mut offering = offer(&tx, 1);
    assert!(poll_with(&mut offering, &waker).is_pending());
    for round in 1..4 {
        let mut receive = rx.recv();
        assert!(poll(&mut receive).is_pending());
        drop(receive);
        assert!(poll_with(&mut offering, &waker).is_pending());
        assert_eq!(woken.get(), round);
    }
}

#[test]
fn room_promised_to_an_offer_is_nobody_elses() {
    let (tx, rx) = bounded(1);
    let (woken, waker) = WakeCount::new();
    tx.try_send(0).unwrap();
    let mut offering = offer(&tx, 1);
    assert!(poll_with(&mut offering, &waker).is_pending());
    assert_eq!((rx.try_recv(), woken.get()), (Ok(0), 1));
    assert_eq!(tx.try_send(9), Err(TrySendError::Full(9)));
    assert_eq!(poll(&mut offering), Poll::Ready(Ok(())));
    assert_eq!(rx.try_recv(), Ok(1));

    tx.try_send(0).unwrap();
    let mut offering = offer(&tx, 1);
    assert!(poll(&mut offering).is_pending());
    assert_eq!(rx.try_recv(), Ok(0));
    drop(offering);
    assert_eq!(tx.try_send(9), Ok(()), "what was promised to one that left is free");
}

#[test]
fn room_goes_to_sends_and_offers_in_the_order_in_which_they_came() {
    for offer_first in [true, false] {
        let (tx, rx) = bounded(1);
        tx.try_send(0).unwrap();
        let ((send_woken, send_waker), (offer_woken, offer_waker)) =
            (WakeCount::new(), WakeCount::new());
        let (mut send, mut offering) = (tx.send(1), offer(&tx, 2));
        if offer_first {
            assert!(poll_with(&mut offering, &offer_waker).is_pending());
        }
        assert!(poll_with(&mut send, &send_waker).is_pending());
        if !offer_first {
            assert!(poll_with(&mut offering, &offer_waker).is_pending());
        }
        rx.try_recv().unwrap();
        let expected = if offer_first { (0, 1) } else { (1, 0) };
        assert_eq!((send_woken.get(), offer_woken.get()), expected);
    }
}

#[test]
fn closing_wakes_offers_and_gives_their_values_back() {
    for invited in [false, true] {
        let (tx, rx) = bounded(1);
        let (woken, waker) = WakeCount::new();
        tx.try_send(0).unwrap();
        let mut offering = offer(&tx, 7);
        assert!(poll_with(&mut offering, &waker).is_pending());
        if invited {
            rx.try_recv().unwrap();
        }
        rx.close();
        assert_eq!(woken.get(), 1);
        assert_eq!(poll(&mut offering), Poll::Ready(Err(SendError(7))));
    }
}

#[test]
fn a_send_moves_into_a_select_and_out_again() {
    let (tx, rx) = bounded(0);
    let mut send = tx.send(5);
    assert!(poll(&mut send).is_pending());
    {
        let mut selecting = Box::pin(async {
            select! {
                sent = &mut send => sent,
                never = pending() => never,
            }
        });
        assert!(poll(&mut selecting).is_pending());
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "in the select it only offers");
    }
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "and until it is polled outside");
    assert!(poll(&mut send).is_pending());
    assert_eq!(rx.try_recv(), Ok(5));
    assert_eq!(poll(&mut send), Poll::Ready(Ok(())));

    // Taken before the select looked: that is its arm.
    let mut send = tx.send(6);
    assert!(poll(&mut send).is_pending());
    assert_eq!(rx.try_recv(), Ok(6));
    let mut selecting = Box::pin(async {
        select! {
            sent = &mut send => sent,
            never = pending() => never,
        }
    });
    assert_eq!(poll(&mut selecting), Poll::Ready(Ok(())));
}

#[test]
fn an_offer_can_be_cancelled_for_its_value() {
    let (tx, rx) = bounded(0);
    let mut send = tx.send(5);
    {
        let mut selecting = Box::pin(async {
            select! {
                sent = &mut send => sent,
                never = pending() => never,
            }
        });
        assert!(poll(&mut selecting).is_pending());
    }
    let mut receive = rx.recv();
    assert!(poll(&mut receive).is_pending());
    assert_eq!(send.try_cancel(), TryCancel::Cancelled(5));
    assert!(poll(&mut receive).is_pending());
}

#[test]
fn an_await_inside_an_arm_offers_too() {
    let (tx, rx) = bounded(0);
    let mut selecting = Box::pin(async {
        select! {
            both = async { tx.send(1).await?; tx.send(2).await } => both,
            never = pending() => never,
        }
    });
    assert!(poll(&mut selecting).is_pending());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    for n in 1..=2 {
        let mut receive = rx.recv();
        assert!(poll(&mut receive).is_pending());
        let done = poll(&mut selecting);
        assert_eq!(done, if n == 2 { Poll::Ready(Ok(())) } else { Poll::Pending });
        assert_eq!(poll(&mut receive), Poll::Ready(Ok(n)));
    }
}

#[test]
fn a_select_sends_to_its_own_receive_where_a_buffer_would_do() {
    let (tx, rx) = bounded(1);
    let mut receive = rx.recv();
    let mut selecting = Box::pin(async {
        select! {
            biased;
            value = &mut receive => value.ok(),
            sent = tx.send(3) => sent.err().map(SendError::into_inner),
        }
    });
    assert_eq!(poll(&mut selecting), Poll::Ready(None));
    drop(selecting);
    // It waited before the send, so the value is not left beside it in the buffer.
    assert_eq!(poll(&mut receive), Poll::Ready(Ok(3)));
}

#[test]
fn a_forgotten_offer_blocks_nobody() {
    let (tx, rx) = bounded(1);
    tx.try_send(0).unwrap();
    let mut offering = offer(&tx, 1);
    assert!(poll(&mut offering).is_pending());
    std::mem::forget(offering);
    assert_eq!(rx.try_recv(), Ok(0));
    // The room is promised to it for good; values pass through to receivers that wait all the same.
    let mut receive = rx.recv();
    assert!(poll(&mut receive).is_pending());
    assert_eq!(tx.try_send(2), Ok(()));
    assert_eq!(poll(&mut receive), Poll::Ready(Ok(2)));
    let mut send = tx.send(3);
    assert!(poll(&mut send).is_pending());
    assert_eq!(rx.try_recv(), Ok(3));
}

#[test]
fn an_offer_beside_forgotten_receives_ends_with_the_last_receiver() {
    let (tx, rx) = bounded(0);
    let mut handed = rx.recv();
    assert!(poll(&mut handed).is_pending());
    assert_eq!(tx.try_send(0), Ok(()));
    let mut offering = offer(&tx, 1);
    assert!(poll(&mut offering).is_pending());
    let mut waiting = rx.recv();
    assert!(poll(&mut waiting).is_pending());
    std::mem::forget((handed, waiting));
    drop(rx);
    assert_eq!(poll(&mut offering), Poll::Ready(Err(SendError(1))));
}
