//! The README says what is true: its commands are those that are run here, its counts those of the log.

use std::{fs, path::Path};

use super::TEST;
use super::demo::{DEMO, Ends};
use crate::service::expect;

#[cfg(test)]
mod tests;

/// Compares the README of the tree at `root` with what the other steps run and find.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let text = fs::read_to_string(root.join("README.md"));
    check(&text.map_err(|error| format!("cannot read README.md: {error}"))?, &Ends::read(root)?)
}

fn check(text: &str, ends: &Ends) -> Result<(), String> {
    let demo = DEMO.split(" --exit").next().unwrap_or(DEMO);
    let known = [demo, TEST, "xtask ci"].map(|arguments| format!("cargo {arguments}"));
    let commands = commands(text);
    for command in &commands {
        let what = format!("the README's command `{command}` is not run by any step");
        expect(known.iter().any(|it| it == command), &what)?;
    }
    for needed in &known[..2] {
        expect(commands.contains(&needed.as_str()), &format!("the README lacks `{needed}`"))?;
    }
    for count in [ends.orders, ends.confirmed, ends.failed, ends.rejected] {
        let printed = grouped(count);
        expect(text.contains(&printed), &format!("the README does not say {printed}"))?;
    }
    Ok(())
}

/// The lines of blocks marked `sh`, without the remarks behind them.
fn commands(text: &str) -> Vec<&str> {
    let mut inside = false;
    let mut commands = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```sh";
        } else if inside {
            commands.push(line.split("  #").next().unwrap_or(line).trim());
        }
    }
    commands.retain(|command| !command.is_empty());
    commands
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
