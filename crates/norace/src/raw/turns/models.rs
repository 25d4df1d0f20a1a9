//! The word of a task: each wake leads to a poll that sees it, and the task is in one queue at most.

use super::{Turn, Turns};
use crate::models::{all, finds, join, spawn};
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicU32, Ordering};
use norace_prim::sync::{Arc, Condvar, Mutex, lock, wait};
use norace_prim::thread;

/// A task without a future, and its queue.
struct Life {
    /// With how often it ran.
    turns: Turns<(), u32>,
    /// How often it is in the queue, and whether it is done.
    queued: Mutex<(u32, bool)>,
    pushed: Condvar,
    /// Written by who wakes, read by the poll; orders nothing.
    wishes: [AtomicU32; 2],
    /// What a run did, for who sees the task done.
    done: RaceCell<u32>,
    cause: RaceCell<u32>,
}

/// What is done otherwise than the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// Who looked does not queue a task that was woken meanwhile.
    NoQueueAfterLook,
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
            turns: Turns::new((), 0),
            queued: Mutex::new((1, false)),
            pushed: Condvar::new(),
            wishes: [AtomicU32::new(0), AtomicU32::new(0)],
            done: RaceCell::new(0),
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

    fn finish(&self, turn: Turn<'_, (), u32>) {
        turn.finish();
        lock(&self.queued).1 = true;
        self.pushed.notify_one();
    }

    fn wish_and_wake(&self, who: usize) {
        // Relaxed: the wake has to carry it.
        self.wishes[who].store(1, Ordering::Relaxed);
        if self.turns.head().wake() {
            self.enqueue();
        }
    }

    fn cancel(&self) {
        self.cause.set(1);
        if self.turns.head().cancel() {
            self.enqueue();
        }
    }

    /// Looks at it, as a report does; how often it ran so far.
    fn look(&self, mutant: Mutant) -> Option<u32> {
        let (runs, woken) = self.turns.look(|runs, _| *runs)?;
        if woken && mutant == Mutant::None {
            self.enqueue();
        }
        Some(runs)
    }

    /// Runs it once, as its cell does: it is done when both wishes are there.
    fn run(&self) -> Ran {
        if !self.dequeue() {
            return Ran::Done;
        }
        let mut turn = self.turns.start();
        turn.with(|runs, _| *runs += 1);
        self.done.update(|runs| runs + 1);
        if turn.is_cancelled() {
            assert_eq!(self.cause.get(), 1);
            self.finish(turn);
            return Ran::Cancelled;
        }
        // Relaxed: as in wish_and_wake.
        if self.wishes.iter().all(|wish| wish.load(Ordering::Relaxed) == 1) {
            self.finish(turn);
            return Ran::Done;
        }
        if turn.pause() {
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
        assert!((1..=3).contains(&life.done.get()) && life.turns.head().is_done());
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
        assert!(life.turns.head().is_done());
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
        assert!(ran != Ran::Pending && life.turns.head().is_done());
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
                if life.turns.head().is_done() {
                    assert!(life.done.get() > 0);
                }
            })
        };
        life.run_to_end();
        waker.join().unwrap();
    });
}

/// Somebody looks at it, at any moment.
fn is_looked_at(mutant: Mutant) {
    let life = Life::new();
    let report = {
        let life = life.clone();
        thread::spawn(move || life.look(mutant))
    };
    let waker = {
        let life = life.clone();
        thread::spawn(move || {
            life.wish_and_wake(0);
            life.wish_and_wake(1);
        })
    };
    assert_eq!(life.run_to_end(), Ran::Done);
    let seen = join([report])[0];
    join([waker]);
    assert!(seen.is_none_or(|runs| (1..3).contains(&runs)), "it waits after a run");
}

#[test]
fn a_look_at_any_moment_holds_up_nobody() {
    all(|| is_looked_at(Mutant::None));
}

#[test]
fn mutant_a_wake_during_a_look_is_lost() {
    let found = finds(|| is_looked_at(Mutant::NoQueueAfterLook));
    assert_eq!(found.kind, "deadlock", "{}", found.to_text());
}

/// Which of the word's orders is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weak {
    None,
    Start,
    Pause,
    Look,
    Leave,
    /// A look begins without a bit of its own.
    NoBit,
}

const SCHEDULED: u32 = 1;
const RUNNING: u32 = 2;
const LOOKING: u32 = 4;

/// Two runs of a task with a wake between them, and somebody who looks: the word alone.
fn runs_and_looks(weak: Weak) {
    let order = move |of, strong| if weak == of { Ordering::Relaxed } else { strong };
    let word = Arc::new(AtomicU32::new(SCHEDULED));
    let value = Arc::new(RaceCell::new(0));
    let report = {
        let (word, value) = (word.clone(), value.clone());
        thread::spawn(move || {
            let bit = if weak == Weak::NoBit { 0 } else { LOOKING };
            let acquire = order(Weak::Look, Ordering::Acquire);
            // As the mutant says: the beginning of a look. Relaxed: who fails does not look.
            if word.compare_exchange(0, bit, acquire, Ordering::Relaxed).is_ok() {
                value.get();
                // As the mutant says: the end of a look.
                word.fetch_and(!LOOKING, order(Weak::Leave, Ordering::Release));
            }
        })
    };
    let run = move |word: &AtomicU32, value: &RaceCell<u32>| {
        let acquire = order(Weak::Start, Ordering::Acquire);
        // As the mutant says: the beginning of a run. Relaxed: who fails does not run.
        let started = word.compare_exchange(SCHEDULED, RUNNING, acquire, Ordering::Relaxed).is_ok();
        if started {
            value.update(|runs| runs + 1);
            // As the mutant says: the end of a run.
            word.fetch_and(!RUNNING, order(Weak::Pause, Ordering::Release));
        }
        started
    };
    let other = {
        let (word, value) = (word.clone(), value.clone());
        thread::spawn(move || run(&word, &value))
    };
    run(&word, &value);
    // Relaxed: a wake that carries nothing.
    word.fetch_or(SCHEDULED, Ordering::Relaxed);
    run(&word, &value);
    join([report]);
    join([other]);
}

#[test]
fn one_at_a_time_touches_what_the_word_guards() {
    all(|| runs_and_looks(Weak::None));
}

#[test]
fn weaker_orders_of_the_word_are_found() {
    for weak in [Weak::Start, Weak::Pause, Weak::Look, Weak::Leave, Weak::NoBit] {
        let found = finds(move || runs_and_looks(weak));
        assert_eq!(found.kind, "data-race", "{weak:?}: {}", found.to_text());
    }
}
