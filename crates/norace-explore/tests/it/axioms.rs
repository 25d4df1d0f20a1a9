//! An enumerator of consistent execution graphs, straight from the axioms and independent of the explorer: all choices
//! of `rf`, all permutations for `mo`, then the definitions as relations over a handful of events.

use std::collections::BTreeSet;

use norace_explore::Mode;
use norace_explore::sync::atomic::Ordering;

use crate::program::{Graph, Op, Place, Program, failure_of};

/// A relation over at most 32 events: row `a` has bit `b` when `a` is related to `b`.
#[derive(Clone, PartialEq, Eq)]
struct Relation(Vec<u32>);

impl Relation {
    fn of(n: usize, holds: impl Fn(usize, usize) -> bool) -> Self {
        let row = |a| (0..n).filter(|&b| holds(a, b)).fold(0, |bits, b| bits | 1 << b);
        Self((0..n).map(row).collect())
    }

    fn has(&self, a: usize, b: usize) -> bool {
        self.0[a] >> b & 1 == 1
    }

    fn or(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a | b).collect())
    }

    fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }

    fn then(&self, other: &Self) -> Self {
        let row = |bits: u32| {
            let via = (0..self.0.len()).filter(move |&b| bits >> b & 1 == 1);
            via.fold(0, |all, b| all | other.0[b])
        };
        Self(self.0.iter().map(|&bits| row(bits)).collect())
    }

    fn maybe(&self) -> Self {
        Self(self.0.iter().enumerate().map(|(a, bits)| bits | 1 << a).collect())
    }

    fn closure(&self) -> Self {
        let mut all = self.clone();
        loop {
            let more = all.or(&all.then(&all));
            if more == all {
                return all;
            }
            all = more;
        }
    }

    fn inverse(&self) -> Self {
        Self::of(self.0.len(), |a, b| self.has(b, a))
    }

    fn is_irreflexive(&self) -> bool {
        (0..self.0.len()).all(|a| !self.has(a, a))
    }

    fn only(n: usize, holds: impl Fn(usize) -> bool) -> Self {
        Self::of(n, |a, b| a == b && holds(a))
    }
}

#[derive(Clone, Debug)]
struct Event {
    /// `None` for initial stores.
    place: Option<Place>,
    location: Option<usize>,
    reads: bool,
    writes: bool,
    fence: bool,
    order: Ordering,
}

/// Everything that was chosen.
struct Candidate<'a> {
    events: &'a [Event],
    /// Per event, what it reads from.
    rf: &'a [Option<usize>],
    /// Per location, its stores in order.
    mo: &'a [Vec<usize>],
}

impl Candidate<'_> {
    fn is_consistent(&self, mode: Mode) -> bool {
        let n = self.events.len();
        let events = self.events;
        let po = Relation::of(n, |a, b| match (events[a].place, events[b].place) {
            (None, Some(_)) => true,
            (Some(a), Some(b)) => a.0 == b.0 && a.1 < b.1,
            _ => false,
        });
        let rf = Relation::of(n, |a, b| self.rf[b] == Some(a));
        let rank = |a: usize| self.mo.iter().find_map(|order| order.iter().position(|&w| w == a));
        let same = |a: usize, b: usize| {
            events[a].location.is_some() && events[a].location == events[b].location
        };
        let mo = Relation::of(n, |a, b| same(a, b) && rank(a).is_some() && rank(a) < rank(b));
        let fr_all = rf.inverse().then(&mo);
        let fr = Relation::of(n, |a, b| a != b && fr_all.has(a, b));
        let atomic = (0..n).all(|a| {
            let rmw = events[a].reads && events[a].writes;
            !rmw || rank(a) == rank(self.rf[a].unwrap()).map(|at| at + 1)
        });
        if !atomic || !po.or(&rf).closure().is_irreflexive() {
            return false;
        }
        if mode == Mode::Sc {
            return po.or(&rf).or(&mo).or(&fr).closure().is_irreflexive();
        }
        let hb = self.happens_before(&po, &rf);
        let eco = rf.or(&mo).or(&fr).closure();
        let coherent = hb.then(&eco.maybe()).is_irreflexive();
        coherent && hb.is_irreflexive() && self.is_psc_acyclic(&po, &hb, &mo.or(&fr), &eco)
    }

    fn happens_before(&self, po: &Relation, rf: &Relation) -> Relation {
        let (n, events) = (self.events.len(), self.events);
        let release = |a: usize| {
            matches!(events[a].order, Ordering::Release | Ordering::AcqRel | Ordering::SeqCst)
        };
        let acquire = |a: usize| {
            matches!(events[a].order, Ordering::Acquire | Ordering::AcqRel | Ordering::SeqCst)
        };
        let fence = Relation::only(n, |a| events[a].fence);
        let rmw = Relation::only(n, |a| events[a].reads && events[a].writes);
        let write = Relation::only(n, |a| events[a].writes);
        let read = Relation::only(n, |a| events[a].reads);
        let sequence = write.then(&rf.then(&rmw).closure().maybe());
        let sw = Relation::only(n, release)
            .then(&fence.then(po).or(&Relation::only(n, |_| true)))
            .then(&sequence)
            .then(rf)
            .then(&read)
            .then(&po.then(&fence).or(&Relation::only(n, |_| true)))
            .then(&Relation::only(n, acquire));
        let sw = Relation::of(n, |a, b| {
            // A release is a store, a read-modify-write or a fence; an acquire a load, one of those or a fence.
            sw.has(a, b)
                && (events[a].writes || events[a].fence)
                && (events[b].reads || events[b].fence)
        });
        po.or(&sw).closure()
    }

    fn is_psc_acyclic(
        &self,
        po: &Relation,
        hb: &Relation,
        mo_fr: &Relation,
        eco: &Relation,
    ) -> bool {
        let (n, events) = (self.events.len(), self.events);
        let same = Relation::of(n, |a, b| {
            events[a].location.is_some() && events[a].location == events[b].location
        });
        let elsewhere = Relation::of(n, |a, b| po.has(a, b) && !same.has(a, b));
        let scb = po.or(&elsewhere.then(hb).then(&elsewhere)).or(&hb.and(&same)).or(mo_fr);
        let sc = |a: usize| events[a].order == Ordering::SeqCst && events[a].place.is_some();
        let access = Relation::only(n, |a| sc(a) && !events[a].fence);
        let fence = Relation::only(n, |a| sc(a) && events[a].fence);
        let before = access.or(&fence.then(&hb.maybe()));
        let after = access.or(&hb.maybe().then(&fence));
        let base = before.then(&scb).then(&after);
        let fences = fence.then(&hb.or(&hb.then(eco).then(hb))).then(&fence);
        base.or(&fences).closure().is_irreflexive()
    }
}

/// How many combinations of choices [`enumerate`] would look at, at most.
pub(crate) fn candidates(program: &Program) -> usize {
    let ops = || program.iter().flatten().copied();
    let is_store = |op: &Op| !matches!(op, Op::Load(..) | Op::Fence(_));
    let stores = |at| ops().filter(is_store).filter(|op| op.location() == Some(at)).count();
    let orders: usize = (0..4).map(|at| (1..=stores(at)).product::<usize>()).product();
    let reads = ops().filter(|op| !matches!(op, Op::Store(..) | Op::Fence(_)));
    reads.filter_map(Op::location).fold(orders, |all, at| all.saturating_mul(1 + stores(at)))
}

/// All consistent graphs of `program`.
pub(crate) fn enumerate(program: &Program, mode: Mode) -> BTreeSet<Graph> {
    let mut events: Vec<Event> = (0..4)
        .map(|location| Event {
            place: None,
            location: Some(location),
            reads: false,
            writes: true,
            fence: false,
            order: Ordering::Relaxed,
        })
        .collect();
    let mut ops = vec![None; 4];
    for (thread, list) in program.iter().enumerate() {
        for (at, &op) in list.iter().enumerate() {
            let (reads, writes, order) = match op {
                Op::Load(_, order) => (true, false, order),
                Op::Store(_, _, order) => (false, true, order),
                Op::Add(_, order) | Op::Cas(_, _, _, order) => (true, true, order),
                Op::Fence(order) => (false, false, order),
            };
            let fence = matches!(op, Op::Fence(_));
            let place = Some((thread, at));
            events.push(Event { place, location: op.location(), reads, writes, fence, order });
            ops.push(Some(op));
        }
    }
    let mut found = BTreeSet::new();
    let mut rf = vec![None; events.len()];
    choose_reads(&events, &ops, &mut rf, 0, mode, &mut found);
    found
}

fn choose_reads(
    events: &[Event],
    ops: &[Option<Op>],
    rf: &mut Vec<Option<usize>>,
    at: usize,
    mode: Mode,
    found: &mut BTreeSet<Graph>,
) {
    if at == events.len() {
        if let Some(events) = with_values(events, ops, rf) {
            choose_order(&events, rf, mode, found);
        }
        return;
    }
    if !events[at].reads {
        choose_reads(events, ops, rf, at + 1, mode, found);
        return;
    }
    for source in 0..events.len() {
        let matches = events[source].writes && events[source].location == events[at].location;
        if matches && source != at {
            rf[at] = Some(source);
            choose_reads(events, ops, rf, at + 1, mode, found);
        }
    }
    rf[at] = None;
}

/// Computes the values; turns compare-exchanges that fail into loads. `None` when a value depends on itself or is read
/// from a store that did not happen.
fn with_values(events: &[Event], ops: &[Option<Op>], rf: &[Option<usize>]) -> Option<Vec<Event>> {
    let mut events = events.to_vec();
    let mut stored: Vec<Option<Option<u32>>> = vec![None; events.len()];
    let mut changed = true;
    while changed {
        changed = false;
        for at in 0..events.len() {
            if stored[at].is_some() {
                continue;
            }
            let read = match rf[at] {
                Some(source) => match stored[source] {
                    Some(value) => Some(value?),
                    None => continue,
                },
                None => None,
            };
            stored[at] = Some(match ops[at] {
                None => Some(0),
                Some(Op::Store(_, value, _)) => Some(value),
                Some(Op::Add(..)) => read.map(|value| value + 1),
                Some(Op::Cas(_, expected, new, order)) => {
                    let hit = read == Some(expected);
                    if !hit {
                        events[at].writes = false;
                        events[at].order = failure_of(order);
                    }
                    hit.then_some(new)
                }
                Some(Op::Load(..) | Op::Fence(_)) => None,
            });
            changed = true;
        }
    }
    stored.iter().all(Option::is_some).then_some(events)
}

fn choose_order(events: &[Event], rf: &[Option<usize>], mode: Mode, found: &mut BTreeSet<Graph>) {
    let stores = |location| {
        let here = |&at: &usize| events[at].writes && events[at].location == Some(location);
        (4..events.len()).filter(here).collect::<Vec<_>>()
    };
    let orders: Vec<Vec<Vec<usize>>> = (0..4).map(|at| permutations(at, &stores(at))).collect();
    let mut all = vec![Vec::new()];
    for orders in &orders {
        let longer = |mo: &Vec<Vec<usize>>| {
            let mo = mo.clone();
            orders.iter().map(move |order| [&mo[..], std::slice::from_ref(order)].concat())
        };
        all = all.iter().flat_map(longer).collect();
    }
    for mo in all {
        let candidate = Candidate { events, rf, mo: &mo };
        if candidate.is_consistent(mode) {
            found.insert(graph(events, rf, &mo));
        }
    }
}

/// All orders of `stores` after the initial one.
fn permutations(initial: usize, stores: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![vec![initial]];
    for &store in stores {
        let insert = |order: &Vec<usize>| {
            let order = order.clone();
            (1..=order.len()).map(move |at| {
                let mut longer = order.clone();
                longer.insert(at, store);
                longer
            })
        };
        all = all.iter().flat_map(insert).collect();
    }
    all
}

fn graph(events: &[Event], rf: &[Option<usize>], mo: &[Vec<usize>]) -> Graph {
    let mut graph = Graph::new();
    for (at, event) in events.iter().enumerate() {
        let (Some(place), false) = (event.place, event.fence) else { continue };
        let read = rf[at].map(|source| events[source].place);
        let position = mo.iter().find_map(|order| order.iter().position(|&store| store == at));
        graph.push((place, read, position.map(|position| u32::try_from(position).unwrap())));
    }
    graph.sort_unstable();
    graph
}
