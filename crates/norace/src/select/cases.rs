//! The cases of a [`Select`](super::Select): what is polled, and what is made of its output.

use crate::chan::{Receiver, Recv, RecvError, Send, SendError};
use crate::context::{self, Cancelled, Cause};
use crate::time::Sleep;
use norace_prim::probe::Site;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A case. `poll` until it is ready; then `take`, once. `withdraw` whenever nobody will poll for a while.
pub(super) trait Case {
    type Output;

    /// Ready when this is the case that is taken. It took effect by that.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Stops waiting, so that it keeps nothing from others. A later `poll` begins anew.
    fn withdraw(&mut self);

    /// The output, after `poll` was ready.
    fn take(&mut self) -> Self::Output;

    /// Whether it can be taken again.
    fn lasts(&self) -> bool;
}

/// What `take` asks for is what the ready `poll` left.
const POLLED: &str = "a case is taken once it was ready";

/// Receives, any number of times.
pub(super) struct RecvCase<'a, T, M> {
    pub(super) receiver: &'a Receiver<T>,
    pub(super) site: Site,
    pub(super) waiting: Option<Recv<'a, T>>,
    pub(super) output: Option<Result<T, RecvError>>,
    pub(super) map: M,
}

impl<T, R, M: FnMut(Result<T, RecvError>) -> R> Case for RecvCase<'_, T, M> {
    type Output = R;

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (receiver, site) = (self.receiver, self.site);
        let receive = self.waiting.get_or_insert_with(|| receiver.recv_at(site));
        self.output = Some(ready!(Pin::new(receive).poll(cx)));
        Poll::Ready(())
    }

    fn withdraw(&mut self) {
        self.waiting = None;
    }

    fn take(&mut self) -> R {
        (self.map)(self.output.take().expect(POLLED))
    }

    fn lasts(&self) -> bool {
        true
    }
}

/// Sends, once. The value stays here until it is sent.
pub(super) struct SendCase<'a, T, M> {
    pub(super) send: Send<'a, T>,
    pub(super) output: Option<Result<(), SendError<T>>>,
    pub(super) map: Option<M>,
}

impl<T, R, M: FnOnce(Result<(), SendError<T>>) -> R> Case for SendCase<'_, T, M> {
    type Output = R;

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.output = Some(ready!(Pin::new(&mut self.send).poll(cx)));
        Poll::Ready(())
    }

    fn withdraw(&mut self) {
        self.send.withdraw();
    }

    fn take(&mut self) -> R {
        let map = self.map.take().expect(POLLED);
        map(self.output.take().expect(POLLED))
    }

    fn lasts(&self) -> bool {
        false
    }
}

/// A context's end, which stays.
pub(super) struct CancelledCase<'a, M> {
    pub(super) context: &'a context::Context,
    pub(super) site: Site,
    pub(super) waiting: Option<Cancelled<'a>>,
    pub(super) output: Option<Cause>,
    pub(super) map: M,
}

impl<R, M: FnMut(Cause) -> R> Case for CancelledCase<'_, M> {
    type Output = R;

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (context, site) = (self.context, self.site);
        let cancelled = self.waiting.get_or_insert_with(|| context.cancelled_at(site));
        self.output = Some(ready!(Pin::new(cancelled).poll(cx)));
        Poll::Ready(())
    }

    fn withdraw(&mut self) {
        self.waiting = None;
    }

    fn take(&mut self) -> R {
        (self.map)(self.output.take().expect(POLLED))
    }

    fn lasts(&self) -> bool {
        true
    }
}

/// An instant, which stays passed.
pub(super) struct TimeCase<M> {
    pub(super) sleep: Sleep,
    pub(super) map: M,
}

impl<R, M: FnMut() -> R> Case for TimeCase<M> {
    type Output = R;

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.sleep).poll(cx)
    }

    /// The timer stays armed: it keeps nothing from anybody, and is most often wanted again.
    fn withdraw(&mut self) {}

    fn take(&mut self) -> R {
        (self.map)()
    }

    fn lasts(&self) -> bool {
        true
    }
}

/// Any future, once.
pub(super) struct FutureCase<F: Future, M> {
    pub(super) future: Pin<Box<F>>,
    pub(super) output: Option<F::Output>,
    pub(super) map: Option<M>,
}

impl<F: Future, R, M: FnOnce(F::Output) -> R> Case for FutureCase<F, M> {
    type Output = R;

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.output = Some(ready!(self.future.as_mut().poll(cx)));
        Poll::Ready(())
    }

    /// It is in the middle of something that only it knows.
    fn withdraw(&mut self) {}

    fn take(&mut self) -> R {
        let map = self.map.take().expect(POLLED);
        map(self.output.take().expect(POLLED))
    }

    fn lasts(&self) -> bool {
        false
    }
}
