//! What the rules stand on: statements, paths and test regions.

use super::Source;

fn find(source: &Source<'_>, text: &str) -> usize {
    source.code.iter().position(|token| token.text == text).expect("the token is in the snippet")
}

#[track_caller]
fn check_statement(text: &str, token: &str, before: Option<&str>) {
    let source = Source::new("a.rs", text);
    let boundary = source.boundary(find(&source, token));
    assert_eq!(boundary.map(|at| source.text(at)), before);
}

#[test]
fn a_statement_begins_after_what_ends_the_one_before() {
    check_statement("x", "x", None);
    check_statement("a(); let y = x;", "x", Some(";"));
    check_statement("if a { b(c, x) }", "x", Some("{"));
    check_statement("S { a: 1, b: x }", "x", Some(","));
    check_statement("match a { A => b, B { c } => x }", "x", Some(","));
}

#[test]
fn a_comma_between_arguments_ends_no_statement() {
    check_statement("a(); f(b, g(c), x)", "x", Some(";"));
}

#[test]
fn brackets_passed_on_the_way_back_are_skipped_whole() {
    check_statement("a(); f(|| { b(); }).g(x)", "x", Some(";"));
}

#[track_caller]
fn check_paths(text: &str, expected: &[&str]) {
    let source = Source::new("a.rs", text);
    let paths: Vec<_> =
        source.paths_from(find(&source, "std")).iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, expected);
}

#[test]
fn a_use_with_braces_is_spelled_out() {
    check_paths("use std::sync::Arc;", &["std::sync::Arc"]);
    check_paths("std::thread::spawn(f)", &["std::thread::spawn"]);
    check_paths(
        "use std::{sync::{Arc, atomic::{self, AtomicU8 as A}}, io};",
        &["std::sync::Arc", "std::sync::atomic::self", "std::sync::atomic::AtomicU8", "std::io"],
    );
}

#[track_caller]
fn check_test_lines(text: &str, expected: &[usize]) {
    let source = Source::new("crates/a/src/a.rs", text);
    let lines: Vec<_> = (1..=text.lines().count()).filter(|&line| source.is_test(line)).collect();
    assert_eq!(lines, expected);
}

#[test]
fn items_for_tests_are_test_code_and_others_are_not() {
    check_test_lines("fn a() {}\n#[cfg(test)]\nmod t {\n}\nfn b() {}", &[2, 3, 4]);
    check_test_lines("#[test]\n#[x(y)]\nfn a() {\n}\nfn b() {}", &[1, 2, 3, 4]);
    check_test_lines("#[norace::test]\nasync fn a() {}\nfn b() {}", &[1, 2]);
    check_test_lines("#[cfg(all(test, norace))]\nmod models;\nfn b() {}", &[1, 2]);
    check_test_lines("#[cfg(not(test))]\nfn a() {}", &[]);
    check_test_lines("#[cfg(any(test, unix))]\nfn a() {}", &[]);
    check_test_lines("#[derive(Debug)]\nstruct A;", &[]);
}

#[test]
fn a_file_is_test_code_by_where_it_stands() {
    for path in ["crates/a/tests/it/main.rs", "crates/a/src/b/tests.rs", "crates/a/src/b/models.rs"]
    {
        assert!(Source::new(path, "fn a() {}").is_test(1), "{path}");
    }
    assert!(!Source::new("crates/a/src/contests.rs", "fn a() {}").is_test(1));
}
