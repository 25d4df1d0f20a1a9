//! The public interface of the explorer: counts, memory model, detection, replay.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod allocations;
mod axioms;
mod brief;
mod counts;
mod detect;
mod fair;
mod graphs;
mod handles;
mod litmus;
mod looks;
mod numbers;
mod objects;
mod probe;
mod program;
mod replay;
mod structures;
mod suspect;
mod unwinding;
mod values;
mod wide;
