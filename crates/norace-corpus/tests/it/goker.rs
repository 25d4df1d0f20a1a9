//! The kernels of GoKer.

use norace_corpus::goker::KERNELS;
use std::time::Duration;

#[test]
fn every_kernel_is_found() {
    crate::finds(KERNELS);
}

#[test]
fn no_fixed_kernel_is() {
    crate::is_silent(KERNELS, Duration::from_millis(500));
}
