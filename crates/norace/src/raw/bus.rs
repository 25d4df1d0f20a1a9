//! A broadcast ring: producers claim sequences and fill the slots in place, and every reader sees every sequence, each
//! at its own pace. Readers that gate hold producers back; lossy readers are overtaken, and find out exactly by how
//! much.
//!
//! After the LMAX Disruptor (a ring, a sequence claimed by one atomic step, a lap number in each slot that says what
//! is published there, so that publishing writes nothing shared but the slot). New are: readers that come and go,
//! pins, and voids.
//!
//! # Words
//!
//! Sequences are counted from 0; sequence `s` is in slot `s % N`. Four kinds of words:
//!
//! | word | holds | written by |
//! | --- | --- | --- |
//! | `tail` | the next sequence to claim; flags `CLOSED` and `LOSSY` (there are lossy readers) | who claims or joins |
//! | `limit` | the sequence up to which producers may claim; it only rises | `refresh`, under the lock |
//! | a slot's *lap word* | the last sequence that came here, what became of it, how many *pins* there are | below |
//! | a seat's `position` | the sequence its reader is at; it only rises | that reader |
//!
//! A lap word is (s, `FILLING`), (s, `VALUE`) or (s, `VOID`), with a number of pins. A *void* is a sequence without a
//! value, which readers pass over: a slot that was pinned, a closure that panicked or left the slot empty.
//!
//! # Protocol
//!
//! - *Claim* (producer): one compare-and-exchange on `tail` takes up to n sequences below `limit`. At the limit,
//!   *refresh*.
//! - *Refresh* (lock): `limit` becomes `N` more than the smallest of (a) the positions of all gating readers and (b)
//!   the *prefix*: the first sequence that is not published. So no two claims are ever at work on one slot, and a
//!   claim that never ends stops producers a lap later, gated or not. Without gating readers the limit is set only an
//!   eighth of the ring ahead, so that who joins at the oldest finds the rest. It answers *full* when that leaves no
//!   room.
//! - *Fill* (producer, for each claimed sequence in order): claimed with `LOSSY`, it *marks* the slot first: pins in
//!   the word? then it becomes (s, `VOID`) with the same pins, and the value goes to another sequence; otherwise (s,
//!   `FILLING`), by compare-and-exchange, since a reader may be pinning. Claimed without `LOSSY` the slot is the
//!   producer's at once. It writes the value, then stores (s, `VALUE`) or (s, `VOID`); of a claim of several it
//!   does so for up to 32 slots at a time, the last first. A claim that is dropped, also by a panic, publishes what is
//!   filled and makes what is left of it void.
//! - *Look* (reader at p): the word is of an older sequence, or (p, `FILLING`): nothing yet. (p, `VOID`): pass. A
//!   newer one: overtaken, go on at `tail - N` and count what lies between. (p, `VALUE`): a gating reader reads, for
//!   the gate keeps the slot. A lossy one first *pins*, by compare-and-exchange on that very word, so that it cannot
//!   be of another sequence by then.
//! - *Release* (reader): a gating reader moves its position on; a lossy one takes its pin off.
//! - *Join* (lock): a gating reader starts at `limit - N` at the earliest. What was claimed or will be claimed under a
//!   limit that a producer read before is below `limit`, so it leaves that slot alone; who reads a later limit finds
//!   the seat. A lossy reader sets `LOSSY` and starts at `tail - N` of the same step at the earliest: who overwrites
//!   something from there on claims after that step, and marks.
//! - *Leave* (lock): the seat goes; the last lossy reader takes `LOSSY` back. Its pins are gone by then.
//!
//! # What is ordered by what
//!
//! A value is seen because the store of the word releases what the look acquires (pins between them are part of one
//! release sequence). A slot is overwritten after its gating readers: position (Release), refresh (Acquire), `limit`
//! (Release), claim (Acquire); after its lossy readers: pin taken off (Release), mark (Acquire), and where there is no
//! mark, because none is left: `LOSSY` taken back (Release), claim (Acquire).
//!
//! No step waits for a reader or a producer, but for the lock of the seats: who joins or leaves takes it, and a claim
//! beyond the limit. That is one claim in a lap where readers keep up, and nearly every claim where those that gate are
//! about a lap behind.
//!
//! # Who waits
//!
//! Waiting is the user's, by [`Bells`]: one bell for what is published, one for what is freed. Who goes to sleep sets
//! the bell's flag, then looks once more; who has changed something looks at the flag afterwards. One of the two sees
//! the other, for there is a `SeqCst` fence between the sleeper's two steps, and between the other's either a fence or
//! both are `SeqCst` themselves (which is cheaper by one barrier, and does for one word only).
//!
//! | change | bell | `SeqCst` by |
//! | --- | --- | --- |
//! | a claim of one sequence is published | published | the store of the lap word |
//! | a claim of several, a void that keeps pins, a panic | published | a fence after the last |
//! | a gating reader goes on | freed | the store of its position; a fence after a batch |
//! | a lossy reader takes its pin off | freed | the step itself |
//! | a reader leaves | freed | a fence |
//! | the ring is closed | both | everybody is woken, under the locks of the bells |
//!
//! A producer that has no room waits for both bells: what is in its way may be a reader or another producer.

mod claim;
mod reader;
mod seats;
mod word;

pub(crate) use claim::Refusal;
pub(crate) use reader::{Look, Reader};
pub(crate) use seats::Seat;

use crate::bus::{Policy, Start};
use norace_prim::atomic::{AtomicBool, AtomicU64, Ordering, Tally};
use norace_prim::cell::UnsafeCell;
use norace_prim::sync::{Arc, Mutex, lock};
use seats::Seats;
use word::{CLOSED, LOSSY, Tail, VOID, Word};

/// How those who wait hear of changes. Each is called after the change, and `ordered` says that the change was made by
/// a `SeqCst` access to the one word that it is seen by.
pub(crate) trait Bells {
    /// Sequences were published.
    fn published(&self, ordered: bool);
    /// Readers have gone on, or left.
    fn freed(&self, ordered: bool);
    /// Nothing will be published any more.
    fn closed(&self);
}

/// Apart from its neighbours: two lines, because processors fetch them in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Apart<T>(T);

struct Slot<T> {
    word: AtomicU64,
    value: UnsafeCell<Option<T>>,
}

/// What producers and readers share. `S` is what their user adds.
pub(crate) struct Ring<T, S: Bells> {
    tail: Apart<AtomicU64>,
    limit: Apart<AtomicU64>,
    slots: Box<[Slot<T>]>,
    seats: Mutex<Seats>,
    voids: Tally,
    /// As the flag at the tail, which it follows; apart from it, so that readers that spin leave the tail alone.
    is_over: Apart<AtomicBool>,
    /// What the user of the ring adds.
    pub(crate) shared: S,
}

// SAFETY: values go in on one thread and are dropped on another, hence `T: Send`; readers on many threads have
// references to one value at a time, hence `T: Sync`. A slot is written by one claim at a time and by none while a
// reader reads it, as the protocol above says.
unsafe impl<T: Send + Sync, S: Bells + Sync> Sync for Ring<T, S> {}

impl<T, S: Bells> Ring<T, S> {
    /// A ring of `capacity` slots, all empty.
    ///
    /// # Panics
    ///
    /// When `capacity` is not a power of two.
    #[cfg_attr(norace, track_caller)]
    pub(crate) fn new(capacity: usize, shared: S) -> Arc<Self> {
        assert!(capacity.is_power_of_two(), "a bus of {capacity} slots: not a power of two");
        let count = capacity as u64;
        // Each as if the lap before had left it void.
        let word = |index: u64| AtomicU64::new(Word::new(index.wrapping_sub(count), VOID).0);
        let slot = |index| Slot { word: word(index), value: UnsafeCell::new(None) };
        Arc::new(Self {
            tail: Apart(AtomicU64::new(0)),
            limit: Apart(AtomicU64::new(0)),
            slots: (0..count).map(slot).collect(),
            seats: Mutex::new(Seats::new()),
            voids: Tally::new(),
            is_over: Apart(AtomicBool::new(false)),
            shared,
        })
    }

    /// How many slots there are.
    pub(crate) fn capacity(&self) -> u64 {
        self.slots.len() as u64
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "below the number of slots")]
    fn slot(&self, sequence: u64) -> &Slot<T> {
        // The mask is the length less one, a power of two less one, so the index is in bounds.
        &self.slots[sequence as usize & (self.slots.len() - 1)]
    }

    #[inline]
    fn tail(&self) -> Tail {
        // Acquire: pairs with the Release in leave, where the last lossy reader took its flag back, and in close.
        Tail(self.tail.0.load(Ordering::Acquire))
    }

    /// The next sequence to claim.
    pub(crate) fn next(&self) -> u64 {
        self.tail().sequence()
    }

    /// Whether nothing can be claimed any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.tail().is_closed()
    }

    /// Lets nothing be claimed any more; true when this call did it.
    pub(crate) fn close(&self) -> bool {
        // AcqRel: what was done before is seen by who finds the ring closed, in tail.
        let before = Tail(self.tail.0.fetch_or(CLOSED, Ordering::AcqRel));
        if !before.is_closed() {
            // Release: pairs with the Acquire in look_for_the_end, so that the flag at the tail is seen.
            self.is_over.0.store(true, Ordering::Release);
            self.shared.closed();
        }
        !before.is_closed()
    }

    /// How many sequences have become void.
    pub(crate) fn voids(&self) -> u64 {
        self.voids.get()
    }

    /// Calls `look` with each seat, in the order in which they were taken.
    pub(crate) fn for_seats(&self, look: impl FnMut(&Arc<Seat>)) {
        lock(&self.seats).iter().for_each(look);
    }

    /// How many readers there are.
    pub(crate) fn readers(&self) -> usize {
        lock(&self.seats).iter().count()
    }

    /// Whether `sequence`, which has been claimed or is next, is published: nobody is at work on its slot.
    fn is_published(&self, sequence: u64) -> bool {
        // Acquire: pairs with the Release in publish; with the limit this goes to who overwrites the slot.
        let word = Word(self.slot(sequence).word.load(Ordering::Acquire));
        word.is_published(sequence)
    }

    /// A reader, with a seat; and how many sequences before its start it asked for and cannot have.
    ///
    /// # Panics
    ///
    /// When there are 65,535 readers: a lap word counts so many pins.
    pub(crate) fn join(self: &Arc<Self>, policy: Policy, start: Start) -> (Reader<T, S>, u64) {
        let mut seats = lock(&self.seats);
        let tail = if policy == Policy::Block || seats.has_lossy() {
            self.tail()
        } else {
            // AcqRel: who claims after this marks. What overwrites the start of this reader is claimed after this.
            Tail(self.tail.0.fetch_or(LOSSY, Ordering::AcqRel))
        };
        let (seat, missed) = seats.take(policy, start, tail.sequence(), self.capacity());
        (Reader::new(self.clone(), seat), missed)
    }

    fn leave(&self, seat: &Arc<Seat>) {
        let mut seats = lock(&self.seats);
        seats.give_back(seat);
        if !seat.gates() && !seats.has_lossy() {
            // Release: pairs with the Acquire in claim, so that what the lossy readers read may be overwritten
            // unmarked; those that left before are ordered by the lock.
            self.tail.0.fetch_and(!LOSSY, Ordering::Release);
        }
        drop(seats);
        self.shared.freed(false);
    }

    /// Finds out up to where may be claimed. Who asks wants `wanted` sequences.
    #[cold]
    fn refresh(&self, wanted: u64) -> u64 {
        let mut seats = lock(&self.seats);
        // Relaxed: an old tail leads to a smaller limit.
        let tail = Tail(self.tail.0.load(Ordering::Relaxed)).sequence();
        let published = |sequence| self.is_published(sequence);
        let limit = seats.limit(tail, wanted, self.capacity(), published);
        // Release: pairs with the Acquire in claim: what the limit was made of happened before.
        self.limit.0.store(limit, Ordering::Release);
        limit
    }

    /// Whether all slots are pinned, so that whatever is claimed becomes void.
    #[cold]
    fn is_all_pinned(&self) -> bool {
        // Relaxed: a look; marking decides. Who waits because of it has a fence before, and looks at each word.
        self.slots.iter().all(|slot| Word(slot.word.load(Ordering::Relaxed)).pins() > 0)
    }
}

#[cfg(all(test, norace))]
mod models;
