//! Command lines of the tools.

use super::*;

fn line(tool: Tool, kept: Option<&str>, args: &str) -> String {
    let args = args.split_whitespace().map(OsString::from).collect();
    let line = tool.line(kept.map(OsString::from), args);
    line.iter().map(|arg| arg.to_str().expect("all of it is ASCII")).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_tool_is_known_by_its_name() {
    assert_eq!(Tool::called("/t/norace/tools/norace-rustc".as_ref()), Some(Tool::Rustc));
    assert_eq!(Tool::called("norace-rustdoc".as_ref()), Some(Tool::Rustdoc));
    assert_eq!(Tool::called("/usr/bin/cargo-norace".as_ref()), None);
}

#[test]
fn the_flags_come_last_and_wrappers_stay_in_front() {
    let cfg = "--cfg norace --check-cfg cfg(norace)";
    for (tool, kept, args, expected) in [
        (Tool::Rustc, None, "rustc --crate-name a", "rustc --crate-name a"),
        (Tool::Rustc, Some("sccache"), "clippy rustc x.rs", "sccache clippy rustc x.rs"),
        (Tool::Rustdoc, None, "--test src/lib.rs", "rustdoc --test src/lib.rs"),
        (Tool::Rustdoc, Some("/r/rustdoc"), "--test", "/r/rustdoc --test"),
    ] {
        assert_eq!(line(tool, kept, args), format!("{expected} {cfg}"));
    }
}

#[test]
fn the_checkers_own_crates_are_fast_unless_they_are_tested() {
    let fast = |args: &str| line(Tool::Rustc, None, args).ends_with("-C debug-assertions=off");
    assert!(fast("rustc --crate-name norace_explore --crate-type lib -C opt-level=0"));
    assert!(!fast("rustc --crate-name norace_explore --test"));
    assert!(!fast("rustc --crate-name shop"));
    assert!(!fast("rustc --cfg norace_explore"));
    assert!(!line(Tool::Rustdoc, None, "--crate-name norace_check").contains("opt-level"));
}

#[test]
fn names_of_functions_are_kept_where_lines_are() {
    let named = |args: &str| line(Tool::Rustc, None, args).ends_with("-C debuginfo=1");
    assert!(named("rustc --crate-name shop -C debuginfo=line-tables-only"));
    assert!(named("rustc -C debuginfo=2 -Cdebuginfo=line-directives-only"));
    assert!(!named("rustc -C debuginfo=line-tables-only -C debuginfo=2"));
    assert!(!named("rustc --crate-name shop"));
}
