//! Runtimes behind one trait.

use std::future::Future;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

/// A runtime with a number of workers.
pub trait Runtime: 'static {
    /// Runs `main` as a task, so that no third thread takes part, and waits for it.
    fn run<T, F>(workers: usize, main: F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static;

    /// Starts a task; its result.
    fn spawn<T, F>(task: F) -> impl Future<Output = T> + Send + 'static
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static;

    /// Starts a task that nobody waits for.
    fn start<F: Future<Output = ()> + Send + 'static>(task: F);

    /// Lets others go first.
    fn yield_now() -> impl Future<Output = ()> + Send;

    /// Waits.
    fn sleep(time: Duration) -> impl Future<Output = ()> + Send;

    /// Blocks the thread on purpose, in the way the runtime has for that.
    fn block(time: Duration);
}

/// `norace::rt`.
pub struct Norace;

impl Runtime for Norace {
    fn run<T, F>(workers: usize, main: F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        run_on(norace::rt::Builder::new().workers(workers), main)
    }

    fn spawn<T, F>(task: F) -> impl Future<Output = T> + Send + 'static
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let handle = norace::task::spawn(task);
        async move { handle.await.expect("it does not panic") }
    }

    fn start<F: Future<Output = ()> + Send + 'static>(task: F) {
        drop(norace::task::spawn(task));
    }

    async fn yield_now() {
        norace::task::yield_now().await;
    }

    async fn sleep(time: Duration) {
        norace::time::sleep(time).await;
    }

    fn block(time: Duration) {
        norace::task::block_in_place(|| thread::sleep(time));
    }
}

fn run_on<T, F>(builder: &norace::rt::Builder, main: F) -> T
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let runtime = builder.build().expect("a runtime");
    let main = runtime.spawn(main);
    runtime.block_on(main).expect("it does not panic")
}

/// `norace::rt` without help for what waits behind a poll that takes long.
pub struct Patient;

/// Longer than any task here.
pub const PATIENCE: Duration = Duration::from_secs(3600);

impl Runtime for Patient {
    fn run<T, F>(workers: usize, main: F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        run_on(norace::rt::Builder::new().workers(workers).stall_after(PATIENCE), main)
    }

    fn spawn<T, F>(task: F) -> impl Future<Output = T> + Send + 'static
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        Norace::spawn(task)
    }

    fn start<F: Future<Output = ()> + Send + 'static>(task: F) {
        Norace::start(task);
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        Norace::yield_now()
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + Send {
        Norace::sleep(time)
    }

    fn block(time: Duration) {
        Norace::block(time);
    }
}

/// tokio, multi-threaded; tasks have no budget, for the channels of others know none.
pub struct Tokio;

impl Runtime for Tokio {
    fn run<T, F>(workers: usize, main: F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(workers).enable_all().build().expect("a runtime");
        let main = runtime.spawn(tokio::task::unconstrained(main));
        runtime.block_on(main).expect("it does not panic")
    }

    fn spawn<T, F>(task: F) -> impl Future<Output = T> + Send + 'static
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let handle = tokio::spawn(tokio::task::unconstrained(task));
        async move { handle.await.expect("it does not panic") }
    }

    fn start<F: Future<Output = ()> + Send + 'static>(task: F) {
        drop(tokio::spawn(tokio::task::unconstrained(task)));
    }

    async fn yield_now() {
        tokio::task::yield_now().await;
    }

    async fn sleep(time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn block(time: Duration) {
        tokio::task::block_in_place(|| thread::sleep(time));
    }
}

/// async-executor on threads of its own.
pub struct Smol;

static EXECUTOR: LazyLock<async_executor::Executor<'static>> =
    LazyLock::new(async_executor::Executor::new);

impl Runtime for Smol {
    fn run<T, F>(workers: usize, main: F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        // They end with the process, which measures one thing.
        static WORKERS: std::sync::Once = std::sync::Once::new();
        WORKERS.call_once(|| {
            for _ in 0..workers {
                let work = || EXECUTOR.run(std::future::pending::<()>());
                thread::spawn(move || futures_lite::future::block_on(work()));
            }
        });
        futures_lite::future::block_on(EXECUTOR.spawn(main))
    }

    fn spawn<T, F>(task: F) -> impl Future<Output = T> + Send + 'static
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        EXECUTOR.spawn(task)
    }

    fn start<F: Future<Output = ()> + Send + 'static>(task: F) {
        EXECUTOR.spawn(task).detach();
    }

    async fn yield_now() {
        futures_lite::future::yield_now().await;
    }

    async fn sleep(_: Duration) {
        unreachable!("it has no timers")
    }

    fn block(time: Duration) {
        thread::sleep(time);
    }
}
