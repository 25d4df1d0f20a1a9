//! A counter for many threads: a stripe each, added up when somebody asks.

use norace_prim::atomic::{AtomicI64, AtomicUsize, Ordering};
use norace_prim::sync::OnceLock;
use norace_prim::{sys, thread_local};
use std::fmt;

/// The most stripes of a counter.
const STRIPES_MAX: usize = norace_prim::model_or!(64, 2);

/// A stripe has two cache lines to itself: processors fetch lines in pairs.
#[repr(align(128))]
struct Stripe(AtomicI64);

/// Numbers threads, so that as many as there are stripes have one each.
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    // Relaxed: a number that orders nothing.
    static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed);
}

/// A sum that many threads add to without meeting each other.
///
/// ```
/// use norace::sync::Counter;
/// static SERVED: Counter = Counter::new();
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| (0..100).for_each(|_| SERVED.add(1)));
///     }
/// });
/// assert_eq!(SERVED.get(), 400); // Exact: the threads have been joined.
/// assert_eq!(SERVED.take(), 400);
/// assert_eq!(SERVED.get(), 0);
/// ```
///
/// # When to use it, and when not
///
/// For counts that are written all the time and read now and then: requests, bytes, hits. Where a decision hangs on the
/// count (a limit, a number to hand out) it is the wrong tool: use one atomic, or
/// [`Versioned`](crate::sync::Versioned). With one or two threads an atomic is as good and smaller.
///
/// There is no ABA problem in a counter: adding does not depend on what was there. The problem begins where somebody
/// compares what it found with what it finds; see [`Versioned`](crate::sync::Versioned).
///
/// # What a read sees
///
/// [`get`](Self::get) adds up the stripes one after the other. While others add it is no snapshot: of two adds by
/// different threads it may see the later and miss the earlier, and with adds and subs under way it may even be a
/// number that the sum never was. What it cannot miss is what happens before it, and it counts nothing twice; so it is
/// **exact at quiescence**, and between two bounds at any time if only adds are made.
///
/// [`take`](Self::take) is exact in another sense: whatever is added is in exactly one take or stays, so that all takes
/// and the rest are the sum of all adds.
///
/// Sums wrap around at 64 bits.
///
/// # Cost
///
/// An add is one `fetch_add` on a line that this thread has mostly to itself, and a thread-local read. There are as
/// many stripes as processors, rounded up to a power of two and at most 64, of 128 bytes each, allocated by the first
/// add; threads are spread over them in the order in which they first add to any counter. A read costs one load per
/// stripe.
///
/// # Ordering
///
/// None: no call orders anything else.
///
/// The stripes are those of Java's `LongAdder`, but that a thread keeps its stripe.
pub struct Counter {
    stripes: OnceLock<Box<[Stripe]>>,
}

impl Counter {
    /// A counter at 0.
    #[cfg_attr(norace, track_caller)]
    pub const fn new() -> Self {
        Self { stripes: OnceLock::new() }
    }

    /// Adds `count`.
    #[inline]
    pub fn add(&self, count: i64) {
        let stripes = self.stripes.get_or_init(stripes);
        // While the thread's locals are being destroyed any stripe will do.
        let thread = THREAD.try_with(|thread| *thread).unwrap_or(0);
        // Relaxed: a count that orders nothing.
        stripes[thread & (stripes.len() - 1)].0.fetch_add(count, Ordering::Relaxed);
    }

    /// Subtracts `count`.
    #[inline]
    pub fn sub(&self, count: i64) {
        self.add(count.wrapping_neg());
    }

    /// The sum. See [what a read sees](Self#what-a-read-sees).
    pub fn get(&self) -> i64 {
        // Relaxed: as in add.
        self.sum(|stripe| stripe.0.load(Ordering::Relaxed))
    }

    /// The sum, which goes back to 0. See [what a read sees](Self#what-a-read-sees).
    pub fn take(&self) -> i64 {
        // Relaxed: as in add.
        self.sum(|stripe| stripe.0.swap(0, Ordering::Relaxed))
    }

    fn sum(&self, each: impl Fn(&Stripe) -> i64) -> i64 {
        let stripes = self.stripes.get().map_or(&[][..], |stripes| stripes);
        stripes.iter().map(each).fold(0, i64::wrapping_add)
    }
}

/// As many stripes as it takes on this machine, a power of two.
fn stripes() -> Box<[Stripe]> {
    let count = sys::cpu_count().next_power_of_two().min(STRIPES_MAX);
    (0..count).map(|_| Stripe(AtomicI64::new(0))).collect()
}

impl Default for Counter {
    #[cfg_attr(norace, track_caller)]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Counter").field(&self.get()).finish()
    }
}
