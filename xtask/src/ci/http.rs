//! The service as strangers meet it: curl and wrk against `norace serve`, then a clean stop and an audit.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
};

use crate::{
    process::{output, program},
    service::{CALL_MAX, Service, build, expect, post, verify},
};

/// Requests sent in one write, before the first answer is read.
const PIPELINED: usize = 16;

/// Starts the service on an empty folder, uses it, stops it, verifies its journal.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    build(root)?;
    let data = std::env::temp_dir().join(format!("norace-ci-http-{}", std::process::id()));
    let service = Service::start(root, &data)?;
    accounts(root, &service)?;
    keep_alive(root, &service)?;
    pipelining(&service)?;
    load(root, &service)?;
    service.stop()?;
    let report = verify(root, &data)?;
    println!("{report}");
    expect(report["open_orders"] == 0, "an order was left open")?;
    expect(report["orders"].as_u64() > Some(0), "wrk left no order behind")?;
    fs::remove_dir_all(&data).map_err(|error| format!("cannot remove {}: {error}", data.display()))
}

/// A bank that may overdraw and a merchant, by curl.
fn accounts(root: &Path, service: &Service) -> Result<(), String> {
    for body in [r#"{"id":"bank","allow_overdraft":true}"#, r#"{"id":"merchant"}"#] {
        let answer = post(root, &service.url("/v1/accounts"), body)?;
        expect(answer["available"] == 0, "a new account is not empty")?;
    }
    let body = r#"{"payer":"bank","payee":"merchant","amount":250}"#;
    let answer = post(root, &service.url("/v1/orders"), body)?;
    expect(answer["state"] == "confirmed", "the first order is not confirmed")
}

/// Two requests by one curl are one connection.
fn keep_alive(root: &Path, service: &Service) -> Result<(), String> {
    let mut curl = program(root, "curl", "--silent --show-error --fail --max-time 5");
    for _ in 0..2 {
        curl.args(["--write-out", "%{num_connects}\n", "--output", "/dev/null"]);
        curl.arg(service.url("/v1/accounts/merchant"));
    }
    let connects = output(&mut curl, CALL_MAX)?;
    expect(connects == "1\n0\n", &format!("curl made other connections than one: {connects:?}"))
}

/// Many requests in one write are answered in order on one connection.
fn pipelining(service: &Service) -> Result<(), String> {
    let explain = |error: std::io::Error| format!("pipelining: {error}");
    let mut stream = TcpStream::connect(&service.address).map_err(explain)?;
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
fn load(root: &Path, service: &Service) -> Result<(), String> {
    let arguments = "--threads 2 --connections 8 --duration 2s --script xtask/src/ci/orders.lua";
    let report = output(program(root, "wrk", arguments).arg(service.url("")), CALL_MAX)?;
    println!("{}", report.trim_end());
    let bad = ["Non-2xx", "Socket errors"].into_iter().find(|mark| report.contains(mark));
    expect(bad.is_none(), "wrk met errors")?;
    expect(report.contains("Requests/sec"), "wrk did not finish its report")
}
