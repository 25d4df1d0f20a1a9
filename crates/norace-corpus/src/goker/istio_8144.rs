//! istio/istio#8144: a test looks at how often a cache has called back while the goroutine that evicts calls back.
//!
//! Fixed by counting atomically.

use super::RACES;
use crate::case::Case;
use crate::go::{Lock, Word, go};
use norace_prim::sync::Arc;

pub(super) const CASE: Case =
    Case { name: "istio_8144", class: "Data race", kinds: RACES, blames: &["evicter"], program };

/// Counts callbacks.
struct Recorder {
    callbacks: Word,
    fixed: bool,
}

impl Recorder {
    fn callback(&self) {
        if self.fixed {
            self.callbacks.atomic_add(1);
        } else {
            self.callbacks.add(1);
        }
    }

    fn callbacks(&self) -> i64 {
        if self.fixed { self.callbacks.atomic_load() } else { self.callbacks.get() }
    }
}

/// A cache whose entries expire.
struct Cache {
    entries: Lock<Vec<u32>>,
    recorder: Arc<Recorder>,
}

impl Cache {
    fn new(recorder: Arc<Recorder>) -> Arc<Self> {
        let cache = Arc::new(Self { entries: Lock::default(), recorder });
        let evicter = cache.clone();
        go("evicter", move || evicter.evict_expired());
        cache
    }

    /// Evicts what there is; callbacks run outside of the lock, as for a `sync.Map`.
    fn evict_expired(&self) {
        let expired = self.entries.lock().clone();
        for _ in expired {
            self.recorder.callback();
        }
    }

    fn set_with_expiration(&self, key: u32) {
        self.entries.lock().push(key);
    }
}

fn program(fixed: bool) {
    let recorder = Arc::new(Recorder { callbacks: Word::named("callbacks", 0), fixed });
    let cache = Cache::new(recorder.clone());
    cache.set_with_expiration(1);
    recorder.callbacks();
}
