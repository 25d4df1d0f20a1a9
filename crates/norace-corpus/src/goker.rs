//! The kernels of GoKer.

use crate::case::Case;

mod cockroach_1055;
mod cockroach_25456;
mod cockroach_7504;
mod grpc_660;
mod hugo_3251;
mod kubernetes_13135;
mod kubernetes_1321;
mod kubernetes_30872;
mod kubernetes_80284;
mod moby_25384;
mod moby_28462;
mod serving_2137;

/// All of them, by name.
pub const KERNELS: &[Case] = &[
    cockroach_1055::CASE,
    cockroach_25456::CASE,
    cockroach_7504::CASE,
    grpc_660::CASE,
    hugo_3251::CASE,
    kubernetes_1321::CASE,
    kubernetes_13135::CASE,
    kubernetes_30872::CASE,
    kubernetes_80284::CASE,
    moby_25384::CASE,
    moby_28462::CASE,
    serving_2137::CASE,
];

/// What blocking kernels come to.
pub(crate) const BLOCKS: &[&str] = &["deadlock", "leak", "lost-wakeup"];

/// What data races come to.
pub(crate) const RACES: &[&str] = &["data-race"];
