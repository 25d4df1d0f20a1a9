//! A free list of few places, which come back at once: whoever compares places alone takes one twice (ABA).

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crossbeam_utils::atomic::AtomicCell;
use norace::sync::Versioned;
use norace_bench_measure::{Done, Run};

use super::Cell;

/// Places; each thread holds two at most.
const PLACES: usize = 6;
/// What a thread does in a pass.
const EACH: u64 = 2_000;
/// The end of the list.
const NONE: u64 = u64::MAX;
/// One in so many takers, and of those who give back one of two, lets others run in between.
const SLOW_EACH: u64 = 16;

/// A place without any version: what goes wrong.
struct Bare(AtomicU64);

impl Cell for Bare {
    fn load(&self) -> (u64, u64) {
        // Acquire: pairs with the exchange below, so that what a place leads to is seen.
        let place = self.0.load(Ordering::Acquire);
        (place, place)
    }

    fn set(&self, version: u64, new: u64) -> bool {
        // AcqRel: as above, and it publishes what the new place leads to; Relaxed: a failure reads nothing that counts.
        self.0.compare_exchange(version, new, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// Treiber's stack of places, by their numbers.
struct FreeList<'a> {
    head: &'a dyn Cell,
    next: [AtomicU64; PLACES],
    /// Who has taken a place says so.
    taken: [AtomicBool; PLACES],
    /// Looks so far, and places that were given to two.
    looks: AtomicU64,
    twice: AtomicU64,
}

impl<'a> FreeList<'a> {
    fn new(head: &'a dyn Cell) -> Self {
        let next = std::array::from_fn(|at| {
            AtomicU64::new(if at + 1 < PLACES { at as u64 + 1 } else { NONE })
        });
        Self {
            head,
            next,
            taken: Default::default(),
            looks: AtomicU64::new(0),
            twice: AtomicU64::new(0),
        }
    }

    fn take(&self) -> Option<usize> {
        loop {
            let (place, version) = self.head.load();
            if place == NONE {
                return None;
            }
            let at = place as usize;
            // Relaxed: a stale one is refused by its version.
            let next = self.next[at].load(Ordering::Relaxed);
            self.let_others_run();
            if self.head.set(version, next) {
                // AcqRel: who has a place alone has seen what was done with it.
                if self.taken[at].swap(true, Ordering::AcqRel) {
                    // Relaxed: a count.
                    self.twice.fetch_add(1, Ordering::Relaxed);
                }
                return Some(at);
            }
        }
    }

    fn let_others_run(&self) {
        // Relaxed: only the number counts.
        if self.looks.fetch_add(1, Ordering::Relaxed).is_multiple_of(SLOW_EACH) {
            thread::yield_now();
        }
    }

    fn give_back(&self, at: usize) {
        // Release: pairs with the swap above.
        self.taken[at].store(false, Ordering::Release);
        loop {
            let (place, version) = self.head.load();
            // Relaxed: the exchange of the head publishes it.
            self.next[at].store(place, Ordering::Relaxed);
            if self.head.set(version, at as u64) {
                return;
            }
        }
    }

    /// The second one is still held when the first one can be taken again: with another one behind it.
    fn take_two(&self) {
        let [first, second] = [self.take(), self.take()];
        first.into_iter().for_each(|at| self.give_back(at));
        self.let_others_run();
        second.into_iter().for_each(|at| self.give_back(at));
    }

    /// How many are in it, up to a circle.
    fn len(&self) -> usize {
        let (mut place, mut count) = (self.head.load().0, 0);
        while place != NONE && count <= PLACES {
            // Relaxed: everybody was joined.
            place = self.next[place as usize].load(Ordering::Relaxed);
            count += 1;
        }
        count
    }
}

/// `reuse:THREADS`: each takes two places and gives both back, again and again, from a list that is new in each pass.
pub fn reuse(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let threads = parameters.first()?.parse().ok()?;
    Some(match contender {
        "norace" => measure(run, threads, || Versioned::new(0_u64), true),
        "crossbeam" => measure(run, threads, || AtomicCell::new((0, 0)), true),
        "mutex" => measure(run, threads, || Mutex::new((0, 0)), true),
        "bare" => measure(run, threads, || Bare(AtomicU64::new(0)), false),
        _ => return None,
    })
}

/// Every list counts as broken in which a place was given to two, or is missing at the end.
fn measure<C: Cell>(run: Run, threads: u64, head: impl Fn() -> C, has_version: bool) -> Done {
    let (mut lists, mut broken) = (0.0, 0.0);
    let done = run.passes(|| {
        let head = head();
        let list = FreeList::new(&head);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| (0..EACH).for_each(|_| list.take_two()));
            }
        });
        lists += 1.0;
        // Relaxed: everybody was joined.
        if list.twice.load(Ordering::Relaxed) > 0 || list.len() != PLACES {
            broken += 1.0;
        }
        threads * EACH
    });
    let wrong = has_version && broken > 0.0;
    done.with("broken_percent", 100.0 * broken / lists).with("wrong", f64::from(u8::from(wrong)))
}
