//! Atomic types and fences, as in [`std::sync::atomic`]; of 128 bits with the feature `wide`.
//!
//! Of what `std`'s atomics can do in ordinary builds, `as_ptr` and `from_ptr` are missing in models, where values have
//! no address. Code that uses them does not compile there.

pub use crate::tally::Tally;

#[cfg(norace)]
pub use norace_explore::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8,
    AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering, compiler_fence, fence,
};
#[cfg(not(norace))]
pub use std::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8,
    AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering, compiler_fence, fence,
};

#[cfg(all(norace, feature = "wide"))]
pub use norace_explore::sync::atomic::{AtomicI128, AtomicU128};
#[cfg(all(not(norace), feature = "wide"))]
pub use portable_atomic::{AtomicI128, AtomicU128};
