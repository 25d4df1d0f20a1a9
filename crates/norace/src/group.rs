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
//! group waits on one list however many tasks it has, and its memory is one place per task not yet collected. A task
//! may end before who starts it has stored its handle: the later of the two puts its place on the list.
//!
//! Slots are a channel of the kit with the limit as its capacity: a running task is a value in it. That makes waiting
//! for a slot fair and cancel safe without another protocol. The budget is another one: a task is a value in it from
//! before it is started until its outcome was taken.
//!
//! One collects at a time, under a lock that is held across its awaits. So a group that was seen to have a task has
//! one until this collector has taken it, and whoever comes next looks again.

use crate::chan::{self, Receiver, Sender};
use crate::context::{Cause, Context};
use crate::rt::Handle;
use crate::sync;
use crate::task::{Builder, JoinHandle, TaskError, TaskId};
use crate::wait::{Key, Slab};
use norace_prim::atomic::{AtomicBool, Ordering};
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
    /// For those that run.
    slots: Option<Slots>,
    /// For those that are in the group.
    budget: Option<Slots>,
    members: Mutex<Members<T>>,
    finished: Sender<Key>,
    collecting: sync::Mutex<Collecting<T>>,
}

struct Members<T> {
    slab: Slab<Member<T>>,
    /// Those whose outcome was not taken.
    count: usize,
    next_number: u64,
}

/// What the one who collects has.
struct Collecting<T> {
    finished: Receiver<Key>,
    /// Taken from the members because it has finished; its outcome is being waited for.
    member: Option<Member<T>>,
}

struct Member<T> {
    /// The group's tasks are numbered in the order in which they were started.
    number: u64,
    /// `None` only while it is being started.
    handle: Option<JoinHandle<Result<T, Cause>>>,
    /// Of the budget.
    _room: Slot,
}

struct Slots {
    take: Sender<()>,
    give: Receiver<()>,
}

impl Slots {
    fn new(slots: usize) -> Self {
        let (take, give) = chan::bounded(slots);
        Self { take, give }
    }

    fn number(slots: Option<&Self>) -> Option<usize> {
        slots.and_then(|slots| slots.take.capacity())
    }
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
        let (sender, finished) = chan::unbounded();
        Self {
            context: context.child(),
            fail_fast,
            name: None,
            slots: None,
            budget: None,
            members: Mutex::new(Members { slab, count: 0, next_number: 0 }),
            finished: sender,
            collecting: sync::Mutex::new(Collecting { finished, member: None }),
        }
    }

    /// At most `tasks` of them run at once. Without this call there is no limit but the runtime's.
    ///
    /// # Panics
    ///
    /// When `tasks` is 0, or when the group has started a task already.
    #[must_use]
    pub fn limit(mut self, tasks: usize) -> Self {
        self.slots = Some(self.bound(tasks));
        self
    }

    /// At most `tasks` of them are in the group at once: those that run, and those that have ended and whose outcome
    /// nobody has taken. Without this call outcomes are kept however many there are.
    ///
    /// Beyond it [`spawn`](Self::spawn) waits until [`next`](Self::next) has taken an outcome, and
    /// [`try_spawn`](Self::try_spawn) is refused. As with a bounded channel, one fills it while another one empties it:
    /// who starts more tasks than that before taking an outcome, and lets nobody else take one, waits for ever.
    ///
    /// ```
    /// use norace::{context::Context, group::Group};
    /// # norace::rt::Runtime::new().unwrap().block_on(async {
    /// let group = Group::isolate(&Context::new()).max_tasks(16);
    /// for n in 0..16 {
    ///     group.spawn(async move { n }).await;
    /// }
    /// // They may have ended long ago: their outcomes are kept.
    /// assert!(group.try_spawn(async { 16 }).is_err());
    /// let (_, outcome) = group.next().await.expect("there are 16");
    /// assert!(outcome.unwrap() < 16);
    /// group.spawn(async { 16 }).await;
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// When `tasks` is 0, or when the group has started a task already.
    #[must_use]
    pub fn max_tasks(mut self, tasks: usize) -> Self {
        self.budget = Some(self.bound(tasks));
        self
    }

    fn bound(&self, tasks: usize) -> Slots {
        assert!(tasks > 0, "a group was limited to 0 tasks");
        assert!(lock(&self.members).next_number == 0, "a group was limited after its first task");
        Slots::new(tasks)
    }

    /// What the group's tasks are called in errors and reports.
    #[must_use]
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Starts a task, once there is a slot for it, and room in the budget.
    ///
    /// Those who wait get it in the order in which they came. Dropping this future before it is ready starts
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
            let admitted = self.admit().await;
            self.start(admitted, future, |_| None, spawned_at)
        }
    }

    /// Starts a task if there is a slot for it now, and room in the budget.
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
        match self.try_admit() {
            Some(admitted) => Ok(self.start(admitted, future, |_| None, Location::caller())),
            None => Err(Full(future)),
        }
    }

    /// Waits for the next task to end, and takes its outcome; `None` when the group has no tasks now.
    ///
    /// Cancel safe. Memory stays bounded by the tasks that run and those not yet collected, however many there have
    /// been; see [`max_tasks`](Self::max_tasks). Several may collect: each outcome goes to one of them, and one at a
    /// time waits for a task while the others wait for their turn.
    pub async fn next(&self) -> Option<(TaskId, Result<T, TaskError>)> {
        let (_, id, outcome) = self.next_numbered().await?;
        Some((id, outcome))
    }

    /// Waits for all tasks to end; their outcomes in the order in which they were started.
    ///
    /// Outcomes that [`next`](Self::next) has taken are not among them. Dropping this future cancels the tasks.
    pub async fn join(self) -> Vec<Result<T, TaskError>> {
        let mut outcomes = Vec::with_capacity(self.len());
        while let Some((number, _, outcome)) = self.next_numbered().await {
            outcomes.push((number, outcome));
        }
        outcomes.sort_unstable_by_key(|(number, _)| *number);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    async fn next_numbered(&self) -> Option<(u64, TaskId, Result<T, TaskError>)> {
        let mut collecting = self.collecting.lock().await;
        let Collecting { finished, member } = &mut *collecting;
        if member.is_none() {
            if lock(&self.members).count == 0 {
                return None;
            }
            let place = finished.recv().await.expect("the group holds a sender");
            *member = Some(lock(&self.members).slab.remove(place));
        }
        // The member stays in the group while it is waited for: whoever drops this future can call again.
        let handle = member.as_mut().and_then(|member| member.handle.as_mut());
        let handle = handle.expect("a task on the list has been started");
        let id = handle.id();
        let outcome = match handle.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(cause)) => Err(TaskError::Cancelled { cause }),
            Err(error) => Err(error),
        };
        let member = member.take().expect("set above");
        lock(&self.members).count -= 1;
        Some((member.number, id, outcome))
    }

    async fn admit(&self) -> Admitted {
        let room = Slot::take(self.budget.as_ref()).await;
        Admitted { slot: Slot::take(self.slots.as_ref()).await, room }
    }

    fn try_admit(&self) -> Option<Admitted> {
        let room = Slot::try_take(self.budget.as_ref())?;
        Some(Admitted { slot: Slot::try_take(self.slots.as_ref())?, room })
    }

    fn start<F>(
        &self,
        Admitted { slot, room }: Admitted,
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
            members.slab.insert(Member { number, handle: None, _room: room })
        };
        let halves = Halves::default();
        let finish = Finish {
            place,
            list: self.finished.clone(),
            halves: halves.clone(),
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
        if halves.is_later() {
            // The group holds the receiver.
            let _ = self.finished.try_send(place);
        }
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
            let admitted = self.admit().await;
            let failure = |result: &Result<T, E>| {
                result.as_ref().err().map(|error| Cause::Failed(error.to_string().into()))
            };
            self.start(admitted, future, failure, spawned_at)
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
        lock(&self.members).count
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
            .field("limit", &Slots::number(self.slots.as_ref()))
            .field("max_tasks", &Slots::number(self.budget.as_ref()))
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

/// A task's right to run, or to be in the group, given back when dropped; `None` where there is no limit.
struct Slot(Option<Receiver<()>>);

impl Slot {
    async fn take(slots: Option<&Slots>) -> Self {
        let Some(slots) = slots else { return Self(None) };
        // The group holds the receiver and nobody closes: this cannot fail.
        let taken = slots.take.send(()).await;
        debug_assert!(taken.is_ok(), "the channel of slots is open");
        Self(Some(slots.give.clone()))
    }

    fn try_take(slots: Option<&Slots>) -> Option<Self> {
        match slots {
            None => Some(Self(None)),
            Some(slots) => slots.take.try_send(()).ok().map(|()| Self(Some(slots.give.clone()))),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(slots) = &self.0 {
            let taken = slots.try_recv();
            debug_assert!(taken.is_ok(), "a task is a value in the channel of slots");
        }
    }
}

/// What a task needs to be started.
struct Admitted {
    slot: Slot,
    room: Slot,
}

/// What a task carries to its end, whichever that is.
struct Finish {
    place: Key,
    list: Sender<Key>,
    halves: Halves,
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
        if self.halves.is_later() {
            // Closed when the group is gone: nobody collects.
            let _ = self.list.try_send(self.place);
        }
    }
}

/// The start and the end of a task, each of which asks once whether it is the later one.
#[derive(Clone, Default)]
struct Halves(Arc<AtomicBool>);

impl Halves {
    fn is_later(&self) -> bool {
        // AcqRel: the later one comes after what the former did before.
        self.0.swap(true, Ordering::AcqRel)
    }
}

/// [`Group::try_spawn`] found no slot, or no room in the budget; the future comes back.
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
        f.write_str("spawned into a group that runs or keeps as many tasks as it may")
    }
}

impl<F> Error for Full<F> {}

#[cfg(all(test, norace))]
mod models;
