//! Limits: one place, many keys, and one key that nodes share through Redis, whatever happens to it and to them.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use norace::limit::{Keyed, Limiter, Quota};
use norace_bench_measure::{Done, Run};

use crate::locks::on_threads;

mod nodes;
mod processes;
#[expect(dead_code, reason = "the tests that it is from use more of it")]
#[path = "../../../norace/src/limit/redis/tests/server.rs"]
mod server;
mod window;
mod zipf;

pub use nodes::shared;
pub use processes::{node, processes};
pub use window::window;
pub use zipf::zipf;

/// Where a store is needed.
const INSTALLED: &str = "redis-server is installed";

/// More in a second than can be asked for.
const PLENTY: u32 = 1_000_000_000;

/// Decisions at one place, all of them to admit or all of them to deny.
pub fn one(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let [threads, answer] = parameters else { return None };
    let (threads, admit) = (threads.parse().ok()?, *answer == "allow");
    Some(match contender {
        "norace" => {
            let day = Quota::gcra(1, Duration::from_secs(86_400));
            let quota = if admit { Quota::per_second(u64::from(PLENTY)) } else { day };
            let limiter = Limiter::new(quota.expect("it can be"));
            _ = limiter.check();
            on_threads(run, threads, || assert_eq!(limiter.check().is_allowed(), admit))
        }
        "governor" => {
            let plenty = governor::Quota::per_second(NonZeroU32::new(PLENTY)?);
            let day = governor::Quota::with_period(Duration::from_secs(86_400))?;
            let limiter = governor::RateLimiter::direct(if admit { plenty } else { day });
            _ = limiter.check();
            on_threads(run, threads, || assert_eq!(limiter.check().is_ok(), admit))
        }
        _ => return None,
    })
}

/// Decisions for many keys in turns, all of which are there.
pub fn many(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let [threads, keys] = parameters else { return None };
    let (threads, keys): (u64, u64) = (threads.parse().ok()?, keys.parse().ok()?);
    let turn = AtomicU64::new(0);
    // Relaxed: only the number counts. The step is coprime to the usual counts, so that neighbours are far apart.
    let next = || turn.fetch_add(1, Ordering::Relaxed).wrapping_mul(7_919) % keys;
    Some(match contender {
        "norace" => {
            let quota = Quota::per_second(u64::from(PLENTY)).expect("it can be");
            let limits = Keyed::new(quota, usize::try_from(keys * 2).ok()?);
            on_threads(run, threads, || assert!(limits.check(&next()).is_allowed()))
        }
        "governor" => {
            let quota = governor::Quota::per_second(NonZeroU32::new(PLENTY)?);
            let limits = governor::RateLimiter::keyed(quota);
            on_threads(run, threads, || assert!(limits.check_key(&next()).is_ok()))
        }
        _ => return None,
    })
}
