//! A value that threads read while one publishes now and then.
//!
//! `load` is a read by who has no copy, `cached` one by a reader with a copy of its own, where the contender has that.
//! Each read looks at the value. A writer keeps its rate by the clock.

use std::any::Any;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, Cache};
use norace::config::Hot;
use norace_bench_measure::{Done, Run};
use tokio::sync::watch;

mod file;
mod held;
mod storm;

pub use file::follow;
pub use held::across;
pub use storm::storm;

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

/// Settings behind a box whose type is asked for at each read, as who keeps values of any type has them.
type Boxed = Box<dyn Any + Send + Sync>;

fn unboxed(value: &Boxed) -> &Settings {
    value.downcast_ref().expect("it holds settings")
}

impl Holder for Load<Hot<Boxed>> {
    fn reader(&self) -> impl FnMut() {
        || unboxed(&self.0.load()).see()
    }

    fn publish(&self, value: Settings) {
        let Ok(_) = self.0.publish(Box::new(value) as Boxed);
    }
}

impl Holder for Load<ArcSwap<Boxed>> {
    fn reader(&self) -> impl FnMut() {
        || unboxed(&self.0.load()).see()
    }

    fn publish(&self, value: Settings) {
        self.0.store(Arc::new(Box::new(value)));
    }
}

impl Holder for Load<Mutex<Arc<Boxed>>> {
    fn reader(&self) -> impl FnMut() {
        || {
            let value = self.0.lock().expect("nothing panics").clone();
            unboxed(&value).see();
        }
    }

    fn publish(&self, value: Settings) {
        *self.0.lock().expect("nothing panics") = Arc::new(Box::new(value));
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

/// Does something with what `contender` holds a value in, if that is known.
macro_rules! on_holder {
    ($contender:expr, |$holder:ident| $task:expr) => {{
        let value = Settings::new(1);
        match $contender {
            "norace" => {
                let $holder = Load(Hot::new(value));
                Some($task)
            }
            "arc-swap" => {
                let $holder = Load(ArcSwap::from_pointee(value));
                Some($task)
            }
            "rwlock" => {
                let $holder = Load(RwLock::new(Arc::new(value)));
                Some($task)
            }
            "mutex" => {
                let $holder = Load(Mutex::new(Arc::new(value)));
                Some($task)
            }
            "parking-lot" => {
                let $holder = Load(parking_lot::RwLock::new(Arc::new(value)));
                Some($task)
            }
            "watch" => {
                let $holder = Load(watch::Sender::new(value));
                Some($task)
            }
            _ => None,
        }
    }};
}

/// `load:THREADS:WRITES`, `boxed:THREADS:WRITES` and `cached:THREADS:WRITES`, the writes those of a second.
pub fn read(run: Run, contender: &str, name: &str, parameters: &[&str]) -> Option<Done> {
    let how = (parameters.first()?.parse().ok()?, parameters.get(1)?.parse().ok()?);
    match (name, contender) {
        ("boxed", contender) => {
            let value: Boxed = Box::new(Settings::new(1));
            match contender {
                "norace" => Some(reads(run, how, &Load(Hot::new(value)))),
                "arc-swap" => Some(reads(run, how, &Load(ArcSwap::from_pointee(value)))),
                "mutex" => Some(reads(run, how, &Load(Mutex::new(Arc::new(value))))),
                _ => None,
            }
        }
        ("load", contender) => on_holder!(contender, |holder| reads(run, how, &holder)),
        (_, "norace") => Some(reads(run, how, &Cached(Hot::new(Settings::new(1))))),
        (_, "arc-swap") => Some(reads(run, how, &Cached(ArcSwap::from_pointee(Settings::new(1))))),
        _ => None,
    }
}

/// `hold`, 1 us each, beside 1,000 writes a second; how long those took.
pub fn hold(run: Run, contender: &str) -> Option<Done> {
    on_holder!(contender, |holder| held::hold(run, &holder))
}

/// `nine`: reads of which a thread has nine at once.
pub fn nine(run: Run, contender: &str) -> Option<Done> {
    on_holder!(contender, |holder| held::nine(run, &holder))
}

/// `store:READERS`: writes while so many threads sleep that have read.
pub fn store(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let readers = parameters.first()?.parse().ok()?;
    on_holder!(contender, |holder| storm::store(run, readers, &holder))
}

/// Passes of reads on some threads, beside so many writes a second.
fn reads(run: Run, (threads, writes): (u64, u64), holder: &impl Holder) -> Done {
    let pass = || {
        let one = || {
            let mut read = holder.reader();
            (0..EACH).for_each(|_| read());
        };
        match threads {
            1 => one(),
            _ => thread::scope(|scope| (0..threads).for_each(|_| _ = scope.spawn(one))),
        }
        threads * EACH
    };
    let begun = Instant::now();
    let (done, times) = beside_writes(run, writes, holder, pass);
    let thousands = (times.len() as f64 / begun.elapsed().as_secs_f64() / 1e3).round();
    let ns = done.seconds * 1e9 / done.ops as f64;
    done.with("ns", ns).with("writes_per_second", thousands * 1e3)
}

/// Passes beside so many writes a second; and how long each of those took.
fn beside_writes(
    run: Run,
    writes: u64,
    holder: &impl Holder,
    pass: impl FnMut() -> u64,
) -> (Done, Vec<u64>) {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = (writes > 0).then(|| scope.spawn(|| write(holder, writes, &ended)));
        let done = run.passes(pass);
        // Relaxed: it carries nothing.
        ended.store(true, Ordering::Relaxed);
        let times = writer.map(|thread| thread.join().expect("it does not panic"));
        (done, times.unwrap_or_default())
    })
}

/// A pause that is shorter is no sleep: waking takes longer.
const SLEEP_MIN: Duration = Duration::from_micros(200);
/// A writer that does not sleep makes up for so much time at most that it was held up.
const LAG_MAX: Duration = Duration::from_millis(1);

/// Publishes at a rate; after a pause no faster than that, where it sleeps.
fn write(holder: &impl Holder, rate: u64, ended: &AtomicBool) -> Vec<u64> {
    let pause = Duration::from_secs(1) / u32::try_from(rate).expect("a rate of less than 2^32");
    let (mut due, mut times) = (Instant::now(), Vec::new());
    // Relaxed: it carries nothing.
    for number in (2..).take_while(|_| !ended.load(Ordering::Relaxed)) {
        let begun = Instant::now();
        holder.publish(Settings::new(number));
        times.push(u64::try_from(begun.elapsed().as_nanos()).expect("it is short"));
        if pause >= SLEEP_MIN {
            due = (due + pause).max(Instant::now());
            thread::sleep(due.saturating_duration_since(Instant::now()));
        } else {
            due = (due + pause).max(Instant::now() - LAG_MAX);
            while Instant::now() < due {
                std::hint::spin_loop();
            }
        }
    }
    times
}
