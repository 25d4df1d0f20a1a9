//! The tables that come out: one to read, one for programs.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use serde_json::{Value, json};

use super::{
    NORACE, Tables,
    plot::{self, Line, Mark},
    stats::{median, quartile_distance},
};

#[cfg(test)]
mod tests;

/// What is measured, of which each contender gives a value in each round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    /// The last part of the row's identity.
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// Whether more is better.
    pub(crate) rises: bool,
}

/// All values of one contender at one task.
#[derive(Debug)]
struct Series {
    /// The task, as programs name it and as readers do.
    id: String,
    what: String,
    measure: Measure,
    contender: &'static str,
    values: Vec<f64>,
    /// What has to be said beside the numbers.
    remark: &'static str,
}

/// A line of the tables.
#[derive(Debug)]
struct Row<'a> {
    series: &'a Series,
    median: f64,
    distance: f64,
    /// How many times better Norace is than this contender; below 1 it lost.
    ratio: f64,
}

/// What was measured, and where.
#[derive(Debug)]
pub(crate) struct Report {
    /// The name of the files, and the first part of each row's identity.
    name: &'static str,
    /// What stands above the table.
    head: &'static str,
    environment: Environment,
    series: Vec<Series>,
}

impl Report {
    pub(crate) fn new(name: &'static str, head: &'static str, environment: Environment) -> Self {
        Self { name, head, environment, series: Vec::new() }
    }

    /// Adds a value of `contender` at the task `id`, which is to do `what`.
    pub(crate) fn add(
        &mut self,
        (id, what): (&str, &str),
        measure: Measure,
        contender: &'static str,
        value: f64,
    ) -> &mut Self {
        let known = self.series.iter_mut().find(|it| it.is(id, measure, contender));
        match known {
            Some(series) => series.values.push(value),
            None => self.series.push(Series {
                id: id.to_owned(),
                what: what.to_owned(),
                measure,
                contender,
                values: vec![value],
                remark: "",
            }),
        }
        self
    }

    /// Says something beside the numbers of `contender`.
    pub(crate) fn remark(
        &mut self,
        id: &str,
        measure: Measure,
        contender: &'static str,
        remark: &'static str,
    ) {
        let known = self.series.iter_mut().find(|it| it.is(id, measure, contender));
        known.expect("a remark is on a series").remark = remark;
    }

    /// In the order in which tasks came up, the measures of a task one after the other, Norace first.
    fn rows(&self) -> Vec<Row<'_>> {
        let first = |found: &dyn Fn(&Series) -> bool| self.series.iter().position(found);
        let mut series: Vec<&Series> = self.series.iter().collect();
        series.sort_by_key(|it| {
            let task = first(&|other| other.id == it.id);
            let measure = first(&|other| other.is_beside(it));
            (task, measure, it.contender != NORACE)
        });
        series.into_iter().map(|series| self.row(series)).collect()
    }

    fn row<'a>(&'a self, series: &'a Series) -> Row<'a> {
        let own = self.series.iter().find(|it| it.is(&series.id, series.measure, NORACE));
        let (own, other) = (median(&own.unwrap_or(series).values), median(&series.values));
        Row {
            series,
            median: other,
            distance: quartile_distance(&series.values),
            ratio: match series.measure.rises {
                // Also where there is nothing of what should be little.
                _ if own == other => 1.0,
                true => own / other,
                false => other / own,
            },
        }
    }

    /// The table for readers.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from(self.head);
        text += &self.environment.markdown();
        let _ok = writeln!(text, "\n![how far ahead or behind]({}.svg)", self.name);
        text += "\n| what | measure | contender | median | quartile distance | Norace is |\n";
        text += "| --- | --- | --- | ---: | ---: | --- |\n";
        for row in self.rows() {
            let Series { what, measure, contender, remark, .. } = row.series;
            let verdict = match row.ratio {
                _ if is_own(contender) => String::new(),
                ratio if ratio.is_infinite() => "without any".to_owned(),
                ratio if ratio < 1.0 => format!("**behind: {ratio:.2}x**"),
                ratio => format!("{ratio:.1}x as good"),
            };
            let (median, distance) = (number(row.median), number(row.distance));
            let measure = match *measure {
                Measure { name, unit, .. } if name == unit => name.to_owned(),
                Measure { name, unit, .. } => format!("{name}, {unit}"),
            };
            let remark = if remark.is_empty() { String::new() } else { format!(" ({remark})") };
            let _ok = writeln!(
                text,
                "| {what} | {measure} | {contender}{remark} | {median} | {distance} | {verdict} |"
            );
        }
        text
    }

    fn json(&self) -> Value {
        let rows: Vec<Value> = self.rows().iter().map(|row| row.json(self.name)).collect();
        json!({ "schema": "norace.bench/1", "environment": self.environment.json(), "rows": rows })
    }

    /// A line for each task and measure.
    fn picture(&self) -> String {
        let mut lines: Vec<Line> = Vec::new();
        for Row { series, ratio, .. } in self.rows() {
            let what = format!("{}: {}", series.what, series.measure.name);
            if series.contender == NORACE {
                lines.push(Line { what, marks: Vec::new() });
            } else if is_own(series.contender) {
                // It is no peer.
            } else if let Some(line) = lines.last_mut().filter(|line| line.what == what) {
                line.marks.push(Mark { contender: series.contender, ratio });
            }
        }
        lines.retain(|line| !line.marks.is_empty());
        plot::svg(&format!("{} benchmark", self.name), NORACE, &lines)
    }

    pub(super) fn tables(&self) -> Tables {
        Tables { markdown: self.markdown(), json: self.json(), picture: Some(self.picture()) }
    }
}

impl Series {
    fn is(&self, id: &str, measure: Measure, contender: &str) -> bool {
        self.id == id && self.measure.name == measure.name && self.contender == contender
    }

    /// Whether it is of the same task and measure.
    fn is_beside(&self, other: &Self) -> bool {
        self.id == other.id && self.measure.name == other.measure.name
    }
}

impl Row<'_> {
    fn json(&self, report: &str) -> Value {
        let Series { id, measure, contender, .. } = self.series;
        json!({
            "id": format!("{report}.{id}.{}", measure.name),
            "contender": contender,
            "median": self.median,
            "iqr": self.distance,
            "unit": measure.unit,
            "ratio": self.ratio,
        })
    }
}

/// Whether it is Norace, or Norace used in another way, which is told beside it and not compared with it.
fn is_own(contender: &str) -> bool {
    contender.strip_prefix(NORACE).is_some_and(|way| way.is_empty() || way.starts_with(','))
}

/// Three digits that matter, more only where they stand before the point.
fn number(value: f64) -> String {
    match value.abs() {
        small if small < 10.0 => format!("{value:.2}"),
        middle if middle < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// The machine and the versions, in the order in which they are printed.
#[derive(Debug)]
pub(crate) struct Environment(Vec<(&'static str, String)>);

impl Environment {
    /// Reads what is the same for every comparison.
    pub(crate) fn read(root: &Path, name: &str, rounds: String) -> Self {
        let file = |path: &str, key: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
            line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        Self(vec![
            ("command", format!("cargo xtask bench {name}")),
            ("rounds", rounds),
            ("date", say(root, "date", &["--utc", "+%F"])),
            ("commit", say(root, "git", &["rev-parse", "--short", "HEAD"])),
            ("processor", format!("{cores} cores, {}", file("/proc/cpuinfo", "model name"))),
            ("memory", file("/proc/meminfo", "MemTotal")),
            ("kernel", say(root, "uname", &["--kernel-release"])),
            ("compiler", say(root, "rustc", &["--version"])),
        ])
    }

    /// Adds what matters to one comparison.
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.0.push((name, value));
        self
    }

    pub(super) fn json(&self) -> Value {
        self.0.iter().map(|(name, value)| (name.to_string(), json!(value))).collect()
    }

    pub(super) fn markdown(&self) -> String {
        self.0
            .iter()
            .fold(String::new(), |text, (name, value)| text + &format!("* {name}: {value}\n"))
    }
}

/// The first words of a program; nothing when there is no such program.
pub(crate) fn say(root: &Path, name: &str, arguments: &[&str]) -> String {
    let output = Command::new(name).args(arguments).current_dir(root).output();
    let text = output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
    text.unwrap_or_default()
}
