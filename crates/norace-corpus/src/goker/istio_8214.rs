//! istio/istio#8214: a cache counts writes atomically, but copies its statistics as if nobody counted.
//!
//! Each check stores its result in the cache, and then records the statistics. Fixed by loading them atomically, too.

use super::RACES;
use crate::case::Case;
use crate::go::{WaitGroup, Word, go};
use norace_prim::sync::Arc;

pub(super) const CASE: Case =
    Case { name: "istio_8214", class: "Data race", kinds: RACES, blames: &["check"], program };

struct LruCache {
    writes: Word,
}

impl LruCache {
    fn set_with_expiration(&self) {
        self.writes.atomic_add(1);
    }

    fn stats(&self, fixed: bool) -> i64 {
        if fixed { self.writes.atomic_load() } else { self.writes.get() }
    }
}

fn check(cache: &LruCache, fixed: bool) {
    cache.set_with_expiration();
    cache.stats(fixed);
}

fn program(fixed: bool) {
    let cache = Arc::new(LruCache { writes: Word::named("Writes", 0) });
    let wait_group = WaitGroup::new();
    wait_group.add(2);
    for _ in 0..2 {
        let (cache, done) = (cache.clone(), wait_group.clone());
        go("check", move || {
            check(&cache, fixed);
            done.done();
        });
    }
    wait_group.wait();
}
