//! The kernels of GoKer.

use crate::case::Case;

mod cockroach_1055;
mod cockroach_25456;
mod cockroach_3710;
mod cockroach_6181;
mod cockroach_7504;
mod cockroach_9935;
mod etcd_10492;
mod etcd_5509;
mod grpc_660;
mod grpc_795;
mod hugo_3251;
mod hugo_5379;
mod kubernetes_13135;
mod kubernetes_1321;
mod kubernetes_30872;
mod kubernetes_62464;
mod kubernetes_80284;
mod moby_25384;
mod moby_28462;
mod moby_7559;
mod serving_2137;
mod syncthing_4829;

/// All of them, by name.
pub const KERNELS: &[Case] = &[
    cockroach_1055::CASE,
    cockroach_25456::CASE,
    cockroach_3710::CASE,
    cockroach_6181::CASE,
    cockroach_7504::CASE,
    cockroach_9935::CASE,
    etcd_10492::CASE,
    etcd_5509::CASE,
    grpc_660::CASE,
    grpc_795::CASE,
    hugo_3251::CASE,
    hugo_5379::CASE,
    kubernetes_1321::CASE,
    kubernetes_13135::CASE,
    kubernetes_30872::CASE,
    kubernetes_62464::CASE,
    kubernetes_80284::CASE,
    moby_25384::CASE,
    moby_28462::CASE,
    moby_7559::CASE,
    serving_2137::CASE,
    syncthing_4829::CASE,
];

/// What blocking kernels come to.
pub(crate) const BLOCKS: &[&str] = &["deadlock", "leak", "lost-wakeup"];

/// What data races come to.
pub(crate) const RACES: &[&str] = &["data-race"];
