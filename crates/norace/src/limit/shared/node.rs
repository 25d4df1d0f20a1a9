//! One process's side of one key.

use super::outage::{Share, WhenDown};
use super::terms::{Answer, Mode, Request, Shape, Terms};

/// How much may be admitted without asking the node again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Credit {
    pub(crate) count: u64,
    /// From then on none of it.
    pub(crate) until: u64,
}

/// What the node last heard of the shared level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum View {
    Nothing,
    /// `used` in a window that lasts until then.
    Window {
        used: u64,
        until: u64,
    },
    /// When the bucket will be full.
    Bucket {
        full_at: u64,
    },
}

/// A message that was not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Flight {
    request: Request,
    /// When it was sent first. What the answer says of time counts from then where that is the safe side.
    sent_at: u64,
}

/// Why there is no credit, and how long that may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dry {
    /// The limit is reached.
    Limit(u64),
    /// The store has to be asked, or is being asked.
    Asking,
    /// The store lost its memory.
    Closed(u64),
    /// The store cannot be reached.
    Down(u64),
}

/// The state of one key at one node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    seq: u64,
    flight: Option<Flight>,
    epoch: u64,
    closed_until: u64,
    view: View,
    /// Admitted and in no message yet.
    spent: u64,
    /// A request was refused because the batch is full, not the limit.
    pressed: bool,
    held: u64,
    held_until: u64,
    held_window: u64,
    /// More is asked for when no more than this is left.
    low: u64,
    /// When something was last admitted, or refused.
    used_at: u64,
    /// The cost of a request that was refused for want of a lease; 0 for none.
    hungry: u64,
    /// Nothing is asked for before.
    ask_at: u64,
    outage: Option<Share>,
}

impl Node {
    /// A node that has not spoken of this key since it used the number `seq`.
    pub(crate) fn new(seq: u64) -> Self {
        Self {
            seq,
            flight: None,
            epoch: 0,
            closed_until: 0,
            view: View::Nothing,
            spent: 0,
            pressed: false,
            held: 0,
            held_until: 0,
            held_window: 0,
            low: 0,
            used_at: 0,
            hungry: 0,
            ask_at: 0,
            outage: None,
        }
    }

    /// The number of the last message.
    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }

    /// Admits `n` if there is enough for it.
    pub(crate) fn admit(&mut self, n: u64, now: u64, terms: &Terms) -> bool {
        let enough = self.available(now, terms).count >= n;
        if enough {
            self.spend(n, now, terms);
        }
        enough
    }

    /// What may be admitted from now on without asking the node, which wants to be asked when half of a lease is gone.
    /// What was admitted out of it has to be told by [`spend`](Self::spend), before anything else.
    pub(crate) fn credit(&mut self, now: u64, terms: &Terms) -> Credit {
        let Credit { count, until } = self.available(now, terms);
        let low = if self.held > self.low { self.low } else { 0 };
        Credit { count: count - low, until }
    }

    fn available(&mut self, now: u64, terms: &Terms) -> Credit {
        self.forget_what_is_over(now);
        if self.held > 0 {
            return Credit { count: self.held, until: self.held_until };
        }
        if let Some(outage) = &mut self.outage {
            let (count, until) = match terms.down {
                WhenDown::Open => (terms.shape.at_once(), now + terms.every),
                WhenDown::Closed => (0, now),
                WhenDown::Share => outage.credit(now, terms),
            };
            return Credit { count, until };
        }
        if terms.mode == Mode::Leased || self.flight.is_some() || now < self.closed_until {
            return Credit::default();
        }
        let (left, until) = self.left(now, terms);
        let batch = terms.batch.saturating_sub(self.spent);
        Credit { count: batch.min(left.saturating_sub(self.spent)), until }
    }

    /// What was left of the limit when the node was last answered, and until when that is of use.
    fn left(&self, now: u64, terms: &Terms) -> (u64, u64) {
        match self.view {
            // Whoever was not told anything may still admit one batch: the bound counts on it.
            View::Nothing => (terms.shape.at_once(), u64::MAX),
            View::Window { used, until } => (terms.shape.at_once().saturating_sub(used), until),
            View::Bucket { full_at } => {
                let all = terms.shape.refill_time(terms.shape.at_once());
                let free = all.saturating_sub(full_at.saturating_sub(now));
                (terms.shape.refill(free), u64::MAX)
            }
        }
    }

    fn forget_what_is_over(&mut self, now: u64) {
        if matches!(self.view, View::Window { until, .. } if now >= until) {
            self.view = View::Nothing;
        }
        if now >= self.held_until {
            self.held = 0;
        }
    }

    /// Notes that `n` of the credit was used.
    pub(crate) fn spend(&mut self, n: u64, now: u64, terms: &Terms) {
        if n == 0 {
            return;
        }
        self.used_at = now;
        if self.held > 0 {
            self.held = self.held.saturating_sub(n);
        } else if let Some(outage) = &mut self.outage {
            if terms.down == WhenDown::Share {
                outage.spend(n, now, terms);
            }
        } else if terms.mode == Mode::Delayed {
            self.spent += n;
        }
    }

    /// Why a request of cost `n` finds too little credit; notes that there is one.
    pub(crate) fn refuse(&mut self, n: u64, now: u64, terms: &Terms) -> Dry {
        self.used_at = now;
        if let Some(outage) = &self.outage {
            return Dry::Down(match terms.down {
                WhenDown::Share => outage.wait(now, terms),
                WhenDown::Open | WhenDown::Closed => terms.every,
            });
        }
        if now < self.closed_until {
            return Dry::Closed(self.closed_until - now);
        }
        if terms.mode == Mode::Leased {
            self.hungry = self.hungry.max(n);
            return if now < self.ask_at { Dry::Limit(self.ask_at - now) } else { Dry::Asking };
        }
        let (left, until) = self.left(now, terms);
        match self.view {
            _ if left >= self.spent + n || self.flight.is_some() => {}
            View::Nothing => {}
            View::Window { .. } => return Dry::Limit(until.saturating_sub(now)),
            View::Bucket { full_at } => {
                let all = terms.shape.refill_time(terms.shape.at_once());
                let behind = full_at.max(now) - now + terms.shape.refill_time(self.spent + n);
                return Dry::Limit(behind.saturating_sub(all));
            }
        }
        // The batch is full, or was never compared with the store.
        self.pressed = self.flight.is_none();
        Dry::Asking
    }

    /// Whether something is to be sent. `tick` is true once each `every`.
    pub(crate) fn wants(&self, now: u64, tick: bool, terms: &Terms) -> bool {
        if self.flight.is_some() {
            return false;
        }
        // Only an answer ends an outage, in which little or nothing else may be there to say.
        if tick && self.outage.is_some() {
            return true;
        }
        match terms.mode {
            Mode::Delayed => self.spent >= terms.batch || self.pressed || (tick && self.spent > 0),
            Mode::Leased => {
                self.returns(now, tick, terms) || self.spent > 0 || self.asks(now, terms)
            }
        }
    }

    fn asks(&self, now: u64, terms: &Terms) -> bool {
        let held = if now < self.held_until { self.held } else { 0 };
        let too_little = held <= self.low || held < self.hungry;
        let in_use = now < self.used_at.saturating_add(terms.idle);
        too_little && in_use && now >= self.ask_at.max(self.closed_until)
    }

    fn returns(&self, now: u64, tick: bool, terms: &Terms) -> bool {
        tick && self.held > 0
            && now < self.held_until
            && now >= self.used_at.saturating_add(terms.idle)
    }

    /// The message that tells, returns and asks for all there is; it is to be sent until it is answered.
    pub(crate) fn send(&mut self, now: u64, tick: bool, terms: &Terms) -> Request {
        self.forget_what_is_over(now);
        let returns = self.returns(now, tick, terms);
        let asks = !returns && terms.mode == Mode::Leased && self.asks(now, terms);
        let want = if asks { terms.batch.saturating_sub(self.held) } else { 0 };
        self.compose(now, returns, want)
    }

    fn compose(&mut self, now: u64, returns: bool, want: u64) -> Request {
        let mut back = 0;
        if returns {
            (back, self.hungry) = (std::mem::take(&mut self.held), 0);
        }
        self.seq += 1;
        self.pressed = false;
        let request = Request {
            seq: self.seq,
            spent: std::mem::take(&mut self.spent),
            back,
            back_window: self.held_window,
            want,
            epoch: self.epoch,
        };
        self.flight = Some(Flight { request, sent_at: now });
        request
    }

    /// Gives back everything, for good.
    pub(crate) fn leave(&mut self, now: u64) -> Option<Request> {
        self.forget_what_is_over(now);
        if self.flight.is_some() || (self.spent == 0 && self.held == 0) {
            return None;
        }
        Some(self.compose(now, true, 0))
    }

    /// The message under way.
    pub(crate) fn flight(&self) -> Option<Request> {
        self.flight.map(|flight| flight.request)
    }

    /// Takes the store's answer. An answer to another message is none.
    pub(crate) fn answer(&mut self, now: u64, answer: &Answer, terms: &Terms) {
        let Some(flight) = self.flight.take_if(|flight| flight.request.seq == answer.seq) else {
            return;
        };
        if let Some(outage) = self.outage.take() {
            self.spent += outage.charge(now, terms);
        }
        self.epoch = answer.epoch;
        self.closed_until = if answer.closed > 0 { now + answer.closed } else { 0 };
        self.view = match terms.shape {
            // Late rather than early: a node that takes an old window for the current one admits too little.
            Shape::Window { .. } => {
                let until = now + answer.left + terms.margin(answer.left);
                View::Window { used: answer.level, until }
            }
            Shape::Bucket { .. } => View::Bucket { full_at: now + answer.level },
        };
        if terms.mode == Mode::Leased {
            self.take_lease(now, &flight, answer, terms);
        }
    }

    fn take_lease(&mut self, now: u64, flight: &Flight, answer: &Answer, terms: &Terms) {
        let until = match terms.shape {
            // Early rather than late: the store answered after the message was sent.
            Shape::Window { .. } => {
                (flight.sent_at + answer.left).saturating_sub(terms.margin(answer.left))
            }
            Shape::Bucket { .. } => u64::MAX,
        };
        if answer.window != self.held_window {
            (self.held, self.held_window, self.held_until) = (0, answer.window, 0);
        }
        self.held += answer.granted;
        self.low = self.held.div_ceil(2);
        self.held_until = self.held_until.max(until);
        self.forget_what_is_over(now);
        if flight.request.want == 0 {
            return;
        }
        let wait = answer.wait.min(terms.every).max((terms.every / 10).max(1));
        self.ask_at = if answer.granted == 0 { now + wait } else { 0 };
        if self.held >= self.hungry {
            self.hungry = 0;
        }
    }

    /// Begins an outage; the next answer ends it.
    pub(crate) fn lost_store(&mut self, now: u64, terms: &Terms) {
        if self.outage.is_some() {
            return;
        }
        self.forget_what_is_over(now);
        let flying = self.flight.map_or(0, |flight| flight.request.spent);
        let pending = self.spent + flying;
        self.outage = Some(match (terms.shape, self.view) {
            (Shape::Window { limit, .. }, View::Window { used, until }) => {
                let known = limit.saturating_sub(used).saturating_sub(pending);
                Share::of_window(known, until, terms.nodes)
            }
            (Shape::Window { limit, period }, _) => {
                let known = limit.saturating_sub(pending);
                Share::of_window(known, now + period, terms.nodes)
            }
            (Shape::Bucket { .. }, view) => {
                let full_at = if let View::Bucket { full_at } = view { full_at } else { 0 };
                Share::of_bucket(full_at.max(now) + terms.shape.refill_time(pending))
            }
        });
    }

    /// Whether nothing would be lost if the node forgot this key.
    pub(crate) fn is_idle(&mut self, now: u64, terms: &Terms) -> bool {
        self.forget_what_is_over(now);
        let seen = match self.view {
            View::Nothing => false,
            View::Window { .. } => true,
            View::Bucket { full_at } => now < full_at,
        };
        let waits = now < self.closed_until || now < self.used_at + terms.every;
        self.flight.is_none()
            && self.outage.is_none()
            && self.spent == 0
            && self.held == 0
            && !seen
            && !waits
    }
}

/// What tests see, and the mutants of the exploration.
#[cfg(test)]
impl Node {
    /// The same node as far as it can tell, `by` earlier and with its last message numbered `seq`; how much earlier
    /// that is.
    pub(super) fn normalise(&mut self, now: u64, by: u64, seq: u64, terms: &Terms) -> u64 {
        self.forget_what_is_over(now);
        let earlier = |at: &mut u64| *at = if *at == u64::MAX { *at } else { (*at).max(now) - by };
        earlier(&mut self.closed_until);
        earlier(&mut self.ask_at);
        earlier(&mut self.held_until);
        if self.held == 0 {
            self.held_until = 0;
        }
        match &mut self.view {
            View::Nothing => {}
            View::Window { until, .. } => earlier(until),
            View::Bucket { full_at } => earlier(full_at),
        }
        if let Some(outage) = &mut self.outage {
            outage.normalise(now, by);
        }
        self.used_at = match terms.mode {
            Mode::Delayed => 0,
            Mode::Leased => self.used_at.max(now.saturating_sub(terms.idle)) - by,
        };
        let messages = self.seq - seq;
        self.seq = seq;
        if let Some(flight) = &mut self.flight {
            flight.request.seq -= messages;
            // Only a lease of a window asks when it was sent.
            if terms.shape.is_bucket() || terms.mode == Mode::Delayed {
                flight.sent_at = 0;
            }
        }
        messages
    }

    /// Gives the epoch it knows another number.
    pub(super) fn rename(&mut self, name: impl Fn(&mut u64)) {
        name(&mut self.epoch);
        if let Some(flight) = &mut self.flight {
            name(&mut flight.request.epoch);
        }
    }

    /// Whether the store is taken for lost.
    pub(super) fn is_down(&self) -> bool {
        self.outage.is_some()
    }

    /// What [`wants`](Self::wants) says at a tick of a node that has no outage.
    pub(super) fn wants_without_outage(&self, now: u64, terms: &Terms) -> bool {
        Self { outage: None, ..self.clone() }.wants(now, true, terms)
    }

    /// Admitted and not known to be charged.
    pub(super) fn pending(&self) -> u64 {
        self.spent + self.flight.map_or(0, |flight| flight.request.spent)
    }

    /// Forgets what it admitted since the last answer.
    pub(super) fn admit_forgetful(&mut self, now: u64, terms: &Terms) -> bool {
        self.forget_what_is_over(now);
        let (left, _) = self.left(now, terms);
        let admitted = self.flight.is_none() && self.spent < terms.batch && left > 0;
        self.spent += u64::from(admitted);
        admitted
    }

    /// Admits although a message is under way.
    pub(super) fn admit_in_flight(&mut self, now: u64, terms: &Terms) -> bool {
        let (left, _) = self.left(now, terms);
        let admitted = self.spent < terms.batch && self.pending() < left;
        self.spent += u64::from(admitted);
        admitted
    }

    /// Keeps what it has beyond its window.
    pub(super) fn keep_lease(&mut self) {
        self.held_until = if self.held > 0 { u64::MAX } else { 0 };
    }

    /// Takes the message under way for answered.
    pub(super) fn give_up(&mut self) {
        self.flight = None;
    }
}
