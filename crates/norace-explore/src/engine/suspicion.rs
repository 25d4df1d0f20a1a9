//! What one execution shows to be possible in another: locks taken in opposite orders, values that came back.
//!
//! **Lock order** (after Havelund's GoodLock, SPIN 2000): an edge from each lock that a thread holds to the one it
//! takes. A cycle of edges of different threads is a deadlock that did not strike, unless the threads descend from each
//! other in a way that keeps the edges apart (by spawn and join), or a lock that all of them held does.

use super::{At, Engine, Keep, Thread};
use crate::clock::Row;
use crate::event::{Event, EventId, Kind, MessageId, ObjectId, ThreadId};
use crate::finding::{Finding, Nested, Place};

/// The most locks a cycle may have.
const CYCLE_MAX: usize = 4;

/// A lock that a thread holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    object: ObjectId,
    exclusive: bool,
    at: Place,
}

/// A thread took a lock while it held another.
#[derive(Clone, Copy, Debug)]
struct Edge {
    thread: ThreadId,
    /// Its event that took the lock, by number.
    number: u32,
    descent: Row,
    held: Held,
    taken: Held,
    /// What else it held, as a part of `gates`.
    gates: (usize, usize),
}

/// What was noticed.
#[derive(Debug, Default)]
pub(crate) struct Suspicions {
    edges: Vec<Edge>,
    gates: Vec<ObjectId>,
    /// Of this execution, each new.
    pub(crate) found: Vec<Finding>,
    /// Places of all that was found in any execution.
    known: Vec<[usize; 2]>,
    /// How many were known before this execution.
    known_before: usize,
}

impl Suspicions {
    pub(super) fn begin(&mut self) {
        self.edges.clear();
        self.gates.clear();
        self.found.clear();
        self.known_before = self.known.len();
    }

    /// Takes what was found in this execution, and forgets that it is known.
    pub(crate) fn take(&mut self) -> Vec<Finding> {
        self.known.truncate(self.known_before);
        std::mem::take(&mut self.found)
    }

    fn is_new(&mut self, one: Place, two: Place) -> bool {
        let mut places = [std::ptr::from_ref(one) as usize, std::ptr::from_ref(two) as usize];
        places.sort_unstable();
        let new = !self.known.contains(&places);
        if new {
            self.known.push(places);
        }
        new
    }
}

impl Engine {
    /// `thread` has got a lock by its last event.
    pub(super) fn note_lock(&mut self, thread: ThreadId, kind: Kind, at: At) {
        let exclusive = !matches!(kind, Kind::Read | Kind::TryRead);
        let waited = matches!(kind, Kind::Lock | Kind::Read | Kind::Write);
        let taken = Held { object: at.object, exclusive, at: at.location };
        let Thread { number, descent, ref held, .. } = self.threads[thread];
        let holds = if waited { held.len() } else { 0 };
        if holds != 0 && self.keep == Keep::Nothing {
            self.wants_clocks = true;
            self.threads[thread].held.push(taken);
            return;
        }
        for at in 0..holds {
            let held = self.threads[thread].held[at];
            let start = self.suspicions.gates.len();
            let others = self.threads[thread].held.iter().map(|held| held.object);
            self.suspicions.gates.extend(others.filter(|other| *other != held.object));
            let gates = (start, self.suspicions.gates.len());
            let edge = Edge { thread, number, descent, held, taken, gates };
            self.suspicions.edges.push(edge);
            self.look_for_inversion(edge);
        }
        self.threads[thread].held.push(taken);
    }

    /// `thread`, or another in its name, gives up `object`.
    pub(super) fn note_unlock(&mut self, thread: ThreadId, object: ObjectId) {
        let held = &mut self.threads[thread].held;
        // It mostly is the last, whose removal moves no others.
        if held.pop_if(|held| held.object == object).is_some() {
            return;
        }
        if let Some(at) = held.iter().rposition(|held| held.object == object) {
            held.remove(at);
            return;
        }
        for thread in (0..self.count).map(ThreadId::new) {
            let state = &mut self.threads[thread];
            if let Some(at) = state.held.iter().position(|held| held.object == object) {
                state.held.remove(at);
                return;
            }
        }
    }

    fn look_for_inversion(&mut self, edge: Edge) {
        let mut path = [edge; CYCLE_MAX];
        let Some(len) = self.closes(&mut path, 1) else { return };
        let (one, two) = (path[0].taken.at, path[len - 1].taken.at);
        if self.suspicions.is_new(one, two) {
            let edges = path[..len].iter().rev();
            let cycle: Vec<Nested> = edges.map(|edge| self.nested(edge)).collect();
            self.suspicions.found.push(Finding::LockOrder { cycle });
        }
    }

    /// Extends the first `len` edges of `path` by earlier ones until they are a cycle; how many those are.
    fn closes(&self, path: &mut [Edge; CYCLE_MAX], len: usize) -> Option<usize> {
        let last = path[len - 1];
        if len > 1 && conflict(&last.taken, &path[0].held) {
            return Some(len);
        }
        if len == CYCLE_MAX {
            return None;
        }
        for &next in &self.suspicions.edges {
            let follows = conflict(&last.taken, &next.held);
            if follows && path[..len].iter().all(|edge| self.can_meet(edge, &next)) {
                path[len] = next;
                if let Some(cycle) = self.closes(path, len + 1) {
                    return Some(cycle);
                }
            }
        }
        None
    }

    /// Whether nothing but luck keeps two edges from happening at the same time.
    fn can_meet(&self, one: &Edge, two: &Edge) -> bool {
        let after = |one: &Edge, two: &Edge| self.clocks.get(two.descent, one.thread) >= one.number;
        let gates = |edge: &Edge| &self.suspicions.gates[edge.gates.0..edge.gates.1];
        one.thread != two.thread
            && !after(one, two)
            && !after(two, one)
            && !gates(one).iter().any(|gate| gates(two).contains(gate))
    }

    fn nested(&self, edge: &Edge) -> Nested {
        let lock = |held: &Held| (self.objects.info(held.object), held.at);
        let taken = self.threads[edge.thread].events.get(edge.number as usize - 1);
        Nested {
            thread: self.who_made(edge.thread, edge.number),
            held: lock(&edge.held),
            taken: lock(&edge.taken),
            // Where events are not kept, nobody is told of one.
            event: taken.map_or(0, |event| event.short()),
        }
    }

    /// A compare-exchange by `event` found the value of `message`.
    pub(super) fn look_for_aba(&mut self, event: EventId, message: MessageId) {
        let Event { object, thread, location, previous, .. } = self.events[event];
        let Some(loaded) = previous.map(|previous| self.events[previous]) else { return };
        let Some(seen) = loaded.rf.filter(|_| loaded.message.is_none()) else { return };
        let (from, to) = (self.objects.message(seen), self.objects.message(message));
        let between = from.position as usize + 1..to.position as usize;
        let order = &self.objects.atomic(object).order;
        let changed = order.get(between).is_some_and(|between| {
            between.iter().any(|other| self.objects.message(*other).value != to.value)
        });
        if seen == message || from.value != to.value || !changed {
            return;
        }
        if self.suspicions.is_new(loaded.location, location) {
            let finding = Finding::Aba {
                object: self.objects.info(object),
                thread: self.thread_info(thread),
                loaded: loaded.location,
                exchanged: location,
                value: self.plain_value(object, to.value),
                event: event.short(),
            };
            self.suspicions.found.push(finding);
        }
    }
}

/// Whether one thread with the first lock keeps another from the second, which is the same.
fn conflict(one: &Held, two: &Held) -> bool {
    one.object == two.object && (one.exclusive || two.exclusive)
}
