//! Good and bad manifests.

use super::{super::testing::places, CRATES, Manifest, TEST_CRATE, arrows, lints, reasons};
use crate::tidy::Finding;

type Rule = fn(&str, &Manifest, &mut Vec<Finding>);

#[track_caller]
fn check(rule: Rule, text: &str, expected: &[&str]) {
    let mut findings = Vec::new();
    rule("Cargo.toml", &Manifest::parse(text), &mut findings);
    assert_eq!(places(&findings), expected);
}

fn package(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"{name}\"\n{rest}")
}

#[test]
fn arrows_of_the_design_are_fine() {
    for (name, rest) in [
        ("norace", "[dependencies]\nnorace-prim = { workspace = true }\nmio = \"1\""),
        ("norace-prim", "[target.'cfg(norace)'.dependencies]\nnorace-explore = { path = \"a\" }"),
        ("norace-engine", "[dev-dependencies]\nproptest = \"1\"\nnorace-check.workspace = true"),
        ("norace-journal", "[dependencies]\n\n[features]\nserde = []"),
        ("xtask", "[workspace.dependencies]\ntokio = \"1\""),
    ] {
        check(arrows, &package(name, rest), &[]);
    }
}

#[test]
fn other_arrows_are_found() {
    for (name, rest) in [
        ("norace-prim", "[dependencies]\nnorace-explore = { workspace = true }"),
        ("norace-check", "[dependencies]\nnorace = { workspace = true }"),
        ("norace-journal", "[dependencies]\nnorace-engine = { workspace = true }"),
        ("norace-engine", "[dependencies]\nserde = \"1\""),
        ("norace-engine", "[dependencies]\nproptest = \"1\""),
        ("norace", "[target.'cfg(unix)'.dependencies]\ntokio = \"1\""),
        ("norace", "[build-dependencies]\ncc = \"1\""),
        ("norace", "[dependencies]\nmio = { package = \"tokio\", version = \"1\" }"),
    ] {
        check(arrows, &package(name, rest), &["Cargo.toml:4: arrows"]);
    }
    check(arrows, &package("norace-new", ""), &["Cargo.toml:1: arrows"]);
}

#[test]
fn an_entry_of_several_lines_is_one_dependency() {
    let rest =
        "[dependencies]\nmio = { version = \"1\", features = [\n  \"net\",\n] }\nbytes = \"1\"";
    check(arrows, &package("norace", rest), &["Cargo.toml:7: arrows"]);
}

#[test]
fn each_foreign_dependency_has_its_own_reason() {
    for good in [
        "[dependencies]\n# Polls.\nmio = \"1\"",
        "[dependencies]\nmio = \"1\" # Polls.",
        "[dependencies]\nnorace-prim = { workspace = true }",
        "[features]\nmio = [\"dep:mio\"]",
    ] {
        check(reasons, good, &[]);
    }
    check(reasons, "[dependencies]\nmio = \"1\"", &["Cargo.toml:2: reason"]);
    check(reasons, "[dependencies]\n# Both.\nmio = \"1\"\nlibc = \"1\"", &["Cargo.toml:4: reason"]);
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    check(lints, "[lints]\nworkspace = true", &[]);
    check(lints, "[package]\nname = \"a\"", &["Cargo.toml:1: lints"]);
}

/// The table itself keeps the promise that the checker and what it stands on never reach the kit.
#[test]
fn the_checker_never_depends_on_what_it_checks() {
    for crate_ in CRATES.iter().filter(|it| matches!(it.name, "norace-explore" | TEST_CRATE)) {
        for name in crate_.own.iter().chain(crate_.own_checked) {
            assert_eq!(*name, "norace-explore", "of {}", crate_.name);
        }
    }
}
