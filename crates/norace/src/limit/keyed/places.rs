//! Places for keys, of which a decision touches one cache line.
//!
//! A key is here its *print*, 64 bits of hash; its home is the bucket that the print says, and it stands there or,
//! where that was full when it came, in one of the buckets behind. A bucket is a cache line: a version, how many keys
//! went on to buckets behind it, and for each of its places a print and a word.
//!
//! # Who may change what
//!
//! Whoever changes a bucket makes its version odd, by an exchange against the version at which it was read, writes, and
//! makes it even: a sequence lock with several writers. A reader that finds the same even version before and after it
//! read has seen what was there at one moment.
//!
//! * A decision reads a place, decides, and changes its word only if the bucket's version is still the one that it
//!   read at. Between the two it holds nothing. So what it decided on is what it changes: the word counts for this key,
//!   and nobody counted or evicted meanwhile.
//! * Keys come and go, and quotas of their own are given, under the shard's writers' lock. Who evicts looks at the
//!   words in the same way, so a key in use is never taken for an idle one.
//! * Keys are moved under that lock, too, when more buckets are taken into use: out of one place, then into another.
//! * A key stands in one place at most: who brings it looks for it again under the lock. Who does not find it without
//!   the lock knows nothing, for it may just have come, and goes there.
//!
//! A version is odd for the time of a few stores, in which nothing else is called.

use norace_prim::atomic::{AtomicU64, AtomicUsize, Ordering};
use norace_prim::{hint, thread};

/// Places of a bucket.
pub(super) const WAYS: usize = norace_prim::model_or!(3, 1);

/// Looks at an odd version before others are let run: its writer lost the processor.
const LOOKS: u32 = 100;

/// The lower half of a bucket's `more`: how many keys that could stand here stand behind.
const BEHIND: u64 = u32::MAX as u64;

/// Buckets in use from the beginning.
const FEW: usize = norace_prim::model_or!(8, 1);

/// In the upper half of `more`: the key in this place has a quota of its own.
const fn own_bit(way: usize) -> u64 {
    1 << (32 + way)
}

#[repr(align(64))]
#[derive(Debug, Default)]
struct Bucket {
    version: AtomicU64,
    /// See [`BEHIND`] and [`own_bit`].
    more: AtomicU64,
    /// 0 where there is no key.
    prints: [AtomicU64; WAYS],
    words: [AtomicU64; WAYS],
}

const _: () = assert!(cfg!(norace) || size_of::<Bucket>() == 64);

/// The places of a shard.
#[derive(Debug)]
pub(super) struct Places {
    buckets: Box<[Bucket]>,
    /// How many of the buckets are in use. They grow with the keys, so that few keys take few cache lines.
    in_use: AtomicUsize,
}

/// A key in its place, at some moment.
pub(super) struct Seen<'a> {
    bucket: &'a Bucket,
    way: usize,
    version: u64,
    pub(super) word: u64,
    /// Whether it has a quota of its own.
    pub(super) own: bool,
}

/// A bucket that nobody else reads or changes, until it is dropped.
struct Held<'a> {
    bucket: &'a Bucket,
    version: u64,
}

impl Bucket {
    /// The version, once it is even.
    #[inline]
    fn even(&self) -> u64 {
        let mut looks = 0;
        loop {
            // Acquire: pairs with the Release in Held::drop, so that what is read is not older than the version.
            let version = self.version.load(Ordering::Acquire);
            if version.is_multiple_of(2) {
                return version;
            }
            looks += 1;
            if looks < LOOKS { hint::spin_loop() } else { thread::yield_now() }
        }
    }

    /// Whether nothing has changed since `version`.
    #[inline]
    fn still(&self, version: u64) -> bool {
        // Relaxed: the Acquire loads of what was read come before it.
        self.version.load(Ordering::Relaxed) == version
    }

    #[inline]
    fn print(&self, way: usize) -> u64 {
        // Acquire: pairs with the Release in Held::bring and Held::evict, so that their odd version shows in `still`.
        self.prints[way].load(Ordering::Acquire)
    }

    #[inline]
    fn word(&self, way: usize) -> u64 {
        // Acquire: pairs with the Release in Held::set, so that its odd version shows in `still`, and that the clock is
        // read after the writer read it.
        self.words[way].load(Ordering::Acquire)
    }

    #[inline]
    fn more(&self) -> u64 {
        // Acquire: pairs with the Release in Held::change_more, so that its odd version shows in `still`.
        self.more.load(Ordering::Acquire)
    }

    /// Holds it if nothing has changed since `version`.
    #[inline]
    fn hold_at(&self, version: u64) -> Option<Held<'_>> {
        // Relaxed: what was read at this version was acquired with it, and the stores that follow carry the odd one.
        let (order, fails) = (Ordering::Relaxed, Ordering::Relaxed);
        match self.version.compare_exchange(version, version + 1, order, fails) {
            Ok(_) => Some(Held { bucket: self, version }),
            Err(_) => None,
        }
    }

    fn hold(&self) -> Held<'_> {
        loop {
            if let Some(held) = self.hold_at(self.even()) {
                return held;
            }
        }
    }
}

impl Held<'_> {
    #[inline]
    fn set(&self, way: usize, word: u64) {
        // Release: pairs with the Acquire in Bucket::word.
        self.bucket.words[way].store(word, Ordering::Release);
    }

    fn bring(&self, way: usize, print: u64, word: u64) {
        self.set(way, word);
        // Release: pairs with the Acquire in Bucket::print.
        self.bucket.prints[way].store(print, Ordering::Release);
    }

    fn evict(&self, way: usize) {
        // Release: the same.
        self.bucket.prints[way].store(0, Ordering::Release);
    }

    fn change_more(&self, change: impl FnOnce(u64) -> u64) {
        // Release: pairs with the Acquire in Bucket::more.
        self.bucket.more.store(change(self.bucket.more()), Ordering::Release);
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        // Release: pairs with the Acquire in Bucket::even, so that who sees it sees what was written.
        self.bucket.version.store(self.version + 2, Ordering::Release);
    }
}

/// Buckets for so many keys, with a quarter more places so that most stand at home.
fn buckets_for(keys: usize) -> usize {
    keys.saturating_add(keys.div_ceil(4)).div_ceil(WAYS)
}

impl Places {
    /// For at most `keys` of them.
    pub(super) fn new(keys: usize) -> Self {
        let buckets: Box<[_]> = (0..buckets_for(keys)).map(|_| Bucket::default()).collect();
        let in_use = AtomicUsize::new(buckets.len().min(FEW));
        Self { buckets, in_use }
    }

    /// The buckets in use, and which of them is the key's home.
    ///
    /// Without a lock both may be old: then a key that is found is where it is, and one that is not may be elsewhere.
    #[inline]
    fn around(&self, print: u64) -> (&[Bucket], usize) {
        // Relaxed: only who holds the lock relies on it, which orders it.
        let buckets = &self.buckets[..self.in_use.load(Ordering::Relaxed)];
        (buckets, super::part(print & u64::from(u32::MAX), buckets.len()))
    }

    /// All buckets in use, in the order in which a key may stand in them.
    fn way_of(&self, print: u64) -> impl Iterator<Item = &Bucket> {
        let (buckets, home) = self.around(print);
        let (before, from) = buckets.split_at(home);
        from.iter().chain(before)
    }

    /// The key's place. Who holds the writers' lock, or the readers', can rely on none; others cannot.
    #[inline]
    pub(super) fn find(&self, print: u64) -> Option<Seen<'_>> {
        let (buckets, home) = self.around(print);
        let mut at = home;
        loop {
            let bucket = &buckets[at];
            let version = bucket.even();
            let way = (0..WAYS).find(|way| bucket.print(*way) == print);
            let more = bucket.more();
            let seen = way.map(|way| {
                let (word, own) = (bucket.word(way), more & own_bit(way) != 0);
                Seen { bucket, way, version, word, own }
            });
            if !bucket.still(version) {
                continue;
            }
            if seen.is_some() || more & BEHIND == 0 {
                return seen;
            }
            at = if at + 1 == buckets.len() { 0 } else { at + 1 };
            if at == home {
                return None;
            }
        }
    }

    /// Puts a key that has no place into one, where `keys` have one. Only under the writers' lock, and when there are
    /// fewer than it was made for.
    pub(super) fn bring(&self, keys: usize, print: u64, word: u64, own: bool) {
        let needed = buckets_for(keys + 1);
        // Relaxed: the lock orders it.
        let in_use = self.in_use.load(Ordering::Relaxed);
        if needed > in_use {
            self.use_buckets(needed.max(in_use + in_use / 8).min(self.buckets.len()));
        }
        self.place(print, word, own);
    }

    /// Uses as few buckets as `keys` of them, which is how many there are, take. Only under the writers' lock.
    pub(super) fn shrink(&self, keys: usize) {
        self.use_buckets(buckets_for(keys).max(FEW).min(self.buckets.len()));
    }

    /// Takes all keys out and puts them in again. Who looks for one meanwhile waits for the writers' lock.
    fn use_buckets(&self, buckets: usize) {
        let mut all = Vec::with_capacity(self.buckets.len() * WAYS);
        for bucket in &self.buckets {
            let held = bucket.hold();
            for way in 0..WAYS {
                let print = bucket.print(way);
                if print != 0 {
                    all.push((print, bucket.word(way), bucket.more() & own_bit(way) != 0));
                    held.evict(way);
                }
            }
            held.change_more(|_| 0);
        }
        // Relaxed: the lock orders it.
        self.in_use.store(buckets, Ordering::Relaxed);
        for (print, word, own) in all {
            self.place(print, word, own);
        }
    }

    fn place(&self, print: u64, word: u64, own: bool) {
        for bucket in self.way_of(print) {
            let held = bucket.hold();
            if let Some(way) = (0..WAYS).find(|way| bucket.print(*way) == 0) {
                held.bring(way, print, word);
                held.change_more(|more| if own { more | own_bit(way) } else { more });
                return;
            }
            held.change_more(|more| more + 1);
        }
        unreachable!("there are more places than keys");
    }

    /// Evicts keys that have no quota of their own and of whose word `idle` says so, and tells each time. Only under
    /// the writers' lock.
    pub(super) fn sweep(&self, mut idle: impl FnMut(u64) -> bool, mut evicted: impl FnMut()) {
        for bucket in &self.buckets {
            for way in 0..WAYS {
                if let Some(print) = Self::evict(bucket, way, &mut idle) {
                    evicted();
                    self.forget_way_to(bucket, print);
                }
            }
        }
    }

    /// Evicts the key in a place if it is idle, and says its print.
    fn evict(bucket: &Bucket, way: usize, idle: &mut impl FnMut(u64) -> bool) -> Option<u64> {
        loop {
            let version = bucket.even();
            let (print, word) = (bucket.print(way), bucket.word(way));
            let own = bucket.more() & own_bit(way) != 0;
            if !bucket.still(version) {
                continue;
            }
            if print == 0 || own || !idle(word) {
                return None;
            }
            if let Some(held) = bucket.hold_at(version) {
                held.evict(way);
                return Some(print);
            }
        }
    }

    /// Takes back what [`bring`](Self::bring) noted in the buckets before this one.
    fn forget_way_to(&self, to: &Bucket, print: u64) {
        for bucket in self.way_of(print).take_while(|bucket| !std::ptr::eq(*bucket, to)) {
            bucket.hold().change_more(|more| more - 1);
        }
    }
}

impl Seen<'_> {
    /// Changes the word, if nothing in the bucket has changed since.
    #[inline]
    pub(super) fn set(&self, word: u64) -> bool {
        match self.bucket.hold_at(self.version) {
            Some(held) => {
                held.set(self.way, word);
                true
            }
            None => false,
        }
    }

    /// Notes whether the key has a quota of its own. Only under the writers' lock, under which it was found.
    pub(super) fn set_own(&self, own: bool) {
        let bit = own_bit(self.way);
        let change = |more| if own { more | bit } else { more & !bit };
        self.bucket.hold().change_more(change);
    }
}
