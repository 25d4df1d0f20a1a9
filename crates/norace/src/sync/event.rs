//! Waiting for what is read off an atomic: the inside of `Latch`, `Gate`, `WaitGroup`, and of the waits of `Versioned`
//! and `StateMachine`.
//!
//! # Protocol
//!
//! The object's state is its own affair: atomics, changed without any lock. Beside it stand the waiters, behind a lock,
//! and a count of them outside of it.
//!
//! - Who changes the state does it by a SeqCst operation, **then** reads the count (SeqCst); if it is not 0 it takes
//!   the lock and answers every waiter whose wish the change fulfils.
//! - Who waits puts its wish in line and writes the count (SeqCst), **then** reads the state once more (SeqCst).
//!
//! In the one order of all SeqCst operations either the change comes before the second read, which finds it, or the
//! write of the count comes before the read of the count, which finds the waiter. So nobody sleeps beside what he waits
//! for, and while nobody waits a change costs one load more.
//!
//! An answer is final: who was answered stands in no line any more, whatever the state is by the time it looks. An
//! answer may come late, when the state has moved on; so a wish says since when it waits, and changes from before do
//! not fulfil it.

use crate::budget;
use crate::wait::{self, BlockedOn, Key, List, Slab, Wakes};
use norace_prim::atomic::{AtomicUsize, Ordering};
use norace_prim::probe::{Effect, Kind, Monitor, Site};
use norace_prim::sync::{Mutex, lock};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// What a [`Wait`] can wait for. Not to be implemented outside: its supertrait has no name there.
pub trait Condition: Inside {}

impl<C: Inside> Condition for C {}

/// The inside of a [`Condition`].
pub trait Inside: Sized {
    /// What is asked for: which state, since when.
    type Asked: Copy;
    /// What a waiter in line waits for, and since when.
    type Wish;
    /// The answer that a change gives.
    type Answer;
    /// What the wait comes to.
    type Output;
    /// What the checker calls it.
    type Name: Kind;

    #[doc(hidden)]
    fn event(&self) -> &Event<Self>;

    /// The answer as the state is now, or what to wait for.
    #[doc(hidden)]
    fn look(&self, asked: Self::Asked) -> Result<Self::Answer, Self::Wish>;

    /// The answer to a wish as the state is now, with its waiter in line: every later change will be told.
    #[doc(hidden)]
    fn look_again(&self, wish: &mut Self::Wish) -> Option<Self::Answer>;

    #[doc(hidden)]
    fn output(&self, answer: Self::Answer) -> Self::Output;
}

enum Node<C: Inside> {
    Waiting { wish: C::Wish, waker: Waker },
    Answered(C::Answer),
}

struct Nodes<C: Inside> {
    slab: Slab<Node<C>>,
    line: List,
}

/// Whom to wake when the lock is released; made when there is somebody.
type ToWake = Option<Wakes>;

/// The waiters of one object.
pub struct Event<C: Inside> {
    monitor: Monitor<C::Name>,
    /// How many are in line; written under the lock.
    waiting: AtomicUsize,
    nodes: Mutex<Nodes<C>>,
}

impl<C: Inside> Event<C> {
    #[cfg_attr(norace, track_caller)]
    pub(super) const fn new() -> Self {
        let nodes = Nodes { slab: Slab::new(), line: List::new() };
        Self { monitor: Monitor::new(), waiting: AtomicUsize::new(0), nodes: Mutex::new(nodes) }
    }

    /// Runs `change`, which does `what` to the object and collects whom to wake by [`notify`](Self::notify).
    #[inline]
    pub(super) fn change<R>(
        &self,
        what: &'static str,
        site: Site,
        change: impl FnOnce(&mut ToWake) -> (Effect, R),
    ) -> R {
        let mut wakes = None;
        let result = self.monitor.attempt(what, site, || change(&mut wakes));
        if let Some(wakes) = wakes {
            wakes.wake_all();
        }
        result
    }

    /// Reads the object.
    #[inline]
    pub(super) fn read<R>(&self, what: &'static str, site: Site, read: impl FnOnce() -> R) -> R {
        self.monitor.attempt(what, site, || (Effect::Learned, read()))
    }

    /// Answers, after a change of the state, those who waited for it.
    #[inline]
    pub(super) fn notify(
        &self,
        wakes: &mut ToWake,
        answer: impl Fn(&mut C::Wish) -> Option<C::Answer>,
    ) {
        // SeqCst: with the store in count; see the head of this file.
        if self.waiting.load(Ordering::SeqCst) != 0 {
            self.answer(wakes, answer);
        }
    }

    #[cold]
    fn answer(&self, wakes: &mut ToWake, answer: impl Fn(&mut C::Wish) -> Option<C::Answer>) {
        let mut nodes = lock(&self.nodes);
        let Nodes { slab, line } = &mut *nodes;
        let mut next = line.front();
        while let Some(key) = next {
            next = line.after(slab, key);
            let node = slab.get_mut(key);
            let Node::Waiting { wish, .. } = node else {
                unreachable!("the answered left the line")
            };
            let Some(answer) = answer(wish) else { continue };
            if let Node::Waiting { waker, .. } = std::mem::replace(node, Node::Answered(answer)) {
                wakes.get_or_insert_default().push(waker);
            }
            line.unlink(slab, key);
        }
        self.count(&nodes);
    }

    /// Says how many are in line.
    fn count(&self, nodes: &Nodes<C>) {
        // SeqCst: with the load in notify; see the head of this file.
        self.waiting.store(nodes.line.len(), Ordering::SeqCst);
    }

    /// The answer, or `waker` is woken when there is one.
    fn step(
        &self,
        of: &C,
        asked: C::Asked,
        place: &mut Option<Key>,
        waker: &Waker,
        wakes: &mut ToWake,
    ) -> Option<C::Answer> {
        if let Some(key) = *place {
            let mut nodes = lock(&self.nodes);
            match nodes.slab.get_mut(key) {
                Node::Waiting { waker: current, .. } => {
                    wakes.get_or_insert_default().update(current, waker);
                    return None;
                }
                Node::Answered(_) => *place = None,
            }
            return match nodes.slab.remove(key) {
                Node::Answered(answer) => Some(answer),
                Node::Waiting { .. } => unreachable!("it was seen answered under this lock"),
            };
        }
        let wish = match of.look(asked) {
            Ok(answer) => return Some(answer),
            Err(wish) => wish,
        };
        let mut nodes = lock(&self.nodes);
        let Nodes { slab, line } = &mut *nodes;
        let key = slab.insert(Node::Waiting { wish, waker: waker.clone() });
        line.push_back(slab, key);
        self.count(&nodes);
        let Node::Waiting { wish, .. } = nodes.slab.get_mut(key) else {
            unreachable!("it was put in line under this lock")
        };
        let Some(answer) = of.look_again(wish) else {
            *place = Some(key);
            return None;
        };
        self.remove(&mut nodes, key, wakes);
        Some(answer)
    }

    /// Takes out a node that may be in line.
    fn remove(&self, nodes: &mut Nodes<C>, key: Key, wakes: &mut ToWake) {
        let Nodes { slab, line } = &mut *nodes;
        if matches!(slab.get_mut(key), Node::Waiting { .. }) {
            line.unlink(slab, key);
        }
        if let Node::Waiting { waker, .. } = slab.remove(key) {
            wakes.get_or_insert_default().discard(waker);
        }
        self.count(nodes);
    }

    #[cold]
    fn leave(&self, key: Key, site: Site) {
        self.change("stop waiting for", site, |wakes| {
            self.remove(&mut lock(&self.nodes), key, wakes);
            (Effect::Changed, ())
        });
    }

    /// How many places are taken, those of answered waiters included.
    #[cfg(all(test, norace))]
    pub(super) fn places(&self) -> usize {
        lock(&self.nodes).slab.len()
    }
}

impl<C: Inside> fmt::Debug for Event<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: for the eye.
        let waiting = self.waiting.load(Ordering::Relaxed);
        f.debug_struct("Event").field("waiting", &waiting).finish_non_exhaustive()
    }
}

/// The future of the waits of this module: for a latch, a gate, the end of a group, a change, a state.
///
/// # Cancel safety
///
/// Dropping it leaves the line and changes nothing else. What it waits for happens to everybody, so nothing is lost.
///
/// Polled again after it was ready, it waits anew.
#[must_use = "futures do nothing unless awaited"]
pub struct Wait<'a, C: Condition> {
    of: &'a C,
    asked: C::Asked,
    on: BlockedOn,
    place: Option<Key>,
    site: Site,
}

impl<'a, C: Condition> Wait<'a, C> {
    pub(super) fn new(of: &'a C, asked: C::Asked, on: BlockedOn, site: Site) -> Self {
        Self { of, asked, on, place: None, site }
    }
}

impl<C: Condition> Unpin for Wait<'_, C> {}

impl<C: Condition> Future for Wait<'_, C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C::Output> {
        ready!(budget::poll_left(cx));
        let Self { of, asked, on, place, site } = &mut *self;
        let event = of.event();
        let answer = event.change("wait for", *site, |wakes| {
            let answer = event.step(of, *asked, place, cx.waker(), wakes);
            (if answer.is_some() { Effect::Learned } else { Effect::Changed }, answer)
        });
        let Some(answer) = answer else {
            event.monitor.waits("wait for", *site);
            wait::note(*on, *site);
            return Poll::Pending;
        };
        budget::spend();
        Poll::Ready(of.output(answer))
    }
}

impl<C: Condition> Drop for Wait<'_, C> {
    fn drop(&mut self) {
        if let Some(key) = self.place.take() {
            self.of.event().leave(key, self.site);
        }
    }
}

impl<C: Condition> fmt::Debug for Wait<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("in_line", &self.place.is_some()).finish_non_exhaustive()
    }
}

#[cfg(all(test, norace))]
mod models;
