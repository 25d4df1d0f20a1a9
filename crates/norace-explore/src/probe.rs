//! For libraries that know the explorer: what their objects are, what a critical section is, what a task waits for.
//!
//! A channel behind a lock is a handful of operations on a mutex to the explorer, and a report could say no more than
//! that somebody waits for a condition. A library that uses this module makes its objects [`Monitor`]s: the explorer
//! then takes each critical section for one step, and reports speak of channels.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::config::{Level, Misuse};
use crate::current;
use crate::engine::{Engine, Phase};
use crate::event::{Class, ObjectId, Op, ThreadId};
use crate::finding::{Finding, Place};
use crate::job::Closure;
use crate::meta::Meta;
use crate::slot::{Slot, perform, perform_on};
use crate::time::Instant;

/// A place in the program that called the library.
#[derive(Clone, Copy, Debug)]
pub struct Site(Place);

impl Site {
    /// The caller's place.
    #[track_caller]
    #[inline]
    pub fn here() -> Self {
        Self(Location::caller())
    }

    /// The place itself.
    pub const fn place(self) -> &'static Location<'static> {
        self.0
    }
}

/// What a monitor is called and what it holds.
pub trait Kind {
    /// What reports call it: `channel`, say.
    const WORD: &'static str;
    /// The type of what it holds.
    type Holds: ?Sized;
}

/// What a critical section came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It changed the object: it comes after all sections before it, and before all that follow.
    Changed,
    /// It changed nothing, but what it found tells of what others did: it comes after all that changed the object.
    Learned,
    /// It changed nothing, and what it found promises nothing about what others did: a failed attempt.
    Nothing,
}

/// The identity of an object whose critical sections are steps.
pub struct Monitor<K> {
    slot: Slot,
    kind: PhantomData<fn() -> K>,
}

impl<K> fmt::Debug for Monitor<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor").field("slot", &self.slot).finish()
    }
}

impl<K: Kind> Monitor<K> {
    const META: Meta = Meta::of::<K::Holds>(Class::Monitor, K::WORD);

    /// A monitor that reports name by the caller's place.
    #[track_caller]
    pub const fn new() -> Self {
        Self { slot: Slot::new(), kind: PhantomData }
    }

    /// Runs a critical section, which does `what`: `send to`, say.
    ///
    /// At the level of applications it is one step, and must neither wait nor run foreign code; elsewhere it is
    /// whatever it does.
    #[inline]
    pub fn enter<R>(&self, what: &'static str, site: Site, section: impl FnOnce() -> R) -> R {
        self.run(Op::Enter { what }, site, || (Effect::Changed, section()))
    }

    /// As [`enter`](Self::enter), for a section that may change nothing, and says so.
    ///
    /// Sections that changed nothing commute with each other and order nothing after them. Who repeats one in a loop
    /// goes on when somebody has changed the object.
    #[inline]
    pub fn attempt<R>(
        &self,
        what: &'static str,
        site: Site,
        section: impl FnOnce() -> (Effect, R),
    ) -> R {
        self.run(Op::Attempt { what }, site, section)
    }

    #[inline]
    fn run<R>(&self, op: Op, site: Site, section: impl FnOnce() -> (Effect, R)) -> R {
        if current::with(|engine| engine.joins_sections()) != Some(true) {
            return section().1;
        }
        run_on(&self.slot, &Self::META, op, site, section)
    }

    /// Runs `section`, which tells how many `holders` hold a side of the object.
    ///
    /// At the level of applications it comes before or after each step by which a holder takes hold or lets go of that
    /// side, and orders nothing. It runs twice there: beside those who let go before the last one, which are steps of
    /// the side, and once more, to see whether that was the last, beside those of the object.
    pub fn count(
        &self,
        holders: &Holders,
        what: &'static str,
        site: Site,
        mut section: impl FnMut() -> usize,
    ) -> usize {
        if !self.resolves(holders) {
            return section();
        }
        let mut look = || (Effect::Nothing, section());
        let op = Op::Attempt { what };
        let count = run_on(&holders.slot, &Holders::META, op, site, &mut look);
        let left = run_on(&self.slot, &Self::META, op, site, look);
        if left == 0 { 0 } else { count }
    }

    /// Runs the critical section in which somebody who holds nothing takes hold of a side of the object, unless the
    /// last of its `holders` has let go; it tells which.
    ///
    /// At the level of applications it is a step of the object, beside the last one's, and then one of the side, beside
    /// those who [count](Self::count).
    pub fn take_hold(
        &self,
        holders: &Holders,
        what: &'static str,
        site: Site,
        section: impl FnOnce() -> bool,
    ) -> bool {
        let resolves = self.resolves(holders);
        let held = self.attempt(what, site, || {
            let held = section();
            if held {
                holders.add();
            }
            (if held { Effect::Changed } else { Effect::Learned }, held)
        });
        if held && resolves {
            // Nobody is ordered by it: it is as if this one had held it twice.
            holders.add();
            let last =
                holders.let_go(|engine| self.slot.resolve(engine, &Self::META, |_| 0), what, site);
            debug_assert_ne!(last, Some(true), "it still holds it once");
        }
        held
    }

    /// Whether critical sections are steps, and if so finds the side of the object that `holders` hold.
    fn resolves(&self, holders: &Holders) -> bool {
        let joins = current::with(|engine| {
            let joins = engine.joins_sections();
            if joins {
                holders.resolve(engine, |engine| self.slot.resolve(engine, &Self::META, |_| 0));
            }
            joins
        });
        joins == Some(true)
    }

    /// Runs the critical section in which one of the `holders` of a side of the object lets go of it.
    ///
    /// Nobody but the last of them may notice it, and the last has seen what the others did before. So at the level of
    /// applications the section commutes with all others unless it is the last one's.
    pub fn let_go<R>(
        &self,
        holders: &Holders,
        what: &'static str,
        site: Site,
        section: impl FnOnce() -> R,
    ) -> R {
        match holders.let_go(|engine| self.slot.resolve(engine, &Self::META, |_| 0), what, site) {
            Some(false) => self.aside(section),
            _ => self.enter(what, site, section),
        }
    }

    /// Runs a critical section that commutes with all others, whoever makes them: no step at the level of applications.
    #[inline]
    pub fn aside<R>(&self, section: impl FnOnce() -> R) -> R {
        struct Back;
        impl Drop for Back {
            fn drop(&mut self) {
                current::with(|engine| engine.set_inside(false));
            }
        }
        let joins = current::with(|engine| {
            let joins = engine.joins_sections();
            if joins {
                engine.set_inside(true);
            }
            joins
        });
        let _back = (joins == Some(true)).then_some(Back);
        section()
    }

    /// Says that the running thread, should it park, waits to do `what` to this object.
    pub fn waits(&self, what: &'static str, site: Site) {
        self.with(|engine, object| engine.add_wait(what, object, site.0));
    }

    /// Says that the running thread closes the object.
    pub fn closes(&self, site: Site) {
        self.with(|engine, object| engine.close(object, site.0));
    }

    /// Says that the running thread does what some programs must not do.
    pub fn misused(&self, misuse: Misuse, site: Site) {
        self.with(|engine, object| engine.misuse(misuse, object, site.0));
    }

    fn with(&self, act: impl FnOnce(&mut Engine, ObjectId)) {
        current::with(|engine| {
            if engine.phase != Phase::Teardown {
                let object = self.slot.resolve(engine, &Self::META, |_| 0);
                act(engine, object);
            }
        });
    }
}

impl<K: Kind> Default for Monitor<K> {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

/// Runs a critical section of the object at `slot` as one step, `op`.
#[inline]
fn run_on<R>(
    slot: &Slot,
    meta: &'static Meta,
    op: Op,
    site: Site,
    section: impl FnOnce() -> (Effect, R),
) -> R {
    struct Leave<'a>(&'a Slot, Effect);
    impl Drop for Leave<'_> {
        fn drop(&mut self) {
            current::with(|engine| {
                if let Some(object) = self.0.find(engine) {
                    engine.leave(object, self.1);
                }
            });
        }
    }
    perform_on(slot, meta, op, site.0);
    // A section that panics may have changed anything.
    let mut leave = Leave(slot, Effect::Changed);
    let (effect, result) = section();
    leave.1 = effect;
    result
}

/// How many hold one side of a monitor: the senders of a channel, say.
pub struct Holders {
    slot: Slot,
    count: AtomicU32,
}

impl fmt::Debug for Holders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holders").field("slot", &self.slot).finish_non_exhaustive()
    }
}

impl Holders {
    const META: Meta = Meta::of::<()>(Class::Monitor, "side");

    /// One.
    #[track_caller]
    pub const fn new() -> Self {
        Self { slot: Slot::new(), count: AtomicU32::new(1) }
    }

    /// The object in the model that runs; `whole` is what it is a side of.
    fn resolve(
        &self,
        engine: &mut Engine,
        whole: impl FnOnce(&mut Engine) -> ObjectId,
    ) -> ObjectId {
        let whole = whole(engine);
        let side = self.slot.resolve(engine, &Self::META, |_| 0);
        let state = engine.objects.monitor_mut(side);
        state.side_of = Some(whole);
        // Relaxed: within a model there is one OS thread, and elsewhere nobody asks.
        state.holders = self.count.load(Ordering::Relaxed);
        side
    }

    /// One more; said by one who holds it, so that nobody notices.
    pub fn add(&self) {
        // Relaxed: within a model there is one OS thread, and elsewhere nobody asks.
        let before = self.count.fetch_add(1, Ordering::Relaxed);
        current::with(|engine| {
            if let Some(side) = self.slot.find(engine) {
                engine.objects.monitor_mut(side).holders = before + 1;
            }
        });
    }

    /// One fewer; whether it was the last, where critical sections are steps.
    fn let_go(
        &self,
        whole: impl FnOnce(&mut Engine) -> ObjectId,
        what: &'static str,
        site: Site,
    ) -> Option<bool> {
        let last = current::with(|engine| {
            engine.joins_sections().then(|| {
                let side = self.resolve(engine, whole);
                let state = engine.objects.monitor(side);
                // Whoever holds it alone, and always did, meets nobody.
                state.holders == 1 && !state.was_let_go
            })
        });
        let last = match last.flatten() {
            Some(false) => perform_on(&self.slot, &Self::META, Op::LetGo { what }, site.0)
                .map(|reply| reply.ok),
            known => known,
        };
        // Relaxed: as above.
        self.count.fetch_sub(1, Ordering::Relaxed);
        last
    }
}

impl Default for Holders {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

/// What a step is in the model that runs; `None` outside of models.
#[inline]
pub fn level() -> Option<Level> {
    current::with(|engine| engine.config.level)
}

/// A number below `bound`, each of which is explored; `None` outside of models.
///
/// # Panics
///
/// When `bound` is 0 or above 1,000.
#[track_caller]
pub fn choose(bound: usize) -> Option<usize> {
    let short = u16::try_from(bound).ok().filter(|bound| (1..=1_000).contains(bound));
    let bound = short.unwrap_or_else(|| panic!("a model cannot try {bound} numbers"));
    let own = |engine: &mut Engine| engine.thread_object(engine.running);
    let reply = perform(own, Op::Choose { bound }, Location::caller())?;
    Some(usize::try_from(reply.value).expect("below the bound"))
}

/// A number that this execution has not seen yet, from 1 on, and that orders nothing; `None` outside of models.
pub fn unique() -> Option<u64> {
    current::with(|engine| {
        engine.unique += 1;
        engine.unique
    })
}

/// A moment in the life of a thread of a model, to be compared with others by what happens before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    pub(crate) thread: usize,
    /// How many events the thread had made.
    pub(crate) events: u32,
    /// By thread, how many of its events happen before this moment.
    pub(crate) seen: Vec<u32>,
}

impl Moment {
    /// Whether everything that the thread of `self` had done happens before `later`.
    pub fn is_before(&self, later: &Self) -> bool {
        let seen = later.seen.get(self.thread).copied().unwrap_or(0);
        self.events == 0 || seen >= self.events
    }
}

/// This moment of the running thread; `None` outside of models. It is no step, and orders nothing.
pub fn moment() -> Option<Moment> {
    current::with(|engine| engine.moment())
}

/// Says that a panic of the running thread, which was caught, has reached nobody.
pub fn panicked_unseen(message: String, location: Option<String>) {
    current::with(|engine| {
        if engine.phase != Phase::Teardown {
            let thread = engine.thread_info(engine.running);
            engine.findings.push(Finding::Panic { thread, message, location });
        }
    });
}

/// Where the last panic of the running thread began.
pub fn last_panic() -> Option<String> {
    current::with(|engine| engine.last_panic()).flatten()
}

/// Gives the running thread a name for reports, unless it has one.
pub fn name_thread(name: &str) {
    current::with(|engine| engine.name_thread(name));
}

/// Refuses inside a model what the explorer cannot control.
///
/// # Panics
///
/// Inside a model.
#[track_caller]
pub fn refuse(what: &str) {
    assert!(!crate::in_model(), "a model cannot {what}: the checker does not control it");
}

/// A closure that is called when an instant of virtual time has come, unless it is cancelled before.
///
/// It runs on a thread of its own, which reports call a timer. Dropping the alarm cancels it.
#[derive(Debug)]
pub struct Alarm {
    thread: ThreadId,
    generation: u16,
    epoch: u64,
}

impl Alarm {
    /// Sets an alarm.
    ///
    /// # Errors
    ///
    /// Gives `act` back outside of models, and when an execution is being given up.
    #[track_caller]
    pub fn set<F: FnOnce() + 'static>(deadline: Instant, act: F) -> Result<Self, F> {
        let location = Location::caller();
        let Some(deadline_ns) = deadline.virtual_ns() else { return Err(act) };
        if !crate::in_model() || current::is_tearing_down() {
            return Err(act);
        }
        let number = current::with(|engine| engine.number_for_thread(location)).flatten();
        let Some(thread) = number else {
            crate::thread::wait_for_the_end(location);
            return Err(act);
        };
        let job = Rc::new(Closure::new(move || crate::thread::run_to_end(act, drop)));
        let set = current::with(|engine| {
            engine.set_alarm(thread, job, deadline_ns, location);
            let generation = engine.threads[thread].generation;
            Self { thread, generation, epoch: engine.epoch }
        });
        Ok(set.expect("inside a model"))
    }

    /// Whether it has gone off.
    #[track_caller]
    pub fn has_fired(&self) -> bool {
        let Self { thread, generation, .. } = *self;
        // Its number is another's only when it has gone off, and all know.
        if current::with(|engine| engine.threads[thread].generation == generation) == Some(false) {
            return true;
        }
        let own = move |engine: &mut Engine| engine.thread_object(thread);
        perform(own, Op::AlarmLook, Location::caller()).is_none_or(|reply| reply.ok)
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let set = current::with(|engine| {
            engine.epoch == self.epoch
                && engine.phase != Phase::Teardown
                && engine.threads[self.thread].generation == self.generation
                && engine.is_alarm_set(self.thread)
        });
        if set == Some(true) {
            let thread = self.thread;
            let own = move |engine: &mut Engine| engine.thread_object(thread);
            perform(own, Op::AlarmCancel, Location::caller());
            // Its closure is foreign code.
            let unset = |engine: &mut Engine| {
                (!engine.is_alarm_set(thread)).then(|| engine.discard_job(thread))
            };
            drop(current::with(unset));
        }
    }
}

/// A value that has to be dropped before the execution in which it was made ends.
///
/// One that is not is reported, with the place where it was made. Outside of models it is just the value.
#[derive(Debug)]
pub struct Tracked<T> {
    value: T,
    /// The execution, and the value's number in it.
    number: Option<(u64, usize)>,
}

impl<T> Tracked<T> {
    /// Tracks `value`.
    #[track_caller]
    pub fn new(value: T) -> Self {
        let place = Location::caller();
        let number =
            current::with(|engine| (engine.epoch, engine.track(std::any::type_name::<T>(), place)));
        Self { value, number }
    }
}

impl<T> Deref for Tracked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Tracked<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for Tracked<T> {
    fn drop(&mut self) {
        let Some((epoch, number)) = self.number else { return };
        current::with(|engine| {
            if engine.epoch == epoch {
                engine.untrack(number);
            }
        });
    }
}
