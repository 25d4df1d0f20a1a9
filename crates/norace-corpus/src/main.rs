//! Searches the corpus and prints a line for each bug: executions and time to its finding, and the shrunk switches.
//!
//! `norace-corpus [OPTION]… [NAME]…`, built with `--cfg norace`: the named bugs, or all, and then the racy and the
//! race-free programs. `--seeds N`: with so many seeds each, of which the line tells the median. `--report`: with the
//! report of each finding. `--json`: a line of JSON instead. `--fixed`: the programs as they were fixed, and how far
//! their search came.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks there")]

use norace_check::Level;
use norace_corpus::case::{Case, Limits};
use norace_corpus::races::PAIRS;
use norace_corpus::{CORPORA, Corpus};
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
        eprintln!("usage: norace-corpus [--seeds N] [--report] [--json] [--fixed] [NAME]...");
        return ExitCode::from(2);
    };
    let failed = if wish.fixed { report_fixed(&wish) } else { report_bugs(&wish) };
    if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// A line for each bug; how many were missed.
fn report_bugs(wish: &Wish) -> usize {
    if !wish.json {
        println!("| bug | kind | found as | executions | ms | switches |");
        println!("| --- | --- | --- | ---: | ---: | ---: |");
    }
    let mut all_switches = Vec::new();
    let missed: usize =
        wish.cases().map(|(corpus, case)| line(corpus, case, wish, &mut all_switches)).sum();
    if !wish.json {
        let median = median(&mut all_switches);
        println!("\n{missed} missed; a finding takes {median} context switches (median)");
    }
    if wish.names.is_empty() { missed + races(wish) } else { missed }
}

/// The programs with and without a race: one line for both; how many were misjudged.
fn races(wish: &Wish) -> usize {
    let (mut judged, mut misjudged) = ([0; 2], [0; 2]);
    for seed in 0..wish.seeds {
        for race in PAIRS {
            let wrong = race.misjudged(&race.search(Limits { budget: BUDGET, seed }), Level::App);
            judged[usize::from(race.racy)] += 1;
            if let Some(wrong) = wrong {
                eprintln!("seed {seed}: {wrong}");
                misjudged[usize::from(race.racy)] += 1;
            }
        }
    }
    let ([free, racy], [alarms, missed]) = (judged, misjudged);
    if wish.json {
        println!(
            r#"{{"corpus":"races","racy":{racy},"missed":{missed},"free":{free},"alarms":{alarms}}}"#
        );
    } else {
        println!(
            "{missed} of {racy} racy programs missed, {alarms} alarms in {free} race-free ones"
        );
    }
    alarms + missed
}

/// A line for each program as it was fixed; how many alarms there were.
fn report_fixed(wish: &Wish) -> usize {
    println!("| bug | as fixed |");
    println!("| --- | --- |");
    let mut alarms = 0;
    for (_, case) in wish.cases() {
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
#[derive(Default)]
struct Wish {
    seeds: u64,
    report: bool,
    json: bool,
    fixed: bool,
    names: Vec<String>,
}

impl Wish {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut wish = Self { seeds: 1, ..Self::default() };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--seeds" => wish.seeds = arguments.next()?.parse().ok().filter(|n| *n > 0)?,
                "--report" => wish.report = true,
                "--json" => wish.json = true,
                "--fixed" => wish.fixed = true,
                option if option.starts_with('-') => return None,
                _ => wish.names.push(argument),
            }
        }
        Some(wish)
    }

    /// The bugs asked for, each with the name of its corpus.
    fn cases(&self) -> impl Iterator<Item = (&'static str, &'static Case)> {
        let wants =
            |case: &Case| self.names.is_empty() || self.names.iter().any(|name| name == case.name);
        let named = |corpus: &'static Corpus| corpus.cases.iter().map(|case| (corpus.name, case));
        CORPORA.iter().flat_map(named).filter(move |(_, case)| wants(case))
    }
}

/// Searches one case with every seed; how often it was missed.
fn line(corpus: &str, case: &Case, wish: &Wish, all_switches: &mut Vec<u64>) -> usize {
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
    let Case { name, class, .. } = case;
    let (executions, switches) = (median(&mut executions), median(&mut switches));
    let ms = median(&mut times) as f64 / 1e3;
    if wish.json {
        let seeds = wish.seeds;
        let bug = format!(r#""corpus":"{corpus}","name":"{name}","class":"{class}""#);
        let searches = format!(r#""found_as":"{kind}","seeds":{seeds},"missed":{missed}"#);
        let medians = format!(r#""executions":{executions},"ms":{ms},"switches":{switches}"#);
        println!("{{{bug},{searches},{medians}}}");
    } else {
        println!("| {name} | {class} | {kind} | {executions} | {ms:.2} | {switches} |");
    }
    missed
}

fn median(values: &mut [u64]) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
