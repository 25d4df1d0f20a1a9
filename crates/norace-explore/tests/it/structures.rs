//! Algorithms and data structures with the numbers of executions that GenMC publishes (`tests/correct/synthetic` and
//! `tests/correct/data-structures`).
//!
//! GenMC takes an iteration that changed nothing and begins anew for an assumption that failed, and does not count it;
//! a failed compare-exchange changes nothing, nor does a swap that leaves the value. Here that is written out, with
//! what `values` has for assumptions. Loops that do change something in each iteration are loops. Of `ms-queue` the
//! number is met when the loop of `dequeue` is read so and that of `enqueue` is not, which is what GenMC seems to do;
//! all iterations counted there are 114, none 26.
//!
//! Left out are structures whose numbers rest on bounded unrolling (`hw-queue`, `mpmc-queue`, `linuxrwlocks`), on
//! hazard pointers and `malloc` (the `-dynamic` ones, `stc`), on races that are not looked for (`chase-lev`, `dq`,
//! `qu`, `buf_ring`), and large clients.

use norace_explore::cell::RaceCell;
use norace_explore::sync::Mutex;
use norace_explore::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use norace_explore::sync::atomic::{AtomicU32, AtomicU64, fence};
use norace_explore::thread::scope;

use crate::values::{Row, assume, at_zero, check};

/// Runs `body` in `N` threads, numbered from 0; what it returns is dropped.
fn each<const N: u32, T: Send>(body: impl Fn(u32) -> T + Sync) {
    let body = &body;
    scope(|s| {
        for thread in 0..N {
            s.spawn(move || body(thread));
        }
    });
}

fn increments<const N: u32, const LOCATIONS: usize>() {
    let places = &at_zero::<LOCATIONS>();
    each::<N, _>(|_| {
        places.iter().for_each(|place| _ = place.fetch_add(1, Relaxed));
    });
}

fn store_beside_increments<const N: u32>() {
    let [x] = &at_zero();
    scope(|s| {
        s.spawn(|| x.store(42, Release));
        each::<N, _>(|_| _ = x.fetch_add(1, Relaxed));
    });
}

fn reads_then_writes<const N: u32>() {
    let [x] = &at_zero();
    each::<N, _>(|thread| {
        x.load(Relaxed);
        x.store(thread, Release);
    });
}

fn write_beside_reads_then_writes<const N: u32>() {
    let [x] = &at_zero();
    scope(|s| {
        s.spawn(|| x.store(1, Release));
        each::<N, _>(|thread| {
            x.load(Relaxed);
            x.store(thread, Release);
        });
    });
}

fn writers<const N: u32>() {
    let [x] = &at_zero();
    scope(|s| {
        s.spawn(|| x.load(Acquire));
        each::<N, _>(|thread| x.store(thread, Release));
    });
}

fn readers<const N: u32>() {
    let [x] = &at_zero();
    scope(|s| {
        s.spawn(|| x.store(42, Release));
        each::<N, _>(|_| _ = x.load(Acquire));
    });
}

fn exchanges<const N: u32>() {
    let [x] = &at_zero();
    each::<N, _>(|thread| _ = x.compare_exchange(0, thread + 1, Relaxed, Relaxed));
}

fn rotation<const N: u32>() {
    let [x] = &at_zero();
    each::<N, _>(|thread| _ = x.compare_exchange(thread, thread + 1, Relaxed, Relaxed));
}

fn exchange_then_write<const N: u32>() {
    let [x] = &at_zero();
    each::<N, _>(|thread| {
        _ = x.compare_exchange(0, 1, Relaxed, Relaxed);
        x.store(thread + 3, Release);
    });
}

fn write_beside_exchanges<const N: u32>() {
    let [x] = &at_zero();
    scope(|s| {
        s.spawn(|| x.store(2, Release));
        each::<N, _>(|_| _ = x.compare_exchange(2, 3, Relaxed, Relaxed));
    });
}

/// Two threads read what `N - 1` others write.
fn coherence<const OTHERS: u32>() {
    let [x, y, z] = &at_zero();
    let read = |value: u32, other: &AtomicU32| {
        x.store(value, Release);
        other.load(Acquire);
        x.load(Acquire);
    };
    scope(|s| {
        s.spawn(|| read(1, y));
        s.spawn(|| read(2, z));
        each::<OTHERS, _>(|thread| {
            y.store(thread, Release);
            z.store(thread, Release);
        });
    });
}

/// A hash table of 128 places; with twelve threads some meet.
fn indexer<const N: u32>() {
    let table = &at_zero::<128>();
    each::<N, _>(|thread| {
        for i in 0..4 {
            let value = i * 11 + thread;
            let mut hash = (value * 7 % 128) as usize;
            while table[hash].compare_exchange(0, value, Relaxed, Relaxed).is_err() {
                hash = (hash + 1) % 128;
            }
        }
    });
}

/// Each writer adds one to what its neighbour wrote; the reader looks for the last zero.
fn last_zero<const N: u32, const PLACES: usize>() {
    let array = &at_zero::<PLACES>();
    scope(|s| {
        s.spawn(|| {
            let mut at = N as usize;
            while array[at].load(Acquire) != 0 {
                at -= 1;
            }
        });
        each::<N, _>(|thread| {
            let before = array[thread as usize].load(Acquire);
            array[thread as usize + 1].store(before + 1, Release);
        });
    });
}

/// A lock around reads and writes of some places.
fn locked<const N: u32, const PLACES: usize>() {
    let (lock, places) = (Mutex::new(()), &at_zero::<PLACES>());
    each::<N, _>(|_| {
        let _guard = lock.lock().unwrap();
        places.iter().for_each(|place| place.store(place.load(Relaxed) + 1, Relaxed));
    });
}

fn par_length() {
    let [v, first, second] = &at_zero();
    each::<2, _>(|thread| {
        let local = if thread == 0 { first } else { second };
        for i in 0..5 {
            local.store(i, SeqCst);
            local.load(SeqCst);
        }
        v.store(thread, SeqCst);
        v.load(SeqCst);
    });
}

/// A reader that looks up to 41 times.
fn publish() {
    let [x, flag] = &at_zero();
    scope(|s| {
        s.spawn(|| {
            let seen = (0..41).any(|_| flag.load(Acquire) == 1);
            if seen {
                assert_eq!(x.load(Acquire), 42);
            }
        });
        s.spawn(|| {
            x.store(42, Release);
            flag.store(1, Release);
        });
    });
}

const SYNTHETIC: &[Row] = &[
    ("ainc-2", [2, 2], increments::<2, 1>),
    ("ainc-5", [120, 120], increments::<5, 1>),
    ("ainc-7", [5_040, 5_040], increments::<7, 1>),
    ("binc-4", [576, 576], increments::<4, 2>),
    ("cinc-3", [216, 216], increments::<3, 3>),
    ("wainc-4", [120, 120], store_beside_increments::<4>),
    ("rw-3", [36, 36], reads_then_writes::<3>),
    ("rw-4", [576, 576], reads_then_writes::<4>),
    ("wrw-3", [300, 300], write_beside_reads_then_writes::<3>),
    ("wrw-4", [6_576, 6_576], write_beside_reads_then_writes::<4>),
    ("N-writers", [720, 720], writers::<5>),
    ("readers-8", [256, 256], readers::<8>),
    ("readers-13", [8_192, 8_192], readers::<13>),
    ("cas-5", [5, 5], exchanges::<5>),
    ("casrot-5", [43, 43], rotation::<5>),
    ("casrot-8", [2_048, 2_048], rotation::<8>),
    ("casw-3", [66, 66], exchange_then_write::<3>),
    ("casw-4", [1_200, 1_200], exchange_then_write::<4>),
    ("wcas-5", [81, 81], write_beside_exchanges::<5>),
    ("wcas-9", [2_305, 2_305], write_beside_exchanges::<9>),
    ("CoA-2", [16, 15], coherence::<1>),
    ("CoA-3", [144, 130], coherence::<2>),
    ("CoA-4", [2_304, 2_028], coherence::<3>),
    ("indexer-12", [8, 8], indexer::<12>),
    ("lastzero-5", [64, 64], last_zero::<5, 6>),
    ("lastzero-10", [3_328, 3_328], last_zero::<10, 11>),
    ("lockinc-5", [120, 120], locked::<5, 1>),
    ("lock2inc-5", [120, 120], locked::<5, 2>),
    ("par_length", [4, 4], par_length),
    ("publish", [42, 42], publish),
];

fn big0() {
    let [x, y, z, w] = &at_zero();
    let read = |places: &[&AtomicU32]| places.iter().for_each(|place| _ = place.load(Acquire));
    let write = |first: &AtomicU32, second: &AtomicU32| {
        for value in 1..=3 {
            first.store(value, Release);
            second.store(value, Release);
        }
    };
    scope(|s| {
        s.spawn(|| read(&[x, y, z, w, x, y, z]));
        s.spawn(|| read(&[x, y, z]));
        s.spawn(|| write(x, y));
        s.spawn(|| write(z, w));
    });
}

/// Two threads add to each other's number; a third sees that neither grows too large.
fn fib_bench() {
    let (x, y) = (&AtomicU32::new(1), &AtomicU32::new(1));
    let add = |to: &AtomicU32| {
        for _ in 0..5 {
            to.store(x.load(Acquire) + y.load(Acquire), Release);
        }
    };
    scope(|s| {
        s.spawn(|| add(x));
        s.spawn(|| add(y));
        s.spawn(|| assert!(x.load(Acquire) <= 144 && y.load(Acquire) <= 144));
    });
}

const LARGE: &[Row] = &[
    ("cinc-4", [13_824, 13_824], increments::<4, 3>),
    ("casrot-9", [8_597, 8_597], rotation::<9>),
    ("casw-5", [32_880, 32_880], exchange_then_write::<5>),
    ("CoA-5", [57_600, 49_776], coherence::<4>),
    ("indexer-15", [4_096, 4_096], indexer::<15>),
    ("lastzero-15", [147_456, 147_456], last_zero::<15, 16>),
    ("big0", [82_472, 69_112], big0),
    ("fib_bench", [525_630, 218_243], fib_bench),
];

fn dekker_fences() {
    let [x, y, c] = &at_zero();
    let enter = |own: &AtomicU32, other: &AtomicU32, value: u32| {
        own.store(1, Relaxed);
        fence(SeqCst);
        if other.load(Relaxed) == 0 {
            c.store(value, Relaxed);
            assert_eq!(c.load(Relaxed), value);
        }
    };
    scope(|s| {
        s.spawn(|| enter(y, x, 1));
        s.spawn(|| enter(x, y, 0));
    });
}

fn dekker_seen() {
    let [x, y, z1, z2] = &at_zero();
    let enter = |own: &AtomicU32, other: &AtomicU32, entered: &AtomicU32| {
        own.store(1, SeqCst);
        if other.load(SeqCst) == 0 {
            entered.store(1, Relaxed);
        }
    };
    let both = || z1.load(Relaxed) != 0 && z2.load(Relaxed) != 0;
    scope(|s| {
        s.spawn(|| enter(y, x, z1));
        s.spawn(|| enter(x, y, z2));
        s.spawn(|| assert!(!both()));
        s.spawn(|| assert!(!both()));
    });
}

fn peterson(store: Ordering, load: Ordering) {
    let [first, second, turn, x] = &at_zero();
    let enter = |own: &AtomicU32, other: &AtomicU32, me: u32| {
        own.store(1, store);
        turn.store(me, store);
        assume(other.load(load) != 1 || turn.load(load) != me)?;
        x.store(1 - me, store);
        x.load(load);
        own.store(0, store);
        Some(())
    };
    scope(|s| {
        s.spawn(|| enter(first, second, 1));
        s.spawn(|| enter(second, first, 0));
    });
}

/// One step of a flag in Szymanski's algorithm.
fn step(flag: &AtomicU32, value: u32) {
    flag.store(value, Relaxed);
    fence(SeqCst);
}

fn szymanski() {
    let [first, second, x] = &at_zero();
    let enter = |own: &AtomicU32, other: &AtomicU32, me: u32| {
        step(own, 1);
        assume(other.load(Relaxed) < 3)?;
        step(own, 3);
        if other.load(Relaxed) == 1 {
            step(own, 2);
            assume(other.load(Relaxed) == 4)?;
        }
        step(own, 4);
        assume(other.load(Relaxed) < 2)?;
        x.store(me, Relaxed);
        x.load(Relaxed);
        assert_eq!(x.load(Relaxed), me);
        fence(SeqCst);
        assume(2 > other.load(Relaxed) || other.load(Relaxed) > 3)?;
        own.store(0, Relaxed);
        Some(())
    };
    scope(|s| {
        s.spawn(|| enter(first, second, 0));
        s.spawn(|| enter(second, first, 1));
    });
}

/// Lamport's fast mutual exclusion, for two.
fn lamport() {
    let [b1, b2, x, y] = &at_zero();
    let enter = |own: &AtomicU32, other: &AtomicU32, me: u32| {
        loop {
            own.store(1, SeqCst);
            x.store(me, SeqCst);
            if y.load(SeqCst) != 0 {
                own.store(0, SeqCst);
                assume(y.load(SeqCst) == 0)?;
                continue;
            }
            y.store(me, SeqCst);
            if x.load(SeqCst) != me {
                own.store(0, SeqCst);
                let flags = if me == 1 { [own, other] } else { [other, own] };
                for flag in flags {
                    assume(flag.load(SeqCst) == 0)?;
                }
                if y.load(SeqCst) != me {
                    assume(y.load(SeqCst) == 0)?;
                    continue;
                }
            }
            break;
        }
        y.store(0, SeqCst);
        own.store(0, SeqCst);
        Some(())
    };
    scope(|s| {
        s.spawn(|| enter(b1, b2, 1));
        s.spawn(|| enter(b2, b1, 2));
    });
}

const MUTUAL_EXCLUSION: &[Row] = &[
    ("dekker_f", [3, 3], dekker_fences),
    ("dekker2-fixed", [6, 6], dekker_seen),
    ("peterson", [22, 4], || peterson(Release, Acquire)),
    ("peterson-sc", [4, 4], || peterson(SeqCst, SeqCst)),
    ("szymanski", [6, 6], szymanski),
    ("lamport", [16, 16], lamport),
];

/// Two threads that write and read plain data between `lock` and `unlock`.
fn critical(lock: impl Fn(u32) -> Option<()> + Sync, unlock: impl Fn(u32) + Sync) {
    let shared = RaceCell::named("shared", 0);
    each::<2, _>(|thread| {
        lock(thread)?;
        shared.set(thread);
        assert_eq!(shared.get(), thread);
        unlock(thread);
        Some(())
    });
}

fn spin_lock() {
    let [lock] = &at_zero();
    let acquire = |_| {
        assume(lock.load(Relaxed) == 0)?;
        assume(lock.compare_exchange(0, 1, Acquire, Acquire).is_ok())
    };
    critical(acquire, |_| lock.store(0, Release));
}

fn ttas_lock() {
    let [state] = &at_zero();
    let acquire = |_| {
        assume(state.load(Relaxed) == 0)?;
        assume(state.swap(1, Acquire) == 0)
    };
    critical(acquire, |_| state.store(0, Release));
}

fn ticket_lock() {
    let [next, owner] = &at_zero();
    let acquire = |_| {
        let ticket = next.fetch_add(1, Relaxed);
        assume(owner.load(Acquire) == ticket)
    };
    critical(acquire, |_| owner.store(owner.load(Relaxed) + 1, Release));
}

/// A ticket lock with an array to wait in, which two threads never need.
fn waiting_array_lock() {
    let [ticket, grant, first, second, third] = &at_zero();
    let places = [first, second, third];
    let acquire = |_| {
        let mine = ticket.fetch_add(1, Relaxed);
        if grant.load(Acquire) == mine {
            return Some(());
        }
        assume(grant.load(Acquire) == mine)
    };
    let release = |_| {
        let next = grant.load(Relaxed) + 1;
        grant.store(next, Release);
        places[next as usize].fetch_add(1, Release);
    };
    critical(acquire, release);
}

/// Mellor-Crummey and Scott's lock; nodes are numbered from 1.
fn mcs_lock() {
    let [tail, locked1, locked2, next1, next2] = &at_zero();
    let (locked, next) = ([locked1, locked2], [next1, next2]);
    let acquire = |me: u32| {
        locked[me as usize].store(0, Relaxed);
        next[me as usize].store(0, Relaxed);
        let before = tail.swap(me + 1, AcqRel);
        if before == 0 {
            return Some(());
        }
        next[before as usize - 1].store(me + 1, Relaxed);
        assume(locked[me as usize].load(Acquire) == 1)
    };
    let release = |me: u32| {
        let mut after = next[me as usize].load(Relaxed);
        if after == 0 {
            if tail.compare_exchange(me + 1, 0, Release, Relaxed).is_ok() {
                return Some(());
            }
            after = next[me as usize].load(Relaxed);
            assume(after != 0)?;
        }
        locked[after as usize - 1].store(1, Release);
        Some(())
    };
    let shared = RaceCell::named("shared", 0);
    each::<2, _>(|thread| {
        acquire(thread)?;
        shared.set(42);
        release(thread)
    });
}

/// The mutex of three states over a futex.
fn futex_mutex() {
    let [state, signal] = &at_zero();
    let acquire = |_| {
        if state.compare_exchange(0, 1, Acquire, Acquire).is_ok() {
            return Some(());
        }
        loop {
            _ = state.compare_exchange(1, 2, Relaxed, Relaxed);
            let before = signal.load(Acquire);
            if state.load(Acquire) == 2 {
                assume(signal.load(Acquire) != before)?;
            }
            if state.compare_exchange(0, 2, Acquire, Acquire).is_ok() {
                return Some(());
            }
        }
    };
    let release = |_| {
        if state.compare_exchange(1, 0, Release, Relaxed).is_err() {
            state.store(0, Release);
            signal.fetch_add(1, Release);
        }
    };
    critical(acquire, release);
}

fn barrier() {
    let ([waiting, step], var) = (&at_zero(), RaceCell::named("var", 0));
    let wait = || {
        let before = step.load(SeqCst);
        if waiting.fetch_add(1, SeqCst) == 1 {
            waiting.store(0, SeqCst);
            step.fetch_add(1, SeqCst);
            return Some(());
        }
        assume(step.load(SeqCst) != before)
    };
    scope(|s| {
        s.spawn(|| {
            var.set(42);
            wait()
        });
        s.spawn(|| {
            wait()?;
            assert_eq!(var.get(), 42);
            Some(())
        });
    });
}

const LOCKS: &[Row] = &[
    ("spinlock", [4, 4], spin_lock),
    ("ttaslock", [4, 4], ttas_lock),
    ("ticketlock", [2, 2], ticket_lock),
    ("twalock", [4, 4], waiting_array_lock),
    ("mcs_spinlock", [6, 6], mcs_lock),
    ("mutex", [12, 12], futex_mutex),
    ("barrier", [2, 2], barrier),
];

/// A sequence lock whose writer holds a lock, and whose reader begins again when it was disturbed.
fn seqlock() {
    let ([sequence, shared], lock) = (&at_zero(), Mutex::new(()));
    scope(|s| {
        s.spawn(|| {
            let before = sequence.load(Relaxed);
            assume(before & 1 == 0)?;
            fence(AcqRel);
            shared.load(Relaxed);
            fence(AcqRel);
            assume(sequence.load(Relaxed) == before)
        });
        s.spawn(|| {
            let _guard = lock.lock().unwrap();
            sequence.store(sequence.load(Relaxed) + 1, Relaxed);
            fence(AcqRel);
            shared.store(42, Relaxed);
            fence(AcqRel);
            sequence.store(sequence.load(Relaxed) + 1, Relaxed);
        });
    });
}

/// The index in the low half, a version in the high one.
fn pointer(index: usize, version: u64) -> u64 {
    version << 32 | index as u64
}

fn index(pointer: u64) -> usize {
    (pointer & 0xffff_ffff) as usize
}

fn version(pointer: u64) -> u64 {
    pointer >> 32
}

/// Nothing that a pointer may lead to.
const POISON: usize = 0x666;

/// Treiber's stack: two push, one pops.
fn treiber_stack() {
    let top = &AtomicU64::new(0);
    let next: [AtomicU64; 3] = std::array::from_fn(|_| AtomicU64::new(pointer(POISON, 0)));
    let values: [RaceCell<usize>; 3] = Default::default();
    let (next, values, x) = (&next, &values, &at_zero::<2>());
    let push = |me: usize| {
        x[me].store(42, Relaxed);
        values[me + 1].set(me);
        loop {
            let old = top.load(Acquire);
            let new = pointer(me + 1, version(old) + 1);
            next[me + 1].store(old, Relaxed);
            if top.compare_exchange(old, new, Release, Relaxed).is_ok() {
                return;
            }
        }
    };
    let pop = || {
        let old = top.load(Acquire);
        if index(old) == 0 {
            return Some(0);
        }
        let below = next[index(old)].load(Relaxed);
        let new = pointer(index(below), version(old) + 1);
        assume(top.compare_exchange(old, new, Release, Relaxed).is_ok())?;
        Some(values[index(old)].get())
    };
    scope(|s| {
        s.spawn(|| push(0));
        s.spawn(|| push(1));
        s.spawn(|| {
            let popped = pop()?;
            if popped != 0 {
                x[popped].load(Relaxed);
            }
            Some(())
        });
    });
}

/// Michael and Scott's queue, of nodes 1 to 3, of which 1 is the first dummy.
struct Queue {
    head: AtomicU64,
    tail: AtomicU64,
    next: [AtomicU64; 4],
    values: [RaceCell<usize>; 4],
}

impl Queue {
    fn new() -> Self {
        let poison = |_| AtomicU64::new(pointer(POISON, 0));
        let mut next: [AtomicU64; 4] = std::array::from_fn(poison);
        next[1] = AtomicU64::new(pointer(0, 0));
        let first = || AtomicU64::new(pointer(1, 0));
        Self { head: first(), tail: first(), next, values: Default::default() }
    }

    fn enqueue(&self, node: usize, value: usize) {
        self.values[node].set(value);
        let own = self.next[node].load(Relaxed);
        self.next[node].store(pointer(0, version(own)), Relaxed);
        let tail = loop {
            let tail = self.tail.load(Acquire);
            let link = &self.next[index(tail)];
            let next = link.load(Acquire);
            if self.tail.load(Relaxed) != tail {
                continue;
            }
            if index(next) == 0 {
                let new = pointer(node, version(next) + 1);
                if link.compare_exchange(next, new, Release, Relaxed).is_ok() {
                    break tail;
                }
            }
            let after = pointer(index(link.load(Acquire)), version(tail) + 1);
            _ = self.tail.compare_exchange(tail, after, Release, Relaxed);
        };
        let new = pointer(node, version(tail) + 1);
        _ = self.tail.compare_exchange(tail, new, Release, Relaxed);
    }

    fn dequeue(&self) -> Option<()> {
        loop {
            let head = self.head.load(Acquire);
            let tail = self.tail.load(Acquire);
            let next = self.next[index(head)].load(Acquire);
            assume(self.head.load(Relaxed) == head)?;
            if index(head) != index(tail) {
                self.values[index(next)].get();
                let new = pointer(index(next), version(head) + 1);
                return assume(self.head.compare_exchange(head, new, Release, Relaxed).is_ok());
            }
            if index(next) == 0 {
                return Some(());
            }
            let after = pointer(index(next), version(tail) + 1);
            assume(self.tail.compare_exchange(tail, after, Release, Relaxed).is_ok())?;
        }
    }
}

fn ms_queue() {
    let queue = Queue::new();
    each::<2, _>(|thread| {
        queue.enqueue(thread as usize + 2, thread as usize * 10);
        queue.dequeue()
    });
}

const STRUCTURES: &[Row] = &[
    ("seqlock-atomic", [2, 2], seqlock),
    ("treiber-stack", [18, 18], treiber_stack),
    ("ms-queue", [50, 50], ms_queue),
];

#[test]
fn small_programs_have_the_published_counts() {
    check(SYNTHETIC);
}

#[test]
#[ignore = "takes minutes: for changes to the search or the memory model"]
fn large_programs_have_the_published_counts() {
    check(LARGE);
}

#[test]
fn mutual_exclusion_has_the_published_counts() {
    check(MUTUAL_EXCLUSION);
}

#[test]
fn locks_have_the_published_counts() {
    check(LOCKS);
}

#[test]
fn structures_have_the_published_counts() {
    check(STRUCTURES);
}
