//! The unsafe code of this module, behind safe interfaces.
#![expect(unsafe_code, reason = "one of the places of the kit where it is allowed")]

pub(super) mod mutex;
