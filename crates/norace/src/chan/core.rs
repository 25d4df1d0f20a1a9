//! What all ends of a channel share: the state behind its lock, and who is woken when the lock is released.

use super::state::{Garbage, State};
use crate::time::Instant;
use crate::time::timer::Timer;
use crate::wait::{self, BlockedOn, Wakes, lock_patiently};
use norace_prim::probe::{Effect, Holders, Kind, Misuse, Monitor, Site};
use norace_prim::sync::{Mutex, lock};
use std::fmt;
use std::marker::PhantomData;
use std::task::Waker;

/// What the checker calls a channel of `T`.
struct ChannelOf<T>(PhantomData<T>);

impl<T> Kind for ChannelOf<T> {
    const WORD: &'static str = "channel";
    type Holds = T;
}

/// The one allocation that all ends of a channel share.
///
/// It does not ask for a cache line's alignment: an allocator takes three times as long for that, and where channels
/// are made for one exchange each, that is more than it gives.
#[repr(C)]
pub(super) struct Core<T> {
    /// First, so that the lock's word is beside what it guards; see [`State`].
    state: Mutex<State<T>>,
    monitor: Monitor<ChannelOf<T>>,
    senders: Holders,
    receivers: Holders,
    /// `None`: without bound.
    capacity: Option<usize>,
    /// What feeds a channel of [`timed`](super::timed); dropped, and so stopped, with the core.
    timer: Mutex<Option<Timer>>,
}

impl<T> Core<T> {
    /// An open channel with one sender and one receiver.
    #[cfg_attr(norace, track_caller)]
    pub(super) fn new(capacity: Option<usize>) -> Self {
        Self {
            monitor: Monitor::new(),
            senders: Holders::new(),
            receivers: Holders::new(),
            capacity,
            state: Mutex::new(State::new(capacity)),
            timer: Mutex::new(None),
        }
    }

    /// Sets the timer that feeds this channel; the former one has fired.
    ///
    /// The timer may fire while it is being set. What it calls sets the next one, and has to come after this.
    pub(super) fn arm_timer(&self, deadline: Instant, waker: Waker) {
        let mut timer = lock(&self.timer);
        let former = timer.replace(Timer::arm(deadline, waker));
        drop(timer);
        drop(former);
    }

    /// Runs `step`, which does `what`, under the lock, then wakes whom it says.
    #[inline]
    pub(super) fn with<R>(
        &self,
        what: &'static str,
        site: Site,
        step: impl FnOnce(&mut State<T>, &mut Wakes) -> R,
    ) -> R {
        let mut wakes = Wakes::new();
        let section = || step(&mut lock_patiently(&self.state), &mut wakes);
        let result = self.monitor.enter(what, site, section);
        if wakes.is_idle() {
            std::mem::forget(wakes);
        }
        result
    }

    /// As [`with`](Self::with), for a step that may come to nothing.
    #[inline]
    pub(super) fn attempt<R>(
        &self,
        what: &'static str,
        site: Site,
        step: impl FnOnce(&mut State<T>, &mut Wakes) -> R,
        effect: impl FnOnce(&R) -> Effect,
    ) -> R {
        let mut wakes = Wakes::new();
        let result = self.monitor.attempt(what, site, || {
            let result = step(&mut lock_patiently(&self.state), &mut wakes);
            (effect(&result), result)
        });
        if wakes.is_idle() {
            std::mem::forget(wakes);
        }
        result
    }

    /// Notes that the running thread, should it park, waits `on` this channel to do `what`.
    #[inline]
    pub(super) fn waits(&self, what: &'static str, on: BlockedOn, site: Site) {
        self.monitor.waits(what, site);
        wait::note(on, site);
    }

    /// Looks at the state.
    fn look<R>(
        &self,
        site: Site,
        look: impl FnOnce(&State<T>) -> R,
        effect: impl FnOnce(&R) -> Effect,
    ) -> R {
        self.attempt("look at", site, |state, _| look(state), effect)
    }

    pub(super) fn capacity(&self) -> Option<usize> {
        self.capacity
    }

    #[cfg_attr(norace, track_caller)]
    pub(super) fn len(&self) -> usize {
        self.look(Site::here(), State::len, |_| Effect::Nothing)
    }

    #[cfg_attr(norace, track_caller)]
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed_at(Site::here())
    }

    pub(super) fn is_closed_at(&self, site: Site) -> bool {
        let seen = |closed: &bool| if *closed { Effect::Learned } else { Effect::Nothing };
        self.look(site, State::is_closed, seen)
    }

    #[cfg_attr(norace, track_caller)]
    pub(super) fn close(&self) -> bool {
        let site = Site::here();
        let effect = |first: &bool| if *first { Effect::Changed } else { Effect::Learned };
        let first = self.attempt("close", site, State::close, effect);
        if first {
            self.monitor.closes(site);
        } else {
            self.monitor.misused(Misuse::SecondClose, site);
        }
        first
    }

    /// Tells the checker that a send met a closed channel.
    pub(super) fn refused_send(&self, site: Site) {
        self.monitor.misused(Misuse::SendAfterClose, site);
    }

    /// What `Debug` shows of an end.
    pub(super) fn fmt_end(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }

    #[cfg_attr(norace, track_caller)]
    pub(super) fn senders(&self) -> usize {
        let count = || lock_patiently(&self.state).senders();
        self.monitor.count(&self.senders, "count the senders of", Site::here(), count)
    }

    #[cfg_attr(norace, track_caller)]
    pub(super) fn receivers(&self) -> usize {
        let count = || lock_patiently(&self.state).receivers();
        self.monitor.count(&self.receivers, "count the receivers of", Site::here(), count)
    }

    pub(super) fn add_sender(&self) {
        // Whoever clones holds one, so that nobody but who counts can see the difference.
        self.senders.add();
        self.monitor.aside(|| lock_patiently(&self.state).add_sender());
    }

    pub(super) fn add_receiver(&self) {
        // As above.
        self.receivers.add();
        self.monitor.aside(|| lock_patiently(&self.state).add_receiver());
    }

    /// One more sender, unless the last one is gone.
    #[cfg_attr(norace, track_caller)]
    pub(super) fn revive_sender(&self) -> bool {
        let revive = || lock_patiently(&self.state).add_sender();
        self.monitor.take_hold(&self.senders, "upgrade to a sender of", Site::here(), revive)
    }

    /// One more receiver, unless the last one is gone.
    #[cfg_attr(norace, track_caller)]
    pub(super) fn revive_receiver(&self) -> bool {
        let revive = || lock_patiently(&self.state).add_receiver();
        self.monitor.take_hold(&self.receivers, "upgrade to a receiver of", Site::here(), revive)
    }

    #[cfg_attr(norace, track_caller)]
    pub(super) fn drop_sender(&self) {
        self.let_go(&self.senders, "drop a sender of", Site::here(), State::drop_sender);
    }

    #[cfg_attr(norace, track_caller)]
    pub(super) fn drop_receiver(&self) {
        self.let_go(&self.receivers, "drop a receiver of", Site::here(), State::drop_receiver);
    }

    /// Runs `step`, by which one end goes, under the lock; then wakes whom it says and drops what it left.
    fn let_go(
        &self,
        side: &Holders,
        what: &'static str,
        site: Site,
        step: impl FnOnce(&mut State<T>, &mut Wakes) -> Option<Garbage<T>>,
    ) {
        let mut wakes = Wakes::new();
        let section = || step(&mut lock_patiently(&self.state), &mut wakes);
        let garbage = self.monitor.let_go(side, what, site, section);
        wakes.wake_all();
        drop(garbage);
    }
}
