//! Models of applications of the kit: under `cargo norace check` every schedule, built as usual one run each.

mod chan;
mod context;
mod group;
mod rt;
mod sync;
