//! The channel, seen from outside.

mod basic;
mod cancel;
mod golang;
mod oneshot;
mod order;
mod quiescence;
mod storm;
mod timed;
