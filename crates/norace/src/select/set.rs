//! A select whose cases are made at run time.
//!
//! After Go's `reflect.Select` and crossbeam's `Select`. The cases are objects that outlive a wait: a set is made once
//! and waited on in a loop. While nobody waits no end of a channel is registered: one that nobody polls would keep
//! values and room from others. So each wait that does not find a ready case at once registers all of them and takes
//! them back, as in Go; only timers and foreign futures stay as they are, and keep nothing from anybody.

use super::SelectId;
use super::cases::{CancelledCase, Case, FutureCase, RecvCase, SendCase, TimeCase};
use super::pick::{look, poll_first};
use crate::chan::{Receiver, RecvError, SendError, Sender};
use crate::context::{self, Cause};
use crate::time::{Duration, sleep};
use crate::wait::{block_for, block_on};
use norace_prim::probe::Site;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

/// Names a case of one [`Select`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CaseId(u64);

/// Cases, and whose turn it is.
struct Set<C: ?Sized> {
    id: SelectId,
    /// In the order in which they were added.
    cases: Vec<(CaseId, Box<C>)>,
    /// The places of the cases, in the order of the last poll.
    order: Vec<usize>,
    biased: bool,
    added: u64,
}

impl<C: Case + ?Sized> Set<C> {
    fn new(biased: bool) -> Self {
        let id = SelectId::new();
        Self { id, cases: Vec::new(), order: Vec::new(), biased, added: 0 }
    }

    fn add(&mut self, case: Box<C>) -> CaseId {
        self.added += 1;
        let id = CaseId(self.added);
        self.order.push(self.cases.len());
        self.cases.push((id, case));
        id
    }

    fn remove(&mut self, case: CaseId) -> Option<Box<C>> {
        // Ids rise in the order in which the cases stand.
        let place = self.cases.binary_search_by_key(&case.0, |(id, _)| id.0).ok()?;
        Some(self.remove_at(place))
    }

    fn remove_at(&mut self, place: usize) -> Box<C> {
        let (_, case) = self.cases.remove(place);
        // Any order will do to draw the next one from.
        self.order.clear();
        self.order.extend(0..self.cases.len());
        case
    }

    fn wait(&mut self) -> Wait<'_, C> {
        Wait { set: self, waits: false }
    }

    fn try_now(&mut self) -> Option<C::Output> {
        let cases = self.cases.len();
        let mut wait = self.wait();
        look(cases, |cx| Pin::new(&mut wait).poll(cx))
    }

    /// The place of a case that is ready, which it thereby is taken.
    fn poll_cases(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        let Self { cases, order, biased, .. } = self;
        poll_first(order, *biased, |place| cases[place].1.poll(cx).map(|()| place))
    }

    fn withdraw_all(&mut self) {
        for (_, case) in &mut self.cases {
            case.withdraw();
        }
    }
}

/// One wait on a set.
struct Wait<'s, C: Case + ?Sized> {
    set: &'s mut Set<C>,
    /// Whether cases may wait that nobody polls once this is gone.
    waits: bool,
}

impl<C: Case + ?Sized> Future for Wait<'_, C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C::Output> {
        let Self { set, waits } = &mut *self;
        *waits = true;
        let place = ready!(SelectId::during(Some(set.id), || set.poll_cases(cx)));
        set.withdraw_all();
        *waits = false;
        // Its function is foreign code: it runs when the set is in order again.
        let (_, case) = &mut set.cases[place];
        if case.lasts() {
            return Poll::Ready(case.take());
        }
        Poll::Ready(set.remove_at(place).take())
    }
}

impl<C: Case + ?Sized> Drop for Wait<'_, C> {
    fn drop(&mut self) {
        if self.waits {
            self.set.withdraw_all();
        }
    }
}

/// A set as users see it; `$send` is `Send` where its cases have to be that.
macro_rules! set {
    ($(#[$meta:meta])* $name:ident $($send:ident)?) => {
        $(#[$meta])*
        pub struct $name<'a, R> {
            set: Set<dyn Case<Output = R> $(+ $send)? + 'a>,
        }

        impl<'a, R> $name<'a, R> {
            /// A select without cases. Of its ready cases each is equally likely to be taken.
            pub fn new() -> Self {
                Self { set: Set::new(false) }
            }

            /// A select without cases. It takes the first ready one, in the order in which they are added.
            pub fn biased() -> Self {
                Self { set: Set::new(true) }
            }

            /// Adds a case that receives from `receiver`.
            ///
            /// From a channel that has ended it is ready at every wait with [`RecvError`]: [`remove`](Self::remove)
            /// it then.
            #[track_caller]
            pub fn recv<T $(: $send)?>(
                &mut self,
                receiver: &'a Receiver<T>,
                map: impl FnMut(Result<T, RecvError>) -> R $(+ $send)? + 'a,
            ) -> CaseId {
                let site = Site::here();
                self.set.add(Box::new(RecvCase { receiver, site, waiting: None, output: None, map }))
            }

            /// Adds a case that sends `value` into `sender`, once. When the channel is closed it is taken with the
            /// error.
            ///
            /// As every send in a select it only offers its value until it is taken: at capacity 0 it meets receivers
            /// that wait.
            #[track_caller]
            pub fn send<T $(: $send)?>(
                &mut self,
                sender: &'a Sender<T>,
                value: T,
                map: impl FnOnce(Result<(), SendError<T>>) -> R $(+ $send)? + 'a,
            ) -> CaseId {
                self.set.add(Box::new(SendCase { send: sender.send(value), output: None, map: Some(map) }))
            }

            /// Adds a case that is ready once `context` is cancelled, at every wait from then on.
            #[track_caller]
            pub fn cancelled(
                &mut self,
                context: &'a context::Context,
                map: impl FnMut(Cause) -> R $(+ $send)? + 'a,
            ) -> CaseId {
                let site = Site::here();
                self.set.add(Box::new(CancelledCase { context, site, waiting: None, output: None, map }))
            }

            /// Adds a case that is ready when `duration` has passed from this call on, at every wait from then on.
            #[track_caller]
            pub fn after(&mut self, duration: Duration, map: impl FnMut() -> R $(+ $send)? + 'a) -> CaseId {
                self.set.add(Box::new(TimeCase { sleep: sleep(duration), map }))
            }

            /// Adds a case that is ready when `future` is, once.
            ///
            /// A future that is not taken goes on in the next wait; it must be safe to drop in the middle.
            pub fn future<F: Future $(<Output: $send> + $send)? + 'a>(
                &mut self,
                future: F,
                map: impl FnOnce(F::Output) -> R $(+ $send)? + 'a,
            ) -> CaseId {
                self.set.add(Box::new(FutureCase { future: Box::pin(future), output: None, map: Some(map) }))
            }

            /// Takes a case out; false when it is not there any more.
            pub fn remove(&mut self, case: CaseId) -> bool {
                self.set.remove(case).is_some()
            }

            /// How many cases there are.
            pub fn len(&self) -> usize {
                self.set.cases.len()
            }

            /// Whether there are no cases; then a wait has no end.
            pub fn is_empty(&self) -> bool {
                self.set.cases.is_empty()
            }

            /// Waits until a case is ready and takes it.
            ///
            /// # Cancel safety
            ///
            /// Dropping the future takes no case and loses nothing; the set is as before.
            pub fn wait(&mut self) -> impl Future<Output = R> $(+ $send)? + Unpin {
                self.set.wait()
            }

            /// Waits until a case is ready and takes it; this thread sleeps meanwhile.
            pub fn wait_blocking(&mut self) -> R {
                block_on(self.wait())
            }

            /// Waits for at most `timeout` until a case is ready and takes it; this thread sleeps meanwhile. `None`
            /// when time ran out.
            pub fn wait_timeout_blocking(&mut self, timeout: Duration) -> Option<R> {
                block_for(pin!(self.wait()), timeout)
            }

            /// Takes a case that is ready now, if any.
            pub fn try_now(&mut self) -> Option<R> {
                self.set.try_now()
            }
        }

        impl<R> Default for $name<'_, R> {
            fn default() -> Self {
                Self::new()
            }
        }

        impl<R> fmt::Debug for $name<'_, R> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("cases", &self.len())
                    .field("biased", &self.set.biased)
                    .finish_non_exhaustive()
            }
        }
    };
}

set! {
    /// A select whose cases are added at run time: any number of receives, sends, contexts, instants and other futures.
    ///
    /// Each case has a function that makes an `R` of its output. A wait takes exactly one case and returns what the
    /// function of that case makes; of the ready cases each is equally likely. Receives, contexts and instants stay
    /// in the set and can be taken again by later waits; a send or a future is taken once and is then gone.
    ///
    /// ```
    /// use norace::{chan, select::Select};
    ///
    /// let (senders, receivers): (Vec<_>, Vec<_>) = (0..100).map(|_| chan::bounded(1)).unzip();
    /// senders[42].try_send("hello").expect("there is room");
    ///
    /// let mut select = Select::new();
    /// for (index, receiver) in receivers.iter().enumerate() {
    ///     select.recv(receiver, move |value| (index, value.ok()));
    /// }
    /// assert_eq!(norace::block_on(select.wait()), (42, Some("hello")));
    /// assert_eq!(select.try_now(), None);
    /// senders[7].try_send("again").expect("there is room");
    /// assert_eq!(select.wait_blocking(), (7, Some("again")));
    /// ```
    ///
    /// With cases that are known when the program is written [`select!`](crate::select!) is faster and reads better.
    ///
    /// # Cost
    ///
    /// One allocation for each case when it is added (two for [`future`](Self::future)), none for waiting. A wait
    /// polls the cases until it finds a ready one: half of n on average if there is one, and if there is none all n
    /// of them, again at each wake-up.
    ///
    /// # Values of sends
    ///
    /// A send that is not taken keeps its value, for the next wait; removing it, or dropping the set, drops the
    /// value. To have it back make the future outside, add `&mut` it by [`future`](Self::future), and
    /// [`try_cancel`](crate::chan::Send::try_cancel) it when the set is gone:
    ///
    /// ```
    /// use norace::{chan::{self, TryCancel}, select::Select};
    ///
    /// let (tx, _rx) = chan::bounded(0);
    /// let mut send = tx.send("mine");
    /// let mut select = Select::new();
    /// select.future(&mut send, |sent| sent.is_ok());
    /// assert_eq!(select.try_now(), None);
    /// drop(select);
    /// assert_eq!(send.try_cancel(), TryCancel::Cancelled("mine"));
    /// ```
    Select Send
}

set! {
    /// A [`Select`] whose cases need not be `Send`: for values and futures that stay on one thread, as those of
    /// pinned tasks do.
    LocalSelect
}

#[cfg(all(test, norace))]
mod models;
