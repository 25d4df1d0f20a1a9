//! How the rules' tests look at findings: by place and rule; the advice may change its words.

use super::{Finding, source::Source};

pub(crate) fn places(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|it| format!("{}:{}: {}", it.path, it.line, it.rule)).collect()
}

#[track_caller]
pub(crate) fn check_rust(
    rule: fn(&Source<'_>, &mut Vec<Finding>),
    path: &str,
    text: &str,
    expected: &[&str],
) {
    let mut findings = Vec::new();
    rule(&Source::new(path, text), &mut findings);
    assert_eq!(places(&findings), expected, "in {text:?}");
}

#[track_caller]
pub(crate) fn check_text(
    rule: fn(&str, &str, &mut Vec<Finding>),
    path: &str,
    text: &str,
    expected: &[&str],
) {
    let mut findings = Vec::new();
    rule(path, text, &mut findings);
    assert_eq!(places(&findings), expected, "in {text:?}");
}
