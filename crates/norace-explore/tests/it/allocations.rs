//! An operation allocates nothing once the explorer's vectors are large enough.

#![expect(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::ControlFlow;

use norace_explore::cell::RaceCell;
use norace_explore::sync::atomic::{AtomicU64, Ordering, fence};
use norace_explore::sync::{Condvar, Mutex, RwLock};
use norace_explore::{Config, Explorer, Mode, Strategy, Traces, thread};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that ends is not counted.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: everything is the system's; counting neither allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: by the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: by the caller's promise.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: by the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

static OUTER: Mutex<u64> = Mutex::new(0);
static INNER: Mutex<u64> = Mutex::new(0);
static MANY: RwLock<u64> = RwLock::new(0);
static WORD: AtomicU64 = AtomicU64::new(0);
static CHANGED: Condvar = Condvar::new();
static PLAIN: RaceCell<u64> = RaceCell::new(0);

/// So many rounds of every kind of operation.
fn work(rounds: u64) {
    for round in 0..rounds {
        let mut outer = OUTER.lock().unwrap();
        // Nested, which looks for inversions of the order.
        let mut inner = INNER.lock().unwrap();
        *inner += round;
        *outer += *MANY.read().unwrap();
        drop(inner);
        *MANY.write().unwrap() += 1;
        PLAIN.update(|plain| plain + 1);
        drop(outer);
        CHANGED.notify_one();
        // Relaxed: what is counted is operations.
        WORD.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let seen = WORD.load(Ordering::Acquire);
        let _ = WORD.compare_exchange(seen, seen + 1, Ordering::SeqCst, Ordering::Relaxed);
        WORD.store(round, Ordering::Release);
        thread::yield_now();
    }
}

/// The most that an execution allocates when those before it had their turn.
fn most(strategy: Strategy, mode: Mode, rounds: u64) -> u64 {
    let (mut executions, mut most, mut before) = (0, 0, 0);
    let config = Config { mode, traces: Traces::Nothing, ..Config::default() };
    let report = Explorer::new(config).explore_with(
        strategy,
        &|| {
            let thread = thread::spawn(move || work(rounds));
            work(rounds);
            thread.join().unwrap();
        },
        &mut |_| {
            let now = COUNT.get();
            executions += 1;
            if executions > WARM {
                most = most.max(now - before);
            }
            before = now;
            if executions == WARM + SEEN {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    );
    assert!(report.findings.is_empty(), "{report:?}");
    assert_eq!(executions, WARM + SEEN, "too few to tell");
    most
}

/// Executions after which the vectors are large enough.
const WARM: u64 = 100;

/// Executions that are looked at.
const SEEN: u64 = 30;

#[test]
fn an_execution_allocates_for_its_threads_and_not_for_their_operations() {
    for mode in [Mode::Sc, Mode::Rc11] {
        for strategy in [
            Strategy::Random { seed: 1, executions: u64::MAX },
            Strategy::Pct { seed: 1, executions: u64::MAX, depth: 3 },
            Strategy::Exhaustive,
        ] {
            let [few, many] = [2, 8].map(|rounds| most(strategy.clone(), mode, rounds));
            assert!(few <= 1 && many <= 1, "{strategy:?}, {mode:?}: {few} and {many}");
        }
    }
}
