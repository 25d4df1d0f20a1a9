//! The kernels of GoKer.

use crate::case::Case;

mod cockroach_1055;
mod cockroach_13197;
mod cockroach_13755;
mod cockroach_2448;
mod cockroach_24808;
mod cockroach_25456;
mod cockroach_35931;
mod cockroach_3710;
mod cockroach_6181;
mod cockroach_7504;
mod cockroach_9935;
mod etcd_10492;
mod etcd_3077;
mod etcd_4876;
mod etcd_5509;
mod etcd_7443;
mod etcd_7492;
mod grpc_1353;
mod grpc_1424;
mod grpc_1687;
mod grpc_660;
mod grpc_795;
mod hugo_3251;
mod hugo_5379;
mod istio_16224;
mod istio_16742;
mod istio_17860;
mod istio_18454;
mod istio_8144;
mod istio_8214;
mod istio_8967;
mod kubernetes_10182;
mod kubernetes_13058;
mod kubernetes_13135;
mod kubernetes_1321;
mod kubernetes_25331;
mod kubernetes_30872;
mod kubernetes_49404;
mod kubernetes_62464;
mod kubernetes_77796;
mod kubernetes_80284;
mod kubernetes_81091;
mod kubernetes_81148;
mod kubernetes_82550;
mod kubernetes_88331;
mod moby_18412;
mod moby_21233;
mod moby_22941;
mod moby_25384;
mod moby_27037;
mod moby_27782;
mod moby_28462;
mod moby_30408;
mod moby_33781;
mod moby_4395;
mod moby_7559;
mod serving_2137;
mod serving_4908;
mod serving_5865;
mod serving_6472;
mod syncthing_4829;
mod syncthing_5795;

/// All of them, by name.
pub const KERNELS: &[Case] = &[
    cockroach_1055::CASE,
    cockroach_13197::CASE,
    cockroach_13755::CASE,
    cockroach_2448::CASE,
    cockroach_24808::CASE,
    cockroach_25456::CASE,
    cockroach_35931::CASE,
    cockroach_3710::CASE,
    cockroach_6181::CASE,
    cockroach_7504::CASE,
    cockroach_9935::CASE,
    etcd_10492::CASE,
    etcd_3077::CASE,
    etcd_4876::CASE,
    etcd_5509::CASE,
    etcd_7443::CASE,
    etcd_7492::CASE,
    grpc_1353::CASE,
    grpc_1424::CASE,
    grpc_1687::CASE,
    grpc_660::CASE,
    grpc_795::CASE,
    hugo_3251::CASE,
    hugo_5379::CASE,
    istio_16224::CASE,
    istio_16742::CASE,
    istio_17860::CASE,
    istio_18454::CASE,
    istio_8144::CASE,
    istio_8214::CASE,
    istio_8967::CASE,
    kubernetes_10182::CASE,
    kubernetes_13058::CASE,
    kubernetes_13135::CASE,
    kubernetes_1321::CASE,
    kubernetes_25331::CASE,
    kubernetes_30872::CASE,
    kubernetes_49404::CASE,
    kubernetes_62464::CASE,
    kubernetes_77796::CASE,
    kubernetes_80284::CASE,
    kubernetes_81091::CASE,
    kubernetes_81148::CASE,
    kubernetes_82550::CASE,
    kubernetes_88331::CASE,
    moby_18412::CASE,
    moby_21233::CASE,
    moby_22941::CASE,
    moby_25384::CASE,
    moby_27037::CASE,
    moby_27782::CASE,
    moby_28462::CASE,
    moby_30408::CASE,
    moby_33781::CASE,
    moby_4395::CASE,
    moby_7559::CASE,
    serving_2137::CASE,
    serving_4908::CASE,
    serving_5865::CASE,
    serving_6472::CASE,
    syncthing_4829::CASE,
    syncthing_5795::CASE,
];

/// What blocking kernels come to.
pub(crate) const BLOCKS: &[&str] = &["deadlock", "leak", "lost-wakeup"];

/// What data races come to.
pub(crate) const RACES: &[&str] = &["data-race"];
