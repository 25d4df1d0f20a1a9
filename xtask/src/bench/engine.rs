//! Norace beside PostgreSQL on the same machine and disk: the same orders, the same durability, in turns.
//!
//! Every contender runs once in each round, on a database of its own made for that run; the order of contenders turns
//! around from round to round. A run counts only when the contender's books are right afterwards. The tables show
//! medians and quartile distances, lost comparisons included.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    NORACE, fresh, in_turns,
    report::{Environment, Measure, Report, say},
};
use crate::service::{Service, build, expect, norace, verify};
use postgres::{Cluster, Script};

mod postgres;

const RATE: Measure = Measure { name: "rate", unit: "orders/s", rises: true };
const P99: Measure = Measure { name: "p99", unit: "ms", rises: false };

/// How long and how often.
#[derive(Clone, Copy, Debug)]
struct Plan {
    rounds: usize,
    seconds: u64,
}

const FULL: Plan = Plan { rounds: 3, seconds: 5 };

/// Enough to see that everything works; its numbers are not written down.
const QUICK: Plan = Plan { rounds: 1, seconds: 2 };

/// A comparison: the same work asked of each contender.
#[derive(Debug)]
struct Scenario {
    id: &'static str,
    what: &'static str,
    /// Arguments of `norace load`.
    load: &'static str,
    postgres: &'static [(&'static str, Script)],
}

/// The purchase log has one merchant, so that all of Norace's runs have an account that every order touches.
const SCENARIOS: [Scenario; 5] = [
    Scenario {
        id: "one.1",
        what: "one order per request, 1 connection",
        load: "--connections 1",
        postgres: &[
            ("PostgreSQL, statements", Script::new("statements", 1)),
            ("PostgreSQL, functions", Script::new("steps", 1)),
        ],
    },
    Scenario {
        id: "one.8",
        what: "one order per request, 8 connections",
        load: "--connections 8",
        postgres: &[
            ("PostgreSQL, statements", Script::new("statements", 8)),
            ("PostgreSQL, functions", Script::new("steps", 8)),
        ],
    },
    Scenario {
        id: "one.64",
        what: "one order per request, 64 connections",
        load: "--connections 64",
        postgres: &[
            ("PostgreSQL, statements", Script::new("statements", 64)),
            ("PostgreSQL, functions", Script::new("steps", 64)),
        ],
    },
    Scenario {
        id: "hot.64",
        what: "one order per request, 64 connections, one payee for all",
        load: "--connections 64",
        postgres: &[
            ("PostgreSQL, statements", Script::new("statements", 64).hot()),
            ("PostgreSQL, functions", Script::new("steps", 64).hot()),
        ],
    },
    Scenario {
        id: "array.8",
        what: "a thousand orders per request, 8 connections",
        load: "--connections 8 --batch 1000",
        postgres: &[("PostgreSQL, set-based functions", Script::new("batch", 8).batch(1000))],
    },
];

/// Enough for every purchase of a customer, as PostgreSQL's accounts have.
const DEPOSIT_CENTS: u64 = 1_000_000_000;

/// What a run may take besides its seconds: funding thousands of accounts, draining, checking.
const SLACK: Duration = Duration::from_mins(2);

/// What one run showed.
#[derive(Clone, Copy, Debug)]
struct Sample {
    orders_per_second: f64,
    p99_ms: f64,
}

/// Where and what is run.
struct Bench<'a> {
    root: &'a Path,
    /// On the disk that is measured; everything in it is removed at the end.
    folder: PathBuf,
    plan: Plan,
    /// Missing when PostgreSQL is not installed.
    cluster: Option<Cluster>,
}

/// Measures everything.
pub(super) fn measure(root: &Path, quick: bool) -> Result<Report, String> {
    build(root)?;
    let folder = root.join("target/bench");
    fresh(&folder)?;
    let cluster = match postgres::missing() {
        None => Some(Cluster::start(&folder)?),
        Some(missing) => {
            println!("PostgreSQL is skipped: {missing}");
            None
        }
    };
    let plan = if quick { QUICK } else { FULL };
    Bench { root, folder, plan, cluster }.measure()
}

impl Bench<'_> {
    fn measure(&self) -> Result<Report, String> {
        let Plan { rounds, seconds } = self.plan;
        let folder = self.folder.display().to_string();
        let disk = say(self.root, "stat", &["--file-system", "--format=%T", &folder]);
        let rounds = format!("{rounds}, in each {seconds} s for every contender");
        let environment = Environment::read(self.root, "engine", rounds)
            .with("file system", disk)
            .with("PostgreSQL", postgres::version());
        let mut report = Report::new("engine", HEAD, environment);
        for round in 0..self.plan.rounds {
            for scenario in &SCENARIOS {
                self.measure_once(scenario, round, &mut report)?;
            }
        }
        Ok(report)
    }

    /// Every contender once, in an order that turns around from round to round.
    fn measure_once(
        &self,
        scenario: &'static Scenario,
        round: usize,
        report: &mut Report,
    ) -> Result<(), String> {
        let scripts = self.cluster.iter().flat_map(|cluster| {
            scenario.postgres.iter().map(move |(name, script)| (*name, Some((cluster, script))))
        });
        let contenders: Vec<_> = std::iter::once((NORACE, None)).chain(scripts).collect();
        for (name, script) in in_turns(&contenders, round) {
            let sample = match script {
                None => self.run_norace(scenario),
                Some((cluster, script)) => cluster.measure(self.root, script, self.plan.seconds),
            };
            let sample = sample.map_err(|error| format!("{}, {name}: {error}", scenario.id))?;
            let Sample { orders_per_second, p99_ms } = sample;
            println!(
                "{:<8} {name:<32} {orders_per_second:>9.0} orders/s {p99_ms:>9.2} ms",
                scenario.id
            );
            let task = (scenario.id, scenario.what);
            report.add(task, RATE, name, orders_per_second).add(task, P99, name, p99_ms);
        }
        Ok(())
    }

    fn run_norace(&self, scenario: &Scenario) -> Result<Sample, String> {
        let data = self.folder.join("norace");
        fresh(&data)?;
        let service = Service::start(self.root, &data)?;
        let seconds = self.plan.seconds;
        let arguments = format!(
            "load --url {} --deposit {DEPOSIT_CENTS} --seconds {seconds} {}",
            service.url(""),
            scenario.load
        );
        let load = norace(self.root, &arguments, Duration::from_secs(seconds) + SLACK)?;
        service.stop()?;
        let audit = verify(self.root, &data)?;
        let number = |name: &str| load[name].as_f64().unwrap_or(f64::NAN);
        let confirmed = load["confirmed"].as_u64();
        expect(load["errors"] == 0 && load["failed"] == 0, &format!("orders were lost: {load}"))?;
        expect(
            confirmed.is_some()
                && audit["orders"].as_u64() == confirmed
                && audit["open_orders"] == 0,
            &format!("the journal holds other orders than were confirmed: {load} {audit}"),
        )?;
        let p99_ms = load["latency_ms"]["p99"].as_f64().unwrap_or(f64::NAN);
        Ok(Sample { orders_per_second: number("confirmed") / number("seconds"), p99_ms })
    }
}

impl Drop for Bench<'_> {
    /// The cluster goes first: it lives in the folder.
    fn drop(&mut self) {
        self.cluster = None;
        let _removed = fs::remove_dir_all(&self.folder);
    }
}

const HEAD: &str = "\
# Engine benchmark

Orders from creation to confirmation, durable at every answer, by Norace over HTTP and by PostgreSQL through its own
protocol, on one machine and disk, in turns. In every run the load generator shares the machine with what it measures.
Latency is that of an order's whole life, for PostgreSQL of its three transactions together, and with arrays that of
the array.
Norace's load is the purchase log, whose orders all pay one merchant; PostgreSQL's is random, and pays one account only
where that is said. PostgreSQL has the settings it comes with, and the scripts in
[crates/norace-bench/postgres](../../crates/norace-bench/postgres). A run counts when the books are right after it:
each order confirmed once, none open, no money made or lost.

";
