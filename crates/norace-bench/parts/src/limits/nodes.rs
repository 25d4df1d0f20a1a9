//! Nodes that ask until a limit is used up that they share, while its store is well, frozen or killed, or its answers
//! are lost.

use std::hint::black_box;
use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use norace::limit::redis::{Config, Mode, Shared, WhenDown};
use norace::limit::{Decision, Quota, Reason};
use norace_bench_measure::usage::Watch;
use norace_bench_measure::{Done, p99};

use super::INSTALLED;
use super::server::{Proxy, Server};

const DAY: Duration = Duration::from_secs(86_400);
/// The most that a node admits on its own.
pub(super) const BATCH: u64 = 50;
/// Each how-manieth answer is lost, where some are.
const LOST: u32 = 10;
/// Who was denied so often in a row believes it.
pub(super) const DENIED: u32 = 500;
/// From one request of a node to the next; and of the nodes that ask a hundredth as often.
pub(super) const PAUSE: Duration = Duration::from_micros(50);
const LONG_PAUSE: Duration = Duration::from_millis(10);

/// Trouble begins after so long. A store is frozen for that time, or killed, and is another one after this.
const WELL: Duration = Duration::from_millis(200);
const FROZEN: Duration = Duration::from_secs(5);
const GONE: Duration = Duration::from_millis(300);

pub(super) fn mode(contender: &str, batch: u64, every: Duration) -> Option<Mode> {
    match contender {
        "delayed" => Some(Mode::Delayed { batch, every }),
        "leased" => Some(Mode::Leased { batch, every }),
        _ => None,
    }
}

/// What a node does with one request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Admitted,
    /// Not now.
    Later,
    /// The limit is used up.
    Denied,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    Frozen,
    Killed,
    /// Answers of the store are lost.
    Lossy,
    /// All nodes but one ask a hundredth as often.
    Skewed,
}

/// A node of a contender.
pub(super) enum Node {
    Own(Box<Shared>),
    Each(Box<Each>),
}

/// Who asks the store about each request.
pub(super) struct Each {
    client: redis::Client,
    connection: Mutex<Option<redis::Connection>>,
    limit: u64,
    calls: AtomicU64,
}

impl Node {
    /// A node that shares `limit` with others, `nodes` of them with it.
    pub(super) fn new(
        contender: &str,
        url: &str,
        name: &str,
        limit: u64,
        nodes: u64,
        batch: u64,
    ) -> Option<Self> {
        if contender == "each" {
            let client = redis::Client::open(url).expect("it is an address");
            let connection = Mutex::new(client.get_connection().ok());
            let each = Each { client, connection, limit, calls: AtomicU64::new(0) };
            return Some(Self::Each(Box::new(each)));
        }
        let mode = mode(contender, batch, Duration::from_millis(100))?;
        let quota = Quota::fixed_window(limit, DAY).expect("it can be");
        let config = Config::new(url, quota, mode, nodes, WhenDown::Closed).node(name);
        Some(Self::Own(Box::new(Shared::new(config).expect("it can work"))))
    }

    pub(super) fn ask(&self) -> Said {
        match self {
            Self::Each(each) => each.ask(),
            Self::Own(shared) => match shared.check("key") {
                Decision::Allowed { .. } => Said::Admitted,
                Decision::Denied { reason: Reason::Quota | Reason::StoreForgot, .. } => {
                    Said::Denied
                }
                Decision::Denied { .. } => Said::Later,
            },
        }
    }

    /// How often it talked to the store.
    pub(super) fn calls(&self) -> u64 {
        match self {
            // Relaxed: who counts was joined.
            Self::Each(each) => each.calls.load(Ordering::Relaxed),
            Self::Own(shared) => shared.metrics().calls,
        }
    }

    /// How much more than the limit may be admitted.
    pub(super) fn bound(&self, crashes: u64) -> u64 {
        match self {
            Self::Each(_) => 0,
            Self::Own(shared) => shared.error_bound(crashes),
        }
    }
}

impl Each {
    fn ask(&self) -> Said {
        // Relaxed: only the number counts.
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mut connection = self.connection.lock().expect("nothing panics");
        if connection.is_none() {
            *connection = self.client.get_connection().ok();
        }
        let increment = |connection: &mut redis::Connection| {
            redis::cmd("INCR").arg("key").query::<u64>(connection).ok()
        };
        match connection.as_mut().and_then(increment) {
            Some(count) if count <= self.limit => Said::Admitted,
            Some(_) => Said::Denied,
            None => {
                *connection = None;
                Said::Later
            }
        }
    }
}

/// `limit-shared:NODES:BATCH`, and `NAME:NODES` with trouble: so many nodes that ask some 10,000 times a second each,
/// of a Redis of their own.
pub fn shared(contender: &str, name: &str, parameters: &[&str]) -> Option<Done> {
    let nodes = parameters.first()?.parse().ok()?;
    let batch = parameters.get(1).map_or(Some(BATCH), |batch| batch.parse().ok())?;
    let trouble = match name {
        "limit-frozen" => Trouble::Frozen,
        "limit-killed" => Trouble::Killed,
        "limit-lossy" => Trouble::Lossy,
        "limit-skew" => Trouble::Skewed,
        _ => Trouble::None,
    };
    let limit = if trouble == Trouble::None { 20_000 } else { 8_000 };
    let mut server = Server::known().expect(INSTALLED);
    let proxy = Proxy::to(&server);
    // Relaxed: it carries nothing.
    proxy.each.store(LOST, Ordering::Relaxed);
    let url = if trouble == Trouble::Lossy { proxy.url() } else { server.url() };
    let start = |name: u64| Node::new(contender, &url, &name.to_string(), limit, nodes, batch);
    let nodes: Vec<_> = (0..nodes).map(start).collect::<Option<_>>()?;
    let asked = all(&nodes, trouble, &mut server);
    let calls = nodes.iter().map(Node::calls).sum();
    let right = match (trouble, contender) {
        // A store that forgot begins anew for who asks each time, and admits nothing more otherwise.
        (Trouble::Killed, "each") => limit / 2..=2 * limit,
        (Trouble::Killed, _) => 0..=limit + nodes[0].bound(0),
        _ => limit / 2..=limit + nodes[0].bound(0),
    };
    Some(asked.told(limit, calls, right))
}

/// What came of it.
pub(super) struct Asked {
    pub(super) admitted: u64,
    /// Of each decision.
    pub(super) times: Vec<u64>,
    pub(super) watch: Watch,
}

impl Asked {
    pub(super) fn told(mut self, limit: u64, calls: u64, right: RangeInclusive<u64>) -> Done {
        let longest = self.times.iter().copied().max().unwrap_or_default();
        let p99_us = p99(&mut self.times) as f64 / 1e3;
        Done::timed(self.admitted, &self.watch)
            .with("over", self.admitted.saturating_sub(limit) as f64)
            .with("under", limit.saturating_sub(self.admitted) as f64)
            .with("wrong", f64::from(u8::from(!right.contains(&self.admitted))))
            .with("calls_per_1000", calls as f64 * 1e3 / self.admitted as f64)
            .with("p99_us", p99_us)
            .with("longest_ms", longest as f64 / 1e6)
    }
}

/// Asks as long as `goes_on` says of how many were admitted, and denied in a row; how many were admitted, and how long
/// each decision took.
pub(super) fn serve(
    ask: impl Fn() -> Said,
    pause: Duration,
    mut goes_on: impl FnMut(u64, u32) -> bool,
) -> (u64, Vec<u64>) {
    let (mut admitted, mut times, mut denied) = (0, Vec::new(), 0);
    while goes_on(admitted, denied) {
        let begun = Instant::now();
        let said = black_box(ask());
        times.push(u64::try_from(begun.elapsed().as_nanos()).expect("it is short"));
        match said {
            Said::Admitted => (admitted, denied) = (admitted + 1, 0),
            Said::Denied => denied += 1,
            Said::Later => {}
        }
        thread::sleep(pause);
    }
    (admitted, times)
}

/// A thread for each node, which asks until it is told no for long; a slow one, until the quick one is.
fn all(nodes: &[Node], trouble: Trouble, server: &mut Server) -> Asked {
    let (watch, ended) = (Watch::start(), AtomicBool::new(false));
    let serve = |at: usize, node: &Node| {
        let slow = trouble == Trouble::Skewed && at > 0;
        let pause = if slow { LONG_PAUSE } else { PAUSE };
        // Relaxed: it carries nothing.
        let goes_on = |_, denied| denied < DENIED && !(slow && ended.load(Ordering::Relaxed));
        let asked = serve(|| node.ask(), pause, goes_on);
        if at == 0 {
            // Relaxed: as above.
            ended.store(true, Ordering::Relaxed);
        }
        asked
    };
    let (mut admitted, mut times) = (0, Vec::new());
    thread::scope(|scope| {
        let serve = &serve;
        scope.spawn(|| come_over(server, trouble));
        let start = |(at, node)| scope.spawn(move || serve(at, node));
        let serving: Vec<_> = nodes.iter().enumerate().map(start).collect();
        for node in serving {
            let (more, mut taken) = node.join().expect("it does not panic");
            admitted += more;
            times.append(&mut taken);
        }
    });
    Asked { admitted, times, watch }
}

fn come_over(server: &mut Server, trouble: Trouble) {
    match trouble {
        Trouble::None | Trouble::Lossy | Trouble::Skewed => {}
        Trouble::Frozen => {
            thread::sleep(WELL);
            server.pause();
            thread::sleep(FROZEN);
            server.resume();
        }
        Trouble::Killed => {
            thread::sleep(WELL);
            server.stop();
            thread::sleep(GONE);
            server.restart();
        }
    }
}
