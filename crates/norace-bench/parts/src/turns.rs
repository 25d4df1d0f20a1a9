//! Tasks that take turns by an async lock or a semaphore. All of them on tokio's runtime, whosever lock it is.

use std::sync::Arc;

use norace_bench_measure::{Done, Run};

const EACH: u64 = 20_000;

/// An async lock around a number, or permits beside one.
trait Turns: Send + Sync + 'static {
    /// For so many at a time.
    fn new(permits: usize) -> Self;
    fn turn(&self) -> impl Future<Output = ()> + Send;
}

macro_rules! mutex {
    ($($mutex:ty),*) => {$(
        impl Turns for $mutex {
            fn new(_one: usize) -> Self {
                Self::new(0)
            }

            async fn turn(&self) {
                *self.lock().await += 1;
            }
        }
    )*};
}

mutex!(norace::sync::Mutex<u64>, tokio::sync::Mutex<u64>, async_lock::Mutex<u64>);

impl Turns for norace::sync::Semaphore {
    fn new(permits: usize) -> Self {
        Self::new(permits)
    }

    async fn turn(&self) {
        drop(self.acquire().await.expect("it is never closed"));
    }
}

impl Turns for tokio::sync::Semaphore {
    fn new(permits: usize) -> Self {
        Self::new(permits)
    }

    async fn turn(&self) {
        drop(self.acquire().await.expect("it is never closed"));
    }
}

impl Turns for async_lock::Semaphore {
    fn new(permits: usize) -> Self {
        Self::new(permits)
    }

    async fn turn(&self) {
        drop(self.acquire().await);
    }
}

/// Tasks that lock the same mutex.
pub fn lock(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let tasks = parameters.first()?.parse().ok()?;
    Some(match contender {
        "norace" => take_turns::<norace::sync::Mutex<u64>>(run, tasks, 1),
        "tokio" => take_turns::<tokio::sync::Mutex<u64>>(run, tasks, 1),
        "async-lock" => take_turns::<async_lock::Mutex<u64>>(run, tasks, 1),
        _ => return None,
    })
}

/// Tasks that share a number of permits.
pub fn permits(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let (tasks, permits) = (parameters.first()?.parse().ok()?, parameters.get(1)?.parse().ok()?);
    Some(match contender {
        "norace" => take_turns::<norace::sync::Semaphore>(run, tasks, permits),
        "tokio" => take_turns::<tokio::sync::Semaphore>(run, tasks, permits),
        "async-lock" => take_turns::<async_lock::Semaphore>(run, tasks, permits),
        _ => return None,
    })
}

fn take_turns<T: Turns>(run: Run, tasks: u64, permits: usize) -> Done {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(run.workers)
        .build()
        .expect("start the runtime");
    run.passes(|| {
        runtime.block_on(async {
            let turns = Arc::new(T::new(permits));
            let tasks: Vec<_> = (0..tasks)
                .map(|_| {
                    let turns = Arc::clone(&turns);
                    tokio::spawn(async move {
                        for _ in 0..EACH {
                            turns.turn().await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.expect("taking turns does not panic");
            }
        });
        tasks * EACH
    })
}
