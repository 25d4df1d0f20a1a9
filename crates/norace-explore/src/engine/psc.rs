//! The partial order of SeqCst events of RC11, and the search for a cycle in it.
//!
//! Written after the definition (PLDI 2017, section 3.3), with `eco` read off the modification order: an access has the
//! rank (position of its store, 0) when it writes and (position of the store it read, 1) when it only reads; `eco` is
//! "smaller rank", and `mo ∪ fr` is "smaller rank, and the second writes". Ranks grow along `hb` at one location, so
//! for a fence only its first and last access of a location count.
//!
//! A new event is maximal in `po ∪ rf`. If it reads or is the `mo`-last store it has no outgoing edge and closes
//! nothing, so the caller asks only about the others.

use super::Engine;
use crate::driver::members;
use crate::event::{Class, Event, EventId, Kind, ObjectId, ThreadId};

type Rank = (u32, u8);

/// What a search for a cycle works with, kept for its memory.
#[derive(Debug, Default)]
pub(super) struct Search {
    seen: Vec<bool>,
    stack: Vec<EventId>,
}

impl Engine {
    /// Whether the SeqCst events, with the tentative `event` in the graph, are in a cycle through `event` or a fence
    /// that happens before it.
    pub(super) fn closes_sc_cycle(&mut self, event: EventId) -> bool {
        let mut search = std::mem::take(&mut self.sc_search);
        let closes = self.sc_events.iter().copied().any(|start| {
            let (this, candidate) = (&self.events[event], &self.events[start]);
            let fence = candidate.kind == Kind::Fence && self.happens_before(candidate, this);
            (start == event || fence) && self.reaches_itself(start, &mut search)
        });
        self.sc_search = search;
        closes
    }

    fn reaches_itself(&self, start: EventId, Search { seen, stack }: &mut Search) -> bool {
        seen.clear();
        seen.resize(self.sc_events.len(), false);
        stack.clear();
        stack.push(start);
        while let Some(from) = stack.pop() {
            for (index, &to) in self.sc_events.iter().enumerate() {
                if seen[index] || to == from || !self.sc_before(from, to) {
                    continue;
                }
                if to == start {
                    return true;
                }
                seen[index] = true;
                stack.push(to);
            }
        }
        false
    }

    fn happens_before(&self, first: &Event, second: &Event) -> bool {
        if first.thread == second.thread {
            first.number < second.number
        } else {
            self.clocks.get(second.hb, first.thread) >= first.number
        }
    }

    /// The event of the same thread at `number`.
    fn of_thread(&self, thread: ThreadId, number: u32) -> Option<&Event> {
        let events = &self.threads[thread].events;
        let index = events.get((number as usize).checked_sub(1)?)?;
        Some(&self.events[*index])
    }

    fn sc_before(&self, from: EventId, to: EventId) -> bool {
        let (from, to) = (&self.events[from], &self.events[to]);
        match (from.kind == Kind::Fence, to.kind == Kind::Fence) {
            (false, false) => self.access_before_access(from, to),
            (false, true) => self.access_before_fence(from, to),
            (true, false) => self.fence_before_access(from, to),
            (true, true) => {
                self.happens_before(from, to)
                    || self.any_location(|object| {
                        let first = self.first_rank_after(object, from);
                        let last = self.last_rank_before(object, to);
                        matches!((first, last), (Some(first), Some(last)) if first < last)
                    })
            }
        }
    }

    /// `scb` between two accesses.
    fn access_before_access(&self, from: &Event, to: &Event) -> bool {
        if from.object == to.object {
            return self.happens_before(from, to) || self.overwritten_by(from, to);
        }
        if from.thread == to.thread {
            return from.number < to.number;
        }
        // po to another location, hb, po from another location.
        let after = self.next_elsewhere(from);
        let before = self.previous_elsewhere(to);
        matches!((after, before), (Some(after), Some(before)) if self.happens_before(after, before))
    }

    fn next_elsewhere(&self, event: &Event) -> Option<&Event> {
        (event.number + 1..)
            .map_while(|number| self.of_thread(event.thread, number))
            .find(|other| other.object != event.object)
    }

    fn previous_elsewhere(&self, event: &Event) -> Option<&Event> {
        (1..event.number)
            .rev()
            .map_while(|number| self.of_thread(event.thread, number))
            .find(|other| other.object != event.object)
    }

    /// `scb ; hb?` from an access to a fence.
    fn access_before_fence(&self, from: &Event, to: &Event) -> bool {
        let by_order = self.happens_before_or_is(self.of_thread(from.thread, from.number + 1), to);
        by_order
            || self.accesses(from.object).any(|via| {
                (self.happens_before(from, via) || self.overwritten_by(from, via))
                    && self.happens_before(via, to)
            })
    }

    fn happens_before_or_is(&self, first: Option<&Event>, second: &Event) -> bool {
        first.is_some_and(|first| {
            (first.thread == second.thread && first.number == second.number)
                || self.happens_before(first, second)
        })
    }

    /// `hb? ; scb` from a fence to an access.
    fn fence_before_access(&self, from: &Event, to: &Event) -> bool {
        let by_order = if from.thread == to.thread {
            from.number < to.number
        } else {
            self.of_thread(to.thread, to.number - 1)
                .is_some_and(|before| self.happens_before(from, before))
        };
        by_order
            || self.accesses(to.object).any(|via| {
                self.happens_before(from, via)
                    && (self.happens_before(via, to) || self.overwritten_by(via, to))
            })
    }

    /// `mo ∪ fr`.
    fn overwritten_by(&self, first: &Event, second: &Event) -> bool {
        second.message.is_some()
            && first.object == second.object
            && self.rank(first) < self.rank(second)
    }

    fn rank(&self, event: &Event) -> Rank {
        match (event.message, event.rf) {
            (Some(message), _) => (self.objects.message(message).position, 0),
            (None, Some(rf)) => (self.objects.message(rf).position, 1),
            (None, None) => unreachable!("an access of an atomic reads or writes"),
        }
    }

    fn accesses(&self, object: ObjectId) -> impl Iterator<Item = &Event> {
        members(self.objects.users(object)).flat_map(move |thread| {
            let mut cursor = self.objects.head(object, thread);
            std::iter::from_fn(move || {
                let event = &self.events[cursor?];
                cursor = event.previous;
                Some(event)
            })
        })
    }

    fn any_location(&self, holds: impl Fn(ObjectId) -> bool) -> bool {
        (0..self.objects.len())
            .map(|index| ObjectId(u32::try_from(index).expect("objects are few")))
            .filter(|&object| self.objects.class(object) == Class::Atomic)
            .any(holds)
    }

    fn first_rank_after(&self, object: ObjectId, fence: &Event) -> Option<Rank> {
        self.accesses(object)
            .filter(|access| self.happens_before(fence, access))
            .map(|access| self.rank(access))
            .min()
    }

    fn last_rank_before(&self, object: ObjectId, fence: &Event) -> Option<Rank> {
        self.accesses(object)
            .filter(|access| self.happens_before(access, fence))
            .map(|access| self.rank(access))
            .max()
    }
}
