//! Between deciding and telling: the batch that waits to become durable, and what waits for it.
//!
//! Two threads meet here, behind one lock. The **core** decides, and hands over what it decided as a [`Batch`]:
//! records, and beside them everything that rests on them (answers, reads, refusals, events, work for processors). The
//! **journal thread** takes the whole open batch, makes its records durable with one append, and only then releases
//! what rests on them, in order. While it does, the next batch forms: batches grow with the load and need no timer
//! (drain-all-then-sync, as in KurrentDB's writer and PostgreSQL's commit groups).
//!
//! ```text
//!           core                           journal thread
//!  local ----------> open -------------------> in flight ----------> released
//!        hand_over        take (whole)                   append Ok
//! ```
//!
//! **Invariants.** A batch's effects leave after its records are durable, and after those of all batches before it: one
//! thread takes, appends and releases. The open batch is bounded: the core waits when it is full. After the first
//! failure nothing is released any more: senders of answers are dropped, which their receivers read as "outcome
//! unknown".

use std::collections::VecDeque;

use norace::chan::oneshot;
use norace_prim::sync::{self, Condvar, Mutex};
use norace_prim::time::{Duration, Instant};

use super::config::{Failure, FailureHook};
use super::latency::Latency;
use super::query::Found;
use super::reply::{Answer, Unavailable};
use crate::model::{Done, Order, OrderEvent, Rejection};
use crate::processor::Job;

/// The sending side of a [`Reply`](super::Reply).
pub(crate) type Replier<T> = oneshot::Sender<Result<Answer<T>, Unavailable>>;

/// Something that rests on a position of the journal.
#[derive(Debug)]
pub(crate) enum Effect {
    Outcome(Replier<Result<Done, Rejection>>, u64, Result<Done, Rejection>),
    Outcomes(Replier<Vec<Result<Done, Rejection>>>, u64, Vec<Result<Done, Rejection>>),
    Found(Replier<Result<Found, Rejection>>, u64, Result<Found, Rejection>),
    Final(Replier<Result<Order, Rejection>>, u64, Result<Order, Rejection>),
    Dispatch(norace::chan::Sender<Job>, Job),
}

impl Effect {
    /// Lets it happen. A receiver that has gone is no concern of ours.
    pub(crate) fn release(self) {
        fn send<T>(replier: Replier<T>, sequence: u64, result: T) {
            drop(replier.send(Ok(Answer { sequence, result })));
        }
        match self {
            Self::Outcome(replier, sequence, result) => send(replier, sequence, result),
            Self::Outcomes(replier, sequence, result) => send(replier, sequence, result),
            Self::Found(replier, sequence, result) => send(replier, sequence, result),
            Self::Final(replier, sequence, result) => send(replier, sequence, result),
            // The core hands out no more jobs than the channel holds; it is closed only when the engine stops.
            Self::Dispatch(jobs, job) => drop(jobs.try_send(job)),
        }
    }
}

/// Records in journal order, and what rests on them.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The sequence of the last decision when this batch was last added to.
    pub(crate) last_sequence: u64,
    pub(crate) count: u32,
    pub(crate) payload: Vec<u8>,
    pub(crate) events: VecDeque<OrderEvent>,
    pub(crate) effects: Vec<Effect>,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0 && self.effects.is_empty()
    }

    pub(crate) fn first_sequence(&self) -> u64 {
        self.last_sequence + 1 - u64::from(self.count)
    }

    fn clear(&mut self) {
        self.count = 0;
        self.payload.clear();
        self.events.clear();
        self.effects.clear();
    }

    /// Takes over everything of `later`, which continues this batch.
    fn extend(&mut self, later: &mut Self) {
        debug_assert!(later.first_sequence() == self.last_sequence + 1, "batches are contiguous");
        self.last_sequence = later.last_sequence;
        self.count += later.count;
        self.payload.extend_from_slice(&later.payload);
        self.events.append(&mut later.events);
        self.effects.append(&mut later.effects);
        later.clear();
    }
}

/// Bounds on a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchLimits {
    pub(crate) records_max: usize,
    pub(crate) bytes_max: usize,
    /// A batch whose answers alone pass this is handed over too.
    pub(crate) effects_max: usize,
}

impl BatchLimits {
    /// Whether a batch of this size may still take `records` more with `bytes`.
    pub(crate) fn take(&self, batch: &Batch, records: usize, bytes: usize) -> bool {
        batch.count as usize + records <= self.records_max
            && batch.payload.len() + bytes <= self.bytes_max
            && batch.effects.len() < self.effects_max
    }

    fn merge(&self, open: &Batch, local: &Batch) -> bool {
        self.take(open, local.count as usize, local.payload.len())
    }
}

/// Figures of the journal thread.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    pub(crate) durable_sequence: u64,
    pub(crate) frames: u64,
    pub(crate) records: u64,
    pub(crate) latency: Latency,
}

#[derive(Debug, Default)]
struct Shared {
    open: Batch,
    in_flight: bool,
    in_flight_frame: bool,
    written: Written,
    /// The core will hand over nothing more.
    closing: bool,
    /// The core had to refuse for want of room.
    wants_room: bool,
    failed: Option<Failure>,
    /// The failure hook has been called.
    reported: bool,
    /// The journal thread has ended.
    ended: bool,
}

/// The meeting point of the core and the journal thread.
pub(crate) struct Commit {
    shared: Mutex<Shared>,
    /// For the journal thread: there is work, or none will come.
    work: Condvar,
    /// For the core: the open batch was taken. For who stops the engine: the journal thread has ended.
    changed: Condvar,
    limits: BatchLimits,
    on_failure: Option<FailureHook>,
}

/// What the journal thread is to do.
pub(crate) enum Work {
    /// Append this batch, release it, and give it back to be filled again.
    Commit(Batch),
    /// Nothing came for a while.
    Idle,
    /// The core was refused room.
    MakeRoom,
    /// Everything is done.
    Close,
    /// The engine has failed.
    Failed,
}

/// The engine has failed; nothing more will be released.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed;

impl Commit {
    pub(crate) fn new(limits: BatchLimits, on_failure: Option<FailureHook>, last: u64) -> Self {
        let mut shared = Shared::default();
        shared.written.durable_sequence = last;
        shared.open.last_sequence = last;
        Self {
            shared: Mutex::new(shared),
            work: Condvar::new(),
            changed: Condvar::new(),
            limits,
            on_failure,
        }
    }

    /// For the core: adds `local` to the open batch and leaves it empty. Waits while the open batch is too full for it.
    pub(crate) fn hand_over(&self, local: &mut Batch) -> Result<(), Failed> {
        let mut shared = sync::lock(&self.shared);
        loop {
            if shared.failed.is_some() {
                return Err(Failed);
            }
            if shared.open.is_empty() {
                std::mem::swap(&mut shared.open, local);
                local.clear();
                local.last_sequence = shared.open.last_sequence;
                break;
            }
            if self.limits.merge(&shared.open, local) {
                shared.open.extend(local);
                break;
            }
            shared = sync::wait(&self.changed, shared);
        }
        let wake = !shared.in_flight;
        drop(shared);
        if wake {
            self.work.notify_one();
        }
        Ok(())
    }

    /// For the core: frames handed over whose records are not yet durable.
    pub(crate) fn outstanding_frames(&self) -> u64 {
        let shared = sync::lock(&self.shared);
        u64::from(shared.in_flight_frame) + u64::from(shared.open.count > 0)
    }

    /// For the core: whether everything handed over has been released.
    pub(crate) fn is_idle(&self) -> bool {
        let shared = sync::lock(&self.shared);
        !shared.in_flight && shared.open.is_empty() && shared.failed.is_none()
    }

    /// For the core: it had to refuse a command.
    pub(crate) fn want_room(&self) {
        sync::lock(&self.shared).wants_room = true;
        self.work.notify_one();
    }

    /// For the core: nothing more will come.
    pub(crate) fn close(&self) {
        sync::lock(&self.shared).closing = true;
        self.work.notify_one();
    }

    /// For the journal thread: gives `done` back, whose effects are out, and waits for what comes next.
    pub(crate) fn next(&self, mut done: Batch, idle_after: Option<Duration>) -> Work {
        done.clear();
        let mut done = Some(done);
        let mut shared = sync::lock(&self.shared);
        shared.in_flight = false;
        let deadline = idle_after.map(|after| Instant::now() + after);
        loop {
            if shared.failed.is_some() {
                return Work::Failed;
            }
            if !shared.open.is_empty() {
                let mut next = done.take().unwrap_or_default();
                next.last_sequence = shared.open.last_sequence;
                std::mem::swap(&mut shared.open, &mut next);
                shared.in_flight = true;
                shared.in_flight_frame = next.count > 0;
                drop(shared);
                self.changed.notify_all();
                return Work::Commit(next);
            }
            if std::mem::take(&mut shared.wants_room) {
                return Work::MakeRoom;
            }
            if shared.closing {
                return Work::Close;
            }
            let Some(deadline) = deadline else {
                shared = sync::wait(&self.work, shared);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Work::Idle;
            }
            shared = sync::wait_timeout(&self.work, shared, left).0;
        }
    }

    /// For the journal thread: `batch` is durable, after `took`. Its effects may be released now, unless the engine
    /// failed meanwhile.
    pub(crate) fn durable(&self, batch: &Batch, took: Duration) -> Result<(), Failed> {
        let mut shared = sync::lock(&self.shared);
        shared.in_flight_frame = false;
        if shared.failed.is_some() {
            return Err(Failed);
        }
        shared.written.durable_sequence = batch.last_sequence;
        if batch.count > 0 {
            shared.written.frames += 1;
            shared.written.records += u64::from(batch.count);
            shared.written.latency.add(took);
        }
        Ok(())
    }

    pub(crate) fn written(&self) -> Written {
        sync::lock(&self.shared).written
    }

    /// Ends everything: what waits is dropped, nothing more is taken. Only the first cause counts.
    pub(crate) fn fail(&self, failure: Failure) {
        let mut shared = sync::lock(&self.shared);
        if shared.failed.is_some() {
            return;
        }
        shared.failed = Some(failure);
        let dropped = std::mem::take(&mut shared.open);
        drop(shared);
        drop(dropped);
        self.work.notify_all();
        self.changed.notify_all();
    }

    /// Calls the failure hook if the engine has failed, once. Each thread does so after it has let go of the callers it
    /// held: the hook may end the process, and they are to be told before that.
    pub(crate) fn report_failure(&self) {
        let mut shared = sync::lock(&self.shared);
        let Some(failure) = shared.failed.clone() else { return };
        if std::mem::replace(&mut shared.reported, true) {
            return;
        }
        drop(shared);
        if let Some(hook) = &self.on_failure {
            hook(&failure);
        }
    }

    pub(crate) fn failure(&self) -> Option<Failure> {
        sync::lock(&self.shared).failed.clone()
    }

    /// For the journal thread, last of all.
    pub(crate) fn end(&self) {
        sync::lock(&self.shared).ended = true;
        self.changed.notify_all();
    }

    /// Waits until the journal thread has ended; false when `deadline` came first.
    pub(crate) fn wait_ended(&self, deadline: Instant) -> bool {
        let mut shared = sync::lock(&self.shared);
        while !shared.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            shared = sync::wait_timeout(&self.changed, shared, left).0;
        }
        true
    }
}

impl std::fmt::Debug for Commit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Commit").field("shared", &self.shared).finish_non_exhaustive()
    }
}
