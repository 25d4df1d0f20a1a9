//! Good and bad places and reasons for `unsafe`.

use super::{super::testing::check_rust, safety_comment, unsafe_place};

#[test]
fn unsafe_stands_only_where_it_is_kept() {
    let text = "fn a() { unsafe { b() } }";
    for good in [
        "crates/norace-prim/src/cell.rs",
        "crates/norace-explore/src/stack.rs",
        "crates/norace/src/raw/task.rs",
        "crates/norace/src/rt/raw/poll.rs",
        "crates/norace-journal/src/raw/map.rs",
    ] {
        check_rust(unsafe_place, good, text, &[]);
    }
    for bad in [
        "crates/norace/src/task.rs",
        "crates/norace-engine/src/raw/state.rs",
        "crates/norace/src/raw.rs",
        "xtask/src/main.rs",
    ] {
        check_rust(unsafe_place, bad, text, &[&format!("{bad}:1: unsafe-place")]);
    }
}

#[test]
fn the_word_in_text_or_inside_a_name_is_not_unsafe_code() {
    for text in ["// unsafe", "\"unsafe { }\"", "#![forbid(unsafe_code)]", "fn unsafely() {}"] {
        check_rust(unsafe_place, "crates/norace/src/a.rs", text, &[]);
        check_rust(safety_comment, "crates/norace/src/a.rs", text, &[]);
    }
}

#[test]
fn each_promise_has_its_reason_directly_above() {
    for good in [
        "fn a() {\n    // SAFETY: b is pinned.\n    unsafe { b() }\n}",
        "fn a() {\n    // SAFETY: b is pinned,\n    // and stays so.\n    let c =\n        unsafe { b() };\n}",
        "fn a() {\n    // SAFETY: b is ours.\n    c.with(|b| unsafe { *b });\n}",
        "// SAFETY: all fields are.\nunsafe impl Send for A {}",
        "#[inline]\n// SAFETY: all fields are.\nunsafe impl Send for A {}",
        "match a {\n    // SAFETY: checked above.\n    A => unsafe { b() },\n}",
        "unsafe fn a() {}\nunsafe trait B {}\nunsafe extern \"C\" fn c() {}",
        "type F = unsafe fn(u8);",
    ] {
        check_rust(safety_comment, "a.rs", good, &[]);
    }
}

#[test]
fn a_promise_without_its_reason_is_found() {
    for (bad, line) in [
        ("fn a() {\n    unsafe { b() }\n}", 2),
        ("fn a() {\n    // Safety: wrong case.\n    unsafe { b() }\n}", 3),
        ("unsafe impl Send for A {}", 1),
        ("unsafe extern \"C\" {\n    fn a();\n}", 1),
    ] {
        check_rust(safety_comment, "a.rs", bad, &[&format!("a.rs:{line}: safety-comment")]);
    }
}

#[test]
fn a_reason_covers_its_own_statement_only() {
    let text = "fn a() {\n    // SAFETY: first.\n    unsafe { b() };\n    unsafe { c() };\n}";
    check_rust(safety_comment, "a.rs", text, &["a.rs:4: safety-comment"]);
}

#[test]
fn a_reason_with_nothing_to_argue_for_is_found() {
    let text = "fn a() {\n    // SAFETY: of what?\n    b();\n}";
    check_rust(safety_comment, "a.rs", text, &["a.rs:2: safety-comment"]);
}
