//! The kernels of GoKer.

use crate::case::Case;

mod cockroach_25456;
mod grpc_660;
mod kubernetes_80284;

/// All of them, by name.
pub const KERNELS: &[Case] = &[cockroach_25456::CASE, grpc_660::CASE, kubernetes_80284::CASE];

/// What blocking kernels come to.
pub(crate) const BLOCKS: &[&str] = &["deadlock", "leak", "lost-wakeup"];

/// What data races come to.
pub(crate) const RACES: &[&str] = &["data-race"];
