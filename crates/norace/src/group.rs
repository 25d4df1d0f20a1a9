//! Structured tasks: a [`Group`] starts tasks, waits for all of them, and answers for each.
//!
//! ```
//! use norace::{context::Context, group::Group};
//! # norace::rt::Runtime::new().unwrap().block_on(async {
//! let group = Group::isolate(&Context::new()).limit(8);
//! for n in 0..100u32 {
//!     group.spawn(async move { if n == 13 { panic!("unlucky") } else { n } }).await;
//! }
//! let outcomes = group.join().await;
//! assert_eq!(outcomes.iter().flatten().sum::<u32>(), 4950 - 13);
//! assert_eq!(outcomes[13].as_ref().unwrap_err().panic_message(), Some("unlucky"));
//! # });
//! ```
//!
//! # How it works
//!
//! A task of a group is a task of the runtime whose future runs under the group's context and carries a *finish*: a
//! value whose drop, however the task ends, gives back the slot, reports a failure, and puts the task's place on the
//! list of finished ones. The group then takes that task's outcome from its join handle, which follows at once. So a
//! group waits on one list however many tasks it has, and its memory is one place per task not yet collected.
//!
//! Slots are a channel of the kit with the limit as its capacity: a running task is a value in it. That makes waiting
//! for a slot fair and cancel safe without another protocol.

use crate::chan::{self, Receiver, Sender};
use crate::context::{Cause, Context};
use crate::rt::Handle;
use crate::task::{Builder, JoinHandle, TaskError, TaskId};
use crate::wait::{Key, Slab};
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::thread;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;

/// Tasks that belong together and end together.
///
/// # When to use it
///
/// Whenever the one who starts tasks also has to know how they end. For a task that may outlive everybody use
/// [`task::spawn`](crate::task::spawn).
///
/// # Failures
///
/// Nothing a task does reaches another task or the group's owner, except as an outcome. In a [`fail_fast`] group the
/// first failure also cancels the group's context and with it the other tasks. A failure is a panic, a task the
/// runtime refused or ended, and, for tasks started with [`spawn_try`](Self::spawn_try), an `Err`. In an [`isolate`]
/// group each task is for itself.
///
/// # Cancelling
///
/// Cancelling the group's [context](Self::context), or one above it, ends each task at its next await, and its outcome
/// is [`TaskError::Cancelled`] with the cause. Dropping the group does the same, with [`Cause::Dropped`].
///
/// [`fail_fast`]: Self::fail_fast
/// [`isolate`]: Self::isolate
pub struct Group<T> {
    context: Context,
    fail_fast: bool,
    name: Option<Arc<str>>,
    slots: Option<Slots>,
    members: Mutex<Members<T>>,
    finished: (Sender<Key>, Receiver<Key>),
    /// Taken from the members because it has finished; its outcome is being waited for.
    collecting: Option<Member<T>>,
}

struct Members<T> {
    slab: Slab<Member<T>>,
    count: usize,
    next_number: u64,
}

struct Member<T> {
    /// The group's tasks are numbered in the order in which they were started.
    number: u64,
    /// `None` only while it is being started.
    handle: Option<JoinHandle<Result<T, Cause>>>,
}

struct Slots {
    take: Sender<()>,
    give: Receiver<()>,
}

impl<T: Send + 'static> Group<T> {
    /// A group below `context` in which the first failure cancels the rest.
    pub fn fail_fast(context: &Context) -> Self {
        Self::new(context, true)
    }

    /// A group below `context` in which each task is for itself.
    pub fn isolate(context: &Context) -> Self {
        Self::new(context, false)
    }

    fn new(context: &Context, fail_fast: bool) -> Self {
        let slab = Slab::new();
        Self {
            context: context.child(),
            fail_fast,
            name: None,
            slots: None,
            members: Mutex::new(Members { slab, count: 0, next_number: 0 }),
            finished: chan::unbounded(),
            collecting: None,
        }
    }

    /// At most `tasks` of them run at once. Without this call there is no limit but the runtime's.
    ///
    /// # Panics
    ///
    /// When `tasks` is 0, or when the group has started a task already.
    #[must_use]
    pub fn limit(mut self, tasks: usize) -> Self {
        assert!(tasks > 0, "a group was limited to 0 tasks");
        assert!(lock(&self.members).next_number == 0, "a group was limited after its first task");
        let (take, give) = chan::bounded(tasks);
        self.slots = Some(Slots { take, give });
        self
    }

    /// What the group's tasks are called in errors and reports.
    #[must_use]
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Starts a task, once there is a slot for it.
    ///
    /// Those who wait for a slot get it in the order in which they came. Dropping this future before it is ready starts
    /// nothing.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> impl Future<Output = TaskId> + use<'_, T, F>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let spawned_at = Location::caller();
        async move {
            let slot = self.slot().await;
            self.start(slot, future, |_| None, spawned_at)
        }
    }

    /// Starts a task if there is a slot for it now.
    ///
    /// # Errors
    ///
    /// [`Full`] with the future when there is none.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    #[track_caller]
    pub fn try_spawn<F>(&self, future: F) -> Result<TaskId, Full<F>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        match self.try_slot() {
            Some(slot) => Ok(self.start(slot, future, |_| None, Location::caller())),
            None => Err(Full(future)),
        }
    }

    /// Waits for the next task to end, and takes its outcome; `None` when the group has no more tasks.
    ///
    /// Cancel safe. Memory stays bounded by the tasks that run and those not yet collected, however many there have
    /// been.
    pub async fn next(&mut self) -> Option<(TaskId, Result<T, TaskError>)> {
        let (_, id, outcome) = self.next_numbered().await?;
        Some((id, outcome))
    }

    /// Waits for all tasks to end; their outcomes in the order in which they were started.
    ///
    /// Outcomes that [`next`](Self::next) has taken are not among them. Dropping this future cancels the tasks.
    pub async fn join(mut self) -> Vec<Result<T, TaskError>> {
        let mut outcomes = Vec::with_capacity(self.len());
        while let Some((number, _, outcome)) = self.next_numbered().await {
            outcomes.push((number, outcome));
        }
        outcomes.sort_unstable_by_key(|(number, _)| *number);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    async fn next_numbered(&mut self) -> Option<(u64, TaskId, Result<T, TaskError>)> {
        if self.collecting.is_none() {
            if lock(&self.members).count == 0 {
                return None;
            }
            let place = self.finished.1.recv().await.expect("the group holds a sender");
            let mut members = lock(&self.members);
            members.count -= 1;
            self.collecting = Some(members.slab.remove(place));
        }
        // The member stays in the group while it is waited for: whoever drops this future can call again.
        let handle = self.collecting.as_mut().and_then(|member| member.handle.as_mut());
        let handle = handle.expect("a finished task has been started");
        let id = handle.id();
        let outcome = match handle.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(cause)) => Err(TaskError::Cancelled { cause }),
            Err(error) => Err(error),
        };
        let member = self.collecting.take().expect("set above");
        Some((member.number, id, outcome))
    }

    async fn slot(&self) -> Slot {
        let Some(slots) = &self.slots else { return Slot(None) };
        // The group holds the receiver and nobody closes: this cannot fail.
        let taken = slots.take.send(()).await;
        debug_assert!(taken.is_ok(), "the channel of slots is open");
        Slot(Some(slots.give.clone()))
    }

    fn try_slot(&self) -> Option<Slot> {
        match &self.slots {
            None => Some(Slot(None)),
            Some(slots) => slots.take.try_send(()).ok().map(|()| Slot(Some(slots.give.clone()))),
        }
    }

    fn start<F>(
        &self,
        slot: Slot,
        future: F,
        failure: fn(&T) -> Option<Cause>,
        spawned_at: &'static Location<'static>,
    ) -> TaskId
    where
        F: Future<Output = T> + Send + 'static,
    {
        // Panics outside a runtime, before anything is registered.
        let runtime = Handle::current();
        let place = {
            let mut members = lock(&self.members);
            let number = members.next_number;
            members.next_number += 1;
            members.count += 1;
            members.slab.insert(Member { number, handle: None })
        };
        let finish = Finish {
            place,
            list: self.finished.0.clone(),
            fails: self.fail_fast.then(|| self.context.clone()),
            spawned_at,
            ended: false,
            _slot: slot,
        };
        let context = self.context.clone();
        let task = async move {
            let mut finish = finish;
            let result = context.run(future).await;
            finish.end(result.as_ref().ok().and_then(failure));
            result
        };
        let mut builder = Builder::new().on(&runtime).spawned_at(spawned_at);
        if let Some(name) = &self.name {
            builder = builder.name(name.clone());
        }
        // A task that is refused has ended as cancelled, and its outcome says why.
        let handle = builder.spawn_or_refuse(task);
        let id = handle.id();
        lock(&self.members).slab.get_mut(place).handle = Some(handle);
        id
    }
}

impl<T, E> Group<Result<T, E>>
where
    T: Send + 'static,
    E: fmt::Display + Send + 'static,
{
    /// [`spawn`](Self::spawn) for a task whose `Err` is a failure: in a fail-fast group it cancels the rest, with the
    /// error's text as the cause.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn_try<F>(&self, future: F) -> impl Future<Output = TaskId> + use<'_, T, E, F>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let spawned_at = Location::caller();
        async move {
            let slot = self.slot().await;
            let failure = |result: &Result<T, E>| {
                result.as_ref().err().map(|error| Cause::Failed(error.to_string().into()))
            };
            self.start(slot, future, failure, spawned_at)
        }
    }
}

impl<T> Group<T> {
    /// The context under which the tasks run. Cancelling it ends them; giving it to them lets them end early
    /// themselves.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// How many tasks are running or not yet collected.
    pub fn len(&self) -> usize {
        lock(&self.members).count + usize::from(self.collecting.is_some())
    }

    /// Whether every task has been collected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Drop for Group<T> {
    fn drop(&mut self) {
        self.context.cancel_with(Cause::Dropped);
    }
}

impl<T> fmt::Debug for Group<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("tasks", &self.len())
            .field("fail_fast", &self.fail_fast)
            .field("limit", &self.slots.as_ref().and_then(|slots| slots.take.capacity()))
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

/// A task's right to run, given back when dropped; `None` where there is no limit.
struct Slot(Option<Receiver<()>>);

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(slots) = &self.0 {
            let taken = slots.try_recv();
            debug_assert!(taken.is_ok(), "a running task is a value in the channel of slots");
        }
    }
}

/// What a task carries to its end, whichever that is.
struct Finish {
    place: Key,
    list: Sender<Key>,
    /// The context to cancel when the task fails.
    fails: Option<Context>,
    spawned_at: &'static Location<'static>,
    /// The task's future came to an end by itself or by the group's context.
    ended: bool,
    _slot: Slot,
}

impl Finish {
    fn end(&mut self, failure: Option<Cause>) {
        self.ended = true;
        if let (Some(context), Some(cause)) = (&self.fails, failure) {
            context.cancel_with(cause);
        }
    }
}

impl Drop for Finish {
    fn drop(&mut self) {
        if let (Some(context), false) = (&self.fails, self.ended) {
            let how = if thread::panicking() { "panicked" } else { "was ended by its runtime" };
            let text = format!("the task spawned at {} {how}", self.spawned_at);
            context.cancel_with(Cause::Failed(text.into()));
        }
        // Closed when the group is gone: nobody collects.
        let _ = self.list.try_send(self.place);
    }
}

/// [`Group::try_spawn`] found no slot; the future comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Full<F>(pub F);

impl<F> Full<F> {
    /// The future that was not started.
    pub fn into_inner(self) -> F {
        self.0
    }
}

impl<F> fmt::Debug for Full<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Full(..)")
    }
}

impl<F> fmt::Display for Full<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("spawned into a group that runs as many tasks as its limit allows")
    }
}

impl<F> Error for Full<F> {}
