//! What the demo has to answer, and that the README tells people to run what is run here.

use super::{DEMO, STEPS, check_demo};

const GOOD: &str = r#"{"schema":"norace.demo/1","load":{"orders":69659,"confirmed":69000,"failed":579,
    "cancelled":0,"rejected":80,"errors":0},"verify":{"ok":true}}"#;

#[test]
fn a_demo_that_did_all_its_work_passes() {
    assert_eq!(check_demo(GOOD), Ok(()));
}

#[test]
fn a_demo_that_left_something_undone_fails() {
    for (good, bad) in [
        ("norace.demo/1", "norace.load/1"),
        ("\"orders\":69659", "\"orders\":69658"),
        ("\"errors\":0", "\"errors\":1"),
        ("\"errors\":0", "\"error\":0"),
        ("\"confirmed\":69000", "\"confirmed\":68999"),
        ("\"ok\":true", "\"ok\":false"),
        ("}}", "}"),
    ] {
        assert!(GOOD.contains(good), "{good}");
        assert!(check_demo(&GOOD.replace(good, bad)).is_err(), "{bad}");
    }
}

#[test]
fn steps_have_names_of_their_own() {
    let mut names = STEPS.map(|step| step.name).to_vec();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), STEPS.len());
    assert!(DEMO.contains(" demo "));
}
