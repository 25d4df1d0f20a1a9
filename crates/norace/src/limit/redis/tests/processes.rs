//! Nodes in processes of their own: 2, 4 and 8 of them, in both modes, whatever happens to them and to their store.
//!
//! A node asks until `FIRST` requests were admitted, says that it is ready, and waits to be told to go on; then it asks
//! until it is refused for good. So trouble comes in the middle, and what was admitted before it and after it is known.
//! All cells of one kind of trouble run at once, each under a prefix of its own over one store.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::server::{Proxy, Server};
use super::{DAY, a_day, delayed, leased};
use crate::limit::redis::{Config, Shared, WhenDown};
use crate::limit::{Clock, Decision, Monotonic, Reason};

const LIMIT: u64 = 1000;
const BATCH: u64 = 25;
/// Of 8 nodes less than the limit, of 2 more than may be admitted beyond it.
const FIRST: u64 = 50;
/// Who dies does so when it has admitted so many: within its second batch.
const DIES_AT: u64 = 32;
/// Who was refused so often believes it.
const REFUSED: u32 = 600;
const PAUSE: Duration = Duration::from_micros(300);
const FROZEN: Duration = Duration::from_secs(5);
/// A test fails rather than hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What happens to half of the nodes of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    None,
    /// They are killed within a batch, and replaced.
    Dies,
    /// Their clocks jump two days forward.
    Forward,
    /// Their clocks jump an hour back.
    Back,
}

/// What the parent was told by a node.
#[derive(Debug, Default)]
struct Heard {
    admitted: u64,
    is_ready: bool,
    /// What it had admitted when it was first refused since the store was down.
    at_down: Option<u64>,
    has_jumped: bool,
    has_forgotten: bool,
    /// Round trips that failed; told at the end.
    failures: Option<u64>,
}

struct Node {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    heard: Heard,
}

impl Node {
    fn start(cell: &Cell, name: u64, fate: Fate) -> Self {
        let Cell { url, mode, count, .. } = cell;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "limit::redis::tests::processes::node_of_another_test"])
            .arg("--nocapture")
            .env("NORACE_LIMIT_NODE", format!("{url} {mode} {count} n{name} {fate:?}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, heard: Heard::default() }
    }

    /// Reads until it has heard enough, or all.
    fn hear(&mut self, enough: impl Fn(&Heard) -> bool) {
        while !enough(&self.heard) {
            let Some(line) = self.lines.next() else { return };
            let (line, heard) = (line.unwrap(), &mut self.heard);
            match line.split_once(' ').unwrap_or((&line, "")) {
                // It says so before it goes on.
                ("admitted", count) => heard.admitted = count.parse().unwrap(),
                ("ready", "") => heard.is_ready = true,
                ("down", "") => heard.at_down = Some(heard.admitted),
                ("jumped", "") => heard.has_jumped = true,
                ("forgot", "") => heard.has_forgotten = true,
                ("ended", failures) => heard.failures = Some(failures.parse().unwrap()),
                // The test harness has its own lines.
                _ => {}
            }
        }
    }

    fn ready(&mut self) {
        self.hear(|heard| heard.is_ready);
        assert!(self.heard.is_ready, "a node ended too early: {:?}", self.heard);
    }

    fn go_on(&mut self) {
        self.child.stdin.take().unwrap().write_all(b"\n").unwrap();
    }

    fn end(&mut self) {
        self.hear(|_| false);
        assert!(self.child.wait().unwrap().success(), "a node failed: {:?}", self.heard);
        assert!(self.heard.failures.is_some(), "a node lost its patience: {:?}", self.heard);
    }

    /// Kills it within a batch; what it has admitted. It goes on until it dies, so all that it said counts.
    fn die(mut self) -> u64 {
        self.hear(|heard| heard.admitted >= DIES_AT);
        self.child.kill().unwrap();
        self.hear(|_| false);
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), None, "a node was not killed: {:?}", self.heard);
        assert!(self.heard.admitted >= DIES_AT, "a node died too early: {:?}", self.heard);
        self.heard.admitted
    }
}

/// Some nodes that share a limit.
struct Cell {
    url: String,
    mode: &'static str,
    count: u64,
    fate: Fate,
    nodes: Vec<Node>,
    /// What those admitted that are dead.
    lost: u64,
}

impl Cell {
    /// Starts its nodes; returns once all are ready, and those that are to die are replaced.
    fn start(url: String, mode: &'static str, count: u64, fate: Fate) -> Self {
        let mut cell = Self { url, mode, count, fate, nodes: Vec::new(), lost: 0 };
        for name in 0..count {
            let fate = if name < count / 2 { fate } else { Fate::None };
            cell.nodes.push(Node::start(&cell, name, fate));
        }
        for name in 0..count / 2 * u64::from(fate == Fate::Dies) {
            let dying = cell.nodes.remove(0);
            cell.lost += dying.die();
            cell.nodes.push(Node::start(&cell, name, Fate::None));
        }
        cell.nodes.iter_mut().for_each(Node::ready);
        cell
    }

    fn go_on(&mut self) {
        self.nodes.iter_mut().for_each(Node::go_on);
    }

    fn end(&mut self) {
        self.nodes.iter_mut().for_each(Node::end);
    }

    fn admitted(&self) -> u64 {
        self.lost + self.nodes.iter().map(|node| node.heard.admitted).sum::<u64>()
    }

    fn failures(&self) -> u64 {
        self.nodes.iter().filter_map(|node| node.heard.failures).sum()
    }

    /// Never more than the limit and the bound; nor much less than the limit.
    fn keeps_the_limit(&self) {
        let Self { mode, count, fate, .. } = *self;
        let half = count / 2;
        let crashes = if matches!(fate, Fate::Dies | Fate::Forward) { half } else { 0 };
        let batches = (count - 1 + crashes) * BATCH;
        let (most, least) = match mode {
            // Who dies may have admitted one that it did not come to say.
            "delayed" => (LIMIT + batches, LIMIT - crashes),
            // What the others hold, and who died held, is left.
            _ => (LIMIT, LIMIT - batches),
        };
        let admitted = self.admitted();
        assert!(
            (least..=most).contains(&admitted),
            "{count} nodes, {mode}, {fate:?}: {admitted} were admitted, not {least} to {most}"
        );
    }
}

/// All cells of one fate, over the store at `url`, which `server` is behind.
fn start(server: &Server, url: &str, fate: Fate) -> Vec<Cell> {
    let start = |(mode, count)| {
        let prefix = format!("{mode}-{count}");
        server.know(&prefix);
        move || Cell::start(format!("{url} {prefix}"), mode, count, fate)
    };
    let all = ["delayed", "leased"].into_iter().flat_map(|mode| [2, 4, 8].map(|many| (mode, many)));
    thread::scope(|scope| {
        let cells: Vec<_> = all.map(|cell| scope.spawn(start(cell))).collect();
        cells.into_iter().map(|cell| cell.join().unwrap()).collect()
    })
}

/// Cells whose nodes alone have trouble.
fn all_keep_the_limit(server: &Server, url: &str, fate: Fate) -> Vec<Cell> {
    let mut cells = start(server, url, fate);
    cells.iter_mut().for_each(Cell::go_on);
    cells.iter_mut().for_each(Cell::end);
    cells.iter().for_each(Cell::keeps_the_limit);
    cells
}

#[test]
fn processes_keep_the_limit() {
    let Some(server) = Server::start() else { return };
    all_keep_the_limit(&server, &server.url(), Fate::None);
}

#[test]
fn processes_that_are_killed_within_a_batch_cost_a_batch_each() {
    let Some(server) = Server::start() else { return };
    for cell in all_keep_the_limit(&server, &server.url(), Fate::Dies) {
        assert!(cell.lost >= cell.count / 2 * DIES_AT);
    }
}

#[test]
fn processes_whose_answers_are_lost_count_nothing_twice_and_forget_nothing() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::to(&server);
    // Relaxed: a test's knob.
    proxy.each.store(5, Ordering::Relaxed);
    for cell in all_keep_the_limit(&server, &proxy.url(), Fate::None) {
        assert!(cell.failures() > 0, "{} nodes, {}: no answer was lost", cell.count, cell.mode);
    }
}

/// Cells of which half of the nodes have clocks that jump.
fn all_jump(fate: Fate) {
    let Some(server) = Server::start() else { return };
    for cell in all_keep_the_limit(&server, &server.url(), fate) {
        let jumped = cell.nodes.iter().filter(|node| node.heard.has_jumped).count();
        assert_eq!(jumped, cell.nodes.len() / 2);
    }
}

#[test]
fn processes_whose_clocks_jump_forward_cost_a_batch_each_and_leases_nothing() {
    all_jump(Fate::Forward);
}

#[test]
fn processes_whose_clocks_jump_back_within_a_window_cost_nothing() {
    all_jump(Fate::Back);
}

#[test]
fn processes_whose_store_comes_back_empty_admit_no_more_than_they_had_begun() {
    let Some(mut server) = Server::start() else { return };
    let mut cells = start(&server, &server.url(), Fate::None);
    server.restart();
    cells.iter_mut().for_each(Cell::go_on);
    for cell in &mut cells {
        cell.end();
        let (before, after) = (cell.count * FIRST, cell.admitted() - cell.count * FIRST);
        let (count, mode) = (cell.count, cell.mode);
        // What was left of a batch or a lease. All of the limit, had they taken the store for a new one.
        assert!(after <= count * BATCH, "{count} nodes, {mode}: {before}, then {after}");
        let have_all = cell.nodes.iter().all(|node| node.heard.has_forgotten);
        assert!(have_all, "{count} nodes, {mode}: one did not notice");
    }
}

#[test]
fn processes_whose_store_is_frozen_for_long_admit_a_batch_each_meanwhile() {
    let Some(server) = Server::start() else { return };
    let mut cells = start(&server, &server.url(), Fate::None);
    let begun = Instant::now();
    server.pause();
    cells.iter_mut().for_each(Cell::go_on);
    for cell in &mut cells {
        for node in &mut cell.nodes {
            node.hear(|heard| heard.at_down.is_some());
            let at_down = node.heard.at_down.expect("it noticed");
            assert!(at_down <= FIRST + BATCH, "{} nodes, {}: {at_down}", cell.count, cell.mode);
        }
    }
    thread::sleep(FROZEN.saturating_sub(begun.elapsed()));
    server.resume();
    cells.iter_mut().for_each(Cell::end);
    cells.iter().for_each(Cell::keeps_the_limit);
}

/// The machine's clock, ahead of it by days, or, once it jumped, by more or less.
struct Jumping {
    clock: Monotonic,
    fate: Fate,
    has_jumped: &'static AtomicBool,
}

static HAS_JUMPED: AtomicBool = AtomicBool::new(false);

impl Clock for Jumping {
    fn nanos(&self) -> u64 {
        // Relaxed: it carries nothing.
        let ahead = match (self.fate, self.has_jumped.load(Ordering::Relaxed)) {
            (Fate::Forward, true) => 3 * DAY,
            (Fate::Back, true) => DAY - Duration::from_secs(3600),
            _ => DAY,
        };
        self.clock.nanos() + u64::try_from(ahead.as_nanos()).unwrap()
    }
}

/// What the processes run that the tests above start; without the environment it does nothing.
#[test]
fn node_of_another_test() {
    let Ok(told) = std::env::var("NORACE_LIMIT_NODE") else { return };
    let words: Vec<_> = told.split(' ').collect();
    let [url, prefix, mode, nodes, name, fate] = words[..] else { panic!("{told}") };
    let fates = [Fate::None, Fate::Dies, Fate::Forward, Fate::Back];
    let fate = fates.into_iter().find(|it| format!("{it:?}") == fate).unwrap();
    let mode = if mode == "delayed" { delayed(BATCH) } else { leased(BATCH) };
    let config = Config::new(url, a_day(LIMIT), mode, nodes.parse().unwrap(), WhenDown::Closed);
    let config = config.prefix(prefix).node(name).timeout(Duration::from_millis(200));
    let clock = Jumping { clock: Monotonic::new(), fate, has_jumped: &HAS_JUMPED };
    let node = Shared::with_clock(config, clock).unwrap();
    let begun = Instant::now();
    let (mut admitted, mut refused, mut left) = (0, 0, None::<u32>);
    let (mut down, mut forgot) = (false, false);
    println!();
    while (refused < REFUSED || fate == Fate::Dies) && begun.elapsed() < PATIENCE {
        if admitted == FIRST && left.is_none() && fate != Fate::Dies {
            println!("ready");
            std::io::stdin().read_line(&mut String::new()).unwrap();
            left = Some(10);
        }
        // Soon after it was told to go on, in the middle of a batch.
        left = left.map(|left| left.saturating_sub(1));
        let jumps = matches!(fate, Fate::Forward | Fate::Back);
        // Relaxed: it carries nothing.
        if jumps && left == Some(0) && !HAS_JUMPED.swap(true, Ordering::Relaxed) {
            println!("jumped");
        }
        match node.check("k") {
            Decision::Allowed { .. } => {
                admitted += 1;
                println!("admitted {admitted}");
            }
            Decision::Denied { reason, .. } => {
                refused += u32::from(matches!(reason, Reason::Quota | Reason::StoreForgot));
                if reason == Reason::StoreDown
                    && left.is_some()
                    && !std::mem::replace(&mut down, true)
                {
                    println!("down");
                }
                if reason == Reason::StoreForgot && !std::mem::replace(&mut forgot, true) {
                    println!("forgot");
                }
            }
        }
        thread::sleep(PAUSE);
    }
    if refused >= REFUSED {
        println!("ended {}", node.metrics().failures);
    }
}
