//! What the macros' expansions are made of; nothing here is meant to be named elsewhere.
//!
//! The macros build one [`First`] from their arms: a list, typed from the inside out, of pinned futures. It polls the
//! arms in an order drawn anew for each poll, takes the first that is ready and reports which. Among any set of ready
//! arms each is therefore equally likely to be met first. `biased;` keeps the order as written.
//!
//! The futures live in a block of their own inside the macro's expansion and are dropped, in reverse order, before any
//! body runs. The bodies stand in the caller's function, outside every closure, so that `?`, `break`, `continue`,
//! `return` and `.await` in them mean what they mean around the macro.

use super::SelectId;
use super::pick::{look, poll_first};
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The most arms one select may have.
pub(crate) const MAX_ARMS: usize = 32;

/// The output of one of several arms: of the first, or of one of the rest.
#[derive(Debug)]
pub enum Either<A, B> {
    First(A),
    Rest(B),
}

/// A list of arms.
pub trait Arms: Unpin {
    type Output;
    const COUNT: usize;

    /// Polls arm `index`. One that is disabled, or does not exist, is never ready.
    fn poll_arm(&mut self, index: usize, cx: &mut Context<'_>) -> Poll<Self::Output>;
}

/// The empty list.
#[derive(Debug)]
pub struct End;

impl Arms for End {
    type Output = Infallible;
    const COUNT: usize = 0;

    fn poll_arm(&mut self, _index: usize, _cx: &mut Context<'_>) -> Poll<Infallible> {
        Poll::Pending
    }
}

/// One arm, `None` while its condition does not hold, and the rest.
pub struct Arm<'a, F, R> {
    pub future: Pin<&'a mut Option<F>>,
    pub rest: R,
}

impl<F: Future, R: Arms> Arms for Arm<'_, F, R> {
    type Output = Either<F::Output, R::Output>;
    const COUNT: usize = 1 + R::COUNT;

    #[inline]
    fn poll_arm(&mut self, index: usize, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match index.checked_sub(1) {
            None => match self.future.as_mut().as_pin_mut() {
                Some(future) => future.poll(cx).map(Either::First),
                None => Poll::Pending,
            },
            Some(index) => self.rest.poll_arm(index, cx).map(Either::Rest),
        }
    }
}

impl<F, R> fmt::Debug for Arm<'_, F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arm").field("enabled", &self.future.is_some()).finish_non_exhaustive()
    }
}

/// The order in which arms are polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Uniform,
    Biased,
}

/// A future of the first arm to be ready.
#[derive(Debug)]
pub struct First<A> {
    id: SelectId,
    arms: A,
    order: Order,
}

impl<A: Arms> First<A> {
    pub fn new(arms: A, order: Order) -> Self {
        const { assert!(A::COUNT <= MAX_ARMS, "a select has at most 32 arms") };
        Self { id: SelectId::new(), arms, order }
    }

    /// The output of an arm that is ready now, if any: a select with a default.
    pub fn try_now(mut self) -> Option<A::Output> {
        look(A::COUNT, |cx| self.poll_arms(cx))
    }

    fn poll_arms(&mut self, cx: &mut Context<'_>) -> Poll<A::Output> {
        let Self { id, arms, order } = self;
        let mut places = FIRST_TO_LAST;
        let (places, biased) = (&mut places[..A::COUNT], *order == Order::Biased);
        SelectId::during(Some(*id), || poll_first(places, biased, |arm| arms.poll_arm(arm, cx)))
    }
}

/// The arms before any is drawn.
const FIRST_TO_LAST: [u8; MAX_ARMS] = {
    let mut order = [0; MAX_ARMS];
    let mut index = 0;
    while index < MAX_ARMS {
        order[index] = index as u8;
        index += 1;
    }
    order
};

impl<A: Arms> Future for First<A> {
    type Output = A::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<A::Output> {
        if A::COUNT == 1 {
            // Nothing else can be taken: it is that operation, and a send in it need not hold back.
            return self.arms.poll_arm(0, cx);
        }
        self.poll_arms(cx)
    }
}
