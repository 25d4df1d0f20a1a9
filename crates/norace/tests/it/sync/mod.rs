//! Counters, versioned cells, state machines, signals and locks.

mod cells;
mod locks;
mod machine;
mod signals;
mod storm;
