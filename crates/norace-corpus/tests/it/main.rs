//! Every bug of the corpus is found, and none is where it was fixed.
#![cfg(norace)]

mod goker;
mod idioms;
mod limits;
mod races;
mod rust;

use norace_corpus::case::{Case, Limits};
use std::time::Duration;

/// Enough for each: most need a hundredth of it.
const LIMITS: Limits = Limits { budget: Duration::from_secs(4), seed: 1 };

/// Looks for all of `cases`; every miss is told.
fn finds(cases: &[Case]) {
    let misses: Vec<String> =
        cases.iter().filter_map(|case| case.misses(&case.search(LIMITS))).collect();
    assert!(
        misses.is_empty(),
        "{} of {} missed:\n{}",
        misses.len(),
        cases.len(),
        misses.join("\n")
    );
}

/// Looks at all of `cases` as they were fixed; every alarm is told.
fn is_silent(cases: &[Case], budget: Duration) {
    let limits = Limits { budget, ..LIMITS };
    let failure =
        |case: &Case| Some(format!("{}: {}", case.name, case.search_fixed(limits).failure()?));
    let alarms: Vec<String> = cases.iter().filter_map(failure).collect();
    assert!(alarms.is_empty(), "{} false alarms:\n{}", alarms.len(), alarms.join("\n"));
}
