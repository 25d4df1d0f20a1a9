//! Locks of one's own.

use super::{RACE, case, order};
use crate::case::Case;
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use norace_prim::hint::spin_loop;
use norace_prim::thread::scope;

const SPIN_LOCK: &str = "Spin lock";
const MUTUAL_EXCLUSION: &str = "Mutual exclusion";
const SEQUENCE_LOCK: &str = "Sequence lock";
const RW_LOCK: &str = "Readers-writer lock";

/// All of this subject.
pub const CASES: &[Case] = &[
    case("spin_unlock", SPIN_LOCK, RACE, spin_unlock),
    case("spin_lock", SPIN_LOCK, RACE, spin_lock),
    case("look_then_lock", SPIN_LOCK, RACE, look_then_lock),
    case("ticket_unlock", SPIN_LOCK, RACE, ticket_unlock),
    case("dekker", MUTUAL_EXCLUSION, RACE, dekker),
    case("dekker_fences", MUTUAL_EXCLUSION, RACE, dekker_fences),
    case("peterson", MUTUAL_EXCLUSION, RACE, peterson),
    case("sequence_reader", SEQUENCE_LOCK, &["panic"], sequence_reader),
    case("sequence_writer", SEQUENCE_LOCK, &["panic"], sequence_writer),
    case("read_unlock", RW_LOCK, RACE, read_unlock),
    case("write_unlock", RW_LOCK, RACE, write_unlock),
];

/// Two that add to the same number, between what locks and what unlocks.
fn adding(lock: impl Fn() + Sync, unlock: impl Fn() + Sync) {
    let sum = RaceCell::named("sum", 0);
    let add = || {
        lock();
        sum.update(|n| n + 1);
        unlock();
    };
    scope(|s| {
        s.spawn(add);
        add();
    });
    assert_eq!(sum.get(), 2);
}

/// Takes a lock made of one flag.
fn spin(locked: &AtomicBool, taken: Ordering) {
    // Relaxed: nothing was taken, nothing is learned.
    while locked.compare_exchange(false, true, taken, Ordering::Relaxed).is_err() {
        spin_loop();
    }
}

/// The unlock does not publish what was done.
fn spin_unlock(fixed: bool) {
    let (locked, free) = (AtomicBool::new(false), order(fixed, Ordering::Release));
    adding(|| spin(&locked, Ordering::Acquire), || locked.store(false, free));
}

/// The lock does not learn what was done.
fn spin_lock(fixed: bool) {
    let (locked, taken) = (AtomicBool::new(false), order(fixed, Ordering::Acquire));
    // Release: pairs with what takes the lock.
    adding(|| spin(&locked, taken), || locked.store(false, Ordering::Release));
}

/// Between the look and the store somebody else may come.
fn look_then_lock(fixed: bool) {
    let locked = AtomicBool::new(false);
    let lock = || {
        if fixed {
            spin(&locked, Ordering::Acquire);
        } else {
            // Acquire: pairs with the unlock.
            while locked.load(Ordering::Acquire) {
                spin_loop();
            }
            // Relaxed: too late in any ordering.
            locked.store(true, Ordering::Relaxed);
        }
    };
    // Release: pairs with what takes the lock.
    adding(lock, || locked.store(false, Ordering::Release));
}

/// The next ticket is called without publishing what was done.
fn ticket_unlock(fixed: bool) {
    let (next, served) = (AtomicU32::new(0), AtomicU32::new(0));
    let call = order(fixed, Ordering::Release);
    let lock = || {
        // Relaxed: only has to be unique.
        let ticket = next.fetch_add(1, Ordering::Relaxed);
        // Acquire: pairs with the call of the one before.
        while served.load(Ordering::Acquire) != ticket {
            spin_loop();
        }
    };
    // Relaxed: the caller wrote it last itself, or saw it in the call that let it in.
    let unlock = || served.store(served.load(Ordering::Relaxed) + 1, call);
    adding(lock, unlock);
}

/// Each raises its flag and enters if the other's is down: both may be read before either is raised.
fn dekker(fixed: bool) {
    let (data, flags) = (RaceCell::named("data", 0), [const { AtomicBool::new(false) }; 2]);
    let (raise, look) = if fixed {
        (Ordering::SeqCst, Ordering::SeqCst)
    } else {
        (Ordering::Release, Ordering::Acquire)
    };
    let enter = |own: usize| {
        flags[own].store(true, raise);
        if !flags[1 - own].load(look) {
            data.set(own);
        }
    };
    scope(|s| {
        s.spawn(|| enter(0));
        enter(1);
    });
}

/// As above, with fences: acquire and release do not keep a load behind a store.
fn dekker_fences(fixed: bool) {
    let (data, flags) = (RaceCell::named("data", 0), [const { AtomicBool::new(false) }; 2]);
    let between = if fixed { Ordering::SeqCst } else { Ordering::AcqRel };
    let enter = |own: usize| {
        // Relaxed: the fence orders it.
        flags[own].store(true, Ordering::Relaxed);
        fence(between);
        // Relaxed: the fence orders it.
        if !flags[1 - own].load(Ordering::Relaxed) {
            data.set(own);
        }
    };
    scope(|s| {
        s.spawn(|| enter(0));
        enter(1);
    });
}

/// Peterson's algorithm: as above, and who comes second waits.
fn peterson(fixed: bool) {
    let (data, flags) = (RaceCell::named("data", 0), [const { AtomicBool::new(false) }; 2]);
    let turn = AtomicU32::new(0);
    let (store, load) = if fixed {
        (Ordering::SeqCst, Ordering::SeqCst)
    } else {
        (Ordering::Release, Ordering::Acquire)
    };
    let enter = |own: u32| {
        let [mine, other] = [own, 1 - own].map(|index| &flags[index as usize]);
        mine.store(true, store);
        turn.store(1 - own, store);
        while other.load(load) && turn.load(load) != own {
            spin_loop();
        }
        data.update(|n| n + 1);
        // Release: pairs with the load of the one who waits.
        mine.store(false, Ordering::Release);
    };
    scope(|s| {
        s.spawn(|| enter(0));
        enter(1);
    });
}

/// Two numbers that are always the same, under a sequence lock: odd while they are written.
struct Twins {
    sequence: AtomicU32,
    numbers: [AtomicU32; 2],
}

impl Twins {
    fn new() -> Self {
        Self { sequence: AtomicU32::new(0), numbers: Default::default() }
    }

    fn write(&self, value: u32, fenced: bool) {
        // Relaxed: there is one writer.
        let before = self.sequence.load(Ordering::Relaxed);
        // Relaxed: the fence orders it.
        self.sequence.store(before + 1, Ordering::Relaxed);
        if fenced {
            // Release: who reads a number that is written below, and fences, sees the odd sequence.
            fence(Ordering::Release);
        }
        for number in &self.numbers {
            // Relaxed: ordered by the fence above and the store below.
            number.store(value, Ordering::Relaxed);
        }
        // Release: pairs with the reader's first load.
        self.sequence.store(before + 2, Ordering::Release);
    }

    /// Both numbers, unless they are just being written.
    fn read(&self, fenced: bool) -> Option<[u32; 2]> {
        // Acquire: pairs with the writer's last store.
        let before = self.sequence.load(Ordering::Acquire);
        // Relaxed: ordered by the load above and the fence below.
        let numbers = [0, 1].map(|index: usize| self.numbers[index].load(Ordering::Relaxed));
        if fenced {
            // Acquire: pairs with the writer's fence, through the numbers.
            fence(Ordering::Acquire);
        }
        // Relaxed: the fence orders it.
        let after = self.sequence.load(Ordering::Relaxed);
        (before == after && before.is_multiple_of(2)).then_some(numbers)
    }
}

fn read_beside_write(writer_fenced: bool, reader_fenced: bool) {
    let twins = Twins::new();
    scope(|s| {
        s.spawn(|| twins.write(1, writer_fenced));
        if let Some([first, second]) = twins.read(reader_fenced) {
            assert_eq!(first, second, "torn");
        }
    });
}

/// The reader looks at the sequence again before it has read the numbers.
fn sequence_reader(fixed: bool) {
    read_beside_write(true, fixed);
}

/// The writer's numbers are seen before the odd sequence is.
fn sequence_writer(fixed: bool) {
    read_beside_write(fixed, true);
}

/// All that are inside: readers, or a writer.
const WRITER: u32 = u32::MAX;

/// A reader beside a writer.
fn reading_and_writing(leave_read: Ordering, leave_write: Ordering) {
    let (data, inside) = (RaceCell::named("data", 0), AtomicU32::new(0));
    scope(|s| {
        s.spawn(|| {
            // Acquire: pairs with who left. Relaxed: nothing was taken.
            let enter = |n: u32| {
                inside.compare_exchange(n, n + 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
            };
            if enter(0) {
                data.get();
                inside.fetch_sub(1, leave_read);
            }
        });
        // Acquire: pairs with who left. Relaxed: nothing was taken.
        if inside.compare_exchange(0, WRITER, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            data.set(1);
            inside.store(0, leave_write);
        }
    });
}

/// A reader has nothing to publish, but it has to be done before a writer begins.
fn read_unlock(fixed: bool) {
    reading_and_writing(order(fixed, Ordering::Release), Ordering::Release);
}

/// A writer leaves without publishing what it wrote.
fn write_unlock(fixed: bool) {
    reading_and_writing(Ordering::Release, order(fixed, Ordering::Release));
}
