//! The netpoller's hand-over: a timer fires, whoever sleeps in it, leaves it, or stays away from it.
//!
//! `bare` is the protocol alone, written anew with each of its steps open to be left out; `real` is the kit's own
//! driver, with threads, and with workers and the stall monitor around it.

mod bare;
mod real;
