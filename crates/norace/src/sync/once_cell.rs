//! A value that is made once, by whoever needs it first.

use super::permits::{Permits, Place, Take, Use};
use crate::wait::{BlockedOn, block_on};
use norace_prim::probe::{Kind, Site};
use norace_prim::sync::OnceLock;
use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn, ready};
use std::pin::pin;

/// What the checker calls it.
struct OnceUse;

impl Kind for OnceUse {
    const WORD: &'static str = "once cell";
    type Holds = ();
}

impl Use for OnceUse {
    const ON: BlockedOn = BlockedOn::Init;
    const TAKE: &'static str = "initialise";
    const GIVE: &'static str = "give up initialising";
    const OVERTAKEN_MAX: u32 = 0;
}

/// A cell that gets its value once; the making of it may wait, fail, panic or be cancelled.
///
/// ```
/// use norace::sync::OnceCell;
/// static RATES: OnceCell<Vec<u32>> = OnceCell::new();
/// norace::block_on(async {
///     let failed = RATES.get_or_try_init(|| async { Err("no network") }).await;
///     assert_eq!(failed, Err("no network"));
///     assert_eq!(*RATES.get_or_init(|| async { vec![7, 8] }).await, [7, 8]);
/// });
/// assert_eq!(RATES.get(), Some(&vec![7, 8]));
/// ```
///
/// # When to use it, and when not
///
/// For what is expensive or asynchronous to make and needed by many: a connection, a configuration. What is made
/// without waiting is a [`prim::sync::OnceLock`](crate::prim::sync::OnceLock); what changes later a
/// [`Versioned`](crate::sync::Versioned).
///
/// # Cost
///
/// Reading is one load. Making takes one permit of one; waiters stand in its line.
///
/// # Cancel safety, errors and panics
///
/// One at a time makes the value. If that one fails, panics, or its future is dropped, the next in line takes its own
/// turn with its own closure; the error or the panic goes to its maker alone. A waiter that is dropped leaves the line.
///
/// A closure that asks for the value of its own cell waits for ever.
///
/// # Ordering
///
/// The making of the value happens before every call that returns it; a turn that failed happens before the next.
///
/// The design is that of tokio's `OnceCell`.
pub struct OnceCell<T> {
    value: OnceLock<T>,
    /// One permit, for who makes the value; closed when that is there.
    turn: Permits<OnceUse>,
}

/// The right to make the value; dropped without one, it goes to the next.
struct Turn<'a, T> {
    cell: &'a OnceCell<T>,
    site: Site,
}

impl<T> Turn<'_, T> {
    fn set(&self, value: T) {
        let set = self.cell.value.set(value);
        debug_assert!(set.is_ok(), "one turn sets the value");
        self.cell.turn.close(self.site);
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        self.cell.turn.give(1, self.site);
    }
}

/// A place in the line for a turn.
struct InLine<'a, T> {
    cell: &'a OnceCell<T>,
    place: Place,
}

impl<T> Drop for InLine<'_, T> {
    fn drop(&mut self) {
        self.place.leave(&self.cell.turn);
    }
}

impl<T> OnceCell<T> {
    /// A cell without a value.
    #[cfg_attr(norace, track_caller)]
    pub const fn new() -> Self {
        Self { value: OnceLock::new(), turn: Permits::new(1) }
    }

    /// The value, if it is there.
    #[cfg_attr(norace, track_caller)]
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// The value, if it is there, for who has the cell to himself.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut()
    }

    /// The value, if it is there.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Puts a value in.
    ///
    /// # Errors
    ///
    /// [`SetError`] gives the value back when there is one already, or somebody is making one.
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        let site = Site::here();
        match self.turn.try_take(1, site) {
            Take::Taken => {
                Turn { cell: self, site }.set(value);
                Ok(())
            }
            Take::Short => Err(SetError::InTheMaking(value)),
            Take::Closed => Err(SetError::Occupied(value)),
        }
    }

    /// The value; if there is none yet, what the future of `make` gives becomes it. See
    /// [cancel safety](Self#cancel-safety-errors-and-panics).
    #[track_caller]
    pub fn get_or_init<'a, F, M>(
        &'a self,
        make: F,
    ) -> impl Future<Output = &'a T> + use<'a, T, F, M>
    where
        F: FnOnce() -> M,
        M: Future<Output = T>,
    {
        let site = Site::here();
        async move {
            match self.turn(site).await {
                Err(value) => value,
                Ok(turn) => {
                    turn.set(make().await);
                    self.made()
                }
            }
        }
    }

    /// As [`get_or_init`](Self::get_or_init), for a making that can fail.
    ///
    /// # Errors
    ///
    /// That of `make`'s future, if this call's turn failed.
    #[track_caller]
    pub fn get_or_try_init<'a, E, F, M>(
        &'a self,
        make: F,
    ) -> impl Future<Output = Result<&'a T, E>> + use<'a, T, E, F, M>
    where
        F: FnOnce() -> M,
        M: Future<Output = Result<T, E>>,
    {
        let site = Site::here();
        async move {
            match self.turn(site).await {
                Err(value) => Ok(value),
                Ok(turn) => {
                    turn.set(make().await?);
                    Ok(self.made())
                }
            }
        }
    }

    /// As [`get_or_init`](Self::get_or_init), for plain threads: this one sleeps while another makes the value.
    #[track_caller]
    pub fn get_or_init_blocking(&self, make: impl FnOnce() -> T) -> &T {
        match self.value.get() {
            Some(value) => value,
            None => block_on(pin!(self.get_or_init(|| ready(make())))),
        }
    }

    /// The right to make the value, or the value.
    async fn turn(&self, site: Site) -> Result<Turn<'_, T>, &T> {
        if let Some(value) = self.value.get() {
            return Err(value);
        }
        let mut line = InLine { cell: self, place: Place::new(1, site) };
        if poll_fn(|cx| line.place.poll(&self.turn, cx)).await {
            Ok(Turn { cell: self, site })
        } else {
            Err(self.made())
        }
    }

    fn made(&self) -> &T {
        self.value.get().expect("it is closed after the value was set")
    }
}

impl<T> Default for OnceCell<T> {
    #[cfg_attr(norace, track_caller)]
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnceCell").field(&self.value.get()).finish()
    }
}

/// Why [`OnceCell::set`] put nothing in, with the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetError<T> {
    /// There is a value already.
    Occupied(T),
    /// Somebody is making one.
    InTheMaking(T),
}

impl<T> SetError<T> {
    /// The value that was not put in.
    pub fn into_inner(self) -> T {
        match self {
            Self::Occupied(value) | Self::InTheMaking(value) => value,
        }
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Occupied(_) => "set a once cell that has a value",
            Self::InTheMaking(_) => "set a once cell whose value is being made",
        })
    }
}

impl<T: fmt::Debug> Error for SetError<T> {}
