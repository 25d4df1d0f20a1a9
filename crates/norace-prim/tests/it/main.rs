//! The facade's names: on real threads in both builds, and inside models under the checker.

#![cfg_attr(norace, expect(clippy::unwrap_used, reason = "a test fails by panicking"))]

#[cfg(norace)]
mod locals;
#[cfg(norace)]
mod models;
#[cfg(norace)]
mod once;
mod outside;
#[cfg(norace)]
mod scopes;

#[cfg(norace)]
use norace_explore::{Completeness, Config, Explorer, Report, Strategy};

/// Explores all of `model`, which must show nothing.
#[cfg(norace)]
fn passes(model: impl Fn()) -> Report {
    let report = explore(model);
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(report.completeness, Completeness::Complete);
    report
}

/// Explores `model` until it shows something, and says what.
#[cfg(norace)]
fn finds(model: impl Fn()) -> String {
    let report = explore(model);
    report.findings.first().expect("a finding").finding.to_string()
}

#[cfg(norace)]
fn explore(model: impl Fn()) -> Report {
    Explorer::new(Config::default()).explore(Strategy::Exhaustive, &model)
}
