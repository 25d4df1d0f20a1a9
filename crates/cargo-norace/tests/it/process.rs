//! Starts the binary, bounds its time, and reads what it says.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

use serde_json::Value;

/// No command of these tests takes this long, even where everything has to be built on a busy machine.
const TIME_MAX: Duration = Duration::from_secs(280);

/// What would change builds, models or texts.
const FOREIGN: [&str; 12] = [
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_TARGET",
    "CARGO_TERM_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "NO_COLOR",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUST_BACKTRACE",
    "RUST_TEST_THREADS",
];

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Stdout as lines of JSON.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {self:?}"));
        self.stdout.lines().map(parse).collect()
    }

    /// The last of them.
    pub(crate) fn result(&self) -> Value {
        self.lines().pop().unwrap_or_else(|| panic!("there is no result: {self:?}"))
    }

    /// The report of the first finding.
    pub(crate) fn report(&self) -> &str {
        let from = self.stdout.find("norace: ").unwrap_or_else(|| panic!("no report: {self:?}"));
        let text = &self.stdout[from..];
        let last = text.find("replay: ").unwrap_or_else(|| panic!("no token: {self:?}"));
        let end = text[last..].find('\n').unwrap();
        &text[..last + end]
    }

    /// The token in it.
    pub(crate) fn token(&self) -> &str {
        self.report().rsplit(' ').next().unwrap()
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

/// The binary as cargo starts it, with a plain environment.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-norace"));
    for (name, _) in env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        let flags = name.contains("RUSTFLAGS") || name.contains("RUSTDOCFLAGS");
        if flags || name.starts_with("NORACE_") || FOREIGN.contains(&name) {
            command.env_remove(name);
        }
    }
    command.arg("norace").env("COLUMNS", "98").stdin(Stdio::null());
    command
}

/// Runs a command to its end; a command that does not come to it is killed, and the test fails.
pub(crate) fn end(command: &mut Command) -> Ended {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait(child)
}

/// Waits for a running command's end, as [`end`].
pub(crate) fn wait(mut child: Child) -> Ended {
    let stdout = reader(child.stdout.take());
    let stderr = reader(child.stderr.take());
    // Both streams end when the command does.
    let texts =
        stdout.recv_timeout(TIME_MAX).and_then(|out| Ok((out, stderr.recv_timeout(TIME_MAX)?)));
    if texts.is_err() {
        let _ = child.kill();
    }
    let code = child.wait().unwrap().code();
    let (stdout, stderr) = texts.expect("the command came to no end");
    Ended { code, stdout, stderr }
}

fn reader(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}
