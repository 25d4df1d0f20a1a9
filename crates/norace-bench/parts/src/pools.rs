//! Objects used again: buffers of a number of bytes, which are filled a little.

use std::hint::black_box;
use std::ops::DerefMut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use norace::pool::Pool;
use norace_bench_measure::Done;
use norace_bench_measure::Run;
use norace_bench_measure::usage::Watch;

mod kept;

/// The bound of pools that have one.
const OBJECTS: usize = 1_024;
/// Buffers of a burst, and of a message from one thread to the other.
const BURST: usize = 100;
const EACH: usize = 100_000;
/// Buffers of a request, and requests of a millisecond.
const PER_REQUEST: usize = 3;
const PER_MILLISECOND: u64 = 10;

static SIZE: OnceLock<usize> = OnceLock::new();

/// Whether made buffers are counted, and how many there are.
static COUNTS: AtomicBool = AtomicBool::new(false);
static MADE: AtomicU64 = AtomicU64::new(0);

fn size() -> usize {
    *SIZE.get().expect("it was set at the start")
}

fn buffer() -> Vec<u8> {
    // Relaxed: set before anything is measured.
    if COUNTS.load(Ordering::Relaxed) {
        // Relaxed: a count.
        MADE.fetch_add(1, Ordering::Relaxed);
    }
    kept::take_a_while();
    Vec::with_capacity(size())
}

/// How many were made since they are counted.
fn made() -> u64 {
    // Relaxed: a count; who made some was joined.
    MADE.load(Ordering::Relaxed)
}

/// What a task is done with.
trait Lender: Sync {
    fn lend(&self) -> impl DerefMut<Target = Vec<u8>>;

    /// A buffer with something in it, for another thread to give back.
    fn hand_over(&self) -> impl Send;
}

fn filled<B: DerefMut<Target = Vec<u8>>>(mut buffer: B) -> B {
    assert!(buffer.is_empty(), "it holds what another wrote");
    buffer.push(1);
    black_box(&mut *buffer);
    buffer
}

impl Lender for Pool<Vec<u8>> {
    fn lend(&self) -> impl DerefMut<Target = Vec<u8>> {
        self.get_blocking()
    }

    fn hand_over(&self) -> impl Send {
        filled(self.get_blocking())
    }
}

struct Plain;

struct Owned(Vec<u8>);

impl std::ops::Deref for Owned {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Owned {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Lender for Plain {
    fn lend(&self) -> impl DerefMut<Target = Vec<u8>> {
        Owned(buffer())
    }

    fn hand_over(&self) -> impl Send {
        filled(Owned(buffer()))
    }
}

impl Lender for lockfree_object_pool::LinearObjectPool<Vec<u8>> {
    fn lend(&self) -> impl DerefMut<Target = Vec<u8>> {
        self.pull()
    }

    fn hand_over(&self) -> impl Send {
        filled(self.pull())
    }
}

impl Lender for object_pool::Pool<Vec<u8>> {
    fn lend(&self) -> impl DerefMut<Target = Vec<u8>> {
        let mut buffer = self.pull(buffer);
        buffer.clear();
        buffer
    }

    fn hand_over(&self) -> impl Send {
        let mut buffer = self.pull(buffer);
        buffer.clear();
        filled(buffer)
    }
}

struct Allocator;

impl opool::PoolAllocator<Vec<u8>> for Allocator {
    fn reset(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
    }

    fn allocate(&self) -> Vec<u8> {
        buffer()
    }
}

impl Lender for opool::Pool<Allocator, Vec<u8>> {
    fn lend(&self) -> impl DerefMut<Target = Vec<u8>> {
        self.get()
    }

    fn hand_over(&self) -> impl Send {
        filled(self.get())
    }
}

struct Page(Vec<u8>);

impl Default for Page {
    fn default() -> Self {
        Self(buffer())
    }
}

impl sharded_slab::Clear for Page {
    fn clear(&mut self) {
        self.0.clear();
    }
}

/// A slab's object has to be cleared by its key when it is done with.
struct Cleared<'a> {
    slab: &'a sharded_slab::Pool<Page>,
    page: Option<sharded_slab::pool::RefMut<'a, Page>>,
}

/// What of a slab's object may go to another thread.
struct Handed<'a> {
    slab: &'a sharded_slab::Pool<Page>,
    key: usize,
}

impl Drop for Handed<'_> {
    fn drop(&mut self) {
        self.slab.clear(self.key);
    }
}

const HELD: &str = "it is there until it is dropped";

impl std::ops::Deref for Cleared<'_> {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.page.as_ref().expect(HELD).0
    }
}

impl DerefMut for Cleared<'_> {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.page.as_mut().expect(HELD).0
    }
}

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        let page = self.page.take().expect(HELD);
        let key = page.key();
        drop(page);
        self.slab.clear(key);
    }
}

impl Lender for sharded_slab::Pool<Page> {
    fn lend(&self) -> impl DerefMut<Target = Vec<u8>> {
        Cleared { slab: self, page: self.create() }
    }

    fn hand_over(&self) -> impl Send {
        let mut page = self.create().expect(HELD);
        page.0.push(1);
        Handed { slab: self, key: page.key() }
    }
}

/// Tasks of buffers of as many bytes as the first parameter says.
pub fn lend(run: Run, contender: &str, task: &str, parameters: &[&str]) -> Option<Done> {
    SIZE.set(parameters.first()?.parse().ok()?).expect("one task is done");
    // A burst is forgotten after two of these.
    let ageing = if task == "pool-memory" { run.limit / 5 } else { Duration::from_secs(30) };
    match contender {
        "norace" => with(run, task, || Pool::builder(OBJECTS).age_every(ageing).build(buffer)),
        "plain" => with(run, task, || Plain),
        "lockfree" => {
            with(run, task, || lockfree_object_pool::LinearObjectPool::new(buffer, Vec::clear))
        }
        "opool" => with(run, task, || opool::Pool::new(OBJECTS, Allocator)),
        "object" => with(run, task, || object_pool::Pool::new(0, buffer)),
        "slab" => with(run, task, sharded_slab::Pool::<Page>::new),
        _ => None,
    }
}

fn with<L: Lender>(run: Run, task: &str, make: impl Fn() -> L) -> Option<Done> {
    match task {
        "pool-slow" => return Some(kept::slow(run, make)),
        "pool-hits" => return Some(kept::hits(run, make)),
        _ => {}
    }
    let lender = make();
    Some(match task {
        "pool-one" => run.passes(|| one(&lender)),
        "pool-burst" => run.passes(|| bursts(&lender)),
        "pool-forward" => run.passes(|| forward(&lender)),
        "pool-requests" => requests(run, &lender),
        "pool-memory" => kept::memory(run, &lender),
        _ => return None,
    })
}

fn one(lender: &impl Lender) -> u64 {
    for _ in 0..EACH {
        drop(filled(lender.lend()));
    }
    EACH as u64
}

fn bursts(lender: &impl Lender) -> u64 {
    let mut held = Vec::with_capacity(BURST);
    for _ in 0..EACH / BURST {
        held.extend((0..BURST).map(|_| filled(lender.lend())));
        held.clear();
    }
    EACH as u64
}

/// One thread takes, the other gives back, a burst at a time.
fn forward(lender: &impl Lender) -> u64 {
    thread::scope(|scope| {
        let (tx, rx) = sync_channel(2);
        scope.spawn(move || rx.into_iter().for_each(drop::<Vec<_>>));
        for _ in 0..EACH / BURST {
            let mut held = Vec::with_capacity(BURST);
            held.extend((0..BURST).map(|_| lender.hand_over()));
            tx.send(held).expect("the other one lives");
        }
    });
    EACH as u64
}

/// Ten thousand requests a second; the bytes of the buffers that are made for them.
fn requests(run: Run, lender: &impl Lender) -> Done {
    // Relaxed: on this thread.
    COUNTS.store(true, Ordering::Relaxed);
    let (watch, start) = (Watch::start(), Instant::now());
    let (mut ops, mut due) = (0, Duration::ZERO);
    while due < run.limit {
        for _ in 0..PER_MILLISECOND {
            let held: [_; PER_REQUEST] = std::array::from_fn(|_| filled(lender.lend()));
            drop(held);
            ops += 1;
        }
        due += Duration::from_millis(1);
        thread::sleep(due.saturating_sub(start.elapsed()));
    }
    let bytes = made() as f64 * size() as f64;
    Done::timed(ops, &watch)
        .with("bytes_per_request", bytes / ops as f64)
        .with("mebibytes", bytes / f64::from(1 << 20))
}
