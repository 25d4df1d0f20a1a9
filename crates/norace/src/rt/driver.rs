//! The netpoller: readiness of sockets and the earliest timer, awaited by one worker at a time.
//!
//! A worker that would sleep tries the poller's lock. Who gets it sleeps in the operating system's poll until a
//! source is ready, the earliest timer is due, or [`Driver::wake`] is called; the others sleep on their own
//! condition variables. Nobody waits for the lock: who fails to get it knows that its holder is inside or about to
//! look, and whoever leaves the poller is awake and will enter it again before it sleeps. So while any worker is
//! asleep, either one of them sleeps in the poller or a worker is awake; that one enters the poller with a zero
//! time-out now and then, and the stall monitor covers the case that it is stuck.
//!
//! Sources are registered once, edge-triggered, for both directions, under a token of slot and generation: an event
//! of a former owner of the slot that is still in the batch finds another generation and is ignored.
use super::os::{self, Os};
use super::readiness::Readiness;
use crate::time::{Instant, TimerQueue};
use mio::Token;
use mio::event::Source;
use norace_prim::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use norace_prim::sync::{Arc, Mutex, MutexGuard, TryLockError, lock};
use norace_prim::time::Duration;
use std::io;
use std::task::Waker;

/// Timers fired per look at the queue.
const TIMERS: usize = norace_prim::model_or!(128, 2);

/// Half of a token is the slot, the other half, without its top bit, the generation.
const SLOT_BITS: u32 = usize::BITS / 2;
const SLOT_MASK: usize = (1 << SLOT_BITS) - 1;
const GENERATION_MASK: usize = SLOT_MASK >> 1;

/// What the holder of the poller's lock works with.
pub(crate) struct Poller {
    wait: os::Wait,
    /// The timers have another server by now.
    closed: bool,
}

#[derive(Default)]
struct Slot {
    generation: usize,
    readiness: Option<Arc<Readiness>>,
}

#[derive(Default)]
struct Sources {
    slots: Vec<Slot>,
    free: Vec<usize>,
    closed: bool,
}

pub(crate) struct Driver {
    poller: Mutex<Poller>,
    os: Arc<Os>,
    sources: Mutex<Sources>,
    /// How many sources there are, so that turns without any skip the system call.
    source_count: AtomicUsize,
    timers: Arc<TimerQueue>,
    /// How often somebody looked, and whether somebody sleeps in here, for the stall monitor.
    turns: AtomicU64,
    attended: AtomicBool,
}

impl Driver {
    pub(crate) fn new() -> io::Result<Self> {
        let (os, wait) = os::open()?;
        let kick = os.clone();
        let timers = TimerQueue::new(Arc::new(move || kick.wake()));
        Ok(Self {
            poller: Mutex::new(Poller { wait, closed: false }),
            os,
            sources: Mutex::default(),
            source_count: AtomicUsize::new(0),
            timers: Arc::new(timers),
            turns: AtomicU64::new(0),
            attended: AtomicBool::new(false),
        })
    }

    pub(crate) fn timers(&self) -> &Arc<TimerQueue> {
        &self.timers
    }

    /// Makes whoever sleeps in the poller return, or the next one not sleep.
    pub(crate) fn wake(&self) {
        self.os.wake();
    }

    /// The right to take turns, unless another worker has it.
    pub(crate) fn try_enter(&self) -> Option<MutexGuard<'_, Poller>> {
        match self.poller.try_lock() {
            Ok(poller) => Some(poller),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Sleeps until something happens, and collects the wakers of what became ready and due.
    pub(crate) fn turn(&self, poller: &mut Poller, wakers: &mut Vec<Waker>) {
        if poller.closed {
            return;
        }
        // Relaxed: a hint for the monitor, which must not try the lock: who goes to sleep and fails to get it relies on
        // a worker being its holder.
        self.attended.store(true, Ordering::Relaxed);
        let wait =
            self.timers.begin_wait().map(|until| until.saturating_duration_since(Instant::now()));
        self.poll_sources(poller, wait, wakers);
        // Relaxed: as above.
        self.attended.store(false, Ordering::Relaxed);
        self.take_due(wakers);
    }

    /// Whether a worker sleeps in here.
    pub(crate) fn is_attended(&self) -> bool {
        // Relaxed: as in turn.
        self.attended.load(Ordering::Relaxed)
    }

    /// As [`turn`](Self::turn), without sleeping.
    pub(crate) fn look(&self, poller: &mut Poller, wakers: &mut Vec<Waker>) {
        if poller.closed {
            return;
        }
        // Relaxed: a source that is being registered at this moment is seen by the next look or by the next sleep.
        if self.source_count.load(Ordering::Relaxed) > 0 {
            self.poll_sources(poller, Some(Duration::ZERO), wakers);
        } else {
            self.count_turn();
        }
        if !self.timers.is_empty() {
            self.take_due(wakers);
        }
    }

    /// A number that changes with each turn.
    pub(crate) fn turns(&self) -> u64 {
        // Relaxed: a count to compare with an earlier one.
        self.turns.load(Ordering::Relaxed)
    }

    fn count_turn(&self) {
        // Relaxed: as in turns.
        self.turns.fetch_add(1, Ordering::Relaxed);
    }

    fn poll_sources(&self, poller: &mut Poller, wait: Option<Duration>, wakers: &mut Vec<Waker>) {
        poller.wait.wait(wait);
        self.count_turn();
        let mut events = poller.wait.events().peekable();
        if events.peek().is_none() {
            return;
        }
        let sources = lock(&self.sources);
        for event in events {
            if let Some(readiness) = sources.find(event.token()) {
                readiness.update(event, wakers);
            }
        }
    }

    fn take_due(&self, wakers: &mut Vec<Waker>) {
        while self.timers.take_due(Instant::now(), wakers, TIMERS) {}
    }

    /// Registers `source` for both directions.
    pub(crate) fn register(&self, source: &mut impl Source) -> io::Result<(Token, Arc<Readiness>)> {
        let readiness = Arc::new(Readiness::default());
        let token = lock(&self.sources).insert(readiness.clone())?;
        if let Err(error) = self.os.register(source, token) {
            lock(&self.sources).remove(token);
            return Err(error);
        }
        // Relaxed: a count; see look.
        self.source_count.fetch_add(1, Ordering::Relaxed);
        Ok((token, readiness))
    }

    /// Takes `source` out again.
    pub(crate) fn deregister(&self, source: &mut impl Source, token: Token) {
        self.os.deregister(source);
        lock(&self.sources).remove(token);
        // Relaxed: a count; see look.
        self.source_count.fetch_sub(1, Ordering::Relaxed);
    }

    /// Ends it: nobody takes turns any more. Sources fail from now on, timers go to the timer thread.
    pub(crate) fn close(&self) {
        let all: Vec<_> = {
            let mut sources = lock(&self.sources);
            sources.closed = true;
            sources.slots.iter().filter_map(|slot| slot.readiness.clone()).collect()
        };
        for readiness in all {
            readiness.close();
        }
        let mut poller = lock(&self.poller);
        poller.closed = true;
        crate::time::thread::adopt(&self.timers);
    }
}

impl Sources {
    fn insert(&mut self, readiness: Arc<Readiness>) -> io::Result<Token> {
        if self.closed {
            return Err(super::readiness::runtime_gone());
        }
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.slots.len() <= SLOT_MASK => {
                self.slots.push(Slot::default());
                self.slots.len() - 1
            }
            None => {
                return Err(io::Error::other("register a source: the runtime has no slot left"));
            }
        };
        let slot = &mut self.slots[index];
        slot.readiness = Some(readiness);
        Ok(Token(slot.generation << SLOT_BITS | index))
    }

    fn remove(&mut self, token: Token) {
        let index = token.0 & SLOT_MASK;
        let slot = &mut self.slots[index];
        slot.readiness = None;
        slot.generation = (slot.generation + 1) & GENERATION_MASK;
        self.free.push(index);
    }

    fn find(&self, token: Token) -> Option<&Arc<Readiness>> {
        let slot = self.slots.get(token.0 & SLOT_MASK)?;
        if slot.generation == token.0 >> SLOT_BITS { slot.readiness.as_ref() } else { None }
    }
}

#[cfg(all(test, norace))]
mod models;
#[cfg(test)]
mod tests;
