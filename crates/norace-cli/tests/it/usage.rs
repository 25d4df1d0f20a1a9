//! Wrong usage, and the manners of a command line tool.

use std::process::Stdio;

use crate::process::{Folder, binary, end, norace, wait};

#[test]
fn wrong_usage_exits_with_2_and_says_why_on_stderr() {
    let lines: &[&[&str]] = &[
        &[],
        &["no-such-command"],
        &["load", "--no-such-option"],
        &["load", "--connections", "0"],
        &["load", "--input", "x.csv", "--orders", "3"],
        &["load", "--url", "https://127.0.0.1"],
        &["load", "--url", "not a url"],
        &["serve", "--listen", "here"],
        &["serve", "--processor", "magic"],
        &["verify"],
        &["journal"],
        &["demo", "--format", "xml"],
    ];
    for line in lines {
        let ended = norace(line);
        assert_eq!(ended.code, Some(2), "{line:?}: {ended:?}");
        assert_eq!(ended.stdout, "", "{line:?}");
        assert!(!ended.stderr.is_empty(), "{line:?}");
    }
}

#[test]
fn a_typing_error_brings_a_suggestion() {
    let ended = norace(&["laod"]);
    assert!(ended.stderr.contains("load"), "{ended:?}");
}

#[test]
fn a_purchase_log_is_refused_with_the_line_that_is_wrong() {
    let folder = Folder::new("wrong-log");
    let path = folder.join("log.csv");
    std::fs::write(&path, "customer,date,cds,cents\na,1997-01-01,1,100\nb,1997-01-01,1,1.00\n")
        .unwrap();
    let ended = norace(&["load", "--input", &path]);
    assert_eq!(ended.code, Some(2));
    let expected =
        format!("norace: cannot read the purchases in {path}: line 3: cents `1.00` is not");
    assert!(ended.stderr.starts_with(&expected), "{ended:?}");
    assert!(ended.stderr.contains("hint: the file is CSV: customer,date,cds,cents"), "{ended:?}");
    let ended = norace(&["load", "--input", &folder.join("absent.csv")]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("absent.csv: No such file"), "{ended:?}");
}

#[test]
fn text_from_outside_cannot_steer_the_terminal() {
    let ended = norace(&["load", "--input", "no\u{1b}[2Jfile"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("no\\u{1b}[2Jfile") && !ended.stderr.contains('\u{1b}'),
        "{ended:?}"
    );
}

#[test]
fn colour_is_for_terminals_unless_it_is_asked_for() {
    let coloured = |ended: crate::process::Ended| ended.stderr.contains('\u{1b}');
    let line = ["verify", "--data", "/nonexistent"];
    assert!(!coloured(norace(&line)), "stderr is a pipe here");
    assert!(coloured(norace(&[&line[..], &["--color", "always"]].concat())));
    assert!(coloured(end(binary().args(line).env("CLICOLOR_FORCE", "1"))));
    let never = line.into_iter().chain(["--color=never"]);
    assert!(!coloured(end(binary().args(never).env("CLICOLOR_FORCE", "1"))));
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let mut child =
        binary().arg("--help").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = wait(child);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}
