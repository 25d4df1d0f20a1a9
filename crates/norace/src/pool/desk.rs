//! The slow way, behind one lock: how many objects there may be, and who waits for one.

use super::entry::{Entry, Licence, Record};
use crate::wait::{Key, List, Slab, Wakes};
use norace_prim::sync::Arc;
use std::task::Waker;

/// Room for more records than this is given back when three quarters of it are unused.
const KEEP_ROOM: usize = norace_prim::model_or!(64, 2);

/// Somebody who waits, or who has got what he waited for and has not looked yet.
pub(super) enum Waiter<T> {
    /// In the line.
    Waiting(Waker),
    /// This object is his.
    Given(Box<Entry<T>>),
    /// He may make one.
    Granted(Licence),
}

pub(super) struct Desk<T> {
    /// How many objects there may be.
    max: usize,
    /// A record of each object that there is, or is about to be: each says where it stands here, and there are no
    /// gaps, so that the memory of a burst goes when its objects do.
    records: Vec<Arc<Record>>,
    /// The uses of objects that are gone.
    past_uses: u64,
    waiters: Slab<Waiter<T>>,
    /// Those that are `Waiting`, in the order in which they came.
    line: List,
    /// How long the line was when its length was last announced.
    announced: usize,
}

impl<T> Desk<T> {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            records: Vec::new(),
            past_uses: 0,
            waiters: Slab::new(),
            line: List::new(),
            announced: 0,
        }
    }

    /// The right to make an object, if there may be one more.
    pub(super) fn license(&mut self) -> Option<Licence> {
        if self.is_full() {
            return None;
        }
        let record = Arc::new(Record::new(self.records.len()));
        self.records.push(record.clone());
        Some(Licence(record))
    }

    /// Takes back the right of an object that is gone.
    pub(super) fn revoke(&mut self, licence: &Licence) {
        let place = licence.0.place();
        self.records.swap_remove(place);
        if let Some(moved) = self.records.get(place) {
            moved.move_to(place);
        }
        if self.records.capacity() > KEEP_ROOM && self.records.capacity() / 4 > self.records.len() {
            self.records.shrink_to(2 * self.records.len());
        }
        self.past_uses += licence.0.uses();
    }

    /// How many objects there are, or are about to be.
    pub(super) fn alive(&self) -> usize {
        self.records.len()
    }

    /// How often objects were used again.
    pub(super) fn uses(&self) -> u64 {
        self.past_uses + self.records.iter().map(|record| record.uses()).sum::<u64>()
    }

    /// How many stand in the line.
    pub(super) fn waiting(&self) -> usize {
        self.line.len()
    }

    /// How long the line is, when that was not announced yet; it has to be now.
    pub(super) fn unannounced(&mut self) -> Option<usize> {
        let changed = self.announced != self.line.len();
        self.announced = self.line.len();
        changed.then_some(self.announced)
    }

    /// Whether there may be no more objects.
    pub(super) fn is_full(&self) -> bool {
        self.alive() >= self.max
    }

    /// Joins the end of the line.
    pub(super) fn join(&mut self, waker: Waker) -> Key {
        let key = self.waiters.insert(Waiter::Waiting(waker));
        self.line.push_back(&mut self.waiters, key);
        key
    }

    /// Leaves the desk with whatever there is.
    pub(super) fn leave(&mut self, key: Key) -> Waiter<T> {
        if matches!(self.waiters.get_mut(key), Waiter::Waiting(_)) {
            self.line.unlink(&mut self.waiters, key);
        }
        self.waiters.remove(key)
    }

    /// As [`leave`](Self::leave), unless that would be with nothing: then `current` is woken when there is something.
    pub(super) fn look(
        &mut self,
        key: Key,
        current: &Waker,
        wakes: &mut Wakes,
    ) -> Option<Waiter<T>> {
        if let Waiter::Waiting(waker) = self.waiters.get_mut(key) {
            wakes.update(waker, current);
            return None;
        }
        Some(self.waiters.remove(key))
    }

    /// Serves the line: with what `find` finds, and with the right to make an object.
    pub(super) fn serve(
        &mut self,
        mut find: impl FnMut() -> Option<Box<Entry<T>>>,
        wakes: &mut Wakes,
    ) {
        while let Some(first) = self.line.front() {
            let served = match find() {
                Some(entry) => Waiter::Given(entry),
                None => match self.license() {
                    Some(licence) => Waiter::Granted(licence),
                    None => return,
                },
            };
            self.line.unlink(&mut self.waiters, first);
            if let Waiter::Waiting(waker) = std::mem::replace(self.waiters.get_mut(first), served) {
                wakes.push(waker);
            }
        }
    }
}

#[cfg(test)]
mod tests;
