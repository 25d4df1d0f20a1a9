//! The probe as it is outside the checker: nothing, but for places, which are the compiler's.

use crate::time::Instant;
use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

/// A place in the program that called the library.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Site(&'static Location<'static>);

impl Site {
    /// The caller's place.
    #[track_caller]
    #[inline(always)]
    pub const fn here() -> Self {
        Self(Location::caller())
    }

    /// The place itself.
    #[inline(always)]
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
    /// It changed the object.
    Changed,
    /// It changed nothing, but what it found tells of what others did.
    Learned,
    /// It changed nothing, and what it found promises nothing about what others did: a failed attempt.
    Nothing,
}

/// The identity of an object whose critical sections are steps.
pub struct Monitor<K>(PhantomData<fn() -> K>);

impl<K: Kind> Monitor<K> {
    /// A monitor that reports name by the caller's place.
    #[inline(always)]
    pub const fn new() -> Self {
        Self(PhantomData)
    }

    /// Runs a critical section, which does `what`: `send to`, say.
    #[inline(always)]
    pub fn enter<R>(&self, _what: &'static str, _site: Site, section: impl FnOnce() -> R) -> R {
        section()
    }

    /// Runs a critical section that may change nothing, and says so.
    #[inline(always)]
    pub fn attempt<R>(
        &self,
        _what: &'static str,
        _site: Site,
        section: impl FnOnce() -> (Effect, R),
    ) -> R {
        section().1
    }

    /// Runs the critical section in which one of the `holders` of a side of the object lets go of it.
    #[inline(always)]
    pub fn let_go<R>(
        &self,
        _holders: &Holders,
        _what: &'static str,
        _site: Site,
        section: impl FnOnce() -> R,
    ) -> R {
        section()
    }

    /// Runs a critical section that tells how many hold a side of the object.
    #[inline(always)]
    pub fn count(
        &self,
        _holders: &Holders,
        _what: &'static str,
        _site: Site,
        mut section: impl FnMut() -> usize,
    ) -> usize {
        section()
    }

    /// Runs the critical section in which somebody takes hold of a side of the object.
    #[inline(always)]
    pub fn take_hold(
        &self,
        _holders: &Holders,
        _what: &'static str,
        _site: Site,
        section: impl FnOnce() -> bool,
    ) -> bool {
        section()
    }

    /// Runs a critical section that commutes with all others, whoever makes them.
    #[inline(always)]
    pub fn aside<R>(&self, section: impl FnOnce() -> R) -> R {
        section()
    }

    /// Says that the running thread, should it park, waits to do `what` to this object.
    #[inline(always)]
    pub fn waits(&self, _what: &'static str, _site: Site) {}

    /// Says that the running thread closes the object.
    #[inline(always)]
    pub fn closes(&self, _site: Site) {}

    /// Says that the running thread does what some programs must not do.
    #[inline(always)]
    pub fn misused(&self, _misuse: Misuse, _site: Site) {}
}

impl<K: Kind> Default for Monitor<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> fmt::Debug for Monitor<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Monitor")
    }
}

/// How many hold one side of a monitor: the senders of a channel, say.
#[derive(Debug, Default)]
pub struct Holders(());

impl Holders {
    /// One.
    #[inline(always)]
    pub const fn new() -> Self {
        Self(())
    }

    /// One more; said by one who holds it.
    #[inline(always)]
    pub fn add(&self) {}
}

/// Something a program may do that is an error only for who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Misuse {
    /// Closing what is closed.
    SecondClose,
    /// Sending into what is closed.
    SendAfterClose,
}

/// How much of a library is taken apart in a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// A critical section of a monitor is one step.
    App,
    /// Every operation is a step.
    Rt,
}

/// Whether this code runs inside a model.
#[inline(always)]
pub const fn in_model() -> bool {
    false
}

/// What a step is in the model that runs; `None` outside of models.
#[inline(always)]
pub const fn level() -> Option<Level> {
    None
}

/// A number below `bound`, each of which is explored; `None` outside of models.
#[inline(always)]
pub const fn choose(_bound: usize) -> Option<usize> {
    None
}

/// A number that this execution has not seen yet; `None` outside of models.
#[inline(always)]
pub const fn unique() -> Option<u64> {
    None
}

/// Says that a panic of the running thread, which was caught, has reached nobody.
#[inline(always)]
pub fn panicked_unseen(_message: String, _location: Option<String>) {}

/// Where the last panic of the running thread began.
#[inline(always)]
pub const fn last_panic() -> Option<String> {
    None
}

/// Gives the running thread a name for reports, unless it has one.
#[inline(always)]
pub const fn name_thread(_name: &str) {}

/// Refuses inside a model what the checker cannot control.
#[inline(always)]
pub const fn refuse(_what: &str) {}

/// A closure that is called when an instant of virtual time has come: there is none outside of models.
#[derive(Debug)]
pub struct Alarm(Infallible);

impl Alarm {
    /// Gives `act` back.
    ///
    /// # Errors
    ///
    /// Always.
    #[inline(always)]
    pub fn set<F: FnOnce() + 'static>(_deadline: Instant, act: F) -> Result<Self, F> {
        Err(act)
    }

    /// Whether it has gone off.
    pub fn has_fired(&self) -> bool {
        match self.0 {}
    }
}
