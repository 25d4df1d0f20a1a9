//! Cancellation: why something ends before it is done.

mod cause;

pub use cause::Cause;
