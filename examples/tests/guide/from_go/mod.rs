//! The code of the guide for who comes from Go.

mod close;
mod counter;
#[cfg(norace)]
mod endless;
#[cfg(norace)]
mod forbid;
mod panics;
mod send;
mod signal;
mod wait;
