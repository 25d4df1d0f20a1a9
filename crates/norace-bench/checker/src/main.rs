//! Runs one model under one checker and says how many executions that took and how long.
//!
//! `norace-bench-checker CHECKER SEARCH MODEL SECONDS`: CHECKER is `norace`, `loom` or `shuttle`; SEARCH is `random`,
//! or `all` for every execution, or `all-sc` for all of them without weak memory. A search for all is repeated until
//! the time is up; with 0 seconds it is done once, however long that takes. Prints one line of JSON.

mod models;

use models::{MODELS, Model, executions};
use norace_explore::{Completeness, Config, Explorer, Mode, Strategy};
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
    let usage = "usage: norace-bench-checker norace|loom|shuttle random|all|all-sc MODEL SECONDS";
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

/// Runs complete searches until the time is up, or one was given up.
fn in_passes(limit: Duration, mut pass: impl FnMut()) -> Ran {
    let start = Instant::now();
    let mut ran = Ran { executions: 0, passes: 0 };
    loop {
        pass();
        let own = executions();
        ran.executions += own;
        if own >= EXECUTIONS_MAX as u64 {
            return ran;
        }
        ran.passes += 1;
        if start.elapsed() >= limit {
            return ran;
        }
    }
}

fn norace_random(model: &Model, limit: Duration) -> Ran {
    let mut explorer = Explorer::new(Config { mode: Mode::Sc, ..Config::default() });
    in_pieces(limit, |seed| {
        let strategy = Strategy::Random { seed, executions: PIECE };
        let report = explorer.explore(strategy, &model.norace);
        assert!(report.findings.is_empty(), "{:?}", report.findings[0].finding);
    })
}

fn norace_all(model: &Model, mode: Mode, limit: Duration) -> Ran {
    let mut explorer = Explorer::new(Config { mode, ..Config::default() });
    in_passes(limit, || {
        let report = explorer.explore(Strategy::Exhaustive, &model.norace);
        assert!(report.findings.is_empty(), "{:?}", report.findings[0].finding);
        assert_eq!(report.completeness, Completeness::Complete);
    })
}

fn loom_all(model: &Model, limit: Duration) -> Ran {
    in_passes(limit, || {
        let mut builder = loom::model::Builder::new();
        builder.max_permutations = Some(EXECUTIONS_MAX);
        builder.check(model.loom);
    })
}

fn shuttle_random(model: &Model, limit: Duration) -> Ran {
    in_pieces(limit, |_| shuttle::check_random(model.shuttle, PIECE as usize))
}

fn shuttle_all(model: &Model, limit: Duration) -> Ran {
    in_passes(limit, || shuttle::check_dfs(model.shuttle, Some(EXECUTIONS_MAX)))
}
