//! A limit for each of many keys.
//!
//! Keys are spread over shards, each a map behind a readers-writer lock. A decision on a key that is there takes the
//! lock for reading and changes the key's word as everywhere; who adds a key, evicts some or changes a quota takes it
//! for writing. So a key that is evicted is one that nobody decides on meanwhile, and an eviction looks at the words
//! and takes keys out under one lock: between the look and the removal nothing can be counted that would be lost.
//!
//! Only a key whose quota is whole again goes; it would be the same if it had never been seen. While a shard is full of
//! others it remembers until when, so that a flood of new keys costs a look at the clock each.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};

use norace_prim::atomic::AtomicU64;
use norace_prim::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use norace_prim::time::Duration;

use super::cell;
use super::clock::{Clock, Monotonic};
use super::decision::{CostError, Decision, Reason};
use super::quota::{ChangeError, Kind, Params, Quota};
use super::word::whole_in;

/// Keys of a shard, about: what one look for keys to evict has to go through.
const SHARD_KEYS: usize = norace_prim::model_or!(512, 2);

struct Entry {
    word: AtomicU64,
    /// A quota of its own; few have one, and entries are small so that many fit into the caches.
    own: Option<Box<Quota>>,
}

impl Entry {
    /// What it is allowed, where keys without a quota of their own have `default`.
    fn quota(&self, default: Quota) -> Quota {
        self.own.as_deref().copied().unwrap_or(default)
    }
}

struct Shard<K> {
    entries: HashMap<K, Entry>,
    quota: Quota,
    /// No key can go before.
    full_until: u64,
}

/// One limit for each key, in one process, for at most so many keys.
///
/// Use it per credential or client address. A key that was never seen has its whole quota; a key takes about 80 bytes
/// and its own size, and goes when its place is needed and its quota is whole. Places belong to shards of about 512, a
/// key's hash says to which it goes: when all places of that one are taken by keys in use, one more is denied, with
/// [`Reason::TableFull`], though others may have some left. A table that grew without bound could be made to.
///
/// A decision on a known key hashes it, takes a lock shared with other readers, and changes one word. Between decisions
/// on different keys nothing is ordered.
///
/// ```
/// use norace::limit::{Keyed, Quota};
///
/// let per_user = Keyed::new(Quota::per_second(2)?, 10_000);
/// assert!(per_user.check("ann").is_allowed());
/// assert!(per_user.check("ann").is_allowed());
/// assert!(!per_user.check("ann").is_allowed());
/// assert!(per_user.check("bob").is_allowed());
/// # Ok::<(), norace::limit::QuotaError>(())
/// ```
pub struct Keyed<K = String, C = Monotonic, S = RandomState> {
    shards: Box<[RwLock<Shard<K>>]>,
    shard_keys: usize,
    kind: Kind,
    clock: C,
    hasher: S,
}

impl<K: Hash + Eq> Keyed<K> {
    /// At most `keys_max` keys with `quota` each, by the machine's clock. The bound is rounded up to whole shards.
    pub fn new(quota: Quota, keys_max: usize) -> Self {
        Self::with_clock(quota, keys_max, Monotonic::new())
    }
}

impl<K: Hash + Eq, C: Clock> Keyed<K, C> {
    /// The same by `clock`.
    pub fn with_clock(quota: Quota, keys_max: usize, clock: C) -> Self {
        Self::with_hasher(quota, keys_max, clock, RandomState::new())
    }
}

fn read<K>(shard: &RwLock<Shard<K>>) -> RwLockReadGuard<'_, Shard<K>> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<K>(shard: &RwLock<Shard<K>>) -> RwLockWriteGuard<'_, Shard<K>> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Hash + Eq, C: Clock, S: BuildHasher> Keyed<K, C, S> {
    /// The same with a hasher of the caller's, which strangers who choose keys should not be able to guess.
    pub fn with_hasher(quota: Quota, keys_max: usize, clock: C, hasher: S) -> Self {
        let shards = keys_max.div_ceil(SHARD_KEYS).next_power_of_two();
        let shard_keys = keys_max.div_ceil(shards).max(1);
        let shard = |_| RwLock::new(Shard { entries: HashMap::new(), quota, full_until: 0 });
        let shards = (0..shards).map(shard).collect();
        Self { shards, shard_keys, kind: quota.kind(), clock, hasher }
    }

    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> &RwLock<Shard<K>> {
        // The map uses the low bits of its own hash, and the top seven.
        let hash = self.hasher.hash_one(key) >> 16;
        let at = usize::try_from(hash).unwrap_or(usize::MAX) & (self.shards.len() - 1);
        &self.shards[at]
    }

    /// Decides on one request for `key`, and counts it when it is admitted.
    #[inline]
    pub fn check<Q>(&self, key: &Q) -> Decision
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.decide(key, 1).unwrap_or_else(|error| unreachable_cost(&error))
    }

    /// Decides on a request of cost `n` for `key`, which is admitted and counted whole or not at all.
    ///
    /// # Errors
    ///
    /// When `n` is above what the key can be admitted at once.
    pub fn check_n<Q>(&self, key: &Q, n: u64) -> Result<Decision, CostError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.decide(key, n)
    }

    fn decide<Q>(&self, key: &Q, n: u64) -> Result<Decision, CostError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let shard = self.shard(key);
        {
            let shard = read(shard);
            if let Some(entry) = shard.entries.get(key) {
                return self.decide_on(entry, entry.quota(shard.quota), n);
            }
        }
        let mut shard = write(shard);
        if !shard.entries.contains_key(key) {
            if let Some(denied) = self.make_room(&mut shard) {
                return Ok(denied);
            }
            let entry = Entry { word: AtomicU64::new(0), own: None };
            shard.entries.insert(key.to_owned(), entry);
        }
        let quota = shard.quota;
        let entry = shard.entries.get(key).expect("it was found, or added");
        self.decide_on(entry, entry.quota(quota), n)
    }

    fn decide_on(&self, entry: &Entry, quota: Quota, n: u64) -> Result<Decision, CostError> {
        if n > quota.at_once() {
            return Err(CostError { cost: n, cost_max: quota.at_once() });
        }
        let params = quota.params();
        Ok(cell::check(&entry.word, self.kind, || params, &self.clock, n))
    }

    /// Makes sure that a key more fits into the shard, or says until when none does.
    fn make_room(&self, shard: &mut Shard<K>) -> Option<Decision> {
        if shard.entries.len() < self.shard_keys {
            return None;
        }
        let now = self.clock.nanos();
        if now >= shard.full_until {
            let mut soonest = u64::MAX;
            let (kind, default) = (self.kind, shard.quota);
            shard.entries.retain(|_, entry| {
                let params: Params = entry.quota(default).params();
                let left = whole_in(kind, params, *entry.word.get_mut(), now);
                let stays = left > 0 || entry.own.is_some();
                soonest = if stays && left > 0 { soonest.min(left) } else { soonest };
                stays
            });
            if shard.entries.len() < self.shard_keys {
                return None;
            }
            // A key's quota only ever becomes whole later than it looks now. Where all keys have quotas of their own
            // nothing is known.
            shard.full_until =
                now.saturating_add(if soonest == u64::MAX { 1_000_000 } else { soonest });
        }
        let retry = shard.full_until.saturating_sub(now);
        Some(Decision::denied(Duration::from_nanos(retry), Reason::TableFull))
    }

    /// Waits until one request for `key` is admitted; cancel safe, see [`Limiter::until_ready`](super::Limiter).
    pub async fn until_ready<Q>(&self, key: &Q) -> Decision
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        super::ready::until(|| self.check(key)).await
    }

    /// Waits until a request of cost `n` for `key` is admitted.
    ///
    /// # Errors
    ///
    /// When `n` is above what the key can be admitted at once.
    pub async fn until_n_ready<Q>(&self, key: &Q, n: u64) -> Result<Decision, CostError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        super::ready::try_until(|| self.check_n(key, n)).await
    }

    /// Changes what keys without a quota of their own are allowed, from now on. What was admitted stays counted.
    ///
    /// # Errors
    ///
    /// When the new quota is one of another algorithm, or a window of another length.
    pub fn set_quota(&self, quota: Quota) -> Result<(), ChangeError> {
        read(&self.shards[0]).quota.check_change(quota)?;
        for shard in &self.shards {
            let mut shard = write(shard);
            (shard.quota, shard.full_until) = (quota, 0);
        }
        Ok(())
    }

    /// Gives `key` a quota of its own, or takes it away again. A key with one keeps its place, used or not; false when
    /// there is none for it.
    ///
    /// # Errors
    ///
    /// When the new quota is one of another algorithm, or a window of another length.
    pub fn set_quota_of<Q>(&self, key: &Q, quota: Option<Quota>) -> Result<bool, ChangeError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let mut shard = write(self.shard(key));
        shard.quota.check_change(quota.unwrap_or(shard.quota))?;
        shard.full_until = 0;
        if let Some(entry) = shard.entries.get_mut(key) {
            entry.own = quota.map(Box::new);
            return Ok(true);
        }
        if quota.is_none() {
            return Ok(true);
        }
        if self.make_room(&mut shard).is_some() {
            return Ok(false);
        }
        shard
            .entries
            .insert(key.to_owned(), Entry { word: AtomicU64::new(0), own: quota.map(Box::new) });
        Ok(true)
    }

    /// How many keys it holds.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| read(shard).entries.len()).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets all keys go whose quota is whole again, and gives their memory back.
    pub fn shrink(&self) {
        for shard in &self.shards {
            let mut shard = write(shard);
            let (now, kind, default) = (self.clock.nanos(), self.kind, shard.quota);
            shard.entries.retain(|_, entry| {
                let params = entry.quota(default).params();
                entry.own.is_some() || whole_in(kind, params, *entry.word.get_mut(), now) > 0
            });
            shard.entries.shrink_to_fit();
            shard.full_until = 0;
        }
    }
}

#[cold]
fn unreachable_cost(error: &CostError) -> Decision {
    unreachable!("every quota admits one: {error}")
}

impl<K, C, S> fmt::Debug for Keyed<K, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed")
            .field("kind", &self.kind)
            .field("keys_max", &(self.shards.len() * self.shard_keys))
            .finish_non_exhaustive()
    }
}
