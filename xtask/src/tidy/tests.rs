//! Sizes, and what a finding looks like.

use super::{FILE_BYTES_MAX, Finding, check_size, testing::places};

#[test]
fn large_files_are_kept_as_data_or_assets() {
    let mut findings = Vec::new();
    check_size("a.bin", FILE_BYTES_MAX, &mut findings);
    check_size("data/a.csv", FILE_BYTES_MAX + 1, &mut findings);
    check_size("crates/a/assets/a.js", FILE_BYTES_MAX + 1, &mut findings);
    assert!(findings.is_empty(), "{findings:?}");
    check_size("a.bin", FILE_BYTES_MAX + 1, &mut findings);
    assert_eq!(places(&findings), ["a.bin:1: size"]);
}

#[test]
fn a_finding_reads_as_a_place_a_rule_and_advice() {
    let finding = Finding::new("a/b.rs", 7, "head", "begin with a head");
    assert_eq!(finding.to_string(), "a/b.rs:7: head: begin with a head");
}
