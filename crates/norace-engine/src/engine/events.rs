//! The log of order events that readers pull from.
//!
//! A ring of the newest events, written by the journal thread alone, once per durable batch. Readers take copies by
//! journal position and keep no state here; who waits for news leaves a waker, which the next append wakes and forgets.
//!
//! **Invariant:** everything in it is durable.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use norace_prim::sync::{self, Arc, Mutex};

use crate::model::OrderEvent;

/// The largest ring for which memory is reserved ahead.
const RESERVED_MAX: usize = 1 << 22;
/// The most events one read takes.
const READ_MAX: usize = 4096;

/// Durable order events in the journal's order, the newest up to a bound; clones share it.
#[derive(Clone, Debug)]
pub struct EventLog(Arc<Mutex<Log>>);

#[derive(Debug)]
struct Log {
    events: VecDeque<OrderEvent>,
    events_max: usize,
    /// The position of the newest event no longer kept; 0 when all are.
    forgotten: u64,
    durable: u64,
    ended: bool,
    waiting: Wakers,
}

impl Log {
    fn last_event(&self) -> u64 {
        self.events.back().map_or(self.forgotten, |event| event.sequence)
    }

    fn push(&mut self, event: OrderEvent) {
        if self.events.len() == self.events_max
            && let Some(oldest) = self.events.pop_front()
        {
            self.forgotten = oldest.sequence;
        }
        if self.events_max == 0 {
            self.forgotten = event.sequence;
        } else {
            self.events.push_back(event);
        }
    }
}

impl EventLog {
    pub(crate) fn new(events_max: usize) -> Self {
        // Reserved at once: growing would copy the whole ring in the middle of a commit. Pages are touched when used.
        let reserved = VecDeque::with_capacity(events_max.min(RESERVED_MAX));
        Self(Arc::new(Mutex::new(Log {
            events: reserved,
            events_max,
            forgotten: 0,
            durable: 0,
            ended: false,
            waiting: Wakers::default(),
        })))
    }

    /// The first events after the journal position `after`, at most `max` (and at most 4096); empty when there are none
    /// yet.
    ///
    /// # Errors
    ///
    /// When events after that position are no longer kept.
    pub fn read_after(&self, after: u64, max: usize) -> Result<Vec<OrderEvent>, HistoryGone> {
        let log = sync::lock(&self.0);
        if after < log.forgotten {
            return Err(HistoryGone { oldest: log.forgotten });
        }
        let first = log.events.partition_point(|event| event.sequence <= after);
        Ok(log.events.range(first..).take(max.min(READ_MAX)).cloned().collect())
    }

    /// Waits until there is an event after the journal position `after`; false when the engine has ended and there
    /// will be none. Dropping it ends the waiting.
    pub fn changed_after(&self, after: u64) -> Changed<'_> {
        Changed { log: self, after, slot: None }
    }

    /// The last journal position known to be durable.
    pub fn durable_sequence(&self) -> u64 {
        sync::lock(&self.0).durable
    }

    /// Takes over the events of a durable batch that ends at `durable`, and wakes who waits for them.
    pub(crate) fn append(&self, events: &mut Vec<OrderEvent>, durable: u64) {
        let mut log = sync::lock(&self.0);
        log.durable = durable;
        let woken = if events.is_empty() { Vec::new() } else { log.waiting.take_all() };
        for event in events.drain(..) {
            log.push(event);
        }
        drop(log);
        woken.into_iter().for_each(Waker::wake);
    }

    /// There will be no further events.
    pub(crate) fn end(&self) {
        let mut log = sync::lock(&self.0);
        log.ended = true;
        let woken = log.waiting.take_all();
        drop(log);
        woken.into_iter().for_each(Waker::wake);
    }
}

/// See [`EventLog::changed_after`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Changed<'a> {
    log: &'a EventLog,
    after: u64,
    slot: Option<Slot>,
}

impl Future for Changed<'_> {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        let mut log = sync::lock(&self.log.0);
        if log.last_event() > self.after {
            return Poll::Ready(true);
        }
        if log.ended {
            return Poll::Ready(false);
        }
        let slot = log.waiting.register(self.slot, context.waker());
        drop(log);
        self.slot = Some(slot);
        Poll::Pending
    }
}

impl Drop for Changed<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            let waker = sync::lock(&self.log.0).waiting.remove(slot);
            drop(waker);
        }
    }
}

/// Wakers in slots that are used again. `take_all` begins a new round, in which older slots mean nothing.
#[derive(Debug, Default)]
struct Wakers {
    round: u64,
    slots: Vec<Option<Waker>>,
    free: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    round: u64,
    at: usize,
}

impl Wakers {
    fn register(&mut self, known: Option<Slot>, waker: &Waker) -> Slot {
        if let Some(slot) = known.filter(|slot| slot.round == self.round) {
            match &mut self.slots[slot.at] {
                Some(kept) => kept.clone_from(waker),
                empty => *empty = Some(waker.clone()),
            }
            return slot;
        }
        let at = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[at] = Some(waker.clone());
        Slot { round: self.round, at }
    }

    fn remove(&mut self, slot: Slot) -> Option<Waker> {
        if slot.round != self.round {
            return None;
        }
        self.free.push(slot.at);
        self.slots[slot.at].take()
    }

    fn take_all(&mut self) -> Vec<Waker> {
        self.round += 1;
        self.free.clear();
        std::mem::take(&mut self.slots).into_iter().flatten().collect()
    }
}

/// Events after the position asked for are no longer kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryGone {
    /// The smallest position from which reading is possible without a gap.
    pub oldest: u64,
}

impl fmt::Display for HistoryGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "order events are kept only after position {}", self.oldest)
    }
}

impl std::error::Error for HistoryGone {}
