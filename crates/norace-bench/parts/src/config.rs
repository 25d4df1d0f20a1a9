//! A value that threads read while one publishes now and then.
//!
//! `load` is a read by who has no copy, `cached` one by a reader with a copy of its own, where the contender has that.
//! Each read looks at the value. A writer keeps its rate by the clock.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, Cache};
use norace::config::Hot;
use norace_bench_measure::{Done, Run};
use tokio::sync::watch;

/// Reads of one thread in a pass.
const EACH: u64 = 100_000;

/// Settings as a service has them; every field is the same number.
struct Settings([u64; 8]);

impl Settings {
    fn new(number: u64) -> Self {
        Self([number; 8])
    }

    fn see(&self) {
        let (first, last) = (self.0[0], self.0[7]);
        assert_eq!(first, last, "a mixed value");
        black_box(last);
    }
}

/// Something that holds settings.
trait Holder: Sync {
    /// What a thread reads with.
    fn reader(&self) -> impl FnMut();
    fn publish(&self, value: Settings);
}

struct Load<T>(T);
struct Cached<T>(T);

impl Holder for Load<Hot<Settings>> {
    fn reader(&self) -> impl FnMut() {
        || self.0.load().see()
    }

    fn publish(&self, value: Settings) {
        let Ok(_) = self.0.publish(value);
    }
}

impl Holder for Cached<Hot<Settings>> {
    fn reader(&self) -> impl FnMut() {
        let mut reader = self.0.reader();
        move || reader.get().see()
    }

    fn publish(&self, value: Settings) {
        let Ok(_) = self.0.publish(value);
    }
}

impl Holder for Load<ArcSwap<Settings>> {
    fn reader(&self) -> impl FnMut() {
        || self.0.load().see()
    }

    fn publish(&self, value: Settings) {
        self.0.store(Arc::new(value));
    }
}

impl Holder for Cached<ArcSwap<Settings>> {
    fn reader(&self) -> impl FnMut() {
        let mut cache = Cache::new(&self.0);
        move || cache.load().see()
    }

    fn publish(&self, value: Settings) {
        self.0.store(Arc::new(value));
    }
}

impl Holder for Load<RwLock<Arc<Settings>>> {
    fn reader(&self) -> impl FnMut() {
        || {
            let value = self.0.read().expect("nothing panics").clone();
            value.see();
        }
    }

    fn publish(&self, value: Settings) {
        *self.0.write().expect("nothing panics") = Arc::new(value);
    }
}

impl Holder for Load<Mutex<Arc<Settings>>> {
    fn reader(&self) -> impl FnMut() {
        || {
            let value = self.0.lock().expect("nothing panics").clone();
            value.see();
        }
    }

    fn publish(&self, value: Settings) {
        *self.0.lock().expect("nothing panics") = Arc::new(value);
    }
}

impl Holder for Load<parking_lot::RwLock<Arc<Settings>>> {
    fn reader(&self) -> impl FnMut() {
        || {
            let value = self.0.read().clone();
            value.see();
        }
    }

    fn publish(&self, value: Settings) {
        *self.0.write() = Arc::new(value);
    }
}

impl Holder for Load<watch::Sender<Settings>> {
    fn reader(&self) -> impl FnMut() {
        let receiver = self.0.subscribe();
        move || receiver.borrow().see()
    }

    fn publish(&self, value: Settings) {
        self.0.send_replace(value);
    }
}

/// `load:THREADS:WRITES` and `cached:THREADS:WRITES`, the writes those of a second.
pub fn read(run: Run, contender: &str, name: &str, parameters: &[&str]) -> Option<Done> {
    let how = (parameters.first()?.parse().ok()?, parameters.get(1)?.parse().ok()?);
    let value = Settings::new(1);
    Some(match (name, contender) {
        ("load", "norace") => reads(run, how, &Load(Hot::new(value))),
        ("load", "arc-swap") => reads(run, how, &Load(ArcSwap::from_pointee(value))),
        ("load", "rwlock") => reads(run, how, &Load(RwLock::new(Arc::new(value)))),
        ("load", "mutex") => reads(run, how, &Load(Mutex::new(Arc::new(value)))),
        ("load", "parking-lot") => {
            reads(run, how, &Load(parking_lot::RwLock::new(Arc::new(value))))
        }
        ("load", "watch") => reads(run, how, &Load(watch::Sender::new(value))),
        ("cached", "norace") => reads(run, how, &Cached(Hot::new(value))),
        ("cached", "arc-swap") => reads(run, how, &Cached(ArcSwap::from_pointee(value))),
        _ => return None,
    })
}

/// Passes of reads on some threads, beside so many writes a second.
fn reads(run: Run, (threads, writes): (u64, u64), holder: &impl Holder) -> Done {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        if writes > 0 {
            scope.spawn(|| write(holder, writes, &ended));
        }
        let done = run.passes(|| {
            let one = || {
                let mut read = holder.reader();
                (0..EACH).for_each(|_| read());
            };
            match threads {
                1 => one(),
                _ => thread::scope(|scope| (0..threads).for_each(|_| _ = scope.spawn(one))),
            }
            threads * EACH
        });
        // Relaxed: it carries nothing.
        ended.store(true, Ordering::Relaxed);
        done
    })
}

/// Publishes at a rate; after a pause no faster than that.
fn write(holder: &impl Holder, rate: u64, ended: &AtomicBool) {
    let pause = Duration::from_secs(1) / u32::try_from(rate).expect("a rate of less than 2^32");
    let mut due = Instant::now();
    // Relaxed: it carries nothing.
    for number in (2..).take_while(|_| !ended.load(Ordering::Relaxed)) {
        holder.publish(Settings::new(number));
        due = (due + pause).max(Instant::now());
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}
