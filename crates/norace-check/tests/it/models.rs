//! Small programs, right and wrong.

use std::sync::Arc;

use norace_check::RaceCell;
use norace_explore::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use norace_explore::sync::{Condvar, Mutex, RwLock};
use norace_explore::thread;

/// A number handed over through a flag.
pub(crate) struct Slot {
    ready: AtomicBool,
    value: RaceCell<u64>,
}

impl Slot {
    fn put(&self, value: u64, order: Ordering) {
        self.value.set(value);
        self.ready.store(true, order);
    }

    fn get(&self, order: Ordering) -> Option<u64> {
        self.ready.load(order).then(|| self.value.get())
    }
}

/// One thread puts, the other gets.
pub(crate) fn hand_over(store: Ordering, load: Ordering) {
    let slot = Slot { ready: AtomicBool::new(false), value: RaceCell::named("slot.value", 0) };
    let slot = Arc::new(slot);
    let other = slot.clone();
    let put = move || other.put(42, store);
    let producer = thread::Builder::new().name("producer".into()).spawn(put).unwrap();
    if let Some(value) = slot.get(load) {
        assert_eq!(value, 42);
    }
    producer.join().unwrap();
}

/// A number handed over through a messenger, who reads with `learn` and stores with `tell`.
pub(crate) fn messenger(learn: Ordering, tell: Ordering) {
    let flags = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
    let value = Arc::new(RaceCell::named("value", 0));
    let (first, written) = (flags.clone(), value.clone());
    let writer = thread::spawn(move || {
        written.set(42);
        first[0].store(true, Ordering::Release);
    });
    let both = flags.clone();
    let messenger = thread::spawn(move || {
        if both[0].load(learn) {
            both[1].store(true, tell);
        }
    });
    if flags[1].load(Ordering::Acquire) {
        assert_eq!(value.get(), 42);
    }
    writer.join().unwrap();
    messenger.join().unwrap();
}

/// Two threads make a value each; who loses the exchange takes the other's.
pub(crate) fn lost_exchange() {
    let values = Arc::new([RaceCell::named("value", 0), RaceCell::named("value", 0)]);
    let taken = Arc::new(AtomicU32::new(u32::MAX));
    let get = move |own: u32| {
        values[own as usize].set(42);
        let taken = taken.compare_exchange(u32::MAX, own, Ordering::Release, Ordering::Relaxed);
        assert_eq!(values[taken.map_or_else(|winner| winner, |_| own) as usize].get(), 42);
    };
    let other = get.clone();
    let thread = thread::spawn(move || other(0));
    get(1);
    thread.join().unwrap();
}

/// A mistake of its own.
pub(crate) fn fails() {
    assert!(std::hint::black_box(false), "this is why");
}

/// Two threads, two locks, in opposite orders.
pub(crate) fn opposite_locks() {
    let locks = Arc::new((Mutex::new(1_u8), Mutex::new("b")));
    let other = locks.clone();
    let thread = thread::spawn(move || {
        let _b = other.1.lock().unwrap();
        let _a = other.0.lock().unwrap();
    });
    let a = locks.0.lock().unwrap();
    let b = locks.1.lock().unwrap();
    drop((a, b));
    thread.join().unwrap();
}

/// A reader that reads again while a writer waits.
pub(crate) fn read_in_read() {
    let lock = Arc::new(RwLock::new(1_u8));
    let other = lock.clone();
    let write = move || *other.write().unwrap() = 2;
    let writer = thread::Builder::new().name("writer".into()).spawn(write).unwrap();
    let outer = lock.read().unwrap();
    let inner = lock.read().unwrap();
    drop((outer, inner));
    writer.join().unwrap();
}

/// A wait that does not look whether it need wait.
pub(crate) fn lost_wake_up() {
    let shared = Arc::new((Mutex::new(()), Condvar::new()));
    let other = shared.clone();
    let thread = thread::spawn(move || other.1.notify_one());
    drop(shared.1.wait(shared.0.lock().unwrap()).unwrap());
    thread.join().unwrap();
}

/// A counter that reads and writes, by so many threads.
pub(crate) fn lost_update(threads: usize) {
    let count = Arc::new(AtomicU32::new(0));
    let threads: Vec<_> = (0..threads)
        .map(|_| {
            let count = count.clone();
            thread::spawn(move || {
                let seen = count.load(Ordering::SeqCst);
                count.store(seen + 1, Ordering::SeqCst);
            })
        })
        .collect();
    let all = u32::try_from(threads.len()).unwrap();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(count.load(Ordering::SeqCst), all, "an update was lost");
}

/// Two threads that each raise a flag and look at the other's: with these orderings both may miss it.
pub(crate) fn both_missed(order: Ordering) {
    let flags = Arc::new((AtomicBool::new(false), AtomicBool::new(false)));
    let other = flags.clone();
    let (store, load) = match order {
        Ordering::SeqCst => (Ordering::SeqCst, Ordering::SeqCst),
        _ => (Ordering::Release, Ordering::Acquire),
    };
    let thread = thread::spawn(move || {
        other.0.store(true, store);
        other.1.load(load)
    });
    flags.1.store(true, store);
    let mine = flags.0.load(load);
    assert!(thread.join().unwrap() || mine, "both missed the other");
}

/// A thread that sleeps unless it sees the work, and one that wakes it if it sees it sleep; they may miss each other.
pub(crate) fn missed_sleeper() {
    let flags = Arc::new((AtomicBool::new(false), AtomicBool::new(false)));
    let other = flags.clone();
    let sleep = move || {
        other.1.store(true, Ordering::Release);
        if !other.0.load(Ordering::Acquire) {
            thread::park();
        }
    };
    let sleeper = thread::Builder::new().name("sleeper".into()).spawn(sleep).unwrap();
    flags.0.store(true, Ordering::Release);
    if flags.1.load(Ordering::Acquire) {
        sleeper.thread().unpark();
    }
}

/// A thread that nobody wakes.
pub(crate) fn leak() {
    thread::Builder::new().name("forgotten".into()).spawn(thread::park).unwrap();
}

/// Waits for what nobody does.
pub(crate) fn spin() {
    let flag = AtomicBool::new(false);
    while !flag.load(Ordering::Acquire) {
        thread::spin_loop();
    }
}
