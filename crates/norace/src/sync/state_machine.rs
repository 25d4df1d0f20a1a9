//! A state that moves along a table, with a version.

use super::cell::{Cell, Wide};
use super::event::{Event, Inside, Wait};
use super::transitions::States;
use super::versioned::Version;
use crate::wait::{BlockedOn, block_for, block_on};
use norace_prim::probe::{Effect, Kind, Site};
use norace_prim::time::Duration;
use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;

/// What the checker calls it.
#[derive(Debug)]
pub struct MachineOf<S>(PhantomData<S>);

impl<S> Kind for MachineOf<S> {
    const WORD: &'static str = "state machine";
    type Holds = S;
}

/// A state that many move and nobody moves against the table.
///
/// ```
/// use norace::sync::{MoveError, StateMachine};
/// norace::states! {
///     enum Order {
///         Pending => [Processing, Cancelled],
///         Processing => [Confirmed, Cancelled],
///         Confirmed => [],
///         Cancelled => [],
///     }
/// }
/// let order = StateMachine::new(Order::Pending);
/// let (_, read) = order.load();
/// let processing = order.compare_move(read, Order::Processing).expect("nobody else moves it");
/// assert_eq!(processing.get(), 2);
///
/// let late = order.compare_move(read, Order::Cancelled);
/// assert_eq!(late, Err(MoveError::Stale { state: Order::Processing, version: processing }));
/// let back = order.move_to(Order::Pending).unwrap_err();
/// assert_eq!((back.from, back.to), (Order::Processing, Order::Pending));
/// ```
///
/// # When to use it, and when not
///
/// For the life of one object in memory that several threads or tasks drive: a connection, a job. Every move is one
/// compare-and-swap, so it says nothing about other data: where state and money have to agree, put both under one owner
/// or one lock, as the engine of this project does.
///
/// # Cost and ordering
///
/// As those of a [`Versioned`](super::Versioned) word: a load of 128 bits and an exchange per move, a load to look. A
/// move happens before everything that returns its version or a later one.
///
/// # Cancel safety
///
/// [`wait_for`](Self::wait_for) may be dropped at any time.
pub struct StateMachine<S: States> {
    /// The state's index with its version.
    cell: Wide,
    event: Event<Self>,
}

/// An index with its version, as a cell keeps them.
type Seen = <Wide as Cell<usize>>::Seen;

fn version_of(seen: Seen) -> Version {
    Version::new(<Wide as Cell<usize>>::version_of(seen))
}

impl<S: States> StateMachine<S> {
    /// A machine in `state`, at version 1.
    #[cfg_attr(norace, track_caller)]
    pub fn new(state: S) -> Self {
        Self::with_version(state, Version::FIRST)
    }

    /// A machine in `state` at `version`: one that is restored.
    ///
    /// # Panics
    ///
    /// When a hand-written [`States`] contradicts itself.
    #[cfg_attr(norace, track_caller)]
    pub fn with_version(state: S, version: Version) -> Self {
        const { assert!(S::ALL.len() == S::TRANSITIONS.states(), "a row for each state") };
        assert_eq!(S::ALL.get(state.index()), Some(&state), "each state stands at its index");
        Self { cell: Wide::new(state.index(), version.get()), event: Event::new() }
    }

    /// The state.
    #[track_caller]
    pub fn state(&self) -> S {
        self.load().0
    }

    /// The state with its version.
    #[track_caller]
    pub fn load(&self) -> (S, Version) {
        self.event.read("look at", Site::here(), || self.read())
    }

    /// Moves to `to` from whatever state it is in; the version after the move.
    ///
    /// # Errors
    ///
    /// [`IllegalMove`] when the table does not allow it; nothing is changed.
    #[track_caller]
    pub fn move_to(&self, to: S) -> Result<Version, IllegalMove<S>> {
        let site = Site::here();
        let mut seen = self.event.read("look at", site, || self.see());
        loop {
            match self.exchange(seen, to, site)? {
                Ok(version) => return Ok(version),
                Err(now) => seen = now,
            }
        }
    }

    /// Moves to `to` if the version is still `version`; the version after the move.
    ///
    /// # Errors
    ///
    /// [`MoveError::Stale`] when it has moved since, else [`MoveError::Illegal`] when the table does not allow the
    /// move. Nothing is changed.
    #[track_caller]
    pub fn compare_move(&self, version: Version, to: S) -> Result<Version, MoveError<S>> {
        let site = Site::here();
        let seen = self.event.read("look at", site, || self.see());
        let stale = |(state, seen)| MoveError::Stale { state, version: version_of(seen) };
        if version_of(seen.1) != version {
            return Err(stale(seen));
        }
        self.exchange(seen, to, site).map_err(MoveError::Illegal)?.map_err(stale)
    }

    /// Waits until it is in `state`, or comes into it, however shortly; resolves to the version at which it did.
    ///
    /// A state that was left before the wait began, which is when it is first polled, has been missed.
    ///
    /// Resolves to [`Unreachable`] when no moves lead there any more: nobody waits for an order to be confirmed that
    /// was cancelled.
    #[track_caller]
    pub fn wait_for(&self, state: S) -> Wait<'_, Self> {
        Wait::new(self, state, BlockedOn::State, Site::here())
    }

    /// As [`wait_for`](Self::wait_for); this thread sleeps. For plain threads.
    ///
    /// # Errors
    ///
    /// [`Unreachable`], as that.
    #[track_caller]
    pub fn wait_for_blocking(&self, state: S) -> Result<Version, Unreachable<S>> {
        block_on(self.wait_for(state))
    }

    /// As [`wait_for_blocking`](Self::wait_for_blocking), for at most `timeout`; `None` when time ran out.
    #[track_caller]
    pub fn wait_for_timeout(
        &self,
        state: S,
        timeout: Duration,
    ) -> Option<Result<Version, Unreachable<S>>> {
        block_for(Pin::new(&mut self.wait_for(state)), timeout)
    }

    fn read(&self) -> (S, Version) {
        let (state, seen) = self.see();
        (state, version_of(seen))
    }

    /// The state, and what its exchange takes.
    fn see(&self) -> (S, Seen) {
        let (index, seen): (usize, Seen) = self.cell.load();
        (S::ALL[index], seen)
    }

    /// Moves from `state`, as it was `seen`, to `to`; the state as it is when it has moved since.
    fn exchange(
        &self,
        (state, seen): (S, Seen),
        to: S,
        site: Site,
    ) -> Result<Result<Version, (S, Seen)>, IllegalMove<S>> {
        if !state.may_become(to) {
            return Err(IllegalMove { from: state, to });
        }
        Ok(self.event.change("move", site, |wakes| match self.cell.exchange(seen, to.index()) {
            Ok(after) => {
                let after = Version::new(after);
                self.event.notify(wakes, |wish| wish.told(to, after));
                (Effect::Changed, Ok(after))
            }
            Err((now, seen)) => (Effect::Learned, Err((S::ALL[now], seen))),
        }))
    }
}

impl<S: States> fmt::Debug for StateMachine<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (state, version) = self.read();
        f.debug_struct("StateMachine")
            .field("state", &state)
            .field("version", &version.get())
            .finish()
    }
}

/// What a waiter waits for, and what it has been told.
///
/// Movers tell in any order: one that came later may be the first to. So that a state shortly passed through is not
/// reported as out of reach, that verdict has to wait until every move since has been told.
#[derive(Debug)]
pub struct Wish<S> {
    state: S,
    /// The version when the waiter stood in line: all later moves are told, each once.
    since: Version,
    /// How many were told.
    told: i64,
    /// How far the latest of them is from `since`, and the state it led to.
    latest: i64,
    current: S,
}

impl<S: States> Wish<S> {
    /// What a move to `to`, which made `version`, means to this waiter.
    fn told(&mut self, to: S, version: Version) -> Option<Result<Version, Unreachable<S>>> {
        let ahead = version.ahead_of(self.since);
        if ahead <= 0 {
            return None;
        }
        if to == self.state {
            return Some(Ok(version));
        }
        self.told += 1;
        if ahead > self.latest {
            (self.latest, self.current) = (ahead, to);
        }
        let (state, current) = (self.state, self.current);
        let lost = self.told == self.latest && !current.leads_to(state);
        lost.then_some(Err(Unreachable { state, current }))
    }
}

impl<S: States> Inside for StateMachine<S> {
    type Asked = S;
    type Wish = Wish<S>;
    type Answer = Result<Version, Unreachable<S>>;
    type Output = Result<Version, Unreachable<S>>;
    type Name = MachineOf<S>;

    fn event(&self) -> &Event<Self> {
        &self.event
    }

    fn look(&self, state: S) -> Result<Self::Answer, Wish<S>> {
        let (current, since) = self.read();
        if current == state {
            Ok(Ok(since))
        } else if current.leads_to(state) {
            Err(Wish { state, since, told: 0, latest: 0, current })
        } else {
            Ok(Err(Unreachable { state, current }))
        }
    }

    fn look_again(&self, wish: &mut Wish<S>) -> Option<Self::Answer> {
        match self.look(wish.state) {
            Ok(answer) => Some(answer),
            Err(later) => {
                *wish = later;
                None
            }
        }
    }

    fn output(&self, answer: Self::Answer) -> Self::Output {
        answer
    }
}

/// A move that the table does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IllegalMove<S> {
    /// The state it is in.
    pub from: S,
    /// The state it was to move to.
    pub to: S,
}

impl<S: fmt::Debug> fmt::Display for IllegalMove<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "move from {:?} to {:?}, which the table does not allow", self.from, self.to)
    }
}

impl<S: fmt::Debug> Error for IllegalMove<S> {}

/// Why [`StateMachine::compare_move`] did not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveError<S> {
    /// It has moved since that version.
    Stale {
        /// The state it is in.
        state: S,
        /// Its version.
        version: Version,
    },
    /// The table does not allow it.
    Illegal(IllegalMove<S>),
}

impl<S: fmt::Debug> fmt::Display for MoveError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale { state, version } => {
                write!(f, "move of a version before {version}, which is in {state:?}")
            }
            Self::Illegal(illegal) => illegal.fmt(f),
        }
    }
}

impl<S: fmt::Debug> Error for MoveError<S> {}

/// The state waited for cannot come any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable<S> {
    /// The state waited for.
    pub state: S,
    /// The state from which no moves lead there.
    pub current: S,
}

impl<S: fmt::Debug> fmt::Display for Unreachable<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wait for {:?}, to which no moves lead from {:?}", self.state, self.current)
    }
}

impl<S: fmt::Debug> Error for Unreachable<S> {}
