//! The usual mistakes are found, and the idioms are silent without them.

use norace_check::{Builder, Strategy};
use norace_corpus::case::Case;
use norace_corpus::idioms::idioms;
use std::collections::BTreeSet;

fn all() -> Vec<Case> {
    idioms().copied().collect()
}

#[test]
fn every_mistake_is_found() {
    crate::finds(&all());
}

#[test]
fn no_mistake_is_found_by_luck_alone() {
    let exhaustive = Builder::new().strategy(Strategy::Exhaustive);
    let missed = |case: &Case| case.misses(&exhaustive.run(|| (case.program)(false)));
    let missed: Vec<String> = idioms().filter_map(missed).collect();
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn no_idiom_shows_anything_in_any_execution() {
    let complete = Builder::new().require_complete();
    let failure = |case: &Case| {
        let failure = complete.run(|| (case.program)(true)).failure()?;
        Some(format!("{}: {failure}", case.name))
    };
    let alarms: Vec<String> = idioms().filter_map(failure).collect();
    assert!(alarms.is_empty(), "{} false alarms:\n{}", alarms.len(), alarms.join("\n"));
}

#[test]
fn every_idiom_has_a_name_of_its_own() {
    let names: BTreeSet<_> = idioms().map(|case| case.name).collect();
    assert_eq!(names.len(), all().len());
}
