//! A queue between those who set timers and the one who serves it.

use super::{Kick, TimerQueue};
use crate::models::{FAR, all, finds, join, spawn};
use crate::time::models::Alarm;
use crate::time::{Duration, Instant};
use norace_prim::sync::{Arc, Condvar, Mutex, lock, wait, wait_timeout};
use norace_prim::thread::{self, JoinHandle};
use std::task::Waker;

const SOON: Duration = Duration::from_millis(1);
/// Timers that the server takes at once.
const BATCH: usize = 1;

/// What a server sleeps on.
#[derive(Default)]
struct Bell {
    /// Kicked since the last sleep, and whether it is to end.
    state: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Bell {
    fn kick(self: &Arc<Self>) -> Kick {
        let bell = self.clone();
        Arc::new(move || {
            lock(&bell.state).0 = true;
            bell.changed.notify_one();
        })
    }

    fn end(&self) {
        lock(&self.state).1 = true;
        self.changed.notify_one();
    }

    /// Sleeps until it is kicked, or `until`; false when it is to end.
    fn sleep(&self, until: Option<Instant>) -> bool {
        let mut state = lock(&self.state);
        while !state.0 && !state.1 {
            state = match until {
                None => wait(&self.changed, state),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    wait_timeout(&self.changed, state, left).0
                }
            };
        }
        state.0 = false;
        !state.1
    }
}

/// A queue and what serves it.
#[derive(Clone)]
struct Served {
    queue: Arc<TimerQueue>,
    bell: Arc<Bell>,
}

impl Served {
    fn new() -> Self {
        let bell = Arc::<Bell>::default();
        Self { queue: Arc::new(TimerQueue::new(bell.kick())), bell }
    }

    /// Serves as the netpoller does: looks, notes until when it sleeps, sleeps.
    fn start(&self) -> JoinHandle<()> {
        let Self { queue, bell } = self.clone();
        thread::spawn(move || {
            let mut due = Vec::new();
            while bell.sleep(queue.begin_wait()) {
                while queue.take_due(Instant::now(), &mut due, BATCH) {}
                due.drain(..).for_each(Waker::wake);
            }
        })
    }

    fn stop(&self, server: JoinHandle<()>) {
        self.bell.end();
        server.join().expect("a server does not panic");
    }
}

#[test]
fn a_timer_set_at_any_moment_fires_and_not_before_its_time() {
    all(|| {
        let served = Served::new();
        let server = served.start();
        let (alarm, waker) = Alarm::new();
        let deadline = Instant::now() + SOON;
        served.queue.insert(deadline, waker);
        assert!(alarm.wait() >= deadline);
        served.stop(server);
    });
}

#[test]
fn timers_of_two_threads_fire() {
    all(|| {
        let served = Served::new();
        let server = served.start();
        let waiting = spawn(2, |n| {
            let queue = served.queue.clone();
            move || {
                let (alarm, waker) = Alarm::new();
                queue.insert(Instant::now() + SOON * n, waker);
                alarm.wait();
            }
        });
        join(waiting);
        served.stop(server);
    });
}

/// Sets a timer beside one that is far away: it must not wait for that. `insert` sets it.
fn near_beside_far(insert: fn(&TimerQueue, Instant, Waker)) {
    let served = Served::new();
    let far = Instant::now() + FAR;
    served.queue.insert(far, Waker::noop().clone());
    let server = served.start();
    let (alarm, waker) = Alarm::new();
    insert(&served.queue, Instant::now() + SOON, waker);
    // The server may have slept through everything before; from here on it sleeps no longer than until the near one.
    let set_in_time = Instant::now() < far;
    assert!(alarm.wait() < far || !set_in_time, "it fired with one that is an hour later");
    served.stop(server);
}

#[test]
fn a_timer_that_is_earlier_than_the_sleep_cuts_it_short() {
    all(|| {
        near_beside_far(|queue, deadline, waker| {
            queue.insert(deadline, waker);
        });
    });
}

#[test]
fn mutant_an_earlier_timer_that_does_not_kick_is_late() {
    let found = finds(|| {
        near_beside_far(|queue, deadline, waker| {
            let kick = std::mem::replace(&mut lock(&queue.inner).kick, Arc::new(|| {}));
            queue.insert(deadline, waker);
            lock(&queue.inner).kick = kick;
        });
    });
    // Late, or for ever asleep once the far one has gone.
    assert!(matches!(found.kind, "panic" | "deadlock"), "{}", found.to_text());
}

#[test]
fn a_timer_that_was_removed_does_not_fire_and_one_that_was_not_does_once() {
    all(|| {
        let served = Served::new();
        let server = served.start();
        let (alarm, waker) = Alarm::new();
        let key = served.queue.insert(Instant::now() + SOON, waker);
        let removed = served.queue.remove(key);
        if !removed {
            alarm.wait();
        }
        served.stop(server);
        assert_eq!(alarm.count(), u32::from(!removed));
    });
}

#[test]
fn of_two_wakers_the_one_that_was_set_in_time_is_called() {
    all(|| {
        let served = Served::new();
        let server = served.start();
        let ((former, first), (latter, second)) = (Alarm::new(), Alarm::new());
        let key = served.queue.insert(Instant::now() + SOON, first);
        let in_time = served.queue.set_waker(key, &second);
        let expected = if in_time { &latter } else { &former };
        expected.wait();
        served.stop(server);
        assert_eq!((former.count(), latter.count()), (u32::from(!in_time), u32::from(in_time)));
    });
}

#[cfg(feature = "rt")]
#[test]
fn a_new_server_takes_over_what_the_former_one_has_not_fired() {
    all(|| {
        let served = Served::new();
        let (alarm, waker) = Alarm::new();
        let other = {
            let queue = served.queue.clone();
            thread::spawn(move || queue.insert(Instant::now() + SOON, waker))
        };
        let heir = Served { queue: served.queue.clone(), bell: Arc::default() };
        heir.queue.change_server(heir.bell.kick());
        let server = heir.start();
        alarm.wait();
        other.join().unwrap();
        heir.stop(server);
    });
}
