//! Tasks that stay on one thread, so that their futures need not be `Send`.
//!
//! The future of such a task lives in a table of its thread ([`FUTURES`]) and never leaves it; the task cell, which
//! wakers and the registry share among threads, only holds the closure that makes the future and later a key into
//! that table.
//!
//! A thread that can take pinned tasks has a [`PinnedHost`]: a mailbox that wakers on any thread push to, and a
//! count of tasks that are alive. A thread that wants to end closes its host, which succeeds only when that count
//! is zero; a host that is closed refuses new tasks, and the spawner tries the next one. So no task is ever left
//! without its thread.

use super::cell::{Body, Task};
use crate::budget;
use crate::rt::park::Parker;
use norace_prim::atomic::{AtomicUsize, Ordering};
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::thread_local;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

type LocalFuture = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    /// The futures of this thread's pinned tasks, by key.
    static FUTURES: RefCell<HashMap<u64, LocalFuture>> = RefCell::new(HashMap::new());
    static NEXT_KEY: Cell<u64> = const { Cell::new(0) };
}

struct Mailbox {
    tasks: VecDeque<Task>,
    live: usize,
    /// The thread has tried to close: it waits for tasks to run and for the last one to end.
    ending: bool,
    closed: bool,
}

/// The part of a worker thread that pinned tasks see. Bounded by the number of live tasks: each is in it at most once.
pub(crate) struct PinnedHost {
    mailbox: Mutex<Mailbox>,
    /// How many tasks the mailbox holds, so that a worker without pinned tasks need not take the lock to know.
    len: AtomicUsize,
    parker: Arc<Parker>,
}

impl PinnedHost {
    pub(crate) fn new(parker: Arc<Parker>) -> Arc<Self> {
        let mailbox = Mailbox { tasks: VecDeque::new(), live: 0, ending: false, closed: false };
        Arc::new(Self { mailbox: Mutex::new(mailbox), len: AtomicUsize::new(0), parker })
    }

    /// What wakes the thread.
    pub(crate) fn parker(&self) -> &Arc<Parker> {
        &self.parker
    }

    /// Reserves a place for one more task; false when the thread is about to end.
    pub(crate) fn reserve(&self) -> bool {
        let mut mailbox = lock(&self.mailbox);
        if !mailbox.closed {
            mailbox.live += 1;
        }
        !mailbox.closed
    }

    /// One task fewer. The last one wakes a thread that wants to end: it may have ended elsewhere, in the hands of a
    /// spawner that was refused, without ever having been in the mailbox.
    pub(crate) fn release(&self) {
        let awaited = {
            let mut mailbox = lock(&self.mailbox);
            mailbox.live -= 1;
            mailbox.live == 0 && mailbox.ending
        };
        if awaited {
            self.parker.unpark();
        }
    }

    /// Adds a task that was woken and wakes the thread.
    pub(crate) fn push(self: Arc<Self>, task: Task) {
        let first = {
            let mut mailbox = lock(&self.mailbox);
            mailbox.tasks.push_back(task);
            // Relaxed: a hint for looks between two tasks; before it sleeps the thread looks under the lock.
            self.len.store(mailbox.tasks.len(), Ordering::Relaxed);
            mailbox.tasks.len() == 1
        };
        // Behind another task the thread is awake or woken already: it empties the mailbox before it sleeps.
        if first {
            self.parker.unpark();
        }
    }

    pub(crate) fn pop(&self) -> Option<Task> {
        // Relaxed: as in push.
        if self.len.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut mailbox = lock(&self.mailbox);
        let task = mailbox.tasks.pop_front();
        // Relaxed: as in push.
        self.len.store(mailbox.tasks.len(), Ordering::Relaxed);
        task
    }

    pub(crate) fn has_work(&self) -> bool {
        !lock(&self.mailbox).tasks.is_empty()
    }

    /// Takes no further tasks if none is alive; whether that was so.
    pub(crate) fn try_close(&self) -> bool {
        let mut mailbox = lock(&self.mailbox);
        mailbox.ending = true;
        mailbox.closed |= mailbox.live == 0;
        mailbox.closed
    }
}

/// What a pinned task's cell holds.
pub(crate) enum PinnedBody<M, T> {
    /// The closure that makes the future, on its way to the thread.
    Make(Option<M>),
    /// The future's key in the thread's table, and where it puts its output.
    Placed { key: u64, output: Arc<Mutex<Option<T>>> },
}

impl<M, F, T> PinnedBody<M, T>
where
    M: FnOnce() -> F,
    F: Future<Output = T> + 'static,
    T: Send + 'static,
{
    fn place(make: M) -> (Self, LocalFuture) {
        let key = NEXT_KEY.replace(NEXT_KEY.get() + 1);
        let output = Arc::new(Mutex::new(None));
        let future = {
            let output = output.clone();
            let made = make();
            async move {
                let value = made.await;
                *lock(&output) = Some(value);
            }
        };
        (Self::Placed { key, output }, Box::pin(future))
    }
}

impl<M, F, T> Body for PinnedBody<M, T>
where
    M: FnOnce() -> F + Send + 'static,
    F: Future<Output = T> + 'static,
    T: Send + 'static,
{
    type Output = T;

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        let mut future = match self {
            Self::Make(make) => {
                let (placed, future) = Self::place(make.take().expect("a future is made once"));
                *self = placed;
                future
            }
            Self::Placed { key, .. } => take_future(*key)
                .expect("a pinned task runs where its future is, while it is not done"),
        };
        let Self::Placed { key, output } = self else { unreachable!("placed above") };
        // The future is outside the table meanwhile: it may itself start and end pinned tasks.
        let polled = catch_unwind(AssertUnwindSafe(|| budget::with(|| future.as_mut().poll(cx))));
        FUTURES.with_borrow_mut(|futures| futures.insert(*key, future));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => {
                Poll::Ready(lock(output).take().expect("a finished future has left its output"))
            }
            // Back in the table, it is dropped with the body: not while unwinding, where a second panic would abort.
            Err(payload) => resume_unwind(payload),
        }
    }
}

impl<M, T> Drop for PinnedBody<M, T> {
    /// Ends the future where it lives: the cell drops its body on the thread that runs the task.
    fn drop(&mut self) {
        if let Self::Placed { key, .. } = self {
            drop(take_future(*key));
        }
    }
}

/// Takes a future out of this thread's table, also while the thread ends.
fn take_future(key: u64) -> Option<LocalFuture> {
    FUTURES.try_with(|futures| futures.borrow_mut().remove(&key)).ok().flatten()
}

#[cfg(all(test, norace))]
mod models;
#[cfg(test)]
mod tests;
