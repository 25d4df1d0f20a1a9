//! Interior mutability whose accesses can be observed.

#[cfg(norace)]
pub use norace_explore::cell::UnsafeCell;
#[cfg(not(norace))]
pub use production::UnsafeCell;

#[cfg(not(norace))]
mod production;
