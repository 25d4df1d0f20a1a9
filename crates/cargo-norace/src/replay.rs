//! `cargo norace replay`: one execution of one model, in the test that holds it.

use anstream::ColorChoice;
use norace_check::Token;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::args::ReplayArgs;
use crate::cargo::Arguments;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::models::{Models, Status};
use crate::output::{BAD, Output};
use crate::session::{Ended, Session};

/// How models in doc tests are called after the functions that rustdoc makes of those.
const DOC_TESTS: [&str; 2] = ["__doctest_", "main::_doctest_main_"];

/// The result.
#[derive(Debug, Serialize)]
struct ReplayResult<'m> {
    schema: &'static str,
    reproduced: bool,
    test: &'m str,
    kind: &'m str,
    token: String,
    finding: Option<&'m RawValue>,
}

/// Runs the command.
pub(crate) fn run_command(
    args: ReplayArgs,
    color: ColorChoice,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let token = args.token;
    let arguments = scope(Arguments::new(args.cargo)?, &token);
    let session = Session::begin(&arguments, color)?;
    let variables = [("NORACE_REPLAY", token.to_string())];
    let ended = session.run(&arguments, &variables, output)?;
    let models = Models::read(session.folder())?;
    if models.0.is_empty() && ended.tally.ran == 0 && ended.tally.uncontrolled == 0 {
        return Err(missing(&token));
    }
    let result = ReplayResult {
        schema: "norace.replay/1",
        reproduced: models.count(Status::Found) > 0,
        test: token.model(),
        kind: token.kind(),
        token: token.to_string(),
        finding: models.findings().next(),
    };
    output.lines(models.0.iter().map(|model| model.line.as_str()), || models.table())?;
    output.result(&result, || result.human(&models, &ended))?;
    Ok(if result.reproduced { ExitCode::Finding } else { ExitCode::Uncontrolled })
}

/// Only what has to run. A doc test cannot be named by what its model is called: all of them run, and of their models
/// the one.
fn scope(arguments: Arguments, token: &Token) -> Arguments {
    if arguments.are_for_docs() || DOC_TESTS.iter().any(|start| token.test().starts_with(start)) {
        return arguments.with("--doc");
    }
    let targets = arguments.choose_targets();
    let arguments = if targets { arguments } else { arguments.with("--tests") };
    arguments.only(token.test())
}

fn missing(token: &Token) -> Failure {
    Failure::usage(format!("no test is called {}", token.test())).hint(
        "it was renamed or removed, or belongs to another package: `-- -p NAME`; a model that has a name of its own is \
         found by its test: `-- -- TEST`",
    )
}

impl ReplayResult<'_> {
    fn human(&self, models: &Models, ended: &Ended) -> String {
        let (test, kind) = (crate::failure::sanitise(self.test), self.kind);
        if self.reproduced {
            return format!("norace replay: {BAD}{kind}{BAD:#} shows again in {test}");
        }
        let why = if models.0.is_empty() && ended.tally.uncontrolled == 0 {
            "the test ran, and has no model of this name"
        } else if models.count(Status::Diverged) > 0 || ended.tally.uncontrolled > 0 {
            "the model went another way, or was not controlled"
        } else {
            "the code that the model runs has changed"
        };
        format!("norace replay: {BAD}not reproduced{BAD:#}: {kind} in {test}: {why}")
    }
}
