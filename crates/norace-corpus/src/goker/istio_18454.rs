//! istio/istio#18454: a timer that has gone off is reset as if its tick were still to be taken.
//!
//! Galley publishes its configuration once there was no change for a while. A loop waits for a timer, or for word of a
//! change to reset it. Before the reset it stops the timer, and should that have gone off it takes the tick out of the
//! timer's channel. But the loop may have taken that already, and waits for ever; then changes fill the channel that
//! tells of them, and whoever processes events waits, too. Fixed by taking the tick only if there is one.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Lock, go};
use norace::chan::{Receiver, after, never};
use norace::context::Context;
use norace::select_blocking;
use norace::time::{Duration, Instant};
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "istio_18454",
    class: "Channel & Context",
    kinds: BLOCKS,
    blames: &["eventLoop"],
    program,
};

/// The first starts the timer, the second resets it, the third is told of and the fourth waits to be.
const EVENTS: usize = 4;

const FREQUENCY: Duration = Duration::from_nanos(1);

/// `time.Timer`.
struct Timer {
    c: Receiver<Instant>,
    taken: bool,
}

impl Timer {
    fn new() -> Self {
        Self { c: after(FREQUENCY), taken: false }
    }

    /// False when it has gone off already.
    fn stop(&mut self) -> bool {
        let stopped = !self.taken && self.c.is_empty();
        if stopped {
            self.c = never();
        }
        stopped
    }

    /// Takes the tick of a timer that has gone off.
    fn drain(&self, fixed: bool) {
        let _tick = if fixed { self.c.try_recv().ok() } else { self.c.recv_blocking().ok() };
    }
}

#[derive(Clone)]
struct Strategy {
    has_timer: Arc<Lock<bool>>,
    reset_chan: Chan<()>,
    context: Context,
}

impl Strategy {
    fn on_change(&self, fixed: bool) {
        let mut has_timer = self.has_timer.lock();
        if *has_timer {
            drop(has_timer);
            return self.reset_chan.send(());
        }
        *has_timer = true;
        let strategy = self.clone();
        go("eventLoop", move || strategy.event_loop(fixed));
    }

    fn event_loop(&self, fixed: bool) {
        let mut timer = Timer::new();
        loop {
            select_blocking! {
                _ = timer.c.recv() => timer.taken = true, // Publishes.
                _ = self.reset_chan.receiver().recv() => {
                    if !timer.stop() {
                        timer.drain(fixed);
                    }
                    timer = Timer::new();
                }
                _ = self.context.cancelled() => return,
            }
        }
    }
}

/// Processes events until it is stopped, and closes the strategy then.
fn process(events: &Chan<()>, context: &Context, strategy: &Strategy, fixed: bool) {
    loop {
        select_blocking! {
            _ = context.cancelled() => break,
            _ = events.receiver().recv() => strategy.on_change(fixed),
        }
    }
    strategy.context.cancel();
}

fn program(fixed: bool) {
    let strategy = Strategy {
        has_timer: Arc::new(Lock::new(false)),
        reset_chan: Chan::new(1),
        context: Context::new(),
    };
    let events = Chan::new(EVENTS);
    for _ in 0..EVENTS {
        events.send(());
    }
    let context = Context::new();
    let until = context.clone();
    go("processor", move || process(&events, &until, &strategy, fixed));
    context.cancel();
}
