//! The channel, seen from outside.

mod basic;
mod batch;
mod cancel;
mod golang;
mod offers;
mod oneshot;
mod order;
mod probe;
mod quiescence;
#[cfg(feature = "rt")]
mod runtime;
mod select5;
mod storm;
#[cfg(feature = "futures")]
mod streams;
mod timed;
mod weak;
