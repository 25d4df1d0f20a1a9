//! moby/moby#4395: the result of a function that runs by itself is sent to whoever asked for it, who may not be there.
//!
//! Docker's client starts a function with a helper that returns a channel for its error. A caller that returns early
//! does not receive from it, and as the channel has no buffer the function's goroutine stays for ever. Fixed by a
//! buffer of one.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, go};

pub(super) const CASE: Case =
    Case { name: "moby_4395", class: "Channel", kinds: BLOCKS, blames: &["call"], program };

type Call = fn() -> Result<(), &'static str>;

fn call(function: Call, fixed: bool) -> Chan<Result<(), &'static str>> {
    let ch = Chan::new(usize::from(fixed));
    let result = ch.clone();
    go("call", move || result.send(function()));
    ch
}

fn program(fixed: bool) {
    // The caller has no interest in the result.
    drop(call(|| Err("no such container"), fixed));
}
