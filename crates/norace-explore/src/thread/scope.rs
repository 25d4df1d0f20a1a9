//! Scoped threads, as [`std::thread::scope`].
//!
//! **Invariant:** when [`scope`] returns or unwinds, every thread of the scope has ended, will never run again, or
//! never ran and its closure is dropped: so it may borrow from whatever outlives the call. At the end of an execution
//! threads are unwound last spawned first, hence before the thread that waits for them.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Builder, Result, Thread, run_to_end, spawn_in_model};
use crate::coroutine::describe;
use crate::current;
use crate::event::{Op, ThreadId};
use crate::job::{Closure, Job};
use crate::slot::perform;

/// What a thread leaves for who joins it.
type Packet<T> = Arc<Mutex<Option<Result<T>>>>;

/// A thread of a scope, without the type of its result.
#[derive(Debug)]
enum Child {
    Model {
        id: ThreadId,
        joined: Mutex<bool>,
    },
    /// Taken by who joins it; gives the message of its panic.
    Std(Mutex<Option<std::thread::JoinHandle<Option<String>>>>),
}

impl Child {
    /// Waits for its end; the message when it ended by a panic that nobody else has been told of.
    fn join(&self, location: &'static Location<'static>) -> Option<String> {
        match self {
            Self::Model { id, joined } => {
                let id = *id;
                if *joined.lock().unwrap_or_else(PoisonError::into_inner) {
                    return None;
                }
                let object = move |engine: &mut crate::engine::Engine| engine.thread_object(id);
                perform(object, Op::Join { target: id }, location);
                *joined.lock().unwrap_or_else(PoisonError::into_inner) = true;
                current::with(|engine| engine.panic_message(id)).flatten()
            }
            Self::Std(handle) => {
                let handle = handle.lock().unwrap_or_else(PoisonError::into_inner).take();
                handle?.join().expect("its panics are caught")
            }
        }
    }

    fn is_finished(&self) -> bool {
        match self {
            Self::Model { id, .. } => {
                current::with(|engine| engine.threads[*id].finished).unwrap_or(true)
            }
            Self::Std(handle) => {
                let handle = handle.lock().unwrap_or_else(PoisonError::into_inner);
                handle.as_ref().is_none_or(std::thread::JoinHandle::is_finished)
            }
        }
    }
}

/// The threads of one scope, in spawn order.
#[derive(Debug, Default)]
struct Children(Mutex<Vec<Arc<Child>>>);

impl Children {
    fn get(&self, index: usize) -> Option<Arc<Child>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(index).cloned()
    }

    fn all(&self) -> impl Iterator<Item = Arc<Child>> {
        // One by one: a thread of the scope may spawn another while this one is waited for.
        (0..).map_while(|index| self.get(index))
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for child in self.all() {
            if let Child::Model { id, .. } = *child {
                drop(current::with(|engine| engine.leave_scope(id)));
            }
        }
    }
}

/// As `std`'s.
pub struct Scope<'scope, 'env: 'scope> {
    children: Arc<Children>,
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// Access to the end of a scope's thread.
pub struct ScopedJoinHandle<'scope, T> {
    thread: Thread,
    child: Arc<Child>,
    packet: Packet<T>,
    scope: PhantomData<&'scope ()>,
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").field("thread", &self.thread).finish_non_exhaustive()
    }
}

impl<T> ScopedJoinHandle<'_, T> {
    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// The payload of the thread's panic.
    #[track_caller]
    pub fn join(self) -> Result<T> {
        self.child.join(Location::caller());
        let result = self.packet.lock().unwrap_or_else(PoisonError::into_inner).take();
        // There is none when the execution was given up.
        result.unwrap_or_else(|| Err(Box::new("the execution was given up")))
    }

    /// The thread.
    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    /// As `std`'s; in a model it orders nothing and is no step.
    pub fn is_finished(&self) -> bool {
        self.child.is_finished()
    }
}

impl<'scope> Scope<'scope, '_> {
    /// As `std`'s.
    ///
    /// # Panics
    ///
    /// When the system gives no thread; in a model, beyond its number of threads.
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, run: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        Builder::new().spawn_scoped(self, run).expect("a new thread")
    }
}

impl Builder {
    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// As `std`'s; none in a model.
    #[track_caller]
    #[expect(unsafe_code, reason = "threads borrow from who waits for them")]
    pub fn spawn_scoped<'scope, F, T>(
        self,
        scope: &'scope Scope<'scope, '_>,
        run: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let packet: Packet<T> = Arc::new(Mutex::new(None));
        let (thread, child) = if current::in_model() {
            let left = Arc::clone(&packet);
            let leave = move |result| {
                *left.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            };
            let job: Rc<dyn Job + 'scope> = Rc::new(Closure::new(move || run_to_end(run, leave)));
            // SAFETY: only the lifetime changes. The module's invariant: the closure is gone when the scope ends, hence
            // within 'scope.
            let job = unsafe { std::mem::transmute::<Rc<dyn Job + 'scope>, Rc<dyn Job>>(job) };
            let name: Option<Arc<str>> = self.name.map(Arc::from);
            let id = spawn_in_model(job, false, name, Location::caller())?.thread();
            let thread = Thread(super::Handle::of_new(id));
            (thread, Child::Model { id, joined: Mutex::new(false) })
        } else {
            let left = Arc::clone(&packet);
            let run = move || {
                let result = catch_unwind(AssertUnwindSafe(run));
                let message = result.as_ref().err().map(|payload| describe(&**payload));
                *left.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
                message
            };
            // SAFETY: as above: the scope joins the thread before it ends.
            let handle = unsafe { self.into_std().spawn_unchecked(run) }?;
            let thread = Thread(super::Handle::Std(handle.thread().clone()));
            (thread, Child::Std(Mutex::new(Some(handle))))
        };
        let child = Arc::new(child);
        let mut children = scope.children.0.lock().unwrap_or_else(PoisonError::into_inner);
        children.push(Arc::clone(&child));
        Ok(ScopedJoinHandle { thread, child, packet, scope: PhantomData })
    }
}

/// As `std`'s.
///
/// # Panics
///
/// When a thread of the scope panicked and was not joined.
#[track_caller]
pub fn scope<'env, F, T>(run: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let here = Location::caller();
    let scope = Scope { children: Arc::default(), scope: PhantomData, env: PhantomData };
    let result = catch_unwind(AssertUnwindSafe(|| run(&scope)));
    let mut message = None;
    for child in scope.children.all() {
        message = child.join(here).or(message);
    }
    match (result, message) {
        (Err(payload), _) => {
            current::with(crate::engine::Engine::begins_to_unwind);
            resume_unwind(payload)
        }
        (Ok(_), Some(message)) => panic!("a scoped thread panicked: {message}"),
        (Ok(value), None) => value,
    }
}
