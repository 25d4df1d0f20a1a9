//! A limit for each of many keys.
//!
//! Keys are spread over shards. A decision on a key that is there holds no lock and touches one cache line of
//! [`places`], beside what all decisions share and nobody changes; who adds a key, evicts some or gives one a quota of
//! its own takes the shard's lock for writing. Decisions on a key with a quota of its own take it for reading.
//!
//! Only a key whose quota is whole again goes; it would be the same if it had never been seen. While a shard is full of
//! others it remembers until when, so that a flood of new keys costs a look at the clock each.
//!
//! A key is known by its hash of 64 bits: keys themselves are neither kept nor compared, which would take memory of any
//! size and a cache line more. Two keys of one hash would share a quota. With a million keys in the table a new one
//! meets one of them with a chance of one in 2^44, and who wants to meet a certain one has to try 2^64: the hash is
//! SipHash with a random key (Aumasson and Bernstein 2012), made so that nobody who chooses keys can do better. Faster
//! hashes promise no such thing, and would let a stranger use up somebody else's quota.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash, RandomState};
use std::marker::PhantomData;

use norace_prim::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use norace_prim::time::Duration;

use super::clock::{Clock, Monotonic};
use super::decision::{CostError, Decision, Reason};
use super::live::Live;
use super::quota::{ChangeError, Kind, Params, Quota};
use super::word::{Verdict, decide, whole_in};

mod places;

use places::{Places, Seen};

/// Keys of a shard, about: what one look for keys to evict has to go through.
const SHARD_KEYS: usize = norace_prim::model_or!(512, 2);

/// Until when a shard is full where nothing says so.
const FULL_FOR: u64 = 1_000_000;

#[derive(Default)]
struct Shard {
    /// There from the first key on.
    places: OnceLock<Places>,
    rest: RwLock<Rest>,
}

/// What decisions on keys that are there do not need.
#[derive(Default)]
struct Rest {
    keys: usize,
    evicted: u64,
    /// No key can go before.
    full_until: u64,
    /// Quotas of keys that have one of their own, by print.
    own: BTreeMap<u64, Quota>,
}

impl Shard {
    #[inline]
    fn find(&self, print: u64) -> Option<Seen<'_>> {
        self.places.get()?.find(print)
    }

    fn read(&self) -> RwLockReadGuard<'_, Rest> {
        self.rest.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Rest> {
        self.rest.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of `whole` that the lower half of a word says.
#[inline]
fn part(of: u64, whole: usize) -> usize {
    ((of * whole as u64) >> 32) as usize
}

/// One limit for each key, in one process, for at most so many keys.
///
/// Use it per credential or client address. A key that was never seen has its whole quota; a key takes about 32 bytes,
/// whatever its size, and goes when its place is needed and its quota is whole. Places belong to shards of about 512, a
/// key's hash says to which it goes: when all places of that one are taken by keys in use, one more is denied, with
/// [`Reason::TableFull`], though others may have some left. A table that grew without bound could be made to.
///
/// Keys are told apart by 64 bits of keyed hash, and not kept; two with the same share a quota. That happens to a new
/// key with a chance of (keys in the table) / 2^64, and nobody can make it happen without the hash's random key.
///
/// A decision on a known key hashes it and changes one cache line; a refusal changes nothing. No lock is taken, but for
/// keys with quotas of their own. A shard's memory is taken when its first key comes, and kept. Between decisions on
/// different keys nothing is ordered.
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
    shards: Box<[Shard]>,
    shard_keys: usize,
    kind: Kind,
    live: Live,
    clock: C,
    hasher: S,
    keys: PhantomData<fn(K)>,
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

impl<K: Hash + Eq, C: Clock, S: BuildHasher> Keyed<K, C, S> {
    /// The same with a hasher of the caller's. Keys of one hash share a quota, so all its 64 bits have to count, and
    /// strangers who choose keys must not be able to find two with the same.
    pub fn with_hasher(quota: Quota, keys_max: usize, clock: C, hasher: S) -> Self {
        let shards = keys_max.div_ceil(SHARD_KEYS).max(1);
        let shard_keys = keys_max.div_ceil(shards).max(1);
        let shards = (0..shards).map(|_| Shard::default()).collect();
        let (kind, live) = (quota.kind(), Live::new(quota));
        Self { shards, shard_keys, kind, live, clock, hasher, keys: PhantomData }
    }

    /// The key's print, never 0, and its shard.
    #[inline]
    fn locate<Q: Hash + ?Sized>(&self, key: &Q) -> (u64, &Shard) {
        // In models it must be the same in every execution.
        let fixed = cfg!(norace).then(BuildHasherDefault::<DefaultHasher>::default);
        let hash = fixed.map_or_else(|| self.hasher.hash_one(key), |fixed| fixed.hash_one(key));
        // The product of an odd number keeps different hashes different, and lets weak ones spread.
        let print = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15).max(1);
        (print, &self.shards[part(print >> 32, self.shards.len())])
    }

    /// Decides on one request for `key`, and counts it when it is admitted.
    #[inline]
    pub fn check<Q>(&self, key: &Q) -> Decision
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let (print, shard) = self.locate(key);
        self.decide(print, shard, 1).unwrap_or_else(|error| unreachable_cost(&error))
    }

    /// Decides on a request of cost `n` for `key`, which is admitted and counted whole or not at all.
    ///
    /// # Errors
    ///
    /// When `n` is above what the key can be admitted at once.
    #[inline]
    pub fn check_n<Q>(&self, key: &Q, n: u64) -> Result<Decision, CostError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let (print, shard) = self.locate(key);
        self.decide(print, shard, n)
    }

    #[inline]
    fn decide(&self, print: u64, shard: &Shard, n: u64) -> Result<Decision, CostError> {
        loop {
            let decision = match shard.find(print) {
                Some(seen) if !seen.own => self.decide_on(&seen, self.live.params(), n)?,
                Some(_) => self.decide_own(print, shard, n)?,
                None => self.decide_new(print, shard, n)?,
            };
            if let Some(decision) = decision {
                return Ok(decision);
            }
        }
    }

    /// Decides on a key in its place; nothing when that has changed meanwhile. The word is read before the clock, as in
    /// [`cell`](super::cell).
    #[inline]
    fn decide_on(
        &self,
        seen: &Seen<'_>,
        params: Params,
        n: u64,
    ) -> Result<Option<Decision>, CostError> {
        params.check_cost(self.kind, n)?;
        let verdict = decide(self.kind, params, seen.word, self.clock.nanos(), n);
        let changed = match verdict {
            Verdict::Admit { word, .. } => seen.set(word),
            Verdict::Deny { .. } => true,
        };
        Ok(changed.then(|| verdict.into()))
    }

    /// Decides on a key with a quota of its own; nothing when it has none any more.
    #[cold]
    fn decide_own(&self, print: u64, shard: &Shard, n: u64) -> Result<Option<Decision>, CostError> {
        let rest = shard.read();
        let Some(quota) = rest.own.get(&print) else { return Ok(None) };
        loop {
            let seen = shard.find(print).expect("who has a quota of its own stays");
            if let Some(decision) = self.decide_on(&seen, quota.params(), n)? {
                return Ok(Some(decision));
            }
        }
    }

    /// Decides on a key that was not there, and gives it a place; nothing when it is there by now.
    #[cold]
    fn decide_new(&self, print: u64, shard: &Shard, n: u64) -> Result<Option<Decision>, CostError> {
        let params = self.live.params();
        params.check_cost(self.kind, n)?;
        let mut rest = shard.write();
        if shard.find(print).is_some() {
            return Ok(None);
        }
        if let Some(denied) = self.make_room(shard, &mut rest) {
            return Ok(Some(denied));
        }
        let verdict = decide(self.kind, params, 0, self.clock.nanos(), n);
        if let Verdict::Admit { word, .. } = verdict {
            self.bring(shard, &mut rest, print, word, None);
        }
        Ok(Some(verdict.into()))
    }

    /// Gives a place to a key that has none, where there is room.
    fn bring(&self, shard: &Shard, rest: &mut Rest, print: u64, word: u64, own: Option<Quota>) {
        let places = shard.places.get_or_init(|| Places::new(self.shard_keys));
        places.bring(rest.keys, print, word, own.is_some());
        rest.keys += 1;
        if let Some(quota) = own {
            rest.own.insert(print, quota);
        }
    }

    /// Makes sure that a key more fits into the shard, or says until when none does.
    fn make_room(&self, shard: &Shard, rest: &mut Rest) -> Option<Decision> {
        if rest.keys < self.shard_keys {
            return None;
        }
        let now = self.clock.nanos();
        if now >= rest.full_until {
            let soonest = self.sweep(shard, rest);
            if rest.keys < self.shard_keys {
                return None;
            }
            // A key's quota only ever becomes whole later than it looks now.
            rest.full_until = soonest.unwrap_or_else(|| now.saturating_add(FULL_FOR));
        }
        let retry = rest.full_until.saturating_sub(now);
        Some(Decision::denied(Duration::from_nanos(retry), Reason::TableFull))
    }

    /// Evicts all keys of the shard that may go; when the next one may, where that can be known.
    fn sweep(&self, shard: &Shard, rest: &mut Rest) -> Option<u64> {
        let (places, params) = (shard.places.get()?, self.live.params());
        let mut soonest = None;
        let idle = |word| {
            let now = self.clock.nanos();
            let left = whole_in(self.kind, params, word, now);
            if left > 0 {
                let whole_at = now.saturating_add(left);
                soonest = Some(soonest.map_or(whole_at, |soonest: u64| soonest.min(whole_at)));
            }
            left == 0
        };
        places.sweep(idle, || (rest.keys, rest.evicted) = (rest.keys - 1, rest.evicted + 1));
        soonest
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
        self.live.change(quota)?;
        for shard in &self.shards {
            shard.write().full_until = 0;
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
        let (print, shard) = self.locate(key);
        let mut rest = shard.write();
        let default = self.live.quota();
        default.check_change(quota.unwrap_or(default))?;
        rest.full_until = 0;
        match (shard.find(print), quota) {
            (Some(seen), Some(quota)) => {
                rest.own.insert(print, quota);
                seen.set_own(true);
            }
            (Some(seen), None) => {
                seen.set_own(false);
                rest.own.remove(&print);
            }
            (None, Some(quota)) => {
                if self.make_room(shard, &mut rest).is_some() {
                    return Ok(false);
                }
                self.bring(shard, &mut rest, print, 0, Some(quota));
            }
            (None, None) => {}
        }
        Ok(true)
    }

    /// What keys without a quota of their own are allowed.
    pub fn quota(&self) -> Quota {
        self.live.quota()
    }

    /// What `key` is allowed: its own quota, or that of all. It takes no place in the table.
    pub fn quota_of<Q>(&self, key: &Q) -> Quota
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let (print, shard) = self.locate(key);
        let own = shard.read().own.get(&print).copied();
        own.unwrap_or_else(|| self.live.quota())
    }

    /// How many keys it holds.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().keys).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many keys have gone so far, because their places were needed or by [`shrink`](Self::shrink).
    pub fn evicted(&self) -> u64 {
        self.shards.iter().map(|shard| shard.read().evicted).sum()
    }

    /// Lets all keys go whose quota is whole again. Their places stay the table's.
    pub fn shrink(&self) {
        for shard in &self.shards {
            let mut rest = shard.write();
            self.sweep(shard, &mut rest);
            rest.full_until = 0;
            if let Some(places) = shard.places.get() {
                places.shrink(rest.keys);
            }
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
