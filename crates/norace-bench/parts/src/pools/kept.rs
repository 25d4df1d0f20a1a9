//! What a pool makes, how long that holds up others, and what it keeps when nobody wants it any more.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use norace_bench_measure::usage::{Watch, resident_bytes};
use norace_bench_measure::{Done, Run};

use super::{COUNTS, Lender, filled, made, size};

/// Whether making a buffer takes a millisecond, as making a connection would.
static SLOW: AtomicBool = AtomicBool::new(false);
const MAKING: Duration = Duration::from_millis(1);

/// Threads that ask for slow objects, how often, and for how many at a time.
const THREADS: u64 = 2;
const TURNS: u64 = 25;
const AT_A_TIME: usize = 4;

/// Buffers of the burst that leaves memory behind, and those of each millisecond after it.
const BURST: usize = 128;
const TRICKLE: u64 = 20;

/// What one thread of two takes, and at most at a time.
const STEPS: usize = 1_000;
const STEP_MAX: usize = 200;

/// A cold pool whose `new` takes a millisecond. What a thread waited longest, and how many were made in a pass.
pub(super) fn slow<L: Lender>(run: Run, make: impl Fn() -> L) -> Done {
    // Relaxed: on this thread, before others begin.
    COUNTS.store(true, Ordering::Relaxed);
    // Relaxed: the same.
    SLOW.store(true, Ordering::Relaxed);
    let (longest, mut passes) = (AtomicU64::new(0), 0.0);
    let ask = |lender: &L| {
        for _ in 0..TURNS {
            let _held: [_; AT_A_TIME] = std::array::from_fn(|_| {
                let begun = Instant::now();
                let buffer = filled(lender.lend());
                let nanos = u64::try_from(begun.elapsed().as_nanos()).expect("it is short");
                // Relaxed: read when this thread was joined.
                longest.fetch_max(nanos, Ordering::Relaxed);
                buffer
            });
        }
    };
    let done = run.passes(|| {
        let lender = make();
        thread::scope(|scope| (0..THREADS).for_each(|_| _ = scope.spawn(|| ask(&lender))));
        passes += 1.0;
        THREADS * TURNS * AT_A_TIME as u64
    });
    // Relaxed: they were joined.
    let longest = longest.load(Ordering::Relaxed) as f64 / 1e6;
    done.with("longest_ms", longest).with("made", made() as f64 / passes)
}

/// A burst of buffers that are written from end to end, then a few, one at a time, for the rest of it; memory in use
/// beside what there was before.
pub(super) fn memory(run: Run, lender: &impl Lender) -> Done {
    let before = resident_bytes();
    let mebibytes = || (resident_bytes() - before) / f64::from(1 << 20);
    let written = || {
        let mut buffer = lender.lend();
        buffer.resize(size(), 1);
        buffer
    };
    let (watch, mut ops) = (Watch::start(), BURST as u64);
    let held: Vec<_> = (0..BURST).map(|_| written()).collect();
    let most = mebibytes();
    drop(held);
    while watch.wall() < run.limit {
        (0..TRICKLE).for_each(|_| drop(filled(lender.lend())));
        ops += TRICKLE;
        thread::sleep(Duration::from_millis(1));
    }
    let all = (BURST * size()) as f64 / f64::from(1 << 20);
    let wrong = f64::from(u8::from(most < all));
    Done::timed(ops, &watch).with("kept_mib", mebibytes().max(0.0)).with("wrong", wrong)
}

/// Takes by the dozen, of which another thread gives back the half: how many were there already.
pub(super) fn hits<L: Lender>(run: Run, make: impl Fn() -> L) -> Done {
    // Relaxed: on this thread, before others begin.
    COUNTS.store(true, Ordering::Relaxed);
    let mut taken = 0;
    let done = run.passes(|| {
        let before = taken;
        pass_of_hits(&make(), &mut taken);
        taken - before
    });
    let made = made();
    let percent = 100.0 * (1.0 - made as f64 / taken as f64);
    done.with("hit_percent", percent).with("wrong", f64::from(u8::from(made > taken)))
}

fn pass_of_hits(lender: &impl Lender, taken: &mut u64) {
    thread::scope(|scope| {
        let (tx, rx) = sync_channel(2);
        scope.spawn(move || rx.into_iter().for_each(drop::<Vec<_>>));
        let mut random = 1_usize;
        for _ in 0..STEPS {
            // The lower bits of Knuth's generator repeat soon.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let half = 1 + (random >> 33) % (STEP_MAX / 2);
            let away: Vec<_> = (0..half).map(|_| lender.hand_over()).collect();
            let here: Vec<_> = (0..half).map(|_| filled(lender.lend())).collect();
            tx.send(away).expect("the other one lives");
            drop(here);
            *taken += 2 * half as u64;
        }
    });
}

/// What takes a while to make.
pub(super) fn take_a_while() {
    // Relaxed: set before anything is measured.
    if SLOW.load(Ordering::Relaxed) {
        thread::sleep(MAKING);
    }
}
