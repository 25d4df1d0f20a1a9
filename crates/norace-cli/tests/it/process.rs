//! Starts the binary, bounds its time, and cleans up behind it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, fs, process, thread};

use serde_json::Value;

use crate::http::Http;

/// No command of these tests takes this long, even on a busy machine.
const TIME_MAX: Duration = Duration::from_secs(80);

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The last line of stdout as JSON.
    pub(crate) fn json(&self) -> Value {
        let line = self.stdout.lines().next_back().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The binary with a plain environment.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_norace"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "RUST_BACKTRACE", "NORACE_KEY"] {
        command.env_remove(name);
    }
    command.env("COLUMNS", "98").stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub(crate) fn norace<S: AsRef<OsStr>>(args: &[S]) -> Ended {
    end(binary().args(args))
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
        let mut text = String::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_string(&mut text);
        }
        let _ = sender.send(text);
    });
    receiver
}

/// Sends a signal by name.
pub(crate) fn signal(child: &Child, name: &str) {
    let line = format!("kill -{name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
}

/// A folder that goes away with the test.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("norace-cli-{}-{name}", process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A path inside, as text for a command line.
    pub(crate) fn join(&self, name: &str) -> String {
        self.0.join(name).into_os_string().into_string().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running `norace serve`; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    /// Held, so that the server's stdout stays open.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts on a free port and waits until it is ready.
    pub(crate) fn start(data: &str, more: &[&str]) -> Self {
        Self::start_on("127.0.0.1:0", data, more)
    }

    /// Starts on the given address and waits until it is ready.
    pub(crate) fn start_on(address: &str, data: &str, more: &[&str]) -> Self {
        let mut command = binary();
        command.args(["serve", "--format", "json", "--listen", address, "--data", data]);
        command.args(more);
        Self::start_by(command, data)
    }

    /// Starts by a command that becomes the service on `data`, and waits until it is ready.
    pub(crate) fn start_by(mut command: Command, data: &str) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready: Value = match serde_json::from_str(&line) {
            Ok(ready) => ready,
            Err(error) => {
                let _ = child.kill();
                panic!("{error}: {line}{:?}", child.wait_with_output());
            }
        };
        assert_eq!(ready["schema"], "norace.serve/1");
        assert_eq!(ready["data"], data);
        let address = ready["listening"].as_str().unwrap().parse().unwrap();
        Self { child, address, _stdout: stdout }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn http(&self) -> Http {
        Http::connect(self.address).unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// kill -9, and the end of it.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// What it said on stderr, once it has ended.
    pub(crate) fn stderr(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// Waits for the end it has been asked for.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
