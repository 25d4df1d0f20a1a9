//! The memory that requests lend and give back: input as it comes from sockets, bodies of requests and answers.
//!
//! Connections bound how many buffers are in use, so the pools add no bound of their own; what they keep is bounded
//! here, to 84 MiB in all. A burst's buffers go with the pools' ageing.
//!
//! Bodies have two sizes. Most are those of one thing, and many of them may be on their way at a time. Arrays are large
//! and come over few connections; their buffers are worth more when they are used again, since the system gives large
//! memory page by page.

use std::fmt;
use std::future::Future;

use norace::context::Context;
use norace::pool::{Guard, Metrics, OwnedGuard, Pool, Reset};
use norace::task;
use norace_prim::time::Duration;

use crate::metrics::Page;

/// The most bytes asked of a socket at once.
const INPUT_BYTES: usize = 64 << 10;
/// Buffers for input are used within one poll, so there are seldom more than workers.
const INPUTS_IDLE_MAX: usize = 64;

/// Where a body's buffer begins; most bodies fit.
const BODY_BYTES: usize = 512;
/// A body's buffer that has grown beyond this is not kept, and one that will is taken from those of arrays.
const BODY_BYTES_KEPT: usize = 64 << 10;
const BODIES_IDLE_MAX: usize = 1_024;

/// The buffer of an array. One of 1,000 orders is asked for in about 83 kB and answered in about 201 kB, for which room
/// for 320 kB is taken. Longer ones have a buffer of their own, which is not kept.
const ARRAY_BYTES: usize = 512 << 10;
/// For eight connections that send arrays, twice over: a request and its answer each.
const ARRAYS_IDLE_MAX: usize = 32;

const _: () = assert!(
    INPUTS_IDLE_MAX * INPUT_BYTES
        + BODIES_IDLE_MAX * BODY_BYTES_KEPT
        + ARRAYS_IDLE_MAX * ARRAY_BYTES
        == 84 << 20
);

/// Memory that was not used for so long to twice as long goes back to the system.
const QUIET: Duration = Duration::from_secs(30);

/// A body's bytes; the memory goes back when it is dropped.
pub(crate) type Buffer = OwnedGuard<Vec<u8>>;

/// Memory for bytes on their way in. They stay until others overwrite them; nobody reads beyond what came.
pub(crate) struct Input(Box<[u8]>);

impl Input {
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Reset for Input {
    fn reset(&mut self) {}

    fn poison(&mut self) {
        self.0.fill(0xA5);
    }
}

/// The pools.
pub(crate) struct Buffers {
    inputs: Pool<Input>,
    bodies: Pool<Vec<u8>>,
    arrays: Pool<Vec<u8>>,
}

impl Buffers {
    pub(crate) fn new() -> Self {
        let inputs = Pool::unbounded_builder()
            .max_idle(INPUTS_IDLE_MAX)
            .age_every(None)
            .build(|| Input(vec![0; INPUT_BYTES].into_boxed_slice()));
        let bodies = Pool::unbounded_builder()
            .max_idle(BODIES_IDLE_MAX)
            .age_every(None)
            .keep(|body: &Vec<u8>| body.capacity() <= BODY_BYTES_KEPT)
            .build(|| Vec::with_capacity(BODY_BYTES));
        let arrays = Pool::unbounded_builder()
            .max_idle(ARRAYS_IDLE_MAX)
            .age_every(None)
            .keep(|body: &Vec<u8>| body.capacity() <= ARRAY_BYTES)
            .build(|| Vec::with_capacity(ARRAY_BYTES));
        Self { inputs, bodies, arrays }
    }

    /// Memory for one read.
    pub(crate) fn input(&self) -> Guard<'_, Input> {
        self.inputs.try_get().expect("the pool has no bound")
    }

    /// An empty body with room for `bytes`.
    pub(crate) fn body(&self, bytes: usize) -> Buffer {
        let fits_array = (BODY_BYTES_KEPT + 1..=ARRAY_BYTES).contains(&bytes);
        let pool = if fits_array { &self.arrays } else { &self.bodies };
        let mut body = pool.try_get().expect("the pool has no bound").into_owned();
        body.reserve(bytes);
        body
    }

    /// Gives back what was not used for a while, until the context is cancelled.
    pub(crate) fn spawn_ageing(&self, until: &Context) {
        spawn_until(until, self.inputs.ageing(QUIET));
        spawn_until(until, self.bodies.ageing(QUIET));
        spawn_until(until, self.arrays.ageing(QUIET));
    }

    /// Writes what the pools did as Prometheus text.
    pub(crate) fn write(&self, page: &mut Page) {
        let pools = [
            ("input", self.inputs.metrics()),
            ("body", self.bodies.metrics()),
            ("array", self.arrays.metrics()),
        ];
        page.family("norace_buffers_taken_total", "counter", "Buffers taken, by where they were.");
        for (name, seen) in &pools {
            for (from, count) in [("near", seen.hits), ("far", seen.steals), ("new", seen.misses)] {
                page.sample("", &format!("pool=\"{name}\",from=\"{from}\""), count);
            }
        }
        let mut each = |name, kind, help, value: fn(&Metrics) -> u64| {
            page.family(name, kind, help);
            for (pool, seen) in &pools {
                page.sample("", &format!("pool=\"{pool}\""), value(seen));
            }
        };
        each(
            "norace_buffers_dropped_total",
            "counter",
            "Buffers given back to the system.",
            |seen| seen.dropped,
        );
        each("norace_buffers_idle", "gauge", "Buffers that wait for their next use.", |seen| {
            seen.idle as u64
        });
        each("norace_buffers_in_use", "gauge", "Buffers in use.", |seen| seen.live as u64);
    }
}

fn spawn_until(until: &Context, ageing: impl Future<Output = ()> + Send + 'static) {
    let until = until.clone();
    let ageing = async move {
        let _ = until.run(ageing).await;
    };
    // A runtime that admits no more tasks admits no connections either.
    drop(task::Builder::new().spawn(ageing));
}

impl fmt::Debug for Buffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffers").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{ARRAY_BYTES, BODY_BYTES_KEPT, Buffers, Page};

    #[test]
    fn bodies_are_used_again_unless_they_have_grown_and_arrays_have_larger_ones() {
        let buffers = Buffers::new();
        let mut body = buffers.body(100);
        body.extend_from_slice(b"secret");
        drop(body);
        let again = buffers.body(0);
        assert!(again.is_empty());
        drop(again);
        drop(buffers.body(ARRAY_BYTES + 1));
        drop(buffers.body(BODY_BYTES_KEPT + 1));
        let mut array = buffers.body(ARRAY_BYTES);
        array.extend_from_slice(&[b' '; ARRAY_BYTES]);
        drop(array);
        assert!(buffers.body(BODY_BYTES_KEPT + 1).is_empty());
        drop(buffers.input());
        let mut page = Page::default();
        buffers.write(&mut page);
        let text = String::from_utf8(page.into_bytes()).unwrap();
        for line in [
            "norace_buffers_taken_total{pool=\"body\",from=\"new\"} 1",
            "norace_buffers_taken_total{pool=\"body\",from=\"near\"} 2",
            "norace_buffers_dropped_total{pool=\"body\"} 1",
            "norace_buffers_idle{pool=\"body\"} 0",
            "norace_buffers_taken_total{pool=\"array\",from=\"new\"} 1",
            "norace_buffers_taken_total{pool=\"array\",from=\"near\"} 2",
            "norace_buffers_dropped_total{pool=\"array\"} 0",
            "norace_buffers_idle{pool=\"array\"} 1",
            "norace_buffers_idle{pool=\"input\"} 1",
            "norace_buffers_in_use{pool=\"input\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "no line `{line}` in\n{text}");
        }
    }
}
