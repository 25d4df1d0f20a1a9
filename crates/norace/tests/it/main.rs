//! Tests of the public interface, in one binary.

mod chan;
#[cfg(feature = "rt")]
mod rt;
mod support;
