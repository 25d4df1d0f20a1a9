//! Policies, starts, and what a slow subscriber costs others.

use super::received;
use norace::bus::{Bus, Event, Policy, RecvError, Start, TryPublishError, TryRecvError};

fn filled(capacity: usize, count: u64) -> Bus<u64> {
    let bus = Bus::new(capacity);
    for value in 0..count {
        assert_eq!(bus.try_publish(value), Ok(value));
    }
    bus
}

#[test]
fn each_subscriber_sees_each_event_in_the_same_order() {
    let bus = Bus::new(8);
    let mut subscribers: Vec<_> =
        (0..3).map(|_| bus.subscribe(Policy::Block, Start::Tail)).collect();
    (0..8).for_each(|value| _ = bus.try_publish(value).expect("there is room"));
    for subscriber in &mut subscribers {
        assert_eq!(received(subscriber), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}

#[test]
fn a_subscriber_that_blocks_loses_nothing_and_refuses_publishers() {
    let bus = Bus::new(4);
    let mut slow = bus.subscribe(Policy::Block, Start::Tail);
    (0..4).for_each(|value| _ = bus.try_publish(value).expect("there is room"));
    assert_eq!(bus.try_publish(4), Err(TryPublishError::Full(4)));
    assert_eq!(slow.try_recv(), Ok(0));
    assert_eq!(bus.try_publish(4), Ok(4));
    assert_eq!(bus.try_publish(5), Err(TryPublishError::Full(5)));
    assert_eq!(received(&mut slow), [1, 2, 3, 4]);
    let metrics = bus.metrics();
    assert_eq!((metrics.refusals, metrics.subscribers[0].stalls), (2, 2));
}

#[test]
fn an_event_that_is_held_holds_publishers_back() {
    let bus = filled(2, 0);
    let mut slow = bus.subscribe(Policy::Block, Start::Tail);
    (0..2).for_each(|value| _ = bus.try_publish(value).expect("there is room"));
    let event = slow.try_next().expect("published");
    assert_eq!((Event::sequence(&event), *event), (0, 0));
    assert!(bus.try_publish(2).is_err());
    drop(event);
    assert_eq!(bus.try_publish(2), Ok(2));
}

#[test]
fn the_oldest_are_dropped_with_an_exact_count() {
    let bus = filled(4, 0);
    let mut slow = bus.subscribe(Policy::DropOldest, Start::Tail);
    (0..11).for_each(|value| _ = bus.try_publish(value).expect("never full"));
    assert_eq!(slow.depth(), 11);
    assert_eq!(slow.try_recv(), Err(TryRecvError::Lagged(7)));
    assert_eq!(received(&mut slow), [7, 8, 9, 10]);
    assert_eq!((slow.missed(), slow.skipped(), slow.position()), (7, 0, 11));
}

#[test]
fn the_newest_are_dropped_with_an_exact_count() {
    let bus = filled(8, 0);
    let mut slow = bus.subscribe(Policy::DropNewest { keep: 3 }, Start::Tail);
    (0..7).for_each(|value| _ = bus.try_publish(value).expect("never full"));
    assert_eq!(received(&mut slow), [0, 1, 2]);
    // The one received meanwhile ended in front of what was left out, and said so.
    assert_eq!((slow.missed(), slow.position()), (4, 7));
    bus.try_publish(7).expect("never full");
    assert_eq!(slow.try_recv(), Ok(7));
    (8..20).for_each(|value| _ = bus.try_publish(value).expect("never full"));
    assert_eq!(slow.try_recv(), Err(TryRecvError::Lagged(4)), "a whole ring behind");
    assert_eq!(received(&mut slow), [12, 13, 14]);
    assert_eq!(slow.missed(), 13);
}

#[test]
fn who_is_too_slow_is_disconnected() {
    let bus = filled(2, 0);
    let mut slow = bus.subscribe(Policy::Disconnect, Start::Tail);
    (0..2).for_each(|value| _ = bus.try_publish(value).expect("never full"));
    assert_eq!(slow.try_recv(), Ok(0));
    (2..5).for_each(|value| _ = bus.try_publish(value).expect("never full"));
    assert_eq!(bus.subscriber_count(), 1);
    assert_eq!(slow.try_recv(), Err(TryRecvError::Disconnected(2)));
    assert_eq!(bus.subscriber_count(), 0);
    assert_eq!(slow.recv_blocking(), Err(RecvError::Disconnected(2)), "for good");
}

#[test]
fn a_stalled_subscriber_that_does_not_block_is_noticed_by_nobody() {
    for policy in [Policy::DropOldest, Policy::DropNewest { keep: 1 }, Policy::Disconnect] {
        let bus = filled(4, 0);
        let mut other = bus.subscribe(Policy::Block, Start::Tail);
        let mut slow = bus.subscribe(policy, Start::Tail);
        bus.try_publish(0).expect("there is room");
        assert_eq!(other.try_recv(), Ok(0));
        let event = slow.try_next().expect("published");
        let mut voids = 0;
        for value in 1..100 {
            let sequence = bus.try_publish(value).expect("never full");
            assert_eq!(other.try_recv(), Ok(value), "in order, and none is lost");
            voids = sequence - value;
        }
        assert_eq!(*event, 0, "what is held stays");
        assert_eq!((voids, other.skipped(), bus.metrics().voids), (32, 32, 32), "one in a lap");
        assert_eq!((other.missed(), bus.metrics().refusals), (0, 0));
    }
}

#[test]
fn a_subscriber_starts_at_the_oldest_the_tail_or_a_sequence() {
    for policy in [Policy::Block, Policy::DropOldest] {
        let bus = filled(4, 10);
        let mut oldest = bus.subscribe(policy, Start::Oldest);
        let mut tail = bus.subscribe(policy, Start::Tail);
        let mut there = bus.subscribe(policy, Start::At(8));
        let mut gone = bus.subscribe(policy, Start::At(3));
        let mut to_come = bus.subscribe(policy, Start::At(11));
        assert_eq!(received(&mut oldest), [6, 7, 8, 9], "{policy:?}");
        assert_eq!(received(&mut tail), [0; 0]);
        assert_eq!(received(&mut there), [8, 9]);
        assert_eq!(gone.try_recv(), Err(TryRecvError::Lagged(3)));
        assert_eq!(received(&mut gone), [6, 7, 8, 9]);
        assert_eq!(to_come.try_recv(), Err(TryRecvError::Empty));
        (10..13).for_each(|value| _ = bus.try_publish(value).expect("there is room"));
        assert_eq!(received(&mut to_come), [11, 12]);
        assert_eq!(received(&mut tail), [10, 11, 12]);
    }
}

#[test]
fn without_subscribers_that_block_most_of_the_ring_can_be_read_again() {
    let bus = filled(64, 1000);
    assert_eq!(bus.subscribe(Policy::DropOldest, Start::Oldest).position(), 936);
    let oldest = bus.subscribe(Policy::Block, Start::Oldest).position();
    assert!((936..=944).contains(&oldest), "{oldest}");
}

#[test]
fn a_fork_goes_on_where_its_original_is() {
    let bus = filled(4, 3);
    let mut original = bus.subscribe(Policy::Block, Start::Oldest);
    assert_eq!(original.try_recv(), Ok(0));
    let mut fork = original.fork();
    assert_eq!(received(&mut original), [1, 2]);
    assert_eq!(received(&mut fork), [1, 2]);
}

#[test]
fn a_start_that_never_comes_is_waited_for() {
    for policy in [Policy::Block, Policy::DropOldest, Policy::Disconnect] {
        let bus = Bus::new(2);
        let mut never = bus.subscribe(policy, Start::At(u64::MAX));
        assert!(matches!(never.try_next(), Err(TryRecvError::Empty)));
        for number in 0..5 {
            bus.try_publish(number).unwrap();
        }
        assert!(matches!(never.try_next(), Err(TryRecvError::Empty)));
        assert_eq!(bus.metrics().subscribers[0].missed, 0);
    }
}

#[test]
fn leaving_lets_publishers_go_on() {
    let bus = filled(2, 0);
    let slow = bus.subscribe(Policy::Block, Start::Tail);
    let mut other = bus.subscribe(Policy::Block, Start::Tail);
    (0..2).for_each(|value| _ = bus.try_publish(value).expect("there is room"));
    assert_eq!(received(&mut other), [0, 1]);
    assert!(bus.try_publish(2).is_err());
    drop(slow);
    assert_eq!(bus.try_publish(2), Ok(2));
    assert_eq!(received(&mut other), [2]);
}

#[test]
fn metrics_say_who_is_behind() {
    let bus = filled(4, 0);
    let mut slow = bus.subscribe(Policy::DropOldest, Start::Tail);
    let _blocks = bus.subscribe(Policy::Block, Start::Tail);
    (0..4).for_each(|value| _ = bus.try_publish(value).expect("there is room"));
    slow.try_recv().expect("published");
    let metrics = bus.metrics();
    assert_eq!((metrics.sequences, metrics.voids), (4, 0));
    let depths: Vec<_> = metrics.subscribers.iter().map(|it| (it.policy, it.depth)).collect();
    assert_eq!(depths, [(Policy::DropOldest, 3), (Policy::Block, 4)]);
}

#[test]
#[should_panic(expected = "not a power of two")]
fn a_capacity_that_is_no_power_of_two_is_refused() {
    Bus::<u8>::new(3);
}

#[test]
#[should_panic(expected = "events to keep")]
fn keeping_more_than_there_are_slots_is_refused() {
    Bus::<u8>::new(2).subscribe(Policy::DropNewest { keep: 3 }, Start::Tail);
}
