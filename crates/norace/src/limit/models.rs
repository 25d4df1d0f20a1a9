//! The word, the live quota and the table, explored; and the protocols of all three with mutants.
//!
//! The real ones run over `ManualClock`; `Bare`, `Numbers` and `Place` are the protocols alone, written anew with each
//! step open to be left out, moved or weakened.

use super::clock::counted::{Counted, SPAN};
use super::{Keyed, Limiter, ManualClock, Quota};
use crate::models::{all, finds, join, spawn};
use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::sync::{Arc, Mutex, lock};
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

#[test]
fn a_key_that_is_moved_meanwhile_stays_counted() {
    all(|| {
        let limits = Arc::new(Keyed::<u64, _>::with_clock(burst(2), 2, ManualClock::new()));
        assert!(limits.check(&1).is_allowed());
        let checks = spawn(2, |at| {
            let limits = limits.clone();
            move || limits.check(&(u64::from(at) + 1)).is_allowed()
        });
        assert_eq!(join(checks), [true, true]);
        assert!(!limits.check(&1).is_allowed(), "two of two are used");
        assert_eq!(limits.len(), 2);
    });
}

#[test]
fn a_quota_of_its_own_that_comes_meanwhile_leaves_what_was_counted() {
    all(|| {
        let limits = Arc::new(Keyed::<u64, _>::with_clock(burst(1), 1, ManualClock::new()));
        let other = limits.clone();
        let checks = thread::spawn(move || (0..2).filter(|_| other.check(&1).is_allowed()).count());
        assert_eq!(limits.set_quota_of(&1, Some(burst(2))), Ok(true));
        let first = checks.join().expect("no panic");
        let more = (0..2).filter(|_| limits.check(&1).is_allowed()).count();
        assert_eq!(first + more, 2, "two under the new one, whatever the old one counted");
    });
}

#[test]
fn a_clock_that_is_compared_meanwhile_is_never_ahead_and_little_behind() {
    all(|| {
        let (clock, time) = (Arc::new(Counted::new()), Arc::new(AtomicU64::new(0)));
        // Relaxed: a time orders nothing.
        let now = |time: &AtomicU64| time.load(Ordering::Relaxed);
        for spans in 1..4 {
            // Relaxed: a time orders nothing.
            time.store((1 << 40) + spans * SPAN, Ordering::Relaxed);
            assert_eq!(clock.nanos(|| now(&time), || now(&time)), now(&time));
        }
        let threads = spawn(2, |_| {
            let (clock, time) = (clock.clone(), time.clone());
            move || {
                let before = now(&time);
                let read = clock.nanos(|| now(&time), || now(&time));
                assert!(read <= now(&time), "it is ahead");
                assert!(read + SPAN / 64 >= before, "it is behind");
            }
        });
        for part in [7, 9] {
            // Relaxed: a time orders nothing.
            time.store((1 << 40) + 3 * SPAN + SPAN * part / 8, Ordering::Relaxed);
        }
        join(threads);
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
    /// A key is found idle, and goes though its place may have changed since.
    LooksBefore,
    /// A key's word is exchanged, and not against the version of its place.
    WordAlone,
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
    version: AtomicU64,
    key: AtomicU64,
    /// When the key's quota is whole.
    word: AtomicU64,
    coming: Mutex<()>,
}

const NOW: u64 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Passed,
    /// The key's quota is used up.
    UsedUp,
    /// The place is another key's.
    Full,
}

impl Place {
    /// The version, the key and the word at one moment.
    fn read(&self) -> (u64, u64, u64) {
        let acquire = weak(self.mutant, Mutant::WeakRead, Ordering::Acquire);
        loop {
            // As the mutant says: the version, then the rest.
            let version = self.version.load(acquire);
            // As the mutant says: the rest.
            let (key, word) = (self.key.load(acquire), self.word.load(acquire));
            // Relaxed: the loads above come before it.
            let same = || self.version.load(Ordering::Relaxed) == version;
            if version.is_multiple_of(2) && (self.mutant == Mutant::NoSecondLook || same()) {
                return (version, key, word);
            }
            norace_prim::hint::spin_loop();
        }
    }

    /// Writes a word, and a key, if nothing has changed since `version`.
    fn write(&self, version: u64, key: Option<u64>, word: u64) -> bool {
        let release = weak(self.mutant, Mutant::WeakWrite, Ordering::Release);
        let order = Ordering::Relaxed;
        // Relaxed: what was read was acquired, and the stores below carry the odd version.
        if self.version.compare_exchange(version, version + 1, order, order).is_err() {
            return false;
        }
        // As the mutant says: the word.
        self.word.store(word, release);
        if let Some(key) = key {
            // As the mutant says: the key.
            self.key.store(key, release);
        }
        // As the mutant says: the version.
        self.version.store(version + 2, release);
        true
    }

    fn check(&self, key: u64) -> Said {
        loop {
            let (version, found, word) = self.read();
            if found == key {
                if word > NOW {
                    return Said::UsedUp;
                }
                let counted = if self.mutant == Mutant::WordAlone {
                    let (order, fails) = (Ordering::AcqRel, Ordering::Acquire);
                    // AcqRel: more than the protocol has. Acquire: the same.
                    self.word.compare_exchange(word, NOW + 1, order, fails).is_ok()
                } else {
                    self.write(version, None, NOW + 1)
                };
                if counted {
                    return Said::Passed;
                }
                continue;
            }
            let _coming = lock(&self.coming);
            let (version, found, word) = self.read();
            if found == key {
                continue;
            }
            if word > NOW {
                return Said::Full;
            }
            let looks_before = self.mutant == Mutant::LooksBefore;
            let version = if looks_before { self.read().0 } else { version };
            if self.write(version, Some(key), NOW + 1) {
                return Said::Passed;
            }
        }
    }
}

fn place(mutant: Mutant) {
    let (version, coming) = (AtomicU64::new(0), Mutex::new(()));
    let (key, word) = (AtomicU64::new(1), AtomicU64::new(NOW));
    let place = Arc::new(Place { mutant, version, key, word, coming });
    let threads = spawn(2, |at| {
        let place = place.clone();
        move || place.check(u64::from(at) + 1)
    });
    let said = join(threads);
    let one = said.contains(&Said::Passed) && said.contains(&Said::Full);
    assert!(one, "the place is of one key, which is in use from then on: {said:?}");
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
    let places = [Mutant::LooksBefore, Mutant::WordAlone, Mutant::NoSecondLook];
    for mutant in places.into_iter().chain([Mutant::WeakRead, Mutant::WeakWrite]) {
        finds(move || place(mutant));
    }
}
