//! What threads wait for that sleep inside a task, for reports.
//!
//! One table for all runtimes: while a thread is inside a task, it may have entered another runtime than the task's.
//! Sharded by task, so that a thread that falls asleep takes a lock that is rarely contended. No model asks for these
//! reports, so they are no steps of one.

use super::current;
use crate::task::TaskId;
use crate::wait::Blocked;
use norace_prim::probe;
use norace_prim::sync::{Mutex, lock};
use std::collections::BTreeMap;

const SHARDS: usize = 16;

/// On cache lines of its own.
#[repr(align(128))]
struct Shard(Mutex<BTreeMap<TaskId, Blocked>>);

static TABLE: [Shard; SHARDS] = [const { Shard(Mutex::new(BTreeMap::new())) }; SHARDS];

fn shard(task: TaskId) -> &'static Mutex<BTreeMap<TaskId, Blocked>> {
    let index = usize::try_from(task.get() % SHARDS as u64).expect("below the number of shards");
    &TABLE[index].0
}

/// The thread of a task sleeps, and reports say so.
pub(crate) struct Asleep(TaskId);

impl Drop for Asleep {
    fn drop(&mut self) {
        lock(shard(self.0)).remove(&self.0);
    }
}

/// Tells reports that this thread is about to sleep inside a task, if it is inside one, until the guard is dropped.
pub(crate) fn falls_asleep(blocked: Option<Blocked>) -> Option<Asleep> {
    let (blocked, task) = (blocked?, current::task()?);
    if probe::in_model() {
        return None;
    }
    lock(shard(task)).insert(task, blocked);
    Some(Asleep(task))
}

/// What the thread of a task that runs waits for.
pub(crate) fn thread_of(task: TaskId) -> Option<Blocked> {
    if probe::in_model() {
        return None;
    }
    lock(shard(task)).get(&task).copied()
}
