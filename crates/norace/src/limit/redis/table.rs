//! A node's keys, of which there may be at most so many.
//!
//! Decisions hold a shard's lock for reading, and a key goes under the lock for writing, so that nobody decides on one
//! that went. One goes only when the sender does not look at it any more and nothing of it is left to tell.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::limit::quota::Quota;
use crate::limit::shared::{Gate, Shape, Terms};

/// Keys of a shard, about.
const SHARD_KEYS: usize = 512;

pub(super) struct Entry {
    pub(super) key: String,
    pub(super) gate: Gate,
}

pub(super) struct Place {
    pub(super) entry: Arc<Entry>,
    /// The cost that can be admitted at once at most, in one go.
    pub(super) cost_max: u64,
    /// How long the whole quota takes to be whole again, in microseconds.
    pub(super) whole_after: u64,
    /// Its own, where it has one.
    own: Option<Quota>,
}

impl Place {
    fn note(&mut self, terms: &Terms) {
        self.cost_max = terms.batch;
        self.whole_after = match terms.shape {
            Shape::Window { period, .. } => period,
            Shape::Bucket { burst, .. } => terms.shape.refill_time(burst),
        };
    }
}

struct Shard {
    places: HashMap<String, Place>,
    terms: Terms,
}

pub(super) struct Table {
    shards: Box<[RwLock<Shard>]>,
    shard_keys: usize,
    hasher: RandomState,
    /// The greatest number of a message about a key that went: what is numbered anew goes on from there.
    seq: AtomicU64,
}

fn read(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(shard: &RwLock<Shard>) -> RwLockWriteGuard<'_, Shard> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    pub(super) fn new(terms: Terms, keys_max: usize) -> Self {
        let shards = keys_max.div_ceil(SHARD_KEYS).next_power_of_two();
        let shard_keys = keys_max.div_ceil(shards).max(1);
        let shard = |_| RwLock::new(Shard { places: HashMap::new(), terms });
        let shards = (0..shards).map(shard).collect();
        Self { shards, shard_keys, hasher: RandomState::new(), seq: AtomicU64::new(0) }
    }

    fn shard(&self, key: &str) -> &RwLock<Shard> {
        let hash = self.hasher.hash_one(key) >> 16;
        let at = usize::try_from(hash).unwrap_or(usize::MAX) & (self.shards.len() - 1);
        &self.shards[at]
    }

    /// Does something with a key's place; none when there is no place for it.
    pub(super) fn with<R>(&self, key: &str, now: u64, act: impl FnOnce(&Place) -> R) -> Option<R> {
        let shard = self.shard(key);
        {
            let shard = read(shard);
            if let Some(place) = shard.places.get(key) {
                return Some(act(place));
            }
        }
        let mut shard = write(shard);
        self.add(&mut shard, key, now).map(|place| act(place))
    }

    fn add<'s>(&self, shard: &'s mut Shard, key: &str, now: u64) -> Option<&'s mut Place> {
        if !shard.places.contains_key(key) {
            if shard.places.len() >= self.shard_keys {
                shard.places.retain(|_, place| match place.entry.gate.forgettable(now) {
                    Some(seq) if place.own.is_none() => {
                        // Relaxed: the shard's lock orders it for its keys.
                        self.seq.fetch_max(seq, Ordering::Relaxed);
                        false
                    }
                    _ => true,
                });
            }
            if shard.places.len() >= self.shard_keys {
                return None;
            }
            // Relaxed: a key comes back to the shard that it went from, under that one's lock.
            let gate = Gate::new(shard.terms, self.seq.load(Ordering::Relaxed));
            let entry = Arc::new(Entry { key: key.to_owned(), gate });
            let mut place = Place { entry, cost_max: 0, whole_after: 0, own: None };
            place.note(&shard.terms);
            shard.places.insert(key.to_owned(), place);
        }
        shard.places.get_mut(key)
    }

    /// Gives a key terms of its own; false when there is no place for it.
    pub(super) fn set_own(&self, key: &str, now: u64, own: Option<(Quota, Terms)>) -> bool {
        let mut shard = write(self.shard(key));
        let terms = own.map_or(shard.terms, |(_, terms)| terms);
        let Some(place) = self.add(&mut shard, key, now) else { return false };
        place.own = own.map(|(quota, _)| quota);
        place.note(&terms);
        place.entry.gate.change(now, terms);
        true
    }

    /// A key's own quota.
    pub(super) fn own(&self, key: &str) -> Option<Quota> {
        read(self.shard(key)).places.get(key)?.own
    }

    /// Gives all keys without terms of their own others.
    pub(super) fn set_all(&self, now: u64, terms: Terms) {
        for shard in &self.shards {
            let mut shard = write(shard);
            shard.terms = terms;
            for place in shard.places.values_mut().filter(|place| place.own.is_none()) {
                place.note(&terms);
                place.entry.gate.change(now, terms);
            }
        }
    }

    pub(super) fn terms(&self) -> Terms {
        read(&self.shards[0]).terms
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| read(shard).places.len()).sum()
    }
}
