//! The kernels of GoKer.

use crate::case::Case;

mod cockroach_25456;
mod etcd_3077;
mod etcd_4876;
mod grpc_1687;
mod grpc_660;
mod istio_16742;
mod istio_8144;
mod istio_8214;
mod istio_8967;
mod kubernetes_13058;
mod kubernetes_49404;
mod kubernetes_77796;
mod kubernetes_80284;
mod kubernetes_81091;
mod kubernetes_81148;
mod kubernetes_82550;
mod kubernetes_88331;
mod moby_18412;
mod moby_22941;
mod moby_27037;
mod serving_4908;
mod serving_5865;
mod serving_6472;

/// All of them, by name.
pub const KERNELS: &[Case] = &[
    cockroach_25456::CASE,
    etcd_3077::CASE,
    etcd_4876::CASE,
    grpc_1687::CASE,
    grpc_660::CASE,
    istio_16742::CASE,
    istio_8144::CASE,
    istio_8214::CASE,
    istio_8967::CASE,
    kubernetes_13058::CASE,
    kubernetes_49404::CASE,
    kubernetes_77796::CASE,
    kubernetes_80284::CASE,
    kubernetes_81091::CASE,
    kubernetes_81148::CASE,
    kubernetes_82550::CASE,
    kubernetes_88331::CASE,
    moby_18412::CASE,
    moby_22941::CASE,
    moby_27037::CASE,
    serving_4908::CASE,
    serving_5865::CASE,
    serving_6472::CASE,
];

/// What blocking kernels come to.
pub(crate) const BLOCKS: &[&str] = &["deadlock", "leak", "lost-wakeup"];

/// What data races come to.
pub(crate) const RACES: &[&str] = &["data-race"];
