//! Outside models, on real threads.

use std::cell::{Cell, RefCell};

use norace_prim::atomic::{AtomicBool, AtomicI8, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use norace_prim::sync::{
    Arc, Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock, lock, wait, wait_timeout,
};
use norace_prim::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use norace_prim::{rand, sys, thread};

static ATOMIC: AtomicU64 = AtomicU64::new(1);
static FLAG: AtomicBool = AtomicBool::new(true);
static SMALL: AtomicI8 = AtomicI8::new(-1);
static POINTER: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
static LOCK: Mutex<Vec<u32>> = Mutex::new(Vec::new());
static READERS: RwLock<u32> = RwLock::new(2);
static CHANGED: Condvar = Condvar::new();
static START: Once = Once::new();
static NAME: OnceLock<String> = OnceLock::new();
static SQUARES: LazyLock<Vec<u32>> = LazyLock::new(|| (0..4).map(|n| n * n).collect());
static MEETING: Barrier = Barrier::new(2);

norace_prim::thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(7) };
    /// With attributes, and an initialiser that is run.
    pub(crate) static WORDS: RefCell<Vec<&'static str>> = RefCell::new(vec!["one"]);
}

#[test]
fn every_type_works_in_statics() {
    // Relaxed: one thread.
    assert_eq!(ATOMIC.load(Ordering::Relaxed), 1);
    // Relaxed: one thread.
    assert!(FLAG.load(Ordering::Relaxed));
    // Relaxed: one thread.
    assert_eq!(SMALL.fetch_add(2, Ordering::Relaxed), -1);
    // Relaxed: one thread.
    assert!(POINTER.load(Ordering::Relaxed).is_null());
    lock(&LOCK).push(3);
    assert_eq!(*READERS.read().unwrap(), 2);
    CHANGED.notify_all();
    START.call_once(|| {});
    assert!(START.is_completed());
    assert_eq!(NAME.set("a".to_owned()), Ok(()));
    assert_eq!(NAME.set("b".to_owned()), Err("b".to_owned()));
    assert_eq!(NAME.get().map(String::as_str), Some("a"));
    assert_eq!(SQUARES[3], 9);
}

#[test]
fn who_waits_for_a_value_gets_it() {
    let (value, once) = (OnceLock::new(), Once::new());
    thread::scope(|scope| {
        let other = scope.spawn(|| *value.wait());
        scope.spawn(|| once.wait());
        scope.spawn(|| once.wait_force());
        assert_eq!(value.set(7), Ok(()));
        once.call_once(|| {});
        assert_eq!(other.join().unwrap(), 7);
    });
}

#[test]
fn an_atomic_is_updated_by_a_function() {
    let number = AtomicU64::new(6);
    let order = Ordering::Relaxed;
    assert_eq!(number.update(order, order, |n| n + 1), 6);
    assert_eq!(number.try_update(order, order, |n| (n < 7).then_some(0)), Err(7));
    assert_eq!(number.into_inner(), 7);
}

#[test]
fn an_atomic_pointer_moves_by_values_and_bytes_and_carries_marks() {
    let mut numbers = [1_u16, 2, 3, 4];
    let first = numbers.as_mut_ptr();
    let (pointer, order) = (AtomicPtr::new(first), Ordering::Relaxed);
    assert_eq!(pointer.fetch_ptr_add(2, order), first);
    assert_eq!(pointer.fetch_byte_sub(2, order), first.wrapping_add(2));
    assert_eq!(pointer.fetch_byte_add(4, order), first.wrapping_add(1));
    assert_eq!(pointer.fetch_ptr_sub(3, order), first.wrapping_add(3));
    assert_eq!(pointer.fetch_or(1, order), first);
    assert_eq!(pointer.fetch_xor(1, order), first.wrapping_byte_add(1));
    assert_eq!(pointer.fetch_and(0, order), first);
    assert!(pointer.into_inner().is_null());
}

#[test]
fn two_threads_meet_at_a_barrier_with_one_leader() {
    let leaders = thread::scope(|scope| {
        let other = scope.spawn(|| MEETING.wait().is_leader());
        u32::from(MEETING.wait().is_leader()) + u32::from(other.join().unwrap())
    });
    assert_eq!(leaders, 1);
}

#[test]
fn a_scope_waits_for_threads_that_nobody_joined() {
    let sum = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                scope.spawn(|| {
                    // Relaxed: the end of the scope orders it before the read.
                    sum.fetch_add(1, Ordering::Relaxed)
                });
            });
        }
    });
    assert_eq!(sum.into_inner(), 4);
}

#[test]
fn a_scope_panics_for_a_thread_that_nobody_joined_and_returns_a_joined_panic() {
    let joined = thread::scope(|scope| scope.spawn(|| panic!("told")).join().is_err());
    assert!(joined);
    let panicked = std::panic::catch_unwind(|| {
        thread::scope(|scope| {
            scope.spawn(|| panic!("untold"));
        });
    });
    assert!(panicked.is_err());
}

#[test]
fn a_waiter_is_notified_and_a_wait_ends_by_its_time_limit() {
    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let other = pair.clone();
    let thread = thread::spawn(move || {
        *lock(&other.0) = true;
        other.1.notify_one();
    });
    let mut ready = lock(&pair.0);
    while !*ready {
        ready = wait(&pair.1, ready);
    }
    let (_ready, timed_out) = wait_timeout(&pair.1, ready, Duration::from_millis(1));
    assert!(timed_out);
    thread.join().unwrap();
}

#[test]
fn a_panic_under_a_lock_poisons_it_and_a_once() {
    let value = Arc::new((Mutex::new(0), Once::new()));
    let other = value.clone();
    let thread = thread::Builder::new().name("poisoner".to_owned()).spawn(move || {
        other.1.call_once(|| {
            let _guard = other.0.lock();
            panic!("under the lock");
        });
    });
    assert!(thread.unwrap().join().is_err());
    assert!(value.0.is_poisoned());
    let mut seen = false;
    value.1.call_once_force(|state| seen = state.is_poisoned());
    assert!(seen && value.1.is_completed());
}

#[test]
fn a_once_lock_drops_what_it_holds() {
    let value = Arc::new(());
    let lock = OnceLock::from(value.clone());
    drop(lock);
    let mut lock = OnceLock::new();
    lock.get_or_init(|| value.clone());
    assert_eq!(Arc::strong_count(&value), 2);
    assert!(lock.take().is_some() && lock.get().is_none());
    assert_eq!(lock.into_inner(), None);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn each_thread_has_its_own_local_values() {
    DEPTH.set(1);
    WORDS.with_borrow_mut(|words| words.push("two"));
    let theirs = thread::spawn(|| (DEPTH.get(), WORDS.with_borrow(Vec::len))).join().unwrap();
    assert_eq!(theirs, (7, 1));
    assert_eq!((DEPTH.replace(2), WORDS.take().len()), (1, 2));
}

#[test]
fn clocks_run_and_a_park_takes_the_token() {
    let begun = Instant::now();
    thread::current().unpark();
    thread::park();
    thread::sleep(Duration::from_millis(1));
    assert!(begun.elapsed() >= Duration::from_millis(1));
    assert!(SystemTime::now().duration_since(UNIX_EPOCH).unwrap() > Duration::from_secs(1 << 30));
    let other = thread::spawn(|| thread::current().id()).join().unwrap();
    assert_ne!(thread::current().id(), other);
    assert!(sys::cpu_count() >= 1);
    assert_ne!(rand::next_u64(), rand::next_u64());
}
