//! cockroachdb/cockroach#6181: logging what a cache holds takes the cache's read lock for a second time.
//!
//! A lookup that does not find its range logs the cache as text, under the read lock, and making the text takes that
//! lock again. Another lookup, which has found its range meanwhile, waits to write it down, and no new reader gets in.
//! Fixed by a way to make the text that takes no lock.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{RwMutex, WaitGroup, go, settle};
use norace_prim::sync::Arc;
use std::fmt;

pub(super) const CASE: Case = Case {
    name: "cockroach_6181",
    class: "RWR deadlock",
    kinds: BLOCKS,
    blames: &["lookup"],
    program,
};

const LOOKUPS: usize = 3;

struct RangeDescriptorCache {
    ranges: RwMutex<Vec<usize>>,
}

impl RangeDescriptorCache {
    fn lookup_range_descriptor(&self, key: usize, fixed: bool) {
        let ranges = self.ranges.read();
        let _logged = if fixed { string_locked(&ranges) } else { self.to_string() };
        drop(ranges);
        self.ranges.write().push(key);
    }
}

impl fmt::Display for RangeDescriptorCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&string_locked(&self.ranges.read()))
    }
}

fn string_locked(ranges: &[usize]) -> String {
    format!("{} ranges", ranges.len())
}

fn program(fixed: bool) {
    go("test", move || {
        let cache = Arc::new(RangeDescriptorCache { ranges: RwMutex::new(Vec::new()) });
        let wait_group = WaitGroup::new();
        for key in 0..LOOKUPS {
            wait_group.add(1);
            let (cache, wait_group) = (cache.clone(), wait_group.clone());
            go("lookup", move || {
                cache.lookup_range_descriptor(key, fixed);
                wait_group.done();
            });
        }
        wait_group.wait();
    });
    settle();
}
