//! Writing data and telling others that it is there; making it at the first use.

use super::{RACE, case, order};
use crate::case::Case;
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering, compiler_fence, fence};
use norace_prim::hint::spin_loop;
use norace_prim::sync::{Mutex, lock};
use norace_prim::thread::scope;

const PUBLICATION: &str = "Publication";
const FIRST_USE: &str = "First use";

/// All of this subject.
pub const CASES: &[Case] = &[
    case("flag_store", PUBLICATION, RACE, flag_store),
    case("flag_load", PUBLICATION, RACE, flag_load),
    case("flag_waited_for", PUBLICATION, RACE, flag_waited_for),
    case("fence_before_store", PUBLICATION, RACE, fence_before_store),
    case("fence_after_load", PUBLICATION, RACE, fence_after_load),
    case("fence_for_the_compiler", PUBLICATION, RACE, fence_for_the_compiler),
    case("pointer_dependency", PUBLICATION, RACE, pointer_dependency),
    case("second_store", PUBLICATION, RACE, second_store),
    case("release_sequence", PUBLICATION, RACE, release_sequence),
    case("messenger", PUBLICATION, RACE, messenger),
    case("double_checked", FIRST_USE, RACE, double_checked),
    case("once", FIRST_USE, RACE, once),
    case("lost_exchange", FIRST_USE, RACE, lost_exchange),
];

/// One writes and raises a flag; the other looks at the flag once, and reads if it is up.
fn publish(store: Ordering, load: Ordering) {
    let (data, ready) = (RaceCell::named("data", 0), AtomicBool::new(false));
    scope(|s| {
        s.spawn(|| {
            data.set(42);
            ready.store(true, store);
        });
        if ready.load(load) {
            assert_eq!(data.get(), 42);
        }
    });
}

/// The flag is raised without publishing.
fn flag_store(fixed: bool) {
    publish(order(fixed, Ordering::Release), Ordering::Acquire);
}

/// The flag is seen without learning what it stands for.
fn flag_load(fixed: bool) {
    publish(Ordering::Release, order(fixed, Ordering::Acquire));
}

/// The flag is waited for: a loop is no barrier.
fn flag_waited_for(fixed: bool) {
    let (data, ready) = (RaceCell::named("data", 0), AtomicBool::new(false));
    let seen = order(fixed, Ordering::Acquire);
    scope(|s| {
        s.spawn(|| {
            data.set(42);
            // Release: pairs with the load below.
            ready.store(true, Ordering::Release);
        });
        while !ready.load(seen) {
            spin_loop();
        }
        assert_eq!(data.get(), 42);
    });
}

/// The fence that makes a Relaxed store publish is after it.
fn fence_before_store(fixed: bool) {
    let (data, ready) = (RaceCell::named("data", 0), AtomicBool::new(false));
    scope(|s| {
        s.spawn(|| {
            data.set(42);
            if fixed {
                // Release: makes the store below publish what is above.
                fence(Ordering::Release);
            }
            // Relaxed: the fence above orders it.
            ready.store(true, Ordering::Relaxed);
            if !fixed {
                // Release: too late, there is nothing left to order.
                fence(Ordering::Release);
            }
        });
        // Acquire: pairs with the fence above, through the store.
        if ready.load(Ordering::Acquire) {
            assert_eq!(data.get(), 42);
        }
    });
}

/// The fence that makes a Relaxed load learn is before it.
fn fence_after_load(fixed: bool) {
    let (data, ready) = (RaceCell::named("data", 0), AtomicBool::new(false));
    scope(|s| {
        s.spawn(|| {
            data.set(42);
            // Release: pairs with the fence below, through the load.
            ready.store(true, Ordering::Release);
        });
        if !fixed {
            // Acquire: too early, nothing has been read.
            fence(Ordering::Acquire);
        }
        // Relaxed: the fence below orders it.
        if ready.load(Ordering::Relaxed) {
            if fixed {
                // Acquire: takes over what was read above.
                fence(Ordering::Acquire);
            }
            assert_eq!(data.get(), 42);
        }
    });
}

/// A fence for the compiler is none for the processor.
fn fence_for_the_compiler(fixed: bool) {
    let (data, ready) = (RaceCell::named("data", 0), AtomicBool::new(false));
    scope(|s| {
        s.spawn(|| {
            data.set(42);
            if fixed {
                // Release: makes the store below publish what is above.
                fence(Ordering::Release);
            } else {
                // Release: orders nothing between threads.
                compiler_fence(Ordering::Release);
            }
            // Relaxed: the fence above is to order it.
            ready.store(true, Ordering::Relaxed);
        });
        // Acquire: pairs with the fence above, through the store.
        if ready.load(Ordering::Acquire) {
            assert_eq!(data.get(), 42);
        }
    });
}

/// What a pointer leads to is not ordered by following it.
fn pointer_dependency(fixed: bool) {
    let places = [RaceCell::named("old", 1), RaceCell::named("new", 0)];
    let current = AtomicUsize::new(0);
    let followed = order(fixed, Ordering::Acquire);
    scope(|s| {
        s.spawn(|| {
            places[1].set(2);
            // Release: pairs with the load below.
            current.store(1, Ordering::Release);
        });
        assert_ne!(places[current.load(followed)].get(), 0);
    });
}

/// A second store of the same thread is not part of the first one's release sequence, since C++20.
fn second_store(fixed: bool) {
    let (data, state) = (RaceCell::named("data", 0), AtomicU32::new(0));
    let again = order(fixed, Ordering::Release);
    scope(|s| {
        s.spawn(|| {
            data.set(42);
            // Release: pairs with the load below if that reads 1.
            state.store(1, Ordering::Release);
            state.store(2, again);
        });
        // Acquire: pairs with the stores above.
        if state.load(Ordering::Acquire) > 0 {
            assert_eq!(data.get(), 42);
        }
    });
}

/// A read-modify-write carries on what it read; a load and a store do not.
fn release_sequence(fixed: bool) {
    let (data, state) = (RaceCell::named("data", 0), AtomicU32::new(0));
    scope(|s| {
        s.spawn(|| {
            data.set(42);
            // Release: pairs with the last load, through the addition.
            state.store(1, Ordering::Release);
        });
        s.spawn(|| {
            if fixed {
                // Relaxed: part of the release sequence of whatever it reads.
                state.fetch_add(1, Ordering::Relaxed);
            // Relaxed: takes over nothing, so that the store below has nothing to pass on.
            } else if state.load(Ordering::Relaxed) == 1 {
                // Relaxed: as above.
                state.store(2, Ordering::Relaxed);
            }
        });
        // Acquire: pairs with the first store.
        if state.load(Ordering::Acquire) == 2 {
            assert_eq!(data.get(), 42);
        }
    });
}

/// A messenger that does not learn what it passes on.
fn messenger(fixed: bool) {
    let data = RaceCell::named("data", 0);
    let (first, second) = (AtomicBool::new(false), AtomicBool::new(false));
    let learned = order(fixed, Ordering::Acquire);
    scope(|s| {
        s.spawn(|| {
            data.set(42);
            // Release: pairs with the messenger's load.
            first.store(true, Ordering::Release);
        });
        s.spawn(|| {
            if first.load(learned) {
                // Release: pairs with the load below.
                second.store(true, Ordering::Release);
            }
        });
        // Acquire: pairs with the messenger's store.
        if second.load(Ordering::Acquire) {
            assert_eq!(data.get(), 42);
        }
    });
}

/// The look that saves the lock learns nothing of what was made under it.
fn double_checked(fixed: bool) {
    let (value, made, guard) =
        (RaceCell::named("value", 0), AtomicBool::new(false), Mutex::new(()));
    let quick = order(fixed, Ordering::Acquire);
    let get = || {
        if !made.load(quick) {
            let _guard = lock(&guard);
            // Relaxed: who made it had the lock.
            if !made.load(Ordering::Relaxed) {
                value.set(42);
                // Release: pairs with the quick look.
                made.store(true, Ordering::Release);
            }
        }
        assert_eq!(value.get(), 42);
    };
    scope(|s| {
        s.spawn(get);
        get();
    });
}

const NEW: u32 = 0;
const BUSY: u32 = 1;
const MADE: u32 = 2;

/// The first makes the value, the others wait until it says so.
fn once(fixed: bool) {
    let (value, state) = (RaceCell::named("value", 0), AtomicU32::new(NEW));
    let done = order(fixed, Ordering::Release);
    let get = || {
        // Relaxed: to be the first teaches nothing. Acquire: pairs with the store of the one who was.
        match state.compare_exchange(NEW, BUSY, Ordering::Relaxed, Ordering::Acquire) {
            Ok(_) => {
                value.set(42);
                state.store(MADE, done);
            }
            Err(_) => {
                // Acquire: as above.
                while state.load(Ordering::Acquire) != MADE {
                    spin_loop();
                }
            }
        }
        assert_eq!(value.get(), 42);
    };
    scope(|s| {
        s.spawn(get);
        get();
    });
}

/// Both make a value of their own; who loses the exchange takes the other's, and has to learn of it.
fn lost_exchange(fixed: bool) {
    let places = [RaceCell::named("first", 0), RaceCell::named("second", 0)];
    let taken = AtomicUsize::new(usize::MAX);
    let lost = order(fixed, Ordering::Acquire);
    let get = |own: usize| {
        places[own].set(42);
        // Release: pairs with the exchange that fails.
        let chosen = taken.compare_exchange(usize::MAX, own, Ordering::Release, lost);
        assert_eq!(places[chosen.map_or_else(|winner| winner, |_| own)].get(), 42);
    };
    scope(|s| {
        s.spawn(|| get(0));
        get(1);
    });
}
