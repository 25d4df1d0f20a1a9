//! tokio-rs/tokio#2387: a worker steals into its own queue, over a task that somebody is just stealing from there.
//!
//! A thief first moves the head past the tasks it takes, and only when it has copied them the mark that says so. In
//! between the queue's owner may find its queue empty and steal from another one. It looked where the tail is, but not
//! whether the slots that follow were given back. Fixed by giving up when fewer than half of them are free.

use super::spawn;
use crate::case::Case;
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicU16, AtomicU32, Ordering};
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "tokio_2387",
    class: "Data race",
    kinds: &["data-race"],
    blames: &["thief"],
    program,
};

const CAPACITY: u16 = 2;

type Task = u32;

/// A worker's run queue: its owner pops, everybody steals.
struct Queue {
    /// Where thieves are not done yet, and where the tasks begin.
    head: AtomicU32,
    tail: AtomicU16,
    buffer: [RaceCell<Task>; CAPACITY as usize],
}

fn pack(steal: u16, real: u16) -> u32 {
    u32::from(steal) << 16 | u32::from(real)
}

fn unpack(head: u32) -> [u16; 2] {
    [(head >> 16) as u16, head as u16]
}

impl Queue {
    fn new(tasks: u16) -> Arc<Self> {
        let slot = || RaceCell::named("slot", 0);
        let (head, tail) = (AtomicU32::new(pack(0, 0)), AtomicU16::new(tasks));
        Arc::new(Self { head, tail, buffer: [slot(), slot()] })
    }

    fn slot(&self, at: u16) -> &RaceCell<Task> {
        &self.buffer[usize::from(at % CAPACITY)]
    }

    /// Changes the head until nobody else does at the same time.
    fn update_head(&self, next: impl Fn(u16, u16) -> Option<u32>) -> Option<[u16; 2]> {
        // Acquire: pairs with the Release of who changed it last, so that slots given back may be used.
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            let [steal, real] = unpack(head);
            let next = next(steal, real)?;
            // AcqRel: pairs with the Acquire above, so that slots are given back when their tasks have been copied.
            match self.head.compare_exchange(head, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some([steal, real]),
                Err(found) => head = found,
            }
        }
    }

    /// The oldest task, for the owner.
    fn pop(&self) -> Option<Task> {
        let [_, real] = self.update_head(|steal, real| {
            // Relaxed: the owner's own.
            let tail = self.tail.load(Ordering::Relaxed);
            let steal = if steal == real { real + 1 } else { steal };
            (real != tail).then(|| pack(steal, real + 1))
        })?;
        Some(self.slot(real).get())
    }

    /// Takes half of the tasks, which is one of at most two, through the queue `to` of who calls.
    fn steal_into(&self, to: &Self, fixed: bool) -> Option<Task> {
        // Relaxed: the owner's own.
        let to_tail = to.tail.load(Ordering::Relaxed);
        // Acquire: pairs with the Release of thieves, so that what they gave back may be overwritten.
        let [given_back, _] = unpack(to.head.load(Ordering::Acquire));
        if fixed && to_tail - given_back > CAPACITY / 2 {
            return None;
        }
        let [_, first] = self.update_head(|steal, real| {
            // Acquire: pairs with the Release of an owner who pushes, so that the tasks are seen.
            let tail = self.tail.load(Ordering::Acquire);
            (steal == real && real != tail).then(|| pack(steal, real + 1))
        })?;
        to.slot(to_tail).set(self.slot(first).get());
        self.update_head(|_, real| Some(pack(real, real)));
        Some(to.slot(to_tail).get())
    }
}

fn program(fixed: bool) {
    let (own, other) = (Queue::new(2), Queue::new(2));
    let stolen_from = own.clone();
    spawn("thief", move || {
        stolen_from.steal_into(&Queue::new(0), fixed);
    });
    spawn("worker", move || {
        while own.pop().is_some() {}
        other.steal_into(&own, fixed);
    });
}
