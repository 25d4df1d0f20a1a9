//! How a select looks for an arm that is ready: in which order, and twice before it says that there is none.

use crate::{budget, wait};
use norace_prim::{probe, rand};
use std::task::{Context, Poll, Waker};

/// Polls `places` until one is ready. `biased` in their order; otherwise in one that is drawn step by step from those
/// that are left (Fisher and Yates, as Go draws its `pollorder`): it is exactly uniform, whatever order they stood in.
#[inline]
pub(super) fn poll_first<P: Copy + Into<usize>, T>(
    places: &mut [P],
    biased: bool,
    mut poll: impl FnMut(usize) -> Poll<T>,
) -> Poll<T> {
    let count = places.len();
    let start = if biased { Some(0) } else { first_in_model(count) };
    let former = wait::noted();
    for step in 0..count {
        let drawn = match start {
            Some(start) => (start + step) % count,
            None => step + rand::below((count - step) as u64) as usize,
        };
        let place = places[drawn].into();
        if start.is_none() {
            places.swap(step, drawn);
        }
        let polled = poll(place);
        if polled.is_ready() {
            // What the others would wait for.
            wait::restore_note(former);
            return polled;
        }
    }
    Poll::Pending
}

/// In a model, the arm that is polled first: each is explored. The others follow in their order, so that of any ready
/// arms each is met first in some execution, in as few of them as that takes.
fn first_in_model(arms: usize) -> Option<usize> {
    if arms > 1 { probe::choose(arms) } else { None }
}

/// What `poll`, which polls all of the `arms`, finds without waiting.
pub(super) fn look<T>(arms: usize, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Option<T> {
    let former = wait::noted();
    // Every arm stops waiting right after, so nobody has to be woken. And there is no budget here: with none left, arms
    // that are ready would pass for arms that are not.
    let mut cx = Context::from_waker(Waker::noop());
    // One look sees the arms one after the other, while others send and receive. An arm that was not ready waits from
    // then on and gets what comes: if the second look finds nothing, nothing was there between the two.
    let looks = if arms > 1 { 2 } else { 1 };
    let found = (0..looks).find_map(|_| match budget::with(|| poll(&mut cx)) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    });
    wait::restore_note(former);
    found
}
