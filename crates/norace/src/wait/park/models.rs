//! Wakes at every moment of a wait, waits inside waits, deadlines.

use super::{Sleeper, block_on, block_until};
use crate::models::{Said, all, finds, join};
use norace_prim::atomic::{AtomicBool, Ordering};
use norace_prim::sync::Arc;
use norace_prim::thread;
use norace_prim::time::{Duration, Instant};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Poll, Waker};

/// A flag that orders nothing: whoever is woken sees it by the wake alone.
#[derive(Clone, Default)]
struct Flag(Arc<AtomicBool>);

impl Flag {
    fn set(&self) {
        // Relaxed: the wake that follows has to carry it.
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        // Relaxed: as in set.
        self.0.load(Ordering::Relaxed)
    }

    /// Ready once it is set; whoever sets it wakes.
    fn wait(&self) -> impl Future<Output = ()> + use<> {
        let flag = self.clone();
        poll_fn(move |_| if flag.is_set() { Poll::Ready(()) } else { Poll::Pending })
    }
}

#[test]
fn a_wake_before_between_or_after_the_polls_is_seen_with_what_came_before_it() {
    all(|| {
        let flag = Flag::default();
        let (set, waker) = (flag.clone(), Waker::from(Sleeper::current()));
        let other = thread::spawn(move || {
            waker.wake_by_ref();
            set.set();
            waker.wake();
        });
        block_on(flag.wait());
        // What is left of the token costs a poll and ends nothing.
        let mut polls = 0;
        block_on(poll_fn(|cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            if polls < 3 { Poll::Pending } else { Poll::Ready(()) }
        }));
        other.join().unwrap();
    });
}

#[test]
fn two_threads_wake_one_that_waits_for_both() {
    all(|| {
        let flags = [Flag::default(), Flag::default()];
        let threads = flags.clone().map(|flag| {
            let waker = Waker::from(Sleeper::current());
            thread::spawn(move || {
                flag.set();
                waker.wake();
            })
        });
        block_on(poll_fn(|_| {
            if flags.iter().all(Flag::is_set) { Poll::Ready(()) } else { Poll::Pending }
        }));
        join(threads);
    });
}

#[test]
fn a_waker_left_under_a_lock_is_called_or_not_needed() {
    all(|| {
        let said = [Said::default(), Said::default()];
        let other = said.clone();
        let thread = thread::spawn(move || other.iter().for_each(Said::say));
        said.iter().for_each(Said::wait);
        thread.join().unwrap();
    });
}

/// A future whose polls block in turn, woken by one thread outside and by another one inside; `wait` is the inner wait.
fn nested(wait: fn(&Flag)) {
    let (outer, inner) = (Flag::default(), Flag::default());
    let threads = [outer.clone(), inner.clone()].map(|flag| {
        let waker = Waker::from(Sleeper::current());
        thread::spawn(move || {
            flag.set();
            waker.wake();
        })
    });
    block_on(poll_fn(|_| {
        if outer.is_set() {
            return Poll::Ready(());
        }
        wait(&inner);
        Poll::Pending
    }));
    join(threads);
}

#[test]
fn a_wait_inside_a_wait_takes_no_wake_from_the_outer_one() {
    all(|| nested(|inner| block_on(inner.wait())));
}

#[test]
fn mutant_a_wait_that_leaves_no_token_behind_swallows_the_outer_wake() {
    let found = finds(|| {
        nested(|inner| {
            while !inner.is_set() {
                thread::park();
            }
        });
    });
    assert_eq!(found.kind, "deadlock", "{}", found.to_text());
}

#[test]
fn a_wait_ends_by_its_wake_or_its_deadline_and_the_next_one_is_apart() {
    all(|| {
        let flag = Flag::default();
        let (set, waker) = (flag.clone(), Waker::from(Sleeper::current()));
        let other = thread::spawn(move || {
            set.set();
            waker.wake();
        });
        let deadline = Instant::now() + Duration::from_millis(5);
        match block_until(pin!(flag.wait()), Some(deadline)) {
            Some(()) => assert!(flag.is_set()),
            None => assert!(Instant::now() >= deadline, "the wait ended before its time"),
        }
        block_on(flag.wait());
        other.join().unwrap();
    });
}

#[test]
fn a_deadline_inside_a_wait_leaves_the_outer_wake() {
    all(|| {
        let flag = Flag::default();
        let (set, waker) = (flag.clone(), Waker::from(Sleeper::current()));
        let other = thread::spawn(move || {
            set.set();
            waker.wake();
        });
        block_on(poll_fn(|_| {
            if flag.is_set() {
                return Poll::Ready(());
            }
            let soon = Instant::now() + Duration::from_millis(1);
            let never = pin!(std::future::pending::<()>());
            assert_eq!(block_until(never, Some(soon)), None);
            Poll::Pending
        }));
        other.join().unwrap();
    });
}
