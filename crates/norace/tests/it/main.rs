//! Tests of the public interface, in one binary.

mod chan;
mod config;
mod context;
mod context_go;
#[cfg(feature = "rt")]
mod group;
mod models;
#[cfg(feature = "rt")]
mod rt;
mod select;
mod select_set;
mod support;
