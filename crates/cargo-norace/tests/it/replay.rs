//! Findings that are shown again.

use crate::project::SHOP;
use crate::sources::{FIXED, RACY, RIGHT, file, model, test};

/// A report without lines and columns.
fn without_places(report: &str) -> String {
    let is_digit = |c: char| c.is_ascii_digit();
    let lines = report.lines().map(|line| {
        let mut parts = line.split(".rs:");
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |line, part| {
            line + ".rs:" + part.trim_start_matches(|c| c == ':' || is_digit(c))
        })
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_token_shows_the_same_until_the_code_it_runs_changes() {
    SHOP.write("tests/replayed.rs", &file(&[model("replayed", RACY), model("beside", RIGHT)]));
    let found = SHOP.norace("check -- --test replayed").expect(1);
    let line = format!("replay {}", found.token());
    // Without a target, all tests are built that other tests of this binary write.
    let replay = format!("{line} -- --test replayed");
    let again = SHOP.norace(&replay).expect(1);
    assert_eq!(again.report(), found.report());
    let last = again.stdout.lines().last().unwrap();
    assert_eq!(last, "norace replay: data-race shows again in replayed");
    // Elsewhere in the file.
    let above = "// More.\n".to_owned() + &test("above", "assert_eq!(1, 1);");
    SHOP.write("tests/replayed.rs", &file(&[above.clone(), model("replayed", RACY)]));
    let moved = SHOP.norace(&replay).expect(1);
    assert_ne!(moved.report(), found.report());
    assert_eq!(without_places(moved.report()), without_places(found.report()));
    // The code itself.
    SHOP.write("tests/replayed.rs", &file(&[above.clone(), model("replayed", FIXED)]));
    let json = format!("{line} --format json -- --test replayed");
    let mended = SHOP.norace(&json).expect(4);
    assert_eq!(mended.lines()[0]["status"], "not-reproduced");
    let result = mended.result();
    assert_eq!(
        (&result["schema"], &result["reproduced"]),
        (&"norace.replay/1".into(), &false.into())
    );
    // The test.
    SHOP.write("tests/replayed.rs", &file(&[above]));
    let gone = SHOP.norace(&replay).expect(2);
    assert!(gone.stderr.contains("norace: no test is called replayed"), "{}", gone.stderr);
}

#[test]
fn a_model_with_a_name_of_its_own_is_replayed_in_the_test_that_is_named() {
    let body = format!("norace_check::Builder::new().name(\"books\").check(|| {{ {RACY} }});");
    SHOP.write("tests/named.rs", &file(&[test("named", &body)]));
    let found = SHOP.norace("check -- --test named").expect(1);
    let line = format!("replay {} -- --test named", found.token());
    SHOP.norace(&line).expect(2);
    let again = SHOP.norace(&format!("{line} -- named")).expect(1);
    assert_eq!(again.report(), found.report());
}

#[test]
fn a_model_in_a_doc_test_is_checked_and_replayed() {
    let body = RACY.replace('\n', "\n//! ");
    let uses = "use norace_check::{RaceCell, check};\n//! use norace_prim::thread;\n//! use std::sync::Arc;";
    SHOP.write(
        "src/lib.rs",
        &format!("//! ```\n//! {uses}\n//! check(|| {{ {body} }});\n//! ```\n"),
    );
    let found = SHOP.norace("check -- --doc").expect(1);
    let again = SHOP.norace(&format!("replay {}", found.token())).expect(1);
    assert!(again.stdout.contains("DATA RACE on `balance`"), "{}", again.stdout);
    SHOP.write("src/lib.rs", "");
}
