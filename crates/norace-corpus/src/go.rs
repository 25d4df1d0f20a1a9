//! Go's words for the kit's parts, so that ports of Go programs read like them.
//!
//! A goroutine is a thread of the model (tasks of the kit are threads there as well), a channel is the kit's, with Go's
//! panics put back: sending into a closed channel and closing twice are bugs in those programs. Locks are the facade's,
//! with writers before new readers, as Go's are.

use norace::chan::{self, Receiver, Sender, TryRecvError, TrySendError};
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicI64, Ordering};
use norace_prim::probe::{Kind, Monitor};
use norace_prim::sync::{
    Arc, Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use norace_prim::sync::{lock, wait};
use norace_prim::thread::{self, Thread};
use std::time::Duration;

/// `go func() { … }()`: a goroutine that reports call `name`.
///
/// # Panics
///
/// When the system gives no thread.
#[track_caller]
pub fn go(name: &str, body: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(body);
    // Nobody joins a goroutine.
    drop(thread.expect("a new thread"));
}

/// `time.Sleep`: in a model any time may pass before it returns, or none.
#[track_caller]
pub fn sleep(millis: u64) {
    thread::sleep(Duration::from_millis(millis));
}

/// Waits until all goroutines that can go on have gone on as far as they can: what a `time.Sleep` at the end of a Go
/// test is for.
#[track_caller]
pub fn settle() {
    sleep(1_000);
}

/// A channel. It is never closed by itself: whoever has it has both ends.
#[derive(Debug)]
pub struct Chan<T> {
    ends: Option<Arc<Ends<T>>>,
}

/// Both ends of a channel, until nobody has them any more: then they are none.
#[derive(Debug)]
struct Ends<T>(Option<(Sender<T>, Receiver<T>)>);

impl<T> Ends<T> {
    fn get(&self) -> &(Sender<T>, Receiver<T>) {
        self.0.as_ref().expect("taken when they are dropped")
    }
}

impl<T> Drop for Ends<T> {
    fn drop(&mut self) {
        // Nobody is left to see it, so that it is no step, whoever had them last.
        let ends = self.0.take();
        Monitor::<Self>::new().aside(|| drop(ends));
    }
}

impl<T> Kind for Ends<T> {
    const WORD: &'static str = "channel";
    type Holds = T;
}

impl<T> Clone for Chan<T> {
    fn clone(&self) -> Self {
        Self { ends: self.ends.clone() }
    }
}

impl<T> Chan<T> {
    /// `make(chan T, capacity)`.
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        Self { ends: Some(Arc::new(Ends(Some(chan::bounded(capacity))))) }
    }

    /// A nil channel: sends and receives wait for ever.
    pub fn nil() -> Self {
        Self { ends: None }
    }

    /// The end for `select!` to receive from.
    ///
    /// # Panics
    ///
    /// When it is nil: use [`norace::chan::never`].
    pub fn receiver(&self) -> &Receiver<T> {
        &self.ends.as_ref().expect("a channel that is not nil").get().1
    }

    /// The end for `select!` to send into.
    ///
    /// # Panics
    ///
    /// When it is nil.
    pub fn sender(&self) -> &Sender<T> {
        &self.ends.as_ref().expect("a channel that is not nil").get().0
    }

    /// `ch <- value`.
    ///
    /// # Panics
    ///
    /// When the channel is closed.
    #[track_caller]
    pub fn send(&self, value: T) {
        match &self.ends {
            Some(ends) => sent(ends.get().0.send_blocking(value).is_ok()),
            None => wait_for_ever(),
        }
    }

    /// `<-ch`: none when it is closed.
    #[track_caller]
    pub fn recv(&self) -> Option<T> {
        match &self.ends {
            Some(ends) => ends.get().1.recv_blocking().ok(),
            None => wait_for_ever(),
        }
    }

    /// `select { case ch <- value: default: }`; whether it was sent.
    ///
    /// # Panics
    ///
    /// When the channel is closed.
    #[track_caller]
    pub fn try_send(&self, value: T) -> bool {
        let Some(ends) = &self.ends else { return false };
        match ends.get().0.try_send(value) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => false,
            Err(TrySendError::Closed(_)) => {
                sent(false);
                false
            }
        }
    }

    /// `select { case value, ok := <-ch: default: }`: none for the default, and none inside when it is closed.
    #[track_caller]
    pub fn try_recv(&self) -> Option<Option<T>> {
        let ends = self.ends.as_ref()?;
        match ends.get().1.try_recv() {
            Ok(value) => Some(Some(value)),
            Err(TryRecvError::Closed) => Some(None),
            Err(TryRecvError::Empty) => None,
        }
    }

    /// `close(ch)`.
    ///
    /// # Panics
    ///
    /// When it is closed already, and when it is nil.
    #[track_caller]
    pub fn close(&self) {
        assert!(self.sender().close(), "close of closed channel");
    }

    /// `len(ch)`.
    #[track_caller]
    pub fn len(&self) -> usize {
        self.ends.as_ref().map_or(0, |ends| ends.get().1.len())
    }

    /// Whether nothing is buffered.
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What Go makes of the result of a send, in a `select!` as well.
///
/// # Panics
///
/// When it met a closed channel.
#[track_caller]
pub fn sent(ok: bool) {
    assert!(ok, "send on closed channel");
}

fn wait_for_ever() -> ! {
    loop {
        thread::park();
    }
}

/// `sync.Mutex` around what it guards.
#[derive(Debug, Default)]
pub struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    /// Guards `value`.
    #[track_caller]
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// `mu.Lock()`; the guard is `mu.Unlock()`.
    #[cfg_attr(norace, track_caller)]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        lock(&self.0)
    }
}

/// `sync.RWMutex` around what it guards: a writer that waits keeps new readers out.
#[derive(Debug, Default)]
pub struct RwMutex<T>(RwLock<T>);

impl<T> RwMutex<T> {
    /// Guards `value`.
    #[track_caller]
    pub const fn new(value: T) -> Self {
        Self(RwLock::new(value))
    }

    /// `mu.RLock()`.
    #[cfg_attr(norace, track_caller)]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(norace_prim::sync::PoisonError::into_inner)
    }

    /// `mu.Lock()`.
    #[cfg_attr(norace, track_caller)]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(norace_prim::sync::PoisonError::into_inner)
    }
}

/// `sync.Cond`.
#[derive(Debug, Default)]
pub struct Cond(Condvar);

impl Cond {
    /// A condition without waiters.
    #[track_caller]
    pub const fn new() -> Self {
        Self(Condvar::new())
    }

    /// `c.Wait()`, with the lock that `guard` holds.
    #[cfg_attr(norace, track_caller)]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        wait(&self.0, guard)
    }

    /// `c.Signal()`.
    #[cfg_attr(norace, track_caller)]
    pub fn signal(&self) {
        self.0.notify_one();
    }

    /// `c.Broadcast()`.
    #[cfg_attr(norace, track_caller)]
    pub fn broadcast(&self) {
        self.0.notify_all();
    }
}

/// `sync.WaitGroup`. What is done before [`done`](Self::done) happens before [`wait`](Self::wait) returns; those who
/// are done are not ordered among themselves.
#[derive(Clone, Debug, Default)]
pub struct WaitGroup(Arc<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    count: AtomicI64,
    waiters: Mutex<Vec<Thread>>,
}

impl WaitGroup {
    /// At zero.
    #[track_caller]
    pub fn new() -> Self {
        // Written out, so that reports say where the program made it.
        let (count, waiters) = (AtomicI64::new(0), Mutex::new(Vec::new()));
        Self(Arc::new(Waiting { count, waiters }))
    }

    /// `wg.Add(n)`.
    ///
    /// # Panics
    ///
    /// When the count falls below zero.
    #[track_caller]
    pub fn add(&self, n: i64) {
        // Release: pairs with the Acquire in wait, through the other read-modify-writes.
        let left = self.0.count.fetch_add(n, Ordering::Release) + n;
        assert!(left >= 0, "negative WaitGroup counter");
        if left == 0 {
            for thread in lock(&self.0.waiters).drain(..) {
                thread.unpark();
            }
        }
    }

    /// `wg.Done()`.
    ///
    /// # Panics
    ///
    /// When the count falls below zero.
    #[track_caller]
    pub fn done(&self) {
        self.add(-1);
    }

    /// `wg.Wait()`.
    #[track_caller]
    pub fn wait(&self) {
        loop {
            {
                let mut waiters = lock(&self.0.waiters);
                // Acquire: pairs with the Release in add.
                if self.0.count.load(Ordering::Acquire) == 0 {
                    return;
                }
                waiters.push(thread::current());
            }
            thread::park();
        }
    }
}

/// A number that some use through `sync/atomic` and some plainly. Atomic operations do not race with each other, and
/// order each other as critical sections of a lock do; with plain accesses they race.
#[derive(Debug)]
pub struct Word {
    atomics: Mutex<()>,
    value: RaceCell<i64>,
}

impl Word {
    /// A number that reports call `name`.
    #[track_caller]
    pub const fn named(name: &'static str, value: i64) -> Self {
        Self { atomics: Mutex::new(()), value: RaceCell::named(name, value) }
    }

    /// `atomic.AddInt64(&word, n)`: the sum.
    #[cfg_attr(norace, track_caller)]
    pub fn atomic_add(&self, n: i64) -> i64 {
        let _atomic = lock(&self.atomics);
        self.add(n);
        self.get()
    }

    /// `atomic.LoadInt64(&word)`.
    #[cfg_attr(norace, track_caller)]
    pub fn atomic_load(&self) -> i64 {
        let _atomic = lock(&self.atomics);
        self.get()
    }

    /// `word`.
    #[track_caller]
    pub fn get(&self) -> i64 {
        self.value.get()
    }

    /// `word = value`.
    #[track_caller]
    pub fn set(&self, value: i64) {
        self.value.set(value);
    }

    /// `word += n`: two accesses.
    #[track_caller]
    pub fn add(&self, n: i64) {
        self.value.update(|value| value + n);
    }
}
