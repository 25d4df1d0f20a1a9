//! Wrong usage, and the manners of a command line tool.

use std::env;

use crate::process::{Ended, binary, end};
use crate::project::SHOP;

fn norace(line: &str) -> Ended {
    end(binary().args(line.split_whitespace()).current_dir(env::temp_dir()))
}

#[test]
fn wrong_usage_exits_with_2_and_says_why_on_stderr() {
    for line in [
        "",
        "no-such-command",
        "check --no-such-option",
        "check name",
        "check --jobs 0",
        "check --shard 3/2",
        "check --budget soon",
        "check --format xml",
        "check -- --target-dir elsewhere",
        "check -- --message-format short",
        "check -- --manifest-path nowhere/Cargo.toml",
        "replay",
    ] {
        let ended = norace(line).expect(2);
        assert_eq!(ended.stdout, "", "{line}");
        assert!(!ended.stderr.is_empty(), "{line}");
    }
}

#[test]
fn a_token_that_is_none_is_refused_with_the_reason() {
    let ended = norace("replay nr1:tests::two:0000").expect(2);
    assert!(ended.stderr.contains("its checksum is wrong"), "{}", ended.stderr);
    let ended = norace("replay two").expect(2);
    assert!(ended.stderr.contains("it does not begin with `nr1:`"), "{}", ended.stderr);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    SHOP.write("file", "");
    let ended = SHOP.norace("check --report file/pages").expect(2);
    assert!(ended.stderr.contains("norace: cannot make the folder file/pages: "), "{ended:?}");
}

#[test]
fn the_version_is_told() {
    let ended = norace("--version").expect(0);
    assert_eq!(ended.stdout, concat!("cargo-norace ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn the_command_answers_without_cargo_as_well() {
    let bare =
        std::process::Command::new(env!("CARGO_BIN_EXE_cargo-norace")).arg("--version").output();
    assert!(bare.unwrap().status.success());
}

#[test]
fn colour_is_for_terminals_unless_it_is_asked_for() {
    let coloured = |ended: Ended| ended.stderr.contains('\u{1b}');
    let line = "check -- --target-dir x";
    assert!(!coloured(norace(line)), "stderr is a pipe here");
    assert!(coloured(norace(&format!("--color always {line}"))));
    assert!(!coloured(norace(&format!("--color never {line}"))));
}
