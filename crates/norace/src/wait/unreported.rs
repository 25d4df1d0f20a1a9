//! What a pending operation waits for, without a runtime that reports it: nothing is kept.

use super::BlockedOn;
use norace_prim::probe::Site;

#[derive(Clone, Copy)]
pub(crate) struct Nothing;

#[inline]
pub(crate) fn noted() -> Nothing {
    Nothing
}

#[inline]
pub(crate) fn restore_note(_: Nothing) {}

#[inline]
pub(crate) fn note(_on: BlockedOn, _site: Site) {}
