//! The code of the guide for who comes from Go.

mod close;
mod counter;
mod panics;
mod send;
mod signal;
mod wait;
