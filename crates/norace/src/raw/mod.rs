//! The unsafe code of the kit, behind safe interfaces. Everything else forbids it.
#![expect(unsafe_code, reason = "the one place of the kit where it is allowed")]

pub(crate) mod inbox;
pub(crate) mod ring;
#[cfg(unix)]
pub(crate) mod signal;
pub(crate) mod slot;
