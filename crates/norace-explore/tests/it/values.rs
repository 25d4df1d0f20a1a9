//! Litmus tests that branch on what they read, with the numbers that GenMC publishes (`tests/correct/litmus`).
//!
//! GenMC counts executions in which every `assume` holds. Here a thread whose assumption fails ends, and the execution
//! is not counted: one that is whole has the same graph either way.

use std::cell::Cell;
use std::ops::ControlFlow;

use norace_explore::cell::RaceCell;
use norace_explore::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use norace_explore::sync::atomic::{AtomicU32, fence};
use norace_explore::thread::scope;
use norace_explore::{Completeness, Config, Explorer, Mode, Strategy};

thread_local! {
    /// Whether every assumption of this execution has held so far.
    static HOLDS: Cell<bool> = const { Cell::new(true) };
}

/// Goes on if `condition` holds; else the execution is one of those that are not counted.
pub(crate) fn assume(condition: bool) -> Option<()> {
    if !condition {
        HOLDS.set(false);
    }
    condition.then_some(())
}

/// How many executions there are in which all assumptions hold.
#[track_caller]
pub(crate) fn count(name: &str, mode: Mode, model: fn()) -> u64 {
    // No load is held: each repetition of a loop is an execution of its own.
    let config = Config { mode, spin_repeats: 1_000, ..Config::default() };
    let mut count = 0;
    let model = || {
        HOLDS.set(true);
        model();
    };
    let report =
        Explorer::new(config).explore_with(Strategy::Exhaustive, &model, &mut |execution| {
            count += u64::from(!execution.is_redundant() && HOLDS.get());
            ControlFlow::Continue(())
        });
    assert_eq!(report.completeness, Completeness::Complete, "{name} {mode:?}");
    assert!(report.findings.is_empty(), "{name} {mode:?}: {}", report.findings[0].finding);
    count
}

/// A name, the numbers under RC11 and under sequential consistency, the program.
pub(crate) type Row = (&'static str, [u64; 2], fn());

/// Compares each row with what the explorer counts; tells all that differ.
#[track_caller]
pub(crate) fn check(rows: &[Row]) {
    let mut wrong = Vec::new();
    for &(name, expected, model) in rows {
        let counted = [Mode::Rc11, Mode::Sc].map(|mode| count(name, mode, model));
        if counted != expected {
            wrong.push(format!("{name}: {counted:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A flag beside data.
#[derive(Default)]
struct Guarded {
    data: RaceCell<u32>,
    flag: AtomicU32,
}

/// How a store publishes, or a load learns.
#[derive(Clone, Copy)]
enum By {
    Access,
    Fence,
}

impl Guarded {
    fn publish(&self, by: By) {
        self.data.set(1);
        match by {
            By::Access => self.flag.store(1, Release),
            By::Fence => {
                fence(Release);
                self.flag.store(1, Relaxed);
            }
        }
    }

    fn learns(&self, by: By, least: u32) -> bool {
        match by {
            By::Access => self.flag.load(Acquire) >= least,
            By::Fence => {
                let seen = self.flag.load(Relaxed) >= least;
                if seen {
                    fence(Acquire);
                }
                seen
            }
        }
    }
}

/// MP and S with plain data; `writes` says which.
fn two(publish: By, learn: By, writes: bool) {
    let shared = Guarded::default();
    scope(|s| {
        s.spawn(|| shared.publish(publish));
        s.spawn(|| {
            if shared.learns(learn, 1) {
                if writes { shared.data.set(2) } else { assert_eq!(shared.data.get(), 1) }
            }
        });
    });
}

/// MPU: a read-modify-write in between carries the release sequence on.
fn through_one(publish: By, learn: By) {
    let shared = Guarded::default();
    scope(|s| {
        s.spawn(|| shared.publish(publish));
        s.spawn(|| shared.flag.fetch_add(1, Relaxed));
        s.spawn(|| {
            if shared.learns(learn, 2) {
                shared.data.set(2);
            }
        });
    });
}

/// MPU2: so do two.
fn through_two(publish: By, learn: By) {
    let shared = Guarded::default();
    let exchange = |from| shared.flag.compare_exchange(from, from + 1, Relaxed, Relaxed);
    scope(|s| {
        s.spawn(|| shared.publish(publish));
        s.spawn(|| exchange(2));
        s.spawn(|| exchange(1));
        s.spawn(|| {
            if shared.learns(learn, 3) {
                shared.data.set(2);
            }
        });
    });
}

const PLAIN: &[Row] = &[
    ("MP+rel+acq", [2, 2], || two(By::Access, By::Access, false)),
    ("MP+rel+acqf", [2, 2], || two(By::Access, By::Fence, false)),
    ("MP+relf+acq", [2, 2], || two(By::Fence, By::Access, false)),
    ("MP+relf+acqf", [2, 2], || two(By::Fence, By::Fence, false)),
    ("S+rel+acq", [2, 2], || two(By::Access, By::Access, true)),
    ("S+rel+acqf", [2, 2], || two(By::Access, By::Fence, true)),
    ("S+relf+acq", [2, 2], || two(By::Fence, By::Access, true)),
    ("S+relf+acqf", [2, 2], || two(By::Fence, By::Fence, true)),
    ("MPU+rel+acq", [6, 6], || through_one(By::Access, By::Access)),
    ("MPU+rel+acqf", [6, 6], || through_one(By::Access, By::Fence)),
    ("MPU+relf+acq", [6, 6], || through_one(By::Fence, By::Access)),
    ("MPU+relf+acqf", [6, 6], || through_one(By::Fence, By::Fence)),
    ("MPU2+rel+acq", [14, 14], || through_two(By::Access, By::Access)),
    ("MPU2+rel+acqf", [14, 14], || through_two(By::Access, By::Fence)),
    ("MPU2+relf+acq", [14, 14], || through_two(By::Fence, By::Access)),
    ("MPU2+relf+acqf", [14, 14], || through_two(By::Fence, By::Fence)),
];

/// The release is a store of its own before: since C++20 it is in no release sequence with the next one. GenMC counts
/// these without looking for races, so that the data is atomic here.
struct Twice {
    data: AtomicU32,
    guarded: Guarded,
}

impl Twice {
    fn new() -> Self {
        Self { data: AtomicU32::new(0), guarded: Guarded::default() }
    }

    fn publish(&self) {
        self.data.store(1, Relaxed);
        self.guarded.flag.store(0, Release);
        self.guarded.flag.store(1, Relaxed);
    }
}

fn twice(learn: By, writes: bool) {
    let shared = Twice::new();
    scope(|s| {
        s.spawn(|| shared.publish());
        s.spawn(|| {
            if shared.guarded.learns(learn, 1) {
                if writes {
                    shared.data.store(2, Relaxed);
                } else {
                    shared.data.load(Relaxed);
                }
            }
        });
    });
}

fn twice_through_one(learn: By) {
    let shared = Twice::new();
    scope(|s| {
        s.spawn(|| shared.publish());
        s.spawn(|| shared.guarded.flag.fetch_add(1, Relaxed));
        s.spawn(|| {
            if shared.guarded.learns(learn, 2) {
                shared.data.store(2, Relaxed);
            }
        });
    });
}

fn twice_through_two(learn: By) {
    let shared = Twice::new();
    let exchange = |from| shared.guarded.flag.compare_exchange(from, from + 1, Relaxed, Relaxed);
    scope(|s| {
        s.spawn(|| shared.publish());
        s.spawn(|| exchange(2));
        s.spawn(|| exchange(1));
        s.spawn(|| {
            if shared.guarded.learns(learn, 3) {
                shared.data.store(2, Relaxed);
            }
        });
    });
}

const TWICE: &[Row] = &[
    ("MP+rels+acq", [4, 3], || twice(By::Access, false)),
    ("MP+rels+acqf", [4, 3], || twice(By::Fence, false)),
    ("S+rels+acq", [4, 3], || twice(By::Access, true)),
    ("S+rels+acqf", [4, 3], || twice(By::Fence, true)),
    ("MPU+rels+acq", [13, 12], || twice_through_one(By::Access)),
    ("MPU+rels+acqf", [13, 12], || twice_through_one(By::Fence)),
    ("MPU2+rels+acq", [36, 35], || twice_through_two(By::Access)),
    ("MPU2+rels+acqf", [36, 35], || twice_through_two(By::Fence)),
];

/// Atomics that are 0.
pub(crate) fn at_zero<const N: usize>() -> [AtomicU32; N] {
    std::array::from_fn(|_| AtomicU32::new(0))
}

fn rmw_fix() {
    let [x, y] = &at_zero();
    scope(|s| {
        s.spawn(|| {
            if y.load(SeqCst) != 0 {
                x.fetch_add(1, SeqCst);
                x.fetch_add(1, SeqCst);
            }
        });
        s.spawn(|| x.fetch_add(1, SeqCst));
        s.spawn(|| y.store(42, SeqCst));
    });
}

fn tc2() {
    let [x, y] = &at_zero();
    scope(|s| {
        s.spawn(|| {
            if x.load(Relaxed) == x.load(Relaxed) {
                y.store(1, Relaxed);
            }
        });
        s.spawn(|| x.store(y.load(Relaxed), Relaxed));
    });
}

fn ori() {
    let [x, y] = &at_zero();
    scope(|s| {
        s.spawn(|| {
            x.fetch_add(1, Relaxed);
            y.store(1, Release);
        });
        s.spawn(|| x.compare_exchange(0, 1, Acquire, Acquire));
        s.spawn(|| {
            if y.load(Relaxed) != 0 {
                x.store(4, Release);
            }
        });
    });
}

fn join_orders() {
    let [x, y] = &at_zero();
    scope(|s| {
        let first = s.spawn(|| x.store(42, Relaxed));
        s.spawn(move || {
            first.join().unwrap();
            assert_eq!(x.load(Relaxed), 42);
            y.store(42, Relaxed);
        });
    });
}

const BRANCHES: &[Row] = &[
    ("RMWFix", [4, 4], rmw_fix),
    ("TC2", [4, 4], tc2),
    ("ori", [5, 5], ori),
    ("W+JW", [1, 1], join_orders),
];

fn assume_ctrl() {
    let [x, y] = &at_zero();
    scope(|s| {
        s.spawn(|| {
            assume(2 > y.load(Relaxed) || y.load(Relaxed) > 3)?;
            x.store(1, Relaxed);
            Some(())
        });
        s.spawn(|| {
            assume(x.load(Relaxed) < 3)?;
            y.store(3, Relaxed);
            fence(SeqCst);
            y.store(4, Relaxed);
            Some(())
        });
    });
}

fn wwr_2wr() {
    let [x, y, z] = &at_zero();
    scope(|s| {
        s.spawn(|| {
            x.store(1, SeqCst);
            y.store(1, SeqCst);
            assume(z.load(SeqCst) == 0)
        });
        s.spawn(|| {
            z.store(1, SeqCst);
            assume(y.load(SeqCst) == 2)
        });
        s.spawn(|| {
            y.store(2, SeqCst);
            assume(x.load(SeqCst) == 0)
        });
    });
}

fn psc_ar() {
    let [x, y, z] = &at_zero();
    scope(|s| {
        s.spawn(|| {
            assume(y.load(Relaxed) == 1)?;
            fence(SeqCst);
            assume(z.load(Relaxed) == 0)
        });
        s.spawn(|| {
            z.store(1, Relaxed);
            fence(SeqCst);
            x.store(1, Relaxed);
        });
        s.spawn(|| {
            assume(x.load(Relaxed) == 1)?;
            y.store(1, Relaxed);
            Some(())
        });
    });
}

fn psc_base_notin_ar() {
    let [x, y] = &at_zero();
    scope(|s| {
        s.spawn(|| {
            assume(x.load(Relaxed) == 2)?;
            y.store(1, SeqCst);
            Some(())
        });
        s.spawn(|| y.store(2, SeqCst));
        s.spawn(|| {
            let seen = y.load(Relaxed);
            assume(seen == 2)?;
            x.store(seen, Relaxed);
            Some(())
        });
    });
}

fn psc_sbhbsb() {
    let [x, y] = &at_zero();
    scope(|s| {
        s.spawn(|| {
            x.store(1, SeqCst);
            y.store(1, SeqCst);
        });
        s.spawn(|| {
            assume(x.load(Acquire) == 1)?;
            assume(y.load(SeqCst) == 0)
        });
    });
}

const ASSUMPTIONS: &[Row] = &[
    ("assume-ctrl", [4, 4], assume_ctrl),
    ("WWR+2WR", [0, 0], wwr_2wr),
    ("psc-ar", [1, 0], psc_ar),
    ("psc-base-notin-ar", [2, 1], psc_base_notin_ar),
    ("psc-sbhbsb", [1, 1], psc_sbhbsb),
];

#[test]
fn plain_data_behind_a_flag_has_the_published_counts() {
    check(PLAIN);
}

#[test]
fn what_is_published_twice_has_the_published_counts() {
    check(TWICE);
}

#[test]
fn branches_have_the_published_counts() {
    check(BRANCHES);
}

#[test]
fn assumptions_have_the_published_counts() {
    check(ASSUMPTIONS);
}
