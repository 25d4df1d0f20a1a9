//! The channel's protocol: one lock, four places where a value can be, two kinds of waiter.
//!
//! After Go's `hchan` (runtime/chan.go): a short critical section, waiting ends in first-in first-out queues of which
//! only one is ever occupied, and hand-off straight into the waiter's node. What Go does not have is cancellation:
//! here either side may stop waiting at any time, and no value is lost or delivered against its sender's will.
//!
//! # Where a value is
//!
//! 1. with its sender: in a **send node** while the sender waits, or in its future while that only offers;
//! 2. in the **buffer**, at most `capacity` of them;
//! 3. in a **receive node**, handed to a receiver that has not looked yet;
//! 4. in **returned**, when that receiver gave up: it comes out before everything in the buffer, ordered by the
//!    ticket it got when it was first handed over. `returned` may exceed the capacity, at capacity 0 as well.
//!
//! Tickets keep the order: while a receiver waits the buffer is empty, so everything handed over went in before
//! everything that is in the buffer now. A receiver that looks at what it was handed, and finds that an earlier value
//! has come back meanwhile, takes that one and leaves its own.
//!
//! # Who may do what (all under the lock)
//!
//! **Send node of a sender that waits for nothing else.** `Waiting` is in `waiting_senders`, `Granted` in
//! `granted_senders`; a grant reserves one place in the buffer and has woken the sender.
//! - The sender creates it, and when it polls and finds itself granted it moves its value into the buffer and removes
//!   it.
//! - A receiver that finds nothing in `returned` and the buffer takes the value of the first sender (granted ones come
//!   first, they waited longer) and leaves `Sent`. So a granted sender that never polls again blocks nobody.
//! - Whoever makes room grants the first sender without a grant. Dropping a granted send passes the grant on.
//! - `close` turns every waiting send into `Closed`, value included; the sender takes it back.
//!
//! **Send node of a sender that is one arm of a select.** Its value must not be taken while another arm may be taken
//! just then, so it stays in the future and the node only *offers*: `Offering` is in `offering_senders`, `Invited` in
//! `invited_senders`. The value moves when the select polls the sender, which thereby is the arm that takes effect.
//! - Room that appears invites (wakes) the first offer and counts as taken meanwhile, like a grant; room goes to grants
//!   and offers in the order of their arrival.
//! - An invited sender that finds its room gone (a value came back) is the first offer again. One that leaves passes
//!   its invitation on to the next in line.
//! - A receiver that starts to wait wakes every offer it may meet, and they go on offering: the first that is polled
//!   gives it a value. To wake only one would not do. An offer outlives its select when the send does, and then nobody
//!   may ever poll it again while others could be taken.
//! - At capacity 0 a select does not meet itself: its offers pass over its own receives. Offers and receives belong to
//!   the select that polled them last. So a receive that began to wait before its select did is a stranger to it until
//!   it is polled there, and an offer that is polled before it may meet it.
//!
//! **Receive node.** `Waiting` is in `waiting_receivers`; a sender, or a receive that gives its value back, leaves
//! `Handed`; the end leaves `Closed`. The receiver removes it. Receives in a select are no different: a value handed to
//! one that loses goes back.
//!
//! **The end** is when the channel is closed and no node is `Handed`: a value on its way may come back, and whoever had
//! been told of the end would have missed it. Until then receivers wait; then all of them are woken, by `close` or by
//! the receiver that takes the last such value.
//!
//! Nodes are removed only by the future that made them. The exception is forgotten futures: when the last sender or
//! receiver goes no future can be alive, since futures borrow their end, and what is left in the slab is dropped.
//!
//! # Invariants
//!
//! - A receiver waits only while `returned` and the buffer are empty, no sender is `Waiting` or `Granted`, and the
//!   channel is open or a value is on its way.
//! - `handed` counts the `Handed` nodes.
//! - A sender is `Waiting` or `Offering` only while `returned + buffer + grants + invitations >= capacity`, and the
//!   channel is open.
//! - No foreign code runs under the lock but the reference count of a cloned waker: wakers are called and dropped and
//!   values are dropped after it is released.

use crate::select::SelectId;
use crate::wait::{Key, List, Slab, Wakes, for_each};
use norace_prim::probe::Effect;
use std::collections::VecDeque;
use std::task::Waker;

/// A buffer that grew beyond this many values gives its memory back when it runs empty.
const KEEP_BUFFER: usize = norace_prim::model_or!(4096, 2);

/// "No bound".
const UNBOUNDED: usize = usize::MAX;

/// The order in which values were handed to receivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// The order in which senders began to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrival(u64);

/// Who waits, and in which select, if in any.
pub(super) struct Waiter<'a> {
    pub(super) waker: &'a Waker,
    pub(super) select: Option<SelectId>,
}

/// A sender that waits, or what became of its value.
pub(super) enum SendNode<T> {
    Waiting {
        value: T,
        waker: Waker,
        arrival: Arrival,
    },
    Granted(T),
    Sent,
    Closed(T),
    Offering {
        waker: Waker,
        select: SelectId,
        arrival: Arrival,
    },
    /// An offer that has been promised a place in the buffer.
    Invited {
        arrival: Arrival,
    },
    /// An offer that the close has woken.
    Dismissed,
}

/// A receiver that waits, or what it got.
pub(super) enum RecvNode<T> {
    Waiting {
        waker: Waker,
        select: Option<SelectId>,
    },
    Handed(Ticket, T),
    /// The end: there is no value any more, nor will there be.
    Closed,
}

/// What one attempt to receive came to.
pub(super) enum Taken<T> {
    Value(T),
    Empty,
    Closed,
}

impl<T> Taken<T> {
    pub(super) fn effect(&self) -> Effect {
        match self {
            Self::Value(_) => Effect::Changed,
            Self::Empty => Effect::Nothing,
            Self::Closed => Effect::Learned,
        }
    }
}

/// What one attempt to send came to; the value comes back unless it went in.
pub(super) enum Put<T> {
    Done,
    Full(T),
    Closed(T),
}

impl<T> Put<T> {
    pub(super) fn effect(&self) -> Effect {
        match self {
            Self::Done => Effect::Changed,
            Self::Full(_) => Effect::Nothing,
            Self::Closed(_) => Effect::Learned,
        }
    }
}

/// Values that came back, in the order of their tickets; never empty.
type Returned<T> = VecDeque<(Ticket, T)>;

/// Everything behind the lock.
///
/// What an operation that need not wait looks at comes first: with the lock's word in front of it, it is as long as two
/// cache lines, which is what travels when ends on different processors take turns.
#[repr(C)]
pub(super) struct State<T> {
    buffer: VecDeque<T>,
    /// [`UNBOUNDED`]: without bound.
    capacity: usize,
    waiting_receivers: List,
    granted_senders: List,
    invited_senders: List,
    waiting_senders: List,
    offering_senders: List,
    /// How many nodes are `Handed`.
    handed: u32,
    closed: bool,
    returned: Option<Box<Returned<T>>>,
    recv_nodes: Slab<RecvNode<T>>,
    send_nodes: Slab<SendNode<T>>,
    next_ticket: u64,
    next_arrival: u64,
    senders: usize,
    receivers: usize,
}

impl<T> State<T> {
    /// An open channel with one sender and one receiver.
    pub(super) fn new(capacity: Option<usize>) -> Self {
        Self {
            buffer: VecDeque::new(),
            capacity: capacity.unwrap_or(UNBOUNDED),
            waiting_receivers: List::new(),
            granted_senders: List::new(),
            invited_senders: List::new(),
            waiting_senders: List::new(),
            offering_senders: List::new(),
            handed: 0,
            closed: false,
            returned: None,
            recv_nodes: Slab::new(),
            send_nodes: Slab::new(),
            next_ticket: 0,
            next_arrival: 0,
            senders: 1,
            receivers: 1,
        }
    }

    /// Values that a receiver could take now without a sender's help.
    pub(super) fn len(&self) -> usize {
        self.buffer.len() + self.returned.as_ref().map_or(0, |returned| returned.len())
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Puts `value` into the buffer if that is all there is to do: the channel is open, nobody waits for the value, and
    /// there is room.
    #[inline]
    pub(super) fn buffer(&mut self, value: T) -> Result<(), T> {
        if self.closed || self.waiting_receivers.front().is_some() || !self.has_room() {
            return Err(value);
        }
        self.buffer.push_back(value);
        Ok(())
    }

    /// Sends if that needs no waiting.
    pub(super) fn put(&mut self, value: T, select: Option<SelectId>, wakes: &mut Wakes) -> Put<T> {
        if self.closed {
            return Put::Closed(value);
        }
        if let Some(receiver) = self.receiver_for(select) {
            self.waiting_receivers.unlink(&mut self.recv_nodes, receiver);
            let ticket = Ticket(self.next_ticket);
            self.next_ticket += 1;
            self.hand(receiver, ticket, value, wakes);
            return Put::Done;
        }
        if !self.has_room() {
            return Put::Full(value);
        }
        self.buffer.push_back(value);
        Put::Done
    }

    /// Takes a value out of the buffer if that is all there is to do: none came back that goes before it, and nobody
    /// waits for the room.
    #[inline]
    pub(super) fn unbuffer(&mut self) -> Option<T> {
        // The last value of a buffer that has grown large: `take` gives its memory back.
        let shrinks = self.buffer.len() == 1 && self.buffer.capacity() > KEEP_BUFFER;
        let others = self.returned.is_some()
            || self.waiting_senders.front().is_some()
            || self.offering_senders.front().is_some();
        if shrinks || others { None } else { self.buffer.pop_front() }
    }

    /// Receives if that needs no waiting.
    pub(super) fn take(&mut self, wakes: &mut Wakes) -> Taken<T> {
        let value = if let Some((_, value)) = self.pop_returned() {
            value
        } else if let Some(value) = self.buffer.pop_front() {
            if self.buffer.is_empty() && self.buffer.capacity() > KEEP_BUFFER {
                self.buffer = VecDeque::new();
            }
            value
        } else if let Some(sender) = self.next_sender() {
            self.value_of(sender, wakes)
        } else {
            return if self.is_over() { Taken::Closed } else { Taken::Empty };
        };
        self.give_room(wakes);
        Taken::Value(value)
    }

    /// Takes at most `max` values into `values`; says how many, not 0 unless `max` is.
    pub(super) fn take_many(
        &mut self,
        values: &mut Vec<T>,
        max: usize,
        wakes: &mut Wakes,
    ) -> Taken<usize> {
        for count in 0..max {
            match self.take(wakes) {
                Taken::Value(value) => values.push(value),
                Taken::Empty if count == 0 => return Taken::Empty,
                Taken::Closed if count == 0 => return Taken::Closed,
                Taken::Empty | Taken::Closed => return Taken::Value(count),
            }
        }
        Taken::Value(max)
    }

    /// Joins the senders that wait, after [`Self::put`] answered `Full`. The node now owns the value.
    pub(super) fn wait_to_send(&mut self, value: T, waker: Waker) -> Key {
        let arrival = self.arrive();
        let key = self.send_nodes.insert(SendNode::Waiting { value, waker, arrival });
        self.waiting_senders.push_back(&mut self.send_nodes, key);
        key
    }

    /// Joins the senders that offer, after [`Self::put`] answered `Full`.
    pub(super) fn offer(&mut self, select: SelectId, waker: Waker) -> Key {
        let arrival = self.arrive();
        let key = self.send_nodes.insert(SendNode::Offering { waker, select, arrival });
        self.offering_senders.push_back(&mut self.send_nodes, key);
        key
    }

    /// Joins the receivers that wait, after [`Self::take`] answered `Empty`.
    pub(super) fn wait_to_receive(&mut self, waiter: &Waiter<'_>, wakes: &mut Wakes) -> Key {
        let Waiter { waker, select } = *waiter;
        let key = self.recv_nodes.insert(RecvNode::Waiting { waker: waker.clone(), select });
        self.waiting_receivers.push_back(&mut self.recv_nodes, key);
        let rendezvous = self.capacity == 0;
        self.wake_offers(|own| !rendezvous || select != Some(own), wakes);
        key
    }

    /// A waiting sender looks: its result, after which its node is gone, or nothing yet.
    pub(super) fn poll_send(
        &mut self,
        key: Key,
        current: &Waker,
        wakes: &mut Wakes,
    ) -> Option<Result<(), T>> {
        if let SendNode::Waiting { waker, .. } = self.send_nodes.get_mut(key) {
            wakes.update(waker, current);
            return None;
        }
        match self.leave_send(key) {
            SendNode::Sent => Some(Ok(())),
            SendNode::Closed(value) => Some(Err(value)),
            // No receiver waits while a sender has a grant, so the place it was granted is where the value goes.
            SendNode::Granted(value) => {
                self.buffer.push_back(value);
                Some(Ok(()))
            }
            _ => unreachable!("a sender that waits does not offer"),
        }
    }

    /// An offering sender looks: its result, after which its node is gone, or its value back and it goes on offering.
    pub(super) fn poll_offer(
        &mut self,
        key: Key,
        value: T,
        (current, select): (&Waker, SelectId),
        wakes: &mut Wakes,
    ) -> Result<Result<(), T>, (Key, T)> {
        let meets = self.receiver_for(Some(select)).is_some();
        if let SendNode::Offering { waker, select: own, .. } = self.send_nodes.get_mut(key)
            && !meets
        {
            wakes.update(waker, current);
            *own = select;
            return Err((key, value));
        }
        let node = self.leave_send(key);
        let result = match self.put(value, Some(select), wakes) {
            Put::Done => Ok(Ok(())),
            Put::Closed(value) => Ok(Err(value)),
            Put::Full(value) => Err(value),
        };
        match (node, result) {
            // The room it was invited to is gone: it is the first offer again.
            (SendNode::Invited { arrival }, Err(value)) => {
                let waker = current.clone();
                let node = SendNode::Offering { waker, select, arrival };
                let key = self.send_nodes.insert(node);
                self.offering_senders.push_front(&mut self.send_nodes, key);
                Err((key, value))
            }
            (SendNode::Offering { waker, .. }, Ok(result)) => {
                wakes.discard(waker);
                Ok(result)
            }
            (SendNode::Invited { .. }, Ok(result)) => {
                // When a waiting receiver got the value the promised place is free for the next in line.
                self.give_room(wakes);
                Ok(result)
            }
            (_, Ok(result)) => Ok(result),
            (_, Err(_)) => unreachable!("an offer that meets a receiver or a closed channel ends"),
        }
    }

    /// A waiting or offering sender gives up: the value if this has it still.
    pub(super) fn cancel_send(&mut self, key: Key, wakes: &mut Wakes) -> Option<T> {
        match self.leave_send(key) {
            SendNode::Waiting { value, waker, .. } => {
                wakes.discard(waker);
                Some(value)
            }
            SendNode::Granted(value) => {
                self.give_room(wakes);
                Some(value)
            }
            SendNode::Closed(value) => Some(value),
            SendNode::Offering { waker, .. } => {
                wakes.discard(waker);
                None
            }
            SendNode::Invited { .. } => {
                self.give_room(wakes);
                None
            }
            SendNode::Sent | SendNode::Dismissed => None,
        }
    }

    /// A waiting receiver looks: its value or the end, after which its node is gone, or nothing yet.
    pub(super) fn poll_recv(
        &mut self,
        key: Key,
        waiter: &Waiter<'_>,
        wakes: &mut Wakes,
    ) -> Option<Taken<T>> {
        if let RecvNode::Waiting { waker, select } = self.recv_nodes.get_mut(key) {
            wakes.update(waker, waiter.waker);
            let former = std::mem::replace(select, waiter.select);
            if self.capacity == 0 && former != waiter.select {
                // The offers of the select it has left may meet it from now on.
                self.wake_offers(|own| former == Some(own), wakes);
            }
            return None;
        }
        match self.recv_nodes.remove(key) {
            RecvNode::Handed(ticket, value) => {
                self.handed -= 1;
                let value = self.first_of(ticket, value);
                self.end_if_over(wakes);
                Some(Taken::Value(value))
            }
            RecvNode::Closed => Some(Taken::Closed),
            RecvNode::Waiting { .. } => unreachable!("answered above"),
        }
    }

    /// A waiting receiver gives up; a value handed to it goes to the next one, or back to the front.
    pub(super) fn cancel_recv(&mut self, key: Key, wakes: &mut Wakes) {
        if let RecvNode::Waiting { .. } = self.recv_nodes.get_mut(key) {
            self.waiting_receivers.unlink(&mut self.recv_nodes, key);
        }
        match self.recv_nodes.remove(key) {
            RecvNode::Waiting { waker, .. } => wakes.discard(waker),
            RecvNode::Closed => {}
            RecvNode::Handed(ticket, value) => {
                self.handed -= 1;
                // No end to be told of here: either somebody gets the value, or nobody waits.
                if let Some(next) = self.waiting_receivers.pop_front(&mut self.recv_nodes) {
                    self.hand(next, ticket, value, wakes);
                } else {
                    self.give_back(ticket, value);
                }
            }
        }
    }

    /// Closes; false when it was closed before.
    pub(super) fn close(&mut self, wakes: &mut Wakes) -> bool {
        if std::mem::replace(&mut self.closed, true) {
            return false;
        }
        while let Some(key) = self.next_sender() {
            let value = self.value_of(key, wakes);
            *self.send_nodes.get_mut(key) = SendNode::Closed(value);
        }
        while let Some(key) = self.offering_senders.front() {
            self.invite(key, wakes);
        }
        while let Some(key) = self.invited_senders.pop_front(&mut self.send_nodes) {
            *self.send_nodes.get_mut(key) = SendNode::Dismissed;
        }
        self.end_if_over(wakes);
        true
    }

    /// One more sender, unless there is none.
    pub(super) fn add_sender(&mut self) -> bool {
        let lives = self.senders > 0;
        self.senders += usize::from(lives);
        lives
    }

    /// One more receiver, unless there is none.
    pub(super) fn add_receiver(&mut self) -> bool {
        let lives = self.receivers > 0;
        self.receivers += usize::from(lives);
        lives
    }

    /// How many senders there are.
    pub(super) fn senders(&self) -> usize {
        self.senders
    }

    /// How many receivers there are.
    pub(super) fn receivers(&self) -> usize {
        self.receivers
    }

    /// One sender fewer. The last one closes, and what forgotten sends left behind is returned for dropping.
    pub(super) fn drop_sender(&mut self, wakes: &mut Wakes) -> Option<Garbage<T>> {
        self.senders -= 1;
        if self.senders > 0 {
            return None;
        }
        self.close(wakes);
        let mut garbage = Garbage::default();
        garbage.sends = self.send_nodes.take();
        Some(garbage)
    }

    /// One receiver fewer. The last one closes, and every value that now reaches nobody is returned for dropping.
    pub(super) fn drop_receiver(&mut self, wakes: &mut Wakes) -> Option<Garbage<T>> {
        self.receivers -= 1;
        if self.receivers > 0 {
            return None;
        }
        self.close(wakes);
        // Only forgotten receives are left, handed ones and waiting ones: nothing comes back.
        self.handed = 0;
        self.end_if_over(wakes);
        let mut garbage = Garbage::default();
        garbage.returned = std::mem::take(&mut self.returned);
        garbage.buffer = std::mem::take(&mut self.buffer);
        garbage.receives = self.recv_nodes.take();
        Some(garbage)
    }

    /// Whether the channel is closed and no value on its way could come back.
    fn is_over(&self) -> bool {
        self.closed && self.handed == 0
    }

    /// Tells the receivers that wait of the end, if this is it.
    fn end_if_over(&mut self, wakes: &mut Wakes) {
        if !self.is_over() {
            return;
        }
        while let Some(key) = self.waiting_receivers.pop_front(&mut self.recv_nodes) {
            match std::mem::replace(self.recv_nodes.get_mut(key), RecvNode::Closed) {
                RecvNode::Waiting { waker, .. } => wakes.push(waker),
                _ => unreachable!("listed receivers wait"),
            }
        }
    }

    fn arrive(&mut self) -> Arrival {
        self.next_arrival += 1;
        Arrival(self.next_arrival)
    }

    fn has_room(&self) -> bool {
        let promised = self.granted_senders.len() + self.invited_senders.len();
        self.len() + promised < self.capacity
    }

    /// The waiting receiver that a value sent in `select`, if in any, goes to.
    fn receiver_for(&mut self, select: Option<SelectId>) -> Option<Key> {
        let mut receiver = self.waiting_receivers.front();
        if self.capacity != 0 || select.is_none() {
            return receiver;
        }
        while let Some(key) = receiver {
            match self.recv_nodes.get_mut(key) {
                RecvNode::Waiting { select: other, .. } if *other == select => {}
                _ => return Some(key),
            }
            receiver = self.waiting_receivers.after(&mut self.recv_nodes, key);
        }
        None
    }

    /// Wakes the senders that offer in a select which `may_meet` the receiver that waits now. They go on offering.
    fn wake_offers(&mut self, may_meet: impl Fn(SelectId) -> bool, wakes: &mut Wakes) {
        let mut offer = self.offering_senders.front();
        while let Some(sender) = offer {
            match self.send_nodes.get_mut(sender) {
                SendNode::Offering { waker, select, .. } if may_meet(*select) => {
                    wakes.push(waker.clone());
                }
                SendNode::Offering { .. } => {}
                _ => unreachable!("listed senders offer"),
            }
            offer = self.offering_senders.after(&mut self.send_nodes, sender);
        }
    }

    /// Puts a value into the node of a receiver that was just unlinked.
    fn hand(&mut self, receiver: Key, ticket: Ticket, value: T, wakes: &mut Wakes) {
        self.handed += 1;
        let node = self.recv_nodes.get_mut(receiver);
        match std::mem::replace(node, RecvNode::Handed(ticket, value)) {
            RecvNode::Waiting { waker, .. } => wakes.push(waker),
            _ => unreachable!("listed receivers wait"),
        }
    }

    /// Puts a value back that was handed to somebody who gave up: it comes out before what is in the buffer.
    fn give_back(&mut self, ticket: Ticket, value: T) {
        let returned = self.returned.get_or_insert_default();
        let place = returned.partition_point(|(other, _)| *other < ticket);
        returned.insert(place, (ticket, value));
    }

    /// Takes the first of the values that came back.
    #[inline]
    fn pop_returned(&mut self) -> Option<(Ticket, T)> {
        let returned = self.returned.as_mut()?;
        let first = returned.pop_front();
        if returned.is_empty() {
            self.returned = None;
        }
        first
    }

    /// Of a value that was handed over and those that came back, the first; the others stay.
    fn first_of(&mut self, ticket: Ticket, value: T) -> T {
        match self.pop_returned() {
            None => value,
            Some((earlier, first)) if earlier < ticket => {
                self.give_back(ticket, value);
                first
            }
            Some((ticket, later)) => {
                self.give_back(ticket, later);
                value
            }
        }
    }

    /// Unlinks the sender that waits longest.
    fn next_sender(&mut self) -> Option<Key> {
        self.granted_senders
            .pop_front(&mut self.send_nodes)
            .or_else(|| self.waiting_senders.pop_front(&mut self.send_nodes))
    }

    /// Takes the value of a sender that was just unlinked and leaves `Sent`.
    fn value_of(&mut self, sender: Key, wakes: &mut Wakes) -> T {
        match std::mem::replace(self.send_nodes.get_mut(sender), SendNode::Sent) {
            SendNode::Waiting { value, waker, .. } => {
                wakes.push(waker);
                value
            }
            // Its grant has woken it, and it has not looked since.
            SendNode::Granted(value) => value,
            _ => unreachable!("listed senders have a value"),
        }
    }

    /// Promises free places to senders in the order in which they came.
    #[inline]
    fn give_room(&mut self, wakes: &mut Wakes) {
        if self.waiting_senders.front().is_some() || self.offering_senders.front().is_some() {
            self.give_room_to(wakes);
        }
    }

    fn give_room_to(&mut self, wakes: &mut Wakes) {
        while self.has_room() {
            match (self.waiting_senders.front(), self.offering_senders.front()) {
                (None, None) => return,
                (Some(waiting), None) => self.grant(waiting, wakes),
                (None, Some(offering)) => self.invite(offering, wakes),
                (Some(waiting), Some(offering)) => {
                    if self.arrival_of(waiting) < self.arrival_of(offering) {
                        self.grant(waiting, wakes);
                    } else {
                        self.invite(offering, wakes);
                    }
                }
            }
        }
    }

    fn arrival_of(&mut self, sender: Key) -> Arrival {
        match self.send_nodes.get_mut(sender) {
            SendNode::Waiting { arrival, .. } | SendNode::Offering { arrival, .. } => *arrival,
            _ => unreachable!("listed senders wait or offer"),
        }
    }

    /// Promises a place to a waiting sender and wakes it.
    fn grant(&mut self, sender: Key, wakes: &mut Wakes) {
        self.waiting_senders.unlink(&mut self.send_nodes, sender);
        self.granted_senders.push_back(&mut self.send_nodes, sender);
        let value = self.value_of(sender, wakes);
        *self.send_nodes.get_mut(sender) = SendNode::Granted(value);
    }

    /// Promises a place to an offering sender and wakes it.
    fn invite(&mut self, sender: Key, wakes: &mut Wakes) {
        self.offering_senders.unlink(&mut self.send_nodes, sender);
        self.invited_senders.push_back(&mut self.send_nodes, sender);
        let node = self.send_nodes.get_mut(sender);
        match std::mem::replace(node, SendNode::Dismissed) {
            SendNode::Offering { waker, arrival, .. } => {
                *node = SendNode::Invited { arrival };
                wakes.push(waker);
            }
            _ => unreachable!("listed senders offer"),
        }
    }

    /// Takes a send node out of its list, if any, and out of the slab.
    fn leave_send(&mut self, key: Key) -> SendNode<T> {
        let list = match self.send_nodes.get_mut(key) {
            SendNode::Waiting { .. } => Some(&mut self.waiting_senders),
            SendNode::Granted(_) => Some(&mut self.granted_senders),
            SendNode::Offering { .. } => Some(&mut self.offering_senders),
            SendNode::Invited { .. } => Some(&mut self.invited_senders),
            SendNode::Sent | SendNode::Closed(_) | SendNode::Dismissed => None,
        };
        if let Some(list) = list {
            list.unlink(&mut self.send_nodes, key);
        }
        self.send_nodes.remove(key)
    }
}

/// Values and wakers that nobody will ask for, to be dropped outside the lock: all of them, also when some drops panic.
pub(super) struct Garbage<T> {
    buffer: VecDeque<T>,
    returned: Option<Box<Returned<T>>>,
    sends: Slab<SendNode<T>>,
    receives: Slab<RecvNode<T>>,
}

impl<T> Default for Garbage<T> {
    fn default() -> Self {
        Self { buffer: VecDeque::new(), returned: None, sends: Slab::new(), receives: Slab::new() }
    }
}

impl<T> Drop for Garbage<T> {
    fn drop(&mut self) {
        for_each(0..4, |kind| match kind {
            0 => for_each(self.returned.take().into_iter().flat_map(|returned| *returned), drop),
            1 => for_each(std::mem::take(&mut self.buffer), drop),
            2 => for_each(self.sends.take(), drop),
            _ => for_each(self.receives.take(), drop),
        });
    }
}

#[cfg(test)]
mod tests;
