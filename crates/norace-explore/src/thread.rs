//! Threads, as in [`std::thread`].

use std::fmt;
use std::io;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

mod local;
mod scope;

pub use local::{AccessError, LocalKey};
pub use scope::{Scope, ScopedJoinHandle, scope};
pub use std::thread::Result;

pub(crate) use local::reset as reset_locals;

use crate::coroutine;
use crate::current;
use crate::engine::{Ended, Engine, Phase};
use crate::event::{ObjectId, Op, ThreadId};
use crate::job::{Job, Right, Task};
use crate::slot::perform;

/// A handle to a thread.
#[derive(Clone, Debug)]
pub struct Thread(Handle);

#[derive(Clone, Debug)]
enum Handle {
    Model { id: ThreadId, generation: u16, name: Option<Arc<str>> },
    Std(std::thread::Thread),
}

/// What tells a thread from all others, as [`std::thread::ThreadId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(UniqueId);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum UniqueId {
    Model(ThreadId, u16),
    Std(std::thread::ThreadId),
}

impl Handle {
    fn of(id: ThreadId, engine: &Engine) -> Self {
        let thread = &engine.threads[id];
        Self::Model { id, generation: thread.generation, name: thread.name.clone() }
    }

    fn of_new(id: ThreadId) -> Self {
        current::with(|engine| Self::of(id, engine)).expect("a thread is spawned inside a model")
    }
}

impl Thread {
    /// As `std`'s; in a model the same in every execution in which threads are spawned in the same order.
    pub fn id(&self) -> Id {
        Id(match &self.0 {
            Handle::Model { id, generation, .. } => UniqueId::Model(*id, *generation),
            Handle::Std(thread) => UniqueId::Std(thread.id()),
        })
    }

    /// As `std`'s.
    pub fn name(&self) -> Option<&str> {
        match &self.0 {
            Handle::Model { name, .. } => name.as_deref(),
            Handle::Std(thread) => thread.name(),
        }
    }

    /// The number of a model's thread; `None` for one of `std`'s.
    pub fn model_id(&self) -> Option<ThreadId> {
        match self.0 {
            Handle::Model { id, .. } => Some(id),
            Handle::Std(_) => None,
        }
    }

    /// As `std`'s.
    #[track_caller]
    pub fn unpark(&self) {
        match &self.0 {
            Handle::Model { id, generation, .. } => {
                let (id, generation) = (*id, *generation);
                // To who has ended, and whose number another has, it makes no difference.
                let meant = current::with(|engine| engine.threads[id].generation == generation);
                if meant != Some(false) {
                    perform(move |engine| engine.thread_object(id), Op::Unpark, Location::caller());
                }
            }
            Handle::Std(thread) => thread.unpark(),
        }
    }
}

/// As `std`'s: whether the thread that calls is unwinding.
#[inline]
pub fn panicking() -> bool {
    std::thread::panicking() && current::with(|engine| engine.is_unwinding()) != Some(false)
}

/// The thread that calls.
pub fn current() -> Thread {
    let model = current::with(|engine| {
        let id = engine.running;
        Handle::of(id, engine)
    });
    Thread(model.unwrap_or_else(|| Handle::Std(std::thread::current())))
}

fn own_object(engine: &mut Engine) -> ObjectId {
    engine.thread_object(engine.running)
}

/// As `std`'s; never returns spuriously.
#[track_caller]
pub fn park() {
    if perform(own_object, Op::Park { timer: false }, Location::caller()).is_none() {
        std::thread::park();
    }
}

/// As `std`'s.
#[track_caller]
pub fn park_timeout(time: Duration) {
    let here = Location::caller();
    if begin_timer(time, here) {
        perform(own_object, Op::Park { timer: true }, here);
    } else {
        std::thread::park_timeout(time);
    }
}

/// Starts the running thread's timer; false outside a model.
pub(crate) fn begin_timer(time: Duration, location: &'static Location<'static>) -> bool {
    let after_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    perform(|_| ObjectId::CLOCK, Op::TimerBegin { after_ns }, location).is_some()
}

/// As `std`'s, on virtual time.
#[track_caller]
pub fn sleep(time: Duration) {
    let here = Location::caller();
    if begin_timer(time, here) {
        perform(|_| ObjectId::CLOCK, Op::TimerFire, here);
    } else {
        std::thread::sleep(time);
    }
}

/// As `std`'s; in a model, a hint that has no effect on what is explored.
#[track_caller]
pub fn yield_now() {
    if perform(|_| ObjectId::CLOCK, Op::Yield, Location::caller()).is_none() {
        std::thread::yield_now();
    }
}

/// As `std`'s; in a model, a hint that has no effect on what is explored.
#[track_caller]
pub fn spin_loop() {
    if perform(|_| ObjectId::CLOCK, Op::Yield, Location::caller()).is_none() {
        std::hint::spin_loop();
    }
}

enum Joining<T> {
    Model(InModel<T>),
    Std(std::thread::JoinHandle<T>),
}

/// A thread of a model, whose result is dropped with this.
struct InModel<T> {
    right: Right,
    /// [`Right::give_up`] for `T`.
    give_up: fn(&mut Right) -> Option<Result<T>>,
}

impl<T> Drop for InModel<T> {
    fn drop(&mut self) {
        drop((self.give_up)(&mut self.right));
    }
}

/// As `std`'s.
pub struct JoinHandle<T> {
    thread: Thread,
    joining: Joining<T>,
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("thread", &self.thread).finish_non_exhaustive()
    }
}

impl<T> JoinHandle<T> {
    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// The payload of the thread's panic.
    #[track_caller]
    #[inline(always)]
    pub fn join(self) -> Result<T> {
        match self.joining {
            Joining::Model(mut thread) => {
                let target = thread.right.thread();
                let object = move |engine: &mut Engine| engine.thread_object(target);
                perform(object, Op::Join { target }, Location::caller());
                // There is none when the execution was given up.
                let result = (thread.give_up)(&mut thread.right);
                result.unwrap_or_else(|| Err(Box::new("the execution was given up")))
            }
            Joining::Std(handle) => handle.join(),
        }
    }

    /// The thread.
    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    /// As `std`'s, and like there it orders nothing: who sees that the thread has finished has not seen what it did.
    #[track_caller]
    pub fn is_finished(&self) -> bool {
        match &self.joining {
            Joining::Model(thread) => thread.right.is_finished(Location::caller()),
            Joining::Std(handle) => handle.is_finished(),
        }
    }
}

/// As `std`'s.
#[derive(Debug, Default)]
pub struct Builder {
    name: Option<String>,
    stack_bytes: Option<usize>,
}

impl Builder {
    /// As `std`'s.
    pub fn new() -> Self {
        Self::default()
    }

    /// As `std`'s.
    #[must_use]
    pub fn name(self, name: String) -> Self {
        Self { name: Some(name), ..self }
    }

    /// As `std`'s; in a model all stacks have the configured size.
    #[must_use]
    pub fn stack_size(self, bytes: usize) -> Self {
        Self { stack_bytes: Some(bytes), ..self }
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// As `std`'s; none in a model.
    #[track_caller]
    pub fn spawn<F, T>(self, run: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        if current::in_model() {
            let name = self.name.map(Arc::from);
            return spawn_task(run, name, Location::caller());
        }
        let handle = self.into_std().spawn(run)?;
        let thread = Thread(Handle::Std(handle.thread().clone()));
        Ok(JoinHandle { thread, joining: Joining::Std(handle) })
    }

    fn into_std(self) -> std::thread::Builder {
        let mut builder = std::thread::Builder::new();
        if let Some(name) = self.name {
            builder = builder.name(name);
        }
        if let Some(bytes) = self.stack_bytes {
            builder = builder.stack_size(bytes);
        }
        builder
    }
}

#[inline(always)]
fn spawn_task<F, T>(
    run: F,
    name: Option<Arc<str>>,
    location: &'static Location<'static>,
) -> io::Result<JoinHandle<T>>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    let right = spawn_in_model(Rc::new(Task::new(run)), true, name, location)?;
    let thread = Thread(Handle::of_new(right.thread()));
    let joining = Joining::Model(InModel { right, give_up: Right::give_up::<T> });
    Ok(JoinHandle { thread, joining })
}

/// Spawns a thread of the model, whose result somebody may ask for or nobody.
fn spawn_in_model(
    job: Rc<dyn Job>,
    is_owed: bool,
    name: Option<Arc<str>>,
    location: &'static Location<'static>,
) -> io::Result<Right> {
    let mut job = Some(job);
    let right = current::with(|engine| {
        job.as_ref().filter(|_| engine.phase != Phase::Teardown)?;
        let id = engine.number_for_thread(location)?;
        engine.spawn(id, job.take()?, is_owed, name, location);
        Some(Right::new(id, engine))
    });
    // A closure that is refused is dropped here, where its drop may use the engine.
    right.flatten().ok_or_else(|| {
        wait_for_the_end(location);
        io::Error::other("the execution was given up")
    })
}

/// The running thread waits until what is left of the execution, which is over, is unwound.
#[cold]
pub(crate) fn wait_for_the_end(location: &'static Location<'static>) {
    if !current::is_tearing_down() {
        perform(own_object, Op::Now, location);
    }
}

/// Runs a thread of a model: its closure, then the destructors of its thread-local values.
#[inline(always)]
pub(crate) fn run_to_end<T>(run: impl FnOnce() -> T, leave: impl FnOnce(Result<T>)) -> Ended {
    let result = coroutine::catch(run);
    let ended = result.as_ref().err().map(|payload| coroutine::ended(&**payload));
    // Where nobody asks for the result, this drops it.
    let left = coroutine::catch(move || leave(result)).err();
    let left = left.map(|payload| coroutine::ended(&*payload));
    let after = local::end_of_thread();
    ended.or(left).or(after).unwrap_or(Ended::Returned)
}

/// As `std`'s.
///
/// # Panics
///
/// When the system gives no thread; in a model, beyond its number of threads.
#[track_caller]
pub fn spawn<F, T>(run: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let spawned = match current::in_model() {
        true => spawn_task(run, None, Location::caller()),
        false => Builder::new().spawn(run),
    };
    spawned.expect("a new thread")
}
