//! Good and bad builds.

use super::judge;

#[track_caller]
fn check(tree: &str, expected: usize) {
    let mut findings = Vec::new();
    judge(tree, &mut findings);
    assert_eq!(findings.len(), expected, "{findings:?}");
}

#[test]
fn tokio_without_its_runtime_is_fine() {
    check(
        "norace v0.1.0 (a/b)|default,net,rt\ntokio v1.54.1|default,sync\ntokio v1.54.1|sync (*)",
        0,
    );
    check("norace-prim v0.1.0 (a/b)|", 0);
}

#[test]
fn tokio_with_its_runtime_is_found() {
    check("tokio v1.54.1|default,rt,sync", 1);
    check("tokio v1.54.1|macros,net,rt,time (*)", 4);
}

#[test]
fn clients_of_other_services_are_found() {
    check("redis v1.8.1|", 1);
    check("async-nats v0.51.0|default", 1);
}
