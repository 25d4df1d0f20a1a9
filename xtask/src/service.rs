//! The service under test: the release build of `norace`, started on a folder and a free port of its own.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::ChildStdout,
    time::Duration,
};

use serde_json::Value;

use crate::process::{Background, cargo, output, program, run};

/// Where the release build is.
const BINARY: &str = "target/release/norace";

/// Building with all optimisations, from nothing.
const BUILD_MAX: Duration = Duration::from_mins(15);

/// How long the service may take from SIGTERM to its end.
const STOP_MAX: Duration = Duration::from_secs(10);

/// A call that should be answered at once, or after a browser has started.
pub(crate) const CALL_MAX: Duration = Duration::from_secs(30);

/// Reading back what the longest run has written.
const VERIFY_MAX: Duration = Duration::from_mins(5);

/// Makes the binary that everything here runs.
pub(crate) fn build(root: &Path) -> Result<(), String> {
    run(&mut cargo(root, "build --release --bin norace"), BUILD_MAX)
}

/// Runs `norace` with `arguments` and returns the last line of what it printed as JSON.
pub(crate) fn norace(root: &Path, arguments: &str, limit: Duration) -> Result<Value, String> {
    let text = output(program(root, BINARY, arguments).args(["--format", "json"]), limit)?;
    parse(text.lines().next_back().unwrap_or_default())
}

/// What `norace verify` says of a journal that has to be sound.
pub(crate) fn verify(root: &Path, data: &Path) -> Result<Value, String> {
    let report = norace(root, &format!("verify --data {}", data.display()), VERIFY_MAX)?;
    expect(report["ok"] == true, &format!("the journal does not verify: {report}"))?;
    Ok(report)
}

/// A running service; dropping it ends the process.
#[derive(Debug)]
pub(crate) struct Service {
    process: Background,
    /// Held so that the service never meets a closed pipe.
    _stdout: BufReader<ChildStdout>,
    /// `host:port`.
    pub(crate) address: String,
}

impl Service {
    /// Starts the service and waits until it says that it listens.
    pub(crate) fn start(root: &Path, data: &Path) -> Result<Self, String> {
        let arguments =
            format!("serve --listen 127.0.0.1:0 --format json --data {}", data.display());
        let (process, mut stdout) = Background::start(&mut program(root, BINARY, &arguments))?;
        let mut line = String::new();
        stdout
            .read_line(&mut line)
            .map_err(|error| format!("cannot read the service's first line: {error}"))?;
        let address = parse(&line)?["listening"].as_str().map(str::to_owned);
        let address = address.ok_or("the service's first line does not say `listening`")?;
        Ok(Self { process, _stdout: stdout, address })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Asks for a clean stop and waits for it.
    pub(crate) fn stop(self) -> Result<(), String> {
        let status = self.process.stop("TERM", STOP_MAX)?;
        expect(status.success(), &format!("the service stopped with {status}"))
    }
}

/// Sends `body` by curl and returns the JSON that is answered.
pub(crate) fn post(root: &Path, url: &str, body: &str) -> Result<Value, String> {
    let mut curl = program(root, "curl", "--silent --show-error --fail-with-body");
    curl.args(["--header", "Content-Type: application/json", "--data", body, url]);
    parse(&output(&mut curl, CALL_MAX)?)
}

/// Reads JSON.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text.trim()).map_err(|error| format!("no JSON: {error}: {text}"))
}

/// Turns what does not hold into an error.
pub(crate) fn expect(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
