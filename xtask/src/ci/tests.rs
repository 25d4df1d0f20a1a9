//! Steps and their count.

use std::time::Duration;

use super::{STEPS, Verdict, ci, summarise};

#[test]
fn steps_have_names_of_their_own() {
    let mut names = STEPS.map(|step| step.name).to_vec();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), STEPS.len());
}

#[test]
fn a_step_that_does_not_exist_is_an_error() {
    let error = ci(std::path::Path::new("."), &["none"]).expect_err("no step has this name");
    assert!(error.contains("`none`") && error.contains("tidy"), "{error}");
}

#[test]
fn one_failed_step_fails_the_whole_and_a_skipped_one_does_not() {
    let row = |verdict| ("step", Duration::ZERO, verdict);
    let skipped = || row(Verdict::Skipped("why".to_owned()));
    assert_eq!(summarise(&[row(Verdict::Passed), skipped()]), Ok(()));
    assert!(summarise(&[row(Verdict::Passed), row(Verdict::Failed("why".to_owned()))]).is_err());
}
