//! The channel, seen from outside.

mod basic;
mod cancel;
mod oneshot;
