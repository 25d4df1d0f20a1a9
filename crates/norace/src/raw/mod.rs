//! The unsafe code of the kit, behind safe interfaces. Everything else forbids it.
#![expect(unsafe_code, reason = "the one place of the kit where it is allowed")]

#[cfg(all(test, not(norace)))]
pub(crate) mod allocations;
pub(crate) mod bus;
#[cfg(feature = "rt")]
pub(crate) mod inbox;
pub(crate) mod lent;
#[cfg(feature = "rt")]
pub(crate) mod ring;
#[cfg(all(feature = "rt", unix))]
pub(crate) mod signal;
#[cfg(feature = "rt")]
pub(crate) mod slot;
pub(crate) mod spare;
#[cfg(feature = "rt")]
pub(crate) mod turns;
