//! Models of applications of the kit: under `cargo norace check` every schedule, built as usual one run each.

mod chan;
mod context;
mod group;
#[cfg(norace)]
mod refused;
mod rt;
mod sync;
