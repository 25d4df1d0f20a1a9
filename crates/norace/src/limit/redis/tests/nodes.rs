//! Several nodes, in one process or in processes of their own.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::{a_day, delayed, leased};
use crate::limit::redis::{Config, Shared, WhenDown};
use crate::limit::{Decision, Reason};

/// A test fails rather than hangs.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Nodes {
    nodes: Vec<Shared>,
}

impl Nodes {
    /// As many as the settings say there are at most.
    pub(super) fn start(config: &Config) -> Self {
        let nodes = (0..config.nodes).map(|_| {
            let name = format!("{:x}", norace_prim::rand::next_u64());
            Shared::new(config.clone().node(&name)).unwrap()
        });
        Self { nodes: nodes.collect() }
    }

    pub(super) fn len(&self) -> u64 {
        self.nodes.len().try_into().unwrap()
    }

    pub(super) fn error_bound(&self, crashes: u64) -> u64 {
        self.nodes[0].error_bound(crashes)
    }

    pub(super) fn calls(&self) -> u64 {
        self.nodes.iter().map(|node| node.metrics().calls).sum()
    }

    pub(super) fn failures(&self) -> u64 {
        self.nodes.iter().map(|node| node.metrics().failures).sum()
    }

    pub(super) fn all_down(&self) -> bool {
        self.nodes.iter().all(|node| node.metrics().down)
    }

    /// What all admit together when each asks until `done` says so.
    fn ask(&self, key: &str, done: impl Fn(Instant, &mut u32, Decision) -> bool + Sync) -> u64 {
        let begun = Instant::now();
        let ask = |node: &Shared| {
            let (mut admitted, mut refused) = (0, 0);
            loop {
                let decision = node.check(key);
                let late = begun.elapsed() >= PATIENCE;
                assert!(!late, "{key} at last: {decision:?}, {admitted} admitted, {node:?}");
                admitted += u64::from(decision.is_allowed());
                if done(begun, &mut refused, decision) {
                    return admitted;
                }
                if !decision.is_allowed() {
                    thread::sleep(Duration::from_micros(300));
                }
            }
        };
        thread::scope(|scope| {
            let asked: Vec<_> =
                self.nodes.iter().map(|node| scope.spawn(move || ask(node))).collect();
            asked.into_iter().map(|thread| thread.join().unwrap()).sum()
        })
    }

    /// Until each was refused for the quota's sake often enough for everything to have settled.
    pub(super) fn until_refused(&self, key: &str) -> u64 {
        self.ask(key, |_, refused, decision| {
            let quota = matches!(decision, Decision::Denied { reason: Reason::Quota, .. });
            *refused += u32::from(quota);
            *refused > 600
        })
    }

    pub(super) fn for_a_while(&self, key: &str, time: Duration) -> u64 {
        self.ask(key, |begun, _, _| begun.elapsed() >= time)
    }

    pub(super) fn wait_for(&self, key: &str, wanted: impl Fn(Decision) -> bool + Sync) {
        self.ask(key, |_, _, decision| wanted(decision));
    }

    /// When what was admitted was asked for, and answered.
    pub(super) fn times(&self, key: &str, time: Duration) -> Vec<(SystemTime, SystemTime)> {
        let begun = Instant::now();
        let ask = |node: &Shared| {
            let mut times = Vec::new();
            while begun.elapsed() < time {
                let before = SystemTime::now();
                if node.check(key).is_allowed() {
                    times.push((before, SystemTime::now()));
                } else {
                    thread::sleep(Duration::from_micros(200));
                }
            }
            times
        };
        thread::scope(|scope| {
            let asked: Vec<_> =
                self.nodes.iter().map(|node| scope.spawn(move || ask(node))).collect();
            asked.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        })
    }
}

/// What `count` processes admit of 1000, of which `crashes` are killed on the way and replaced.
pub(super) fn admitted_by(url: &str, prefix: &str, mode: &str, count: u64, crashes: u64) -> u64 {
    let run = |name: String, dies: bool| {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "limit::redis::tests::node_of_another_test", "--nocapture"])
            .env("NORACE_LIMIT_NODE", format!("{url} {prefix} {mode} {name} {count}"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut admitted = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            // What it has admitted so far; the line comes before it goes on.
            let line = line.unwrap();
            if let Some(so_far) = line.strip_prefix("admitted ") {
                admitted = so_far.parse().unwrap();
            }
            if dies && admitted >= 30 {
                child.kill().unwrap();
                break;
            }
        }
        child.wait().unwrap();
        admitted
    };
    thread::scope(|scope| {
        let nodes: Vec<_> = (0..count)
            .map(|at| {
                let run = &run;
                scope.spawn(move || {
                    let died = if at < crashes { run(format!("n{at}"), true) } else { 0 };
                    died + run(format!("n{at}"), false)
                })
            })
            .collect();
        nodes.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

/// A node in a process of its own, told by its environment; a test that was not started for it does nothing.
pub(super) fn child() {
    let Ok(told) = std::env::var("NORACE_LIMIT_NODE") else { return };
    let words: Vec<_> = told.split(' ').collect();
    let [url, prefix, mode, name, nodes] = words[..] else { panic!("{told}") };
    let mode = if mode == "delayed" { delayed(25) } else { leased(25) };
    let nodes = nodes.parse().unwrap();
    let config = Config::new(url, a_day(1000), mode, nodes, WhenDown::Closed);
    let node = Shared::new(config.prefix(prefix).node(name)).unwrap();
    let (begun, mut admitted, mut refused) = (Instant::now(), 0, 0);
    println!();
    while refused < 600 && begun.elapsed() < PATIENCE {
        match node.check("k") {
            Decision::Allowed { .. } => {
                admitted += 1;
                println!("admitted {admitted}");
            }
            Decision::Denied { reason, .. } => {
                refused += u32::from(reason == Reason::Quota);
                thread::sleep(Duration::from_micros(300));
            }
        }
    }
}
