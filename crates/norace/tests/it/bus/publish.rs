//! Publishing: batches, in place, panics, closing.

use super::received;
use norace::bus::{Bus, Policy, PublishError, RecvError, Start, TryPublishError, TryRecvError};
use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

#[test]
fn a_batch_takes_what_there_is_room_for() {
    let bus = Bus::new(4);
    let mut subscriber = bus.subscribe(Policy::Block, Start::Tail);
    let mut values: VecDeque<u32> = (0..6).collect();
    assert_eq!(bus.try_publish_many(&mut values), Ok(4));
    assert_eq!(values, [4, 5]);
    assert_eq!(bus.try_publish_many(&mut values), Err(TryPublishError::Full(())));
    let mut seen = Vec::new();
    assert_eq!(subscriber.try_drain(3, |sequence, &value| seen.push((sequence, value))), Ok(3));
    assert_eq!(seen, [(0, 0), (1, 1), (2, 2)]);
    assert_eq!(bus.try_publish_many(&mut values), Ok(2));
    assert_eq!(received(&mut subscriber), [3, 4, 5]);
    assert_eq!(bus.try_publish_many(&mut values), Ok(0));
    assert_eq!(subscriber.try_drain(3, |_, _| {}), Err(TryRecvError::Empty));
}

#[test]
fn a_batch_goes_around_a_slot_that_is_held() {
    let bus = Bus::new(4);
    let mut other = bus.subscribe(Policy::Block, Start::Tail);
    let mut slow = bus.subscribe(Policy::DropOldest, Start::Tail);
    bus.try_publish(0).expect("there is room");
    let _event = slow.try_next().expect("published");
    other.try_recv().expect("published");
    assert_eq!(bus.try_publish_many(&mut (1..=4).collect()), Ok(3), "one of four is void");
    assert_eq!(received(&mut other), [1, 2, 3]);
}

/// Long enough to be published in several pieces, with a slot that is held, one that is left empty and a panic.
#[test]
fn a_long_batch_is_whole_up_to_where_it_fails() {
    for (held, empty, fails) in [(0, 5, 98), (31, 32, 63), (32, 31, 64), (63, 64, 65), (40, 41, 90)]
    {
        let bus = Bus::new(128);
        let mut other = bus.subscribe(Policy::Block, Start::Tail);
        let mut slow = bus.subscribe(Policy::DropOldest, Start::At(held));
        bus.try_publish_many(&mut (0..128).collect()).expect("there is room");
        let event = slow.try_next().expect("published");
        assert_eq!((*event, received(&mut other).len()), (held, 128));
        let mut calls = 0..;
        let filling = || {
            bus.try_publish_batch(100, |slot| {
                let call = calls.next().expect("without end");
                assert!(call < fails, "it fails");
                *slot = (call != empty).then_some(call);
            })
        };
        assert!(catch_unwind(AssertUnwindSafe(filling)).is_err());
        drop(event);
        let expected: Vec<_> = (0..fails).filter(|call| *call != empty).collect();
        assert_eq!(received(&mut other), expected);
        assert_eq!(other.skipped(), 100 - expected.len() as u64);
        assert_eq!(other.position(), 228);
    }
}

#[test]
fn a_slot_is_filled_in_place_and_used_again() {
    let bus = Bus::<Vec<u8>>::new(2);
    let mut subscriber = bus.subscribe(Policy::Block, Start::Tail);
    let fill = |slot: &mut Option<Vec<u8>>| {
        let bytes = slot.get_or_insert_with(|| Vec::with_capacity(100));
        assert_eq!(bytes.capacity(), 100, "the allocation of the lap before");
        bytes.clear();
        bytes.push(7);
    };
    for sequence in 0..2 {
        assert_eq!(bus.try_publish_with(fill).ok(), Some(sequence));
        subscriber.try_next().expect("published");
    }
    let again = bus.try_publish_with(|slot| {
        assert!(slot.is_some());
        fill(slot);
    });
    assert_eq!(again.ok(), Some(2));
    assert_eq!(*subscriber.try_next().expect("published"), [7]);
}

#[test]
fn a_refused_closure_comes_back_unused() {
    let bus = Bus::<u8>::new(1);
    let _slow = bus.subscribe(Policy::Block, Start::Tail);
    bus.try_publish(1).expect("there is room");
    let used = Cell::new(0);
    let Err(TryPublishError::Full(fill)) = bus.try_publish_with(|_| used.set(1)) else {
        panic!("the bus is full");
    };
    assert_eq!(used.get(), 0);
    fill(&mut None);
    assert_eq!(used.get(), 1);
}

#[test]
fn a_slot_that_is_left_empty_is_passed_over() {
    let bus = Bus::new(2);
    let mut subscriber = bus.subscribe(Policy::Block, Start::Tail);
    assert_eq!(bus.try_publish_with(|_| ()).ok(), Some(0));
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(bus.try_publish(1), Ok(1));
    assert_eq!(subscriber.try_recv(), Ok(1));
    assert_eq!((subscriber.skipped(), subscriber.missed()), (1, 0));
}

#[test]
fn a_panic_while_filling_costs_its_sequences_and_nothing_else() {
    for policy in [Policy::Block, Policy::DropOldest] {
        let bus = Bus::new(4);
        let mut subscriber = bus.subscribe(policy, Start::Tail);
        for round in 0..10 {
            let single = || bus.try_publish_with(|_| panic!("single"));
            assert!(catch_unwind(AssertUnwindSafe(single)).is_err());
            let calls = Cell::new(0);
            let batch = || {
                bus.try_publish_batch(3, |slot| {
                    calls.set(calls.get() + 1);
                    assert!(calls.get() < 2, "the second");
                    *slot = Some(round);
                })
            };
            assert!(catch_unwind(AssertUnwindSafe(batch)).is_err());
            assert_eq!(received(&mut subscriber), [round]);
        }
        assert_eq!((subscriber.skipped(), subscriber.missed()), (30, 0));
    }
}

#[test]
fn a_panic_while_handling_costs_that_event_and_nothing_else() {
    for policy in [Policy::Block, Policy::DropOldest] {
        let bus = Bus::new(4);
        let mut subscriber = bus.subscribe(policy, Start::Tail);
        for round in 0..10 {
            (0..4).for_each(|value| _ = bus.try_publish(round * 10 + value).expect("room"));
            let handle = || subscriber.try_drain(4, |_, value| assert!(value % 10 < 1, "handled"));
            assert!(catch_unwind(AssertUnwindSafe(handle)).is_err());
            assert_eq!(received(&mut subscriber), [round * 10 + 2, round * 10 + 3]);
        }
    }
}

#[test]
fn a_value_whose_drop_panics_is_replaced_all_the_same() {
    struct Fragile(u32);
    impl Drop for Fragile {
        fn drop(&mut self) {
            assert!(self.0 != 0, "dropped");
        }
    }
    let bus = Bus::new(1);
    bus.try_publish(Fragile(0)).expect("never full");
    let mut subscriber = bus.subscribe(Policy::DropOldest, Start::Tail);
    assert!(catch_unwind(AssertUnwindSafe(|| bus.try_publish(Fragile(1)))).is_err());
    assert_eq!(subscriber.try_next().expect("published").0, 1);
}

#[test]
fn a_closed_bus_takes_nothing_and_gives_what_it_has() {
    let bus = Bus::new(4);
    let mut subscriber = bus.subscribe(Policy::Block, Start::Tail);
    bus.try_publish(1).expect("there is room");
    assert!(bus.close() && !bus.close() && bus.is_closed());
    assert_eq!(bus.try_publish(2), Err(TryPublishError::Closed(2)));
    assert_eq!(bus.publish_blocking(2), Err(PublishError(2)));
    assert_eq!(subscriber.recv_blocking(), Ok(1));
    assert_eq!(subscriber.recv_blocking(), Err(RecvError::Closed));
    let mut late = bus.subscribe(Policy::DropOldest, Start::Oldest);
    assert_eq!(late.recv_blocking(), Ok(1));
    assert_eq!(late.recv_blocking(), Err(RecvError::Closed));
}

#[test]
fn dropping_the_last_publisher_closes() {
    let bus = Bus::<u8>::new(2);
    let mut subscriber = bus.subscribe(Policy::Block, Start::Tail);
    let weak = bus.downgrade();
    drop(bus.clone());
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Empty));
    let again = weak.upgrade().expect("there is one");
    assert!(again.same_bus(&bus));
    drop((bus, again));
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Closed));
    assert!(weak.upgrade().is_none());
}

#[test]
fn a_value_is_dropped_when_it_is_overwritten_or_the_bus_goes() {
    let whole = Arc::new(());
    let bus = Bus::new(2);
    let mut subscriber = bus.subscribe(Policy::DropOldest, Start::Tail);
    (0..5).for_each(|_| _ = bus.try_publish(whole.clone()).expect("never full"));
    assert_eq!(Arc::strong_count(&whole), 3);
    drop(bus);
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Lagged(3)));
    drop(subscriber);
    assert_eq!(Arc::strong_count(&whole), 1);
}

#[test]
fn the_ends_go_to_other_threads_and_are_shared() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    send::<Bus<String>>();
    sync::<Bus<String>>();
    send::<norace::bus::Subscriber<String>>();
    sync::<norace::bus::Subscriber<String>>();
    send::<norace::bus::Next<'_, String>>();
    send::<norace::bus::Publish<'_, String>>();
}
