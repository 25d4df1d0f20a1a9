//! Nodes in processes of their own, some of which are killed within a batch and replaced.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use norace::limit::redis::{Config, Shared, WhenDown};
use norace::limit::{Decision, Quota, Reason};
use norace_bench_measure::Done;
use norace_bench_measure::usage::Watch;

use super::INSTALLED;
use super::nodes::mode;
use super::server::Server;

const LIMIT: u64 = 2_000;
const BATCH: u64 = 50;
const EVERY: Duration = Duration::from_millis(20);
/// Who dies does so when it has admitted so many.
const DIES_AT: u64 = 60;
/// Who was denied so often believes it.
const DENIED: u32 = 500;
const PAUSE: Duration = Duration::from_micros(200);
/// A node that hangs ends.
const PATIENCE: Duration = Duration::from_secs(20);

fn shared(contender: &str, url: &str, name: &str, nodes: u64) -> Option<Shared> {
    let quota = Quota::fixed_window(LIMIT, Duration::from_secs(86_400)).expect("it can be");
    let mode = mode(contender, BATCH, EVERY)?;
    let config = Config::new(url, quota, mode, nodes, WhenDown::Closed).node(name);
    Some(Shared::new(config).expect("it can work"))
}

/// `limit-crash:NODES:CRASHES`.
pub fn crash(contender: &str, parameters: &[&str]) -> Option<Done> {
    let [nodes, crashes] = parameters else { return None };
    let (nodes, crashes): (u64, u64) = (nodes.parse().ok()?, crashes.parse().ok()?);
    let server = Server::known().expect(INSTALLED);
    let bound = shared(contender, &server.url(), "asks", nodes)?.error_bound(crashes);
    let watch = Watch::start();
    let run = |name: u64, dies: bool| admitted_by(contender, &server, (name, nodes), dies);
    let admitted: u64 = thread::scope(|scope| {
        let serve = |name| {
            let died = if name < crashes { run(name, true) } else { 0 };
            died + run(name, false)
        };
        let nodes: Vec<_> = (0..nodes).map(|name| scope.spawn(move || serve(name))).collect();
        nodes.into_iter().map(|thread| thread.join().expect("it does not panic")).sum()
    });
    let over = admitted.saturating_sub(LIMIT);
    let wrong = f64::from(u8::from(over > bound || admitted < LIMIT / 2));
    let done = Done::timed(admitted, &watch).with("over", over as f64).with("wrong", wrong);
    Some(done.with("under", LIMIT.saturating_sub(admitted) as f64).with("bound", bound as f64))
}

/// What a process admits until it ends by itself, or is killed. One that is killed goes on until it dies, so all that it
/// wrote counts.
fn admitted_by(contender: &str, server: &Server, (name, nodes): (u64, u64), dies: bool) -> u64 {
    let end = if dies { "dies" } else { "lives" };
    let task = format!("limit-node:{}:{name}:{nodes}:{end}", server.port);
    let mut child = Command::new(std::env::current_exe().expect("it runs"))
        .args([contender, &task, "1", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program can be run");
    let (mut admitted, mut killed) = (0, false);
    for line in BufReader::new(child.stdout.take().expect("it is a pipe")).lines() {
        // It is written before the node goes on.
        let line = line.expect("the node writes text");
        if let Some(so_far) = line.strip_prefix("admitted ") {
            admitted = so_far.parse().expect("the node writes a number");
        }
        if dies && !killed && admitted >= DIES_AT {
            child.kill().expect("it is not waited for yet");
            killed = true;
        }
    }
    let ended = child.wait().expect("it was started").success();
    assert_eq!(ended, !dies, "node {name} was to die: {dies}, and ended well: {ended}");
    admitted
}

/// `limit-node:PORT:NAME:NODES:lives|dies`, what those processes run; who is to die waits for it.
pub fn node(contender: &str, parameters: &[&str]) -> Option<Done> {
    let [port, name, nodes, end] = parameters else { return None };
    let url = format!("redis://127.0.0.1:{port}/");
    let node = shared(contender, &url, name, nodes.parse().ok()?)?;
    let (watch, begun) = (Watch::start(), Instant::now());
    let (mut admitted, mut denied) = (0, 0);
    while (denied < DENIED || *end == "dies") && begun.elapsed() < PATIENCE {
        match node.check("key") {
            Decision::Allowed { .. } => {
                admitted += 1;
                println!("admitted {admitted}");
            }
            Decision::Denied { reason, .. } => {
                denied += u32::from(reason == Reason::Quota);
                thread::sleep(PAUSE);
            }
        }
    }
    Some(Done::timed(admitted, &watch))
}
