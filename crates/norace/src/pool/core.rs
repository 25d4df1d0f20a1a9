//! What all handles of a pool share, and how objects go in and out.
//!
//! The shape is that of Go's `sync.Pool` (`pool.go`, `poolqueue.go`): a place for one object per processor, a store of
//! the others beside it, thieves that take from the stores of others, and two generations. Other than there, there is
//! a bound, and who meets it may wait.
//!
//! # Protocol
//!
//! Each object is in one hand: a guard's, a store's, or a waiter's. It goes from hand to hand as a box, so there is
//! nothing to prove about who may touch it; what has to be proved is that nobody waits while an object lies idle.
//!
//! *Stores.* A thread puts into and takes from the shard of its seat. A shard is a [`Spare`](crate::raw::spare), which
//! is exchanged in one step, and a stack behind a lock. An object that comes back goes into the spare place; the one
//! that lay there goes onto the stack. Who finds nothing in his own shard looks into the others.
//!
//! *The desk* (`desk.rs`), behind one lock, has the licences of all objects that there are, up to the bound, and the
//! line of those who wait. `waiting` says how long the line is; it is written under the lock of the desk, and read by
//! everybody else without. The lock of the desk is taken before those of stacks, never while one is held.
//!
//! | who waits | who brings an object, or a licence back |
//! | --- | --- |
//! | W1: joins the line and sets `waiting` (SeqCst) | W2: puts it into a spare place (SeqCst), or elsewhere (locks) |
//! | W3: looks everywhere for who is first in line | W4: reads `waiting` (SeqCst); if there is a line, does W3 |
//! | | Who moves objects from one store to another (a thief, an `age`) does W4 as well: the move is W2 |
//!
//! Whatever way an object comes in, the one or the other sees it. With a spare place: either W4 comes before W1 in the
//! order of all SeqCst steps, then so does W2, and W3 finds the object; or W4 sees that somebody waits. With a stack
//! or the desk: either W3 takes the lock after W2 has released it, or W2 takes it after W3, and then W4 sees what was
//! written in W1. W3 must not rely on hints (`Shard::len`), and an object that is taken in between is no loss: who
//! took it brings it back, with W4.
//!
//! *First come, first served.* While somebody waits, whoever comes joins the line, also when an object lies there for
//! a moment between W2 and W4. Who has been served and goes without looking passes on what he got.
//!
//! *Foreign code* (the constructor, `reset`, `keep`, drops, wakers) runs under no lock, and with what was got in the
//! hand of something whose drop passes it on ([`InHand`]), or drops it where it may be soiled ([`AtRisk`]): a panic
//! loses one object at most. Wakers, which nobody waits for, come last.
//!
//! *Age.* The pool's age rises with each `age`; an object has the age at which it came back. `age` drops those that
//! were back before the last but one.

use super::desk::{Desk, Waiter};
use super::entry::{Entry, Licence};
use super::shard::Shard;
use super::{Metrics, Reset};
use crate::wait::{self, BlockedOn, Key, Wakes, for_each};
use norace_prim::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, Tally};
use norace_prim::probe::{self, Effect, Kind, Monitor, Site};
use norace_prim::sync::{Mutex, lock};
use norace_prim::time::{Duration, Instant};
use norace_prim::{rand, thread, thread_local};
use std::cell::Cell;
use std::marker::PhantomData;
use std::task::Waker;

/// What the checker calls a pool of `T`.
struct PoolOf<T>(PhantomData<T>);

impl<T> Kind for PoolOf<T> {
    const WORD: &'static str = "pool";
    type Holds = T;
}

/// What the checker's reports say that an acquire does.
const GET: &str = "get from";

/// The next seat, for the next thread that uses a pool.
static NEXT_SEAT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SEAT: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// This thread's number.
#[inline]
fn seat() -> usize {
    match SEAT.get() {
        usize::MAX => sit_down(),
        seat => seat,
    }
}

#[cold]
fn sit_down() -> usize {
    // Relaxed: each number is given once, and that is all.
    let seat = NEXT_SEAT.fetch_add(1, Ordering::Relaxed);
    SEAT.set(seat);
    seat
}

/// What a pool was built with.
pub(super) struct Options<T> {
    pub(super) max_live: usize,
    pub(super) max_idle: usize,
    pub(super) shards: usize,
    pub(super) age_every: Option<Duration>,
    pub(super) keep: Option<Keep<T>>,
    pub(super) predictable: bool,
}

pub(super) type Keep<T> = Box<dyn Fn(&T) -> bool + Send + Sync>;
pub(super) type New<T> = Box<dyn Fn() -> T + Send + Sync>;

/// Keeps what is written often off the cache lines that all read.
#[repr(align(128))]
struct Apart<T>(T);

pub(super) struct Core<T> {
    shards: Box<[Shard<T>]>,
    /// How long the line at the desk is.
    waiting: AtomicUsize,
    /// How often the pool has aged.
    age: AtomicU32,
    /// In models: objects are dropped and chosen by chance. Asked by [`Self::is_fickle`].
    fickle: bool,
    age_every: Option<Duration>,
    born: Instant,
    /// One ages at a time, so that none finds a spare place empty whose object another is looking at.
    ageing: Mutex<()>,
    /// When the pool ages next, in nanoseconds since it was born.
    age_due_ns: AtomicU64,
    new: New<T>,
    keep: Option<Keep<T>>,
    monitor: Monitor<PoolOf<T>>,
    counts: Apart<Counts>,
    desk: Apart<Mutex<Desk<T>>>,
}

#[derive(Default)]
struct Counts {
    steals: Tally,
    misses: Tally,
    dropped: Tally,
}

/// What was got, while foreign code runs that has nothing to do with it; goes on to others when that panics.
struct InHand<'a, T> {
    core: &'a Core<T>,
    got: Got<T>,
    site: Site,
}

impl<T> InHand<'_, T> {
    fn release(mut self) -> Got<T> {
        std::mem::replace(&mut self.got, Got::Nothing)
    }
}

impl<T> Drop for InHand<'_, T> {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.got, Got::Nothing) {
            Got::Entry(entry) => self.core.store(entry, self.site),
            Got::Licence(licence) => self.core.revoke(&licence),
            Got::InLine(key) => self.core.leave(key, self.site),
            Got::Nothing => {}
        }
    }
}

/// An object that foreign code is at; it is lost when that panics.
struct AtRisk<'a, T> {
    core: &'a Core<T>,
    entry: Option<Box<Entry<T>>>,
}

impl<T> Drop for AtRisk<'_, T> {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.core.destroy(*entry);
        }
    }
}

/// What came of asking for an object.
pub(super) enum Got<T> {
    Entry(Box<Entry<T>>),
    /// The right to make one.
    Licence(Licence),
    /// A place in the line.
    InLine(Key),
    Nothing,
}

/// What one step of asking came to in an unusual case, and who is to be woken.
///
/// It is left beside the usual case, an entry: a value that is one or the other is copied from frame to frame, at more
/// cost than all the rest.
type Slowly<T> = Option<(Got<T>, Wakes)>;

/// What is left to be done when an object was put in, or objects were looked at, and the locks are released.
struct Left<T> {
    /// There is no room for it.
    entry: Option<Box<Entry<T>>>,
    /// They were served, if any.
    wakes: Option<Wakes>,
}

impl<T> Core<T> {
    #[cfg_attr(norace, track_caller)]
    pub(super) fn new(options: Options<T>, new: New<T>) -> Self {
        let (shards, idle) = (options.shards, options.max_idle);
        let share = |number: usize| idle / shards + usize::from(number < idle % shards);
        let age_due_ns = options.age_every.map_or(u64::MAX, nanos);
        Self {
            shards: (0..shards).map(|number| Shard::new(share(number))).collect(),
            waiting: AtomicUsize::new(0),
            age: AtomicU32::new(0),
            fickle: !options.predictable && probe::in_model(),
            age_every: options.age_every,
            born: Instant::now(),
            ageing: Mutex::new(()),
            age_due_ns: AtomicU64::new(age_due_ns),
            new,
            keep: options.keep,
            monitor: Monitor::new(),
            counts: Apart(Counts::default()),
            desk: Apart(Mutex::new(Desk::new(options.max_live))),
        }
    }

    /// Whether chance decides; known to be false in ordinary builds.
    #[inline]
    fn is_fickle(&self) -> bool {
        cfg!(norace) && self.fickle
    }

    #[inline]
    fn own(&self) -> usize {
        // The number of shards is a power of two.
        seat() & (self.shards.len() - 1)
    }

    fn others(&self, own: usize) -> impl Iterator<Item = &Shard<T>> {
        (1..self.shards.len()).map(move |step| &self.shards[(own + step) & (self.shards.len() - 1)])
    }

    /// W3: an idle object, if there is one.
    fn find(&self) -> Option<Box<Entry<T>>> {
        self.shards.iter().find_map(Shard::take_surely)
    }

    /// Runs `step` under the lock of the desk, then wakes whom it says.
    fn at_desk<R>(
        &self,
        what: &'static str,
        site: Site,
        step: impl FnOnce(&mut Desk<T>, &mut Wakes) -> (Effect, R),
    ) -> R {
        let mut wakes = Wakes::new();
        let result = self.monitor.attempt(what, site, || {
            let mut desk = lock(&self.desk.0);
            let result = step(&mut desk, &mut wakes);
            self.announce(&mut desk);
            result
        });
        wakes.wake_all();
        result
    }

    /// W1: says how long the line is, unless that has been said.
    fn announce(&self, desk: &mut Desk<T>) {
        if let Some(waiting) = desk.unannounced() {
            // SeqCst: W1. Whoever brings something after the look of W3 sees it.
            self.waiting.store(waiting, Ordering::SeqCst);
        }
    }

    /// W4: whether there is a line to be served.
    #[inline]
    fn has_line(&self) -> bool {
        // SeqCst: W4. Who does not see a waiter has brought his object before that one looks.
        self.waiting.load(Ordering::SeqCst) > 0
    }

    #[cold]
    fn serve_line(&self) -> Wakes {
        let mut wakes = Wakes::new();
        let mut desk = lock(&self.desk.0);
        desk.serve(|| self.find(), &mut wakes);
        self.announce(&mut desk);
        wakes
    }

    /// An object, or what else there is; with a waker, a place in the line at least.
    #[inline]
    pub(super) fn ask(&self, site: Site, waker: Option<&Waker>) -> Got<T> {
        let choice = if self.is_fickle() { Some(self.choose(site)) } else { None };
        let mut slowly = None;
        let entry = self.monitor.attempt(GET, site, || {
            let entry = match choice {
                None => self.take(&mut slowly),
                Some(choice) => self.take_chosen(choice, &mut slowly),
            };
            if entry.is_none() && slowly.is_none() {
                return (self.ask_desk(waker, &mut slowly), None);
            }
            (Effect::Changed, entry)
        });
        match entry {
            Some(entry) if !entry.use_again() => Got::Entry(entry),
            Some(entry) => self.look_at_clock(Got::Entry(entry), site),
            None => self.leave_slowly(slowly, site),
        }
    }

    #[cold]
    fn look_at_clock(&self, got: Got<T>, site: Site) -> Got<T> {
        let in_hand = InHand { core: self, got, site };
        self.age_if_due();
        in_hand.release()
    }

    #[cold]
    fn leave_slowly(&self, slowly: Slowly<T>, site: Site) -> Got<T> {
        let (got, wakes) = slowly.expect("the desk says what there is");
        let in_hand = InHand { core: self, got, site };
        wakes.wake_all();
        match &in_hand.got {
            Got::Entry(entry) if entry.use_again() => self.age_if_due(),
            Got::InLine(_) => self.waits(site),
            _ => {}
        }
        in_hand.release()
    }

    /// An idle object, unless others wait for one.
    #[inline]
    fn take(&self, slowly: &mut Slowly<T>) -> Option<Box<Entry<T>>> {
        // Relaxed: a hint that keeps newcomers behind those they know to wait.
        if self.waiting.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let own = self.own();
        self.shards[own].take_spare().or_else(|| self.take_stacked(own, slowly))
    }

    fn take_stacked(&self, own: usize, slowly: &mut Slowly<T>) -> Option<Box<Entry<T>>> {
        let shard = &self.shards[own];
        shard.pop().or_else(|| {
            let stolen = self.others(own).find_map(|other| shard.steal(other))?;
            self.counts.0.steals.add(1);
            self.moved(stolen, slowly)
        })
    }

    /// `entry` was taken, and others moved from store to store: serves who has looked for them where they were not.
    fn moved(&self, entry: Box<Entry<T>>, slowly: &mut Slowly<T>) -> Option<Box<Entry<T>>> {
        if !self.has_line() {
            return Some(entry);
        }
        *slowly = Some((Got::Entry(entry), self.serve_line()));
        None
    }

    #[cold]
    fn ask_desk(&self, waker: Option<&Waker>, slowly: &mut Slowly<T>) -> Effect {
        let mut wakes = Wakes::new();
        let (effect, got) = self.ask_at_desk(waker, &mut wakes);
        *slowly = Some((got, wakes));
        effect
    }

    fn ask_at_desk(&self, waker: Option<&Waker>, wakes: &mut Wakes) -> (Effect, Got<T>) {
        let mut desk = lock(&self.desk.0);
        let others_wait = desk.waiting() > 0;
        if !others_wait && let Some(licence) = desk.license() {
            return (Effect::Changed, Got::Licence(licence));
        }
        let Some(waker) = waker else {
            // Without hints this time. An object that another has in hand for a moment, to age it or to put it
            // elsewhere, is not found; nobody is to wait for that here, least of all under this lock.
            let found = if others_wait { None } else { self.find() };
            return found.map_or((Effect::Nothing, Got::Nothing), |entry| {
                (Effect::Changed, Got::Entry(entry))
            });
        };
        let key = desk.join(waker.clone());
        self.announce(&mut desk);
        desk.serve(|| self.find(), wakes);
        self.announce(&mut desk);
        let got = match desk.look(key, waker, wakes) {
            None => Got::InLine(key),
            Some(Waiter::Given(entry)) => Got::Entry(entry),
            Some(Waiter::Granted(licence)) => Got::Licence(licence),
            Some(Waiter::Waiting(_)) => unreachable!("who was served does not wait"),
        };
        (Effect::Changed, got)
    }

    /// In models: which of the idle objects to get, or one more for a new one, each of which is tried.
    #[cold]
    fn choose(&self, site: Site) -> usize {
        let choices = self.monitor.attempt("look at", site, || {
            let idle = self.shards.iter().map(Shard::len).sum::<usize>();
            (Effect::Learned, idle + usize::from(!lock(&self.desk.0).is_full()))
        });
        rand::choose(choices.max(1))
    }

    #[cold]
    fn take_chosen(&self, choice: usize, slowly: &mut Slowly<T>) -> Option<Box<Entry<T>>> {
        // Relaxed: as in take.
        if self.waiting.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let mut taken: Vec<_> = std::iter::from_fn(|| self.find()).take(choice + 1).collect();
        let chosen = if taken.len() > choice { taken.pop() } else { None };
        for entry in taken.into_iter().rev() {
            let full = self.shards.iter().try_fold(entry, |entry, shard| shard.offer(entry).err());
            debug_assert!(full.is_none(), "there is room where it was");
        }
        self.moved(chosen?, slowly)
    }

    /// What the one in line at `key` has got; if nothing, `waker` is woken when there is something.
    pub(super) fn look(&self, key: Key, site: Site, waker: &Waker) -> Option<Got<T>> {
        let served = self.at_desk(GET, site, |desk, wakes| {
            let served = desk.look(key, waker, wakes);
            (served.as_ref().map_or(Effect::Nothing, |_| Effect::Changed), served)
        });
        match served {
            None => {
                self.waits(site);
                None
            }
            Some(Waiter::Given(entry)) => {
                entry.use_again();
                Some(Got::Entry(entry))
            }
            Some(Waiter::Granted(licence)) => Some(Got::Licence(licence)),
            Some(Waiter::Waiting(_)) => unreachable!("who was served does not wait"),
        }
    }

    /// Leaves the line, and passes on what has been given there.
    pub(super) fn leave(&self, key: Key, site: Site) {
        let waiter =
            self.at_desk("leave the line of", site, |desk, _| (Effect::Changed, desk.leave(key)));
        match waiter {
            Waiter::Waiting(waker) => drop(waker),
            Waiter::Given(entry) => self.store(entry, site),
            Waiter::Granted(licence) => self.revoke(&licence),
        }
    }

    fn waits(&self, site: Site) {
        self.monitor.waits(GET, site);
        wait::note(BlockedOn::Pool, site);
    }

    /// Makes the object that was asked for.
    #[cold]
    pub(super) fn make_asked(&self, licence: Licence, site: Site) -> Box<Entry<T>> {
        self.counts.0.misses.add(1);
        self.make(self.look_at_clock(Got::Licence(licence), site), site)
    }

    /// Makes the object that `got`, a licence, is for.
    fn make(&self, got: Got<T>, site: Site) -> Box<Entry<T>> {
        let in_hand = InHand { core: self, got, site };
        let value = (self.new)();
        let Got::Licence(licence) = in_hand.release() else {
            unreachable!("who makes an object has a licence")
        };
        Box::new(Entry { value, licence, since: 0 })
    }

    /// Stores a clean object, or drops it where there is no room.
    #[inline]
    pub(super) fn store(&self, mut entry: Box<Entry<T>>, site: Site) {
        // Relaxed: an age that is one behind lets the object go one `age` earlier.
        entry.since = self.age.load(Ordering::Relaxed);
        let left = self.monitor.enter("return to", site, || {
            let own = self.own();
            let former = self.shards[own].replace(entry);
            let simple = former.is_none() && !self.has_line();
            if simple { None } else { self.put_aside(own, former) }
        });
        if let Some(left) = left {
            self.finish(left);
        }
    }

    /// Finds room for the object that lay in the spare place at `own`, and serves the line.
    fn put_aside(&self, own: usize, former: Option<Box<Entry<T>>>) -> Option<Left<T>> {
        let spill =
            |entry| self.others(own).try_fold(entry, |entry, other| other.offer(entry).err());
        let entry = former.and_then(|entry| self.shards[own].push(entry).err()).and_then(spill);
        let wakes = if self.has_line() { Some(self.serve_line()) } else { None };
        if entry.is_none() && wakes.is_none() { None } else { Some(Left { entry, wakes }) }
    }

    #[cold]
    fn finish(&self, left: Left<T>) {
        let Left { entry, wakes } = left;
        if let Some(entry) = entry {
            self.destroy(*entry);
        }
        // Also when that panics.
        drop(wakes);
    }

    /// Drops an object.
    #[cold]
    pub(super) fn destroy(&self, entry: Entry<T>) {
        let Entry { value, licence, .. } = entry;
        // Goes after the value, also when dropping that panics.
        let _licence = InHand { core: self, got: Got::Licence(licence), site: Site::here() };
        self.counts.0.dropped.add(1);
        drop(value);
    }

    /// Takes an object out of the pool for good.
    pub(super) fn detach(&self, entry: Entry<T>) -> T {
        let Entry { value, licence, .. } = entry;
        self.revoke(&licence);
        value
    }

    #[cfg_attr(norace, track_caller)]
    fn revoke(&self, licence: &Licence) {
        self.at_desk("make room in", Site::here(), |desk, wakes| {
            desk.revoke(licence);
            desk.serve(|| self.find(), wakes);
            (Effect::Changed, ())
        });
    }

    /// Makes idle objects, up to `count`; says how many.
    #[cfg_attr(norace, track_caller)]
    pub(super) fn prefill(&self, count: usize) -> usize {
        let site = Site::here();
        (0..count)
            .take_while(|_| {
                let room = self.shards.iter().any(Shard::has_room);
                let license = |desk: &mut Desk<T>, _: &mut Wakes| {
                    let licence = if room { desk.license() } else { None };
                    (licence.as_ref().map_or(Effect::Nothing, |_| Effect::Changed), licence)
                };
                let Some(licence) = self.at_desk("fill", site, license) else { return false };
                self.store(self.make(Got::Licence(licence), site), site);
                true
            })
            .count()
    }

    /// Makes the pool one older, and drops what is too old now.
    #[cfg_attr(norace, track_caller)]
    pub(super) fn age(&self) {
        let (old, wakes) = self.monitor.enter("age", Site::here(), || {
            let mut old = Vec::new();
            let alone = lock(&self.ageing);
            // Relaxed: a stamp.
            let now = self.age.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            let is_old = |entry: &Entry<T>| now.wrapping_sub(entry.since) >= 2;
            for shard in &self.shards {
                shard.age(is_old, &mut old);
            }
            drop(alone);
            // Spare objects were in this hand for a moment.
            let wakes = if self.has_line() { Some(self.serve_line()) } else { None };
            (old, wakes)
        });
        for_each(old, |entry| self.destroy(*entry));
        // Also when that panics.
        drop(wakes);
    }

    /// Ages if it is time to.
    #[cold]
    fn age_if_due(&self) {
        let Some(every) = self.age_every else { return };
        let now = nanos(self.born.elapsed());
        // Relaxed: the exchange decides who ages.
        let due = self.age_due_ns.load(Ordering::Relaxed);
        let next = now.saturating_add(nanos(every));
        // Relaxed: nothing is handed over with it.
        let turn =
            || self.age_due_ns.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed);
        if now >= due && turn().is_ok() {
            self.age();
        }
    }

    #[cfg_attr(norace, track_caller)]
    pub(super) fn metrics(&self) -> Metrics {
        let (alive, uses, waiting) = self.at_desk("look at", Site::here(), |desk, _| {
            (Effect::Nothing, (desk.alive(), desk.uses(), desk.waiting()))
        });
        let idle = self.shards.iter().map(Shard::len).sum();
        let steals = self.counts.0.steals.get();
        Metrics {
            hits: uses.saturating_sub(steals),
            steals,
            misses: self.counts.0.misses.get(),
            dropped: self.counts.0.dropped.get(),
            idle,
            live: alive.saturating_sub(idle),
            waiting,
        }
    }
}

impl<T: Reset> Core<T> {
    /// Takes back an object that was in use.
    #[inline]
    pub(super) fn put(&self, entry: Box<Entry<T>>, site: Site) {
        if thread::panicking() {
            // Whatever was being done to it was not finished.
            return self.destroy(*entry);
        }
        let mut at_risk = AtRisk { core: self, entry: Some(entry) };
        let value = &mut at_risk.entry.as_mut().expect("it was put in above").value;
        value.reset();
        let keep = self.keep.as_ref().map_or_else(|| value.keep(), |keep| keep(value));
        if cfg!(any(debug_assertions, norace)) {
            assert!(
                value.is_fresh(),
                "a {} is not fresh after its reset",
                std::any::type_name::<T>()
            );
        }
        if self.is_fickle() {
            value.poison();
        }
        let drops = !keep || self.is_fickle() && rand::choose(2) == 1;
        if !drops {
            let entry = at_risk.entry.take().expect("it was put in above");
            self.store(entry, site);
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(all(test, norace))]
mod models;
