//! Good and bad heads and functions.

use super::{super::testing::check_rust, function_length, head};

#[test]
fn a_file_begins_with_its_purpose() {
    check_rust(head, "a.rs", "//! Counts.\nfn a() {}", &[]);
    for bad in ["", "fn a() {}\n//! Late.", "// Plain.\n", "\n//! After a blank line.", "//!\n"] {
        check_rust(head, "a.rs", bad, &["a.rs:1: head"]);
    }
}

fn function(lines: usize) -> String {
    format!("\nfn long() {{{}}}", "\n".repeat(lines - 1))
}

#[test]
fn a_function_has_seventy_lines_at_most() {
    check_rust(function_length, "a.rs", &function(70), &[]);
    check_rust(function_length, "a.rs", &function(71), &["a.rs:2: function-length"]);
    check_rust(function_length, "a/tests.rs", &function(71), &["a/tests.rs:2: function-length"]);
}

#[test]
fn what_has_no_body_or_only_names_a_function_has_no_length() {
    let other = "\n".repeat(80);
    for text in
        ["trait A { fn a(&self); }", "type F = fn(u8) -> [u8; 4];", "// fn a() {", "\"fn a() {\""]
    {
        check_rust(function_length, "a.rs", &format!("{text}{other}struct S {{ }}"), &[]);
    }
}

#[test]
fn a_body_is_found_behind_brackets_in_the_signature() {
    let text = format!("fn a(f: impl Fn(), b: [u8; {{ 4 }}]) -> (u8, u8) {{{}}}", "\n".repeat(70));
    check_rust(function_length, "a.rs", &text, &["a.rs:1: function-length"]);
}
