//! Tests of the public interface.

mod append;
mod support;
