//! A million keys, of which few are asked for often: the time of a decision, memory, and what it costs to let keys go.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use norace::limit::{Decision, Keyed, Quota, Reason};
use norace_bench_measure::usage::resident_bytes;
use norace_bench_measure::{Done, Run, p99};

/// More in a second than can be asked for.
const PLENTY: u32 = 1_000_000_000;
/// A key is as if it had never been seen after this.
const SHORT: Duration = Duration::from_millis(1);
/// Of so many keys one has a place, where keys have to go.
const CROWD: u64 = 8;
const SAMPLES: usize = 1 << 20;
/// Decisions of a pass, and how often who has to be told lets keys go.
const EACH: usize = 100_000;
const TIDY_EVERY: Duration = Duration::from_millis(10);

type Governor = governor::DefaultKeyedRateLimiter<u64>;

/// A table of limits.
trait Table: Sync {
    /// Decides; false when there was no place for the key.
    fn check(&self, key: u64) -> bool;
    /// Lets keys go where that does not happen by itself.
    fn tidy(&self, _most: usize) {}
    fn len(&self) -> usize;
}

impl Table for Keyed<u64> {
    fn check(&self, key: u64) -> bool {
        !matches!(self.check(&key), Decision::Denied { reason: Reason::TableFull, .. })
    }

    fn len(&self) -> usize {
        self.len()
    }
}

impl Table for Governor {
    fn check(&self, key: u64) -> bool {
        // Both answers are decisions.
        let _ = self.check_key(&key);
        true
    }

    fn tidy(&self, most: usize) {
        if self.len() > most {
            self.retain_recent();
        }
    }

    fn len(&self) -> usize {
        self.len()
    }
}

/// `limit-zipf:KEYS`, the n-th of which is asked for in proportion to 1 / n.
pub fn zipf(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let keys: u64 = parameters.first()?.parse().ok()?;
    // Shards are filled unevenly.
    let places = |keys: u64| usize::try_from(keys + keys / 4).expect("they fit into memory");
    match contender {
        "norace" => {
            let plenty = Quota::per_second(PLENTY.into()).expect("it can be");
            let short = Quota::gcra(1, SHORT).expect("it can be");
            let small = Keyed::new(short, places(keys / CROWD));
            Some(measure(run, keys, Keyed::new(plenty, places(keys)), small))
        }
        "governor" => {
            let plenty = governor::Quota::per_second(NonZeroU32::new(PLENTY)?);
            let short = governor::Quota::with_period(SHORT)?;
            let small = Governor::keyed(short);
            Some(measure(run, keys, Governor::keyed(plenty), small))
        }
        _ => None,
    }
}

fn measure<T: Table>(run: Run, keys: u64, table: T, small: T) -> Done {
    let samples = samples(keys);
    let before = resident_bytes();
    let mut full = (0..keys).filter(|key| !table.check(*key)).count();
    let bytes = (resident_bytes() - before) / keys as f64;
    assert_eq!(table.len() as u64, keys, "each has its place");
    let mut rounds = samples.chunks(EACH).cycle();
    let done = run.passes(|| {
        let chunk = rounds.next().expect("it begins again");
        full += chunk.iter().filter(|key| !table.check(**key)).count();
        chunk.len() as u64
    });
    drop(table);
    let most = usize::try_from(keys / CROWD).expect("they fit into memory");
    let mut times = crowd(run, &samples, &small, most, &mut full);
    let longest = times.iter().copied().max().unwrap_or_default();
    done.with("bytes_per_key", bytes)
        .with("crowd_p99_ns", p99(&mut times) as f64)
        .with("stall_us", longest as f64 / 1e3)
        .with("wrong", full as f64)
}

/// How long each decision takes while keys have to go, beside a thread that lets them go where that is needed.
fn crowd<T: Table>(
    run: Run,
    samples: &[u64],
    table: &T,
    most: usize,
    full: &mut usize,
) -> Vec<u64> {
    let ended = AtomicBool::new(false);
    let mut times = Vec::with_capacity(SAMPLES);
    thread::scope(|scope| {
        scope.spawn(|| {
            // Relaxed: it carries nothing.
            while !ended.load(Ordering::Relaxed) {
                table.tidy(most);
                thread::sleep(TIDY_EVERY);
            }
        });
        let begun = Instant::now();
        for key in samples.iter().cycle().take(16 * SAMPLES) {
            let at = Instant::now();
            *full += usize::from(!table.check(*key));
            times.push(u64::try_from(at.elapsed().as_nanos()).expect("it is short"));
            if at - begun > run.limit {
                break;
            }
        }
        // Relaxed: as above.
        ended.store(true, Ordering::Relaxed);
    });
    times
}

/// Keys by Zipf's law with exponent 1, but for how the first few are rounded.
fn samples(keys: u64) -> Vec<u64> {
    let (mut random, all) = (1_u64, ((keys + 1) as f64).ln());
    let next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let part = (random >> 11) as f64 / (1_u64 << 53) as f64;
        ((part * all).exp() as u64 - 1).min(keys - 1)
    };
    std::iter::repeat_with(next).take(SAMPLES).collect()
}
