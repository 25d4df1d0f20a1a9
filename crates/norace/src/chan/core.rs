//! The channel's protocol: one lock, four places where a value can be, two kinds of waiter.
//!
//! After Go's `hchan` (runtime/chan.go): a short critical section, waiting ends in first-in first-out queues of which
//! only one is ever occupied, and hand-off straight into the waiter's node. What Go does not have is cancellation:
//! here either side may stop waiting at any time, and no value is lost or delivered against its sender's will.
//!
//! # Where a value is
//!
//! 1. in a **send node**, while its sender waits; it still belongs to the sender;
//! 2. in the **buffer**, at most `capacity` of them;
//! 3. in a **receive node**, handed to a receiver that has not looked yet;
//! 4. in **returned**, when that receiver gave up: it comes out before everything in the buffer, ordered by the
//!    ticket it got when it was first handed over. `returned` may exceed the capacity, at capacity 0 as well.
//!
//! Tickets keep the order: while a receiver waits the buffer is empty, so everything handed over went in before
//! everything that is in the buffer now.
//!
//! # Who may do what (all under the lock)
//!
//! Send node: `Waiting` is in `waiting_senders`, `Granted` in `granted_senders`; a grant reserves one place in the
//! buffer and has woken the sender.
//! - The sender creates it, and when it polls and finds itself granted it moves its value into the buffer and removes
//!   it.
//! - A receiver that finds nothing in `returned` and the buffer takes the value of the first sender (granted ones come
//!   first, they waited longer) and leaves `Sent`. So a granted sender that never polls again blocks nobody.
//! - Whoever makes room grants the first sender without a grant. Dropping a granted send passes the grant on.
//! - `close` turns every waiting send into `Closed`, value included; the sender takes it back.
//!
//! Receive node: `Waiting` is in `waiting_receivers`; a sender, or a receive that gives its value back, leaves
//! `Handed`; `close` leaves `Closed`, at which the receiver looks once more and then reports the end. The receiver
//! removes it.
//!
//! Nodes are removed only by the future that made them. The exception is forgotten futures: when the last sender or
//! receiver goes no future can be alive, since futures borrow their end, and what is left in the slab is dropped.
//!
//! # Invariants
//!
//! - A receiver waits only while `returned` and the buffer are empty, no sender waits, and the channel is open.
//! - A sender waits without a grant only while `returned + buffer + grants >= capacity` and the channel is open.
//! - No foreign code runs under the lock but the reference count of a cloned waker: wakers are called and dropped and
//!   values are dropped after it is released.

use crate::wait::{Key, List, Slab, Wakes};
use norace_prim::sync::{Mutex, lock};
use std::collections::VecDeque;
use std::fmt;
use std::task::Waker;

/// A buffer that grew beyond this many values gives its memory back when it runs empty.
const KEEP_BUFFER: usize = norace_prim::model_or!(4096, 2);

/// The order in which values were handed to receivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// A sender that waits, or what became of its value.
pub(super) enum SendNode<T> {
    Waiting(T, Waker),
    Granted(T),
    Sent,
    Closed(T),
}

/// A receiver that waits, or what it got.
pub(super) enum RecvNode<T> {
    Waiting(Waker),
    Handed(Ticket, T),
    Closed,
}

/// What one attempt to receive came to.
pub(super) enum Taken<T> {
    Value(T),
    Empty,
    Closed,
}

/// What one attempt to send came to; the value comes back unless it went in.
pub(super) enum Put<T> {
    Done,
    Full(T),
    Closed(T),
}

/// Everything behind the lock.
pub(super) struct State<T> {
    /// `None`: without bound.
    capacity: Option<usize>,
    buffer: VecDeque<T>,
    returned: VecDeque<(Ticket, T)>,
    next_ticket: u64,
    send_nodes: Slab<SendNode<T>>,
    granted_senders: List,
    waiting_senders: List,
    recv_nodes: Slab<RecvNode<T>>,
    waiting_receivers: List,
    closed: bool,
    senders: usize,
    receivers: usize,
}

impl<T> State<T> {
    /// Sends if that needs no waiting.
    pub(super) fn put(&mut self, value: T, wakes: &mut Wakes) -> Put<T> {
        if self.closed {
            return Put::Closed(value);
        }
        if let Some(receiver) = self.waiting_receivers.pop_front(&mut self.recv_nodes) {
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

    /// Receives if that needs no waiting.
    pub(super) fn take(&mut self, wakes: &mut Wakes) -> Taken<T> {
        let value = if let Some((_, value)) = self.returned.pop_front() {
            value
        } else if let Some(value) = self.buffer.pop_front() {
            if self.buffer.is_empty() && self.buffer.capacity() > KEEP_BUFFER {
                self.buffer = VecDeque::new();
            }
            value
        } else if let Some(value) = self.take_from_sender(wakes) {
            value
        } else {
            return if self.closed { Taken::Closed } else { Taken::Empty };
        };
        self.grant_room(wakes);
        Taken::Value(value)
    }

    /// Joins the senders that wait, after [`Self::put`] answered `Full`.
    pub(super) fn wait_to_send(&mut self, value: T, waker: Waker) -> Key {
        let key = self.send_nodes.insert(SendNode::Waiting(value, waker));
        self.waiting_senders.push_back(&mut self.send_nodes, key);
        key
    }

    /// Joins the receivers that wait, after [`Self::take`] answered `Empty`.
    pub(super) fn wait_to_receive(&mut self, waker: Waker) -> Key {
        let key = self.recv_nodes.insert(RecvNode::Waiting(waker));
        self.waiting_receivers.push_back(&mut self.recv_nodes, key);
        key
    }

    /// A waiting sender looks: its result, after which its node is gone, or nothing yet.
    pub(super) fn poll_send(
        &mut self,
        key: Key,
        current: &Waker,
        wakes: &mut Wakes,
    ) -> Option<Result<(), T>> {
        if let SendNode::Waiting(_, waker) = self.send_nodes.get_mut(key) {
            wakes.update(waker, current);
            return None;
        }
        match self.leave_send(key) {
            SendNode::Sent => Some(Ok(())),
            SendNode::Closed(value) => Some(Err(value)),
            // Nobody waits to receive while a sender waits, so the place it was granted is where the value goes.
            SendNode::Granted(value) => {
                self.buffer.push_back(value);
                Some(Ok(()))
            }
            SendNode::Waiting(..) => unreachable!("answered above"),
        }
    }

    /// A waiting sender gives up. What is returned must be dropped outside the lock.
    pub(super) fn cancel_send(&mut self, key: Key, wakes: &mut Wakes) -> SendNode<T> {
        let node = self.leave_send(key);
        if let SendNode::Granted(_) = node {
            self.grant_room(wakes);
        }
        node
    }

    /// A waiting receiver looks: its value or the end, after which its node is gone, or nothing yet.
    pub(super) fn poll_recv(
        &mut self,
        key: Key,
        current: &Waker,
        wakes: &mut Wakes,
    ) -> Option<Taken<T>> {
        if let RecvNode::Waiting(waker) = self.recv_nodes.get_mut(key) {
            wakes.update(waker, current);
            return None;
        }
        match self.recv_nodes.remove(key) {
            RecvNode::Handed(_, value) => Some(Taken::Value(value)),
            // A receive that was given up since may have returned its value.
            RecvNode::Closed => Some(self.take(wakes)),
            RecvNode::Waiting(_) => unreachable!("answered above"),
        }
    }

    /// A waiting receiver gives up; a value handed to it goes to the next one, or back to the front.
    pub(super) fn cancel_recv(&mut self, key: Key, wakes: &mut Wakes) {
        if let RecvNode::Waiting(_) = self.recv_nodes.get_mut(key) {
            self.waiting_receivers.unlink(&mut self.recv_nodes, key);
        }
        match self.recv_nodes.remove(key) {
            RecvNode::Waiting(waker) => wakes.discard(waker),
            RecvNode::Closed => {}
            RecvNode::Handed(ticket, value) => {
                if let Some(next) = self.waiting_receivers.pop_front(&mut self.recv_nodes) {
                    self.hand(next, ticket, value, wakes);
                } else {
                    let place = self.returned.partition_point(|(other, _)| *other < ticket);
                    self.returned.insert(place, (ticket, value));
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
        while let Some(key) = self.waiting_receivers.pop_front(&mut self.recv_nodes) {
            match std::mem::replace(self.recv_nodes.get_mut(key), RecvNode::Closed) {
                RecvNode::Waiting(waker) => wakes.push(waker),
                _ => unreachable!("listed receivers wait"),
            }
        }
        true
    }

    /// One sender fewer. The last one closes, and what forgotten sends left behind is returned for dropping.
    fn drop_sender(&mut self, wakes: &mut Wakes) -> Option<Garbage<T>> {
        self.senders -= 1;
        if self.senders > 0 {
            return None;
        }
        self.close(wakes);
        Some(Garbage { sends: self.send_nodes.take(), ..Garbage::default() })
    }

    /// One receiver fewer. The last one closes, and every value that now reaches nobody is returned for dropping.
    fn drop_receiver(&mut self, wakes: &mut Wakes) -> Option<Garbage<T>> {
        self.receivers -= 1;
        if self.receivers > 0 {
            return None;
        }
        self.close(wakes);
        Some(Garbage {
            buffer: std::mem::take(&mut self.buffer),
            returned: std::mem::take(&mut self.returned),
            receives: self.recv_nodes.take(),
            ..Garbage::default()
        })
    }

    fn has_room(&self) -> bool {
        self.capacity.is_none_or(|capacity| {
            let taken = self.returned.len() + self.buffer.len() + self.granted_senders.len();
            taken < capacity
        })
    }

    /// Puts a value into the node of a receiver that was just unlinked.
    fn hand(&mut self, receiver: Key, ticket: Ticket, value: T, wakes: &mut Wakes) {
        let node = self.recv_nodes.get_mut(receiver);
        match std::mem::replace(node, RecvNode::Handed(ticket, value)) {
            RecvNode::Waiting(waker) => wakes.push(waker),
            _ => unreachable!("listed receivers wait"),
        }
    }

    /// Takes the value out of the first waiting sender.
    fn take_from_sender(&mut self, wakes: &mut Wakes) -> Option<T> {
        let key = self.next_sender()?;
        Some(self.value_of(key, wakes))
    }

    /// Takes the value of a sender that was just unlinked and leaves `Sent`.
    fn value_of(&mut self, sender: Key, wakes: &mut Wakes) -> T {
        match std::mem::replace(self.send_nodes.get_mut(sender), SendNode::Sent) {
            SendNode::Waiting(value, waker) => {
                wakes.push(waker);
                value
            }
            // Its grant has woken it, and it has not looked since.
            SendNode::Granted(value) => value,
            SendNode::Sent | SendNode::Closed(_) => unreachable!("listed senders have a value"),
        }
    }

    /// Unlinks the sender that waits longest.
    fn next_sender(&mut self) -> Option<Key> {
        self.granted_senders
            .pop_front(&mut self.send_nodes)
            .or_else(|| self.waiting_senders.pop_front(&mut self.send_nodes))
    }

    /// Gives free places to senders that wait for one.
    fn grant_room(&mut self, wakes: &mut Wakes) {
        while !self.waiting_senders.is_empty() && self.has_room() {
            let key = self.waiting_senders.pop_front(&mut self.send_nodes);
            let key = key.expect("a list that is not empty has a first");
            self.granted_senders.push_back(&mut self.send_nodes, key);
            let value = self.value_of(key, wakes);
            *self.send_nodes.get_mut(key) = SendNode::Granted(value);
        }
    }

    /// Takes a send node out of its list, if any, and out of the slab.
    fn leave_send(&mut self, key: Key) -> SendNode<T> {
        match self.send_nodes.get_mut(key) {
            SendNode::Waiting(..) => self.waiting_senders.unlink(&mut self.send_nodes, key),
            SendNode::Granted(_) => self.granted_senders.unlink(&mut self.send_nodes, key),
            SendNode::Sent | SendNode::Closed(_) => {}
        }
        self.send_nodes.remove(key)
    }
}

/// Values and wakers that nobody will ask for, to be dropped outside the lock.
#[expect(dead_code, reason = "held only to be dropped")]
struct Garbage<T> {
    buffer: VecDeque<T>,
    returned: VecDeque<(Ticket, T)>,
    sends: Slab<SendNode<T>>,
    receives: Slab<RecvNode<T>>,
}

impl<T> Default for Garbage<T> {
    fn default() -> Self {
        Self {
            buffer: VecDeque::new(),
            returned: VecDeque::new(),
            sends: Slab::new(),
            receives: Slab::new(),
        }
    }
}

/// The one allocation that all ends of a channel share.
pub(super) struct Core<T> {
    /// `None`: without bound.
    capacity: Option<usize>,
    state: Mutex<State<T>>,
}

impl<T> Core<T> {
    /// An open channel with one sender and one receiver.
    pub(super) fn new(capacity: Option<usize>) -> Self {
        Self {
            capacity,
            state: Mutex::new(State {
                capacity,
                buffer: VecDeque::new(),
                returned: VecDeque::new(),
                next_ticket: 0,
                send_nodes: Slab::new(),
                granted_senders: List::new(),
                waiting_senders: List::new(),
                recv_nodes: Slab::new(),
                waiting_receivers: List::new(),
                closed: false,
                senders: 1,
                receivers: 1,
            }),
        }
    }

    /// Runs `step` under the lock, then wakes whom it says.
    #[inline]
    pub(super) fn with<R>(&self, step: impl FnOnce(&mut State<T>, &mut Wakes) -> R) -> R {
        let mut wakes = Wakes::new();
        let mut state = lock(&self.state);
        let result = step(&mut state, &mut wakes);
        drop(state);
        wakes.wake_all();
        result
    }

    pub(super) fn capacity(&self) -> Option<usize> {
        self.capacity
    }

    pub(super) fn len(&self) -> usize {
        let state = lock(&self.state);
        state.returned.len() + state.buffer.len()
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    pub(super) fn close(&self) -> bool {
        self.with(State::close)
    }

    /// What `Debug` shows of an end.
    pub(super) fn fmt_end(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }

    pub(super) fn add_sender(&self) {
        lock(&self.state).senders += 1;
    }

    pub(super) fn add_receiver(&self) {
        lock(&self.state).receivers += 1;
    }

    pub(super) fn drop_sender(&self) {
        drop(self.with(State::drop_sender));
    }

    pub(super) fn drop_receiver(&self) {
        drop(self.with(State::drop_receiver));
    }
}
