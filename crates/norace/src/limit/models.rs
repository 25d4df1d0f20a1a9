//! The word, the live quota and the table, explored; and the protocols of all three with mutants.
//!
//! The real ones run over `ManualClock`; `Bare` and `Numbers` are the protocols alone, written anew with each step open
//! to be left out, moved or weakened.

use super::{Keyed, Limiter, ManualClock, Quota};
use crate::models::{all, finds, join, spawn};
use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::sync::{Arc, PoisonError, RwLock};
use norace_prim::thread;
use norace_prim::time::Duration;

const UNIT: Duration = Duration::from_secs(1);

fn burst(count: u64) -> Quota {
    Quota::per_second(1).and_then(|quota| quota.burst(count)).expect("a quota that can be")
}

#[test]
fn threads_together_pass_the_burst_and_no_more() {
    all(|| {
        let limiter = Arc::new(Limiter::with_clock(burst(2), ManualClock::new()));
        let threads = spawn(3, |_| {
            let limiter = limiter.clone();
            move || limiter.check().is_allowed()
        });
        assert_eq!(join(threads).into_iter().filter(|passed| *passed).count(), 2);
    });
}

#[test]
fn costs_pass_whole_or_not_at_all() {
    all(|| {
        let limiter = Arc::new(Limiter::with_clock(burst(3), ManualClock::new()));
        let threads = spawn(2, |_| {
            let limiter = limiter.clone();
            move || limiter.check_n(2).expect("a cost that fits").is_allowed()
        });
        assert_eq!(join(threads).into_iter().filter(|passed| *passed).count(), 1);
        assert!(limiter.check().is_allowed() && !limiter.check().is_allowed());
    });
}

/// A thread that moves the clock over a window's edge beside threads that decide.
fn across_the_edge(quota: Quota, threads: u32, passes: usize) {
    let clock = ManualClock::new();
    let limiter = Arc::new(Limiter::with_clock(quota, clock.clone()));
    let threads = spawn(threads, |_| {
        let limiter = limiter.clone();
        move || limiter.check().is_allowed()
    });
    clock.advance(UNIT);
    let mut passed = join(threads).into_iter().filter(|passed| *passed).count();
    passed += usize::from(limiter.check().is_allowed());
    assert!(passed <= passes, "{passed} passed");
}

#[test]
fn an_edge_that_is_crossed_meanwhile_gives_one_quota_more() {
    all(|| across_the_edge(burst(1), 2, 2));
    let fixed = Quota::fixed_window(1, UNIT).expect("a window");
    all(|| across_the_edge(fixed, 2, 2));
    let sliding = Quota::sliding_window(1, UNIT).expect("a window");
    all(|| across_the_edge(sliding, 2, 1));
}

#[test]
fn a_quota_that_changes_is_never_half_of_each() {
    all(|| {
        let slow = Quota::gcra(1, Duration::from_nanos(10)).expect("a quota");
        let fast = Quota::gcra(1, Duration::from_nanos(1)).expect("a quota");
        let limiter = Arc::new(Limiter::with_clock(slow, ManualClock::new()));
        let other = limiter.clone();
        let checks = thread::spawn(move || (0..2).filter(|_| other.check().is_allowed()).count());
        limiter.set_quota(fast).expect("of the same kind");
        assert_eq!(checks.join().expect("no panic"), 1, "one passes under either");
        assert_eq!(limiter.quota(), fast);
    });
}

#[test]
fn a_key_that_goes_meanwhile_passes_no_more_than_its_quota() {
    all(|| {
        let clock = ManualClock::new();
        let limits = Arc::new(Keyed::<u64, _>::with_clock(burst(1), 1, clock.clone()));
        assert!(limits.check(&1).is_allowed());
        let checks = [1, 2].map(|key| {
            let limits = limits.clone();
            thread::spawn(move || limits.check(&key).is_allowed())
        });
        clock.advance(UNIT);
        let [one, other] = checks.map(|thread| thread.join().expect("no panic"));
        let again = limits.check(&1).is_allowed();
        // One place: whoever has it keeps it until its quota is whole.
        assert!(!(one && again), "the key passed twice");
        assert!(!(other && again), "the place was given twice");
        assert_eq!(limits.len(), 1);
    });
}

/// What is done otherwise than the protocols say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    None,
    /// The word is stored, not exchanged.
    Stores,
    /// The clock is read before the word.
    ClockFirst,
    /// The word orders nothing.
    WeakWord,
    /// A reader of the quota does not look again, or not at an odd version.
    NoSecondLook,
    OddIsFine,
    /// A reader, or a writer, of the quota orders nothing.
    WeakRead,
    WeakWrite,
    /// A key is found idle under the readers' lock, and goes under the writers' without another look.
    LooksBefore,
}

fn weak(mutant: Mutant, weak: Mutant, order: Ordering) -> Ordering {
    if mutant == weak { Ordering::Relaxed } else { order }
}

/// A fixed window of one, as (window, count) in a word of 32 bits each; the clock shows the window.
struct Bare {
    mutant: Mutant,
    word: AtomicU64,
    clock: AtomicU64,
}

impl Bare {
    fn now(&self) -> u64 {
        // Relaxed: a time orders nothing.
        self.clock.load(Ordering::Relaxed)
    }

    fn check(&self) -> bool {
        let early = (self.mutant == Mutant::ClockFirst).then(|| self.now());
        let acquire = weak(self.mutant, Mutant::WeakWord, Ordering::Acquire);
        let release = weak(self.mutant, Mutant::WeakWord, Ordering::Release);
        // As the mutant says: the word before the clock.
        let mut word = self.word.load(acquire);
        loop {
            let now = early.unwrap_or_else(|| self.now());
            if word >> 32 == now && word & 1 == 1 {
                return false;
            }
            let next = now << 32 | 1;
            if self.mutant == Mutant::Stores {
                // Relaxed: what the mutant does instead.
                self.word.store(next, Ordering::Relaxed);
                return true;
            }
            // As the mutant says: the exchange.
            match self.word.compare_exchange(word, next, release, acquire) {
                Ok(_) => return true,
                Err(other) => word = other,
            }
        }
    }
}

/// Two deciders and a thread that crosses an edge; at most one passes in each window.
fn bare(mutant: Mutant) {
    let word = AtomicU64::new(1 << 32);
    let bare = Arc::new(Bare { mutant, word, clock: AtomicU64::new(1) });
    let threads = spawn(3, |_| {
        let bare = bare.clone();
        move || bare.check()
    });
    // Relaxed: a time orders nothing.
    bare.clock.store(2, Ordering::Relaxed);
    let passed = join(threads).into_iter().filter(|passed| *passed).count();
    assert!(passed + usize::from(bare.check()) <= 2);
}

/// The sequence lock.
struct Numbers {
    mutant: Mutant,
    version: AtomicU64,
    both: [AtomicU64; 2],
}

impl Numbers {
    fn read(&self) -> [u64; 2] {
        let acquire = weak(self.mutant, Mutant::WeakRead, Ordering::Acquire);
        loop {
            // As the mutant says: the version, then the numbers.
            let version = self.version.load(acquire);
            // As the mutant says: the numbers.
            let both = [0, 1].map(|at: usize| self.both[at].load(acquire));
            let even = version.is_multiple_of(2) || self.mutant == Mutant::OddIsFine;
            // Relaxed: the loads above come before it.
            let same = || self.version.load(Ordering::Relaxed) == version;
            if even && (self.mutant == Mutant::NoSecondLook || same()) {
                return both;
            }
            norace_prim::hint::spin_loop();
        }
    }

    fn write(&self, to: u64) {
        let release = weak(self.mutant, Mutant::WeakWrite, Ordering::Release);
        // Relaxed: there is one writer.
        let version = self.version.load(Ordering::Relaxed);
        // Relaxed: the stores below carry it.
        self.version.store(version + 1, Ordering::Relaxed);
        for number in &self.both {
            // As the mutant says: the numbers.
            number.store(to, release);
        }
        // As the mutant says: the version.
        self.version.store(version + 2, release);
    }
}

fn numbers(mutant: Mutant) {
    let both = [AtomicU64::new(0), AtomicU64::new(0)];
    let numbers = Arc::new(Numbers { mutant, version: AtomicU64::new(0), both });
    let other = numbers.clone();
    let reader = thread::spawn(move || other.read());
    numbers.write(1);
    let [one, other] = reader.join().expect("no panic");
    assert_eq!(one, other, "a mixture");
}

/// One place for a key of a quota of one, at a time when what was used before is whole again.
struct Place {
    mutant: Mutant,
    /// The key, and when its quota is whole.
    entry: RwLock<Option<(u64, AtomicU64)>>,
}

const NOW: u64 = 10;

impl Place {
    fn idle(entry: Option<&(u64, AtomicU64)>) -> bool {
        // Relaxed: the lock orders it.
        entry.is_none_or(|(_, whole_at)| whole_at.load(Ordering::Relaxed) <= NOW)
    }

    fn check(&self, key: u64) -> bool {
        let seen = {
            let entry = self.entry.read().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, word)) = entry.as_ref().filter(|entry| entry.0 == key) {
                // Relaxed: one word; the exchange decides.
                let old = word.load(Ordering::Relaxed);
                let order = Ordering::Relaxed;
                // Relaxed: the same.
                return old <= NOW && word.compare_exchange(old, NOW + 1, order, order).is_ok();
            }
            Self::idle(entry.as_ref())
        };
        let mut entry = self.entry.write().unwrap_or_else(PoisonError::into_inner);
        let idle =
            if self.mutant == Mutant::LooksBefore { seen } else { Self::idle(entry.as_ref()) };
        if idle {
            *entry = Some((key, AtomicU64::new(NOW + 1)));
        }
        idle
    }
}

fn place(mutant: Mutant) {
    let entry = RwLock::new(Some((1, AtomicU64::new(NOW))));
    let place = Arc::new(Place { mutant, entry });
    let threads = spawn(2, |at| {
        let place = place.clone();
        move || place.check(u64::from(at) + 1)
    });
    let passed = join(threads).into_iter().filter(|passed| *passed).count();
    assert_eq!(passed, 1, "the place is of one key, which is in use from then on");
}

#[test]
fn all_mutants_are_found() {
    all(|| bare(Mutant::None));
    all(|| numbers(Mutant::None));
    all(|| place(Mutant::None));
    for mutant in [Mutant::Stores, Mutant::ClockFirst, Mutant::WeakWord] {
        finds(move || bare(mutant));
    }
    let reads = [Mutant::NoSecondLook, Mutant::OddIsFine, Mutant::WeakRead, Mutant::WeakWrite];
    for mutant in reads {
        finds(move || numbers(mutant));
    }
    finds(|| place(Mutant::LooksBefore));
}
