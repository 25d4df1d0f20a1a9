//! Reference counts, one-shot channels, rings and stacks.

use super::{RACE, case, order};
use crate::case::Case;
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use norace_prim::hint::spin_loop;
use norace_prim::thread::scope;

const REFERENCE_COUNT: &str = "Reference count";
const ONE_SHOT: &str = "One-shot channel";
const RING: &str = "Ring";
const STACK: &str = "Stack";
const BARRIER: &str = "Barrier";

/// All of this subject.
pub const CASES: &[Case] = &[
    case("count_down", REFERENCE_COUNT, RACE, count_down),
    case("count_down_fence", REFERENCE_COUNT, RACE, count_down_fence),
    case("only_owner", REFERENCE_COUNT, RACE, only_owner),
    case("one_shot_ready", ONE_SHOT, RACE, one_shot_ready),
    case("one_shot_two_senders", ONE_SHOT, RACE, one_shot_two_senders),
    case("one_shot_two_receivers", ONE_SHOT, RACE, one_shot_two_receivers),
    case("ring_producer", RING, RACE, ring_producer),
    case("ring_consumer", RING, RACE, ring_consumer),
    case("stack_push", STACK, RACE, stack_push),
    case("stack_pop", STACK, RACE, stack_pop),
    case("barrier_arrive", BARRIER, RACE, barrier_arrive),
];

/// Two owners that read and let go; the last one drops.
fn dropping(down: Ordering, fenced: bool) {
    let (value, count) = (RaceCell::named("value", 42), AtomicUsize::new(2));
    let let_go = || {
        assert_eq!(value.get(), 42);
        if count.fetch_sub(1, down) == 1 {
            if fenced {
                // Acquire: pairs with the other's decrement.
                fence(Ordering::Acquire);
            }
            value.set(0);
        }
    };
    scope(|s| {
        s.spawn(let_go);
        let_go();
    });
}

/// The decrement does not say that its owner is done with the value.
fn count_down(fixed: bool) {
    dropping(order(fixed, Ordering::Release), true);
}

/// The last owner does not learn that the others are done.
fn count_down_fence(fixed: bool) {
    dropping(Ordering::Release, fixed);
}

/// A count of one is seen, but not what the other owner did before it let go.
fn only_owner(fixed: bool) {
    let (value, count) = (RaceCell::named("value", 42), AtomicUsize::new(2));
    let alone = order(fixed, Ordering::Acquire);
    scope(|s| {
        s.spawn(|| {
            assert_eq!(value.get(), 42);
            // Release: pairs with the look below.
            count.fetch_sub(1, Ordering::Release);
        });
        if count.load(alone) == 1 {
            value.set(0);
        }
    });
}

/// The message is said to be there without being published.
fn one_shot_ready(fixed: bool) {
    let (message, ready) = (RaceCell::named("message", None), AtomicBool::new(false));
    let sent = order(fixed, Ordering::Release);
    scope(|s| {
        s.spawn(|| {
            message.set(Some(42));
            ready.store(true, sent);
        });
        // Acquire: pairs with the sender's store.
        if ready.swap(false, Ordering::Acquire) {
            assert_eq!(message.replace(None), Some(42));
        }
    });
}

/// Whether somebody sends already is asked and said in two steps.
fn one_shot_two_senders(fixed: bool) {
    let (message, in_use) = (RaceCell::named("message", 0), AtomicBool::new(false));
    let send = |value| {
        let first = if fixed {
            // Relaxed: only one may come first; nothing was written before.
            !in_use.swap(true, Ordering::Relaxed)
        } else {
            // Relaxed: too little in any ordering.
            let free = !in_use.load(Ordering::Relaxed);
            // Relaxed: as above.
            in_use.store(true, Ordering::Relaxed);
            free
        };
        if first {
            message.set(value);
        }
    };
    scope(|s| {
        s.spawn(|| send(1));
        send(2);
    });
}

/// Whether the message is there is asked without taking it.
fn one_shot_two_receivers(fixed: bool) {
    let (message, ready) = (RaceCell::named("message", Some(42)), AtomicBool::new(true));
    let receive = || {
        let mine = if fixed {
            // Acquire: pairs with the sender, who is the main thread here.
            ready.swap(false, Ordering::Acquire)
        } else {
            // Acquire: as above.
            ready.load(Ordering::Acquire)
        };
        if mine {
            message.replace(None);
        }
    };
    scope(|s| {
        s.spawn(receive);
        s.spawn(receive);
    });
}

/// A ring of one place between one producer and one consumer, for two values.
fn ring(pushed: Ordering, popped: Ordering) {
    let place = RaceCell::named("place", 0);
    let (head, tail) = (AtomicUsize::new(0), AtomicUsize::new(0));
    scope(|s| {
        s.spawn(|| {
            for value in 1..=2 {
                // Acquire: pairs with the consumer's store: the place is free.
                while head.load(Ordering::Acquire) + 1 < value {
                    spin_loop();
                }
                place.set(value);
                tail.store(value, pushed);
            }
        });
        for value in 1..=2 {
            // Acquire: pairs with the producer's store: the place is full.
            while tail.load(Ordering::Acquire) < value {
                spin_loop();
            }
            assert_eq!(place.get(), value);
            head.store(value, popped);
        }
    });
}

/// The place is said to be full without publishing what is in it.
fn ring_producer(fixed: bool) {
    ring(order(fixed, Ordering::Release), Ordering::Release);
}

/// The place is said to be free before it was read.
fn ring_consumer(fixed: bool) {
    ring(Ordering::Release, order(fixed, Ordering::Release));
}

/// No node.
const NIL: usize = usize::MAX;

/// One pushes a node, the other pops it: Treiber's stack.
fn stack(pushed: Ordering, popped: Ordering) {
    let (value, next) = (RaceCell::named("value", 0), RaceCell::named("next", NIL));
    let top = AtomicUsize::new(NIL);
    scope(|s| {
        s.spawn(|| {
            value.set(42);
            // Relaxed: what is there is not looked into.
            let below = top.load(Ordering::Relaxed);
            next.set(below);
            // Relaxed: nobody else pushes, and nothing is popped before.
            let put = top.compare_exchange(below, 0, pushed, Ordering::Relaxed);
            assert_eq!(put, Ok(NIL));
        });
        let found = top.load(popped);
        if found != NIL {
            // Relaxed: nothing is published, and what was pushed was learned above. Relaxed: nobody else pops.
            let taken =
                top.compare_exchange(found, next.get(), Ordering::Relaxed, Ordering::Relaxed);
            assert_eq!((taken, value.get()), (Ok(0), 42));
        }
    });
}

/// The node is pushed without publishing what is in it.
fn stack_push(fixed: bool) {
    stack(order(fixed, Ordering::Release), Ordering::Acquire);
}

/// The node is looked into without learning what is in it.
fn stack_pop(fixed: bool) {
    stack(Ordering::Release, order(fixed, Ordering::Acquire));
}

/// Two that write, meet, and read what the other one wrote.
fn barrier_arrive(fixed: bool) {
    let data = [RaceCell::named("first", 0), RaceCell::named("second", 0)];
    let (arrived, open) = (AtomicUsize::new(0), AtomicBool::new(false));
    let arrive = if fixed { Ordering::AcqRel } else { Ordering::Relaxed };
    let meet = |own: usize| {
        data[own].set(42);
        if arrived.fetch_add(1, arrive) == 1 {
            // Release: pairs with the load below.
            open.store(true, Ordering::Release);
        } else {
            // Acquire: pairs with the store of the last one.
            while !open.load(Ordering::Acquire) {
                spin_loop();
            }
        }
        assert_eq!(data[1 - own].get(), 42);
    };
    scope(|s| {
        s.spawn(|| meet(0));
        meet(1);
    });
}
