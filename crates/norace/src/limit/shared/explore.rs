//! Runs of small systems: some nodes, one key, a store, and a network that loses, repeats and reorders.
//!
//! The machines are those that ship. The search keeps a fingerprint of 64 bits of each state it has met; its end means
//! that there is no other, unless two states share one: with a million states a chance of one in 37 million. Systems of
//! up to some thousand states are searched whole; [`holds_whole`] are those that are too large for a build that is not
//! optimised, and [`holds_so_far`] says that it stops.
//!
//! What it asserts is the bound of each mode, and that the bound is reached, so that it is not merely safe; and in each
//! state that a node which reaches the store gets out of its outage. *Mutants* do one thing otherwise, from outside the
//! machines; each has to break one of the two.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hash, Hasher};

use super::central::Last;
use super::{Answer, Central, Mode, Node, Request, Shape, Terms, WhenDown};

/// What is done otherwise than the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    None,
    /// A node goes on admitting while its message is under way.
    AdmitsInFlight,
    /// A node compares with the limit what the store said, and forgets what it admitted since.
    ForgetsOwn,
    /// A node takes a message that was lost for one that was answered.
    GivesUp,
    /// The store does not recognise a repeated message that returns a lease.
    NotIdempotent,
    /// The store takes a message of another life for the first one.
    ForgetsLives,
    /// The store's bucket carries no debt.
    Clamps,
    /// The store does not wait after it lost its memory.
    Trusts,
    /// A node uses a lease beyond its window.
    NoDeadline,
    /// The store grants the whole bucket.
    NoShrink,
    /// A node in an outage sends only what it would send without one.
    StaysDown,
}

/// A system's size, and what may happen to it.
#[derive(Clone, Copy, Debug)]
struct Plan {
    terms: Terms,
    mutant: Mutant,
    crashes: u64,
    /// Times at which the store forgets everything.
    restarts: u64,
    /// Messages that arrive twice.
    repeats: u64,
    /// Messages, or answers, that are lost.
    losses: u64,
    /// Times at which a node takes the store for lost, whether or not it is.
    outages: u64,
    /// Times at which a node takes a greater life, having heard of another about some other key.
    renames: u64,
    /// A node that crashed begins with a smaller life, not a greater one.
    falling: bool,
    /// The time at which it ends; the clock moves in steps.
    until: u64,
    step: u64,
    states_max: usize,
}

impl Plan {
    /// The bucket that is granted whole once it was made smaller.
    fn whole(&self) -> Shape {
        let shrunk = self.terms.shape.at_once() - self.terms.central_at_once();
        match self.terms.shape {
            Shape::Bucket { count, period, burst } => {
                Shape::Bucket { count, period, burst: burst + shrunk }
            }
            shape @ Shape::Window { .. } => shape,
        }
    }

    /// By how much more than the limit may be admitted. Nodes that share the limit in an outage may have known nothing
    /// of what the others admitted.
    fn bound(&self) -> u64 {
        let over = self.terms.over_max(self.crashes);
        match self.terms.down {
            WhenDown::Closed => over,
            WhenDown::Share => over + self.terms.shape.at_once(),
            WhenDown::Open => u64::MAX,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Peer {
    node: Node,
    life: u64,
    /// Messages and answers on their way; the life that sent the message is with it.
    requests: Vec<(u64, Request)>,
    answers: Vec<(u64, Answer)>,
}

impl Peer {
    fn normalise(&mut self, now: u64, by: u64, last: Option<&mut Last>, terms: &Terms) {
        let messages = self.node.normalise(now, by, 100, terms);
        let life = self.life;
        let earlier = |seq: &mut u64| *seq = seq.saturating_sub(messages);
        let of_life = |of: &u64| is_of_one_process(*of, life);
        self.requests.iter_mut().filter(|it| of_life(&it.0)).for_each(|it| earlier(&mut it.1.seq));
        self.answers.iter_mut().filter(|it| of_life(&it.0)).for_each(|it| earlier(&mut it.1.seq));
        if let Some(last) = last.filter(|last| of_life(&last.life)) {
            earlier(&mut last.seq);
        }
        self.requests.sort_by_key(|(life, request)| (*life, request.seq));
        self.answers.sort_by_key(|(life, answer)| (*life, answer.seq));
    }

    /// Drops what can do nothing any more, of which there would be no end: answers to other messages than the one under
    /// way, and messages from before the last one that the store heard of this life. Those are kept if the store may
    /// still forget that it heard it, or take another life for the current one; then their number alone is changed.
    fn drop_stale(
        &mut self,
        last: Option<Last>,
        comes_back: bool,
        store_forgets: bool,
        epoch: u64,
    ) {
        let under_way = self.node.flight().map(|request| request.seq);
        self.answers.retain(|(_, answer)| Some(answer.seq) == under_way);
        let Some(last) = last else { return };
        let one_life = self.requests.iter().all(|(life, _)| *life == self.life);
        let kept = comes_back || !one_life || last.life != self.life;
        let is_stale =
            |(life, request): &(u64, Request)| *life == last.life && request.seq < last.seq;
        let told = |request: &Request| request.epoch != 0 && request.epoch != epoch;
        // Of a life that is over the number tells whether somebody waits for the answer.
        for (life, request) in &mut self.requests {
            if *life < last.life && Some(request.seq) != under_way && !store_forgets {
                request.seq = 0;
            }
        }
        self.requests.retain(|it| !is_stale(it) || kept || told(&it.1));
        let mut stale = self.requests.iter_mut().filter(|it| is_stale(it));
        if let (Some((_, request)), None) = (stale.next(), stale.next()) {
            request.seq = last.seq - 1;
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    now: u64,
    central: Central,
    peers: Vec<Peer>,
    /// Admitted in this window, or the level of the bucket that everything was charged to at once.
    admitted: u64,
    left: [u64; 6],
}

const START: u64 = 1_000_000;
/// A life says which process of the node it is, and which of its numbers: the greater counts.
const LIFE: u64 = 100 * PROCESSES;
const PROCESSES: u64 = 8;

fn is_of_one_process(life: u64, other: u64) -> bool {
    life % PROCESSES == other % PROCESSES
}

impl State {
    fn new(plan: &Plan) -> Self {
        let peer = || Peer { node: Node::new(100), life: LIFE, requests: vec![], answers: vec![] };
        Self {
            now: START,
            // A store that has been there for long.
            central: Central::known(1),
            peers: (0..plan.terms.nodes).map(|_| peer()).collect(),
            admitted: 0,
            left: [
                plan.crashes,
                plan.restarts,
                plan.repeats,
                plan.losses,
                plan.outages,
                plan.renames,
            ],
        }
    }

    /// The same state as far as anything can tell: it does not matter which node is which, how many messages there were
    /// before, what time it is for a bucket, and what an epoch is called. With its fingerprint.
    fn canonical(mut self, terms: &Terms) -> (u64, Self) {
        let (now, by) = (self.now, if terms.shape.is_bucket() { self.now - START } else { 0 });
        self.now -= by;
        if terms.shape.is_bucket() {
            self.admitted = self.admitted.max(now) - by;
        }
        let before = self.central.epoch_or(0);
        self.central.normalise(now, by, terms);
        let after = self.central.epoch_or(0);
        let rename = |epoch: &mut u64| match *epoch {
            0 => {}
            known if known == before => *epoch = after,
            _ => *epoch = 2,
        };
        let mut lasts = std::mem::take(&mut self.central.last);
        let mut all = Vec::new();
        for (at, mut peer) in (0..).zip(self.peers.drain(..)) {
            let mut last = lasts.remove(&at);
            peer.normalise(now, by, last.as_mut(), terms);
            let comes_back = self.left[0] + self.left[1] + self.left[5] > 0;
            peer.drop_stale(last, comes_back, self.left[1] > 0, before);
            peer.node.rename(rename);
            peer.requests.iter_mut().for_each(|(_, it)| rename(&mut it.epoch));
            peer.answers.iter_mut().for_each(|(_, it)| rename(&mut it.epoch));
            all.push((fingerprint(&(&peer, &last)), peer, last));
        }
        all.sort_by_key(|(fingerprint, ..)| *fingerprint);
        // Of the peers it has been made already.
        let prints: Vec<_> = all.iter().map(|(fingerprint, ..)| *fingerprint).collect();
        let print = fingerprint(&(self.now, &self.central, self.admitted, self.left, prints));
        for (at, (_, peer, last)) in (0..).zip(all) {
            self.peers.push(peer);
            self.central.last.extend(last.map(|last| (at, last)));
        }
        (print, self)
    }

    /// The state in which `what` has happened once more, if it may.
    fn once(&self, what: usize) -> Option<Self> {
        let left = self.left[what].checked_sub(1)?;
        let mut state = self.clone();
        state.left[what] = left;
        Some(state)
    }

    /// Counts one admission.
    fn count(&mut self, terms: &Terms) {
        match terms.shape {
            Shape::Window { .. } => self.admitted += 1,
            Shape::Bucket { .. } => {
                self.admitted = self.admitted.max(self.now) + terms.shape.refill_time(1);
            }
        }
    }

    /// By how much more was admitted than the limit allows.
    fn over(&self, terms: &Terms) -> u64 {
        match terms.shape {
            Shape::Window { limit, .. } => self.admitted.saturating_sub(limit),
            Shape::Bucket { burst, .. } => {
                let behind = self.admitted.saturating_sub(self.now);
                terms.shape.refill(behind).saturating_sub(burst)
            }
        }
    }

    /// Every state that may come next.
    fn next(&self, plan: &Plan) -> Vec<Self> {
        let mut next = Vec::new();
        for at in 0..self.peers.len() {
            self.admits(plan, at, &mut next);
            self.sends(plan, at, &mut next);
            self.leaves(plan, at, &mut next);
            self.delivers(plan, at, &mut next);
            self.answers(plan, at, &mut next);
            self.crashes(plan, at, &mut next);
            self.loses_store(plan, at, &mut next);
            if let Some(mut renamed) = self.once(5) {
                renamed.peers[at].life += PROCESSES;
                next.push(renamed);
            }
        }
        if self.central != Central::default()
            && let Some(mut forgotten) = self.once(1)
        {
            forgotten.central = Central::default();
            next.push(forgotten);
        }
        if plan.terms.shape.is_bucket() || self.now + plan.step <= plan.until {
            let mut later = self.clone();
            later.now += plan.step;
            let period = plan.terms.shape.period();
            if !plan.terms.shape.is_bucket() && later.now.is_multiple_of(period) {
                later.admitted = 0;
            }
            next.push(later);
        }
        next
    }

    fn admits(&self, plan: &Plan, at: usize, next: &mut Vec<Self>) {
        let mut state = self.clone();
        let (now, terms) = (state.now, &plan.terms);
        let node = &mut state.peers[at].node;
        let mut admitted = match plan.mutant {
            Mutant::ForgetsOwn => node.admit_forgetful(now, terms),
            _ => node.admit(1, now, terms),
        };
        if !admitted && plan.mutant == Mutant::AdmitsInFlight && node.flight().is_some() {
            admitted = node.admit_in_flight(now, terms);
        }
        if !admitted {
            node.refuse(1, now, terms);
        } else {
            state.count(terms);
        }
        next.push(state);
    }

    fn sends(&self, plan: &Plan, at: usize, next: &mut Vec<Self>) {
        let (now, peer) = (self.now, &self.peers[at]);
        let wants = peer.node.wants(now, true, &plan.terms);
        // The message or its answer was lost.
        let again =
            peer.node.flight().filter(|_| peer.requests.is_empty() && peer.answers.is_empty());
        if !wants && again.is_none() {
            return;
        }
        let mut state = self.clone();
        let peer = &mut state.peers[at];
        if let Some(request) = again {
            if plan.mutant == Mutant::GivesUp {
                peer.node.give_up();
            } else {
                peer.requests.push((peer.life, request));
            }
        } else {
            let request = peer.node.send(now, true, &plan.terms);
            peer.requests.push((peer.life, request));
        }
        next.push(state);
    }

    fn leaves(&self, plan: &Plan, at: usize, next: &mut Vec<Self>) {
        if plan.terms.mode != Mode::Leased || self.peers[at].node.flight().is_some() {
            return;
        }
        let mut state = self.clone();
        let now = state.now;
        let peer = &mut state.peers[at];
        if let Some(request) = peer.node.leave(now) {
            peer.requests.push((peer.life, request));
            next.push(state);
        }
    }

    fn delivers(&self, plan: &Plan, at: usize, next: &mut Vec<Self>) {
        for index in 0..self.peers[at].requests.len() {
            let mut state = self.clone();
            let (life, request) = state.peers[at].requests.remove(index);
            next.extend(state.once(3));
            let node = u64::try_from(at).unwrap();
            if plan.mutant == Mutant::NotIdempotent {
                state.central.last.remove(&node);
            }
            let is_other = state.central.last.get(&node).is_some_and(|last| last.life != life);
            if plan.mutant == Mutant::ForgetsLives && is_other {
                state.central.last.remove(&node);
            }
            let mut terms = plan.terms;
            terms.trust_empty |= plan.mutant == Mutant::Trusts;
            if plan.mutant == Mutant::NoShrink {
                terms.shape = plan.whole();
            }
            let mut told = request;
            if plan.mutant == Mutant::Trusts {
                told.epoch = 0;
            }
            let answer = state.central.exchange(state.now, &terms, (node, life), &told);
            if plan.mutant == Mutant::Clamps {
                state.central.forgive_debt(state.now, &plan.terms);
            }
            if is_of_one_process(life, state.peers[at].life) {
                state.peers[at].answers.push((life, answer));
            }
            if let Some(mut repeated) = state.once(2) {
                repeated.peers[at].requests.push((life, request));
                next.push(repeated);
            }
            next.push(state);
        }
    }

    fn answers(&self, plan: &Plan, at: usize, next: &mut Vec<Self>) {
        for index in 0..self.peers[at].answers.len() {
            let mut state = self.clone();
            let now = state.now;
            let (_, answer) = state.peers[at].answers.remove(index);
            next.extend(state.once(3));
            let peer = &mut state.peers[at];
            peer.node.answer(now, &answer, &plan.terms);
            while peer.life <= answer.heard {
                peer.life += PROCESSES;
            }
            if plan.mutant == Mutant::NoDeadline {
                state.peers[at].node.keep_lease();
            }
            next.push(state);
        }
    }

    fn crashes(&self, plan: &Plan, at: usize, next: &mut Vec<Self>) {
        if let Some(mut state) = self.once(0) {
            let peer = &mut state.peers[at];
            let back = if plan.falling { 10 * PROCESSES } else { 0 };
            let life = peer.life + 1 - back;
            (peer.node, peer.life) = (Node::new(100), life);
            // What it sent may still arrive; nobody hears the answer.
            peer.answers.clear();
            next.push(state);
        }
    }

    fn loses_store(&self, plan: &Plan, at: usize, next: &mut Vec<Self>) {
        if !self.peers[at].node.is_down()
            && let Some(mut state) = self.once(4)
        {
            state.peers[at].node.lost_store(state.now, &plan.terms);
            next.push(state);
        }
    }

    /// Whether each node gets out of its outage that says now what it has to say, and is answered.
    fn recovers(&self, plan: &Plan) -> bool {
        let (now, terms) = (self.now, &plan.terms);
        (0..).zip(&self.peers).filter(|(_, peer)| peer.node.is_down()).all(|(at, peer)| {
            let mut node = peer.node.clone();
            let wants = match plan.mutant {
                Mutant::StaysDown => node.wants_without_outage(now, terms),
                _ => node.wants(now, true, terms),
            };
            let request = node.flight().or_else(|| wants.then(|| node.send(now, true, terms)));
            if let Some(request) = request {
                let mut central = self.central.clone();
                let answer = central.exchange(now, terms, (at, peer.life), &request);
                node.answer(now, &answer, terms);
            }
            !node.is_down()
        })
    }
}

/// Folds the product of what it has and what comes; half of a search is hashing.
#[derive(Default)]
struct Fold(u64);

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, word: u64) {
        let odd = 0x9e37_79b9_7f4a_7c15;
        let wide = u128::from(self.0.wrapping_add(odd) ^ word) * u128::from(odd);
        self.0 = (wide >> 64) as u64 ^ wide as u64;
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn finish(&self) -> u64 {
        let mut last = Self(self.0);
        last.write_u64(0);
        last.0
    }
}

fn fingerprint(of: &impl Hash) -> u64 {
    let mut hasher = Fold::default();
    of.hash(&mut hasher);
    hasher.finish()
}

/// What a search came to.
#[derive(Debug)]
struct Found {
    over: u64,
    states: usize,
    /// A node stays in its outage although it reaches the store.
    stuck: bool,
    /// The fewest admissions when the store had nothing left and nobody held anything on its way.
    pending: u64,
}

/// Visits every state, or stops at the first that is over `bound`, or that a node does not get out of.
fn explore(plan: &Plan, bound: u64) -> Found {
    let (print, start) = State::new(plan).canonical(&plan.terms);
    let mut seen = HashSet::<u64, BuildHasherDefault<Fold>>::from_iter([print]);
    let mut queue = VecDeque::from([start]);
    let mut found = Found { over: 0, states: 0, stuck: false, pending: 0 };
    while let Some(state) = queue.pop_front() {
        found.over = found.over.max(state.over(&plan.terms));
        let pending = state.peers.iter().map(|peer| peer.node.pending()).max();
        found.pending = found.pending.max(pending.unwrap_or(0));
        found.stuck = !state.recovers(plan);
        if found.over > bound || found.stuck || seen.len() > plan.states_max {
            break;
        }
        for next in state.next(plan) {
            let (print, next) = next.canonical(&plan.terms);
            if seen.insert(print) {
                queue.push_back(next);
            }
        }
    }
    found.states = seen.len();
    found
}

fn window(mode: Mode, nodes: u64, batch: u64, limit: u64) -> Plan {
    let shape = Shape::Window { limit, period: 10 };
    plan(shape, mode, nodes, batch)
}

fn plan(shape: Shape, mode: Mode, nodes: u64, batch: u64) -> Plan {
    let down = WhenDown::Closed;
    let trust_empty = false;
    let terms = Terms { shape, mode, nodes, batch, every: 1, idle: 1, down, slack: 0, trust_empty };
    Plan {
        terms,
        mutant: Mutant::None,
        crashes: 0,
        restarts: 0,
        repeats: 0,
        losses: 0,
        outages: 0,
        renames: 0,
        falling: false,
        until: START,
        step: 1,
        states_max: usize::MAX,
    }
}

/// Searches all of it: the bound holds, and is reached where `tight`.
#[track_caller]
fn holds(plan: &Plan, tight: bool) -> Found {
    let bound = plan.bound();
    let found = explore(plan, bound);
    assert!(found.over <= bound, "{plan:?}: {found:?}, but the bound is {bound}");
    assert!(!found.stuck, "{plan:?}: {found:?}, a node stays down");
    assert!(!tight || found.over == bound, "{plan:?}: {found:?}, the bound {bound} is not reached");
    found
}

/// States of what is not searched whole.
const STATES_MAX: usize = if cfg!(debug_assertions) { 3_000 } else { 50_000 };

/// The same, for systems of up to some 300,000 states: where the search is optimised all of it, elsewhere those of few
/// steps.
#[track_caller]
fn holds_whole(plan: &Plan, tight: bool) {
    if cfg!(debug_assertions) { holds_so_far(plan) } else { _ = holds(plan, tight) }
}

/// The same, for systems that are too large: as many states as a short time allows, those of few steps first.
#[track_caller]
fn holds_so_far(plan: &Plan) {
    holds(&Plan { states_max: STATES_MAX, ..*plan }, false);
}

#[track_caller]
fn breaks(mutant: Mutant, plan: Plan) {
    let plan = Plan { mutant, ..plan };
    let bound = plan.bound();
    let found = explore(&plan, bound);
    assert!(found.over > bound, "the mutant {mutant:?} was not found: {found:?}");
}

fn bucket(mode: Mode, nodes: u64, batch: u64, burst: u64) -> Plan {
    let shape = Shape::Bucket { count: 1, period: 1, burst };
    plan(shape, mode, nodes, batch)
}

/// One of each of what may happen to messages and nodes.
fn all_at_once(plan: Plan) -> Plan {
    Plan { losses: 1, repeats: 1, crashes: 1, ..plan }
}

#[test]
fn a_delayed_window_admits_one_batch_more_for_each_other_node_and_never_more() {
    for (nodes, batch, limit) in [(1, 3, 8), (2, 2, 6), (2, 3, 8), (2, 4, 9), (3, 2, 5), (4, 2, 3)]
    {
        holds(&window(Mode::Delayed, nodes, batch, limit), true);
    }
    holds_whole(&window(Mode::Delayed, 3, 4, 5), true);
    holds_whole(&window(Mode::Delayed, 4, 3, 4), true);
}

#[test]
fn a_crash_costs_a_delayed_window_one_batch() {
    for (nodes, crashes) in [(1, 1), (1, 2), (2, 1)] {
        holds(&Plan { crashes, ..window(Mode::Delayed, nodes, 2, 3) }, true);
    }
    holds_whole(&Plan { crashes: 2, ..window(Mode::Delayed, 2, 2, 3) }, true);
}

#[test]
fn lost_repeated_and_reordered_messages_cost_a_delayed_window_nothing() {
    let plan = window(Mode::Delayed, 2, 2, 3);
    holds(&Plan { losses: 2, ..plan }, true);
    holds(&Plan { repeats: 2, ..plan }, true);
    holds(&Plan { losses: 1, repeats: 1, ..plan }, true);
    holds_whole(&all_at_once(plan), true);
    holds_so_far(&Plan { losses: 2, repeats: 2, crashes: 1, ..plan });
}

#[test]
fn a_store_that_forgets_costs_a_delayed_window_nothing() {
    let plan = window(Mode::Delayed, 2, 2, 3);
    holds(&Plan { restarts: 2, ..plan }, true);
    holds_whole(&Plan { restarts: 1, losses: 1, repeats: 1, ..plan }, true);
    holds_whole(&Plan { restarts: 1, ..all_at_once(window(Mode::Delayed, 2, 1, 2)) }, true);
    breaks(Mutant::Trusts, Plan { restarts: 1, ..plan });
    // Nor when everybody who knew it is gone.
    holds_whole(&Plan { restarts: 1, crashes: 2, ..plan }, true);
}

#[test]
fn the_bound_of_a_delayed_window_holds_in_each_window() {
    let plan = Plan { step: 5, until: START + 20, ..window(Mode::Delayed, 2, 1, 2) };
    holds(&plan, true);
    holds_whole(&Plan { losses: 1, restarts: 1, ..plan }, true);
    holds_whole(&Plan { crashes: 1, ..plan }, true);
}

#[test]
fn a_delayed_bucket_admits_one_batch_more_for_each_other_node_and_never_more() {
    holds(&bucket(Mode::Delayed, 2, 2, 3), true);
    holds_whole(&bucket(Mode::Delayed, 3, 1, 2), true);
    let plan = bucket(Mode::Delayed, 2, 1, 2);
    holds(&Plan { losses: 1, ..plan }, true);
    holds(&Plan { repeats: 1, ..plan }, true);
    holds(&Plan { restarts: 1, ..plan }, true);
    holds_whole(&Plan { crashes: 1, losses: 1, ..plan }, true);
    holds_whole(&Plan { losses: 1, repeats: 1, ..plan }, true);
    holds_so_far(&all_at_once(plan));
}

#[test]
fn a_leased_window_is_never_exceeded() {
    holds(&window(Mode::Leased, 2, 2, 4), true);
    holds_whole(&window(Mode::Leased, 3, 1, 2), true);
    holds_so_far(&window(Mode::Leased, 3, 1, 3));
    let plan = window(Mode::Leased, 2, 2, 3);
    holds_whole(&Plan { losses: 1, ..plan }, true);
    holds_whole(&Plan { repeats: 1, ..plan }, true);
    holds_whole(&Plan { crashes: 1, ..plan }, true);
    holds_whole(&Plan { restarts: 1, ..plan }, true);
    holds_so_far(&all_at_once(plan));
    holds_whole(&Plan { losses: 1, repeats: 1, ..window(Mode::Leased, 2, 1, 2) }, true);
    holds_whole(&all_at_once(window(Mode::Leased, 2, 1, 1)), true);
    holds_whole(&Plan { restarts: 1, ..all_at_once(window(Mode::Leased, 1, 2, 2)) }, true);
}

#[test]
fn a_lease_ends_with_its_window() {
    let two = |plan| Plan { until: START + 10, step: 5, ..plan };
    holds_whole(&two(window(Mode::Leased, 2, 1, 1)), true);
    holds_whole(&Plan { step: 10, ..two(window(Mode::Leased, 2, 1, 2)) }, true);
    holds_whole(&Plan { losses: 1, ..two(window(Mode::Leased, 2, 1, 1)) }, true);
    let plan = window(Mode::Leased, 2, 2, 3);
    holds_so_far(&Plan { until: START + 20, losses: 1, repeats: 1, ..two(plan) });
    holds_so_far(&Plan { restarts: 1, repeats: 1, ..two(plan) });
}

#[test]
fn what_a_node_returns_that_died_or_was_renamed_is_not_returned_twice() {
    for falling in [false, true] {
        let plan = Plan { falling, ..window(Mode::Leased, 1, 1, 1) };
        holds(&Plan { crashes: 1, repeats: 1, ..plan }, true);
        holds(&all_at_once(plan), true);
        holds_whole(&Plan { crashes: 2, ..all_at_once(plan) }, true);
        holds_whole(&Plan { renames: 1, ..all_at_once(plan) }, true);
        let plan = Plan { falling, ..bucket(Mode::Leased, 1, 1, 2) };
        holds_whole(&all_at_once(plan), true);
        holds_whole(&Plan { renames: 1, losses: 1, crashes: 1, ..plan }, true);
    }
}

#[test]
fn a_leased_bucket_is_never_exceeded() {
    let plan = bucket(Mode::Leased, 2, 1, 3);
    holds_whole(&plan, true);
    holds_whole(&Plan { losses: 1, ..plan }, true);
    holds_whole(&Plan { repeats: 1, ..plan }, true);
    holds_whole(&Plan { crashes: 1, ..plan }, true);
    holds_whole(&Plan { restarts: 1, ..plan }, true);
    holds_so_far(&all_at_once(plan));
    holds_so_far(&Plan { restarts: 1, repeats: 1, ..plan });
}

#[test]
fn the_mutants_of_the_delayed_mode_are_found() {
    let plan = window(Mode::Delayed, 2, 2, 3);
    breaks(Mutant::AdmitsInFlight, plan);
    breaks(Mutant::ForgetsOwn, plan);
    breaks(Mutant::GivesUp, Plan { losses: 1, ..plan });
    breaks(Mutant::Clamps, bucket(Mode::Delayed, 2, 2, 2));
}

#[test]
fn the_mutants_of_the_leased_mode_are_found() {
    let plan = window(Mode::Leased, 2, 1, 2);
    breaks(Mutant::NotIdempotent, Plan { repeats: 1, ..plan });
    breaks(Mutant::NoDeadline, Plan { until: START + 10, step: 10, ..plan });
    breaks(Mutant::Trusts, Plan { restarts: 1, ..plan });
    breaks(Mutant::NoShrink, bucket(Mode::Leased, 1, 1, 2));
    let plan = Plan { crashes: 1, repeats: 1, ..window(Mode::Leased, 1, 1, 1) };
    breaks(Mutant::ForgetsLives, plan);
}

/// A window whose limit nodes keep otherwise in an outage.
fn outages(mode: Mode, down: WhenDown) -> Plan {
    let mut plan = window(mode, 2, 2, 4);
    plan.terms.down = down;
    Plan { outages: 2, ..plan }
}

#[test]
fn a_node_that_reaches_the_store_gets_out_of_its_outage() {
    for mode in [Mode::Delayed, Mode::Leased] {
        for down in [WhenDown::Open, WhenDown::Closed, WhenDown::Share] {
            let plan = outages(mode, down);
            // What is admitted meanwhile has no end where it is open, and much of it where it was granted.
            if mode == Mode::Delayed && down != WhenDown::Open {
                holds(&plan, false);
            } else {
                holds_so_far(&plan);
            }
            holds_so_far(&all_at_once(plan));
            holds_so_far(&Plan { until: START + 20, step: 5, restarts: 1, ..plan });
        }
    }
    holds_so_far(&Plan { outages: 1, losses: 1, ..bucket(Mode::Delayed, 2, 1, 2) });
    holds_so_far(&Plan { outages: 1, losses: 1, ..bucket(Mode::Leased, 2, 1, 3) });
}

#[test]
fn an_outage_costs_a_window_that_closes_nothing() {
    holds(&Plan { outages: 1, ..window(Mode::Delayed, 2, 2, 3) }, true);
    holds(&Plan { outages: 1, ..window(Mode::Leased, 2, 1, 2) }, true);
}

#[test]
fn a_node_that_waits_for_news_in_an_outage_is_found() {
    for mode in [Mode::Delayed, Mode::Leased] {
        let plan = Plan { mutant: Mutant::StaysDown, ..outages(mode, WhenDown::Closed) };
        let found = explore(&plan, plan.bound());
        assert!(found.stuck, "{mode:?}: {found:?}");
    }
}
