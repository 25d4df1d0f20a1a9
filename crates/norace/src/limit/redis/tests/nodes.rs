//! Several nodes in one process.

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::limit::redis::{Config, Shared};
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
    fn ask(&self, key: &str, done: impl Fn(Instant, &mut u64, Decision) -> bool + Sync) -> u64 {
        let begun = Instant::now();
        let ask = |node: &Shared| {
            let (mut admitted, mut seen) = (0, 0);
            loop {
                let decision = node.check(key);
                let late = begun.elapsed() >= PATIENCE;
                assert!(!late, "{key} at last: {decision:?}, {admitted} admitted, {node:?}");
                admitted += u64::from(decision.is_allowed());
                if done(begun, &mut seen, decision) {
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
            *refused += u64::from(quota);
            *refused > 600
        })
    }

    /// Until `count` requests of each were admitted.
    pub(super) fn until_admitted(&self, key: &str, count: u64) -> u64 {
        self.ask(key, |_, admitted, decision| {
            *admitted += u64::from(decision.is_allowed());
            *admitted == count
        })
    }

    pub(super) fn for_a_while(&self, key: &str, time: Duration) -> u64 {
        self.ask(key, |begun, _, _| begun.elapsed() >= time)
    }

    /// Until each was told what is wanted.
    pub(super) fn until(&self, key: &str, wanted: impl Fn(Decision) -> bool + Sync) -> u64 {
        self.ask(key, |_, _, decision| wanted(decision))
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
