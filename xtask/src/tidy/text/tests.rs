//! Good and bad lines.

use super::{super::testing::check_text, COLUMNS_MAX, blanks, is_foreign, private_path, width};

#[test]
fn blanks_are_where_they_can_be_seen() {
    check_text(blanks, "a.rs", "fn a() {\n    b();\n}\n", &[]);
    check_text(blanks, "a.rs", "", &[]);
    check_text(blanks, "a.go", "\tx := 1\n", &[]);
    for bad in ["a \n", "a\t\n", "a\r\n", "\ta\n", "a\tb\n", "a"] {
        check_text(blanks, "a.rs", bad, &["a.rs:1: blanks"]);
    }
    check_text(blanks, "a.go", "x := 1\t\n", &["a.go:1: blanks"]);
    check_text(blanks, "a.md", "a\n\nb \n", &["a.md:3: blanks"]);
}

#[test]
fn lines_have_an_end() {
    let fits = "é".repeat(COLUMNS_MAX);
    check_text(width, "a.rs", &fits, &[]);
    let long = "x".repeat(COLUMNS_MAX + 1);
    check_text(width, "a.rs", &format!("\n{long}"), &["a.rs:2: width"]);
    check_text(width, "a.md", &format!("| {long}"), &[]);
    check_text(width, "a.rs", &format!("| {long}"), &["a.rs:1: width"]);
    check_text(width, "a.rs", &format!("// https://{long}"), &[]);
    check_text(width, "Cargo.lock", &long, &[]);
}

#[test]
fn nothing_points_into_a_private_folder() {
    for root in super::PRIVATE_ROOTS {
        for lead in ["", "see ", "\"", "(", "=", "file://"] {
            let bad = format!("{lead}/{root}/x");
            check_text(private_path, "a.md", &bad, &["a.md:1: private-path"]);
        }
        for good in [format!("target/{root}/x"), format!("a.org/{root}/b"), format!("/{root}er/x")]
        {
            check_text(private_path, "a.md", &good, &[]);
        }
    }
}

#[test]
fn recorded_and_vendored_files_are_left_as_they_came() {
    assert!(is_foreign("crates/a/data/log.csv"));
    assert!(is_foreign("crates/a/assets/vendor/plot.js"));
    assert!(!is_foreign("crates/a/src/data.rs"));
}
