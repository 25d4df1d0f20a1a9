//! Permits and the line of those who wait for them: the inside of `Semaphore`, `Mutex` and `OnceCell`.
//!
//! # Protocol
//!
//! One word holds the free permits and two flags, and a lock protects the line.
//!
//! - While `QUEUED` is clear nobody stands in line, and the word alone is the truth: taking and giving are one
//!   exchange each.
//! - Who finds too few permits locks the line and sets `QUEUED` by an exchange that fails when permits have come
//!   meanwhile. From then on, until the line is empty, **permits come only under the lock**. So who stands in line has
//!   been seen by everybody who gives, and no wake-up is lost.
//! - Who gives while `QUEUED` is set serves the line: it *grants*, which means that the permits go to the first in line
//!   without ever being free. A node that was granted has left the line.
//! - Where overtaking is allowed the first in line is only *invited*, that is, woken, and the permits are free for
//!   whoever comes first, until it has been overtaken [`Use::OVERTAKEN_MAX`] times. Then it is granted.
//! - Who leaves passes on what it was granted, and serves the line: the next one may be content with less, or have to
//!   be invited.
//! - `CLOSED` is set under the lock together with the refusal of everybody in line, and never cleared.
//!
//! The design is that of tokio's batch semaphore, with the flag in the word so that giving needs no lock while nobody
//! waits, and the limit on overtaking is that of `parking_lot` and `async-lock`, by count instead of by time.

use crate::budget;
use crate::wait::{self, BlockedOn, Key, List, Slab, Wakes};
use norace_prim::atomic::{AtomicUsize, Ordering};
use norace_prim::probe::{Effect, Kind, Monitor, Site};
use norace_prim::sync::{Mutex, lock};
use std::task::{Context, Poll, Waker, ready};

const QUEUED: usize = 1;
const CLOSED: usize = 2;
/// One permit in the word.
const UNIT: usize = 4;

/// The most permits there can be.
pub(super) const PERMITS_MAX: usize = usize::MAX / UNIT;

/// What the permits are for.
pub(super) trait Use: Kind {
    /// What a waiting taker waits for.
    const ON: BlockedOn;
    /// What reports say that a taker does, and a giver.
    const TAKE: &'static str;
    const GIVE: &'static str;
    /// How many may overtake the first in line.
    const OVERTAKEN_MAX: u32;
}

/// What came of an attempt to take permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Take {
    Taken,
    /// There are too few, or others come first.
    Short,
    Closed,
}

#[derive(Debug)]
enum Stage {
    /// In line; `None` once it has been invited.
    Waiting(Option<Waker>),
    Granted,
    Refused,
}

#[derive(Debug)]
struct Node {
    need: usize,
    /// How often permits it could have had were given while it was first.
    overtaken: u32,
    stage: Stage,
}

#[derive(Debug)]
struct Queue {
    nodes: Slab<Node>,
    line: List,
}

pub(super) struct Permits<U> {
    monitor: Monitor<U>,
    word: AtomicUsize,
    queue: Mutex<Queue>,
}

/// `word` with `count` more permits.
fn plus(word: usize, count: usize) -> usize {
    let free = (word / UNIT).checked_add(count).filter(|&free| free <= PERMITS_MAX);
    free.expect("at most `PERMITS_MAX` permits") * UNIT + word % UNIT
}

impl<U: Use> Permits<U> {
    /// # Panics
    ///
    /// When `count` is above [`PERMITS_MAX`].
    #[cfg_attr(norace, track_caller)]
    pub(super) const fn new(count: usize) -> Self {
        assert!(count <= PERMITS_MAX, "more permits than a semaphore can hold");
        let queue = Queue { nodes: Slab::new(), line: List::new() };
        Self {
            monitor: Monitor::new(),
            word: AtomicUsize::new(count * UNIT),
            queue: Mutex::new(queue),
        }
    }

    /// How many are free now.
    pub(super) fn free(&self) -> usize {
        // Relaxed: a hint; taking decides.
        self.word.load(Ordering::Relaxed) / UNIT
    }

    pub(super) fn is_closed(&self) -> bool {
        // Acquire: pairs with the Release in close, so that who sees it has seen what came before it.
        self.word.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Takes `need` if that needs no waiting.
    #[inline]
    pub(super) fn try_take(&self, need: usize, site: Site) -> Take {
        self.monitor.attempt(U::TAKE, site, || {
            let take = self.take(need);
            (effect(take), take)
        })
    }

    #[inline]
    fn take(&self, need: usize) -> Take {
        // Acquire: a word that says closed, for its order; otherwise the exchange decides.
        let mut word = self.word.load(Ordering::Acquire);
        loop {
            if word & CLOSED != 0 {
                return Take::Closed;
            }
            if !Self::may_take(word, need) {
                return Take::Short;
            }
            let less = word - need * UNIT;
            // Acquire: pairs with the Release in give and put; what was done under the permits before is seen.
            // Acquire: as the load.
            match self.word.compare_exchange(word, less, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Take::Taken,
                Err(now) => word = now,
            }
        }
    }

    fn may_take(word: usize, need: usize) -> bool {
        word / UNIT >= need && (word & QUEUED == 0 || U::OVERTAKEN_MAX > 0)
    }

    /// Takes `need`, or sees to it that permits come only under the lock, which is held.
    fn take_or_queue(&self, need: usize) -> Take {
        // Acquire: as in take.
        let mut word = self.word.load(Ordering::Acquire);
        loop {
            if word & CLOSED != 0 {
                return Take::Closed;
            }
            let takes = Self::may_take(word, need);
            let next = if takes { word - need * UNIT } else { word | QUEUED };
            if next == word && !takes {
                return Take::Short;
            }
            // Acquire: as in take. Acquire: as in take.
            match self.word.compare_exchange(word, next, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) if takes => return Take::Taken,
                Ok(_) => return Take::Short,
                Err(now) => word = now,
            }
        }
    }

    /// Gives `count` permits: those that were taken, or new ones.
    ///
    /// # Panics
    ///
    /// When there would be more than [`PERMITS_MAX`].
    #[inline]
    pub(super) fn give(&self, count: usize, site: Site) {
        let wakes = self.monitor.enter(U::GIVE, site, || {
            // Relaxed: the exchange decides.
            let mut word = self.word.load(Ordering::Relaxed);
            while word & QUEUED == 0 {
                let more = plus(word, count);
                // Release: pairs with the Acquire in take. Relaxed: the exchange is tried again.
                match self.word.compare_exchange(word, more, Ordering::Release, Ordering::Relaxed) {
                    Ok(_) => return None,
                    Err(now) => word = now,
                }
            }
            Some(self.give_to_line(count))
        });
        if let Some(wakes) = wakes {
            wakes.wake_all();
        }
    }

    #[cold]
    fn give_to_line(&self, count: usize) -> Wakes {
        let mut wakes = Wakes::new();
        let mut queue = lock(&self.queue);
        // Before anybody is granted some: a panic half way would leave the flag without a line. While somebody stands
        // in line no other gives, and the count stays right.
        // Relaxed: only the number counts.
        plus(self.word.load(Ordering::Relaxed), count);
        self.serve(&mut queue, count, &mut wakes);
        wakes
    }

    /// Grants what can be granted with `spare` permits more than the word has, puts the rest there, and invites.
    #[cold]
    fn serve(&self, queue: &mut Queue, mut spare: usize, wakes: &mut Wakes) {
        let Queue { nodes, line } = queue;
        while let Some(key) = line.front() {
            let node = nodes.get_mut(key);
            if node.overtaken < U::OVERTAKEN_MAX || !self.pay(node.need, &mut spare) {
                break;
            }
            if let Stage::Waiting(Some(waker)) = std::mem::replace(&mut node.stage, Stage::Granted)
            {
                wakes.push(waker);
            }
            line.unlink(nodes, key);
        }
        let first = line.front();
        let free = self.put(spare, first.is_none());
        let Some(first) = first.map(|key| nodes.get_mut(key)) else { return };
        if first.overtaken < U::OVERTAKEN_MAX && free >= first.need {
            first.overtaken += 1;
            if let Stage::Waiting(waker) = &mut first.stage
                && let Some(waker) = waker.take()
            {
                wakes.push(waker);
            }
        }
    }

    /// Takes `need` permits out of `spare` and, as far as that does not do, out of the word; or nothing at all.
    fn pay(&self, need: usize, spare: &mut usize) -> bool {
        let missing = need.saturating_sub(*spare);
        let paid = need - missing;
        if missing == 0 {
            *spare -= paid;
            return true;
        }
        // Relaxed: the exchange decides.
        let mut word = self.word.load(Ordering::Relaxed);
        while word / UNIT >= missing {
            let less = word - missing * UNIT;
            // Acquire: pairs with the Release in give and put, for whom the permits are granted: that one gets the
            // order through the lock. Relaxed: the exchange is tried again.
            match self.word.compare_exchange(word, less, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => {
                    *spare -= paid;
                    return true;
                }
                Err(now) => word = now,
            }
        }
        false
    }

    /// Puts `spare` permits into the word, and clears `QUEUED` if the line is `empty`; how many are free then.
    fn put(&self, spare: usize, empty: bool) -> usize {
        // Relaxed: the exchange decides.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let more = plus(word, spare);
            let next = if empty { more & !QUEUED } else { more };
            if next == word {
                return word / UNIT;
            }
            // Release: pairs with the Acquire in take. Relaxed: the exchange is tried again.
            match self.word.compare_exchange(word, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return next / UNIT,
                Err(now) => word = now,
            }
        }
    }

    /// Refuses everybody from now on, those in line included; false when it was closed before.
    pub(super) fn close(&self, site: Site) -> bool {
        let mut wakes = Wakes::new();
        let first = self.monitor.enter("close", site, || {
            let mut queue = lock(&self.queue);
            let Queue { nodes, line } = &mut *queue;
            // AcqRel: Release pairs with the Acquire of who sees it closed, Acquire with the Release of an earlier
            // close.
            let first = self.word.fetch_or(CLOSED, Ordering::AcqRel) & CLOSED == 0;
            while let Some(key) = line.pop_front(nodes) {
                let node = nodes.get_mut(key);
                if let Stage::Waiting(Some(waker)) =
                    std::mem::replace(&mut node.stage, Stage::Refused)
                {
                    wakes.push(waker);
                }
            }
            self.put(0, true);
            first
        });
        wakes.wake_all();
        first
    }

    /// Takes `place.need`, or is `Short` and wakes `waker` when it is worth another try. Whom to wake at once.
    #[cold]
    fn step(&self, place: &mut Place, waker: &Waker) -> (Take, Wakes) {
        let mut wakes = Wakes::new();
        let take = match place.key {
            Some(key) => self.come_back(place, key, waker, &mut wakes),
            // A clone is foreign code and may panic: not under the lock, nor with the flag set and nobody in line.
            None => self.arrive(place, waker.clone()),
        };
        (take, wakes)
    }

    fn come_back(&self, place: &mut Place, key: Key, waker: &Waker, wakes: &mut Wakes) -> Take {
        let mut queue = lock(&self.queue);
        let Queue { nodes, line } = &mut *queue;
        let node = nodes.get_mut(key);
        let waits = matches!(node.stage, Stage::Waiting(_));
        let take = match &node.stage {
            Stage::Granted => Take::Taken,
            Stage::Refused => Take::Closed,
            Stage::Waiting(_) if U::OVERTAKEN_MAX > 0 && line.front() == Some(key) => {
                self.take_or_queue(place.need)
            }
            Stage::Waiting(_) => Take::Short,
        };
        if take == Take::Short {
            match &mut node.stage {
                Stage::Waiting(Some(current)) => wakes.update(current, waker),
                stage => *stage = Stage::Waiting(Some(waker.clone())),
            }
            return take;
        }
        place.key = None;
        if waits {
            line.unlink(nodes, key);
        }
        if let Stage::Waiting(Some(waker)) = nodes.remove(key).stage {
            wakes.discard(waker);
        }
        if waits {
            self.serve(&mut queue, 0, wakes);
        }
        take
    }

    fn arrive(&self, place: &mut Place, waker: Waker) -> Take {
        let mut queue = lock(&self.queue);
        let take = self.take_or_queue(place.need);
        if take == Take::Short {
            let stage = Stage::Waiting(Some(waker));
            let key = queue.nodes.insert(Node { need: place.need, overtaken: 0, stage });
            let Queue { nodes, line } = &mut *queue;
            line.push_back(nodes, key);
            place.key = Some(key);
        }
        take
    }

    /// Leaves the line, or passes on what was granted.
    #[cold]
    fn leave(&self, key: Key, site: Site) {
        let mut wakes = Wakes::new();
        self.monitor.enter("stop waiting for", site, || {
            let mut queue = lock(&self.queue);
            let Queue { nodes, line } = &mut *queue;
            if matches!(nodes.get_mut(key).stage, Stage::Waiting(_)) {
                line.unlink(nodes, key);
            }
            let node = nodes.remove(key);
            let granted = match node.stage {
                Stage::Refused => return,
                Stage::Granted => node.need,
                Stage::Waiting(waker) => {
                    if let Some(waker) = waker {
                        wakes.discard(waker);
                    }
                    0
                }
            };
            self.serve(&mut queue, granted, &mut wakes);
        });
        wakes.wake_all();
    }

    /// How many stand in line.
    #[cfg(all(test, norace))]
    pub(super) fn waiting(&self) -> usize {
        lock(&self.queue).line.len()
    }
}

fn effect(take: Take) -> Effect {
    match take {
        Take::Taken => Effect::Changed,
        Take::Short => Effect::Nothing,
        Take::Closed => Effect::Learned,
    }
}

/// A taker's place: in no line, or in that of the one [`Permits`] it is polled with. Who owns it calls
/// [`Place::leave`] when it gives up.
#[derive(Debug)]
pub(super) struct Place {
    key: Option<Key>,
    need: usize,
    site: Site,
}

impl Place {
    pub(super) fn new(need: usize, site: Site) -> Self {
        Self { key: None, need, site }
    }

    /// How many permits it takes.
    pub(super) fn need(&self) -> usize {
        self.need
    }

    pub(super) fn site(&self) -> Site {
        self.site
    }

    /// Ready when the permits are taken (true) or refused (false).
    #[inline]
    pub(super) fn poll<U: Use>(
        &mut self,
        permits: &Permits<U>,
        cx: &mut Context<'_>,
    ) -> Poll<bool> {
        ready!(budget::poll_left(cx));
        let site = self.site;
        let (take, wakes) = permits.monitor.attempt(U::TAKE, site, || {
            let first = if self.key.is_none() { permits.take(self.need) } else { Take::Short };
            if first != Take::Short {
                return (effect(first), (first, None));
            }
            let (take, wakes) = permits.step(self, cx.waker());
            // Who is short now stands in line.
            let effect = if take == Take::Short { Effect::Changed } else { effect(take) };
            (effect, (take, Some(wakes)))
        });
        if let Some(wakes) = wakes {
            wakes.wake_all();
        }
        if take == Take::Short {
            permits.monitor.waits(U::TAKE, site);
            wait::note(U::ON, site);
            return Poll::Pending;
        }
        budget::spend();
        Poll::Ready(take == Take::Taken)
    }

    /// Gives up; does nothing when it is in no line.
    #[inline]
    pub(super) fn leave<U: Use>(&mut self, permits: &Permits<U>) {
        if let Some(key) = self.key.take() {
            permits.leave(key, self.site);
        }
    }
}

#[cfg(all(test, norace))]
mod models;

#[cfg(test)]
mod tests;
