//! Good and bad accesses.

use super::{super::testing::check_rust, ordering_comment};

#[track_caller]
fn good(body: &str) {
    check_rust(ordering_comment, "a.rs", &format!("fn f() {{\n{body}\n}}"), &[]);
}

#[track_caller]
fn bad(line: usize, body: &str) {
    let expected = format!("a.rs:{line}: ordering-comment");
    check_rust(ordering_comment, "a.rs", &format!("fn f() {{\n{body}\n}}"), &[&expected]);
}

#[test]
fn a_reason_above_or_in_the_statement_is_enough() {
    good("// Relaxed: a count.\na.load(Ordering::Relaxed);");
    good("a.load(Ordering::Relaxed); // Relaxed: a count.");
    good("let x = a\n    // Acquire: pairs with b.\n    .load(atomic::Ordering::Acquire);");
    good("// SeqCst: the fence in g.\nfence(Ordering::SeqCst);");
}

#[test]
fn one_reason_serves_the_lines_just_below_and_no_more() {
    good("// Relaxed: counts.\na.load(Ordering::Relaxed);\n\n\nb.load(Ordering::Relaxed);");
    bad(7, "// Relaxed: counts.\n\n\n\n\na.load(Ordering::Relaxed);");
}

#[test]
fn a_long_reason_counts_from_its_last_line() {
    good(
        "// Release: one\n// two\n// three\n// four\n// five\n// six\na.store(1, Ordering::Release);",
    );
}

#[test]
fn a_statement_of_many_lines_has_its_reason_on_top() {
    let fill = "    .b()\n".repeat(8);
    good(&format!("// Relaxed: a count.\nlet x = a\n{fill}    .load(Ordering::Relaxed);"));
}

#[test]
fn each_ordering_of_a_call_is_named_and_one_is_argued_for() {
    let call = "a.compare_exchange(1, 2, Ordering::AcqRel, Ordering::Acquire);";
    good(&format!("// AcqRel: pairs with g. Acquire: the loser reads, too.\n{call}"));
    good(&format!("// AcqRel: pairs with g; Acquire on failure, as in g.\n{call}"));
    bad(3, &format!("// AcqRel: pairs with g.\n{call}"));
    bad(3, &format!("// AcqRel and Acquire\n{call}"));
}

#[test]
fn an_access_without_a_reason_is_found() {
    bad(2, "a.load(Ordering::Relaxed);");
    bad(3, "// Release: not this one.\na.load(Ordering::Acquire);");
    bad(3, "// Relaxed:\na.load(Ordering::Relaxed);");
    bad(3, "// Relaxed\na.load(Ordering::Relaxed);");
    bad(3, "// NotRelaxed: another word.\na.load(Ordering::Relaxed);");
    bad(2, "std::sync::atomic::fence(Ordering::SeqCst);");
}

#[test]
fn bare_names_count_when_they_are_imported() {
    let access = "fn f() { a.store(1, Release); }";
    let expected: &[&str] = &["a.rs:1: ordering-comment"];
    for import in
        ["use a::Ordering::Release;", "use a::Ordering::{self, Release};", "use Ordering::*;"]
    {
        check_rust(ordering_comment, "a.rs", &format!("{import} {access}"), expected);
    }
    check_rust(ordering_comment, "a.rs", access, &[]);
}

#[test]
fn other_orderings_and_mere_mentions_are_no_accesses() {
    good("a.push(Ordering::Less);");
    good("a.store(Phase::Release);");
    good("record(event, Ordering::Relaxed);");
    good("match o { Ordering::Relaxed => 1, _ => 2 };");
    good("assert_eq!(o, Ordering::Relaxed);");
    good("let o = Some(Ordering::Relaxed);");
}

#[test]
fn litmus_tests_of_the_checker_need_no_reasons_but_its_code_does() {
    let text = "fn f() { a.load(Ordering::Relaxed); }";
    check_rust(ordering_comment, "crates/norace-explore/tests/it/litmus.rs", text, &[]);
    let path = "crates/norace-explore/src/memory.rs";
    check_rust(ordering_comment, path, text, &[&format!("{path}:1: ordering-comment")]);
}
