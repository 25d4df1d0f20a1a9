//! What was read is held for a while: for a microsecond, across an await, and nine at once.

use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use norace::config::Hot;
use norace_bench_measure::{Done, Run, p99};
use tokio::sync::watch;

use super::{Holder, Load, Settings, beside_writes};

/// Writes of a second.
const WRITES: u64 = 1_000;
const HOLD: Duration = Duration::from_micros(1);
const THREADS: u64 = 2;
/// Reads of a thread in a pass.
const EACH: u64 = 10_000;

/// One more than a thread has places for, of Norace's and arc-swap's.
const NINE: usize = 9;

const TASKS: u64 = 8;
/// Reads of a task in a pass.
const TASK_EACH: u64 = 1_000;

/// What is held is what a reader gets: a guard where there is one, else a count more of an `Arc`.
pub(super) trait Held: Holder {
    fn hold(&self, during: impl FnOnce());
    fn nine(&self);
}

macro_rules! held {
    ($($holder:ty, |$it:ident| $load:expr;)*) => {$(
        impl Held for Load<$holder> {
            fn hold(&self, during: impl FnOnce()) {
                let $it = &self.0;
                let value = $load;
                during();
                value.see();
            }

            fn nine(&self) {
                let $it = &self.0;
                let held: [_; NINE] = std::array::from_fn(|_| $load);
                held.iter().for_each(|value| value.see());
            }
        }
    )*};
}

held! {
    Hot<Settings>, |it| it.load();
    ArcSwap<Settings>, |it| it.load();
    RwLock<Arc<Settings>>, |it| it.read().expect("nothing panics").clone();
    Mutex<Arc<Settings>>, |it| it.lock().expect("nothing panics").clone();
    parking_lot::RwLock<Arc<Settings>>, |it| it.read().clone();
    watch::Sender<Settings>, |it| it.borrow();
}

/// Reads on two threads that hold what they read for a microsecond.
pub(super) fn hold(run: Run, holder: &impl Held) -> Done {
    let wait = || {
        let begun = Instant::now();
        while begun.elapsed() < HOLD {
            std::hint::spin_loop();
        }
    };
    let one = || (0..EACH).for_each(|_| holder.hold(wait));
    let (done, times) = beside_writes(run, WRITES, holder, || {
        thread::scope(|scope| (0..THREADS).for_each(|_| _ = scope.spawn(one)));
        THREADS * EACH
    });
    with_writes(done, times)
}

fn with_writes(done: Done, mut times: Vec<u64>) -> Done {
    done.with("write_p99_us", p99(&mut times) as f64 / 1e3)
}

pub(super) fn nine(run: Run, holder: &impl Held) -> Done {
    run.passes(|| {
        (0..EACH).for_each(|_| holder.nine());
        EACH * NINE as u64
    })
}

/// Who may be held across an await by a task that goes from thread to thread.
trait Across: Holder + Send + 'static {
    fn hold(&self) -> impl Future<Output = ()> + Send;
}

macro_rules! across {
    ($($holder:ty, |$it:ident| $load:expr;)*) => {$(
        impl Across for Load<$holder> {
            async fn hold(&self) {
                let $it = &self.0;
                let value = $load;
                tokio::task::yield_now().await;
                value.see();
            }
        }
    )*};
}

across! {
    Hot<Settings>, |it| it.load();
    ArcSwap<Settings>, |it| it.load();
    RwLock<Arc<Settings>>, |it| it.read().expect("nothing panics").clone();
    parking_lot::RwLock<Arc<Settings>>, |it| it.read().clone();
}

/// `await`: eight tasks that read, let others run, and look at what they have read.
pub fn across(run: Run, contender: &str) -> Option<Done> {
    let value = Settings::new(1);
    Some(match contender {
        "norace" => tasks(run, Load(Hot::new(value))),
        "arc-swap" => tasks(run, Load(ArcSwap::from_pointee(value))),
        "rwlock" => tasks(run, Load(RwLock::new(Arc::new(value)))),
        "parking-lot" => tasks(run, Load(parking_lot::RwLock::new(Arc::new(value)))),
        _ => return None,
    })
}

fn tasks(run: Run, holder: impl Across) -> Done {
    let holder = Arc::new(holder);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(run.workers).build().expect("start tokio");
    let pass = || {
        let start = |_| {
            let holder = Arc::clone(&holder);
            runtime.spawn(async move {
                for _ in 0..TASK_EACH {
                    holder.hold().await;
                }
            })
        };
        let tasks: Vec<_> = (0..TASKS).map(start).collect();
        tasks.into_iter().for_each(|task| runtime.block_on(task).expect("it does not panic"));
        TASKS * TASK_EACH
    };
    let (done, times) = beside_writes(run, WRITES, &*holder, pass);
    with_writes(done, times)
}
