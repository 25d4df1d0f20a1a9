//! A bounded queue of one owner, who puts values in at the back and takes them from the front, and of thieves, who
//! take half of what there is, one thief at a time.
//!
//! After the local queue of tokio's scheduler (`runtime/scheduler/multi_thread/queue.rs`), which adds to the ring of
//! Go's (`runqput`, `runqget` and `runqgrab` in `runtime/proc.go`) a mark in the head while a thief is at work. Other
//! than there, positions do not come again, and the owner makes room without moving what stays.
//!
//! # Protocol
//!
//! Values have *positions*, counted from 0; the one at position `p` is in slot `p % N`. Positions only rise, and 54
//! bits of them last for years, so a head that was read once and is found again has not moved in between.
//!
//! ```text
//!   oldest       first        tail
//!     | the lag    |            |
//!     v            v            v
//!   a thief moves  values for   room for `N - (tail - oldest)` more
//!   these out      the taking
//! ```
//!
//! - `head` holds `first` and the *lag*: how many slots before `first` a thief may still be reading. Lag 0: there is
//!   no thief. `tail` is written by the owner alone.
//! - *Push* (owner): writes the slot at `tail` if that is not one of the `N` from `oldest` on, then publishes
//!   `tail + 1`.
//! - *Pop* (owner): moves `first` on by one, and with a thief at work the lag as well; then takes the slot.
//! - *Steal*: claims half of the values by moving `first` on and setting the lag to their number, which only works from
//!   lag 0; takes the slots; sets the lag to 0. Who meets another thief at work takes nothing.
//! - *Making room* (owner, full ring, lag 0): claims all values by moving `first` to `tail`; for everybody else the
//!   ring is empty then. It takes out the back half and publishes `tail + N / 2`: the front half is already where its
//!   new positions say. Where a thief is at work on a full ring, the new value alone does not fit.
//!
//! A slot has one writer or one reader at any time: between `oldest` and `first` the thief, between `first` and `tail`
//! whoever moves `first` past it, elsewhere the owner. Each move of `first` is a compare-and-exchange on the one word,
//! so no value is claimed twice. No step waits for anybody: a thief that is stopped in the middle keeps other thieves
//! away, and the owner goes on.

use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::cell::UnsafeCell;
use norace_prim::sync::Arc;
use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// The low bits of the head, which hold the lag: up to the ring's size.
const LAG_BITS: u32 = 10;
const LAG_MASK: u64 = (1 << LAG_BITS) - 1;

/// The word at the front: the first position that nobody has claimed, and how far back a thief may be reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head(u64);

impl Head {
    const fn at(first: u64) -> Self {
        Self(first << LAG_BITS)
    }

    const fn first(self) -> u64 {
        self.0 >> LAG_BITS
    }

    const fn lag(self) -> u64 {
        self.0 & LAG_MASK
    }

    /// The first position whose slot may not be written.
    const fn oldest(self) -> u64 {
        self.first() - self.lag()
    }

    /// After the owner has claimed one value.
    const fn after_pop(self) -> Self {
        let thief = if self.lag() > 0 { 1 } else { 0 };
        Self(self.0 + (1 << LAG_BITS) + thief)
    }

    /// After a thief has claimed `count` values.
    const fn after_claim(self, count: u64) -> Self {
        Self(self.0 + (count << LAG_BITS) + count)
    }
}

/// On cache lines of its own: the rings of several owners are made one after the other.
#[repr(align(128))]
struct Ring<T, const N: usize> {
    head: AtomicU64,
    tail: AtomicU64,
    slots: [UnsafeCell<MaybeUninit<T>>; N],
}

// SAFETY: values go in on one thread and come out on another, hence `T: Send`. A slot is touched by one thread at a
// time, as the protocol above says, and nobody gets a reference to a value inside.
unsafe impl<T: Send, const N: usize> Sync for Ring<T, N> {}

impl<T, const N: usize> Ring<T, N> {
    const SIZE: u64 = {
        assert!(N.is_power_of_two() && N >= 2 && (N as u64) < LAG_MASK, "the lag counts slots");
        N as u64
    };

    #[expect(clippy::cast_possible_truncation, reason = "below the number of slots")]
    const fn index(position: u64) -> usize {
        (position % Self::SIZE) as usize
    }

    fn slot(&self, position: u64) -> &UnsafeCell<MaybeUninit<T>> {
        &self.slots[Self::index(position)]
    }

    /// Fills the slot at `position`.
    ///
    /// # Safety
    ///
    /// The caller is the owner, and the position is `tail`, with `tail < oldest + N`: the slot is empty and nobody else
    /// touches it.
    unsafe fn fill(&self, position: u64, value: T) {
        self.slot(position).with_mut(|slot| {
            // SAFETY: nobody else touches the slot, by the caller's promise, so the reference is the only one.
            let slot = unsafe { &mut *slot };
            slot.write(value);
        });
    }

    /// Empties the slot at `position`.
    ///
    /// # Safety
    ///
    /// The caller has claimed the position, does this once, and sees what the owner wrote there.
    unsafe fn empty(&self, position: u64) -> T {
        self.slot(position).with_mut(|slot| {
            // SAFETY: a claimed slot is the claimer's alone.
            let slot = unsafe { &mut *slot };
            // SAFETY: it was filled before its position was published, and is read once.
            unsafe { slot.assume_init_read() }
        })
    }

    fn len(&self) -> u64 {
        // SeqCst: S2 of the sleep protocol in rt/idle.rs.
        let tail = self.tail.load(Ordering::SeqCst);
        // Relaxed: an old head makes the ring look longer, which costs a look. One that is newer than the tail hides
        // what was published after the tail was read, and who did that looks for sleepers afterwards.
        let head = Head(self.head.load(Ordering::Relaxed));
        tail.saturating_sub(head.first())
    }
}

impl<T, const N: usize> Drop for Ring<T, N> {
    fn drop(&mut self) {
        let first = Head(*self.head.get_mut()).first();
        let tail = *self.tail.get_mut();
        for position in first..tail {
            let slot = self.slots[Self::index(position)].get_mut();
            // SAFETY: nobody else has the ring any more, and nothing from `first` to `tail` was claimed.
            unsafe { slot.assume_init_drop() };
        }
    }
}

/// The one who puts values in. It may go from thread to thread, but is on one at a time.
pub(crate) struct Owner<T, const N: usize> {
    ring: Arc<Ring<T, N>>,
    /// Not `Sync`.
    _alone: PhantomData<Cell<()>>,
}

/// One of those who take values out.
pub(crate) struct Thief<T, const N: usize> {
    ring: Arc<Ring<T, N>>,
}

/// A new ring, empty.
pub(crate) fn new<T, const N: usize>() -> (Owner<T, N>, Thief<T, N>) {
    let slots = std::array::from_fn(|_| UnsafeCell::new(MaybeUninit::uninit()));
    let ring = Arc::new(Ring { head: AtomicU64::new(0), tail: AtomicU64::new(0), slots });
    (Owner { ring: ring.clone(), _alone: PhantomData }, Thief { ring })
}

impl<T, const N: usize> Owner<T, N> {
    fn tail(&self) -> u64 {
        // Relaxed: this thread, or the one that the owner came from, wrote it.
        self.ring.tail.load(Ordering::Relaxed)
    }

    fn publish(&self, tail: u64) {
        // SeqCst: P1 of the sleep protocol in rt/idle.rs; and as a release it pairs with the Acquire in steal_half, so
        // that who sees the position sees the value.
        self.ring.tail.store(tail, Ordering::SeqCst);
    }

    /// Puts `value` behind all others.
    ///
    /// # Errors
    ///
    /// In a full ring: gives the back half and `value`, oldest first, which have to go elsewhere; or `value` alone
    /// while a thief makes room.
    pub(crate) fn push(&self, value: T) -> Result<(), Vec<T>> {
        let ring = &*self.ring;
        let tail = self.tail();
        loop {
            // Acquire: pairs with the Release in steal_half, so that the thief is done with the slot.
            let head = Head(ring.head.load(Ordering::Acquire));
            if tail - head.oldest() < Ring::<T, N>::SIZE {
                // SAFETY: there is one owner, and the slot at its tail is outside of those in use.
                unsafe { ring.fill(tail, value) };
                self.publish(tail + 1);
                return Ok(());
            }
            if head.lag() > 0 {
                return Err(vec![value]);
            }
            if let Some(mut rest) = self.make_room(head, tail) {
                rest.push(value);
                return Err(rest);
            }
        }
    }

    /// Takes out the back half of a full ring; none when a thief was quicker.
    fn make_room(&self, head: Head, tail: u64) -> Option<Vec<T>> {
        let ring = &*self.ring;
        let mut rest = Vec::with_capacity(N / 2 + 1);
        let (all, none) = (head.0, Head::at(tail).0);
        // Relaxed: the owner itself wrote what it claims, and nothing is published by that.
        ring.head.compare_exchange(all, none, Ordering::Relaxed, Ordering::Relaxed).ok()?;
        let middle = head.first() + Ring::<T, N>::SIZE / 2;
        // SAFETY: all positions from `first` to `tail` were claimed just now. Those of the back half are emptied here,
        // once; the front half becomes the values of the next positions below.
        rest.extend((middle..tail).map(|position| unsafe { ring.empty(position) }));
        self.publish(tail + Ring::<T, N>::SIZE / 2);
        Some(rest)
    }

    /// Takes the value at the front.
    pub(crate) fn pop(&self) -> Option<T> {
        let ring = &*self.ring;
        let tail = self.tail();
        // Relaxed: only the exchange decides, and the values are the owner's own writes.
        let mut head = Head(ring.head.load(Ordering::Relaxed));
        loop {
            if head.first() == tail {
                return None;
            }
            let (old, new) = (head.0, head.after_pop().0);
            // Relaxed: as above.
            match ring.head.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed) {
                // SAFETY: the position was claimed just now, and the owner wrote what is there.
                Ok(_) => return Some(unsafe { ring.empty(head.first()) }),
                Err(now) => head = Head(now),
            }
        }
    }

    /// Whether there is nothing to pop.
    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: only the owner adds.
        Head(self.ring.head.load(Ordering::Relaxed)).first() == self.tail()
    }
}

impl<T, const N: usize> Thief<T, N> {
    /// Moves the front half of the values, rounded up, into `stolen`; none where another thief is at work.
    pub(crate) fn steal_half(&self, stolen: &mut Vec<T>) {
        let ring = &*self.ring;
        // Relaxed: only the exchange decides.
        let mut head = Head(ring.head.load(Ordering::Relaxed));
        let count = loop {
            // Acquire: pairs with the SeqCst in publish.
            let tail = ring.tail.load(Ordering::Acquire);
            // While the head stays the same there are at most N, so if the exchange succeeds it is half of them.
            let len = tail.saturating_sub(head.first()).min(Ring::<T, N>::SIZE);
            let count = len.div_ceil(2);
            if count == 0 || head.lag() > 0 {
                return;
            }
            // Nothing may fail between claiming and giving back the slots.
            stolen.reserve(N / 2);
            let (old, new) = (head.0, head.after_claim(count).0);
            // Relaxed: the values were seen with the tail, and nothing is published by claiming.
            match ring.head.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => break count,
                Err(now) => head = Head(now),
            }
        };
        let claimed = head.first()..head.first() + count;
        // SAFETY: the positions were claimed just now, are emptied once, and lie before a tail that was acquired.
        stolen.extend(claimed.map(|position| unsafe { ring.empty(position) }));
        // Release: pairs with the Acquire in push: the slots may be filled again.
        ring.head.fetch_and(!LAG_MASK, Ordering::Release);
    }

    /// How many values there are to take.
    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.ring.len()).unwrap_or(usize::MAX)
    }
}

#[cfg(all(test, norace))]
mod models;
#[cfg(test)]
mod tests;
