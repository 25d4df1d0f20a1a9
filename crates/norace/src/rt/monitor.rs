//! The stall monitor: sees that work waits behind a worker that does not get to it, and wakes another one.
//!
//! A task that computes for long without an await holds its worker. Behind it wait its `runnext` task, which nobody
//! was woken for, its ring, and, if it left the netpoller to run the task, all sockets and timers. The monitor
//! looks at every place again and again: one that is inside the same poll as at the look before is *stuck*. Where
//! something waits behind a poll while a worker sleeps, the next look comes after half the usual pause, so that the
//! wait is one and a half pauses at most on a machine with a cpu to spare. If it is stuck, the monitor wakes the worker
//! that sleeps; it finds the ring, the `runnext` task on the last pass of its search, or enters the netpoller before
//! it sleeps again. If every worker is busy and nobody has looked at the netpoller since the last look, the workers are
//! asked to, and take a task from the injector then: where turns are long, every 61st of them is late.
//!
//! A look costs 10 to 25 microseconds, nearly all of it sleeping and waking up, while tasks run. When all workers have
//! slept for a while, it sleeps until the first of them wakes up, so an idle runtime uses no cpu.

use super::scheduler::Scheduler;
use norace_prim::time::Duration;

/// The pause between two looks, unless set otherwise.
pub(crate) const STALL_AFTER: Duration = Duration::from_micros(400);

/// Looks at a sleeping runtime before the monitor sleeps as well.
const IDLE_LOOKS: u32 = 4;

/// What the monitor remembers of a place.
#[derive(Clone, Copy, Default)]
struct Seen {
    tick: u64,
    stuck: bool,
}

/// Runs until the runtime stops. The pause between two looks is `stall_after`.
pub(crate) fn run(scheduler: &Scheduler, stall_after: Duration) {
    let mut seen = vec![Seen::default(); scheduler.places.len()];
    let mut turns = 0;
    let mut idle_looks = 0;
    let mut interval = stall_after;
    while scheduler.idle.monitor_pause(idle_looks >= IDLE_LOOKS, interval) {
        interval = stall_after;
        if scheduler.idle.all_asleep() {
            none_stuck(scheduler, &mut seen);
            idle_looks = if idle_looks >= IDLE_LOOKS { 0 } else { idle_looks + 1 };
            continue;
        }
        idle_looks = 0;
        if look(scheduler, &mut seen, &mut turns) {
            interval = stall_after / 2;
        }
    }
}

/// No worker is inside a poll.
fn none_stuck(scheduler: &Scheduler, seen: &mut [Seen]) {
    for (worker, seen) in seen.iter_mut().enumerate() {
        if std::mem::take(&mut seen.stuck) {
            scheduler.stalls.note(scheduler, worker, None);
        }
    }
}

/// Whether the next look should come soon.
fn look(scheduler: &Scheduler, seen: &mut [Seen], turns: &mut u64) -> bool {
    let now = scheduler.driver().turns();
    let driver_quiet = std::mem::replace(turns, now) == now;
    let driver_unattended = driver_quiet && !scheduler.driver().is_attended();
    let (mut rescue, mut suspect) = (false, false);
    for (worker, (place, seen)) in scheduler.places.iter().zip(seen).enumerate() {
        let tick = place.tick();
        let inside = tick % 2 == 1;
        let stuck = inside && tick == seen.tick;
        if stuck && !seen.stuck {
            scheduler.counters().stalled();
            place.set_stuck(tick);
        }
        if stuck || seen.stuck {
            scheduler.stalls.note(scheduler, worker, stuck.then_some(tick));
        }
        *seen = Seen { tick, stuck };
        let waits = place.queue.len() > 0 || place.queue.has_next();
        rescue |= stuck && (waits || driver_unattended);
        suspect |= inside && !stuck && waits;
        if driver_unattended {
            place.set_look_due(true);
        }
    }
    if rescue {
        scheduler.idle.wake_one();
    }
    suspect && scheduler.idle.wants_wake()
}
