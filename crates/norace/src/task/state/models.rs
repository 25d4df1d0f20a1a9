//! The word of a task: each wake leads to a poll that sees it, and the task is in one queue at most.

use super::{Start, State};
use crate::models::{all, join, spawn};
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicU32, Ordering};
use norace_prim::sync::{Arc, Condvar, Mutex, lock, wait};
use norace_prim::thread;

/// A task without a future, and its queue.
struct Life {
    state: State,
    /// How often it is in the queue, and whether it is done.
    queued: Mutex<(u32, bool)>,
    pushed: Condvar,
    /// Written by who wakes, read by the poll; orders nothing.
    wishes: [AtomicU32; 2],
    /// What belongs to whoever runs it.
    body: RaceCell<u32>,
    cause: RaceCell<u32>,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ran {
    Pending,
    Done,
    Cancelled,
}

impl Life {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            state: State::scheduled(),
            queued: Mutex::new((1, false)),
            pushed: Condvar::new(),
            wishes: [AtomicU32::new(0), AtomicU32::new(0)],
            body: RaceCell::new(0),
            cause: RaceCell::new(0),
        })
    }

    fn enqueue(&self) {
        let mut queued = lock(&self.queued);
        queued.0 += 1;
        assert_eq!(*queued, (1, false), "it is in a queue already, or done");
        self.pushed.notify_one();
    }

    /// Takes it out of the queue; false when it is done.
    fn dequeue(&self) -> bool {
        let mut queued = lock(&self.queued);
        while *queued == (0, false) {
            queued = wait(&self.pushed, queued);
        }
        let (count, done) = *queued;
        queued.0 = 0;
        assert!(count + u32::from(done) == 1, "it is done, and queued");
        !done
    }

    fn finish(&self) {
        self.state.finish();
        lock(&self.queued).1 = true;
        self.pushed.notify_one();
    }

    fn wish_and_wake(&self, who: usize) {
        // Relaxed: the wake has to carry it.
        self.wishes[who].store(1, Ordering::Relaxed);
        if self.state.wake() {
            self.enqueue();
        }
    }

    fn cancel(&self) {
        self.cause.set(1);
        if self.state.cancel() {
            self.enqueue();
        }
    }

    /// Runs it once, as its cell does: it is done when both wishes are there.
    fn run(&self) -> Ran {
        if !self.dequeue() {
            return Ran::Done;
        }
        if self.state.start() == Start::Cancel {
            assert_eq!(self.cause.get(), 1);
            self.body.update(|runs| runs + 1);
            self.finish();
            return Ran::Cancelled;
        }
        self.body.update(|runs| runs + 1);
        // Relaxed: as in wish_and_wake.
        if self.wishes.iter().all(|wish| wish.load(Ordering::Relaxed) == 1) {
            self.finish();
            return Ran::Done;
        }
        if self.state.pause() {
            self.enqueue();
        }
        Ran::Pending
    }

    fn run_to_end(&self) -> Ran {
        loop {
            let ran = self.run();
            if ran != Ran::Pending {
                return ran;
            }
        }
    }
}

#[test]
fn each_wake_leads_to_a_poll_that_sees_what_came_before_it() {
    all(|| {
        let life = Life::new();
        let wakers = spawn(2, |who| {
            let life = life.clone();
            move || life.wish_and_wake(who as usize)
        });
        assert_eq!(life.run_to_end(), Ran::Done);
        join(wakers);
        assert!((1..=3).contains(&life.body.get()) && life.state.is_done());
        assert_eq!(*lock(&life.queued), (0, true), "it is done, and queued");
    });
}

#[test]
fn a_worker_sees_what_the_one_before_did() {
    all(|| {
        let life = Life::new();
        // It runs the task once, if it gets it, and has nothing to do with it afterwards.
        let worker = {
            let life = life.clone();
            thread::spawn(move || life.run())
        };
        let waker = {
            let life = life.clone();
            thread::spawn(move || {
                life.wish_and_wake(0);
                life.wish_and_wake(1);
            })
        };
        life.run_to_end();
        join([waker]);
        worker.join().unwrap();
        assert!(life.state.is_done());
    });
}

#[test]
fn a_cancel_at_any_moment_ends_it_once() {
    all(|| {
        let life = Life::new();
        let others = [
            {
                let life = life.clone();
                thread::spawn(move || life.cancel())
            },
            {
                let life = life.clone();
                thread::spawn(move || {
                    life.wish_and_wake(0);
                    life.wish_and_wake(1);
                })
            },
        ];
        let ran = life.run_to_end();
        join(others);
        assert!(ran != Ran::Pending && life.state.is_done());
        assert_eq!(*lock(&life.queued), (0, true), "it is done, and queued");
    });
}

#[test]
fn whoever_sees_it_done_sees_what_it_did() {
    all(|| {
        let life = Life::new();
        let waker = {
            let life = life.clone();
            thread::spawn(move || {
                life.wish_and_wake(0);
                life.wish_and_wake(1);
                if life.state.is_done() {
                    assert!(life.body.get() > 0);
                }
            })
        };
        life.run_to_end();
        waker.join().unwrap();
    });
}
