//! Runs one model under one checker and says how many executions that took and how long.
//!
//! `norace-bench-checker CHECKER SEARCH MODEL SECONDS`: CHECKER is `norace`, which searches as a test does, `explorer`,
//! which is what that stands on, `loom` or `shuttle`; SEARCH is `random`, or `all` for every execution, or `all-sc` for
//! all of them without weak memory, or `check` or `check-sc` for what a test does that says nothing about how. A search
//! for all is repeated until the time is up; with 0 seconds it is done once, however long that takes. Prints one line
//! of JSON.

mod models;

use models::{MODELS, Model, executions};
use norace_check::{Builder, Mode, Status, Strategy};
use norace_explore::{Completeness, Config, Explorer};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Executions of a random search in one piece, so that its time can be looked at in between.
const PIECE: u64 = 2_000;

/// A search for all executions is given up after so many.
const EXECUTIONS_MAX: usize = 200_000;

/// What a run came to.
struct Ran {
    executions: u64,
    /// How often all executions were run; 0 when the first search was given up.
    passes: u64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = "usage: norace-bench-checker norace|explorer|loom|shuttle \
                 random|all|all-sc|check|check-sc MODEL SECONDS";
    let [checker, search, model, seconds] = arguments.as_slice() else {
        eprintln!("{usage}");
        return ExitCode::from(2);
    };
    let model = MODELS.iter().find(|known| known.name == model);
    let (Some(model), Ok(seconds)) = (model, seconds.parse()) else {
        eprintln!("{usage}");
        return ExitCode::from(2);
    };
    let limit = Duration::from_secs(seconds);
    let start = Instant::now();
    let ran = match (checker.as_str(), search.as_str()) {
        ("norace", "random") => norace_random(model, limit),
        ("norace", "all") => norace_all(model, Mode::Rc11, limit),
        ("norace", "all-sc") => norace_all(model, Mode::Sc, limit),
        ("norace", "check") => norace_check(model, Mode::Rc11, limit),
        ("norace", "check-sc") => norace_check(model, Mode::Sc, limit),
        ("explorer", "random") => explorer_random(model, limit),
        ("explorer", "all") => explorer_all(model, limit),
        ("loom", "all") => loom_all(model, limit),
        ("shuttle", "random") => shuttle_random(model, limit),
        ("shuttle", "all-sc") => shuttle_all(model, limit),
        _ => {
            eprintln!("{checker} has no search `{search}`\n{usage}");
            return ExitCode::from(2);
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    let Ran { executions, passes } = ran;
    println!(r#"{{"executions":{executions},"passes":{passes},"seconds":{seconds}}}"#);
    ExitCode::SUCCESS
}

/// Runs pieces of a random search until the time is up.
fn in_pieces(limit: Duration, mut piece: impl FnMut(u64)) -> Ran {
    let start = Instant::now();
    let mut seed = 0;
    while start.elapsed() < limit {
        piece(seed);
        seed += 1;
    }
    Ran { executions: executions(), passes: 0 }
}

/// Runs complete searches, which say how many executions they took, until the time is up, or one was given up.
fn in_passes(limit: Duration, mut pass: impl FnMut() -> u64) -> Ran {
    let start = Instant::now();
    let mut ran = Ran { executions: 0, passes: 0 };
    loop {
        let own = pass();
        ran.executions += own;
        // loom gives up after one less.
        if own + 1 >= EXECUTIONS_MAX as u64 {
            return ran;
        }
        ran.passes += 1;
        if start.elapsed() >= limit {
            return ran;
        }
    }
}

/// What a test begins with; models are made of the explorer's own types, so that no special build is needed.
fn builder(mode: Mode) -> Builder {
    Builder::new().direct().mode(mode)
}

fn norace_random(model: &Model, limit: Duration) -> Ran {
    let strategy = Strategy::Random { seed: 0, executions: u64::MAX };
    let outcome = builder(Mode::Sc).strategy(strategy).budget(limit).run(model.norace);
    assert!(outcome.finding.is_none(), "{outcome:?}");
    Ran { executions: outcome.executions, passes: 0 }
}

fn norace_all(model: &Model, mode: Mode, limit: Duration) -> Ran {
    complete(&builder(mode).strategy(Strategy::Exhaustive), model, limit)
}

fn norace_check(model: &Model, mode: Mode, limit: Duration) -> Ran {
    complete(&builder(mode), model, limit)
}

fn complete(builder: &Builder, model: &Model, limit: Duration) -> Ran {
    in_passes(limit, || {
        let outcome = builder.run(model.norace);
        assert_eq!(outcome.status, Status::Complete, "{outcome:?}");
        outcome.executions
    })
}

fn explorer_random(model: &Model, limit: Duration) -> Ran {
    let mut explorer = Explorer::new(Config { mode: Mode::Sc, ..Config::default() });
    in_pieces(limit, |seed| {
        let strategy = Strategy::Random { seed, executions: PIECE };
        let report = explorer.explore(strategy, &model.norace);
        assert!(report.findings.is_empty(), "{:?}", report.findings[0].finding);
    })
}

fn explorer_all(model: &Model, limit: Duration) -> Ran {
    let mut explorer = Explorer::new(Config::default());
    in_passes(limit, || {
        let report = explorer.explore(Strategy::Exhaustive, &model.norace);
        assert!(report.findings.is_empty(), "{:?}", report.findings[0].finding);
        assert_eq!(report.completeness, Completeness::Complete);
        report.executions
    })
}

fn loom_all(model: &Model, limit: Duration) -> Ran {
    in_passes(limit, || {
        let mut builder = loom::model::Builder::new();
        builder.max_permutations = Some(EXECUTIONS_MAX);
        builder.check(model.loom);
        executions()
    })
}

fn shuttle_random(model: &Model, limit: Duration) -> Ran {
    in_pieces(limit, |_| shuttle::check_random(model.shuttle, PIECE as usize))
}

fn shuttle_all(model: &Model, limit: Duration) -> Ran {
    in_passes(limit, || {
        shuttle::check_dfs(model.shuttle, Some(EXECUTIONS_MAX));
        executions()
    })
}
