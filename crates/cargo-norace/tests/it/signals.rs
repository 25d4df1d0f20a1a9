//! Signals: the tests end with the command.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::process::wait;
use crate::project::{SHOP, one_at_a_time};
use crate::sources::{LARGE, file, model};

/// Says the number of its process, and goes on for long.
fn endless() -> String {
    let begin = "
        static FIRST: std::sync::Once = std::sync::Once::new();
        FIRST.call_once(|| println!(\"\\nbegun {}\", std::process::id()));";
    file(&[model("endless", &format!("{begin}{LARGE}"))])
}

fn is_running(process: &str) -> bool {
    // What has ended and nobody waited for has no command line any more.
    let path = PathBuf::from(format!("/proc/{process}/cmdline"));
    fs::read(path).is_ok_and(|line| !line.is_empty())
}

#[test]
fn a_signal_ends_the_command_and_its_tests() {
    SHOP.write("tests/endless.rs", &endless());
    for (name, code, word) in [("INT", 130, "SIGINT"), ("TERM", 143, "SIGTERM")] {
        let _alone = one_at_a_time();
        let mut command = SHOP.command("check --budget 300 -- --test endless -- --nocapture");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let begun = stdout.by_ref().map(Result::unwrap).find(|line| line.starts_with("begun "));
        let test = begun.unwrap().split_off("begun ".len());
        assert!(is_running(&test));
        let line = format!("kill -{name} {}", child.id());
        assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
        let ended = wait(child).expect(code);
        assert!(ended.stderr.contains(&format!("norace: ended by {word}")), "{ended:?}");
        assert!(!is_running(&test));
    }
}
