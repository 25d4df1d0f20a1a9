//! A node's side of one key, for many threads: credit in one word, the rest behind a lock.
//!
//! # Protocol
//!
//! 1. Whoever holds the lock *issues* credit: it stores it in the word and remembers how much it was.
//! 2. Any thread *uses* credit by an exchange of the word, without the lock.
//! 3. Whoever holds the lock *settles* before it does anything else with the node: it swaps the word for nothing, and
//!    what is missing from what was issued was used. From then on, until credit is issued again, nothing can be.
//!
//! A key that nobody uses is let go of. What is used without the lock is noticed by who settles, so credit is issued
//! only while the sender *knows* the key: until it lets go, which it does with the lock held, and with nothing used.
//!
//! 1. Whoever finds, with the lock held, that the sender does not know the key or has something to say of it marks
//!    it *told* and tells the sender, once for each mark.
//! 2. The sender hears it: the mark goes, and the key is *listed*, if it is not.
//! 3. The sender takes a key off its list that is not marked and has nothing to say.
//!
//! Credit and the time until which it is good are one word, so nobody uses one with the other's time.

use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::sync::{Mutex, MutexGuard, lock};

use super::node::{Credit, Dry, Node};
use super::terms::{Answer, Request, Terms};

/// Bits for the count; those above are for the time, in milliseconds.
const COUNT_BITS: u32 = 24;
const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;
const MILLIS_MAX: u64 = (1 << (64 - COUNT_BITS)) - 1;

struct Inside {
    node: Node,
    terms: Terms,
    issued: u64,
    /// The sender was told of it, and did not hear it yet.
    told: bool,
    /// The sender looks at it by itself.
    listed: bool,
}

impl Inside {
    /// Whether the sender has to be told.
    fn tell(&mut self, now: u64) -> bool {
        let tell = !self.told && (!self.listed || self.node.wants(now, false, &self.terms));
        self.told |= tell;
        tell
    }

    fn is_known(&self) -> bool {
        self.told || self.listed
    }
}

pub(crate) struct Gate {
    word: AtomicU64,
    inside: Mutex<Inside>,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// Admitted; so much credit is left, good until then.
    Open(Credit),
    Shut(Dry),
}

impl Gate {
    /// A key that was not spoken of since the message `seq`.
    pub(crate) fn new(terms: Terms, seq: u64) -> Self {
        let inside = Inside { node: Node::new(seq), terms, issued: 0, told: false, listed: false };
        Self { word: AtomicU64::new(0), inside: Mutex::new(inside) }
    }

    /// Decides on a cost of `n` at `now`, `down` when the store cannot be reached; true with it when the sender has to
    /// be told of the key.
    #[inline]
    pub(crate) fn pass(&self, n: u64, now: u64, down: bool) -> (Passage, bool) {
        if let Some(left) = self.use_credit(n, now) {
            // Who takes the last of it sees to it that there is more.
            let tell = left.count == 0 && self.look(now, down);
            return (Passage::Open(left), tell);
        }
        self.pass_slowly(n, now, down)
    }

    #[inline]
    fn use_credit(&self, n: u64, now: u64) -> Option<Credit> {
        // Relaxed: the word is all there is to it.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let (count, until) = (word & COUNT_MAX, word >> COUNT_BITS);
            if count < n || count == 0 || now / 1000 >= until {
                return None;
            }
            let order = Ordering::Relaxed;
            // Relaxed: the same; what the lock guards is not touched.
            match self.word.compare_exchange_weak(word, word - n, order, order) {
                Ok(_) => return Some(Credit { count: count - n, until: until * 1000 }),
                Err(other) => word = other,
            }
        }
    }

    /// Step 3. What it gives has to go back to [`issue`](Self::issue).
    fn settle(&self, now: u64) -> MutexGuard<'_, Inside> {
        let mut inside = lock(&self.inside);
        // Relaxed: the exchanges of the word have an order of their own.
        let left = self.word.swap(0, Ordering::Relaxed) & COUNT_MAX;
        let (used, terms) = (inside.issued - left, inside.terms);
        inside.issued = 0;
        inside.node.spend(used, now, &terms);
        inside
    }

    /// Step 1; nothing where the sender would not learn of its use.
    fn issue(&self, mut inside: MutexGuard<'_, Inside>, now: u64) -> Credit {
        if !inside.is_known() {
            return Credit::default();
        }
        let terms = inside.terms;
        let credit = inside.node.credit(now, &terms);
        let (count, until) = (credit.count.min(COUNT_MAX), (credit.until / 1000).min(MILLIS_MAX));
        inside.issued = count;
        // Relaxed: the lock orders those who settle, and the others look at nothing but the word.
        self.word.store(until << COUNT_BITS | count, Ordering::Relaxed);
        Credit { count, until: credit.until }
    }

    fn note_outage(inside: &mut Inside, now: u64, down: bool) {
        if down {
            inside.node.lost_store(now, &inside.terms);
        }
    }

    #[cold]
    fn look(&self, now: u64, down: bool) -> bool {
        let mut inside = self.settle(now);
        Self::note_outage(&mut inside, now, down);
        let tell = inside.tell(now);
        self.issue(inside, now);
        tell
    }

    #[cold]
    fn pass_slowly(&self, n: u64, now: u64, down: bool) -> (Passage, bool) {
        let mut inside = self.settle(now);
        Self::note_outage(&mut inside, now, down);
        let terms = inside.terms;
        let open = inside.node.admit(n, now, &terms);
        let dry = if open { None } else { Some(inside.node.refuse(n, now, &terms)) };
        let tell = inside.tell(now);
        let left = self.issue(inside, now);
        (dry.map_or(Passage::Open(left), Passage::Shut), tell)
    }

    /// The message that is to go out now: the one under way, or a new one.
    pub(crate) fn message(&self, now: u64, tick: bool, down: bool) -> Option<(Request, Terms)> {
        let mut inside = self.settle(now);
        Self::note_outage(&mut inside, now, down);
        let terms = inside.terms;
        let request = inside.node.flight().or_else(|| {
            let wants = inside.node.wants(now, tick, &terms);
            wants.then(|| inside.node.send(now, tick, &terms))
        });
        self.issue(inside, now);
        request.map(|request| (request, terms))
    }

    /// The last message: everything goes back.
    pub(crate) fn farewell(&self, now: u64) -> Option<(Request, Terms)> {
        let mut inside = self.settle(now);
        let terms = inside.terms;
        let request = inside.node.flight().or_else(|| inside.node.leave(now));
        request.map(|request| (request, terms))
    }

    /// Takes an answer; true when the sender has to be told again, since there is more to say at once.
    pub(crate) fn answer(&self, now: u64, answer: &Answer) -> bool {
        let mut inside = self.settle(now);
        let terms = inside.terms;
        inside.node.answer(now, answer, &terms);
        let tell = inside.tell(now);
        self.issue(inside, now);
        tell
    }

    /// The sender was told of it; true when it has to put it on its list.
    pub(crate) fn heard(&self) -> bool {
        let mut inside = lock(&self.inside);
        inside.told = false;
        !std::mem::replace(&mut inside.listed, true)
    }

    /// Takes it off the sender's list if nothing would be lost.
    pub(crate) fn unlist(&self, now: u64) -> bool {
        let mut inside = self.settle(now);
        let terms = inside.terms;
        let idle = !inside.told && inside.node.is_idle(now, &terms);
        inside.listed &= !idle;
        self.issue(inside, now);
        idle
    }

    /// The number of its last message, if it can be forgotten.
    pub(crate) fn forgettable(&self, now: u64) -> Option<u64> {
        let mut inside = self.settle(now);
        let terms = inside.terms;
        let idle = !inside.is_known() && inside.node.is_idle(now, &terms);
        let seq = inside.node.seq();
        self.issue(inside, now);
        idle.then_some(seq)
    }

    /// Goes on under other terms.
    pub(crate) fn change(&self, now: u64, terms: Terms) {
        let mut inside = self.settle(now);
        inside.terms = terms;
        self.issue(inside, now);
    }
}
