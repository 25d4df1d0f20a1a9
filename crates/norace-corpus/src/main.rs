//! Searches the corpus and prints a line for each bug: executions and time to its finding, and the shrunk switches.
//!
//! `norace-corpus [--seeds N] [--report] [NAME]…`, built with `--cfg norace`: the named bugs, or all; with N seeds
//! each, of which the line tells the median; with the report of each finding.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks there")]

use norace_corpus::case::{Case, Limits};
use norace_corpus::goker::KERNELS;
use std::process::ExitCode;
use std::time::Duration;

/// For one search.
const BUDGET: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    if !cfg!(norace) {
        eprintln!("build it with --cfg norace: cargo xtask corpus");
        return ExitCode::from(2);
    }
    let Some(wish) = Wish::parse(std::env::args().skip(1)) else {
        eprintln!("usage: norace-corpus [--seeds N] [--report] [NAME]...");
        return ExitCode::from(2);
    };
    println!("| bug | kind | found as | executions | ms | switches |");
    println!("| --- | --- | --- | ---: | ---: | ---: |");
    let mut all_switches = Vec::new();
    let mut missed = 0;
    for case in KERNELS.iter().filter(|case| wish.wants(case)) {
        missed += line(case, &wish, &mut all_switches);
    }
    let median = median(&mut all_switches);
    println!("\n{missed} missed; a finding takes {median} context switches (median)");
    if missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// What was asked for.
struct Wish {
    seeds: u64,
    report: bool,
    names: Vec<String>,
}

impl Wish {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut wish = Self { seeds: 1, report: false, names: Vec::new() };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--seeds" => wish.seeds = arguments.next()?.parse().ok().filter(|n| *n > 0)?,
                "--report" => wish.report = true,
                option if option.starts_with('-') => return None,
                _ => wish.names.push(argument),
            }
        }
        Some(wish)
    }

    fn wants(&self, case: &Case) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| name == case.name)
    }
}

/// Searches one case with every seed; how often it was missed.
fn line(case: &Case, wish: &Wish, all_switches: &mut Vec<u64>) -> usize {
    let (mut executions, mut times, mut switches) = (Vec::new(), Vec::new(), Vec::new());
    let mut missed = 0;
    let mut kind = "nothing";
    for seed in 0..wish.seeds {
        let outcome = case.search(Limits { budget: BUDGET, seed });
        if let Some(miss) = case.misses(&outcome) {
            eprintln!("seed {seed}: {miss}");
            missed += 1;
        }
        executions.push(outcome.executions);
        times.push((outcome.seconds * 1e6) as u64);
        if let Some(finding) = &outcome.finding {
            kind = finding.kind;
            switches.push(finding.switches[0] as u64);
            if wish.report && seed == 0 {
                println!("{}", finding.to_text());
            }
        }
    }
    all_switches.extend(&switches);
    println!(
        "| {} | {} | {kind} | {} | {:.2} | {} |",
        case.name,
        case.class,
        median(&mut executions),
        median(&mut times) as f64 / 1e3,
        median(&mut switches)
    );
    missed
}

fn median(values: &mut [u64]) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
