//! Searches the corpus and prints a line for each bug: executions and time to its finding, and the shrunk switches.
//!
//! `norace-corpus [--seeds N] [--report] [--fixed] [NAME]…`, built with `--cfg norace`: the named bugs, or all; with N
//! seeds each, of which the line tells the median; with the report of each finding; or the programs as they were fixed,
//! and how far their search came.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks there")]

use norace_corpus::TABLES;
use norace_corpus::case::{Case, Limits};
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
        eprintln!("usage: norace-corpus [--seeds N] [--report] [--fixed] [NAME]...");
        return ExitCode::from(2);
    };
    let cases = TABLES.iter().copied().flatten().filter(|case| wish.wants(case));
    let failed = if wish.fixed { report_fixed(cases) } else { report_bugs(cases, &wish) };
    if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// A line for each bug; how many were missed.
fn report_bugs<'a>(cases: impl Iterator<Item = &'a Case>, wish: &Wish) -> usize {
    println!("| bug | kind | found as | executions | ms | switches |");
    println!("| --- | --- | --- | ---: | ---: | ---: |");
    let mut all_switches = Vec::new();
    let missed: usize = cases.map(|case| line(case, wish, &mut all_switches)).sum();
    let median = median(&mut all_switches);
    println!("\n{missed} missed; a finding takes {median} context switches (median)");
    missed
}

/// A line for each program as it was fixed; how many alarms there were.
fn report_fixed<'a>(cases: impl Iterator<Item = &'a Case>) -> usize {
    println!("| bug | as fixed |");
    println!("| --- | --- |");
    let mut alarms = 0;
    for case in cases {
        let outcome = case.search_fixed(Limits { budget: BUDGET, seed: 0 });
        println!("| {} | {} |", case.name, outcome.extent());
        if let Some(alarm) = outcome.failure() {
            eprintln!("{}: {alarm}", case.name);
            alarms += 1;
        }
    }
    alarms
}

/// What was asked for.
struct Wish {
    seeds: u64,
    report: bool,
    fixed: bool,
    names: Vec<String>,
}

impl Wish {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut wish = Self { seeds: 1, report: false, fixed: false, names: Vec::new() };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--seeds" => wish.seeds = arguments.next()?.parse().ok().filter(|n| *n > 0)?,
                "--report" => wish.report = true,
                "--fixed" => wish.fixed = true,
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
