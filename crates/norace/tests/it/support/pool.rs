//! A small executor of its own: threads around one queue. It knows nothing of the kit, and the kit nothing of it.

use norace::prim::sync::{Arc, Condvar, Mutex, lock, wait_timeout};
use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

/// How long a pool may take to finish before its tasks count as stuck.
const PATIENCE: Duration = Duration::from_secs(120);

type Body = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Default)]
struct State {
    runnable: VecDeque<Arc<Task>>,
    live: usize,
    panic: Option<Box<dyn std::any::Any + Send>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct Task {
    body: Mutex<Option<Body>>,
    shared: Arc<Shared>,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let shared = self.shared.clone();
        lock(&shared.state).runnable.push_back(self);
        shared.changed.notify_one();
    }
}

/// Spawns tasks, then runs them all to their end.
#[derive(Clone, Default)]
pub(crate) struct Pool(Arc<Shared>);

impl Pool {
    /// Runs what `main` and its descendants spawn on `threads` threads; returns when every task has ended.
    pub(crate) fn run(threads: usize, main: impl FnOnce(&Self)) {
        let pool = Self::default();
        main(&pool);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| pool.work());
            }
        });
        let panic = lock(&pool.0.state).panic.take();
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
    }

    /// Adds a task.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let body: Body = Box::pin(future);
        let task = Arc::new(Task { body: Mutex::new(Some(body)), shared: self.0.clone() });
        lock(&self.0.state).live += 1;
        task.wake();
    }

    fn work(&self) {
        loop {
            let task = {
                let mut state = lock(&self.0.state);
                loop {
                    if state.live == 0 || state.panic.is_some() {
                        return;
                    }
                    if let Some(task) = state.runnable.pop_front() {
                        break task;
                    }
                    let (next, timed_out) = wait_timeout(&self.0.changed, state, PATIENCE);
                    state = next;
                    assert!(!timed_out, "{} tasks are stuck", state.live);
                }
            };
            self.poll(&task);
        }
    }

    fn poll(&self, task: &Arc<Task>) {
        let mut body = lock(&task.body);
        let Some(future) = body.as_mut() else { return };
        let waker = Waker::from(task.clone());
        let poll = || future.as_mut().poll(&mut Context::from_waker(&waker));
        let result = catch_unwind(AssertUnwindSafe(poll));
        if let Ok(poll) = &result
            && poll.is_pending()
        {
            return;
        }
        *body = None;
        let mut state = lock(&self.0.state);
        state.live -= 1;
        state.panic = state.panic.take().or_else(|| result.err());
        drop(state);
        self.0.changed.notify_all();
    }
}
