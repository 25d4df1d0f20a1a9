//! The help texts are part of the interface: snapshots in `docs/reference/help` follow them.

use std::{env, fs};

use crate::process::{Ended, binary, end};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/help");

const COMMANDS: [&str; 3] = ["", "check", "replay"];

fn norace(args: &[&str]) -> Ended {
    end(binary().args(args))
}

#[test]
fn every_help_text_is_as_in_the_reference() {
    let update = env::var_os("NORACE_UPDATE").is_some();
    for command in COMMANDS {
        let mut args: Vec<_> = command.split_whitespace().collect();
        args.push("--help");
        let ended = norace(&args);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{command}");
        // clap pads blank lines; files of the project end none with blanks.
        let text: String =
            ended.stdout.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
        let name = format!("cargo-norace {command}").trim_end().replace(' ', "-");
        let path = format!("{FOLDER}/{name}.txt");
        if update {
            fs::write(&path, &text).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == text, "{path} is stale: run the test with NORACE_UPDATE=1");
    }
}

#[test]
fn every_help_text_opens_with_examples_and_ends_with_the_exit_codes() {
    for command in COMMANDS {
        let mut args: Vec<_> = command.split_whitespace().collect();
        args.push("--help");
        let text = norace(&args).stdout;
        let examples = text.find("Examples:").unwrap_or(usize::MAX);
        assert!(examples < text.find("Usage:").unwrap_or(0), "{command}: {text}");
        assert!(text.trim_end().ends_with("143  ended by SIGTERM"), "{command}: {text}");
        assert!(text.lines().all(|line| line.chars().count() <= 98), "{command}: {text}");
    }
}

#[test]
fn the_short_help_fits_on_a_screen() {
    for command in COMMANDS {
        let mut args: Vec<_> = command.split_whitespace().collect();
        args.push("-h");
        let text = norace(&args).stdout;
        assert!(text.lines().count() <= 40, "{command}: {text}");
        assert!(!text.contains("Examples:"), "{command}: {text}");
    }
}
