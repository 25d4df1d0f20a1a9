//! How outcomes are collected, without the tasks: one list of those that have ended, each outcome a moment later, and
//! collectors that give up or come two at a time; and how a task gets onto the list. Groups as they are have models in
//! `tests/it/models/group.rs`.

use super::Halves;
use crate::chan::{self, Receiver, Sender};
use crate::models::{Said, all, finds};
use crate::sync;
use crate::wait::block_on;
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::thread;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

/// What a mutant leaves out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Without {
    Nothing,
    /// Collectors look for tasks and wait for them without the lock.
    Turns,
    /// A collector keeps the task that it waits for to itself.
    Keeping,
}

/// A group with one task.
struct Bare {
    count: Mutex<u32>,
    list: (Sender<()>, Receiver<()>),
    outcome: Said,
    /// Held across the wait; whether the task was taken from the list.
    collecting: sync::Mutex<bool>,
    without: Without,
}

impl Bare {
    fn new(without: Without) -> Arc<Self> {
        Arc::new(Self {
            count: Mutex::new(1),
            list: chan::unbounded(),
            outcome: Said::default(),
            collecting: sync::Mutex::new(false),
            without,
        })
    }

    fn end(&self) {
        self.list.0.try_send(()).expect("it is unbounded");
        self.outcome.say();
    }

    async fn next(&self) -> Option<()> {
        let mut own = false;
        let mut guard = match self.without {
            Without::Turns => None,
            _ => Some(self.collecting.lock().await),
        };
        let taken = match &mut guard {
            Some(taken) if self.without != Without::Keeping => &mut **taken,
            _ => &mut own,
        };
        if !*taken {
            if *lock(&self.count) == 0 {
                return None;
            }
            self.list.1.recv().await.expect("the group holds a sender");
            *taken = true;
        }
        self.outcome.hear().await;
        *taken = false;
        *lock(&self.count) -= 1;
        Some(())
    }
}

fn two_collect(without: Without) {
    let group = Bare::new(without);
    let (ends, other) = (group.clone(), group.clone());
    let task = thread::spawn(move || ends.end());
    let other = thread::spawn(move || block_on(other.next()));
    let here = block_on(group.next());
    task.join().expect("it ends");
    let there = other.join().expect("somebody has the outcome");
    assert!(here.is_some() != there.is_some());
}

fn one_gives_up(without: Without) {
    let group = Bare::new(without);
    let ends = group.clone();
    let task = thread::spawn(move || ends.end());
    let collected = {
        let mut next = pin!(group.next());
        next.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
    };
    assert!(collected || block_on(group.next()).is_some());
    task.join().expect("it ends");
}

#[test]
fn an_outcome_goes_to_one_of_two_and_the_other_is_told_that_there_is_none() {
    all(|| two_collect(Without::Nothing));
}

#[test]
fn mutant_who_looks_without_its_turn_waits_for_what_another_one_takes() {
    finds(|| two_collect(Without::Turns));
}

#[test]
fn an_outcome_stays_when_a_collector_gives_up() {
    all(|| one_gives_up(Without::Nothing));
}

#[test]
fn mutant_who_gives_up_takes_the_task_along() {
    finds(|| one_gives_up(Without::Keeping));
}

/// A task that ends while its handle is being stored, and somebody who collects it. `ends`: whether its end puts it on
/// the list, given whether that came later.
fn a_task_ends_while_it_is_started(ends: fn(bool) -> bool) {
    let (list, collects) = chan::unbounded();
    let stored = Arc::new(Mutex::new(false));
    let halves = Halves::default();
    let (task, its_list) = (halves.clone(), list.clone());
    let task = thread::spawn(move || {
        if ends(task.is_later()) {
            its_list.try_send(()).expect("it is unbounded");
        }
    });
    let handle = stored.clone();
    let collector = thread::spawn(move || {
        collects.recv_blocking().expect("one of the two puts it there");
        assert!(*lock(&handle), "its handle is there");
        assert!(collects.try_recv().is_err(), "once");
    });
    *lock(&stored) = true;
    if halves.is_later() {
        list.try_send(()).expect("it is unbounded");
    }
    task.join().expect("it ends");
    drop(list);
    collector.join().expect("it has the handle");
}

#[test]
fn a_task_on_the_list_has_its_handle() {
    all(|| a_task_ends_while_it_is_started(|later| later));
}

#[test]
fn mutant_a_task_that_ends_early_is_collected_without_its_handle() {
    finds(|| a_task_ends_while_it_is_started(|_| true));
}

#[test]
fn mutant_a_task_that_ends_late_is_never_collected() {
    finds(|| a_task_ends_while_it_is_started(|_| false));
}
