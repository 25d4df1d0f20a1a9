//! Nodes in processes of their own, some of which may be killed within a batch and replaced.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use norace_bench_measure::Done;
use norace_bench_measure::usage::Watch;

use super::INSTALLED;
use super::nodes::{Asked, BATCH, DENIED, Node, PAUSE, serve};
use super::server::Server;

/// Who dies does so when it has admitted so many.
const DIES_AT: u64 = 60;
/// A node that hangs ends.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the nodes may admit together: less where they die.
fn limit(crashes: u64) -> u64 {
    if crashes == 0 { 20_000 } else { 8_000 }
}

/// What a process told of itself.
#[derive(Default)]
struct Told {
    admitted: u64,
    calls: u64,
    times: Vec<u64>,
}

/// `limit-processes:NODES:CRASHES`.
pub fn processes(contender: &str, parameters: &[&str]) -> Option<Done> {
    let [nodes, crashes] = parameters else { return None };
    let (nodes, crashes): (u64, u64) = (nodes.parse().ok()?, crashes.parse().ok()?);
    let server = Server::known().expect(INSTALLED);
    let limit = limit(crashes);
    let bound = Node::new(contender, &server.url(), "asks", limit, nodes, BATCH)?.bound(crashes);
    let watch = Watch::start();
    let run = |name: u64, dies: bool| {
        let end = if dies { "dies" } else { "lives" };
        let task = format!("limit-node:{}:{limit}:{nodes}:{name}:{end}", server.port);
        hear(contender, &task, dies)
    };
    let told: Vec<Told> = thread::scope(|scope| {
        let serve = |name| {
            let died = (name < crashes).then(|| run(name, true));
            died.into_iter().chain([run(name, false)]).collect::<Vec<_>>()
        };
        let nodes: Vec<_> = (0..nodes).map(|name| scope.spawn(move || serve(name))).collect();
        nodes.into_iter().flat_map(|thread| thread.join().expect("it does not panic")).collect()
    });
    let calls = told.iter().map(|told| told.calls).sum();
    let admitted = told.iter().map(|told| told.admitted).sum();
    let times = told.into_iter().flat_map(|told| told.times).collect();
    let asked = Asked { admitted, times, watch };
    Some(asked.told(limit, calls, limit / 2..=limit + bound).with("bound", bound as f64))
}

/// What a process tells until it ends by itself, or is killed. One that is killed goes on until it dies, so all that it
/// said counts.
fn hear(contender: &str, task: &str, dies: bool) -> Told {
    let mut child = Command::new(std::env::current_exe().expect("it runs"))
        .args([contender, task, "1", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program can be run");
    let (mut told, mut killed) = (Told::default(), false);
    for line in BufReader::new(child.stdout.take().expect("it is a pipe")).lines() {
        let line = line.expect("the node writes text");
        let number = |word: &str| word.parse().expect("the node writes a number");
        match line.split_once(' ') {
            // It is written before the node goes on.
            Some(("admitted", so_far)) => told.admitted = number(so_far),
            Some(("calls", so_far)) => told.calls = number(so_far),
            Some(("times", all)) => told.times = all.split(' ').map(number).collect(),
            _ => {}
        }
        if dies && !killed && told.admitted >= DIES_AT {
            child.kill().expect("it is not waited for yet");
            killed = true;
        }
    }
    let ended = child.wait().expect("it was started").success();
    assert_eq!(ended, !dies, "{task}: ended well: {ended}");
    told
}

/// `limit-node:PORT:LIMIT:NODES:NAME:lives|dies`, what those processes run; who is to die waits for it.
pub fn node(contender: &str, parameters: &[&str]) -> Option<Done> {
    let [port, limit, nodes, name, end] = parameters else { return None };
    let url = format!("redis://127.0.0.1:{port}/");
    let (limit, nodes) = (limit.parse().ok()?, nodes.parse().ok()?);
    let node = Node::new(contender, &url, name, limit, nodes, BATCH)?;
    let (watch, mut said) = (Watch::start(), 0);
    let goes_on = |admitted, denied| {
        if admitted > said {
            println!("admitted {admitted}");
            said = admitted;
        }
        (denied < DENIED || *end == "dies") && watch.wall() < PATIENCE
    };
    let (admitted, times) = serve(|| node.ask(), PAUSE, goes_on);
    let times: Vec<_> = times.iter().map(u64::to_string).collect();
    println!("calls {}\ntimes {}", node.calls(), times.join(" "));
    Some(Done::timed(admitted, &watch))
}
