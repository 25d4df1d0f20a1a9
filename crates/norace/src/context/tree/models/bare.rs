//! The protocol of a node, without the tree: the cause is set, and what is registered taken out, in one critical
//! section.

use crate::models::{all, finds};
use crate::wait::block_on;
use norace_prim::sync::{Arc, Mutex, OnceLock, lock};
use norace_prim::thread;
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// What a mutant does otherwise.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mutant {
    None,
    /// Takes out who waits, and sets the cause after that.
    TakesFirst,
    /// Sets the cause, and takes out who waits after that; who waits looks at the cause before it takes the lock.
    LooksOutside,
}

#[derive(Default)]
struct Bare {
    cause: OnceLock<()>,
    waiters: Mutex<Vec<Waker>>,
}

impl Bare {
    fn cancel(&self, mutant: Mutant) {
        let woken = {
            let mut waiters = lock(&self.waiters);
            if mutant != Mutant::TakesFirst {
                self.cause.set(()).expect("it is cancelled once");
            }
            std::mem::take(&mut *waiters)
        };
        if mutant == Mutant::TakesFirst {
            self.cause.set(()).expect("it is cancelled once");
        }
        woken.into_iter().for_each(Waker::wake);
    }

    async fn cancelled(&self, mutant: Mutant) {
        poll_fn(|cx| {
            let before = self.cause.get().is_some();
            let mut waiters = lock(&self.waiters);
            let ended = match mutant {
                Mutant::LooksOutside => before,
                _ => self.cause.get().is_some(),
            };
            if ended {
                return Poll::Ready(());
            }
            waiters.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

fn one_waits_while_one_cancels(mutant: Mutant) {
    let node = Arc::new(Bare::default());
    let waits = node.clone();
    let waiter = thread::spawn(move || block_on(waits.cancelled(mutant)));
    node.cancel(mutant);
    waiter.join().expect("it is woken");
    assert!(lock(&node.waiters).is_empty(), "nothing is registered at a cancelled node");
}

#[test]
fn who_registers_is_woken_or_finds_the_cause() {
    all(|| one_waits_while_one_cancels(Mutant::None));
}

#[test]
fn every_mutant_leaves_somebody_waiting() {
    for mutant in [Mutant::TakesFirst, Mutant::LooksOutside] {
        let finding = finds(|| one_waits_while_one_cancels(mutant));
        assert!(matches!(finding.kind, "deadlock" | "lost-wakeup"), "{}", finding.kind);
    }
}
