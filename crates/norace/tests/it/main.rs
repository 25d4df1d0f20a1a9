//! Tests of the public interface, in one binary.

mod chan;
mod support;
