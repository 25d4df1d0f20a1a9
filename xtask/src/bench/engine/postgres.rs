//! A PostgreSQL of our own: its cluster in a folder, reached through a socket there, with the settings it comes with.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{super::stats::percentile, Sample, expect};
use crate::process::{Background, output, program};

#[cfg(test)]
mod tests;

/// Where Debian puts the programs that are not for everybody's path.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// Where the scripts are, seen from the root.
const SCRIPTS: &str = "crates/norace-bench/postgres";

/// The server refuses to run as root; Debian's package makes this user for it.
const SERVER_USER: &str = "postgres";

const ACCOUNTS: &str = "SELECT sum(balance) FROM accounts";

/// Finished orders, all orders, transfers.
const BOOKS: &str = "SELECT count(*) FILTER (WHERE state = 'confirmed'), count(*), \
    (SELECT count(*) FROM transfers) FROM orders";

const SETUP_MAX: Duration = Duration::from_mins(2);

/// A pgbench script, and how many clients run it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    name: &'static str,
    clients: usize,
    /// The first of the accounts that are paid; the last is 10000.
    payee_min: usize,
    orders_per_transaction: u64,
}

impl Script {
    pub(crate) const fn new(name: &'static str, clients: usize) -> Self {
        Self { name, clients, payee_min: 5001, orders_per_transaction: 1 }
    }

    /// One account is paid by everybody.
    pub(crate) const fn hot(self) -> Self {
        Self { payee_min: 10_000, ..self }
    }

    pub(crate) const fn batch(self, orders_per_transaction: u64) -> Self {
        Self { orders_per_transaction, ..self }
    }
}

/// What this machine lacks for measuring PostgreSQL.
pub(crate) fn missing() -> Option<String> {
    let programs = ["initdb", "postgres", "pgbench", "psql", "pg_isready"];
    let missing = programs.into_iter().find(|name| !Path::new(PROGRAMS).join(name).is_file());
    missing.map(|name| format!("{PROGRAMS}/{name} is not there (Debian's postgresql-15 has it)"))
}

/// The server's own words about its version.
pub(crate) fn version() -> String {
    let version = Command::new(format!("{PROGRAMS}/postgres")).arg("--version").output();
    let text = version.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
    text.unwrap_or_else(|_| "not installed".to_owned())
}

/// A running server; dropping it stops the server.
#[derive(Debug)]
pub(crate) struct Cluster {
    server: Option<Background>,
    folder: PathBuf,
}

impl Cluster {
    /// Makes the cluster below `folder` and starts its server.
    pub(crate) fn start(folder: &Path) -> Result<Self, String> {
        let folder = folder.join("postgres");
        fs::create_dir_all(&folder).map_err(|error| format!("cannot make a folder: {error}"))?;
        if is_root() {
            let path = folder.display();
            output(&mut program(&folder, "chown", &format!("{SERVER_USER} {path}")), SETUP_MAX)?;
        }
        let mut cluster = Self { server: None, folder };
        let data = cluster.folder.join("data");
        let arguments = format!("--auth trust --username bench --pgdata {}", data.display());
        output(&mut cluster.as_server("initdb", &arguments), SETUP_MAX)?;
        let socket = cluster.folder.display();
        let arguments = format!("-D {} -k {socket} -c listen_addresses=", data.display());
        let log = fs::File::create(cluster.folder.join("log"))
            .map_err(|error| format!("cannot make the server's log: {error}"))?;
        let mut server = cluster.as_server("postgres", &arguments);
        let (server, _silent) = Background::start(server.stderr(log))?;
        cluster.server = Some(server);
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        let end = Instant::now() + SETUP_MAX;
        while output(&mut self.client("pg_isready", "--quiet"), SETUP_MAX).is_err() {
            if Instant::now() > end {
                return Err("PostgreSQL does not get ready; its log is beside its data".to_owned());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// One run on empty tables, and whether the books are right after it.
    pub(crate) fn measure(
        &self,
        root: &Path,
        script: &Script,
        seconds: u64,
    ) -> Result<Sample, String> {
        for file in ["schema.sql", "functions.sql"] {
            let path = root.join(SCRIPTS).join(file);
            let arguments = format!("--quiet --set ON_ERROR_STOP=1 --file {}", path.display());
            output(self.client("psql", &arguments).stderr(Stdio::null()), SETUP_MAX)?;
        }
        let balances = self.ask(ACCOUNTS)?;
        let logs = self.folder.join("latency");
        super::fresh(&logs)?;
        let path = root.join(SCRIPTS).join(script.name).with_extension("sql");
        let Script { clients, payee_min, .. } = script;
        let arguments = format!(
            "--no-vacuum --file {} --client {clients} --jobs {} --time {seconds} --protocol prepared \
             --define payee_min={payee_min} --log --log-prefix {}/log",
            path.display(),
            clients.min(&2),
            logs.display(),
        );
        let limit = Duration::from_secs(seconds) + SETUP_MAX;
        let report = output(&mut self.client("pgbench", &arguments), limit)?;
        let (transactions, rate) = read_report(&report)?;
        let orders = transactions * script.orders_per_transaction;
        let books = self.ask(BOOKS)?;
        expect(
            books == format!("{orders}|{orders}|{orders}") && self.ask(ACCOUNTS)? == balances,
            &format!("the books are wrong after {orders} orders: {books}"),
        )?;
        let mut latencies = read_latencies(&logs)?;
        let p99 = percentile(&mut latencies, 0.99).ok_or("pgbench logged no latencies")?;
        Ok(Sample {
            orders_per_second: rate * script.orders_per_transaction as f64,
            p99_ms: p99 as f64 / 1000.0,
        })
    }

    /// The rows of a query's answer, columns apart by `|`.
    fn ask(&self, query: &str) -> Result<String, String> {
        let mut psql = self.client("psql", "--no-align --tuples-only");
        output(psql.args(["--command", query]), SETUP_MAX).map(|text| text.trim().to_owned())
    }

    fn client(&self, name: &str, arguments: &str) -> Command {
        let path = format!("{PROGRAMS}/{name}");
        let mut client = program(&self.folder, &path, arguments);
        client.env("PGHOST", &self.folder).env("PGUSER", "bench").env("PGDATABASE", "postgres");
        client
    }

    /// A program that works on the cluster's files.
    fn as_server(&self, name: &str, arguments: &str) -> Command {
        let path = format!("{PROGRAMS}/{name}");
        if is_root() {
            let arguments = format!("--reuid {SERVER_USER} --clear-groups {path} {arguments}");
            program(&self.folder, "setpriv", &arguments)
        } else {
            program(&self.folder, &path, arguments)
        }
    }
}

impl Drop for Cluster {
    /// SIGINT is PostgreSQL's fast shutdown: clients are sent away, data are kept.
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            let _stopped = server.stop("INT", SETUP_MAX);
        }
    }
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    ids.and_then(|ids| ids.split_whitespace().nth(1)) == Some("0")
}

/// Transactions done and their rate, from what pgbench prints at its end.
fn read_report(report: &str) -> Result<(u64, f64), String> {
    let after = |mark: &str| {
        let line = report.lines().find_map(|line| line.strip_prefix(mark));
        line.and_then(|rest| rest.split_whitespace().next())
            .ok_or_else(|| format!("pgbench did not say `{mark}`: {report}"))
    };
    expect(after("number of failed transactions: ")? == "0", "pgbench had failures")?;
    let transactions = after("number of transactions actually processed: ")?;
    let rate = after("tps = ")?;
    let numbers = transactions.parse().ok().zip(rate.parse().ok());
    numbers.ok_or_else(|| format!("pgbench printed no numbers: {report}"))
}

/// Microseconds of each transaction: the third field of each line of each thread's log.
fn read_latencies(folder: &Path) -> Result<Vec<u64>, String> {
    let explain = |error: std::io::Error| format!("cannot read pgbench's logs: {error}");
    let mut latencies = Vec::new();
    for entry in fs::read_dir(folder).map_err(explain)? {
        let text = fs::read_to_string(entry.map_err(explain)?.path()).map_err(explain)?;
        latencies.extend(text.lines().filter_map(read_latency));
    }
    Ok(latencies)
}

fn read_latency(line: &str) -> Option<u64> {
    line.split(' ').nth(2)?.parse().ok()
}
