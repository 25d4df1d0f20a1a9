//! The service as strangers meet it: curl and wrk against `norace serve`, then a clean stop and an audit.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::process::{output, program, signal, wait};

/// Where the release build is, which the demo step has made.
const BINARY: &str = "target/release/norace";

const CALL_MAX: Duration = Duration::from_secs(10);

/// How long the service may take from SIGTERM to its end.
const STOP_MAX: Duration = Duration::from_secs(10);

/// Requests sent in one write, before the first answer is read.
const PIPELINED: usize = 16;

/// Starts the service on an empty folder, uses it, stops it, verifies its journal.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    crate::process::run(&mut crate::process::cargo(root, "build --release"), super::STEP_MAX)?;
    let data = std::env::temp_dir().join(format!("norace-ci-http-{}", std::process::id()));
    let server = Server::start(root, data)?;
    accounts(root, &server)?;
    keep_alive(root, &server)?;
    pipelining(&server)?;
    load(root, &server)?;
    let data = server.stop()?;
    let arguments = format!("verify --format json --data {}", data.display());
    let report = output(&mut program(root, BINARY, &arguments), CALL_MAX)?;
    println!("{}", report.trim_end());
    let report = parse(&report)?;
    expect(report["ok"] == true && report["open_orders"] == 0, "the journal does not verify")?;
    expect(report["orders"].as_u64() > Some(0), "wrk left no order behind")?;
    fs::remove_dir_all(&data).map_err(|error| format!("cannot remove {}: {error}", data.display()))
}

/// A running service; dropping it ends the process.
struct Server {
    child: Option<Child>,
    address: String,
    data: PathBuf,
}

impl Server {
    fn start(root: &Path, data: PathBuf) -> Result<Self, String> {
        let arguments =
            format!("serve --listen 127.0.0.1:0 --format json --data {}", data.display());
        let mut command = program(root, BINARY, &arguments);
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run {BINARY}: {error}"))?;
        let stdout = child.stdout.take().expect("standard output was asked for");
        let mut server = Self { child: Some(child), address: String::new(), data };
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(|error| format!("cannot read the first line: {error}"))?;
        let listening = parse(&line)?["listening"].as_str().unwrap_or_default().to_owned();
        server.address = listening.trim_start_matches("http://").to_owned();
        expect(!server.address.is_empty(), "the first line does not say `listening`")?;
        Ok(server)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Asks for a clean stop and waits for it; the data stay.
    fn stop(mut self) -> Result<PathBuf, String> {
        let child = self.child.take().expect("the service runs until it is stopped");
        signal("TERM", &[child.id()]);
        let status = wait(child, STOP_MAX)?;
        expect(status.success(), &format!("the service stopped with {status}"))?;
        Ok(self.data.clone())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _killed = child.kill();
            let _reaped = child.wait();
        }
    }
}

/// A bank that may overdraw and a merchant, by curl.
fn accounts(root: &Path, server: &Server) -> Result<(), String> {
    for body in [r#"{"id":"bank","allow_overdraft":true}"#, r#"{"id":"merchant"}"#] {
        let answer = post(root, &server.url("/v1/accounts"), body)?;
        expect(answer["available"] == 0, "a new account is not empty")?;
    }
    let body = r#"{"payer":"bank","payee":"merchant","amount":250}"#;
    let answer = post(root, &server.url("/v1/orders"), body)?;
    expect(answer["state"] == "confirmed", "the first order is not confirmed")
}

fn post(root: &Path, url: &str, body: &str) -> Result<Value, String> {
    let mut curl = program(root, "curl", "--silent --show-error --fail-with-body --max-time 5");
    curl.args(["--header", "Content-Type: application/json", "--data", body, url]);
    parse(&output(&mut curl, CALL_MAX)?)
}

/// Two requests by one curl are one connection.
fn keep_alive(root: &Path, server: &Server) -> Result<(), String> {
    let mut curl = program(root, "curl", "--silent --show-error --fail --max-time 5");
    for _ in 0..2 {
        curl.args(["--write-out", "%{num_connects}\n", "--output", "/dev/null"]);
        curl.arg(server.url("/v1/accounts/merchant"));
    }
    let connects = output(&mut curl, CALL_MAX)?;
    expect(connects == "1\n0\n", &format!("curl made other connections than one: {connects:?}"))
}

/// Many requests in one write are answered in order on one connection.
fn pipelining(server: &Server) -> Result<(), String> {
    let explain = |error: std::io::Error| format!("pipelining: {error}");
    let mut stream = TcpStream::connect(&server.address).map_err(explain)?;
    stream.set_read_timeout(Some(CALL_MAX)).map_err(explain)?;
    let ids: Vec<&str> =
        (0..PIPELINED).map(|n| if n % 2 == 0 { "bank" } else { "merchant" }).collect();
    let mut requests = String::new();
    for (n, id) in ids.iter().enumerate() {
        let connection = if n + 1 == PIPELINED { "close" } else { "keep-alive" };
        requests += &format!(
            "GET /v1/accounts/{id} HTTP/1.1\r\nHost: localhost\r\nConnection: {connection}\r\n\r\n"
        );
    }
    stream.write_all(requests.as_bytes()).map_err(explain)?;
    let mut answers = String::new();
    stream.read_to_string(&mut answers).map_err(explain)?;
    let answered: Vec<&str> = answers
        .match_indices("{\"id\":\"")
        .filter_map(|(at, mark)| answers[at + mark.len()..].split('"').next())
        .collect();
    expect(answered == ids, &format!("pipelined requests were answered otherwise: {answers}"))
}

/// Orders over eight connections, some at a time on each; no answer but success.
fn load(root: &Path, server: &Server) -> Result<(), String> {
    let arguments = "--threads 2 --connections 8 --duration 2s --script xtask/src/ci/orders.lua";
    let report = output(program(root, "wrk", arguments).arg(server.url("")), CALL_MAX)?;
    println!("{}", report.trim_end());
    let bad = ["Non-2xx", "Socket errors"].into_iter().find(|mark| report.contains(mark));
    expect(bad.is_none(), "wrk met errors")?;
    expect(report.contains("Requests/sec"), "wrk did not finish its report")
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text.trim()).map_err(|error| format!("no JSON: {error}: {text}"))
}

fn expect(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
