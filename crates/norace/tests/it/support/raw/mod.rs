//! What tests cannot do safely.

pub(crate) mod allocations;
