//! Good and bad attributes and marks.

use super::{super::testing::check_rust, allow, leftover};

#[test]
fn lints_are_expected_not_allowed() {
    check_rust(allow, "a.rs", "#[expect(dead_code, reason = \"b\")]\nfn allow(a: u8) {}", &[]);
    check_rust(allow, "a.rs", "fn a() { b.allow(c); [allow(d)]; }", &[]);
    for bad in
        ["#[allow(dead_code)]", "#![allow(dead_code)]", "#[cfg_attr(unix, allow(dead_code))]"]
    {
        check_rust(allow, "a.rs", bad, &["a.rs:1: allow"]);
    }
}

#[test]
fn nothing_unfinished_lands() {
    let good = "fn todo() { \"todo!() FIXME\"; self.todo != 0 }\n// A todo list.";
    check_rust(leftover, "a.rs", good, &[]);
    for bad in ["todo!()", "a => unimplemented!(\"b\"),", "dbg!(a)", "// FIXME: a", "/* XXX */"] {
        check_rust(leftover, "a.rs", bad, &["a.rs:1: leftover"]);
    }
}
