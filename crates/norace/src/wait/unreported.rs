//! What a pending operation waits for, without a runtime that reports it: nothing is kept.

use norace_prim::probe::Site;

#[derive(Clone, Copy)]
pub(crate) enum BlockedOn {
    Receive,
    Send,
    Answer,
    Sleep,
    Context,
    Lock,
    Permits,
    Init,
    Latch,
    Gate,
    Members,
    Change,
    State,
}

#[inline]
pub(crate) fn note(_on: BlockedOn, _site: Site) {}
