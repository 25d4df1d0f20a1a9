//! Tests of the public interface, in one binary.

mod bus;
mod chan;
mod config;
mod context;
mod context_go;
#[cfg(feature = "rt")]
mod group;
mod limit;
#[cfg(feature = "macros")]
mod models;
mod pool;
#[cfg(feature = "rt")]
mod rt;
mod select;
mod select_set;
mod support;
mod sync;
