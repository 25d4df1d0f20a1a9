//! The tables that come out: one to read, one for programs.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use serde_json::{Value, json};

use super::{
    NORACE, Sample, Scenario,
    stats::{median, quartile_distance},
};

#[cfg(test)]
mod tests;

/// All samples of one contender at one task.
#[derive(Debug)]
struct Series {
    scenario: &'static Scenario,
    contender: &'static str,
    samples: Vec<Sample>,
}

/// What is measured in each run.
#[derive(Clone, Copy, Debug)]
struct Measure {
    name: &'static str,
    unit: &'static str,
    of: fn(&Sample) -> f64,
    /// Whether more is better.
    rises: bool,
}

const MEASURES: [Measure; 2] = [
    Measure { name: "rate", unit: "orders/s", of: |it| it.orders_per_second, rises: true },
    Measure { name: "p99", unit: "ms", of: |it| it.p99_ms, rises: false },
];

/// A line of the tables.
#[derive(Debug)]
struct Row {
    scenario: &'static Scenario,
    contender: &'static str,
    measure: Measure,
    median: f64,
    distance: f64,
    /// How many times better Norace is than this contender; below 1 it lost.
    ratio: f64,
}

/// What was measured, and where.
#[derive(Debug)]
pub(crate) struct Report {
    environment: Environment,
    series: Vec<Series>,
}

impl Report {
    pub(crate) fn new(environment: Environment) -> Self {
        Self { environment, series: Vec::new() }
    }

    pub(crate) fn add(
        &mut self,
        scenario: &'static Scenario,
        contender: &'static str,
        sample: Sample,
    ) {
        let known = self.series.iter_mut().find(|it| it.is(scenario, contender));
        match known {
            Some(series) => series.samples.push(sample),
            None => self.series.push(Series { scenario, contender, samples: vec![sample] }),
        }
    }

    fn rows(&self) -> Vec<Row> {
        let per_series = |series: &'_ Series| {
            let own = self.series.iter().find(|it| it.is(series.scenario, NORACE));
            let rows = MEASURES.map(|measure| series.row(measure, own.unwrap_or(series)));
            rows.into_iter()
        };
        let mut rows: Vec<_> = self.series.iter().flat_map(per_series).collect();
        rows.sort_by_key(|row| (scenario_index(row.scenario), row.measure.name == "p99"));
        rows
    }

    /// The table for readers.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from(HEAD);
        text += &self.environment.markdown();
        text += "\n| what | measure | contender | median | quartile distance | Norace is |\n";
        text += "| --- | --- | --- | ---: | ---: | --- |\n";
        for row in self.rows() {
            let verdict = match row.ratio {
                _ if row.contender == NORACE => String::new(),
                ratio if ratio < 1.0 => format!("**behind: {ratio:.2}x**"),
                ratio => format!("{ratio:.1}x as good"),
            };
            let Row { scenario, contender, measure, .. } = row;
            let (median, distance) = (number(row.median), number(row.distance));
            let measure = format!("{}, {}", measure.name, measure.unit);
            let what = scenario.what;
            let _ok = writeln!(
                text,
                "| {what} | {measure} | {contender} | {median} | {distance} | {verdict} |"
            );
        }
        text
    }

    fn json(&self) -> Value {
        let rows: Vec<Value> = self.rows().iter().map(Row::json).collect();
        let environment: serde_json::Map<_, _> = self
            .environment
            .0
            .iter()
            .map(|(name, value)| (name.to_string(), json!(value)))
            .collect();
        json!({ "schema": "norace.bench/1", "environment": environment, "rows": rows })
    }

    /// Writes `engine.md` and `engine.json` into `folder`.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), String> {
        let explain = |error: std::io::Error| format!("cannot write {}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(explain)?;
        fs::write(folder.join("engine.md"), self.markdown()).map_err(explain)?;
        let json = format!("{:#}\n", self.json());
        fs::write(folder.join("engine.json"), json).map_err(explain)
    }
}

impl Series {
    fn is(&self, scenario: &Scenario, contender: &str) -> bool {
        self.scenario.id == scenario.id && self.contender == contender
    }

    fn row(&self, measure: Measure, norace: &Self) -> Row {
        let values = |series: &Self| series.samples.iter().map(measure.of).collect::<Vec<_>>();
        let (own, other) = (median(&values(norace)), median(&values(self)));
        Row {
            scenario: self.scenario,
            contender: self.contender,
            measure,
            median: other,
            distance: quartile_distance(&values(self)),
            ratio: if measure.rises { own / other } else { other / own },
        }
    }
}

impl Row {
    fn json(&self) -> Value {
        json!({
            "id": format!("engine.{}.{}", self.scenario.id, self.measure.name),
            "contender": self.contender,
            "median": self.median,
            "iqr": self.distance,
            "unit": self.measure.unit,
            "ratio": self.ratio,
        })
    }
}

fn scenario_index(scenario: &Scenario) -> usize {
    super::SCENARIOS.iter().position(|it| it.id == scenario.id).unwrap_or(usize::MAX)
}

/// Three digits that matter, more only where they stand before the point.
fn number(value: f64) -> String {
    match value.abs() {
        small if small < 10.0 => format!("{value:.2}"),
        middle if middle < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
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

/// The machine and the versions, in the order in which they are printed.
#[derive(Debug)]
pub(crate) struct Environment(Vec<(&'static str, String)>);

impl Environment {
    pub(crate) fn read(root: &Path, folder: &Path, rounds: usize, seconds: u64) -> Self {
        let say = |name: &str, arguments: &[&str]| {
            let output = Command::new(name).args(arguments).current_dir(root).output();
            let text = output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
            text.unwrap_or_default()
        };
        let file = |path: &str, key: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
            line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let disk = say("stat", &["--file-system", "--format=%T", &folder.display().to_string()]);
        Self(vec![
            ("command", "cargo xtask bench".to_owned()),
            ("rounds", format!("{rounds}, in each {seconds} s for every contender")),
            ("date", say("date", &["--utc", "+%F"])),
            ("commit", say("git", &["rev-parse", "--short", "HEAD"])),
            ("processor", format!("{cores} cores, {}", file("/proc/cpuinfo", "model name"))),
            ("memory", file("/proc/meminfo", "MemTotal")),
            ("kernel", say("uname", &["--kernel-release"])),
            ("file system", disk),
            ("compiler", say("rustc", &["--version"])),
            ("PostgreSQL", super::postgres::version()),
        ])
    }

    fn markdown(&self) -> String {
        self.0
            .iter()
            .fold(String::new(), |text, (name, value)| text + &format!("* {name}: {value}\n"))
    }
}
