//! What ordinary tasks and blocking jobs run.

use super::cell::Body;
use crate::budget;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future.
pub(crate) struct FutureBody<F>(Pin<Box<F>>);

impl<F> FutureBody<F> {
    pub(crate) fn new(future: F) -> Self {
        Self(Box::pin(future))
    }
}

impl<F> Body for FutureBody<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Output = F::Output;

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<F::Output> {
        budget::with(|| self.0.as_mut().poll(cx))
    }
}

/// A job that runs once, to its end.
pub(crate) struct BlockingBody<J>(Option<J>);

impl<J> BlockingBody<J> {
    pub(crate) fn new(job: J) -> Self {
        Self(Some(job))
    }
}

impl<J, T> Body for BlockingBody<J>
where
    J: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    type Output = T;

    fn poll(&mut self, _cx: &mut Context<'_>) -> Poll<T> {
        let job = self.0.take().expect("a blocking job is run once");
        Poll::Ready(job())
    }
}
