//! What is written down of bugs, and kept of their executions, belongs to tests that are there.

use std::fs;
use std::path::{Path, PathBuf};

use norace_check::Token;

use crate::project::CRATES;

const BUGS: &str = include_str!("../../../../docs/bugs-found.md");

/// The members of a folder; none when it is not there.
fn members(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Whether the package in `folder` has the test `name`, in the file that its modules say.
fn has_test(folder: &Path, name: &str) -> bool {
    let (modules, function) = name.rsplit_once("::").unwrap_or(("main", name));
    let path = modules.replace("::", "/");
    let places = ["src", "tests/it", "tests"].map(|place| folder.join(place));
    let files = places
        .iter()
        .flat_map(|place| [place.join(format!("{path}.rs")), place.join(&path).join("mod.rs")]);
    let head = format!("fn {function}(");
    files.into_iter().any(|file| fs::read_to_string(file).is_ok_and(|text| text.contains(&head)))
}

fn assert_some_package_has(name: &str) {
    let packages = members(Path::new(CRATES));
    assert!(packages.iter().any(|package| has_test(package, name)), "no test is called {name}");
}

#[test]
fn the_tokens_of_bugs_can_be_read_and_their_models_are_there() {
    let spans = || BUGS.split('`').skip(1).step_by(2);
    let tokens = spans().filter(|span| span.starts_with("nr1:"));
    for token in tokens.clone() {
        let token: Token = token.parse().unwrap_or_else(|error| panic!("{token}: {error}"));
        assert!(spans().any(|span| span == token.model()), "{token} is beside another model");
    }
    assert!(tokens.count() >= 4, "they are looked for in the wrong place");
    let models = spans().filter(|span| span.contains("models::") && !span.starts_with("nr1:"));
    models.clone().for_each(assert_some_package_has);
    assert!(models.count() >= 6, "they are looked for in the wrong place");
}

#[test]
fn what_is_kept_of_models_belongs_to_tests_that_are_there() {
    for package in members(Path::new(CRATES)) {
        for file in members(&package.join("norace-regressions")) {
            let text = fs::read_to_string(&file).unwrap();
            let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
            for line in lines {
                let token: Token =
                    line.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
                let there = has_test(&package, token.test());
                assert!(there, "{}: no test is called {}", file.display(), token.test());
                // A defect that is worth keeping is worth a text.
                assert!(
                    BUGS.contains(line),
                    "{}: docs/bugs-found.md has no {line}",
                    file.display()
                );
            }
        }
    }
}
