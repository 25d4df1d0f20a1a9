//! From id, or key, to ordinal.
//!
//! Open addressing with linear probing over one word per entry: the upper half of the id's hash, and the ordinal. The
//! ids themselves stay with the objects, so an entry costs 8 bytes and growing touches no id. The table is cut into
//! shards by the hash's low bits, so that growing one is a pause of microseconds, not of the whole table's size. The
//! hash is keyed per process: ids come from outside and must not be able to aim at one slot.

use std::hash::{BuildHasher, Hash, RandomState};

const SHARDS: usize = 256;
const SHARD_SLOTS_MIN: usize = 8;

#[derive(Debug)]
pub(crate) struct IdTable {
    hasher: RandomState,
    shards: Vec<Shard>,
}

#[derive(Clone, Debug, Default)]
struct Shard {
    /// 0 is free; else the hash's upper half, and the ordinal plus 1. The length is 0 or a power of two.
    slots: Vec<u64>,
    used: usize,
}

/// An id's hash, computed once for a look-up and the insertion after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdHash(u64);

impl IdTable {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::new(), shards: vec![Shard::default(); SHARDS] }
    }

    pub(crate) fn hash(&self, id: &impl Hash) -> IdHash {
        IdHash(self.hasher.hash_one(id))
    }

    /// The ordinal under `hash` for which `is_it` holds.
    pub(crate) fn find(&self, hash: IdHash, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let slots = &self.shards[hash.0 as usize % SHARDS].slots;
        let tag = hash.0 >> 32;
        let mask = slots.len().wrapping_sub(1);
        let mut at = tag as usize;
        // A table is never full, so the probe ends at a free slot.
        loop {
            let slot = *slots.get(at & mask)?;
            if slot == 0 {
                return None;
            }
            let ordinal = (slot as u32) - 1;
            if slot >> 32 == tag && is_it(ordinal) {
                return Some(ordinal);
            }
            at += 1;
        }
    }

    /// Adds an entry; the caller has looked and not found it.
    pub(crate) fn insert(&mut self, hash: IdHash, ordinal: u32) {
        let shard = &mut self.shards[hash.0 as usize % SHARDS];
        if (shard.used + 1) * 4 > shard.slots.len() * 3 {
            shard.grow();
        }
        shard.put((hash.0 >> 32 << 32) | u64::from(ordinal + 1));
        shard.used += 1;
    }
}

impl Shard {
    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).max(SHARD_SLOTS_MIN);
        for slot in std::mem::replace(&mut self.slots, vec![0; slots]) {
            if slot != 0 {
                self.put(slot);
            }
        }
    }

    fn put(&mut self, entry: u64) {
        let mask = self.slots.len() - 1;
        let mut at = (entry >> 32) as usize & mask;
        while self.slots[at] != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = entry;
    }
}
