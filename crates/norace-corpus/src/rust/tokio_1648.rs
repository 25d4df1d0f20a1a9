//! tokio-rs/tokio#1648: the receiver of a oneshot channel moves to another task, and its former waker is never dropped.
//!
//! A bit of the state says whether the channel holds the waker of a receiver. One that is polled by another task than
//! before unsets the bit, to exchange the waker; if the value has come meanwhile, it takes that instead, and leaves the
//! waker where nobody looks any more. Fixed by setting the bit again, so that the channel drops the waker at its end.

use super::spawn;
use crate::case::Case;
use norace_check::{RaceCell, Tracked};
use norace_prim::atomic::{AtomicU8, Ordering};
use norace_prim::sync::Arc;
use std::mem::ManuallyDrop;

pub(super) const CASE: Case = Case {
    name: "tokio_1648",
    class: "Leak",
    kinds: &["leaked-value"],
    blames: &["receiver"],
    program,
};

const RX_TASK_SET: u8 = 1;
const VALUE_SENT: u8 = 2;

/// Wakes a task.
struct Waker {
    task: u32,
}

struct Channel {
    state: AtomicU8,
    value: RaceCell<Option<u32>>,
    /// In memory that is not dropped by itself, as a `MaybeUninit` is not.
    rx_task: RaceCell<Option<ManuallyDrop<Tracked<Waker>>>>,
}

impl Channel {
    fn send(&self, value: u32) {
        self.value.set(Some(value));
        // AcqRel: pairs with those of the receiver, so that it sees the value, and this its waker.
        let before = self.state.fetch_or(VALUE_SENT, Ordering::AcqRel);
        if before & RX_TASK_SET != 0 {
            // It would be woken here.
            self.rx_task.with(|waker| waker.as_ref().map(|waker| waker.task));
        }
    }

    /// Polls the receiver from `task`.
    fn poll(&self, task: u32, fixed: bool) -> Option<u32> {
        // Acquire: pairs with the AcqRel of the sender.
        let state = self.state.load(Ordering::Acquire);
        if state & VALUE_SENT != 0 {
            return self.value.replace(None);
        }
        if state & RX_TASK_SET != 0 {
            // AcqRel: pairs with the one of the sender, which leaves the waker alone afterwards.
            let before = self.state.fetch_and(!RX_TASK_SET, Ordering::AcqRel);
            if before & VALUE_SENT != 0 {
                if fixed {
                    // AcqRel: as above.
                    self.state.fetch_or(RX_TASK_SET, Ordering::AcqRel);
                }
                return self.value.replace(None);
            }
            self.drop_rx_task();
        }
        self.rx_task.set(Some(ManuallyDrop::new(Tracked::new(Waker { task }))));
        // AcqRel: pairs with the one of the sender, so that it sees the waker.
        let before = self.state.fetch_or(RX_TASK_SET, Ordering::AcqRel);
        if before & VALUE_SENT != 0 { self.value.replace(None) } else { None }
    }

    fn drop_rx_task(&self) {
        drop(self.rx_task.replace(None).map(ManuallyDrop::into_inner));
    }

    /// What dropping the channel does, when both ends are gone.
    fn end(&self) {
        // Relaxed: nobody else is there.
        if self.state.load(Ordering::Relaxed) & RX_TASK_SET != 0 {
            self.drop_rx_task();
        }
    }
}

fn program(fixed: bool) {
    let channel = Arc::new(Channel {
        state: AtomicU8::new(0),
        value: RaceCell::named("value", None),
        rx_task: RaceCell::named("rx_task", None),
    });
    let (sends, receives) = (channel.clone(), channel.clone());
    let sender = spawn("sender", move || sends.send(1));
    let receiver = spawn("receiver", move || {
        for task in 1..=2 {
            if receives.poll(task, fixed).is_some() {
                break;
            }
        }
    });
    sender.join().expect("the sender does not panic");
    receiver.join().expect("the receiver does not panic");
    channel.end();
}
